/* SPDX-License-Identifier: ISC */
/* tests/run: limit=300 */
/*
 * The audit, with keys and without, against somebody with the disk: bytes of a
 * journal that holds every kind of entry changed, the journal cut at each
 * frame, whole frames swapped, doubled and put elsewhere.  Never a good
 * verdict, and always the place.  test_verify_adversary.c does it to a longer
 * log, and one alteration at a time.
 *
 * Not to be seen by design, and so not here: the unused rest of the last
 * segment (given_the_unused_rest...), and everything put back to an older
 * state that was signed once, keyd included, when no newer checkpoint was kept
 * (given_the_log_when_cut_after_a_batch...).  So with a restore note, too, by
 * whoever has the identity key (strongroom-verify(1)).
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

#include "tests/lib/forged_share.h"
#include "tests/lib/forged_stage.h"
#include "tests/lib/verified_once.h"

#define ALL_KEYS 0xFu

enum { FRAMES_MAX = 128 };

/* The frames of a segment, COMMITs too, as they lie in its bytes. */
struct frames {
	unsigned count;
	struct {
		const uint8_t *bytes;
		size_t len;
	} frame[FRAMES_MAX];
};

/* ---- every kind is there --------------------------------------------------------- */

static void
append_event(enum entry_type type, uint8_t code)
{
	struct forged_entry *entry = &log_now.entry[log_now.count];
	struct entry_event event = {.code = code};

	assert_true(log_now.count < FORGED_ENTRIES_MAX);
	memset(entry, 0, sizeof(*entry));
	entry->time_ms = entry[-1].time_ms;
	event.time_ms = entry->time_ms;
	entry_event_encode(type, &event, entry->committed);
	entry->committed_len = ENTRY_EVENT_LEN;
	log_now.count++;
}

/* Whether the audit knows such events: else it says `a later version'. */
static bool
event_is_known(enum entry_type type, uint8_t code)
{
	const struct forged_verdict *verdict;

	log_now = day;
	append_event(type, code);
	forged_log_write(&log_now);
	verdict = forged_log_verify(&log_now, ALL_KEYS, true);
	if (verdict->exit != VERIFY_COULD_NOT)
		return true;
	assert_non_null(strstr(verdict->why, "version"));
	return false;
}

static unsigned
count_entries(unsigned type, unsigned at, unsigned value)
{
	unsigned count = 0;

	for (unsigned i = 0; i < day.count; i++)
		count += day.entry[i].committed[0] == type &&
			 (at == 0 || day.entry[i].committed[at] == value);
	return count;
}

/* What is known is asked of the program itself: a new kind must come here. */
static void
given_the_day_then_it_holds_every_kind_that_is_known(void **state)
{
	unsigned types = 0, kinds = 0, codes = 0;

	(void)state;
	for (unsigned v = 0; v <= UINT8_MAX; v++) {
		uint8_t byte = (uint8_t)v;

		if (entry_type_of(&byte, 1) != 0) {
			types++;
			if (count_entries(v, 0, 0) == 0)
				fail_msg("no entry of type %u", v);
		}
		if (order_kind_known(v)) {
			kinds++;
			if (count_entries(ENTRY_ORDER, 9, v) == 0)
				fail_msg("no order of kind %u, %s", v,
				    order_kind_name(v));
		}
		for (enum entry_type type = ENTRY_USE; type <= ENTRY_SYSTEM;
		     type++)
			/* it names the root of a log before it, which one that
			 * is written anew has not: unit/test_retention */
			if (event_is_known(type, byte) &&
			    !(type == ENTRY_SYSTEM && v == SYSTEM_RETENTION)) {
				codes++;
				if (count_entries(type, 1, v) == 0)
					fail_msg("no event of type %u, code %u",
					    type, v);
			}
	}
	assert_true(types >= 6 && kinds >= 10 && codes >= 8);
}

/* ---- bytes ----------------------------------------------------------------------- */

