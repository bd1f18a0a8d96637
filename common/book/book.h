/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BOOK_BOOK_H
#define COMMON_BOOK_BOOK_H
/*
 * The ledger's rules as a pure state machine: accounts, principals, terminals,
 * open requests and the postings that may still be undone.  It reads no clock, does no I/O and depends on nothing
 * but what the journal says, so a replay gives the same state to the byte
 * (book_digest()).  Used by ledgerd to book and by strongroom-verify to
 * re-execute.
 *
 * The life of an order in ledgerd:
 *	order_decode, order_verify      (any thread)
 *	book_check                      before the rules: BOOK_APPLY, or an
 *	                                answer at once
 *	book_apply                      the rules; the outcome is journaled,
 *	                                whatever it is
 * A replay calls book_found for leaf 0, book_open for each ACCOUNT entry and
 * book_apply for each ORDER entry, and compares the outcomes.
 *
 * Sign convention: what the bank owes a customer is positive; a till is minus
 * the cash in it.  The sum over all accounts is zero after every call.
 *
 * Memory: tables grow in blocks and are never moved, so that pointers stay
 * valid until book_free(); only the indexes are made anew when they double.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/authority.h"
#include "common/book/table.h"
#include "common/certificate.h"
#include "common/entry.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/journal.h"
#include "common/order.h"

#define BOOK_PAST 64u         /* orders of a signer that are remembered */
#define BOOK_PAST_PIECE 4u    /* so many at a time get their memory */
#define BOOK_REQUESTS_MAX 64u /* four-eyes requests open at one time */
#define BOOK_HOLDS_MAX 4096u  /* holds that are not settled */
#define BOOK_HOLDS_EACH 8u    /* of these, of one account */
#define BOOK_LATE_MAX 256u    /* late posts that are listed, the newest */
#define BOOK_POSTINGS 65536u  /* that can be undone or reversed, the newest */
#define BOOK_ACCOUNTS_EACH 8u /* open ones of a customer */
#define BOOK_INDEX_MAX 99u    /* of a customer's accounts */
#define BOOK_FLOW_HOURS 25u   /* the present one and a day */
#define BOOK_UNDO_MS UINT64_C(900000) /* until a policy says otherwise */

/*
 * From this age on two operators may release a hold.  A test builds a bank
 * that does not let it wait so long.
 */
#ifndef BOOK_HOLD_OVERDUE_MS
#define BOOK_HOLD_OVERDUE_MS UINT64_C(600000)
#endif

enum account_type {
	ACCOUNT_CUSTOMER = 1,
	ACCOUNT_TILL = 2,
	ACCOUNT_ISSUE_TYPE = 3,
	ACCOUNT_OVER_SHORT_TYPE = 4,
};

enum account_status {
	ACCOUNT_OPEN = 1,
	ACCOUNT_FROZEN = 2, /* gives nothing out */
	ACCOUNT_CLOSED = 3, /* gives and takes nothing */
};

struct book_account {
	uint64_t id;
	int64_t posted_minor;
	/* reserved for withdrawals, never < 0: a customer's part of posted,
	 * a till's part of its cash */
	int64_t held_minor;
	int64_t floor_minor;
	int64_t ceiling_minor;
	int64_t soft_floor_minor; /* below it its owner is warned */
	int64_t day_limit_minor;  /* INT64_MAX: none */
	uint32_t flow;            /* place + 1 of its row; 0: none */
	uint8_t type;             /* enum account_type */
	uint8_t status;           /* enum account_status */
	bool till_closed;         /* a till that nobody works at */
	uint8_t label_len;        /* of a further account; else 0 */
	char label[ORDER_LABEL_MAX];
	/* ledgerd's: the newest frame that touched it; no part of the digest */
	struct journal_position last_frame;
};

/*
 * What left an account with a limit, by the hour (UTC); bucket n is that of
 * the hours h with h % BOOK_FLOW_HOURS == n, of which `hour` is the newest.
 */
struct book_flow {
	uint64_t hour;
	int64_t bucket_minor[BOOK_FLOW_HOURS];
};

/* A posting that may be undone or reversed. */
struct book_posting {
	uint64_t leaf; /* of the order, or of the approval of a request */
	uint64_t time_ms;
	uint64_t debit;
	uint64_t credit;
	int64_t amount_minor;
	uint8_t kind; /* transfer, deposit, issue or adjust */
	bool undone;
};

