/* SPDX-License-Identifier: ISC */
/*
 * The public form of the tree: the names and sizes of c2sp.org/tlog-tiles with
 * its own examples, and the files of growing trees against hashes made the
 * plain way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/tiles.h"

#define LEAVES 70000u
#define FILES_MAX 2048u

static struct tiles_edge edge;
static uint8_t (*hashes[3])[MERKLE_HASH_LEN]; /* of the levels, all of them */

/* What was put. */
static struct {
	struct tile tile;
	uint8_t hash[32]; /* of its bytes */
} files[FILES_MAX];
static size_t file_count;
static size_t fails_at; /* the so many-th put; 0: none */

static void
make_leaf(uint64_t index, uint8_t leaf[JOURNAL_LEAF_LEN])
{
	memset(leaf, (int)(index % 251), JOURNAL_LEAF_LEN);
	memcpy(leaf, &index, sizeof(index));
}

static enum sr_error
put(void *context, const struct tile *tile, const uint8_t *bytes)
{
	assert_ptr_equal(context, &edge);
	assert_true(file_count < FILES_MAX);
	if (fails_at != 0 && --fails_at == 0)
		return SR_NO_SPACE;
	files[file_count].tile = *tile;
	crypto_hash_sha256(files[file_count++].hash, bytes, tile_len(tile));
	return SR_OK;
}

/* How many files of that level were put, partial ones apart. */
static size_t
count(unsigned level, bool partial)
{
	size_t n = 0;

	for (size_t i = 0; i < file_count; i++)
		n += files[i].tile.level == level &&
		     (files[i].tile.width < TILES_WIDTH) == partial;
	return n;
}

static void
grow(uint64_t to)
{
	uint8_t leaf[JOURNAL_LEAF_LEN];

	while (edge.size < to) {
		make_leaf(edge.size, leaf);
		assert_int_equal(
		    tiles_edge_append(&edge, leaf, put, &edge), SR_OK);
	}
}

static int
begin(void **state)
{
	(void)state;
	memset(&edge, 0, sizeof(edge));
	file_count = fails_at = 0;
	return 0;
}

static int
setup(void **state)
{
	uint8_t leaf[JOURNAL_LEAF_LEN];
	size_t n = LEAVES;

	(void)state;
	for (unsigned level = 0; level < 3; level++, n /= TILES_WIDTH)
		hashes[level] = calloc(n, MERKLE_HASH_LEN);
	for (size_t i = 0; i < LEAVES; i++) {
		make_leaf(i, leaf);
		merkle_leaf_hash(leaf, sizeof(leaf), hashes[0][i]);
	}
	for (unsigned level = 1; level < 3; level++)
		for (size_t i = 0; i < LEAVES >> 8 * level; i++) {
			struct merkle_frontier tree;

			merkle_frontier_init(&tree);
			for (size_t j = 0; j < TILES_WIDTH; j++)
				/* a perfect tree of any hashes is one */
				assert_int_equal(
				    merkle_frontier_append(
					&tree, hashes[level - 1][i * 256 + j]),
				    SR_OK);
			merkle_frontier_root(&tree, hashes[level][i]);
		}
	return sodium_init() < 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned level = 0; level < 3; level++)
		free(hashes[level]);
	return 0;
}

/* ---- names ------------------------------------------------------------------ */

static void
given_the_examples_of_the_specification_then_the_names_are_those(void **state)
{
	static const struct {
		struct tile tile;
		const char *path;
	} known[] = {
	    {{0, 1234067, 256}, "tile/0/x001/x234/067"},
	    {{TILES_ENTRIES, 1234067, 256}, "tile/entries/x001/x234/067"},
	    {{0, 273, 112}, "tile/0/273.p/112"},
	    {{1, 0, 256}, "tile/1/000"},
	    {{1, 1, 17}, "tile/1/001.p/17"},
	    {{2, 0, 1}, "tile/2/000.p/1"},
	    {{0, 999, 255}, "tile/0/999.p/255"},
	    {{0, 1000, 1}, "tile/0/x001/000.p/1"},
	    {{0, 999999, 256}, "tile/0/x999/999"},
	    {{0, 1000000, 256}, "tile/0/x001/x000/000"},
	    {{TILES_ENTRIES, 36028797018963967, 255},
		"tile/entries/x036/x028/x797/x018/x963/967.p/255"},
	};
	char path[TILES_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		tile_path(&known[i].tile, path);
		assert_string_equal(path, known[i].path);
	}
}

