/* SPDX-License-Identifier: ISC */
/*
 * The public tree.  Must never publish a checkpoint before what it names, nor
 * keep an order waiting, nor the bank from working: what is here is derived.
 */
#include "ledgerd/tiles.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/tiles_file.h"

enum {
	STEP_LEAVES = TILES_WIDTH, /* of the journal, in one step */
	SWEEP_TILES = 32,          /* looked at in one step */
	START_STEPS = 64,          /* before the bank opens */
};

void
tiles_init(struct tiles *tiles)
{
	memset(tiles, 0, sizeof(*tiles));
	leaves_init(&tiles->leaves);
}

/* The edge is not that of the tree any more. */
static void
lose(struct ledgerd *ledgerd, enum tiles_basis basis)
{
	struct tiles *tiles = &ledgerd->tiles;

	leaves_close(&tiles->leaves, ledgerd->env);
	tiles->state = TILES_LOST;
	tiles->basis = basis;
	tiles->due = true;
}

/* What the disk has refused is tried again; anything else ends the room. */
static enum sr_error
refused(struct ledgerd *ledgerd, enum sr_error error)
{
	struct tiles *tiles = &ledgerd->tiles;

	if (!admission_is_refusal(error))
		return error;
	if (!tiles->refused)
		diag_warn(
		    "ledger/public stays behind: %s", error_sentence(error));
	tiles->refused = true;
	tiles->refused_us = env_boot_us(ledgerd->env);
	lose(ledgerd, TILES_FROM_PUBLISHED);
	return SR_OK;
}

static void
give_up(struct ledgerd *ledgerd, const char *why)
{
	struct tiles *tiles = &ledgerd->tiles;

	diag_error("the public tree cannot be made from the journal, leaf "
		   "%" PRIu64 ": %s; strongroom-verify tells more",
	    tiles->edge.size, why);
	leaves_close(&tiles->leaves, ledgerd->env);
	tiles->state = TILES_GIVEN_UP;
}

static enum sr_error
put(void *context, const struct tile *tile, const uint8_t *bytes)
{
	struct ledgerd *ledgerd = context;
	enum sr_error error = tiles_file_write(ledgerd->env, tile, bytes);

	/* Elsewhere only the published size has left any: publish(). */
	if (error == SR_OK && ledgerd->tiles.state == TILES_CATCHING_UP &&
	    ledgerd->tiles.basis != TILES_FROM_PUBLISHED)
		error = tiles_file_remove_partial(ledgerd->env, tile);
	return error;
}

/* ---- publishing ------------------------------------------------------------ */

/* The partial tiles that full ones have taken the place of. */
static enum sr_error
remove_replaced(struct ledgerd *ledgerd)
{
	const struct tiles *tiles = &ledgerd->tiles;
	enum sr_error error = SR_OK;

	for (unsigned level = 0; level < TILES_LEVELS && error == SR_OK;
	     level++) {
		unsigned bits = TILES_BITS * level;
		struct tile tile = {.level = level, .width = TILES_WIDTH};

		tile.index = tiles->published >> bits >> TILES_BITS;
		if (tile.index == tiles->edge.size >> bits >> TILES_BITS)
			break;
		error = tiles_file_remove_partial(ledgerd->env, &tile);
		tile.level = TILES_ENTRIES;
		if (error == SR_OK && level == 0)
			error = tiles_file_remove_partial(ledgerd->env, &tile);
	}
	return error;
}

/* What the head names, then the checkpoint. */
static enum sr_error
publish(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	enum sr_error error = SR_OK;

	if (tiles->state == TILES_CURRENT) {
		error = tiles_edge_put_partial(
		    &tiles->edge, tiles->published, put, ledgerd);
		if (error == SR_OK)
			error = remove_replaced(ledgerd);
	}
	if (error == SR_OK)
		error = tiles_file_write_checkpoint(
		    ledgerd->env, ledgerd->checkpoint, ledgerd->checkpoint_len);
	if (error != SR_OK)
		return refused(ledgerd, error);
	tiles->refused = false;
	tiles->due = false;
	tiles->published = ledgerd->head.size;
	memcpy(tiles->published_root, ledgerd->head.root,
	    sizeof(tiles->published_root));
	return SR_OK;
}

