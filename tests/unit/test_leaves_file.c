/* SPDX-License-Identifier: ISC */
/* What stays of a retired segment: written, read, and read when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/crc32c.h"
#include "common/leaves_file.h"

enum { BEFORE = 5, COUNT = 7, SEGMENT = 3 };

static struct leaves_file file;
static struct merkle_frontier before, after;
static uint8_t header[LEAVES_FILE_HEADER_LEN];
static uint8_t leaves[BEFORE + COUNT][JOURNAL_LEAF_LEN];

static void
put_crc(uint8_t bytes[LEAVES_FILE_HEADER_LEN])
{
	struct writer w = writer_to(bytes + LEAVES_FILE_HEADER_LEN - 4, 4);

	writer_u32(&w, crc32c(0, bytes, LEAVES_FILE_HEADER_LEN - 4));
}

static int
begin(void **state)
{
	struct merkle_frontier tree;

	(void)state;
	memset(&file, 0, sizeof(file));
	file = (struct leaves_file){
	    .segment = SEGMENT, .first_seq = BEFORE, .count = COUNT};
	memset(file.bank_id, 0xb1, sizeof(file.bank_id));
	merkle_frontier_init(&tree);
	for (uint64_t i = 0; i < BEFORE + COUNT; i++) {
		struct journal_leaf leaf = {.seq = i,
		    .time_ms = 1000 + i,
		    .class = (uint8_t)(1 + i % 4),
		    .segment = i < BEFORE ? SEGMENT - 1 : SEGMENT};
		uint8_t hash[32];

		memset(leaf.sealed_hash, (int)i, sizeof(leaf.sealed_hash));
		memset(leaf.commitment, (int)i + 1, sizeof(leaf.commitment));
		journal_leaf_encode(&leaf, leaves[i]);
		journal_leaf_hash(&leaf, hash);
		if (i == BEFORE)
			before = tree;
		assert_int_equal(merkle_frontier_append(&tree, hash), SR_OK);
	}
	after = tree;
	merkle_frontier_root(&before, file.before);
	merkle_frontier_root(&after, file.after);
	leaves_file_encode(&file, header);
	return 0;
}

static void
given_a_file_when_encoded_and_decoded_then_it_is_the_same(void **state)
{
	struct leaves_file again;

	(void)state;
	assert_memory_equal(header, "SRLEAVE1", 8);
	assert_int_equal(leaves_file_decode(header, &again), SR_OK);
	assert_memory_equal(&again, &file, sizeof(file));
	assert_int_equal(leaves_file_len(&file), 136 + 7 * 86);
	assert_int_equal(leaves_file_offset(&file, BEFORE), 136);
	assert_int_equal(leaves_file_offset(&file, BEFORE + 6), 136 + 6 * 86);
}

static void
given_a_segment_when_its_file_is_named_then_by_eight_digits(void **state)
{
	char name[LEAVES_FILE_NAME_MAX];

	(void)state;
	assert_string_equal(leaves_file_name(0, name), "00000000.leaves");
	assert_string_equal(
	    leaves_file_name(UINT32_MAX, name), "4294967295.leaves");
}

static void
given_the_leaves_when_appended_then_the_tree_is_the_log_s(void **state)
{
	struct merkle_frontier tree = before;
	struct journal_leaf leaf;

	(void)state;
	assert_int_equal(leaves_file_begins(&file, &tree), SR_OK);
	for (unsigned i = BEFORE; i < BEFORE + COUNT; i++) {
		assert_int_equal(leaves_file_ends(&file, &tree), SR_DAMAGED);
		assert_int_equal(
		    leaves_file_append(&file, leaves[i], &tree, &leaf), SR_OK);
		assert_int_equal(leaf.time_ms, 1000 + i);
	}
	assert_int_equal(leaves_file_ends(&file, &tree), SR_OK);
	assert_memory_equal(&tree, &after, sizeof(tree));
	assert_int_equal(leaves_file_begins(&file, &tree), SR_DAMAGED);
}

static void
given_an_altered_leaf_when_appended_then_the_file_does_not_end(void **state)
{
	(void)state;
	for (size_t at = 0; at < JOURNAL_LEAF_LEN; at++) {
		struct merkle_frontier tree = before;
		enum sr_error error = SR_OK;
		struct journal_leaf leaf;

		leaves[BEFORE + 2][at] ^= 1;
		for (unsigned i = BEFORE; error == SR_OK && i < BEFORE + COUNT;
		     i++)
			error =
			    leaves_file_append(&file, leaves[i], &tree, &leaf);
		if (error == SR_OK)
			error = leaves_file_ends(&file, &tree);
		assert_int_equal(error, SR_DAMAGED);
		leaves[BEFORE + 2][at] ^= 1;
	}
}

static void
given_a_leaf_at_another_place_when_appended_then_it_is_damage(void **state)
{
	struct merkle_frontier tree = before, was = before;
	struct journal_leaf leaf;

	(void)state;
	/* the next but one, the one before, one of another segment */
	assert_int_equal(
	    leaves_file_append(&file, leaves[BEFORE + 1], &tree, &leaf),
	    SR_DAMAGED);
	assert_int_equal(
	    leaves_file_append(&file, leaves[BEFORE - 1], &tree, &leaf),
	    SR_DAMAGED);
	leaves[BEFORE][18]++;
	assert_int_equal(
	    leaves_file_append(&file, leaves[BEFORE], &tree, &leaf),
	    SR_DAMAGED);
	/* one more than there are */
	leaves[BEFORE][18]--;
	file.count = 0;
	assert_int_equal(
	    leaves_file_append(&file, leaves[BEFORE], &tree, &leaf),
	    SR_DAMAGED);
	assert_memory_equal(&tree, &was, sizeof(tree));
}

