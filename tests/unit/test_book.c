/* SPDX-License-Identifier: ISC */
/*
 * The ledger's rules: a small bank with two operators, two customers and two
 * tills, and each thing that must be declined, refused or answered again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/book/book.h"
#include "common/book/state.h"

enum { OPERATOR_1 = 1, OPERATOR_2, ADA, BOB, TILL_A, TILL_B, PEOPLE };

#define NOW UINT64_C(1000000)
#define MAIN(customer) account_id(customer, ACCOUNT_INDEX_MAIN)
#define TILL(customer) account_id(customer, ACCOUNT_INDEX_TILL)

struct bank {
	struct book book;
	uint64_t leaf;
	uint64_t now_ms;
	struct book_session session[PEOPLE];
	struct book_effect effect;
	uint8_t attachment[ORDER_ATTACHMENT_MAX];
	struct book_order last;
};

static struct entry_genesis
leaf_0(void)
{
	struct entry_genesis genesis = {.name_len = 4,
	    .name = "Demo",
	    .unit = {"EUR", 2},
	    .rules = entry_rules_default(BANK_CASH),
	    .operator_key = {{OPERATOR_1}, {OPERATOR_2}}};

	memset(genesis.bank_id, 0xbb, sizeof(genesis.bank_id));
	return genesis;
}

/* An order of that signer as a client would make it, with an attachment. */
static struct book_order
order_of(struct bank *bank, uint64_t signer, enum order_kind kind,
    const void *attachment, size_t len)
{
	const struct book_principal *principal =
	    book_principal(&bank->book, signer);
	struct book_order order = {
	    .order = {.kind = (uint8_t)kind,
		.unit = order_unit(2),
		.terminal = bank->session[signer].terminal,
		.signer = signer,
		.seq = principal->next_seq,
		.not_after_ms = bank->now_ms + 60000},
	    .attachment = bank->attachment,
	    .attachment_len = len};

	if (len != 0)
		memcpy(bank->attachment, attachment, len);
	memcpy(
	    order.order.session, bank->session[signer].id, ORDER_SESSION_LEN);
	memcpy(order.order.previous, principal->last_hash, ORDER_HASH_LEN);
	memset(order.order.bank, 0xbb, ORDER_BANK_LEN);
	return order;
}

static void
finish(struct book_order *order)
{
	uint8_t bytes[ORDER_LEN];

	order_attachment_hash(order->attachment, order->attachment_len,
	    order->order.attachment_hash);
	order_encode(&order->order, bytes);
	order_hash(bytes, order->hash);
}

/* Checks and applies; an error before the rules fails the test. */
static enum sr_error
book_it(struct bank *bank, struct book_order order)
{
	struct book_answer answer;

	finish(&order);
	assert_int_equal(
	    book_check(&bank->book, &bank->session[order.order.signer], &order,
		bank->now_ms, &answer),
	    BOOK_APPLY);
	bank->last = order;
	assert_int_equal(book_apply(&bank->book, &order, bank->leaf++,
			     bank->now_ms, &bank->effect),
	    SR_OK);
	assert_true(book_sum(&bank->book) == 0);
	return bank->effect.outcome;
}

/* Checks an order that must not reach the rules. */
static enum sr_error
refusal(struct bank *bank, struct book_order order)
{
	struct book_answer answer;

	finish(&order);
	assert_int_equal(
	    book_check(&bank->book, &bank->session[order.order.signer], &order,
		bank->now_ms, &answer),
	    BOOK_REFUSED);
	return answer.error;
}

static struct book_order
transfer(struct bank *bank, uint64_t from, uint64_t to, int64_t amount_minor)
{
	struct book_order order =
	    order_of(bank, from, ORDER_TRANSFER, "pizza", 5);

	order.order.debit = MAIN(from);
	order.order.credit = MAIN(to);
	order.order.amount_minor = amount_minor;
	return order;
}

static struct book_order
deposit(struct bank *bank, uint64_t till, uint64_t to, int64_t amount_minor)
{
	struct book_order order = order_of(bank, till, ORDER_DEPOSIT, NULL, 0);

	order.order.debit = TILL(till);
	order.order.credit = MAIN(to);
	order.order.amount_minor = amount_minor;
	return order;
}

static struct book_order
enrol_request(struct bank *bank, uint64_t by, uint64_t principal,
    uint32_t terminal, int64_t maximum_minor)
{
	struct order_enrol enrol = {.principal = principal,
	    .terminal = terminal,
	    .epoch = 1,
	    .till_maximum_minor = maximum_minor,
	    .role = ROLE_TERMINAL};
	uint8_t bytes[ORDER_ENROL_LEN];

	order_enrol_encode(&enrol, bytes);
	return order_of(bank, by, ORDER_ENROL_REQUEST, bytes, sizeof(bytes));
}

