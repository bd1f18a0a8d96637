/* SPDX-License-Identifier: ISC */
/* Two who talk, and everything that the relay between them could do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "common/aead.h"
#include "common/kdf.h"
#include "tests/lib/chat_stage.h"

static struct chat_stage *stage;
static struct chat_event event;

static int
start(void **state)
{
	(void)state;
	stage = chat_stage_begin();
	return 0;
}

static int
start_open(void **state)
{
	(void)state;
	stage = chat_stage_open();
	return 0;
}

static void
expect(int side, enum chat_event_kind kind, uint64_t number)
{
	assert_int_equal(chat_stage_next(stage, side, &event), SR_OK);
	assert_int_equal(event.kind, kind);
	assert_int_equal(event.number, number);
}

static void
expect_text(int side, uint64_t number, const char *text)
{
	expect(side, CHAT_TEXT, number);
	assert_int_equal(event.len, strlen(text));
	assert_memory_equal(event.data, text, event.len);
}

/* It has ended of that, keeps nothing, and does nothing any more. */
static void
expect_end(int side, enum sr_error why)
{
	struct chat *chat = &stage->side[side], copy = *chat;
	struct chat_frame frame;
	uint64_t number;

	assert_int_equal(chat->phase, CHAT_ENDED);
	assert_int_equal(chat->why, why);
	copy.why = SR_OK;
	assert_true(sodium_is_zero((uint8_t *)&copy, sizeof(copy)));
	assert_false(chat_may_send(chat));
	assert_int_equal(
	    chat_send_text(chat, "x", 1, &frame, &number), SR_CHAT_ENDED);
	assert_int_equal(chat_close(chat, &frame), SR_CHAT_ENDED);
	assert_int_equal(chat_stage_tick(stage, side), SR_CHAT_ENDED);
	assert_int_equal(chat_wait_ms(chat, stage->now_ms), UINT64_MAX);
	assert_int_equal(
	    chat_stage_give(stage, side, &frame, &event), SR_CHAT_ENDED);
}

/* The next frame to a side ends its conversation of that. */
static void
expect_refusal(int side, const struct chat_frame *frame, enum sr_error why)
{
	assert_int_equal(chat_stage_give(stage, side, frame, &event), why);
	expect_end(side, why);
}

/* ---- talk -------------------------------------------------------------- */

static void
given_one_who_opens_then_both_join_and_not_before_it_is_proved(void **state)
{
	(void)state;
	chat_stage_ask(stage, ADA);
	assert_int_equal(stage->side[ADA].phase, CHAT_OPENING);
	expect(BEN, CHAT_NOTHING, 0);
	assert_int_equal(stage->side[BEN].phase, CHAT_ACCEPTED);
	assert_false(chat_may_send(&stage->side[BEN]));
	expect(ADA, CHAT_JOINED, 0);
	assert_true(chat_may_send(&stage->side[ADA]));
	expect(BEN, CHAT_JOINED, 0);
	assert_true(chat_may_send(&stage->side[BEN]));
	assert_int_equal(stage->to[ADA].count + stage->to[BEN].count, 0);
	for (int side = ADA; side <= BEN; side++)
		assert_true(
		    sodium_is_zero(stage->side[side].parties.own_private, 32));
}

static void
given_texts_both_ways_at_once_then_each_reads_them_in_order(void **state)
{
	(void)state;
	chat_stage_say(stage, ADA, "one");
	chat_stage_say(stage, BEN, "uno");
	chat_stage_say(stage, ADA, "two");
	chat_stage_say(stage, BEN, "due");
	expect_text(BEN, 1, "one");
	expect_text(BEN, 2, "two");
	expect_text(ADA, 1, "uno");
	expect_text(ADA, 2, "due");
}

