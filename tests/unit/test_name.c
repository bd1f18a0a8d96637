/* SPDX-License-Identifier: ISC */
/* Log-in names, display names and memos. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/name.h"

static void
given_login_names_when_checked_then_only_the_alphabet_passes(void **state)
{
	static const char *const good[] = {
	    "ada", "a.b", "0-9", "_._", "abcdefghijklmnopqrstuvwxyz012345"};
	static const struct {
		const char *name;
		size_t len;
	} bad[] = {
	    {"", 0},
	    {"ab", 2},
	    {"abcdefghijklmnopqrstuvwxyz0123456", 33},
	    {"Ada", 3},
	    {"ada\n", 4},
	    {"a\nda", 4},
	    {"ada\0", 4},
	    {"ad\0a", 4},
	    {"a da", 4},
	    {"ad\xc3\xa4", 4},
	    {"ada/", 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(name_check(good[i], strlen(good[i])), SR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(name_check(bad[i].name, bad[i].len), SR_NAME);
}

static void
given_texts_when_checked_then_only_plain_utf8_passes(void **state)
{
	static const char *const good[] = {"", "Ada L\xc3\xb6velace",
	    "\xe2\x82\xac 5", "\xf0\x9f\x8d\x95", "caf\x65\xcc\x81"};
	static const char *const bad[] = {
	    "a\nb", "\x1b[2J", "\x7f", "\xc2\x85",          /* controls */
	    "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6", /* lines, bidi */
	    "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", /* overlong */
	    "\xed\xa0\x80", "\xf4\x90\x80\x80",  /* surrogate, too high */
	    "\x80", "\xe2\x82", "\xff", "\xc3(", /* broken */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(
		    name_display_check(good[i], strlen(good[i])), SR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    name_display_check(bad[i], strlen(bad[i])), SR_PARAMETERS);
	assert_int_equal(name_display_check("a\0b", 3), SR_PARAMETERS);
}

static void
given_long_texts_when_checked_then_the_bound_is_exact(void **state)
{
	char text[NAME_DISPLAY_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(name_display_check(text, NAME_DISPLAY_MAX), SR_OK);
	assert_int_equal(
	    name_display_check(text, NAME_DISPLAY_MAX + 1), SR_PARAMETERS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_login_names_when_checked_then_only_the_alphabet_passes),
	    cmocka_unit_test(
		given_texts_when_checked_then_only_plain_utf8_passes),
	    cmocka_unit_test(
		given_long_texts_when_checked_then_the_bound_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
