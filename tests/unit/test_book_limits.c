/* SPDX-License-Identifier: ISC */
/* Limits: of accounts, of 24 hours, and the policy that accounts begin with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/book_stage.h"

/* ---- floors and ceilings ---------------------------------------------------------- */

static enum sr_error
lower(const struct order_limits *limits)
{
	struct wish wish = wish_limits(OP_1, ORDER_LOWER_LIMIT, limits);

	return stage_order(&wish);
}

static enum sr_error
raise(const struct order_limits *limits)
{
	struct wish wish = wish_limits(OP_1, ORDER_RAISE_LIMIT, limits);

	return stage_agree(&wish);
}

/* A day's limit of ADA's main account, set by one operator. */
static void
limit_ada(int64_t day_limit_minor)
{
	struct order_limits limits = stage_limits(MAIN(ADA));

	limits.day_limit_minor = day_limit_minor;
	assert_int_equal(lower(&limits), SR_OK);
}

static void
given_limits_when_one_operator_lowers_them_then_no_wider_in_any_way(
    void **state)
{
	const struct order_limits wide = {MAIN(ADA), -100, -50, 6000, 700};
	struct order_limits limits;

	(void)state;
	assert_int_equal(raise(&wide), SR_OK);
	limits = wide;
	limits.floor_minor--;
	assert_int_equal(lower(&limits), SR_NOT_LOWER);
	limits = wide;
	limits.ceiling_minor++;
	assert_int_equal(lower(&limits), SR_NOT_LOWER);
	limits = wide;
	limits.day_limit_minor++;
	assert_int_equal(lower(&limits), SR_NOT_LOWER);
	/* one narrower, another wider */
	limits = wide;
	limits.floor_minor++;
	limits.day_limit_minor = INT64_MAX;
	assert_int_equal(lower(&limits), SR_NOT_LOWER);
	limits = wide;
	assert_int_equal(lower(&limits), SR_OK);
	limits = (struct order_limits){MAIN(ADA), -99, -99, 5999, 699};
	assert_int_equal(lower(&limits), SR_OK);
	/* the warning is nobody's money */
	limits.soft_floor_minor = 5999;
	assert_int_equal(lower(&limits), SR_OK);
	limits.soft_floor_minor = -99;
	assert_int_equal(lower(&limits), SR_OK);
	assert_int_equal(lower(&wide), SR_NOT_LOWER);
	assert_int_equal(raise(&wide), SR_OK);
	assert_true(stage_account(MAIN(ADA))->floor_minor == -100);
	assert_true(stage_account(MAIN(ADA))->soft_floor_minor == -50);
	assert_true(stage_account(MAIN(ADA))->ceiling_minor == 6000);
	assert_true(stage_account(MAIN(ADA))->day_limit_minor == 700);
}

static void
given_limits_that_are_none_when_ordered_then_declined(void **state)
{
	const struct order_limits bad[] = {
	    {MAIN(ADA), 1, 1, 10, 0},           /* a floor above zero */
	    {MAIN(ADA), -10, -10, -1, 0},       /* a ceiling below it */
	    {MAIN(ADA), -10, -11, 10, 0},       /* warned beyond the floor */
	    {MAIN(ADA), -10, 11, 10, 0},        /* or above the ceiling */
	    {MAIN(ADA), -10, 0, 10, -1},        /* less than nothing a day */
	    {MAIN(ADA), INT64_MIN, 0, 10, 0},   /* has no opposite */
	    {ACCOUNT_ISSUE, 0, 0, 10, 0},       /* the bank's own */
	    {ACCOUNT_OVER_SHORT, 0, 0, 10, 0},  /* likewise */
	    {TILL(TINA), -1, -1, 1, INT64_MAX}, /* a till owes nobody */
	    {TILL(TINA), -2, -1, 0, INT64_MAX}, /* nobody is warned */
	    {TILL(TINA), -1, -1, 0, 5},         /* no day's limit */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wish wish =
		    wish_limits(OP_1, ORDER_RAISE_LIMIT, &bad[i]);

		assert_int_equal(stage_order(&wish), SR_PARAMETERS);
		wish.kind = ORDER_LOWER_LIMIT;
		assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	}
	assert_int_equal(
	    lower(&(struct order_limits){FURTHER(ADA, 0), 0, 0, 1, 0}),
	    SR_NO_ACCOUNT);
	assert_int_equal(stage_close(MAIN(BOB)), SR_OK);
	assert_int_equal(lower(&(struct order_limits){MAIN(BOB), 0, 0, 1, 0}),
	    SR_ACCOUNT_CLOSED);
	/* the narrowest and the widest there are */
	assert_int_equal(raise(&(struct order_limits){MAIN(ADA), -INT64_MAX,
			     -INT64_MAX, INT64_MAX, INT64_MAX}),
	    SR_OK);
	assert_int_equal(
	    lower(&(struct order_limits){MAIN(ADA), 0, 0, 0, 0}), SR_OK);
}