static void
given_marks_and_typing_then_the_sender_sees_them(void **state)
{
	struct chat_frame frame;

	(void)state;
	assert_int_equal(
	    chat_send_typing(&stage->side[ADA], true, &frame), SR_OK);
	chat_stage_send(stage, ADA, &frame);
	expect(BEN, CHAT_TYPING, 0);
	assert_true(event.typing);
	assert_int_equal(
	    chat_send_typing(&stage->side[ADA], false, &frame), SR_OK);
	chat_stage_send(stage, ADA, &frame);
	expect(BEN, CHAT_TYPING, 0);
	assert_false(event.typing);
	assert_int_equal(
	    chat_send_delivered(&stage->side[BEN], 1, &frame), SR_NOT_FOUND);
	chat_stage_say(stage, ADA, "one");
	expect_text(BEN, 1, "one");
	assert_int_equal(
	    chat_send_delivered(&stage->side[BEN], 0, &frame), SR_NOT_FOUND);
	assert_int_equal(
	    chat_send_delivered(&stage->side[BEN], 2, &frame), SR_NOT_FOUND);
	assert_int_equal(
	    chat_send_delivered(&stage->side[BEN], 1, &frame), SR_OK);
	chat_stage_send(stage, BEN, &frame);
	assert_int_equal(chat_send_read(&stage->side[BEN], 1, &frame), SR_OK);
	chat_stage_send(stage, BEN, &frame);
	expect(ADA, CHAT_DELIVERED, 1);
	expect(ADA, CHAT_READ, 1);
}

static void
given_a_goodbye_then_both_have_ended_well(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_say(stage, ADA, "so long");
	assert_int_equal(chat_close(&stage->side[ADA], &frame), SR_OK);
	chat_stage_send(stage, ADA, &frame);
	expect_end(ADA, SR_OK);
	expect_text(BEN, 1, "so long");
	expect(BEN, CHAT_CLOSED, 0);
	expect_end(BEN, SR_OK);
}

static void
given_lengths_within_one_bucket_then_frames_of_one_length(void **state)
{
	static const struct {
		size_t len;
		size_t bucket;
	} rows[] = {{1, 256}, {245, 256}, {246, 1024}, {1013, 1024},
	    {1014, 4096}, {4085, 4096}, {4086, 15872}, {15861, 15872}};
	static uint8_t text[CHAT_DATA_MAX + 1];
	struct chat_frame frame;
	uint64_t number;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(chat_send_text(&stage->side[ADA], text,
				     rows[i].len, &frame, &number),
		    SR_OK);
		assert_int_equal(frame.len, 25 + rows[i].bucket + 16);
		assert_true(frame.len <= CHAT_RELAYED_MAX);
		chat_stage_send(stage, ADA, &frame);
		expect(BEN, CHAT_TEXT, number);
		assert_int_equal(event.len, rows[i].len);
		assert_memory_equal(event.data, text, event.len);
	}
	assert_int_equal(chat_send_text(&stage->side[ADA], text, sizeof(text),
			     &frame, &number),
	    SR_TOO_LARGE);
	assert_int_equal(
	    chat_send_text(&stage->side[ADA], text, 0, &frame, &number),
	    SR_TOO_LARGE);
	assert_int_equal(frame.len, 0);
}

/* ---- the handshake ----------------------------------------------------- */

/* As published: Noise KK, the chain, and the first text, by hand. */
static void
given_the_published_formats_then_the_first_text_opens_by_hand(void **state)
{
	uint8_t prologue[17 + 32 + 8 + 8 + 16] = "strongroom/1 chat";
	uint8_t ada_public[32], keys[64], hash[64], prk[64], chain[64];
	uint8_t key[32], said, plain[256];
	struct chat_frame frame;
	struct noise_kk ada;

	(void)state;
	noise_public_key(ada_public, chat_stage_private(ADA));
	prologue[17] = 7;
	prologue[49] = 11;
	prologue[57] = 12;
	prologue[65] = 99;
	noise_kk_init_initiator(&ada, prologue, sizeof(prologue),
	    chat_stage_private(ADA), stage->parties[ADA].peer_public);
	frame = (struct chat_frame){.len = 17 + 48, .bytes = {1, 99}};
	assert_int_equal(noise_kk_write_m1(&ada, chat_stage_private(BEN), NULL,
			     0, frame.bytes + 17),
	    SR_OK);
	assert_int_equal(chat_stage_give(stage, BEN, &frame, &event), SR_OK);
	frame = chat_stage_take(stage, ADA);
	assert_int_equal(frame.len, 17 + 49);
	assert_int_equal(frame.bytes[0], 2);
	assert_int_equal(frame.bytes[1], 99);
	assert_int_equal(
	    noise_kk_read_m2(&ada, frame.bytes + 17, 49, &said), SR_OK);
	assert_int_equal(said, 0);
	assert_int_equal(noise_kk_split(&ada, keys, keys + 32, hash), SR_OK);
	kdf_extract(prk, hash, 64, keys, 64);
	kdf_expand(chain, 64, prk, "strongroom/1 chat chain", 23);
	kdf_expand(key, 32, chain, "strongroom/1 c2s", 16);
	frame = (struct chat_frame){.len = 25 + 256 + 16, .bytes = {3, 99}};
	memset(plain, 0, sizeof(plain));
	plain[0] = 1;
	aead_seal(frame.bytes + 25, key, 0, frame.bytes, 25, plain, 256);
	assert_int_equal(chat_stage_give(stage, BEN, &frame, &event), SR_OK);
	assert_int_equal(event.kind, CHAT_JOINED);
	frame.bytes[17] = 1;
	plain[0] = 2;
	plain[1] = 1;
	plain[9] = 2;
	memcpy(plain + 11, "hi", 2);
	aead_seal(frame.bytes + 25, key, 1, frame.bytes, 25, plain, 256);
	assert_int_equal(chat_stage_give(stage, BEN, &frame, &event), SR_OK);
	assert_int_equal(event.kind, CHAT_TEXT);
	assert_memory_equal(event.data, "hi", 2);
	chat_stage_say(stage, BEN, "ho");
	frame = chat_stage_take(stage, ADA);
	kdf_expand(key, 32, chain, "strongroom/1 s2c", 16);
	assert_int_equal(aead_open(plain, key, 0, frame.bytes, 25,
			     frame.bytes + 25, 256 + 16),
	    SR_OK);
	assert_memory_equal(plain + 11, "ho", 2);
}

