/* SPDX-License-Identifier: ISC */
/* Accounts of a customer: opened, used, frozen, closed, and the end of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/book_stage.h"

static enum sr_error
open_at(uint64_t customer, uint64_t account, const char *label)
{
	return stage_order(&(struct wish){.kind = ORDER_ACCOUNT_OPEN,
	    .signer = customer,
	    .credit = account,
	    .attachment = label,
	    .attachment_len = strlen(label)});
}

static enum sr_error
erase(uint64_t customer)
{
	return stage_order(
	    &(struct wish){.kind = ORDER_ERASE, .signer = customer});
}

/* ---- open -------------------------------------------------------------------- */

static void
given_a_customer_when_accounts_are_opened_then_in_the_order_of_their_numbers(
    void **state)
{
	(void)state;
	assert_int_equal(
	    open_at(ADA, FURTHER(ADA, 1), "savings"), SR_PARAMETERS);
	assert_int_equal(open_at(ADA, MAIN(ADA), "savings"), SR_PARAMETERS);
	assert_int_equal(open_at(ADA, TILL(ADA), "savings"), SR_PARAMETERS);
	assert_int_equal(
	    open_at(ADA, FURTHER(BOB, 0), "savings"), SR_PARAMETERS);
	assert_int_equal(open_at(ADA, 0, "savings"), SR_PARAMETERS);
	assert_int_equal(open_at(ADA, FURTHER(ADA, 0), "savings"), SR_OK);
	assert_int_equal(stage.effect.touched_count, 1);
	assert_true(stage.effect.touched[0]->id == FURTHER(ADA, 0));
	assert_int_equal(
	    open_at(ADA, FURTHER(ADA, 0), "holiday"), SR_PARAMETERS);
	assert_int_equal(open_at(ADA, FURTHER(ADA, 1), "holiday"), SR_OK);
	assert_ptr_equal(book_labelled(&stage.book, ADA, "holiday", 7),
	    stage_account(FURTHER(ADA, 1)));
	assert_null(book_labelled(&stage.book, ADA, "holida", 6));
	assert_null(book_labelled(&stage.book, BOB, "holiday", 7));
}

static void
given_an_opening_that_says_more_than_a_number_when_ordered_then_declined(
    void **state)
{
	struct wish wish = {.kind = ORDER_ACCOUNT_OPEN,
	    .signer = ADA,
	    .credit = FURTHER(ADA, 0),
	    .attachment = "savings",
	    .attachment_len = 7};

	(void)state;
	wish.amount_minor = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.amount_minor = 0;
	wish.debit = MAIN(ADA);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.debit = 0;
	wish.refers_to = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.refers_to = 0;
	wish.signer = TINA;
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish.signer = OP_1;
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish.signer = ADA;
	assert_int_equal(stage_order(&wish), SR_OK);
}

static void
given_labels_when_accounts_are_opened_then_each_is_plain_and_alone(void **state)
{
	static const char *const bad[] = {"", "main", "Savings", "9lives", "-a",
	    "a b", "a/b", "seventeen-letters", "caf\xc3\xa9"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stage_open(ADA, 0, bad[i]), SR_PARAMETERS);
	assert_int_equal(stage_open(ADA, 0, "sixteen-letters."), SR_OK);
	assert_int_equal(stage_open(ADA, 1, "sixteen-letters."), SR_ALREADY);
	assert_int_equal(stage_open(ADA, 1, "a"), SR_OK);
	assert_int_equal(stage_open(ADA, 2, "mains"), SR_OK);
	assert_int_equal(stage_open(ADA, 3, "a_0.-"), SR_OK);
	/* somebody else's labels are its own */
	assert_int_equal(stage_open(BOB, 0, "a"), SR_OK);
	/* and a closed account's is free again, its number is not */
	assert_int_equal(stage_close(FURTHER(ADA, 1)), SR_OK);
	assert_int_equal(stage_open(ADA, 1, "a"), SR_PARAMETERS);
	assert_int_equal(stage_open(ADA, 4, "a"), SR_OK);
}

static void
given_eight_open_accounts_when_another_is_opened_then_declined(void **state)
{
	char label[2] = {'a', 0};

	(void)state;
	for (unsigned n = 0; n < BOOK_ACCOUNTS_EACH - 1; n++, label[0]++)
		assert_int_equal(stage_open(ADA, n, label), SR_OK);
	assert_int_equal(stage_open(ADA, 7, label), SR_ACCOUNTS_FULL);
	assert_int_equal(stage_close(FURTHER(ADA, 3)), SR_OK);
	assert_int_equal(stage_open(ADA, 7, label), SR_OK);
	assert_int_equal(stage_open(ADA, 8, "z"), SR_ACCOUNTS_FULL);
}

