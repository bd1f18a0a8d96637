/* SPDX-License-Identifier: ISC */
/* A statement for people: local time with its offset, a line an entry. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "client/export/export.h"
#include "common/account_number.h"
#include "common/ids.h"
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

/* A word for what happened, as people say it. */
static const char *
line_kind(const struct statement_line *line)
{
	switch (line->kind) {
	case ORDER_RELEASE_REQUEST:
		return "release";
	case ORDER_ENROL_REQUEST:
		return "enrolled";
	case ORDER_ACCOUNT_OPEN:
		return "opened";
	default:
		return order_kind_name(line->kind);
	}
}

/* Who is on the other side, where no name says it. */
static void
line_other(
    uint64_t account, const struct statement_line *line, char *out, size_t room)
{
	bool further = account_index(line->other) >= ACCOUNT_INDEX_FURTHER;
	char number[ACCOUNT_NUMBER_TEXT_MAX];

	out[0] = '\0';
	if (line->other == 0 || line->other == account)
		return;
	account_number_print(line->other, number);
	if (account_customer(line->other) == account_customer(account))
		snprintf(out, room, "own account %s", number);
	else if (line->other == ACCOUNT_ISSUE)
		snprintf(out, room, "the bank");
	else if (line->other == ACCOUNT_OVER_SHORT)
		snprintf(out, room, "over and short");
	else if (line->name_len == 0)
		snprintf(out, room, "%s", number);
	else
		snprintf(out, room, "%.*s%s%s", line->name_len, line->name,
		    further ? " " : "", further ? number : "");
}

void
export_text_head(FILE *out)
{
	fprintf(out, "%-25s %-10s %11s %11s  %-7s %s\n", "time", "kind",
	    "amount", "balance", "entry", "with, memo");
}

void
export_text_line(FILE *out, const struct money_unit *unit, uint64_t account,
    const struct statement_line *line)
{
	char amount[MONEY_TEXT_MAX], balance[MONEY_TEXT_MAX], when[40];
	char other[STATEMENT_NAME_MAX + ACCOUNT_NUMBER_TEXT_MAX + 16];

	line_other(account, line, other, sizeof(other));

	fprintf(out, "%-25s %-10s %11s %11s  #%-6" PRIu64 " %s%s%.*s",
	    local_time(line->time_ms, when), line_kind(line),
	    money_format(line->amount_minor, unit, amount),
	    money_format(line->balance_minor, unit, balance), line->leaf, other,
	    other[0] != '\0' && line->memo_len > 0 ? "  " : "", line->memo_len,
	    line->memo);
	if (line->refers_to != 0)
		fprintf(out, " of #%" PRIu64, line->refers_to);
	if (line->held_minor != 0)
		fprintf(out, " (%s reserved)",
		    money_format(line->held_minor, unit, amount));
	putc('\n', out);
}

void
export_text_carried(
    FILE *out, const struct money_unit *unit, int64_t balance_minor)
{
	char balance[MONEY_TEXT_MAX];

	fprintf(out,
	    "%-25s %-22s %11s  the bank has retired the entries before\n", "",
	    "carried forward", money_format(balance_minor, unit, balance));
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
	if (period->carried)
		export_text_carried(out, &export->unit, period->opening_minor);
	else
		fprintf(out, "%-25s %-10s %11s %11s\n", "", "opening", "",
		    money_format(period->opening_minor, &export->unit, amount));
	for (size_t i = 0; i < period->count; i++)
		export_text_line(
		    out, &export->unit, period->account, &period->line[i]);
	fprintf(out, "%-25s %-10s %11s %11s  %s\n", "", "closing", "",
	    money_format(period->closing_minor, &export->unit, amount),
	    export->unit.code);
}

const struct export_format export_format_text = {
    .name = "text", .statement = statement};
