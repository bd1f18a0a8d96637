/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_BANK_H
#define CLIENT_BANK_H
/*
 * What a client asks of the bank within a session: one question, one answer.
 * Everything that comes back was sealed by ledgerd for this session; whom a
 * payee's name belongs to is believed only with keyd's attestation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/bankfile.h"
#include "client/login.h"
#include "common/error.h"
#include "common/order.h"
#include "gen/messages.h"

/* A log-in and what this side counts in it; ended with bank_leave(). */
struct bank_session {
	struct login login;
	uint32_t request;  /* number of the last question */
	uint64_t began_ms; /* CLOCK_BOOTTIME when the bank told its time */
	uint64_t keyed_ms; /* the same, since when the present keys are used */
};

/*
 * Logs in as login_open() does and says on stderr what went wrong, and how
 * many log-ins failed since the last good one.
 */
enum sr_error bank_enter(struct bank_session *session,
    const struct login_options *options,
    const struct login_credential *credential);

/* The bank's time now, from what it told at log-in. */
uint64_t bank_time_ms(const struct bank_session *session);

/*
 * Room for one answer's plaintext; the views in a decoded message point into
 * it.
 */
struct bank_answer {
	uint8_t plain[SESSION_PLAIN_MAX];
	const uint8_t *body;
	size_t body_len;
};

/*
 * Re-keys the session if M4's limits of time, records or bytes say that it is
 * due.  *left_ms: until the next look, at most.  SR_SESSION_ENDED, with a
 * line on stderr, when the session is over: nothing was in doubt.
 */
enum sr_error bank_keep(struct bank_session *session, int *left_ms);

/*
 * Sends one encoded message and waits for the answer, which must have the
 * type expected; re-keys before when it is due.  SR_UNKNOWN_OUTCOME when the
 * connection ends, breaks or stays silent after the message was sent; what
 * `refused' says; SR_MALFORMED; SR_SESSION_ENDED before it was sent.
 */
enum sr_error bank_exchange(struct bank_session *session, const void *message,
    size_t message_len, uint8_t expected, struct bank_answer *answer);

/* Balance of an account, 0 for the signer's main account or till. */
enum sr_error bank_balance(struct bank_session *session, uint64_t account,
    struct message_balance *balance);

/*
 * Lines of a statement, newest first, below the leaf `before' (all ones to
 * begin); statement->lines points into answer.
 */
enum sr_error bank_statement(struct bank_session *session, uint64_t account,
    uint64_t before, uint16_t count, struct bank_answer *answer,
    struct message_statement *statement);

/*
 * The customer who bears the name.  SR_NOT_FOUND; SR_SIGNATURE or
 * SR_WRONG_BANK when the attestation does not hold for this name and bank:
 * somebody in between or in ledgerd is lying.
 */
enum sr_error bank_find(
    struct bank_session *session, const char *name, uint64_t *customer);

/* Whom a name or a number belongs to. */
struct bank_person {
	uint64_t customer;
	/* enum role, as the books have it: no attestation vouches for it */
	uint8_t role;
	/* log-in name, attested; empty where the bank does not tell it */
	char name[PAYLOAD_NAME_MAX + 1];
	/* display name; may be empty; no attestation vouches for it */
	char display[PAYLOAD_DISPLAY_NAME_MAX + 1];
	uint8_t attestation_hash[32]; /* of keyd's word about the keys */
};

/* As bank_find(), and by number; customers learn no names by number. */
enum sr_error bank_person_named(
    struct bank_session *session, const char *name, struct bank_person *person);
enum sr_error bank_person(struct bank_session *session, uint64_t customer,
    struct bank_person *person);

/* Status of an account as the bank tells it. */
enum bank_account_status {
	BANK_ACCOUNT_OPEN = 0,
	BANK_ACCOUNT_FROZEN = 1,
	BANK_ACCOUNT_CLOSED = 2,
};

/* In place of a customer id: everybody and the bank itself. */
#define BANK_EVERYBODY UINT64_MAX

