/* SPDX-License-Identifier: ISC */
/* The attempt buckets on both sides of each of their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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
given_a_good_log_in_of_another_when_refunded_then_strikes_are_still_forgotten(
    void **state)
{
	struct desk *d = *state;
	struct limits_charge first;

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(charge(d, 1), SR_OK);
	/* somebody else of that bucket comes every half an hour */
	for (unsigned i = 0; i < 6; i++) {
		d->sim->now_ms += 1800000;
		assert_int_equal(charge(d, 1), SR_OK);
		assert_int_equal(limits_refund(d->limits, &d->charge), SR_OK);
	}
	assert_int_equal(d->limits->bucket[1].strikes, 2);
	/* a charge that stood meanwhile: its time stays */
	assert_int_equal(charge(d, 1), SR_OK);
	first = d->charge;
	d->sim->now_ms += 1;
	assert_int_equal(charge(d, 1), SR_OK);
	assert_int_equal(limits_refund(d->limits, &first), SR_OK);
	assert_int_equal(d->limits->bucket[1].last_ms, d->sim->now_ms);
}

/* A name of 3 to 32 letters that is nobody's. */
static size_t
nobody(char name[33], unsigned number)
{
	return (size_t)snprintf(name, 33, "nobody-%u", number);
}

static void
given_names_when_hashed_then_each_kind_stays_in_its_own_region(void **state)
{
	struct desk *d = *state;
	const struct limits *l = d->limits;
	uint32_t ada = limits_place_open(l, "ada", 3), slice;
	uint8_t device[16] = {7};
	char name[33];

	assert_int_equal(ada, limits_place_open(l, "ada", 3));
	assert_int_not_equal(ada, limits_place_open(l, "adb", 3));
	slice = limits_place_device(l, "ada", 3, device) / LIMITS_DEVICE_SLICE;
	for (unsigned i = 0; i < 10000; i++) {
		size_t len = nobody(name, i);
		uint32_t place = limits_place_open(l, name, len);
		uint32_t index = i % LIMITS_TERMINALS;

		assert_in_range(place, LIMITS_BUDGETS, LIMITS_FAILED_FIRST - 1);
		place = limits_place_failed(l, name, len);
		assert_in_range(
		    place, LIMITS_FAILED_FIRST, LIMITS_TERMINAL_FIRST - 1);
		place = limits_place_terminal(l, index, name, len);
		assert_int_equal(
		    (place - LIMITS_TERMINAL_FIRST) / LIMITS_TERMINAL_SLICE,
		    index);
		assert_in_range(
		    place, LIMITS_TERMINAL_FIRST, LIMITS_DEVICE_FIRST - 1);
		memcpy(device, &i, sizeof(i));
		place = limits_place_device(l, name, len, device);
		assert_in_range(place, LIMITS_DEVICE_FIRST, LIMITS_PLACES - 1);
		/* all devices of one name are together */
		assert_int_equal(limits_place_device(l, "ada", 3, device) /
				     LIMITS_DEVICE_SLICE,
		    slice);
	}
}

/* How many places from first to end are not as they were made. */
static unsigned
touched(const struct limits *l, uint32_t first, uint32_t end)
{
	static const struct limits_bucket empty;
	unsigned count = 0;

	for (uint32_t place = first; place < end; place++)
		count += memcmp(&l->bucket[place], &empty, sizeof(empty)) != 0;
	return count;
}

enum { OPEN_PLACES = LIMITS_FAILED_FIRST - LIMITS_BUDGETS };

/* How many buckets of names at open terminals let nobody try now. */
static unsigned
delayed(const struct desk *d)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < OPEN_PLACES; i++)
		count += d->limits->bucket[LIMITS_BUDGETS + i].next_ms >
			 d->sim->now_ms;
	return count;
}

/*
 * The answer to "how many names must somebody try who knows no key?": so many
 * delay every name at open terminals; and nothing else, whatever the number.
 */
