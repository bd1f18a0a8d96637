/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_MONTH_H
#define CLIENT_VERIFY_MONTH_H
/*
 * The books of one month (UTC), from the walk with keys: in a directory that
 * is made for it
 *
 *	books.hledger  every account's balance when the month begins, then
 *	               every order of the month that moved money
 *	books.csv      the same, a row a posting
 *	tills.csv      a row a till: what was in it, what came, what went, what
 *	               was counted over or short
 *
 * The bytes follow from the log alone: whoever has the keys makes them again
 * and compares.
 */
#include "client/export/export.h"
#include "client/verify/audit.h"

#define MONTH_TEXT_LEN 7u /* 2026-10 */
#define MONTH_HLEDGER "books.hledger"
#define MONTH_CSV "books.csv"
#define MONTH_TILLS "tills.csv"
#define MONTH_TILLS_HEAD                                                    \
	"till,opening,in,out,over_short,closing,counts,counted,counted_at," \
	"unit\r\n"

/* Cash: the sign is that of the drawer, not of the books. */
struct month_till {
	uint64_t account;
	int64_t opening_minor;
	int64_t in_minor;
	int64_t out_minor;
	int64_t over_short_minor; /* negative: there was less than booked */
	int64_t closing_minor;
	uint64_t counts;
	int64_t counted_minor; /* the last time; with counts > 0 */
	uint64_t counted_ms;
};

struct audit_month {
	uint64_t from_ms;  /* its first millisecond */
	uint64_t until_ms; /* the first one after it */
	const char *directory;
	bool made;     /* the directory, by us */
	bool earlier;  /* an entry from before it was carried out */
	bool begun;    /* the balances at its beginning are written */
	bool ended;    /* so is all of it */
	bool overflow; /* an amount beyond 64 bits */
	struct export hledger, csv;
	FILE *tills;
	struct month_till *till;
	size_t till_count, till_room;
};

/* "2026-10", from 1970 to 9999.  False for anything else. */
bool month_parse(const char *text, uint64_t *from_ms, uint64_t *until_ms);

/* Makes the directory and the files.  False after a verdict, `could not'. */
bool month_begin(struct verify *verify, struct audit_month *month);

/*
 * Before an entry is carried out, and afterwards.  False after a verdict,
 * `could not': the books at the beginning of the month are not known.
 */
bool month_before(struct verify *verify, const struct audit_entry *entry);
bool month_after(struct verify *verify, const struct audit_entry *entry);

/* After the walk.  False after a verdict, `could not'. */
bool month_finish(struct verify *verify);

/* Releases, and closes the files; with drop removes them. */
void month_end(struct audit_month *month, bool drop);

#endif