enum sr_error
tiles_take(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	const struct batch *batch = &ledgerd->batch;
	enum sr_error error = SR_OK;

	if (!tiles->due)
		tiles->due_us = env_boot_us(ledgerd->env);
	tiles->due = true;
	if (tiles->state != TILES_CURRENT)
		return SR_OK;
	if (tiles->edge.size != batch->first) {
		lose(ledgerd, TILES_FROM_PUBLISHED);
		return SR_OK;
	}
	for (size_t i = 0; i < batch->leaf_count && error == SR_OK; i++)
		error = tiles_edge_append(
		    &tiles->edge, batch->leaf_bytes[i], put, ledgerd);
	return error == SR_OK ? SR_OK : refused(ledgerd, error);
}

/* ---- the edge, found again ------------------------------------------------- */

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

static void
begin(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;

	if (tiles->basis == TILES_FROM_PUBLISHED && !load_published(ledgerd))
		tiles->basis = TILES_FROM_FILES;
	if (tiles->basis != TILES_FROM_PUBLISHED)
		tiles->edge.size = 0;
	tiles->state = TILES_CATCHING_UP;
}

/* Takes 256 leaves over from files that are there; *taken tells whether. */
static enum sr_error
take_file(struct ledgerd *ledgerd, bool *taken)
{
	static uint8_t hashes[TILES_HASHES_LEN];
	struct tiles_edge *edge = &ledgerd->tiles.edge;
	struct tile tile = {0, edge->size / TILES_WIDTH, TILES_WIDTH};

	*taken = false;
	if (ledgerd->tiles.basis != TILES_FROM_FILES ||
	    edge->size % TILES_WIDTH != 0 ||
	    ledgerd->tree.size - edge->size < TILES_WIDTH)
		return SR_OK;
	tile.level = TILES_ENTRIES;
	if (!tiles_file_is_whole(ledgerd->env, &tile))
		return SR_OK;
	tile.level = 0;
	if (!tiles_file_is_whole(ledgerd->env, &tile) ||
	    tiles_file_read(ledgerd->env, &tile, 0, hashes, sizeof(hashes)) !=
		SR_OK)
		return SR_OK;
	*taken = true;
	return tiles_edge_append_tile(edge, hashes, put, ledgerd);
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
		error = tiles_edge_append(edge, leaf, put, ledgerd);
		if (error != SR_OK)
			return error;
	}
	if (error != SR_OK)
		give_up(ledgerd, error_sentence(error));
	return SR_OK;
}

/* Whole in length: is it the tree that keyd has signed? */
static enum sr_error
compare(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;
	uint8_t root[MERKLE_HASH_LEN];
	enum sr_error error = SR_OK;

	tiles_edge_root(&tiles->edge, root);
	leaves_close(&tiles->leaves, ledgerd->env);
	if (memcmp(root, ledgerd->head.root, sizeof(root)) == 0) {
		/* none at the edge may be left of a tree that was given up */
		for (unsigned level = 0; level <= TILES_ENTRIES; level++) {
			unsigned bits =
			    level == TILES_ENTRIES ? 0 : TILES_BITS * level;
			struct tile tile = {level,
			    tiles->edge.size >> bits >> TILES_BITS,
			    TILES_WIDTH};

			if (error == SR_OK &&
			    tiles->basis != TILES_FROM_PUBLISHED)
				error = tiles_file_remove_partial(
				    ledgerd->env, &tile);
		}
		if (tiles->basis != TILES_FROM_PUBLISHED)
			tiles->published = 0;
		tiles->state = TILES_CURRENT;
		tiles->due = true;
		return error;
	}
	if (tiles->basis == TILES_FROM_JOURNAL) {
		give_up(ledgerd, "its leaves are not those that keyd signed");
		return SR_OK;
	}
	diag_warn("ledger/public/tile does not have the signed root; it is "
		  "made anew from the journal");
	lose(ledgerd, TILES_FROM_JOURNAL);
	return SR_OK;
}

static enum sr_error
catch_up(struct ledgerd *ledgerd)
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
	return error == SR_OK ? SR_OK : refused(ledgerd, error);
}

/* ---- what somebody took away ----------------------------------------------- */