/* Where the frame begins to which a byte belongs; 0: the segment's header. */
static size_t
frame_at(const struct forged_log *log, uint32_t segment, size_t byte)
{
	size_t at = JOURNAL_SEGMENT_HEADER_LEN, next = at;
	struct journal_frame frame;

	if (byte < at)
		return 0;
	while (next <= byte && next < log->used[segment]) {
		at = next;
		if (journal_frame_parse(log->bytes[segment] + at,
			FORGED_SEGMENT_LEN - at, &frame) != SR_OK)
			abort();
		next = at + frame.frame_len;
	}
	return byte < next ? at : next;
}

/* Tampered, and that place is named. */
static bool
is_named(const struct forged_log *log, unsigned keys, uint32_t segment,
    size_t offset)
{
	const struct forged_verdict *verdict =
	    forged_log_verify(log, keys, true);
	char place[64];

	snprintf(place, sizeof(place), "segment/%08u.log, offset %zu (",
	    segment, offset);
	if (verdict->exit == VERIFY_TAMPERED &&
	    strncmp(verdict->why, place, strlen(place)) == 0)
		return true;
	return forged_tell(verdict, "%s", place);
}

/*
 * The unused rest of all but the last one belongs to what is signed, too.  In
 * whole runs, and so only some: each byte is flipped in
 * test_verify_adversary.c.
 */
static bool
flip_some(struct forged_log *log, unsigned share, unsigned shares)
{
	unsigned done = 0, step = 7 * shares * forged_step();

	for (uint32_t s = 0; s < log->segments; s++) {
		uint8_t *bytes = log->bytes[s];

		for (size_t i = share; i < FORGED_SEGMENT_LEN; i += step) {
			uint8_t kept = bytes[i];
			size_t offset = frame_at(log, s, i);

			if (i >= log->used[s] &&
			    (s + 1 == log->segments || i / step % 16 != 0))
				continue;
			bytes[i] ^= (uint8_t)(1u << i % 8);
			forged_log_put(log, s);
			bytes[i] = kept;
			if (!is_named(log, ALL_KEYS, s, offset) ||
			    !is_named(log, 0, s, offset))
				return false;
			done++;
		}
		forged_log_put(log, s);
	}
	return done > 10000 / step &&
	       forged_log_verify(log, ALL_KEYS, true)->exit == VERIFY_ANCHORED;
}

static void
given_bytes_when_flipped_then_tampered_and_the_frame_named(void **state)
{
	(void)state;
	assert_true(forged_share(&day, flip_some));
}

/* Nobody was told of what would stand there: a tail, and never verified. */
static void
given_the_unused_rest_of_the_last_segment_when_written_to_then_a_tail(
    void **state)
{
	uint32_t last = log_now.segments - 1;

	(void)state;
	for (size_t i = log_now.used[last]; i < FORGED_SEGMENT_LEN; i += 97) {
		log_now.bytes[last][i] ^= 1;
		forged_log_put(&log_now, last);
		log_now.bytes[last][i] ^= 1;
		assert_int_equal(
		    forged_log_verify(&log_now, ALL_KEYS, true)->exit,
		    VERIFY_INTACT);
	}
}

/* ---- public/restores ------------------------------------------------------------ */

/* Tampered, with keys and without, for that reason. */
static void
expect_no_restore(const uint8_t *bytes, size_t len, const char *reason)
{
	forged_log_put_restores(&log_now, bytes, len);
	for (unsigned keys = 0; keys <= ALL_KEYS; keys += ALL_KEYS) {
		const struct forged_verdict *verdict =
		    forged_log_verify(&log_now, keys, true);

		if (verdict->exit != VERIFY_TAMPERED ||
		    strstr(verdict->why, reason) == NULL)
			fail_msg("exit %d, `%s' does not say `%s'",
			    (int)verdict->exit, verdict->why, reason);
	}
}

