/* SPDX-License-Identifier: ISC */
/*
 * Withdrawals in a whole bank: journaled, replayed, listed, answered again;
 * and the power cut at every operation between the hold and its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/sim_bank.h"

enum { CASH = 10000 }; /* Ada's, and the lobby's */

static struct sim_bank *bank;
static struct sim_people people;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	/* Ada stands at the lobby's ATM. */
	people.ada.terminal = people.lobby.terminal;
	people.ada.terminal_epoch = people.lobby.terminal_epoch;
	memcpy(people.ada.psk, people.lobby.psk, sizeof(people.ada.psk));
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static enum sr_error
hold(int64_t amount_minor, struct message_order_answer *answer)
{
	struct sim_order signed_order;
	struct order order;

	sim_order_begin(bank, &people.ada, ORDER_HOLD, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.ada.m4.till_account;
	order.amount_minor = amount_minor;
	sim_order_sign(&people.ada, &order, "cash", 4, &signed_order);
	return sim_order_submit(bank, &people.ada, &signed_order, answer);
}

/* A post, or for 0 a void. */
static void
sign_end(uint64_t leaf, int64_t amount_minor, struct sim_order *signed_order)
{
	struct order order;

	sim_order_begin(bank, &people.lobby,
	    amount_minor > 0 ? ORDER_POST : ORDER_VOID, &order);
	if (amount_minor > 0) {
		order.debit = people.ada.m4.account;
		order.credit = people.lobby.m4.till_account;
	}
	order.amount_minor = amount_minor;
	order.refers_to = leaf;
	sim_order_sign(&people.lobby, &order, NULL, 0, signed_order);
}

static enum sr_error
end_hold(uint64_t leaf, int64_t amount_minor)
{
	struct message_order_answer answer;
	struct sim_order signed_order;

	sign_end(leaf, amount_minor, &signed_order);
	return sim_order_submit(bank, &people.lobby, &signed_order, &answer);
}

static void
assert_books(int64_t posted_minor, int64_t held_minor)
{
	const struct book *book = &bank->ledgerd->book;
	const struct book_account *ada =
	    book_account(book, people.ada.m4.account);
	const struct book_account *till =
	    book_account(book, people.lobby.m4.till_account);

	assert_true(ada->posted_minor == posted_minor);
	assert_true(ada->held_minor == held_minor);
	assert_true(till->posted_minor == -posted_minor);
	assert_true(till->held_minor == held_minor);
	assert_true(book_sum(book) == 0);
}

static void
given_holds_when_the_bank_restarts_then_they_are_as_they_were(void **state)
{
	struct message_order_answer first, second, third;
	uint8_t before[32], after[32];

	(void)state;
	assert_int_equal(hold(2000, &first), SR_OK);
	assert_int_equal(hold(3000, &second), SR_OK);
	assert_int_equal(hold(500, &third), SR_OK);
	assert_int_equal(end_hold(second.leaf, 1000), SR_OK);
	assert_int_equal(end_hold(third.leaf, 0), SR_OK);
	assert_books(CASH - 1000, 2000);
	book_digest(&bank->ledgerd->book, before);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	book_digest(&bank->ledgerd->book, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_books(CASH - 1000, 2000);
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_OK);
	assert_int_equal(end_hold(first.leaf, 2000), SR_OK);
	assert_books(CASH - 3000, 0);
	assert_int_equal(end_hold(first.leaf, 2000), SR_HOLD_STATE);
	assert_int_equal(end_hold(second.leaf, 1), SR_HOLD_STATE);
}

static void
given_a_post_when_it_comes_again_then_the_stored_answer(void **state)
{
	struct message_order_answer held, answer, again;
	struct sim_order signed_order;

	(void)state;
	assert_int_equal(hold(2000, &held), SR_OK);
	sign_end(held.leaf, 1500, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.lobby, &signed_order, &answer),
	    SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.lobby, &signed_order, &again),
	    SR_OK);
	assert_int_equal(answer.leaf, again.leaf);
	assert_int_equal(answer.balance, again.balance);
	assert_true(again.account == people.lobby.m4.till_account);
	assert_books(CASH - 1500, 0);
	/* and another lobby's session after a new start */
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.lobby, &signed_order, &again),
	    SR_OK);
	assert_int_equal(answer.leaf, again.leaf);
	assert_books(CASH - 1500, 0);
}