static void
given_tiles_of_each_width_then_their_lengths(void **state)
{
	(void)state;
	for (unsigned width = 1; width <= TILES_WIDTH; width++) {
		struct tile tile = {0, 0, width};

		assert_int_equal(tile_len(&tile), width * 32);
		tile.level = TILES_ENTRIES;
		assert_int_equal(tile_len(&tile), width * (2 + 86));
	}
}

/* ---- trees ------------------------------------------------------------------ */

static void
given_70000_leaves_when_published_then_the_files_of_the_specification(
    void **state)
{
	const struct tile expected[] = {
	    {0, 273, 112}, {TILES_ENTRIES, 273, 112}, {1, 1, 17}, {2, 0, 1}};
	size_t full;

	(void)state;
	grow(LEAVES);
	assert_int_equal(count(0, false), 273);
	assert_int_equal(count(TILES_ENTRIES, false), 273);
	assert_int_equal(count(1, false), 1);
	assert_int_equal(count(2, false), 0);
	full = file_count;
	assert_int_equal(tiles_edge_put_partial(&edge, 0, put, &edge), SR_OK);
	assert_int_equal(file_count - full, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct tile *tile = &files[full + i].tile;

		assert_int_equal(tile->level, expected[i].level);
		assert_int_equal(tile->index, expected[i].index);
		assert_int_equal(tile->width, expected[i].width);
	}
	/* what a tree of 69,900 has, too, is not written again */
	full = file_count;
	assert_int_equal(
	    tiles_edge_put_partial(&edge, 69900, put, &edge), SR_OK);
	assert_int_equal(file_count - full, 2);
	/* bytes: hash after hash */
	for (size_t i = 0; i < full; i++) {
		const struct tile *tile = &files[i].tile;
		uint8_t hash[32];

		if (tile->level == TILES_ENTRIES)
			continue;
		crypto_hash_sha256(hash,
		    hashes[tile->level][tile->index * TILES_WIDTH],
		    tile_len(tile));
		assert_memory_equal(files[i].hash, hash, sizeof(hash));
	}
}

static void
given_256_leaves_when_published_then_a_full_tile_and_one_hash_above(
    void **state)
{
	(void)state;
	grow(255);
	assert_int_equal(file_count, 0);
	grow(256);
	assert_int_equal(file_count, 2);
	assert_int_equal(count(TILES_ENTRIES, false), 1);
	assert_int_equal(files[0].tile.level, TILES_ENTRIES);
	assert_int_equal(tiles_edge_put_partial(&edge, 0, put, &edge), SR_OK);
	assert_int_equal(file_count, 3);
	assert_int_equal(files[2].tile.level, 1);
	assert_int_equal(files[2].tile.width, 1);
}

static void
given_a_bundle_when_anything_in_it_is_altered_then_it_does_not_match(
    void **state)
{
	uint8_t bundle[3 * TILES_ENTRY_LEN];

	(void)state;
	grow(3);
	memcpy(bundle, edge.entry, sizeof(bundle));
	assert_int_equal(bundle[0], 0);
	assert_int_equal(bundle[1], 86);
	assert_true(
	    tile_entries_match(bundle, sizeof(bundle), hashes[0][0], 3));
	assert_false(
	    tile_entries_match(bundle, sizeof(bundle) - 1, hashes[0][0], 3));
	assert_false(
	    tile_entries_match(bundle, sizeof(bundle), hashes[0][0], 2));
	for (size_t i = 0; i < sizeof(bundle); i++) {
		bundle[i] ^= 1;
		assert_false(tile_entries_match(
		    bundle, sizeof(bundle), hashes[0][0], 3));
		bundle[i] ^= 1;
	}
}