/* Both open before either has heard of it, and the frames come in any order. */
static void
given_both_open_at_once_then_the_lower_ids_handshake_goes_on(void **state)
{
	(void)state;
	for (int first = ADA; first <= BEN; first++) {
		uint8_t wanted[CHAT_CONVERSATION_LEN];

		stage = chat_stage_begin();
		chat_stage_ask(stage, ADA);
		chat_stage_ask(stage, BEN);
		memcpy(wanted, stage->side[ADA].conversation, sizeof(wanted));
		expect(first, CHAT_NOTHING, 0);
		expect(!first, CHAT_NOTHING, 0);
		assert_int_equal(stage->side[ADA].phase, CHAT_OPENING);
		assert_int_equal(stage->side[BEN].phase, CHAT_ACCEPTED);
		expect(ADA, CHAT_JOINED, 0);
		expect(BEN, CHAT_JOINED, 0);
		assert_memory_equal(
		    stage->side[BEN].conversation, wanted, sizeof(wanted));
		chat_stage_say(stage, ADA, "both");
		chat_stage_say(stage, BEN, "at once");
		expect_text(BEN, 1, "both");
		expect_text(ADA, 1, "at once");
	}
}

static void
given_somebody_busy_then_it_is_said_and_only_by_them(void **state)
{
	struct chat_frame asked, answer, forged;

	(void)state;
	for (int how = CHAT_BUSY; how <= CHAT_NO; how++) {
		stage = chat_stage_begin();
		chat_stage_ask(stage, ADA);
		asked = chat_stage_take(stage, BEN);
		assert_int_equal(
		    chat_decline(&stage->parties[BEN], (enum chat_answer)how,
			asked.bytes, asked.len, chat_stage_fresh(stage),
			&answer),
		    SR_OK);
		assert_int_equal(
		    chat_stage_give(stage, ADA, &answer, &event), SR_OK);
		assert_int_equal(event.kind, CHAT_DECLINED);
		assert_int_equal(event.answer, how);
		expect_end(ADA, SR_OK);
	}
	/* the bank cannot say so in Ben's place, nor turn a no into a yes */
	for (size_t i = 0; i < answer.len; i++) {
		stage = chat_stage_begin();
		chat_stage_ask(stage, ADA);
		asked = chat_stage_take(stage, BEN);
		chat_decline(&stage->parties[BEN], CHAT_NO, asked.bytes,
		    asked.len, chat_stage_fresh(stage), &forged);
		forged.bytes[i] ^= 6; /* of the type: 2 instead of 4 */
		if (i >= 1 && i < 17) {
			assert_int_equal(
			    chat_stage_give(stage, ADA, &forged, &event),
			    SR_OK);
			assert_int_equal(event.kind, CHAT_STRAY);
			continue;
		}
		expect_refusal(
		    ADA, &forged, i == 0 ? SR_CHAT_ALTERED : SR_CHAT_HANDSHAKE);
	}
	asked.bytes[20] ^= 1;
	assert_int_equal(
	    chat_decline(&stage->parties[BEN], CHAT_NO, asked.bytes, asked.len,
		chat_stage_fresh(stage), &answer),
	    SR_CHAT_HANDSHAKE);
	assert_int_equal(answer.len, 0);
	assert_int_equal(
	    chat_decline(&stage->parties[BEN], CHAT_NO, forged.bytes,
		forged.len, chat_stage_fresh(stage), &answer),
	    SR_MALFORMED);
}

