/* SPDX-License-Identifier: ISC */
/* RFC 4180 read strictly: both sides of each rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "client/csv.h"

static struct csv csv;
static struct csv_record record;

static enum csv_fault
first_of(const char *text, size_t len)
{
	csv = csv_of(text, len);
	return csv_next(&csv, &record);
}

/* The first record of a text is these fields, joined by |. */
static void
reads(const char *text, const char *wanted)
{
	char seen[2048] = "";

	assert_int_equal(first_of(text, strlen(text)), CSV_FINE);
	for (size_t i = 0; i < record.count; i++) {
		if (i > 0)
			strcat(seen, "|");
		assert_int_equal(
		    strlen(record.field[i].text), record.field[i].len);
		strcat(seen, record.field[i].text);
	}
	assert_string_equal(seen, wanted);
}

static void
fails(const char *text, enum csv_fault wanted)
{
	assert_int_equal(first_of(text, strlen(text)), wanted);
	assert_true(strlen(csv_sentence(wanted)) > 3);
}

/* The examples of RFC 4180, section 2, in its order. */
static void
given_the_rfcs_examples_when_read_then_as_it_says(void **state)
{
	(void)state;
	reads("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", "aaa|bbb|ccc");
	assert_int_equal(csv_next(&csv, &record), CSV_FINE);
	assert_string_equal(record.field[2].text, "xxx");
	assert_int_equal(record.line, 2);
	assert_int_equal(csv_next(&csv, &record), CSV_END);
	reads("aaa,bbb,ccc\r\nzzz,yyy,xxx", "aaa|bbb|ccc");
	assert_int_equal(csv_next(&csv, &record), CSV_FINE);
	assert_int_equal(csv_next(&csv, &record), CSV_END);
	reads("\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx", "aaa|bbb|ccc");
	reads("\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz", "aaa|b\r\nbb|ccc");
	assert_int_equal(csv_next(&csv, &record), CSV_FINE);
	assert_int_equal(record.line, 3);
	reads("\"aaa\",\"b\"\"bb\",\"ccc\"", "aaa|b\"bb|ccc");
}

static void
given_fields_when_they_are_empty_then_they_are_there(void **state)
{
	(void)state;
	reads(",", "|");
	assert_int_equal(record.count, 2);
	reads("a,\n", "a|");
	reads("\"\"", "");
	assert_int_equal(record.count, 1);
	reads("\n", "");
	reads("\"\"\"\"", "\"");
	reads(" a , b", " a | b");
}

static void
given_no_byte_or_only_a_mark_when_read_then_the_end(void **state)
{
	(void)state;
	assert_int_equal(first_of("", 0), CSV_END);
	assert_int_equal(first_of("\xef\xbb\xbf", 3), CSV_END);
	reads("\xef\xbb\xbf"
	      "a,b",
	    "a|b");
	/* in any other place it is a character */
	reads("a\xef\xbb\xbf", "a\xef\xbb\xbf");
}

static void
given_quotation_marks_when_they_are_misplaced_then_refused(void **state)
{
	(void)state;
	fails("a\"b", CSV_QUOTE);
	fails(" \"a\"", CSV_QUOTE);
	fails("\"a\"b", CSV_AFTER);
	fails("\"a\" ,b", CSV_AFTER);
	fails("\"a", CSV_UNCLOSED);
	fails("\"a\"\"", CSV_UNCLOSED);
	fails("\"", CSV_UNCLOSED);
}

static void
given_ends_of_lines_when_they_are_half_then_refused(void **state)
{
	(void)state;
	fails("a\rb", CSV_CHARACTER);
	fails("a\r", CSV_CHARACTER);
	fails("\"a\"\r", CSV_CHARACTER);
	reads("\"a\r\"", "a\r");
	reads("a\nb", "a");
	assert_int_equal(first_of("a\0b", 3), CSV_CHARACTER);
	assert_int_equal(first_of("\"\0\"", 3), CSV_CHARACTER);
}

static void
given_lengths_when_they_are_at_the_bound_then_taken_and_not_beyond(void **state)
{
	char text[CSV_FIELD_MAX + 2];
	char many[2 * CSV_FIELDS_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(first_of(text, CSV_FIELD_MAX), CSV_FINE);
	assert_int_equal(record.field[0].len, CSV_FIELD_MAX);
	assert_int_equal(first_of(text, CSV_FIELD_MAX + 1), CSV_LONG);
	memset(many, ',', sizeof(many));
	assert_int_equal(first_of(many, CSV_FIELDS_MAX - 1), CSV_FINE);
	assert_int_equal(record.count, CSV_FIELDS_MAX);
	assert_int_equal(first_of(many, CSV_FIELDS_MAX), CSV_FIELDS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_the_rfcs_examples_when_read_then_as_it_says),
	    cmocka_unit_test(
		given_fields_when_they_are_empty_then_they_are_there),
	    cmocka_unit_test(
		given_no_byte_or_only_a_mark_when_read_then_the_end),
	    cmocka_unit_test(
		given_quotation_marks_when_they_are_misplaced_then_refused),
	    cmocka_unit_test(
		given_ends_of_lines_when_they_are_half_then_refused),
	    cmocka_unit_test(
		given_lengths_when_they_are_at_the_bound_then_taken_and_not_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
