/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_DENOMINATIONS_H
#define CLIENT_DENOMINATIONS_H
/*
 * What an ATM can pay out: sums of its notes and coins, of which it is taken
 * to have enough.  The till's cash is the bank's to check.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/money.h"

enum {
	DENOMINATIONS_MAX = 12,
	/* The smallest one, counted in the greatest common divisor of all. */
	DENOMINATIONS_STEPS_MAX = 4096,
	DENOMINATIONS_TEXT_MAX = 160,
};

/* Ascending, each once; none: any amount can be paid out. */
struct denominations {
	size_t count;
	int64_t minor[DENOMINATIONS_MAX];
};

/*
 * Reads amounts of that unit, with decimal points, and a comma or semicolon
 * between them: "5.00,10.00".  NULL for unit: whole minor amounts, as they stand on a card.  SR_PARAMETERS for
 * anything that is none, an amount twice, too many or too long for a card, or
 * a smallest one with more than DENOMINATIONS_STEPS_MAX steps.
 */
enum sr_error denominations_parse(
    const char *text, const struct money_unit *unit, struct denominations *out);

/* The list in minor amounts as it stands on a card. */
void denominations_print(const struct denominations *denominations,
    char out[DENOMINATIONS_TEXT_MAX]);

/*
 * True when the amount is a sum of them.  If not, *below and *above are the
 * nearest sums; 0 where there is none.
 */
bool denominations_make(const struct denominations *denominations,
    int64_t amount_minor, int64_t *below, int64_t *above);

#endif