static void
given_a_floor_when_raised_then_so_much_credit_and_not_more(void **state)
{
	(void)state;
	assert_int_equal(raise(&(struct order_limits){
			     MAIN(ADA), -100, -20, INT64_MAX, INT64_MAX}),
	    SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 5101), SR_FUNDS);
	/* below the soft floor it is only warned */
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 5100), SR_OK);
	assert_true(stage_balance(MAIN(ADA)) == -100);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_FUNDS);
}

/* Nothing more goes that way; what leads back is never blocked. */
static void
given_limits_that_the_balance_breaks_when_set_then_only_the_way_back_is_open(
    void **state)
{
	(void)state;
	assert_int_equal(raise(&(struct order_limits){
			     MAIN(ADA), -100, -100, INT64_MAX, INT64_MAX}),
	    SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 5100), SR_OK);
	assert_int_equal(
	    lower(&(struct order_limits){MAIN(ADA), 0, 0, 0, INT64_MAX}),
	    SR_OK);
	assert_int_equal(
	    lower(&(struct order_limits){MAIN(BOB), 0, 0, 40, INT64_MAX}),
	    SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(CARL), 1), SR_FUNDS);
	assert_true(book_available(stage_account(MAIN(ADA))) == 0);
	/* bob has too much: no more comes in, and all may go */
	assert_int_equal(stage_issue(MAIN(CARL), 10), SR_OK);
	assert_int_equal(stage_transfer(MAIN(CARL), MAIN(BOB), 1), SR_CEILING);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(CARL), 1), SR_OK);
	/* ada's debt is paid down to zero, and not a unit beyond her ceiling */
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 101), SR_CEILING);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 60), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 40), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 1), SR_CEILING);
}

static void
given_a_till_when_its_maximum_is_lowered_then_less_cash_comes_in(void **state)
{
	struct order_limits limits = stage_limits(TILL(TINA));

	(void)state;
	limits.floor_minor = limits.soft_floor_minor = -STAGE_MAXIMUM - 1;
	assert_int_equal(lower(&limits), SR_NOT_LOWER);
	limits.floor_minor = limits.soft_floor_minor = -300;
	assert_int_equal(lower(&limits), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 301), SR_TILL_FULL);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 300), SR_OK);
	limits.floor_minor = limits.soft_floor_minor = -301;
	assert_int_equal(lower(&limits), SR_NOT_LOWER);
	assert_int_equal(raise(&limits), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(BOB), 1), SR_TILL_FULL);
}

/* ---- 24 hours --------------------------------------------------------------------- */

static int64_t
left(void)
{
	return book_day_left(
	    &stage.book, stage_account(MAIN(ADA)), stage.now_ms);
}

static void
given_a_days_limit_when_money_leaves_then_up_to_it_and_no_more(void **state)
{
	(void)state;
	assert_true(left() == INT64_MAX);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 70), SR_OK);
	limit_ada(100);
	/* counting begins with the limit */
	assert_true(left() == 100);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 101), SR_LIMIT);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 60), SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 41), SR_LIMIT);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 40), SR_OK);
	assert_true(left() == 0);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_LIMIT);
	/* what comes in is not limited and gives nothing back */
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 50), SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_LIMIT);
	/* a limit of nothing */
	limit_ada(0);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_LIMIT);
}

