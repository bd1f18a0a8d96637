/* SPDX-License-Identifier: ISC */
/* tests/run: limit=300 */
/*
 * Somebody who writes ledgerd's disk, and the leaves that stay of retired
 * segments: each bit of a header and each byte of a leaf changed, with the
 * checksum and the roots as they were and made right; leaves taken away,
 * doubled, swapped; files in the place of others, cut at each length, beside a
 * segment that says something else.  Always the whole sentence: the place and
 * the kind of what was done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/crc32c.h"
#include "tests/lib/retired_stage.h"

/* Places in a header and in a leaf (common/leaves_file.h, journal.h). */
enum {
	VERSION_AT = 8,
	ZERO_AT = 10,
	SEGMENT_AT = 12,
	BANK_AT = 16,
	FIRST_AT = 48,
	COUNT_AT = 56,
	BEFORE_AT = 64,
	AFTER_AT = 96,
	ZEROS_AT = 128,
	CRC_AT = 132,
	HEADER = LEAVES_FILE_HEADER_LEN,
	LEAF = JOURNAL_LEAF_LEN,
	LEAF_TIME_AT = 9,
	LEAF_CLASS_AT = 17,
	LEAF_SEGMENT_AT = 18,
	LEAF_HASH_AT = 22,
	LEAF_COMMITMENT_AT = 54,
	COMMIT_ROOT_AT = 24,
};

#define DAMAGED "a damaged header of leaves"
#define NOT_ITS_LEAF "what stands there is not the leaf of this entry"
#define OTHER_ROOT "the leaves lead to another root than the header says"
#define NO_GOING_ON "leaves that do not continue the segment before"
#define BACKWARDS "time runs backwards"
#define LESS "there are less leaves than its header says: cut?"
#define MORE "bytes after the last leaf"
#define OTHER_ENTRY "the segment's .log is there, too, and has another entry"
#define OTHER_ENTRIES "the segment's .log is there, too, and has other entries"

/* The leaves as they were retired, of the segment that is changed. */
static struct retired_leaves kept;

static struct leaves_file
header_of(const struct retired_leaves *leaves)
{
	struct leaves_file file;

	assert_int_equal(leaves_file_decode(leaves->bytes, &file), SR_OK);
	return file;
}

static unsigned
count_of(const struct retired_leaves *leaves)
{
	return (unsigned)header_of(leaves).count;
}

static uint8_t *
leaf_of(struct retired_leaves *leaves, unsigned number)
{
	return leaves->bytes + HEADER + number * LEAF;
}

static uint64_t
time_of(struct retired_leaves *leaves, unsigned number)
{
	struct reader r = reader_of(leaf_of(leaves, number) + LEAF_TIME_AT, 8);

	return reader_u64(&r);
}

static void
put_count(struct retired_leaves *leaves, uint64_t count)
{
	struct writer w = writer_to(leaves->bytes + COUNT_AT, 8);

	writer_u64(&w, count);
	retired_put_crc(leaves);
}

static void
expect_sentence(enum verify_exit exit, const char *sentence)
{
	/* of no anchor: it would tell more than the files themselves */
	const struct forged_verdict *verdict =
	    forged_log_verify(&log_now, 0, false);

	if (verdict->exit != exit || strcmp(verdict->why, sentence) != 0)
		fail_msg("exit %d, `%s', not `%s'", (int)verdict->exit,
		    verdict->why, sentence);
}

static void
expect_at(uint32_t segment, size_t offset, uint64_t entry, const char *what)
{
	char sentence[VERIFY_WHY_MAX];

	snprintf(sentence, sizeof(sentence),
	    "segment/%08u.leaves, offset %zu (entry %llu): %s", segment, offset,
	    (unsigned long long)entry, what);
	expect_sentence(VERIFY_TAMPERED, sentence);
}

/* Of the whole file. */
static void
expect_file(uint32_t segment, const char *what)
{
	retired_put(segment);
	expect_at(segment, 0, (uint64_t)segment * 2 * FORGED_BATCH, what);
}