static void
given_a_million_names_when_guessed_at_open_terminals_then_others_stay_free(
    void **state)
{
	struct desk *d = *state;
	uint32_t ada = limits_place_open(d->limits, "ada", 3);
	unsigned half = 0, raised = 0, later = 0;
	uint64_t until_ms;
	char name[33];

	for (unsigned i = 0; i < 6; i++)
		(void)charge(d, ada);
	until_ms = d->limits->bucket[ada].next_ms;
	assert_int_equal(until_ms, d->sim->now_ms + 30000);
	for (unsigned i = 0; i < 1000000; i++) {
		size_t len = nobody(name, i);

		later += charge(d, limits_place_open(d->limits, name, len)) ==
			 SR_LATER;
		if (i + 1 == 153000)
			half = delayed(d);
	}
	/* who waits, waits as long as before; nothing was washed out */
	assert_int_equal(d->limits->bucket[ada].next_ms, until_ms);
	assert_int_equal(charge(d, ada), SR_LATER);
	assert_int_equal(d->retry_ms, 30000);
	assert_in_range(half, OPEN_PLACES * 49 / 100, OPEN_PLACES * 51 / 100);
	raised = delayed(d);
	assert_int_equal(raised, OPEN_PLACES);
	/* five charges for each, the others were refused without one */
	assert_int_equal(later, 1000000 + 5 - 5 * raised);
	assert_int_equal(touched(d->limits, 0, LIMITS_BUDGETS), 0);
	assert_int_equal(
	    touched(d->limits, LIMITS_FAILED_FIRST, LIMITS_PLACES), 0);
}

static void
given_a_stolen_card_when_names_are_guessed_then_only_at_that_terminal(
    void **state)
{
	struct desk *d = *state;
	uint32_t first = LIMITS_TERMINAL_FIRST + 5 * LIMITS_TERMINAL_SLICE;
	char name[33];

	for (unsigned i = 0; i < 100000; i++) {
		size_t len = nobody(name, i);

		(void)charge(d, limits_place_terminal(d->limits, 5, name, len));
	}
	assert_int_equal(
	    touched(d->limits, first, first + LIMITS_TERMINAL_SLICE),
	    LIMITS_TERMINAL_SLICE);
	assert_int_equal(touched(d->limits, 0, first), 0);
	assert_int_equal(
	    touched(d->limits, first + LIMITS_TERMINAL_SLICE, LIMITS_PLACES),
	    0);
}

/* A customer has as many tokens made as there are log-ins. */
static void
given_tokens_for_one_name_when_all_guess_then_only_its_slice(void **state)
{
	struct desk *d = *state;
	uint8_t device[16] = {0};
	uint32_t first = limits_place_device(d->limits, "mallory", 7, device) -
			 LIMITS_DEVICE_FIRST;

	first = LIMITS_DEVICE_FIRST + first - first % LIMITS_DEVICE_SLICE;
	for (unsigned i = 0; i < 100000; i++) {
		memcpy(device, &i, sizeof(i));
		(void)charge(
		    d, limits_place_device(d->limits, "mallory", 7, device));
	}
	assert_int_equal(touched(d->limits, first, first + LIMITS_DEVICE_SLICE),
	    LIMITS_DEVICE_SLICE);
	assert_int_equal(touched(d->limits, 0, first), 0);
	assert_int_equal(
	    touched(d->limits, first + LIMITS_DEVICE_SLICE, LIMITS_PLACES), 0);
}

/* What a former version left: the same places, and no others. */
static void
given_a_shorter_file_when_opened_then_it_is_filled_and_names_still_wait(
    void **state)
{
	struct desk *d = *state;
	uint32_t ada = limits_place_open(d->limits, "ada", 3);
	static uint8_t former[65536 * LIMITS_BUCKET_LEN];
	uint64_t len;

	for (unsigned i = 0; i < 6; i++)
		(void)charge(d, ada);
	assert_int_equal(limits_sync(d->limits), SR_OK);
	assert_int_equal(
	    env_read(&d->room->env, d->limits->file, 0, former, sizeof(former)),
	    SR_OK);
	sim_put(d->room, "limits", former, sizeof(former));
	assert_int_equal(limits_open(d->limits, &d->room->env, key), SR_OK);
	assert_int_equal(env_size(&d->room->env, d->limits->file, &len), SR_OK);
	assert_int_equal(len, LIMITS_FILE_LEN);
	assert_int_equal(charge(d, ada), SR_LATER);
	assert_int_equal(d->retry_ms, 30000);
	assert_int_equal(
	    touched(d->limits, LIMITS_FAILED_FIRST, LIMITS_PLACES), 0);
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
	    TEST(
		given_a_good_log_in_of_another_when_refunded_then_strikes_are_still_forgotten),
	    TEST(
		given_names_when_hashed_then_each_kind_stays_in_its_own_region),
	    TEST(
		given_a_million_names_when_guessed_at_open_terminals_then_others_stay_free),
	    TEST(
		given_a_stolen_card_when_names_are_guessed_then_only_at_that_terminal),
	    TEST(given_tokens_for_one_name_when_all_guess_then_only_its_slice),
	    TEST(
		given_a_shorter_file_when_opened_then_it_is_filled_and_names_still_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
