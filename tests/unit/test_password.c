/* SPDX-License-Identifier: ISC */
/* RFC 8265's OpaqueString: the examples of its section 4.2.2, and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/password.h"

static void
given_passwords_when_prepared_then_as_the_standard_says(void **state)
{
	static const struct {
		const char *text;
		const char *prepared;
	} cases[] = {
	    {"correct horse battery staple", "correct horse battery staple"},
	    {"Correct Horse Battery Staple", "Correct Horse Battery Staple"},
	    {"\xcf\x80\xc3\x9f\xc3\xa5", "\xcf\x80\xc3\x9f\xc3\xa5"},
	    {"Jack of \xe2\x99\xa6s", "Jack of \xe2\x99\xa6s"},
	    {"foo\xe1\x9a\x80"
	     "bar",
		"foo bar"}, /* U+1680 */
	    {"a\xc2\xa0"
	     "b",
		"a b"},                       /* no-break space */
	    {"cafe\xcc\x81", "caf\xc3\xa9"},  /* NFC */
	    {"\xef\xbc\xa1", "\xef\xbc\xa1"}, /* width is kept */
	};
	char out[PASSWORD_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(password_prepare(cases[i].text,
				     strlen(cases[i].text), out, &len),
		    SR_OK);
		assert_int_equal(len, strlen(cases[i].prepared));
		assert_memory_equal(out, cases[i].prepared, len);
	}
}

static void
given_what_is_no_password_when_prepared_then_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
	    {"", 0},
	    {"my cat is a \x09"
	     "by",
		15},
	    {"a\nb", 3}, {"a\0b", 3}, {"\x7f", 1}, {"\xff", 1}, {"\xc3", 1},
	    {"\xc0\xaf", 2}, {"\xe2\x80\x8b", 3}, /* zero-width space */
	    {"\xe2\x80\xae", 3},                  /* right-to-left override */
	    {"\xed\xa0\x80", 3},                  /* surrogate */
	    {"\xee\x80\x80", 3},                  /* private use */
	    {"\xe1\x84\x80", 3},                  /* old Hangul */
	};
	char out[PASSWORD_MAX], text[PASSWORD_MAX + 1];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    password_prepare(cases[i].text, cases[i].len, out, &len),
		    SR_PARAMETERS);
	memset(text, 'x', sizeof(text));
	assert_int_equal(
	    password_prepare(text, PASSWORD_MAX, out, &len), SR_OK);
	assert_int_equal(len, PASSWORD_MAX);
	assert_int_equal(
	    password_prepare(text, PASSWORD_MAX + 1, out, &len), SR_TOO_LARGE);
	/* composition excluded: three bytes become six */
	for (size_t i = 0; i + 3 <= PASSWORD_MAX; i += 3)
		memcpy(text + i, "\xe0\xa5\x98", 3);
	assert_int_equal(password_prepare(text, 1023, out, &len), SR_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_passwords_when_prepared_then_as_the_standard_says),
	    cmocka_unit_test(
		given_what_is_no_password_when_prepared_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