/* Of one of its leaves. */
static void
expect_leaf(uint32_t segment, unsigned number, const char *what)
{
	retired_put(segment);
	expect_at(segment, HEADER + (size_t)number * LEAF,
	    (uint64_t)segment * 2 * FORGED_BATCH + number, what);
}

/* With a right checksum it is no accident: another program may know it. */
static void
expect_newer(uint32_t segment)
{
	char sentence[VERIFY_WHY_MAX];

	snprintf(sentence, sizeof(sentence), "segment/%08u.leaves: %s", segment,
	    error_sentence(SR_VERSION));
	retired_put(segment);
	expect_sentence(VERIFY_COULD_NOT, sentence);
}

/* ---- bytes ------------------------------------------------------------------------ */

static void
given_any_bit_of_a_header_when_flipped_then_it_is_damaged(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < RETIRED; s++) {
		for (size_t bit = 0; bit < 8 * (size_t)HEADER; bit++) {
			uint8_t mask = (uint8_t)(1u << bit % 8);

			leaves_now[s].bytes[bit / 8] ^= mask;
			expect_file(s, DAMAGED);
			leaves_now[s].bytes[bit / 8] ^= mask;
		}
		retired_put(s);
	}
}

/* What is wrong with a header that has its checksum right; NULL: a later one. */
static const char *
header_kind(const struct retired_leaves *leaves, size_t at)
{
	uint64_t len, count = count_of(&kept);
	struct leaves_file file;
	enum sr_error error = leaves_file_decode(leaves->bytes, &file);

	if (error == SR_VERSION)
		return at < ZERO_AT ? NULL : "";
	if (at < SEGMENT_AT || (at >= ZEROS_AT && at < CRC_AT))
		return DAMAGED;
	if (at < BANK_AT)
		return "leaves of another segment";
	if (at < FIRST_AT)
		return "leaves of another bank";
	if (at < COUNT_AT && error == SR_OK)
		return NO_GOING_ON;
	if (at < BEFORE_AT && error == SR_OK) {
		len = leaves_file_len(&file);
		assert_true(file.count != count);
		return len > leaves->len ? LESS : MORE;
	}
	if (at < BEFORE_AT)
		return DAMAGED; /* no log is so large */
	return at < AFTER_AT ? NO_GOING_ON : OTHER_ROOT;
}

static void
given_any_bit_of_a_header_when_flipped_under_its_crc_then_its_kind(void **state)
{
	unsigned newer = 0;

	(void)state;
	for (uint32_t s = 0; s < RETIRED; s++) {
		kept = leaves_now[s];
		for (size_t bit = 0; bit < 8 * (size_t)CRC_AT; bit++) {
			const char *kind;

			leaves_now[s].bytes[bit / 8] ^=
			    (uint8_t)(1u << bit % 8);
			retired_put_crc(&leaves_now[s]);
			kind = header_kind(&leaves_now[s], bit / 8);
			if (kind != NULL) {
				expect_file(s, kind);
			} else {
				expect_newer(s);
				newer++;
			}
			leaves_now[s] = kept;
		}
		retired_put(s);
	}
	/* the magic's digit and the version, upwards */
	assert_true(newer >= RETIRED * 15);
}

/* Whether a leaf is none, or not that of its place, without the tree. */
static bool
is_seen_alone(const uint8_t *leaf, size_t at)
{
	if (at == LEAF_CLASS_AT)
		return leaf[at] < JOURNAL_CLASS_ORDER ||
		       leaf[at] > JOURNAL_CLASS_BOX;
	return at < LEAF_TIME_AT ||
	       (at >= LEAF_SEGMENT_AT && at < LEAF_HASH_AT);
}

static void
flip(uint32_t segment, size_t byte)
{
	leaves_now[segment].bytes[byte] ^=
	    (uint8_t)(1u << (byte + byte / 8) % 8);
}

static void
given_any_byte_of_a_leaf_when_flipped_then_the_leaf_or_the_root(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < RETIRED; s++) {
		for (size_t byte = HEADER; byte < leaves_now[s].len; byte++) {
			unsigned leaf = (unsigned)(byte - HEADER) / LEAF;

			flip(s, byte);
			if (is_seen_alone(leaf_of(&leaves_now[s], leaf),
				(byte - HEADER) % LEAF))
				expect_leaf(s, leaf, NOT_ITS_LEAF);
			else
				expect_file(s, OTHER_ROOT);
			flip(s, byte);
		}
		retired_put(s);
	}
}

