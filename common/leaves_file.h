/* SPDX-License-Identifier: ISC */
#ifndef COMMON_LEAVES_FILE_H
#define COMMON_LEAVES_FILE_H
/*
 * What stays of a retired segment (strongroom-journal(5)): its leaves, so
 * that every proof and receipt still verifies, and nothing that a key could
 * open.  Written by ledgerd; read by ledgerd, strongroom-verify and
 * strongroomctl.  No I/O here.
 *
 * Header, 136 bytes:
 *	magic 8 "SRLEAVE1" | version 2 | zero 2 | segment 4 | bank id 32
 *	| first seq 8 | count 8 | root of the tree of first-seq leaves 32
 *	| root of the tree of first seq + count leaves 32 | zero 4
 *	| crc32c 4 (of the 132 bytes before)
 * then `count' leaves of JOURNAL_LEAF_LEN bytes, and nothing after them.
 *
 * A segment is retired when its leaves are there, whole, and its .log is not.
 * While both are there the retirement is under way, and the .log counts.
 * Retired segments are those with the lowest numbers, without a gap.
 *
 * Security: the crc is against accidents only.  What a file of leaves says is
 * believed when the tree that its leaves lead to is one that keyd has signed;
 * leaves_file_append() computes that tree.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/journal.h"
#include "common/merkle.h"

#define LEAVES_FILE_VERSION 1u
#define LEAVES_FILE_HEADER_LEN 136u
#define LEAVES_FILE_NAME_MAX 24u /* "00000000.leaves" and final NUL */
/* More entries than the longest segment can have held. */
#define LEAVES_FILE_COUNT_MAX      \
	(JOURNAL_SEGMENT_MAX_LEN / \
	    (JOURNAL_HEADER_LEN + JOURNAL_PLAIN_STEP + JOURNAL_TAG_LEN))

struct leaves_file {
	uint32_t segment;
	uint8_t bank_id[32];
	uint64_t first_seq;
	uint64_t count;     /* at most LEAVES_FILE_COUNT_MAX */
	uint8_t before[32]; /* root of the tree of first_seq leaves */
	uint8_t after[32];  /* root of the tree with these leaves, too */
};

/* "00000000.leaves": the file's name; returns name. */
const char *leaves_file_name(uint32_t segment, char name[LEAVES_FILE_NAME_MAX]);

/*
 * The header.  decode gives SR_VERSION for a later version, of which nothing
 * else is known, and SR_DAMAGED for anything that is none: among it more
 * leaves than a segment can have, and none with two roots.
 */
void leaves_file_encode(
    const struct leaves_file *file, uint8_t bytes[LEAVES_FILE_HEADER_LEN]);
enum sr_error leaves_file_decode(
    const uint8_t bytes[LEAVES_FILE_HEADER_LEN], struct leaves_file *file);

/* Whether the header ends in the crc of what stands before. */
bool leaves_file_crc_right(const uint8_t bytes[LEAVES_FILE_HEADER_LEN]);

/* The length that the whole file must have, in bytes. */
uint64_t leaves_file_len(const struct leaves_file *file);

/* Where the leaf of that seq stands; it must be one of the file's. */
uint64_t leaves_file_offset(const struct leaves_file *file, uint64_t seq);

/*
 * One leaf of the file, the next one of the tree (tree->size is its seq).
 * SR_DAMAGED when its bytes are no leaf, or that of another segment or place;
 * then the tree is as before.
 */
enum sr_error leaves_file_append(const struct leaves_file *file,
    const uint8_t bytes[JOURNAL_LEAF_LEN], struct merkle_frontier *tree,
    struct journal_leaf *leaf);

/*
 * SR_OK when the tree, after the last leaf was appended, is the one that the
 * header says: of that size and root; else SR_DAMAGED.
 */
enum sr_error leaves_file_ends(
    const struct leaves_file *file, const struct merkle_frontier *tree);

/* The same before the first one. */
enum sr_error leaves_file_begins(
    const struct leaves_file *file, const struct merkle_frontier *tree);

#endif