/* Another key, bank or customer on one side: nothing is begun. */
static void
given_other_keys_or_ids_then_nothing_is_begun(void **state)
{
	(void)state;
	for (int what = 0; what < 5; what++) {
		struct chat_parties p;

		stage = chat_stage_begin();
		p = stage->parties[BEN];
		if (what == 0)
			noise_public_key(p.peer_public, p.own_private);
		else if (what == 1)
			p.own_private[5] ^= 1;
		else if (what == 2)
			p.bank_id[31] ^= 1;
		else if (what == 3)
			p.own_id++;
		else
			p.peer_id++;
		if (p.own_id == p.peer_id)
			p.own_id += 2;
		assert_int_equal(chat_start(&stage->side[BEN], &p), SR_OK);
		chat_stage_ask(stage, ADA);
		assert_int_equal(
		    chat_stage_next(stage, BEN, &event), SR_CHAT_HANDSHAKE);
		assert_int_equal(stage->side[BEN].phase, CHAT_IDLE);
	}
}

static void
given_parties_that_cannot_be_then_it_is_not_allowed(void **state)
{
	struct chat_parties p;
	struct chat chat;

	(void)state;
	for (int what = 0; what < 6; what++) {
		p = stage->parties[ADA];
		if (what == 0)
			p.peer_id = p.own_id;
		else if (what == 1)
			p.own_id = 0;
		else if (what == 2)
			p.peer_id = 0;
		else if (what == 3)
			p.rekey_ms = CHAT_REKEY_MS_MIN - 1;
		else if (what == 4)
			p.rekey_ms = CHAT_REKEY_MS_MAX + 1;
		else
			p.peer_id = UINT64_C(1) << 48;
		assert_int_equal(chat_start(&chat, &p), SR_NOT_ALLOWED);
		assert_int_equal(chat.phase, CHAT_ENDED);
	}
}

/* The bank repeats an old `open': nobody is told that Ada is there. */
static void
given_an_old_open_then_nobody_joins_and_the_true_one_does(void **state)
{
	struct chat_frame old;

	(void)state;
	chat_stage_ask(stage, ADA);
	old = chat_stage_take(stage, BEN);
	stage = chat_stage_begin();
	stage->drawn = 100;
	assert_int_equal(chat_stage_give(stage, BEN, &old, &event), SR_OK);
	assert_int_equal(event.kind, CHAT_NOTHING);
	expect(ADA, CHAT_STRAY, 0);
	assert_int_equal(stage->side[ADA].phase, CHAT_IDLE);
	chat_stage_ask(stage, ADA);
	expect(BEN, CHAT_NOTHING, 0);
	expect(ADA, CHAT_JOINED, 0);
	expect(BEN, CHAT_JOINED, 0);
}

static void
given_a_peer_started_anew_then_it_is_told_and_the_old_goes_on(void **state)
{
	struct chat_frame frame;
	struct chat second;

	(void)state;
	assert_int_equal(
	    chat_start(&stage->side[ADA], &stage->parties[ADA]), SR_OK);
	chat_stage_ask(stage, ADA);
	frame = chat_stage_take(stage, BEN);
	assert_int_equal(chat_stage_give(stage, BEN, &frame, &event), SR_OK);
	assert_int_equal(event.kind, CHAT_ANOTHER);
	assert_true(chat_may_send(&stage->side[BEN]));
	assert_int_equal(chat_start(&second, &stage->parties[BEN]), SR_OK);
	stage->side[BEN] = second;
	assert_int_equal(chat_stage_give(stage, BEN, &frame, &event), SR_OK);
	expect(ADA, CHAT_JOINED, 0);
	expect(BEN, CHAT_JOINED, 0);
}

