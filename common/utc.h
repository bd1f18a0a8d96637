/* SPDX-License-Identifier: ISC */
#ifndef COMMON_UTC_H
#define COMMON_UTC_H
/*
 * The calendar, without the C library's: that one looks for time zones in
 * files, which no room has.
 */
#include <stdbool.h>
#include <stdint.h>

#define UTC_DAY_MS UINT64_C(86400000)
#define UTC_TEXT_MAX 32u

struct utc_date {
	unsigned year;
	unsigned month; /* 1 to 12 */
	unsigned day;   /* 1 to 31 */
};

/* The day of a time in milliseconds since 1970, UTC (proleptic Gregorian). */
struct utc_date utc_date_of(uint64_t time_ms);

/* Months since year 0: two times are in one month if it is the same. */
uint64_t utc_month_of(uint64_t time_ms);

/*
 * Reads a day as ISO 8601 writes it, "2026-11-21", from 1970 to 9999, and
 * gives its first millisecond.  False for anything else; *time_ms is then
 * untouched.
 */
bool utc_day_parse(const char *text, uint64_t *time_ms);

/* "2026-11-21", and "2026-11-21T19:05:00.250Z".  Both return out. */
const char *utc_day_format(uint64_t time_ms, char out[UTC_TEXT_MAX]);
const char *utc_time_format(uint64_t time_ms, char out[UTC_TEXT_MAX]);

#endif
