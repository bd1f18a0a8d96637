/* SPDX-License-Identifier: ISC */
/* New keys for a conversation that goes on: by time, by volume, at once. */
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
	stage = chat_stage_open();
	return 0;
}

static void
expect(int side, enum chat_event_kind kind)
{
	assert_int_equal(chat_stage_next(stage, side, &event), SR_OK);
	assert_int_equal(event.kind, kind);
}

/* The keys fit one another, and are of that epoch. */
static void
same_keys(uint32_t epoch)
{
	struct session *a = &stage->side[ADA].keys;
	struct session *b = &stage->side[BEN].keys;

	assert_int_equal(a->key_epoch, epoch);
	assert_int_equal(b->key_epoch, epoch);
	assert_memory_equal(a->chain_key, b->chain_key, 64);
	assert_memory_equal(a->send_key, b->receive_key, 32);
	assert_memory_equal(a->receive_key, b->send_key, 32);
	assert_memory_not_equal(a->send_key, a->receive_key, 32);
}

static void
nothing_kept(int side)
{
	struct chat *chat = &stage->side[side];

	assert_false(chat->rekeying);
	assert_true(sodium_is_zero(chat->rekey_private, 32));
}

/* Both ways, after whatever was before. */
static void
still_talking(void)
{
	chat_stage_say(stage, ADA, "still here");
	chat_stage_say(stage, BEN, "me, too");
	expect(BEN, CHAT_TEXT);
	expect(ADA, CHAT_TEXT);
}

static bool
opens(const struct chat_frame *frame, const uint8_t key[32], uint64_t counter)
{
	static uint8_t plain[CHAT_BUCKET_MAX];

	return aead_open(plain, key, counter, frame->bytes, CHAT_HEADER_LEN,
		   frame->bytes + CHAT_HEADER_LEN,
		   frame->len - CHAT_HEADER_LEN) == SR_OK;
}

static void
given_the_time_then_new_keys_and_the_old_open_nothing(void **state)
{
	struct session before = stage->side[ADA].keys;
	struct chat_frame frame;
	uint64_t number;

	(void)state;
	assert_int_equal(chat_wait_ms(&stage->side[ADA], stage->now_ms),
	    CHAT_REKEY_MS_DEFAULT);
	stage->now_ms += CHAT_REKEY_MS_DEFAULT - 1;
	assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
	assert_int_equal(stage->to[BEN].count, 0);
	/* on its way under the old keys: it opens */
	chat_stage_say(stage, BEN, "before");
	stage->now_ms++;
	assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
	assert_false(chat_may_send(&stage->side[ADA]));
	assert_int_equal(
	    chat_send_text(&stage->side[ADA], "x", 1, &frame, &number),
	    SR_AGAIN);
	assert_int_equal(chat_close(&stage->side[ADA], &frame), SR_AGAIN);
	expect(ADA, CHAT_TEXT);
	expect(BEN, CHAT_RENEWED);
	chat_stage_say(stage, BEN, "after");
	expect(ADA, CHAT_RENEWED);
	expect(ADA, CHAT_TEXT);
	same_keys(1);
	nothing_kept(ADA);
	nothing_kept(BEN);
	assert_memory_not_equal(
	    stage->side[ADA].keys.chain_key, before.chain_key, 64);
	assert_memory_not_equal(
	    stage->side[ADA].keys.send_key, before.send_key, 32);
	assert_memory_not_equal(
	    stage->side[ADA].keys.receive_key, before.receive_key, 32);
	chat_stage_say(stage, ADA, "secret");
	frame = stage->to[BEN].frames[0];
	assert_true(opens(
	    &frame, stage->side[ADA].keys.send_key, stage->side[ADA].sent - 1));
	for (uint64_t counter = 0; counter < 10; counter++) {
		assert_false(opens(&frame, before.send_key, counter));
		assert_false(opens(&frame, before.receive_key, counter));
	}
	expect(BEN, CHAT_TEXT);
	still_talking();
	assert_int_equal(chat_wait_ms(&stage->side[ADA], stage->now_ms),
	    CHAT_REKEY_MS_DEFAULT);
}

