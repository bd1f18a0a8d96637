/* SPDX-License-Identifier: ISC */
/* What ledgerd counts: commits by their time, orders by their answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/sim_bank.h"

static struct sim_bank *bank;
static struct sim_people people;

/* The counter of that bound in the message; its own when bound is 0. */
static uint64_t
counted(const struct metrics *metrics, uint64_t took_us)
{
	for (size_t i = 0; i < METRICS_TIMES; i++)
		if (took_us <= metrics_bound_us(i))
			return metrics->time[i];
	return 0;
}

static void
given_commits_when_their_time_is_at_a_bound_then_they_belong_to_it(void **state)
{
	struct metrics metrics = {0};

	(void)state;
	for (size_t i = 0; i < METRICS_TIMES; i++) {
		metrics_commit(&metrics, 2, metrics_bound_us(i));
		assert_int_equal(metrics.time[i], 1);
		metrics_commit(&metrics, 2, metrics_bound_us(i) + 1);
		assert_int_equal(metrics.time[i], 1);
		if (i + 1 < METRICS_TIMES) {
			assert_true(
			    metrics_bound_us(i) < metrics_bound_us(i + 1));
			assert_int_equal(
			    counted(&metrics, metrics_bound_us(i) + 1), 1);
			metrics.time[i + 1] = 0;
		}
	}
	/* the longest are in the sum of all only */
	assert_int_equal(metrics.commits, 2 * METRICS_TIMES);
	assert_int_equal(metrics.entries, 4 * METRICS_TIMES);
}

static void
given_answers_when_they_are_counted_then_by_what_they_say(void **state)
{
	struct message_order_answer answer = {.outcome = SR_FUNDS};
	struct metrics metrics = {0};

	(void)state;
	metrics_order(&metrics, &answer, false);
	assert_int_equal(metrics.outcome[SR_FUNDS], 1);
	answer.error = SR_SEQ;
	metrics_order(&metrics, &answer, false);
	assert_int_equal(metrics.outcome[SR_SEQ], 1);
	assert_int_equal(metrics.outcome[SR_FUNDS], 1);
	metrics_order(&metrics, &answer, true);
	assert_int_equal(metrics.outcome[SR_SEQ], 1);
	assert_int_equal(metrics.repeated, 1);
}

static struct message_ledgerd_metrics
ask(struct sim_bank *of)
{
	static uint8_t bytes[MESSAGE_LEDGERD_METRICS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_ledgerd_metrics message;

	assert_int_equal(metrics_encode(of->ledgerd, &w), SR_OK);
	assert_int_equal(
	    message_ledgerd_metrics_decode(bytes + MESSAGE_HEADER_LEN,
		writer_len(&w) - MESSAGE_HEADER_LEN, &message),
	    SR_OK);
	return message;
}

/* How many orders had that answer, by the message. */
static uint64_t
outcomes(const struct message_ledgerd_metrics *message, enum sr_error which)
{
	struct reader r = reader_of(message->outcomes, message->outcomes_len);

	while (reader_left(&r) > 0) {
		unsigned outcome = reader_u16(&r);
		uint64_t count = reader_u64(&r);

		if (outcome == which)
			return count;
	}
	return 0;
}

static void
given_a_bank_when_orders_come_then_the_message_tells(void **state)
{
	struct message_order_answer answer;
	struct message_ledgerd_metrics before, after;
	struct sim_order twice;
	struct order order;
	uint64_t payee, done;

	(void)state;
	bank = sim_bank_new(3);
	sim_bank_furnish(bank, &people);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	payee = account_id(people.bob.m4.customer, 0);
	before = ask(bank);
	done = outcomes(&before, SR_OK); /* the next one takes its bytes */
	assert_true(before.commits > 0);
	assert_true(before.entries >= before.commits);
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = account_id(people.ada.m4.customer, 0);
	order.credit = payee;
	order.amount_minor = 1;
	sim_order_sign(&people.ada, &order, NULL, 0, &twice);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &twice, &answer), SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &twice, &answer), SR_OK);
	after = ask(bank);
	assert_int_equal(outcomes(&after, SR_OK), done + 1);
	assert_int_equal(after.repeated, before.repeated + 1);
	assert_int_equal(after.commits, before.commits + 1);
	/* no time passes in a simulation: all are below the first bound */
	assert_int_equal(after.commit_times_len, METRICS_TIMES * 16);
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = account_id(people.ada.m4.customer, 0);
	order.credit = payee;
	order.amount_minor = INT64_MAX;
	sim_order_sign(&people.ada, &order, NULL, 0, &twice);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &twice, &answer), SR_FUNDS);
	after = ask(bank);
	assert_int_equal(outcomes(&after, SR_FUNDS), 1);
	sim_bank_free(bank);
}

static void
given_people_of_each_role_when_they_are_counted_then_each_once(void **state)
{
	struct message_ledgerd_status status = {0};

	(void)state;
	bank = sim_bank_new(4);
	sim_bank_furnish(bank, &people);
	metrics_people(&bank->ledgerd->book, &status);
	assert_int_equal(status.operators, 2);
	assert_int_equal(status.customers + status.operators + status.tellers +
			     status.auditors + status.terminals -
			     status.revoked,
	    book_principal_count(&bank->ledgerd->book));
	sim_bank_free(bank);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_commits_when_their_time_is_at_a_bound_then_they_belong_to_it),
	    cmocka_unit_test(
		given_answers_when_they_are_counted_then_by_what_they_say),
	    cmocka_unit_test(
		given_a_bank_when_orders_come_then_the_message_tells),
	    cmocka_unit_test(
		given_people_of_each_role_when_they_are_counted_then_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
