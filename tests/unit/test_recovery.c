/* SPDX-License-Identifier: ISC */
/* Recovery codes: as printed, as typed, and slips that are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "client/recovery.h"

static void
given_a_code_then_it_is_read_however_it_is_typed(void **state)
{
	char text[RECOVERY_TEXT_LEN + 1], typed[2 * RECOVERY_TEXT_LEN + 1];
	char one[RECOVERY_PASSWORD_LEN + 1], two[RECOVERY_PASSWORD_LEN + 1];
	unsigned group;

	(void)state;
	for (int round = 0; round < 50; round++) {
		char *to = typed;

		recovery_draw(text);
		assert_int_equal(strlen(text), RECOVERY_TEXT_LEN);
		assert_int_equal(recovery_password(text, one, &group), SR_OK);
		assert_int_equal(strlen(one), RECOVERY_PASSWORD_LEN);
		for (const char *c = text; *c != '\0'; c++) {
			*to++ = ' ';
			if (*c == '0')
				*to++ = 'o';
			else if (*c == '1')
				*to++ = 'L';
			else if (*c != '-')
				*to++ = (char)tolower((unsigned char)*c);
		}
		*to = '\0';
		assert_int_equal(recovery_password(typed, two, &group), SR_OK);
		assert_string_equal(one, two);
	}
}

static void
given_two_codes_then_they_differ(void **state)
{
	char one[RECOVERY_TEXT_LEN + 1], two[RECOVERY_TEXT_LEN + 1];

	(void)state;
	recovery_draw(one);
	recovery_draw(two);
	assert_string_not_equal(one, two);
}

static void
given_wrong_symbols_then_the_group_is_named(void **state)
{
	char text[RECOVERY_TEXT_LEN + 1], out[RECOVERY_PASSWORD_LEN + 1];
	unsigned group, found = 0;

	(void)state;
	recovery_draw(text);
	for (unsigned g = 0; g < RECOVERY_GROUPS; g++) {
		char saved = text[g * 6 + 2];

		text[g * 6 + 2] = '!';
		assert_int_equal(
		    recovery_password(text, out, &group), SR_MALFORMED);
		assert_int_equal(group, g + 1);
		assert_true(sodium_is_zero((uint8_t *)out, sizeof(out)));
		text[g * 6 + 2] = saved;
	}
	/* one symbol for another: found in 31 of 32 cases */
	for (unsigned i = 0; i < 400; i++) {
		recovery_draw(text);
		text[1] = text[1] == 'Z' ? 'Y' : 'Z';
		if (recovery_password(text, out, &group) != SR_OK && group == 1)
			found++;
	}
	assert_in_range(found, 350, 400);
}

static void
given_exchanged_groups_then_they_are_found(void **state)
{
	char text[RECOVERY_TEXT_LEN + 1], out[RECOVERY_PASSWORD_LEN + 1];
	char saved[5];
	unsigned group, found = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		recovery_draw(text);
		memcpy(saved, text, 5);
		memcpy(text, text + 6, 5);
		memcpy(text + 6, saved, 5);
		if (recovery_password(text, out, &group) == SR_MALFORMED)
			found++;
	}
	assert_in_range(found, 95, 100);
}

static void
given_another_length_then_no_group_is_blamed(void **state)
{
	char text[RECOVERY_TEXT_LEN + 2], out[RECOVERY_PASSWORD_LEN + 1];
	unsigned group = 9;

	(void)state;
	recovery_draw(text);
	strcat(text, "0");
	assert_int_equal(recovery_password(text, out, &group), SR_MALFORMED);
	assert_int_equal(group, 0);
	text[RECOVERY_TEXT_LEN - 1] = '\0';
	assert_int_equal(recovery_password(text, out, &group), SR_MALFORMED);
	assert_int_equal(recovery_password("", out, &group), SR_MALFORMED);
	assert_int_equal(group, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_a_code_then_it_is_read_however_it_is_typed),
	    cmocka_unit_test(given_two_codes_then_they_differ),
	    cmocka_unit_test(given_wrong_symbols_then_the_group_is_named),
	    cmocka_unit_test(given_exchanged_groups_then_they_are_found),
	    cmocka_unit_test(given_another_length_then_no_group_is_blamed),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
