/* SPDX-License-Identifier: ISC */
/* The table of errors: complete, without doubles, and total for any number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/error.h"

static void
given_a_number_of_the_table_then_the_wire_gives_it_back(void **state)
{
	(void)state;
	assert_int_equal(error_of_wire(0), SR_OK);
#define ERROR(name, number, exit_code, sentence)       \
	assert_int_equal(error_of_wire(number), name); \
	assert_int_equal(error_exit(name), exit_code); \
	assert_string_equal(error_name(name), #name);  \
	assert_string_equal(error_sentence(name), sentence);
#include "common/errors.def"
#undef ERROR
}

static void
given_a_number_that_is_not_in_the_table_then_it_is_malformed(void **state)
{
	bool known[1024] = {false};

	(void)state;
#define ERROR(name, number, exit_code, sentence) known[number] = true;
#include "common/errors.def"
#undef ERROR
	for (unsigned number = 0; number < 1024; number++)
		if (!known[number])
			assert_int_equal(error_of_wire(number), SR_MALFORMED);
	assert_int_equal(error_of_wire(UINT32_MAX), SR_MALFORMED);
	assert_string_equal(error_name((enum sr_error)31), "SR_UNKNOWN");
	assert_int_equal(error_exit((enum sr_error)31), 69);
	assert_non_null(error_sentence((enum sr_error)31));
}

static void
given_the_table_then_each_number_and_exit_code_is_of_the_documented(
    void **state)
{
	static const int exits[] = {0, 1, 64, 65, 69, 73, 75, 76, 77, 78};
	unsigned seen[256] = {0};

	(void)state;
#define ERROR(name, number, exit_code, sentence)                              \
	{                                                                     \
		bool documented = false;                                      \
		for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) \
			documented |= exits[i] == (exit_code);                \
		assert_true(documented);                                      \
		assert_true((exit_code) != 0 || (number) == 0);               \
		assert_int_equal(seen[number]++, 0);                          \
		assert_true(strlen(sentence) > 0);                            \
	}
#include "common/errors.def"
#undef ERROR
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_number_of_the_table_then_the_wire_gives_it_back),
	    cmocka_unit_test(
		given_a_number_that_is_not_in_the_table_then_it_is_malformed),
	    cmocka_unit_test(
		given_the_table_then_each_number_and_exit_code_is_of_the_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
