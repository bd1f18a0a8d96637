/* SPDX-License-Identifier: ISC */
/*
 * The rules of withdrawals: every bound from both of its sides, the sum of
 * all accounts zero after each order, and what is held the same on both sides
 * of every hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/book/book.h"

enum { OPERATOR_1 = 1, OPERATOR_2, ADA, BOB, TILL_A, TILL_B, PEOPLE };

#define MAIN(customer) account_id(customer, ACCOUNT_INDEX_MAIN)
#define TILL(customer) account_id(customer, ACCOUNT_INDEX_TILL)

static struct book book;
static uint64_t next_leaf;
static uint64_t now_ms;
static struct book_effect effect;
static uint8_t last_hash[ORDER_HASH_LEN];

/* What an order of these tests says; all else is as it should be. */
struct wish {
	enum order_kind kind;
	uint64_t signer, debit, credit, refers_to;
	int64_t amount_minor;
	uint32_t terminal;
	const void *attachment;
	size_t attachment_len;
};

/* Held on both sides: all accounts of customers, and all tills. */
static void
assert_balanced(void)
{
	int64_t held = 0, open = 0;

	assert_true(book_sum(&book) == 0);
	for (uint64_t i = 0; i < book_account_count(&book); i++) {
		const struct book_account *account = book_account_at(&book, i);

		assert_true(account->held_minor >= 0);
		held += account->type == ACCOUNT_TILL ? -account->held_minor
						      : account->held_minor;
		if (account->type == ACCOUNT_TILL)
			open += account->held_minor;
	}
	assert_true(held == 0);
	for (unsigned i = 0; i < book.hold_count; i++)
		open -= book.hold[i].released ? 0 : book.hold[i].amount_minor;
	assert_true(open == 0);
}

/* Applies at once what book_check() would have let through. */
static enum sr_error
apply(const struct wish *wish)
{
	const struct book_principal *signer =
	    book_principal(&book, wish->signer);
	struct book_order order = {.order = {.kind = (uint8_t)wish->kind,
				       .unit = order_unit(2),
				       .terminal = wish->terminal,
				       .signer = wish->signer,
				       .seq = signer->next_seq,
				       .debit = wish->debit,
				       .credit = wish->credit,
				       .amount_minor = wish->amount_minor,
				       .refers_to = wish->refers_to},
	    .attachment = wish->attachment,
	    .attachment_len = wish->attachment_len};
	uint8_t bytes[ORDER_LEN];

	memcpy(order.order.previous, signer->last_hash, ORDER_HASH_LEN);
	order_attachment_hash(order.attachment, order.attachment_len,
	    order.order.attachment_hash);
	order_encode(&order.order, bytes);
	order_hash(bytes, order.hash);
	memcpy(last_hash, order.hash, sizeof(last_hash));
	assert_int_equal(
	    book_apply(&book, &order, next_leaf++, now_ms, &effect), SR_OK);
	assert_balanced();
	return effect.outcome;
}

static enum sr_error
deposit(uint64_t till, uint64_t to, int64_t amount_minor)
{
	return apply(&(struct wish){.kind = ORDER_DEPOSIT,
	    .signer = till,
	    .terminal = (uint32_t)till,
	    .debit = TILL(till),
	    .credit = MAIN(to),
	    .amount_minor = amount_minor});
}

static enum sr_error
transfer(uint64_t from, uint64_t to, int64_t amount_minor)
{
	return apply(&(struct wish){.kind = ORDER_TRANSFER,
	    .signer = from,
	    .debit = MAIN(from),
	    .credit = MAIN(to),
	    .amount_minor = amount_minor});
}

static struct wish
hold_wish(uint64_t owner, uint64_t till, int64_t amount_minor)
{
	return (struct wish){.kind = ORDER_HOLD,
	    .signer = owner,
	    .terminal = (uint32_t)till,
	    .debit = MAIN(owner),
	    .credit = TILL(till),
	    .amount_minor = amount_minor};
}

/* The leaf of a hold that must succeed. */
static uint64_t
hold(uint64_t owner, uint64_t till, int64_t amount_minor)
{
	struct wish wish = hold_wish(owner, till, amount_minor);

	assert_int_equal(apply(&wish), SR_OK);
	assert_int_equal(effect.touched_count, 2);
	assert_true(effect.touched[0]->id == MAIN(owner));
	assert_true(effect.touched[1]->id == TILL(till));
	return next_leaf - 1;
}

