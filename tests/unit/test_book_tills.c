/* SPDX-License-Identifier: ISC */
/*
 * Tills: opened, counted, closed, emptied into the safe; and what a teller, or
 * a terminal, whose key somebody else has can make of its till.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/book_stage.h"

static enum sr_error
count(uint64_t by, enum order_kind kind, int64_t counted_minor)
{
	return stage_count(by, TILL(TINA), kind, counted_minor);
}

/* What TINA's till, over/short and issue have; the till as it is in cash. */
static void
expect(int64_t cash, int64_t over_short, int64_t issue, int64_t maximum)
{
	const struct book_account *till = stage_account(TILL(TINA));

	assert_true(till->posted_minor == -cash);
	assert_true(stage_balance(ACCOUNT_OVER_SHORT) == over_short);
	assert_true(stage_balance(ACCOUNT_ISSUE) == issue - 5000);
	assert_true(till->floor_minor == -maximum);
	assert_true(till->soft_floor_minor == -maximum);
}

/* ---- a day at a till --------------------------------------------------------------- */

static void
given_a_till_when_its_day_is_lived_then_every_difference_has_its_account(
    void **state)
{
	struct wish wish;

	(void)state;
	/* open from its enrolment on */
	assert_int_equal(count(TINA, ORDER_TILL_OPEN, 0), SR_ALREADY);
	assert_int_equal(count(TINA, ORDER_TILL_CLOSE, 0), SR_OK);
	expect(0, 0, 0, STAGE_MAXIMUM);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_TILL_CLOSED);
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 0), SR_TILL_CLOSED);
	assert_int_equal(count(TINA, ORDER_TILL_CLOSE, 0), SR_TILL_CLOSED);
	/* with a float from the safe */
	assert_int_equal(count(TINA, ORDER_TILL_OPEN, 1000), SR_OK);
	assert_int_equal(stage.effect.touched_count, 2);
	expect(1000, 0, 1000, STAGE_MAXIMUM);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 300), SR_OK);
	/* as it should be */
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 1300), SR_OK);
	assert_int_equal(stage.effect.touched_count, 1);
	expect(1300, 0, 1000, STAGE_MAXIMUM);
	/* over */
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 1310), SR_OK);
	expect(1310, 10, 1000, STAGE_MAXIMUM);
	/* short: and so much less it may hold */
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 1250), SR_OK);
	expect(1250, -50, 1000, STAGE_MAXIMUM - 60);
	/* into the safe */
	wish = wish_cash_out(TINA, TILL(TINA), 1251);
	assert_int_equal(stage_order(&wish), SR_TILL_EMPTY);
	wish.amount_minor = 1200;
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(stage.effect.touched_count, 2);
	expect(50, -50, -200, STAGE_MAXIMUM - 60);
	assert_int_equal(count(TINA, ORDER_TILL_CLOSE, 45), SR_OK);
	expect(45, -55, -200, STAGE_MAXIMUM - 65);
	/* less at the opening than there was at the close */
	assert_int_equal(count(TINA, ORDER_TILL_OPEN, 40), SR_OK);
	expect(40, -60, -200, STAGE_MAXIMUM - 70);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_OK);
}

static void
given_more_cash_than_the_maximum_when_counted_then_it_is_there_all_the_same(
    void **state)
{
	(void)state;
	assert_int_equal(
	    count(TINA, ORDER_TILL_COUNT, STAGE_MAXIMUM + 500), SR_OK);
	expect(STAGE_MAXIMUM + 500, STAGE_MAXIMUM + 500, 0, STAGE_MAXIMUM);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_TILL_FULL);
	/* short of all that: no maximum below nothing */
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 0), SR_OK);
	expect(0, 0, 0, 0);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_TILL_FULL);
}