/* An account with its limits; INT64_MAX: no ceiling, no day limit. */
struct bank_account {
	uint64_t id;
	int64_t posted_minor;
	int64_t held_minor;
	int64_t floor_minor;
	int64_t soft_floor_minor;
	int64_t ceiling_minor;
	int64_t day_limit_minor;
	int64_t day_left_minor;
	uint8_t type;   /* enum account_type (common/book/book.h) */
	uint8_t status; /* enum bank_account_status */
	bool till_closed;
	char label[ORDER_LABEL_MAX + 1]; /* of a further account */
};

/*
 * Calls each() for the accounts of a customer (0: the signer's own, and the
 * till whose use it has), in the order of their opening; those of others, and
 * of BANK_EVERYBODY, are for operators and auditors (SR_NOT_ALLOWED).
 * SR_MALFORMED for a label that no order could have given.
 */
enum sr_error bank_accounts(struct bank_session *session, uint64_t customer,
    void (*each)(void *context, const struct bank_account *account),
    void *context);

/* A request that waits for an approval, with the bytes that it consists of. */
struct bank_request {
	uint64_t leaf;
	uint64_t time_ms;
	uint8_t bytes[ORDER_LEN];
	uint8_t hash[ORDER_HASH_LEN]; /* of these bytes, computed here */
	struct order order;           /* what they say */
	size_t attachment_len;        /* its hash is the order's */
	uint8_t attachment[ORDER_REQUEST_ATTACHMENT_MAX];
};

/*
 * Calls each() for the requests that can be approved now, oldest first:
 * operators and auditors see all, others their own.  SR_MALFORMED for bytes
 * that are no request of this bank's, or an attachment that is not theirs.
 */
enum sr_error bank_requests(struct bank_session *session,
    void (*each)(void *context, const struct bank_request *request),
    void *context);

/* The rules in force; INT64_MAX: no ceiling, no day limit. */
enum sr_error bank_policy(
    struct bank_session *session, struct message_policy *policy);

/*
 * The posting of that entry, if it can be undone or reversed: operators and
 * auditors any, others their own.  SR_TOO_OLD when it is none, or forgotten.
 */
enum sr_error bank_posting(struct bank_session *session, uint64_t leaf,
    struct message_posting *posting);

/* Somebody with a role beyond a customer's. */
struct bank_principal {
	uint64_t customer;
	uint64_t till;     /* the account whose use it has; 0: none */
	uint32_t terminal; /* 0: none */
	uint8_t role;      /* enum role */
	bool revoked;
};

/* Calls each() for all of them; for operators and auditors. */
enum sr_error bank_principals(struct bank_session *session,
    void (*each)(void *context, const struct bank_principal *principal),
    void *context);

/* A withdrawal that is not settled. */
enum bank_hold_state {
	BANK_HOLD_OPEN = 0,
	BANK_HOLD_OVERDUE = 1,
	BANK_HOLD_RELEASED = 2,
};

struct bank_hold {
	uint64_t leaf;
	uint64_t time_ms;
	uint64_t account;
	uint64_t till;
	int64_t amount_minor;
	uint8_t reference[16]; /* of the hold's order */
	enum bank_hold_state state;
	bool revoked; /* so is its terminal: it cannot settle it */
};

/* So many of these are listed, the last ones. */
enum { BANK_LATE_MAX = 256 };

/* One that was paid out after its release. */
struct bank_late {
	uint64_t leaf; /* of the post */
	uint64_t time_ms;
	uint64_t hold; /* leaf of the hold */
	uint64_t account;
	uint64_t till;
	int64_t amount_minor;
	bool below_floor; /* where it left the account */
};

/*
 * Calls each() for every withdrawal that is not settled, oldest first: an
 * operator sees all, a terminal those of its till, nobody else any
 * (SR_NOT_ALLOWED).
 */
enum sr_error bank_holds(struct bank_session *session,
    void (*each)(void *context, const struct bank_hold *hold), void *context);

/*
 * Calls each() for the last late posts, oldest first; who sees which is as
 * above.  *total: all of them since the founding.
 */
enum sr_error bank_late(struct bank_session *session,
    void (*each)(void *context, const struct bank_late *late), void *context,
    uint64_t *total);

/* Says goodbye, closes and wipes. */
void bank_leave(struct bank_session *session);

#endif
