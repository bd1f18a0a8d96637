/* SPDX-License-Identifier: ISC */
/* forged_duties.h: one order of each kind, and what must come before it. */
#include "tests/lib/forged_duties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ids.h"
#include "tests/lib/sim_credentials.h"

static void
must_at(bool condition, int line)
{
	if (condition)
		return;
	fprintf(stderr, "forged_duties.c:%d\n", line);
	abort();
}

#define must(condition) must_at(condition, __LINE__)

enum sr_error
forged_submit(struct sim_bank *bank, struct sim_person *person,
    struct order *order, const void *attachment, size_t len, uint8_t *hash,
    struct message_order_answer *answer)
{
	static struct sim_order sent;

	sim_order_sign(person, order, attachment, len, &sent);
	if (hash != NULL)
		order_hash(sent.bytes, hash);
	must(sim_order_submit(bank, person, &sent, answer) == SR_OK ||
	     answer->error == SR_OK);
	return (enum sr_error)answer->outcome;
}

uint64_t
forged_four_eyes(struct sim_bank *bank, struct sim_people *people,
    struct order *request, const void *attachment, size_t len)
{
	struct message_order_answer answer;
	uint8_t hash[ORDER_HASH_LEN];
	struct order approve;

	must(forged_submit(bank, &people->operators[0], request, attachment,
		 len, hash, &answer) == SR_OK);
	sim_order_begin(bank, &people->operators[1], ORDER_APPROVE, &approve);
	approve.refers_to = answer.leaf;
	must(forged_submit(bank, &people->operators[1], &approve, hash,
		 sizeof(hash), NULL, &answer) == SR_OK);
	return answer.leaf;
}

/* An order that names nothing but what its block says. */
static void
by_block(struct sim_bank *bank, struct sim_person *person, enum order_kind kind,
    const void *block, size_t len)
{
	struct message_order_answer answer;
	struct order order;

	sim_order_begin(bank, person, kind, &order);
	must(forged_submit(bank, person, &order, block, len, NULL, &answer) ==
	     SR_OK);
}

static void
by_account(struct sim_bank *bank, struct sim_person *person,
    enum order_kind kind, uint64_t account)
{
	uint8_t block[ORDER_ACCOUNT_LEN];

	order_account_encode(account, block);
	by_block(bank, person, kind, block, sizeof(block));
}

static void
agreed(struct sim_bank *bank, struct sim_people *people, enum order_kind kind,
    const void *block, size_t len)
{
	struct order order;

	sim_order_begin(bank, &people->operators[0], kind, &order);
	(void)forged_four_eyes(bank, people, &order, block, len);
}

static void
newcomer(struct sim_bank *bank, struct sim_person *person, const char *name)
{
	sim_person_init(person, name, "a secret");
	must(sim_person_register(bank, person) == SR_OK);
	must(sim_person_log_in(bank, person) == SR_OK);
}

/* ---- money ------------------------------------------------------------------- */

static void
issue_and_adjust(struct sim_bank *bank, struct sim_people *people)
{
	struct order order;

	sim_order_begin(bank, &people->operators[0], ORDER_ISSUE, &order);
	order.debit = ACCOUNT_ISSUE;
	order.credit = people->bob.m4.account;
	order.amount_minor = 40;
	(void)forged_four_eyes(bank, people, &order, "a prize", 7);
	sim_order_begin(bank, &people->operators[0], ORDER_ADJUST, &order);
	order.debit = people->ada.m4.account;
	order.credit = ACCOUNT_OVER_SHORT;
	order.amount_minor = 30;
	(void)forged_four_eyes(bank, people, &order, NULL, 0);
}

static void
undo_and_reverse(struct sim_bank *bank, struct sim_people *people)
{
	struct message_order_answer paid, answer;
	struct order order;

	must(sim_transfer(bank, &people->ada, people->bob.m4.account, 60,
		 &paid) == SR_OK);
	sim_order_begin(bank, &people->bob, ORDER_UNDO, &order);
	order.debit = people->bob.m4.account;
	order.credit = people->ada.m4.account;
	order.amount_minor = 60;
	order.refers_to = paid.leaf;
	must(forged_submit(
		 bank, &people->bob, &order, "no", 2, NULL, &answer) == SR_OK);
	must(sim_transfer(bank, &people->ada, people->bob.m4.account, 70,
		 &paid) == SR_OK);
	sim_order_begin(bank, &people->operators[0], ORDER_REVERSE, &order);
	order.debit = people->bob.m4.account;
	order.credit = people->ada.m4.account;
	order.amount_minor = 70;
	order.refers_to = paid.leaf;
	(void)forged_four_eyes(bank, people, &order, "wrong", 5);
	/* bob's last order is a payment: tests put another one behind it */
	must(sim_transfer(bank, &people->bob, people->ada.m4.account, 2,
		 &answer) == SR_OK);
}

/* ---- limits, accounts and roles --------------------------------------------------- */

static void
limits(struct sim_bank *bank, struct sim_people *people)
{
	struct order_policy policy = bank->ledgerd->book.policy;
	struct order_limits wide = {
	    people->ada.m4.account, -500, -100, INT64_MAX, INT64_MAX};
	uint8_t block[ORDER_POLICY_LEN];

	policy.undo_ms = 60000;
	order_policy_encode(&policy, block);
	agreed(bank, people, ORDER_POLICY, block, ORDER_POLICY_LEN);
	order_limits_encode(&wide, block);
	agreed(bank, people, ORDER_RAISE_LIMIT, block, ORDER_LIMITS_LEN);
	wide.day_limit_minor = 5000;
	order_limits_encode(&wide, block);
	by_block(bank, &people->operators[1], ORDER_LOWER_LIMIT, block,
	    ORDER_LIMITS_LEN);
}

