/* SPDX-License-Identifier: ISC */
/*
 * The commit path in one process: what an order does, in which order disk, keyd
 * and netd are served, and what is never acknowledged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/sim_bank.h"

static struct sim_bank *bank;
static struct sim_people people;
static const struct env_ops *open_ops; /* of a link that is looked at */

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

static void
given_a_founded_bank_then_a_deposit_and_a_transfer_are_booked(void **state)
{
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     1250, &answer),
	    SR_OK);
	assert_int_equal(answer.balance, 8750);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 1250);
	assert_int_equal(book_sum(&bank->ledgerd->book), 0);
	assert_int_equal(
	    bank->ledgerd->tree.size, bank->keyd->state.frontier.size);
}

static void
given_an_order_sent_again_then_it_is_booked_once_and_the_answer_is_the_same(
    void **state)
{
	struct message_order_answer first, again;
	struct sim_order signed_order;
	struct order order;

	(void)state;
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	order.amount_minor = 700;
	sim_order_sign(&people.ada, &order, "tea", 3, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &first), SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &again), SR_OK);
	assert_int_equal(again.leaf, first.leaf);
	assert_int_equal(again.time, first.time);
	assert_int_equal(again.balance, 9300);
	assert_memory_equal(again.salt, first.salt, 32);
	assert_int_equal(sim_bank_posted(bank, order.credit), 700);

	/* Also in another session, after a restart. */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &again), SR_OK);
	assert_int_equal(again.leaf, first.leaf);
	assert_memory_equal(again.salt, first.salt, 32);
	assert_int_equal(sim_bank_posted(bank, order.credit), 700);

	/* Other bytes under a seq that was applied. */
	order.amount_minor = 701;
	sim_order_sign(&people.ada, &order, "tea", 3, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &again),
	    SR_CONFLICT);
	assert_int_equal(again.next_seq, 2);
	assert_memory_equal(again.last_hash, first.last_hash, 32);
}

static void
given_an_order_that_is_not_the_signers_then_nothing_is_booked(void **state)
{
	struct message_order_answer answer;
	struct sim_order signed_order;
	uint64_t size = bank->ledgerd->tree.size;
	struct order order;

	(void)state;
	/* Bob signs a debit of Ada's, as himself and as her. */
	sim_order_begin(bank, &people.bob, ORDER_TRANSFER, &order);
	order.debit = people.bob.m4.account;
	order.credit = people.ada.m4.account;
	order.amount_minor = 1;
	order.signer = people.ada.m4.customer;
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.bob, &signed_order, &answer),
	    SR_SIGNATURE);
	order.signer = people.bob.m4.customer;
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	signed_order.bytes[48] ^= 1;
	assert_int_equal(
	    sim_order_submit(bank, &people.bob, &signed_order, &answer),
	    SR_SIGNATURE);
	assert_int_equal(bank->ledgerd->tree.size, size);

	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.bob, &signed_order, &answer),
	    SR_NOT_YOURS);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);
}

static void
given_a_declined_order_then_it_is_answered_and_stands_in_the_log(void **state)
{
	struct message_order_answer answer;
	uint64_t size = bank->ledgerd->tree.size;

	(void)state;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     10001, &answer),
	    SR_FUNDS);
	assert_int_equal(answer.error, SR_OK);
	assert_int_equal(answer.leaf, size);
	assert_int_equal(answer.balance, 10000);
	assert_int_equal(answer.next_seq, 2);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
}

static void
given_a_sync_that_fails_then_nothing_is_acknowledged_and_the_room_ends(
    void **state)
{
	struct message_order_answer answer;

	(void)state;
	bank->ledgerd_room->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	assert_int_equal(bank->ledgerd_error, SR_IO);
	assert_int_equal(bank->frame_count, 0);
	/* keyd never heard of it, and the order is not there. */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);

	/* keyd's own sync fails after ledgerd's: durable, not acknowledged;
	 * the next start signs it. */
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	bank->keyd_room->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 9999);
}

static void
given_a_clock_that_goes_back_then_the_time_of_entries_stands_still(void **state)
{
	struct message_order_answer first, second;

	(void)state;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &first),
	    SR_OK);
	bank->sim->now_ms -= 30 * 1000;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &second),
	    SR_OK);
	assert_int_equal(second.time, first.time);
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
}