static void
given_no_answer_then_who_asked_gives_up_in_time(void **state)
{
	struct chat *ada = &stage->side[ADA], *ben = &stage->side[BEN];

	(void)state;
	assert_int_equal(chat_wait_ms(ada, stage->now_ms), UINT64_MAX);
	chat_stage_ask(stage, ADA);
	assert_int_equal(chat_wait_ms(ada, stage->now_ms), CHAT_ANSWER_MS);
	/* a clock that is behind is none that is ahead */
	assert_int_equal(chat_wait_ms(ada, 0), CHAT_ANSWER_MS);
	expect(BEN, CHAT_NOTHING, 0);
	stage->now_ms += CHAT_ANSWER_MS - 1;
	assert_int_equal(chat_wait_ms(ben, stage->now_ms), 1);
	assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
	assert_int_equal(chat_stage_tick(stage, BEN), SR_OK);
	stage->now_ms++;
	assert_int_equal(chat_stage_tick(stage, ADA), SR_CHAT_NO_ANSWER);
	assert_int_equal(chat_stage_tick(stage, BEN), SR_CHAT_NO_ANSWER);
	expect_end(ADA, SR_CHAT_NO_ANSWER);
	expect_end(BEN, SR_CHAT_NO_ANSWER);
}

/* ---- the relay --------------------------------------------------------- */

/* Ben refuses each flipped bit of the frame, from this state of his. */
static void
altered_check(int side, const struct chat_frame *frame, enum sr_error body)
{
	const struct chat before = stage->side[side];
	struct chat_frame altered;
	enum sr_error error;

	for (size_t i = 0; i < 8 * frame->len; i++) {
		altered = *frame;
		altered.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		stage->side[side] = before;
		stage->to[!side].count = 0;
		error = chat_stage_give(stage, side, &altered, &event);
		if (error == SR_OK) {
			/* of another conversation: it is passed over */
			assert_true(i / 8 >= 1 && i / 8 < 17);
			assert_true(before.phase != CHAT_OPEN);
			assert_int_equal(event.kind, CHAT_STRAY);
			assert_int_equal(stage->to[!side].count, 0);
			continue;
		}
		if (i / 8 >= CHAT_HEADER_LEN)
			assert_int_equal(error, body);
		if (before.phase != CHAT_IDLE)
			expect_end(side, error);
	}
	for (size_t len = 0; len < frame->len; len++) {
		altered = *frame;
		altered.len = len;
		stage->side[side] = before;
		assert_int_not_equal(
		    chat_stage_give(stage, side, &altered, &event), SR_OK);
	}
	stage->side[side] = before;
	stage->to[!side].count = 0;
	assert_int_equal(chat_stage_give(stage, side, frame, &event), SR_OK);
}

static void
given_any_altered_bit_of_any_frame_then_it_is_noticed(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_ask(stage, ADA);
	frame = chat_stage_take(stage, BEN);
	altered_check(BEN, &frame, SR_CHAT_HANDSHAKE);
	frame = chat_stage_take(stage, ADA);
	altered_check(ADA, &frame, SR_CHAT_HANDSHAKE);
	frame = chat_stage_take(stage, BEN);
	altered_check(BEN, &frame, SR_CHAT_ALTERED);
	chat_stage_say(stage, ADA, "one");
	frame = chat_stage_take(stage, BEN);
	altered_check(BEN, &frame, SR_CHAT_ALTERED);
	assert_memory_equal(event.data, "one", 3);
}

static void
given_a_frame_lost_or_held_back_then_the_next_is_refused(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_say(stage, ADA, "one");
	chat_stage_say(stage, ADA, "two");
	(void)chat_stage_take(stage, BEN);
	frame = chat_stage_take(stage, BEN);
	expect_refusal(BEN, &frame, SR_CHAT_MISSING);
}

static void
given_a_frame_twice_then_the_second_is_refused(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_say(stage, ADA, "one");
	chat_stage_say(stage, ADA, "two");
	frame = stage->to[BEN].frames[0];
	expect_text(BEN, 1, "one");
	expect_text(BEN, 2, "two");
	expect_refusal(BEN, &frame, SR_CHAT_REPEATED);
}

