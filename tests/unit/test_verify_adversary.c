/* SPDX-License-Identifier: ISC */
/* tests/run: limit=300 */
/*
 * Somebody who holds the files of a log of 1,000 entries, with every kind of
 * them: bytes changed, frames deleted, doubled, swapped and put elsewhere, the
 * tail cut at any length, COMMITs written anew.  Always the place and the kind
 * of what was done, which are computed from where the frames were written.
 *
 *	test_verify_adversary          a part, another one each second
 *	test_verify_adversary whole [PATTERN]
 *	                               each byte and each length: some minutes
 *
 * Whole files and histories are put in the place of others in
 * test_verify_replaced.c, plaintexts in test_verify_forged.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/crc32c.h"
#include "tests/lib/forged_pieces.h"
#include "tests/lib/forged_share.h"
#include "tests/lib/forged_stage.h"
#include "tests/lib/forged_walk.h"
#include "tests/lib/verified_once.h"

/* Places in a frame (common/journal.h). */
enum {
	TYPE_AT = 5,
	SEQ_AT = 12,
	TIME_AT = 20,
	SEGMENT_AT = 28,
	CLASS_AT = 32,
	BODY_AT = JOURNAL_HEADER_LEN,
	LAST_LEAF_AT = BODY_AT + 8,
	ROOT_AT = BODY_AT + 24,
	EPOCH_AT = BODY_AT + 56,
	ZERO_AT = BODY_AT + 60,
	SIGNATURE_AT = BODY_AT + 64,
};

static bool whole;
static unsigned seed;

static void __attribute__((format(printf, 5, 6)))
expect(struct forged_expected *expected, uint32_t segment, size_t offset,
    unsigned entry, const char *format, ...)
{
	size_t room = sizeof(expected->why);
	va_list arguments;
	int len;

	expected->exit = VERIFY_TAMPERED;
	len = snprintf(expected->why, room,
	    "segment/%08u.log, offset %zu (entry %u): ", segment, offset,
	    entry);
	va_start(arguments, format);
	vsnprintf(expected->why + len, room - (size_t)len, format, arguments);
	va_end(arguments);
}

/* What is signed and not there any more. */
static void
expect_truncated(const struct forged_log *log, struct forged_expected *expected,
    uint32_t segment, size_t committed_end, unsigned entries)
{
	expected->exit = VERIFY_TAMPERED;
	snprintf(expected->why, sizeof(expected->why),
	    "truncated: keyd signed %u entries, the log holds %u and ends in "
	    "segment/%08u.log, offset %zu",
	    log->count, entries, segment, committed_end);
}

/* Under a sanitizer, several times slower, so many times fewer. */
static unsigned
fewer(void)
{
	return forged_step() > 3 ? 4 : 1;
}

/* One of `of', which ones this time. */
static bool
is_turn(size_t number, unsigned of)
{
	return whole || (number + seed) % (of * fewer()) == 0;
}

/* Shared by processes; so many alterations at least. */
static void
walk(forged_work work)
{
	print_message("%s, seed %u\n", whole ? "whole" : "a part", seed);
	assert_true(forged_share(&day, work));
}

static bool
walk_share(struct forged_log *log, bool keys, forged_alteration alter,
    unsigned share, unsigned shares, unsigned long at_least)
{
	unsigned long done;
	bool good = forged_walk(log, keys, alter, share, shares, &done);

	fprintf(stderr, "%lu alterations\n", done);
	return good && done >= at_least / shares / fewer();
}

/* ---- every kind is there --------------------------------------------------------- */

static unsigned
count_entries(unsigned type, unsigned at, unsigned value)
{
	unsigned count = 0;

	for (unsigned i = 0; i < day.count; i++)
		count += day.entry[i].committed[0] == type &&
			 (at == 0 || day.entry[i].committed[at] == value);
	return count;
}