static void
given_any_changed_byte_when_decoded_then_it_is_damage(void **state)
{
	struct leaves_file again;

	(void)state;
	for (size_t at = 0; at < sizeof(header); at++) {
		enum sr_error expected =
		    /* a version that may be a later one is called so */
		    at == 7 || at == 8 || at == 9 ? SR_VERSION : SR_DAMAGED;

		header[at] ^= 2;
		assert_int_equal(leaves_file_decode(header, &again), expected);
		header[at] ^= 2;
	}
}

static void
given_a_header_that_lies_when_decoded_then_it_is_damage(void **state)
{
	struct leaves_file again, lie;

	(void)state;
	lie = file;
	lie.count = LEAVES_FILE_COUNT_MAX + 1;
	leaves_file_encode(&lie, header);
	assert_int_equal(leaves_file_decode(header, &again), SR_DAMAGED);
	lie.count = UINT64_MAX;
	leaves_file_encode(&lie, header);
	assert_int_equal(leaves_file_decode(header, &again), SR_DAMAGED);
	lie = file;
	lie.first_seq = UINT64_MAX - 2;
	leaves_file_encode(&lie, header);
	assert_int_equal(leaves_file_decode(header, &again), SR_DAMAGED);
	lie = file;
	lie.count = 0;
	leaves_file_encode(&lie, header);
	assert_int_equal(leaves_file_decode(header, &again), SR_DAMAGED);
	memcpy(lie.after, lie.before, sizeof(lie.after));
	leaves_file_encode(&lie, header);
	assert_int_equal(leaves_file_decode(header, &again), SR_OK);
	/* reserved bytes */
	leaves_file_encode(&file, header);
	header[10] = 1;
	put_crc(header);
	assert_int_equal(leaves_file_decode(header, &again), SR_DAMAGED);
	leaves_file_encode(&file, header);
	header[128] = 1;
	put_crc(header);
	assert_int_equal(leaves_file_decode(header, &again), SR_DAMAGED);
}

static void
given_a_leaf_when_decoded_then_only_what_a_leaf_can_be(void **state)
{
	struct journal_leaf leaf;
	uint8_t bytes[JOURNAL_LEAF_LEN], again[JOURNAL_LEAF_LEN];

	(void)state;
	memcpy(bytes, leaves[BEFORE], sizeof(bytes));
	assert_int_equal(journal_leaf_decode(bytes, &leaf), SR_OK);
	journal_leaf_encode(&leaf, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
	bytes[17] = 0;
	assert_int_equal(journal_leaf_decode(bytes, &leaf), SR_DAMAGED);
	bytes[17] = 5;
	assert_int_equal(journal_leaf_decode(bytes, &leaf), SR_DAMAGED);
	bytes[17] = 1;
	bytes[0] = 0;
	assert_int_equal(journal_leaf_decode(bytes, &leaf), SR_DAMAGED);
	bytes[0] = 2;
	assert_int_equal(journal_leaf_decode(bytes, &leaf), SR_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		given_a_file_when_encoded_and_decoded_then_it_is_the_same,
		begin),
	    cmocka_unit_test_setup(
		given_a_segment_when_its_file_is_named_then_by_eight_digits,
		begin),
	    cmocka_unit_test_setup(
		given_the_leaves_when_appended_then_the_tree_is_the_log_s,
		begin),
	    cmocka_unit_test_setup(
		given_an_altered_leaf_when_appended_then_the_file_does_not_end,
		begin),
	    cmocka_unit_test_setup(
		given_a_leaf_at_another_place_when_appended_then_it_is_damage,
		begin),
	    cmocka_unit_test_setup(
		given_any_changed_byte_when_decoded_then_it_is_damage, begin),
	    cmocka_unit_test_setup(
		given_a_header_that_lies_when_decoded_then_it_is_damage, begin),
	    cmocka_unit_test_setup(
		given_a_leaf_when_decoded_then_only_what_a_leaf_can_be, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
