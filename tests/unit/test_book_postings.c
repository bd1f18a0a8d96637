/* SPDX-License-Identifier: ISC */
/* Corrections: undo, reverse, issue and adjust; never twice, and nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/book/rules.h"
#include "tests/lib/book_stage.h"

/* A payment from ADA to BOB; its leaf. */
static uint64_t
payment(int64_t amount_minor)
{
	assert_int_equal(
	    stage_transfer(MAIN(ADA), MAIN(BOB), amount_minor), SR_OK);
	return stage.ordered;
}

static uint64_t
cash_in(uint64_t by, uint64_t to, int64_t amount_minor)
{
	assert_int_equal(stage_deposit(by, to, amount_minor), SR_OK);
	return stage.ordered;
}

static struct wish
undo_of(uint64_t by, uint64_t leaf)
{
	struct wish wish = wish_reverse(by, leaf);

	wish.kind = ORDER_UNDO;
	return wish;
}

static enum sr_error
reverse(uint64_t leaf)
{
	struct wish wish = wish_reverse(OP_1, leaf);

	return stage_agree(&wish);
}

/* ---- undo ------------------------------------------------------------------------ */

static void
given_a_payment_when_its_payee_undoes_it_then_it_goes_back_once(void **state)
{
	uint64_t leaf = payment(700);

	(void)state;
	assert_false(book_posting(&stage.book, leaf)->undone);
	/* years later, too */
	stage.now_ms += 50000 * STAGE_HOUR_MS;
	assert_int_equal(stage_undo(BOB, leaf), SR_OK);
	assert_int_equal(stage.effect.touched_count, 2);
	assert_true(stage_balance(MAIN(ADA)) == 5000);
	assert_true(stage_balance(MAIN(BOB)) == 0);
	assert_true(book_posting(&stage.book, leaf)->undone);
	assert_int_equal(stage_undo(BOB, leaf), SR_UNDONE);
	/* an undo is none itself */
	assert_null(book_posting(&stage.book, stage.ordered));
	assert_null(book_posting(&stage.book, stage.ordered - 1));
}

static void
given_a_payment_when_anybody_else_undoes_it_then_declined(void **state)
{
	uint64_t leaf = payment(700);
	struct wish wish;

	(void)state;
	assert_int_equal(stage_undo(ADA, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(CARL, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(TINA, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(LOBBY, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(OP_1, leaf), SR_ROLE);
	/* nor is a stranger told what it was, by guessing, or became of it */
	wish = (struct wish){.kind = ORDER_UNDO,
	    .signer = CARL,
	    .debit = MAIN(BOB),
	    .credit = MAIN(ADA),
	    .amount_minor = 699,
	    .refers_to = leaf};
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	assert_int_equal(stage_undo(BOB, leaf), SR_OK);
	assert_int_equal(stage_undo(CARL, leaf), SR_NOT_YOURS);
	/* money that was issued or adjusted is the operators' to take back */
	assert_int_equal(stage_issue(MAIN(CARL), 10), SR_OK);
	assert_int_equal(stage_undo(CARL, stage.ordered), SR_NOT_YOURS);
	wish = wish_adjust(OP_1, MAIN(ADA), MAIN(CARL), 10);
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(stage_undo(CARL, stage.ordered), SR_NOT_YOURS);
	assert_int_equal(stage_undo(ADA, stage.ordered - 1), SR_NOT_YOURS);
}

/* Of a further account its owner is the payee, and of an own payment. */
static void
given_payments_between_own_accounts_when_undone_then_by_their_owner(
    void **state)
{
	uint64_t leaf;

	(void)state;
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), FURTHER(ADA, 0), 100), SR_OK);
	leaf = stage.ordered;
	assert_int_equal(stage_undo(BOB, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(ADA, leaf), SR_OK);
	assert_true(stage_balance(FURTHER(ADA, 0)) == 0);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), FURTHER(ADA, 0), 100), SR_OK);
	leaf = stage.ordered;
	assert_int_equal(
	    stage_transfer(FURTHER(ADA, 0), MAIN(ADA), 100), SR_OK);
	assert_int_equal(stage_close(FURTHER(ADA, 0)), SR_OK);
	assert_int_equal(stage_undo(ADA, leaf), SR_ACCOUNT_CLOSED);
	assert_int_equal(stage_undo(ADA, leaf + 1), SR_ACCOUNT_CLOSED);
}