static struct wish
post_wish(uint64_t till, uint64_t owner, uint64_t leaf, int64_t amount_minor)
{
	return (struct wish){.kind = ORDER_POST,
	    .signer = till,
	    .terminal = (uint32_t)till,
	    .debit = MAIN(owner),
	    .credit = TILL(till),
	    .refers_to = leaf,
	    .amount_minor = amount_minor};
}

static enum sr_error
post(uint64_t till, uint64_t owner, uint64_t leaf, int64_t amount_minor)
{
	struct wish wish = post_wish(till, owner, leaf, amount_minor);

	return apply(&wish);
}

static enum sr_error
cancel(uint64_t till, uint64_t leaf)
{
	return apply(&(struct wish){.kind = ORDER_VOID,
	    .signer = till,
	    .terminal = (uint32_t)till,
	    .refers_to = leaf});
}

static enum sr_error
ask_release(uint64_t by, uint64_t leaf, uint64_t owner, int64_t amount_minor)
{
	struct order_release release = {MAIN(owner), amount_minor};
	uint8_t bytes[ORDER_RELEASE_LEN];

	order_release_encode(&release, bytes);
	return apply(&(struct wish){.kind = ORDER_RELEASE_REQUEST,
	    .signer = by,
	    .refers_to = leaf,
	    .attachment = bytes,
	    .attachment_len = sizeof(bytes)});
}

static enum sr_error
approve(uint64_t by, uint64_t leaf, const uint8_t *hash)
{
	return apply(&(struct wish){.kind = ORDER_APPROVE,
	    .signer = by,
	    .refers_to = leaf,
	    .attachment = hash,
	    .attachment_len = ORDER_HASH_LEN});
}

/* Operator 1 asks, operator 2 approves; the approval's outcome. */
static enum sr_error
release(uint64_t leaf, uint64_t owner, int64_t amount_minor)
{
	uint8_t hash[ORDER_HASH_LEN];

	assert_int_equal(
	    ask_release(OPERATOR_1, leaf, owner, amount_minor), SR_OK);
	memcpy(hash, last_hash, sizeof(hash));
	return approve(OPERATOR_2, next_leaf - 1, hash);
}

static void
enrol(uint64_t principal)
{
	struct order_enrol enrol = {.principal = principal,
	    .terminal = (uint32_t)principal,
	    .epoch = 1,
	    .till_maximum_minor = 10000,
	    .role = ROLE_TERMINAL};
	uint8_t bytes[ORDER_ENROL_LEN], hash[ORDER_HASH_LEN];

	order_enrol_encode(&enrol, bytes);
	assert_int_equal(apply(&(struct wish){.kind = ORDER_ENROL_REQUEST,
			     .signer = OPERATOR_1,
			     .attachment = bytes,
			     .attachment_len = sizeof(bytes)}),
	    SR_OK);
	memcpy(hash, last_hash, sizeof(hash));
	assert_int_equal(approve(OPERATOR_2, next_leaf - 1, hash), SR_OK);
}

