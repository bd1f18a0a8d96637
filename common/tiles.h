/* SPDX-License-Identifier: ISC */
#ifndef COMMON_TILES_H
#define COMMON_TILES_H
/*
 * The public form of the log's tree, C2SP tlog-tiles (c2sp.org/tlog-tiles):
 *
 *	tile/L/N		256 hashes of level L: roots of 256^L leaves
 *	tile/entries/N		256 entries: length 2, big-endian | leaf
 *	tile/.../N.p/W		the same of the first W, at the right edge
 *
 * N is written in groups of three digits, all but the last after an x.  An
 * entry is a leaf's bytes as the tree hashes them (common/journal.h).  No I/O
 * here: whoever keeps the files is told of each by a tiles_put.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/journal.h"
#include "common/merkle.h"

#define TILES_WIDTH 256u
#define TILES_BITS 8u   /* of an index, that a tile stands for */
#define TILES_LEVELS 8u /* of trees below 2^63 */
/* The level of entries, which stand beside the hashes of level 0. */
#define TILES_ENTRIES TILES_LEVELS
#define TILES_PATH_MAX 64u /* with the final NUL */
#define TILES_ENTRY_LEN (2u + JOURNAL_LEAF_LEN)
#define TILES_HASHES_LEN (TILES_WIDTH * MERKLE_HASH_LEN)
#define TILES_BUNDLE_LEN (TILES_WIDTH * TILES_ENTRY_LEN)

struct tile {
	unsigned level; /* below TILES_LEVELS, or TILES_ENTRIES */
	uint64_t index;
	unsigned width; /* 1 to TILES_WIDTH; less: a partial one */
};

/* "tile/1/x001/x234/067.p/8"; index below 2^60. */
void tile_path(const struct tile *tile, char path[TILES_PATH_MAX]);

/* Bytes of such a file; entries of this log are all of one length. */
size_t tile_len(const struct tile *tile);

/*
 * The root of 2^height hashes that lie one after the other; height at most
 * TILES_BITS.
 */
void tile_root(
    const uint8_t *hashes, unsigned height, uint8_t root[MERKLE_HASH_LEN]);

/*
 * Whether the bundle's entries are leaves of which these are the hashes: all
 * of them, in their order, and no byte more.
 */
bool tile_entries_match(
    const uint8_t *bundle, size_t len, const uint8_t *hashes, unsigned width);

/*
 * The right edge of a tree that grows leaf by leaf: of each level the hashes
 * of its last tile that is not full, and the entries of the last bundle.
 * All zeros is the edge of the empty tree.
 */
struct tiles_edge {
	uint64_t size;
	uint8_t hash[TILES_LEVELS][TILES_WIDTH][MERKLE_HASH_LEN];
	uint8_t entry[TILES_WIDTH][TILES_ENTRY_LEN];
};

/*
 * One file with all its bytes (they are the edge's).  What it returns but
 * SR_OK ends the function that has called it.
 */
typedef enum sr_error (*tiles_put)(
    void *context, const struct tile *tile, const uint8_t *bytes);

/* How many hashes the level's last tile holds. */
unsigned tiles_edge_width(const struct tiles_edge *edge, unsigned level);

/*
 * Adds a leaf, and puts each tile that it makes full: entries first, then the
 * levels upwards.  After an error of put the edge is of no use any more.
 */
enum sr_error tiles_edge_append(struct tiles_edge *edge,
    const uint8_t leaf[JOURNAL_LEAF_LEN], tiles_put put, void *context);

/*
 * Adds 256 leaves of which the full tile of level 0 and the bundle are there
 * already.  The edge's size must be a multiple of 256.  As above.
 */
enum sr_error tiles_edge_append_tile(struct tiles_edge *edge,
    const uint8_t hashes[TILES_HASHES_LEN], tiles_put put, void *context);

/*
 * Puts the partial tiles of this size, but those that a tree of size `since'
 * has, too (0: all).
 */
enum sr_error tiles_edge_put_partial(const struct tiles_edge *edge,
    uint64_t since, tiles_put put, void *context);

/* The root of the whole tree. */
void tiles_edge_root(
    const struct tiles_edge *edge, uint8_t root[MERKLE_HASH_LEN]);

/*
 * In which tile the hashes stand from which a perfect subtree's root comes
 * (merkle_source), and the place of the first: 2^*height of them.
 */
void tiles_place(unsigned level, uint64_t index, struct tile *tile,
    unsigned *first, unsigned *height);

/* A perfect subtree's root from the edge; SR_NOT_FOUND if it is not there. */
enum sr_error tiles_edge_source(const struct tiles_edge *edge, unsigned level,
    uint64_t index, uint8_t hash[MERKLE_HASH_LEN]);

#endif
