/* SPDX-License-Identifier: ISC */
#ifndef COMMON_ENTRY_H
#define COMMON_ENTRY_H
/*
 * The committed plaintext of each kind of journal entry: what a leaf's
 * commitment covers and what a receipt discloses.  One byte of entry type,
 * then a layout that is fixed by the type (little-endian, reserved bytes
 * zero):
 *
 *   GENESIS  type 1 | bank id 32 | name length 1 | name 64 | unit code 8
 *            | exponent 1 | bank type 1 | rules 1 | zero 4 | customer floor 8
 *            | customer ceiling 8 | order life ms 8 | request life ms 8
 *            | operator key 32 | operator key 32 | identity key 32 | time 8
 *            = 249, then the identity key's signature 64 over
 *            "strongroom/1 genesis" | those 249
 *   ACCOUNT  type 1 | time 8 | attestation (u16 length) | directory record
 *            (u16 length, at most 256: sealed under a key that keyd gives)
 *   ORDER    type 1 | order 208 | signature 64 | attachment (u16 length)
 *            | outcome 2 | time 8
 *   USE, SYSTEM  type 1 | code 1 | zero 6 | subject 8 | detail 64 | time 8
 *            = 88
 *   RESTORE  the restore note (common/restore.h)
 *   ROTATION  the rotation note (common/rotation.h)
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/money.h"
#include "common/order.h"

#define ENTRY_GENESIS_SIGNED_LEN 249u /* what the identity key signs */
#define ENTRY_GENESIS_LEN (ENTRY_GENESIS_SIGNED_LEN + 64u)
#define ENTRY_EVENT_LEN 88u
#define ENTRY_DETAIL_LEN 64u
#define ENTRY_ATTESTATION_MAX 512u
#define ENTRY_DIRECTORY_MAX 256u
#define ENTRY_ACCOUNT_MAX \
	(9u + 2u + ENTRY_ATTESTATION_MAX + 2u + ENTRY_DIRECTORY_MAX)
#define ENTRY_ORDER_FIXED_LEN (1u + ORDER_LEN + 64u + 2u + 2u + 8u)
#define ENTRY_ORDER_MAX (ENTRY_ORDER_FIXED_LEN + ORDER_ATTACHMENT_MAX)
#define ENTRY_MAX ENTRY_ORDER_MAX /* the longest committed plaintext */
#define ENTRY_BANK_NAME_MAX 64u
#define ENTRY_GENESIS_LABEL "strongroom/1 genesis"

/* Entry types and codes keep their numbers for ever. */
enum entry_type {
	ENTRY_GENESIS = 1,
	ENTRY_ACCOUNT = 2,
	ENTRY_ORDER = 3,
	ENTRY_USE = 4,
	ENTRY_SYSTEM = 5,
	ENTRY_RESTORE = 6,
	ENTRY_ROTATION = 7,
};

/* Codes of ENTRY_USE: operations of keyd's that are logged before they run. */
enum entry_use {
	USE_TERMINAL_ENROL = 1,  /* subject: terminal, detail: epoch u32 */
	USE_TERMINAL_REVOKE = 2, /* subject: terminal, detail: new epoch u32 */
	USE_TERMINAL_KEY = 3,    /* subject: terminal; key given for a card */
	USE_SEGMENT_KEY = 4,     /* subject: segment, detail: salt 32; the
				    key of an old segment */
	USE_DISCLOSE = 5,        /* subject: segment, detail: auditor's key 32,
				    salt of the segment 32 */
	USE_ERASE = 6,           /* subject: customer, detail: hash of the
				    customer's order 32 */
	USE_DISCLOSE_SNAPSHOT = 8, /* subject: snapshot, detail: auditor's
				    key 32, salt of its file 32 */
	USE_ROTATE = 10, /* subject: key (key_table.h), which begins an
			    epoch */
	USE_RESET = 12,  /* subject: customer, detail: hash of the
				    approving order 32, its leaf u64; a reset
				    code given to the operators */
};