/* Ada has 50.00 and Bob 20.00; till A has that cash, till B none. */
static int
set_up(void **state)
{
	struct entry_genesis genesis = {.name_len = 4,
	    .name = "Demo",
	    .unit = {"EUR", 2},
	    .rules = entry_rules_default(BANK_CASH),
	    .operator_key = {{OPERATOR_1}, {OPERATOR_2}}};

	(void)state;
	next_leaf = 1;
	now_ms = 1000000;
	if (book_init(&book) != SR_OK || book_found(&book, &genesis) != SR_OK)
		return 1;
	for (uint64_t i = OPERATOR_1; i < PEOPLE; i++) {
		struct book_opening opening = {.customer = i,
		    .key_epoch = 1,
		    .signing_key = {(uint8_t)i},
		    .attestation_hash = {(uint8_t)i}};
		struct book_account *opened;

		assert_int_equal(book_open(&book, &opening, &opened), SR_OK);
		next_leaf++;
	}
	enrol(TILL_A);
	enrol(TILL_B);
	assert_int_equal(deposit(TILL_A, ADA, 5000), SR_OK);
	assert_int_equal(deposit(TILL_A, BOB, 2000), SR_OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	book_free(&book);
	return 0;
}

static void
assert_account(uint64_t account, int64_t posted_minor, int64_t held_minor)
{
	assert_true(book_account(&book, account)->posted_minor == posted_minor);
	assert_true(book_account(&book, account)->held_minor == held_minor);
}

static void
given_a_hold_when_posted_in_full_or_part_then_that_moves_and_it_ends(
    void **state)
{
	uint64_t leaf = hold(ADA, TILL_A, 3000);

	(void)state;
	assert_account(MAIN(ADA), 5000, 3000);
	assert_account(TILL(TILL_A), -7000, 3000);
	assert_true(book_available(book_account(&book, MAIN(ADA))) == 2000);
	assert_int_equal(post(TILL_A, ADA, leaf, 3001), SR_AMOUNT);
	assert_int_equal(post(TILL_A, ADA, leaf, 0), SR_AMOUNT);
	assert_int_equal(post(TILL_A, ADA, leaf, -1), SR_AMOUNT);
	assert_int_equal(post(TILL_A, ADA, leaf, 3000), SR_OK);
	assert_false(effect.late);
	assert_account(MAIN(ADA), 2000, 0);
	assert_account(TILL(TILL_A), -4000, 0);
	/* once */
	assert_int_equal(post(TILL_A, ADA, leaf, 3000), SR_HOLD_STATE);
	assert_int_equal(post(TILL_A, ADA, leaf, 1), SR_HOLD_STATE);
	assert_int_equal(cancel(TILL_A, leaf), SR_HOLD_STATE);
	/* a part ends the whole */
	leaf = hold(ADA, TILL_A, 2000);
	assert_int_equal(post(TILL_A, ADA, leaf, 1), SR_OK);
	assert_account(MAIN(ADA), 1999, 0);
	assert_account(TILL(TILL_A), -3999, 0);
	assert_int_equal(book.hold_count, 0);
	assert_true(book.late_posts == 0);
}

static void
given_a_hold_when_voided_then_nothing_has_moved(void **state)
{
	uint64_t leaf = hold(ADA, TILL_A, 3000);

	(void)state;
	assert_int_equal(apply(&(struct wish){.kind = ORDER_VOID,
			     .signer = TILL_A,
			     .terminal = TILL_A,
			     .amount_minor = 1,
			     .refers_to = leaf}),
	    SR_PARAMETERS);
	assert_int_equal(cancel(TILL_A, leaf), SR_OK);
	assert_int_equal(effect.touched_count, 2);
	assert_account(MAIN(ADA), 5000, 0);
	assert_account(TILL(TILL_A), -7000, 0);
	assert_int_equal(post(TILL_A, ADA, leaf, 1), SR_HOLD_STATE);
}

static void
given_a_hold_when_the_money_is_wanted_otherwise_then_it_is_not_there(
    void **state)
{
	struct wish wish = hold_wish(ADA, TILL_A, 2001);

	(void)state;
	hold(ADA, TILL_A, 3000);
	assert_int_equal(transfer(ADA, BOB, 2001), SR_FUNDS);
	assert_int_equal(apply(&wish), SR_FUNDS);
	assert_int_equal(transfer(ADA, BOB, 2000), SR_OK);
	/* and the cash is promised to nobody else: 4000 are left */
	wish = hold_wish(BOB, TILL_A, 4001);
	assert_int_equal(deposit(TILL_B, BOB, 100), SR_OK);
	assert_int_equal(apply(&wish), SR_TILL_EMPTY);
	wish.amount_minor = 4000;
	assert_int_equal(apply(&wish), SR_OK);
	wish.amount_minor = 1;
	assert_int_equal(apply(&wish), SR_TILL_EMPTY);
	assert_account(TILL(TILL_A), -7000, 7000);
}

static void
given_a_till_when_it_has_too_little_cash_then_no_hold(void **state)
{
	struct wish wish = hold_wish(ADA, TILL_B, 1);

	(void)state;
	assert_int_equal(apply(&wish), SR_TILL_EMPTY);
	assert_int_equal(deposit(TILL_B, BOB, 100), SR_OK);
	wish.amount_minor = 101;
	assert_int_equal(apply(&wish), SR_TILL_EMPTY);
	wish.amount_minor = 100;
	assert_int_equal(apply(&wish), SR_OK);
	wish.amount_minor = 1;
	assert_int_equal(apply(&wish), SR_TILL_EMPTY);
	/* reserved cash is in the till still: 3000 more fit into till A */
	hold(BOB, TILL_A, 2000);
	assert_int_equal(deposit(TILL_A, ADA, 3001), SR_TILL_FULL);
	assert_int_equal(deposit(TILL_A, ADA, 3000), SR_OK);
	assert_true(book_available(book_account(&book, TILL(TILL_A))) == 0);
}

static void
given_holds_that_are_none_when_ordered_then_declined(void **state)
{
	struct wish wish = hold_wish(ADA, TILL_A, 0);

	(void)state;
	assert_int_equal(apply(&wish), SR_AMOUNT);
	wish.amount_minor = -1;
	assert_int_equal(apply(&wish), SR_AMOUNT);
	wish.amount_minor = INT64_MIN;
	assert_int_equal(apply(&wish), SR_AMOUNT);
	wish.amount_minor = INT64_MAX;
	assert_int_equal(apply(&wish), SR_FUNDS);
	/* an open terminal, one that nobody enrolled, another one's till */
	wish.amount_minor = 1;
	wish.terminal = 0;
	assert_int_equal(apply(&wish), SR_NO_TERMINAL);
	wish.terminal = 99;
	assert_int_equal(apply(&wish), SR_NO_TERMINAL);
	wish.terminal = TILL_B;
	assert_int_equal(apply(&wish), SR_NO_TERMINAL);
	wish.terminal = TILL_A;
	wish.credit = MAIN(BOB);
	assert_int_equal(apply(&wish), SR_NO_TERMINAL);
	wish.credit = TILL(TILL_A);
	wish.debit = MAIN(BOB);
	assert_int_equal(apply(&wish), SR_NOT_YOURS);
	wish.debit = MAIN(ADA);
	wish.refers_to = 1;
	assert_int_equal(apply(&wish), SR_PARAMETERS);
	wish.refers_to = 0;
	wish.signer = TILL_A;
	assert_int_equal(apply(&wish), SR_ROLE);
	wish.signer = ADA;
	book_account(&book, MAIN(ADA))->status = ACCOUNT_FROZEN;
	assert_int_equal(apply(&wish), SR_ACCOUNT_FROZEN);
	book_account(&book, MAIN(ADA))->status = ACCOUNT_OPEN;
	book_account(&book, TILL(TILL_A))->status = ACCOUNT_FROZEN;
	assert_int_equal(apply(&wish), SR_ACCOUNT_FROZEN);
	book_account(&book, TILL(TILL_A))->status = ACCOUNT_OPEN;
	assert_int_equal(apply(&wish), SR_OK);
}

static void
given_a_hold_when_anybody_but_its_till_settles_it_then_declined(void **state)
{
	uint64_t leaf = hold(ADA, TILL_A, 1000);
	struct wish wish = post_wish(TILL_A, ADA, leaf, 1000);

	(void)state;
	assert_int_equal(post(TILL_B, ADA, leaf, 1000), SR_NOT_YOURS);
	assert_int_equal(cancel(TILL_B, leaf), SR_NOT_YOURS);
	wish.signer = ADA;
	assert_int_equal(apply(&wish), SR_ROLE);
	wish.signer = OPERATOR_1;
	assert_int_equal(apply(&wish), SR_ROLE);
	/* the till's key, at another terminal */
	wish.signer = TILL_A;
	wish.terminal = TILL_B;
	assert_int_equal(apply(&wish), SR_NOT_YOURS);
	wish.terminal = 0;
	assert_int_equal(apply(&wish), SR_NOT_YOURS);
	wish.terminal = TILL_A;
	/* from another account, into another one */
	wish.debit = MAIN(BOB);
	assert_int_equal(apply(&wish), SR_PARAMETERS);
	wish.debit = MAIN(ADA);
	wish.credit = MAIN(BOB);
	assert_int_equal(apply(&wish), SR_PARAMETERS);
	wish.credit = TILL(TILL_A);
	wish.refers_to = leaf - 1;
	assert_int_equal(apply(&wish), SR_HOLD_STATE);
	wish.refers_to = 0;
	assert_int_equal(apply(&wish), SR_HOLD_STATE);
	wish.refers_to = leaf;
	wish.attachment = "x";
	wish.attachment_len = 1;
	assert_int_equal(apply(&wish), SR_PARAMETERS);
	assert_account(MAIN(ADA), 5000, 1000);
	wish.attachment_len = 0;
	assert_int_equal(apply(&wish), SR_OK);
}

static void
given_many_holds_when_settled_in_any_order_then_each_is_found(void **state)
{
	uint64_t leaves[BOOK_HOLDS_EACH];
	struct wish wish = hold_wish(ADA, TILL_A, 10);

	(void)state;
	for (unsigned i = 0; i < BOOK_HOLDS_EACH; i++)
		leaves[i] = hold(ADA, TILL_A, 10 + i);
	assert_int_equal(apply(&wish), SR_HOLDS_FULL);
	hold(BOB, TILL_A, 7);
	assert_int_equal(post(TILL_A, ADA, leaves[3], 13), SR_OK);
	assert_int_equal(cancel(TILL_A, leaves[0]), SR_OK);
	assert_int_equal(post(TILL_A, ADA, leaves[7], 17), SR_OK);
	assert_null(book_hold(&book, leaves[3]));
	for (unsigned i = 0; i < BOOK_HOLDS_EACH; i++)
		if (i != 0 && i != 3 && i != 7)
			assert_int_equal(
			    book_hold(&book, leaves[i])->amount_minor, 10 + i);
	assert_int_equal(apply(&wish), SR_OK);
}

static void
given_a_hold_when_released_too_early_or_by_one_then_declined(void **state)
{
	uint64_t leaf = hold(ADA, TILL_A, 1000), request;
	uint8_t hash[ORDER_HASH_LEN];

	(void)state;
	now_ms += BOOK_HOLD_OVERDUE_MS - 1;
	assert_false(book_hold_overdue(book_hold(&book, leaf), now_ms));
	assert_int_equal(
	    ask_release(OPERATOR_1, leaf, ADA, 1000), SR_NOT_OVERDUE);
	now_ms++;
	assert_true(book_hold_overdue(book_hold(&book, leaf), now_ms));
	/* time alone gives nothing back */
	assert_account(MAIN(ADA), 5000, 1000);
	assert_int_equal(ask_release(ADA, leaf, ADA, 1000), SR_ROLE);
	assert_int_equal(
	    ask_release(OPERATOR_1, leaf, BOB, 1000), SR_PARAMETERS);
	assert_int_equal(
	    ask_release(OPERATOR_1, leaf, ADA, 999), SR_PARAMETERS);
	assert_int_equal(
	    ask_release(OPERATOR_1, leaf - 1, ADA, 1000), SR_HOLD_STATE);
	assert_int_equal(ask_release(OPERATOR_1, leaf, ADA, 1000), SR_OK);
	request = next_leaf - 1;
	memcpy(hash, last_hash, sizeof(hash));
	assert_int_equal(approve(OPERATOR_1, request, hash), SR_OWN_REQUEST);
	assert_account(MAIN(ADA), 5000, 1000);
	/* settled in the meantime: there is nothing to release */
	assert_int_equal(post(TILL_A, ADA, leaf, 400), SR_OK);
	assert_int_equal(approve(OPERATOR_2, request, hash), SR_HOLD_STATE);
	assert_account(MAIN(ADA), 4600, 0);
}

static void
given_a_released_hold_when_the_post_comes_late_then_it_is_booked(void **state)
{
	uint64_t leaf = hold(ADA, TILL_A, 4000);

	(void)state;
	now_ms += BOOK_HOLD_OVERDUE_MS;
	assert_int_equal(release(leaf, ADA, 4000), SR_OK);
	assert_int_equal(effect.touched_count, 2);
	assert_account(MAIN(ADA), 5000, 0);
	assert_account(TILL(TILL_A), -7000, 0);
	assert_int_equal(
	    ask_release(OPERATOR_1, leaf, ADA, 4000), SR_HOLD_STATE);
	/* she spends it, and the till's cash goes to somebody else */
	assert_int_equal(transfer(ADA, BOB, 5000), SR_OK);
	assert_int_equal(
	    post(TILL_A, BOB, hold(BOB, TILL_A, 7000), 7000), SR_OK);
	book_account(&book, MAIN(ADA))->status = ACCOUNT_FROZEN;
	assert_int_equal(post(TILL_A, ADA, leaf, 4001), SR_AMOUNT);
	assert_int_equal(post(TILL_A, ADA, leaf, 4000), SR_OK);
	assert_true(effect.late);
	assert_true(book.late_posts == 1);
	assert_int_equal(book_late_at(&book, 0)->leaf, next_leaf - 1);
	assert_int_equal(book_late_at(&book, 0)->hold, leaf);
	assert_true(book_late_at(&book, 0)->below_floor);
	assert_account(MAIN(ADA), -4000, 0);
	assert_account(TILL(TILL_A), 4000, 0);
	assert_int_equal(post(TILL_A, ADA, leaf, 4000), SR_HOLD_STATE);
	/* below her floor she gives out nothing more */
	book_account(&book, MAIN(ADA))->status = ACCOUNT_OPEN;
	assert_int_equal(transfer(ADA, BOB, 1), SR_FUNDS);
}

static void
given_a_released_hold_when_voided_then_nothing_is_given_back_twice(void **state)
{
	uint64_t leaf = hold(ADA, TILL_A, 4000);

	(void)state;
	now_ms += BOOK_HOLD_OVERDUE_MS;
	hold(ADA, TILL_A, 500);
	assert_int_equal(release(leaf, ADA, 4000), SR_OK);
	assert_account(MAIN(ADA), 5000, 500);
	assert_int_equal(cancel(TILL_A, leaf), SR_OK);
	assert_account(MAIN(ADA), 5000, 500);
	assert_account(TILL(TILL_A), -7000, 500);
	assert_int_equal(cancel(TILL_A, leaf), SR_HOLD_STATE);
}

static void
given_a_customer_with_a_released_hold_when_made_a_till_then_declined(
    void **state)
{
	struct order_enrol enrol = {.principal = ADA,
	    .terminal = 99,
	    .epoch = 1,
	    .till_maximum_minor = 1,
	    .role = ROLE_TERMINAL};
	uint8_t bytes[ORDER_ENROL_LEN];
	struct wish wish = {.kind = ORDER_ENROL_REQUEST,
	    .signer = OPERATOR_1,
	    .attachment = bytes,
	    .attachment_len = sizeof(bytes)};
	uint64_t leaf = hold(ADA, TILL_A, 4000);

	(void)state;
	order_enrol_encode(&enrol, bytes);
	now_ms += BOOK_HOLD_OVERDUE_MS;
	assert_int_equal(release(leaf, ADA, 4000), SR_OK);
	assert_int_equal(transfer(ADA, BOB, 5000), SR_OK);
	assert_int_equal(apply(&wish), SR_PARAMETERS);
	assert_int_equal(cancel(TILL_A, leaf), SR_OK);
	assert_int_equal(apply(&wish), SR_OK);
}

static void
given_a_revoked_terminal_when_it_settles_then_only_a_release_helps(void **state)
{
	struct order_revoke revoke = {TILL_A, TILL_A};
	uint8_t bytes[ORDER_REVOKE_LEN];
	uint64_t leaf = hold(ADA, TILL_A, 4000);
	struct wish wish = hold_wish(ADA, TILL_A, 1);

	(void)state;
	order_revoke_encode(&revoke, bytes);
	assert_int_equal(apply(&(struct wish){.kind = ORDER_REVOKE,
			     .signer = OPERATOR_1,
			     .attachment = bytes,
			     .attachment_len = sizeof(bytes)}),
	    SR_OK);
	assert_int_equal(apply(&wish), SR_ACCOUNT_FROZEN);
	assert_int_equal(post(TILL_A, ADA, leaf, 4000), SR_ROLE);
	assert_int_equal(cancel(TILL_A, leaf), SR_ROLE);
	assert_account(MAIN(ADA), 5000, 4000);
	/* young, but nobody is left who could settle it */
	assert_false(book_hold_overdue(book_hold(&book, leaf), now_ms));
	assert_true(
	    book_hold_releasable(&book, book_hold(&book, leaf), now_ms));
	assert_int_equal(release(leaf, ADA, 4000), SR_OK);
	assert_account(MAIN(ADA), 5000, 0);
	/* nor post it: it does not wait for that */
	assert_null(book_hold(&book, leaf));
}

static void
given_released_holds_when_their_terminal_is_revoked_then_they_are_over(
    void **state)
{
	struct order_revoke revoke = {TILL_A, TILL_A};
	uint8_t bytes[ORDER_REVOKE_LEN];
	uint64_t first = hold(ADA, TILL_A, 1000);
	uint64_t second = hold(ADA, TILL_A, 500);
	uint64_t elsewhere;

	(void)state;
	assert_int_equal(deposit(TILL_B, BOB, 1000), SR_OK);
	elsewhere = hold(BOB, TILL_B, 100);
	now_ms += BOOK_HOLD_OVERDUE_MS;
	assert_int_equal(release(first, ADA, 1000), SR_OK);
	assert_int_equal(release(elsewhere, BOB, 100), SR_OK);
	order_revoke_encode(&revoke, bytes);
	assert_int_equal(apply(&(struct wish){.kind = ORDER_REVOKE,
			     .signer = OPERATOR_1,
			     .attachment = bytes,
			     .attachment_len = sizeof(bytes)}),
	    SR_OK);
	assert_null(book_hold(&book, first));
	assert_non_null(book_hold(&book, second));
	assert_non_null(book_hold(&book, elsewhere));
}

static void
given_many_late_posts_when_listed_then_the_last_ones_are_there(void **state)
{
	unsigned count = BOOK_LATE_MAX + 3;
	uint64_t leaves[BOOK_LATE_MAX + 3], holds[BOOK_LATE_MAX + 3];

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		holds[i] = hold(ADA, TILL_A, 2);
		/* long enough, too, for former requests to be forgotten */
		now_ms += BOOK_HOLD_OVERDUE_MS + book.policy.request_life_ms;
		assert_int_equal(release(holds[i], ADA, 2), SR_OK);
		assert_int_equal(post(TILL_A, ADA, holds[i], 1), SR_OK);
		leaves[i] = next_leaf - 1;
		assert_int_equal(book_late_count(&book),
		    i < BOOK_LATE_MAX ? i + 1 : BOOK_LATE_MAX);
	}
	assert_true(book.late_posts == count);
	for (unsigned i = 0; i < BOOK_LATE_MAX; i++) {
		const struct book_late *late = book_late_at(&book, i);

		assert_int_equal(late->leaf, leaves[i + 3]);
		assert_int_equal(late->hold, holds[i + 3]);
		assert_true(late->account == MAIN(ADA));
		assert_true(late->till == TILL(TILL_A));
		assert_true(late->amount_minor == 1);
		assert_false(late->below_floor);
	}
}

