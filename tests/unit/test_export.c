/* SPDX-License-Identifier: ISC */
/*
 * Statements and exports: a period is put together from pages only if it adds
 * up, and nothing that somebody has typed ends its field in any format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/export/export.h"
#include "common/ids.h"
#include "common/order.h"
#include "common/utc.h"

enum { LINES_MAX = 16 };

#define ADA (UINT64_C(4) << 16)
#define BOB (UINT64_C(5) << 16)
#define LOBBY (UINT64_C(3) << 16 | ACCOUNT_INDEX_TILL)
/* 2026-11-21T00:00:00Z */
#define DAY UINT64_C(1795219200000)

static const struct bankfile our_bank = {
    .name = "Our; Bank", .bank_id = {0xAB, 0xCD, 1, 2}, .unit = {"EUR", 2}};

/* ---- A bank that sends pages ------------------------------------------------ */

struct pages {
	struct statement_line line[LINES_MAX]; /* oldest first */
	size_t count;
	size_t each; /* lines a page */
	unsigned asked;
	uint64_t retired; /* the bank has no lines before that leaf any more */
	uint8_t bytes[LINES_MAX * STATEMENT_LINE_MAX];
	struct statement_period *period; /* which is told so; or NULL */
};

static void
add_line(struct pages *pages, uint64_t time_ms, int64_t amount_minor,
    const char *memo)
{
	struct statement_line *line = &pages->line[pages->count];
	int64_t before = pages->count > 0 ? line[-1].balance_minor : INT64_C(0);

	assert_true(pages->count < LINES_MAX);
	*line = (struct statement_line){.leaf = 10 + pages->count,
	    .time_ms = time_ms,
	    .amount_minor = amount_minor,
	    .balance_minor = before + amount_minor,
	    .other = amount_minor > 0 ? LOBBY : BOB,
	    .kind = amount_minor > 0 ? ORDER_DEPOSIT : ORDER_TRANSFER,
	    .name_len = amount_minor > 0 ? 5 : 3,
	    .memo_len = (uint16_t)strlen(memo)};
	memcpy(line->name, amount_minor > 0 ? "lobby" : "bob", line->name_len);
	memcpy(line->memo, memo, line->memo_len);
	pages->count++;
}

static enum sr_error
fetch(void *context, uint64_t before, const uint8_t **lines, size_t *len,
    bool *more, uint64_t *account)
{
	struct pages *pages = context;
	struct writer w = writer_to(pages->bytes, sizeof(pages->bytes));
	size_t left = pages->each;

	pages->asked++;
	*more = false;
	for (size_t i = pages->count; i-- > 0;) {
		if (pages->line[i].leaf >= before)
			continue;
		if (pages->line[i].leaf < pages->retired) {
			pages->period->retired = true;
			break;
		}
		if (left-- == 0) {
			*more = true;
			break;
		}
		assert_int_equal(
		    statement_line_write(&w, &pages->line[i]), SR_OK);
	}
	*lines = pages->bytes;
	*len = writer_len(&w);
	*account = ADA;
	return SR_OK;
}

/* Four days with a line each, 100, -30, -20, 5. */
static void
four_days(struct pages *pages, size_t each)
{
	memset(pages, 0, sizeof(*pages));
	pages->each = each;
	add_line(pages, DAY + 1, 10000, "");
	add_line(pages, DAY + UTC_DAY_MS, -3000, "rent");
	add_line(pages, DAY + 2 * UTC_DAY_MS, -2000, "pizza");
	add_line(pages, DAY + 3 * UTC_DAY_MS, 500, "");
}

static struct statement_period
days(unsigned from, unsigned until)
{
	return (struct statement_period){.from_ms = DAY + from * UTC_DAY_MS,
	    .until_ms = DAY + until * UTC_DAY_MS,
	    .from_given = true,
	    .until_given = true};
}

/* ---- Periods ----------------------------------------------------------------- */