static const char *
note_name(unsigned number)
{
	return number == log_now.note ? "restore" : "rotation";
}

/* Which is not the one that public/restores holds, which the bank signed. */
static void
expect_not_the_note(unsigned number)
{
	char what[VERIFY_WHY_MAX / 2];

	snprintf(what, sizeof(what),
	    "this is not the %s note that " RESTORE_PATH
	    " holds for this place",
	    note_name(number));
	expect_leaf(0, number, what);
}

static void
expect_note_elsewhere(unsigned number)
{
	char what[VERIFY_WHY_MAX / 2];

	snprintf(what, sizeof(what),
	    "the %s note for this place goes on from another log",
	    note_name(number));
	expect_leaf(0, number, what);
}

/* With the roots of the file made right: the next one, if nothing within. */
static void
expect_forged(unsigned leaf, size_t at)
{
	struct retired_leaves *first = &leaves_now[0];
	unsigned count = count_of(first);
	unsigned note =
	    leaf < log_now.rotation ? log_now.rotation : log_now.note;

	if (is_seen_alone(leaf_of(first, leaf), at)) {
		expect_leaf(0, leaf, NOT_ITS_LEAF);
	} else if (at >= LEAF_TIME_AT && at < LEAF_CLASS_AT && leaf > 0 &&
		   time_of(first, leaf) < time_of(first, leaf - 1)) {
		expect_leaf(0, leaf, BACKWARDS);
	} else if ((leaf == log_now.note || leaf == log_now.rotation) &&
		   at >= LEAF_COMMITMENT_AT) {
		expect_not_the_note(leaf);
	} else if (leaf + 1 < count &&
		   time_of(first, leaf + 1) < time_of(first, leaf)) {
		expect_leaf(0, leaf + 1, BACKWARDS);
	} else if (leaf < note) {
		expect_note_elsewhere(note);
	} else {
		retired_put(0);
		expect_at(1, 0, 2 * FORGED_BATCH, NO_GOING_ON);
	}
}

static void
given_any_byte_of_a_leaf_when_the_roots_are_made_right_then_the_next(
    void **state)
{
	(void)state;
	assert_true(log_now.rotation < log_now.note &&
		    log_now.note < count_of(&leaves_now[0]));
	kept = leaves_now[0];
	for (size_t byte = HEADER; byte < kept.len; byte++) {
		struct merkle_frontier tree;

		flip(0, byte);
		merkle_frontier_init(&tree);
		retired_put_roots(&leaves_now[0], &tree);
		expect_forged(
		    (unsigned)(byte - HEADER) / LEAF, (byte - HEADER) % LEAF);
		leaves_now[0] = kept;
	}
}

/* ---- leaves ----------------------------------------------------------------------- */

/* Others stand there, and what came behind follows; the header counts them. */
static void
put_leaf(struct retired_leaves *leaves, unsigned number, const uint8_t *other,
    size_t len)
{
	uint8_t *leaf = leaf_of(leaves, number);
	size_t rest = leaves->len - (size_t)(leaf + LEAF - leaves->bytes);

	assert_true(leaves->len + len - LEAF <= sizeof(leaves->bytes));
	memmove(leaf + len, leaf + LEAF, rest);
	if (len > 0)
		memcpy(leaf, other, len);
	leaves->len += len;
	leaves->len -= LEAF;
	put_count(leaves, (leaves->len - HEADER) / LEAF);
}

