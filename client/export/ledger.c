/* SPDX-License-Identifier: ISC */
/*
 * hledger and ledger, which differ in their head only.  Every posting of an
 * account whose balance is known asserts it.
 *
 *	2026-11-21 * (17) bob
 *	    ; kind: transfer
 *	    ; time-utc: 2026-11-21T19:05:00.250Z
 *	    ; memo: pizza
 *	    Liabilities:Customers:120087  12.50 EUR = -30.00 EUR
 *	    Liabilities:Customers:150078  -12.50 EUR = -12.50 EUR
 *
 * Text stands behind a `;' that both take for a comment up to the end of the
 * line.  In it a colon makes a tag, a comma ends one and brackets a date; the
 * other characters are those that begin something elsewhere.
 */
#include <inttypes.h>
#include <string.h>

#include "client/export/export.h"
#include "common/utc.h"

#define SPECIALS ";:,|[]{}=@#%*\"\\~"

/* "1000.00", as an example of how amounts are written. */
static void
put_example(const struct export *export)
{
	fprintf(export->out, "1000.%.*s %s", export->unit.exponent, "00000000",
	    export->unit.code);
}

static void
begin_head(const struct export *export)
{
	fprintf(export->out, "; ");
	export_wide(export->out, export->bank->name, strlen(export->bank->name),
	    SPECIALS);
	fprintf(export->out,
	    "; dates are UTC\n"
	    "tag kind\ntag time-utc\ntag refers-to\ntag memo\n");
}

static void
hledger_begin(struct export *export)
{
	begin_head(export);
	fprintf(export->out, "decimal-mark .\ncommodity ");
	put_example(export);
	fprintf(export->out, "\n");
}

static void
ledger_begin(struct export *export)
{
	begin_head(export);
	fprintf(export->out, "commodity %s\n    format ", export->unit.code);
	put_example(export);
	fprintf(export->out, "\n");
}

/* An account is declared before its first posting. */
static void
declare(struct export *export, const struct export_transaction *transaction)
{
	char name[EXPORT_ACCOUNT_MAX];

	for (unsigned i = 0; i < transaction->count; i++) {
		const struct export_account *account =
		    transaction->posting[i].account;

		if (account->day_ms == UINT64_MAX)
			fprintf(export->out, "\naccount %s\n",
			    export_account_name(export, account, name));
	}
}

static void
put_tags(struct export *export, const struct export_transaction *transaction)
{
	char time[UTC_TEXT_MAX];
	FILE *out = export->out;

	fprintf(out, "    ; kind: %s\n    ; time-utc: %s\n", transaction->kind,
	    utc_time_format(transaction->time_ms, time));
	if (transaction->refers_to != 0)
		fprintf(out, "    ; refers-to: %" PRIu64 "\n",
		    transaction->refers_to);
	if (transaction->memo_len > 0) {
		fprintf(out, "    ; memo: ");
		export_wide(
		    out, transaction->memo, transaction->memo_len, SPECIALS);
		putc('\n', out);
	}
}

static void
put_transaction(
    struct export *export, const struct export_transaction *transaction)
{
	char day[UTC_TEXT_MAX], name[EXPORT_ACCOUNT_MAX];
	FILE *out = export->out;

	declare(export, transaction);
	fprintf(out, "\n%s * (%" PRIu64 ") ",
	    utc_day_format(transaction->time_ms, day), transaction->leaf);
	if (transaction->name_len > 0)
		export_wide(
		    out, transaction->name, transaction->name_len, SPECIALS);
	else
		fprintf(out, "%s", transaction->kind);
	putc('\n', out);
	put_tags(export, transaction);
	for (unsigned i = 0; i < transaction->count; i++) {
		const struct export_posting *posting = &transaction->posting[i];

		fprintf(out, "    %s  ",
		    export_account_name(export, posting->account, name));
		export_amount(export, posting->amount_minor);
		if (posting->account->asserted) {
			fprintf(out, " = ");
			export_amount(export, posting->balance_minor);
		}
		putc('\n', out);
	}
}

static void
put_end(struct export *export)
{
	(void)export;
}

const struct export_format export_format_hledger = {.name = "hledger",
    .begin = hledger_begin,
    .transaction = put_transaction,
    .end = put_end};

const struct export_format export_format_ledger = {.name = "ledger",
    .begin = ledger_begin,
    .transaction = put_transaction,
    .end = put_end};
