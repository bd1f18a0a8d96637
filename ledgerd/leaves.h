/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_LEAVES_H
#define LEDGERD_LEAVES_H
/*
 * The log's leaves, read again from the journal's frames, in their order, or
 * from what stays of retired segments.  No key is needed, so no use of one is
 * logged: whoever has the segments can do the same.  What is read is not
 * checked against the tree; the caller does.
 */
#include "common/env.h"
#include "common/journal.h"

struct ledgerd;

enum { LEAVES_WINDOW_LEN = 128 * 1024 };

/* A place in the journal; all zeros but file is none. */
struct leaves {
	env_file file; /* ENV_NO_FILE: none is open */
	uint32_t segment;
	bool retired;  /* the file has leaves, and no frames */
	uint64_t len;  /* of the file */
	uint64_t at;   /* of the next frame, or leaf */
	uint64_t next; /* the index of the next leaf */
	uint64_t window_at;
	size_t window_len;
	uint8_t window[LEAVES_WINDOW_LEN];
};

void leaves_init(struct leaves *leaves);
void leaves_close(struct leaves *leaves, struct env *env);

/*
 * Goes to a leaf below the signed size.  SR_NOT_FOUND when its segment is not
 * there, SR_DAMAGED when the journal does not have the leaf where it must be,
 * SR_IO.  Reads at most one segment.
 */
enum sr_error leaves_seek(
    struct ledgerd *ledgerd, struct leaves *leaves, uint64_t leaf);

/* The next leaf's bytes; errors as above. */
enum sr_error leaves_read(struct ledgerd *ledgerd, struct leaves *leaves,
    uint8_t leaf[JOURNAL_LEAF_LEN]);

#endif