static void
given_an_undo_that_is_not_the_original_swapped_when_ordered_then_declined(
    void **state)
{
	uint64_t leaf = payment(700);
	struct wish wish = undo_of(BOB, leaf);

	(void)state;
	wish.amount_minor++;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.amount_minor -= 2;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.amount_minor = -700;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = undo_of(BOB, leaf);
	wish.credit = MAIN(CARL);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = undo_of(BOB, leaf);
	wish.debit = MAIN(CARL);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = undo_of(BOB, leaf);
	wish.debit = MAIN(ADA);
	wish.credit = MAIN(BOB);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = undo_of(BOB, leaf);
	wish.refers_to = leaf + 1;
	assert_int_equal(stage_order(&wish), SR_TOO_OLD);
	wish.refers_to = 0;
	assert_int_equal(stage_order(&wish), SR_TOO_OLD);
	wish.refers_to = UINT64_MAX;
	assert_int_equal(stage_order(&wish), SR_TOO_OLD);
	wish = undo_of(BOB, leaf);
	assert_int_equal(stage_order(&wish), SR_OK);
}

static void
given_a_payee_without_the_money_when_undone_then_declined_until_it_is_there(
    void **state)
{
	uint64_t leaf = payment(700);

	(void)state;
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(CARL), 1), SR_OK);
	assert_int_equal(stage_undo(BOB, leaf), SR_FUNDS);
	assert_int_equal(reverse(payment(1)), SR_OK);
	assert_int_equal(stage_transfer(MAIN(CARL), MAIN(BOB), 1), SR_OK);
	/* what is held is not there */
	assert_int_equal(stage_deposit(LOBBY, MAIN(CARL), 10), SR_OK);
	assert_int_equal(stage_hold(MAIN(BOB), 1), SR_OK);
	assert_int_equal(stage_undo(BOB, leaf), SR_FUNDS);
	assert_int_equal(stage_void(stage.ordered - 1), SR_OK);
	assert_int_equal(stage_undo(BOB, leaf), SR_OK);
}

/* The payer is not asked whether it has room: it is its own money. */
static void
given_a_payer_frozen_or_full_when_undone_then_it_takes_its_money_back(
    void **state)
{
	uint64_t leaf = payment(700);
	struct order_limits limits = {MAIN(ADA), 0, 0, 1, INT64_MAX};
	struct wish wish = wish_limits(OP_1, ORDER_LOWER_LIMIT, &limits);

	(void)state;
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(stage_freeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_CEILING);
	assert_int_equal(stage_undo(BOB, leaf), SR_OK);
}

