/* SPDX-License-Identifier: ISC */
#ifndef COMMON_UTC_H
#define COMMON_UTC_H
/*
 * The calendar, without the C library's: that one looks for time zones in
 * files, which no room has.
 */
#include <stdint.h>

struct utc_date {
	unsigned year;
	unsigned month; /* 1 to 12 */
	unsigned day;   /* 1 to 31 */
};

/* The day of a time in milliseconds since 1970, UTC (proleptic Gregorian). */
struct utc_date utc_date_of(uint64_t time_ms);

/* Months since year 0: two times are in one month if it is the same. */
uint64_t utc_month_of(uint64_t time_ms);

#endif