static void
given_any_leaf_when_deleted_doubled_or_replaced_then_it_is_named(void **state)
{
	uint8_t twice[2 * LEAF], other[LEAF];

	(void)state;
	for (uint32_t s = 0; s < RETIRED; s++) {
		unsigned count = count_of(&leaves_now[s]);

		kept = leaves_now[s];
		for (unsigned n = 0; n < count; n++) {
			put_leaf(&leaves_now[s], n, NULL, 0);
			if (n + 1 == count)
				expect_file(s, OTHER_ROOT);
			else
				expect_leaf(s, n, NOT_ITS_LEAF);
			leaves_now[s] = kept;
			memcpy(twice, leaf_of(&kept, n), LEAF);
			memcpy(twice + LEAF, twice, LEAF);
			put_leaf(&leaves_now[s], n, twice, sizeof(twice));
			expect_leaf(s, n + 1, NOT_ITS_LEAF);
			leaves_now[s] = kept;
			memcpy(other, leaf_of(&leaves_now[1 - s], n), LEAF);
			put_leaf(&leaves_now[s], n, other, LEAF);
			expect_leaf(s, n, NOT_ITS_LEAF);
			leaves_now[s] = kept;
		}
		retired_put(s);
	}
}

static void
given_any_two_leaves_when_swapped_then_the_first_is_named(void **state)
{
	unsigned count = count_of(&leaves_now[1]);

	(void)state;
	kept = leaves_now[1];
	for (unsigned a = 0; a < count; a++) {
		for (unsigned b = a + 1; b < count; b++) {
			memcpy(leaf_of(&leaves_now[1], a), leaf_of(&kept, b),
			    LEAF);
			memcpy(leaf_of(&leaves_now[1], b), leaf_of(&kept, a),
			    LEAF);
			expect_leaf(1, a, NOT_ITS_LEAF);
			leaves_now[1] = kept;
		}
	}
}

/* Under headers that are right: for the leaf after the last one is none. */
static void
given_the_last_leaves_when_cut_off_then_the_next_file_tells(void **state)
{
	struct merkle_frontier before, tree;
	unsigned count = count_of(&leaves_now[1]);

	(void)state;
	kept = leaves_now[1];
	merkle_frontier_init(&before);
	retired_put_roots(&leaves_now[0], &before);
	for (unsigned n = 0; n < count; n++) {
		char sentence[VERIFY_WHY_MAX];

		leaves_now[1].len = HEADER + (size_t)n * LEAF;
		put_count(&leaves_now[1], n);
		tree = before;
		retired_put_roots(&leaves_now[1], &tree);
		retired_put(1);
		snprintf(sentence, sizeof(sentence),
		    "segment/%08u.log, offset 0 (entry %u): a segment that "
		    "does not continue the leaves of the one before, which is "
		    "retired",
		    (unsigned)RETIRED, 2 * FORGED_BATCH + n);
		expect_sentence(VERIFY_TAMPERED, sentence);
		leaves_now[1] = kept;
	}
}

/* ---- files ------------------------------------------------------------------------ */

static void
given_leaves_when_cut_at_each_length_then_they_are_too_short(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < RETIRED; s++) {
		size_t whole = leaves_now[s].len;

		for (size_t len = 0; len < whole; len++) {
			leaves_now[s].len = len;
			expect_file(s,
			    len < HEADER ? "a length that no leaves have: cut?"
					 : LESS);
		}
		for (size_t more = 1; more <= 2 * LEAF; more++) {
			leaves_now[s].len = whole + more;
			expect_file(s, MORE);
		}
		leaves_now[s].len = whole;
		retired_put(s);
	}
}

static void
given_leaves_when_they_follow_twice_then_it_is_named(void **state)
{
	struct retired_leaves *leaves = &leaves_now[1];
	unsigned count = count_of(leaves);

	(void)state;
	memcpy(leaves->bytes + leaves->len, leaves->bytes, leaves->len);
	leaves->len *= 2;
	expect_file(1, MORE);
	leaves->len = HEADER + (size_t)count * LEAF;
	memcpy(
	    leaf_of(leaves, count), leaf_of(leaves, 0), (size_t)count * LEAF);
	leaves->len += (size_t)count * LEAF;
	put_count(leaves, 2 * (uint64_t)count);
	expect_leaf(1, count, NOT_ITS_LEAF);
}

