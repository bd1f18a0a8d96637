/* SPDX-License-Identifier: ISC */
/* The lines of a statement: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/statement.h"

static const struct statement_line pizza = {
    .leaf = 7,
    .time_ms = 1700000000000,
    .amount_minor = -1250,
    .balance_minor = 3750,
    .held_minor = 2000,
    .other = 131072,
    .refers_to = 6,
    .kind = 1,
    .reference = {'K', '1'},
    .name_len = 3,
    .name = "bob",
    .memo_len = 5,
    .memo = "pizza",
};

static void
given_lines_when_written_then_the_same_lines_are_read(void **state)
{
	uint8_t bytes[3 * STATEMENT_LINE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct statement_line second = pizza, line;
	struct reader r;

	(void)state;
	second.name_len = 0;
	second.memo_len = 0;
	memset(second.name, 0, sizeof(second.name));
	memset(second.memo, 0, sizeof(second.memo));
	assert_int_equal(statement_line_write(&w, &pizza), SR_OK);
	assert_int_equal(writer_len(&w), STATEMENT_FIXED_LEN + 8);
	assert_int_equal(statement_line_write(&w, &second), SR_OK);
	r = reader_of(bytes, writer_len(&w));
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_memory_equal(&line, &pizza, sizeof(line));
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_memory_equal(&line, &second, sizeof(line));
	assert_true(reader_end(&r));
}

static void
given_too_little_room_then_nothing_is_written(void **state)
{
	uint8_t bytes[STATEMENT_FIXED_LEN + 7];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(statement_line_write(&w, &pizza), SR_TOO_LARGE);
	assert_int_equal(writer_len(&w), 0);
	assert_false(w.bad);
}

static void
given_a_line_cut_off_or_with_a_false_length_then_it_is_malformed(void **state)
{
	uint8_t bytes[STATEMENT_LINE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct statement_line line;
	struct reader r;
	size_t len;

	(void)state;
	assert_int_equal(statement_line_write(&w, &pizza), SR_OK);
	len = writer_len(&w);
	for (size_t cut = 0; cut < len; cut++) {
		r = reader_of(bytes, cut);
		assert_int_equal(statement_line_read(&r, &line), SR_MALFORMED);
	}
	bytes[57] = STATEMENT_NAME_MAX + 1;
	r = reader_of(bytes, sizeof(bytes));
	assert_int_equal(statement_line_read(&r, &line), SR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_lines_when_written_then_the_same_lines_are_read),
	    cmocka_unit_test(given_too_little_room_then_nothing_is_written),
	    cmocka_unit_test(
		given_a_line_cut_off_or_with_a_false_length_then_it_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
