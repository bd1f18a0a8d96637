/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_EXPORT_EXPORT_H
#define CLIENT_EXPORT_EXPORT_H
/*
 * Statements and books in the formats of other programs: one writer
 * interface, a file a format (export_FORMAT.c).
 *
 * What people have typed (memos, names) gets into a file only through the
 * functions below, so that it stays one value in one field of one line:
 *
 *	JSON, OFX, beancount   escaped as the format says; nothing is lost
 *	CSV                    quoted (RFC 4180); a text that a spreadsheet
 *	                       could take for a formula gets a ' in front
 *	hledger, ledger, CSV   the characters that begin something there are
 *	                       replaced by their full-width forms
 *
 * Account names are made of ids and, behind them, of names: nobody gets
 * another's account name by the name that he has chosen.
 *
 * Amounts come in with the bank's sign: what it owes a customer is positive.
 * A statement is the customer's: this is what the customer has.  The books,
 * and the statement of a till, are the bank's: in hledger, ledger and
 * beancount, where a liability is negative, they have the other sign.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/bankfile.h"
#include "client/statement_period.h"
#include "common/journal.h"
#include "common/money.h"
#include "common/statement.h"

#define EXPORT_ACCOUNT_MAX 96u
#define EXPORT_POSTINGS_MAX (JOURNAL_TOUCHED_MAX + 0u)

/* An account that was met, kept for the whole file. */
struct export_account {
	uint64_t id;
	int64_t balance_minor; /* after its last posting, the bank's sign */
	uint64_t day_ms;       /* the day of that posting */
	bool asserted;         /* its balance is known: the bank's books, and
				* the account of a statement */
	uint8_t name_len;      /* who bears it, as first met; may be empty */
	char name[STATEMENT_NAME_MAX];
};

struct export_posting {
	struct export_account *account;
	int64_t amount_minor; /* the bank's sign */
	int64_t balance_minor;
};

/* An order that has moved money. */
struct export_transaction {
	uint64_t leaf;
	uint64_t time_ms;
	uint64_t refers_to; /* 0: none */
	const char *kind;
	const char *name; /* the other side's, not terminated */
	size_t name_len;
	const char *memo;
	size_t memo_len;
	unsigned count;
	struct export_posting posting[EXPORT_POSTINGS_MAX];
};

struct export_format;

/* A file on its way. */
struct export
{
	FILE *out;
	const struct export_format *format;
	struct money_unit unit;
	const struct bankfile *bank;
	uint64_t own;       /* whose statement; 0: the bank's books */
	uint64_t last_ms;   /* time of the last transaction */
	bool failed;        /* memory was short */
	size_t count, room; /* accounts met, by a hash of the id */
	struct export_account **account;
};

struct export_format {
	const char *name;
	/* A statement as a whole.  NULL: as transactions. */
	void (*statement)(
	    struct export *export, const struct statement_period *period);
	/* The books, an order after the other.  NULL: no books in it. */
	void (*begin)(struct export *export);
	void (*transaction)(struct export *export,
	    const struct export_transaction *transaction);
	void (*end)(struct export *export);
};

/* The formats, text first; ends with a row without a name. */
extern const struct export_format *const export_formats[];

/*
 * The format of that name, for a statement or for the books (transactions);
 * NULL.
 */
const struct export_format *export_format_find(
    const char *name, bool transactions);

/* Writes a whole statement.  SR_NO_SPACE, SR_IO. */
enum sr_error export_statement(FILE *out, const struct export_format *format,
    const struct bankfile *bank, const struct statement_period *period);

/*
 * The books: begin, each order that moved money, end.  export_end() releases
 * and tells whether all could be written: SR_NO_SPACE, SR_IO.
 */
void export_begin(struct export *export, FILE *out,
    const struct export_format *format, const struct bankfile *bank,
    uint64_t own);
void export_put(
    struct export *export, const struct export_transaction *transaction);
enum sr_error export_end(struct export *export);

/* Releases what an export that came to no end has kept. */
void export_release(struct export *export);

/*
 * The account of that id, which is added with that name when it is new
 * (*fresh, which may be NULL).  NULL when memory is short: export->failed.
 */
struct export_account *export_account_of(struct export *export, uint64_t id,
    const void *name, size_t name_len, bool *fresh);

/* ---- For the formats ------------------------------------------------------ */

/*
 * The account's name in hledger, ledger and beancount, "Liabilities:
 * Customers:120087": of letters, digits, hyphens and colons.  Returns out.
 */
const char *export_account_name(const struct export *export,
    const struct export_account *account, char out[EXPORT_ACCOUNT_MAX]);

/* Its number with check digits, without spaces; words for the bank's own. */
const char *export_account_number(uint64_t id, char out[EXPORT_ACCOUNT_MAX]);

/* An amount with the sign that it has in plain-text accounting: in out. */
const char *export_sign(
    const struct export *export, int64_t minor, char out[MONEY_TEXT_MAX + 1]);

/* The same, written with the unit behind it. */
void export_amount(const struct export *export, int64_t minor);

/*
 * Text with the characters of `specials' (ASCII) in their full-width forms,
 * U+FF01 to U+FF5E.
 */
void export_wide(FILE *out, const void *text, size_t len, const char *specials);

/* A line of a statement for people, in local time with its offset. */
void export_text_head(FILE *out);
void export_text_line(FILE *out, const struct money_unit *unit,
    uint64_t account, const struct statement_line *line);

/* What lines that are retired came to, in words. */
void export_text_carried(
    FILE *out, const struct money_unit *unit, int64_t balance_minor);

/* A line of a statement as one JSON object, without an end of line. */
void export_json_line(
    FILE *out, const struct statement_line *line, bool versioned);

/* A field of RFC 4180, always quoted, that no spreadsheet takes for more. */
void export_csv_text(FILE *out, const void *text, size_t len);

extern const struct export_format export_format_text, export_format_csv,
    export_format_json, export_format_hledger, export_format_ledger,
    export_format_beancount, export_format_ofx;

#endif
