/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_ORDERS_PICK_H
#define TESTS_SIM_ORDERS_PICK_H
/*
 * Inside the random orders: choices from what the model has.  Each gives
 * something, if need be what does not fit.
 */
#include "tests/sim/orders.h"

/* Somebody with that role who still signs, if a few looks find one. */
const struct model_person *somebody(struct orders *orders, unsigned role);

/* Somebody who works at that till. */
const struct model_person *worker(struct orders *orders, uint64_t till);

const struct model_account *some_account(struct orders *orders);
const struct model_account *some_of_type(
    struct orders *orders, enum model_type type);

/* An account of that customer's, the main one if a few looks find none. */
uint64_t some_of(struct orders *orders, uint64_t customer);

/* Mostly the one that is right. */
uint64_t or_another(struct orders *orders, uint64_t account);

/* An amount, often close to what the account has. */
int64_t some_amount(struct orders *orders, const struct model_account *from);

/* From 0 to span. */
int64_t some_limit(struct orders *orders, int64_t span);

/* NULL when there is none. */
const struct model_hold *some_hold(struct orders *orders);
const struct model_posting *some_posting(struct orders *orders);

/* Fills in what an order of that kind and signer says (orders_make.c). */
void orders_make(struct orders *orders, const struct model_person *signer);

/* Makes the attachment a little wrong. */
void orders_spoil(struct orders *orders);

#endif
