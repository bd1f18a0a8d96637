/* SPDX-License-Identifier: ISC */
/*
 * Rows added up.  Must never take a row that another reader could read as
 * something else.
 */
#include "client/verify/bundle_books.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/verify/month.h"

#define BOOKS_HEAD "entry,time,kind,account,amount,balance,refers_to,memo,unit"

enum { FIELDS_MAX = 10 };

/* Always false. */
static bool
fail(struct bundle_books *books, const char *why)
{
	snprintf(books->why, sizeof(books->why), "%s, row %" PRIu64 ": %s",
	    books->tills_read ? MONTH_CSV : MONTH_TILLS, books->row, why);
	return false;
}

void
books_begin(struct bundle_books *books, const struct money_unit *unit,
    const char *month)
{
	memset(books, 0, sizeof(*books));
	books->unit = unit;
	books->month = month;
}

/* "-12.50", with exactly the unit's decimals. */
static bool
minor_of(const struct bundle_books *books, const char *text, int64_t *minor)
{
	unsigned decimals = 0, digits = 0;
	bool negative = *text == '-', point = false;
	int64_t value = 0;

	for (text += negative; *text != '\0'; text++) {
		if (*text == '.' && !point && digits > 0) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *text - '0', &value))
			return false;
		digits++;
		decimals += point;
	}
	if (decimals != books->unit->exponent || digits <= decimals ||
	    point != (decimals > 0))
		return false;
	*minor = value;
	return negative || !__builtin_sub_overflow((int64_t)0, value, minor);
}

/* Parts a line at its first commas; a field with quotes comes after them. */
static unsigned
split(char *line, char *field[], unsigned wanted)
{
	unsigned count = 0;

	while (count < wanted) {
		char *comma = strchr(line, ',');

		field[count++] = line;
		if (comma == NULL || count == wanted)
			break;
		*comma = '\0';
		line = comma + 1;
	}
	return count;
}

/* ---- the tills --------------------------------------------------------- */

static struct books_till *
till_of(struct bundle_books *books, const char *number)
{
	for (size_t i = 0; i < books->till_count; i++)
		if (strcmp(books->till[i].number, number) == 0)
			return &books->till[i];
	return NULL;
}

static bool
till_row(struct bundle_books *books)
{
	int64_t opening, in, out, difference, closing, moved, end;
	char *field[FIELDS_MAX];
	struct books_till *till;

	if (split(books->line, field, FIELDS_MAX) != FIELDS_MAX ||
	    strchr(field[FIELDS_MAX - 1], ',') != NULL ||
	    strlen(field[0]) >= BOOKS_NUMBER_MAX || field[0][0] == '\0')
		return fail(books, "it is not a till's");
	if (!minor_of(books, field[1], &opening) ||
	    !minor_of(books, field[2], &in) ||
	    !minor_of(books, field[3], &out) ||
	    !minor_of(books, field[4], &difference) ||
	    !minor_of(books, field[5], &closing) ||
	    strcmp(field[9], books->unit->code) != 0)
		return fail(books, "amounts that are none of this bank's unit");
	if (in < 0 || out < 0 || __builtin_sub_overflow(in, out, &moved) ||
	    __builtin_add_overflow(moved, difference, &moved) ||
	    __builtin_add_overflow(opening, moved, &end) || end != closing)
		return fail(books, "it does not add up");
	if (till_of(books, field[0]) != NULL)
		return fail(books, "a till that was there before");
	if (books->till_count == BOOKS_TILLS_MAX)
		return fail(books, "more tills than can be looked at");
	till = &books->till[books->till_count++];
	*till =
	    (struct books_till){.opening_minor = opening, .moved_minor = moved};
	memcpy(till->number, field[0], strlen(field[0]) + 1);
	books->till_rows++;
	return true;
}

/* ---- the books --------------------------------------------------------- */

/* A till's row, in cash. */
static bool
till_moves(struct books_till *till, const char *kind, int64_t minor)
{
	int64_t *met = strcmp(kind, "opening") == 0 ? &till->opening_met_minor
						    : &till->moved_met_minor;

	return !__builtin_sub_overflow(*met, minor, met);
}

static bool
entry_ends(struct bundle_books *books)
{
	return books->entry_minor == 0 ||
	       fail(books, "the rows of the entry before do not add up to "
			   "zero");
}

static bool
books_row(struct bundle_books *books)
{
	struct books_till *till;
	char *field[6];
	int64_t minor;

	/* entry, time, kind, account, amount; a memo comes after them */
	if (split(books->line, field, 6) != 6 ||
	    strlen(field[0]) >= BOOKS_NUMBER_MAX)
		return fail(books, "it is not a posting");
	if (strncmp(field[1], books->month, strlen(books->month)) != 0 ||
	    field[1][strlen(books->month)] != '-')
		return fail(books, "it is of another month");
	if (!minor_of(books, field[4], &minor))
		return fail(books, "an amount that is none of this bank's "
				   "unit");
	if (strcmp(field[0], books->entry) != 0) {
		if (!entry_ends(books))
			return false;
		memcpy(books->entry, field[0], strlen(field[0]) + 1);
	}
	books->entry_minor += minor;
	books->postings++;
	till = till_of(books, field[3]);
	return till == NULL || till_moves(till, field[2], minor) ||
	       fail(books, "an amount beyond 64 bits");
}

/* ---- lines ------------------------------------------------------------- */

static bool
take_line(struct bundle_books *books)
{
	static const size_t end = sizeof("\r\n") - 1;
	const char *head =
	    books->tills_read ? BOOKS_HEAD "\r\n" : MONTH_TILLS_HEAD;
	size_t len = books->len;

	books->len = 0;
	books->row++;
	if (len < end || memcmp(books->line + len - end, "\r\n", end) != 0)
		return fail(books, "a line that does not end as one");
	if (books->row == 1)
		return (len == strlen(head) &&
			   memcmp(books->line, head, len) == 0) ||
		       fail(books, "other columns than it has");
	books->line[len - end] = '\0';
	if (memchr(books->line, '\0', len - end) != NULL)
		return fail(books, "a byte of zero");
	return books->tills_read ? books_row(books) : till_row(books);
}

bool
books_feed(struct bundle_books *books, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (books->len == sizeof(books->line))
			return fail(books, "a line that is too long");
		books->line[books->len++] = (char)bytes[i];
		if (bytes[i] == '\n' && !take_line(books))
			return false;
	}
	return true;
}

bool
books_end_of_file(struct bundle_books *books)
{
	if (books->len > 0 || books->row == 0)
		return fail(books, "it ends within a line");
	if (!books->tills_read) {
		books->tills_read = true;
		books->row = 0;
		return true;
	}
	if (!entry_ends(books))
		return false;
	for (size_t i = 0; i < books->till_count; i++) {
		const struct books_till *till = &books->till[i];

		if (till->opening_minor == till->opening_met_minor &&
		    till->moved_minor == till->moved_met_minor)
			continue;
		snprintf(books->why, sizeof(books->why),
		    "the report of till %s is not what the books say",
		    till->number);
		return false;
	}
	return true;
}
