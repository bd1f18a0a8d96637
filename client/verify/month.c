/* SPDX-License-Identifier: ISC */
/*
 * The books of one month.  Must never write a balance that was not carried
 * out again, nor pass books off for a month of which a part is unknown.
 */
#include "client/verify/month.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ids.h"
#include "common/utc.h"

static const char *const names[] = {MONTH_HLEDGER, MONTH_CSV, MONTH_TILLS};

bool
month_parse(const char *text, uint64_t *from_ms, uint64_t *until_ms)
{
	char day[UTC_TEXT_MAX];
	struct utc_date date;
	uint64_t from, until;

	if (strlen(text) != MONTH_TEXT_LEN ||
	    snprintf(day, sizeof(day), "%s-01", text) < 0 ||
	    !utc_day_parse(day, &from))
		return false;
	date = utc_date_of(from);
	snprintf(day, sizeof(day), "%04u-%02u-01",
	    date.year + (date.month == 12), date.month % 12 + 1);
	if (!utc_day_parse(day, &until))
		return false;
	*from_ms = from;
	*until_ms = until;
	return true;
}

/* ---- files ------------------------------------------------------------- */

static bool
month_path(const struct audit_month *month, const char *name, char out[4096])
{
	return snprintf(out, 4096, "%s/%s", month->directory, name) < 4096;
}

static FILE *
open_new(const struct audit_month *month, const char *name)
{
	char path[4096];
	FILE *file;
	int fd;

	if (!month_path(month, name, path))
		return NULL;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

bool
month_begin(struct verify *verify, struct audit_month *month)
{
	FILE *hledger, *csv;

	if (mkdir(month->directory, 0700) != 0)
		return verify_fail(verify, VERIFY_COULD_NOT, "%s: %s",
		    month->directory, strerror(errno));
	month->made = true;
	verify->audit->month = month;
	hledger = open_new(month, MONTH_HLEDGER);
	csv = open_new(month, MONTH_CSV);
	month->tills = open_new(month, MONTH_TILLS);
	if (hledger != NULL)
		export_begin(&month->hledger, hledger, &export_format_hledger,
		    &verify->bank, 0);
	if (csv != NULL)
		export_begin(
		    &month->csv, csv, &export_format_csv, &verify->bank, 0);
	if (hledger == NULL || csv == NULL || month->tills == NULL)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s: the files of the month cannot be made: %s",
		    month->directory, strerror(errno));
	return true;
}

void
month_end(struct audit_month *month, bool drop)
{
	char path[4096];

	export_release(&month->hledger);
	export_release(&month->csv);
	if (month->hledger.out != NULL)
		fclose(month->hledger.out);
	if (month->csv.out != NULL)
		fclose(month->csv.out);
	if (month->tills != NULL)
		fclose(month->tills);
	free(month->till);
	month->till = NULL;
	if (!drop || !month->made)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (month_path(month, names[i], path))
			(void)unlink(path);
	if (rmdir(month->directory) != 0)
		fprintf(stderr, "strongroom-verify: %s: %s\n", month->directory,
		    strerror(errno));
}

/* ---- the tills --------------------------------------------------------- */

static bool
is_till(uint64_t account)
{
	return account_customer(account) != CUSTOMER_BANK &&
	       account_index(account) == ACCOUNT_INDEX_TILL;
}

/* Its row, which begins empty; NULL when memory is short. */
static struct month_till *
till_of(struct audit_month *month, uint64_t account)
{
	for (size_t i = 0; i < month->till_count; i++)
		if (month->till[i].account == account)
			return &month->till[i];
	if (month->till_count == month->till_room) {
		size_t room = 2 * month->till_room + 16;
		struct month_till *grown =
		    reallocarray(month->till, room, sizeof(*grown));

		if (grown == NULL)
			return NULL;
		month->till = grown;
		month->till_room = room;
	}
	month->till[month->till_count] =
	    (struct month_till){.account = account};
	return &month->till[month->till_count++];
}