/* Whoever has the old keys cannot send under them either. */
static void
given_a_frame_under_old_keys_then_it_is_refused(void **state)
{
	struct chat old = stage->side[ADA];
	struct chat_frame frame;

	(void)state;
	stage->now_ms += CHAT_REKEY_MS_DEFAULT;
	assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
	chat_stage_settle(stage);
	old.sent = stage->side[ADA].sent;
	chat_seal(&old, CHAT_KIND_TEXT, 1, "pay Eve", 7, &frame);
	assert_int_equal(
	    chat_stage_give(stage, BEN, &frame, &event), SR_CHAT_ALTERED);
}

static void
given_both_who_begin_at_once_then_one_set_of_keys(void **state)
{
	(void)state;
	for (uint32_t epoch = 1; epoch <= 3; epoch++) {
		chat_stage_say(stage, ADA, "one");
		chat_stage_say(stage, BEN, "uno");
		stage->now_ms += CHAT_REKEY_MS_DEFAULT;
		assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
		assert_int_equal(chat_stage_tick(stage, BEN), SR_OK);
		expect(ADA, CHAT_TEXT);
		expect(ADA, CHAT_RENEWED);
		/* Ada has turned, and Ben has not yet */
		chat_stage_say(stage, ADA, "two");
		expect(BEN, CHAT_TEXT);
		expect(BEN, CHAT_RENEWED);
		expect(BEN, CHAT_TEXT);
		assert_int_equal(stage->to[ADA].count, 0);
		same_keys(epoch);
		nothing_kept(ADA);
		nothing_kept(BEN);
		still_talking();
	}
}

/* As published: ck' = Extract(ck, X25519 | opener's e | other's e | n). */
static void
given_the_published_derivation_then_the_chain_is_it(void **state)
{
	uint8_t ikm[100] = {0}, chain[64], expected[64], own[32];

	(void)state;
	memcpy(chain, stage->side[BEN].keys.chain_key, 64);
	stage->now_ms += CHAT_REKEY_MS_DEFAULT;
	assert_int_equal(chat_stage_tick(stage, BEN), SR_OK);
	assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
	memcpy(own, stage->side[ADA].rekey_private, 32);
	memcpy(ikm + 32, stage->side[ADA].rekey_public, 32);
	memcpy(ikm + 64, stage->side[BEN].rekey_public, 32);
	assert_int_equal(noise_dh(ikm, own, ikm + 64), SR_OK);
	ikm[96] = 1;
	kdf_extract(expected, chain, 64, ikm, sizeof(ikm));
	chat_stage_settle(stage);
	assert_memory_equal(stage->side[ADA].keys.chain_key, expected, 64);
	same_keys(1);
}

static void
given_the_volume_then_new_keys_before_anything_else(void **state)
{
	(void)state;
	for (int what = 0; what < 3; what++) {
		struct session *keys;

		stage = chat_stage_open();
		keys = &stage->side[ADA].keys;
		if (what == 0)
			keys->sent = SESSION_REKEY_RECORDS - 1;
		else if (what == 1)
			keys->received = SESSION_REKEY_RECORDS - 1;
		else
			keys->bytes = SESSION_REKEY_BYTES - 512;
		assert_true(chat_may_send(&stage->side[ADA]));
		still_talking();
		assert_false(chat_may_send(&stage->side[ADA]));
		assert_int_equal(
		    chat_wait_ms(&stage->side[ADA], stage->now_ms), 0);
		assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
		chat_stage_settle(stage);
		same_keys(1);
		assert_true(chat_may_send(&stage->side[ADA]));
		still_talking();
	}
}

