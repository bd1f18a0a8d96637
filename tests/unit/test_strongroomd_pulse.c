/* SPDX-License-Identifier: ISC */
/*
 * When strongroomd says to systemd's watchdog that the bank lives: by a pulse's
 * return and nothing else, or while it is locked.  netd is the other end of a
 * link, systemd that of NOTIFY_SOCKET, and time is what the test makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "gen/messages.h"
#include "policy/strongroomd.h"

/* Of which no test waits for the end. */
#define PERIOD_MS 3600000

static struct monitor monitor;
static int netd, systemd;

/* Of strongroomd.c, which is not here. */
const char *
monitor_room_name(enum room_name name)
{
	(void)name;
	return "a room";
}

/* So much time goes by. */
static void
later(int64_t ms)
{
	monitor.pulse.next_ms -= ms;
	monitor.pulse.begun_ms -= ms;
	if (monitor.pulse.between_ms != 0)
		monitor.pulse.between_ms -= ms;
}

static int
set_up(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64];
	int pair[2];

	(void)state;
	memset(&monitor, 0, sizeof(monitor));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	for (int i = 0; i < MONITOR_ROOMS; i++) {
		monitor.rooms[i].control = -1;
		monitor.rooms[i].ready = true;
	}
	monitor.rooms[ROOM_NETD].control = pair[0];
	netd = pair[1];
	systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	snprintf(name, sizeof(name), "@strongroom-pulse-%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(
	    bind(systemd, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			    strlen(name))),
	    0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	monitor.generation = 1;
	monitor.announced = true;
	monitor.pulse.period_ms = PERIOD_MS;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(monitor.rooms[ROOM_NETD].control);
	close(netd);
	close(systemd);
	return 0;
}

/* How often systemd was told since the last time. */
static unsigned
fed(void)
{
	char text[64] = "";
	unsigned times = 0;

	while (recv(systemd, text, sizeof(text) - 1, 0) > 0) {
		assert_string_equal(text, "WATCHDOG=1");
		memset(text, 0, sizeof(text));
		times++;
	}
	return times;
}

/* The number that netd is asked for now; 0: it is not asked. */
static uint64_t
asked(void)
{
	uint8_t bytes[64];
	struct message_pulse pulse;
	struct ipc_message m;
	struct reader r;
	ssize_t len;

	monitor_pulse(&monitor);
	len = recv(netd, bytes, sizeof(bytes), 0);
	if (len <= 0)
		return 0;
	r = reader_of(bytes, (size_t)len);
	assert_int_equal(ipc_next(&r, false, &m), SR_OK);
	assert_int_equal(m.type, MESSAGE_PULSE);
	assert_int_equal(message_pulse_decode(m.body, m.len, &pulse), SR_OK);
	assert_int_equal(reader_left(&r), 0);
	assert_int_not_equal(pulse.number, 0);
	return pulse.number;
}

static void
comes_back(uint64_t number)
{
	const struct message_pulse_done done = {.number = number};

	monitor_take_ledgerd_pulse_done(&monitor, &done);
}

static void
given_a_pulse_when_it_comes_back_then_fed_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		uint64_t number = asked();

		assert_int_not_equal(number, 0);
		assert_int_equal(fed(), 0);
		comes_back(number);
		assert_int_equal(fed(), 1);
		comes_back(number);
		assert_int_equal(fed(), 0);
		/* and the next one when it is due */
		assert_int_equal(asked(), 0);
		later(PERIOD_MS - 60000);
		assert_int_equal(asked(), 0);
		later(60000);
	}
	assert_int_equal(fed(), 0);
}

static void
given_a_pulse_on_its_way_when_others_come_back_then_not_fed(void **state)
{
	uint64_t first = asked(), number;

	(void)state;
	comes_back(first);
	assert_int_equal(fed(), 1);
	later(PERIOD_MS);
	number = asked();
	assert_int_not_equal(number, first);
	comes_back(first);
	comes_back(0);
	comes_back(number + 1);
	comes_back(UINT64_MAX);
	assert_int_equal(fed(), 0);
	comes_back(number);
	assert_int_equal(fed(), 1);
	/* ahead of its time: it was not asked for */
	comes_back(number + 1);
	later(PERIOD_MS);
	comes_back(number + 1);
	assert_int_equal(fed(), 0);
	assert_int_equal(asked(), number + 1);
	assert_int_equal(fed(), 0);
}

