/* SPDX-License-Identifier: ISC */
/*
 * Retired segments before an auditor without keys: their leaves in the place
 * of their frames, and everything that can be wrong with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/retired_stage.h"

static void
expect(enum verify_exit exit, const char *sentence)
{
	forged_stage_expect(
	    forged_log_verify(&log_now, 0, true), exit, sentence);
}

/* The same with leaves as they are now. */
static void
expect_changed(uint32_t segment, const char *sentence)
{
	retired_put(segment);
	expect(VERIFY_TAMPERED, sentence);
}

static void
given_retired_segments_when_verified_then_intact(void **state)
{
	(void)state;
	expect(VERIFY_INTACT, "");
}

static void
given_an_anchor_within_the_leaves_when_it_differs_then_forked(void **state)
{
	struct checkpoint kept = log_now.since;

	(void)state;
	if (kept.size >= leaves_now[0].len)
		fail_msg("the anchor is not within");
	kept.root[3] ^= 1;
	forged_log_keep(&log_now, &kept);
	expect(VERIFY_TAMPERED, "forked");
}

/* With so many bytes of the notes, and by no word of any anchor. */
static void
expect_other_origin(const uint8_t *notes, size_t len)
{
	const struct forged_verdict *verdict;

	forged_log_put_file(&log_now, RESTORE_PATH, notes, len);
	expect(VERIFY_TAMPERED, "under another origin, without a restore note");
	verdict = forged_log_verify(&log_now, 0, false);
	assert_int_equal(verdict->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verdict->why,
	    "signed under another origin, without a restore note"));
}

/* No COMMIT under the first origin is left then to differ from. */
static void
given_notes_within_the_leaves_when_any_is_left_out_then_another_origin(
    void **state)
{
	uint8_t notes[FORGED_ROTATION_LEN + RESTORE_RECORD_LEN];
	struct journal_segment header;

	(void)state;
	assert_int_equal(
	    journal_segment_decode(log_now.bytes[RETIRED], &header), SR_OK);
	assert_true(log_now.rotation < header.first_seq &&
		    log_now.note < header.first_seq);
	forged_log_rotation(&log_now, notes);
	forged_log_record(&log_now, notes + FORGED_ROTATION_LEN);
	forged_log_put_file(&log_now, RESTORE_PATH, notes, sizeof(notes));
	expect(VERIFY_INTACT, "");
	expect_other_origin(notes, 0);
	expect_other_origin(notes, FORGED_ROTATION_LEN);
	forged_log_put_file(&log_now, RESTORE_PATH, notes + FORGED_ROTATION_LEN,
	    RESTORE_RECORD_LEN);
	expect(VERIFY_TAMPERED,
	    "a note that does not go on from the first origin");
}

/* Anybody with the log key can make one of any size: batches are unknown. */
static void
given_an_anchor_of_each_size_when_it_is_right_then_met(void **state)
{
	struct merkle_frontier tree;
	struct leaves_file file;
	struct journal_leaf leaf;

	(void)state;
	merkle_frontier_init(&tree);
	assert_int_equal(leaves_file_decode(leaves_now[0].bytes, &file), SR_OK);
	while (tree.size < file.count && tree.size <= log_now.note) {
		struct checkpoint kept = log_now.since;

		assert_int_equal(leaves_file_append(&file,
				     leaves_now[0].bytes +
					 leaves_file_offset(&file, tree.size),
				     &tree, &leaf),
		    SR_OK);
		kept.size = tree.size;
		merkle_frontier_root(&tree, kept.root);
		if (log_now.since.size > log_now.note &&
		    kept.size <= log_now.note)
			continue; /* of the origin that was given up */
		forged_log_keep(&log_now, &kept);
		expect(VERIFY_INTACT, "");
	}
}

static void
given_leaves_when_any_byte_is_changed_then_it_is_named(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < RETIRED; s++) {
		char sentence[64];

		snprintf(sentence, sizeof(sentence),
		    "segment/%08u.leaves, offset", s);
		for (size_t at = 0; at < leaves_now[s].len; at += 7) {
			leaves_now[s].bytes[at] ^= 0x10;
			expect_changed(s, sentence);
			leaves_now[s].bytes[at] ^= 0x10;
		}
		retired_put(s);
	}
}

static void
given_leaves_when_cut_at_any_length_then_it_is_named(void **state)
{
	size_t whole = leaves_now[1].len;

	(void)state;
	for (leaves_now[1].len = 0; leaves_now[1].len < whole;
	     leaves_now[1].len += 31)
		expect_changed(1, "segment/00000001.leaves, offset 0");
	leaves_now[1].len = whole + 1;
	expect_changed(1, "bytes after the last leaf");
}