static struct book_order
approval(struct bank *bank, uint64_t by, uint64_t leaf, const uint8_t *hash)
{
	struct book_order order =
	    order_of(bank, by, ORDER_APPROVE, hash, ORDER_HASH_LEN);

	order.order.refers_to = leaf;
	return order;
}

static struct book_order
revocation(
    struct bank *bank, uint64_t by, uint64_t principal, uint32_t terminal)
{
	struct order_revoke revoke = {principal, terminal};
	uint8_t bytes[ORDER_REVOKE_LEN];

	order_revoke_encode(&revoke, bytes);
	return order_of(bank, by, ORDER_REVOKE, bytes, sizeof(bytes));
}

static void
enrol(struct bank *bank, uint64_t principal, uint32_t terminal)
{
	uint8_t hash[ORDER_HASH_LEN];
	uint64_t leaf = bank->leaf;

	assert_int_equal(book_it(bank, enrol_request(bank, OPERATOR_1,
					   principal, terminal, 10000)),
	    SR_OK);
	memcpy(hash, bank->last.hash, sizeof(hash));
	assert_int_equal(
	    book_it(bank, approval(bank, OPERATOR_2, leaf, hash)), SR_OK);
	assert_true(bank->effect.enrolled_principal == principal);
	assert_int_equal(bank->effect.enrolled->id, terminal);
	bank->session[principal].terminal = terminal;
}

static void
open_person(struct bank *bank, uint64_t customer)
{
	struct book_opening opening = {.customer = customer,
	    .key_epoch = 1,
	    .signing_key = {(uint8_t)customer},
	    .attestation_hash = {(uint8_t)customer}};
	struct book_account *opened;

	assert_int_equal(book_open(&bank->book, &opening, &opened), SR_OK);
	assert_true(opened->id == MAIN(customer));
	bank->session[customer].customer = customer;
	memset(bank->session[customer].id, (int)customer, ORDER_SESSION_LEN);
	bank->leaf++;
}

static int
setup(void **state)
{
	static struct bank bank;
	struct entry_genesis genesis = leaf_0();

	memset(&bank, 0, sizeof(bank));
	bank.now_ms = NOW;
	*state = &bank;
	if (book_init(&bank.book) != SR_OK ||
	    book_found(&bank.book, &genesis) != SR_OK)
		return 1;
	bank.leaf = 1;
	for (uint64_t customer = OPERATOR_1; customer < PEOPLE; customer++)
		open_person(&bank, customer);
	enrol(&bank, TILL_A, 1);
	enrol(&bank, TILL_B, 2);
	if (book_it(&bank, deposit(&bank, TILL_A, ADA, 5000)) != SR_OK)
		return 1;
	return 0;
}

static int
teardown(void **state)
{
	struct bank *bank = *state;

	book_free(&bank->book);
	return 0;
}

static int64_t
balance(struct bank *bank, uint64_t account)
{
	return book_account(&bank->book, account)->posted_minor;
}

static void
given_money_when_transferred_then_both_sides_move(void **state)
{
	struct bank *bank = *state;

	assert_true(balance(bank, MAIN(ADA)) == 5000);
	assert_true(balance(bank, TILL(TILL_A)) == -5000);
	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 1250)), SR_OK);
	assert_int_equal(bank->effect.touched_count, 2);
	assert_true(bank->effect.touched[0]->id == MAIN(ADA));
	assert_true(bank->effect.touched[1]->id == MAIN(BOB));
	assert_true(balance(bank, MAIN(ADA)) == 3750);
	assert_true(balance(bank, MAIN(BOB)) == 1250);
	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 3750)), SR_OK);
	assert_true(balance(bank, MAIN(ADA)) == 0);
}

