/* SPDX-License-Identifier: ISC */
/*
 * A snapshot taken while withdrawals are open: the start from it knows each
 * of them as it was, all that can become of them still does, and every state
 * is the one that the whole journal gives.
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

enum { CASH = 10000, HELD_MAX = 8, ACCOUNTS_MAX = 16 };

/* What two starts have to agree on. */
struct books {
	uint8_t digest[32];
	unsigned hold_count;
	struct book_hold hold[HELD_MAX];
	uint64_t account_count;
	struct journal_position last_frame[ACCOUNTS_MAX];
	uint64_t late_posts;
};

static struct sim_bank *bank;
static struct sim_people people;
/* leaves of the holds: four that are open, one that was released */
static uint64_t in_full, in_part, voided, overdue, released;
static const char snapshot[] = "ledger/snapshot/00000001";

static enum sr_error
hold(int64_t amount_minor, uint64_t *leaf)
{
	struct message_order_answer answer;
	struct sim_order sent;
	struct order order;
	enum sr_error error;

	sim_order_begin(bank, &people.ada, ORDER_HOLD, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.ada.m4.till_account;
	order.amount_minor = amount_minor;
	sim_order_sign(&people.ada, &order, "cash", 4, &sent);
	error = sim_order_submit(bank, &people.ada, &sent, &answer);
	*leaf = answer.leaf;
	return error;
}

/* A post, or for 0 a void. */
static enum sr_error
end_hold(uint64_t leaf, int64_t amount_minor)
{
	struct message_order_answer answer;
	struct sim_order sent;
	struct order order;

	sim_order_begin(bank, &people.lobby,
	    amount_minor > 0 ? ORDER_POST : ORDER_VOID, &order);
	if (amount_minor > 0) {
		order.debit = people.ada.m4.account;
		order.credit = people.lobby.m4.till_account;
	}
	order.amount_minor = amount_minor;
	order.refers_to = leaf;
	sim_order_sign(&people.lobby, &order, NULL, 0, &sent);
	return sim_order_submit(bank, &people.lobby, &sent, &answer);
}

/* Two operators give back what a hold reserves; the first refusal. */
static enum sr_error
release(uint64_t leaf, int64_t amount_minor)
{
	struct sim_person *one = &people.operators[0];
	struct sim_person *two = &people.operators[1];
	struct order_release wanted = {people.ada.m4.account, amount_minor};
	uint8_t parameters[ORDER_RELEASE_LEN], hash[ORDER_HASH_LEN];
	struct message_order_answer answer;
	struct sim_order sent;
	struct order order;
	enum sr_error error;

	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(sim_person_log_in(bank, two), SR_OK);
	order_release_encode(&wanted, parameters);
	sim_order_begin(bank, one, ORDER_RELEASE_REQUEST, &order);
	order.refers_to = leaf;
	sim_order_sign(one, &order, parameters, sizeof(parameters), &sent);
	error = sim_order_submit(bank, one, &sent, &answer);
	if (error != SR_OK)
		return error;
	order_hash(sent.bytes, hash);
	sim_order_begin(bank, two, ORDER_APPROVE, &order);
	order.refers_to = answer.leaf;
	sim_order_sign(two, &order, hash, sizeof(hash), &sent);
	return sim_order_submit(bank, two, &sent, &answer);
}

static void
everybody_logs_in(void)
{
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_OK);
}

static struct books
books_now(void)
{
	const struct book *book = &bank->ledgerd->book;
	struct books books;

	memset(&books, 0, sizeof(books));
	assert_int_equal(book_sum(book), 0);
	book_digest(book, books.digest);
	books.hold_count = book->hold_count;
	books.late_posts = book->late_posts;
	assert_true(book->hold_count <= HELD_MAX);
	memcpy(
	    books.hold, book->hold, book->hold_count * sizeof(book->hold[0]));
	books.account_count = book_account_count(book);
	assert_true(books.account_count <= ACCOUNTS_MAX);
	for (uint64_t i = 0; i < books.account_count; i++)
		books.last_frame[i] = book_account_at(book, i)->last_frame;
	return books;
}

