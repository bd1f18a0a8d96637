/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BOOK_RULES_H
#define COMMON_BOOK_RULES_H
/*
 * Inside the book: the rules for one order, between the checks and the
 * bookkeeping of seqs (book.c).  Nobody else includes this.
 *
 * A rule decides about one kind of order and carries it out; it changes
 * nothing unless the result is SR_OK.  Requests are split: a check, at the
 * request and again at the approval, and a function that cannot fail.
 */
#include "common/book/book.h"

/* One order at work. */
struct book_turn {
	struct book *book;
	struct book_principal *signer;
	const struct order *order;
	const uint8_t *hash; /* ORDER_HASH_LEN */
	const uint8_t *attachment;
	size_t attachment_len;
	uint64_t leaf;
	uint64_t time_ms;
	struct book_effect *effect;
};

/* Room for one new row in each table; SR_NO_SPACE. */
enum sr_error book_reserve_rows(struct book *book);

/* A new open account; only after book_reserve_rows(). */
struct book_account *book_add_account(struct book *book, uint64_t id,
    enum account_type type, int64_t floor_minor, int64_t ceiling_minor);

/* The principal, to be changed; NULL. */
struct book_principal *book_principal_row(
    const struct book *book, uint64_t customer);

/* Decides and carries out one order; the rows it may need are reserved. */
enum sr_error book_rules_apply(struct book_turn *turn);

/* ---- What the rules have in common (rules.c) ------------------------ */

/* Whether a customer's or till's account has so much, open or frozen. */
enum sr_error book_has(
    const struct book_account *account, int64_t amount_minor);

/* The same, and that it may give it out: it is open. */
enum sr_error book_may_give(
    const struct book_account *account, int64_t amount_minor);

/* Whether it may take so much more: not closed, and below its ceiling. */
enum sr_error book_may_take(
    const struct book_account *account, int64_t amount_minor);

/* From debit to credit; both have been asked. */
void book_move(struct book_account *debit, struct book_account *credit,
    int64_t amount_minor, struct book_effect *effect);

/* True for an order that names no accounts and no amount. */
bool book_moves_nothing(const struct order *order);

/* The signer's own account of type customer; NULL. */
struct book_account *book_own_account(
    const struct book_turn *turn, uint64_t account);

/* SR_OK for a till that is open and whose use the signer has. */
enum sr_error book_own_till(
    const struct book_turn *turn, uint64_t account, struct book_account **till);

/* ---- Withdrawals (holds.c) ------------------------------------------- */

enum sr_error book_rule_hold(struct book_turn *turn);
enum sr_error book_rule_post(struct book_turn *turn);
enum sr_error book_rule_void(struct book_turn *turn);
enum sr_error book_check_release(const struct book *book,
    const struct book_request *request, uint64_t time_ms);
void book_release(
    struct book *book, uint64_t hold_leaf, struct book_effect *effect);

/* That till is revoked: the holds that only its post could end are over. */
void book_drop_released(struct book *book, uint64_t till);

/* True while that account has holds that are not settled. */
bool book_has_holds(const struct book *book, uint64_t account);

/* ---- Requests (requests.c) ------------------------------------------- */

enum sr_error book_rule_request(struct book_turn *turn);
enum sr_error book_rule_approve(struct book_turn *turn);

/* ---- Roles (roles.c) ------------------------------------------------- */

enum sr_error book_check_enrol(
    const struct book *book, const struct book_request *request);
void book_enrol(struct book *book, const struct book_request *request,
    struct book_effect *effect);
enum sr_error book_check_auditor(
    const struct book *book, const struct book_request *request);
void book_enrol_auditor(
    struct book *book, const struct book_request *request, uint64_t leaf);
enum sr_error book_check_role(
    const struct book *book, const struct book_request *request);
void book_change_role(struct book *book, const struct book_request *request,
    struct book_effect *effect);
/*
 * A reset moves nothing in the books: whether these two may have it, and
 * whether the keys that it would replace are still the ones in force.
 */
enum sr_error book_check_reset(const struct book *book,
    const struct book_request *request, uint64_t time_ms);
enum sr_error book_rule_revoke(struct book_turn *turn);
enum sr_error book_rule_role_revoke(struct book_turn *turn);

/* ---- Accounts and their limits (accounts.c, limits.c) ----------- */

enum sr_error book_rule_account_open(struct book_turn *turn);
enum sr_error book_rule_close(struct book_turn *turn);
enum sr_error book_rule_erase(struct book_turn *turn);
enum sr_error book_rule_freeze(struct book_turn *turn);
enum sr_error book_check_unfreeze(
    const struct book *book, const struct book_request *request);
void book_unfreeze(struct book *book, const struct book_request *request);

/* True when the customer has open or frozen accounts but the main one. */
bool book_has_further(const struct book *book, uint64_t customer);

enum sr_error book_rule_lower_limit(struct book_turn *turn);
enum sr_error book_check_raise(
    const struct book *book, const struct book_request *request);
void book_raise(struct book *book, const struct book_request *request);
void book_set_policy(struct book *book, const struct book_request *request);

/* SR_LIMIT when so much more would break the account's limit of 24 hours. */
enum sr_error book_day_check(const struct book *book,
    const struct book_account *account, int64_t amount_minor, uint64_t time_ms);

/* Counts what leaves; book_day_check() has passed.  BOOK_COUNTED_... */
uint8_t book_day_count(struct book *book, struct book_account *account,
    int64_t amount_minor, uint64_t time_ms);

/* What was counted at since_ms did not leave. */
void book_day_return(struct book *book, struct book_account *account,
    uint8_t counted, int64_t amount_minor, uint64_t since_ms);

/* ---- Tills (tills.c) -------------------------------------------------- */

enum sr_error book_rule_till(struct book_turn *turn);
enum sr_error book_check_cash_out(
    const struct book *book, const struct book_request *request);
void book_cash_out(struct book *book, const struct book_request *request,
    struct book_effect *effect);

/* ---- Issue, adjust, undo, reverse (postings.c) ------------------------ */

/* Remembers a posting that may be undone. */
void book_remember(struct book *book, const struct book_posting *posting);
enum sr_error book_rule_undo(struct book_turn *turn);
enum sr_error book_check_reverse(
    const struct book *book, const struct book_request *request);
void book_reverse(struct book *book, const struct book_request *request,
    struct book_effect *effect);
enum sr_error book_check_posting(
    const struct book *book, const struct book_request *request);
void book_post(struct book *book, const struct book_request *request,
    uint64_t leaf, uint64_t time_ms, struct book_effect *effect);

#endif
