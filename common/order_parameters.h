/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ORDER_PARAMETERS_H
#define COMMON_ORDER_PARAMETERS_H
/*
 * What an order's attachment is, kind by kind: the parameter blocks, little-
 * endian, of fixed layout, in the order of the structs' fields; reserved
 * bytes are zero (strongroom-protocol, "Attachments").
 *
 *   memo (transfer, deposit, hold, undo, reverse, issue, adjust, cash-out)
 *                       UTF-8 text, 0 to 256 bytes
 *   approve             SHA-256 of the request's 208 bytes
 *   enrol request       struct order_enrol, 32 bytes
 *   revoke              struct order_revoke, 16 bytes
 *   auditor request     struct order_auditor, 72 bytes
 *   release request     struct order_release, 16 bytes
 *   policy request      struct order_policy, 64 bytes
 *   role request        struct order_role, 32 bytes
 *   raise-limit request, lower-limit   struct order_limits, 40 bytes
 *   freeze, unfreeze request, close    an account id and 8 zeros, 16 bytes
 *   role-revoke         a customer id and 8 zeros, 16 bytes
 *   certify             struct order_certify, 88 bytes
 *   retire request      struct order_retire, 40 bytes
 *   reset request       struct order_reset, 48 bytes
 *   till open, count, close            struct order_count, 16 bytes and 16 a
 *                       line
 *   account open        a label, 1 to 16 bytes
 *   post, void, erase   nothing
 *
 * Encoders write exactly the length of the block; what they are given must be
 * valid (assert).  Decoders: SR_PARAMETERS unless the len bytes are exactly
 * one valid block.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define ORDER_ATTACHMENT_MAX 4096u
#define ORDER_MEMO_MAX 256u
#define ORDER_APPROVE_LEN 32u
#define ORDER_ENROL_LEN 32u
#define ORDER_REVOKE_LEN 16u
#define ORDER_AUDITOR_LEN 72u
#define ORDER_AUDITOR_NAME_MAX 32u
#define ORDER_RELEASE_LEN 16u
#define ORDER_POLICY_LEN 64u
#define ORDER_ROLE_LEN 32u
#define ORDER_LIMITS_LEN 40u
#define ORDER_ACCOUNT_LEN 16u
#define ORDER_CERTIFY_LEN 88u
#define ORDER_RETIRE_LEN 40u
#define ORDER_RESET_LEN 48u
#define ORDER_COUNT_LINES_MAX 32u
#define ORDER_COUNT_FIXED_LEN 16u
#define ORDER_COUNT_LINE_LEN 16u
#define ORDER_COUNT_MAX \
	(ORDER_COUNT_FIXED_LEN + ORDER_COUNT_LINES_MAX * ORDER_COUNT_LINE_LEN)
#define ORDER_LABEL_MAX 16u
/* The longest attachment of a request (order_kind_is_request()). */
#define ORDER_REQUEST_ATTACHMENT_MAX ORDER_MEMO_MAX

/* "undo ms" of a policy is at most this, a year. */
#define ORDER_UNDO_MAX_MS UINT64_C(31536000000)

/* Parameters of an enrol request: a registered principal gets a till. */
struct order_enrol {
	uint64_t principal; /* customer id, registered before */
	uint32_t terminal;  /* terminal id; 0 for a teller */
	uint32_t epoch;     /* psk epoch of the terminal; 0 for a teller */
	int64_t till_maximum_minor; /* cash the till may hold, positive */
	uint8_t role;               /* ROLE_TERMINAL or ROLE_TELLER */
};

/* Parameters of a revoke: which principal, and which terminal of its. */
struct order_revoke {
	uint64_t principal;
	uint32_t terminal; /* 0 for a teller */
};

/* Parameters of a release request: the hold as the operator has seen it. */
struct order_release {
	uint64_t account;
	int64_t amount_minor;
};

/* Parameters of an auditor request: whom segment keys may be disclosed to. */
struct order_auditor {
	uint8_t key[32]; /* X25519 public key */
	uint8_t name_len;
	char name[ORDER_AUDITOR_NAME_MAX + 1]; /* as a log-in name; NUL */
};

/* The limits of one account, minor units. */
struct order_limits {
	uint64_t account;
	int64_t floor_minor;      /* a till's: minus the cash it may hold */
	int64_t soft_floor_minor; /* from the floor to the ceiling: warns */
	int64_t ceiling_minor;    /* INT64_MAX: none */
	int64_t day_limit_minor;  /* out of it in 24 h; INT64_MAX: none */
};

/* What accounts opened from now on begin with, and how long things live. */
struct order_policy {
	struct order_limits customer; /* its account is 0 */
	uint64_t order_life_ms;       /* 1 to ORDER_LIFE_MAX_MS */
	uint64_t request_life_ms;     /* at least 1 */
	uint64_t undo_ms; /* a till's for a deposit; 0 to ORDER_UNDO_MAX_MS */
};

/* A principal gets another role. */
struct order_role {
	uint64_t principal;
	uint64_t till;              /* a teller's, shared; else 0 */
	int64_t till_maximum_minor; /* of a teller's own new till; else 0 */
	uint8_t role;               /* any but ROLE_TERMINAL */
};

