/* SPDX-License-Identifier: ISC */
/* Roles: given, taken and revoked; two operators always stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/book_stage.h"

static enum role
role_of(uint64_t customer)
{
	return (enum role)book_principal(&stage.book, customer)->role;
}

static enum sr_error
ask(uint64_t principal, enum role role, uint64_t till, int64_t maximum_minor)
{
	struct wish wish =
	    wish_role(OP_1, principal, role, till, maximum_minor);

	return stage_order(&wish);
}

static enum sr_error
revoke_role(uint64_t by, uint64_t principal)
{
	struct wish wish = wish_account(by, ORDER_ROLE_REVOKE, principal);

	return stage_order(&wish);
}

/* ---- given ------------------------------------------------------------------------- */

static void
given_a_customer_when_two_operators_agree_then_an_operator_or_auditor(
    void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(stage_role(BOB, ROLE_OPERATOR, 0, 0), SR_OK);
	assert_true(stage.effect.enrolled_principal == BOB);
	assert_true(stage.effect.revoked_principal == BOB);
	assert_int_equal(role_of(BOB), ROLE_OPERATOR);
	assert_int_equal(stage_account(MAIN(BOB))->status, ACCOUNT_CLOSED);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_ROLE);
	/* it may do what operators do */
	wish = wish_issue(BOB, MAIN(ADA), 10);
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(stage_role(CARL, ROLE_AUDITOR, 0, 0), SR_OK);
	assert_int_equal(role_of(CARL), ROLE_AUDITOR);
	for (unsigned kind = 0; kind < 64; kind++)
		assert_int_equal(authority_allows(kind, ROLE_AUDITOR),
		    kind == ORDER_CERTIFY);
	/* what they are already, and one beside it */
	assert_int_equal(ask(BOB, ROLE_OPERATOR, 0, 0), SR_ALREADY);
	assert_int_equal(ask(CARL, ROLE_AUDITOR, 0, 0), SR_ALREADY);
	assert_int_equal(ask(CARL, ROLE_OPERATOR, 0, 0), SR_PARAMETERS);
	assert_int_equal(ask(ADA, ROLE_CUSTOMER, 0, 0), SR_ALREADY);
}

static void
given_money_or_accounts_when_a_role_is_given_then_declined(void **state)
{
	(void)state;
	assert_int_equal(ask(ADA, ROLE_OPERATOR, 0, 0), SR_NOT_EMPTY);
	assert_int_equal(ask(ADA, ROLE_AUDITOR, 0, 0), SR_NOT_EMPTY);
	assert_int_equal(ask(ADA, ROLE_TELLER, 0, 500), SR_NOT_EMPTY);
	assert_int_equal(stage_open(BOB, 0, "purse"), SR_OK);
	assert_int_equal(ask(BOB, ROLE_OPERATOR, 0, 0), SR_NOT_EMPTY);
	assert_int_equal(stage_close(FURTHER(BOB, 0)), SR_OK);
	assert_int_equal(ask(BOB, ROLE_OPERATOR, 0, 0), SR_OK);
}

static void
given_money_since_the_request_when_approved_then_declined(void **state)
{
	uint8_t hash[ORDER_HASH_LEN];
	uint64_t leaf;

	(void)state;
	assert_int_equal(ask(BOB, ROLE_OPERATOR, 0, 0), SR_OK);
	leaf = stage.ordered;
	memcpy(hash, stage.hash, sizeof(hash));
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_OK);
	assert_int_equal(stage_approve(OP_2, leaf, hash), SR_NOT_EMPTY);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_OK);
	assert_int_equal(stage_approve(OP_2, leaf, hash), SR_OK);
}