static void
given_a_count_that_is_none_when_ordered_then_declined(void **state)
{
	struct order_count block = {
	    .till = TILL(TINA), .lines = 2, .line = {{500, 2}, {20, 3}}};
	struct wish wish = {.kind = ORDER_TILL_COUNT,
	    .signer = TINA,
	    .amount_minor = 1060,
	    .attachment = stage.block};

	(void)state;
	wish.attachment_len = order_count_encode(&block, stage.block);
	wish.amount_minor = 1059;
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	wish.amount_minor = 0;
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	wish.amount_minor = -1060;
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	wish.amount_minor = 1060;
	wish.debit = TILL(TINA);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.debit = 0;
	wish.credit = ACCOUNT_OVER_SHORT;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.credit = 0;
	wish.refers_to = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.refers_to = 0;
	wish.signer = ADA;
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish.signer = OP_1;
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish.signer = TOM;
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish.signer = LOBBY;
	wish.terminal = LOBBY;
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish.signer = TINA;
	wish.terminal = 0;
	assert_int_equal(stage_order(&wish), SR_OK);
	/* the block itself */
	block.line[1].value_minor = 500;
	wish.attachment_len = order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	block.line[1].value_minor = 501;
	(void)order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	block.line[1] = (struct order_count_line){20, 0};
	(void)order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	block.line[1] = (struct order_count_line){0, 5};
	(void)order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	/* more than 64 bits, in one line and in the sum */
	block.line[0] = (struct order_count_line){INT64_MAX, 2};
	block.line[1] = (struct order_count_line){20, 3};
	(void)order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	block.line[0] = (struct order_count_line){2, UINT64_MAX};
	block.line[1] = (struct order_count_line){1, 1};
	(void)order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	block.line[0] = (struct order_count_line){INT64_MAX, 1};
	(void)order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
}

static void
given_33_denominations_when_counted_then_declined_and_32_are_not(void **state)
{
	struct order_count block = {.till = TILL(TINA), .lines = 32};
	struct wish wish = {.kind = ORDER_TILL_COUNT,
	    .signer = TINA,
	    .attachment = stage.block};

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		block.line[i] = (struct order_count_line){40 - i, 1};
		wish.amount_minor += 40 - i;
	}
	wish.attachment_len = order_count_encode(&block, stage.block);
	assert_int_equal(wish.attachment_len, ORDER_COUNT_MAX);
	assert_int_equal(stage_order(&wish), SR_OK);
	stage.block[8] = 33;
	memset(stage.block + ORDER_COUNT_MAX, 0, 16);
	stage.block[ORDER_COUNT_MAX] = 1;
	stage.block[ORDER_COUNT_MAX + 8] = 1;
	wish.attachment_len += 16;
	wish.amount_minor++;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
}

/* The greatest numbers there are; nothing overflows, and nothing is stuck. */
static void
given_the_greatest_count_when_ordered_then_the_books_can_hold_it_or_decline(
    void **state)
{
	(void)state;
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, INT64_MAX), SR_OK);
	assert_int_equal(
	    stage_count(TOM, TILL(TOM), ORDER_TILL_COUNT, 1), SR_AMOUNT);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_TILL_FULL);
	assert_int_equal(count(TINA, ORDER_TILL_CLOSE, INT64_MAX - 7), SR_OK);
	assert_int_equal(count(TINA, ORDER_TILL_OPEN, INT64_MAX), SR_OK);
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 0), SR_OK);
	assert_true(stage_account(TILL(TINA))->floor_minor == 0);
}

/* ---- at a terminal ------------------------------------------------------------------ */

static void
given_cash_that_is_reserved_when_a_till_is_closed_or_emptied_then_declined(
    void **state)
{
	uint64_t hold;
	struct wish wish;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 500), SR_OK);
	assert_int_equal(stage_hold(MAIN(BOB), 200), SR_OK);
	hold = stage.ordered;
	assert_int_equal(stage_count(LOBBY, TILL(LOBBY), ORDER_TILL_CLOSE, 500),
	    SR_NOT_EMPTY);
	wish = wish_cash_out(OP_1, TILL(LOBBY), 301);
	assert_int_equal(stage_order(&wish), SR_TILL_EMPTY);
	wish.amount_minor = 300;
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(stage_hold(MAIN(BOB), 1), SR_TILL_EMPTY);
	assert_int_equal(stage_post(hold, MAIN(BOB), 200), SR_OK);
	assert_int_equal(
	    stage_count(LOBBY, TILL(LOBBY), ORDER_TILL_CLOSE, 0), SR_OK);
	assert_int_equal(stage_hold(MAIN(BOB), 1), SR_TILL_CLOSED);
}

/* The terminal's own key, but in an open session or at another terminal. */
static void
given_a_terminal_elsewhere_when_it_counts_then_declined(void **state)
{
	struct order_count block = {.till = TILL(LOBBY)};
	struct wish wish = {.kind = ORDER_TILL_COUNT,
	    .signer = LOBBY,
	    .attachment = stage.block};

	(void)state;
	wish.attachment_len = order_count_encode(&block, stage.block);
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish.terminal = 77;
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish.terminal = LOBBY;
	assert_int_equal(stage_order(&wish), SR_OK);
}

/* ---- two at one till ----------------------------------------------------------------- */

