/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_TILES_H
#define CLIENT_VERIFY_TILES_H
/*
 * The public tree beside the walk over the journal: each file that its entries
 * give, hash by hash, against the one that is there.  A file that is not there,
 * or ends before its time as after a power cut, is counted: it is derived,
 * `strongroomctl rebuild-tiles' makes it.  One with other bytes is tampered
 * with.  A directory without public/tile is not looked at further.
 */
#include "common/tiles.h"

struct verify;

struct verify_tiles {
	bool wanted;   /* whether anything is done here */
	bool ends;     /* at that size; else the walk goes on beyond it */
	uint64_t size; /* of the published checkpoint */
	tiles_put put; /* what is done with a file, and its context */
	void *context;
	uint64_t checked; /* files */
	uint64_t missing;
	char first_missing[TILES_PATH_MAX];
	struct tiles_edge edge;
};

/* After public/checkpoint was read, before the walk. */
void verify_tiles_begin(struct verify *verify);

/* The next entry's leaf.  False after a verdict. */
bool verify_tiles_entry(
    struct verify *verify, const uint8_t leaf[JOURNAL_LEAF_LEN]);

#endif
