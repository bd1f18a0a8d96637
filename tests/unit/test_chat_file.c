/* SPDX-License-Identifier: ISC */
/* Files through a conversation: whole, damaged, given up, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "tests/lib/chat_stage.h"

static struct chat_stage *stage;
static struct chat *ada, *ben;
static struct chat_frame frame;
static struct chat_event event;
static uint64_t number;

static int
start(void **state)
{
	(void)state;
	stage = chat_stage_open();
	ada = &stage->side[ADA];
	ben = &stage->side[BEN];
	return 0;
}

/* What a side has just made is sent, and means that at the other. */
static void
sent(int from, enum sr_error error, enum chat_event_kind kind)
{
	assert_int_equal(error, SR_OK);
	chat_stage_send(stage, from, &frame);
	assert_int_equal(chat_stage_next(stage, !from, &event), SR_OK);
	assert_int_equal(event.kind, kind);
}

/* Its end, with whatever sum and to whatever effect. */
static void
ended_with(const uint8_t sum[32], enum chat_event_kind kind)
{
	chat_seal(
	    ada, CHAT_KIND_FILE_END, ada->sending.number, sum, 32, &frame);
	sent(ADA, SR_OK, kind);
}

static void
announce(uint64_t size)
{
	sent(ADA, chat_send_file(ada, size, "a.txt", 5, &frame, &number),
	    CHAT_FILE);
	assert_int_equal(event.size, size);
	assert_int_equal(event.len, 5);
	assert_memory_equal(event.data, "a.txt", 5);
	assert_int_equal(event.number, number);
}

static void
given_a_file_and_texts_in_between_then_both_come_whole(void **state)
{
	(void)state;
	announce(10);
	sent(ADA, chat_send_chunk(ada, "01234", 5, &frame), CHAT_FILE_CHUNK);
	assert_int_equal(event.offset, 0);
	sent(ADA, chat_send_text(ada, "so far", 6, &frame, &number), CHAT_TEXT);
	assert_int_equal(event.number, 2);
	sent(BEN, chat_send_text(ben, "go on", 5, &frame, &number), CHAT_TEXT);
	sent(ADA, chat_send_chunk(ada, "56789", 5, &frame), CHAT_FILE_CHUNK);
	assert_int_equal(event.offset, 5);
	assert_int_equal(event.len, 5);
	assert_memory_equal(event.data, "56789", 5);
	sent(ADA, chat_send_file_end(ada, &frame), CHAT_FILE_WHOLE);
	assert_int_equal(event.number, 1);
	sent(BEN, chat_send_delivered(ben, 1, &frame), CHAT_DELIVERED);
	announce(0);
	assert_int_equal(number, 3);
	sent(ADA, chat_send_file_end(ada, &frame), CHAT_FILE_WHOLE);
}

static void
given_another_sum_or_an_early_end_then_the_file_is_damaged(void **state)
{
	uint8_t sum[32];

	(void)state;
	announce(5);
	sent(ADA, chat_send_chunk(ada, "01234", 5, &frame), CHAT_FILE_CHUNK);
	crypto_hash_sha256(sum, (const uint8_t *)"01235", 5);
	ended_with(sum, CHAT_FILE_DAMAGED);
	start(NULL);
	announce(6);
	sent(ADA, chat_send_chunk(ada, "01234", 5, &frame), CHAT_FILE_CHUNK);
	crypto_hash_sha256(sum, (const uint8_t *)"01234", 5);
	ended_with(sum, CHAT_FILE_DAMAGED);
	start(NULL);
	announce(5);
	sent(ADA, chat_send_chunk(ada, "01234", 5, &frame), CHAT_FILE_CHUNK);
	ended_with(sum, CHAT_FILE_WHOLE);
}

static void
given_more_bytes_than_announced_then_the_others_program_errs(void **state)
{
	(void)state;
	announce(5);
	chat_seal(ada, CHAT_KIND_FILE_CHUNK, 1, "012345", 6, &frame);
	assert_int_equal(
	    chat_stage_give(stage, BEN, &frame, &event), SR_CHAT_PEER);
	start(NULL);
	announce(5);
	chat_seal(ada, CHAT_KIND_FILE, 2, "\1\0\0\0\0\0\0\0b", 9, &frame);
	assert_int_equal(
	    chat_stage_give(stage, BEN, &frame, &event), SR_CHAT_PEER);
	start(NULL);
	announce(5);
	chat_seal(ada, CHAT_KIND_FILE_CHUNK, 2, "0", 1, &frame);
	assert_int_equal(
	    chat_stage_give(stage, BEN, &frame, &event), SR_CHAT_PEER);
}

static void
given_a_file_that_is_given_up_then_it_is_told_and_another_goes(void **state)
{
	(void)state;
	announce(10);
	sent(ADA, chat_send_chunk(ada, "01234", 5, &frame), CHAT_FILE_CHUNK);
	sent(ADA, chat_stop_file(ada, &frame), CHAT_FILE_STOPPED);
	assert_int_equal(event.number, 1);
	announce(0);
	assert_int_equal(number, 2);
}