static void
given_a_pulse_that_is_late_then_the_same_asked_again_told_and_never_fed(
    void **state)
{
	uint64_t number = asked();

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		later(PERIOD_MS);
		assert_int_equal(asked(), number);
		assert_int_equal(asked(), 0);
		assert_int_equal(
		    monitor.pulse.told, i + 1 >= MONITOR_PULSES / 2);
	}
	assert_int_equal(fed(), 0);
	comes_back(number);
	assert_int_equal(fed(), 1);
	assert_int_equal(asked(), 0);
	later(PERIOD_MS);
	assert_int_equal(asked(), number + 1);
	assert_false(monitor.pulse.told);
}

static void
given_a_new_netd_then_asked_anew_at_once_and_not_before_it_is_ready(
    void **state)
{
	uint64_t number = asked();

	(void)state;
	monitor.rooms[ROOM_NETD].ready = false;
	monitor.generation++;
	assert_int_equal(asked(), 0);
	later(5 * PERIOD_MS);
	assert_int_equal(asked(), 0);
	/* the old one's may still come back */
	monitor.rooms[ROOM_NETD].ready = true;
	assert_int_equal(asked(), number);
	assert_int_equal(asked(), 0);
	comes_back(number);
	assert_int_equal(fed(), 1);
	/* and with none on its way there is nothing to ask */
	monitor.generation++;
	assert_int_equal(asked(), 0);
}

/* The time has come to feed it, of which the rooms have had that much. */
static void
due_after(int64_t ms)
{
	later(ms);
	monitor.pulse.next_ms = 0;
	assert_int_equal(asked(), 0);
}

static void
given_a_locked_bank_then_fed_by_time_alone_and_by_no_answer(void **state)
{
	static const enum monitor_state states[] = {
	    MONITOR_LOCKING, MONITOR_LOCKED, MONITOR_UNLOCKING};
	uint64_t number = asked();

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		monitor.state = states[i];
		comes_back(number);
		assert_int_equal(fed(), 0);
		assert_int_equal(asked(), 0);
		assert_int_equal(fed(), 0);
		due_after(1000);
		assert_int_equal(fed(), 1);
	}
	monitor.state = MONITOR_LOCKED;
	due_after(1000 * (int64_t)MONITOR_BETWEEN_MAX_MS);
	assert_int_equal(fed(), 1);
	monitor.state = MONITOR_OPEN;
	later(PERIOD_MS);
	assert_int_equal(asked(), number + 1);
	assert_int_equal(fed(), 0);
}

static void
given_rooms_that_neither_start_nor_end_then_fed_no_more(void **state)
{
	static const enum monitor_state states[] = {
	    MONITOR_LOCKING, MONITOR_UNLOCKING};

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		monitor.state = states[i];
		due_after(0);
		assert_int_equal(fed(), 1);
		due_after(MONITOR_BETWEEN_MAX_MS - 10000);
		assert_int_equal(fed(), 1);
		assert_false(monitor.pulse.told);
		due_after(10000);
		assert_int_equal(fed(), 0);
		assert_true(monitor.pulse.told);
		assert_in_range(monitor_pulse_wait_ms(&monitor, -1),
		    PERIOD_MS - 60000, PERIOD_MS);
		/* and as soon as they do, it is as ever */
		monitor.state = MONITOR_LOCKED;
		due_after(0);
		assert_int_equal(fed(), 1);
		assert_false(monitor.pulse.told);
	}
}

static void
given_a_bank_that_starts_ends_or_is_not_watched_then_nobody_is_told(
    void **state)
{
	bool *const flags[] = {&monitor.stopping, &monitor.ended};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		*flags[i] = true;
		assert_int_equal(asked(), 0);
		*flags[i] = false;
	}
	monitor.announced = false;
	assert_int_equal(asked(), 0);
	monitor.state = MONITOR_LOCKED;
	assert_int_equal(asked(), 0);
	monitor.announced = true;
	monitor.pulse.period_ms = 0;
	assert_int_equal(asked(), 0);
	assert_int_equal(monitor_pulse_wait_ms(&monitor, -1), -1);
	monitor.state = MONITOR_OPEN;
	assert_int_equal(asked(), 0);
	comes_back(0);
	assert_int_equal(fed(), 0);
}

/* So that the loop is neither late nor in haste. */
static void
given_a_loop_that_waits_then_until_the_next_thing_is_due(void **state)
{
	uint64_t number;

	(void)state;
	assert_int_equal(monitor_pulse_wait_ms(&monitor, -1), 0);
	number = asked();
	assert_in_range(
	    monitor_pulse_wait_ms(&monitor, -1), PERIOD_MS - 60000, PERIOD_MS);
	assert_int_equal(monitor_pulse_wait_ms(&monitor, 17), 17);
	later(PERIOD_MS);
	assert_int_equal(asked(), number);
	/* without a netd until it is late, and then for ever */
	monitor.rooms[ROOM_NETD].ready = false;
	assert_in_range(
	    monitor_pulse_wait_ms(&monitor, -1), PERIOD_MS - 60000, PERIOD_MS);
	later(PERIOD_MS);
	assert_int_equal(monitor_pulse_wait_ms(&monitor, -1), 0);
	assert_int_equal(asked(), 0);
	assert_true(monitor_pulse_wait_ms(&monitor, -1) > 1000000000);
	monitor.rooms[ROOM_NETD].ready = true;
	assert_int_equal(asked(), number);
	comes_back(number);
	assert_int_equal(fed(), 1);
	assert_in_range(
	    monitor_pulse_wait_ms(&monitor, -1), PERIOD_MS - 60000, PERIOD_MS);
}

