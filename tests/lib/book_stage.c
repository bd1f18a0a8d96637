/* SPDX-License-Identifier: ISC */
/* The stage of book_stage.h: who stands on it, and what always holds there. */
#include "tests/lib/book_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/book/state.h"

struct stage stage;

/* ---- what always holds -------------------------------------------------------- */

/* All that money, authority or a limit rests on; no order's seq. */
static void
take_imprint(uint8_t imprint[32])
{
	const struct book *book = &stage.book;
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	for (uint64_t i = 0; i < book->accounts.count; i++)
		crypto_hash_sha256_update(&state,
		    book_table_at(&book->accounts, i),
		    offsetof(struct book_account, last_frame));
	for (uint64_t i = 0; i < book->principals.count; i++) {
		const struct book_principal *p = book_principal_at(book, i);

		crypto_hash_sha256_update(
		    &state, (const uint8_t *)&p->till, sizeof(p->till));
		crypto_hash_sha256_update(&state, &p->role, 1);
		crypto_hash_sha256_update(
		    &state, (const uint8_t *)&p->revoked, sizeof(p->revoked));
		crypto_hash_sha256_update(
		    &state, (const uint8_t *)&p->erased, sizeof(p->erased));
	}
	for (uint64_t i = 0; i < book->flows.count; i++)
		crypto_hash_sha256_update(&state,
		    book_table_at(&book->flows, i), sizeof(struct book_flow));
	for (uint64_t i = 0; i < book->postings.count; i++)
		crypto_hash_sha256_update(&state,
		    book_table_at(&book->postings, i),
		    sizeof(struct book_posting));
	crypto_hash_sha256_update(
	    &state, (const uint8_t *)&book->policy, sizeof(book->policy));
	crypto_hash_sha256_update(&state, (const uint8_t *)book->hold,
	    book->hold_count * sizeof(book->hold[0]));
	crypto_hash_sha256_update(&state, (const uint8_t *)&book->late_posts,
	    sizeof(book->late_posts));
	crypto_hash_sha256_final(&state, imprint);
}

/* Limits are limits, and what is reserved is so on both sides. */
static void
look_at_accounts(void)
{
	int64_t customers = 0, tills = 0;

	assert_true(book_sum(&stage.book) == 0);
	for (uint64_t i = 0; i < book_account_count(&stage.book); i++) {
		const struct book_account *account =
		    book_account_at(&stage.book, i);

		assert_true(account->held_minor >= 0);
		assert_true(account->floor_minor <= account->soft_floor_minor);
		assert_true(
		    account->soft_floor_minor <= account->ceiling_minor);
		assert_true(account->day_limit_minor >= 0);
		if (account->status == ACCOUNT_CLOSED)
			assert_true(account->posted_minor == 0);
		if (account->type == ACCOUNT_TILL)
			tills += account->held_minor;
		else
			customers += account->held_minor;
	}
	assert_true(customers == tills);
}

/* ---- orders --------------------------------------------------------------------- */

enum sr_error
stage_order(const struct wish *wish)
{
	const struct book_principal *signer =
	    book_principal(&stage.book, wish->signer);
	struct book_order order = {.order = {.kind = (uint8_t)wish->kind,
				       .unit = order_unit(2),
				       .terminal = wish->terminal,
				       .signer = wish->signer,
				       .seq = signer->next_seq,
				       .debit = wish->debit,
				       .credit = wish->credit,
				       .amount_minor = wish->amount_minor,
				       .refers_to = wish->refers_to},
	    .attachment = wish->attachment,
	    .attachment_len = wish->attachment_len};
	uint8_t bytes[ORDER_LEN], before[32], after[32];

	memset(order.order.bank, 0xbb, ORDER_BANK_LEN);
	memcpy(order.order.previous, signer->last_hash, ORDER_HASH_LEN);
	order_attachment_hash(order.attachment, order.attachment_len,
	    order.order.attachment_hash);
	order_encode(&order.order, bytes);
	order_hash(bytes, order.hash);
	memcpy(stage.hash, order.hash, sizeof(stage.hash));
	stage.ordered = stage.leaf++;
	take_imprint(before);
	assert_int_equal(book_apply(&stage.book, &order, stage.ordered,
			     stage.now_ms, &stage.effect),
	    SR_OK);
	look_at_accounts();
	take_imprint(after);
	if (stage.effect.outcome != SR_OK)
		assert_memory_equal(before, after, sizeof(before));
	return stage.effect.outcome;
}

