/* SPDX-License-Identifier: ISC */
/*
 * The wheel of deadlines against a plain list of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netd/wheel.h"

#define THINGS 100
#define NOW 1000000

static struct wheel wheel;
static struct wheel_entry entries[THINGS];

static int
set_up(void **state)
{
	(void)state;
	wheel_init(&wheel, entries, THINGS, NOW);
	return 0;
}

static void
a_deadline_is_told_once_and_never_early(void **state)
{
	(void)state;
	wheel_set(&wheel, 3, NOW + 1000);
	assert_int_equal(wheel_expired(&wheel, NOW + 999), WHEEL_NONE);
	assert_int_equal(wheel_expired(&wheel, NOW + 1000 + WHEEL_TICK_MS), 3);
	assert_int_equal(wheel_expired(&wheel, NOW + 9000), WHEEL_NONE);
	assert_int_equal(wheel_wait_ms(&wheel, NOW + 9000), -1);
}

static void
a_forgotten_or_moved_deadline_is_not_told(void **state)
{
	(void)state;
	wheel_set(&wheel, 1, NOW + 100);
	wheel_set(&wheel, 2, NOW + 100);
	wheel_set(&wheel, 1, 0);
	wheel_set(&wheel, 2, NOW + 5000);
	assert_int_equal(wheel_expired(&wheel, NOW + 4999), WHEEL_NONE);
	assert_int_equal(wheel_expired(&wheel, NOW + 5000 + WHEEL_TICK_MS), 2);
}

static void
a_deadline_of_a_later_round_is_told_in_time(void **state)
{
	uint64_t due = NOW + 600000, now = NOW;
	int32_t thing;

	(void)state;
	wheel_set(&wheel, 7, due);
	while ((thing = wheel_expired(&wheel, now)) == WHEEL_NONE) {
		int wait = wheel_wait_ms(&wheel, now);

		assert_true(wait > 0);
		now += (uint64_t)wait;
	}
	assert_int_equal(thing, 7);
	assert_in_range(now, due, due + WHEEL_TICK_MS);
}

static void
a_deadline_set_after_a_long_quiet_time_is_told_in_time(void **state)
{
	uint64_t now = NOW + 10 * 3600 * 1000;

	(void)state;
	wheel_set(&wheel, 7, now + 200);
	assert_int_equal(wheel_expired(&wheel, now), WHEEL_NONE);
	assert_int_equal(wheel_expired(&wheel, now + 199), WHEEL_NONE);
	assert_int_equal(wheel_expired(&wheel, now + 200 + WHEEL_TICK_MS), 7);
}

static void
many_deadlines_agree_with_a_plain_list(void **state)
{
	uint64_t list[THINGS] = {0}, now = NOW;
	uint32_t random = 5;
	unsigned told = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint32_t thing = (random >> 8) % THINGS;
		uint64_t at;
		int32_t expired;

		random = random * 1664525 + 1013904223;
		at = (random >> 8) % 5 == 0 ? 0 : now + (random >> 4) % 90000;
		list[thing] = at;
		wheel_set(&wheel, thing, at);
		now += (random >> 12) % 200;
		while ((expired = wheel_expired(&wheel, now)) != WHEEL_NONE) {
			assert_true(list[expired] != 0);
			assert_true(list[expired] <= now);
			list[expired] = 0;
			told++;
		}
		for (unsigned i = 0; i < THINGS; i++)
			assert_true(
			    list[i] == 0 || list[i] + WHEEL_TICK_MS > now);
	}
	assert_true(told > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		a_deadline_is_told_once_and_never_early, set_up),
	    cmocka_unit_test_setup(
		a_forgotten_or_moved_deadline_is_not_told, set_up),
	    cmocka_unit_test_setup(
		a_deadline_of_a_later_round_is_told_in_time, set_up),
	    cmocka_unit_test_setup(
		a_deadline_set_after_a_long_quiet_time_is_told_in_time, set_up),
	    cmocka_unit_test_setup(
		many_deadlines_agree_with_a_plain_list, set_up),
	};

	return cmocka_run_group_tests_name("netd_wheel", tests, NULL, NULL);
}
