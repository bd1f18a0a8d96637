/* SPDX-License-Identifier: ISC */
/* Names and bytes of refusal.h. */
#include "common/refusal.h"

#include "common/buffer.h"

const char *
refusal_name(size_t refusal)
{
	static const char *const names[REFUSAL_KINDS] = {
	    [REFUSAL_REGISTRATIONS] = "registrations",
	    [REFUSAL_DISCLOSURES] = "disclosures",
	    [REFUSAL_OLD_SEGMENTS] = "old_segments",
	    [REFUSAL_INVITATIONS] = "invitations",
	    [REFUSAL_TERMINAL_KEYS] = "terminal_keys",
	    [REFUSAL_BACKUPS] = "backups",
	    [REFUSAL_RESETS] = "resets",
	    [REFUSAL_ROTATIONS] = "rotations",
	    [REFUSAL_OPEN] = "attempts_open",
	    [REFUSAL_TERMINAL] = "attempts_terminal",
	    [REFUSAL_DEVICE] = "attempts_device",
	    [REFUSAL_NETD] = "netd_messages",
	    [REFUSAL_LEDGERD] = "ledgerd_messages",
	    [REFUSAL_CONTROL] = "control_messages",
	};

	return refusal < REFUSAL_KINDS ? names[refusal] : NULL;
}

void
refusals_add(struct refusals *refusals, const struct refusals *others)
{
	if (refusals->since_ms == 0 ||
	    (others->since_ms != 0 && others->since_ms < refusals->since_ms))
		refusals->since_ms = others->since_ms;
	for (size_t i = 0; i < REFUSAL_KINDS; i++) {
		uint32_t room = UINT32_MAX - refusals->count[i];

		refusals->count[i] +=
		    others->count[i] < room ? others->count[i] : room;
	}
}

struct entry_event
refusals_event(const struct refusals *refusals)
{
	struct entry_event event = {
	    .code = SYSTEM_REFUSALS, .subject = refusals->since_ms};
	struct writer w = writer_to(event.detail, sizeof(event.detail));

	for (size_t i = 0; i < REFUSAL_KINDS; i++)
		writer_u32(&w, refusals->count[i]);
	return event;
}

enum sr_error
refusals_of(const struct entry_event *event, struct refusals *refusals)
{
	struct reader r = reader_of(event->detail, sizeof(event->detail));
	uint64_t sum = 0;

	refusals->since_ms = event->subject;
	for (size_t i = 0; i < REFUSAL_KINDS; i++)
		sum += refusals->count[i] = reader_u32(&r);
	return event->code == SYSTEM_REFUSALS && event->subject > 0 &&
		       sum > 0 && reader_end(&r)
		   ? SR_OK
		   : SR_MALFORMED;
}
