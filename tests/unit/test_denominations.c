/* SPDX-License-Identifier: ISC */
/* What an ATM can pay out, against a table that is filled step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "client/denominations.h"

static const struct money_unit euro = {"EUR", 2};

enum { TABLE = 3000 };

/* Everything up to TABLE, by trying: ways[n] when n is a sum. */
static void
compare_with_table(const char *list)
{
	static bool makes[TABLE];
	struct denominations some;

	assert_int_equal(denominations_parse(list, NULL, &some), SR_OK);
	memset(makes, 0, sizeof(makes));
	makes[0] = true;
	for (int64_t n = 1; n < TABLE; n++)
		for (size_t k = 0; k < some.count; k++)
			if (n >= some.minor[k] && makes[n - some.minor[k]])
				makes[n] = true;
	for (int64_t n = 1; n < TABLE / 2; n++) {
		int64_t below, above, down = n, up = n;
		bool made = denominations_make(&some, n, &below, &above);

		while (!makes[down])
			down--;
		while (up < TABLE && !makes[up])
			up++;
		assert_true(up < TABLE);
		assert_int_equal(made, makes[n]);
		assert_int_equal(below, down);
		assert_int_equal(above, up);
	}
}

static void
given_denominations_when_asked_then_it_is_what_trying_gives(void **state)
{
	(void)state;
	compare_with_table("1");
	compare_with_table("7");
	compare_with_table("5,10,20,50");
	compare_with_table("20,50");
	compare_with_table("500,700");
	compare_with_table("6,9,20");
	compare_with_table("41,43,100");
	compare_with_table("50,20,35");
}

static void
given_no_denominations_when_asked_then_any_amount_is_made(void **state)
{
	struct denominations none = {0};
	int64_t below, above;

	(void)state;
	assert_true(denominations_make(&none, 1, &below, &above));
	assert_true(denominations_make(&none, INT64_MAX, &below, &above));
}

static void
given_huge_amounts_when_asked_then_nothing_overflows(void **state)
{
	struct denominations some;
	int64_t below, above;

	(void)state;
	assert_int_equal(
	    denominations_parse("20.00,50.00", &euro, &some), SR_OK);
	assert_false(denominations_make(&some, INT64_MAX, &below, &above));
	assert_true(below == INT64_MAX / 1000 * 1000);
	assert_int_equal(above, 0);
	assert_false(denominations_make(&some, 1, &below, &above));
	assert_int_equal(below, 0);
	assert_int_equal(above, 2000);
	assert_int_equal(
	    denominations_parse("9223372036854775807", NULL, &some), SR_OK);
	assert_true(denominations_make(&some, INT64_MAX, &below, &above));
	assert_false(denominations_make(&some, INT64_MAX - 1, &below, &above));
	assert_int_equal(below, 0);
	assert_true(above == INT64_MAX);
}

static void
given_lists_when_read_then_only_good_ones_pass_and_print_again(void **state)
{
	static const char *const bad[] = {"", ",", "5,", "5,,10", "0", "-5",
	    "5,5", "5,5.00", "x", "5 10", "1,2,3,4,5,6,7,8,9,10,11,12,13",
	    "41.01,99.98",
	    "10000000000000000,20000000000000000,30000000000000000,"
	    "40000000000000000,50000000000000000,60000000000000000,"
	    "70000000000000000,80000000000000000,90000000000000000"};
	char text[DENOMINATIONS_TEXT_MAX];
	struct denominations some, again;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    denominations_parse(bad[i], &euro, &some), SR_PARAMETERS);
	assert_int_equal(
	    denominations_parse("50,5.00;10.00,20", &euro, &some), SR_OK);
	denominations_print(&some, text);
	assert_string_equal(text, "500,1000,2000,5000");
	assert_int_equal(denominations_parse(text, NULL, &again), SR_OK);
	assert_memory_equal(&some, &again, sizeof(some));
	/* 4096 steps, and one more */
	assert_int_equal(denominations_parse("4096,4097", NULL, &some), SR_OK);
	assert_int_equal(
	    denominations_parse("4097,4098", NULL, &some), SR_PARAMETERS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_denominations_when_asked_then_it_is_what_trying_gives),
	    cmocka_unit_test(
		given_no_denominations_when_asked_then_any_amount_is_made),
	    cmocka_unit_test(
		given_huge_amounts_when_asked_then_nothing_overflows),
	    cmocka_unit_test(
		given_lists_when_read_then_only_good_ones_pass_and_print_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