/* ---- what is shown ----------------------------------------------------------- */

/* The list for that person: its length, or the error. */
static enum sr_error
ask_holds(struct sim_person *person, uint64_t after, size_t *len,
    uint8_t *first_state)
{
	uint8_t bytes[MESSAGE_HOLDS_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_holds_get get = {.request = 7, .after = after};
	struct message_holds holds;
	struct reader body;
	unsigned type;

	assert_int_equal(message_holds_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, person, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_receive(bank, person, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_HOLDS);
	assert_int_equal(
	    message_holds_decode(body.at, reader_left(&body), &holds), SR_OK);
	assert_int_equal(holds.request, 7);
	assert_int_equal(holds.more, 0);
	*len = holds.list_len;
	*first_state = holds.list_len >= 64 ? holds.list[56] : 255;
	return (enum sr_error)holds.error;
}

static void
given_holds_when_listed_then_operators_and_their_till_see_them(void **state)
{
	struct sim_person *one = &people.operators[0];
	struct message_order_answer first, second;
	uint8_t hold_state;
	size_t len;

	(void)state;
	assert_int_equal(hold(2000, &first), SR_OK);
	assert_int_equal(hold(3000, &second), SR_OK);
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(ask_holds(one, 0, &len, &hold_state), SR_OK);
	assert_int_equal(len, 2 * 64);
	assert_int_equal(hold_state, 0);
	assert_int_equal(ask_holds(one, first.leaf, &len, &hold_state), SR_OK);
	assert_int_equal(len, 64);
	assert_int_equal(ask_holds(&people.lobby, 0, &len, &hold_state), SR_OK);
	assert_int_equal(len, 2 * 64);
	/* nobody else, not even their owner */
	assert_int_equal(
	    ask_holds(&people.ada, 0, &len, &hold_state), SR_NOT_ALLOWED);
	assert_int_equal(len, 0);
	assert_int_equal(
	    ask_holds(&people.bob, 0, &len, &hold_state), SR_NOT_ALLOWED);
	assert_int_equal(len, 0);
}

/* The late posts that person sees: how many, the last one's leaf and flag. */
static enum sr_error
ask_late(struct sim_person *person, size_t *count, uint64_t *leaf,
    uint8_t *below_floor)
{
	uint8_t bytes[MESSAGE_LATE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_late_get get = {.request = 8};
	struct message_late late;
	struct reader body, r;
	unsigned type;

	assert_int_equal(message_late_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, person, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_receive(bank, person, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_LATE);
	assert_int_equal(
	    message_late_decode(body.at, reader_left(&body), &late), SR_OK);
	assert_int_equal(late.request, 8);
	assert_int_equal(late.list_len % 56, 0);
	*count = late.list_len / 56;
	if (*count > 0) {
		assert_true(late.total >= *count);
		r = reader_of(late.list + late.list_len - 56, 56);
		*leaf = reader_u64(&r);
		*below_floor = late.list[late.list_len - 8];
	}
	return (enum sr_error)late.error;
}

/* What operator one asks for. */
static void
sign_release_request(
    uint64_t leaf, int64_t amount_minor, struct sim_order *signed_order)
{
	struct sim_person *one = &people.operators[0];
	struct order_release wanted = {people.ada.m4.account, amount_minor};
	uint8_t parameters[ORDER_RELEASE_LEN];
	struct order order;

	order_release_encode(&wanted, parameters);
	sim_order_begin(bank, one, ORDER_RELEASE_REQUEST, &order);
	order.refers_to = leaf;
	sim_order_sign(
	    one, &order, parameters, sizeof(parameters), signed_order);
}

/* Two operators release the hold; the approval's answer in both. */
static void
release(uint64_t leaf, int64_t amount_minor)
{
	struct sim_person *one = &people.operators[0];
	struct sim_person *two = &people.operators[1];
	uint8_t hash[ORDER_HASH_LEN];
	struct message_order_answer answer, again;
	struct sim_order signed_order;
	struct order order;

	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(sim_person_log_in(bank, two), SR_OK);
	sign_release_request(leaf, amount_minor, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, one, &signed_order, &answer), SR_OK);
	assert_int_equal(answer.result, answer.leaf);
	assert_int_equal(
	    sim_order_submit(bank, one, &signed_order, &again), SR_OK);
	assert_int_equal(again.result, answer.leaf);
	order_hash(signed_order.bytes, hash);
	sim_order_begin(bank, two, ORDER_APPROVE, &order);
	order.refers_to = answer.leaf;
	sim_order_sign(two, &order, hash, sizeof(hash), &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, two, &signed_order, &answer), SR_OK);
	/* the stored answer of an approval that enrolled nobody */
	assert_int_equal(
	    sim_order_submit(bank, two, &signed_order, &again), SR_OK);
	assert_int_equal(again.leaf, answer.leaf);
	assert_int_equal(again.result, 0);
}

/* Ada's newest lines. */
static unsigned
read_statement(struct statement_line *lines, unsigned max)
{
	uint8_t bytes[MESSAGE_STATEMENT_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_statement_get get = {
	    .request = 9, .before = UINT64_MAX, .count = (uint16_t)max};
	struct message_statement statement;
	struct reader body, r;
	unsigned type, count = 0;

	assert_int_equal(message_statement_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, &people.ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(
	    message_statement_decode(body.at, reader_left(&body), &statement),
	    SR_OK);
	r = reader_of(statement.lines, statement.lines_len);
	while (reader_left(&r) > 0 && count < max)
		assert_int_equal(
		    statement_line_read(&r, &lines[count++]), SR_OK);
	return count;
}

static void
given_an_overdue_hold_when_released_and_posted_late_then_all_of_it_shows(
    void **state)
{
	struct sim_person *one = &people.operators[0];
	struct statement_line line[4];
	struct message_order_answer held;
	uint8_t hold_state, below_floor = 255;
	uint64_t leaf = 0;
	size_t len;

	(void)state;
	assert_int_equal(hold(6000, &held), SR_OK);
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(ask_late(one, &len, &leaf, &below_floor), SR_OK);
	assert_int_equal(len, 0);
	bank->sim->now_ms += BOOK_HOLD_OVERDUE_MS;
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(ask_holds(one, 0, &len, &hold_state), SR_OK);
	assert_int_equal(hold_state, 1);
	assert_books(CASH, 6000);
	release(held.leaf, 6000);
	assert_int_equal(ask_holds(one, 0, &len, &hold_state), SR_OK);
	assert_int_equal(hold_state, 2);
	assert_books(CASH, 0);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(end_hold(held.leaf, 6000), SR_OK);
	assert_books(CASH - 6000, 0);
	assert_true(bank->ledgerd->book.late_posts == 1);
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(ask_late(one, &len, &leaf, &below_floor), SR_OK);
	assert_int_equal(len, 1);
	assert_true(leaf > held.leaf);
	assert_int_equal(below_floor, 0);
	assert_int_equal(
	    ask_late(&people.lobby, &len, &leaf, &below_floor), SR_OK);
	assert_int_equal(len, 1);
	/* nobody else, not even whose money it was */
	assert_int_equal(
	    ask_late(&people.ada, &len, &leaf, &below_floor), SR_NOT_ALLOWED);
	assert_int_equal(len, 0);
	assert_int_equal(read_statement(line, 4), 4);
	assert_int_equal(line[0].kind, ORDER_POST);
	assert_true(line[0].amount_minor == -6000);
	assert_true(line[0].refers_to == held.leaf);
	assert_int_equal(line[1].kind, ORDER_RELEASE_REQUEST);
	assert_true(line[1].amount_minor == 0 && line[1].held_minor == 0);
	assert_true(line[1].refers_to == held.leaf);
	assert_int_equal(line[2].kind, ORDER_HOLD);
	assert_true(line[2].amount_minor == 0 && line[2].held_minor == 6000);
	assert_true(line[2].balance_minor == CASH);
	assert_int_equal(line[2].memo_len, 4);
	assert_int_equal(line[3].kind, ORDER_DEPOSIT);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_true(bank->ledgerd->book.late_posts == 1);
}

/* ---- the power cut ------------------------------------------------------------ */

/* What was sent and what was answered, until the lights go out. */
struct story {
	int64_t out_minor; /* posted: 0 is a void */
	bool hold_answered, end_sent, end_answered;
	uint64_t leaf;
};

static void
live(struct story *story)
{
	struct message_order_answer answer;

	if (sim_person_log_in(bank, &people.lobby) != SR_OK ||
	    sim_person_log_in(bank, &people.ada) != SR_OK)
		return;
	story->hold_answered = hold(2000, &answer) == SR_OK;
	if (!story->hold_answered || bank->sim->dark)
		return;
	story->leaf = answer.leaf;
	story->end_sent = true;
	story->end_answered = end_hold(story->leaf, story->out_minor) == SR_OK;
}

/* Answered is booked once; what was not may be booked, once, or not. */
static void
assert_story(const struct story *story)
{
	const struct book *book = &bank->ledgerd->book;
	const struct book_account *ada =
	    book_account(book, people.ada.m4.account);
	bool open = book->hold_count == 1;

	assert_true(book->hold_count <= 1);
	assert_books(open ? CASH : ada->posted_minor, open ? 2000 : 0);
	assert_true(ada->posted_minor == CASH ||
		    ada->posted_minor == CASH - story->out_minor);
	if (story->hold_answered && !story->end_sent)
		assert_true(open);
	if (story->end_answered) {
		assert_false(open);
		assert_true(ada->posted_minor == CASH - story->out_minor);
	}
	if (open && story->leaf != 0)
		assert_non_null(book_hold(book, story->leaf));
}

/* The terminal comes back and ends what is open: then all is as it would be. */
static void
settle(const struct story *story)
{
	const struct book *book = &bank->ledgerd->book;

	if (book->hold_count == 0)
		return;
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_OK);
	assert_int_equal(end_hold(book->hold[0].leaf, story->out_minor), SR_OK);
	assert_books(CASH - story->out_minor, 0);
}

/*
 * One restart after another, each with the power cut at one operation more:
 * what a scenario does until then, what must be true after, and how it ends.
 */
struct scenario {
	void (*live)(struct story *story);
	void (*check)(const struct story *story);
	void (*settle)(const struct story *story);
};

static void
cut_everywhere(const struct scenario *scenario, int64_t out_minor)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	struct sim_disk *keyd, *ledger;
	bool finished = false;
	unsigned cuts = 0;

	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t cut = 1; !finished; cut++) {
		struct story story = {.out_minor = out_minor};

		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		if (sim_bank_start(bank, false) == SR_OK)
			scenario->live(&story);
		finished = !bank->sim->dark;
		cuts += bank->sim->dark;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		scenario->check(&story);
		if (finished)
			assert_true(story.end_answered);
		scenario->settle(&story);
		sim_bank_end(bank);
	}
	assert_true(cuts > 20);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

static const struct scenario withdrawal = {live, assert_story, settle};

static void
given_a_cut_at_every_operation_of_hold_and_post_then_nothing_is_lost(
    void **state)
{
	(void)state;
	cut_everywhere(&withdrawal, 2000);
}

static void
given_a_cut_at_every_operation_when_a_part_is_posted_then_nothing_is_lost(
    void **state)
{
	(void)state;
	cut_everywhere(&withdrawal, 500);
}

static void
given_a_cut_at_every_operation_of_hold_and_void_then_nothing_is_lost(
    void **state)
{
	(void)state;
	cut_everywhere(&withdrawal, 0);
}

/* The hold of before the cuts, and operator one's request to release it. */
static struct {
	uint64_t hold_leaf;
	uint64_t request_leaf;
	uint8_t request_hash[ORDER_HASH_LEN];
} asked;

/* Operator two approves what operator one asked for before. */
static enum sr_error
approve_release(void)
{
	struct sim_person *two = &people.operators[1];
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct order order;

	if (sim_person_log_in(bank, two) != SR_OK)
		return SR_CLOSED;
	sim_order_begin(bank, two, ORDER_APPROVE, &order);
	order.refers_to = asked.request_leaf;
	sim_order_sign(two, &order, asked.request_hash,
	    sizeof(asked.request_hash), &signed_order);
	return sim_order_submit(bank, two, &signed_order, &answer);
}

static void
live_release(struct story *story)
{
	story->end_sent = true;
	story->end_answered = approve_release() == SR_OK;
}

/* Released or not: what is reserved is so on both sides, or on none. */
static void
assert_release(const struct story *story)
{
	const struct book *book = &bank->ledgerd->book;
	const struct book_hold *open = book_hold(book, asked.hold_leaf);

	assert_int_equal(book->hold_count, 1);
	assert_non_null(open);
	assert_books(CASH, open->released ? 0 : 2000);
	if (story->end_answered)
		assert_true(open->released);
}

/* Approved once more: it takes effect if it had not, and never twice. */
static void
settle_release(const struct story *story)
{
	const struct book *book = &bank->ledgerd->book;
	bool released = book_hold(book, asked.hold_leaf)->released;

	(void)story;
	assert_int_equal(approve_release(), released ? SR_ALREADY : SR_OK);
	assert_books(CASH, 0);
	/* and the money that is free again is given out once */
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_OK);
	assert_int_equal(end_hold(asked.hold_leaf, 2000), SR_OK);
	assert_books(CASH - 2000, 0);
	assert_true(book->late_posts == 1);
}

static void
given_a_cut_at_every_operation_of_a_release_then_it_is_released_once(
    void **state)
{
	static const struct scenario scenario = {
	    live_release, assert_release, settle_release};
	struct sim_person *one = &people.operators[0];
	struct message_order_answer answer;
	struct sim_order request;

	(void)state;
	assert_int_equal(hold(2000, &answer), SR_OK);
	asked.hold_leaf = answer.leaf;
	bank->sim->now_ms += BOOK_HOLD_OVERDUE_MS;
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	sign_release_request(asked.hold_leaf, 2000, &request);
	assert_int_equal(sim_order_submit(bank, one, &request, &answer), SR_OK);
	asked.request_leaf = answer.leaf;
	order_hash(request.bytes, asked.request_hash);
	cut_everywhere(&scenario, 0);
}

static void
given_a_revoked_terminal_when_its_hold_is_young_then_it_can_be_released(
    void **state)
{
	struct sim_person *one = &people.operators[0];
	struct order_revoke revoke = {.principal = people.lobby.m4.customer,
	    .terminal = people.lobby.terminal};
	uint8_t parameters[ORDER_REVOKE_LEN], hold_state;
	struct message_order_answer held, answer;
	struct sim_order signed_order;
	struct order order;
	size_t len;

	(void)state;
	assert_int_equal(hold(2000, &held), SR_OK);
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	order_revoke_encode(&revoke, parameters);
	sim_order_begin(bank, one, ORDER_REVOKE, &order);
	sim_order_sign(
	    one, &order, parameters, sizeof(parameters), &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, one, &signed_order, &answer), SR_OK);
	/* it can say nothing more, and the money stays reserved */
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_CLOSED);
	assert_books(CASH, 2000);
	assert_int_equal(ask_holds(one, 0, &len, &hold_state), SR_OK);
	assert_int_equal(hold_state, 0);
	release(held.leaf, 2000);
	assert_books(CASH, 0);
	assert_int_equal(ask_holds(one, 0, &len, &hold_state), SR_OK);
	assert_int_equal(len, 0);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_books(CASH, 0);
	assert_int_equal(bank->ledgerd->book.hold_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_holds_when_the_bank_restarts_then_they_are_as_they_were),
	    TEST(given_a_post_when_it_comes_again_then_the_stored_answer),
	    TEST(
		given_holds_when_listed_then_operators_and_their_till_see_them),
	    TEST(
		given_an_overdue_hold_when_released_and_posted_late_then_all_of_it_shows),
	    TEST(
		given_a_cut_at_every_operation_of_hold_and_post_then_nothing_is_lost),
	    TEST(
		given_a_cut_at_every_operation_when_a_part_is_posted_then_nothing_is_lost),
	    TEST(
		given_a_cut_at_every_operation_of_hold_and_void_then_nothing_is_lost),
	    TEST(
		given_a_cut_at_every_operation_of_a_release_then_it_is_released_once),
	    TEST(
		given_a_revoked_terminal_when_its_hold_is_young_then_it_can_be_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