static void
given_a_payer_who_has_left_when_undone_then_declined(void **state)
{
	uint64_t leaf = payment(700);

	(void)state;
	(void)payment(4300);
	assert_int_equal(stage_close(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_undo(BOB, leaf), SR_ACCOUNT_CLOSED);
}

static void
given_a_deposit_when_undone_then_by_that_till_within_its_time(void **state)
{
	uint64_t leaf = cash_in(TINA, MAIN(BOB), 300);
	uint64_t at_ms = stage.now_ms;
	struct wish wish;

	(void)state;
	assert_int_equal(stage_undo(TOM, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(LOBBY, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(BOB, leaf), SR_NOT_YOURS);
	stage.now_ms = at_ms + BOOK_UNDO_MS + 1;
	assert_int_equal(stage_undo(TINA, leaf), SR_TOO_LATE);
	stage.now_ms = at_ms + BOOK_UNDO_MS;
	assert_int_equal(stage_undo(TINA, leaf), SR_OK);
	assert_true(stage_balance(TILL(TINA)) == 0);
	assert_int_equal(stage_undo(TINA, leaf), SR_UNDONE);
	/* a terminal's at that terminal alone */
	leaf = cash_in(LOBBY, MAIN(BOB), 300);
	wish = undo_of(LOBBY, leaf);
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	assert_int_equal(stage_undo(LOBBY, leaf), SR_OK);
	/* of a colleague at the same till */
	assert_int_equal(stage_role(CARL, ROLE_TELLER, TILL(TINA), 0), SR_OK);
	leaf = cash_in(TINA, MAIN(BOB), 300);
	assert_int_equal(stage_undo(CARL, leaf), SR_OK);
	/* of one who has left it no more */
	leaf = cash_in(CARL, MAIN(BOB), 300);
	assert_int_equal(stage_role(CARL, ROLE_CUSTOMER, 0, 0), SR_OK);
	assert_int_equal(stage_undo(CARL, leaf), SR_NOT_YOURS);
	assert_int_equal(stage_undo(TINA, leaf), SR_OK);
}

/* The till's cash may have been counted since: it has no more than it has. */
static void
given_a_till_counted_short_when_a_deposit_is_undone_then_no_cash_below_none(
    void **state)
{
	uint64_t leaf = cash_in(TINA, MAIN(BOB), 300);

	(void)state;
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_COUNT, 299), SR_OK);
	assert_int_equal(stage_undo(TINA, leaf), SR_TILL_EMPTY);
	assert_int_equal(reverse(cash_in(TINA, MAIN(CARL), 5)), SR_OK);
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_COUNT, 300), SR_OK);
	assert_int_equal(stage_undo(TINA, leaf), SR_OK);
	/* and none that a customer has reserved */
	leaf = cash_in(LOBBY, MAIN(BOB), 300);
	assert_int_equal(stage_hold(MAIN(ADA), 1), SR_OK);
	assert_int_equal(stage_undo(LOBBY, leaf), SR_TILL_EMPTY);
	assert_int_equal(stage_void(stage.ordered - 1), SR_OK);
	assert_int_equal(stage_undo(LOBBY, leaf), SR_OK);
}

static void
given_a_closed_till_when_a_deposit_is_undone_then_declined(void **state)
{
	uint64_t leaf = cash_in(TINA, MAIN(BOB), 300);

	(void)state;
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_CLOSE, 300), SR_OK);
	assert_int_equal(stage_undo(TINA, leaf), SR_TILL_CLOSED);
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_OPEN, 300), SR_OK);
	assert_int_equal(stage_undo(TINA, leaf), SR_OK);
}

/* ---- never twice ------------------------------------------------------------------- */

static enum sr_error
try_way(unsigned way, uint64_t leaf)
{
	switch (way) {
	case 0:
		return stage_undo(BOB, leaf);
	case 1:
		return stage_undo(TINA, leaf);
	default: {
		struct wish wish = wish_reverse(way == 2 ? OP_1 : OP_2, leaf);
		enum sr_error error = stage_order(&wish);

		return error != SR_OK ? error
				      : stage_approve(way == 2 ? OP_2 : OP_1,
					    stage.ordered, stage.hash);
	}
	}
}

static void
given_a_posting_corrected_when_corrected_again_in_any_way_then_declined(
    void **state)
{
	int64_t bank, ada;

	(void)state;
	for (unsigned first = 0; first < 4; first++)
		for (unsigned then = 0; then < 4; then++) {
			uint64_t paid, cash;

			ada = stage_balance(MAIN(ADA));
			bank = stage_balance(TILL(TINA));
			paid = payment(70);
			cash = cash_in(TINA, MAIN(BOB), 90);
			/* so that money is no reason to decline */
			assert_int_equal(stage_issue(MAIN(BOB), 1000), SR_OK);
			if (first != 1) {
				assert_int_equal(try_way(first, paid), SR_OK);
				assert_int_equal(try_way(then, paid),
				    then == 1 ? SR_NOT_YOURS : SR_UNDONE);
			}
			if (first != 0) {
				assert_int_equal(try_way(first, cash), SR_OK);
				assert_int_equal(try_way(then, cash),
				    then == 0 ? SR_NOT_YOURS : SR_UNDONE);
			}
			assert_true(stage_balance(MAIN(ADA)) ==
				    ada - (first == 1 ? 70 : 0));
			assert_true(stage_balance(TILL(TINA)) ==
				    bank - (first == 0 ? 90 : 0));
		}
}