static void
given_frames_in_another_order_then_the_first_is_refused(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_say(stage, ADA, "one");
	chat_stage_say(stage, ADA, "two");
	frame = chat_stage_take_nth(stage, BEN, 1);
	expect_refusal(BEN, &frame, SR_CHAT_MISSING);
}

/* The counter is rewritten, too, so that it would be the next one. */
static void
given_another_frames_counter_then_it_is_altered(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_say(stage, ADA, "one");
	chat_stage_say(stage, ADA, "two");
	frame = chat_stage_take_nth(stage, BEN, 1);
	assert_int_equal(frame.bytes[17], 2); /* ready was 0 */
	frame.bytes[17] = 1;
	expect_refusal(BEN, &frame, SR_CHAT_ALTERED);
}

static void
given_an_own_frame_that_comes_back_then_it_is_refused(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_say(stage, BEN, "mine");
	frame = chat_stage_take(stage, ADA);
	stage->side[BEN].received = 0;
	expect_refusal(BEN, &frame, SR_CHAT_ALTERED);
}

static void
given_handshake_frames_again_then_they_are_refused(void **state)
{
	struct chat_frame ask, answer;

	(void)state;
	for (int late = 0; late < 4; late++) {
		stage = chat_stage_begin();
		chat_stage_ask(stage, ADA);
		ask = stage->to[BEN].frames[0];
		expect(BEN, CHAT_NOTHING, 0);
		answer = stage->to[ADA].frames[0];
		if (late == 0) {
			expect_refusal(BEN, &ask, SR_CHAT_REPEATED);
			continue;
		}
		chat_stage_settle(stage);
		if (late == 1)
			expect_refusal(BEN, &ask, SR_CHAT_REPEATED);
		else if (late == 2)
			expect_refusal(ADA, &answer, SR_CHAT_REPEATED);
		else
			expect_refusal(BEN, &answer, SR_CHAT_REPEATED);
	}
}

static void
given_a_record_before_the_answer_then_something_is_missing(void **state)
{
	struct chat_frame frame = {0};

	(void)state;
	chat_stage_ask(stage, ADA);
	chat_frame_begin(
	    &frame, CHAT_FRAME_DATA, stage->side[ADA].conversation, 0);
	frame.len += CHAT_BUCKET_MIN + CHAT_TAG_LEN;
	expect_refusal(ADA, &frame, SR_CHAT_MISSING);
}

static void
given_a_frame_of_another_conversation_then_it_ends_an_open_one(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_say(stage, ADA, "one");
	frame = chat_stage_take(stage, BEN);
	frame.bytes[16] ^= 1;
	expect_refusal(BEN, &frame, SR_CHAT_ALTERED);
}

/* ---- the other side's program ------------------------------------------ */

static void
given_records_without_meaning_then_the_others_program_is_named(void **state)
{
	static const uint8_t zeros[8 + 1], two[] = {2};
	static const uint8_t huge[9] = {1, 0, 0, 0, 4, 0, 0, 0, 'x'};
	static const struct {
		enum chat_kind kind;
		uint64_t number;
		const uint8_t *data;
		size_t len;
	} rows[] = {
	    {CHAT_KIND_READY, 0, NULL, 0},
	    {CHAT_KIND_TEXT, 2, zeros, 1},
	    {CHAT_KIND_DELIVERED, 1, NULL, 0},
	    {CHAT_KIND_READ, 1, NULL, 0},
	    {CHAT_KIND_TYPING, 0, two, 1},
	    {CHAT_KIND_FILE, 2, zeros, 9},
	    {CHAT_KIND_FILE, 1, huge, 9},
	    {CHAT_KIND_FILE_CHUNK, 1, zeros, 1},
	    {CHAT_KIND_FILE_STOP, 1, NULL, 0},
	    {CHAT_KIND_FILE_REFUSE, 1, NULL, 0},
	};
	struct chat_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		stage = chat_stage_open();
		chat_seal(&stage->side[ADA], rows[i].kind, rows[i].number,
		    rows[i].data, rows[i].len, &frame);
		expect_refusal(BEN, &frame, SR_CHAT_PEER);
	}
}

