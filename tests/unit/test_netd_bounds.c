/* SPDX-License-Identifier: ISC */
/*
 * The bounds of netd: time-outs, limits, slow readers and back-pressure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gen/messages.h"
#include "tests/lib/netd_stage.h"

static void
a_refused_handshake_closes_at_its_deadline_and_not_before(void **state)
{
	(void)state;
	client_says_m1(0);
	client_says_m3(1);
	later(1000);
	say_refused(ids[0]);
	say_refused(ids[1]);
	later(NETD_REFUSE_MS - 1000 - 1);
	assert_true(client_is_open(0));
	assert_true(client_is_open(1));
	later(WHEEL_TICK_MS + 1);
	client_is_closed(0);
	client_is_closed(1);
	room_hears_nothing(LINK_KEYD);
}

static void
a_refusal_that_comes_late_waits_for_the_next_deadline(void **state)
{
	(void)state;
	client_says_m1(0);
	later(NETD_REFUSE_MS + 500);
	say_refused(ids[0]);
	later(NETD_REFUSE_MS - 500 - 1);
	assert_true(client_is_open(0));
	later(WHEEL_TICK_MS + 1);
	client_is_closed(0);
}

static void
a_handshake_that_takes_too_long_closes(void **state)
{
	(void)state;
	client_connects(0);
	client_says_m1(1);
	client_says_m3(2);
	client_logs_in(3);
	later(params.handshake_timeout_ms - 1);
	assert_true(client_is_open(0));
	later(WHEEL_TICK_MS + 1);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_is_closed(0);
	client_is_closed(1);
	client_is_closed(2);
	/* The order is the wheel's. */
	assert_int_equal(room_hears(LINK_KEYD).type, MESSAGE_HANDSHAKE_GONE);
	assert_int_equal(room_hears(LINK_KEYD).type, MESSAGE_HANDSHAKE_GONE);
	room_hears_nothing(LINK_KEYD);
	assert_true(client_is_open(3));
}