/* Each of the three in the place of another one, then under its number. */
static void
given_leaves_in_the_place_of_others_when_verified_then_it_is_named(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < RETIRED; s++) {
		kept = leaves_now[s];
		for (uint32_t of = 0; of <= RETIRED; of++) {
			if (of == s)
				continue;
			leaves_now[s] = leaves_now[of];
			expect_file(s, "leaves of another segment");
			leaves_now[s].bytes[SEGMENT_AT] = (uint8_t)s;
			retired_put_crc(&leaves_now[s]);
			expect_file(s, NO_GOING_ON);
			memcpy(leaves_now[s].bytes, kept.bytes, HEADER);
			put_count(&leaves_now[s], count_of(&leaves_now[of]));
			expect_leaf(s, 0, NOT_ITS_LEAF);
			leaves_now[s] = kept;
		}
		retired_put(s);
	}
	/* the segment itself under the name of its leaves */
	memcpy(leaves_now[0].bytes, log_now.bytes[0], RETIRED_LEAVES_MAX);
	leaves_now[0].len = RETIRED_LEAVES_MAX;
	expect_file(0, DAMAGED);
}

/* Roots as they follow on other leaves, where they need no signature. */
static void
forge_segment(struct forged_log *log, const struct merkle_frontier *before)
{
	uint8_t *bytes = log->bytes[RETIRED];
	struct merkle_frontier tree = *before;
	struct journal_segment header;
	struct journal_frame frame;
	struct journal_leaf leaf;
	uint8_t hash[32];

	assert_int_equal(journal_segment_decode(bytes, &header), SR_OK);
	merkle_frontier_root(&tree, header.root);
	journal_segment_encode(&header, bytes);
	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN; at < log->used[RETIRED];
	     at += frame.frame_len) {
		uint8_t *body = bytes + at + JOURNAL_HEADER_LEN;
		struct writer w = writer_to(bytes + at + JOURNAL_AAD_LEN, 4);

		assert_int_equal(journal_frame_parse(bytes + at,
				     FORGED_SEGMENT_LEN - at, &frame),
		    SR_OK);
		if (frame.header.type == JOURNAL_ENTRY) {
			journal_frame_leaf(&frame, &leaf);
			journal_leaf_hash(&leaf, hash);
			(void)merkle_frontier_append(&tree, hash);
			continue;
		}
		merkle_frontier_root(&tree, body + COMMIT_ROOT_AT);
		writer_u32(&w, crc32c(crc32c(0, bytes + at, JOURNAL_AAD_LEN),
				   body, JOURNAL_COMMIT_BODY_LEN));
	}
	forged_log_put(log, RETIRED);
}

/*
 * Another bank's history of the same length, under our bank's name: nothing in
 * the leaves themselves is wrong, and what keyd signed after them tells.
 */
static void
given_leaves_of_another_bank_when_made_to_fit_then_the_log_tells(void **state)
{
	struct merkle_frontier tree;

	(void)state;
	leaves_now[1].bytes[BANK_AT] ^= 1;
	retired_put_crc(&leaves_now[1]);
	expect_file(1, "leaves of another bank");
	leaves_now[1].bytes[BANK_AT] ^= 1;
	retired_put_crc(&leaves_now[1]);
	merkle_frontier_init(&tree);
	retired_put_roots(&leaves_now[0], &tree);
	for (unsigned n = 0; n < count_of(&leaves_now[1]); n++)
		for (size_t at = LEAF_HASH_AT; at < LEAF; at++)
			leaf_of(&leaves_now[1], n)[at] ^= 0x5a;
	retired_put_roots(&leaves_now[1], &tree);
	retired_put(1);
	expect_sentence(VERIFY_TAMPERED,
	    "segment/00000002.log, offset 0 (entry 48): a segment that does "
	    "not continue the leaves of the one before, which is retired");
	/* the segment's header is nobody's secret, and its COMMITs are not */
	forge_segment(&log_now, &tree);
	expect_sentence(VERIFY_TAMPERED,
	    "segment/00000002.log, offset 6112 (entry 60): the batch before is "
	    "not signed by keyd");
}

/* ---- beside the segment ----------------------------------------------------------- */