/* The hour of an order and the 24 before it, whatever the minute. */
static void
given_a_days_limit_when_hours_go_by_then_each_hour_comes_back_after_24(
    void **state)
{
	const uint64_t begin_ms = stage.now_ms;

	(void)state;
	limit_ada(100);
	stage.now_ms = begin_ms + STAGE_HOUR_MS - 1;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 60), SR_OK);
	stage.now_ms = begin_ms + 5 * STAGE_HOUR_MS;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 30), SR_OK);
	stage.now_ms = begin_ms + 25 * STAGE_HOUR_MS - 1;
	assert_true(left() == 10);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 11), SR_LIMIT);
	stage.now_ms++;
	assert_true(left() == 70);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 71), SR_LIMIT);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 70), SR_OK);
	stage.now_ms = begin_ms + 30 * STAGE_HOUR_MS - 1;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_LIMIT);
	stage.now_ms++;
	assert_true(left() == 30);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 30), SR_OK);
	/* years later */
	stage.now_ms += 24 * 365 * 3 * STAGE_HOUR_MS;
	assert_true(left() == 100);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 100), SR_OK);
	assert_true(left() == 0);
}

/* One unit an hour through a week: never more than the limit in 25 hours. */
static void
given_a_days_limit_when_something_leaves_each_hour_then_it_always_holds(
    void **state)
{
	int64_t went[200] = {0};

	(void)state;
	limit_ada(50);
	for (unsigned hour = 0; hour < 200; hour++) {
		int64_t in_window = 0;

		for (int64_t amount = 7; amount > 0; amount -= 2)
			if (stage_transfer(MAIN(ADA), MAIN(BOB), amount) ==
			    SR_OK)
				went[hour] += amount;
		for (unsigned i = hour < 24 ? 0 : hour - 24; i <= hour; i++)
			in_window += went[i];
		assert_true(in_window <= 50);
		assert_true(left() == 50 - in_window);
		stage.now_ms += STAGE_HOUR_MS;
	}
	assert_true(stage_balance(MAIN(BOB)) >= 50 * 7);
}

static void
given_a_days_limit_when_own_accounts_are_paid_then_it_does_not_count(
    void **state)
{
	(void)state;
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	limit_ada(10);
	assert_int_equal(stage_transfer(MAIN(ADA), FURTHER(ADA, 0), 11), SR_OK);
	assert_true(left() == 10);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), FURTHER(BOB, 0), 1), SR_NO_ACCOUNT);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 11), SR_LIMIT);
}

static void
given_a_days_limit_when_cash_is_held_then_it_counts_until_it_is_not_out(
    void **state)
{
	uint64_t first_ms = stage.now_ms, hold;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 5000), SR_OK);
	limit_ada(100);
	assert_int_equal(stage_hold(MAIN(ADA), 101), SR_LIMIT);
	assert_int_equal(stage_hold(MAIN(ADA), 80), SR_OK);
	hold = stage.ordered;
	assert_true(left() == 20);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 21), SR_LIMIT);
	/* a part was paid out: the rest comes back */
	assert_int_equal(stage_post(hold, MAIN(ADA), 50), SR_OK);
	assert_true(left() == 50);
	assert_int_equal(stage_hold(MAIN(ADA), 50), SR_OK);
	hold = stage.ordered;
	assert_true(left() == 0);
	assert_int_equal(stage_void(hold), SR_OK);
	assert_true(left() == 50);
	/* to the hour of the hold, not to the present one */
	stage.now_ms = first_ms + STAGE_HOUR_MS;
	assert_int_equal(stage_hold(MAIN(ADA), 50), SR_OK);
	hold = stage.ordered;
	stage.now_ms = first_ms + 25 * STAGE_HOUR_MS;
	assert_true(left() == 50);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 50), SR_OK);
	assert_int_equal(stage_void(hold), SR_OK);
	assert_true(left() == 50);
	/* and one whose hour is over gives nothing back */
	assert_int_equal(stage_hold(MAIN(ADA), 50), SR_OK);
	hold = stage.ordered;
	stage.now_ms += 25 * STAGE_HOUR_MS;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 90), SR_OK);
	assert_int_equal(stage_void(hold), SR_OK);
	assert_true(left() == 10);
}

