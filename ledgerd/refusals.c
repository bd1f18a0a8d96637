/* SPDX-License-Identifier: ISC */
/* Refusals of keyd's, into the journal (refusals.h). */
#include "ledgerd/refusals.h"

#include <string.h>

#include "common/refusal.h"
#include "ledgerd/commit.h"
#include "ledgerd/ledgerd.h"

/* Comes in the midst of a commit, too: it only adds. */
void
ledgerd_take_keyd_refusals(
    struct ledgerd *ledgerd, const struct message_refusals *m)
{
	struct entry_event event = {
	    .code = SYSTEM_REFUSALS, .subject = m->since};
	struct refusals told;

	memcpy(event.detail, m->counts, sizeof(event.detail));
	if (refusals_of(&event, &told) == SR_OK)
		refusals_add(&ledgerd->refusals, &told);
	else
		ledgerd_refuse_keyd(ledgerd, MESSAGE_REFUSALS, SR_MALFORMED);
}

enum sr_error
refusals_write(struct ledgerd *ledgerd)
{
	struct refusals writing = ledgerd->refusals;
	uint64_t now_ms = env_clock_ms(ledgerd->env);
	struct entry_event event;
	enum sr_error error;

	if (writing.since_ms == 0 || ledgerd->phase != PHASE_OPEN ||
	    ledgerd->admission.closed != SR_OK)
		return SR_OK;
	/* the clock may have been set back meanwhile */
	if (writing.since_ms > now_ms)
		writing.since_ms = now_ms;
	event = refusals_event(&writing);
	memset(&ledgerd->refusals, 0, sizeof(ledgerd->refusals));
	error = commit_system(ledgerd, &event);
	if (!admission_is_refusal(error))
		return error;
	admission_refused(ledgerd, error);
	refusals_add(&ledgerd->refusals, &writing);
	return SR_OK;
}
