/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_SEALS_H
#define CLIENT_VERIFY_SEALS_H
/*
 * Whether the entries that tell of the ways to open the bank's keys
 * (common/seal_event.h) tell of every change of them.  Each has the number of
 * the last change.  Where that is not the one of the entry before, or the next
 * one of an entry that tells of a change itself, changes were made of which no
 * entry tells, or an older root.sealed was put back.
 *
 * Of the first of these entries nothing can be said: a bank of an older
 * version has changed what opens it without any.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/entry.h"

#define AUDIT_SEALS_TOLD 20

struct verify;
struct audit_entry;

/* Two entries, one after the other, that do not go together. */
struct audit_seal_gap {
	uint64_t from_leaf;
	uint64_t from_ms; /* when what they tell of was done */
	uint64_t to_leaf;
	uint64_t to_ms;
	uint32_t expected;
	uint32_t set;
};

struct audit_seals {
	uint64_t leaf; /* of the last such entry; 0: none yet */
	uint64_t time_ms;
	uint32_t set;
	uint64_t gaps;
	uint64_t last_gap;                            /* its later leaf */
	struct audit_seal_gap told[AUDIT_SEALS_TOLD]; /* the first of them */
};

/* Such an entry; false after a verdict. */
bool audit_seal(struct verify *verify, const struct audit_entry *entry,
    const struct entry_event *event);

/*
 * A gap after the newest checkpoint that was kept elsewhere: whoever has kept
 * that cannot have seen it.
 */
bool audit_seals_unseen(const struct verify *verify);

/* Each gap; nothing where there is none. */
void audit_seals_report(const struct verify *verify);
void audit_seals_report_json(const struct audit_seals *seals);

#endif
