/* SPDX-License-Identifier: ISC */
#ifndef COMMON_SEAL_EVENT_H
#define COMMON_SEAL_EVENT_H
/*
 * What was done with the ways to open a bank's keys (common/sealed.h): they
 * were opened, a way was added, taken out or noted as rehearsed.  As
 * strongroom-unlock tells it, strongroomd hands it on and ledgerd journals it
 * (SYSTEM_SEAL).
 *
 * Subject: the time ms at which it was done.  Detail, little-endian:
 *
 *	what 1 | kind 1 | number 2 | kind in hand 1 | ways 1
 *	| number in hand 2 | quorum 1 | shares 1 | by hand 1 | zero 1
 *	| set 4 | wrong 4
 *	| label 32 | zero 12
 *
 * The set counts the changes of root.sealed: where it is more than one ahead of
 * the entry before, changes were made that are in no entry; where it is behind,
 * an older root.sealed was put back.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/error.h"
#include "common/sealed.h"

/* Time and detail, as strongroom-unlock tells it. */
#define SEAL_EVENT_LEN (8u + ENTRY_DETAIL_LEN)

enum seal_what {
	SEAL_OPENED = 1,
	SEAL_ADDED = 2,
	SEAL_REMOVED = 3,
	SEAL_REHEARSED = 4,
};

struct seal_event {
	uint64_t time_ms;
	enum seal_what what;
	/* the envelope of which it tells */
	enum sealed_kind kind;
	uint16_t number;
	uint8_t quorum; /* of shares, else 0 */
	uint8_t shares;
	char label[SEALED_LABEL_MAX + 1];
	/* the one that opened the keys for it: opened, rehearsed: the same */
	enum sealed_kind hand_kind;
	uint16_t hand_number;
	bool by_hand; /* opened by somebody, not as the configuration says */
	/* afterwards */
	uint8_t ways;
	uint32_t set;
	uint32_t
	    wrong; /* tries that opened nothing since what was told before */
};

/* "opened" and so on; NULL for what there is not. */
const char *seal_what_name(unsigned what);

/* What was done with the envelope at index `about' by means of `hand'. */
struct seal_event seal_event_made(uint64_t time_ms, enum seal_what what,
    const struct sealed_envelope *about, const struct sealed_envelope *hand,
    const struct sealed *after);

/* The entry's event of it; its time is the caller's to set. */
struct entry_event seal_event_entry(const struct seal_event *seal);

/*
 * Whether it is worth an entry of its own.  A bank that only starts as it is
 * configured to, without a wrong secret before, adds nothing to its log before
 * somebody else does: it could else not be restored without loss from a backup
 * of before that start.
 */
bool seal_event_tells(const struct seal_event *seal);

/* Reads such an event; SR_MALFORMED for one that nothing can have led to. */
enum sr_error seal_event_of(
    const struct entry_event *event, struct seal_event *seal);

#endif