/*
 * One of a signer's last orders; its seq follows from its place.  Half of the
 * hash is kept: a signer who finds two orders with the same half fools only
 * itself, by getting the stored answer of the first.
 */
struct book_past_order {
	uint64_t leaf;
	uint16_t outcome; /* enum sr_error */
	uint8_t hash[16]; /* of the order, the first half */
	uint8_t reference[ORDER_REFERENCE_LEN];
};

struct book_principal {
	uint64_t customer;
	uint64_t next_seq;                 /* starts at 1 */
	uint8_t last_hash[ORDER_HASH_LEN]; /* zeros before the first order */
	uint8_t signing_key[32];
	uint8_t attestation_hash[32];
	uint64_t till; /* the account whose use it has; 0 if none */
	uint32_t key_epoch;
	uint32_t terminal; /* its terminal id; 0 if none */
	uint8_t role;      /* enum role */
	bool revoked;
	bool erased;
	uint32_t past[BOOK_PAST / BOOK_PAST_PIECE]; /* pieces, place + 1 */
};

struct book_terminal {
	uint32_t id;
	uint32_t epoch; /* psk epoch in force; revoking raises it by one */
	uint64_t principal;
	uint64_t till; /* account id */
	int64_t maximum_minor;
	bool revoked;
};

/* Whom the keys of segments may be disclosed to. */
struct book_auditor {
	uint64_t leaf; /* of the approval */
	uint8_t key[32];
	uint8_t name_len;
	char name[ORDER_AUDITOR_NAME_MAX + 1];
};

struct book_request {
	uint64_t leaf; /* of the request */
	uint64_t requester;
	uint64_t time_ms;
	uint8_t hash[ORDER_HASH_LEN]; /* of the request's 208 bytes */
	/* what these say, as order_decode() has it */
	uint64_t debit;
	uint64_t credit;
	int64_t amount_minor;
	uint64_t refers_to;
	uint16_t attachment_len;
	uint8_t kind; /* order_kind_is_request() */
	bool used;
	uint8_t attachment[ORDER_REQUEST_ATTACHMENT_MAX];
};

/*
 * Cash that a customer has asked for, until the till says what became of it.
 * A released one holds no money any more, but its post still comes true: the
 * cash may be out.
 */
enum {
	BOOK_COUNTED_ACCOUNT = 1, /* its own */
	BOOK_COUNTED_MAIN = 2,    /* its owner's main account's */
	BOOK_COUNTED_BOTH = 3,
};

struct book_hold {
	uint64_t leaf;
	uint64_t time_ms;
	uint64_t account; /* the customer's */
	uint64_t till;
	int64_t amount_minor;
	uint8_t reference[ORDER_REFERENCE_LEN]; /* of the hold's order */
	bool released;
	uint8_t counted; /* BOOK_COUNTED_...: against which limits of 24 h */
};

/* A post that came after the release of its hold. */
struct book_late {
	uint64_t leaf; /* of the post */
	uint64_t time_ms;
	uint64_t hold; /* leaf of the hold */
	uint64_t account;
	uint64_t till;
	int64_t amount_minor;
	bool below_floor; /* where it left the account */
};

struct book {
	bool founded;
	bool restored; /* the log has a restore note; no part of the state */
	uint8_t bank_id[32];
	uint16_t unit;              /* order_unit() */
	struct order_policy policy; /* in force */
	uint8_t rules;              /* version in force (entry.h) */
	uint8_t operator_key[2][32];
	bool operator_known[2];
	struct book_table accounts;
	struct book_table principals;
	struct book_table terminals;
	struct book_table auditors;
	struct book_table past;
	struct book_table flows;
	struct book_table postings; /* a ring, once it is full */
	uint64_t posting_count;     /* ever */
	struct book_index account_index;
	struct book_index principal_index;
	struct book_index terminal_index;
	unsigned request_count;
	struct book_request request[BOOK_REQUESTS_MAX];
	uint64_t late_posts; /* all that came after the release */
	/* the newest of these: number n, from 0, has the place n % MAX */
	struct book_late late[BOOK_LATE_MAX];
	unsigned hold_count;
	struct book_hold hold[BOOK_HOLDS_MAX]; /* by leaf */
};

/* An order as it came, decoded; `order` from order_decode(bytes). */
struct book_order {
	struct order order;
	uint8_t hash[ORDER_HASH_LEN]; /* order_hash(bytes) */
	const uint8_t *attachment;
	size_t attachment_len;
};