/* Of events test_verify_bytes.c asks the program which codes it knows. */
static void
given_the_life_then_it_holds_every_kind_in_many_segments(void **state)
{
	unsigned codes = 0;

	(void)state;
	for (unsigned v = 0; v <= UINT8_MAX; v++) {
		uint8_t byte = (uint8_t)v;

		if (entry_type_of(&byte, 1) != 0 && count_entries(v, 0, 0) == 0)
			fail_msg("no entry of type %u", v);
		if (order_kind_known(v) &&
		    count_entries(ENTRY_ORDER, 9, v) == 0)
			fail_msg("no order of kind %u", v);
		codes += count_entries(ENTRY_USE, 1, v) > 0;
		codes += count_entries(ENTRY_SYSTEM, 1, v) > 0;
	}
	assert_true(codes >= 12);
	assert_true(day.count >= 1000 && day.segments >= 40);
	assert_true(day.snapshot[0].number != 0 && day.snapshot[1].number != 0);
	assert_true(day.note < day.count && day.rotation < day.note);
}

/* ---- bytes ------------------------------------------------------------------------ */

static struct forged_pieces pieces;

/* In parts: each place of a header comes by many times, bodies are alike. */
static bool
is_chosen(const struct forged_log *log, const struct forged_piece *piece,
    uint32_t segment, size_t byte)
{
	size_t used = log->used[segment], at;

	if (byte < JOURNAL_SEGMENT_HEADER_LEN)
		return is_turn(byte + segment, 6);
	if (piece == NULL)
		return is_turn(byte, byte - used < 8 ? 3 : 499);
	at = byte - piece->offset + piece->seq;
	if (piece->commit || byte - piece->offset < BODY_AT)
		return is_turn(at, 37);
	return is_turn(at, 211);
}

static enum forged_alter
flip(const struct forged_log *log, uint32_t segment, unsigned long byte,
    uint8_t *bytes, struct forged_expected *expected)
{
	const struct forged_piece *piece;
	size_t used = log->used[segment];
	unsigned next = pieces.piece[pieces.first[segment + 1] - 1].seq;

	if (byte >= FORGED_SEGMENT_LEN)
		return FORGED_NO_MORE;
	piece = forged_piece_at(&pieces, segment, byte);
	if (!is_chosen(log, piece, segment, byte))
		return FORGED_PASS;
	bytes[byte] ^= (uint8_t)(1u << (byte + byte / 8 + seed) % 8);
	if (byte < JOURNAL_SEGMENT_HEADER_LEN)
		expect(expected, segment, 0,
		    pieces.piece[pieces.first[segment]].seq,
		    "a damaged segment header");
	else if (piece != NULL)
		expect(expected, segment, piece->offset, piece->seq,
		    "a damaged frame");
	else if (segment + 1 == log->segments)
		/* nobody was told of what would stand there: a tail */
		expected->exit = VERIFY_INTACT;
	else
		expect(expected, segment, used, next,
		    byte - used < 8 ? "a damaged frame"
				    : "bytes after the last frame that are "
				      "not zero");
	return FORGED_ALTERED;
}

static bool
flip_each(struct forged_log *log, unsigned share, unsigned shares)
{
	return walk_share(log, true, flip, share, shares,
	    whole ? 48ul * FORGED_SEGMENT_LEN / 2 : 4000);
}

static void
given_any_byte_when_flipped_then_its_frame_is_named(void **state)
{
	(void)state;
	walk(flip_each);
}

/* Without keys it is the same walk; fewer of them. */
static enum forged_alter
flip_some(const struct forged_log *log, uint32_t segment, unsigned long number,
    uint8_t *bytes, struct forged_expected *expected)
{
	return flip(
	    log, segment, number * 4001 / 3 + seed % 1000, bytes, expected);
}

static bool
flip_without_keys(struct forged_log *log, unsigned share, unsigned shares)
{
	bool kept = whole, good;

	whole = true;
	good = walk_share(log, false, flip_some, share, shares, 400);
	whole = kept;
	return good;
}

static void
given_any_byte_when_flipped_and_no_keys_then_its_frame_is_named(void **state)
{
	(void)state;
	walk(flip_without_keys);
}

/* ---- frames ----------------------------------------------------------------------- */

