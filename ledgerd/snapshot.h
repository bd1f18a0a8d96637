/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_SNAPSHOT_H
#define LEDGERD_SNAPSHOT_H
/*
 * Snapshots: the state of the books at one size of the log, so that a start
 * reads that and what came after, however long the journal is.
 *
 * When: a segment was begun, and since the last snapshot the journal has
 * grown by at least as much as that one is long.  So all snapshots together
 * cost no more than the journal, and a start reads no more than twice what it
 * must.
 *
 * How: written as ledger/snapshot/new, synced, renamed to its number, the
 * directory synced; then a SYSTEM entry with its size, place and SHA-256,
 * which keyd takes into its state together with the leaf.  A crash anywhere
 * leaves the old ones, or the new one too.  The last two are kept, and the one
 * that an auditor has signed last.
 *
 * It is made in one piece between two commits: orders wait meanwhile.
 */
#include <stdbool.h>

#include "common/entry.h"
#include "common/error.h"
#include "common/merkle.h"

struct ledgerd;

struct snapshots {
	struct entry_snapshot last;      /* number 0: none yet */
	uint64_t last_len;               /* of its file */
	struct entry_snapshot certified; /* number 0: none */
	uint64_t certified_leaf;         /* of the auditor's order */
	/* all segments before its own are retired; number 0: none */
	struct entry_snapshot cut;
	bool due;
};

/* A segment was begun: is it time for another? */
void snapshot_consider(struct ledgerd *ledgerd);

/* Makes one of the state as it is; nothing of it is unsigned. */
enum sr_error snapshot_make(struct ledgerd *ledgerd);

/*
 * Whether a snapshot with these numbers and that hash is one of the last two;
 * keyd is asked.  SR_NOT_FOUND.
 */
enum sr_error snapshot_is_known(
    struct ledgerd *ledgerd, const struct entry_snapshot *snapshot);

/* The auditor's order of that leaf was taken by keyd: another file stays. */
enum sr_error snapshot_certified(struct ledgerd *ledgerd);

/*
 * Whether all before that snapshot may be retired: it is the certified one,
 * not newer than the last but one, and above the last cut; keyd is asked.
 * SR_NOT_FOUND.
 */
enum sr_error snapshot_may_retire(
    struct ledgerd *ledgerd, const struct order_retire *retire);

/* A retirement was taken by keyd: the file of the last cut goes. */
enum sr_error snapshot_retired(struct ledgerd *ledgerd);

/* The salt in the header of a snapshot's file; SR_NOT_FOUND, SR_DAMAGED. */
enum sr_error snapshot_salt(
    struct ledgerd *ledgerd, uint32_t number, uint8_t salt[32]);

/* A SYSTEM entry that the replay came by. */
enum sr_error snapshot_replayed(
    struct ledgerd *ledgerd, const struct entry_event *event);

/*
 * At start: fills the empty books from the newest snapshot that is whole, and
 * says what is wrong with those that are not.  *tree is the log's at its size,
 * ledgerd->snapshots.last.number 0 when there is none to start from.
 */
enum sr_error snapshot_load(
    struct ledgerd *ledgerd, struct merkle_frontier *tree);

#endif
