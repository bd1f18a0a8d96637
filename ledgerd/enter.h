/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_ENTER_H
#define LEDGERD_ENTER_H
/*
 * The step of the commit path in which orders and log-ins meet the rules and
 * become entries of the batch.  The functions' errors end the room; what is
 * only the client's fault goes into the answer.
 */
#include "common/error.h"

struct ledgerd;
struct item;
struct opening;

/* Form and signature of an order: sets item->order.checked. */
void enter_check(const struct ledgerd *ledgerd, struct item *item);

/* Checks and applies an order; other items need nothing here. */
enum sr_error enter_item(struct ledgerd *ledgerd, struct item *item);

/* Opens the account of who has logged in, where it is new; takes new keys. */
enum sr_error enter_opening(struct ledgerd *ledgerd, struct opening *opening);

/* Ends the sessions of terminals and principals that the batch revoked. */
void enter_end_revoked(struct ledgerd *ledgerd);

#endif
