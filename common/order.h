/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ORDER_H
#define COMMON_ORDER_H
/*
 * The signed order: 208 bytes, the only thing that changes money or
 * authority (strongroom-protocol, "Orders").
 *
 * What is signed: exactly those 208 bytes, with Ed25519.  They begin with the
 * magic "SRORDER1", which nothing else that the same key signs begins with,
 * and they carry the bank id: the signature serves for nothing else.
 *
 * The attachment is bound by its SHA-256 (of zero bytes, too); its layout is
 * fixed by the kind (common/order_parameters.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/order_parameters.h"

#define ORDER_LEN 208u
#define ORDER_HASH_LEN 32u
#define ORDER_SIGNATURE_LEN 64u
#define ORDER_REFERENCE_LEN 16u
#define ORDER_SESSION_LEN 16u
#define ORDER_BANK_LEN 32u

/* Expiry lies at most so far ahead of the bank's time. */
#define ORDER_LIFE_MAX_MS UINT64_C(120000)

/*
 * Kinds keep their numbers for ever.  Those that order_kind_known() denies
 * are reserved and refused by order_decode().
 */
enum order_kind {
	ORDER_TRANSFER = 1,
	ORDER_DEPOSIT = 2,
	ORDER_HOLD = 3,
	ORDER_POST = 4,
	ORDER_VOID = 5,
	ORDER_UNDO = 6,
	ORDER_REVERSE = 7,
	ORDER_ISSUE = 8,
	ORDER_ADJUST = 9,
	ORDER_POLICY = 10,
	ORDER_ROLE = 11,
	ORDER_RAISE_LIMIT = 12,
	ORDER_ENROL_REQUEST = 13,
	ORDER_APPROVE = 14,
	ORDER_FREEZE = 15,
	ORDER_LOWER_LIMIT = 16,
	ORDER_REVOKE = 17,
	ORDER_REKEY = 18,
	ORDER_CLOSE = 19,
	ORDER_VISIBILITY = 20,
	ORDER_TILL_OPEN = 21,
	ORDER_TILL_COUNT = 22,
	ORDER_TILL_CLOSE = 23,
	ORDER_BOX_PUT = 24,
	ORDER_BOX_SHARE = 25,
	ORDER_BOX_DELETE = 26,
	ORDER_MESSAGE = 27,
	ORDER_RELEASE_REQUEST = 28,
	ORDER_AUDITOR_REQUEST = 29,
	ORDER_ACCOUNT_OPEN = 30,
	ORDER_UNFREEZE = 31,
	ORDER_CASH_OUT = 32,
	ORDER_ERASE = 33,
	ORDER_ROLE_REVOKE = 34,
	ORDER_CERTIFY = 35,
	ORDER_RETIRE = 36,
	ORDER_RESET = 37,
};

/* The bits of `flags`: none is given out yet, so all must be zero. */
#define ORDER_FLAGS_KNOWN 0x00u

/* The order as a struct; offsets in the 208 bytes in comments. */
struct order {
	uint8_t kind;          /*   8: enum order_kind */
	uint8_t flags;         /*   9 */
	uint16_t unit;         /*  10: order_unit() of the bank */
	uint32_t terminal;     /*  12: the session's terminal, 0 = open one */
	uint64_t signer;       /*  16: customer id */
	uint64_t seq;          /*  24: 1, 2, 3 ... for each signer */
	uint64_t debit;        /*  32: account id, 0 = none */
	uint64_t credit;       /*  40: account id, 0 = none */
	int64_t amount_minor;  /*  48: 0 where nothing is moved */
	uint64_t not_after_ms; /* 56: Unix time */
	uint8_t session[ORDER_SESSION_LEN];      /*  64 */
	uint8_t previous[ORDER_HASH_LEN];        /*  80: zeros for seq 1 */
	uint64_t refers_to;                      /* 112: a leaf index, or 0 */
	uint8_t reference[ORDER_REFERENCE_LEN];  /* 120: the client's --id */
	uint8_t attachment_hash[ORDER_HASH_LEN]; /* 136 */
	uint8_t bank[ORDER_BANK_LEN];            /* 168 */
						 /* 200: 8 zeros */
};

/* `unit` of a bank with one unit: number 1, exponent in the high byte. */
uint16_t order_unit(uint8_t exponent);

/* True for the kinds this version accepts. */
bool order_kind_known(unsigned kind);

/* True for the kinds that ask for another operator's approval. */
bool order_kind_is_request(unsigned kind);

/* A lower-case word for the kind, "transfer"; "unknown" for others. */
const char *order_kind_name(unsigned kind);

/* Writes the 208 bytes.  Checks nothing: the bank does. */
void order_encode(const struct order *order, uint8_t bytes[ORDER_LEN]);

/*
 * Reads 208 bytes.  SR_MALFORMED for another magic, a kind not known, an
 * unknown flag or reserved bytes that are not zero.  Amounts, ids and rules
 * are the book's business (common/book/book.h).
 */
enum sr_error order_decode(const uint8_t bytes[ORDER_LEN], struct order *order);

/* SHA-256 of the 208 bytes: the next order's `previous`. */
void order_hash(const uint8_t bytes[ORDER_LEN], uint8_t hash[ORDER_HASH_LEN]);

/*
 * Signs the 208 bytes.  secret_key is libsodium's 64-byte form (seed and
 * public key).  SR_CRYPTO if libsodium fails.
 */
enum sr_error order_sign(const uint8_t bytes[ORDER_LEN],
    const uint8_t secret_key[64], uint8_t signature[ORDER_SIGNATURE_LEN]);

/* SR_SIGNATURE unless the signature verifies under libsodium's rules. */
enum sr_error order_verify(const uint8_t bytes[ORDER_LEN],
    const uint8_t signature[ORDER_SIGNATURE_LEN], const uint8_t public_key[32]);

/* SHA-256 of an attachment of len bytes (also of none). */
void order_attachment_hash(
    const void *attachment, size_t len, uint8_t hash[ORDER_HASH_LEN]);

#endif
