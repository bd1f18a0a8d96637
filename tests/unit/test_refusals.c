/* SPDX-License-Identifier: ISC */
/*
 * What keyd has refused, in the journal: how the entry is made, when it is
 * written, and how little a flood of refusals can make of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include <sodium.h>

#include "common/journal.h"
#include "common/refusal.h"
#include "tests/lib/sim_bank.h"

enum { MINUTE_MS = 60000, FREE = LIMITS_FREE };

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

static uint64_t
tree_size(void)
{
	return bank->ledgerd->tree.size;
}

static void
pass(uint64_t ms)
{
	sim_advance(bank->sim, ms);
	assert_int_equal(sim_bank_run(bank), SR_OK);
}

/* The last entry of the log must be one of refusals. */
static struct refusals
last_entry(void)
{
	static uint8_t buffer[JOURNAL_PLAIN_MAX];
	char path[64], name[JOURNAL_SEGMENT_NAME_MAX];
	struct journal_frame frame, last = {0};
	struct refusals refusals;
	struct journal_plain plain;
	struct entry_event event;
	const uint8_t *bytes;
	size_t len;

	snprintf(path, sizeof(path), "ledger/segment/%s",
	    journal_segment_name(bank->ledgerd->segments.number, name));
	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(bytes);
	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN;
	     journal_frame_parse(bytes + at, len - at, &frame) == SR_OK;
	     at += frame.frame_len)
		if (frame.header.type == JOURNAL_ENTRY)
			last = frame;
	assert_true(last.header.seq + 1 == tree_size());
	assert_int_equal(
	    journal_open(bank->ledgerd->segment_key, &last, buffer, &plain),
	    SR_OK);
	assert_int_equal(entry_event_decode(ENTRY_SYSTEM, plain.committed,
			     plain.committed_len, &event),
	    SR_OK);
	assert_int_equal(refusals_of(&event, &refusals), SR_OK);
	assert_true(refusals.since_ms <= event.time_ms);
	return refusals;
}

/* Guesses at an open terminal; how many of them were told to wait. */
static unsigned
guess(unsigned count)
{
	struct sim_person thief = people.ada;
	unsigned later = 0;

	thief.password = "a guess";
	for (unsigned i = 0; i < count; i++)
		later += sim_person_log_in(bank, &thief) == SR_LATER;
	return later;
}

static void
given_refusals_when_added_then_the_earlier_time_and_no_overflow(void **state)
{
	struct refusals sum = {0}, one = {.since_ms = 9, .count = {1, 2}};
	struct refusals other = {.since_ms = 7, .count = {[1] = UINT32_MAX}};

	(void)state;
	refusals_add(&sum, &one);
	assert_memory_equal(&sum, &one, sizeof(sum));
	refusals_add(&sum, &other);
	assert_int_equal(sum.since_ms, 7);
	assert_int_equal(sum.count[0], 1);
	assert_int_equal(sum.count[1], UINT32_MAX);
	refusals_add(&sum, &one);
	assert_int_equal(sum.since_ms, 7);
	assert_int_equal(sum.count[0], 2);
}

