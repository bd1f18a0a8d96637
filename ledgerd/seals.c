/* SPDX-License-Identifier: ISC */
/* What opens the bank, into the journal (seals.h). */
#include "ledgerd/seals.h"

#include <string.h>

#include "common/diag.h"
#include "ledgerd/commit.h"
#include "ledgerd/ledgerd.h"

void
ledgerd_take_monitor_seal_event(
    struct ledgerd *ledgerd, const struct message_seal_event *m)
{
	struct entry_event event = {.code = SYSTEM_SEAL, .subject = m->time};
	struct seal_event seal;

	memcpy(event.detail, m->detail, sizeof(event.detail));
	if (seal_event_of(&event, &seal) != SR_OK)
		ledgerd_refuse_monitor(
		    ledgerd, MESSAGE_SEAL_EVENT, SR_MALFORMED);
	else if (ledgerd->seal_count < LEDGERD_SEALS_MAX)
		ledgerd->seals[ledgerd->seal_count++] = seal;
	else
		diag_warn("that the keys were %s does not come into the "
			  "journal: it takes no entries, and too much waits",
		    seal_what_name(seal.what));
}

enum sr_error
seals_write(struct ledgerd *ledgerd, bool grown)
{
	bool writes = grown;

	for (size_t i = 0; i < ledgerd->seal_count; i++)
		writes |= seal_event_tells(&ledgerd->seals[i]);
	while (writes && ledgerd->seal_count > 0 &&
	       ledgerd->phase == PHASE_OPEN &&
	       ledgerd->admission.closed == SR_OK) {
		struct seal_event seal = ledgerd->seals[0];
		uint64_t now_ms = env_clock_ms(ledgerd->env);
		struct entry_event event;
		enum sr_error error;

		/* the clock may have been set back meanwhile */
		if (seal.time_ms > now_ms)
			seal.time_ms = now_ms;
		event = seal_event_entry(&seal);
		error = commit_system(ledgerd, &event);
		if (admission_is_refusal(error)) {
			admission_refused(ledgerd, error);
			return SR_OK;
		}
		if (error != SR_OK)
			return error;
		ledgerd->seal_count--;
		memmove(&ledgerd->seals[0], &ledgerd->seals[1],
		    ledgerd->seal_count * sizeof(ledgerd->seals[0]));
	}
	return SR_OK;
}