/* Requests of both operators, and an undo, all made before any is carried out. */
static void
given_requests_to_reverse_when_all_are_approved_then_only_the_first(
    void **state)
{
	uint64_t leaf = payment(100), request[3];
	uint8_t hash[3][ORDER_HASH_LEN];
	struct wish wish;

	(void)state;
	assert_int_equal(stage_issue(MAIN(BOB), 1000), SR_OK);
	for (unsigned i = 0; i < 3; i++) {
		wish = wish_reverse(i == 1 ? OP_2 : OP_1, leaf);
		assert_int_equal(stage_order(&wish), SR_OK);
		request[i] = stage.ordered;
		memcpy(hash[i], stage.hash, ORDER_HASH_LEN);
	}
	assert_int_equal(stage_approve(OP_1, request[1], hash[1]), SR_OK);
	assert_int_equal(stage_approve(OP_2, request[0], hash[0]), SR_UNDONE);
	assert_int_equal(stage_undo(BOB, leaf), SR_UNDONE);
	assert_int_equal(stage_approve(OP_2, request[2], hash[2]), SR_UNDONE);
	assert_int_equal(stage_approve(OP_1, request[1], hash[1]), SR_ALREADY);
	assert_true(stage_balance(MAIN(ADA)) == 5000);
	/* and an undo in between */
	leaf = payment(100);
	wish = wish_reverse(OP_1, leaf);
	assert_int_equal(stage_order(&wish), SR_OK);
	request[0] = stage.ordered;
	memcpy(hash[0], stage.hash, ORDER_HASH_LEN);
	assert_int_equal(stage_undo(BOB, leaf), SR_OK);
	assert_int_equal(stage_approve(OP_2, request[0], hash[0]), SR_UNDONE);
}

static void
given_more_postings_than_are_remembered_when_undone_then_too_old(void **state)
{
	uint64_t first, second;
	struct wish wish;

	(void)state;
	assert_int_equal(stage_issue(MAIN(ADA), 1000000), SR_OK);
	first = payment(3);
	second = payment(4);
	wish = undo_of(BOB, first);
	/* as so many payments would; they are of no account here */
	for (unsigned i = 0; i < BOOK_POSTINGS - 2; i++) {
		assert_int_equal(book_reserve_rows(&stage.book), SR_OK);
		book_remember(
		    &stage.book, &(struct book_posting){.leaf = stage.leaf++,
				     .debit = MAIN(ADA),
				     .credit = MAIN(BOB),
				     .amount_minor = 1,
				     .kind = ORDER_TRANSFER});
	}
	assert_non_null(book_posting(&stage.book, first));
	(void)payment(5);
	assert_null(book_posting(&stage.book, first));
	assert_int_equal(stage_order(&wish), SR_TOO_OLD);
	wish.kind = ORDER_REVERSE;
	wish.signer = OP_1;
	assert_int_equal(stage_order(&wish), SR_TOO_OLD);
	assert_int_equal(stage_undo(BOB, second), SR_OK);
	assert_int_equal(stage_undo(BOB, second), SR_UNDONE);
}

/* ---- reverse ------------------------------------------------------------------------ */

static void
given_any_posting_when_reversed_by_two_then_the_books_are_as_before(
    void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(reverse(payment(70)), SR_OK);
	assert_int_equal(reverse(cash_in(TINA, MAIN(BOB), 90)), SR_OK);
	assert_int_equal(stage_issue(MAIN(CARL), 40), SR_OK);
	/* the approval moved the money, not the request */
	assert_null(book_posting(&stage.book, stage.ordered - 1));
	assert_int_equal(reverse(stage.ordered), SR_OK);
	wish = wish_adjust(OP_1, MAIN(ADA), ACCOUNT_OVER_SHORT, 30);
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(reverse(stage.ordered), SR_OK);
	assert_true(stage_balance(MAIN(ADA)) == 5000);
	assert_true(stage_balance(MAIN(BOB)) == 0);
	assert_true(stage_balance(MAIN(CARL)) == 0);
	assert_true(stage_balance(TILL(TINA)) == 0);
	assert_true(stage_balance(ACCOUNT_ISSUE) == -5000);
	assert_true(stage_balance(ACCOUNT_OVER_SHORT) == 0);
	/* a reversal is none that can be reversed */
	assert_null(book_posting(&stage.book, stage.ordered));
}

