/* SPDX-License-Identifier: ISC */
/*
 * What ledgerd tells goes by the clock, not by the last entry's: a day in
 * which nothing is booked passes, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/sim_bank.h"

enum { HOUR_MS = 3600 * 1000 };

static struct sim_bank *bank;
static struct sim_people people;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* What ada may still pay today, as the bank tells her. */
static int64_t
left_today(void)
{
	struct message_balance_get get = {
	    .request = 1, .account = people.ada.m4.account};
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance balance;
	struct reader body;
	unsigned type;

	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, &people.ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_BALANCE);
	assert_int_equal(
	    message_balance_decode(body.at, reader_left(&body), &balance),
	    SR_OK);
	assert_int_equal(balance.error, SR_OK);
	return balance.day_left;
}

static void
given_a_day_without_entries_then_todays_limit_is_whole(void **state)
{
	struct message_order_answer answer;
	uint64_t entries;

	(void)state;
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	book_account(&bank->ledgerd->book, people.ada.m4.account)
	    ->day_limit_minor = 100;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 60, &answer),
	    SR_OK);
	assert_int_equal(left_today(), 40);
	entries = bank->ledgerd->tree.size;
	sim_advance(bank->sim, 25 * HOUR_MS);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(bank->ledgerd->tree.size, entries);
	assert_int_equal(left_today(), 100);
}

static void
given_a_clock_that_goes_back_then_time_stands_still(void **state)
{
	struct ledgerd *ledgerd = bank->ledgerd;
	const uint64_t last_ms = ledgerd->last_time_ms;

	(void)state;
	assert_true(ledgerd_time_ms(ledgerd) >= last_ms);
	ledgerd->last_time_ms = env_clock_ms(ledgerd->env) + HOUR_MS;
	assert_int_equal(ledgerd_time_ms(ledgerd), ledgerd->last_time_ms);
	sim_advance(bank->sim, HOUR_MS + 1);
	assert_int_equal(ledgerd_time_ms(ledgerd), ledgerd->last_time_ms + 1);
	ledgerd->last_time_ms = last_ms;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		given_a_day_without_entries_then_todays_limit_is_whole, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_clock_that_goes_back_then_time_stands_still, set_up,
		tear_down),
	};

	return cmocka_run_group_tests_name("ledgerd_time", tests, NULL, NULL);
}