enum sr_error
stage_approve(uint64_t by, uint64_t leaf, const uint8_t hash[ORDER_HASH_LEN])
{
	uint8_t bound[ORDER_HASH_LEN];

	memcpy(bound, hash, sizeof(bound));
	return stage_order(&(struct wish){.kind = ORDER_APPROVE,
	    .signer = by,
	    .refers_to = leaf,
	    .attachment = bound,
	    .attachment_len = sizeof(bound)});
}

enum sr_error
stage_agree(const struct wish *request)
{
	uint8_t before[32], after[32];

	take_imprint(before);
	assert_int_equal(stage_order(request), SR_OK);
	/* a request alone moves nothing */
	take_imprint(after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(stage.effect.touched_count, 0);
	return stage_approve(
	    request->signer == OP_2 ? OP_1 : OP_2, stage.ordered, stage.hash);
}

struct book_account *
stage_account(uint64_t account)
{
	struct book_account *found = book_account(&stage.book, account);

	assert_non_null(found);
	return found;
}

int64_t
stage_balance(uint64_t account)
{
	return stage_account(account)->posted_minor;
}

int64_t
stage_customers_have(void)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < book_account_count(&stage.book); i++)
		if (book_account_at(&stage.book, i)->type == ACCOUNT_CUSTOMER)
			sum += book_account_at(&stage.book, i)->posted_minor;
	return sum;
}

enum sr_error
stage_transfer(uint64_t from, uint64_t to, int64_t amount_minor)
{
	return stage_order(&(struct wish){.kind = ORDER_TRANSFER,
	    .signer = account_customer(from),
	    .debit = from,
	    .credit = to,
	    .amount_minor = amount_minor,
	    .attachment = "pizza",
	    .attachment_len = 5});
}

enum sr_error
stage_deposit(uint64_t by, uint64_t to, int64_t amount_minor)
{
	return stage_order(&(struct wish){.kind = ORDER_DEPOSIT,
	    .signer = by,
	    .terminal = by == LOBBY ? LOBBY : 0,
	    .debit = book_principal(&stage.book, by)->till,
	    .credit = to,
	    .amount_minor = amount_minor});
}

enum sr_error
stage_hold(uint64_t from, int64_t amount_minor)
{
	return stage_order(&(struct wish){.kind = ORDER_HOLD,
	    .signer = account_customer(from),
	    .terminal = LOBBY,
	    .debit = from,
	    .credit = TILL(LOBBY),
	    .amount_minor = amount_minor});
}

enum sr_error
stage_post(uint64_t leaf, uint64_t from, int64_t amount_minor)
{
	return stage_order(&(struct wish){.kind = ORDER_POST,
	    .signer = LOBBY,
	    .terminal = LOBBY,
	    .debit = from,
	    .credit = TILL(LOBBY),
	    .amount_minor = amount_minor,
	    .refers_to = leaf});
}

enum sr_error
stage_void(uint64_t leaf)
{
	return stage_order(&(struct wish){.kind = ORDER_VOID,
	    .signer = LOBBY,
	    .terminal = LOBBY,
	    .refers_to = leaf});
}

enum sr_error
stage_undo(uint64_t by, uint64_t leaf)
{
	const struct book_posting *posting = book_posting(&stage.book, leaf);

	assert_non_null(posting);
	return stage_order(&(struct wish){.kind = ORDER_UNDO,
	    .signer = by,
	    .terminal = by == LOBBY ? LOBBY : 0,
	    .debit = posting->credit,
	    .credit = posting->debit,
	    .amount_minor = posting->amount_minor,
	    .refers_to = leaf});
}

enum sr_error
stage_issue(uint64_t to, int64_t amount_minor)
{
	struct wish wish = wish_issue(OP_1, to, amount_minor);

	return stage_agree(&wish);
}

enum sr_error
stage_open(uint64_t customer, unsigned n, const char *label)
{
	return stage_order(&(struct wish){.kind = ORDER_ACCOUNT_OPEN,
	    .signer = customer,
	    .credit = FURTHER(customer, n),
	    .attachment = label,
	    .attachment_len = strlen(label)});
}

enum sr_error
stage_close(uint64_t account)
{
	struct wish wish =
	    wish_account(account_customer(account), ORDER_CLOSE, account);

	return stage_order(&wish);
}