/* Four eyes work on frozen accounts, never on closed ones. */
static void
given_frozen_accounts_when_reversed_then_done_and_closed_ones_not(void **state)
{
	uint64_t leaf = payment(70);
	struct wish wish;

	(void)state;
	assert_int_equal(stage_freeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_freeze(MAIN(BOB)), SR_OK);
	assert_int_equal(reverse(leaf), SR_OK);
	assert_int_equal(stage_unfreeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_unfreeze(MAIN(BOB)), SR_OK);
	leaf = payment(70);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(CARL), 70), SR_OK);
	wish = wish_reverse(OP_1, leaf);
	assert_int_equal(stage_order(&wish), SR_FUNDS);
	assert_int_equal(stage_close(MAIN(BOB)), SR_OK);
	assert_int_equal(stage_order(&wish), SR_ACCOUNT_CLOSED);
}

/* ---- issue and adjust ------------------------------------------------------------------ */

static void
given_an_issue_when_asked_for_then_only_new_money_for_a_customer(void **state)
{
	struct order_limits limits = {MAIN(BOB), 0, 0, 500, INT64_MAX};
	struct wish wish;

	(void)state;
	wish = wish_issue(OP_1, MAIN(BOB), 0);
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	wish.amount_minor = -1;
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	wish = wish_issue(OP_1, TILL(TINA), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_issue(OP_1, ACCOUNT_OVER_SHORT, 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_issue(OP_1, FURTHER(BOB, 0), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_issue(OP_1, MAIN(BOB), 1);
	wish.debit = ACCOUNT_OVER_SHORT;
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish.debit = MAIN(ADA);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish.debit = MAIN(BOB);
	assert_int_equal(stage_order(&wish), SR_SAME_ACCOUNT);
	wish = wish_issue(OP_1, MAIN(BOB), 1);
	wish.refers_to = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = wish_issue(OP_1, MAIN(OP_2), 1);
	assert_int_equal(stage_order(&wish), SR_ACCOUNT_CLOSED);
	/* the ceiling holds, at the request and at the approval */
	wish = wish_limits(OP_1, ORDER_LOWER_LIMIT, &limits);
	assert_int_equal(stage_order(&wish), SR_OK);
	wish = wish_issue(OP_1, MAIN(BOB), 501);
	assert_int_equal(stage_order(&wish), SR_CEILING);
	wish.amount_minor = 500;
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(stage_issue(MAIN(BOB), 500), SR_OK);
	assert_int_equal(stage_order(&wish), SR_CEILING);
	/* a frozen one takes */
	assert_int_equal(stage_freeze(MAIN(CARL)), SR_OK);
	assert_int_equal(stage_issue(MAIN(CARL), 5), SR_OK);
}

static void
given_an_adjustment_when_asked_for_then_limits_of_people_and_tills_hold(
    void **state)
{
	struct wish wish = wish_adjust(OP_1, MAIN(ADA), MAIN(BOB), 5001);

	(void)state;
	assert_int_equal(stage_order(&wish), SR_FUNDS);
	wish.amount_minor = 5000;
	assert_int_equal(stage_agree(&wish), SR_OK);
	wish = wish_adjust(OP_1, MAIN(BOB), MAIN(BOB), 1);
	assert_int_equal(stage_order(&wish), SR_SAME_ACCOUNT);
	wish = wish_adjust(OP_1, MAIN(BOB), FURTHER(BOB, 0), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_adjust(OP_1, 0, MAIN(BOB), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_adjust(OP_1, MAIN(BOB), MAIN(ADA), 0);
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	/* the bank's own have no limits but 64 bits */
	wish = wish_adjust(OP_1, ACCOUNT_OVER_SHORT, ACCOUNT_ISSUE, INT64_MAX);
	assert_int_equal(stage_agree(&wish), SR_OK);
	wish = wish_adjust(OP_1, ACCOUNT_OVER_SHORT, ACCOUNT_ISSUE, 5001);
	assert_int_equal(stage_order(&wish), SR_AMOUNT);
	wish = wish_adjust(OP_1, ACCOUNT_ISSUE, ACCOUNT_OVER_SHORT, INT64_MAX);
	assert_int_equal(stage_agree(&wish), SR_OK);
	/* a till: its maximum, and no less than none in it */
	wish = wish_adjust(
	    OP_1, TILL(TINA), ACCOUNT_OVER_SHORT, STAGE_MAXIMUM + 1);
	assert_int_equal(stage_order(&wish), SR_TILL_FULL);
	wish.amount_minor = 100;
	assert_int_equal(stage_agree(&wish), SR_OK);
	wish = wish_adjust(OP_1, ACCOUNT_OVER_SHORT, TILL(TINA), 101);
	assert_int_equal(stage_order(&wish), SR_TILL_EMPTY);
	wish.amount_minor = 100;
	assert_int_equal(stage_agree(&wish), SR_OK);
	/* frozen yes, closed no */
	assert_int_equal(stage_freeze(MAIN(BOB)), SR_OK);
	wish = wish_adjust(OP_1, MAIN(BOB), MAIN(CARL), 5);
	assert_int_equal(stage_agree(&wish), SR_OK);
	wish = wish_adjust(OP_1, MAIN(CARL), MAIN(OP_2), 5);
	assert_int_equal(stage_order(&wish), SR_ACCOUNT_CLOSED);
	wish = wish_adjust(OP_1, MAIN(OP_2), MAIN(CARL), 5);
	assert_int_equal(stage_order(&wish), SR_ACCOUNT_CLOSED);
}

static void
given_mutual_credit_when_money_is_issued_then_there_is_nowhere_from(
    void **state)
{
	struct wish wish;

	(void)state;
	stage_begin(BANK_MUTUAL_CREDIT, -1000);
	assert_null(book_account(&stage.book, ACCOUNT_ISSUE));
	wish = wish_issue(OP_1, MAIN(ADA), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_adjust(OP_1, ACCOUNT_ISSUE, MAIN(ADA), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	wish = wish_cash_out(OP_1, TILL(TINA), 1);
	assert_int_equal(stage_order(&wish), SR_NO_ACCOUNT);
	/* members make it, each up to its floor */
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1000), SR_OK);
	assert_int_equal(stage_undo(BOB, stage.ordered), SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1000), SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_FUNDS);
	/* and a till's float and difference come from over and short */
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_CLOSE, 0), SR_OK);
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_OPEN, 50), SR_OK);
	assert_true(stage_balance(ACCOUNT_OVER_SHORT) == 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_a_payment_when_its_payee_undoes_it_then_it_goes_back_once),
	    STAGE_STORY(
		given_a_payment_when_anybody_else_undoes_it_then_declined),
	    STAGE_STORY(
		given_payments_between_own_accounts_when_undone_then_by_their_owner),
	    STAGE_STORY(
		given_an_undo_that_is_not_the_original_swapped_when_ordered_then_declined),
	    STAGE_STORY(
		given_a_payee_without_the_money_when_undone_then_declined_until_it_is_there),
	    STAGE_STORY(
		given_a_payer_frozen_or_full_when_undone_then_it_takes_its_money_back),
	    STAGE_STORY(given_a_payer_who_has_left_when_undone_then_declined),
	    STAGE_STORY(
		given_a_deposit_when_undone_then_by_that_till_within_its_time),
	    STAGE_STORY(
		given_a_till_counted_short_when_a_deposit_is_undone_then_no_cash_below_none),
	    STAGE_STORY(
		given_a_closed_till_when_a_deposit_is_undone_then_declined),
	    STAGE_STORY(
		given_a_posting_corrected_when_corrected_again_in_any_way_then_declined),
	    STAGE_STORY(
		given_requests_to_reverse_when_all_are_approved_then_only_the_first),
	    STAGE_STORY(
		given_more_postings_than_are_remembered_when_undone_then_too_old),
	    STAGE_STORY(
		given_any_posting_when_reversed_by_two_then_the_books_are_as_before),
	    STAGE_STORY(
		given_frozen_accounts_when_reversed_then_done_and_closed_ones_not),
	    STAGE_STORY(
		given_an_issue_when_asked_for_then_only_new_money_for_a_customer),
	    STAGE_STORY(
		given_an_adjustment_when_asked_for_then_limits_of_people_and_tills_hold),
	    cmocka_unit_test_teardown(
		given_mutual_credit_when_money_is_issued_then_there_is_nowhere_from,
		stage_teardown),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