/* Codes of ENTRY_SYSTEM. */
enum entry_system {
	SYSTEM_RECOVERED = 1, /* subject: bytes cut; detail: segment u32,
				 offset u32 */
	SYSTEM_STARTED = 2,
	SYSTEM_SNAPSHOT = 3,  /* struct entry_snapshot */
	SYSTEM_CLOCK = 4,     /* an operator says that the clock is right;
				subject: its time ms, detail: the time ms that
				was expected u64 */
	SYSTEM_RULES = 5,     /* subject: version of the rules from here on */
	SYSTEM_RETENTION = 6, /* struct entry_retention */
	SYSTEM_REFUSALS = 8,  /* what keyd has refused (common/refusal.h);
				 subject: since the time ms, detail: how many
				 of each kind u32 */
	SYSTEM_SEAL = 9,      /* the keys were opened, or a way to do that was
				 changed (common/seal_event.h) */
};

/*
 * Versions of the book's rules (strongroom-journal, "Rules"): 1 has no
 * corrections.  Leaf 0 says which one a bank begins with (0 for 1), and
 * SYSTEM_RULES when it goes on to another.
 */
#define ENTRY_RULES_FIRST 1u
#define ENTRY_RULES_VERSION 2u

/* bank_type of leaf 0. */
enum bank_type {
	BANK_CASH = 0,
	BANK_MUTUAL_CREDIT = 1,
};

/* The bank's rules as leaf 0 states them. */
struct entry_rules {
	int64_t customer_floor_minor;   /* 0, or negative for mutual credit */
	int64_t customer_ceiling_minor; /* INT64_MAX: none */
	uint64_t order_life_ms;         /* not-after at most so far ahead */
	uint64_t request_life_ms; /* four-eyes requests stay open so long */
	uint8_t version;          /* 0 is 1 */
};

struct entry_genesis {
	uint8_t bank_id[32];
	uint8_t name_len;
	char name[ENTRY_BANK_NAME_MAX + 1]; /* UTF-8, NUL-terminated */
	struct money_unit unit;
	uint8_t bank_type;
	struct entry_rules rules;
	uint8_t operator_key[2][32]; /* first operators' signing keys */
	uint8_t identity_key[32];
	uint64_t time_ms;
	uint8_t signature[64];
};

struct entry_account {
	uint64_t time_ms;
	const uint8_t *attestation; /* with keyd's signature */
	size_t attestation_len;
	const uint8_t *directory; /* sealed name | salt | display name */
	size_t directory_len;
};

struct entry_order {
	const uint8_t *order;     /* ORDER_LEN */
	const uint8_t *signature; /* ORDER_SIGNATURE_LEN */
	const uint8_t *attachment;
	size_t attachment_len;
	enum sr_error outcome; /* SR_OK or why it was declined */
	uint64_t time_ms;
};

struct entry_event {
	uint8_t code; /* enum entry_use or entry_system */
	uint64_t subject;
	uint8_t detail[ENTRY_DETAIL_LEN];
	uint64_t time_ms;
};

/*
 * A snapshot of the books, by the SYSTEM entry that names it.  Subject: number;
 * detail: size 8 | segment 4 | offset 4 | SHA-256 of the file 32 | zeros.
 */
struct entry_snapshot {
	uint32_t number;  /* from 1 */
	uint64_t size;    /* of the log that it is the state of */
	uint32_t segment; /* where the log goes on from there */
	uint32_t offset;
	uint8_t hash[32]; /* SHA-256 of the file */
};

/*
 * A snapshot by itself, as rooms tell each other: number 4 | size 8
 * | segment 4 | offset 4 | hash 32.  Number 0: none.
 */
#define ENTRY_SNAPSHOT_LEN 52u
struct reader;
struct writer;
void entry_snapshot_write(
    const struct entry_snapshot *snapshot, struct writer *w);
void entry_snapshot_read(struct reader *r, struct entry_snapshot *snapshot);