/* Who opens many accounts has one limit all the same. */
static void
given_a_days_limit_when_money_leaves_by_further_accounts_then_it_counts_once(
    void **state)
{
	const struct book_account *purse;
	uint64_t hold;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 5000), SR_OK);
	assert_int_equal(stage_open(ADA, 0, "purse"), SR_OK);
	purse = stage_account(FURTHER(ADA, 0));
	assert_int_equal(
	    stage_transfer(MAIN(ADA), FURTHER(ADA, 0), 300), SR_OK);
	limit_ada(100);
	assert_true(book_day_left(&stage.book, purse, stage.now_ms) == 100);
	assert_int_equal(
	    stage_transfer(FURTHER(ADA, 0), MAIN(BOB), 101), SR_LIMIT);
	assert_int_equal(stage_transfer(FURTHER(ADA, 0), MAIN(BOB), 60), SR_OK);
	assert_true(left() == 40);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 41), SR_LIMIT);
	assert_int_equal(stage_open(ADA, 1, "another"), SR_OK);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), FURTHER(ADA, 1), 100), SR_OK);
	assert_int_equal(
	    stage_transfer(FURTHER(ADA, 1), MAIN(BOB), 41), SR_LIMIT);
	/* a hold counts there, too, and comes back there */
	assert_int_equal(stage_hold(FURTHER(ADA, 1), 40), SR_OK);
	hold = stage.ordered;
	assert_true(left() == 0);
	assert_int_equal(stage_void(hold), SR_OK);
	assert_true(left() == 40);
	/* her own do not count */
	assert_int_equal(
	    stage_transfer(FURTHER(ADA, 1), MAIN(ADA), 100), SR_OK);
	assert_true(left() == 40);
}

static void
given_a_hold_from_before_the_limit_when_voided_then_nothing_comes_back(
    void **state)
{
	uint64_t hold;

	(void)state;
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 5000), SR_OK);
	assert_int_equal(stage_hold(MAIN(ADA), 60), SR_OK);
	hold = stage.ordered;
	limit_ada(100);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 100), SR_OK);
	assert_int_equal(stage_void(hold), SR_OK);
	assert_true(left() == 0);
}

static void
given_a_released_hold_when_posted_late_then_the_limit_is_not_asked(void **state)
{
	struct order_release release = {MAIN(ADA), 60};
	uint8_t block[ORDER_RELEASE_LEN];
	struct wish wish = {.kind = ORDER_RELEASE_REQUEST,
	    .signer = OP_1,
	    .attachment = block,
	    .attachment_len = sizeof(block)};

	(void)state;
	order_release_encode(&release, block);
	assert_int_equal(stage_deposit(LOBBY, MAIN(BOB), 5000), SR_OK);
	limit_ada(100);
	assert_int_equal(stage_hold(MAIN(ADA), 60), SR_OK);
	wish.refers_to = stage.ordered;
	stage.now_ms += BOOK_HOLD_OVERDUE_MS;
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_true(left() == 100);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 100), SR_OK);
	assert_int_equal(stage_post(wish.refers_to, MAIN(ADA), 60), SR_OK);
	assert_true(stage.effect.late);
	assert_true(left() == 0);
}

static void
given_a_days_limit_when_payments_are_undone_then_nothing_comes_back(
    void **state)
{
	uint64_t paid;
	struct wish wish;

	(void)state;
	limit_ada(100);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 60), SR_OK);
	paid = stage.ordered;
	assert_int_equal(stage_undo(BOB, paid), SR_OK);
	assert_true(left() == 40);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 40), SR_OK);
	wish = wish_reverse(OP_1, stage.ordered);
	assert_int_equal(stage_agree(&wish), SR_OK);
	assert_true(left() == 0);
	/* giving back what one was paid does not count either */
	assert_int_equal(stage_issue(MAIN(BOB), 500), SR_OK);
	assert_int_equal(stage_transfer(MAIN(BOB), MAIN(ADA), 500), SR_OK);
	assert_int_equal(stage_undo(ADA, stage.ordered), SR_OK);
	assert_true(left() == 0);
}