static void
given_99_numbers_used_when_another_is_opened_then_declined(void **state)
{
	(void)state;
	for (unsigned n = 0; ACCOUNT_INDEX_FURTHER + n <= BOOK_INDEX_MAX; n++) {
		assert_int_equal(stage_open(ADA, n, "purse"), SR_OK);
		assert_int_equal(stage_close(FURTHER(ADA, n)), SR_OK);
	}
	assert_null(book_account(&stage.book, account_id(ADA, 100)));
	assert_int_equal(stage_open(ADA, 98, "purse"), SR_ACCOUNTS_FULL);
}

static void
given_mutual_credit_when_a_further_account_is_opened_then_without_credit(
    void **state)
{
	const struct book_account *further;

	(void)state;
	stage_begin(BANK_MUTUAL_CREDIT, -700);
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	further = stage_account(FURTHER(ADA, 0));
	assert_true(further->floor_minor == 0);
	assert_true(further->soft_floor_minor == 0);
	assert_true(further->ceiling_minor == INT64_MAX);
	assert_true(further->day_limit_minor == INT64_MAX);
	assert_int_equal(
	    stage_transfer(FURTHER(ADA, 0), MAIN(BOB), 1), SR_FUNDS);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 701), SR_FUNDS);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 700), SR_OK);
}

static void
given_a_policy_when_a_further_account_is_opened_then_its_limits_are_those(
    void **state)
{
	struct order_policy policy = stage.book.policy;
	const struct book_account *further;
	struct wish wish;

	(void)state;
	policy.customer = (struct order_limits){0, -50, -20, 9000, 300};
	wish = wish_policy(OP_1, &policy);
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	further = stage_account(FURTHER(ADA, 0));
	assert_true(further->floor_minor == 0);
	assert_true(further->soft_floor_minor == 0);
	assert_true(further->ceiling_minor == 9000);
	assert_true(further->day_limit_minor == 300);
	/* those that were there keep what they had */
	assert_true(stage_account(MAIN(ADA))->day_limit_minor == INT64_MAX);
	assert_true(stage_account(MAIN(ADA))->floor_minor == 0);
}

static void
given_a_main_account_not_open_when_another_is_opened_then_declined(void **state)
{
	(void)state;
	assert_int_equal(stage_freeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_unfreeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	assert_int_equal(stage_close(MAIN(BOB)), SR_OK);
	assert_int_equal(stage_open(BOB, 0, "purse"), SR_ACCOUNT_CLOSED);
}

/* ---- use --------------------------------------------------------------------- */

static void
given_further_accounts_when_used_then_only_by_their_owner(void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), FURTHER(ADA, 0), 1000), SR_OK);
	assert_int_equal(stage_transfer(FURTHER(ADA, 0), FURTHER(ADA, 0), 1),
	    SR_SAME_ACCOUNT);
	assert_int_equal(
	    stage_transfer(FURTHER(ADA, 0), MAIN(BOB), 1001), SR_FUNDS);
	assert_int_equal(
	    stage_transfer(FURTHER(ADA, 0), MAIN(BOB), 400), SR_OK);
	assert_int_equal(
	    stage_transfer(MAIN(BOB), FURTHER(ADA, 0), 100), SR_OK);
	assert_int_equal(stage_deposit(TINA, FURTHER(ADA, 0), 50), SR_OK);
	assert_true(stage_balance(FURTHER(ADA, 0)) == 750);
	wish = (struct wish){.kind = ORDER_TRANSFER,
	    .signer = BOB,
	    .debit = FURTHER(ADA, 0),
	    .credit = MAIN(BOB),
	    .amount_minor = 1};
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish.debit = ACCOUNT_ISSUE;
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish.debit = TILL(TINA);
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish.debit = FURTHER(BOB, 0);
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	/* cash, too */
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 1000), SR_OK);
	assert_int_equal(stage_hold(FURTHER(ADA, 0), 751), SR_FUNDS);
	assert_int_equal(stage_hold(FURTHER(ADA, 0), 750), SR_OK);
	assert_int_equal(
	    stage_post(stage.ordered, FURTHER(ADA, 0), 750), SR_OK);
	assert_true(stage_balance(FURTHER(ADA, 0)) == 0);
}

/* ---- close and erase ------------------------------------------------------------ */