static void
given_pages_when_a_period_is_collected_then_it_adds_up(void **state)
{
	static const struct {
		unsigned from, until, count;
		int64_t opening_minor, closing_minor;
	} cases[] = {{0, 9, 4, 0, 5500}, {1, 3, 2, 10000, 5000},
	    {2, 3, 1, 7000, 5000}, {3, 9, 1, 5000, 5500}, {4, 9, 0, 5500, 5500},
	    {0, 1, 1, 0, 10000}};
	static struct pages pages;

	(void)state;
	for (size_t each = 1; each <= 5; each++) {
		four_days(&pages, each);
		for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]);
		     i++) {
			struct statement_period period =
			    days(cases[i].from, cases[i].until);

			assert_int_equal(
			    statement_period_collect(&period, fetch, &pages),
			    SR_OK);
			assert_true(period.account == ADA);
			assert_int_equal(period.count, cases[i].count);
			assert_int_equal(
			    period.opening_minor, cases[i].opening_minor);
			assert_int_equal(
			    period.closing_minor, cases[i].closing_minor);
			for (size_t n = 1; n < period.count; n++)
				assert_true(period.line[n - 1].leaf <
					    period.line[n].leaf);
			statement_period_free(&period);
		}
	}
}

static void
given_a_period_before_the_account_then_it_holds_nothing(void **state)
{
	struct statement_period period = {.until_ms = DAY};
	static struct pages pages;

	(void)state;
	four_days(&pages, 2);
	assert_int_equal(
	    statement_period_collect(&period, fetch, &pages), SR_OK);
	assert_int_equal(period.count, 0);
	assert_int_equal(period.opening_minor, 0);
	assert_int_equal(period.closing_minor, 0);
	statement_period_free(&period);
}

static void
given_a_late_period_then_older_pages_are_not_asked_for(void **state)
{
	struct statement_period period = days(3, 9);
	static struct pages pages;

	(void)state;
	four_days(&pages, 1);
	assert_int_equal(
	    statement_period_collect(&period, fetch, &pages), SR_OK);
	assert_int_equal(pages.asked, 2);
	statement_period_free(&period);
}

/* The four days, of which the lines before the leaf 10 + retired are gone. */
static struct statement_period
collect_retired(struct statement_period period, unsigned retired, size_t each,
    enum sr_error expected)
{
	static struct pages pages;

	four_days(&pages, each);
	pages.retired = 10 + retired;
	pages.period = &period;
	assert_int_equal(
	    statement_period_collect(&period, fetch, &pages), expected);
	pages.period = NULL;
	return period;
}

static void
given_retired_lines_when_a_period_is_collected_then_carried_forward(
    void **state)
{
	static const struct {
		unsigned retired, from, until, count;
		int64_t opening_minor, closing_minor;
		bool carried;
	} cases[] = {{0, 0, 9, 4, 0, 5500, false},
	    {1, 0, 9, 3, 10000, 5500, true}, {2, 0, 9, 2, 7000, 5500, true},
	    {3, 0, 9, 1, 5000, 5500, true}, {2, 0, 3, 1, 7000, 5000, true},
	    {2, 2, 9, 2, 7000, 5500, true},
	    /* an older line is there: it says what was before */
	    {1, 2, 9, 2, 7000, 5500, false}, {2, 3, 9, 1, 5000, 5500, false}};

	(void)state;
	for (size_t each = 1; each <= 5; each++) {
		for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]);
		     i++) {
			struct statement_period period =
			    collect_retired(days(cases[i].from, cases[i].until),
				cases[i].retired, each, SR_OK);
			int64_t sum_minor = period.opening_minor;

			assert_int_equal(period.count, cases[i].count);
			assert_int_equal(
			    period.opening_minor, cases[i].opening_minor);
			assert_int_equal(
			    period.closing_minor, cases[i].closing_minor);
			assert_int_equal(period.carried, cases[i].carried);
			assert_false(period.bare);
			for (size_t n = 0; n < period.count; n++)
				sum_minor += period.line[n].amount_minor;
			assert_int_equal(sum_minor, period.closing_minor);
			statement_period_free(&period);
		}
	}
}

