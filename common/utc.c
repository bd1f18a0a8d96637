/* SPDX-License-Identifier: ISC */
/* Days to dates: years are counted from the first of March. */
#include "common/utc.h"

#include <stdio.h>
#include <string.h>

struct utc_date
utc_date_of(uint64_t time_ms)
{
	uint64_t shifted = time_ms / UTC_DAY_MS + 719468; /* from 0000-03-01 */
	uint64_t era = shifted / 146097;
	unsigned of_era = (unsigned)(shifted % 146097);
	unsigned year_of_era =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year =
	    of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned from_march = (5 * of_year + 2) / 153;
	struct utc_date date = {.day = of_year - (153 * from_march + 2) / 5 + 1,
	    .month = from_march < 10 ? from_march + 3 : from_march - 9};

	date.year =
	    (unsigned)era * 400 + year_of_era + (date.month <= 2 ? 1 : 0);
	return date;
}

uint64_t
utc_month_of(uint64_t time_ms)
{
	struct utc_date date = utc_date_of(time_ms);

	return (uint64_t)date.year * 12 + date.month - 1;
}

/* The inverse: days since 1970, whatever the day of the month. */
static uint64_t
days_of(const struct utc_date *date)
{
	unsigned year = date->month <= 2 ? date->year - 1 : date->year;
	unsigned from_march = (date->month + 9) % 12;
	unsigned of_year = (153 * from_march + 2) / 5 + date->day - 1;

	return UINT64_C(365) * year + year / 4 - year / 100 + year / 400 +
	       of_year - 719468;
}

static bool
digits(const char *text, unsigned count, unsigned *out)
{
	*out = 0;
	for (unsigned i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = *out * 10 + (unsigned)(text[i] - '0');
	}
	return true;
}

bool
utc_day_parse(const char *text, uint64_t *time_ms)
{
	struct utc_date date, again;
	uint64_t ms;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
	    !digits(text, 4, &date.year) || !digits(text + 5, 2, &date.month) ||
	    !digits(text + 8, 2, &date.day) || date.year < 1970 ||
	    date.month < 1 || date.month > 12 || date.day < 1)
		return false;
	ms = days_of(&date) * UTC_DAY_MS;
	again = utc_date_of(ms);
	if (again.month != date.month || again.day != date.day)
		return false;
	*time_ms = ms;
	return true;
}

const char *
utc_day_format(uint64_t time_ms, char out[UTC_TEXT_MAX])
{
	struct utc_date date = utc_date_of(time_ms);

	snprintf(out, UTC_TEXT_MAX, "%04u-%02u-%02u", date.year, date.month,
	    date.day);
	return out;
}

const char *
utc_time_format(uint64_t time_ms, char out[UTC_TEXT_MAX])
{
	struct utc_date date = utc_date_of(time_ms);
	unsigned ms = (unsigned)(time_ms % UTC_DAY_MS);

	snprintf(out, UTC_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    date.year, date.month, date.day, ms / 3600000, ms / 60000 % 60,
	    ms / 1000 % 60, ms % 1000);
	return out;
}
