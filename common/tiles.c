/* SPDX-License-Identifier: ISC */
/*
 * The tree's public files, and its right edge.  Must never put a hash into a
 * tile that a later leaf could change.
 */
#include "common/tiles.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
	GROUPS_MAX = 6, /* of three digits each, below 2^60 */
};

void
tile_path(const struct tile *tile, char path[TILES_PATH_MAX])
{
	unsigned group[GROUPS_MAX], groups = 0;
	uint64_t index = tile->index;
	size_t len;

	assert(index >> 60 == 0 && tile->level <= TILES_ENTRIES);
	do {
		assert(groups < GROUPS_MAX);
		group[groups++] = (unsigned)(index % 1000);
		index /= 1000;
	} while (index > 0);
	if (tile->level == TILES_ENTRIES)
		len = (size_t)snprintf(path, TILES_PATH_MAX, "tile/entries");
	else
		len = (size_t)snprintf(
		    path, TILES_PATH_MAX, "tile/%u", tile->level);
	while (groups-- > 0)
		len += (size_t)snprintf(path + len, TILES_PATH_MAX - len,
		    groups > 0 ? "/x%03u" : "/%03u", group[groups]);
	if (tile->width < TILES_WIDTH)
		len += (size_t)snprintf(
		    path + len, TILES_PATH_MAX - len, ".p/%u", tile->width);
	assert(len < TILES_PATH_MAX);
}

size_t
tile_len(const struct tile *tile)
{
	return tile->width * (size_t)(tile->level == TILES_ENTRIES
					  ? TILES_ENTRY_LEN
					  : MERKLE_HASH_LEN);
}

void
tile_root(const uint8_t *hashes, unsigned height, uint8_t root[MERKLE_HASH_LEN])
{
	uint8_t row[TILES_WIDTH / 2][MERKLE_HASH_LEN];

	assert(height <= TILES_BITS);
	if (height == 0) {
		memcpy(root, hashes, MERKLE_HASH_LEN);
		return;
	}
	for (unsigned i = 0; i < 1U << (height - 1); i++)
		merkle_node_hash(hashes + (size_t)2 * i * MERKLE_HASH_LEN,
		    hashes + ((size_t)2 * i + 1) * MERKLE_HASH_LEN, row[i]);
	while (--height > 0)
		for (unsigned i = 0; i < 1U << (height - 1); i++)
			merkle_node_hash(row[2 * i], row[2 * i + 1], row[i]);
	memcpy(root, row[0], MERKLE_HASH_LEN);
}

bool
tile_entries_match(
    const uint8_t *bundle, size_t len, const uint8_t *hashes, unsigned width)
{
	uint8_t hash[MERKLE_HASH_LEN];

	if (len != width * (size_t)TILES_ENTRY_LEN)
		return false;
	for (unsigned i = 0; i < width; i++) {
		const uint8_t *entry = bundle + i * (size_t)TILES_ENTRY_LEN;

		if (entry[0] != JOURNAL_LEAF_LEN >> 8 ||
		    entry[1] != (JOURNAL_LEAF_LEN & 0xff))
			return false;
		merkle_leaf_hash(entry + 2, JOURNAL_LEAF_LEN, hash);
		if (memcmp(hash, hashes + i * (size_t)MERKLE_HASH_LEN,
			sizeof(hash)) != 0)
			return false;
	}
	return true;
}

unsigned
tiles_edge_width(const struct tiles_edge *edge, unsigned level)
{
	if (level == TILES_ENTRIES)
		level = 0;
	return (unsigned)(edge->size >> TILES_BITS * level) % TILES_WIDTH;
}

/*
 * The level's tile has got its last hash: it is put, and its root goes into
 * the level above, which may then be full, too.
 */
static enum sr_error
put_full(struct tiles_edge *edge, tiles_put put, void *context)
{
	struct tile tile = {.width = TILES_WIDTH};
	uint64_t size = edge->size;
	enum sr_error error;

	while (size % TILES_WIDTH == 0) {
		size /= TILES_WIDTH;
		tile.index = size - 1;
		error = put(context, &tile, edge->hash[tile.level][0]);
		if (error != SR_OK)
			return error;
		assert(tile.level + 1 < TILES_LEVELS);
		tile_root(edge->hash[tile.level][0], TILES_BITS,
		    edge->hash[tile.level + 1][(size - 1) % TILES_WIDTH]);
		tile.level++;
	}
	return SR_OK;
}