static void
given_anything_left_when_an_account_is_closed_then_declined(void **state)
{
	uint64_t hold;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 100), SR_OK);
	assert_int_equal(stage_open(BOB, 0, "purse"), SR_OK);
	assert_int_equal(stage_close(MAIN(BOB)), SR_NOT_EMPTY);
	assert_int_equal(
	    stage_transfer(MAIN(BOB), FURTHER(BOB, 0), 100), SR_OK);
	/* the main one is empty, and the last to go */
	assert_int_equal(stage_close(MAIN(BOB)), SR_NOT_EMPTY);
	assert_int_equal(stage_close(FURTHER(BOB, 0)), SR_NOT_EMPTY);
	assert_int_equal(stage_hold(FURTHER(BOB, 0), 100), SR_OK);
	hold = stage.ordered;
	assert_int_equal(stage_close(FURTHER(BOB, 0)), SR_NOT_EMPTY);
	assert_int_equal(stage_post(hold, FURTHER(BOB, 0), 100), SR_OK);
	assert_int_equal(stage_close(FURTHER(BOB, 0)), SR_OK);
	assert_int_equal(stage_close(FURTHER(BOB, 0)), SR_ALREADY);
	assert_int_equal(stage_close(MAIN(BOB)), SR_OK);
	assert_int_equal(stage_close(MAIN(BOB)), SR_ALREADY);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), FURTHER(BOB, 0), 1), SR_ACCOUNT_CLOSED);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_ACCOUNT_CLOSED);
	assert_int_equal(
	    stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_ACCOUNT_CLOSED);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_ACCOUNT_CLOSED);
}

/* Cash that may still be out: its post would come to a closed account. */
static void
given_a_released_hold_when_its_account_is_closed_then_declined(void **state)
{
	struct order_release release = {MAIN(BOB), 100};
	uint8_t block[ORDER_RELEASE_LEN];
	struct wish wish = {.kind = ORDER_RELEASE_REQUEST,
	    .signer = OP_1,
	    .attachment = block,
	    .attachment_len = sizeof(block)};

	(void)state;
	order_release_encode(&release, block);
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 100), SR_OK);
	assert_int_equal(stage_hold(MAIN(BOB), 100), SR_OK);
	wish.refers_to = stage.ordered;
	stage.now_ms += BOOK_HOLD_OVERDUE_MS;
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 100), SR_OK);
	assert_true(stage_account(MAIN(BOB))->held_minor == 0);
	assert_int_equal(stage_close(MAIN(BOB)), SR_NOT_EMPTY);
	assert_int_equal(stage_void(wish.refers_to), SR_OK);
	assert_int_equal(stage_close(MAIN(BOB)), SR_OK);
}

static void
given_somebody_elses_or_no_account_when_closed_then_declined(void **state)
{
	struct wish wish = wish_account(BOB, ORDER_CLOSE, MAIN(CARL));

	(void)state;
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish = wish_account(BOB, ORDER_CLOSE, FURTHER(BOB, 0));
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish = wish_account(BOB, ORDER_CLOSE, TILL(TINA));
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish = wish_account(BOB, ORDER_CLOSE, ACCOUNT_ISSUE);
	assert_int_equal(stage_order(&wish), SR_NOT_YOURS);
	wish = wish_account(OP_1, ORDER_CLOSE, MAIN(BOB));
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish = wish_account(BOB, ORDER_CLOSE, MAIN(BOB));
	wish.amount_minor = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish.amount_minor = 0;
	stage.block[15] = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	/* one that is frozen stays where it is looked at */
	assert_int_equal(stage_freeze(MAIN(BOB)), SR_OK);
	assert_int_equal(stage_close(MAIN(BOB)), SR_ACCOUNT_FROZEN);
}

static void
given_all_closed_when_erased_then_the_principal_orders_nothing_more(
    void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(erase(BOB), SR_NOT_EMPTY);
	assert_int_equal(stage_open(BOB, 0, "purse"), SR_OK);
	assert_int_equal(stage_close(FURTHER(BOB, 0)), SR_OK);
	assert_int_equal(erase(BOB), SR_NOT_EMPTY);
	assert_int_equal(stage_close(MAIN(BOB)), SR_OK);
	assert_int_equal(erase(OP_1), SR_ROLE);
	assert_int_equal(erase(TINA), SR_ROLE);
	wish = (struct wish){
	    .kind = ORDER_ERASE, .signer = BOB, .credit = MAIN(BOB)};
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	assert_int_equal(erase(BOB), SR_OK);
	assert_true(stage.effect.erased_principal == BOB);
	assert_true(stage.effect.revoked_principal == BOB);
	assert_int_equal(erase(BOB), SR_ROLE);
	assert_int_equal(stage_open(BOB, 1, "again"), SR_ROLE);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_ROLE);
	/* nobody brings it back */
	wish = wish_role(OP_1, BOB, ROLE_OPERATOR, 0, 0);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = wish_role(OP_1, BOB, ROLE_CUSTOMER, 0, 0);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = wish_enrol(OP_1, BOB, 77, 100);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
}

