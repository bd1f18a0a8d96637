/* SPDX-License-Identifier: ISC */
/* Days to dates: years are counted from the first of March. */
#include "common/utc.h"

enum { DAY_MS = 86400 * 1000 };

struct utc_date
utc_date_of(uint64_t time_ms)
{
	uint64_t shifted = time_ms / DAY_MS + 719468; /* from 0000-03-01 */
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
