/* SPDX-License-Identifier: ISC */
/* Counts of cash: what is read, what is refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/atm/till_count.h"

static const struct money_unit eur = {"EUR", 2};
static const char *why;

static enum sr_error
parse(const char *text, struct order_count *count)
{
	return till_count_parse(text, &eur, count, &why);
}

static void
given_pieces_when_parsed_then_the_largest_first(void **state)
{
	uint8_t bytes[ORDER_COUNT_MAX];
	struct order_count count = {0}, again;
	size_t len;

	(void)state;
	assert_int_equal(parse("0.20x7,50x3;5.00x0,20x1", &count), SR_OK);
	assert_int_equal(count.lines, 3);
	assert_true(count.line[0].value_minor == 5000);
	assert_true(count.line[0].pieces == 3);
	assert_true(count.line[1].value_minor == 2000);
	assert_true(count.line[2].value_minor == 20);
	assert_true(count.line[2].pieces == 7);
	assert_true(count.sum_minor == 15000 + 2000 + 140);
	/* and the order's own reader takes it */
	count.till = 0x10001;
	len = order_count_encode(&count, bytes);
	assert_int_equal(order_count_decode(bytes, len, &again), SR_OK);
	assert_true(again.sum_minor == count.sum_minor);
}

static void
given_a_sum_when_parsed_then_one_line(void **state)
{
	struct order_count count = {.lines = 9};

	(void)state;
	assert_int_equal(parse("118,50", &count), SR_OK);
	assert_int_equal(count.lines, 1);
	assert_true(count.sum_minor == 11850);
	assert_int_equal(parse("0.00", &count), SR_OK);
	assert_int_equal(count.lines, 0);
	assert_true(count.sum_minor == 0);
	assert_int_equal(parse("50x0", &count), SR_OK);
	assert_int_equal(count.lines, 0);
}

static void
given_no_count_when_parsed_then_refused_with_a_sentence(void **state)
{
	static const char *const texts[] = {"", "x", "50x3,", ",50x3",
	    "50x3,20", "50x", "x3", "50x-1", "50x1.5", "0x3", "-5x2", "0.005x2",
	    "50x3,50.00x1", "50x3x2", "50 x3", "50x 3", "50x3 ", "0,20x7",
	    "1e2x3", "92233720368547758.07x2", "92233720368547758.07x1,1x1",
	    "1x9999999999999999999", "1x999999999999999999", "NaN", "-3"};
	char text[33 * 8];
	size_t at = 0;
	struct order_count count = {.lines = 9};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(parse(texts[i], &count), SR_PARAMETERS);
		assert_true(strlen(why) > 10);
	}
	for (unsigned i = 1; i <= 33; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%ux1",
		    i > 1 ? "," : "", i);
	assert_int_equal(parse(text, &count), SR_PARAMETERS);
	assert_int_equal(count.lines, 9);
	/* one line less is as many as an order takes */
	*strrchr(text, ',') = '\0';
	assert_int_equal(parse(text, &count), SR_OK);
	assert_int_equal(count.lines, ORDER_COUNT_LINES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_pieces_when_parsed_then_the_largest_first),
	    cmocka_unit_test(given_a_sum_when_parsed_then_one_line),
	    cmocka_unit_test(
		given_no_count_when_parsed_then_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
