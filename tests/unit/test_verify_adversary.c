/* SPDX-License-Identifier: ISC */
/*
 * Somebody who holds the files, and then also keyd's log key: frames taken
 * away, the tail cut at any length, COMMITs written anew, other checkpoints.
 * What bytes and plaintexts do is in test_verify_bytes.c and its neighbours.
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
#include <sodium.h>

#include "common/crc32c.h"
#include "tests/lib/forged_log.h"
#include "tests/lib/forged_share.h"

#define ALL_KEYS 0xFu

static char directory[] = "/tmp/test_verify_adversary.XXXXXX";
static struct forged_log day, log_now; /* as lived; as changed */

static int
begin(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return 1;
	forged_log_of_a_day(&day);
	forged_log_directory(&day, directory);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	log_now = day;
	forged_log_write(&log_now);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	forged_log_remove(&day);
	return 0;
}

/* Another part of a long work each time that the test runs. */
static unsigned
beginning(unsigned step)
{
	unsigned first = (unsigned)time(NULL) % step;

	print_message("every %u from %u\n", step, first);
	return first;
}

static void
expect(const struct forged_verdict *verdict, enum verify_exit exit,
    const char *sentence)
{
	if (verdict->exit != exit || strstr(verdict->why, sentence) == NULL)
		fail_msg("exit %d, `%s' does not say `%s'", (int)verdict->exit,
		    verdict->why, sentence);
}

/* With keys and without. */
static void
expect_tampered(const char *sentence)
{
	expect(forged_log_verify(&log_now, ALL_KEYS, true), VERIFY_TAMPERED,
	    sentence);
	expect(forged_log_verify(&log_now, 0, true), VERIFY_TAMPERED, sentence);
}

static struct journal_frame
frame_at(uint32_t segment, size_t at)
{
	struct journal_frame frame;

	assert_int_equal(journal_frame_parse(log_now.bytes[segment] + at,
			     FORGED_SEGMENT_LEN - at, &frame),
	    SR_OK);
	return frame;
}

/* ---- frames and the tail ---------------------------------------------------------- */

static void
given_any_frame_when_deleted_then_tampered_at_its_place(void **state)
{
	char place[64];

	(void)state;
	for (uint32_t s = 0; s < log_now.segments; s++) {
		uint8_t *bytes = log_now.bytes[s];
		static uint8_t kept[FORGED_SEGMENT_LEN];
		size_t frame_len;
		bool commit;

		memcpy(kept, bytes, sizeof(kept));
		for (size_t at = JOURNAL_SEGMENT_HEADER_LEN;
		     at < log_now.used[s]; at += frame_len) {
			frame_len = frame_at(s, at).frame_len;
			commit = bytes[at + 5] == JOURNAL_COMMIT;
			memmove(bytes + at, bytes + at + frame_len,
			    FORGED_SEGMENT_LEN - at - frame_len);
			memset(bytes + FORGED_SEGMENT_LEN - frame_len, 0,
			    frame_len);
			forged_log_put(&log_now, s);
			/* the last one of all is missed at the end */
			if (at + frame_len == log_now.used[s] &&
			    s + 1 == log_now.segments)
				snprintf(place, sizeof(place),
				    "ends in segment/%08u.log", s);
			else if (commit) /* the next one does not close */
				snprintf(place, sizeof(place),
				    "segment/%08u.log, offset ", s);
			else
				snprintf(place, sizeof(place),
				    "segment/%08u.log, offset %zu (", s, at);
			expect_tampered(place);
			memcpy(bytes, kept, sizeof(kept));
		}
		forged_log_put(&log_now, s);
	}
}

/* What was signed is missed, however little is cut. */
static void
given_the_tail_when_cut_at_any_length_then_tampered(void **state)
{
	uint32_t last = log_now.segments - 1;
	unsigned step = 13 * forged_step();
	uint8_t *bytes = log_now.bytes[last];
	static uint8_t kept[FORGED_SEGMENT_LEN];
	char place[64];

	(void)state;
	memcpy(kept, bytes, sizeof(kept));
	snprintf(place, sizeof(place), "segment/%08u.log", last);
	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN + beginning(step);
	     at < log_now.used[last]; at += step) {
		/* cut through zeros it would be whole */
		if (journal_all_zero(bytes + at, log_now.used[last] - at))
			continue;
		memset(bytes + at, 0, FORGED_SEGMENT_LEN - at);
		forged_log_put(&log_now, last);
		expect_tampered(place);
		memcpy(bytes, kept, sizeof(kept));
	}
}

/* ---- COMMITs ----------------------------------------------------------------------- */

/* By somebody who can compute a checksum, but not sign. */
static void
given_any_byte_of_a_commit_when_altered_under_a_right_crc_then_named(
    void **state)
{
	char place[64];

	(void)state;
	for (uint32_t s = 0; s < log_now.segments; s++) {
		size_t frame_len;

		for (size_t at = JOURNAL_SEGMENT_HEADER_LEN;
		     at < log_now.used[s]; at += frame_len) {
			uint8_t *frame = log_now.bytes[s] + at;
			uint8_t kept[JOURNAL_COMMIT_FRAME_LEN];

			frame_len = frame_at(s, at).frame_len;
			if (frame[5] != JOURNAL_COMMIT)
				continue;
			memcpy(kept, frame, sizeof(kept));
			snprintf(place, sizeof(place),
			    "segment/%08u.log, offset %zu (", s, at);
			for (size_t i = beginning(4); i < sizeof(kept);
			     i += 4) {
				struct writer w =
				    writer_to(frame + JOURNAL_AAD_LEN, 4);
				uint32_t crc;

				frame[i] ^= (uint8_t)(1u << (i / 4) % 8);
				crc = crc32c(crc32c(0, frame, JOURNAL_AAD_LEN),
				    frame + JOURNAL_HEADER_LEN,
				    JOURNAL_COMMIT_BODY_LEN);
				if (i / 4 != JOURNAL_AAD_LEN / 4)
					writer_u32(&w, crc);
				forged_log_put(&log_now, s);
				expect_tampered(place);
				memcpy(frame, kept, sizeof(kept));
			}
		}
		forged_log_put(&log_now, s);
	}
}

