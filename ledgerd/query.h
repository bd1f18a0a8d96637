/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_QUERY_H
#define LEDGERD_QUERY_H
/*
 * Questions about what is in the books: balance, statement, directory, and
 * the stored answer to an order that was applied before.  Each writes its
 * message for the client; what a signer may not see is SR_NOT_ALLOWED inside
 * the message.  The functions' own errors are those of the journal and of
 * keyd, and end the room.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

struct book_account;
struct ledgerd;
struct customer_session;
struct item;

enum sr_error query_balance(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);
enum sr_error query_statement(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);
/* Withdrawals that are not settled: for operators, and for tills their own. */
enum sr_error query_holds(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);
/* Posts that came after the release, for the same. */
enum sr_error query_late(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);
enum sr_error query_directory(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);

/* A certificate by its key id. */
enum sr_error query_certificate(
    struct ledgerd *ledgerd, const struct item *item, struct writer *w);

/* Accounts with their limits (query_accounts.c). */
enum sr_error query_accounts(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);
/* Requests that wait for an approval. */
enum sr_error query_requests(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);

/* The rules in force (query_rules.c). */
enum sr_error query_policy(
    struct ledgerd *ledgerd, const struct item *item, struct writer *w);
/* Who has a role. */
enum sr_error query_principals(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);
/* One posting that can be undone or reversed. */
enum sr_error query_posting(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);

/* What a receipt is made of (query_receipt.c). */
enum sr_error query_receipt(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w);

/* True for one's own account, and for the till whose use one has. */
bool query_is_own(const struct ledgerd *ledgerd,
    const struct customer_session *session, uint64_t id);

/* True for a session that may see other people's accounts. */
bool query_sees_all(
    const struct ledgerd *ledgerd, const struct customer_session *session);

/* The wire's 0 open, 1 frozen, 2 closed. */
uint8_t query_status(const struct book_account *account);

/* Fills item->order.answer from the log. */
enum sr_error query_stored(struct ledgerd *ledgerd,
    const struct customer_session *session, struct item *item);

/* The account that stands for a session when it names none; 0: none. */
uint64_t query_own_account(
    const struct ledgerd *ledgerd, const struct customer_session *session);

/* The till of the session's terminal, or of the signer itself; 0: none. */
uint64_t query_till(
    const struct ledgerd *ledgerd, const struct customer_session *session);

#endif
