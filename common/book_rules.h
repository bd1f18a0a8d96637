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

#endif