/* The cash after an entry; `count' for a difference that a count has found. */
static void
till_moved(struct audit_month *month, struct month_till *till,
    int64_t posted_minor, bool count)
{
	int64_t *into = &till->over_short_minor, cash, moved;

	if (__builtin_sub_overflow((int64_t)0, posted_minor, &cash) ||
	    __builtin_sub_overflow(cash, till->closing_minor, &moved)) {
		month->overflow = true;
		return;
	}
	till->closing_minor = cash;
	if (!count && moved >= 0) {
		into = &till->in_minor;
	} else if (!count) {
		into = &till->out_minor;
		month->overflow |=
		    __builtin_sub_overflow((int64_t)0, moved, &moved);
	}
	month->overflow |= __builtin_add_overflow(*into, moved, into);
}

/* A count that was carried out; false for any other order. */
static bool
count_of(const struct audit_entry *entry, struct order_count *count)
{
	const struct journal_plain *plain = &entry->plain;
	struct entry_order logged;
	struct order order;

	return entry_order_decode(
		   plain->committed, plain->committed_len, &logged) == SR_OK &&
	       order_decode(logged.order, &order) == SR_OK &&
	       logged.outcome == SR_OK &&
	       (order.kind == ORDER_TILL_OPEN ||
		   order.kind == ORDER_TILL_COUNT ||
		   order.kind == ORDER_TILL_CLOSE) &&
	       order_count_decode(
		   logged.attachment, logged.attachment_len, count) == SR_OK;
}

static bool
note_tills(struct audit_month *month, const struct audit_entry *entry)
{
	const struct journal_plain *plain = &entry->plain;
	struct order_count count;
	bool counted = count_of(entry, &count), difference = false;
	struct month_till *till;

	/* a float comes from the safe, and is none */
	for (unsigned i = 0; i < plain->touched_count; i++)
		difference |= plain->touched[i].account == ACCOUNT_OVER_SHORT;

	for (unsigned i = 0; i < plain->touched_count; i++) {
		if (!is_till(plain->touched[i].account))
			continue;
		till = till_of(month, plain->touched[i].account);
		if (till == NULL)
			return false;
		till_moved(month, till, plain->touched[i].posted_minor,
		    counted && difference);
	}
	if (!counted)
		return true;
	till = till_of(month, count.till);
	if (till == NULL)
		return false;
	till->counts++;
	till->counted_minor = count.sum_minor;
	till->counted_ms = entry->header.time_ms;
	return true;
}

static int
compare_tills(const void *one, const void *other)
{
	const struct month_till *a = one, *b = other;

	return a->account < b->account ? -1 : a->account > b->account;
}

static void
put_till(const struct audit_month *month, const struct money_unit *unit,
    const struct month_till *till)
{
	const int64_t amounts[] = {till->opening_minor, till->in_minor,
	    till->out_minor, till->over_short_minor, till->closing_minor};
	char text[MONEY_TEXT_MAX], number[EXPORT_ACCOUNT_MAX];
	char time[UTC_TEXT_MAX];
	FILE *out = month->tills;

	fprintf(out, "%s", export_account_number(till->account, number));
	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
		fprintf(out, ",%s", money_format(amounts[i], unit, text));
	fprintf(out, ",%" PRIu64, till->counts);
	if (till->counts > 0)
		fprintf(out, ",%s,%s",
		    money_format(till->counted_minor, unit, text),
		    utc_time_format(till->counted_ms, time));
	else
		fprintf(out, ",,");
	fprintf(out, ",%s\r\n", unit->code);
}

/* ---- the month --------------------------------------------------------- */

/* One account's balance, against one that is zero when all are there. */
static void
put_balance(
    struct export *export, uint64_t from_ms, uint64_t id, int64_t posted_minor)
{
	struct export_account *account =
	    export_account_of(export, id, "", 0, NULL);
	struct export_account *against =
	    export_account_of(export, 0, "", 0, NULL);
	struct export_transaction transaction = {
	    .time_ms = from_ms, .kind = "opening", .count = 2};

