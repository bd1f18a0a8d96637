/* SPDX-License-Identifier: ISC */
/*
 * The control socket between strongroomctl and the rooms: whoever is asked
 * is the one whose answer counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gen/messages.h"
#include "policy/strongroomd.h"

static struct monitor monitor;
static int asker;
static int rooms[MONITOR_ROOMS];

/* Of strongroomd.c, which is not here. */
const char *
monitor_room_name(enum room_name name)
{
	(void)name;
	return "a room";
}

static void
pair_of(int pair[2])
{
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
}

static int
setup(void **state)
{
	int pair[2];

	(void)state;
	memset(&monitor, 0, sizeof(monitor));
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++)
		monitor.connections[i].fd = -1;
	for (size_t i = 0; i < MONITOR_ROOMS; i++) {
		pair_of(pair);
		monitor.rooms[i].control = pair[0];
		rooms[i] = pair[1];
	}
	pair_of(pair);
	monitor.connections[0].fd = pair[0];
	asker = pair[1];
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < MONITOR_ROOMS; i++) {
		close(monitor.rooms[i].control);
		close(rooms[i]);
	}
	if (monitor.connections[0].fd >= 0)
		close(monitor.connections[0].fd);
	close(asker);
	return 0;
}

/* Asks a room something; the number under which it gets the request. */
static uint32_t
ask(enum control_room room)
{
	uint8_t question[8];
	struct writer w = writer_to(question, sizeof(question));
	struct message_keyd_status_get get = {0};

	writer_u8(&w, (uint8_t)room);
	assert_int_equal(message_keyd_status_get_encode(&w, &get), SR_OK);
	assert_int_equal(
	    send(asker, question, writer_len(&w), 0), (ssize_t)writer_len(&w));
	monitor_control_take(&monitor, &monitor.connections[0]);
	assert_int_not_equal(monitor.connections[0].request, 0);
	return monitor.connections[0].request;
}

/* Lets a room answer; true if that came to whoever asked. */
static bool
answered_by(enum room_name room, uint32_t request)
{
	static const uint8_t message[4] = {0, 0, MESSAGE_INVITED, 0};
	uint8_t got[64];

	monitor_control_answer(
	    &monitor, room, request, message, sizeof(message));
	return recv(asker, got, sizeof(got), 0) == 1 + (ssize_t)sizeof(message);
}

static void
given_a_question_to_keyd_then_only_keyd_can_answer_it(void **state)
{
	uint32_t request = ask(CONTROL_KEYD);

	(void)state;
	assert_false(answered_by(ROOM_NETD, request));
	assert_false(answered_by(ROOM_LEDGERD, request));
	assert_true(answered_by(ROOM_KEYD, request));
	/* and once */
	assert_false(answered_by(ROOM_KEYD, request));
}

static void
given_a_question_to_ledgerd_then_keyd_may_answer_and_netd_not(void **state)
{
	uint32_t request = ask(CONTROL_LEDGERD);

	(void)state;
	assert_false(answered_by(ROOM_NETD, request));
	assert_true(answered_by(ROOM_KEYD, request));
	assert_true(answered_by(ROOM_LEDGERD, ask(CONTROL_LEDGERD)));
}

static void
given_a_question_to_netd_then_only_netd_can_answer_it(void **state)
{
	uint32_t request = ask(CONTROL_NETD);

	(void)state;
	assert_false(answered_by(ROOM_KEYD, request));
	assert_false(answered_by(ROOM_LEDGERD, request));
	assert_true(answered_by(ROOM_NETD, request));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_question_to_keyd_then_only_keyd_can_answer_it),
	    TEST(given_a_question_to_ledgerd_then_keyd_may_answer_and_netd_not),
	    TEST(given_a_question_to_netd_then_only_netd_can_answer_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
