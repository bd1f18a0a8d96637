/* SPDX-License-Identifier: ISC */
/* tests/run: limit=300 */
/*
 * Whole histories and files of a log of 1,000 entries in the place of others:
 * by somebody with ledgerd's keys, with keyd's log key, too, or with files of
 * another day.  What each of them cannot hide is named, with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/crc32c.h"
#include "tests/lib/forged_pieces.h"
#include "tests/lib/forged_stage.h"
#include "tests/lib/verified_once.h"

static struct forged_pieces pieces;
static unsigned seed;

static const struct forged_piece *
piece_of(unsigned entry)
{
	const struct forged_piece *piece = pieces.piece;

	while (piece->commit || piece->seq != entry)
		piece++;
	return piece;
}

static void
expect_at(const struct forged_verdict *verdict,
    const struct forged_piece *piece, const char *what)
{
	char why[VERIFY_WHY_MAX];

	snprintf(why, sizeof(why),
	    "segment/%08u.log, offset %zu (entry %u): %s", piece->segment,
	    piece->offset, piece->seq, what);
	if (verdict->exit != VERIFY_TAMPERED ||
	    strncmp(verdict->why, why, strlen(why)) != 0)
		fail_msg("exit %d, `%s', not `%s'", (int)verdict->exit,
		    verdict->why, why);
}

/* ---- with ledgerd's keys, and not keyd's ---------------------------------------------- */

/*
 * Sealed anew, with roots and checksums as they should be; but keyd has signed
 * nothing of it: its signatures are those of the day.
 */
static void
write_unsigned(void)
{
	forged_log_write(&log_now);
	for (unsigned i = 0; i < pieces.count; i++) {
		const struct forged_piece *piece = &pieces.piece[i];
		uint8_t *frame = log_now.bytes[piece->segment] + piece->offset;
		struct writer w = writer_to(frame + JOURNAL_AAD_LEN, 4);
		size_t at = JOURNAL_HEADER_LEN + 64;

		if (!piece->commit)
			continue;
		memcpy(frame + at,
		    day.bytes[piece->segment] + piece->offset + at, 64);
		writer_u32(&w,
		    crc32c(crc32c(0, frame, JOURNAL_AAD_LEN),
			frame + JOURNAL_HEADER_LEN, JOURNAL_COMMIT_BODY_LEN));
	}
	for (uint32_t s = 0; s < log_now.segments; s++)
		forged_log_put(&log_now, s);
	forged_log_publish(&log_now, &day.head);
	forged_log_keep(&log_now, &day.since);
}

/* The first one that keyd's signatures or a checkpoint contradict. */
static void
expect_unsigned(unsigned entry)
{
	const struct forged_piece *commit =
	    forged_piece_commit(&pieces, piece_of(entry));
	const struct forged_verdict *verdict =
	    forged_log_verify(&log_now, 0, true);

	if (commit->seq == day.since.size || commit->seq == day.count) {
		expect_at(verdict, commit,
		    "forked: keyd signed another history of this length");
		return;
	}
	while (!(++commit)->commit)
		continue;
	expect_at(verdict, commit, "the batch before is not signed by keyd");
	/* with keys it may be what is told there that is wrong */
	assert_int_equal(
	    forged_log_verify(&log_now, FORGED_ALL_KEYS, true)->exit,
	    VERIFY_TAMPERED);
}

/* After the restore note, which only the identity can sign. */
static void
given_any_entry_when_sealed_anew_without_keyd_then_the_next_commit_tells(
    void **state)
{
	(void)state;
	for (unsigned i = day.note + 1 + seed % 41; i < day.count; i += 41) {
		/* what is sealed, what is told in the header, the time */
		static const struct forged_bytes how[] = {
		    {FORGED_PLAIN_COMMITTED, 20, 1},
		    {FORGED_PLAIN, 5, 0x80},
		    {FORGED_HEADER, 68, 2},
		    {FORGED_HEADER, 36, 2},
		};

		log_now.entry[i].forged = how[i % 4];
		write_unsigned();
		expect_unsigned(i);
		log_now.entry[i].forged.where = FORGED_NOTHING;
	}
}

