/* SPDX-License-Identifier: ISC */
/*
 * What netd says to strongroomd, and how it ends.
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
#include "netd/rooms.h"
#include "tests/lib/netd_stage.h"

/* strongroomd sends one. */
static void
say_pulse(uint64_t number)
{
	uint8_t bytes[MESSAGE_PULSE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_pulse pulse = {.number = number};

	assert_int_equal(message_pulse_encode(&w, &pulse), SR_OK);
	room_say(LINK_CONTROL, &w);
}

static void
a_pulse_is_passed_on_and_strongroomd_told(void **state)
{
	struct message_pulse_keyd pulse;
	struct message_pulse_seen seen;
	struct ipc_message m;

	(void)state;
	for (uint64_t number = 1; number < 10; number++) {
		say_pulse(number);
		m = room_expects(LINK_KEYD);
		assert_int_equal(m.type, MESSAGE_PULSE_KEYD);
		assert_int_equal(
		    message_pulse_keyd_decode(m.body, m.len, &pulse), SR_OK);
		assert_int_equal(pulse.generation, GENERATION);
		assert_int_equal(pulse.number, number);
		m = room_expects(LINK_CONTROL);
		assert_int_equal(m.type, MESSAGE_PULSE_SEEN);
		assert_int_equal(
		    message_pulse_seen_decode(m.body, m.len, &seen), SR_OK);
		assert_int_equal(seen.number, number);
	}
	room_hears_nothing(LINK_KEYD);
	room_hears_nothing(LINK_LEDGERD);
	room_hears_nothing(LINK_CONTROL);
}

static void
a_pulse_that_finds_no_room_is_dropped_and_not_told_of(void **state)
{
	struct outbox *box = &netd.links[LINK_KEYD].box;
	static const uint8_t filling[1000];

	(void)state;
	/* as if keyd took nothing any more */
	for (size_t len = sizeof(filling); len > 0; len /= 2)
		while (outbox_append(box, filling, len) == SR_OK)
			;
	assert_false(rooms_pulse(&netd, 1));
	outbox_clear(box);
	room_hears_nothing(LINK_KEYD);
	assert_true(rooms_pulse(&netd, 2));
	steps();
	assert_int_equal(room_expects(LINK_KEYD).type, MESSAGE_PULSE_KEYD);
}

static void
strongroomd_gets_the_state_and_a_refusal_of_the_rest(void **state)
{
	uint8_t inner[16], bytes[64];
	struct writer in = writer_to(inner, sizeof(inner));
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_netd_status_get get = {0};
	struct message_control_request request = {.request = 42};
	struct message_control_answer answer;
	struct message_netd_status status;
	struct ipc_message m;
	struct reader r;

	(void)state;
	client_connects(0);
	assert_int_equal(message_netd_status_get_encode(&in, &get), SR_OK);
	request.packet = inner;
	request.packet_len = writer_len(&in);
	assert_int_equal(message_control_request_encode(&w, &request), SR_OK);
	room_say(LINK_CONTROL, &w);
	m = room_hears(LINK_CONTROL);
	assert_int_equal(m.type, MESSAGE_CONTROL_ANSWER);
	assert_int_equal(
	    message_control_answer_decode(m.body, m.len, &answer), SR_OK);
	assert_int_equal(answer.request, 42);
	r = reader_of(answer.packet, answer.packet_len);
	assert_int_equal(ipc_next(&r, false, &m), SR_OK);
	assert_int_equal(m.type, MESSAGE_NETD_STATUS);
	assert_int_equal(
	    message_netd_status_decode(m.body, m.len, &status), SR_OK);
	assert_int_equal(status.generation, GENERATION);
	assert_int_equal(status.connections, 1);
	assert_int_equal(status.accepted, 1);

	inner[2] = MESSAGE_INVITE;
	w = writer_to(bytes, sizeof(bytes));
	assert_int_equal(message_control_request_encode(&w, &request), SR_OK);
	room_say(LINK_CONTROL, &w);
	m = room_hears(LINK_CONTROL);
	assert_int_equal(
	    message_control_answer_decode(m.body, m.len, &answer), SR_OK);
	r = reader_of(answer.packet, answer.packet_len);
	assert_int_equal(ipc_next(&r, false, &m), SR_OK);
	assert_int_equal(m.type, MESSAGE_CONTROL_REFUSED);
}

static void
readiness_tells_what_the_sandbox_lacks(void **state)
{
	struct ipc_message m;
	struct message_ready ready;

	(void)state;
	netd_ready(&netd, 5);
	steps();
	m = room_hears(LINK_CONTROL);
	assert_int_equal(m.type, MESSAGE_READY);
	assert_int_equal(message_ready_decode(m.body, m.len, &ready), SR_OK);
	assert_int_equal(ready.missing, 5);
}

static void
stop_without_sessions_ends_at_once(void **state)
{
	(void)state;
	client_connects(0);
	client_says_m1(1);
	say_stop();
	assert_false(running);
	assert_true(netd.stopping);
	client_gets(0, FRAME_HELLO, FRAME_HELLO_LEN, 'h');
	client_is_closed(0);
	client_is_closed(1);
}

static void
stop_delivers_the_last_answers_and_ends_in_time(void **state)
{
	(void)state;
	client_logs_in(0);
	client_logs_in(1);
	say_stop();
	assert_true(running);
	client_sends_frame(0, FRAME_RECORD, 272, 'x');
	room_hears_nothing(LINK_LEDGERD);
	say_record(ids[0], FRAME_RECORD, 272, 'l');
	client_gets(0, FRAME_RECORD, 272, 'l');
	say_session_close(ids[0]);
	assert_int_equal(recv(clients[0], frame, 1, 0), 0);
	assert_true(running);
	later(NETD_STOP_MS);
	assert_false(running);
}

static void
stop_ends_when_ledgerd_has_ended(void **state)
{
	(void)state;
	client_logs_in(0);
	say_stop();
	assert_true(running);
	say_record(ids[0], FRAME_RECORD, 272, 'l');
	assert_int_equal(close(rooms[LINK_LEDGERD]), 0);
	rooms[LINK_LEDGERD] = -1;
	steps();
	assert_false(running);
	client_gets(0, FRAME_RECORD, 272, 'l');
	client_is_closed(0);
}

static void
netd_ends_when_keyd_or_ledgerd_is_gone(void **state)
{
	(void)state;
	assert_int_equal(close(rooms[LINK_KEYD]), 0);
	rooms[LINK_KEYD] = -1;
	steps();
	later(NETD_LOST_MS);
	assert_false(running);
	assert_false(netd.stopping);
}

static void
a_room_that_ends_just_before_the_stop_is_no_failure(void **state)
{
	(void)state;
	client_logs_in(0);
	say_record(ids[0], FRAME_RECORD, 272, 'l');
	assert_int_equal(close(rooms[LINK_LEDGERD]), 0);
	rooms[LINK_LEDGERD] = -1;
	steps();
	assert_true(running);
	client_gets(0, FRAME_RECORD, 272, 'l');
	client_is_closed(0);
	say_stop();
	assert_false(running);
	assert_true(netd.stopping);
}

static void
many_closings_are_all_told_when_ledgerd_reads_again(void **state)
{
	static uint8_t filler[60000];
	unsigned gone = 0;
	struct ipc_message m;

	(void)state;
	for (int i = 0; i < 4; i++)
		client_logs_in(i);
	/* The outbox is full to the last byte. */
	filler[0] = (sizeof(filler) - 4) & 0xff;
	filler[1] = (sizeof(filler) - 4) >> 8;
	filler[2] = 99;
	while (outbox_append(&netd.links[LINK_LEDGERD].box, filler,
		   sizeof(filler)) == SR_OK)
		continue;
	filler[0] = 1;
	filler[1] = 0;
	while (outbox_append(&netd.links[LINK_LEDGERD].box, filler, 5) == SR_OK)
		continue;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(close(clients[i]), 0);
		clients[i] = -1;
	}
	for (;;) {
		steps();
		m = room_hears(LINK_LEDGERD);
		if (m.type == 0)
			break;
		gone += m.type == MESSAGE_SESSION_GONE;
	}
	assert_int_equal(gone, 4);
	assert_int_equal(netd.connections.used, 0);
}

#define GIVEN_HELLO(f)                   \
	cmocka_unit_test_setup_teardown( \
	    f, stage_set_up_with_hello, stage_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    GIVEN_HELLO(strongroomd_gets_the_state_and_a_refusal_of_the_rest),
	    GIVEN_HELLO(a_pulse_is_passed_on_and_strongroomd_told),
	    GIVEN_HELLO(a_pulse_that_finds_no_room_is_dropped_and_not_told_of),
	    GIVEN_HELLO(readiness_tells_what_the_sandbox_lacks),
	    GIVEN_HELLO(stop_without_sessions_ends_at_once),
	    GIVEN_HELLO(stop_delivers_the_last_answers_and_ends_in_time),
	    GIVEN_HELLO(stop_ends_when_ledgerd_has_ended),
	    GIVEN_HELLO(netd_ends_when_keyd_or_ledgerd_is_gone),
	    GIVEN_HELLO(a_room_that_ends_just_before_the_stop_is_no_failure),
	    GIVEN_HELLO(many_closings_are_all_told_when_ledgerd_reads_again),
	};

	return cmocka_run_group_tests_name("netd_end", tests, NULL, NULL);
}
