/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H
/*
 * The books once more, as simply as can be: arrays that are searched from the
 * front.  For each order it collects every reason against it; the order takes
 * effect when there is none.  Which of several reasons the bank names is the
 * bank's business.  Shares nothing with common/book but the layout of orders,
 * attachments and entries.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/order.h"

enum {
	MODEL_ACCOUNTS = 1024,
	MODEL_PEOPLE = 256,
	MODEL_HOLDS = 4096,
	MODEL_REQUESTS = 512,
	MODEL_REFERENCES = 64,
	MODEL_AUDITORS = 512,
	MODEL_FLOWS = 16384,
	MODEL_POSTINGS = 65536,
};

/* A set of reasons: bit n for the error n of the book's rules. */
#define MODEL_WHY(error) (UINT64_C(1) << (error))

enum model_type { MODEL_CUSTOMER, MODEL_TILL, MODEL_BANKS_OWN };

struct model_account {
	uint64_t id;
	int64_t posted, held, floor, soft_floor, ceiling, day_limit;
	enum model_type type;
	bool frozen, closed, till_closed;
	char label[ORDER_LABEL_MAX + 1];
};

struct model_person {
	uint64_t customer;
	uint64_t till; /* account, 0: none */
	uint8_t role;
	uint32_t terminal;
	bool revoked, erased;
	uint64_t next_seq;
	uint8_t last_hash[32];
	uint8_t attested[32]; /* hash of the attestation in force */
	/* of the last orders: took effect, and under which reference */
	struct {
		bool done;
		uint8_t reference[16];
	} past[MODEL_REFERENCES];
};

struct model_hold {
	uint64_t leaf, time_ms, account, till;
	int64_t amount;
	bool released;
};

struct model_request {
	uint64_t leaf, time_ms;
	uint8_t hash[32];
	struct order order;
	uint8_t attachment[ORDER_REQUEST_ATTACHMENT_MAX];
	size_t attachment_len;
	bool used;
};

/* What left an account, one row an order, as long as it counts. */
struct model_flow {
	uint64_t account, hour, leaf;
	int64_t amount;
};

struct model_posting {
	uint64_t leaf, time_ms, debit, credit;
	int64_t amount;
	uint8_t kind;
	bool undone;
};

struct model {
	struct entry_genesis genesis;
	struct order_policy policy;
	unsigned rules; /* version */
	bool operator_known[2];
	struct model_account account[MODEL_ACCOUNTS];
	struct model_person person[MODEL_PEOPLE];
	struct model_hold hold[MODEL_HOLDS];
	struct model_request request[MODEL_REQUESTS];
	struct order_auditor auditor[MODEL_AUDITORS];
	struct model_flow flow[MODEL_FLOWS];
	struct model_posting posting[MODEL_POSTINGS]; /* a ring */
	unsigned accounts, people, holds, requests, auditors, flows;
	uint64_t postings; /* ever */
	bool full;         /* more of something than the model takes */
};

/* Each: NULL, or what is wrong with that entry in this place. */
const char *model_found(struct model *model, const void *bytes, size_t len);
const char *model_open(struct model *model, const struct entry_account *entry);
const char *model_order(
    struct model *model, const struct entry_order *entry, uint64_t leaf);

/* The same without the entries: a new bank, and a customer nobody knows. */
void model_begin(struct model *model, const struct entry_genesis *genesis);
void model_register(struct model *model, uint64_t customer,
    const uint8_t signing_key[32], const uint8_t attested[32]);

/* An order that is its signer's next one. */
struct model_turn {
	const struct order *order;
	const uint8_t *hash; /* 32 */
	const uint8_t *attachment;
	size_t attachment_len;
	uint64_t leaf, time_ms;
};

/* An entry of the system: NULL, or what is wrong with it in this place. */
const char *model_system(struct model *model, const struct entry_event *event);

/* Carries it out and returns 0, or returns every reason not to. */
uint64_t model_apply(struct model *model, const struct model_turn *turn);

/* How many requests wait for an approval that may still come. */
unsigned model_waiting(const struct model *model, uint64_t time_ms);

/* What may still leave the account in these 24 hours; INT64_MAX: no limit. */
int64_t model_day_left(const struct model *model,
    const struct model_account *account, uint64_t time_ms);

const struct model_account *model_account(
    const struct model *model, uint64_t id);
const struct model_person *model_person(
    const struct model *model, uint64_t customer);

/* Of all accounts. */
int64_t model_sum(const struct model *model);

#endif
