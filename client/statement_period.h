/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_STATEMENT_PERIOD_H
#define CLIENT_STATEMENT_PERIOD_H
/*
 * A customer's statement over a period: the lines as the bank sends them,
 * page by page and newest first, put in order and added up.  Must never take
 * lines that do not add up.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/statement.h"

struct statement_period {
	uint64_t account;
	uint64_t from_ms;  /* its first millisecond */
	uint64_t until_ms; /* the first one after it */
	bool from_given;   /* else since the account is there */
	bool until_given;  /* else until now, which until_ms then is */
	int64_t opening_minor;
	int64_t closing_minor;
	/*
	 * Set by fetch with the last page: there were older lines, and the bank
	 * has retired them.
	 */
	bool retired;
	/*
	 * Some of the period's own lines are among them: opening_minor is what
	 * they, and all before them, came to.  bare: no line at all was told,
	 * so that the balances are for the caller to fill in.
	 */
	bool carried;
	bool bare;
	struct statement_line *line; /* oldest first */
	size_t count, room;
};

/*
 * The page of lines below the leaf `before', newest first; *lines stays until
 * the next call.  *more: there are older ones.  *account: whose they are.
 */
typedef enum sr_error (*statement_fetch)(void *context, uint64_t before,
    const uint8_t **lines, size_t *len, bool *more, uint64_t *account);

/*
 * Fills account, lines and balances of a period whose bounds are set.
 * SR_MALFORMED for lines that are out of order, do not add up or hold what a
 * terminal would obey; SR_RETIRED when nothing is known of a period that has
 * ended; SR_NO_SPACE; what fetch gives: then the newest lines
 * are there, as far as they came, and opening_minor is the balance before
 * them.  In every case to be released with statement_period_free().
 */
enum sr_error statement_period_collect(
    struct statement_period *period, statement_fetch fetch, void *context);

void statement_period_free(struct statement_period *period);

#endif
