/* SPDX-License-Identifier: ISC */
/*
 * What the formats have in common: accounts and their names, and how text
 * that somebody has typed gets into a file.  Must never let a text end its
 * field.
 */
#include "client/export/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/account_number.h"
#include "common/ids.h"
#include "common/order.h"
#include "common/utc.h"

const struct export_format *const export_formats[] = {&export_format_text,
    &export_format_csv, &export_format_json, &export_format_hledger,
    &export_format_ledger, &export_format_beancount, &export_format_ofx, NULL};

const struct export_format *
export_format_find(const char *name, bool transactions)
{
	for (size_t i = 0; export_formats[i] != NULL; i++)
		if (strcmp(export_formats[i]->name, name) == 0 &&
		    (!transactions || export_formats[i]->transaction != NULL))
			return export_formats[i];
	return NULL;
}

/* ---- Accounts -------------------------------------------------------------- */

/* Where an id stands or belongs; the table has a free place. */
static struct export_account **
place_of(struct export_account **table, size_t room, uint64_t id)
{
	size_t at = (size_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> 32);

	for (at &= room - 1; table[at] != NULL && table[at]->id != id;)
		at = (at + 1) & (room - 1);
	return &table[at];
}

/* At most half full, a power of two. */
static bool
make_room(struct export *export)
{
	size_t room = export->room == 0 ? 64 : 2 * export->room;
	struct export_account **table;

	if (export->count < export->room / 2)
		return true;
	table = calloc(room, sizeof(*table));
	if (table == NULL)
		return false;
	for (size_t i = 0; i < export->room; i++)
		if (export->account[i] != NULL)
			*place_of(table, room, export->account[i]->id) =
			    export->account[i];
	free(export->account);
	export->account = table;
	export->room = room;
	return true;
}

struct export_account *
export_account_of(struct export *export, uint64_t id, const void *name,
    size_t name_len, bool *fresh)
{
	struct export_account **place, *account;

	if (fresh != NULL)
		*fresh = false;
	if (!make_room(export))
		goto failed;
	place = place_of(export->account, export->room, id);
	if (*place != NULL)
		return *place;
	account = calloc(1, sizeof(*account));
	if (account == NULL)
		goto failed;
	account->id = id;
	account->day_ms = UINT64_MAX;
	account->asserted = export->own == 0 || id == export->own;
	if (name_len <= sizeof(account->name)) {
		account->name_len = (uint8_t)name_len;
		memcpy(account->name, name, name_len);
	}
	*place = account;
	export->count++;
	if (fresh != NULL)
		*fresh = true;
	return account;

failed:
	export->failed = true;
	return NULL;
}

const char *
export_account_number(uint64_t id, char out[EXPORT_ACCOUNT_MAX])
{
	char number[ACCOUNT_NUMBER_TEXT_MAX];

	account_number_digits(id, number);
	if (id == 0)
		snprintf(out, EXPORT_ACCOUNT_MAX, "Opening-Balances");
	else if (id == ACCOUNT_ISSUE || id == ACCOUNT_OVER_SHORT)
		snprintf(out, EXPORT_ACCOUNT_MAX, "%s",
		    id == ACCOUNT_ISSUE ? "Issue" : "Over-Short");
	else if (number[0] != '\0')
		snprintf(out, EXPORT_ACCOUNT_MAX, "%s", number);
	else
		snprintf(out, EXPORT_ACCOUNT_MAX, "%" PRIu64 "-%u",
		    account_customer(id), account_index(id));
	return out;
}

/* The books, and the statement of a till: seen from the bank. */
static bool
is_banks(const struct export *export)
{
	return export->own == 0 ||
	       account_index(export->own) == ACCOUNT_INDEX_TILL;
}

/* What sort of account it is, for the owner of a statement or the bank. */
static const char *
account_group(const struct export *export, uint64_t id)
{
	bool till = account_index(id) == ACCOUNT_INDEX_TILL;

	if (id == ACCOUNT_ISSUE)
		return "Equity";
	if (id == ACCOUNT_OVER_SHORT)
		return "Expenses";
	if (is_banks(export))
		return till ? "Assets:Tills" : "Liabilities:Customers";
	if (id == export->own ||
	    (account_customer(id) == account_customer(export->own) && !till))
		return "Assets:Bank";
	return till ? "Assets:Cash" : "Equity:Customers";
}