/* What an account came to on a day before all that is left, nobody knows. */
static void
given_a_period_that_is_retired_then_there_is_no_balance_of_it(void **state)
{
	struct statement_period period =
	    collect_retired(days(0, 2), 2, 2, SR_RETIRED);

	(void)state;
	statement_period_free(&period);
	period = collect_retired(days(0, 2), 4, 2, SR_RETIRED);
	statement_period_free(&period);
	/* until now, and without any line: the caller's to fill in */
	period = days(0, 9);
	period.until_given = false;
	period = collect_retired(period, 4, 2, SR_OK);
	assert_true(period.carried && period.bare && period.count == 0);
	statement_period_free(&period);
}

static enum sr_error
collect_spoilt(void (*spoil)(struct pages *pages))
{
	struct statement_period period = days(0, 9);
	static struct pages pages;
	enum sr_error error;

	four_days(&pages, 2);
	spoil(&pages);
	error = statement_period_collect(&period, fetch, &pages);
	statement_period_free(&period);
	return error;
}

static void
spoil_amount(struct pages *pages)
{
	pages->line[2].amount_minor++;
}

static void
spoil_balance(struct pages *pages)
{
	pages->line[1].balance_minor--;
}

static void
spoil_first(struct pages *pages)
{
	pages->line[0].amount_minor--;
}

static void
spoil_time(struct pages *pages)
{
	pages->line[1].time_ms = DAY + 3 * UTC_DAY_MS;
}

static void
spoil_leaf(struct pages *pages)
{
	pages->line[2].leaf = pages->line[3].leaf;
}

static void
spoil_memo(struct pages *pages)
{
	pages->line[1].memo[0] = '\n';
}

static void
spoil_name(struct pages *pages)
{
	pages->line[1].name[0] = '\033';
}

static void
spoil_overflow(struct pages *pages)
{
	pages->line[0].amount_minor = INT64_MIN;
}

static void
given_lines_that_do_not_add_up_then_there_is_no_statement(void **state)
{
	static void (*const spoils[])(struct pages *) = {spoil_amount,
	    spoil_balance, spoil_first, spoil_time, spoil_leaf, spoil_memo,
	    spoil_name, spoil_overflow};

	(void)state;
	for (unsigned i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++)
		assert_int_equal(collect_spoilt(spoils[i]), SR_MALFORMED);
}

/* ---- Formats ------------------------------------------------------------------- */

static char *
written(const char *format, struct pages *pages)
{
	struct statement_period period = days(0, 9);
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(
	    statement_period_collect(&period, fetch, pages), SR_OK);
	assert_int_equal(
	    export_statement(
		out, export_format_find(format, false), &our_bank, &period),
	    SR_OK);
	fclose(out);
	statement_period_free(&period);
	return text;
}

static unsigned
count_of(const char *text, const char *part)
{
	unsigned count = 0;

	while ((text = strstr(text, part)) != NULL) {
		text += strlen(part);
		count++;
	}
	return count;
}

/* One transfer with that memo. */
static char *
written_memo(const char *format, const char *memo)
{
	static struct pages pages;

	memset(&pages, 0, sizeof(pages));
	pages.each = 5;
	add_line(&pages, DAY + 1, 10000, "");
	add_line(&pages, DAY + 2, -1, memo);
	return written(format, &pages);
}

static void
given_each_ascii_character_in_a_memo_then_no_format_gains_a_line(void **state)
{
	char memo[2 + 3 * 95 + 1];
	char *plain, *odd;

	(void)state;
	for (size_t n = 0; export_formats[n] != NULL; n++) {
		const char *format = export_formats[n]->name;

		plain = written_memo(format, "plain");
		for (int c = 0x20; c < 0x7F; c++) {
			snprintf(
			    memo, sizeof(memo), "%c%c  %c x: %c", c, c, c, c);
			odd = written_memo(format, memo);
			assert_int_equal(
			    count_of(odd, "\n"), count_of(plain, "\n"));
			free(odd);
		}
		free(plain);
	}
}

