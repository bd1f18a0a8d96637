/* SPDX-License-Identifier: ISC */
/*
 * A witness that has nothing but the public tree: sizes around every edge of
 * a tile, on three levels of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "client/verify/witness_public.h"
#include "common/tiles.h"

enum { SIZE = 65536 + 256 + 2 };

static const uint64_t sizes[] = {
    1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537, SIZE - 1, SIZE};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static char directory[] = "/tmp/test_witness_public.XXXXXX";
static struct checkpoint head[SIZES];
static struct tiles_edge edge;
static struct verify verify;

static void
path_of(const struct tile *tile, char path[4096])
{
	char name[TILES_PATH_MAX];

	tile_path(tile, name);
	snprintf(path, 4096, "%s/public/%s", directory, name);
}

/* Writes a tile of hashes, and the directories above it. */
static enum sr_error
put(void *context, const struct tile *tile, const uint8_t *bytes)
{
	char path[4096];
	FILE *file;

	(void)context;
	if (tile->level == TILES_ENTRIES)
		return SR_OK;
	path_of(tile, path);
	for (char *at = path + strlen(directory) + 1;
	     (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		(void)mkdir(path, 0700);
		*at = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(
	    fwrite(bytes, 1, tile_len(tile), file), tile_len(tile));
	assert_int_equal(fclose(file), 0);
	return SR_OK;
}

static int
setup(void **state)
{
	uint8_t leaf[JOURNAL_LEAF_LEN] = {0};
	size_t next = 0;

	(void)state;
	if (sodium_init() < 0 || mkdtemp(directory) == NULL)
		return 1;
	for (uint64_t i = 0; i < SIZE; i++) {
		memcpy(leaf, &i, sizeof(i));
		if (tiles_edge_append(&edge, leaf, put, NULL) != SR_OK)
			return 1;
		if (edge.size == sizes[next]) {
			head[next].size = edge.size;
			tiles_edge_root(&edge, head[next].root);
			next++;
		}
	}
	return tiles_edge_put_partial(&edge, 0, put, NULL) == SR_OK ? 0 : 1;
}

static int
cleanup(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* The witness has signed `before', and sees `now'. */
static bool
continues(const struct checkpoint *before, const struct checkpoint *now)
{
	memset(&verify, 0, sizeof(verify));
	verify.directory = directory;
	verify.published = *now;
	verify.published_epoch = 1;
	verify.since[0] = (struct verify_anchor){
	    .path = "state", .checkpoint = *before, .epoch = 1};
	verify.since_count = 1;
	return witness_public(&verify);
}

static void
given_any_two_sizes_when_both_are_of_the_tree_then_it_continues(void **state)
{
	(void)state;
	assert_false(witness_has_journal(&verify));
	for (size_t i = 0; i < SIZES; i++)
		assert_true(continues(&head[i], &head[SIZES - 1]));
}

static void
given_another_root_when_looked_at_then_forked(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		struct checkpoint other = head[i];

		other.root[31] ^= 1;
		assert_false(continues(&other, &head[SIZES - 1]));
		assert_int_equal(verify.exit, VERIFY_TAMPERED);
		assert_non_null(strstr(verify.why, "forked"));
	}
}

static void
given_another_origin_when_looked_at_then_refused(void **state)
{
	(void)state;
	memset(&verify, 0, sizeof(verify));
	verify.directory = directory;
	verify.published = head[SIZES - 1];
	verify.published_epoch = 2;
	verify.since[0] = (struct verify_anchor){
	    .path = "state", .checkpoint = head[0], .epoch = 1};
	verify.since_count = 1;
	assert_false(witness_public(&verify));
	assert_non_null(strstr(verify.why, "another origin"));
}

/* As in a bank that runs on: the tile is full by now. */
static void
given_a_tile_that_has_grown_when_looked_at_then_its_beginning_counts(
    void **state)
{
	struct tile partial = {.index = 257, .width = 2}, full = partial;
	uint8_t bytes[TILES_HASHES_LEN] = {0};
	char path[4096];

	(void)state;
	full.width = TILES_WIDTH;
	memcpy(bytes, edge.hash[0], 2 * MERKLE_HASH_LEN);
	path_of(&partial, path);
	assert_int_equal(unlink(path), 0);
	assert_false(continues(&head[SIZES - 2], &head[SIZES - 1]));
	assert_int_equal(verify.exit, VERIFY_COULD_NOT);
	assert_non_null(strstr(verify.why, "tile/0/257.p/2"));
	assert_int_equal(put(NULL, &full, bytes), SR_OK);
	assert_true(continues(&head[SIZES - 2], &head[SIZES - 1]));
	/* one that ends too early is not there */
	path_of(&full, path);
	assert_int_equal(truncate(path, 8000), 0);
	assert_false(continues(&head[SIZES - 2], &head[SIZES - 1]));
	assert_int_equal(verify.exit, VERIFY_COULD_NOT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_any_two_sizes_when_both_are_of_the_tree_then_it_continues),
	    cmocka_unit_test(given_another_root_when_looked_at_then_forked),
	    cmocka_unit_test(given_another_origin_when_looked_at_then_refused),
	    cmocka_unit_test(
		given_a_tile_that_has_grown_when_looked_at_then_its_beginning_counts),
	};

	return cmocka_run_group_tests(tests, setup, cleanup);
}