/* Another entry stands there, of the same length; or one was left out. */
static void
given_another_history_when_keyd_did_not_sign_it_then_the_next_commit_tells(
    void **state)
{
	unsigned i = day.note + 1;

	(void)state;
	for (unsigned found = 0; found < 8 && i + 2 < day.count; i++) {
		struct forged_entry *entry = &log_now.entry[i];

		if (entry[0].frame_len != entry[2].frame_len ||
		    entry[0].committed[0] != ENTRY_ORDER || i % 97 != seed % 97)
			continue;
		found++;
		entry[0] = day.entry[i + 2];
		entry[0].time_ms = day.entry[i].time_ms;
		entry[2] = day.entry[i];
		entry[2].time_ms = day.entry[i + 2].time_ms;
		write_unsigned();
		expect_unsigned(i);
		entry[0] = day.entry[i];
		entry[2] = day.entry[i + 2];
	}
}

/* ---- with every key -------------------------------------------------------------------- */

static void
given_the_clock_when_turned_back_then_named_at_that_entry(void **state)
{
	(void)state;
	for (unsigned i = 1 + seed % 43; i < day.count; i += 43) {
		log_now.entry[i].time_ms = day.entry[i - 1].time_ms - 1;
		forged_log_write(&log_now);
		expect_at(forged_log_verify(&log_now, 0, true), piece_of(i),
		    "time runs backwards");
		expect_at(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
		    piece_of(i), "time runs backwards");
		log_now.entry[i].time_ms = day.entry[i].time_ms;
	}
}

/* With every key in hand: only what was kept elsewhere knows better. */
static void
given_a_forked_tail_when_signed_by_keyd_then_only_an_anchor_tells(void **state)
{
	struct checkpoint true_head = log_now.head;
	unsigned last = day.count - 1;

	(void)state;
	log_now.entry[last].time_ms++;
	forged_log_write(&log_now);
	forged_stage_expect(
	    forged_log_verify(&log_now, 0, true), VERIFY_INTACT, "");
	forged_log_keep(&log_now, &true_head);
	expect_at(forged_log_verify(&log_now, 0, true),
	    forged_piece_commit(&pieces, piece_of(last)),
	    "forked: keyd signed another history of this length");
	forged_stage_tampered("forked: keyd signed another history");
}

/* Back to what it was after some batch, keyd's state and all. */
static void
given_the_whole_bank_when_rolled_back_then_only_a_newer_anchor_tells(
    void **state)
{
	struct checkpoint head = log_now.head;
	char words[128];

	(void)state;
	for (unsigned i = pieces.count - 1; i > 0; i -= i > 250 ? 250 : i) {
		while (!pieces.piece[i].commit)
			i--;
		if (pieces.piece[i].seq <= day.note ||
		    pieces.piece[i].seq == day.count)
			continue;
		log_now.count = pieces.piece[i].seq;
		forged_log_write(&log_now);
		forged_stage_expect(
		    forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
		    VERIFY_ANCHORED, "");
		forged_log_keep(&log_now, &head);
		snprintf(words, sizeof(words),
		    "/since has %u entries, the log holds %u", day.count,
		    log_now.count);
		forged_stage_tampered("rolled back: the checkpoint of --since");
		forged_stage_tampered(words);
		log_now.count = day.count;
	}
}

/* ---- checkpoints ------------------------------------------------------------------- */

/* keyd's signatures in the COMMITs still stand for all but the last batch. */
static void
given_an_older_checkpoint_when_published_then_a_tail_and_never_verified(
    void **state)
{
	(void)state;
	forged_log_publish(&log_now, &log_now.since);
	forged_stage_expect(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
	    VERIFY_INTACT, "");
}