static void
accounts(struct sim_bank *bank, struct sim_people *people)
{
	uint64_t purse =
	    account_id(people->ada.m4.customer, ACCOUNT_INDEX_FURTHER);
	struct message_order_answer answer;
	uint8_t block[ORDER_ACCOUNT_LEN];
	struct sim_person dora;
	struct order order;

	sim_order_begin(bank, &people->ada, ORDER_ACCOUNT_OPEN, &order);
	order.credit = purse;
	must(forged_submit(bank, &people->ada, &order, "purse", 5, NULL,
		 &answer) == SR_OK);
	by_account(bank, &people->operators[1], ORDER_FREEZE, purse);
	order_account_encode(purse, block);
	agreed(bank, people, ORDER_UNFREEZE, block, sizeof(block));
	by_account(bank, &people->ada, ORDER_CLOSE, purse);
	newcomer(bank, &dora, "dora");
	by_account(bank, &dora, ORDER_CLOSE, dora.m4.account);
	by_block(bank, &dora, ORDER_ERASE, NULL, 0);
}

static void
roles(struct sim_bank *bank, struct sim_people *people)
{
	struct order_role role = {.role = ROLE_OPERATOR};
	uint8_t block[ORDER_ROLE_LEN];
	struct sim_person carl;

	newcomer(bank, &carl, "carl");
	role.principal = carl.m4.customer;
	order_role_encode(&role, block);
	agreed(bank, people, ORDER_ROLE, block, sizeof(block));
	by_account(
	    bank, &people->operators[1], ORDER_ROLE_REVOKE, carl.m4.customer);
}

/*
 * Somebody has lost everything: two operators, a code, new keys; and the
 * bank's own records are sealed anew in between.
 */
static void
resets(struct sim_bank *bank, struct sim_people *people)
{
	uint8_t code[RESET_CODE_LEN], public_key[32], secret_key[64];
	struct sim_change half = {.new_secret = "another secret",
	    .signing_public = public_key,
	    .signing_secret = secret_key,
	    .reset_code = code};
	struct sim_person ruth;
	struct order_reset reset;
	struct payload_m5 m5;
	uint64_t leaf;

	newcomer(bank, &ruth, "ruth");
	sim_keys(77, public_key, secret_key);
	reset = sim_reset_of(bank, &ruth);
	must(sim_reset_agree(bank, people, &reset, &leaf) == SR_OK);
	must(sim_reset_code(bank, leaf, code) == SR_OK);
	must(sim_rotate(bank, BANK_KEY_CREDENTIAL) == SR_OK);
	must(sim_reseal(bank) == SR_OK);
	for (half.target = 0; half.target < SLOT_COUNT; half.target++)
		must(sim_person_change(bank, &ruth, &half, &m5) == SR_OK);
	ruth.password = half.new_secret;
	must(sim_person_log_in(bank, &ruth) == SR_OK);
}

/*
 * What only an auditor may sign, and only operators: declined, and in the log
 * all the same.
 */
static void
certificate(struct sim_bank *bank, struct sim_people *people)
{
	const struct order_certify says = {.snapshot = 1, .size = 1};
	const struct order_retire retire = {.snapshot = 1};
	uint8_t block[ORDER_CERTIFY_LEN];
	struct message_order_answer answer;
	struct order order;

	order_certify_encode(&says, block);
	sim_order_begin(bank, &people->ada, ORDER_CERTIFY, &order);
	must(forged_submit(bank, &people->ada, &order, block, sizeof(block),
		 NULL, &answer) == SR_ROLE);
	order_retire_encode(&retire, block);
	sim_order_begin(bank, &people->ada, ORDER_RETIRE, &order);
	must(forged_submit(bank, &people->ada, &order, block, ORDER_RETIRE_LEN,
		 NULL, &answer) == SR_ROLE);
}

/* ---- the till ---------------------------------------------------------------------- */

static void
count(struct sim_bank *bank, struct sim_people *people, enum order_kind kind,
    int64_t more_minor)
{
	uint64_t till = people->lobby.m4.till_account;
	int64_t counted = more_minor - sim_bank_posted(bank, till);
	struct order_count cash = {.till = till,
	    .lines = 2,
	    .line = {
		{100, (uint64_t)counted / 100}, {1, (uint64_t)counted % 100}}};
	uint8_t block[ORDER_COUNT_MAX];
	struct message_order_answer answer;
	struct order order;
	size_t len;

	cash.lines = counted % 100 == 0 ? 1 : 2;
	len = order_count_encode(&cash, block);
	sim_order_begin(bank, &people->lobby, kind, &order);
	order.amount_minor = counted;
	must(forged_submit(bank, &people->lobby, &order, block, len, NULL,
		 &answer) == SR_OK);
}

static void
till(struct sim_bank *bank, struct sim_people *people)
{
	struct order order;

	count(bank, people, ORDER_TILL_COUNT, 15);
	sim_order_begin(bank, &people->operators[0], ORDER_CASH_OUT, &order);
	order.debit = ACCOUNT_ISSUE;
	order.credit = people->lobby.m4.till_account;
	order.amount_minor = 300;
	(void)forged_four_eyes(bank, people, &order, NULL, 0);
	count(bank, people, ORDER_TILL_CLOSE, -5);
	count(bank, people, ORDER_TILL_OPEN, 500);
}

void
forged_duties(struct sim_bank *bank, struct sim_people *people)
{
	issue_and_adjust(bank, people);
	undo_and_reverse(bank, people);
	limits(bank, people);
	accounts(bank, people);
	roles(bank, people);
	resets(bank, people);
	certificate(bank, people);
	till(bank, people);
}