/* What stands between two marks; to be freed. */
static char *
between(const char *text, const char *begin, const char *end)
{
	const char *from = strstr(text, begin), *until;

	assert_non_null(from);
	from += strlen(begin);
	until = strstr(from, end);
	assert_non_null(until);
	return strndup(from, (size_t)(until - from));
}

static void
given_syntax_in_a_memo_then_hledger_and_ledger_get_none_of_it(void **state)
{
	static const char memo[] =
	    "a;b:c,d|[2020-01-01]{e}=f@g#h%i*j\"k\\l~ (m) 'n' o!";
	static const char *const formats[] = {"hledger", "ledger"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char *text = written_memo(formats[i], memo);
		char *found = between(text, "    ; memo: ", "\n");

		assert_null(strpbrk(found, ";:,|[]{}=@#%*\"\\~"));
		assert_non_null(strstr(found, "a\xEF\xBC\x9B"
					      "b"));
		assert_non_null(strstr(found, " (m) 'n' o!"));
		/* nor by the bank's name */
		assert_memory_equal(text, "; Our\xEF\xBC\x9B Bank", 13);
		free(found);
		free(text);
	}
}

static void
given_quotes_in_a_memo_then_beancount_and_json_get_them_escaped(void **state)
{
	static const char *const formats[] = {"beancount", "json"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char *text = written_memo(formats[i], "a\"b\\c");

		assert_non_null(strstr(text, "\"a\\\"b\\\\c\""));
		free(text);
	}
}

static void
given_markup_in_a_memo_then_ofx_gets_it_escaped(void **state)
{
	char *text = written_memo(
	    "ofx", "</MEMO><TRNAMT>9&amp;\xEF\xBF\xBF\xEF\xBF\xBE");

	(void)state;
	assert_non_null(
	    strstr(text, "<MEMO>&lt;/MEMO&gt;&lt;TRNAMT&gt;9&amp;amp;"
			 "\xEF\xBF\xBD\xEF\xBF\xBD</MEMO>"));
	assert_int_equal(count_of(text, "<TRNAMT>"), 2);
	free(text);
}

static void
given_a_long_memo_then_ofx_gets_whole_characters_of_it(void **state)
{
	char memo[257] = "", *text, *found;

	(void)state;
	memset(memo, 'm', 256);
	text = written_memo("ofx", memo);
	found = between(text, "<MEMO>", "</MEMO>");
	assert_int_equal(strlen(found), 255);
	free(found);
	free(text);
	for (unsigned i = 0; i < 256; i += 2)
		memcpy(memo + i, "\xC3\xA4", 2);
	text = written_memo("ofx", memo);
	found = between(text, "<MEMO>", "</MEMO>");
	assert_string_equal(found, memo);
	free(found);
	free(text);
}

static void
given_a_formula_in_a_memo_then_a_spreadsheet_gets_text(void **state)
{
	static const struct {
		const char *memo, *field;
	} cases[] = {{"=1+1", "\"'=1+1\""}, {"+1", "\"'+1\""},
	    {"-1", "\"'-1\""}, {"@SUM(A1)", "\"'@SUM(A1)\""},
	    {"  =1", "\"'  =1\""}, {"'=1", "\"''=1\""},
	    {"\xEF\xBC\x9D"
	     "1",
		"\"'\xEF\xBC\x9D"
		"1\""},
	    {"a,\"b\"", "\"a,\"\"b\"\"\""},
	    {"a;=1", "\"a\xEF\xBC\x9B"
		     "=1\""},
	    {"1-2=3", "\"1-2=3\""}, {"", "\"\""}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char field[64];
		char *text = written_memo("csv", cases[i].memo);

		snprintf(
		    field, sizeof(field), ",\"bob\",%s,-0.01,", cases[i].field);
		assert_non_null(strstr(text, field));
		assert_int_equal(count_of(text, "\r\n"), count_of(text, "\n"));
		free(text);
	}
}

