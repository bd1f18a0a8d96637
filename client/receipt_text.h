/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_RECEIPT_TEXT_H
#define CLIENT_RECEIPT_TEXT_H
/* A receipt that was checked (receipt_check), in words and as JSON. */
#include <stdio.h>

#include "common/money.h"
#include "common/receipt.h"

#define RECEIPT_ACCOUNT_MAX 64

/* "account 1200 87", "the till of 4", "the issue account". */
const char *receipt_account(uint64_t account, char out[RECEIPT_ACCOUNT_MAX]);

/* Bytes of the order's memo; 0 when it has none that may be printed. */
size_t receipt_memo_len(const struct receipt_facts *facts);

/*
 * The members of an object, each with a comma before it: leaf, leaf_hash,
 * size, time_ms, order, amount_minor, unit, signer, debit, credit, refers_to,
 * outcome, and where there is such a thing reason, name, memo.
 */
void receipt_json(FILE *out, const struct money_unit *unit,
    const struct receipt *receipt, const struct receipt_facts *facts);

#endif