static void
given_two_at_one_till_when_they_hand_over_then_each_counts_it(void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(stage_role(CARL, ROLE_TELLER, TILL(TINA), 0), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 70), SR_OK);
	assert_int_equal(count(CARL, ORDER_TILL_COUNT, 70), SR_OK);
	assert_int_equal(stage_deposit(CARL, MAIN(BOB), 30), SR_OK);
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 100), SR_OK);
	assert_int_equal(count(CARL, ORDER_TILL_CLOSE, 100), SR_OK);
	assert_int_equal(count(TINA, ORDER_TILL_OPEN, 100), SR_OK);
	assert_int_equal(count(TOM, ORDER_TILL_COUNT, 100), SR_NOT_YOURS);
	/* one of the two is revoked: the till goes on */
	wish = wish_revoke(OP_1, CARL, 0);
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(count(CARL, ORDER_TILL_COUNT, 100), SR_ROLE);
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 100), SR_OK);
	/* its owner: it does not */
	wish = wish_role(OP_1, BOB, ROLE_TELLER, TILL(TOM), 0);
	assert_int_equal(stage_order(&wish), SR_NOT_EMPTY);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 100), SR_OK);
	assert_int_equal(stage_role(BOB, ROLE_TELLER, TILL(TINA), 0), SR_OK);
	wish = wish_revoke(OP_1, TINA, 0);
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(count(BOB, ORDER_TILL_COUNT, 100), SR_ACCOUNT_FROZEN);
	wish = wish_account(OP_1, ORDER_UNFREEZE, TILL(TINA));
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
}

/* ---- cash out -------------------------------------------------------------------------- */

static void
given_cash_for_the_safe_when_asked_for_then_an_operator_says_yes(void **state)
{
	uint8_t hash[ORDER_HASH_LEN];
	struct wish wish;
	uint64_t leaf;

	(void)state;
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 500), SR_OK);
	wish = wish_cash_out(TINA, TILL(TINA), 400);
	assert_int_equal(stage_order(&wish), SR_OK);
	leaf = stage.ordered;
	memcpy(hash, stage.hash, sizeof(hash));
	assert_int_equal(stage_approve(TINA, leaf, hash), SR_ROLE);
	assert_int_equal(stage_approve(TOM, leaf, hash), SR_ROLE);
	assert_int_equal(stage_approve(ADA, leaf, hash), SR_ROLE);
	assert_true(stage_balance(TILL(TINA)) == -500);
	/* less is in it now than was asked for */
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 399), SR_OK);
	assert_int_equal(stage_approve(OP_1, leaf, hash), SR_TILL_EMPTY);
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 400), SR_OK);
	assert_int_equal(stage_approve(OP_1, leaf, hash), SR_OK);
	assert_int_equal(stage_approve(OP_2, leaf, hash), SR_ALREADY);
	assert_true(stage_balance(TILL(TINA)) == 0);
	/* somebody else's till, and what is none */
	wish = wish_cash_out(TOM, TILL(TINA), 1);
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish = wish_cash_out(ADA, TILL(TINA), 1);
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish = wish_cash_out(OP_1, MAIN(ADA), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_cash_out(OP_1, TILL(ADA), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_cash_out(OP_1, TILL(TINA), 0);
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	wish = wish_cash_out(OP_1, TILL(TINA), 1);
	wish.debit = ACCOUNT_OVER_SHORT;
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish.debit = MAIN(ADA);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
}

/* ---- with somebody else's key -------------------------------------------------------------- */

static uint64_t random_state;

/* xorshift64: the same attacks each time. */
static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int64_t
some_amount(void)
{
	static const int64_t telling[] = {1, 2, 100, STAGE_MAXIMUM - 1,
	    STAGE_MAXIMUM, STAGE_MAXIMUM + 1, INT64_MAX - 1, INT64_MAX};
	uint64_t dice = next_random();

	return dice % 3 == 0 ? telling[dice / 3 % 8]
			     : (int64_t)(dice / 3 % (STAGE_MAXIMUM / 2));
}

/* One order that the key may sign, as whoever has it would have it. */
static void
attack(uint64_t by, uint64_t till)
{
	static const enum order_kind counts[] = {
	    ORDER_TILL_OPEN, ORDER_TILL_COUNT, ORDER_TILL_CLOSE};
	int64_t amount = some_amount();
	uint64_t newest = stage.book.posting_count, leaf;
	struct wish wish;

	switch (next_random() % 12) {
	default:
		(void)stage_deposit(by, MAIN(CARL), amount);
		break;
	case 1:
		(void)stage_count(by, till, counts[next_random() % 3], amount);
		break;
	case 2:
		/* all that is there, or nothing at all */
		(void)stage_count(by, till, counts[next_random() % 3],
		    next_random() % 2 ? -stage_balance(till) : 0);
		break;
	case 3:
		wish = wish_cash_out(by, till, amount);
		wish.terminal = by == LOBBY ? LOBBY : 0;
		if (stage_order(&wish) == SR_OK)
			assert_int_equal(
			    stage_approve(by, stage.ordered, stage.hash),
			    SR_ROLE);
		break;
	case 4:
		leaf = ((struct book_posting *)book_table_at(
			    &stage.book.postings, next_random() % newest))
			   ->leaf;
		(void)stage_undo(by, leaf);
		break;
	}
}

/*
 * However long: what its accomplice has got is no more than the till's
 * maximum, and nobody else's account is touched.
 */
static void
bounded(uint64_t by, uint64_t till)
{
	int64_t most = 0;

	random_state = 0x9e3779b97f4a7c15u + by;
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 600; i++) {
			attack(by, till);
			assert_true(stage_balance(MAIN(CARL)) <= STAGE_MAXIMUM);
			assert_true(stage_balance(MAIN(ADA)) == 5000);
			assert_true(
			    stage_account(till)->floor_minor >= -STAGE_MAXIMUM);
			if (stage_balance(MAIN(CARL)) > most)
				most = stage_balance(MAIN(CARL));
			stage.now_ms += next_random() % 100000;
		}
		stage_end();
		stage_begin(BANK_CASH, 0);
		assert_int_equal(stage_issue(MAIN(ADA), 5000), SR_OK);
	}
	/* it has tried: it is the maximum that has stopped it */
	assert_true(most > STAGE_MAXIMUM * 9 / 10);
}