/* The segment's own bytes are what counts; its leaves are told of theirs. */
static void
given_any_byte_of_leaves_beside_their_segment_when_flipped_then_named(
    void **state)
{
	const uint32_t s = RETIRED;

	(void)state;
	assert_true(log_now.segments > RETIRED + 1);
	retired_put(s);
	expect_sentence(VERIFY_INTACT, "");
	for (size_t byte = 0; byte < leaves_now[s].len; byte++) {
		flip(s, byte);
		if (byte < HEADER)
			expect_file(s, DAMAGED);
		else
			expect_leaf(
			    s, (unsigned)(byte - HEADER) / LEAF, OTHER_ENTRY);
		flip(s, byte);
	}
	kept = leaves_now[s];
	for (size_t byte = 0; byte < CRC_AT; byte++) {
		const char *kind;

		flip(s, byte);
		retired_put_crc(&leaves_now[s]);
		kind = header_kind(&leaves_now[s], byte);
		if (kind == NULL) {
			expect_newer(s);
		} else if (strcmp(kind, NO_GOING_ON) == 0 ||
			   strcmp(kind, OTHER_ROOT) == 0) {
			expect_file(s, OTHER_ENTRIES);
		} else {
			expect_file(s, kind);
		}
		leaves_now[s] = kept;
	}
}

/* Both right in themselves. */
static void
given_another_entry_beside_its_leaves_when_roots_are_right_then_it_is_named(
    void **state)
{
	const uint32_t s = RETIRED;
	struct merkle_frontier before, tree;

	(void)state;
	merkle_frontier_init(&before);
	for (uint32_t n = 0; n < s; n++)
		retired_put_roots(&leaves_now[n], &before);
	kept = leaves_now[s];
	for (unsigned n = 0; n < count_of(&kept); n++) {
		leaf_of(&leaves_now[s], n)[LEAF_COMMITMENT_AT] ^= 1;
		tree = before;
		retired_put_roots(&leaves_now[s], &tree);
		expect_leaf(s, n, OTHER_ENTRY);
		leaves_now[s] = kept;
	}
}

static void
given_a_damaged_segment_beside_its_leaves_when_verified_then_it_is_named(
    void **state)
{
	const uint32_t s = RETIRED;

	(void)state;
	retired_put(s);
	log_now.bytes[s][JOURNAL_SEGMENT_HEADER_LEN + 40] ^= 1;
	forged_log_put(&log_now, s);
	expect_sentence(VERIFY_TAMPERED,
	    "segment/00000002.log, offset 128 (entry 48): a damaged frame");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RETIRED_STORY(
		given_any_bit_of_a_header_when_flipped_then_it_is_damaged),
	    RETIRED_STORY(
		given_any_bit_of_a_header_when_flipped_under_its_crc_then_its_kind),
	    RETIRED_STORY(
		given_any_byte_of_a_leaf_when_flipped_then_the_leaf_or_the_root),
	    RETIRED_STORY(
		given_any_byte_of_a_leaf_when_the_roots_are_made_right_then_the_next),
	    RETIRED_STORY(
		given_any_leaf_when_deleted_doubled_or_replaced_then_it_is_named),
	    RETIRED_STORY(
		given_any_two_leaves_when_swapped_then_the_first_is_named),
	    RETIRED_STORY(
		given_the_last_leaves_when_cut_off_then_the_next_file_tells),
	    RETIRED_STORY(
		given_leaves_when_cut_at_each_length_then_they_are_too_short),
	    RETIRED_STORY(given_leaves_when_they_follow_twice_then_it_is_named),
	    RETIRED_STORY(
		given_leaves_in_the_place_of_others_when_verified_then_it_is_named),
	    RETIRED_STORY(
		given_leaves_of_another_bank_when_made_to_fit_then_the_log_tells),
	    RETIRED_STORY(
		given_any_byte_of_leaves_beside_their_segment_when_flipped_then_named),
	    RETIRED_STORY(
		given_another_entry_beside_its_leaves_when_roots_are_right_then_it_is_named),
	    RETIRED_STORY(
		given_a_damaged_segment_beside_its_leaves_when_verified_then_it_is_named),
	};

	return cmocka_run_group_tests(
	    tests, retired_stage_begin, retired_stage_end);
}
