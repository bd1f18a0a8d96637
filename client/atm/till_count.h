/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_TILL_COUNT_H
#define CLIENT_ATM_TILL_COUNT_H
/*
 * Cash that was counted, as people write it: a sum, "118.50", or pieces,
 * "50x2,10x1,0.50x17".
 */
#include "common/error.h"
#include "common/money.h"
#include "common/order_parameters.h"

/*
 * Reads a count, without its till.  In a list, with a comma or semicolon
 * between its parts, each is a value in the unit, with a decimal point, an x
 * and a number of pieces; each value once, in any order; 0 pieces are none.
 * A sum is a positive amount or 0 and makes one line of one piece.
 * SR_PARAMETERS, *why then a sentence for people; *count is untouched.
 */
enum sr_error till_count_parse(const char *text, const struct money_unit *unit,
    struct order_count *count, const char **why);

#endif