/* Others stand there, and what came behind follows; zeros at the end. */
static void
put_frame(uint8_t *bytes, const struct forged_piece *piece,
    const uint8_t *other, size_t other_len)
{
	static uint8_t made[FORGED_SEGMENT_LEN];
	size_t rest = piece->offset + other_len;
	size_t from = piece->offset + piece->len;
	size_t len = FORGED_SEGMENT_LEN - (rest > from ? rest : from);

	memset(made, 0, sizeof(made));
	memcpy(made, bytes, piece->offset);
	if (other_len > 0)
		memcpy(made + piece->offset, other, other_len);
	memcpy(made + rest, bytes + from, len);
	memcpy(bytes, made, sizeof(made));
}

static void
expect_not_closed(struct forged_expected *expected,
    const struct forged_piece *commit, size_t offset, unsigned entry)
{
	expect(expected, commit->segment, offset, entry,
	    "a COMMIT that does not close its batch");
}

static void
expect_out_of_place(struct forged_expected *expected,
    const struct forged_piece *piece, size_t offset, unsigned entry)
{
	expect(expected, piece->segment, offset, entry,
	    "an entry out of its place in the sequence");
}

/* An entry that a batch goes on with, where its COMMIT is missing. */
static bool
expect_note(const struct forged_log *log, struct forged_expected *expected,
    const struct forged_piece *next, size_t offset)
{
	if (next->seq != log->note && next->seq != log->rotation)
		return false;
	expect(expected, next->segment, offset, next->seq,
	    next->seq == log->note
		? "the restore note for this place goes on from another log"
		: "the rotation note for this place goes on from another log");
	return true;
}

static void delete (const struct forged_log *log,
    const struct forged_piece *piece, uint8_t *bytes,
    struct forged_expected *expected)
{
	const struct forged_piece *next = forged_piece_next(&pieces, piece);
	const struct forged_piece *commit;

	put_frame(bytes, piece, NULL, 0);
	if (!piece->commit && next->commit)
		expect_not_closed(expected, next, piece->offset, piece->seq);
	else if (!piece->commit)
		expect_out_of_place(expected, next, piece->offset, piece->seq);
	else if (next == NULL && piece->segment + 1 < log->segments)
		expect(expected, piece->segment, piece->offset, piece->seq,
		    "the segment ends in an open batch");
	else if (next == NULL) {
		/* the batch before ends where this one begins */
		const struct forged_piece *before = piece - 1;

		while (before->segment == piece->segment && !before->commit)
			before--;
		expect_truncated(log, expected, piece->segment,
		    before[1].offset, before->seq);
	} else if (!expect_note(log, expected, next, piece->offset)) {
		commit = forged_piece_commit(&pieces, next);
		expect_not_closed(
		    expected, commit, commit->offset - piece->len, commit->seq);
	}
}

static void
twice(const struct forged_piece *piece, uint8_t *bytes,
    struct forged_expected *expected)
{
	static uint8_t both[2 * (JOURNAL_FRAME_MAX + 8)];
	size_t offset = piece->offset + piece->len;

	memcpy(both, bytes + piece->offset, piece->len);
	memcpy(both + piece->len, bytes + piece->offset, piece->len);
	put_frame(bytes, piece, both, 2 * piece->len);
	if (piece->commit)
		expect_not_closed(expected, piece, offset, piece->seq);
	else
		expect_out_of_place(expected, piece, offset, piece->seq + 1);
}

static enum forged_alter
swap(const struct forged_log *log, const struct forged_piece *piece,
    uint8_t *bytes, struct forged_expected *expected)
{
	const struct forged_piece *next = forged_piece_next(&pieces, piece);
	static uint8_t both[2 * JOURNAL_FRAME_MAX];

	if (next == NULL)
		return FORGED_PASS;
	memcpy(both, bytes + next->offset, next->len);
	memcpy(both + next->len, bytes + piece->offset, piece->len);
	memcpy(bytes + piece->offset, both, piece->len + next->len);
	if (next->commit)
		expect_not_closed(expected, next, piece->offset, piece->seq);
	else if (!piece->commit)
		expect_out_of_place(expected, next, piece->offset, piece->seq);
	else if (!expect_note(log, expected, next, piece->offset))
		expect_not_closed(
		    expected, piece, piece->offset + next->len, piece->seq + 1);
	return FORGED_ALTERED;
}

