/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_BUNDLE_BOOKS_H
#define CLIENT_VERIFY_BUNDLE_BOOKS_H
/*
 * The sums of a bundle: the rows of tills.csv, then those of books.csv, as the
 * bytes come (client/verify/month.h writes them).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/money.h"

enum {
	BOOKS_TILLS_MAX = 4096,
	BOOKS_LINE_MAX = 2048,
	BOOKS_NUMBER_MAX = 40,
};

struct books_till {
	char number[BOOKS_NUMBER_MAX];
	int64_t opening_minor;
	int64_t moved_minor;       /* as the report says */
	int64_t opening_met_minor; /* as the books' rows say, in cash */
	int64_t moved_met_minor;
};

struct bundle_books {
	const struct money_unit *unit;
	const char *month;
	bool tills_read; /* the rows are those of the books now */
	uint64_t row;    /* of the file at work, the head included */
	uint64_t till_rows;
	uint64_t postings;
	size_t len;
	char line[BOOKS_LINE_MAX];
	char entry[BOOKS_NUMBER_MAX]; /* at work */
	__int128 entry_minor;         /* sum of its rows */
	size_t till_count;
	struct books_till till[BOOKS_TILLS_MAX];
	char why[200]; /* what is wrong; empty: nothing yet */
};

void books_begin(struct bundle_books *books, const struct money_unit *unit,
    const char *month);

/* More of the file; false when something is wrong. */
bool books_feed(struct bundle_books *books, const uint8_t *bytes, size_t len);

/* The end of tills.csv, then that of books.csv; false likewise. */
bool books_end_of_file(struct bundle_books *books);

#endif