static void
given_a_rule_broken_when_ordered_then_declined_and_the_seq_is_used(void **state)
{
	struct bank *bank = *state;
	uint64_t seq = book_principal(&bank->book, ADA)->next_seq;
	struct book_order order;

	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, 5001)), SR_FUNDS);
	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 0)), SR_AMOUNT);
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, -1)), SR_AMOUNT);
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, INT64_MIN)), SR_AMOUNT);
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, INT64_MAX)), SR_FUNDS);
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, ADA, 1)), SR_SAME_ACCOUNT);
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, 999, 1)), SR_NO_ACCOUNT);
	assert_int_equal(book_it(bank, transfer(bank, ADA, OPERATOR_1, 1)),
	    SR_ACCOUNT_CLOSED);
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, TILL_A, 1)), SR_ACCOUNT_CLOSED);
	order = transfer(bank, ADA, BOB, 1);
	order.order.debit = MAIN(BOB);
	assert_int_equal(book_it(bank, order), SR_NOT_YOURS);
	order = transfer(bank, ADA, BOB, 1);
	order.order.credit = TILL(TILL_A);
	assert_int_equal(book_it(bank, order), SR_NO_ACCOUNT);
	order = transfer(bank, ADA, BOB, 1);
	order.order.credit = ACCOUNT_ISSUE;
	assert_int_equal(book_it(bank, order), SR_NO_ACCOUNT);
	order = transfer(bank, ADA, BOB, 1);
	order.order.unit = order_unit(0);
	assert_int_equal(book_it(bank, order), SR_UNIT);
	order = order_of(bank, ADA, ORDER_TRANSFER, "a\nb", 3);
	assert_int_equal(book_it(bank, order), SR_PARAMETERS);
	assert_int_equal(
	    book_it(bank, revocation(bank, ADA, TILL_A, 1)), SR_ROLE);
	assert_true(book_principal(&bank->book, ADA)->next_seq == seq + 15);
	assert_true(balance(bank, MAIN(ADA)) == 5000);
	assert_true(balance(bank, MAIN(BOB)) == 0);
}

static void
given_held_money_when_transferred_then_it_is_not_available(void **state)
{
	struct bank *bank = *state;

	book_account(&bank->book, MAIN(ADA))->held_minor = 4000;
	assert_true(
	    book_available(book_account(&bank->book, MAIN(ADA))) == 1000);
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, 1001)), SR_FUNDS);
	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 1000)), SR_OK);
}

static void
given_a_full_account_when_credited_then_the_ceiling_holds(void **state)
{
	struct bank *bank = *state;
	struct book_account *bob = book_account(&bank->book, MAIN(BOB));

	bob->ceiling_minor = 100;
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, 101)), SR_CEILING);
	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 100)), SR_OK);
}

static void
given_a_frozen_account_when_used_then_it_takes_but_does_not_give(void **state)
{
	struct bank *bank = *state;

	book_account(&bank->book, MAIN(ADA))->status = ACCOUNT_FROZEN;
	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, 1)), SR_ACCOUNT_FROZEN);
	assert_int_equal(book_it(bank, deposit(bank, TILL_A, ADA, 1)), SR_OK);
}

static void
given_a_till_when_it_is_full_then_no_more_cash_comes_in(void **state)
{
	struct bank *bank = *state;

	assert_int_equal(
	    book_it(bank, deposit(bank, TILL_A, BOB, 5001)), SR_TILL_FULL);
	assert_int_equal(
	    book_it(bank, deposit(bank, TILL_A, BOB, 5000)), SR_OK);
	assert_int_equal(
	    book_it(bank, deposit(bank, TILL_A, BOB, 1)), SR_TILL_FULL);
}

static void
given_another_till_or_terminal_when_depositing_then_refused(void **state)
{
	struct bank *bank = *state;
	struct book_order order;

	/* till A's key, till B's account */
	order = deposit(bank, TILL_A, BOB, 1);
	order.order.debit = TILL(TILL_B);
	assert_int_equal(book_it(bank, order), SR_NOT_YOURS);
	/* till A's order names terminal 2, in a session at terminal 1 */
	order = deposit(bank, TILL_A, BOB, 1);
	order.order.terminal = 2;
	assert_int_equal(refusal(bank, order), SR_TERMINAL);
	/* till A logged in at terminal B */
	bank->session[TILL_A].terminal = 2;
	order = deposit(bank, TILL_A, BOB, 1);
	assert_int_equal(book_it(bank, order), SR_NOT_YOURS);
	bank->session[TILL_A].terminal = 1;
	/* till A's order in till B's session */
	order = deposit(bank, TILL_A, BOB, 1);
	finish(&order);
	assert_int_equal(book_check(&bank->book, &bank->session[TILL_B], &order,
			     bank->now_ms, &(struct book_answer){0}),
	    BOOK_REFUSED);
	/* a customer has no till */
	order = deposit(bank, ADA, BOB, 1);
	assert_int_equal(book_it(bank, order), SR_ROLE);
}

static void
given_an_applied_order_when_sent_again_then_the_stored_answer(void **state)
{
	struct bank *bank = *state;
	uint64_t leaf = bank->leaf;
	struct book_session later = bank->session[ADA];
	struct book_answer answer;
	struct book_order order;

	assert_int_equal(
	    book_it(bank, transfer(bank, ADA, BOB, 9999)), SR_FUNDS);
	order = bank->last;
	/* another session, long after it has expired */
	later.id[0] ^= 1;
	assert_int_equal(book_check(&bank->book, &later, &order,
			     bank->now_ms + 9999999, &answer),
	    BOOK_STORED);
	assert_true(answer.leaf == leaf);
	assert_int_equal(answer.outcome, SR_FUNDS);
	/* other bytes under the same seq */
	order.order.amount_minor = 1;
	assert_int_equal(refusal(bank, order), SR_CONFLICT);
}