static void
given_a_statement_then_each_line_that_moved_money_has_its_own_fitid(
    void **state)
{
	static struct pages pages;
	char *text, *found;

	(void)state;
	four_days(&pages, 5);
	add_line(&pages, DAY + 3 * UTC_DAY_MS, 0, "a hold");
	text = written("ofx", &pages);
	assert_int_equal(count_of(text, "<STMTTRN>"), 4);
	assert_int_equal(count_of(text, "<FITID>"), 4);
	for (unsigned i = 0; i < 4; i++) {
		char id[64];

		snprintf(id, sizeof(id), "<FITID>%u-%llu</FITID>", 10 + i,
		    (unsigned long long)pages.line[i].time_ms);
		assert_int_equal(count_of(text, id), 1);
	}
	found = between(text, "<LEDGERBAL>\n<BALAMT>", "</BALAMT>");
	assert_string_equal(found, "55.00");
	free(found);
	free(text);
}

static void
given_a_period_in_the_middle_then_its_opening_is_a_posting(void **state)
{
	struct statement_period period = days(2, 3);
	static struct pages pages;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	four_days(&pages, 5);
	assert_int_equal(
	    statement_period_collect(&period, fetch, &pages), SR_OK);
	assert_int_equal(
	    export_statement(out, &export_format_hledger, &our_bank, &period),
	    SR_OK);
	fclose(out);
	assert_non_null(strstr(text, "2026-11-23 * (0) opening\n"));
	assert_non_null(
	    strstr(text, "    Assets:Bank:40062  70.00 EUR = 70.00 EUR\n"
			 "    Equity:Opening-Balances  -70.00 EUR\n"));
	assert_non_null(
	    strstr(text, "    Assets:Bank:40062  -20.00 EUR = 50.00 EUR\n"));
	statement_period_free(&period);
	free(text);
}

static void
given_the_statement_of_a_till_then_its_cash_is_an_asset(void **state)
{
	struct statement_line line = {.leaf = 10,
	    .time_ms = DAY,
	    .amount_minor = -5000,
	    .balance_minor = -7000,
	    .other = ADA,
	    .kind = ORDER_DEPOSIT};
	struct statement_period period = {.account = LOBBY,
	    .until_ms = DAY + 1,
	    .opening_minor = -2000,
	    .closing_minor = -7000,
	    .line = &line,
	    .count = 1};
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(
	    export_statement(out, &export_format_ledger, &our_bank, &period),
	    SR_OK);
	fclose(out);
	assert_non_null(
	    strstr(text, "    Assets:Tills:30168  50.00 EUR = 70.00 EUR\n"
			 "    Liabilities:Customers:40062  -50.00 EUR\n"));
	free(text);
}

static void
given_a_full_disk_then_a_statement_is_not_called_written(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct statement_period period = days(0, 9);
	static struct pages pages;

	(void)state;
	assert_non_null(full);
	four_days(&pages, 5);
	assert_int_equal(
	    statement_period_collect(&period, fetch, &pages), SR_OK);
	for (size_t n = 0; export_formats[n] != NULL; n++) {
		assert_int_equal(export_statement(full, export_formats[n],
				     &our_bank, &period),
		    SR_IO);
		clearerr(full);
	}
	fclose(full);
	statement_period_free(&period);
}

/* ---- Accounts -------------------------------------------------------------------- */