static void
assert_same(const struct books *one, const struct books *two)
{
	assert_memory_equal(one->digest, two->digest, 32);
	assert_true(one->hold_count == two->hold_count);
	for (unsigned i = 0; i < one->hold_count; i++) {
		const struct book_hold *a = &one->hold[i], *b = &two->hold[i];

		assert_true(a->leaf == b->leaf && a->time_ms == b->time_ms &&
			    a->account == b->account && a->till == b->till &&
			    a->amount_minor == b->amount_minor &&
			    a->released == b->released);
		assert_memory_equal(
		    a->reference, b->reference, sizeof(a->reference));
	}
	assert_true(one->account_count == two->account_count);
	assert_memory_equal(
	    one->last_frame, two->last_frame, sizeof(one->last_frame));
	assert_true(one->late_posts == two->late_posts);
}

static void
assert_ada(int64_t posted_minor, int64_t held_minor)
{
	const struct book_account *ada =
	    book_account(&bank->ledgerd->book, people.ada.m4.account);

	assert_true(ada->posted_minor == posted_minor);
	assert_true(ada->held_minor == held_minor);
}

static void
kill_all(void)
{
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, SIM_LOSE_ALL);
	sim_crash(bank->ledgerd_room, SIM_LOSE_ALL);
}

/*
 * The bank as it is after a start from the snapshot, and as it is when the
 * snapshot is gone and the whole journal is replayed: the same, both times as
 * before.  It goes on from the snapshot.
 */
static void
restart_both_ways(void)
{
	struct books before = books_now(), after;
	struct sim_disk *keyd, *ledger;
	uint64_t read_of_all;

	kill_all();
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	assert_int_equal(env_remove(&bank->ledgerd_room->env, snapshot), SR_OK);
	bank->ledgerd_room->bytes_read = 0;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	after = books_now();
	assert_same(&before, &after);
	read_of_all = bank->ledgerd_room->bytes_read;
	kill_all();
	sim_restore(bank->keyd_room, keyd);
	sim_restore(bank->ledgerd_room, ledger);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
	bank->ledgerd_room->bytes_read = 0;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	after = books_now();
	assert_same(&before, &after);
	/* it was a start from the snapshot */
	assert_true(bank->ledgerd_room->bytes_read < read_of_all);
	everybody_logs_in();
}