static void
given_66_orders_when_looked_back_then_64_are_remembered(void **state)
{
	struct bank *bank = *state;
	struct book_order first;
	const struct book_principal *ada = book_principal(&bank->book, ADA);

	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 1)), SR_OK);
	first = bank->last;
	for (int i = 0; i < 65; i++)
		assert_int_equal(
		    book_it(bank, transfer(bank, ADA, BOB, 1)), SR_OK);
	assert_true(ada->next_seq == 67);
	assert_null(book_past(&bank->book, ada, 2));
	assert_non_null(book_past(&bank->book, ada, 3));
	assert_non_null(book_past(&bank->book, ada, 66));
	assert_null(book_past(&bank->book, ada, 67));
	assert_int_equal(refusal(bank, first), SR_SEQ);
}

static void
given_orders_out_of_place_when_checked_then_refused_unconsumed(void **state)
{
	struct bank *bank = *state;
	uint64_t seq = book_principal(&bank->book, ADA)->next_seq;
	struct book_order order;
	struct book_answer answer;

	order = transfer(bank, ADA, BOB, 1);
	order.order.seq++;
	assert_int_equal(refusal(bank, order), SR_SEQ);
	order = transfer(bank, ADA, BOB, 1);
	order.order.seq = 0;
	assert_int_equal(refusal(bank, order), SR_SEQ);
	order = transfer(bank, ADA, BOB, 1);
	order.order.previous[3] ^= 1;
	assert_int_equal(refusal(bank, order), SR_SEQ);
	order = transfer(bank, ADA, BOB, 1);
	order.order.session[0] ^= 1;
	assert_int_equal(refusal(bank, order), SR_STALE);
	order = transfer(bank, ADA, BOB, 1);
	order.order.bank[0] ^= 1;
	assert_int_equal(refusal(bank, order), SR_WRONG_BANK);
	order = transfer(bank, ADA, BOB, 1);
	order.order.not_after_ms = bank->now_ms - 1;
	assert_int_equal(refusal(bank, order), SR_EXPIRED);
	order = transfer(bank, ADA, BOB, 1);
	order.order.not_after_ms = bank->now_ms + ORDER_LIFE_MAX_MS + 1;
	assert_int_equal(refusal(bank, order), SR_NOT_AFTER);
	order = transfer(bank, ADA, BOB, 1);
	finish(&order);
	order.attachment_len--;
	assert_int_equal(book_check(&bank->book, &bank->session[ADA], &order,
			     bank->now_ms, &answer),
	    BOOK_REFUSED);
	assert_int_equal(answer.error, SR_MALFORMED);
	order.attachment_len++;
	assert_int_equal(book_check(&bank->book, &bank->session[BOB], &order,
			     bank->now_ms, &answer),
	    BOOK_REFUSED);
	assert_int_equal(answer.error, SR_NOT_ALLOWED);
	assert_true(book_principal(&bank->book, ADA)->next_seq == seq);
	/* and the rules themselves take no order out of place */
	order.order.seq++;
	assert_int_equal(
	    book_apply(&bank->book, &order, 1, 1, &bank->effect), SR_SEQ);
}

static void
given_a_reference_when_used_again_then_duplicate_unless_declined(void **state)
{
	struct bank *bank = *state;
	struct book_order order;

	order = transfer(bank, ADA, BOB, 9999);
	order.order.reference[0] = 'K';
	assert_int_equal(book_it(bank, order), SR_FUNDS);
	order = transfer(bank, ADA, BOB, 10);
	order.order.reference[0] = 'K';
	assert_int_equal(book_it(bank, order), SR_OK);
	order = transfer(bank, ADA, BOB, 10);
	order.order.reference[0] = 'K';
	assert_int_equal(book_it(bank, order), SR_DUPLICATE);
	order = transfer(bank, ADA, BOB, 10);
	order.order.reference[0] = 'L';
	assert_int_equal(book_it(bank, order), SR_OK);
	assert_true(balance(bank, MAIN(BOB)) == 20);
}