/* ---- checkpoints ------------------------------------------------------------------- */

/* The published one, signed by keyd's key. */
static void
publish(const struct checkpoint *checkpoint)
{
	char path[128], kept[128];

	forged_log_keep(&log_now, checkpoint);
	snprintf(kept, sizeof(kept), "%s/since", directory);
	snprintf(path, sizeof(path), "%s/public/checkpoint", directory);
	assert_int_equal(rename(kept, path), 0);
	forged_log_keep(&log_now, &log_now.since);
}

/* keyd's signatures in the COMMITs still stand for all but the last batch. */
static void
given_an_older_checkpoint_when_published_then_a_tail_and_never_verified(
    void **state)
{
	(void)state;
	publish(&log_now.since);
	expect(forged_log_verify(&log_now, ALL_KEYS, true), VERIFY_INTACT, "");
}

static void
given_another_checkpoint_when_published_then_tampered(void **state)
{
	struct checkpoint other = log_now.head;
	uint8_t bank_id[32] = {9};

	(void)state;
	other.root[31] ^= 1;
	publish(&other);
	expect_tampered("forked: keyd signed another history");
	other = log_now.head;
	other.size++;
	publish(&other);
	expect_tampered("truncated");
	other.size -= 3; /* within a batch */
	publish(&other);
	expect_tampered("no batch of this log ends");
	other = log_now.head;
	note_origin(bank_id, 1, other.origin);
	publish(&other);
	expect_tampered("of another bank");
	publish(&log_now.head);
	expect(
	    forged_log_verify(&log_now, ALL_KEYS, true), VERIFY_ANCHORED, "");
}

/* With every key in hand: only what was kept elsewhere knows better. */
static void
given_a_forked_tail_when_signed_by_keyd_then_only_an_anchor_tells(void **state)
{
	struct checkpoint true_head = log_now.head;

	(void)state;
	log_now.entry[log_now.count - 1].time_ms++;
	log_now.entry[log_now.count - 1].forged = (struct forged_bytes){0};
	forged_log_write(&log_now);
	expect(forged_log_verify(&log_now, 0, true), VERIFY_INTACT, "");
	forged_log_keep(&log_now, &true_head);
	expect_tampered("forked: keyd signed another history");
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
	expect_tampered("of another bank");
	other = log_now.head;
	other.size += 5;
	forged_log_keep(&log_now, &other);
	expect_tampered("rolled back: the checkpoint of --since");
	forged_log_put_file(&log_now, "since", "no note", 7);
	expect(forged_log_verify(&log_now, ALL_KEYS, true), VERIFY_COULD_NOT,
	    "is not a checkpoint");
}

/* ---- one job and many -------------------------------------------------------------- */

static void
same_words(const char *what)
{
	struct forged_verdict one;

	log_now.jobs = 1;
	one = *forged_log_verify(&log_now, ALL_KEYS, true);
	for (log_now.jobs = 2; log_now.jobs <= 5; log_now.jobs += 3) {
		const struct forged_verdict *many =
		    forged_log_verify(&log_now, ALL_KEYS, true);

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
	unsigned step = 211 * forged_step();

	(void)state;
	same_words("nothing");
	for (uint32_t s = 0; s < log_now.segments; s++) {
		uint8_t *bytes = log_now.bytes[s];

		for (size_t i = beginning(step); i < log_now.used[s];
		     i += step) {
			bytes[i] ^= 1;
			forged_log_put(&log_now, s);
			bytes[i] ^= 1;
			same_words("a byte");
		}
		forged_log_put(&log_now, s);
	}
}

/* An order whose signer's key changes within the frames that are looked at. */
static void
given_any_order_with_a_wrong_signature_when_many_look_then_the_same_words(
    void **state)
{
	(void)state;
	for (unsigned i = 0; i < day.count; i++) {
		struct entry_order logged;

		if (day.entry[i].committed[0] != ENTRY_ORDER ||
		    entry_order_decode(day.entry[i].committed,
			day.entry[i].committed_len, &logged) != SR_OK)
			continue;
		log_now = day;
		/* the signature is inside the committed part */
		log_now.entry[i]
		    .committed[logged.signature - day.entry[i].committed] ^= 1;
		forged_log_write(&log_now);
		same_words("a signature");
		expect(forged_log_verify(&log_now, ALL_KEYS, true),
		    VERIFY_TAMPERED, "not signed with the attested key");
	}
}

#define STORY(test) cmocka_unit_test_setup(test, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STORY(given_any_frame_when_deleted_then_tampered_at_its_place),
	    STORY(given_the_tail_when_cut_at_any_length_then_tampered),
	    STORY(
		given_any_byte_of_a_commit_when_altered_under_a_right_crc_then_named),
	    STORY(
		given_an_older_checkpoint_when_published_then_a_tail_and_never_verified),
	    STORY(given_another_checkpoint_when_published_then_tampered),
	    STORY(
		given_a_forked_tail_when_signed_by_keyd_then_only_an_anchor_tells),
	    STORY(given_a_strange_anchor_when_kept_then_its_kind_is_told),
	    STORY(
		given_any_damage_when_audited_by_several_threads_then_the_same_words),
	    STORY(
		given_any_order_with_a_wrong_signature_when_many_look_then_the_same_words),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
