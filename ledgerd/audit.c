/* SPDX-License-Identifier: ISC */
/* The plain audit log.  Must never contain what the journal seals. */
#include "ledgerd/audit.h"

#include <stdio.h>
#include <string.h>

#include "ledgerd/ledgerd.h"

#define AUDIT_PATH "audit/audit.log"

enum sr_error
audit_open(struct ledgerd *ledgerd)
{
	enum sr_error error;

	error = env_open(
	    ledgerd->env, AUDIT_PATH, ENV_WRITE_OR_CREATE, &ledgerd->audit);
	if (error != SR_OK)
		return error;
	return env_size(ledgerd->env, ledgerd->audit, &ledgerd->audit_len);
}

static const char *
class_name(uint8_t class)
{
	switch ((enum journal_class) class) {
	case JOURNAL_CLASS_ORDER:
		return "order";
	case JOURNAL_CLASS_SYSTEM:
		return "system";
	case JOURNAL_CLASS_AUTHORITY:
		return "authority";
	case JOURNAL_CLASS_BOX:
		return "box";
	}
	return "unknown";
}

/* Year, month and day of a day since 1970 (proleptic Gregorian). */
static void
civil_date(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	uint64_t shifted = days + 719468; /* from 0000-03-01 */
	uint64_t era = shifted / 146097;
	unsigned of_era = (unsigned)(shifted % 146097);
	unsigned year_of_era =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year =
	    of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned from_march = (5 * of_year + 2) / 153;

	*day = of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = (unsigned)era * 400 + year_of_era + (*month <= 2 ? 1 : 0);
}

void
audit_line(const struct journal_leaf *leaf, enum sr_error outcome,
    uint8_t *line, size_t room)
{
	uint64_t seconds = leaf->time_ms / 1000;
	unsigned of_day = (unsigned)(seconds % 86400);
	unsigned year, month, day;

	civil_date(seconds / 86400, &year, &month, &day);
	snprintf((char *)line, room,
	    "%04u-%02u-%02uT%02u:%02u:%02uZ %llu %s %s\n", year, month, day,
	    of_day / 3600, of_day / 60 % 60, of_day % 60,
	    (unsigned long long)leaf->seq, class_name(leaf->class),
	    outcome == SR_OK ? "ok" : error_name(outcome));
}

enum sr_error
audit_append(struct ledgerd *ledgerd)
{
	static char lines[sizeof(ledgerd->batch.audit)];
	struct batch *batch = &ledgerd->batch;
	enum sr_error error;
	size_t len = 0;

	for (size_t i = 0; i < batch->leaf_count; i++) {
		size_t line_len = strlen((char *)batch->audit[i]);

		memcpy(lines + len, batch->audit[i], line_len);
		len += line_len;
	}
	error = env_write(
	    ledgerd->env, ledgerd->audit, ledgerd->audit_len, lines, len);
	if (error == SR_OK)
		ledgerd->audit_len += len;
	return error;
}