static void
given_one_operator_when_enrolling_alone_then_nothing_is_enrolled(void **state)
{
	struct bank *bank = *state;
	uint64_t leaf = bank->leaf;
	uint8_t hash[ORDER_HASH_LEN], other[ORDER_HASH_LEN] = {0};

	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, BOB, 3, 500)), SR_OK);
	memcpy(hash, bank->last.hash, sizeof(hash));
	assert_null(book_terminal(&bank->book, 3));
	assert_int_equal(book_it(bank, approval(bank, OPERATOR_1, leaf, hash)),
	    SR_OWN_REQUEST);
	assert_int_equal(
	    book_it(bank, approval(bank, ADA, leaf, hash)), SR_ROLE);
	assert_int_equal(book_it(bank, approval(bank, OPERATOR_2, leaf, other)),
	    SR_NO_REQUEST);
	assert_int_equal(
	    book_it(bank, approval(bank, OPERATOR_2, leaf + 1, hash)),
	    SR_NO_REQUEST);
	assert_null(book_terminal(&bank->book, 3));
	assert_int_equal(
	    book_it(bank, approval(bank, OPERATOR_2, leaf, hash)), SR_OK);
	assert_int_equal(book_terminal(&bank->book, 3)->epoch, 1);
	assert_int_equal(book_principal(&bank->book, BOB)->role, ROLE_TERMINAL);
	/* once only */
	assert_int_equal(
	    book_it(bank, approval(bank, OPERATOR_2, leaf, hash)), SR_ALREADY);
}

static struct book_order
auditor_request(struct bank *bank, uint64_t by, const char *name, uint8_t key)
{
	struct order_auditor auditor = {
	    .key = {key}, .name_len = (uint8_t)strlen(name)};
	uint8_t bytes[ORDER_AUDITOR_LEN];

	memcpy(auditor.name, name, auditor.name_len);
	order_auditor_encode(&auditor, bytes);
	return order_of(bank, by, ORDER_AUDITOR_REQUEST, bytes, sizeof(bytes));
}

static void
given_an_auditor_when_two_operators_agree_then_enrolled_once(void **state)
{
	struct bank *bank = *state;
	uint8_t hash[ORDER_HASH_LEN], again[ORDER_HASH_LEN], digest[2][32];
	uint64_t leaf = bank->leaf;

	assert_int_equal(
	    book_it(bank, auditor_request(bank, OPERATOR_1, "clara", 9)),
	    SR_OK);
	memcpy(hash, bank->last.hash, sizeof(hash));
	assert_int_equal(
	    book_it(bank, auditor_request(bank, OPERATOR_1, "clara", 10)),
	    SR_OK);
	memcpy(again, bank->last.hash, sizeof(again));
	assert_true(book_auditor_count(&bank->book) == 0);
	assert_int_equal(book_it(bank, approval(bank, OPERATOR_1, leaf, hash)),
	    SR_OWN_REQUEST);
	book_digest(&bank->book, digest[0]);
	assert_int_equal(
	    book_it(bank, approval(bank, OPERATOR_2, leaf, hash)), SR_OK);
	book_digest(&bank->book, digest[1]);
	assert_memory_not_equal(digest[0], digest[1], 32);
	assert_int_equal(bank->effect.touched_count, 0);
	assert_int_equal(book_auditor(&bank->book, "clara", 5)->key[0], 9);
	assert_null(book_auditor(&bank->book, "clar", 4));
	assert_non_null(book_auditor_of_key(
	    &bank->book, book_auditor_at(&bank->book, 0)->key));
	/* the other request for that name, and new ones for name or key */
	assert_int_equal(
	    book_it(bank, approval(bank, OPERATOR_2, leaf + 1, again)),
	    SR_ALREADY);
	assert_int_equal(
	    book_it(bank, auditor_request(bank, OPERATOR_1, "clara", 11)),
	    SR_ALREADY);
	assert_int_equal(
	    book_it(bank, auditor_request(bank, OPERATOR_1, "dora", 9)),
	    SR_ALREADY);
}

static void
given_bad_parameters_of_an_auditor_when_requested_then_declined(void **state)
{
	struct bank *bank = *state;
	struct book_order order = auditor_request(bank, OPERATOR_1, "No", 9);

	assert_int_equal(book_it(bank, order), SR_PARAMETERS);
	/* a key of small order: whatever is sealed to it is open to all */
	assert_int_equal(
	    book_it(bank, auditor_request(bank, OPERATOR_1, "clara", 1)),
	    SR_PARAMETERS);
	order = auditor_request(bank, OPERATOR_1, "clara", 9);
	order.order.amount_minor = 1;
	assert_int_equal(book_it(bank, order), SR_PARAMETERS);
	assert_int_equal(
	    book_it(bank, auditor_request(bank, ADA, "clara", 9)), SR_ROLE);
}

static void
given_an_old_request_when_approved_then_expired(void **state)
{
	struct bank *bank = *state;
	uint64_t leaf = bank->leaf;
	uint8_t hash[ORDER_HASH_LEN];

	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, BOB, 3, 500)), SR_OK);
	memcpy(hash, bank->last.hash, sizeof(hash));
	bank->now_ms += bank->book.policy.request_life_ms + 1;
	assert_int_equal(book_it(bank, approval(bank, OPERATOR_2, leaf, hash)),
	    SR_REQUEST_EXPIRED);
	assert_null(book_terminal(&bank->book, 3));
}

