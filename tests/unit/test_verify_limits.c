/* SPDX-License-Identifier: ISC */
/* What strongroom-verify says of limits, order by order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/verify/audit.h"
#include "tests/lib/book_stage.h"

static struct audit audit;
static struct verify verify;
static struct audit_balance before[JOURNAL_TOUCHED_MAX];

/* Before an order that moves money between these two. */
static void
note(uint64_t debit, uint64_t credit)
{
	struct audit_entry entry = {.plain.touched_count = 2};

	entry.plain.touched[0].account = debit;
	entry.plain.touched[1].account = credit;
	audit.book = stage.book;
	audit_note_balances(&audit, &entry, before);
}

/* After it: what is said of it, were it of that kind; "" is nothing. */
static const char *
said(enum order_kind kind, uint64_t refers_to)
{
	struct order order = {.kind = (uint8_t)kind, .refers_to = refers_to};
	struct audit_entry entry = {.header.seq = stage.ordered};

	memset(&verify, 0, sizeof(verify));
	audit.book = stage.book;
	verify.audit = &audit;
	if (audit_check_limits(
		&verify, &entry, &order, &stage.effect, before)) {
		assert_int_equal(verify.why[0], '\0');
		return "";
	}
	assert_int_equal(verify.exit, VERIFY_TAMPERED);
	return verify.why;
}

static void
pay(uint64_t from, uint64_t to, int64_t amount_minor)
{
	note(MAIN(from), MAIN(to));
	assert_int_equal(
	    stage_transfer(MAIN(from), MAIN(to), amount_minor), SR_OK);
}

/* By two operators: as narrow as it gets. */
static void
limit(uint64_t account, int64_t floor_minor, int64_t ceiling_minor)
{
	struct order_limits limits = stage_limits(account);
	struct wish wish;

	limits.floor_minor = limits.soft_floor_minor = floor_minor;
	limits.ceiling_minor = ceiling_minor;
	wish = wish_limits(OP_1, ORDER_RAISE_LIMIT, &limits);
	assert_int_equal(stage_agree(&wish), SR_OK);
}

static void
given_a_balance_beyond_its_limits_when_led_back_then_nothing_is_said(
    void **state)
{
	(void)state;
	limit(MAIN(ADA), 0, 1000);
	pay(ADA, BOB, 500);
	assert_string_equal(said(ORDER_TRANSFER, 0), "");
	limit(MAIN(BOB), -300, 1000);
	pay(BOB, CARL, 700);
	assert_string_equal(said(ORDER_TRANSFER, 0), "");
	limit(MAIN(BOB), 0, 1000);
	pay(CARL, BOB, 100);
	assert_int_equal(stage_balance(MAIN(BOB)), -100);
	assert_string_equal(said(ORDER_TRANSFER, 0), "");
}

static void
given_an_order_when_it_crosses_a_limit_then_it_is_named(void **state)
{
	struct book_account *ada = stage_account(MAIN(ADA));
	struct book_account *bob = stage_account(MAIN(BOB));
	struct order_limits adas = stage_limits(MAIN(ADA));
	struct order_limits bobs = stage_limits(MAIN(BOB));

	(void)state;
	pay(ADA, BOB, 500);
	ada->floor_minor = 4501; /* as if the rules had not looked */
	assert_non_null(strstr(said(ORDER_TRANSFER, 0), "below its floor"));
	ada->floor_minor = 4500;
	assert_string_equal(said(ORDER_TRANSFER, 0), "");
	ada->held_minor = 1; /* reserved is not there to be given */
	assert_non_null(strstr(said(ORDER_TRANSFER, 0), "below its floor"));
	ada->held_minor = 0;
	bob->ceiling_minor = 499;
	assert_non_null(strstr(said(ORDER_TRANSFER, 0), "above its ceiling"));
	bob->ceiling_minor = 500;
	assert_string_equal(said(ORDER_TRANSFER, 0), "");
	/* only of a late post nothing is said */
	ada->floor_minor = 4501;
	stage.effect.late = true;
	assert_string_equal(said(ORDER_TRANSFER, 0), "");
	ada->floor_minor = adas.floor_minor;
	bob->ceiling_minor = bobs.ceiling_minor;
}

static void
given_what_goes_back_when_it_exceeds_the_ceiling_then_nothing_is_said(
    void **state)
{
	uint64_t first, second, request;
	struct wish wish;

	(void)state;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 100), SR_OK);
	first = stage.ordered;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 200), SR_OK);
	second = stage.ordered;
	limit(MAIN(ADA), 0, 1000);
	note(MAIN(BOB), MAIN(ADA));
	assert_int_equal(stage_undo(BOB, first), SR_OK);
	assert_string_equal(said(ORDER_UNDO, first), "");
	assert_non_null(strstr(said(ORDER_TRANSFER, 0), "above its ceiling"));

	wish = wish_reverse(OP_1, second);
	assert_int_equal(stage_order(&wish), SR_OK);
	request = stage.ordered;
	note(MAIN(BOB), MAIN(ADA));
	assert_int_equal(stage_approve(OP_2, request, stage.hash), SR_OK);
	assert_string_equal(said(ORDER_APPROVE, request), "");
	/* an approval of something else */
	assert_non_null(
	    strstr(said(ORDER_APPROVE, second), "above its ceiling"));
}

static void
given_a_till_when_it_holds_too_much_then_only_a_count_may_say_so(void **state)
{
	(void)state;
	note(TILL(TINA), ACCOUNT_OVER_SHORT);
	assert_int_equal(
	    stage_count(TINA, TILL(TINA), ORDER_TILL_COUNT, STAGE_MAXIMUM + 7),
	    SR_OK);
	assert_string_equal(said(ORDER_TILL_COUNT, 0), "");
	assert_non_null(strstr(said(ORDER_DEPOSIT, 0), "below its floor"));
}

static void
given_cash_that_is_reserved_when_less_is_counted_then_it_is_paid_out(
    void **state)
{
	uint64_t hold;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 100), SR_OK);
	assert_int_equal(stage_hold(MAIN(ADA), 80), SR_OK);
	hold = stage.ordered;
	assert_int_equal(
	    stage_count(LOBBY, TILL(LOBBY), ORDER_TILL_COUNT, 50), SR_OK);
	note(MAIN(ADA), TILL(LOBBY));
	assert_int_equal(stage_post(hold, MAIN(ADA), 80), SR_OK);
	assert_int_equal(stage_balance(TILL(LOBBY)), 30);
	assert_string_equal(said(ORDER_POST, hold), "");
	assert_non_null(strstr(said(ORDER_CASH_OUT, 0), "above its ceiling"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_a_balance_beyond_its_limits_when_led_back_then_nothing_is_said),
	    STAGE_STORY(
		given_an_order_when_it_crosses_a_limit_then_it_is_named),
	    STAGE_STORY(
		given_what_goes_back_when_it_exceeds_the_ceiling_then_nothing_is_said),
	    STAGE_STORY(
		given_a_till_when_it_holds_too_much_then_only_a_count_may_say_so),
	    STAGE_STORY(
		given_cash_that_is_reserved_when_less_is_counted_then_it_is_paid_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