/* The identity has signed the note, and the leaf is committed to the salt. */
static void
given_each_byte_of_the_restore_note_when_flipped_or_cut_then_tampered(
    void **state)
{
	const struct journal_position at = day.entry[day.note].position;
	uint8_t record[2 * RESTORE_RECORD_LEN];
	char place[64];

	(void)state;
	forged_log_record(&log_now, record);
	forged_log_record(&log_now, record + RESTORE_RECORD_LEN);
	snprintf(place, sizeof(place), "segment/%08u.log, offset %u (",
	    at.segment, at.offset);
	for (size_t i = 0; i < RESTORE_RECORD_LEN; i++) {
		record[i] ^= (uint8_t)(1u << i % 8);
		expect_no_restore(record, RESTORE_RECORD_LEN,
		    i < RESTORE_SALT_LEN    ? place
		    : i == RESTORE_SALT_LEN ? "public/restores, note 2: bytes "
					    : "public/restores, note 2: a note "
					      "that the identity");
		record[i] ^= (uint8_t)(1u << i % 8);
		expect_no_restore(
		    record, i, i == 0 ? "without a restore note" : "no note");
	}
	expect_no_restore(record, sizeof(record), "note 3: ");
	forged_log_put_restores(&log_now, record, RESTORE_RECORD_LEN);
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
}

/* Likewise both log keys the rotation note. */
static void
given_each_byte_of_the_rotation_note_when_flipped_then_tampered(void **state)
{
	const struct journal_position at = day.entry[day.rotation].position;
	uint8_t record[FORGED_ROTATION_LEN + RESTORE_RECORD_LEN];
	char place[64];

	(void)state;
	forged_log_rotation(&log_now, record);
	forged_log_record(&log_now, record + FORGED_ROTATION_LEN);
	snprintf(place, sizeof(place), "segment/%08u.log, offset %u (",
	    at.segment, at.offset);
	for (size_t i = 0; i < FORGED_ROTATION_LEN; i++) {
		const char *reason = "public/restores, note 1: a rotation note";

		if (i < RESTORE_SALT_LEN)
			reason = place;
		else if (i == RESTORE_SALT_LEN)
			reason = "public/restores, note 1: a note that";
		record[i] ^= (uint8_t)(1u << i % 8);
		forged_log_put_file(
		    &log_now, RESTORE_PATH, record, sizeof(record));
		for (unsigned keys = 0; keys <= ALL_KEYS; keys += ALL_KEYS) {
			const struct forged_verdict *verdict =
			    forged_log_verify(&log_now, keys, true);

			if (verdict->exit != VERIFY_TAMPERED ||
			    strstr(verdict->why, reason) == NULL)
				fail_msg("byte %zu: exit %d, `%s'", i,
				    (int)verdict->exit, verdict->why);
		}
		record[i] ^= (uint8_t)(1u << i % 8);
	}
	forged_log_put_file(&log_now, RESTORE_PATH, record, sizeof(record));
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
}

/* ---- cuts ------------------------------------------------------------------------ */

static struct frames
frames_of(const struct forged_log *log, uint32_t segment)
{
	struct frames frames = {0};
	struct journal_frame frame;

	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN; at < log->used[segment];
	     at += frame.frame_len) {
		if (frames.count == FRAMES_MAX ||
		    journal_frame_parse(log->bytes[segment] + at,
			FORGED_SEGMENT_LEN - at, &frame) != SR_OK)
			abort();
		frames.frame[frames.count].bytes = log->bytes[segment] + at;
		frames.frame[frames.count++].len = frame.frame_len;
	}
	return frames;
}

static void
path_of(char path[128], uint32_t segment)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(path, 128, "%s/segment/%s", log_now.directory,
	    journal_segment_name(segment, name));
}

/* Tampered; where is told as a segment's offset or as its file. */
static void
expect_tampered(uint32_t segment)
{
	const struct forged_verdict *verdict =
	    forged_log_verify(&log_now, ALL_KEYS, true);
	char place[32];

	snprintf(place, sizeof(place), "segment/%08u.log", segment);
	if (verdict->exit != VERIFY_TAMPERED ||
	    strstr(verdict->why, place) == NULL)
		fail_msg("segment %u: exit %d, `%s'", segment,
		    (int)verdict->exit, verdict->why);
}