/*
 * Parameters of a certify: a snapshot of the books as the log names it, and
 * the root of the log that it is the state of.  Whoever signs it has carried
 * out every entry before it and come to these books.
 */
struct order_certify {
	uint32_t snapshot; /* its number, from 1 */
	uint32_t segment;  /* where the log goes on from there */
	uint32_t offset;
	uint64_t size;    /* of the log that it is the state of */
	uint8_t hash[32]; /* SHA-256 of its file */
	uint8_t root[32]; /* of the tree of so many leaves */
};

/*
 * Parameters of a retire request: the certified snapshot that stands from then
 * on for what lies before it.  The entries of all segments before its own are
 * given up; their leaves stay.
 */
struct order_retire {
	uint32_t snapshot; /* its number, from 1 */
	uint8_t hash[32];  /* SHA-256 of its file */
};

/*
 * Parameters of a reset request: whoever has the reset code that keyd gives
 * for it may, until that time, replace both credentials and the keys of a
 * customer.  It names the attestation in force, so it serves once: the keys
 * that come by it have another one.
 */
#define ORDER_RESET_LIFE_MAX_MS (UINT64_C(366) * 86400000)

struct order_reset {
	uint64_t customer;
	uint64_t until_ms;            /* the reset code's last moment */
	uint8_t attestation_hash[32]; /* SHA-256 of its 256 bytes */
};

/* Cash that was counted, by denomination. */
struct order_count_line {
	int64_t value_minor; /* of one piece, positive */
	uint64_t pieces;     /* positive */
};

struct order_count {
	uint64_t till;
	int64_t sum_minor; /* of the lines; not in the block */
	unsigned lines;
	struct order_count_line line[ORDER_COUNT_LINES_MAX]; /* by value,
								the largest
								first */
};

/*
 * SR_PARAMETERS unless an attachment of len bytes has the layout of that
 * kind, SR_TOO_LARGE beyond ORDER_ATTACHMENT_MAX.
 */
enum sr_error order_attachment_check(
    unsigned kind, const void *attachment, size_t len);

/* True for the kinds whose attachment is a memo. */
bool order_kind_has_memo(unsigned kind);

/* SR_PARAMETERS unless the label is [a-z][a-z0-9._-]{0,15} and not "main". */
enum sr_error order_label_check(const void *label, size_t len);

void order_enrol_encode(
    const struct order_enrol *enrol, uint8_t bytes[ORDER_ENROL_LEN]);
enum sr_error order_enrol_decode(
    const void *bytes, size_t len, struct order_enrol *enrol);
void order_revoke_encode(
    const struct order_revoke *revoke, uint8_t bytes[ORDER_REVOKE_LEN]);
enum sr_error order_revoke_decode(
    const void *bytes, size_t len, struct order_revoke *revoke);
/* Decode: SR_PARAMETERS also for a key that agrees on nothing secret. */
void order_auditor_encode(
    const struct order_auditor *auditor, uint8_t bytes[ORDER_AUDITOR_LEN]);
enum sr_error order_auditor_decode(
    const void *bytes, size_t len, struct order_auditor *auditor);
void order_release_encode(
    const struct order_release *release, uint8_t bytes[ORDER_RELEASE_LEN]);
enum sr_error order_release_decode(
    const void *bytes, size_t len, struct order_release *release);
void order_policy_encode(
    const struct order_policy *policy, uint8_t bytes[ORDER_POLICY_LEN]);
enum sr_error order_policy_decode(
    const void *bytes, size_t len, struct order_policy *policy);
void order_role_encode(
    const struct order_role *role, uint8_t bytes[ORDER_ROLE_LEN]);
enum sr_error order_role_decode(
    const void *bytes, size_t len, struct order_role *role);
void order_limits_encode(
    const struct order_limits *limits, uint8_t bytes[ORDER_LIMITS_LEN]);
enum sr_error order_limits_decode(
    const void *bytes, size_t len, struct order_limits *limits);
/* Freeze, unfreeze, close: which account; role-revoke: which customer. */
void order_account_encode(uint64_t account, uint8_t bytes[ORDER_ACCOUNT_LEN]);
enum sr_error order_account_decode(
    const void *bytes, size_t len, uint64_t *account);
void order_certify_encode(
    const struct order_certify *certify, uint8_t bytes[ORDER_CERTIFY_LEN]);
enum sr_error order_certify_decode(
    const void *bytes, size_t len, struct order_certify *certify);
void order_retire_encode(
    const struct order_retire *retire, uint8_t bytes[ORDER_RETIRE_LEN]);
enum sr_error order_retire_decode(
    const void *bytes, size_t len, struct order_retire *retire);
void order_reset_encode(
    const struct order_reset *reset, uint8_t bytes[ORDER_RESET_LEN]);
enum sr_error order_reset_decode(
    const void *bytes, size_t len, struct order_reset *reset);
/* Encode returns the length; decode adds up: SR_PARAMETERS beyond 64 bits. */
size_t order_count_encode(
    const struct order_count *count, uint8_t bytes[ORDER_COUNT_MAX]);
enum sr_error order_count_decode(
    const void *bytes, size_t len, struct order_count *count);

#endif