/* ---- frozen ------------------------------------------------------------------------ */

static void
given_a_frozen_account_when_used_then_it_takes_and_gives_nothing_out(
    void **state)
{
	uint64_t paid;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 500), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 10), SR_OK);
	paid = stage.ordered;
	assert_int_equal(stage_freeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_freeze(MAIN(ADA)), SR_ALREADY);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_hold(MAIN(ADA), 1), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_undo(ADA, paid), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(ADA), 1), SR_OK);
	/* one operator shuts, two open */
	assert_int_equal(stage_unfreeze(MAIN(ADA)), SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_OK);
}

static void
given_accounts_that_cannot_be_frozen_when_ordered_then_declined(void **state)
{
	struct wish wish;

	(void)state;
	assert_int_equal(stage_freeze(ACCOUNT_ISSUE), SR_PARAMETERS);
	assert_int_equal(stage_freeze(ACCOUNT_OVER_SHORT), SR_PARAMETERS);
	assert_int_equal(stage_freeze(FURTHER(ADA, 0)), SR_NO_ACCOUNT);
	assert_int_equal(stage_close(MAIN(BOB)), SR_OK);
	assert_int_equal(stage_freeze(MAIN(BOB)), SR_ACCOUNT_CLOSED);
	wish = wish_account(OP_1, ORDER_UNFREEZE, MAIN(ADA));
	assert_int_equal(stage_order(&wish), SR_ALREADY);
	wish = wish_account(OP_1, ORDER_UNFREEZE, MAIN(BOB));
	assert_int_equal(stage_order(&wish), SR_ACCOUNT_CLOSED);
	wish = wish_account(ADA, ORDER_FREEZE, MAIN(ADA));
	assert_int_equal(stage_order(&wish), SR_ROLE);
	wish = wish_account(OP_1, ORDER_FREEZE, MAIN(ADA));
	wish.credit = MAIN(ADA);
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
}

static void
given_a_frozen_till_when_used_then_no_cash_moves_but_what_is_out(void **state)
{
	uint64_t deposit, hold;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 500), SR_OK);
	deposit = stage.ordered;
	assert_int_equal(stage_hold(MAIN(BOB), 100), SR_OK);
	hold = stage.ordered;
	assert_int_equal(stage_freeze(TILL(LOBBY)), SR_OK);
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 1), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_undo(LOBBY, deposit), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_hold(MAIN(BOB), 1), SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_count(LOBBY, TILL(LOBBY), ORDER_TILL_COUNT, 500),
	    SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_count(LOBBY, TILL(LOBBY), ORDER_TILL_CLOSE, 500),
	    SR_ACCOUNT_FROZEN);
	assert_int_equal(stage_post(hold, MAIN(BOB), 100), SR_OK);
	assert_int_equal(stage_unfreeze(TILL(LOBBY)), SR_OK);
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 1), SR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_a_customer_when_accounts_are_opened_then_in_the_order_of_their_numbers),
	    STAGE_STORY(
		given_an_opening_that_says_more_than_a_number_when_ordered_then_declined),
	    STAGE_STORY(
		given_labels_when_accounts_are_opened_then_each_is_plain_and_alone),
	    STAGE_STORY(
		given_eight_open_accounts_when_another_is_opened_then_declined),
	    STAGE_STORY(
		given_99_numbers_used_when_another_is_opened_then_declined),
	    cmocka_unit_test_teardown(
		given_mutual_credit_when_a_further_account_is_opened_then_without_credit,
		stage_teardown),
	    STAGE_STORY(
		given_a_policy_when_a_further_account_is_opened_then_its_limits_are_those),
	    STAGE_STORY(
		given_a_main_account_not_open_when_another_is_opened_then_declined),
	    STAGE_STORY(
		given_further_accounts_when_used_then_only_by_their_owner),
	    STAGE_STORY(
		given_anything_left_when_an_account_is_closed_then_declined),
	    STAGE_STORY(
		given_a_released_hold_when_its_account_is_closed_then_declined),
	    STAGE_STORY(
		given_somebody_elses_or_no_account_when_closed_then_declined),
	    STAGE_STORY(
		given_all_closed_when_erased_then_the_principal_orders_nothing_more),
	    STAGE_STORY(
		given_a_frozen_account_when_used_then_it_takes_and_gives_nothing_out),
	    STAGE_STORY(
		given_accounts_that_cannot_be_frozen_when_ordered_then_declined),
	    STAGE_STORY(
		given_a_frozen_till_when_used_then_no_cash_moves_but_what_is_out),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