const char *
export_account_name(const struct export *export,
    const struct export_account *account, char out[EXPORT_ACCOUNT_MAX])
{
	char number[EXPORT_ACCOUNT_MAX];
	size_t len;

	if (account->id == 0) {
		snprintf(out, EXPORT_ACCOUNT_MAX, "Equity:Opening-Balances");
		return out;
	}
	len = (size_t)snprintf(out, EXPORT_ACCOUNT_MAX, "%s:%s",
	    account_group(export, account->id),
	    export_account_number(account->id, number));
	if (account->name_len == 0 || account_customer(account->id) == 0)
		return out;
	out[len++] = '-';
	for (unsigned i = 0; i < account->name_len; i++) {
		char c = account->name[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		out[len++] = plain ? c : '-';
	}
	out[len] = '\0';
	return out;
}

/* ---- The books -------------------------------------------------------------- */

void
export_begin(struct export *export, FILE *out,
    const struct export_format *format, const struct bankfile *bank,
    uint64_t own)
{
	*export = (struct export){.out = out,
	    .format = format,
	    .unit = bank->unit,
	    .bank = bank,
	    .own = own};
	format->begin(export);
}

void
export_put(struct export *export, const struct export_transaction *transaction)
{
	export->last_ms = transaction->time_ms;
	export->format->transaction(export, transaction);
	for (unsigned i = 0; i < transaction->count; i++) {
		const struct export_posting *posting = &transaction->posting[i];

		posting->account->balance_minor = posting->balance_minor;
		posting->account->day_ms =
		    transaction->time_ms - transaction->time_ms % UTC_DAY_MS;
	}
}

void
export_release(struct export *export)
{
	for (size_t i = 0; i < export->room; i++)
		free(export->account[i]);
	free(export->account);
	export->account = NULL;
	export->room = export->count = 0;
}

enum sr_error
export_end(struct export *export)
{
	bool failed = export->failed;

	if (!failed)
		export->format->end(export);
	export_release(export);
	if (failed || export->failed)
		return SR_NO_SPACE;
	return fflush(export->out) == 0 && ferror(export->out) == 0 ? SR_OK
								    : SR_IO;
}

/* ---- A statement ------------------------------------------------------------ */

/*
 * One line as the customer's transaction; what moved nothing is none.  kind:
 * what it is called that is no order.
 */
static void
put_line(
    struct export *export, const struct statement_line *line, const char *kind)
{
	struct export_transaction transaction = {.leaf = line->leaf,
	    .time_ms = line->time_ms,
	    .refers_to = line->refers_to,
	    .kind = line->kind != 0 ? order_kind_name(line->kind) : kind,
	    .name = line->name,
	    .name_len = line->name_len,
	    .memo = line->memo,
	    .memo_len = line->memo_len,
	    .count = 2};
	struct export_account *own, *other;

	own = export_account_of(export, export->own, "", 0, NULL);
	other = export_account_of(
	    export, line->other, line->name, line->name_len, NULL);
	if (own == NULL || other == NULL)
		return;
	transaction.posting[0] = (struct export_posting){.account = own,
	    .amount_minor = line->amount_minor,
	    .balance_minor = line->balance_minor};
	transaction.posting[1] = (struct export_posting){
	    .account = other, .amount_minor = -line->amount_minor};
	export_put(export, &transaction);
}

/* What was there before the period, as the first transaction. */
static void
put_opening(struct export *export, const struct statement_period *period)
{
	struct statement_line opening = {
	    .time_ms = period->count > 0 && !period->from_given
			   ? period->line[0].time_ms
			   : period->from_ms,
	    .amount_minor = period->opening_minor,
	    .balance_minor = period->opening_minor};

	if (period->opening_minor != 0)
		put_line(export, &opening,
		    period->carried ? "carried forward" : "opening");
}

enum sr_error
export_statement(FILE *out, const struct export_format *format,
    const struct bankfile *bank, const struct statement_period *period)
{
	struct export export = {.out = out,
	    .format = format,
	    .unit = bank->unit,
	    .bank = bank,
	    .own = period->account};

	if (format->statement != NULL) {
		format->statement(&export, period);
		export_release(&export);
		return fflush(out) == 0 && ferror(out) == 0 ? SR_OK : SR_IO;
	}
	export_begin(&export, out, format, bank, period->account);
	put_opening(&export, period);
	for (size_t i = 0; i < period->count; i++)
		if (period->line[i].amount_minor != 0)
			put_line(&export, &period->line[i], "");
	return export_end(&export);
}

/* ---- Text that somebody has typed ------------------------------------------- */

void
export_wide(FILE *out, const void *text, size_t len, const char *specials)
{
	const unsigned char *c = text;

	for (size_t i = 0; i < len; i++)
		if (c[i] > 0x20 && c[i] < 0x7F &&
		    strchr(specials, c[i]) != NULL) {
			unsigned point = 0xFF00u + c[i] - 0x20u;

			putc(0xE0 | (int)(point >> 12), out);
			putc(0x80 | (int)(point >> 6 & 0x3F), out);
			putc(0x80 | (int)(point & 0x3F), out);
		} else {
			putc(c[i], out);
		}
}

const char *
export_sign(
    const struct export *export, int64_t minor, char out[MONEY_TEXT_MAX + 1])
{
	const char *amount = money_format(minor, &export->unit, out + 1);

	if (!is_banks(export) || minor == 0)
		return amount;
	/* as text: the smallest number has no positive one of 64 bits */
	if (*amount == '-')
		return amount + 1;
	out[0] = '-';
	return out;
}

void
export_amount(const struct export *export, int64_t minor)
{
	char text[MONEY_TEXT_MAX + 1];

	fprintf(export->out, "%s %s", export_sign(export, minor, text),
	    export->unit.code);
}
