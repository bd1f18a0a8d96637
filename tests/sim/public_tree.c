/* SPDX-License-Identifier: ISC */
/*
 * The public tree on ledgerd's disk, worked out again from the journal's
 * leaves by RFC 6962 and c2sp.org/tlog-tiles and nothing of ours: every file
 * that the published checkpoint names is there, with these bytes.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

enum {
	WIDTH = 256,
	STEPS_MAX = 500, /* of ledgerd, until nothing is left to be made */
};

/* MTH of RFC 6962 section 2.1; count > 0. */
static void
tree_hash(uint8_t (*hashes)[32], size_t count, uint8_t out[32])
{
	uint8_t both[65] = {1};
	size_t half = 1;

	if (count == 1) {
		memcpy(out, hashes[0], 32);
		return;
	}
	while (2 * half < count)
		half *= 2;
	tree_hash(hashes, half, both + 1);
	tree_hash(hashes + half, count - half, both + 33);
	crypto_hash_sha256(out, both, sizeof(both));
}

static void
expect_file(struct world *world, const char *level, size_t index, size_t width,
    const uint8_t *bytes, size_t len)
{
	char path[ENV_PATH_MAX];
	const uint8_t *there;
	size_t there_len;
	int n = snprintf(
	    path, sizeof(path), "ledger/public/tile/%s/%03zu", level, index);

	if (width < WIDTH)
		snprintf(path + n, sizeof(path) - (size_t)n, ".p/%zu", width);
	there = sim_file(world->bank->ledgerd_room, path, &there_len);
	if (there == NULL)
		world_fail(world, "%s is not there", path);
	if (there_len != len || memcmp(there, bytes, len) != 0)
		world_fail(world, "%s is not what the journal gives", path);
}

static void
expect_level(
    struct world *world, const char *level, uint8_t (*hashes)[32], size_t count)
{
	for (size_t at = 0; at < count; at += WIDTH) {
		size_t width = count - at < WIDTH ? count - at : WIDTH;

		expect_file(
		    world, level, at / WIDTH, width, hashes[at], 32 * width);
	}
}

static void
expect_entries(struct world *world, size_t count)
{
	static uint8_t bundle[WIDTH][2 + JOURNAL_LEAF_LEN];

	for (size_t at = 0; at < count; at += WIDTH) {
		size_t width = count - at < WIDTH ? count - at : WIDTH;

		for (size_t i = 0; i < width; i++) {
			bundle[i][0] = 0;
			bundle[i][1] = JOURNAL_LEAF_LEN;
			memcpy(bundle[i] + 2,
			    world->audit.leaf[at + i].bytes + 1,
			    JOURNAL_LEAF_LEN);
		}
		expect_file(world, "entries", at / WIDTH, width, bundle[0],
		    sizeof(bundle[0]) * width);
	}
}

static void
expect_tree(struct world *world, size_t count)
{
	static uint8_t hashes[ENTRIES_MAX_COUNT][32];

	expect_entries(world, count);
	for (size_t i = 0; i < count; i++)
		memcpy(hashes[i], world->audit.leaf[i].hash, 32);
	expect_level(world, "0", hashes, count);
	count /= WIDTH;
	for (size_t i = 0; i < count; i++)
		tree_hash(hashes + i * WIDTH, WIDTH, hashes[i]);
	expect_level(world, "1", hashes, count);
}

/* ledgerd goes on until it has made what it makes between orders. */
static bool
settle(struct world *world)
{
	const struct tiles *tiles = &world->bank->ledgerd->tiles;

	for (unsigned i = 0; i < STEPS_MAX; i++) {
		if (tiles->state == TILES_CURRENT && !tiles->due &&
		    tiles->swept == tiles->edge.size / WIDTH)
			return true;
		if (tiles->refused)
			return false;
		if (ledgerd_step(world->bank->ledgerd, 0) != SR_OK)
			return false;
	}
	world_fail(world, "the public tree never becomes that of the log");
}

void
public_tree_check(struct world *world)
{
	const struct audit *audit = &world->audit;
	const uint8_t *text;
	struct note note;
	size_t len;

	/* where the disk lies, verify tells */
	if (world->spoilt || world->lied || !settle(world))
		return;
	text = sim_file(
	    world->bank->ledgerd_room, "ledger/public/checkpoint", &len);
	if (text == NULL || note_parse(text, len, &note) != SR_OK)
		world_fail(world, "no checkpoint is published");
	if (note.checkpoint.size != audit->count ||
	    memcmp(note.checkpoint.root, audit->root[audit->count], 32) != 0)
		world_fail(world,
		    "the checkpoint of %llu leaves is published, not that of "
		    "%llu",
		    (unsigned long long)note.checkpoint.size,
		    (unsigned long long)audit->count);
	expect_tree(world, (size_t)audit->count);
}