/* At each frame, COMMITs too: by zeros, by zeros to the end, by the length. */
static void
given_the_log_when_cut_at_any_frame_then_tampered_and_the_place_named(
    void **state)
{
	char path[128];

	(void)state;
	for (uint32_t s = 0; s < log_now.segments; s++) {
		const struct frames frames = frames_of(&log_now, s);

		for (unsigned f = 0; f < frames.count; f++) {
			size_t at =
			    (size_t)(frames.frame[f].bytes - log_now.bytes[s]);
			static uint8_t kept[FORGED_SEGMENT_LEN];

			memcpy(kept, log_now.bytes[s], sizeof(kept));
			memset(
			    log_now.bytes[s] + at, 0, FORGED_SEGMENT_LEN - at);
			forged_log_put(&log_now, s);
			memcpy(log_now.bytes[s], kept, sizeof(kept));
			/* the next one says so when a batch ends there */
			expect_tampered(
			    s + ((f == 0 || frames.frame[f - 1].len ==
						JOURNAL_COMMIT_FRAME_LEN) &&
				    s + 1 < log_now.segments));
			for (uint32_t later = s + 1; later < log_now.segments;
			     later++) {
				path_of(path, later);
				assert_int_equal(remove(path), 0);
			}
			expect_tampered(s);
			path_of(path, s);
			assert_int_equal(truncate(path, (off_t)at), 0);
			expect_tampered(s);
			assert_int_equal(
			    truncate(path, (off_t)(at / 4096 * 4096)), 0);
			/* an empty one was never begun: the one before says it */
			expect_tampered(at < 4096 && s > 0 ? s - 1 : s);
			for (uint32_t later = s; later < log_now.segments;
			     later++)
				forged_log_put(&log_now, later);
		}
	}
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
}

/*
 * With public/checkpoint put back, too: then only a checkpoint that was kept
 * elsewhere tells, and the tool says so when it has none that is newer.
 */
static void
given_the_log_when_cut_after_a_batch_and_keyd_too_then_only_a_newer_anchor_tells(
    void **state)
{
	struct checkpoint head = log_now.head;
	const struct forged_verdict *verdict;

	(void)state;
	for (unsigned entries = FORGED_BATCH; entries < day.count;
	     entries += FORGED_BATCH) {
		log_now = day;
		log_now.count = entries;
		for (uint32_t s = 0; s < FORGED_SEGMENTS_MAX; s++) {
			char path[128];

			path_of(path, s);
			(void)remove(path);
		}
		forged_log_write(&log_now);
		verdict = forged_log_verify(&log_now, ALL_KEYS, true);
		assert_int_equal(verdict->exit, VERIFY_ANCHORED);
		forged_log_keep(&log_now, &head);
		verdict = forged_log_verify(&log_now, ALL_KEYS, true);
		assert_int_equal(verdict->exit, VERIFY_TAMPERED);
		assert_non_null(strstr(verdict->why, "rolled back"));
	}
}

/* ---- frames ---------------------------------------------------------------------- */

/* The segment with these frames, as far as there is room. */
static void
put_frames(uint32_t segment, const struct frames *frames)
{
	static uint8_t made[FORGED_SEGMENT_LEN], kept[FORGED_SEGMENT_LEN];
	size_t at = JOURNAL_SEGMENT_HEADER_LEN;

	memset(made, 0, sizeof(made));
	memcpy(made, log_now.bytes[segment], at);
	for (unsigned f = 0; f < frames->count; f++) {
		if (at + frames->frame[f].len > sizeof(made))
			break;
		memcpy(made + at, frames->frame[f].bytes, frames->frame[f].len);
		at += frames->frame[f].len;
	}
	memcpy(kept, log_now.bytes[segment], sizeof(kept));
	memcpy(log_now.bytes[segment], made, sizeof(made));
	forged_log_put(&log_now, segment);
	memcpy(log_now.bytes[segment], kept, sizeof(kept));
}

