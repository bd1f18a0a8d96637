/* SPDX-License-Identifier: ISC */
/* The plain audit log.  Must never contain what the journal seals. */
#include "ledgerd/audit.h"

#include <stdio.h>
#include <string.h>

#include "common/diag.h"
#include "common/utc.h"
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

void
audit_line(const struct journal_leaf *leaf, enum sr_error outcome,
    uint8_t *line, size_t room)
{
	uint64_t seconds = leaf->time_ms / 1000;
	unsigned of_day = (unsigned)(seconds % 86400);
	struct utc_date date = utc_date_of(leaf->time_ms);

	snprintf((char *)line, room,
	    "%04u-%02u-%02uT%02u:%02u:%02uZ %llu %s %s\n", date.year,
	    date.month, date.day, of_day / 3600, of_day / 60 % 60, of_day % 60,
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
	if (admission_is_refusal(error)) {
		if (ledgerd->audit_lost == 0)
			diag_warn(AUDIT_PATH " loses lines: %s",
			    error_sentence(error));
		ledgerd->audit_lost += batch->leaf_count;
		return SR_OK;
	}
	if (error == SR_OK)
		ledgerd->audit_len += len;
	return error;
}
