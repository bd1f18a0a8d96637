/* SPDX-License-Identifier: ISC */
/*
 * A statement in OFX 2.1.1: XML, in UTF-8.  Only lines that moved money are
 * transactions.  FITID is `LEAF-TIME': a leaf is one entry's for ever, except
 * after a restore with loss, and then the time is another.
 */
#include <inttypes.h>
#include <string.h>

#include "client/export/export.h"
#include "common/order.h"
#include "common/utc.h"

#define NAME_CHARACTERS 32u
#define MEMO_CHARACTERS 255u
#define NO_CURRENCY \
	"X"         \
	"XX" /* ISO 4217 */

/*
 * At most so many characters of the text, escaped.  U+FFFE and U+FFFF, which
 * XML does not have, become the replacement character.
 */
static void
put_text(FILE *out, const char *text, size_t len, unsigned characters)
{
	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)text[i] & 0xC0) != 0x80 &&
		    characters-- == 0)
			return;
		if (len - i >= 3 &&
		    (memcmp(text + i, "\xEF\xBF\xBE", 3) == 0 ||
			memcmp(text + i, "\xEF\xBF\xBF", 3) == 0)) {
			fputs("\xEF\xBF\xBD", out);
			i += 2;
		} else if (text[i] == '&') {
			fputs("&amp;", out);
		} else if (text[i] == '<') {
			fputs("&lt;", out);
		} else if (text[i] == '>') {
			fputs("&gt;", out);
		} else {
			putc(text[i], out);
		}
	}
}

static void
put_time(FILE *out, const char *tag, uint64_t time_ms)
{
	struct utc_date date = utc_date_of(time_ms);
	unsigned ms = (unsigned)(time_ms % UTC_DAY_MS);

	fprintf(out, "<%s>%04u%02u%02u%02u%02u%02u.%03u[0:GMT]</%s>\n", tag,
	    date.year, date.month, date.day, ms / 3600000, ms / 60000 % 60,
	    ms / 1000 % 60, ms % 1000, tag);
}

static const char *
transaction_type(const struct statement_line *line)
{
	switch (line->kind) {
	case ORDER_TRANSFER:
		return "XFER";
	case ORDER_DEPOSIT:
		return "DEP";
	case ORDER_POST:
		return "ATM";
	default:
		return line->amount_minor < 0 ? "DEBIT" : "CREDIT";
	}
}

static void
put_line(const struct export *export, const struct statement_line *line)
{
	char amount[MONEY_TEXT_MAX], number[EXPORT_ACCOUNT_MAX];
	FILE *out = export->out;

	fprintf(
	    out, "<STMTTRN>\n<TRNTYPE>%s</TRNTYPE>\n", transaction_type(line));
	put_time(out, "DTPOSTED", line->time_ms);
	fprintf(out, "<TRNAMT>%s</TRNAMT>\n",
	    money_format(line->amount_minor, &export->unit, amount));
	fprintf(out, "<FITID>%" PRIu64 "-%" PRIu64 "</FITID>\n<NAME>",
	    line->leaf, line->time_ms);
	if (line->name_len > 0)
		put_text(out, line->name, line->name_len, NAME_CHARACTERS);
	else if (line->other != 0)
		fputs(export_account_number(line->other, number), out);
	else
		fputs(order_kind_name(line->kind), out);
	fprintf(out, "</NAME>\n");
	if (line->memo_len > 0) {
		fprintf(out, "<MEMO>");
		put_text(out, line->memo, line->memo_len, MEMO_CHARACTERS);
		fprintf(out, "</MEMO>\n");
	}
	fprintf(out, "</STMTTRN>\n");
}

static void
put_sign_on(const struct export *export, uint64_t until_ms)
{
	FILE *out = export->out;

	fprintf(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
	    "<?OFX OFXHEADER=\"200\" VERSION=\"211\" SECURITY=\"NONE\" "
	    "OLDFILEUID=\"NONE\" NEWFILEUID=\"NONE\"?>\n"
	    "<OFX>\n<SIGNONMSGSRSV1>\n<SONRS>\n"
	    "<STATUS>\n<CODE>0</CODE>\n<SEVERITY>INFO</SEVERITY>\n</STATUS>\n");
	put_time(out, "DTSERVER", until_ms);
	fprintf(out, "<LANGUAGE>ENG</LANGUAGE>\n<FI>\n<ORG>");
	put_text(out, export->bank->name, strlen(export->bank->name),
	    NAME_CHARACTERS);
	fprintf(out, "</ORG>\n</FI>\n</SONRS>\n</SIGNONMSGSRSV1>\n");
}

static void
put_account(const struct export *export, uint64_t account)
{
	const uint8_t *id = export->bank->bank_id;
	char number[EXPORT_ACCOUNT_MAX];

	/* a code of three letters has to be there, also where it is none */
	fprintf(export->out,
	    "<CURDEF>%s</CURDEF>\n<BANKACCTFROM>\n"
	    "<BANKID>%02x%02x%02x%02x</BANKID>\n<ACCTID>%s</ACCTID>\n"
	    "<ACCTTYPE>CHECKING</ACCTTYPE>\n</BANKACCTFROM>\n",
	    strlen(export->unit.code) == 3 ? export->unit.code : NO_CURRENCY,
	    id[0], id[1], id[2], id[3], export_account_number(account, number));
}

static void
statement(struct export *export, const struct statement_period *period)
{
	char balance[MONEY_TEXT_MAX];
	FILE *out = export->out;

	put_sign_on(export, period->until_ms);
	fprintf(out,
	    "<BANKMSGSRSV1>\n<STMTTRNRS>\n<TRNUID>0</TRNUID>\n"
	    "<STATUS>\n<CODE>0</CODE>\n<SEVERITY>INFO</SEVERITY>\n</STATUS>\n"
	    "<STMTRS>\n");
	put_account(export, period->account);
	fprintf(out, "<BANKTRANLIST>\n");
	put_time(out, "DTSTART",
	    period->from_given || period->count == 0 ? period->from_ms
						     : period->line[0].time_ms);
	put_time(out, "DTEND", period->until_ms);
	for (size_t i = 0; i < period->count; i++)
		if (period->line[i].amount_minor != 0)
			put_line(export, &period->line[i]);
	fprintf(out, "</BANKTRANLIST>\n<LEDGERBAL>\n<BALAMT>%s</BALAMT>\n",
	    money_format(period->closing_minor, &export->unit, balance));
	put_time(out, "DTASOF", period->until_ms);
	fprintf(out, "</LEDGERBAL>\n");
	if (period->carried)
		fprintf(out,
		    "<BALLIST>\n<BAL>\n<NAME>Carried forward</NAME>\n"
		    "<DESC>The bank has retired the entries before</DESC>\n"
		    "<BALTYPE>DOLLAR</BALTYPE>\n<VALUE>%s</VALUE>\n"
		    "</BAL>\n</BALLIST>\n",
		    money_format(
			period->opening_minor, &export->unit, balance));
	fprintf(out, "</STMTRS>\n</STMTTRNRS>\n</BANKMSGSRSV1>\n"
		     "</OFX>\n");
}

const struct export_format export_format_ofx = {
    .name = "ofx", .statement = statement};