static void
given_another_checkpoint_when_published_then_tampered(void **state)
{
	struct checkpoint other = log_now.head;
	uint8_t bank_id[32] = {9};

	(void)state;
	other.root[31] ^= 1;
	forged_log_publish(&log_now, &other);
	forged_stage_tampered("forked: keyd signed another history");
	other = log_now.head;
	other.size++;
	forged_log_publish(&log_now, &other);
	forged_stage_tampered("truncated");
	/* within a batch */
	other.size -= (other.size - 3) % FORGED_BATCH == 0 ? 4 : 3;
	forged_log_publish(&log_now, &other);
	forged_stage_tampered("no batch of this log ends");
	other = log_now.head;
	note_origin(bank_id, 1, other.origin);
	forged_log_publish(&log_now, &other);
	forged_stage_tampered("of another bank");
	/* of the origin that was given up */
	other = log_now.head;
	note_origin(day.bank_id, log_now.old_log.epoch, other.origin);
	forged_log_publish(&log_now, &other);
	forged_stage_tampered("no log key of this bank has signed it");
	forged_log_publish(&log_now, &log_now.head);
	forged_stage_expect(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
	    VERIFY_ANCHORED, "");
}

/* An anchor of another bank is no proof of anything, nor is one of no bank. */
static void
given_a_strange_anchor_when_kept_then_its_kind_is_told(void **state)
{
	struct checkpoint other = log_now.head;
	uint8_t bank_id[32] = {9};

	(void)state;
	note_origin(bank_id, 1, other.origin);
	forged_log_keep(&log_now, &other);
	forged_stage_tampered("of another bank");
	other = log_now.head;
	other.size += 5;
	forged_log_keep(&log_now, &other);
	forged_stage_tampered("rolled back: the checkpoint of --since");
	/* within a batch */
	other.size -= (other.size - 8) % FORGED_BATCH == 0 ? 9 : 8;
	forged_log_keep(&log_now, &other);
	forged_stage_tampered("forked: the checkpoint of --since");
	forged_log_put_file(&log_now, "since", "no note", 7);
	forged_stage_expect(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
	    VERIFY_COULD_NOT, "is not a checkpoint");
}

/* ---- snapshots --------------------------------------------------------------------- */

/* The entry that names a snapshot. */
static unsigned
named_by(uint32_t number)
{
	for (unsigned i = 0; i < day.count; i++) {
		const struct forged_entry *entry = &day.entry[i];
		struct entry_snapshot snapshot;
		struct entry_event event;

		if (entry->committed[0] == ENTRY_SYSTEM &&
		    entry_event_decode(ENTRY_SYSTEM, entry->committed,
			entry->committed_len, &event) == SR_OK &&
		    entry_snapshot_of(&event, &snapshot) == SR_OK &&
		    snapshot.number == number)
			return i;
	}
	fail_msg("nobody names snapshot %u", number);
	return 0;
}

static void
expect_other_snapshot(uint32_t number)
{
	char words[128];

	snprintf(words, sizeof(words),
	    "snapshot/%08u is not the one that entry %u names", number,
	    named_by(number));
	forged_stage_expect(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
	    VERIFY_TAMPERED, words);
}

static void
given_two_snapshots_when_swapped_then_named(void **state)
{
	const struct forged_snapshot *one = &day.snapshot[0];
	const struct forged_snapshot *two = &day.snapshot[1];

	(void)state;
	forged_log_put_snapshot(&log_now, one->number, two->bytes, two->len);
	expect_other_snapshot(one->number);
	forged_log_put_snapshot(&log_now, two->number, one->bytes, one->len);
	expect_other_snapshot(two->number);
	forged_log_put_snapshot(&log_now, one->number, one->bytes, one->len);
	expect_other_snapshot(two->number);
	forged_log_put_snapshot(&log_now, two->number, two->bytes, two->len);
	forged_stage_expect(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
	    VERIFY_ANCHORED, "");
}

