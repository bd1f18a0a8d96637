/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BOOK_RULES_H
#define COMMON_BOOK_RULES_H
/*
 * Inside the book: the rules for one order (book_rules.c), between the
 * checks and the bookkeeping of seqs (book.c).  Nobody else includes this.
 */
#include "common/book.h"

/* Room for one new account and terminal row; SR_NO_SPACE. */
enum sr_error book_reserve_rows(struct book *book);

/* A new open account; only after book_reserve_rows(). */
struct book_account *book_add_account(struct book *book, uint64_t id,
    enum account_type type, int64_t floor_minor, int64_t ceiling_minor);

/*
 * Decides and carries out one order of that signer; the rows that it may need
 * are reserved.  Changes nothing unless the result is SR_OK.
 */
enum sr_error book_rules_apply(struct book *book, struct book_principal *signer,
    const struct book_order *order, uint64_t leaf, uint64_t time_ms,
    struct book_effect *effect);

/* The rules of book_rules.c that withdrawals need, too. */
enum sr_error book_may_give(
    const struct book_account *account, int64_t amount_minor);
bool book_moves_nothing(const struct order *order);

/* Withdrawals (book_holds.c): one function a kind of order. */
enum sr_error book_rule_hold(struct book *book,
    const struct book_principal *signer, const struct order *order,
    uint64_t leaf, uint64_t time_ms, struct book_effect *effect);
enum sr_error book_rule_post(struct book *book,
    const struct book_principal *signer, const struct order *order,
    uint64_t leaf, uint64_t time_ms, struct book_effect *effect);
enum sr_error book_rule_void(struct book *book,
    const struct book_principal *signer, const struct order *order,
    struct book_effect *effect);

/*
 * A release: what the order asks for, into *request (SR_PARAMETERS); whether it may be done now (SR_HOLD_STATE,
 * SR_NOT_OVERDUE); and doing it.
 */
enum sr_error book_release_request(const struct book *book,
    const struct book_order *order, struct book_request *request);
enum sr_error book_release_check(
    const struct book *book, uint64_t hold_leaf, uint64_t time_ms);
void book_release(
    struct book *book, uint64_t hold_leaf, struct book_effect *effect);

/* That till is revoked: the holds that only its post could end are over. */
void book_drop_released(struct book *book, uint64_t till);

/* True while that account has holds that are not settled. */
bool book_has_holds(const struct book *book, uint64_t account);

#endif
