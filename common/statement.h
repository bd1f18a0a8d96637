/* SPDX-License-Identifier: ISC */
#ifndef COMMON_STATEMENT_H
#define COMMON_STATEMENT_H
/*
 * The lines in a `statement' message (policy/messages.def), newest first, one
 * after the other without a gap; integers little-endian:
 *
 *	leaf 8 | time ms 8 | amount 8 | balance 8 | held 8 | other account 8
 *	| refers to 8 | kind 1 | name length 1 | memo length 2 | reference 16
 *	| name | memo
 *
 * Amount and balance are seen from the account that the statement is of: a
 * negative amount left it, and the balance is the one after this line.  A
 * line that only reserves money or gives it back has the amount 0; held is
 * what is reserved after it.  Refers to: the leaf of the hold that the line
 * settles or releases, else 0.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

enum {
	STATEMENT_NAME_MAX = 32,
	STATEMENT_MEMO_MAX = 256,
	STATEMENT_REFERENCE_LEN = 16,
	STATEMENT_FIXED_LEN = 76,
	STATEMENT_LINE_MAX =
	    STATEMENT_FIXED_LEN + STATEMENT_NAME_MAX + STATEMENT_MEMO_MAX,
};

/* What there is below the last line of a page. */
enum statement_more {
	STATEMENT_ALL = 0,   /* nothing: the account began with the last line */
	STATEMENT_OLDER = 1, /* further lines */
	/*
	 * Lines were there, and are retired: the balance before the last line
	 * is what is carried forward, or where there is no line, the balance
	 * of the account.
	 */
	STATEMENT_RETIRED = 2,
};

struct statement_line {
	uint64_t leaf;
	uint64_t time_ms;
	int64_t amount_minor;
	int64_t balance_minor;
	int64_t held_minor;
	uint64_t other; /* the account on the other side, 0 for none */
	uint64_t refers_to;
	uint8_t kind; /* enum order_kind */
	uint8_t reference[STATEMENT_REFERENCE_LEN];
	uint8_t name_len;
	char name[STATEMENT_NAME_MAX]; /* who bears it; empty when not known */
	uint16_t memo_len;
	char memo[STATEMENT_MEMO_MAX];
};

/*
 * Appends one line.  SR_TOO_LARGE when the writer has no room, which is then
 * as it was; SR_MALFORMED when a length in *line is above its maximum.
 */
enum sr_error statement_line_write(
    struct writer *w, const struct statement_line *line);

/* Takes one line off the reader; SR_MALFORMED, the reader is then bad. */
enum sr_error statement_line_read(
    struct reader *r, struct statement_line *line);

#endif