static void
given_a_tellers_key_when_used_in_every_way_then_bounded_by_the_till(
    void **state)
{
	(void)state;
	bounded(TINA, TILL(TINA));
}

static void
given_a_terminals_key_when_used_in_every_way_then_bounded_by_the_till(
    void **state)
{
	(void)state;
	bounded(LOBBY, TILL(LOBBY));
}

/* The way that is straight: book, count short, book again. */
static void
given_a_teller_who_books_and_counts_short_when_repeated_then_the_till_shrinks(
    void **state)
{
	static const enum order_kind ways[] = {
	    ORDER_TILL_COUNT, ORDER_TILL_CLOSE};

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(stage_deposit(TINA, MAIN(CARL), 1000), SR_OK);
		assert_int_equal(count(TINA, ways[i % 2], 0), SR_OK);
		if (i % 2 == 1)
			assert_int_equal(
			    count(TINA, ORDER_TILL_OPEN, 0), SR_OK);
	}
	assert_int_equal(stage_deposit(TINA, MAIN(CARL), 1), SR_TILL_FULL);
	/* a false float makes no room, nor does one that is gone again */
	assert_int_equal(count(TINA, ORDER_TILL_CLOSE, 0), SR_OK);
	assert_int_equal(count(TINA, ORDER_TILL_OPEN, 5000), SR_OK);
	assert_int_equal(count(TINA, ORDER_TILL_COUNT, 0), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(CARL), 1), SR_TILL_FULL);
	assert_true(stage_balance(MAIN(CARL)) == STAGE_MAXIMUM);
	/* the one who shares the till has no more of it */
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_OK);
	assert_int_equal(stage_role(BOB, ROLE_TELLER, TILL(TINA), 0), SR_OK);
	assert_int_equal(stage_deposit(BOB, MAIN(CARL), 1), SR_TILL_FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_a_till_when_its_day_is_lived_then_every_difference_has_its_account),
	    STAGE_STORY(
		given_more_cash_than_the_maximum_when_counted_then_it_is_there_all_the_same),
	    STAGE_STORY(given_a_count_that_is_none_when_ordered_then_declined),
	    STAGE_STORY(
		given_33_denominations_when_counted_then_declined_and_32_are_not),
	    STAGE_STORY(
		given_the_greatest_count_when_ordered_then_the_books_can_hold_it_or_decline),
	    STAGE_STORY(
		given_cash_that_is_reserved_when_a_till_is_closed_or_emptied_then_declined),
	    STAGE_STORY(
		given_a_terminal_elsewhere_when_it_counts_then_declined),
	    STAGE_STORY(
		given_two_at_one_till_when_they_hand_over_then_each_counts_it),
	    STAGE_STORY(
		given_cash_for_the_safe_when_asked_for_then_an_operator_says_yes),
	    STAGE_STORY(
		given_a_tellers_key_when_used_in_every_way_then_bounded_by_the_till),
	    STAGE_STORY(
		given_a_terminals_key_when_used_in_every_way_then_bounded_by_the_till),
	    STAGE_STORY(
		given_a_teller_who_books_and_counts_short_when_repeated_then_the_till_shrinks),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
