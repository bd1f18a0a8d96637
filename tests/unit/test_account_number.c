/* SPDX-License-Identifier: ISC */
/* Account numbers: what is printed, what is read, what is found mistyped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/account_number.h"
#include "common/ids.h"

static enum account_number_fault
parse(const char *text, uint64_t *account)
{
	return account_number_parse(text, strlen(text), account);
}

/* ISO 7064's own example for MOD 97-10 is 794 with the check digits 44. */
static void
given_the_standards_figure_when_printed_then_its_check_digits(void **state)
{
	static const struct {
		uint64_t customer;
		unsigned index;
		const char *text;
	} cases[] = {
	    {7, 94, "7944 4"},
	    {1, 0, "1008 9"},
	    {12, 0, "1200 87"},
	    {7, 2, "7022 9"},
	    {300, 0, "3000 017"},
	    {CUSTOMER_LIMIT - 1, 99, "2814 7497 6710 6559 992"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t id = account_id(cases[i].customer, cases[i].index);
		char text[ACCOUNT_NUMBER_TEXT_MAX];
		uint64_t account = 0;

		assert_string_equal(
		    account_number_print(id, text), cases[i].text);
		assert_int_equal(parse(text, &account), ACCOUNT_NUMBER_FINE);
		assert_true(account == id);
		/* without spaces it is the same */
		account_number_digits(id, text);
		assert_null(strchr(text, ' '));
		assert_int_equal(parse(text, &account), ACCOUNT_NUMBER_FINE);
		assert_true(account == id);
	}
}

static void
given_spaces_and_hyphens_when_parsed_then_the_same_account(void **state)
{
	static const char *const texts[] = {
	    "120087", "1200 87", "1200-87", "1-2-0-0-8-7", "12 00 87"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t account = 0;

		assert_int_equal(
		    parse(texts[i], &account), ACCOUNT_NUMBER_FINE);
		assert_true(account == account_id(12, 0));
	}
}

static void
given_no_number_when_parsed_then_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *text;
		enum account_number_fault fault;
	} cases[] = {
	    {"", ACCOUNT_NUMBER_SHAPE},
	    {" ", ACCOUNT_NUMBER_SHAPE},
	    {"-", ACCOUNT_NUMBER_SHAPE},
	    {"1200x87", ACCOUNT_NUMBER_SHAPE},
	    {" 120087", ACCOUNT_NUMBER_SHAPE},
	    {"120087 ", ACCOUNT_NUMBER_SHAPE},
	    {"1200  87", ACCOUNT_NUMBER_SHAPE},
	    {"1200 -87", ACCOUNT_NUMBER_SHAPE},
	    {"120087\n", ACCOUNT_NUMBER_SHAPE},
	    {"0120087", ACCOUNT_NUMBER_SHAPE},
	    {"00000", ACCOUNT_NUMBER_SHAPE},
	    {"1098", ACCOUNT_NUMBER_SHAPE},
	    {"28147497671065600003", ACCOUNT_NUMBER_SHAPE},
	    {"99999999999999999999999999", ACCOUNT_NUMBER_SHAPE},
	    /* a customer id that nobody can have */
	    {"9999999999999999999", ACCOUNT_NUMBER_SHAPE},
	    {"120088", ACCOUNT_NUMBER_CHECK},
	    {"210087", ACCOUNT_NUMBER_CHECK},
	    {"12008700", ACCOUNT_NUMBER_CHECK},
	};
	uint64_t account = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    parse(cases[i].text, &account), cases[i].fault);
		assert_true(
		    strlen(account_number_sentence(cases[i].fault)) > 10);
	}
	assert_true(account == 77);
}

/* 98 - r lies from 2 to 98: the same remainder has no second spelling. */
static void
given_another_spelling_of_check_digits_when_parsed_then_refused(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (unsigned n = 100; n < 100000; n++) {
		unsigned check = 98 - n * 100 % 97;
		unsigned other = check >= 97 ? check - 97 : check + 97;
		char text[16];
		uint64_t account;

		if (other > 99)
			continue;
		seen++;
		snprintf(text, sizeof(text), "%u%02u", n, other);
		assert_int_equal(parse(text, &account), ACCOUNT_NUMBER_CHECK);
	}
	assert_true(seen > 1000);
}

static void
given_one_wrong_digit_when_parsed_then_found(void **state)
{
	static const char *const numbers[] = {
	    "10089", "120087", "70229", "3000017", "2814749767106559992"};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char text[ACCOUNT_NUMBER_TEXT_MAX];
		size_t len = strlen(numbers[i]);
		uint64_t account;

		for (size_t at = 0; at < len; at++) {
			for (char digit = '0'; digit <= '9'; digit++) {
				memcpy(text, numbers[i], len + 1);
				if (text[at] == digit)
					continue;
				text[at] = digit;
				assert_int_not_equal(
				    parse(text, &account), ACCOUNT_NUMBER_FINE);
			}
			memcpy(text, numbers[i], len + 1);
			if (at + 1 == len || text[at] == text[at + 1])
				continue;
			text[at] = numbers[i][at + 1];
			text[at + 1] = numbers[i][at];
			assert_int_not_equal(
			    parse(text, &account), ACCOUNT_NUMBER_FINE);
		}
	}
}

static void
given_an_account_without_a_number_when_printed_then_nothing(void **state)
{
	char text[ACCOUNT_NUMBER_TEXT_MAX];

	(void)state;
	assert_string_equal(account_number_print(ACCOUNT_ISSUE, text), "");
	assert_string_equal(account_number_print(0, text), "");
	assert_string_equal(account_number_print(account_id(1, 100), text), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_standards_figure_when_printed_then_its_check_digits),
	    cmocka_unit_test(
		given_spaces_and_hyphens_when_parsed_then_the_same_account),
	    cmocka_unit_test(
		given_no_number_when_parsed_then_refused_with_a_sentence),
	    cmocka_unit_test(
		given_another_spelling_of_check_digits_when_parsed_then_refused),
	    cmocka_unit_test(given_one_wrong_digit_when_parsed_then_found),
	    cmocka_unit_test(
		given_an_account_without_a_number_when_printed_then_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