static void
given_a_limit_that_is_lifted_and_set_again_then_what_was_counted_counts(
    void **state)
{
	(void)state;
	limit_ada(100);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 60), SR_OK);
	assert_int_equal(raise(&(struct order_limits){
			     MAIN(ADA), 0, 0, INT64_MAX, INT64_MAX}),
	    SR_OK);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 500), SR_OK);
	limit_ada(100);
	assert_true(left() == 40);
	limit_ada(50);
	assert_true(left() == 0);
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_LIMIT);
}

/* The greatest numbers there are. */
static void
given_the_greatest_limit_when_counted_then_no_sum_overflows(void **state)
{
	(void)state;
	assert_int_equal(stage_issue(MAIN(ADA), INT64_MAX - 5000), SR_OK);
	limit_ada(INT64_MAX - 1);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), MAIN(BOB), INT64_MAX - 1), SR_OK);
	assert_true(left() == 0);
	stage.now_ms += STAGE_HOUR_MS;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_LIMIT);
	stage.now_ms += 24 * STAGE_HOUR_MS;
	assert_int_equal(stage_transfer(MAIN(ADA), MAIN(BOB), 1), SR_OK);
	assert_int_equal(
	    stage_transfer(MAIN(BOB), MAIN(ADA), INT64_MAX), SR_OK);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), MAIN(BOB), INT64_MAX), SR_LIMIT);
	assert_int_equal(
	    stage_transfer(MAIN(ADA), MAIN(BOB), INT64_MAX - 2), SR_OK);
}

/* ---- policy ------------------------------------------------------------------------ */

static enum sr_error
agree_on(const struct order_policy *policy)
{
	struct wish wish = wish_policy(OP_1, policy);

	return stage_agree(&wish);
}

static void
given_policies_that_are_none_when_requested_then_declined(void **state)
{
	const struct order_policy good = stage.book.policy;
	struct order_policy bad[12];
	struct wish wish;

	(void)state;
	for (size_t i = 0; i < 12; i++)
		bad[i] = good;
	bad[0].customer.floor_minor = 1;
	bad[1].customer.floor_minor = INT64_MIN;
	bad[2].customer.ceiling_minor = 0;
	bad[3].customer.ceiling_minor = -1;
	bad[4].customer.soft_floor_minor = -1;
	bad[5].customer.day_limit_minor = -1;
	bad[6].order_life_ms = 0;
	bad[7].order_life_ms = ORDER_LIFE_MAX_MS + 1;
	bad[8].request_life_ms = 0;
	bad[9].undo_ms = ORDER_UNDO_MAX_MS + 1;
	bad[10].undo_ms = UINT64_MAX;
	bad[11].order_life_ms = UINT64_MAX;
	for (size_t i = 0; i < 12; i++) {
		wish = wish_policy(OP_1, &bad[i]);
		assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	}
	wish = wish_policy(OP_1, &good);
	stage.block[63] = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = wish_policy(OP_1, &good);
	wish.amount_minor = 1;
	assert_int_equal(stage_order(&wish), SR_PARAMETERS);
	wish = wish_policy(ADA, &good);
	assert_int_equal(stage_order(&wish), SR_ROLE);
	/* the outermost that there may be */
	bad[0] = (struct order_policy){
	    {0, -INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}, ORDER_LIFE_MAX_MS,
	    UINT64_MAX, ORDER_UNDO_MAX_MS};
	assert_int_equal(agree_on(&bad[0]), SR_OK);
	bad[0] = (struct order_policy){{0, 0, 0, 1, 0}, 1, 1, 0};
	assert_int_equal(agree_on(&bad[0]), SR_OK);
}

