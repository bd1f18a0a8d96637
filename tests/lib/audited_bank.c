/* SPDX-License-Identifier: ISC */
/* audited_bank.h: what the people there sign. */
#include "tests/lib/audited_bank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/forged_duties.h"

static void
must_at(bool condition, int line)
{
	if (condition)
		return;
	fprintf(stderr, "audited_bank.c:%d\n", line);
	abort();
}

#define must(condition) must_at(condition, __LINE__)

void
audited_begin(struct audited_bank *a, uint64_t seed)
{
	uint8_t block[ORDER_ROLE_LEN];
	struct order_role role = {.role = ROLE_AUDITOR};
	struct order order;

	a->bank = sim_bank_new(seed);
	sim_bank_furnish(a->bank, &a->people);
	sim_person_init(&a->eve, "eve", "eve's secret");
	must(sim_person_register(a->bank, &a->eve) == SR_OK);
	must(sim_person_log_in(a->bank, &a->eve) == SR_OK);
	role.principal = a->eve.m4.customer;
	order_role_encode(&role, block);
	sim_order_begin(a->bank, &a->people.operators[0], ORDER_ROLE, &order);
	(void)forged_four_eyes(
	    a->bank, &a->people, &order, block, sizeof(block));
	audited_pay_until(a, 1);
	/* the change of role has ended her session */
	must(sim_person_log_in(a->bank, &a->eve) == SR_OK);
}

void
audited_log_in(struct audited_bank *a)
{
	must(sim_person_log_in(a->bank, &a->people.ada) == SR_OK);
	must(sim_person_log_in(a->bank, &a->eve) == SR_OK);
	for (unsigned i = 0; i < 2; i++)
		must(sim_person_log_in(a->bank, &a->people.operators[i]) ==
		     SR_OK);
}

void
audited_pay_until(struct audited_bank *a, uint32_t number)
{
	struct message_order_answer answer;

	for (int i = 0; a->bank->ledgerd->snapshots.last.number < number; i++)
		must(i < 3000 &&
		     sim_transfer(a->bank, &a->people.ada,
			 a->people.bob.m4.account, 1, &answer) == SR_OK);
}

struct order_certify
audited_last(const struct audited_bank *a)
{
	const struct entry_snapshot *last = &a->bank->ledgerd->snapshots.last;
	struct order_certify certify = {.snapshot = last->number,
	    .segment = last->segment,
	    .offset = last->offset,
	    .size = last->size};

	memcpy(certify.hash, last->hash, sizeof(certify.hash));
	return certify;
}

static enum sr_error
submit(struct audited_bank *a, struct sim_person *by, struct order *order,
    const void *block, size_t len, uint64_t *leaf, uint8_t *hash)
{
	static struct sim_order sent;
	struct message_order_answer answer;
	enum sr_error error;

	sim_order_sign(by, order, block, len, &sent);
	if (hash != NULL)
		order_hash(sent.bytes, hash);
	error = sim_order_submit(a->bank, by, &sent, &answer);
	if (leaf != NULL)
		*leaf = answer.leaf;
	return error != SR_OK ? error : (enum sr_error)answer.outcome;
}

enum sr_error
audited_certify(struct audited_bank *a, struct sim_person *by,
    const struct order_certify *says)
{
	uint8_t block[ORDER_CERTIFY_LEN];
	struct order order;

	order_certify_encode(says, block);
	sim_order_begin(a->bank, by, ORDER_CERTIFY, &order);
	return submit(a, by, &order, block, sizeof(block), NULL, NULL);
}

enum sr_error
audited_ask(struct audited_bank *a, struct sim_person *by,
    const struct order_retire *retire, uint64_t *leaf,
    uint8_t hash[ORDER_HASH_LEN])
{
	uint8_t block[ORDER_RETIRE_LEN];
	struct order order;

	order_retire_encode(retire, block);
	sim_order_begin(a->bank, by, ORDER_RETIRE, &order);
	return submit(a, by, &order, block, sizeof(block), leaf, hash);
}

enum sr_error
audited_approve(struct audited_bank *a, struct sim_person *by, uint64_t leaf,
    const uint8_t hash[ORDER_HASH_LEN])
{
	struct order order;

	sim_order_begin(a->bank, by, ORDER_APPROVE, &order);
	order.refers_to = leaf;
	return submit(a, by, &order, hash, ORDER_HASH_LEN, NULL, NULL);
}

enum sr_error
audited_retire(struct audited_bank *a, const struct order_certify *certify)
{
	struct order_retire retire = {.snapshot = certify->snapshot};
	uint8_t hash[ORDER_HASH_LEN];
	enum sr_error error;
	uint64_t leaf;

	memcpy(retire.hash, certify->hash, sizeof(retire.hash));
	error = audited_ask(a, &a->people.operators[0], &retire, &leaf, hash);
	return error == SR_OK
		   ? audited_approve(a, &a->people.operators[1], leaf, hash)
		   : error;
}

static bool
has(const struct audited_bank *a, const char *path)
{
	size_t len;

	return sim_file(a->bank->ledgerd_room, path, &len) != NULL;
}

bool
audited_has_snapshot(const struct audited_bank *a, uint32_t number)
{
	char path[ENV_PATH_MAX];

	snprintf(path, sizeof(path), "ledger/snapshot/%08u", number);
	return has(a, path);
}

bool
audited_has_segment(const struct audited_bank *a, uint32_t number)
{
	char path[ENV_PATH_MAX];

	snprintf(path, sizeof(path), "ledger/segment/%08u.log", number);
	return has(a, path);
}

bool
audited_has_leaves(const struct audited_bank *a, uint32_t number)
{
	char path[ENV_PATH_MAX];

	snprintf(path, sizeof(path), "ledger/segment/%08u.leaves", number);
	return has(a, path);
}