enum sr_error
stage_freeze(uint64_t account)
{
	struct wish wish = wish_account(OP_1, ORDER_FREEZE, account);

	return stage_order(&wish);
}

enum sr_error
stage_unfreeze(uint64_t account)
{
	struct wish wish = wish_account(OP_1, ORDER_UNFREEZE, account);

	return stage_agree(&wish);
}

enum sr_error
stage_count(
    uint64_t by, uint64_t till, enum order_kind kind, int64_t counted_minor)
{
	struct order_count count = {.till = till,
	    .lines = counted_minor > 0,
	    .line = {{1, (uint64_t)counted_minor}}};
	size_t len = order_count_encode(&count, stage.block);

	return stage_order(&(struct wish){.kind = kind,
	    .signer = by,
	    .terminal = by == LOBBY ? LOBBY : 0,
	    .amount_minor = counted_minor,
	    .attachment = stage.block,
	    .attachment_len = len});
}

enum sr_error
stage_role(
    uint64_t principal, enum role role, uint64_t till, int64_t maximum_minor)
{
	struct wish wish =
	    wish_role(OP_1, principal, role, till, maximum_minor);

	return stage_agree(&wish);
}

/* ---- wishes ---------------------------------------------------------------------- */

struct wish
wish_issue(uint64_t by, uint64_t to, int64_t amount_minor)
{
	return (struct wish){.kind = ORDER_ISSUE,
	    .signer = by,
	    .debit = ACCOUNT_ISSUE,
	    .credit = to,
	    .amount_minor = amount_minor};
}

struct wish
wish_adjust(uint64_t by, uint64_t debit, uint64_t credit, int64_t amount_minor)
{
	return (struct wish){.kind = ORDER_ADJUST,
	    .signer = by,
	    .debit = debit,
	    .credit = credit,
	    .amount_minor = amount_minor};
}

struct wish
wish_reverse(uint64_t by, uint64_t leaf)
{
	const struct book_posting *posting = book_posting(&stage.book, leaf);

	assert_non_null(posting);
	return (struct wish){.kind = ORDER_REVERSE,
	    .signer = by,
	    .debit = posting->credit,
	    .credit = posting->debit,
	    .amount_minor = posting->amount_minor,
	    .refers_to = leaf};
}

struct wish
wish_cash_out(uint64_t by, uint64_t till, int64_t amount_minor)
{
	return (struct wish){.kind = ORDER_CASH_OUT,
	    .signer = by,
	    .debit = ACCOUNT_ISSUE,
	    .credit = till,
	    .amount_minor = amount_minor};
}

static struct wish
wish_block(uint64_t by, enum order_kind kind, size_t len)
{
	return (struct wish){.kind = kind,
	    .signer = by,
	    .attachment = stage.block,
	    .attachment_len = len};
}

struct wish
wish_account(uint64_t by, enum order_kind kind, uint64_t account)
{
	order_account_encode(account, stage.block);
	return wish_block(by, kind, ORDER_ACCOUNT_LEN);
}

struct wish
wish_limits(
    uint64_t by, enum order_kind kind, const struct order_limits *limits)
{
	order_limits_encode(limits, stage.block);
	return wish_block(by, kind, ORDER_LIMITS_LEN);
}

struct wish
wish_policy(uint64_t by, const struct order_policy *policy)
{
	order_policy_encode(policy, stage.block);
	return wish_block(by, ORDER_POLICY, ORDER_POLICY_LEN);
}

struct wish
wish_role(uint64_t by, uint64_t principal, enum role role, uint64_t till,
    int64_t maximum_minor)
{
	struct order_role block = {
	    principal, till, maximum_minor, (uint8_t)role};

	order_role_encode(&block, stage.block);
	return wish_block(by, ORDER_ROLE, ORDER_ROLE_LEN);
}

struct wish
wish_revoke(uint64_t by, uint64_t principal, uint32_t terminal)
{
	struct order_revoke block = {principal, terminal};

	order_revoke_encode(&block, stage.block);
	return wish_block(by, ORDER_REVOKE, ORDER_REVOKE_LEN);
}