static void
one_address_gets_only_its_share(void **state)
{
	(void)state;
	params.max_per_address = 2;
	stage_restart();
	client_connects(0);
	client_connects(1);
	client_connects(2);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_gets(1, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_is_closed(2);
	assert_int_equal(netd.refused, 1);
	client_leaves(1);
	client_connects(3);
	client_gets(3, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
}

static void
connections_are_bounded_and_ids_never_come_twice(void **state)
{
	uint64_t last = 0;

	(void)state;
	params.max_connections = 2;
	stage_restart();
	client_connects(0);
	client_connects(1);
	client_connects(2);
	client_is_closed(2);
	client_leaves(0);
	client_leaves(1);
	for (int i = 0; i < 20; i++) {
		client_says_m1(0);
		assert_int_equal(ids[0] >> 32, GENERATION);
		assert_true(ids[0] > last);
		last = ids[0];
		client_leaves(0);
		keyd_hears_gone(last);
	}
	assert_int_equal(netd.connections.used, 0);
}

static void
keyd_has_a_bounded_number_of_handshakes_and_finishes_what_it_began(void **state)
{
	(void)state;
	params.max_handshakes = 2;
	stage_restart();
	client_says_m1(0);
	say_m2(ids[0]);
	client_gets(0, FRAME_M2, FRAME_M2_LEN, '2');
	client_says_m1(1);
	client_says_m1(2);
	/* Both turns are taken: these wait, M1 first, then the M3. */
	client_connects(3);
	client_gets(3, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_sends_frame(3, FRAME_M1, FRAME_M1_LEN, 'd');
	client_sends_frame(0, FRAME_M3, FRAME_M3_LEN, 'c');
	room_hears_nothing(LINK_KEYD);
	say_m2(ids[1]);
	assert_int_equal(keyd_hears(MESSAGE_HANDSHAKE_3, 'c'), ids[0]);
	room_hears_nothing(LINK_KEYD);
	/* A client that leaves gives its turn back. */
	client_leaves(2);
	keyd_hears_gone(ids[2]);
	(void)keyd_hears(MESSAGE_HANDSHAKE_1, 'd');
}

static void
a_slow_reader_is_closed_and_the_others_are_served(void **state)
{
	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	for (int i = 0; i < 2000 && netd.refused == 0; i++)
		say_record(ids[0], FRAME_RECORD, FRAME_BODY_MAX, 's');
	assert_int_equal(netd.refused, 1);
	ledgerd_hears_gone(ids[0]);
	say_record(ids[1], FRAME_RECORD, 272, 'f');
	client_gets(1, FRAME_RECORD, 272, 'f');
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

static void
answers_that_nobody_takes_close_after_a_time(void **state)
{
	unsigned sent = 0;

	(void)state;
	client_logs_in(0);
	while (netd.blocks.free == netd.blocks.count && sent++ < 2000)
		say_record(ids[0], FRAME_RECORD, FRAME_BODY_MAX, 's');
	assert_int_equal(netd.refused, 0);
	later(NETD_SLOW_MS - 1);
	assert_int_equal(netd.refused, 0);
	later(WHEEL_TICK_MS + 1);
	assert_int_equal(netd.refused, 1);
	ledgerd_hears_gone(ids[0]);
}

static void
queued_answers_arrive_in_order_when_the_client_reads_again(void **state)
{
	unsigned sent = 0;

	(void)state;
	client_logs_in(0);
	while (netd.blocks.free == netd.blocks.count && sent < 2000)
		say_record(
		    ids[0], FRAME_RECORD, 10000, (uint8_t)('a' + sent++ % 26));
	say_record(ids[0], FRAME_RECORD, 10000, (uint8_t)('a' + sent++ % 26));
	for (unsigned i = 0; i < sent; i++)
		client_gets(0, FRAME_RECORD, 10000, (uint8_t)('a' + i % 26));
	steps();
	assert_int_equal(netd.blocks.free, netd.blocks.count);
	assert_true(client_is_open(0));
}

static void
a_begun_frame_must_be_finished_in_time(void **state)
{
	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	later(params.handshake_timeout_ms * 2);
	assert_true(client_is_open(0));
	(void)make_frame(frame, FRAME_RECORD, 9000, 'x');
	client_sends(0, frame, 5000);
	later(params.handshake_timeout_ms - 1);
	assert_true(client_is_open(0));
	later(WHEEL_TICK_MS + 1);
	client_is_closed(0);
	ledgerd_hears_gone(ids[0]);
	assert_true(client_is_open(1));
	assert_int_equal(netd.blocks.free, netd.blocks.count);
}

/* Sends without waiting; bytes that the socket took. */
static size_t
flood(int i, const uint8_t *bytes, size_t len)
{
	ssize_t n = send(clients[i], bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	assert_true(n >= 0 || errno == EAGAIN);
	return n < 0 ? 0 : (size_t)n;
}

static void
a_ledgerd_that_does_not_keep_up_stops_the_reading_and_loses_nothing(
    void **state)
{
	static uint8_t many[64 * (4 + 4096)];
	size_t sent = 0, heard = 0;
	unsigned quiet = 0;

	(void)state;
	client_logs_in(0);
	for (unsigned i = 0; i < 64; i++)
		(void)make_frame(
		    many + i * 4100, FRAME_RECORD, 4096, (uint8_t)i);
	while (quiet < 20) {
		size_t at = sent % sizeof(many);
		size_t took = flood(0, many + at, sizeof(many) - at);

		sent += took;
		quiet = took == 0 ? quiet + 1 : 0;
		steps();
	}
	/* Nobody takes anything any more; keyd is served nevertheless. */
	say_beacon();
	assert_true(
	    outbox_free(&netd.links[LINK_LEDGERD].box) < NETD_STALL_LEN);
	while (heard < sent / 4100) {
		uint8_t fill;

		if (reader_left(&unread[LINK_LEDGERD]) == 0)
			steps();
		assert_int_equal(ledgerd_hears(ids[0], &fill), 4096);
		assert_int_equal(fill, heard % 64);
		heard++;
	}
	room_hears_nothing(LINK_LEDGERD);
}

static void
one_flooding_client_does_not_keep_the_others_from_their_turn(void **state)
{
	static uint8_t many[1000 * 276];
	unsigned before = 0;

	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	for (unsigned i = 0; i < 1000; i++)
		(void)make_frame(many + i * 276, FRAME_RECORD, 272, 'f');
	(void)flood(0, many, sizeof(many));
	assert_int_equal(send(clients[1], frame,
			     make_frame(frame, FRAME_RECORD, 272, 'q'), 0),
	    276);
	(void)netd_step(&netd, 1000);
	for (;;) {
		struct ipc_message in = room_expects(LINK_LEDGERD);
		struct message_record_in m;

		assert_int_equal(in.type, MESSAGE_RECORD_IN);
		assert_int_equal(
		    message_record_in_decode(in.body, in.len, &m), SR_OK);
		if (m.connection == ids[1])
			break;
		before++;
	}
	assert_true(before <= FRAME_MAX / 276 + 1);
}

static void
sessions_wait_for_blocks_and_go_on_when_there_are_some(void **state)
{
	static uint8_t hoard[4096];
	struct chain hoarded;
	uint8_t fill;

	(void)state;
	client_logs_in(0);
	chain_init(&hoarded);
	while (blocks_free(&netd.blocks) > 0)
		assert_int_equal(
		    chain_append(&netd.blocks, &hoarded, hoard, sizeof(hoard)),
		    SR_OK);
	client_sends_frame(0, FRAME_RECORD, 5000, 'w');
	room_hears_nothing(LINK_LEDGERD);
	assert_true(client_is_open(0));
	chain_clear(&netd.blocks, &hoarded);
	/* Whoever gives blocks back wakes the session. */
	client_connects(1);
	client_leaves(1);
	assert_int_equal(ledgerd_hears(ids[0], &fill), 5000);
}

static void
say_settings(uint32_t connections, uint32_t per_address, uint32_t timeout_ms,
    enum sr_error answer)
{
	uint8_t bytes[MESSAGE_NETD_SETTINGS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const struct message_netd_settings m = {.reload = 9,
	    .max_connections = connections,
	    .max_per_address = per_address,
	    .handshake_timeout_ms = timeout_ms};
	struct message_settings_done done;
	struct ipc_message in;

	assert_int_equal(message_netd_settings_encode(&w, &m), SR_OK);
	room_say(LINK_CONTROL, &w);
	in = room_expects(LINK_CONTROL);
	assert_int_equal(in.type, MESSAGE_SETTINGS_DONE);
	assert_int_equal(
	    message_settings_done_decode(in.body, in.len, &done), SR_OK);
	assert_int_equal(done.reload, 9);
	assert_int_equal(done.error, answer);
}

static void
other_bounds_hold_for_whoever_comes_and_end_nobody(void **state)
{
	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	say_settings(1, 50, 15000, SR_OK);
	assert_true(client_is_open(0));
	assert_true(client_is_open(1));
	client_connects(2);
	client_is_closed(2);
	client_leaves(1);
	client_connects(3);
	client_is_closed(3);
	client_leaves(0);
	client_connects(4);
	client_gets(4, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	/* Never beyond what it has memory for. */
	say_settings(100000, 2, 15000, SR_OK);
	assert_int_equal(netd.params.admit, params.max_connections);
	client_connects(5);
	client_gets(5, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_connects(6);
	client_is_closed(6);
}

static void
another_timeout_holds_for_whoever_comes(void **state)
{
	(void)state;
	client_connects(0);
	say_settings(100, 100, 200, SR_OK);
	client_connects(1);
	later(200 + WHEEL_TICK_MS);
	assert_true(client_is_open(0));
	client_gets(1, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_is_closed(1);
}

static void
bounds_of_zero_change_nothing(void **state)
{
	(void)state;
	say_settings(0, 1, 1, SR_PARAMETERS);
	say_settings(1, 0, 1, SR_PARAMETERS);
	say_settings(1, 1, 0, SR_PARAMETERS);
	client_connects(0);
	client_connects(1);
	client_gets(1, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	later(1000);
	assert_true(client_is_open(1));
}

#define GIVEN_HELLO(f)                   \
	cmocka_unit_test_setup_teardown( \
	    f, stage_set_up_with_hello, stage_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    GIVEN_HELLO(
		a_refused_handshake_closes_at_its_deadline_and_not_before),
	    GIVEN_HELLO(a_refusal_that_comes_late_waits_for_the_next_deadline),
	    GIVEN_HELLO(a_handshake_that_takes_too_long_closes),
	    GIVEN_HELLO(one_address_gets_only_its_share),
	    GIVEN_HELLO(connections_are_bounded_and_ids_never_come_twice),
	    GIVEN_HELLO(
		keyd_has_a_bounded_number_of_handshakes_and_finishes_what_it_began),
	    GIVEN_HELLO(a_slow_reader_is_closed_and_the_others_are_served),
	    GIVEN_HELLO(answers_that_nobody_takes_close_after_a_time),
	    GIVEN_HELLO(
		queued_answers_arrive_in_order_when_the_client_reads_again),
	    GIVEN_HELLO(a_begun_frame_must_be_finished_in_time),
	    GIVEN_HELLO(
		a_ledgerd_that_does_not_keep_up_stops_the_reading_and_loses_nothing),
	    GIVEN_HELLO(
		one_flooding_client_does_not_keep_the_others_from_their_turn),
	    GIVEN_HELLO(other_bounds_hold_for_whoever_comes_and_end_nobody),
	    GIVEN_HELLO(another_timeout_holds_for_whoever_comes),
	    GIVEN_HELLO(bounds_of_zero_change_nothing),
	    GIVEN_HELLO(sessions_wait_for_blocks_and_go_on_when_there_are_some),
	};

	return cmocka_run_group_tests_name("netd_bounds", tests, NULL, NULL);
}