enum sr_error
tiles_edge_append(struct tiles_edge *edge, const uint8_t leaf[JOURNAL_LEAF_LEN],
    tiles_put put, void *context)
{
	unsigned at = tiles_edge_width(edge, 0);
	struct tile bundle = {
	    TILES_ENTRIES, edge->size / TILES_WIDTH, TILES_WIDTH};
	enum sr_error error;

	edge->entry[at][0] = JOURNAL_LEAF_LEN >> 8;
	edge->entry[at][1] = JOURNAL_LEAF_LEN & 0xff;
	memcpy(edge->entry[at] + 2, leaf, JOURNAL_LEAF_LEN);
	merkle_leaf_hash(leaf, JOURNAL_LEAF_LEN, edge->hash[0][at]);
	edge->size++;
	if (edge->size % TILES_WIDTH != 0)
		return SR_OK;
	error = put(context, &bundle, edge->entry[0]);
	return error == SR_OK ? put_full(edge, put, context) : error;
}

enum sr_error
tiles_edge_append_tile(struct tiles_edge *edge,
    const uint8_t hashes[TILES_HASHES_LEN], tiles_put put, void *context)
{
	uint64_t above = edge->size / TILES_WIDTH;

	assert(edge->size % TILES_WIDTH == 0);
	tile_root(hashes, TILES_BITS, edge->hash[1][above % TILES_WIDTH]);
	edge->size += TILES_WIDTH;
	if (++above % TILES_WIDTH != 0)
		return SR_OK;
	memcpy(edge->hash[0], hashes, TILES_HASHES_LEN);
	return put_full(edge, put, context);
}

enum sr_error
tiles_edge_put_partial(
    const struct tiles_edge *edge, uint64_t since, tiles_put put, void *context)
{
	enum sr_error error = SR_OK;

	for (unsigned level = 0; level < TILES_LEVELS && error == SR_OK;
	     level++) {
		uint64_t size = edge->size >> TILES_BITS * level;
		struct tile tile = {
		    level, size / TILES_WIDTH, (unsigned)(size % TILES_WIDTH)};

		if (tile.width == 0 || size == since >> TILES_BITS * level)
			continue;
		error = put(context, &tile, edge->hash[level][0]);
		if (error != SR_OK || level > 0)
			continue;
		tile.level = TILES_ENTRIES;
		error = put(context, &tile, edge->entry[0]);
	}
	return error;
}

void
tiles_edge_root(const struct tiles_edge *edge, uint8_t root[MERKLE_HASH_LEN])
{
	struct merkle_frontier frontier;

	merkle_frontier_init(&frontier);
	frontier.size = edge->size;
	for (unsigned bit = 0; bit < MERKLE_LEVELS; bit++) {
		uint64_t nodes = edge->size >> bit;

		if (nodes % 2 != 0)
			(void)tiles_edge_source(
			    edge, bit, nodes - 1, frontier.hash[bit]);
	}
	merkle_frontier_root(&frontier, root);
}

void
tiles_place(unsigned level, uint64_t index, struct tile *tile, unsigned *first,
    unsigned *height)
{
	*height = level % TILES_BITS;
	tile->level = level / TILES_BITS;
	*first = (unsigned)(index << *height) % TILES_WIDTH;
	tile->index = index >> (TILES_BITS - *height);
	tile->width = TILES_WIDTH;
}

enum sr_error
tiles_edge_source(const struct tiles_edge *edge, unsigned level, uint64_t index,
    uint8_t hash[MERKLE_HASH_LEN])
{
	unsigned first, height;
	struct tile tile;

	if (level >= MERKLE_LEVELS)
		return SR_NOT_FOUND;
	tiles_place(level, index, &tile, &first, &height);
	if (tile.index != edge->size >> TILES_BITS * tile.level >> TILES_BITS ||
	    first + (1U << height) > tiles_edge_width(edge, tile.level))
		return SR_NOT_FOUND;
	tile_root(edge->hash[tile.level][first], height, hash);
	return SR_OK;
}