struct wish
wish_enrol(
    uint64_t by, uint64_t principal, uint32_t terminal, int64_t maximum_minor)
{
	struct order_enrol block = {.principal = principal,
	    .terminal = terminal,
	    .epoch = terminal != 0,
	    .till_maximum_minor = maximum_minor,
	    .role = terminal != 0 ? ROLE_TERMINAL : ROLE_TELLER};

	order_enrol_encode(&block, stage.block);
	return wish_block(by, ORDER_ENROL_REQUEST, ORDER_ENROL_LEN);
}

struct order_limits
stage_limits(uint64_t account)
{
	const struct book_account *a = stage_account(account);

	return (struct order_limits){account, a->floor_minor,
	    a->soft_floor_minor, a->ceiling_minor, a->day_limit_minor};
}

/* ---- bytes ------------------------------------------------------------------------- */

static enum sr_error
put(void *context, const uint8_t *from, size_t len)
{
	struct stage_bytes *bytes = context;

	if (len > bytes->room - bytes->len) {
		bytes->room = 2 * (bytes->room + len);
		bytes->of = realloc(bytes->of, bytes->room);
		assert_non_null(bytes->of);
	}
	memcpy(bytes->of + bytes->len, from, len);
	bytes->len += len;
	return SR_OK;
}

static enum sr_error
take(void *context, uint8_t *to, size_t len)
{
	struct stage_bytes *bytes = context;

	if (len > bytes->len - bytes->at)
		return SR_DAMAGED;
	memcpy(to, bytes->of + bytes->at, len);
	bytes->at += len;
	return SR_OK;
}

void
stage_write(const struct book *book, struct stage_bytes *bytes)
{
	bytes->len = bytes->at = 0;
	assert_int_equal(
	    book_state_write(book, BOOK_STATE_ALL, put, bytes), SR_OK);
}

enum sr_error
stage_read(struct book *read, struct stage_bytes *bytes)
{
	bytes->at = 0;
	assert_int_equal(book_init(read), SR_OK);
	return book_state_read(read, take, bytes);
}

/* ---- the people ---------------------------------------------------------------------- */

static void
open_person(uint64_t customer)
{
	struct book_opening opening = {.customer = customer,
	    .key_epoch = 1,
	    .signing_key = {(uint8_t)customer},
	    .attestation_hash = {(uint8_t)customer}};
	struct book_account *opened;

	assert_int_equal(book_open(&stage.book, &opening, &opened), SR_OK);
	stage.leaf++;
}

void
stage_begin(enum bank_type type, int64_t floor_minor)
{
	struct entry_genesis genesis = {.name_len = 4,
	    .name = "Demo",
	    .unit = {"EUR", 2},
	    .bank_type = (uint8_t)type,
	    .rules = entry_rules_default(type),
	    .operator_key = {{OP_1}, {OP_2}}};
	struct wish wish;

	memset(&stage, 0, sizeof(stage));
	memset(genesis.bank_id, 0xbb, sizeof(genesis.bank_id));
	genesis.rules.customer_floor_minor = floor_minor;
	stage.now_ms = UINT64_C(1790000000000) / STAGE_HOUR_MS * STAGE_HOUR_MS;
	stage.leaf = 1;
	assert_int_equal(book_init(&stage.book), SR_OK);
	assert_int_equal(book_found(&stage.book, &genesis), SR_OK);
	for (uint64_t customer = OP_1; customer < STAGE_PEOPLE; customer++)
		open_person(customer);
	for (uint64_t till = LOBBY; till <= TOM; till++) {
		wish = wish_enrol(
		    OP_1, till, till == LOBBY ? LOBBY : 0, STAGE_MAXIMUM);
		assert_int_equal(stage_agree(&wish), SR_OK);
	}
}

void
stage_end(void)
{
	struct stage_bytes bytes = {0};
	uint8_t first[32], second[32];
	struct book read;

	stage_write(&stage.book, &bytes);
	assert_int_equal(stage_read(&read, &bytes), SR_OK);
	assert_true(bytes.at == bytes.len);
	book_digest(&stage.book, first);
	book_digest(&read, second);
	assert_memory_equal(first, second, sizeof(first));
	book_free(&read);
	free(bytes.of);
	book_free(&stage.book);
}

int
stage_setup(void **state)
{
	(void)state;
	stage_begin(BANK_CASH, 0);
	return stage_issue(MAIN(ADA), 5000) == SR_OK ? 0 : 1;
}

int
stage_teardown(void **state)
{
	(void)state;
	stage_end();
	return 0;
}
