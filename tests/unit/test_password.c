/* SPDX-License-Identifier: ISC */
/* Passwords by RFC 8265: its own examples, and both sides of each bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/password.h"

static void
becomes(const char *text, const char *want)
{
	char out[PASSWORD_MAX];
	size_t len = 0;

	assert_int_equal(
	    password_prepare(text, strlen(text), out, &len), SR_OK);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(out, want, len);
}

static void
is_refused(const char *text, size_t text_len, enum sr_error why)
{
	char out[PASSWORD_MAX];
	size_t len = 0;

	assert_int_equal(password_prepare(text, text_len, out, &len), why);
}

/* RFC 8265 section 4.3, table 4. */
static void
given_the_examples_of_the_rfc_when_prepared_then_as_it_says(void **state)
{
	(void)state;
	becomes("correct horse battery staple", "correct horse battery staple");
	becomes("Correct Horse Battery Staple", "Correct Horse Battery Staple");
	becomes("\xcf\x80\xc3\x9f\xc3\xa5", "\xcf\x80\xc3\x9f\xc3\xa5");
	becomes("Jack of \xe2\x99\xa6s", "Jack of \xe2\x99\xa6s");
	/* OGHAM SPACE MARK becomes SPACE */
	becomes("foo\xe1\x9a\x80"
		"bar",
	    "foo bar");
	is_refused("", 0, SR_PARAMETERS);
	is_refused("my cat is a \x09 by", 15, SR_PARAMETERS);
}

static void
given_two_ways_to_type_a_letter_when_prepared_then_they_are_one(void **state)
{
	(void)state;
	becomes("cafe\xcc\x81", "caf\xc3\xa9");
	becomes("caf\xc3\xa9", "caf\xc3\xa9");
}

static void
given_bytes_that_are_no_text_when_prepared_then_refused(void **state)
{
	(void)state;
	is_refused("\xff\xfe", 2, SR_PARAMETERS);
	is_refused("a\0b", 3, SR_PARAMETERS);
	is_refused("\xe2\x80\xa8", 3, SR_PARAMETERS);  /* line separator */
	is_refused("a\xe2\x80\x8d", 4, SR_PARAMETERS); /* joiner, no virama */
	is_refused("\xe1\x84\x80", 3, SR_PARAMETERS);  /* old Hangul jamo */
	is_refused("\xee\x80\x80", 3, SR_PARAMETERS);  /* private use */
	is_refused("\xc2\xad", 2, SR_PARAMETERS);      /* soft hyphen */
	is_refused("a\xc2\xb7"
		   "b",
	    4, SR_PARAMETERS); /* middle dot, not between l and l */
}

static void
given_characters_of_a_context_when_it_is_there_then_taken(void **state)
{
	(void)state;
	becomes("al\xc2\xb7lot", "al\xc2\xb7lot");
	becomes("\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7",
	    "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7");
	becomes("\xd9\xa1\xd9\xa2", "\xd9\xa1\xd9\xa2");
	is_refused("\xd9\xa1\xdb\xb2", 4, SR_PARAMETERS);
}

static void
given_the_longest_password_when_one_byte_more_then_refused(void **state)
{
	char text[PASSWORD_MAX + 1], out[PASSWORD_MAX];
	size_t len = 0;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(
	    password_prepare(text, PASSWORD_MAX, out, &len), SR_OK);
	assert_int_equal(len, PASSWORD_MAX);
	assert_memory_equal(out, text, len);
	is_refused(text, PASSWORD_MAX + 1, SR_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_examples_of_the_rfc_when_prepared_then_as_it_says),
	    cmocka_unit_test(
		given_two_ways_to_type_a_letter_when_prepared_then_they_are_one),
	    cmocka_unit_test(
		given_bytes_that_are_no_text_when_prepared_then_refused),
	    cmocka_unit_test(
		given_characters_of_a_context_when_it_is_there_then_taken),
	    cmocka_unit_test(
		given_the_longest_password_when_one_byte_more_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
