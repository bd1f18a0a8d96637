/* SPDX-License-Identifier: ISC */
/* How many requests may wait for an approval, and which of them do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/book_stage.h"

/* An auditor's request; `number` makes its name and key its own. */
static struct wish
wish_auditor(uint64_t by, unsigned number)
{
	struct order_auditor auditor = {
	    .key = {9, (uint8_t)number}, .name_len = 4, .name = "auaa"};

	auditor.name[2] = (char)('a' + number / 26);
	auditor.name[3] = (char)('a' + number % 26);
	order_auditor_encode(&auditor, stage.block);
	return (struct wish){.kind = ORDER_AUDITOR_REQUEST,
	    .signer = by,
	    .attachment = stage.block,
	    .attachment_len = ORDER_AUDITOR_LEN};
}

static enum sr_error
order(struct wish wish)
{
	return stage_order(&wish);
}

static void
given_requests_that_were_approved_when_many_then_none_is_in_the_way(
    void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * BOOK_REQUESTS_MAX; i++)
		assert_int_equal(stage_issue(MAIN(ADA), 1), SR_OK);
	assert_int_equal(stage_balance(MAIN(ADA)), 5000 + 192);
}

static void
given_requests_that_wait_when_too_many_then_no_other_is_taken(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BOOK_REQUESTS_MAX; i++)
		assert_int_equal(order(wish_issue(OP_1, MAIN(ADA), 1)), SR_OK);
	assert_int_equal(
	    order(wish_issue(OP_1, MAIN(ADA), 1)), SR_REQUESTS_FULL);
	/* each that is approved makes room for one */
	assert_int_equal(stage_approve(OP_2, stage.book.request[5].leaf,
			     stage.book.request[5].hash),
	    SR_OK);
	assert_int_equal(order(wish_issue(OP_1, MAIN(ADA), 1)), SR_OK);
	assert_int_equal(
	    order(wish_issue(OP_1, MAIN(ADA), 1)), SR_REQUESTS_FULL);
}

/* As every log has it that was written when there were no other kinds. */
static void
given_only_the_first_kinds_when_many_were_approved_then_they_count(void **state)
{
	(void)state;
	stage.book.request_count = 0;
	for (unsigned i = 0; i < BOOK_REQUESTS_MAX; i++) {
		struct wish wish = wish_auditor(OP_1, i);

		assert_int_equal(stage_agree(&wish), SR_OK);
	}
	assert_int_equal(
	    order(wish_auditor(OP_1, BOOK_REQUESTS_MAX)), SR_REQUESTS_FULL);
	assert_int_equal(order(wish_issue(OP_1, MAIN(ADA), 1)), SR_OK);
	assert_int_equal(order(wish_auditor(OP_1, BOOK_REQUESTS_MAX)), SR_OK);
}

/* A teller, or who has its key, asks as often as it can. */
static void
given_somebody_who_took_all_places_when_revoked_then_they_are_free(void **state)
{
	(void)state;
	assert_int_equal(stage_deposit(TINA, MAIN(ADA), 100), SR_OK);
	for (unsigned i = 0; i < BOOK_REQUESTS_MAX; i++)
		assert_int_equal(
		    order(wish_cash_out(TINA, TILL(TINA), 1)), SR_OK);
	assert_int_equal(
	    order(wish_issue(OP_1, MAIN(ADA), 1)), SR_REQUESTS_FULL);
	assert_int_equal(order(wish_revoke(OP_1, TINA, 0)), SR_OK);
	assert_int_equal(stage_issue(MAIN(ADA), 1), SR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGE_STORY(
		given_requests_that_were_approved_when_many_then_none_is_in_the_way),
	    STAGE_STORY(
		given_requests_that_wait_when_too_many_then_no_other_is_taken),
	    STAGE_STORY(
		given_only_the_first_kinds_when_many_were_approved_then_they_count),
	    STAGE_STORY(
		given_somebody_who_took_all_places_when_revoked_then_they_are_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
