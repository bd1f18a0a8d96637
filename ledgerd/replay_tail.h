/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_REPLAY_TAIL_H
#define LEDGERD_REPLAY_TAIL_H
/*
 * What follows the last whole batch of a segment, and the state of a replay
 * that is under way (for ledgerd/replay*.c only).
 */
#include "ledgerd/ledgerd.h"
#include "ledgerd/replay.h"

/* The window holds a whole batch wherever it starts. */
enum { REPLAY_WINDOW_LEN = 2 * FRAMES_LEN };

struct replay {
	struct ledgerd *ledgerd;
	uint8_t *window;
	uint64_t window_at; /* offset of its first byte in the segment */
	size_t window_len;

	env_file file; /* the segment that is being read */
	uint32_t segment;
	uint64_t len;
	uint64_t at;
	uint8_t key[32];

	struct merkle_frontier tree; /* of all whole batches so far */
	uint64_t signed_size;        /* keyd's */
	bool unsigned_batch;         /* one whole batch above it was found */
	uint32_t batch_segment;      /* where that batch is */
	uint64_t batch_at;
	size_t batch_len;
	uint8_t batch_hash[32]; /* SHA-256 of its bytes */
	size_t leaf_count;      /* of it */
};

/* A line that names the segment and the offset. */
void replay_complain(const struct replay *replay, const char *what);

/*
 * Looks at the rest of the segment from `at' on: zeros are right everywhere.
 * SR_VERSION, and nothing is changed, when that is why no frame was found.
 * Else above keyd's size anything is copied aside and cut; below it it is
 * damage: SR_DAMAGED.
 */
enum sr_error replay_end_segment(
    struct replay *replay, enum sr_error why, struct replay_tail *tail);

/*
 * In a restore start: a segment that does not follow what was read, and all
 * after it, go to ledger/segment/lost-NUMBER.  The last one first: after a cut the
 * rest is met again.
 */
enum sr_error replay_set_aside(struct replay *replay);

#endif
