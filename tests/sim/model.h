/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H
/*
 * The books once more, as simply as can be: arrays that are searched from the
 * front, and one question, whether an order may take effect.  Shares nothing
 * with common/book but the order's and the entries' layout.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/order.h"

enum {
	MODEL_ACCOUNTS = 64,
	MODEL_PEOPLE = 32,
	MODEL_HOLDS = 512,
	MODEL_REQUESTS = 64,
	MODEL_REFERENCES = 64,
	MODEL_AUDITORS = 8,
};

struct model_account {
	uint64_t id;
	int64_t posted, held, floor, ceiling;
	bool till;
	bool frozen, closed;
};

struct model_person {
	uint64_t customer;
	uint8_t role;
	uint32_t terminal;
	bool revoked;
	uint64_t next_seq;
	uint8_t last_hash[32];
	/* of the last orders: took effect, and under which reference */
	struct {
		bool done;
		uint8_t reference[16];
	} past[MODEL_REFERENCES];
};

struct model_hold {
	uint64_t leaf, time_ms, account, till;
	int64_t amount;
	bool released, settled;
};

struct model_request {
	uint64_t leaf, time_ms, requester, hold;
	uint8_t kind, hash[32];
	struct order_enrol enrol;
	struct order_auditor auditor;
	bool used;
};

struct model {
	struct entry_genesis genesis;
	bool operator_known[2];
	struct model_account account[MODEL_ACCOUNTS];
	struct model_person person[MODEL_PEOPLE];
	struct model_hold hold[MODEL_HOLDS];
	struct model_request request[MODEL_REQUESTS];
	struct order_auditor auditor[MODEL_AUDITORS];
	unsigned accounts, people, holds, requests, auditors;
};

/* Each: NULL, or what is wrong with that entry in this place. */
const char *model_found(struct model *model, const void *bytes, size_t len);
const char *model_open(struct model *model, const struct entry_account *entry);
const char *model_order(
    struct model *model, const struct entry_order *entry, uint64_t leaf);

const struct model_account *model_account(
    const struct model *model, uint64_t id);
const struct model_person *model_person(
    const struct model *model, uint64_t customer);

/* Of all accounts. */
int64_t model_sum(const struct model *model);

#endif
