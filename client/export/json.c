/* SPDX-License-Identifier: ISC */
/* JSON: a statement as one object, and its lines as `atm --json' has them. */
#include <inttypes.h>
#include <string.h>

#include "client/export/export.h"
#include "client/json.h"
#include "common/ids.h"
#include "common/order.h"
#include "common/utc.h"

void
export_json_line(FILE *out, const struct statement_line *line, bool versioned)
{
	char time[UTC_TEXT_MAX];

	fprintf(out,
	    "{%s\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64
	    ",\"time\":\"%s\",\"kind\":\"%s\",\"amount_minor\":%" PRId64
	    ",\"balance_minor\":%" PRId64 ",\"held_minor\":%" PRId64
	    ",\"refers_to\":%" PRIu64 ",\"other\":\"%" PRIu64 "-%u\",\"name\":",
	    versioned ? "\"v\":1," : "", line->leaf, line->time_ms,
	    utc_time_format(line->time_ms, time), order_kind_name(line->kind),
	    line->amount_minor, line->balance_minor, line->held_minor,
	    line->refers_to, account_customer(line->other),
	    account_index(line->other));
	json_string(out, line->name, line->name_len);
	fprintf(out, ",\"memo\":");
	json_string(out, line->memo, line->memo_len);
	putc('}', out);
}

/* A bound of the period, or null. */
static void
put_time(FILE *out, const char *key, uint64_t time_ms, bool given)
{
	char time[UTC_TEXT_MAX];

	if (given)
		fprintf(
		    out, ",\"%s\":\"%s\"", key, utc_time_format(time_ms, time));
	else
		fprintf(out, ",\"%s\":null", key);
}

static void
statement(struct export *export, const struct statement_period *period)
{
	char number[EXPORT_ACCOUNT_MAX];
	FILE *out = export->out;

	fprintf(out, "{\"v\":1,\"bank\":");
	json_string(out, export->bank->name, strlen(export->bank->name));
	fprintf(out,
	    ",\"account\":\"%" PRIu64
	    "-%u\",\"number\":\"%s\",\"unit\":\"%s:%u\"",
	    account_customer(period->account), account_index(period->account),
	    export_account_number(period->account, number), export->unit.code,
	    export->unit.exponent);
	put_time(out, "from", period->from_ms, period->from_given);
	put_time(out, "until", period->until_ms, true);
	/* what came before it is retired; opening_minor is its sum */
	if (period->carried)
		fprintf(out, ",\"carried_forward\":true");
	fprintf(out,
	    ",\"opening_minor\":%" PRId64 ",\"closing_minor\":%" PRId64
	    ",\"lines\":[",
	    period->opening_minor, period->closing_minor);
	for (size_t i = 0; i < period->count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		export_json_line(out, &period->line[i], false);
	}
	fprintf(out, "\n]}\n");
}

const struct export_format export_format_json = {
    .name = "json", .statement = statement};