static void
given_a_name_like_another_number_then_its_account_is_another(void **state)
{
	struct export export = {.own = ADA};
	char bob[EXPORT_ACCOUNT_MAX], eve[EXPORT_ACCOUNT_MAX];
	const uint64_t eve_id = UINT64_C(6) << 16;

	(void)state;
	export_account_name(
	    &export, export_account_of(&export, BOB, "", 0, NULL), bob);
	assert_string_equal(bob, "Equity:Customers:50053");
	export_account_name(
	    &export, export_account_of(&export, eve_id, "50053", 5, NULL), eve);
	assert_string_equal(eve, "Equity:Customers:60044-50053");
	export_release(&export);
}

static void
given_any_name_then_its_account_is_letters_digits_hyphens(void **state)
{
	char name[STATEMENT_NAME_MAX], text[EXPORT_ACCOUNT_MAX];

	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		struct export export = {.own = ADA};

		memset(name, (int)c, sizeof(name));
		export_account_name(&export,
		    export_account_of(&export, (CUSTOMER_LIMIT - 1) << 16, name,
			sizeof(name), NULL),
		    text);
		assert_int_equal(
		    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
				 "TUVWXYZ0123456789-:"),
		    strlen(text));
		assert_int_equal(count_of(text, ":"), 2);
		export_release(&export);
	}
}

static void
given_ten_thousand_accounts_then_each_keeps_its_own(void **state)
{
	struct export export = {0};
	bool fresh;

	(void)state;
	for (uint64_t i = 1; i <= 10000; i++) {
		struct export_account *account =
		    export_account_of(&export, i << 16, "", 0, &fresh);

		assert_true(fresh);
		account->balance_minor = (int64_t)i;
	}
	for (uint64_t i = 1; i <= 10000; i++) {
		struct export_account *account =
		    export_account_of(&export, i << 16, "", 0, &fresh);

		assert_false(fresh);
		assert_int_equal(account->balance_minor, i);
	}
	assert_int_equal(export.count, 10000);
	export_release(&export);
}

/* ---- The books ------------------------------------------------------------------- */

/* Two postings of a book, in that format. */
static char *
book(const char *format, int64_t amount_minor, uint64_t second_ms)
{
	struct export export;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);
	int64_t balance_minor = 0;

	assert_non_null(out);
	export_begin(
	    &export, out, export_format_find(format, true), &our_bank, 0);
	/* a hold has touched it, and nothing moved */
	assert_non_null(export_account_of(&export, BOB, "", 0, NULL));
	for (uint64_t i = 0; i < 2; i++) {
		struct export_transaction transaction = {.leaf = 10 + i,
		    .time_ms = i == 0 ? DAY + 5 : second_ms,
		    .kind = "deposit",
		    .memo = "m",
		    .memo_len = 1,
		    .count = 2};

		balance_minor += i == 0 ? amount_minor : -1;
		transaction.posting[0] = (struct export_posting){
		    .account =
			export_account_of(&export, ACCOUNT_ISSUE, "", 0, NULL),
		    .amount_minor = i == 0 ? -amount_minor : 1,
		    .balance_minor = -balance_minor};
		transaction.posting[1] = (struct export_posting){
		    .account = export_account_of(&export, ADA, "", 0, NULL),
		    .amount_minor = i == 0 ? amount_minor : -1,
		    .balance_minor = balance_minor};
		export_put(&export, &transaction);
	}
	assert_int_equal(export_end(&export), SR_OK);
	fclose(out);
	return text;
}

static void
given_the_books_then_what_the_bank_owes_is_negative_and_asserted(void **state)
{
	char *text = book("ledger", 700, DAY + 6);

	(void)state;
	assert_non_null(
	    strstr(text, "    Equity:Issue  7.00 EUR = 7.00 EUR\n"
			 "    Liabilities:Customers:40062  -7.00 EUR = "
			 "-7.00 EUR\n"));
	assert_non_null(
	    strstr(text, "    Equity:Issue  -0.01 EUR = 6.99 EUR\n"
			 "    Liabilities:Customers:40062  0.01 EUR = "
			 "-6.99 EUR\n"));
	free(text);
	text = book("csv", 700, DAY + 6);
	assert_non_null(strstr(text, "10,2026-11-21T00:00:00.005Z,deposit,"
				     "40062,7.00,7.00,,\"m\",EUR\r\n"));
	free(text);
}