/* The other side's program goes on under the old keys for ever. */
static void
given_twice_the_volume_then_it_has_ended(void **state)
{
	(void)state;
	for (int what = 0; what < 2; what++) {
		stage = chat_stage_open();
		if (what == 0)
			stage->side[BEN].keys.received =
			    2 * SESSION_REKEY_RECORDS;
		else
			stage->side[BEN].keys.bytes = 2 * SESSION_REKEY_BYTES;
		chat_stage_say(stage, ADA, "and on");
		assert_int_equal(
		    chat_stage_next(stage, BEN, &event), SR_CHAT_NO_ANSWER);
	}
}

/* A relay that keeps everything back is noticed when the keys are due. */
static void
given_a_rekey_without_answer_then_it_has_ended_in_time(void **state)
{
	(void)state;
	chat_stage_say(stage, BEN, "kept back");
	stage->now_ms += CHAT_REKEY_MS_DEFAULT;
	assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
	assert_int_equal(stage->to[BEN].count, 1);
	assert_int_equal(
	    chat_wait_ms(&stage->side[ADA], stage->now_ms), CHAT_ANSWER_MS);
	stage->now_ms += CHAT_ANSWER_MS - 1;
	assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
	stage->now_ms++;
	assert_int_equal(chat_stage_tick(stage, ADA), SR_CHAT_NO_ANSWER);
}

static void
given_a_rekey_of_another_number_or_of_zeros_then_it_has_ended(void **state)
{
	static const uint8_t zeros[32];
	struct chat_frame frame;
	uint8_t e[32];

	(void)state;
	noise_public_key(e, chat_stage_private(ADA));
	chat_seal(&stage->side[ADA], CHAT_KIND_REKEY, 2, e, 32, &frame);
	assert_int_equal(
	    chat_stage_give(stage, BEN, &frame, &event), SR_CHAT_PEER);
	stage = chat_stage_open();
	chat_seal(&stage->side[ADA], CHAT_KIND_REKEY, 1, zeros, 32, &frame);
	assert_int_equal(
	    chat_stage_give(stage, BEN, &frame, &event), SR_CHAT_PEER);
	assert_int_equal(stage->to[ADA].count, 0);
}

/* ---- through a long file ----------------------------------------------- */

enum {
	FILE_SIZE = 12 * 1024 * 1024 + 321,
	FLIGHT = 6,    /* frames on their way in each direction */
	FRAME_MS = 40, /* each takes that long */
	EPOCHS_MAX = 64,
};

/* Each direction's file, as sent and as received, and every key there was. */
static struct transfer {
	uint8_t sent[FILE_SIZE];
	uint8_t received[FILE_SIZE];
	uint64_t came;
	bool announced, whole;
	size_t sizes; /* keys seen of this sender */
	uint8_t keys[EPOCHS_MAX][32];
} transfers[2];

static void
transfer_push(int from)
{
	struct transfer *t = &transfers[from];
	struct chat *chat = &stage->side[from];
	struct chat_frame frame = {0};
	uint64_t number, left;

	if (!chat_may_send(chat) || stage->to[!from].count >= FLIGHT)
		return;
	left = FILE_SIZE - chat->sending.done;
	if (!t->announced) {
		assert_int_equal(chat_send_file(chat, FILE_SIZE, "long.bin", 8,
				     &frame, &number),
		    SR_OK);
		t->announced = true;
	} else if (chat->sending.number != 0 && left > 0) {
		size_t len = left < CHAT_DATA_MAX ? left : CHAT_DATA_MAX;

		assert_int_equal(chat_send_chunk(chat,
				     t->sent + chat->sending.done, len, &frame),
		    SR_OK);
	} else if (chat->sending.number != 0) {
		assert_int_equal(chat_send_file_end(chat, &frame), SR_OK);
	}
	chat_stage_send(stage, from, &frame);
}

