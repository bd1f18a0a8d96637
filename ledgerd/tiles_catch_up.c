/* SPDX-License-Identifier: ISC */
/*
 * The edge of the public tree, found again.  Must never take a hash for right
 * because a file has it: the root that comes out decides.
 */
#include "ledgerd/tiles_catch_up.h"

#include <inttypes.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/tiles_file.h"

enum {
	STEP_LEAVES = TILES_WIDTH, /* of the journal, in one step */
	SWEEP_TILES = 32,          /* looked at in one step */
	/*
	 * The last ones are read, too: a power cut may have left what was
	 * written in the half minute before it in its length, but empty.
	 */
	READ_TILES = 1024,
};

void
tiles_lose(struct ledgerd *ledgerd, enum tiles_basis basis)
{
	struct tiles *tiles = &ledgerd->tiles;

	leaves_close(&tiles->leaves, ledgerd->env);
	tiles->state = TILES_LOST;
	tiles->basis = basis;
	tiles->due = true;
}

/*
 * The journal does not give the tree.  That may be the disk's mood, so it is
 * read again a little later, before the tree is given up.
 */
static void
journal_fails(struct ledgerd *ledgerd, const char *why)
{
	struct tiles *tiles = &ledgerd->tiles;

	if (++tiles->failures < TILES_FAILURES_MAX) {
		tiles_lose(ledgerd, TILES_FROM_FILES);
		tiles->refused = true;
		tiles->refused_us = env_boot_us(ledgerd->env);
		return;
	}
	diag_error("the public tree cannot be made from the journal, leaf "
		   "%" PRIu64 ": %s; strongroom-verify tells more",
	    tiles->edge.size, why);
	leaves_close(&tiles->leaves, ledgerd->env);
	tiles->state = TILES_GIVEN_UP;
}

enum sr_error
tiles_put_file(void *context, const struct tile *tile, const uint8_t *bytes)
{
	struct ledgerd *ledgerd = context;
	enum sr_error error = tiles_file_write(ledgerd->env, tile, bytes);

	/* Elsewhere only the published size has left any: tiles.c */
	if (error == SR_OK && ledgerd->tiles.state == TILES_CATCHING_UP &&
	    ledgerd->tiles.basis != TILES_FROM_PUBLISHED)
		error = tiles_file_remove_partial(ledgerd->env, tile);
	return error;
}

/* The bytes of the edge's tile of that level, from a partial or full file. */
static enum sr_error
read_edge_tile(struct ledgerd *ledgerd, unsigned level, uint8_t *bytes)
{
	struct tiles_edge *edge = &ledgerd->tiles.edge;
	unsigned bits = level == TILES_ENTRIES ? 0 : TILES_BITS * level;
	struct tile tile = {level, edge->size >> bits >> TILES_BITS,
	    tiles_edge_width(edge, level)};
	size_t len = tile_len(&tile);
	enum sr_error error;

	if (tile.width == 0)
		return SR_OK;
	error = tiles_file_read(ledgerd->env, &tile, 0, bytes, len);
	tile.width = TILES_WIDTH;
	return error == SR_NOT_FOUND
		   ? tiles_file_read(ledgerd->env, &tile, 0, bytes, len)
		   : error;
}

/* The edge of the published tree, if its files have the published root. */
static bool
load_published(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	struct tiles_edge *edge = &tiles->edge;
	enum sr_error error = SR_OK;
	uint8_t root[MERKLE_HASH_LEN];
	unsigned width;

	if (tiles->published == 0 || tiles->published > ledgerd->tree.size)
		return false;
	edge->size = tiles->published;
	for (unsigned level = 0; level < TILES_LEVELS && error == SR_OK;
	     level++)
		error = read_edge_tile(ledgerd, level, edge->hash[level][0]);
	if (error == SR_OK)
		error = read_edge_tile(ledgerd, TILES_ENTRIES, edge->entry[0]);
	if (error != SR_OK)
		return false;
	width = tiles_edge_width(edge, 0);
	tiles_edge_root(edge, root);
	return memcmp(root, tiles->published_root, sizeof(root)) == 0 &&
	       tile_entries_match(edge->entry[0],
		   width * (size_t)TILES_ENTRY_LEN, edge->hash[0][0], width);
}

void
tiles_begin(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;

	if (tiles->basis == TILES_FROM_PUBLISHED && !load_published(ledgerd))
		tiles->basis = TILES_FROM_FILES;
	if (tiles->basis != TILES_FROM_PUBLISHED)
		tiles->edge.size = 0;
	tiles->state = TILES_CATCHING_UP;
}

/* A full tile of level 0 and its bundle, if they belong together. */
static bool
read_pair(struct ledgerd *ledgerd, uint64_t index, uint8_t *hashes)
{
	static uint8_t bundle[TILES_BUNDLE_LEN];
	struct tile tile = {TILES_ENTRIES, index, TILES_WIDTH};

	if (!tiles_file_is_whole(ledgerd->env, &tile) ||
	    tiles_file_read(ledgerd->env, &tile, 0, bundle, sizeof(bundle)) !=
		SR_OK)
		return false;
	tile.level = 0;
	return tiles_file_is_whole(ledgerd->env, &tile) &&
	       tiles_file_read(
		   ledgerd->env, &tile, 0, hashes, TILES_HASHES_LEN) == SR_OK &&
	       tile_entries_match(bundle, sizeof(bundle), hashes, TILES_WIDTH);
}

