/* SPDX-License-Identifier: ISC */
/*
 * What netd relays: log-in, records, and to whom it says that a client has gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "gen/messages.h"
#include "tests/lib/netd_stage.h"

static void
nobody_is_let_in_before_there_is_a_hello(void **state)
{
	(void)state;
	client_connects(0);
	assert_int_equal(netd.accepted, 0);
	say_beacon();
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	assert_int_equal(netd.accepted, 1);
}

static void
a_log_in_and_records_are_relayed_unchanged(void **state)
{
	uint8_t fill;

	(void)state;
	client_logs_in(0);
	client_sends_frame(0, FRAME_RECORD, 272, 'a');
	assert_int_equal(ledgerd_hears(ids[0], &fill), 272);
	assert_int_equal(fill, 'a');
	say_record(ids[0], FRAME_RECORD, FRAME_BODY_MAX, 'b');
	client_gets(0, FRAME_RECORD, FRAME_BODY_MAX, 'b');
	room_hears_nothing(LINK_KEYD);
	room_hears_nothing(LINK_LEDGERD);
}

static void
frames_split_at_every_byte_arrive_whole(void **state)
{
	size_t len;

	(void)state;
	client_connects(0);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	len = make_frame(frame, FRAME_M1, FRAME_M1_LEN, '1');
	for (size_t i = 0; i < len; i++) {
		room_hears_nothing(LINK_KEYD);
		client_sends(0, frame + i, 1);
	}
	ids[0] = keyd_hears(MESSAGE_HANDSHAKE_1, '1');
	say_m2(ids[0]);
	client_gets(0, FRAME_M2, FRAME_M2_LEN, '2');
	len = make_frame(frame, FRAME_M3, FRAME_M3_LEN, '3');
	for (size_t i = 0; i < len; i++)
		client_sends(0, frame + i, 1);
	assert_int_equal(keyd_hears(MESSAGE_HANDSHAKE_3, '3'), ids[0]);
	say_accepted(ids[0]);
	for (size_t split = 1; split < 4 + 600; split++) {
		uint8_t fill;

		len = make_frame(
		    frame, FRAME_RECORD, 600, (uint8_t)(split & 0xff));
		client_sends(0, frame, split);
		room_hears_nothing(LINK_LEDGERD);
		client_sends(0, frame + split, len - split);
		assert_int_equal(ledgerd_hears(ids[0], &fill), 600);
		assert_int_equal(fill, split & 0xff);
	}
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

static void
a_largest_frame_in_small_pieces_arrives_whole(void **state)
{
	static const size_t pieces[] = {1, 3, 532, 533, 1000, 4096, 7777};

	(void)state;
	client_logs_in(0);
	for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
		size_t len = make_frame(
		    frame, FRAME_RECORD, FRAME_BODY_MAX, (uint8_t)('a' + p));
		uint8_t fill;

		for (size_t at = 0; at < len; at += pieces[p]) {
			size_t part = pieces[p];

			if (part > len - at)
				part = len - at;
			client_sends(0, frame + at, part);
		}
		assert_int_equal(ledgerd_hears(ids[0], &fill), FRAME_BODY_MAX);
		assert_int_equal(fill, 'a' + p);
	}
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

static void
many_frames_in_one_segment_arrive_in_order(void **state)
{
	static uint8_t many[100 * 276];

	(void)state;
	client_logs_in(0);
	for (unsigned i = 0; i < 100; i++)
		(void)make_frame(many + i * 276, FRAME_RECORD, 272, (uint8_t)i);
	client_sends(0, many, sizeof(many));
	for (unsigned i = 0; i < 100; i++) {
		uint8_t fill;

		assert_int_equal(ledgerd_hears(ids[0], &fill), 272);
		assert_int_equal(fill, i);
	}
	room_hears_nothing(LINK_LEDGERD);
}

/* A client in HELLO sends these four bytes and is closed. */
static void
header_is_refused(int i, const uint8_t header[4])
{
	uint64_t refused = netd.refused;

	client_connects(i);
	client_gets(i, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_sends(i, header, 4);
	client_is_closed(i);
	client_leaves(i);
	assert_int_equal(netd.refused, refused + 1);
	room_hears_nothing(LINK_KEYD);
	room_hears_nothing(LINK_LEDGERD);
}

static void
a_header_that_is_wrong_for_the_phase_closes(void **state)
{
	static const uint8_t wrong[][4] = {
	    {FRAME_M1_LEN & 0xff, FRAME_M1_LEN >> 8, FRAME_M1, 2},
	    {(FRAME_M1_LEN + 1) & 0xff, FRAME_M1_LEN >> 8, FRAME_M1, 1},
	    {FRAME_M3_LEN & 0xff, FRAME_M3_LEN >> 8, FRAME_M3, 1},
	    {FRAME_RECORD_MIN & 0xff, FRAME_RECORD_MIN >> 8, FRAME_RECORD, 1},
	    {FRAME_HELLO_LEN & 0xff, FRAME_HELLO_LEN >> 8, FRAME_HELLO, 1},
	    {0, 0, FRAME_M1, 1},
	    {0xff, 0xff, FRAME_RECORD, 1},
	    {0, 0, 0, 0},
	    {'G', 'E', 'T', ' '},
	    {0x16, 3, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		header_is_refused(0, wrong[i]);
	/* In a session only records are taken. */
	client_logs_in(0);
	client_sends_frame(0, FRAME_M1, FRAME_M1_LEN, 'x');
	client_is_closed(0);
	ledgerd_hears_gone(ids[0]);
}

static void
a_client_that_leaves_is_told_to_the_room_that_knows_it(void **state)
{
	(void)state;
	client_connects(0);
	client_leaves(0);
	client_says_m1(1);
	client_leaves(1);
	keyd_hears_gone(ids[1]);
	client_logs_in(2);
	client_leaves(2);
	ledgerd_hears_gone(ids[2]);
	room_hears_nothing(LINK_KEYD);
	room_hears_nothing(LINK_LEDGERD);
	assert_int_equal(netd.connections.used, 0);
}

static void
a_session_for_a_client_that_has_left_is_ended(void **state)
{
	(void)state;
	client_says_m3(0);
	client_leaves(0);
	keyd_hears_gone(ids[0]);
	say_accepted(ids[0]);
	ledgerd_hears_gone(ids[0]);
	say_record(ids[0], FRAME_M4, FRAME_M4_LEN, '4');
	ledgerd_hears_gone(ids[0]);
	/* But an answer on its way, or another netd's client, is nothing. */
	say_record(ids[0], FRAME_RECORD, 272, 'x');
	say_accepted(((uint64_t)(GENERATION - 1) << 32) + 1);
	say_record(((uint64_t)(GENERATION - 1) << 32) + 1, FRAME_M4,
	    FRAME_M4_LEN, '4');
	room_hears_nothing(LINK_LEDGERD);
}

static void
a_first_record_may_overtake_the_acceptance(void **state)
{
	uint8_t fill;

	(void)state;
	client_says_m3(0);
	say_record(ids[0], FRAME_M4, FRAME_M4_LEN, '4');
	client_gets(0, FRAME_M4, FRAME_M4_LEN, '4');
	client_sends_frame(0, FRAME_RECORD, 300, 'r');
	assert_int_equal(ledgerd_hears(ids[0], &fill), 300);
	say_accepted(ids[0]);
	client_sends_frame(0, FRAME_RECORD, 301, 'r');
	assert_int_equal(ledgerd_hears(ids[0], &fill), 301);
	assert_int_equal(netd.in_turn, 0);
}

static void
a_room_cannot_reach_a_connection_in_another_phase(void **state)
{
	(void)state;
	client_connects(0);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_says_m1(1);
	ids[0] = ids[1] - 1;
	say_m2(ids[0]);
	say_m5(ids[1]);
	say_accepted(ids[1]);
	say_record(ids[1], FRAME_RECORD, 272, 'x');
	say_record(ids[0], FRAME_M4, FRAME_M4_LEN, 'x');
	say_session_close(ids[0]);
	assert_true(client_is_open(0));
	assert_true(client_is_open(1));
	assert_int_equal(recv(clients[0], frame, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(clients[1], frame, 1, MSG_DONTWAIT), -1);
	say_m2(ids[1]);
	client_gets(1, FRAME_M2, FRAME_M2_LEN, '2');
}

static void
the_result_of_a_registration_is_sent_and_ends_the_connection(void **state)
{
	(void)state;
	client_says_m3(0);
	say_m5(ids[0]);
	client_gets(0, FRAME_M5, FRAME_M5_LEN, '5');
	client_is_closed(0);
	client_leaves(0);
	room_hears_nothing(LINK_KEYD);
	assert_int_equal(netd.connections.used, 0);
}

static void
a_closed_session_gets_what_was_queued_for_it(void **state)
{
	(void)state;
	client_logs_in(0);
	/* What the client sent meanwhile must not turn the end into a reset. */
	client_sends_frame(0, FRAME_RECORD, 272, 'x');
	say_record(ids[0], FRAME_RECORD, 272, 'y');
	say_session_close(ids[0]);
	client_gets(0, FRAME_RECORD, 272, 'y');
	assert_int_equal(recv(clients[0], frame, 1, 0), 0);
	later(NETD_LINGER_MS + WHEEL_TICK_MS);
	assert_int_equal(netd.connections.used, 0);
	(void)room_hears(LINK_LEDGERD);
	room_hears_nothing(LINK_LEDGERD);
}

#define GIVEN_HELLO(f)                   \
	cmocka_unit_test_setup_teardown( \
	    f, stage_set_up_with_hello, stage_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		nobody_is_let_in_before_there_is_a_hello, stage_set_up,
		stage_tear_down),
	    GIVEN_HELLO(a_log_in_and_records_are_relayed_unchanged),
	    GIVEN_HELLO(frames_split_at_every_byte_arrive_whole),
	    GIVEN_HELLO(a_largest_frame_in_small_pieces_arrives_whole),
	    GIVEN_HELLO(many_frames_in_one_segment_arrive_in_order),
	    GIVEN_HELLO(a_header_that_is_wrong_for_the_phase_closes),
	    GIVEN_HELLO(a_client_that_leaves_is_told_to_the_room_that_knows_it),
	    GIVEN_HELLO(a_session_for_a_client_that_has_left_is_ended),
	    GIVEN_HELLO(a_first_record_may_overtake_the_acceptance),
	    GIVEN_HELLO(a_room_cannot_reach_a_connection_in_another_phase),
	    GIVEN_HELLO(
		the_result_of_a_registration_is_sent_and_ends_the_connection),
	    GIVEN_HELLO(a_closed_session_gets_what_was_queued_for_it),
	};

	return cmocka_run_group_tests_name("netd_relay", tests, NULL, NULL);
}
