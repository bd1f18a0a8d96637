/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_ARCHIVE_H
#define LEDGERD_ARCHIVE_H
/*
 * Reading back what stands in the journal: single frames by position, for
 * statements and stored answers.  Keeps a few segments open with their keys,
 * and a sparse index from leaves to positions.  Reads only; trusts nothing
 * that it reads: the seal and the commitment are checked each time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/journal.h"

struct ledgerd;

enum {
	ARCHIVE_OPEN_MAX = 8,
	ARCHIVE_STEP = 64, /* each so many leaves, one position is kept */
};

struct archive_segment {
	env_file file; /* ENV_NO_FILE: free */
	uint32_t number;
	uint64_t len;
	uint8_t key[32];
};

struct archive {
	struct archive_segment open[ARCHIVE_OPEN_MAX];
	unsigned next;                  /* to be given up */
	struct journal_position *index; /* of leaf ARCHIVE_STEP * i */
	uint64_t index_count;
	uint64_t index_capacity;
};

/* A frame that was read; the pointers point into its own bytes. */
struct archive_frame {
	uint8_t bytes[JOURNAL_FRAME_MAX];
	uint8_t buffer[JOURNAL_PLAIN_MAX];
	struct journal_frame frame;
	struct journal_plain plain;
};

void archive_init(struct archive *archive);
void archive_close(struct archive *archive, struct env *env);

/* Tells where a leaf stands; leaves come in order.  SR_MEMORY. */
enum sr_error archive_note(
    struct archive *archive, uint64_t leaf, struct journal_position position);

/*
 * Reads and opens the entry at a position.  SR_DAMAGED when it is not a whole
 * entry frame, SR_CRYPTO, SR_IO; the segment's key comes from keyd.
 */
enum sr_error archive_read(struct ledgerd *ledgerd,
    struct journal_position position, struct archive_frame *out);

/* Reads the entry of a leaf.  SR_NOT_FOUND beyond the log, else as above. */
enum sr_error archive_leaf(
    struct ledgerd *ledgerd, uint64_t leaf, struct archive_frame *out);

#endif