static void
given_every_size_when_asked_then_root_and_subtrees_are_those_of_the_tree(
    void **state)
{
	struct merkle_frontier tree;
	uint8_t root[32], expected[32];

	(void)state;
	merkle_frontier_init(&tree);
	for (uint64_t size = 1; size <= LEAVES; size++) {
		assert_int_equal(
		    merkle_frontier_append(&tree, hashes[0][size - 1]), SR_OK);
		grow(size);
		file_count = 0;
		if (size > 1100 && size % 997 != 0 && size < LEAVES - 300)
			continue;
		tiles_edge_root(&edge, root);
		merkle_frontier_root(&tree, expected);
		assert_memory_equal(root, expected, sizeof(root));
	}
	/* in the edge, and beyond both of its ends */
	assert_int_equal(tiles_edge_source(&edge, 0, LEAVES - 1, root), SR_OK);
	assert_memory_equal(root, hashes[0][LEAVES - 1], 32);
	assert_int_equal(
	    tiles_edge_source(&edge, 0, LEAVES, root), SR_NOT_FOUND);
	assert_int_equal(
	    tiles_edge_source(&edge, 0, LEAVES - 113, root), SR_NOT_FOUND);
	assert_int_equal(tiles_edge_source(&edge, 8, 272, root), SR_OK);
	assert_memory_equal(root, hashes[1][272], 32);
	assert_int_equal(tiles_edge_source(&edge, 8, 273, root), SR_NOT_FOUND);
	assert_int_equal(tiles_edge_source(&edge, 16, 0, root), SR_OK);
	assert_memory_equal(root, hashes[2][0], 32);
	assert_int_equal(tiles_edge_source(&edge, 63, 0, root), SR_NOT_FOUND);
}

static void
given_tiles_that_are_there_when_taken_over_then_the_same_root(void **state)
{
	uint8_t root[32], other[32];

	(void)state;
	grow(LEAVES);
	tiles_edge_root(&edge, root);
	memset(&edge, 0, sizeof(edge));
	file_count = 0;
	while (edge.size + TILES_WIDTH <= LEAVES)
		assert_int_equal(tiles_edge_append_tile(
				     &edge, hashes[0][edge.size], put, &edge),
		    SR_OK);
	/* the 256th of them, and the tile above that it fills */
	assert_int_equal(file_count, 2);
	assert_int_equal(files[1].tile.level, 1);
	grow(LEAVES);
	tiles_edge_root(&edge, other);
	assert_memory_equal(root, other, sizeof(root));
}

static void
given_a_full_disk_when_a_tile_is_put_then_that_is_what_comes_back(void **state)
{
	uint8_t leaf[JOURNAL_LEAF_LEN];

	(void)state;
	for (size_t at = 1; at <= 2; at++) {
		begin(NULL);
		grow(255);
		fails_at = at;
		make_leaf(255, leaf);
		assert_int_equal(
		    tiles_edge_append(&edge, leaf, put, &edge), SR_NO_SPACE);
	}
	begin(NULL);
	grow(300);
	fails_at = 2;
	assert_int_equal(
	    tiles_edge_put_partial(&edge, 0, put, &edge), SR_NO_SPACE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_examples_of_the_specification_then_the_names_are_those),
	    cmocka_unit_test(given_tiles_of_each_width_then_their_lengths),
	    cmocka_unit_test_setup(
		given_70000_leaves_when_published_then_the_files_of_the_specification,
		begin),
	    cmocka_unit_test_setup(
		given_256_leaves_when_published_then_a_full_tile_and_one_hash_above,
		begin),
	    cmocka_unit_test_setup(
		given_a_bundle_when_anything_in_it_is_altered_then_it_does_not_match,
		begin),
	    cmocka_unit_test_setup(
		given_every_size_when_asked_then_root_and_subtrees_are_those_of_the_tree,
		begin),
	    cmocka_unit_test_setup(
		given_tiles_that_are_there_when_taken_over_then_the_same_root,
		begin),
	    cmocka_unit_test_setup(
		given_a_full_disk_when_a_tile_is_put_then_that_is_what_comes_back,
		begin),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
