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
#include "ledgerd/tiles_catch_up.h"
#include "ledgerd/tiles_file.h"

enum { START_STEPS = 64 }; /* before the bank opens */

void
tiles_init(struct tiles *tiles)
{
	memset(tiles, 0, sizeof(*tiles));
	leaves_init(&tiles->leaves);
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
	tiles_lose(ledgerd, TILES_FROM_PUBLISHED);
	return SR_OK;
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
		    &tiles->edge, tiles->published, tiles_put_file, ledgerd);
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
		tiles_lose(ledgerd, TILES_FROM_PUBLISHED);
		return SR_OK;
	}
	for (size_t i = 0; i < batch->leaf_count && error == SR_OK; i++)
		error = tiles_edge_append(&tiles->edge, batch->leaf_bytes[i],
		    tiles_put_file, ledgerd);
	return error == SR_OK ? SR_OK : refused(ledgerd, error);
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
	enum sr_error error;

	if (!retries(ledgerd))
		return SR_OK;
	if (tiles->state == TILES_LOST) {
		tiles_begin(ledgerd);
		return SR_OK;
	}
	if (tiles->state == TILES_CATCHING_UP) {
		error = tiles_catch_up(ledgerd);
		return error == SR_OK ? SR_OK : refused(ledgerd, error);
	}
	if (tiles->due && (quiet || env_boot_us(ledgerd->env) - tiles->due_us >=
					TILES_DELAY_US))
		return publish(ledgerd);
	if (quiet && tiles->state == TILES_CURRENT)
		tiles_sweep(ledgerd);
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
	const struct tile first = {.width = TILES_WIDTH};
	enum sr_error error = SR_OK;
	bool all = restored || !tiles_file_is_whole(ledgerd->env, &first);

	if (restored)
		tiles->published = 0;
	tiles_lose(
	    ledgerd, restored ? TILES_FROM_JOURNAL : TILES_FROM_PUBLISHED);
	for (unsigned i = 0; error == SR_OK && is_behind(tiles) &&
			     (all || i < START_STEPS) && !tiles->refused;
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