/* The session an order came by. */
struct book_session {
	uint8_t id[ORDER_SESSION_LEN];
	uint64_t customer;
	uint32_t terminal; /* 0: an open terminal */
};

enum book_step {
	BOOK_APPLY,   /* go on with book_apply() */
	BOOK_STORED,  /* applied before: answer leaf and outcome below */
	BOOK_REFUSED, /* answer `error`; nothing is journaled, no seq consumed */
};

struct book_answer {
	enum sr_error error;   /* BOOK_REFUSED: why */
	uint64_t leaf;         /* BOOK_STORED */
	enum sr_error outcome; /* BOOK_STORED */
	uint64_t next_seq;     /* always (0 for an unknown signer) */
	uint8_t last_hash[ORDER_HASH_LEN];
};

/* What an applied order has done. */
struct book_effect {
	enum sr_error outcome;  /* SR_OK, or why it was declined */
	unsigned touched_count; /* accounts that moved, debit first */
	struct book_account *touched[JOURNAL_TOUCHED_MAX];
	/* one whose role has changed; 0: none */
	uint64_t enrolled_principal;
	uint64_t revoked_principal; /* its sessions end */
	uint64_t erased_principal;  /* its credentials are to go */
	/* and the terminal of it; NULL for a teller */
	const struct book_terminal *enrolled;
	const struct book_terminal *revoked;
	bool late; /* a post after the release */
	/* the retire request that this approves; NULL: none */
	const struct book_request *retired;
	/* the reset request that this approves; NULL: none */
	const struct book_request *reset;
};

/* From a verified attestation (common/certificate.h). */
struct book_opening {
	uint64_t customer;
	uint8_t signing_key[32];
	uint32_t key_epoch;
	uint8_t attestation_hash[32]; /* SHA-256 of the attestation's bytes */
	uint8_t previous_hash[32];    /* of the one before; zeros: none */
	bool by_reset;                /* without the hand of the one before */
};

/* What book_open() needs of an attestation and its bytes. */
struct book_opening book_opening_of(const struct attestation *attestation,
    const uint8_t bytes[ATTESTATION_LEN]);

/* An empty book.  SR_NO_SPACE when memory is short. */
enum sr_error book_init(struct book *book);
void book_free(struct book *book);

/*
 * Leaf 0: rules, operators' keys, the bank's own accounts.  SR_ALREADY the
 * second time, SR_PARAMETERS for rules that are none, SR_NO_SPACE.
 */
enum sr_error book_found(
    struct book *book, const struct entry_genesis *genesis);

/*
 * SYSTEM_RULES: that version is in force from here on.  SR_PARAMETERS unless
 * it is a later one, SR_VERSION when it is not known here.
 */
enum sr_error book_raise_rules(struct book *book, uint64_t version);

/*
 * Opens principal and main account from an attestation.  The first one that
 * bears an operator's key of leaf 0 becomes that operator; operators have no
 * open main account.  For a known customer the attestation must continue the
 * one in force (its hash as previous, the next key epoch): then its key
 * replaces the old one, and chain, role and accounts go on.  After a restore
 * with loss those in between may be gone, while keyd has the last one: then
 * any later key epoch will do.  Keys by a reset nobody with a role has: its hand
 * would be that of two others.
 *   SR_OK        opened or continued: journal an ACCOUNT entry
 *   SR_ALREADY   the same attestation is in force: nothing to do
 *   SR_NOT_ALLOWED  another attestation for a known customer, or one who
 *                   is erased
 *   SR_RESET_ROLE   keys by a reset for somebody with a role
 *   SR_PARAMETERS   no customer id, or the bank is not founded
 *   SR_NO_SPACE
 * For SR_OK *opened is the main account.
 */
enum sr_error book_open(struct book *book, const struct book_opening *opening,
    struct book_account **opened);

/*
 * The checks before the rules (none of which needs the journal), in the order of the design: applied already
 * (whatever session and expiry), session and bank, seq and previous hash,
 * expiry.  The signature is to be verified before, with the key of
 * book_principal(order.signer).  now_ms: the bank's time.
 * Errors: SR_NOT_ALLOWED (another signer than the session's, or one who is
 * erased), SR_CONFLICT,
 * SR_WRONG_BANK, SR_STALE, SR_TERMINAL (another terminal than the session's),
 * SR_SEQ, SR_EXPIRED, SR_NOT_AFTER, SR_MALFORMED (attachment hash).
 * BOOK_STORED may name an order of the batch at work: like every answer it
 * waits until that leaf is signed.
 */