static void
given_role_blocks_that_are_none_when_requested_then_declined(void **state)
{
	(void)state;
	assert_int_equal(ask(BOB, ROLE_TERMINAL, 0, 0), SR_PARAMETERS);
	assert_int_equal(ask(BOB, (enum role)0, 0, 0), SR_PARAMETERS);
	assert_int_equal(
	    ask(BOB, (enum role)(ROLE_AUDITOR + 1), 0, 0), SR_PARAMETERS);
	assert_int_equal(ask(BOB, ROLE_OPERATOR, TILL(TINA), 0), SR_PARAMETERS);
	assert_int_equal(ask(BOB, ROLE_AUDITOR, 0, 1), SR_PARAMETERS);
	assert_int_equal(ask(TINA, ROLE_CUSTOMER, 0, 1), SR_PARAMETERS);
	assert_int_equal(ask(BOB, ROLE_TELLER, 0, 0), SR_PARAMETERS);
	assert_int_equal(ask(BOB, ROLE_TELLER, 0, -1), SR_PARAMETERS);
	assert_int_equal(ask(BOB, ROLE_TELLER, TILL(TINA), 1), SR_PARAMETERS);
	assert_int_equal(ask(LOBBY, ROLE_CUSTOMER, 0, 0), SR_PARAMETERS);
	assert_int_equal(ask(4711, ROLE_OPERATOR, 0, 0), SR_NO_ACCOUNT);
	assert_int_equal(ask(BOB, ROLE_TELLER, TILL(BOB), 0), SR_NO_ACCOUNT);
	assert_int_equal(ask(BOB, ROLE_TELLER, MAIN(ADA), 0), SR_NO_ACCOUNT);
	assert_int_equal(
	    ask(BOB, ROLE_TELLER, ACCOUNT_ISSUE, 0), SR_NO_ACCOUNT);
	assert_int_equal(ask(BOB, ROLE_TELLER, TILL(LOBBY), 0), SR_OK);
}

static void
given_a_teller_when_it_is_one_no_more_then_its_own_till_is_empty_and_closed(
    void **state)
{
	uint64_t before = book_account_count(&stage.book);

	(void)state;
	assert_int_equal(stage_role(BOB, ROLE_TELLER, 0, 700), SR_OK);
	assert_true(book_account_count(&stage.book) == before + 1);
	assert_true(stage_account(TILL(BOB))->floor_minor == -700);
	assert_int_equal(stage_deposit(BOB, MAIN(ADA), 701), SR_TILL_FULL);
	assert_int_equal(stage_deposit(BOB, MAIN(ADA), 700), SR_OK);
	assert_int_equal(ask(BOB, ROLE_CUSTOMER, 0, 0), SR_NOT_EMPTY);
	assert_int_equal(stage_undo(BOB, stage.ordered - 1), SR_OK);
	assert_int_equal(stage_role(BOB, ROLE_CUSTOMER, 0, 0), SR_OK);
	assert_true(stage.effect.revoked_principal == BOB);
	assert_int_equal(role_of(BOB), ROLE_CUSTOMER);
	assert_true(book_principal(&stage.book, BOB)->till == 0);
	assert_int_equal(stage_account(TILL(BOB))->status, ACCOUNT_CLOSED);
	assert_int_equal(stage_account(MAIN(BOB))->status, ACCOUNT_OPEN);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 5), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 5), SR_OK);
	/* a till is had once; another's may be shared */
	assert_int_equal(ask(BOB, ROLE_TELLER, 0, 700), SR_ALREADY);
	assert_int_equal(
	    ask(BOB, ROLE_TELLER, TILL(BOB), 0), SR_ACCOUNT_CLOSED);
	assert_int_equal(stage_role(BOB, ROLE_TELLER, TILL(TINA), 0), SR_OK);
	assert_int_equal(stage_deposit(BOB, MAIN(ADA), 1), SR_OK);
	/* the till that is shared may be as full as it is */
	assert_int_equal(stage_role(BOB, ROLE_CUSTOMER, 0, 0), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(ADA), 1), SR_OK);
}

/* Those who share it work there no more, and its account stays closed. */
static void
given_a_till_closed_for_ever_when_used_then_declined(void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(stage_role(BOB, ROLE_TELLER, TILL(TINA), 0), SR_OK);
	assert_int_equal(stage_role(TINA, ROLE_CUSTOMER, 0, 0), SR_OK);
	assert_int_equal(stage_deposit(BOB, MAIN(ADA), 1), SR_ACCOUNT_CLOSED);
	assert_int_equal(stage_count(BOB, TILL(TINA), ORDER_TILL_COUNT, 0),
	    SR_ACCOUNT_CLOSED);
	assert_int_equal(stage_freeze(TILL(TINA)), SR_ACCOUNT_CLOSED);
	wish = wish_cash_out(OP_1, TILL(TINA), 1);
	assert_int_equal(stage_order(&wish), SR_ACCOUNT_CLOSED);
	/* nor does the revocation of whoever once had it bring it back */
	assert_int_equal(stage_role(TINA, ROLE_TELLER, TILL(TOM), 0), SR_OK);
	wish = wish_revoke(OP_1, TINA, 0);
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(stage_account(TILL(TINA))->status, ACCOUNT_CLOSED);
	assert_int_equal(stage_deposit(TOM, MAIN(ADA), 1), SR_OK);
}