static void
given_unfit_enrolments_when_requested_then_declined(void **state)
{
	struct bank *bank = *state;

	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, BOB, 1, 500)),
	    SR_ALREADY);
	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, TILL_A, 3, 500)),
	    SR_ALREADY);
	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, OPERATOR_2, 3, 500)),
	    SR_ALREADY);
	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, 77, 3, 500)),
	    SR_NO_ACCOUNT);
	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, BOB, 3, 0)),
	    SR_PARAMETERS);
	/* somebody's money would be shut in */
	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, ADA, 3, 500)),
	    SR_PARAMETERS);
	for (unsigned i = 0; i < BOOK_REQUESTS_MAX - 2; i++)
		assert_int_equal(book_it(bank, enrol_request(bank, OPERATOR_1,
						   BOB, 100 + i, 500)),
		    SR_OK);
	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, BOB, 99, 500)),
	    SR_REQUESTS_FULL);
	/* room again when they have expired */
	bank->now_ms += bank->book.policy.request_life_ms + 1;
	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, BOB, 99, 500)),
	    SR_OK);
}

static void
given_a_terminal_when_revoked_then_its_key_orders_nothing_more(void **state)
{
	struct bank *bank = *state;

	assert_int_equal(book_it(bank, revocation(bank, OPERATOR_1, TILL_A, 2)),
	    SR_PARAMETERS);
	assert_int_equal(
	    book_it(bank, revocation(bank, OPERATOR_1, ADA, 0)), SR_PARAMETERS);
	assert_int_equal(
	    book_it(bank, revocation(bank, OPERATOR_1, TILL_A, 1)), SR_OK);
	assert_true(bank->effect.revoked_principal == TILL_A);
	assert_int_equal(bank->effect.revoked->epoch, 2);
	assert_int_equal(book_it(bank, deposit(bank, TILL_A, BOB, 1)), SR_ROLE);
	assert_int_equal(
	    book_it(bank, revocation(bank, OPERATOR_2, TILL_A, 1)), SR_ALREADY);
	assert_int_equal(book_it(bank, deposit(bank, TILL_B, BOB, 1)), SR_OK);
}

static void
given_new_keys_when_they_continue_the_old_then_they_replace_them(void **state)
{
	struct bank *bank = *state;
	struct book_opening opening = {.customer = ADA,
	    .key_epoch = 2,
	    .signing_key = {0xa2},
	    .attestation_hash = {0xa2},
	    .previous_hash = {ADA}};
	const struct book_principal *ada = book_principal(&bank->book, ADA);
	struct book_principal before = *ada;
	struct book_account *opened = NULL;
	uint64_t accounts = book_account_count(&bank->book);

	/* neither a gap nor somebody else's chain continues anything */
	opening.key_epoch = 3;
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_NOT_ALLOWED);
	opening.key_epoch = 1;
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_NOT_ALLOWED);
	opening.key_epoch = 2;
	opening.previous_hash[0] = BOB;
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_NOT_ALLOWED);
	assert_memory_equal(ada, &before, sizeof(before));
	opening.previous_hash[0] = ADA;
	assert_int_equal(book_open(&bank->book, &opening, &opened), SR_OK);
	assert_true(opened->id == MAIN(ADA));
	assert_int_equal(ada->signing_key[0], 0xa2);
	assert_int_equal(ada->key_epoch, 2);
	assert_true(ada->next_seq == before.next_seq);
	assert_memory_equal(
	    ada->last_hash, before.last_hash, sizeof(before.last_hash));
	assert_int_equal(ada->role, before.role);
	assert_true(book_account_count(&bank->book) == accounts);
	assert_int_equal(book_open(&bank->book, &opening, &opened), SR_ALREADY);
	/* the old ones do not come back */
	opening = (struct book_opening){.customer = ADA,
	    .key_epoch = 1,
	    .signing_key = {ADA},
	    .attestation_hash = {ADA}};
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_NOT_ALLOWED);
}