/* Takes 256 leaves over from files that are there; *taken tells whether. */
static enum sr_error
take_file(struct ledgerd *ledgerd, bool *taken)
{
	static uint8_t hashes[TILES_HASHES_LEN];
	struct tiles_edge *edge = &ledgerd->tiles.edge;

	*taken = ledgerd->tiles.basis == TILES_FROM_FILES &&
		 edge->size % TILES_WIDTH == 0 &&
		 ledgerd->tree.size - edge->size >= TILES_WIDTH &&
		 read_pair(ledgerd, edge->size / TILES_WIDTH, hashes);
	return *taken ? tiles_edge_append_tile(
			    edge, hashes, tiles_put_file, ledgerd)
		      : SR_OK;
}

/* The same from the journal, to the next tile's end at most. */
static enum sr_error
take_leaves(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	struct tiles_edge *edge = &tiles->edge;
	uint8_t leaf[JOURNAL_LEAF_LEN];
	enum sr_error error;

	error = leaves_seek(ledgerd, &tiles->leaves, edge->size);
	for (unsigned i = 0; i < STEP_LEAVES && error == SR_OK; i++) {
		if (edge->size == ledgerd->tree.size)
			break;
		error = leaves_read(ledgerd, &tiles->leaves, leaf);
		if (error != SR_OK)
			break;
		error = tiles_edge_append(edge, leaf, tiles_put_file, ledgerd);
		if (error != SR_OK)
			return error;
	}
	if (error != SR_OK)
		journal_fails(ledgerd, error_sentence(error));
	return SR_OK;
}

/* None at the edge may be left of a tree that was given up. */
static enum sr_error
clear_edge(struct ledgerd *ledgerd)
{
	enum sr_error error = SR_OK;

	for (unsigned level = 0; error == SR_OK && level <= TILES_ENTRIES;
	     level++) {
		unsigned bits = level == TILES_ENTRIES ? 0 : TILES_BITS * level;
		struct tile tile = {level,
		    ledgerd->tiles.edge.size >> bits >> TILES_BITS,
		    TILES_WIDTH};

		error = tiles_file_remove_partial(ledgerd->env, &tile);
	}
	ledgerd->tiles.published = 0;
	return error;
}

/* Whole in length: is it the tree that keyd has signed? */
static enum sr_error
compare(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	uint8_t root[MERKLE_HASH_LEN];

	tiles_edge_root(&tiles->edge, root);
	leaves_close(&tiles->leaves, ledgerd->env);
	if (memcmp(root, ledgerd->head.root, sizeof(root)) == 0) {
		tiles->state = TILES_CURRENT;
		tiles->failures = 0;
		tiles->due = true;
		return tiles->basis == TILES_FROM_PUBLISHED
			   ? SR_OK
			   : clear_edge(ledgerd);
	}
	if (tiles->basis == TILES_FROM_JOURNAL) {
		journal_fails(
		    ledgerd, "its leaves are not those that keyd signed");
		return SR_OK;
	}
	diag_warn("ledger/public/tile does not have the signed root; it is "
		  "made anew from the journal");
	tiles_lose(ledgerd, TILES_FROM_JOURNAL);
	return SR_OK;
}

enum sr_error
tiles_catch_up(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	enum sr_error error = SR_OK;
	bool taken = false;

	if (tiles->edge.size < ledgerd->tree.size) {
		error = take_file(ledgerd, &taken);
		if (error == SR_OK && !taken)
			error = take_leaves(ledgerd);
	}
	if (error == SR_OK && tiles->state == TILES_CATCHING_UP &&
	    tiles->edge.size == ledgerd->tree.size)
		error = compare(ledgerd);
	return error;
}

/* ---- what somebody took away ----------------------------------------------- */

/* Whether the tile's hashes have the root that the level above gives them. */
static bool
fits_above(struct ledgerd *ledgerd, unsigned level, uint64_t index,
    const uint8_t *hashes)
{
	uint8_t root[MERKLE_HASH_LEN], above[MERKLE_HASH_LEN];

	tile_root(hashes, TILES_BITS, root);
	return tiles_source(ledgerd, TILES_BITS * (level + 1), index, above) ==
		   SR_OK &&
	       memcmp(root, above, sizeof(root)) == 0;
}

/* The full tiles of which the last is this one of level 0. */
static bool
is_right(struct ledgerd *ledgerd, uint64_t index, bool read)
{
	static uint8_t hashes[TILES_HASHES_LEN];
	struct tile tile = {TILES_ENTRIES, index, TILES_WIDTH};
	uint64_t count = index + 1;

	if (!tiles_file_is_whole(ledgerd->env, &tile) ||
	    (read && (!read_pair(ledgerd, index, hashes) ||
			 !fits_above(ledgerd, 0, index, hashes))))
		return false;
	for (tile.level = 0;; tile.level++, count /= TILES_WIDTH) {
		tile.index = count - 1;
		if (!tiles_file_is_whole(ledgerd->env, &tile))
			return false;
		if (read && tile.level > 0 &&
		    (tiles_file_read(ledgerd->env, &tile, 0, hashes,
			 sizeof(hashes)) != SR_OK ||
			!fits_above(ledgerd, tile.level, tile.index, hashes)))
			return false;
		if (count % TILES_WIDTH != 0)
			return true;
	}
}

void
tiles_sweep(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	uint64_t full = tiles->edge.size / TILES_WIDTH;

	for (unsigned i = 0; i < SWEEP_TILES && tiles->swept < full; i++) {
		bool read = full - tiles->swept <= READ_TILES;
		uint64_t index = tiles->swept++;

		/* they take longer than a look */
		if (read)
			i += SWEEP_TILES / 4;
		if (is_right(ledgerd, index, read))
			continue;
		diag_warn("ledger/public/tile is not whole at entry %" PRIu64
			  "; it is made from the journal",
		    index * TILES_WIDTH);
		tiles->swept = 0;
		tiles_lose(ledgerd, TILES_FROM_FILES);
		return;
	}
}
