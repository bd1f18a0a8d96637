/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_AUDITED_BANK_H
#define TESTS_LIB_AUDITED_BANK_H
/*
 * A bank in this process whose auditor Eve certifies snapshots, and whose
 * operators retire what lies before them.
 */
#include "common/order.h"
#include "tests/lib/sim_bank.h"

struct audited_bank {
	struct sim_bank *bank;
	struct sim_people people;
	struct sim_person eve;
};

/* Furnished (sim_bank_furnish), with Eve and one snapshot; aborts. */
void audited_begin(struct audited_bank *a, uint64_t seed);

/* Everybody logs in again, after a start. */
void audited_log_in(struct audited_bank *a);

/* Ada pays until there is a snapshot of that number; aborts. */
void audited_pay_until(struct audited_bank *a, uint32_t number);

/* What an auditor would sign of the last snapshot. */
struct order_certify audited_last(const struct audited_bank *a);

/* Refusal or outcome of a certificate. */
enum sr_error audited_certify(struct audited_bank *a, struct sim_person *by,
    const struct order_certify *says);

/* Refusal or outcome of a request to retire; and of its approval. */
enum sr_error audited_ask(struct audited_bank *a, struct sim_person *by,
    const struct order_retire *retire, uint64_t *leaf,
    uint8_t hash[ORDER_HASH_LEN]);
enum sr_error audited_approve(struct audited_bank *a, struct sim_person *by,
    uint64_t leaf, const uint8_t hash[ORDER_HASH_LEN]);

/* Both operators; of what that certificate says. */
enum sr_error audited_retire(
    struct audited_bank *a, const struct order_certify *certify);

/* Whether a file is on ledgerd's disk, by its number. */
bool audited_has_snapshot(const struct audited_bank *a, uint32_t number);
bool audited_has_segment(const struct audited_bank *a, uint32_t number);
bool audited_has_leaves(const struct audited_bank *a, uint32_t number);

#endif