static void
swap_frames(struct frames *a, unsigned i, struct frames *b, unsigned j)
{
	const uint8_t *bytes = a->frame[i].bytes;
	size_t len = a->frame[i].len;

	a->frame[i] = b->frame[j];
	b->frame[j].bytes = bytes;
	b->frame[j].len = len;
}

/* That one once more, behind the frame at place. */
static void
insert_frame(
    struct frames *to, unsigned place, const uint8_t *bytes, size_t len)
{
	assert_true(to->count < FRAMES_MAX);
	memmove(&to->frame[place + 2], &to->frame[place + 1],
	    (to->count - place - 1) * sizeof(to->frame[0]));
	to->frame[place + 1].bytes = bytes;
	to->frame[place + 1].len = len;
	to->count++;
}

static void
given_frames_of_a_segment_when_swapped_or_doubled_then_tampered(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < log_now.segments; s++) {
		const struct frames whole = frames_of(&log_now, s);

		for (unsigned f = 0; f < whole.count; f++) {
			/* the next one, and some far away */
			for (unsigned to = f + 1; to < whole.count;
			     to += to == f + 1 ? 4 : 5) {
				struct frames frames = whole;

				swap_frames(&frames, f, &frames, to);
				put_frames(s, &frames);
				expect_tampered(s);
				frames = whole;
				insert_frame(&frames, to, whole.frame[f].bytes,
				    whole.frame[f].len);
				put_frames(s, &frames);
				expect_tampered(s);
			}
			{
				struct frames frames = whole;

				insert_frame(&frames, f, whole.frame[f].bytes,
				    whole.frame[f].len);
				put_frames(s, &frames);
				expect_tampered(s);
			}
		}
		forged_log_put(&log_now, s);
	}
	assert_int_equal(
	    forged_log_verify(&log_now, ALL_KEYS, true)->exit, VERIFY_ANCHORED);
}

static void
given_frames_of_two_segments_when_swapped_or_put_elsewhere_then_tampered(
    void **state)
{
	(void)state;
	for (uint32_t s = 0; s + 1 < log_now.segments; s++) {
		const struct frames one = frames_of(&log_now, s);
		const struct frames two = frames_of(&log_now, s + 1);

		for (unsigned f = 0; f < one.count; f++) {
			unsigned to = (f * 7 + 3) % two.count;
			struct frames first = one, second = two;

			/* over that one, the first stays */
			second.frame[to] = one.frame[f];
			put_frames(s + 1, &second);
			expect_tampered(s + 1);
			second = two;
			swap_frames(&first, f, &second, to);
			put_frames(s, &first);
			put_frames(s + 1, &second);
			expect_tampered(s);
			forged_log_put(&log_now, s);
			forged_log_put(&log_now, s + 1);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FORGED_STORY(given_the_day_then_it_holds_every_kind_that_is_known),
	    FORGED_STORY(
		given_bytes_when_flipped_then_tampered_and_the_frame_named),
	    FORGED_STORY(
		given_the_unused_rest_of_the_last_segment_when_written_to_then_a_tail),
	    FORGED_STORY(
		given_each_byte_of_the_restore_note_when_flipped_or_cut_then_tampered),
	    FORGED_STORY(
		given_each_byte_of_the_rotation_note_when_flipped_then_tampered),
	    FORGED_STORY(
		given_the_log_when_cut_at_any_frame_then_tampered_and_the_place_named),
	    FORGED_STORY(
		given_the_log_when_cut_after_a_batch_and_keyd_too_then_only_a_newer_anchor_tells),
	    FORGED_STORY(
		given_frames_of_a_segment_when_swapped_or_doubled_then_tampered),
	    FORGED_STORY(
		given_frames_of_two_segments_when_swapped_or_put_elsewhere_then_tampered),
	};

	return cmocka_run_group_tests(
	    tests, forged_stage_begin, forged_stage_end);
}
