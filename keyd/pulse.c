/* SPDX-License-Identifier: ISC */
/*
 * The pulse on its way from netd to ledgerd.  Must never wait, nor be a way by
 * which netd makes work for anybody: what comes too often, or while ledgerd
 * does not take what waits for it, is dropped, and strongroomd asks again.
 */
#include "keyd/keyd.h"

void
keyd_take_netd_pulse_keyd(struct keyd *k, const struct message_pulse_keyd *m)
{
	const struct message_pulse_ledgerd on = {.number = m->number};
	const struct message_pulse_seen seen = {.number = m->number};
	uint64_t now_ms = env_boot_ms(k->env);

	if (m->generation != k->generation) {
		k->refused++;
		return;
	}
	if (now_ms - k->pulsed_ms < KEYD_PULSE_MS ||
	    !outbox_empty(&k->to_ledgerd))
		return;
	k->pulsed_ms = now_ms;
	KEYD_SEND(k, to_ledgerd, pulse_ledgerd, PULSE_LEDGERD, &on);
	/* room in there is for answers */
	if (outbox_empty(&k->to_control))
		KEYD_SEND(k, to_control, pulse_seen, PULSE_SEEN, &seen);
}
