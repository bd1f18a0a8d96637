/* SPDX-License-Identifier: ISC */
/* A statement for people: local time with its offset, a line an entry. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "client/export.h"
#include "common/order.h"
#include "common/utc.h"

static const char *
local_time(uint64_t time_ms, char out[40])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm local;

	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(out, 40, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
		snprintf(out, 40, "%" PRIu64, time_ms);
	return out;
}

void
export_text_head(FILE *out)
{
	fprintf(out, "%-25s %-8s %11s %11s  %-7s %s\n", "time", "kind",
	    "amount", "balance", "entry", "with, memo");
}

void
export_text_line(
    FILE *out, const struct money_unit *unit, const struct statement_line *line)
{
	char amount[MONEY_TEXT_MAX], balance[MONEY_TEXT_MAX], when[40];

	fprintf(out, "%-25s %-8s %11s %11s  #%-6" PRIu64 " %.*s%s%.*s",
	    local_time(line->time_ms, when),
	    line->kind == ORDER_RELEASE_REQUEST ? "release"
						: order_kind_name(line->kind),
	    money_format(line->amount_minor, unit, amount),
	    money_format(line->balance_minor, unit, balance), line->leaf,
	    line->name_len, line->name, line->memo_len > 0 ? "  " : "",
	    line->memo_len, line->memo);
	if (line->refers_to != 0)
		fprintf(out, " of #%" PRIu64, line->refers_to);
	if (line->held_minor != 0)
		fprintf(out, " (%s reserved)",
		    money_format(line->held_minor, unit, amount));
	putc('\n', out);
}

static void
statement(struct export *export, const struct statement_period *period)
{
	char number[EXPORT_ACCOUNT_MAX], amount[MONEY_TEXT_MAX];
	char from[40], until[40];
	FILE *out = export->out;

	fprintf(out, "%s\naccount %s\n", export->bank->name,
	    export_account_number(period->account, number));
	fprintf(out, "from %s until %s\n\n",
	    period->from_given ? local_time(period->from_ms, from)
			       : "the first entry",
	    local_time(period->until_ms, until));
	export_text_head(out);
	fprintf(out, "%-25s %-8s %11s %11s\n", "", "opening", "",
	    money_format(period->opening_minor, &export->unit, amount));
	for (size_t i = 0; i < period->count; i++)
		export_text_line(out, &export->unit, &period->line[i]);
	fprintf(out, "%-25s %-8s %11s %11s  %s\n", "", "closing", "",
	    money_format(period->closing_minor, &export->unit, amount),
	    export->unit.code);
}

const struct export_format export_format_text = {
    .name = "text", .statement = statement};