static void
given_attestations_when_opened_again_then_only_the_same_passes(void **state)
{
	struct bank *bank = *state;
	struct book_opening opening = {.customer = ADA,
	    .key_epoch = 1,
	    .signing_key = {ADA},
	    .attestation_hash = {ADA}};
	struct book_account *opened;
	uint64_t accounts = book_account_count(&bank->book);

	assert_int_equal(book_open(&bank->book, &opening, &opened), SR_ALREADY);
	opening.signing_key[0] ^= 1;
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_NOT_ALLOWED);
	opening.signing_key[0] ^= 1;
	opening.attestation_hash[0] ^= 1;
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_NOT_ALLOWED);
	opening.customer = CUSTOMER_BANK;
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_PARAMETERS);
	opening.customer = CUSTOMER_LIMIT;
	assert_int_equal(
	    book_open(&bank->book, &opening, &opened), SR_PARAMETERS);
	assert_true(book_account_count(&bank->book) == accounts);
	/* an operator's key makes one operator */
	opening.customer = 50;
	memset(opening.signing_key, 0, 32);
	opening.signing_key[0] = OPERATOR_1;
	assert_int_equal(book_open(&bank->book, &opening, &opened), SR_OK);
	assert_int_equal(book_principal(&bank->book, 50)->role, ROLE_CUSTOMER);
	assert_int_equal(
	    book_principal(&bank->book, OPERATOR_1)->role, ROLE_OPERATOR);
}

static void
given_the_same_history_when_replayed_then_the_same_digest(void **state)
{
	struct bank *bank = *state;
	uint8_t first[32], second[32], changed[32];
	void *again;

	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 7)), SR_OK);
	book_digest(&bank->book, first);
	teardown(state);
	assert_int_equal(setup(&again), 0);
	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 7)), SR_OK);
	book_digest(&bank->book, second);
	assert_memory_equal(first, second, 32);
	book_account(&bank->book, MAIN(ADA))->posted_minor++;
	book_digest(&bank->book, changed);
	assert_memory_not_equal(first, changed, 32);
}

/* A book as bytes, out and in again. */
struct bytes {
	uint8_t of[65536];
	size_t len;
	size_t at;
};

static enum sr_error
put(void *context, const uint8_t *from, size_t len)
{
	struct bytes *bytes = context;

	assert_true(len <= sizeof(bytes->of) - bytes->len);
	memcpy(bytes->of + bytes->len, from, len);
	bytes->len += len;
	return SR_OK;
}

static enum sr_error
take(void *context, uint8_t *to, size_t len)
{
	struct bytes *bytes = context;

	if (len > bytes->len - bytes->at)
		return SR_DAMAGED;
	memcpy(to, bytes->of + bytes->at, len);
	bytes->at += len;
	return SR_OK;
}

/* A book with a row in every table, one of them with more than 64 orders. */
static void
write_full_book(struct bank *bank, struct bytes *bytes)
{
	struct book_order hold;

	assert_int_equal(
	    book_it(bank, enrol_request(bank, OPERATOR_1, BOB, 99, 500)),
	    SR_OK);
	for (unsigned i = 0; i < BOOK_PAST + 5; i++)
		assert_int_equal(
		    book_it(bank, transfer(bank, ADA, BOB, 1)), SR_OK);
	assert_int_equal(book_it(bank, deposit(bank, TILL_A, BOB, 1)), SR_OK);
	hold = order_of(bank, ADA, ORDER_HOLD, "cash", 4);
	hold.order.terminal = 1;
	hold.order.debit = MAIN(ADA);
	hold.order.credit = TILL(TILL_A);
	hold.order.amount_minor = 7;
	bank->session[ADA].terminal = 1;
	assert_int_equal(book_it(bank, hold), SR_OK);
	bank->session[ADA].terminal = 0;
	book_account(&bank->book, MAIN(ADA))->last_frame =
	    (struct journal_position){3, 4711};
	bank->book.late_posts = BOOK_LATE_MAX + 1;
	for (unsigned i = 0; i < BOOK_LATE_MAX; i++)
		bank->book.late[(i + 1) % BOOK_LATE_MAX] =
		    (struct book_late){.leaf = 1000 + i,
			.time_ms = i,
			.hold = i,
			.account = MAIN(ADA),
			.till = TILL(TILL_A),
			.amount_minor = 1 + (int64_t)i,
			.below_floor = i % 2 == 1};
	bytes->len = bytes->at = 0;
	assert_int_equal(
	    book_state_write(&bank->book, BOOK_STATE_ALL, put, bytes), SR_OK);
}