/* What a certificate says of it. */
struct entry_snapshot entry_snapshot_certified(
    const struct order_certify *certify);

/* Whether both are the same one, with everything that is said of it. */
bool entry_snapshot_same(
    const struct entry_snapshot *one, const struct entry_snapshot *other);

/*
 * What became of a snapshot, by the SYSTEM entry that keyd has taken into its
 * state.  Subject: number; detail: size 8 | segment 4 | offset 4 | hash 32
 * | leaf 8 | step 1 | zeros.
 */
enum entry_retention_step {
	RETENTION_CERTIFIED = 1, /* by the auditor's order of that leaf */
	RETENTION_RETIRED = 2,   /* by the operators' approval of that leaf: the
				    segments before its own are given up */
};

struct entry_retention {
	struct entry_snapshot snapshot;
	uint64_t leaf;
	uint8_t step;
};

/* The rules a new bank of that type begins with. */
struct entry_rules entry_rules_default(enum bank_type type);

/* The entry type of a committed plaintext; 0 if empty or not known. */
enum entry_type entry_type_of(const void *bytes, size_t len);

/*
 * Encoders: write at most `room` bytes to out and set *len.  SR_TOO_LARGE
 * when a part exceeds its bound or the room.
 */
enum sr_error entry_account_encode(const struct entry_account *account,
    uint8_t *out, size_t room, size_t *len);
enum sr_error entry_order_encode(
    const struct entry_order *order, uint8_t *out, size_t room, size_t *len);
/* type: ENTRY_USE or ENTRY_SYSTEM */
void entry_event_encode(enum entry_type type, const struct entry_event *event,
    uint8_t out[ENTRY_EVENT_LEN]);
/* Writes all ENTRY_GENESIS_LEN bytes; the signed ones come first. */
void entry_genesis_encode(
    const struct entry_genesis *genesis, uint8_t out[ENTRY_GENESIS_LEN]);

/*
 * Decoders: SR_MALFORMED unless the len bytes are exactly one entry of that
 * type with valid fields.  Pointers in the structs point into bytes.
 */
enum sr_error entry_account_decode(
    const void *bytes, size_t len, struct entry_account *account);
enum sr_error entry_order_decode(
    const void *bytes, size_t len, struct entry_order *order);
enum sr_error entry_event_decode(enum entry_type type, const void *bytes,
    size_t len, struct entry_event *event);
/* The snapshot of a SYSTEM_SNAPSHOT event; SR_MALFORMED if it is none. */
enum sr_error entry_snapshot_of(
    const struct entry_event *event, struct entry_snapshot *snapshot);
/* The event of it; the time is the caller's to set. */
struct entry_event entry_snapshot_event(const struct entry_snapshot *snapshot);
/* The same of SYSTEM_RETENTION; a step that is not known is SR_MALFORMED. */
enum sr_error entry_retention_of(
    const struct entry_event *event, struct entry_retention *retention);
struct entry_event entry_retention_event(
    const struct entry_retention *retention);
/* Also accepts ENTRY_GENESIS_SIGNED_LEN bytes; the signature is then zero. */
enum sr_error entry_genesis_decode(
    const void *bytes, size_t len, struct entry_genesis *genesis);

/*
 * Signs the first ENTRY_GENESIS_SIGNED_LEN bytes with the identity key
 * (libsodium's 64-byte form).  SR_CRYPTO.
 */
enum sr_error entry_genesis_sign(
    const uint8_t signed_bytes[ENTRY_GENESIS_SIGNED_LEN],
    const uint8_t identity_secret[64], uint8_t signature[64]);

/*
 * SR_OK if identity_key's SHA-256 is the bank id and the signature over
 * the encoded entry verifies; else SR_BANK_KEY.
 */
enum sr_error entry_genesis_verify(
    const uint8_t bytes[ENTRY_GENESIS_LEN], const uint8_t identity_key[32]);

#endif