/* Five holds, of which one is released, then a snapshot, then a start. */
static int
set_up(void **state)
{
	struct message_order_answer answer;
	uint64_t paid = 0;

	(void)state;
	bank = sim_bank_new(9);
	sim_bank_furnish(bank, &people);
	people.ada.terminal = people.lobby.terminal;
	people.ada.terminal_epoch = people.lobby.terminal_epoch;
	memcpy(people.ada.psk, people.lobby.psk, sizeof(people.ada.psk));
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(hold(250, &released), SR_OK);
	assert_int_equal(hold(700, &overdue), SR_OK);
	sim_advance(bank->sim, BOOK_HOLD_OVERDUE_MS);
	assert_int_equal(release(released, 250), SR_OK);
	everybody_logs_in();
	assert_int_equal(hold(2000, &in_full), SR_OK);
	assert_int_equal(hold(1000, &in_part), SR_OK);
	assert_int_equal(hold(500, &voided), SR_OK);
	while (bank->ledgerd->snapshots.last.number == 0) {
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
		paid++;
	}
	/* Ada has what she had, so that the tests know it */
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	assert_int_equal(sim_transfer(bank, &people.bob, people.ada.m4.account,
			     (int64_t)paid, &answer),
	    SR_OK);
	assert_int_equal(bank->ledgerd->snapshots.last.number, 1);
	assert_int_equal(bank->ledgerd->book.hold_count, 5);
	restart_both_ways();
	assert_ada(CASH, 4200);
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
given_open_holds_in_a_snapshot_then_each_is_posted_or_voided_once(void **state)
{
	(void)state;
	assert_int_equal(end_hold(in_full, 2000), SR_OK);
	assert_ada(CASH - 2000, 2200);
	restart_both_ways();
	assert_int_equal(end_hold(in_part, 1001), SR_AMOUNT);
	assert_int_equal(end_hold(in_part, 400), SR_OK);
	assert_ada(CASH - 2400, 1200);
	restart_both_ways();
	assert_int_equal(end_hold(voided, 0), SR_OK);
	assert_ada(CASH - 2400, 700);
	restart_both_ways();
	/* and never a second time */
	assert_int_equal(end_hold(in_full, 2000), SR_HOLD_STATE);
	assert_int_equal(end_hold(in_part, 600), SR_HOLD_STATE);
	assert_int_equal(end_hold(voided, 500), SR_HOLD_STATE);
	assert_ada(CASH - 2400, 700);
	restart_both_ways();
}

/* Its age counts from the hold on, not from the start. */
static void
given_an_overdue_hold_in_a_snapshot_then_two_operators_release_it(void **state)
{
	(void)state;
	assert_int_equal(release(in_full, 2000), SR_NOT_OVERDUE);
	assert_int_equal(release(overdue, 701), SR_PARAMETERS);
	assert_int_equal(release(overdue, 700), SR_OK);
	assert_ada(CASH, 3500);
	restart_both_ways();
	assert_int_equal(release(overdue, 700), SR_HOLD_STATE);
	/* the cash was out: it is booked all the same, and late */
	assert_int_equal(end_hold(overdue, 700), SR_OK);
	assert_ada(CASH - 700, 3500);
	assert_true(bank->ledgerd->book.late_posts == 1);
	restart_both_ways();
}

static void
given_a_released_hold_in_a_snapshot_then_a_late_post_is_booked_once(
    void **state)
{
	(void)state;
	assert_int_equal(end_hold(released, 250), SR_OK);
	assert_ada(CASH - 250, 4200);
	assert_true(bank->ledgerd->book.late_posts == 1);
	restart_both_ways();
	assert_int_equal(end_hold(released, 250), SR_HOLD_STATE);
	restart_both_ways();
}

/* To the millisecond, across the start. */
static void
given_a_young_hold_in_a_snapshot_then_it_is_overdue_when_its_time_has_come(
    void **state)
{
	const struct book *book = &bank->ledgerd->book;
	uint64_t since = 0;

	(void)state;
	for (unsigned i = 0; i < book->hold_count; i++)
		if (book->hold[i].leaf == in_full)
			since = book->hold[i].time_ms;
	assert_true(since != 0);
	sim_advance(
	    bank->sim, since + BOOK_HOLD_OVERDUE_MS - 1 - bank->sim->now_ms);
	restart_both_ways();
	assert_int_equal(release(in_full, 2000), SR_NOT_OVERDUE);
	sim_advance(bank->sim, 1);
	assert_int_equal(release(in_full, 2000), SR_OK);
	assert_ada(CASH, 2200);
	restart_both_ways();
}

static void
given_open_holds_in_a_snapshot_then_what_they_reserve_is_not_spent(void **state)
{
	struct message_order_answer answer;
	uint64_t leaf;

	(void)state;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     CASH - 4200 + 1, &answer),
	    SR_FUNDS);
	assert_int_equal(hold(CASH - 4200 + 1, &leaf), SR_FUNDS);
	assert_int_equal(hold(CASH - 4200, &leaf), SR_OK);
	assert_ada(CASH, CASH);
	restart_both_ways();
	assert_int_equal(end_hold(leaf, CASH - 4200), SR_OK);
	assert_ada(4200, 4200);
	restart_both_ways();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_open_holds_in_a_snapshot_then_each_is_posted_or_voided_once),
	    TEST(
		given_an_overdue_hold_in_a_snapshot_then_two_operators_release_it),
	    TEST(
		given_a_released_hold_in_a_snapshot_then_a_late_post_is_booked_once),
	    TEST(
		given_a_young_hold_in_a_snapshot_then_it_is_overdue_when_its_time_has_come),
	    TEST(
		given_open_holds_in_a_snapshot_then_what_they_reserve_is_not_spent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
