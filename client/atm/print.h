/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_PRINT_H
#define CLIENT_ATM_PRINT_H
/*
 * How the ATM's commands write: data on stdout, for people or, with --json,
 * one object a line; talk on stderr.
 */
#include <stdio.h>

#include "client/atm/atm.h"
#include "client/ordering.h"

/* "12-0": a customer's number and which of the customer's accounts. */
#define ACCOUNT_TEXT_MAX 32

const char *print_account(uint64_t account, char out[ACCOUNT_TEXT_MAX]);

/* "main", "till" or the label of a further account. */
const char *print_label(const struct bank_account *account);

/* "open", "frozen" or "closed". */
const char *print_status(unsigned status);

/* The members of an account's JSON object, without braces. */
void print_account_json(FILE *out, const struct money_unit *unit,
    const struct bank_account *account);

/*
 * What became of an order of atm->customer or atm->till; a line on stderr for
 * a decline, whose error it returns.  payee may be NULL.  account: the
 * customer's whose balance is told, with a warning below its soft floor and
 * what is left of its limit of 24 hours; 0 for none.
 */
enum sr_error print_outcome(struct atm *atm, const struct ordering *ordering,
    const struct ordering_result *result, const char *payee, uint64_t account);

/*
 * That balance's warning and limit, on stderr; nothing where there is
 * nothing to be said.  With --json: members of an object on stdout, each
 * with a comma before it.
 */
void print_limits(const struct atm *atm, const struct message_balance *balance);

#endif