/* By one of another segment, other ones each time. */
static void
replace(const struct forged_log *log, const struct forged_piece *piece,
    uint8_t *bytes, struct forged_expected *expected)
{
	const struct forged_piece *other = piece;

	for (unsigned i = seed; other->segment == piece->segment; i += 97)
		other = &pieces.piece[(piece->seq * 31 + i) % pieces.count];
	put_frame(bytes, piece, log->bytes[other->segment] + other->offset,
	    other->len);
	expect(expected, piece->segment, piece->offset, piece->seq,
	    "a frame of another segment");
}

static enum forged_alter
alter_frame(const struct forged_log *log, uint32_t segment,
    unsigned long number, uint8_t *bytes, struct forged_expected *expected)
{
	unsigned long place = pieces.first[segment] + number / 4;
	const struct forged_piece *piece = &pieces.piece[place];

	if (place >= pieces.first[segment + 1])
		return FORGED_NO_MORE;
	switch (number % 4) {
	case 0:
		delete (log, piece, bytes, expected);
		break;
	case 1:
		twice(piece, bytes, expected);
		break;
	case 2:
		return swap(log, piece, bytes, expected);
	default:
		replace(log, piece, bytes, expected);
		break;
	}
	return FORGED_ALTERED;
}

static bool
alter_frames(struct forged_log *log, unsigned share, unsigned shares)
{
	return walk_share(log, true, alter_frame, share, shares, 4000);
}

static void
given_each_frame_when_deleted_doubled_swapped_or_replaced_then_named(
    void **state)
{
	(void)state;
	walk(alter_frames);
}

/* ---- the tail --------------------------------------------------------------------- */

/* What is left of the last segment when all from `at' on is zero. */
static void
expect_cut(const struct forged_log *log, uint32_t segment, size_t at,
    struct forged_expected *expected)
{
	const struct forged_piece *first = &pieces.piece[pieces.first[segment]];
	const struct forged_piece *piece, *end = first;
	size_t committed_end = JOURNAL_SEGMENT_HEADER_LEN;
	unsigned entries = first->seq;

	if (at < JOURNAL_SEGMENT_HEADER_LEN) {
		expect(expected, segment, 0, first->seq,
		    "a damaged segment header");
		return;
	}
	for (; end != NULL && end->offset + end->len <= at;
	     end = forged_piece_next(&pieces, end))
		if (end->commit) {
			committed_end = end->offset + end->len;
			entries = end->seq;
		}
	piece = forged_piece_at(&pieces, segment, at);
	if (piece->offset < at)
		expect(expected, segment, piece->offset, piece->seq,
		    "a damaged frame");
	else
		expect_truncated(
		    log, expected, segment, committed_end, entries);
}

/* Each byte of the last batch and round each frame. */
static enum forged_alter
cut(const struct forged_log *log, uint32_t segment, unsigned long at,
    uint8_t *bytes, struct forged_expected *expected)
{
	const struct forged_piece *piece;
	size_t zeros = at;

	if (segment + 1 < log->segments || at >= log->used[segment])
		return FORGED_NO_MORE;
	piece = forged_piece_at(&pieces, segment, at);
	/* a header of zeros: a segment that was not begun, see below */
	if (at == 0 ||
	    (!is_turn(at, 5) && piece != NULL && at - piece->offset > 1 &&
		piece->offset + piece->len - at > 1 &&
		at + 3000 < log->used[segment]))
		return FORGED_PASS;
	/* the padding of a frame, or what is zero by chance: it is whole */
	while (piece != NULL && zeros < piece->offset + piece->len &&
	       bytes[zeros] == 0)
		zeros++;
	if (piece != NULL && zeros == piece->offset + piece->len)
		return FORGED_PASS;
	memset(bytes + at, 0, FORGED_SEGMENT_LEN - at);
	expect_cut(log, segment, at, expected);
	return FORGED_ALTERED;
}

static bool
cut_each(struct forged_log *log, unsigned share, unsigned shares)
{
	return walk_share(log, true, cut, share, shares, 400);
}