/* Its hash is in the log, so any byte is as good as any other. */
static void
given_any_byte_of_a_snapshot_when_flipped_or_cut_off_then_named(void **state)
{
	const struct forged_snapshot *one = &day.snapshot[0];
	size_t step = one->len / 24 + 1;

	(void)state;
	for (size_t i = seed % step; i < one->len; i += step) {
		one->bytes[i] ^= (uint8_t)(1u << i % 8);
		forged_log_put_snapshot(
		    &log_now, one->number, one->bytes, one->len);
		one->bytes[i] ^= (uint8_t)(1u << i % 8);
		expect_other_snapshot(one->number);
	}
	forged_log_put_snapshot(
	    &log_now, one->number, one->bytes, one->len - 1);
	expect_other_snapshot(one->number);
	forged_log_put_snapshot(&log_now, one->number, one->bytes, one->len);
}

/* ---- one job and many -------------------------------------------------------------- */

static void
same_words(const char *what)
{
	struct forged_verdict one;

	log_now.jobs = 1;
	one = *forged_log_verify(&log_now, FORGED_ALL_KEYS, true);
	for (log_now.jobs = 2; log_now.jobs <= 5; log_now.jobs += 3) {
		const struct forged_verdict *many =
		    forged_log_verify(&log_now, FORGED_ALL_KEYS, true);

		assert_int_equal(many->exit, one.exit);
		assert_string_equal(many->why, one.why);
		if (many->executed != one.executed)
			fail_msg("%s: other entries carried out", what);
	}
	log_now.jobs = 0;
}

static void
given_any_damage_when_audited_by_several_threads_then_the_same_words(
    void **state)
{
	(void)state;
	same_words("nothing");
	for (uint32_t s = 0; s < log_now.segments; s++) {
		uint8_t *byte =
		    &log_now.bytes[s][(seed + s * 1009) % log_now.used[s]];

		*byte ^= 1;
		forged_log_put(&log_now, s);
		*byte ^= 1;
		same_words("a byte");
		forged_log_put(&log_now, s);
	}
}

/* An order whose signer's key changes within the frames that are looked at. */
static void
given_any_order_with_a_wrong_signature_when_many_look_then_the_same_words(
    void **state)
{
	(void)state;
	for (unsigned i = seed % 17; i < day.count; i += 17) {
		const uint8_t *committed = day.entry[i].committed;
		struct entry_order logged;
		size_t at;

		if (committed[0] != ENTRY_ORDER ||
		    entry_order_decode(committed, day.entry[i].committed_len,
			&logged) != SR_OK)
			continue;
		at = (size_t)(logged.signature - committed);
		log_now.entry[i].committed[at] ^= 1;
		forged_log_write(&log_now);
		same_words("a signature");
		expect_at(forged_log_verify(&log_now, FORGED_ALL_KEYS, true),
		    piece_of(i),
		    "the order is not signed with the attested key");
		log_now.entry[i].committed[at] ^= 1;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FORGED_STORY(
		given_any_entry_when_sealed_anew_without_keyd_then_the_next_commit_tells),
	    FORGED_STORY(
		given_another_history_when_keyd_did_not_sign_it_then_the_next_commit_tells),
	    FORGED_STORY(
		given_the_clock_when_turned_back_then_named_at_that_entry),
	    FORGED_STORY(
		given_a_forked_tail_when_signed_by_keyd_then_only_an_anchor_tells),
	    FORGED_STORY(
		given_the_whole_bank_when_rolled_back_then_only_a_newer_anchor_tells),
	    FORGED_STORY(
		given_an_older_checkpoint_when_published_then_a_tail_and_never_verified),
	    FORGED_STORY(given_another_checkpoint_when_published_then_tampered),
	    FORGED_STORY(
		given_a_strange_anchor_when_kept_then_its_kind_is_told),
	    FORGED_STORY(given_two_snapshots_when_swapped_then_named),
	    FORGED_STORY(
		given_any_byte_of_a_snapshot_when_flipped_or_cut_off_then_named),
	    FORGED_STORY(
		given_any_damage_when_audited_by_several_threads_then_the_same_words),
	    FORGED_STORY(
		given_any_order_with_a_wrong_signature_when_many_look_then_the_same_words),
	};

	seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	if (forged_stage_begin_life(NULL) != 0)
		return 1;
	forged_pieces_of(&day, &pieces);
	return cmocka_run_group_tests(tests, NULL, forged_stage_end);
}
