/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_ARCHIVE_H
#define LEDGERD_ARCHIVE_H
/*
 * Reading back what stands in the journal: single frames by position, for
 * statements and stored answers.  Keeps a few segments open with their keys,
 * and sparse indexes from leaves to positions: one of what was replayed and
 * written since, and one for each older segment in which a leaf was looked
 * for.  Reads only; trusts nothing that it reads: the seal and the commitment
 * are checked each time.
 *
 * The key of a segment before the last snapshots is a logged operation of
 * keyd's, so reading an old frame may journal a USE: never within a batch.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/journal.h"

struct ledgerd;

enum {
	ARCHIVE_OPEN_MAX = 8,
	ARCHIVE_OLD_KEYS = 256, /* are kept, so that each is logged once */
	ARCHIVE_STEP = 64,      /* each so many leaves, one position is kept */
	/* What a segment can hold: no frame is shorter than 184 bytes. */
	ARCHIVE_SEGMENT_INDEX =
	    JOURNAL_SEGMENT_MAX_LEN / 184 / ARCHIVE_STEP + 1,
};

/* The key of a segment that keyd gives by a logged use only. */
struct archive_key {
	bool known;
	uint32_t segment;
	uint8_t key[32];
};

/*
 * What one who asks has been given of them.  A customer may ask for the
 * receipt of any leaf, also of a stranger's: without a share of its own each
 * could use up what keyd gives to all, at most 120 in an hour.
 */
enum {
	ARCHIVE_ASKERS = 120, /* each has a key: keyd gives no more */
	ARCHIVE_SHARE = 40,   /* keys of one asker in an hour */
};

struct archive_asker {
	uint64_t customer;
	uint32_t given;
};

struct archive_segment {
	env_file file; /* ENV_NO_FILE: free */
	uint32_t number;
	uint64_t len;
	uint8_t key[32];
	uint64_t first_seq;
	/* Offset of leaf first_seq + ARCHIVE_STEP * i; 0: not made yet. */
	uint32_t index_count;
	uint32_t index[ARCHIVE_SEGMENT_INDEX];
};

struct archive {
	struct archive_segment open[ARCHIVE_OPEN_MAX];
	unsigned next; /* to be given up */
	struct archive_key old_keys[ARCHIVE_OLD_KEYS];
	unsigned next_old_key;  /* to be given up */
	uint64_t asks_again_ms; /* keyd gives no old keys before; clock */
	uint64_t asker;      /* whose question is answered; 0: the bank's own */
	uint64_t asked_hour; /* clock; the others were in an earlier one */
	struct archive_asker askers[ARCHIVE_ASKERS];
	unsigned asker_count;
	bool told;             /* the operators, of a damaged segment: */
	uint32_t told_segment; /* the last one that they were told of */
	uint64_t index_first;  /* a multiple of ARCHIVE_STEP */
	/* of leaf index_first + ARCHIVE_STEP * i */
	struct journal_position *index;
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

/* A segment that is retired: neither file nor key are kept. */
void archive_forget(struct archive *archive, struct env *env, uint32_t number);

/* Where a reader of many leaves in a row goes on. */
struct archive_place {
	bool known;
	struct journal_position at;
};

/* Tells where a leaf stands; leaves come in order.  SR_MEMORY. */
enum sr_error archive_note(
    struct archive *archive, uint64_t leaf, struct journal_position position);

/*
 * Reads and opens the entry at a position.  SR_RETIRED when its segment is;
 * SR_DAMAGED when it is not a whole entry frame, SR_CRYPTO, SR_IO, or for all
 * three SR_UNREADABLE before the last snapshot, on which the bank does not
 * depend; SR_OLD_RECORDS when keyd gives no more keys of old segments in this
 * hour, when the asker has had its share of them, or when the bank is closed
 * and cannot log it.
 */
enum sr_error archive_read(struct ledgerd *ledgerd,
    struct journal_position position, struct archive_frame *out);

/* The segment in which a leaf stands, by the segments' headers. */
enum sr_error archive_find_segment(
    struct ledgerd *ledgerd, uint64_t leaf, uint32_t *number);

/* Reads the entry of a leaf.  SR_NOT_FOUND beyond the log, else as above. */
enum sr_error archive_leaf(
    struct ledgerd *ledgerd, uint64_t leaf, struct archive_frame *out);

/*
 * The same, looking from *place on, which is behind that leaf afterwards:
 * leaves in ascending order are read once.  *key: the segment's, until the
 * next call.
 */
enum sr_error archive_leaf_from(struct ledgerd *ledgerd, uint64_t leaf,
    struct archive_place *place, struct archive_frame *out,
    const uint8_t **key);

#endif