enum book_step book_check(const struct book *book,
    const struct book_session *session, const struct book_order *order,
    uint64_t now_ms, struct book_answer *answer);

/*
 * Applies the rules to an order that passed book_check() (or is replayed),
 * consumes its seq and fills *effect; the outcome is to be journaled with
 * leaf index `leaf` and time_ms.  Fails, with nothing changed, only if the
 * order cannot be the signer's next one (SR_SEQ: also what a replay finds in
 * a forged journal), names another bank (SR_WRONG_BANK), has an attachment
 * that does not fit its hash (SR_MALFORMED) or memory is short (SR_NO_SPACE).
 *
 * A reference of zeros is none.  One that an order of the signer's last 64
 * already carried out is declined (SR_DUPLICATE); one of a declined order may
 * be used again, since it has moved nothing.
 */
enum sr_error book_apply(struct book *book, const struct book_order *order,
    uint64_t leaf, uint64_t time_ms, struct book_effect *effect);

/* Look-ups; NULL when there is none. */
struct book_account *book_account(const struct book *book, uint64_t account);
const struct book_principal *book_principal(
    const struct book *book, uint64_t customer);
const struct book_terminal *book_terminal(
    const struct book *book, uint32_t terminal);

/*
 * The posting of that leaf, undone or not; NULL when it is none that can be
 * undone, or older than the last BOOK_POSTINGS.
 */
const struct book_posting *book_posting(const struct book *book, uint64_t leaf);

/* The open or frozen account of that customer with that label; NULL. */
struct book_account *book_labelled(const struct book *book, uint64_t customer,
    const char *label, size_t label_len);

/*
 * What may still leave the account by its limit of 24 hours, and by that of
 * its owner's main account, at that time; INT64_MAX when there is none.
 */
int64_t book_day_left(const struct book *book,
    const struct book_account *account, uint64_t now_ms);

/* Open requests, from the oldest (place 0) on; some may be used or expired. */
const struct book_request *book_request_at(
    const struct book *book, unsigned place);

/* True when nothing but time and the books stand between it and approval. */
bool book_request_open(const struct book *book,
    const struct book_request *request, uint64_t now_ms);

/* The auditor with that name, or with that key; NULL when there is none. */
const struct book_auditor *book_auditor(
    const struct book *book, const char *name, size_t name_len);
const struct book_auditor *book_auditor_of_key(
    const struct book *book, const uint8_t key[32]);

/* The hold of that leaf that is not settled; NULL. */
const struct book_hold *book_hold(const struct book *book, uint64_t leaf);

/* True when its till has had its time to settle it. */
bool book_hold_overdue(const struct book_hold *hold, uint64_t now_ms);

/* True when its till, being revoked, can settle it no more. */
bool book_hold_stranded(const struct book *book, const struct book_hold *hold);

/* True when two operators may release it: it is one or the other. */
bool book_hold_releasable(
    const struct book *book, const struct book_hold *hold, uint64_t now_ms);

/* Late posts that are listed, and these, from the oldest (place 0) on. */
unsigned book_late_count(const struct book *book);
const struct book_late *book_late_at(const struct book *book, unsigned place);

/* The remembered order with that seq; NULL if older than the last 64. */
const struct book_past_order *book_past(const struct book *book,
    const struct book_principal *principal, uint64_t seq);

/*
 * What the account may still give out: posted - held - floor, at least 0.  A
 * till gives out what it takes in: there the cash that may still come.
 */
int64_t book_available(const struct book_account *account);

/* Counts, and rows by place (0 to count - 1, in the order of the journal). */
uint64_t book_account_count(const struct book *book);
struct book_account *book_account_at(const struct book *book, uint64_t place);
uint64_t book_principal_count(const struct book *book);
const struct book_principal *book_principal_at(
    const struct book *book, uint64_t place);
uint64_t book_terminal_count(const struct book *book);
const struct book_terminal *book_terminal_at(
    const struct book *book, uint64_t place);
uint64_t book_auditor_count(const struct book *book);
const struct book_auditor *book_auditor_at(
    const struct book *book, uint64_t place);

/* The sum over all accounts; always zero.  O(accounts). */
int64_t book_sum(const struct book *book);

/* SHA-256 over a canonical serialisation of the whole state. */
void book_digest(const struct book *book, uint8_t digest[32]);

#endif