	if (account == NULL || against == NULL)
		return;
	transaction.posting[0] = (struct export_posting){.account = account,
	    .amount_minor = posted_minor,
	    .balance_minor = posted_minor};
	transaction.posting[1].account = against;
	if (__builtin_sub_overflow((int64_t)0, posted_minor,
		&transaction.posting[1].amount_minor) ||
	    __builtin_sub_overflow(against->balance_minor, posted_minor,
		&transaction.posting[1].balance_minor))
		export->failed = true;
	else
		export_put(export, &transaction);
}

/* What every account has when the month begins. */
static bool
put_opening(struct audit_month *month, const struct book *book)
{
	month->begun = true;
	for (uint64_t i = 0; i < book_account_count(book); i++) {
		const struct book_account *account = book_account_at(book, i);
		struct month_till *till;

		if (account->posted_minor != 0) {
			put_balance(&month->hledger, month->from_ms,
			    account->id, account->posted_minor);
			put_balance(&month->csv, month->from_ms, account->id,
			    account->posted_minor);
		}
		if (!is_till(account->id))
			continue;
		till = till_of(month, account->id);
		if (till == NULL)
			return false;
		month->overflow |= __builtin_sub_overflow(
		    (int64_t)0, account->posted_minor, &till->opening_minor);
		till->closing_minor = till->opening_minor;
	}
	return true;
}

/* The end of all files; tills that were enrolled in it have a row, too. */
static bool
put_end(struct verify *verify, struct audit_month *month)
{
	const struct book *book = &verify->audit->book;
	enum sr_error hledger, csv;

	month->ended = true;
	for (uint64_t i = 0; i < book_account_count(book); i++) {
		uint64_t id = book_account_at(book, i)->id;

		if (is_till(id) && till_of(month, id) == NULL)
			return verify_fail(verify, VERIFY_COULD_NOT,
			    "there is not enough memory");
	}
	if (month->till_count > 0)
		qsort(month->till, month->till_count, sizeof(*month->till),
		    compare_tills);
	fprintf(month->tills, MONTH_TILLS_HEAD);
	for (size_t i = 0; i < month->till_count; i++)
		put_till(month, &verify->bank.unit, &month->till[i]);
	hledger = export_end(&month->hledger);
	csv = export_end(&month->csv);
	if (month->overflow || hledger == SR_NO_SPACE || csv == SR_NO_SPACE)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "the books of the month: %s", error_sentence(SR_NO_SPACE));
	if (hledger != SR_OK || csv != SR_OK || fflush(month->tills) != 0 ||
	    ferror(month->tills) != 0)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "the books of the month cannot be written");
	return true;
}

bool
month_before(struct verify *verify, const struct audit_entry *entry)
{
	struct audit_month *month = verify->audit->month;
	uint64_t time_ms = entry->header.time_ms;

	if (month->ended)
		return true;
	if (time_ms < month->from_ms) {
		month->earlier = true;
		return true;
	}
	if (!month->begun && !month->earlier &&
	    verify->audit->start.number != 0)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "the disclosed books begin within the month or after it; "
		    "it needs the keys from an older snapshot on");
	if (entry->header.seq == 0 && time_ms >= month->until_ms)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "the bank was founded after that month");
	if (!month->begun && !put_opening(month, &verify->audit->book))
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "there is not enough memory");
	return time_ms < month->until_ms || put_end(verify, month);
}

bool
month_after(struct verify *verify, const struct audit_entry *entry)
{
	struct audit_month *month = verify->audit->month;

	if (!month->begun || month->ended)
		return true;
	audit_export_transaction(verify->audit, &month->hledger, entry);
	audit_export_transaction(verify->audit, &month->csv, entry);
	return note_tills(month, entry) || verify_fail(verify, VERIFY_COULD_NOT,
					       "there is not enough memory");
}

bool
month_finish(struct verify *verify)
{
	struct audit *audit = verify->audit;
	struct audit_month *month = audit->month;

	if (month == NULL || month->ended)
		return true;
	if (audit->executed == 0 || audit->executed != verify->signed_size)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "the month's books need the keys of every segment up to "
		    "its end: from entry %" PRIu64
		    " on nothing could be carried out again",
		    audit->executed);
	if (!month->begun && !put_opening(month, &audit->book))
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "there is not enough memory");
	return put_end(verify, month);
}
