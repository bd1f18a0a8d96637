/* SPDX-License-Identifier: ISC */
/* The calendar: against the C library's, and at the edges of months. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "common/utc.h"

static void
given_each_day_of_five_centuries_then_as_the_c_library_says(void **state)
{
	(void)state;
	for (uint64_t day = 0; day < 183000; day++) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		struct utc_date date = utc_date_of((uint64_t)seconds * 1000);
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		assert_int_equal(date.year, tm.tm_year + 1900);
		assert_int_equal(date.month, tm.tm_mon + 1);
		assert_int_equal(date.day, tm.tm_mday);
	}
}

static void
given_the_last_millisecond_of_a_month_then_the_next_is_another(void **state)
{
	/* 2026-12-01T00:00:00Z, and 2027-01-01 */
	static const uint64_t begins[] = {1796083200000, 1798761600000};

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_true(
		    utc_month_of(begins[i] - 1) + 1 == utc_month_of(begins[i]));
	assert_true(utc_month_of(begins[0]) == utc_month_of(begins[1] - 1));
}

static void
given_a_day_as_text_then_it_is_read_and_written_back(void **state)
{
	char text[UTC_TEXT_MAX];
	uint64_t ms;

	(void)state;
	for (uint64_t day = 0; day < 183000; day++) {
		assert_true(utc_day_parse(
		    utc_day_format(day * UTC_DAY_MS + day, text), &ms));
		assert_true(ms == day * UTC_DAY_MS);
	}
	assert_string_equal(utc_time_format(UINT64_C(1795288600123), text),
	    "2026-11-21T19:16:40.123Z");
}

static void
given_what_is_no_day_then_it_is_refused(void **state)
{
	static const char *const texts[] = {"", "2026-11-2", "2026-02-29",
	    "2026-00-01", "2026-13-01", "2026-01-00", "2026-04-31",
	    "1969-12-31", "2026-11-21T", "2026/11/21", "+026-11-21",
	    "2026-11- 1"};
	uint64_t ms = 7;

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(utc_day_parse(texts[i], &ms));
	assert_true(ms == 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_each_day_of_five_centuries_then_as_the_c_library_says),
	    cmocka_unit_test(
		given_the_last_millisecond_of_a_month_then_the_next_is_another),
	    cmocka_unit_test(
		given_a_day_as_text_then_it_is_read_and_written_back),
	    cmocka_unit_test(given_what_is_no_day_then_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
