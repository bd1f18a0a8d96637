/* SPDX-License-Identifier: ISC */
/* Names and bytes of seal_event.h. */
#include "common/seal_event.h"

#include <string.h>

#include "common/buffer.h"

const char *
seal_what_name(unsigned what)
{
	static const char *const names[] = {[SEAL_OPENED] = "opened",
	    [SEAL_ADDED] = "added",
	    [SEAL_REMOVED] = "removed",
	    [SEAL_REHEARSED] = "rehearsed"};

	return what < sizeof(names) / sizeof(names[0]) ? names[what] : NULL;
}

struct seal_event
seal_event_made(uint64_t time_ms, enum seal_what what,
    const struct sealed_envelope *about, const struct sealed_envelope *hand,
    const struct sealed *after)
{
	struct seal_event seal = {
	    .time_ms = time_ms,
	    .what = what,
	    .kind = about->kind,
	    .number = about->number,
	    .quorum = about->quorum,
	    .shares = about->shares,
	    .hand_kind = hand->kind,
	    .hand_number = hand->number,
	    .ways = (uint8_t)after->count,
	    .set = after->set,
	};

	memcpy(seal.label, about->label, sizeof(seal.label));
	return seal;
}

struct entry_event
seal_event_entry(const struct seal_event *seal)
{
	struct entry_event event = {
	    .code = SYSTEM_SEAL, .subject = seal->time_ms};
	struct writer w = writer_to(event.detail, sizeof(event.detail));

	writer_u8(&w, (uint8_t)seal->what);
	writer_u8(&w, (uint8_t)seal->kind);
	writer_u16(&w, seal->number);
	writer_u8(&w, (uint8_t)seal->hand_kind);
	writer_u8(&w, seal->ways);
	writer_u16(&w, seal->hand_number);
	writer_u8(&w, seal->quorum);
	writer_u8(&w, seal->shares);
	writer_u8(&w, seal->by_hand);
	writer_zeros(&w, 1);
	writer_u32(&w, seal->set);
	writer_u32(&w, seal->wrong);
	writer_bytes(&w, seal->label, sizeof(seal->label));
	return event;
}

/* One of version 1, and one that was made of it, may have no label. */
static bool
label_holds(const char label[SEALED_LABEL_MAX + 1])
{
	size_t len = strnlen(label, SEALED_LABEL_MAX + 1);

	if (len > SEALED_LABEL_MAX ||
	    (len > 0 && !sealed_label_valid(label, len)))
		return false;
	for (size_t i = len; i <= SEALED_LABEL_MAX; i++)
		if (label[i] != '\0')
			return false;
	return true;
}

static bool
kind_known(enum sealed_kind kind)
{
	return kind >= SEALED_PASSPHRASE && kind <= SEALED_SHARES;
}

static bool
holds(const struct seal_event *seal)
{
	const bool same =
	    seal->kind == seal->hand_kind && seal->number == seal->hand_number;
	const bool of_shares = seal->quorum >= SHARE_QUORUM_MIN &&
			       seal->quorum <= seal->shares &&
			       seal->shares <= SHARE_COUNT_MAX;

	if (seal->time_ms == 0 || !kind_known(seal->kind) ||
	    !kind_known(seal->hand_kind) || seal->ways == 0 ||
	    seal->ways > SEALED_ENVELOPES_MAX || seal->set > UINT16_MAX ||
	    seal->number > seal->set || seal->hand_number > seal->set ||
	    !label_holds(seal->label))
		return false;
	if (seal->kind == SEALED_SHARES
		? !of_shares
		: seal->quorum != 0 || seal->shares != 0)
		return false;
	switch (seal->what) {
	case SEAL_OPENED:
		return same;
	case SEAL_ADDED:
		return !same && seal->number == seal->set && seal->ways > 1;
	case SEAL_REMOVED:
		return !same && seal->number < seal->set &&
		       seal->ways < SEALED_ENVELOPES_MAX;
	case SEAL_REHEARSED:
		return same && seal->kind == SEALED_SHARES &&
		       seal->number < seal->set;
	}
	return false;
}

bool
seal_event_tells(const struct seal_event *seal)
{
	return seal->what != SEAL_OPENED || seal->by_hand || seal->wrong > 0;
}

enum sr_error
seal_event_of(const struct entry_event *event, struct seal_event *seal)
{
	struct reader r = reader_of(event->detail, sizeof(event->detail));
	uint8_t by_hand;

	*seal = (struct seal_event){.time_ms = event->subject};
	seal->what = (enum seal_what)reader_u8(&r);
	seal->kind = (enum sealed_kind)reader_u8(&r);
	seal->number = reader_u16(&r);
	seal->hand_kind = (enum sealed_kind)reader_u8(&r);
	seal->ways = reader_u8(&r);
	seal->hand_number = reader_u16(&r);
	seal->quorum = reader_u8(&r);
	seal->shares = reader_u8(&r);
	by_hand = reader_u8(&r);
	seal->by_hand = by_hand == 1;
	reader_zeros(&r, 1);
	seal->set = reader_u32(&r);
	seal->wrong = reader_u32(&r);
	reader_bytes(&r, (uint8_t *)seal->label, sizeof(seal->label));
	reader_zeros(&r, reader_left(&r));
	return event->code == SYSTEM_SEAL && reader_end(&r) && holds(seal) &&
		       by_hand <= (seal->what == SEAL_OPENED)
		   ? SR_OK
		   : SR_MALFORMED;
}