/* Notes a sender's key, and that no earlier one opens this frame. */
static void
transfer_keys(int from, const struct chat_frame *frame)
{
	struct transfer *t = &transfers[from];
	const uint8_t *now = stage->side[!from].keys.receive_key;
	uint64_t counter = stage->side[!from].received;

	if (t->sizes == 0 || memcmp(t->keys[t->sizes - 1], now, 32) != 0) {
		assert_true(t->sizes < EPOCHS_MAX);
		memcpy(t->keys[t->sizes++], now, 32);
	}
	assert_true(opens(frame, now, counter));
	for (size_t i = 0; i + 1 < t->sizes; i++) {
		assert_memory_not_equal(t->keys[i], now, 32);
		assert_false(opens(frame, t->keys[i], counter));
	}
}

static void
transfer_take(int to)
{
	struct transfer *t = &transfers[!to];
	struct chat_frame frame;

	if (stage->to[to].count == 0)
		return;
	frame = chat_stage_take(stage, to);
	transfer_keys(!to, &frame);
	assert_int_equal(chat_stage_give(stage, to, &frame, &event), SR_OK);
	if (event.kind == CHAT_FILE) {
		assert_int_equal(event.size, FILE_SIZE);
		assert_memory_equal(event.data, "long.bin", event.len);
	} else if (event.kind == CHAT_FILE_CHUNK) {
		assert_int_equal(event.offset, t->came);
		memcpy(t->received + t->came, event.data, event.len);
		t->came += event.len;
	} else if (event.kind == CHAT_FILE_WHOLE) {
		t->whole = true;
	} else {
		assert_int_equal(event.kind,
		    event.kind == CHAT_RENEWED ? CHAT_RENEWED : CHAT_NOTHING);
	}
}

static void
transfers_run(unsigned directions)
{
	memset(transfers, 0, sizeof(transfers));
	for (int side = ADA; side <= BEN; side++) {
		randombytes_buf(transfers[side].sent, FILE_SIZE);
		stage->side[side].parties.rekey_ms = CHAT_REKEY_MS_MIN;
	}
	while (!transfers[ADA].whole ||
	       (directions == 2 && !transfers[BEN].whole)) {
		transfer_push(ADA);
		if (directions == 2)
			transfer_push(BEN);
		if (stage->to[BEN].count >= FLIGHT ||
		    !chat_may_send(&stage->side[ADA]) ||
		    stage->side[ADA].sending.number == 0) {
			transfer_take(BEN);
			transfer_take(ADA);
			stage->now_ms += FRAME_MS;
		}
		assert_int_equal(chat_stage_tick(stage, ADA), SR_OK);
		assert_int_equal(chat_stage_tick(stage, BEN), SR_OK);
	}
	for (int from = ADA; from < (int)directions; from++) {
		struct transfer *t = &transfers[from];

		assert_int_equal(t->came, FILE_SIZE);
		assert_memory_equal(t->sent, t->received, FILE_SIZE);
		/* 795 frames of 40 ms are 31 s, and a re-key each 5 s */
		assert_true(t->sizes >= 6);
	}
	chat_stage_settle(stage);
	still_talking();
}

static void
given_a_file_one_way_with_new_keys_each_5_s_then_no_byte_is_lost(void **state)
{
	(void)state;
	transfers_run(1);
}

static void
given_files_both_ways_with_new_keys_each_5_s_then_no_byte_is_lost(void **state)
{
	(void)state;
	transfers_run(2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
	const struct CMUnitTest tests[] = {
	    TEST(given_the_time_then_new_keys_and_the_old_open_nothing),
	    TEST(given_a_frame_under_old_keys_then_it_is_refused),
	    TEST(given_both_who_begin_at_once_then_one_set_of_keys),
	    TEST(given_the_published_derivation_then_the_chain_is_it),
	    TEST(given_the_volume_then_new_keys_before_anything_else),
	    TEST(given_twice_the_volume_then_it_has_ended),
	    TEST(given_a_rekey_without_answer_then_it_has_ended_in_time),
	    TEST(given_a_rekey_of_another_number_or_of_zeros_then_it_has_ended),
	    TEST(
		given_a_file_one_way_with_new_keys_each_5_s_then_no_byte_is_lost),
	    TEST(
		given_files_both_ways_with_new_keys_each_5_s_then_no_byte_is_lost),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