/* The initiator's first record is `ready' and no other. */
static void
given_another_first_record_then_nobody_joins(void **state)
{
	struct chat_frame frame;

	(void)state;
	chat_stage_ask(stage, ADA);
	expect(BEN, CHAT_NOTHING, 0);
	expect(ADA, CHAT_JOINED, 0);
	stage->side[ADA].sent = 0;
	chat_seal(&stage->side[ADA], CHAT_KIND_TEXT, 1, "now", 3, &frame);
	expect_refusal(BEN, &frame, SR_CHAT_PEER);
}

/* Records that could have been written otherwise. */
static void
given_a_record_that_has_another_form_then_it_is_malformed(void **state)
{
	static uint8_t bytes[CHAT_BUCKET_MAX];
	struct chat_record record = {
	    .kind = CHAT_KIND_TEXT, .number = 1, .data = bytes, .len = 1};
	uint8_t out[CHAT_BUCKET_MAX];
	size_t len;

	(void)state;
	chat_record_write(&record, out, &len);
	assert_int_equal(len, 256);
	assert_int_equal(chat_record_read(out, len, &record), SR_OK);
	for (size_t at = 12; at < 256; at++) {
		out[at] = 1; /* padding */
		assert_int_equal(
		    chat_record_read(out, len, &record), SR_MALFORMED);
		out[at] = 0;
	}
	memset(out + 256, 0, sizeof(out) - 256);
	assert_int_equal(chat_record_read(out, 1024, &record), SR_MALFORMED);
	assert_int_equal(chat_record_read(out, 255, &record), SR_MALFORMED);
	assert_int_equal(chat_record_read(out, 257, &record), SR_MALFORMED);
	assert_int_equal(chat_record_read(out, 0, &record), SR_MALFORMED);
	out[9] = 246; /* more than the bucket has */
	assert_int_equal(chat_record_read(out, 256, &record), SR_MALFORMED);
	out[9] = 0;
	assert_int_equal(chat_record_read(out, 256, &record), SR_MALFORMED);
	out[9] = 1;
	out[1] = 0; /* no number */
	assert_int_equal(chat_record_read(out, 256, &record), SR_MALFORMED);
	out[1] = 1;
	for (unsigned kind = 0; kind < 256; kind++) {
		out[0] = (uint8_t)kind;
		assert_int_equal(chat_record_read(out, 256, &record),
		    kind == CHAT_KIND_TEXT || kind == CHAT_KIND_FILE_CHUNK
			? SR_OK
			: SR_MALFORMED);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
#define OPEN(name) cmocka_unit_test_setup(name, start_open)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_one_who_opens_then_both_join_and_not_before_it_is_proved),
	    OPEN(given_texts_both_ways_at_once_then_each_reads_them_in_order),
	    OPEN(given_marks_and_typing_then_the_sender_sees_them),
	    OPEN(given_a_goodbye_then_both_have_ended_well),
	    OPEN(given_lengths_within_one_bucket_then_frames_of_one_length),
	    TEST(given_the_published_formats_then_the_first_text_opens_by_hand),
	    TEST(given_both_open_at_once_then_the_lower_ids_handshake_goes_on),
	    TEST(given_somebody_busy_then_it_is_said_and_only_by_them),
	    TEST(given_other_keys_or_ids_then_nothing_is_begun),
	    TEST(given_parties_that_cannot_be_then_it_is_not_allowed),
	    TEST(given_an_old_open_then_nobody_joins_and_the_true_one_does),
	    OPEN(given_a_peer_started_anew_then_it_is_told_and_the_old_goes_on),
	    TEST(given_no_answer_then_who_asked_gives_up_in_time),
	    TEST(given_any_altered_bit_of_any_frame_then_it_is_noticed),
	    OPEN(given_a_frame_lost_or_held_back_then_the_next_is_refused),
	    OPEN(given_a_frame_twice_then_the_second_is_refused),
	    OPEN(given_frames_in_another_order_then_the_first_is_refused),
	    OPEN(given_another_frames_counter_then_it_is_altered),
	    OPEN(given_an_own_frame_that_comes_back_then_it_is_refused),
	    TEST(given_handshake_frames_again_then_they_are_refused),
	    TEST(given_a_record_before_the_answer_then_something_is_missing),
	    OPEN(
		given_a_frame_of_another_conversation_then_it_ends_an_open_one),
	    TEST(
		given_records_without_meaning_then_the_others_program_is_named),
	    TEST(given_another_first_record_then_nobody_joins),
	    TEST(given_a_record_that_has_another_form_then_it_is_malformed),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
