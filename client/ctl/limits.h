/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_LIMITS_H
#define CLIENT_CTL_LIMITS_H
/* --floor, --soft-floor, --ceiling and --day-limit over what there is. */
#include "client/ctl/ctl.h"
#include "common/money.h"
#include "common/order_parameters.h"

/* True when one of the four is given. */
bool ctl_limits_given(const struct ctl_options *options);

/*
 * Puts what is given in the place of what *limits has; a soft floor that
 * stood at the floor goes with it.  SR_USAGE, with a line on stderr, for a
 * text that is no amount and for limits that contradict each other.
 */
enum sr_error ctl_limits_take(const struct ctl_options *options,
    const struct money_unit *unit, struct order_limits *limits);

/* Prints "floor -50.00, soft floor ..." without the end of the line. */
void ctl_limits_print(FILE *out, const struct money_unit *unit,
    const struct order_limits *limits);

/* Prints the four as members of a JSON object, each behind a comma. */
void ctl_limits_print_json(const struct order_limits *limits);

#endif