static void
given_a_revoked_principal_when_a_role_is_asked_for_then_declined(void **state)
{
	struct wish wish = wish_revoke(OP_1, TINA, 0);

	(void)state;
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_true(stage.effect.revoked_principal == TINA);
	assert_int_equal(ask(TINA, ROLE_CUSTOMER, 0, 0), SR_PARAMETERS);
	assert_int_equal(ask(TINA, ROLE_OPERATOR, 0, 0), SR_PARAMETERS);
	assert_int_equal(stage_deposit(TINA, MAIN(ADA), 1), SR_ROLE);
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_COUNT, 0), SR_ROLE);
	assert_int_equal(stage_account(TILL(TINA))->status, ACCOUNT_FROZEN);
}

/* ---- two operators --------------------------------------------------------------------- */

static void
given_two_operators_when_one_is_to_go_then_declined(void **state)
{
	(void)state;
	assert_int_equal(ask(OP_2, ROLE_CUSTOMER, 0, 0), SR_LAST_OPERATORS);
	assert_int_equal(ask(OP_1, ROLE_CUSTOMER, 0, 0), SR_LAST_OPERATORS);
	assert_int_equal(revoke_role(OP_1, OP_2), SR_LAST_OPERATORS);
	assert_int_equal(revoke_role(OP_1, OP_1), SR_LAST_OPERATORS);
	/* neither an auditor nor a revoked one is a third */
	assert_int_equal(stage_role(BOB, ROLE_AUDITOR, 0, 0), SR_OK);
	assert_int_equal(revoke_role(OP_1, OP_2), SR_LAST_OPERATORS);
	assert_int_equal(stage_role(CARL, ROLE_OPERATOR, 0, 0), SR_OK);
	assert_int_equal(revoke_role(OP_1, CARL), SR_OK);
	assert_true(stage.effect.revoked_principal == CARL);
	assert_int_equal(revoke_role(OP_1, CARL), SR_ALREADY);
	assert_int_equal(revoke_role(OP_1, OP_2), SR_LAST_OPERATORS);
	assert_int_equal(ask(OP_2, ROLE_CUSTOMER, 0, 0), SR_LAST_OPERATORS);
}

/* Both requests stood when they were made. */
static void
given_three_operators_when_two_are_to_go_then_only_the_first(void **state)
{
	uint8_t hash[2][ORDER_HASH_LEN];
	uint64_t leaf[2];

	(void)state;
	assert_int_equal(stage_role(BOB, ROLE_OPERATOR, 0, 0), SR_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
		    ask(i == 0 ? OP_2 : BOB, ROLE_CUSTOMER, 0, 0), SR_OK);
		leaf[i] = stage.ordered;
		memcpy(hash[i], stage.hash, ORDER_HASH_LEN);
	}
	/* who goes may say yes to it */
	assert_int_equal(stage_approve(OP_2, leaf[0], hash[0]), SR_OK);
	assert_int_equal(role_of(OP_2), ROLE_CUSTOMER);
	assert_int_equal(stage_account(MAIN(OP_2))->status, ACCOUNT_OPEN);
	assert_int_equal(stage_approve(OP_2, leaf[1], hash[1]), SR_ROLE);
	assert_int_equal(
	    stage_approve(BOB, leaf[1], hash[1]), SR_LAST_OPERATORS);
	assert_int_equal(revoke_role(OP_1, BOB), SR_LAST_OPERATORS);
}

