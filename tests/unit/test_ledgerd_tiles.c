/* SPDX-License-Identifier: ISC */
/*
 * The public tree while ledgerd works: what is there when a checkpoint is
 * published, what a start makes of missing and spoilt files, a full disk, and
 * the proofs that come from tiles.  Files are looked at by their names in the
 * specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/sim_bank.h"

#define CHECKPOINT "ledger/public/checkpoint"
#define ENTRIES_MIN 300u

static struct sim_bank *bank;
static struct sim_people people;
static unsigned looked; /* at so many checkpoints before they were renamed */

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	looked = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static void
pay(void)
{
	struct message_order_answer answer;

	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
}

static void
pay_up_to(uint64_t size)
{
	while (bank->ledgerd->tree.size < size)
		pay();
}

static void
start(void)
{
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
}

static void
remove_file(const char *name)
{
	char path[ENV_PATH_MAX];

	snprintf(path, sizeof(path), "ledger/public/%s", name);
	assert_int_equal(env_remove(&bank->ledgerd_room->env, path), SR_OK);
}

/* The length of a tile; 0: it is not there. */
static size_t
tile_there(const char *level, uint64_t index, unsigned width)
{
	char path[ENV_PATH_MAX];
	size_t len;
	int n = snprintf(path, sizeof(path), "ledger/public/tile/%s/%03u",
	    level, (unsigned)index);

	if (width < 256)
		snprintf(path + n, sizeof(path) - (size_t)n, ".p/%u", width);
	(void)sim_file(bank->ledgerd_room, path, &len);
	return len;
}

static void
expect_named_by(uint64_t size)
{
	for (uint64_t i = 0; i < size / 256; i++) {
		assert_int_equal(tile_there("0", i, 256), 8192);
		assert_int_equal(tile_there("entries", i, 256), 256 * 88);
	}
	if (size % 256 > 0) {
		unsigned width = (unsigned)(size % 256);

		assert_int_equal(
		    tile_there("0", size / 256, width), 32 * width);
		assert_int_equal(
		    tile_there("entries", size / 256, width), 88 * width);
	}
	if (size >= 256)
		assert_int_equal(tile_there("1", 0, (unsigned)(size / 256)),
		    32 * (size / 256));
}

static uint64_t
size_in(const char *path)
{
	const uint8_t *text;
	struct note note;
	size_t len;

	text = sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(text);
	assert_int_equal(note_parse(text, len, &note), SR_OK);
	return note.checkpoint.size;
}

/* Everything is made, and published. */
static void
expect_whole(void)
{
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(bank->ledgerd->tiles.state, TILES_CURRENT);
	assert_int_equal(size_in(CHECKPOINT), bank->ledgerd->tree.size);
	expect_named_by(bank->ledgerd->tree.size);
}

/* Each leaf's proof from the tiles against the root that keyd has signed. */
static void
expect_proofs(void)
{
	struct ledgerd *ledgerd = bank->ledgerd;
	uint8_t proof[MERKLE_PROOF_MAX * MERKLE_HASH_LEN], leaf[32];
	size_t count;

	for (uint64_t i = 0; i < ledgerd->tree.size; i++) {
		assert_int_equal(tiles_source(ledgerd, 0, i, leaf), SR_OK);
		assert_int_equal(merkle_inclusion_prove(tiles_source, ledgerd,
				     i, ledgerd->tree.size, proof, &count),
		    SR_OK);
		assert_int_equal(merkle_inclusion_verify(i, ledgerd->tree.size,
				     leaf, proof, count, ledgerd->head.root),
		    SR_OK);
	}
	assert_int_equal(
	    tiles_source(ledgerd, 0, ledgerd->tree.size, leaf), SR_NOT_FOUND);
	assert_int_equal(tiles_source(ledgerd, 63, 0, leaf), SR_NOT_FOUND);
}

static void
look(void *context, struct sim_room *room, enum sim_operation operation,
    const char *path)
{
	(void)context;
	if (room != bank->ledgerd_room || operation != SIM_RENAME ||
	    strcmp(path, CHECKPOINT) != 0)
		return;
	expect_named_by(size_in(CHECKPOINT ".new"));
	looked++;
}

/* ---- tests ------------------------------------------------------------------ */

static void
given_a_checkpoint_when_it_is_published_then_what_it_names_is_there(
    void **state)
{
	(void)state;
	bank->sim->watch = look;
	pay_up_to(ENTRIES_MIN);
	bank->sim->watch = NULL;
	assert_true(looked > 100);
	expect_whole();
	/* and what the full ones replace is not */
	for (unsigned width = 1; width < 256; width++) {
		assert_int_equal(tile_there("0", 0, width), 0);
		assert_int_equal(tile_there("entries", 0, width), 0);
	}
}

