/* SPDX-License-Identifier: ISC */
/* The attempt buckets on both sides of each of their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/limits.h"
#include "tests/lib/env_sim.h"

static const uint8_t key[32] = {9};

struct desk {
	struct sim *sim;
	struct sim_room *room;
	struct limits *limits;
	struct limits_charge charge;
	uint64_t retry_ms;
};

static int
setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));

	d->sim = sim_new(4);
	d->room = sim_room(d->sim, "keyd");
	d->limits = malloc(sizeof(*d->limits));
	*state = d;
	return limits_open(d->limits, &d->room->env, key) == SR_OK ? 0 : 1;
}

static int
teardown(void **state)
{
	struct desk *d = *state;

	sim_free(d->sim);
	free(d->limits);
	free(d);
	return 0;
}

static enum sr_error
charge(struct desk *d, uint32_t place)
{
	return limits_charge(
	    d->limits, place, d->sim->now_ms, &d->charge, &d->retry_ms);
}

static void
given_a_bucket_when_charged_then_five_are_free_and_delays_double(void **state)
{
	struct desk *d = *state;
	uint64_t delay_s = 30;

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(charge(d, 1), SR_OK);
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(charge(d, 1), SR_LATER);
		assert_int_equal(d->retry_ms, delay_s * 1000);
		d->sim->now_ms += delay_s * 1000 - 1;
		assert_int_equal(charge(d, 1), SR_LATER);
		assert_int_equal(d->retry_ms, 1);
		d->sim->now_ms++;
		assert_int_equal(charge(d, 1), SR_OK);
		delay_s = delay_s * 2 < 3600 ? delay_s * 2 : 3600;
	}
	assert_int_equal(charge(d, 1), SR_LATER);
	assert_true(d->retry_ms > 1800000 && d->retry_ms <= 3600000);
	/* others are not touched */
	assert_int_equal(charge(d, 2), SR_OK);
}

static void
given_a_refund_when_it_was_good_then_as_if_never_charged(void **state)
{
	struct desk *d = *state;

	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(charge(d, 1), SR_OK);
		assert_int_equal(limits_refund(d->limits, &d->charge), SR_OK);
	}
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(charge(d, 1), SR_OK);
	/* the fifth set a delay, which its refund takes back */
	assert_int_equal(limits_refund(d->limits, &d->charge), SR_OK);
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(charge(d, 1), SR_LATER);
}

static void
given_an_hour_of_quiet_when_charged_then_one_strike_is_forgotten(void **state)
{
	struct desk *d = *state;

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(charge(d, 1), SR_OK);
	d->sim->now_ms += 3600000 - 1;
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(d->limits->bucket[1].strikes, 6);
	d->sim->now_ms += 3600000;
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(d->limits->bucket[1].strikes, 6);
	d->sim->now_ms += 3600000 * 6;
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(d->limits->bucket[1].strikes, 1);
}

static void
given_fifty_in_a_day_when_one_more_then_an_hour_until_the_day_ends(void **state)
{
	struct desk *d = *state;
	uint64_t begin = d->sim->now_ms;

	for (unsigned i = 0; i < 50; i++) {
		d->limits->bucket[1].strikes = 0; /* as if hours had passed */
		assert_int_equal(charge(d, 1), SR_OK);
	}
	d->limits->bucket[1].strikes = 0;
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(charge(d, 1), SR_LATER);
	assert_int_equal(d->retry_ms, 3600000);
	d->sim->now_ms = begin + LIMITS_DAY_MS - 1;
	d->limits->bucket[1].strikes = 0;
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(charge(d, 1), SR_LATER);
	d->sim->now_ms = begin + 2 * (uint64_t)LIMITS_DAY_MS;
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(charge(d, 1), SR_OK);
}

static void
given_charges_when_synced_then_a_power_cut_keeps_them(void **state)
{
	struct desk *d = *state;
	uint64_t syncs = d->room->count[SIM_SYNC];

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(limits_sync(d->limits), SR_OK);
	assert_int_equal(env_sync_directory(&d->room->env, "."), SR_OK);
	/* one sync for all of them, and none when nothing changed */
	assert_int_equal(d->room->count[SIM_SYNC], syncs + 1);
	assert_int_equal(limits_sync(d->limits), SR_OK);
	assert_int_equal(d->room->count[SIM_SYNC], syncs + 1);
	sim_crash(d->room, SIM_LOSE_ALL);
	assert_int_equal(limits_open(d->limits, &d->room->env, key), SR_OK);
	assert_int_equal(charge(d, 1), SR_LATER);
	assert_int_equal(d->retry_ms, 30000);
}

static void
given_a_clock_set_back_or_a_wild_bucket_then_nobody_waits_over_an_hour(
    void **state)
{
	struct desk *d = *state;
	uint8_t wild[96];

	memset(wild, 0xff, sizeof(wild));
	sim_put(d->room, "limits", wild, sizeof(wild));
	assert_int_equal(limits_open(d->limits, &d->room->env, key), SR_OK);
	assert_int_equal(charge(d, 1), SR_LATER);
	assert_int_equal(d->retry_ms, 3600000);
	d->sim->now_ms += 3600000;
	assert_int_equal(charge(d, 1), SR_OK);
	for (unsigned i = 0; i < 5; i++)
		(void)charge(d, 3);
	d->sim->now_ms -= UINT64_C(1000000000);
	assert_int_equal(charge(d, 3), SR_LATER);
	assert_true(d->retry_ms <= 3600000);
}

static void
given_names_and_kinds_when_hashed_then_places_differ_by_each(void **state)
{
	struct desk *d = *state;
	uint32_t open = limits_place(d->limits, LIMITS_OPEN, "ada", 3, NULL, 0);

	assert_int_equal(
	    open, limits_place(d->limits, LIMITS_OPEN, "ada", 3, NULL, 0));
	assert_int_not_equal(
	    open, limits_place(d->limits, LIMITS_OPEN, "adb", 3, NULL, 0));
	assert_int_not_equal(open,
	    limits_place(d->limits, LIMITS_TERMINAL, "ada", 3, "\1\0\0\0", 4));
	/* a name's end is part of the hash */
	assert_int_not_equal(
	    limits_place(d->limits, LIMITS_DEVICE, "adab", 4, "c", 1),
	    limits_place(d->limits, LIMITS_DEVICE, "ada", 3, "bc", 2));
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t place = limits_place(
		    d->limits, LIMITS_OPEN, (const char *)&i, 4, NULL, 0);

		assert_true(place >= 1 && place < LIMITS_PLACES / 2);
		place = limits_place(
		    d->limits, LIMITS_FAILED, (const char *)&i, 4, NULL, 0);
		assert_true(
		    place >= LIMITS_PLACES / 2 && place < LIMITS_PLACES);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_bucket_when_charged_then_five_are_free_and_delays_double),
	    TEST(given_a_refund_when_it_was_good_then_as_if_never_charged),
	    TEST(
		given_an_hour_of_quiet_when_charged_then_one_strike_is_forgotten),
	    TEST(
		given_fifty_in_a_day_when_one_more_then_an_hour_until_the_day_ends),
	    TEST(given_charges_when_synced_then_a_power_cut_keeps_them),
	    TEST(
		given_a_clock_set_back_or_a_wild_bucket_then_nobody_waits_over_an_hour),
	    TEST(given_names_and_kinds_when_hashed_then_places_differ_by_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