static void
given_those_who_are_no_operators_when_revoked_as_such_then_declined(
    void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(revoke_role(OP_1, ADA), SR_PARAMETERS);
	assert_int_equal(revoke_role(OP_1, TINA), SR_PARAMETERS);
	assert_int_equal(revoke_role(OP_1, LOBBY), SR_PARAMETERS);
	assert_int_equal(revoke_role(OP_1, 4711), SR_PARAMETERS);
	assert_int_equal(revoke_role(ADA, OP_1), SR_ROLE);
	assert_int_equal(revoke_role(TINA, OP_1), SR_ROLE);
	wish = wish_account(OP_1, ORDER_ROLE_REVOKE, OP_2);
	wish.amount_minor = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	/* and an operator not as a teller */
	wish = wish_revoke(OP_1, OP_2, 0);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = wish_revoke(OP_1, ADA, 0);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = wish_revoke(OP_1, LOBBY, 0);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	assert_int_equal(stage_role(BOB, ROLE_AUDITOR, 0, 0), SR_OK);
	assert_int_equal(revoke_role(OP_1, BOB), SR_OK);
	assert_int_equal(ask(BOB, ROLE_CUSTOMER, 0, 0), SR_PARAMETERS);
}

/* Else the way back would open what was closed for ever, or unfreeze. */
static void
given_a_main_account_that_is_not_open_when_asked_then_no_other_role(
    void **state)
{
	(void)state;
	assert_int_equal(stage_freeze(MAIN(CARL)), SR_OK);
	assert_int_equal(ask(CARL, ROLE_AUDITOR, 0, 0), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_unfreeze(MAIN(CARL)), SR_OK);
	assert_int_equal(stage_close(MAIN(CARL)), SR_OK);
	assert_int_equal(ask(CARL, ROLE_OPERATOR, 0, 0), SR_ACCOUNT_CLOSED);
	assert_int_equal(ask(CARL, ROLE_TELLER, 0, 500), SR_ACCOUNT_CLOSED);
	assert_true(stage_account(MAIN(CARL))->status == ACCOUNT_CLOSED);
}

static void
given_a_revoked_operator_when_it_orders_then_nothing_and_its_requests_are_void(
    void **state)
{
	uint8_t hash[ORDER_HASH_LEN];
	struct wish wish;
	uint64_t leaf;

	(void)state;
	assert_int_equal(stage_role(BOB, ROLE_OPERATOR, 0, 0), SR_OK);
	wish = wish_issue(BOB, MAIN(CARL), 10);
	assert_int_equal(stage_order(&wish), SR_OK);
	leaf = stage.ordered;
	memcpy(hash, stage.hash, sizeof(hash));
	assert_int_equal(revoke_role(OP_1, BOB), SR_OK);
	assert_int_equal(stage_approve(OP_2, leaf, hash), SR_NO_REQUEST);
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish = wish_issue(OP_1, MAIN(CARL), 10);
	assert_int_equal(stage_order(&wish), SR_OK);
	assert_int_equal(
	    stage_approve(BOB, stage.ordered, stage.hash), SR_ROLE);
	assert_true(stage_balance(MAIN(CARL)) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_a_customer_when_two_operators_agree_then_an_operator_or_auditor),
	    STAGE_STORY(
		given_a_main_account_that_is_not_open_when_asked_then_no_other_role),
	    STAGE_STORY(
		given_money_or_accounts_when_a_role_is_given_then_declined),
	    STAGE_STORY(
		given_money_since_the_request_when_approved_then_declined),
	    STAGE_STORY(
		given_role_blocks_that_are_none_when_requested_then_declined),
	    STAGE_STORY(
		given_a_teller_when_it_is_one_no_more_then_its_own_till_is_empty_and_closed),
	    STAGE_STORY(given_a_till_closed_for_ever_when_used_then_declined),
	    STAGE_STORY(
		given_a_revoked_principal_when_a_role_is_asked_for_then_declined),
	    STAGE_STORY(given_two_operators_when_one_is_to_go_then_declined),
	    STAGE_STORY(
		given_three_operators_when_two_are_to_go_then_only_the_first),
	    STAGE_STORY(
		given_those_who_are_no_operators_when_revoked_as_such_then_declined),
	    STAGE_STORY(
		given_a_revoked_operator_when_it_orders_then_nothing_and_its_requests_are_void),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
