/* SPDX-License-Identifier: ISC */
#ifndef COMMON_REFUSAL_H
#define COMMON_REFUSAL_H
/*
 * What keyd refuses and counts: more of something than an hour's budget
 * (policy/messages.def), attempts at a log-in before their time, and messages
 * that are not allowed or not understood.  Numbers stay for ever; those below
 * REFUSAL_BUDGETS are budgets, and name their place in the file "limits".
 */
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/error.h"

enum refusal {
	REFUSAL_REGISTRATIONS = 0, /* without an invitation */
	REFUSAL_DISCLOSURES = 1,   /* keys sealed to auditors */
	REFUSAL_OLD_SEGMENTS = 2,  /* keys of old segments, for ledgerd */
	REFUSAL_INVITATIONS = 3,
	REFUSAL_TERMINAL_KEYS = 4, /* for cards */
	REFUSAL_BACKUPS = 5,       /* begun */
	REFUSAL_RESETS = 6,        /* codes of customers without password */
	REFUSAL_ROTATIONS = 7,     /* of keys while keyd runs */
	REFUSAL_BUDGETS = 8,

	REFUSAL_OPEN = 8, /* log-ins before their time: at open terminals, */
	REFUSAL_TERMINAL = 9, /* at enrolled ones, */
	REFUSAL_DEVICE = 10,  /* by a device token */
	REFUSAL_NETD = 11,    /* messages of netd's, */
	REFUSAL_LEDGERD = 12, /* of ledgerd's, */
	REFUSAL_CONTROL = 13, /* of strongroomctl's and strongroomd's */
	REFUSAL_KINDS = 16,
};

/* Its name for scripts, such as "old_segments"; NULL for a free number. */
const char *refusal_name(size_t refusal);

/* As they are told to ledgerd and journaled (SYSTEM_REFUSALS). */
struct refusals {
	uint64_t since_ms; /* the first one's time; 0: there is none */
	uint32_t count[REFUSAL_KINDS];
};

/* Adds others: at most UINT32_MAX of a kind, since the earlier time. */
void refusals_add(struct refusals *refusals, const struct refusals *others);

/* The event of them; the time is the caller's to set. */
struct entry_event refusals_event(const struct refusals *refusals);

/* Reads such an event; SR_MALFORMED when it tells of none, or of no time. */
enum sr_error refusals_of(
    const struct entry_event *event, struct refusals *refusals);

#endif
