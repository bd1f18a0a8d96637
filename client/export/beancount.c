/* SPDX-License-Identifier: ISC */
/*
 * beancount.  Its balance assertions are of the beginning of a day: so each
 * account's stands before its first posting of a day, and at the end of the
 * file for the day after its last one.  They are exact (`~ 0').
 */
#include <inttypes.h>
#include <string.h>

#include "client/export/export.h"
#include "common/utc.h"

static void
put_string(FILE *out, const char *text, size_t len)
{
	putc('"', out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			putc('\\', out);
		putc(text[i], out);
	}
	putc('"', out);
}

static void
begin(struct export *export)
{
	fprintf(export->out, "option \"title\" ");
	put_string(export->out, export->bank->name, strlen(export->bank->name));
	fprintf(export->out,
	    "\noption \"operating_currency\" \"%s\"\n"
	    "1970-01-01 commodity %s\n",
	    export->unit.code, export->unit.code);
}

static void
put_balance(struct export *export, const struct export_account *account,
    uint64_t day_ms)
{
	char day[UTC_TEXT_MAX], name[EXPORT_ACCOUNT_MAX];
	char amount[MONEY_TEXT_MAX + 1];

	fprintf(export->out, "%s balance %s  ", utc_day_format(day_ms, day),
	    export_account_name(export, account, name));
	fprintf(export->out, "%s ~ 0 %s\n",
	    export_sign(export, account->balance_minor, amount),
	    export->unit.code);
}

/* What must be said of the accounts before the transaction. */
static void
prepare(struct export *export, const struct export_transaction *transaction)
{
	uint64_t day_ms =
	    transaction->time_ms - transaction->time_ms % UTC_DAY_MS;
	char day[UTC_TEXT_MAX], name[EXPORT_ACCOUNT_MAX];

	putc('\n', export->out);
	for (unsigned i = 0; i < transaction->count; i++) {
		const struct export_account *account =
		    transaction->posting[i].account;

		if (account->day_ms == UINT64_MAX)
			fprintf(export->out, "%s open %s  %s\n",
			    utc_day_format(day_ms, day),
			    export_account_name(export, account, name),
			    export->unit.code);
		else if (account->asserted && account->day_ms != day_ms)
			put_balance(export, account, day_ms);
	}
}

static void
put_transaction(
    struct export *export, const struct export_transaction *transaction)
{
	char text[UTC_TEXT_MAX], name[EXPORT_ACCOUNT_MAX];
	FILE *out = export->out;

	prepare(export, transaction);
	fprintf(out, "%s * ", utc_day_format(transaction->time_ms, text));
	if (transaction->name_len > 0)
		put_string(out, transaction->name, transaction->name_len);
	else
		put_string(out, transaction->kind, strlen(transaction->kind));
	putc(' ', out);
	put_string(out, transaction->memo, transaction->memo_len);
	fprintf(out, "\n  leaf: %" PRIu64 "\n  kind: \"%s\"\n  time: \"%s\"\n",
	    transaction->leaf, transaction->kind,
	    utc_time_format(transaction->time_ms, text));
	if (transaction->refers_to != 0)
		fprintf(
		    out, "  refers-to: %" PRIu64 "\n", transaction->refers_to);
	for (unsigned i = 0; i < transaction->count; i++) {
		const struct export_posting *posting = &transaction->posting[i];

		fprintf(out, "  %s  ",
		    export_account_name(export, posting->account, name));
		export_amount(export, posting->amount_minor);
		putc('\n', out);
	}
}

static void
end(struct export *export)
{
	uint64_t next_ms =
	    export->last_ms - export->last_ms % UTC_DAY_MS + UTC_DAY_MS;

	putc('\n', export->out);
	for (size_t i = 0; i < export->room; i++) {
		const struct export_account *account = export->account[i];

		/* one that was met, but whose money never moved, is not open */
		if (account != NULL && account->asserted &&
		    account->day_ms != UINT64_MAX)
			put_balance(export, account, next_ms);
	}
}

const struct export_format export_format_beancount = {.name = "beancount",
    .begin = begin,
    .transaction = put_transaction,
    .end = end};
