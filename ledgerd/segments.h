/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_SEGMENTS_H
#define LEDGERD_SEGMENTS_H
/*
 * The journal's files ledger/segment/NNNNNNNN.log: made, filled with zeros
 * and synced ahead of their use, so that an order's sync finds blocks that
 * are on disk already and no length to change.  Knows nothing of frames.
 *
 * A segment is prepared as ledger/segment/next, in steps, and gets its number
 * by a rename when its zeros are durable: a file with a number has its whole
 * length.  What a crash leaves of `next' is written over.  The header says
 * what the log was when the segment was taken into use, so it is written and
 * synced then, before the first frame.
 *
 * Any error but SR_NOT_FOUND of segments_open() means that the room stops,
 * save where SR_NO_SPACE and SR_READ_ONLY are named: then the disk has refused
 * a write, nothing has come of it, and it may be asked again.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/journal.h"
#include "common/leaves_file.h"

enum {
	SEGMENTS_STEP_LEN = 512 * 1024,
	SEGMENTS_LEN_MIN = 64 * 1024,
};

struct segments {
	struct env *env;
	uint8_t bank_id[32];
	uint64_t new_len; /* of segments that are made from now on */
	uint64_t reserve; /* bytes that the next one must leave free */

	/* The open segment: where frames are appended. */
	bool any; /* false before the first segment of a bank */
	uint32_t number;
	env_file file;
	uint64_t len;
	uint64_t at; /* first free byte */

	/* The next one while it is made, and when it is ready. */
	env_file next_file;
	uint64_t next_filled;
	bool next_ready;
};

/* Nothing open yet.  new_len: bytes, at least 64 KiB. */
void segments_init(struct segments *segments, struct env *env,
    const uint8_t bank_id[32], uint64_t new_len, uint64_t reserve);

/* Closes what is open; syncs nothing. */
void segments_close(struct segments *segments);

/* The path of a segment's file. */
void segments_path(uint32_t number, char path[ENV_PATH_MAX]);

/* The same of what stays of it when it is retired. */
void segments_leaves_path(uint32_t number, char path[ENV_PATH_MAX]);

/*
 * Opens a segment's file and reads its header.  SR_NOT_FOUND when there is no
 * such file; SR_RETIRED when there is none, or one without a header, and
 * leaves that stayed of it; SR_AGAIN when the header is all zeros: made ready, not in use;
 * SR_DAMAGED when it is not the header of this bank's segment; with these
 * two the file is open, with all other errors not.
 */
enum sr_error segments_open(struct segments *segments, uint32_t number,
    enum env_open how, env_file *file, uint64_t *len,
    struct journal_segment *header);

/*
 * Opens what stays of a retired segment, and reads its header: it is of this
 * bank and that segment, and the file has its length.  SR_NOT_FOUND,
 * SR_DAMAGED, SR_VERSION, SR_IO: then nothing is open.
 */
enum sr_error segments_open_leaves(struct segments *segments, uint32_t number,
    env_file *file, struct leaves_file *header);

/*
 * The first leaf of a segment that was begun, retired or not.  Errors as
 * above, and SR_DAMAGED for one that was not begun.
 */
enum sr_error segments_first_seq(
    struct segments *segments, uint32_t number, uint64_t *first_seq);

/*
 * Takes the leaves of a retired segment into a tree that ends before them; it
 * is then the one that the file's header names.  Errors as above; the tree is
 * then in no defined state.
 */
enum sr_error segments_take_leaves(
    struct segments *segments, uint32_t number, struct merkle_frontier *tree);

/* Goes on appending at `at' of a segment that segments_open() has opened. */
void segments_resume(struct segments *segments, uint32_t number, env_file file,
    uint64_t len, uint64_t at);

/* The segment after the open one is there, all zeros: it is ready. */
void segments_adopt_next(struct segments *segments, env_file file);

/*
 * Makes the segment after the open one ready, one bounded step a call;
 * *ready tells when there is nothing left to do.  SR_NO_SPACE (also when less
 * than the reserve would remain), SR_READ_ONLY: what was begun is given up.
 */
enum sr_error segments_prepare(struct segments *segments, bool *ready);

/*
 * Goes over to the next segment (without an open one: to the first),
 * finishing its preparation when need be.  header: in: first_seq and root;
 * the rest is filled in.  SR_NO_SPACE, SR_READ_ONLY: the open one stays open.
 */
enum sr_error segments_rotate(
    struct segments *segments, struct journal_segment *header);

/* Bytes that still fit into the open segment. */
uint64_t segments_room(const struct segments *segments);

/*
 * Writes one zero where the next frame goes, and where one stands already:
 * whether the disk takes writes, asked before anything depends on it.
 * SR_NO_SPACE, SR_READ_ONLY.
 */
enum sr_error segments_probe(struct segments *segments);

/* Writes len bytes at the end of the open segment; not yet durable. */
enum sr_error segments_append(
    struct segments *segments, const void *bytes, size_t len);

#endif