/* Looks whether older tiles are there, in their length. */
static void
sweep(struct ledgerd *ledgerd)
{
	struct tiles *tiles = &ledgerd->tiles;

	for (unsigned i = 0; i < SWEEP_TILES; i++) {
		struct tile tile = {TILES_ENTRIES, tiles->swept, TILES_WIDTH};
		bool whole;

		if (tiles->swept >= tiles->edge.size / TILES_WIDTH)
			return;
		whole = tiles_file_is_whole(ledgerd->env, &tile);
		tile.level = 0;
		for (uint64_t n = tiles->swept + 1; whole; n /= TILES_WIDTH) {
			tile.index = n - 1;
			whole = tiles_file_is_whole(ledgerd->env, &tile);
			tile.level++;
			if (n % TILES_WIDTH != 0)
				break;
		}
		tiles->swept++;
		if (whole)
			continue;
		diag_warn("ledger/public/tile is not whole at entry %" PRIu64
			  "; it is made from the journal",
		    (tiles->swept - 1) * TILES_WIDTH);
		tiles->swept = 0;
		lose(ledgerd, TILES_FROM_FILES);
		return;
	}
}

/* ---- the loop -------------------------------------------------------------- */

static bool
retries(const struct ledgerd *ledgerd)
{
	const struct tiles *tiles = &ledgerd->tiles;

	return !tiles->refused ||
	       env_boot_us(ledgerd->env) - tiles->refused_us >= TILES_RETRY_US;
}

static bool
is_behind(const struct tiles *tiles)
{
	return tiles->state == TILES_LOST || tiles->state == TILES_CATCHING_UP;
}

enum sr_error
tiles_step(struct ledgerd *ledgerd, bool quiet)
{
	struct tiles *tiles = &ledgerd->tiles;

	if (!retries(ledgerd))
		return SR_OK;
	if (tiles->state == TILES_LOST) {
		begin(ledgerd);
		return SR_OK;
	}
	if (tiles->state == TILES_CATCHING_UP)
		return catch_up(ledgerd);
	if (tiles->due && (quiet || env_boot_us(ledgerd->env) - tiles->due_us >=
					TILES_DELAY_US))
		return publish(ledgerd);
	if (quiet && tiles->state == TILES_CURRENT)
		sweep(ledgerd);
	return SR_OK;
}

int
tiles_wait_ms(const struct ledgerd *ledgerd, int timeout_ms)
{
	const struct tiles *tiles = &ledgerd->tiles;
	int most = -1;

	if (!retries(ledgerd))
		most = TILES_RETRY_US / 1000;
	else if (is_behind(tiles))
		most = 0;
	else if (tiles->due)
		most = 1;
	else if (tiles->state == TILES_CURRENT &&
		 tiles->swept < tiles->edge.size / TILES_WIDTH)
		most = 1;
	return most >= 0 && (timeout_ms < 0 || timeout_ms > most) ? most
								  : timeout_ms;
}

enum sr_error
tiles_finish(struct ledgerd *ledgerd)
{
	const struct tiles *tiles = &ledgerd->tiles;

	if (!tiles->due || is_behind(tiles) || !retries(ledgerd))
		return SR_OK;
	return publish(ledgerd);
}

enum sr_error
tiles_start(struct ledgerd *ledgerd, bool restored)
{
	struct tiles *tiles = &ledgerd->tiles;
	enum sr_error error = SR_OK;

	if (restored)
		tiles->published = 0;
	lose(ledgerd, restored ? TILES_FROM_JOURNAL : TILES_FROM_PUBLISHED);
	for (unsigned i = 0; error == SR_OK && is_behind(tiles) &&
			     (restored || i < START_STEPS) && !tiles->refused;
	     i++)
		error = tiles_step(ledgerd, false);
	return error == SR_OK ? tiles_finish(ledgerd) : error;
}

/* ---- proofs ---------------------------------------------------------------- */

enum sr_error
tiles_source(void *context, unsigned level, uint64_t index,
    uint8_t hash[MERKLE_HASH_LEN])
{
	struct ledgerd *ledgerd = context;
	uint8_t hashes[TILES_HASHES_LEN];
	unsigned first, height;
	enum sr_error error;
	struct tile tile;

	if (ledgerd->tiles.state != TILES_CURRENT)
		return SR_AGAIN;
	if (level >= MERKLE_LEVELS ||
	    index >= ledgerd->tiles.edge.size >> level)
		return SR_NOT_FOUND;
	error = tiles_edge_source(&ledgerd->tiles.edge, level, index, hash);
	if (error != SR_NOT_FOUND)
		return error;
	tiles_place(level, index, &tile, &first, &height);
	error = tiles_file_read(ledgerd->env, &tile,
	    (uint64_t)first * MERKLE_HASH_LEN, hashes,
	    (size_t)MERKLE_HASH_LEN << height);
	if (error == SR_OK)
		tile_root(hashes, height, hash);
	return error;
}
