/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FORGED_DUTIES_H
#define TESTS_LIB_FORGED_DUTIES_H
/*
 * The part of forged_log.h's day in which every kind of order is given that
 * is no payment, deposit or withdrawal: accounts, limits, roles, corrections
 * and a till's count.  Ends the program when anything of it fails.
 */
#include "tests/lib/sim_bank.h"

/* Everybody has logged in; the till has no holds. */
void forged_duties(struct sim_bank *bank, struct sim_people *people);

/* Signs, submits; the outcome.  hash: of the order, or NULL. */
enum sr_error forged_submit(struct sim_bank *bank, struct sim_person *person,
    struct order *order, const void *attachment, size_t len, uint8_t *hash,
    struct message_order_answer *answer);

/* Both operators: the request, then its approval; the approval's leaf. */
uint64_t forged_four_eyes(struct sim_bank *bank, struct sim_people *people,
    struct order *request, const void *attachment, size_t len);

#endif