/* The room of its socket is used up, and strongroomd has other work. */
static void
given_a_systemd_that_reads_nothing_then_nobody_waits_for_it(void **state)
{
	(void)state;
	monitor.state = MONITOR_LOCKED;
	(void)alarm(20);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(asked(), 0);
		later(PERIOD_MS);
	}
	(void)alarm(0);
	assert_true(fed() > 0);
	assert_int_equal(asked(), 0);
	assert_int_equal(fed(), 1);
}

/* Who says so by whose link, and of which pulse. */
static void
given_rooms_that_have_seen_a_pulse_then_only_the_awaited_one_counts(
    void **state)
{
	uint64_t number = asked();
	const struct message_pulse_seen now = {.number = number};
	const struct message_pulse_seen other = {.number = number + 1};

	(void)state;
	monitor_take_keyd_pulse_seen(&monitor, &other);
	assert_int_equal(monitor.pulse.seen, 0);
	monitor_take_netd_pulse_seen(&monitor, &now);
	assert_int_equal(monitor.pulse.seen, 1U << ROOM_NETD);
	monitor_take_keyd_pulse_seen(&monitor, &now);
	monitor_take_ledgerd_pulse_seen(&monitor, &now);
	assert_int_equal(monitor.pulse.seen,
	    1U << ROOM_NETD | 1U << ROOM_KEYD | 1U << ROOM_LEDGERD);
	assert_int_equal(fed(), 0);
	comes_back(number);
	later(PERIOD_MS);
	assert_int_equal(asked(), number + 1);
	assert_int_equal(monitor.pulse.seen, 0);
}

/* What the environment makes of it. */
static void
expect(const char *usec, const char *pid, enum sr_error error, int64_t period)
{
	monitor.pulse.period_ms = 0;
	if (usec != NULL)
		assert_int_equal(setenv("WATCHDOG_USEC", usec, 1), 0);
	else
		assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	if (pid != NULL)
		assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
	else
		assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
	assert_int_equal(monitor_watchdog(&monitor), error);
	assert_int_equal(monitor.pulse.period_ms, period);
}

static void
given_an_environment_then_watched_by_whom_it_says(void **state)
{
	static const char *const nonsense[] = {"", "0", "999999", "-1",
	    " 30000000", "30s", "18446744073709551615"};
	char own[16], other[16];

	(void)state;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	snprintf(other, sizeof(other), "%d", (int)getppid());
	expect(NULL, NULL, SR_OK, 0);
	expect(NULL, "x", SR_OK, 0);
	expect("30000000", NULL, SR_OK, 7500);
	expect("30000000", own, SR_OK, 7500);
	expect("30000000", other, SR_OK, 0);
	expect("x", other, SR_OK, 0);
	expect("1000000", own, SR_OK, 250);
	expect("9999999999", own, SR_OK, 2499999);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		expect(nonsense[i], own, SR_CONFIG, 0);
	expect("30000000", "", SR_CONFIG, 0);
	expect("30000000", "0", SR_CONFIG, 0);
	expect("30000000", "1x", SR_CONFIG, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_pulse_when_it_comes_back_then_fed_once),
	    TEST(given_a_pulse_on_its_way_when_others_come_back_then_not_fed),
	    TEST(
		given_a_pulse_that_is_late_then_the_same_asked_again_told_and_never_fed),
	    TEST(
		given_a_new_netd_then_asked_anew_at_once_and_not_before_it_is_ready),
	    TEST(given_a_locked_bank_then_fed_by_time_alone_and_by_no_answer),
	    TEST(given_rooms_that_neither_start_nor_end_then_fed_no_more),
	    TEST(
		given_a_bank_that_starts_ends_or_is_not_watched_then_nobody_is_told),
	    TEST(given_a_loop_that_waits_then_until_the_next_thing_is_due),
	    TEST(given_a_systemd_that_reads_nothing_then_nobody_waits_for_it),
	    TEST(
		given_rooms_that_have_seen_a_pulse_then_only_the_awaited_one_counts),
	    TEST(given_an_environment_then_watched_by_whom_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