static void
given_a_policy_when_in_force_then_lives_are_as_it_says(void **state)
{
	struct order_policy policy = stage.book.policy;
	struct wish wish;
	uint64_t leaf;

	(void)state;
	assert_true(policy.undo_ms == BOOK_UNDO_MS);
	assert_true(policy.customer.day_limit_minor == INT64_MAX);
	policy.request_life_ms = 5000;
	policy.undo_ms = 300;
	policy.order_life_ms = 1000;
	assert_int_equal(agree_on(&policy), SR_OK);
	wish = wish_issue(OP_1, MAIN(ADA), 1);
	assert_int_equal(stage_order(&wish), SR_OK);
	leaf = stage.ordered;
	stage.now_ms += 5001;
	assert_int_equal(
	    stage_approve(OP_2, leaf, stage.hash), SR_REQUEST_EXPIRED);
	assert_int_equal(stage_order(&wish), SR_OK);
	stage.now_ms += 5000;
	assert_int_equal(stage_approve(OP_2, stage.ordered, stage.hash), SR_OK);
	assert_int_equal(stage_deposit(TINA, MAIN(ADA), 10), SR_OK);
	leaf = stage.ordered;
	stage.now_ms += 301;
	assert_int_equal(stage_undo(TINA, leaf), SR_TOO_LATE);
	assert_int_equal(stage_deposit(TINA, MAIN(ADA), 10), SR_OK);
	leaf = stage.ordered;
	stage.now_ms += 300;
	assert_int_equal(stage_undo(TINA, leaf), SR_OK);
}

/* A longer life is for what is asked for from then on. */
static void
given_an_expired_request_when_a_policy_gives_more_time_then_it_stays_so(
    void **state)
{
	struct order_policy policy = stage.book.policy;
	uint8_t hash[ORDER_HASH_LEN], policy_hash[ORDER_HASH_LEN];
	struct wish wish = wish_issue(OP_1, MAIN(ADA), 100);
	uint64_t leaf;

	(void)state;
	assert_int_equal(stage_order(&wish), SR_OK);
	leaf = stage.ordered;
	memcpy(hash, stage.hash, sizeof(hash));
	stage.now_ms += policy.request_life_ms;
	policy.request_life_ms *= 10;
	wish = wish_policy(OP_2, &policy);
	assert_int_equal(stage_order(&wish), SR_OK);
	memcpy(policy_hash, stage.hash, sizeof(policy_hash));
	stage.now_ms++;
	assert_int_equal(
	    stage_approve(OP_1, stage.ordered, policy_hash), SR_OK);
	assert_true(
	    stage.book.policy.request_life_ms == policy.request_life_ms);
	assert_int_equal(stage_approve(OP_2, leaf, hash), SR_NO_REQUEST);
	assert_true(stage_balance(MAIN(ADA)) == 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_limits_when_one_operator_lowers_them_then_no_wider_in_any_way),
	    STAGE_STORY(given_limits_that_are_none_when_ordered_then_declined),
	    STAGE_STORY(
		given_a_floor_when_raised_then_so_much_credit_and_not_more),
	    STAGE_STORY(
		given_limits_that_the_balance_breaks_when_set_then_only_the_way_back_is_open),
	    STAGE_STORY(
		given_a_till_when_its_maximum_is_lowered_then_less_cash_comes_in),
	    STAGE_STORY(
		given_a_days_limit_when_money_leaves_then_up_to_it_and_no_more),
	    STAGE_STORY(
		given_a_days_limit_when_hours_go_by_then_each_hour_comes_back_after_24),
	    STAGE_STORY(
		given_a_days_limit_when_something_leaves_each_hour_then_it_always_holds),
	    STAGE_STORY(
		given_a_days_limit_when_own_accounts_are_paid_then_it_does_not_count),
	    STAGE_STORY(
		given_a_days_limit_when_cash_is_held_then_it_counts_until_it_is_not_out),
	    STAGE_STORY(
		given_a_days_limit_when_money_leaves_by_further_accounts_then_it_counts_once),
	    STAGE_STORY(
		given_a_hold_from_before_the_limit_when_voided_then_nothing_comes_back),
	    STAGE_STORY(
		given_a_released_hold_when_posted_late_then_the_limit_is_not_asked),
	    STAGE_STORY(
		given_a_days_limit_when_payments_are_undone_then_nothing_comes_back),
	    STAGE_STORY(
		given_a_limit_that_is_lifted_and_set_again_then_what_was_counted_counts),
	    STAGE_STORY(
		given_the_greatest_limit_when_counted_then_no_sum_overflows),
	    STAGE_STORY(
		given_policies_that_are_none_when_requested_then_declined),
	    STAGE_STORY(given_a_policy_when_in_force_then_lives_are_as_it_says),
	    STAGE_STORY(
		given_an_expired_request_when_a_policy_gives_more_time_then_it_stays_so),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
