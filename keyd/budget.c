/* SPDX-License-Identifier: ISC */
/*
 * The budgets of policy/messages.def: how much of something keyd does in an
 * hour, whoever asks.  Counted in the file before it is done, so that a restart
 * gives no new one; on disk, before a key leaves.
 */
#include <string.h>

#include "gen/events.h"
#include "keyd/keyd.h"

void
keyd_refusal(struct keyd *k, enum refusal refusal)
{
	struct refusals one = {.since_ms = env_clock_ms(k->env)};

	one.count[refusal] = 1;
	if (k->untold.since_ms == 0)
		k->untold_ms = env_boot_ms(k->env);
	refusals_add(&k->untold, &one);
	k->refusals[refusal]++;
}

/* Those beyond a budget, for systemd's journal. */
static void
tell_budgets(struct keyd *k, const struct refusals *refusals)
{
	for (unsigned i = 0; i < REFUSAL_BUDGETS; i++) {
		const struct message_room_event event = {
		    .kind = EVENT_BUDGET_REFUSED,
		    .one = i,
		    .two = refusals->count[i]};

		if (refusals->count[i] > 0)
			KEYD_SEND(
			    k, to_control, room_event, ROOM_EVENT, &event);
	}
}

void
keyd_tell_refusals(struct keyd *k)
{
	struct message_refusals told = {.since = k->untold.since_ms};
	struct entry_event event;

	if (told.since == 0 || !k->tree_started ||
	    !outbox_empty(&k->to_ledgerd) ||
	    env_boot_ms(k->env) - k->untold_ms < KEYD_REFUSALS_MS)
		return;
	event = refusals_event(&k->untold);
	memcpy(told.counts, event.detail, sizeof(told.counts));
	KEYD_SEND(k, to_ledgerd, refusals, REFUSALS, &told);
	tell_budgets(k, &k->untold);
	memset(&k->untold, 0, sizeof(k->untold));
}

enum sr_error
keyd_budget(struct keyd *k, enum refusal budget, uint32_t most)
{
	uint64_t retry_ms;
	enum sr_error error = limits_hour(
	    &k->limits, budget, most, env_clock_ms(k->env), &retry_ms);

	if (error == SR_LATER) {
		keyd_refusal(k, budget);
		return SR_BUDGET;
	}
	return keyd_fail(k, "limits", error);
}

enum sr_error
keyd_budget_on_disk(struct keyd *k, enum refusal budget, uint32_t most)
{
	enum sr_error error = keyd_budget(k, budget, most);

	return error == SR_OK ? keyd_fail(k, "limits", limits_sync(&k->limits))
			      : error;
}
