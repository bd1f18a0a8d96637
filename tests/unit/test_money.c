/* SPDX-License-Identifier: ISC */
/* Amounts: what is read, what is refused and with which fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/money.h"

static const struct money_unit eur = {"EUR", 2};
static const struct money_unit hour = {"HOUR", 0};
static const struct money_unit fine = {"GRAIN", 8};

static enum money_fault
parse(const char *text, const struct money_unit *unit, int64_t *minor)
{
	return money_parse(text, strlen(text), unit, minor);
}

static void
given_amounts_when_parsed_then_minor_units(void **state)
{
	static const struct {
		const char *text;
		const struct money_unit *unit;
		int64_t minor;
	} cases[] = {
	    {"12.50", &eur, 1250},
	    {"12,50", &eur, 1250},
	    {"12,5", &eur, 1250},
	    {"12", &eur, 1200},
	    {"0.01", &eur, 1},
	    {"007", &eur, 700},
	    {"3", &hour, 3},
	    {"0.00000001", &fine, 1},
	    {"92233720368547758.07", &eur, INT64_MAX},
	    {"9223372036854775807", &hour, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t minor = -1;

		assert_int_equal(
		    parse(cases[i].text, cases[i].unit, &minor), MONEY_FINE);
		assert_true(minor == cases[i].minor);
	}
}

static void
given_no_amounts_when_parsed_then_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *text;
		const struct money_unit *unit;
		enum money_fault fault;
	} cases[] = {
	    {"", &eur, MONEY_EMPTY}, {"-1", &eur, MONEY_NEGATIVE},
	    {"+1", &eur, MONEY_CHARACTER}, {"0", &eur, MONEY_ZERO},
	    {"0.00", &eur, MONEY_ZERO}, {"NaN", &eur, MONEY_CHARACTER},
	    {"inf", &eur, MONEY_CHARACTER}, {"1e9", &eur, MONEY_CHARACTER},
	    {"0x10", &eur, MONEY_CHARACTER},
	    {"9223372036854775808", &hour, MONEY_TOO_LARGE},
	    {"92233720368547758.08", &eur, MONEY_TOO_LARGE},
	    {"9223372036854775807", &eur, MONEY_TOO_LARGE},
	    {"99999999999999999999999", &hour, MONEY_TOO_LARGE},
	    {"1.000,00", &eur, MONEY_GROUPING},
	    {"1,000,000", &eur, MONEY_GROUPING},
	    {"1.000", &eur, MONEY_TOO_PRECISE},
	    {"1.0", &hour, MONEY_TOO_PRECISE}, {" ", &eur, MONEY_SPACE},
	    {" 1", &eur, MONEY_SPACE}, {"1 ", &eur, MONEY_SPACE},
	    {"1 000", &eur, MONEY_SPACE}, {"1\n", &eur, MONEY_CHARACTER},
	    {".5", &eur, MONEY_SHAPE}, {"5.", &eur, MONEY_SHAPE},
	    {".", &eur, MONEY_SHAPE},
	    {"\xd9\xa1\xd9\xa2", &eur, MONEY_CHARACTER}, /* Arabic */
	    {"\xef\xbc\x91", &eur, MONEY_CHARACTER},     /* full width */
	    {"1\xc2\xa0"
	     "000",
		&eur, MONEY_CHARACTER}, /* no-break space */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t minor = 42;
		enum money_fault fault =
		    parse(cases[i].text, cases[i].unit, &minor);

		assert_int_equal(fault, cases[i].fault);
		assert_true(minor == 42);
		assert_true(strlen(money_sentence(fault)) > 10);
	}
	/* a NUL inside the bytes is a character like any other */
	assert_int_equal(
	    money_parse("1\0", 2, &eur, &(int64_t){0}), MONEY_CHARACTER);
}

static void
given_unit_specs_when_parsed_then_only_codes_and_exponents_pass(void **state)
{
	static const char *const wrong[] = {"", "EUR", "EUR:", "EUR:9",
	    "EUR:10", "EUR:2 ", "eur:2", "EU:2", "ABCDEFGHI:2", ":2",
	    "E\xc3\x84R:2", "EUR:-1", "EUR: 2", "EUR:2:2"};
	struct money_unit unit;

	(void)state;
	assert_int_equal(money_unit_parse("EUR:2", &unit), SR_OK);
	assert_string_equal(unit.code, "EUR");
	assert_int_equal(unit.exponent, 2);
	assert_int_equal(money_unit_parse("ABCDEFGH:8", &unit), SR_OK);
	assert_int_equal(unit.exponent, 8);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
		    money_unit_parse(wrong[i], &unit), SR_PARAMETERS);
	assert_string_equal(unit.code, "ABCDEFGH");
}

static void
given_minor_units_when_formatted_then_all_decimals_stand(void **state)
{
	char text[MONEY_TEXT_MAX];

	(void)state;
	assert_string_equal(money_format(1250, &eur, text), "12.50");
	assert_string_equal(money_format(-5, &eur, text), "-0.05");
	assert_string_equal(money_format(0, &eur, text), "0.00");
	assert_string_equal(money_format(-3, &hour, text), "-3");
	assert_string_equal(
	    money_format(INT64_MIN, &eur, text), "-92233720368547758.08");
	assert_string_equal(
	    money_format(INT64_MAX, &fine, text), "92233720368.54775807");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_amounts_when_parsed_then_minor_units),
	    cmocka_unit_test(
		given_no_amounts_when_parsed_then_refused_with_a_sentence),
	    cmocka_unit_test(
		given_unit_specs_when_parsed_then_only_codes_and_exponents_pass),
	    cmocka_unit_test(
		given_minor_units_when_formatted_then_all_decimals_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