static void
given_leaves_when_one_is_forged_whole_then_the_next_file_differs(void **state)
{
	struct merkle_frontier tree;
	struct leaves_file file;
	struct journal_leaf leaf;

	(void)state;
	/* of the last retired one, with a header that fits */
	merkle_frontier_init(&tree);
	leaves_now[1].bytes[leaves_now[1].len - 1] ^= 1;
	for (uint32_t s = 0; s < RETIRED; s++) {
		assert_int_equal(
		    leaves_file_decode(leaves_now[s].bytes, &file), SR_OK);
		while (tree.size < file.first_seq + file.count)
			assert_int_equal(
			    leaves_file_append(&file,
				leaves_now[s].bytes +
				    leaves_file_offset(&file, tree.size),
				&tree, &leaf),
			    SR_OK);
	}
	merkle_frontier_root(&tree, file.after);
	leaves_file_encode(&file, leaves_now[1].bytes);
	expect_changed(1,
	    "segment/00000002.log, offset 0 (entry 48): a segment that does "
	    "not continue the leaves of the one before, which is retired");
}

static void
given_a_header_of_another_bank_or_segment_when_verified_then_named(void **state)
{
	(void)state;
	leaves_now[0].bytes[16] ^= 1;
	retired_put_crc(&leaves_now[0]);
	expect_changed(0, "segment/00000000.leaves, offset 0 (entry 0): leaves "
			  "of another bank");
	retired_stage_setup(NULL);
	leaves_now[1].bytes[12] ^= 1;
	retired_put_crc(&leaves_now[1]);
	expect_changed(1, "leaves of another segment");
	retired_stage_setup(NULL);
	leaves_now[1].bytes[7] = '2';
	retired_put_crc(&leaves_now[1]);
	retired_put(1);
	expect(VERIFY_COULD_NOT, "segment/00000001.leaves: this was written "
				 "by a newer version");
}

static void
given_swapped_leaves_when_verified_then_named(void **state)
{
	uint8_t one[JOURNAL_LEAF_LEN];
	uint8_t *first = leaves_now[0].bytes + LEAVES_FILE_HEADER_LEN;

	(void)state;
	memcpy(one, first + JOURNAL_LEAF_LEN, sizeof(one));
	memmove(first + JOURNAL_LEAF_LEN, first, sizeof(one));
	memcpy(first, one, sizeof(one));
	expect_changed(0, "segment/00000000.leaves, offset 136 (entry 0): what "
			  "stands there is not the leaf of this entry");
}

static void
given_missing_leaves_when_verified_then_named(void **state)
{
	(void)state;
	retired_remove_leaves(0);
	expect(VERIFY_TAMPERED, "segment/00000000.leaves is missing");
	retired_stage_setup(NULL);
	retired_remove_leaves(1);
	expect(VERIFY_TAMPERED, "segment/00000001.log is missing");
}

static void
given_leaves_of_nothing_but_leaves_when_verified_then_tampered(void **state)
{
	(void)state;
	for (uint32_t s = RETIRED; s < log_now.segments; s++) {
		retired_put(s);
		retired_remove_log(s);
	}
	expect(VERIFY_TAMPERED, "holds no segment");
}

static void
given_both_files_when_they_agree_then_the_frames_count(void **state)
{
	(void)state;
	retired_put(RETIRED);
	expect(VERIFY_INTACT, "");
	/* as while it is being deleted: the header is gone */
	memset(log_now.bytes[RETIRED], 0, JOURNAL_SEGMENT_HEADER_LEN);
	forged_log_put(&log_now, RETIRED);
	expect(VERIFY_INTACT, "");
}

static void
given_both_files_when_they_disagree_then_named(void **state)
{
	(void)state;
	if (log_now.segments == RETIRED + 1)
		skip(); /* the last one is never retired */
	leaves_now[RETIRED].bytes[leaves_now[RETIRED].len - 1] ^= 1;
	retired_put(RETIRED);
	expect(VERIFY_TAMPERED, "the segment's .log is there, too, and has "
				"another entry");
}

static void
given_the_published_head_when_cut_behind_it_then_truncated(void **state)
{
	(void)state;
	for (uint32_t s = RETIRED + 1; s < log_now.segments; s++)
		retired_remove_log(s);
	expect(VERIFY_TAMPERED, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) RETIRED_STORY(name)
	    TEST(given_retired_segments_when_verified_then_intact),
	    TEST(given_an_anchor_within_the_leaves_when_it_differs_then_forked),
	    TEST(
		given_notes_within_the_leaves_when_any_is_left_out_then_another_origin),
	    TEST(given_an_anchor_of_each_size_when_it_is_right_then_met),
	    TEST(given_leaves_when_any_byte_is_changed_then_it_is_named),
	    TEST(given_leaves_when_cut_at_any_length_then_it_is_named),
	    TEST(
		given_leaves_when_one_is_forged_whole_then_the_next_file_differs),
	    TEST(
		given_a_header_of_another_bank_or_segment_when_verified_then_named),
	    TEST(given_swapped_leaves_when_verified_then_named),
	    TEST(given_missing_leaves_when_verified_then_named),
	    TEST(
		given_leaves_of_nothing_but_leaves_when_verified_then_tampered),
	    TEST(given_both_files_when_they_agree_then_the_frames_count),
	    TEST(given_both_files_when_they_disagree_then_named),
	    TEST(given_the_published_head_when_cut_behind_it_then_truncated),
#undef TEST
	};

	return cmocka_run_group_tests(
	    tests, retired_stage_begin, retired_stage_end);
}
