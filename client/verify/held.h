/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_HELD_H
#define CLIENT_VERIFY_HELD_H
/*
 * Receipts that customers hold, against the log (--receipts DIR).
 *
 * keyd has signed that a receipt's entry is leaf `index' of a tree, so the
 * walk must meet that leaf there, and that tree's root at the end of a batch.
 * What a customer has altered is told, too, and speaks against nobody's log.
 *
 * Memory: about 130 bytes and the name of each file.
 */
#include "client/verify/verify.h"

enum {
	HELD_FILES_MAX = 262144,
	HELD_BAD_TOLD = 20,
	HELD_WHY_MAX = 200,
};

struct held_receipt {
	uint64_t index;
	uint64_t size; /* of the tree under the checkpoint */
	uint32_t epoch;
	bool given_up; /* the checkpoint, by a restore note */
	uint8_t leaf[32];
	uint8_t root[32];
	const char *name; /* of the file, as it may be printed */
};

/* One that is not good in itself, or whose entry was given up. */
struct held_bad {
	const char *name;
	char why[HELD_WHY_MAX];
};

struct held {
	const char *directory;
	char **name; /* of all files, in order; freed by held_end() */
	size_t name_count, name_room;
	struct held_receipt *receipt; /* by index */
	size_t count;
	const struct held_receipt **head; /* not given up; by size */
	size_t head_count;
	struct held_bad bad[HELD_BAD_TOLD];
	uint64_t bad_count;
};

/*
 * Reads every file of the directory, after the certificates and the restore
 * notes were read.  False after a verdict, `could not': something there is no
 * regular file, cannot be read or is of a newer version, or there are more
 * than HELD_FILES_MAX.
 */
bool held_begin(struct verify *verify, struct held *held);
void held_end(struct held *held);

/*
 * The walk is at the entry verify->tree.size, which has that leaf: NULL, or a
 * sentence about the receipt that is of another entry.
 */
const char *held_entry(struct verify *verify, const uint8_t leaf[32]);

/* The checkpoint of a receipt that the walk must meet next; NULL: none. */
const struct held_receipt *held_next_head(const struct verify *verify);

/* Size of the largest that it has met; 0: none. */
uint64_t held_met(const struct verify *verify);

/* After the walk: all were met, and none is bad.  False after a verdict. */
bool held_finish(struct verify *verify);

/* What the auditor reads of them. */
void held_report(const struct verify *verify);
void held_report_json(const struct verify *verify);

#endif