static void
given_the_smallest_balance_then_its_sign_turns(void **state)
{
	struct export export = {.unit = {"EUR", 2}};
	char out[MONEY_TEXT_MAX + 1];

	(void)state;
	assert_string_equal(
	    export_sign(&export, INT64_MIN, out), "92233720368547758.08");
	assert_string_equal(
	    export_sign(&export, INT64_MAX, out), "-92233720368547758.07");
	assert_string_equal(export_sign(&export, 0, out), "0.00");
	export.own = ADA;
	assert_string_equal(
	    export_sign(&export, INT64_MIN, out), "-92233720368547758.08");
}

static void
given_another_day_then_beancount_asserts_the_balances_before_it(void **state)
{
	char *text = book("beancount", 700, DAY + 6);

	(void)state;
	assert_int_equal(count_of(text, " balance "), 2);
	assert_null(strstr(text, "50053"));
	free(text);
	text = book("beancount", 700, DAY + UTC_DAY_MS);
	assert_non_null(strstr(text, "2026-11-22 balance "
				     "Liabilities:Customers:40062  -7.00 ~ 0 "
				     "EUR\n"));
	assert_non_null(strstr(text, "2026-11-23 balance "
				     "Liabilities:Customers:40062  -6.99 ~ 0 "
				     "EUR\n"));
	assert_int_equal(count_of(text, " balance "), 4);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_pages_when_a_period_is_collected_then_it_adds_up),
	    cmocka_unit_test(
		given_a_period_before_the_account_then_it_holds_nothing),
	    cmocka_unit_test(
		given_a_late_period_then_older_pages_are_not_asked_for),
	    cmocka_unit_test(
		given_retired_lines_when_a_period_is_collected_then_carried_forward),
	    cmocka_unit_test(
		given_a_period_that_is_retired_then_there_is_no_balance_of_it),
	    cmocka_unit_test(
		given_lines_that_do_not_add_up_then_there_is_no_statement),
	    cmocka_unit_test(
		given_each_ascii_character_in_a_memo_then_no_format_gains_a_line),
	    cmocka_unit_test(
		given_syntax_in_a_memo_then_hledger_and_ledger_get_none_of_it),
	    cmocka_unit_test(
		given_quotes_in_a_memo_then_beancount_and_json_get_them_escaped),
	    cmocka_unit_test(given_markup_in_a_memo_then_ofx_gets_it_escaped),
	    cmocka_unit_test(
		given_a_long_memo_then_ofx_gets_whole_characters_of_it),
	    cmocka_unit_test(
		given_a_formula_in_a_memo_then_a_spreadsheet_gets_text),
	    cmocka_unit_test(
		given_a_statement_then_each_line_that_moved_money_has_its_own_fitid),
	    cmocka_unit_test(
		given_a_period_in_the_middle_then_its_opening_is_a_posting),
	    cmocka_unit_test(
		given_the_statement_of_a_till_then_its_cash_is_an_asset),
	    cmocka_unit_test(
		given_a_full_disk_then_a_statement_is_not_called_written),
	    cmocka_unit_test(
		given_a_name_like_another_number_then_its_account_is_another),
	    cmocka_unit_test(
		given_any_name_then_its_account_is_letters_digits_hyphens),
	    cmocka_unit_test(
		given_ten_thousand_accounts_then_each_keeps_its_own),
	    cmocka_unit_test(
		given_the_books_then_what_the_bank_owes_is_negative_and_asserted),
	    cmocka_unit_test(given_the_smallest_balance_then_its_sign_turns),
	    cmocka_unit_test(
		given_another_day_then_beancount_asserts_the_balances_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
