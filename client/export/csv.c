/* SPDX-License-Identifier: ISC */
/*
 * CSV (RFC 4180): a statement, and the books with a row a posting.  Rows end
 * with CRLF; times are UTC; amounts have the bank's sign.
 *
 * A spreadsheet takes a cell for a formula that begins with = + - @, quoted or
 * not, and splits at a semicolon where a comma is the decimal mark, quoted or
 * not.  So a text that begins so (or with the full-width form, or with ')
 * gets a ' in front, and semicolons are written full-width.
 */
#include <inttypes.h>
#include <string.h>

#include "client/export/export.h"
#include "common/order.h"
#include "common/utc.h"

static bool
is_formula(const char *text, size_t len)
{
	static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B",
	    "\xEF\xBC\x8D", "\xEF\xBC\xA0", "\xEF\xBC\x87"};

	while (len > 0 && *text == ' ') {
		text++;
		len--;
	}
	if (len > 0 && strchr("=+-@'", *text) != NULL)
		return true;
	for (unsigned i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (len >= 3 && memcmp(text, wide[i], 3) == 0)
			return true;
	return false;
}

void
export_csv_text(FILE *out, const void *text, size_t len)
{
	const char *c = text;

	fputs(is_formula(c, len) ? "\"'" : "\"", out);
	for (size_t i = 0; i < len; i++) {
		if (c[i] == '"')
			putc('"', out);
		export_wide(out, c + i, 1, ";");
	}
	putc('"', out);
}

/* ---- A statement ------------------------------------------------------------ */

static void
put_line(struct export *export, const struct statement_line *line)
{
	char time[UTC_TEXT_MAX], other[EXPORT_ACCOUNT_MAX] = "";
	char amount[MONEY_TEXT_MAX], balance[MONEY_TEXT_MAX];
	char held[MONEY_TEXT_MAX];

	if (line->other != 0)
		export_account_number(line->other, other);
	fprintf(export->out, "%" PRIu64 ",%s,%s,%s,", line->leaf,
	    utc_time_format(line->time_ms, time), order_kind_name(line->kind),
	    other);
	export_csv_text(export->out, line->name, line->name_len);
	putc(',', export->out);
	export_csv_text(export->out, line->memo, line->memo_len);
	fprintf(export->out, ",%s,%s,%s,",
	    money_format(line->amount_minor, &export->unit, amount),
	    money_format(line->balance_minor, &export->unit, balance),
	    money_format(line->held_minor, &export->unit, held));
	if (line->refers_to != 0)
		fprintf(export->out, "%" PRIu64, line->refers_to);
	fprintf(export->out, ",%s\r\n", export->unit.code);
}

/* The balance at an end of the period. */
static void
put_end_of_period(struct export *export, const char *kind, const char *time,
    int64_t balance_minor)
{
	char balance[MONEY_TEXT_MAX];

	fprintf(export->out, ",%s,%s,,,,,%s,,,%s\r\n", time, kind,
	    money_format(balance_minor, &export->unit, balance),
	    export->unit.code);
}

static void
statement(struct export *export, const struct statement_period *period)
{
	char time[UTC_TEXT_MAX];

	fprintf(export->out, "entry,time,kind,account,name,memo,amount,balance,"
			     "reserved,refers_to,unit\r\n");
	put_end_of_period(export,
	    period->carried ? "carried forward" : "opening",
	    period->from_given && !period->carried
		? utc_time_format(period->from_ms, time)
		: "",
	    period->opening_minor);
	for (size_t i = 0; i < period->count; i++)
		put_line(export, &period->line[i]);
	put_end_of_period(export, "closing",
	    utc_time_format(period->until_ms, time), period->closing_minor);
}

/* ---- The books -------------------------------------------------------------- */

static void
begin(struct export *export)
{
	fprintf(export->out,
	    "entry,time,kind,account,amount,balance,refers_to,memo,unit\r\n");
}

static void
put_transaction(
    struct export *export, const struct export_transaction *transaction)
{
	char time[UTC_TEXT_MAX], account[EXPORT_ACCOUNT_MAX];
	char amount[MONEY_TEXT_MAX], balance[MONEY_TEXT_MAX];
	FILE *out = export->out;

	for (unsigned i = 0; i < transaction->count; i++) {
		const struct export_posting *posting = &transaction->posting[i];

		fprintf(out, "%" PRIu64 ",%s,%s,%s,%s,%s,", transaction->leaf,
		    utc_time_format(transaction->time_ms, time),
		    transaction->kind,
		    export_account_number(posting->account->id, account),
		    money_format(posting->amount_minor, &export->unit, amount),
		    money_format(
			posting->balance_minor, &export->unit, balance));
		if (transaction->refers_to != 0)
			fprintf(out, "%" PRIu64, transaction->refers_to);
		putc(',', out);
		export_csv_text(out, transaction->memo, transaction->memo_len);
		fprintf(out, ",%s\r\n", export->unit.code);
	}
}

static void
end(struct export *export)
{
	(void)export;
}

const struct export_format export_format_csv = {.name = "csv",
    .statement = statement,
    .begin = begin,
    .transaction = put_transaction,
    .end = end};