/* What was signed is missed, however little is cut. */
static void
given_the_tail_when_cut_at_any_length_then_its_end_is_named(void **state)
{
	(void)state;
	walk(cut_each);
}

/* ---- COMMITs ---------------------------------------------------------------------- */

static const char *
commit_fault(const struct forged_piece *commit, const uint8_t *frame, size_t i)
{
	struct reader r = reader_of(frame + BODY_AT, 16);
	uint64_t first = reader_u64(&r), last = reader_u64(&r);

	if (i < SEQ_AT || (i >= CLASS_AT && i < BODY_AT))
		return "a damaged frame";
	if (i < TIME_AT)
		return "a damaged COMMIT";
	if (i < SEGMENT_AT)
		return "a COMMIT that does not close its batch";
	if (i < CLASS_AT)
		return "a frame of another segment";
	if (i < LAST_LEAF_AT)
		return first > last ? "a damaged COMMIT"
				    : "a COMMIT that does not close its batch";
	if (i < ROOT_AT || (i >= ZERO_AT && i < SIGNATURE_AT))
		return "a damaged COMMIT";
	if (i < EPOCH_AT)
		return "the tree recomputed from the entries has another root "
		       "than this COMMIT";
	/* the first one has nothing to sign before it */
	if (commit->seq == FORGED_BATCH)
		return "a damaged COMMIT";
	return i < ZERO_AT ? "signed under "
			   : "the batch before is not signed by keyd";
}

/* By somebody who can compute a checksum, but not sign. */
static enum forged_alter
alter_commit(const struct forged_log *log, uint32_t segment,
    unsigned long number, uint8_t *bytes, struct forged_expected *expected)
{
	unsigned long place =
	    pieces.first[segment] + number / JOURNAL_COMMIT_FRAME_LEN;
	const struct forged_piece *piece = &pieces.piece[place];
	size_t i = number % JOURNAL_COMMIT_FRAME_LEN;
	uint8_t *frame = bytes + piece->offset;
	struct writer w = writer_to(frame + JOURNAL_AAD_LEN, 4);

	(void)log;
	if (place >= pieces.first[segment + 1])
		return FORGED_NO_MORE;
	if (!piece->commit || !is_turn(i + place, 13))
		return FORGED_PASS;
	frame[i] ^= (uint8_t)(1u << (i * 5 + piece->seq + seed) % 8);
	if (i < JOURNAL_AAD_LEN || i >= BODY_AT)
		writer_u32(&w, crc32c(crc32c(0, frame, JOURNAL_AAD_LEN),
				   frame + BODY_AT, JOURNAL_COMMIT_BODY_LEN));
	expect(expected, segment, piece->offset, piece->seq, "%s",
	    commit_fault(piece, frame, i));
	return FORGED_ALTERED;
}

static bool
alter_commits(struct forged_log *log, unsigned share, unsigned shares)
{
	return walk_share(log, true, alter_commit, share, shares, 1000);
}

static void
given_any_byte_of_a_commit_when_altered_under_a_right_crc_then_named(
    void **state)
{
	(void)state;
	walk(alter_commits);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    FORGED_STORY(
		given_the_life_then_it_holds_every_kind_in_many_segments),
	    FORGED_STORY(given_any_byte_when_flipped_then_its_frame_is_named),
	    FORGED_STORY(
		given_any_byte_when_flipped_and_no_keys_then_its_frame_is_named),
	    FORGED_STORY(
		given_each_frame_when_deleted_doubled_swapped_or_replaced_then_named),
	    FORGED_STORY(
		given_the_tail_when_cut_at_any_length_then_its_end_is_named),
	    FORGED_STORY(
		given_any_byte_of_a_commit_when_altered_under_a_right_crc_then_named),
	};

	whole = argc > 1 && strcmp(argv[1], "whole") == 0;
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	seed = (unsigned)time(NULL);
	if (forged_stage_begin_life(NULL) != 0)
		return 1;
	forged_pieces_of(&day, &pieces);
	return cmocka_run_group_tests(tests, NULL, forged_stage_end);
}
