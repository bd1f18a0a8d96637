/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_BOOK_STAGE_H
#define TESTS_LIB_BOOK_STAGE_H
/*
 * A small bank for the tests of the book's rules: two operators, customers, a
 * terminal and two tellers, each with a till of its own.  An order goes to
 * book_apply() at once, as book_check() would let it through, and after each
 * one the stage looks at what must always hold: the sum over all accounts is
 * zero, a declined order has changed nothing, and what was written out is read
 * back as the same book.
 */
#include "common/book/book.h"

enum stage_people {
	OP_1 = 1,
	OP_2,
	ADA,
	BOB,
	CARL,
	LOBBY, /* a terminal */
	TINA,  /* a teller */
	TOM,   /* a teller */
	STRANGER,
	STAGE_PEOPLE,
};

#define MAIN(customer) account_id(customer, ACCOUNT_INDEX_MAIN)
#define TILL(customer) account_id(customer, ACCOUNT_INDEX_TILL)
#define FURTHER(customer, n) account_id(customer, ACCOUNT_INDEX_FURTHER + (n))
#define STAGE_HOUR_MS UINT64_C(3600000)
#define STAGE_MAXIMUM 10000 /* of each till */

/* What an order says; all else is as it should be. */
struct wish {
	enum order_kind kind;
	uint64_t signer, debit, credit, refers_to;
	int64_t amount_minor;
	uint32_t terminal;
	const void *attachment;
	size_t attachment_len;
};

struct stage {
	struct book book;
	uint64_t now_ms;
	uint64_t leaf;                /* of the next entry */
	uint64_t ordered;             /* leaf of the last order */
	uint8_t hash[ORDER_HASH_LEN]; /* of the last order */
	struct book_effect effect;
	uint8_t block[ORDER_ATTACHMENT_MAX]; /* of the wish_ below */
};

extern struct stage stage;

/* The people and their tills.  floor_minor: of customers, by leaf 0. */
void stage_begin(enum bank_type type, int64_t floor_minor);
void stage_end(void);

/* cmocka's: a cash bank with ADA's 5000 from the issue account. */
int stage_setup(void **state);
int stage_teardown(void **state);

/* Applies; the outcome. */
enum sr_error stage_order(const struct wish *wish);

/* The approval of the request with that leaf and hash. */
enum sr_error stage_approve(
    uint64_t by, uint64_t leaf, const uint8_t hash[ORDER_HASH_LEN]);

/* A request, which must stand, and OP_2's (or OP_1's) approval: its outcome. */
enum sr_error stage_agree(const struct wish *request);

struct book_account *stage_account(uint64_t account);
int64_t stage_balance(uint64_t account);

/* What all customers have together. */
int64_t stage_customers_have(void);

/* Orders by who may sign them; accounts by their ids. */
enum sr_error stage_transfer(uint64_t from, uint64_t to, int64_t amount_minor);
enum sr_error stage_deposit(uint64_t by, uint64_t to, int64_t amount_minor);
enum sr_error stage_hold(uint64_t from, int64_t amount_minor); /* at LOBBY */
enum sr_error stage_post(uint64_t leaf, uint64_t from, int64_t amount_minor);
enum sr_error stage_void(uint64_t leaf);
enum sr_error stage_undo(uint64_t by, uint64_t leaf);
enum sr_error stage_issue(uint64_t to, int64_t amount_minor);
enum sr_error stage_open(uint64_t customer, unsigned n, const char *label);
enum sr_error stage_close(uint64_t account);
enum sr_error stage_freeze(uint64_t account);
enum sr_error stage_unfreeze(uint64_t account);
/* counted in pieces of one */
enum sr_error stage_count(
    uint64_t by, uint64_t till, enum order_kind kind, int64_t counted_minor);
enum sr_error stage_role(
    uint64_t principal, enum role role, uint64_t till, int64_t maximum_minor);

/* Wishes of operators; their blocks stand in stage.block until the next. */
struct wish wish_issue(uint64_t by, uint64_t to, int64_t amount_minor);
struct wish wish_adjust(
    uint64_t by, uint64_t debit, uint64_t credit, int64_t amount_minor);
struct wish wish_reverse(uint64_t by, uint64_t leaf);
struct wish wish_cash_out(uint64_t by, uint64_t till, int64_t amount_minor);
struct wish wish_account(uint64_t by, enum order_kind kind, uint64_t account);
struct wish wish_limits(
    uint64_t by, enum order_kind kind, const struct order_limits *limits);
struct wish wish_policy(uint64_t by, const struct order_policy *policy);
struct wish wish_role(uint64_t by, uint64_t principal, enum role role,
    uint64_t till, int64_t maximum_minor);
struct wish wish_revoke(uint64_t by, uint64_t principal, uint32_t terminal);
struct wish wish_enrol(
    uint64_t by, uint64_t principal, uint32_t terminal, int64_t maximum_minor);

/* The limits of an account as they are now. */
struct order_limits stage_limits(uint64_t account);

/* A book as bytes, out and in again. */
struct stage_bytes {
	uint8_t *of;
	size_t len;
	size_t room;
	size_t at;
};

void stage_write(const struct book *book, struct stage_bytes *bytes);

/* Into *read, which is begun here; to be freed whatever the answer is. */
enum sr_error stage_read(struct book *read, struct stage_bytes *bytes);

#define STAGE_STORY(test) \
	cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

#endif