static void
given_a_tree_then_each_leaf_is_proved_from_it_before_and_after_a_restart(
    void **state)
{
	(void)state;
	pay_up_to(ENTRIES_MIN);
	expect_proofs();
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	expect_proofs();
}

static void
given_files_gone_when_the_bank_starts_then_they_are_made_from_the_journal(
    void **state)
{
	static const char *const gone[] = {"tile/0/000", "tile/entries/000",
	    "checkpoint", "tile/0/000", "tile/entries/000"};

	(void)state;
	pay_up_to(ENTRIES_MIN);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		sim_bank_end(bank);
		remove_file(gone[i]);
		/* the last two at once */
		if (i == 3)
			continue;
		start();
		expect_whole();
		expect_proofs();
	}
}

static void
given_a_tile_of_zeros_when_the_bank_starts_then_it_is_made_anew(void **state)
{
	static const char *const spoilt[] = {
	    "ledger/public/tile/0/000", "ledger/public/tile/entries/000"};
	static const uint8_t zeros[256 * 88];

	(void)state;
	pay_up_to(ENTRIES_MIN);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *after;
		size_t len;

		sim_bank_end(bank);
		(void)sim_file(bank->ledgerd_room, spoilt[i], &len);
		sim_put(bank->ledgerd_room, spoilt[i], zeros, len);
		start();
		expect_whole();
		after = sim_file(bank->ledgerd_room, spoilt[i], &len);
		assert_memory_not_equal(after, zeros, len);
		expect_proofs();
	}
}

/* A leaf that never was, with its right hash: only the root tells. */
static void
given_forged_tiles_that_fit_when_the_bank_starts_then_the_root_decides(
    void **state)
{
	static const char entries[] = "ledger/public/tile/entries/000",
			  hashes[] = "ledger/public/tile/0/000";
	uint8_t bundle[256 * 88], tile[256 * 32];
	const uint8_t *bytes;
	size_t len;

	(void)state;
	pay_up_to(ENTRIES_MIN);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	sim_bank_end(bank);
	bytes = sim_file(bank->ledgerd_room, entries, &len);
	assert_int_equal(len, sizeof(bundle));
	memcpy(bundle, bytes, len);
	bytes = sim_file(bank->ledgerd_room, hashes, &len);
	assert_int_equal(len, sizeof(tile));
	memcpy(tile, bytes, len);
	bundle[77 * 88 + 87] ^= 1;
	merkle_leaf_hash(bundle + 77 * 88 + 2, 86, tile + 77 * 32);
	sim_put(bank->ledgerd_room, entries, bundle, sizeof(bundle));
	sim_put(bank->ledgerd_room, hashes, tile, sizeof(tile));
	remove_file("checkpoint");
	start();
	expect_whole();
	expect_proofs();
	bytes = sim_file(bank->ledgerd_room, entries, &len);
	assert_memory_not_equal(bytes, bundle, sizeof(bundle));
}

static void
given_a_power_cut_then_the_tree_is_that_of_the_journal(void **state)
{
	(void)state;
	pay_up_to(ENTRIES_MIN);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(sim_bank_restart(bank,
				     i % 2 == 0 ? SIM_LOSE_SOME : SIM_LOSE_ALL),
		    SR_OK);
		expect_whole();
		expect_proofs();
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
		pay();
	}
}

static void
given_a_full_disk_then_publishing_pauses_and_the_bank_does_not(void **state)
{
	uint8_t hash[32];
	uint64_t size, before;

	(void)state;
	pay();
	assert_int_equal(sim_bank_run(bank), SR_OK);
	before = size_in(CHECKPOINT);
	bank->ledgerd->params.reserve = 0;
	bank->ledgerd->segments.reserve = 0;
	bank->ledgerd_room->space = 1;
	pay();
	size = bank->ledgerd->tree.size;
	assert_true(bank->ledgerd->tiles.refused);
	assert_int_equal(size_in(CHECKPOINT), before);
	assert_true(size > before);
	assert_int_equal(
	    tiles_source(bank->ledgerd, 0, size - 1, hash), SR_AGAIN);
	bank->ledgerd_room->space = 0;
	sim_advance(bank->sim, TILES_RETRY_US / 1000);
	expect_whole();
	expect_proofs();
	assert_false(bank->ledgerd->tiles.refused);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_checkpoint_when_it_is_published_then_what_it_names_is_there),
	    TEST(
		given_a_tree_then_each_leaf_is_proved_from_it_before_and_after_a_restart),
	    TEST(
		given_files_gone_when_the_bank_starts_then_they_are_made_from_the_journal),
	    TEST(
		given_a_tile_of_zeros_when_the_bank_starts_then_it_is_made_anew),
	    TEST(
		given_forged_tiles_that_fit_when_the_bank_starts_then_the_root_decides),
	    TEST(given_a_power_cut_then_the_tree_is_that_of_the_journal),
	    TEST(
		given_a_full_disk_then_publishing_pauses_and_the_bank_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