static void
given_a_book_as_bytes_when_read_then_it_is_the_same_book(void **state)
{
	static struct bytes bytes, again;
	struct bank *bank = *state;
	uint8_t first[32], second[32];
	struct book read;

	write_full_book(bank, &bytes);
	assert_int_equal(book_init(&read), SR_OK);
	assert_int_equal(book_state_read(&read, take, &bytes), SR_OK);
	assert_int_equal(bytes.at, bytes.len);
	book_digest(&bank->book, first);
	book_digest(&read, second);
	assert_memory_equal(first, second, sizeof(first));
	assert_int_equal(
	    book_account(&read, MAIN(ADA))->last_frame.offset, 4711);
	assert_int_equal(book_late_at(&read, 0)->leaf, 1000);
	assert_int_equal(book_late_at(&read, BOOK_LATE_MAX - 1)->amount_minor,
	    BOOK_LATE_MAX);
	again.len = 0;
	assert_int_equal(
	    book_state_write(&read, BOOK_STATE_ALL, put, &again), SR_OK);
	assert_int_equal(again.len, bytes.len);
	assert_memory_equal(again.of, bytes.of, bytes.len);
	/* it goes on as the first would */
	book_free(&bank->book);
	bank->book = read;
	assert_int_equal(book_it(bank, transfer(bank, ADA, BOB, 7)), SR_OK);
	assert_int_equal(book_it(bank, deposit(bank, TILL_A, BOB, 1)), SR_OK);
}

static void
given_a_book_cut_short_or_changed_when_read_then_it_is_refused(void **state)
{
	static struct bytes bytes;
	struct bank *bank = *state;
	struct book read;
	size_t len;

	write_full_book(bank, &bytes);
	len = bytes.len;
	for (bytes.len = 0; bytes.len < len; bytes.len += 7) {
		bytes.at = 0;
		assert_int_equal(book_init(&read), SR_OK);
		assert_int_equal(
		    book_state_read(&read, take, &bytes), SR_DAMAGED);
		book_free(&read);
	}
	/* whatever byte is changed: an answer, and no crash */
	bytes.len = len;
	for (size_t i = 0; i < len; i += 3) {
		bytes.of[i] ^= 0x81;
		bytes.at = 0;
		assert_int_equal(book_init(&read), SR_OK);
		(void)book_state_read(&read, take, &bytes);
		book_free(&read);
		bytes.of[i] ^= 0x81;
	}
	/* an account that is there twice; the head has 197 bytes, a row 50 */
	memcpy(bytes.of + 197 + 50, bytes.of + 197, 50);
	bytes.at = 0;
	assert_int_equal(book_init(&read), SR_OK);
	assert_int_equal(book_state_read(&read, take, &bytes), SR_MALFORMED);
	book_free(&read);
}

static void
given_many_customers_when_opened_then_each_is_found_again(void **state)
{
	struct bank *bank = *state;
	struct book_account *first = book_account(&bank->book, MAIN(ADA));

	for (uint64_t i = 1000; i < 6000; i++) {
		struct book_opening opening = {.customer = i * 7919};
		struct book_account *opened;

		assert_int_equal(
		    book_open(&bank->book, &opening, &opened), SR_OK);
	}
	for (uint64_t i = 1000; i < 6000; i++)
		assert_true(book_principal(&bank->book, i * 7919)->customer ==
			    i * 7919);
	assert_null(book_principal(&bank->book, 999));
	/* rows never move */
	assert_ptr_equal(book_account(&bank->book, MAIN(ADA)), first);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STORY(given_money_when_transferred_then_both_sides_move),
	    STORY(
		given_a_rule_broken_when_ordered_then_declined_and_the_seq_is_used),
	    STORY(given_held_money_when_transferred_then_it_is_not_available),
	    STORY(given_a_full_account_when_credited_then_the_ceiling_holds),
	    STORY(
		given_a_frozen_account_when_used_then_it_takes_but_does_not_give),
	    STORY(given_a_till_when_it_is_full_then_no_more_cash_comes_in),
	    STORY(given_another_till_or_terminal_when_depositing_then_refused),
	    STORY(
		given_an_applied_order_when_sent_again_then_the_stored_answer),
	    STORY(given_66_orders_when_looked_back_then_64_are_remembered),
	    STORY(
		given_orders_out_of_place_when_checked_then_refused_unconsumed),
	    STORY(
		given_a_reference_when_used_again_then_duplicate_unless_declined),
	    STORY(
		given_one_operator_when_enrolling_alone_then_nothing_is_enrolled),
	    STORY(given_an_auditor_when_two_operators_agree_then_enrolled_once),
	    STORY(
		given_bad_parameters_of_an_auditor_when_requested_then_declined),
	    STORY(given_an_old_request_when_approved_then_expired),
	    STORY(given_unfit_enrolments_when_requested_then_declined),
	    STORY(
		given_a_terminal_when_revoked_then_its_key_orders_nothing_more),
	    STORY(
		given_new_keys_when_they_continue_the_old_then_they_replace_them),
	    STORY(
		given_attestations_when_opened_again_then_only_the_same_passes),
	    STORY(given_the_same_history_when_replayed_then_the_same_digest),
	    STORY(given_a_book_as_bytes_when_read_then_it_is_the_same_book),
	    STORY(
		given_a_book_cut_short_or_changed_when_read_then_it_is_refused),
	    STORY(given_many_customers_when_opened_then_each_is_found_again),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