static void
given_an_event_when_read_then_none_and_no_time_are_malformed(void **state)
{
	struct refusals in = {.since_ms = 5, .count = {[15] = 3}}, out;
	struct entry_event event = refusals_event(&in);

	(void)state;
	assert_int_equal(refusals_of(&event, &out), SR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	event.subject = 0;
	assert_int_equal(refusals_of(&event, &out), SR_MALFORMED);
	event = refusals_event(&in);
	event.code = SYSTEM_CLOCK;
	assert_int_equal(refusals_of(&event, &out), SR_MALFORMED);
	event = refusals_event(&(struct refusals){.since_ms = 5});
	assert_int_equal(refusals_of(&event, &out), SR_MALFORMED);
}

static void
given_guesses_when_a_minute_is_over_then_one_entry_tells_of_them(void **state)
{
	uint64_t size = tree_size(), since;
	struct refusals told;

	(void)state;
	/* what is only wrong is no refusal */
	assert_int_equal(guess(FREE), 0);
	pass(2 * MINUTE_MS);
	assert_true(tree_size() == size);
	assert_int_equal(guess(1), 0);
	since = bank->sim->now_ms;
	assert_int_equal(guess(2), 2);
	pass(MINUTE_MS - 1 - (bank->sim->now_ms - since));
	assert_true(tree_size() == size);
	pass(1);
	assert_true(tree_size() == size + 1);
	told = last_entry();
	assert_int_equal(told.since_ms, since);
	assert_int_equal(told.count[REFUSAL_OPEN], 2);
	told.count[REFUSAL_OPEN] = 0;
	assert_true(
	    sodium_is_zero((const uint8_t *)told.count, sizeof(told.count)));
	/* once, and a start takes it from the log and goes on */
	pass(5 * MINUTE_MS);
	assert_true(tree_size() == size + 1);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	pass(5 * MINUTE_MS);
	assert_true(tree_size() == size + 1);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
}

static void
given_a_netd_that_floods_when_refused_then_one_entry_a_minute(void **state)
{
	static const uint8_t nonsense[] = {MESSAGE_TREE_APPEND, 0, 0, 0};
	uint64_t size = tree_size(), entries = 0, journaled = 0;
	struct message_order_answer answer;

	(void)state;
	for (unsigned second = 0; second < 600; second++) {
		for (unsigned i = 0; i < 20; i++) {
			assert_int_equal(env_send(&bank->netd->env, ENV_KEYD,
					     nonsense, sizeof(nonsense)),
			    SR_OK);
			assert_int_equal(sim_bank_run(bank), SR_OK);
		}
		pass(1000);
		if (tree_size() == size + entries)
			continue;
		entries++;
		journaled += last_entry().count[REFUSAL_NETD];
		assert_true(tree_size() == size + entries);
	}
	assert_in_range(entries, 9, 10);
	assert_in_range(journaled, 20 * 9 * 60, 20 * 600);
	assert_int_equal(bank->keyd->refusals[REFUSAL_NETD], 20 * 600);
	/* and nothing else has suffered */
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(answer.outcome, SR_OK);
}

static void
given_a_disk_that_takes_nothing_when_refused_then_journaled_later(void **state)
{
	uint64_t size = tree_size(), since;
	struct refusals told;

	(void)state;
	(void)guess(FREE);
	since = bank->sim->now_ms;
	assert_int_equal(guess(2), 2);
	bank->ledgerd_room->read_only = true;
	pass(MINUTE_MS);
	pass(MINUTE_MS);
	assert_true(tree_size() == size);
	(void)guess(1);
	assert_int_equal(guess(3), 3);
	pass(MINUTE_MS);
	pass(MINUTE_MS);
	assert_true(tree_size() == size);
	bank->ledgerd_room->read_only = false;
	pass(MINUTE_MS);
	pass(MINUTE_MS);
	assert_true(tree_size() == size + 1);
	told = last_entry();
	assert_int_equal(told.since_ms, since);
	assert_int_equal(told.count[REFUSAL_OPEN], 5);
}

static void
given_the_first_write_when_it_is_refused_then_journaled_later(void **state)
{
	uint64_t size = tree_size(), since;

	(void)state;
	(void)guess(FREE);
	since = bank->sim->now_ms;
	assert_int_equal(guess(2), 2);
	bank->ledgerd_room->fault[SIM_FULL_WRITE] = 1;
	pass(MINUTE_MS);
	assert_int_equal(bank->ledgerd_room->fault[SIM_FULL_WRITE], 0);
	assert_true(tree_size() == size);
	pass(MINUTE_MS);
	pass(MINUTE_MS);
	assert_true(tree_size() == size + 1);
	assert_int_equal(last_entry().since_ms, since);
	assert_int_equal(last_entry().count[REFUSAL_OPEN], 2);
}

/* keyd speaks of what was, or ledgerd does not go on with it. */
static void
given_a_keyd_that_tells_of_nothing_then_ledgerd_ends(void **state)
{
	struct message_refusals nothing = {.since = 5};

	(void)state;
	ledgerd_take_keyd_refusals(bank->ledgerd, &nothing);
	assert_int_equal(bank->ledgerd->fatal, SR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    cmocka_unit_test(
		given_refusals_when_added_then_the_earlier_time_and_no_overflow),
	    cmocka_unit_test(
		given_an_event_when_read_then_none_and_no_time_are_malformed),
	    TEST(
		given_guesses_when_a_minute_is_over_then_one_entry_tells_of_them),
	    TEST(given_a_netd_that_floods_when_refused_then_one_entry_a_minute),
	    TEST(
		given_a_disk_that_takes_nothing_when_refused_then_journaled_later),
	    TEST(given_the_first_write_when_it_is_refused_then_journaled_later),
	    TEST(given_a_keyd_that_tells_of_nothing_then_ledgerd_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