/* Chunks that were on their way when it was refused are passed over. */
static void
given_a_file_that_is_refused_then_the_rest_is_passed_over(void **state)
{
	(void)state;
	announce(15);
	sent(ADA, chat_send_chunk(ada, "01234", 5, &frame), CHAT_FILE_CHUNK);
	assert_int_equal(chat_send_chunk(ada, "56789", 5, &frame), SR_OK);
	chat_stage_send(stage, ADA, &frame);
	assert_int_equal(chat_refuse_file(ben, &frame), SR_OK);
	chat_stage_send(stage, BEN, &frame);
	assert_int_equal(chat_refuse_file(ben, &frame), SR_NOT_FOUND);
	assert_int_equal(chat_stage_next(stage, BEN, &event), SR_OK);
	assert_int_equal(event.kind, CHAT_NOTHING);
	assert_int_equal(chat_stage_next(stage, ADA, &event), SR_OK);
	assert_int_equal(event.kind, CHAT_FILE_REFUSED);
	assert_int_equal(event.number, 1);
	assert_int_equal(
	    chat_send_chunk(ada, "01234", 5, &frame), SR_NOT_FOUND);
	assert_int_equal(chat_send_file_end(ada, &frame), SR_NOT_FOUND);
	sent(ADA, chat_stop_file(ada, &frame), CHAT_NOTHING);
	announce(0);
	sent(ADA, chat_send_file_end(ada, &frame), CHAT_FILE_WHOLE);
}

static void
given_a_file_refused_when_all_is_sent_then_nothing_more_comes_of_it(
    void **state)
{
	(void)state;
	announce(5);
	assert_int_equal(chat_send_chunk(ada, "01234", 5, &frame), SR_OK);
	chat_stage_send(stage, ADA, &frame);
	assert_int_equal(chat_send_file_end(ada, &frame), SR_OK);
	chat_stage_send(stage, ADA, &frame);
	sent(BEN, chat_refuse_file(ben, &frame), CHAT_NOTHING);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(chat_stage_next(stage, BEN, &event), SR_OK);
		assert_int_equal(event.kind, CHAT_NOTHING);
	}
	announce(1);
}

static void
given_calls_that_do_not_fit_then_nothing_is_sent(void **state)
{
	static const char name[CHAT_FILE_NAME_MAX + 1] = "x";
	static const uint8_t data[CHAT_DATA_MAX + 1];

	(void)state;
	assert_int_equal(chat_send_chunk(ada, "0", 1, &frame), SR_NOT_FOUND);
	assert_int_equal(chat_send_file_end(ada, &frame), SR_NOT_FOUND);
	assert_int_equal(chat_stop_file(ada, &frame), SR_NOT_FOUND);
	assert_int_equal(chat_refuse_file(ben, &frame), SR_NOT_FOUND);
	assert_int_equal(
	    chat_send_file(ada, 1, name, sizeof(name), &frame, &number),
	    SR_TOO_LARGE);
	assert_int_equal(
	    chat_send_file(ada, 1, name, 0, &frame, &number), SR_TOO_LARGE);
	assert_int_equal(chat_send_file(ada, CHAT_FILE_SIZE_MAX + 1, name, 1,
			     &frame, &number),
	    SR_TOO_LARGE);
	assert_int_equal(ada->own_messages, 0);
	sent(ADA,
	    chat_send_file(ada, CHAT_FILE_SIZE_MAX, name, CHAT_FILE_NAME_MAX,
		&frame, &number),
	    CHAT_FILE);
	assert_int_equal(
	    chat_send_file(ada, 1, name, 1, &frame, &number), SR_BUSY);
	assert_int_equal(
	    chat_send_chunk(ada, data, sizeof(data), &frame), SR_TOO_LARGE);
	assert_int_equal(chat_send_chunk(ada, data, 0, &frame), SR_TOO_LARGE);
	assert_int_equal(chat_send_file_end(ada, &frame), SR_INTERNAL);
	sent(ADA, chat_stop_file(ada, &frame), CHAT_FILE_STOPPED);
	announce(1);
	assert_int_equal(chat_send_chunk(ada, data, 2, &frame), SR_TOO_LARGE);
	assert_int_equal(frame.len, 0);
	sent(ADA, chat_send_chunk(ada, data, 1, &frame), CHAT_FILE_CHUNK);
	sent(ADA, chat_send_file_end(ada, &frame), CHAT_FILE_WHOLE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
	const struct CMUnitTest tests[] = {
	    TEST(given_a_file_and_texts_in_between_then_both_come_whole),
	    TEST(given_another_sum_or_an_early_end_then_the_file_is_damaged),
	    TEST(given_more_bytes_than_announced_then_the_others_program_errs),
	    TEST(
		given_a_file_that_is_given_up_then_it_is_told_and_another_goes),
	    TEST(given_a_file_that_is_refused_then_the_rest_is_passed_over),
	    TEST(
		given_a_file_refused_when_all_is_sent_then_nothing_more_comes_of_it),
	    TEST(given_calls_that_do_not_fit_then_nothing_is_sent),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