static void
given_holds_when_the_digest_is_taken_then_it_covers_them(void **state)
{
	uint8_t first[32], second[32];

	(void)state;
	hold(ADA, TILL_A, 4000);
	book_digest(&book, first);
	book.hold[0].released = true;
	book_digest(&book, second);
	assert_memory_not_equal(first, second, sizeof(first));
	book.hold[0].released = false;
	book.hold[0].time_ms++;
	book_digest(&book, second);
	assert_memory_not_equal(first, second, sizeof(first));
	book.hold[0].time_ms--;
	book.late_posts++;
	book_digest(&book, second);
	assert_memory_not_equal(first, second, sizeof(first));
	book_digest(&book, first);
	book.late[0].below_floor = true;
	book_digest(&book, second);
	assert_memory_not_equal(first, second, sizeof(first));
	book.late[0].below_floor = false;
	book_digest(&book, second);
	assert_memory_equal(first, second, sizeof(first));
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STORY(
		given_a_hold_when_posted_in_full_or_part_then_that_moves_and_it_ends),
	    STORY(given_a_hold_when_voided_then_nothing_has_moved),
	    STORY(
		given_a_hold_when_the_money_is_wanted_otherwise_then_it_is_not_there),
	    STORY(given_a_till_when_it_has_too_little_cash_then_no_hold),
	    STORY(given_holds_that_are_none_when_ordered_then_declined),
	    STORY(
		given_a_hold_when_anybody_but_its_till_settles_it_then_declined),
	    STORY(
		given_many_holds_when_settled_in_any_order_then_each_is_found),
	    STORY(given_a_hold_when_released_too_early_or_by_one_then_declined),
	    STORY(
		given_a_released_hold_when_the_post_comes_late_then_it_is_booked),
	    STORY(
		given_a_released_hold_when_voided_then_nothing_is_given_back_twice),
	    STORY(
		given_a_customer_with_a_released_hold_when_made_a_till_then_declined),
	    STORY(
		given_a_revoked_terminal_when_it_settles_then_only_a_release_helps),
	    STORY(
		given_released_holds_when_their_terminal_is_revoked_then_they_are_over),
	    STORY(
		given_many_late_posts_when_listed_then_the_last_ones_are_there),
	    STORY(given_holds_when_the_digest_is_taken_then_it_covers_them),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