static void
given_a_keyd_with_another_tree_then_nothing_is_acknowledged(void **state)
{
	struct message_order_answer answer;

	(void)state;
	for (size_t i = 0; i < MERKLE_LEVELS; i++)
		bank->keyd->state.frontier.hash[i][0] ^= 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	assert_int_equal(bank->ledgerd_error, SR_FORKED);
	assert_int_equal(bank->frame_count, 0);
}

/* In which order segment, keyd's state and netd's link were served. */
static struct {
	unsigned segment_syncs;
	unsigned state_syncs;
	bool asked;        /* ledgerd has sent something */
	bool keyd_first;   /* keyd synced before the segment was synced */
	bool answer_first; /* ledgerd wrote to netd before keyd synced */
} seen;

static void
watch(void *context, struct sim_room *room, enum sim_operation operation,
    const char *path)
{
	(void)context;
	if (room == bank->ledgerd_room && operation == SIM_SYNC &&
	    strncmp(path, "ledger/segment/", 15) == 0)
		seen.segment_syncs++;
	if (room == bank->ledgerd_room && operation == SIM_SEND)
		seen.asked = true;
	if (room == bank->keyd_room && operation == SIM_SYNC && seen.asked &&
	    strcmp(path, "state") == 0) {
		seen.keyd_first |= seen.segment_syncs == 0;
		seen.state_syncs++;
	}
}

/* netd's link, looked at when something is put on it. */
static enum sr_error
send_watched(
    struct env *env, enum env_link link, const void *packet, size_t len)
{
	if (link == ENV_NETD)
		seen.answer_first |= seen.state_syncs == 0;
	return open_ops->send(env, link, packet, len);
}

static void
given_an_order_then_segment_and_state_are_synced_before_the_answer(void **state)
{
	struct env *env = &bank->ledgerd_room->env;
	struct env_ops watched = *env->ops;
	struct message_order_answer answer;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	open_ops = env->ops;
	watched.send = send_watched;
	env->ops = &watched;
	bank->sim->watch = watch;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(seen.segment_syncs, 1);
	assert_int_equal(seen.state_syncs, 1);
	assert_false(seen.keyd_first);
	assert_false(seen.answer_first);
	/* Declined and asked: nothing is told from an unsigned batch. */
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     99999, &answer),
	    SR_FUNDS);
	assert_int_equal(seen.state_syncs, 1);
	assert_false(seen.answer_first);
	bank->sim->watch = NULL;
	env->ops = open_ops;
}

static void
given_many_orders_waiting_then_one_batch_takes_them(void **state)
{
	struct sim_order signed_order;
	uint64_t syncs, size;
	struct order order;

	(void)state;
	syncs = bank->ledgerd_room->count[SIM_SYNC];
	size = bank->ledgerd->tree.size;
	for (int i = 0; i < 16; i++) {
		sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
		order.debit = people.ada.m4.account;
		order.credit = people.bob.m4.account;
		order.amount_minor = 1;
		sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
		sim_order_send(bank, &people.ada, &signed_order);
		people.ada.next_seq++;
		order_hash(signed_order.bytes, people.ada.last_hash);
	}
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 16);
	assert_int_equal(bank->frame_count, 16);
	assert_int_equal(bank->ledgerd->tree.size, size + 16);
	assert_int_equal(bank->ledgerd_room->count[SIM_SYNC], syncs + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_founded_bank_then_a_deposit_and_a_transfer_are_booked),
	    TEST(
		given_an_order_sent_again_then_it_is_booked_once_and_the_answer_is_the_same),
	    TEST(given_an_order_that_is_not_the_signers_then_nothing_is_booked),
	    TEST(
		given_a_declined_order_then_it_is_answered_and_stands_in_the_log),
	    TEST(
		given_a_sync_that_fails_then_nothing_is_acknowledged_and_the_room_ends),
	    TEST(
		given_a_clock_that_goes_back_then_the_time_of_entries_stands_still),
	    TEST(given_a_keyd_with_another_tree_then_nothing_is_acknowledged),
	    TEST(
		given_an_order_then_segment_and_state_are_synced_before_the_answer),
	    TEST(given_many_orders_waiting_then_one_batch_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
