/* SPDX-License-Identifier: ISC */
#ifndef COMMON_CERTIFICATE_H
#define COMMON_CERTIFICATE_H
/*
 * What the bank says about itself before anybody has logged in, and what it
 * says about its customers: HELLO, the bank's certificate, attestations.
 *
 * HELLO, 320 bytes: a fixed part of 64, then the certificate:
 *
 *	magic 8 "SRHELLO1" | key id 4 | flags 4 | beacon 16 | beacon number 8
 *	| server time ms 8 | zero 16
 *
 * Certificate, 256 bytes: 192 and an Ed25519 signature by the bank's identity
 * key over "strongroom/1 certificate" | these 192:
 *
 *	magic 8 "SRCERT01" | key id 4 | epoch 4 | flags 4 | zero 4
 *	| bank id 32 | not-after ms 8 | Noise key 32 | OPAQUE key 32
 *	| log key 32 | attestation key 32 | signature 64
 *
 * The key id is the first four bytes (u32) of SHA-256("strongroom/1 key id" |
 * the four public keys): it names a set of keys and cannot be chosen freely.
 * Not-after counts milliseconds since 1970.  Flags are zero in version 1.
 *
 * Attestation, 256 bytes: 192 and an Ed25519 signature by the attestation key
 * over "strongroom/1 attestation" | these 192:
 *
 *	magic 8 "SRATTST1" | bank id 32 | customer id 8 | name hash 32
 *	| signing key 32 | message key 32 | key epoch 4 | key id 4
 *	| previous attestation hash 32 | reset leaf 8 | signature 64
 *
 * Name hash = SHA-256(32 random bytes of salt | log-in name).  Key epochs
 * start at 1.  Reset leaf is that of the order by which a second operator
 * approved that the keys be replaced without the former ones; 0: they are the
 * customer's first ones, or follow by the customer's own signature.  Key id is
 * that of the certificate whose attestation key
 * signed.  Previous = SHA-256 of the customer's former attestation's 256
 * bytes, zeros for the first.
 *
 * Signatures verify by libsodium's rules.  Nothing here allocates.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* With the version in it, see reader_magic(). */
#define CERTIFICATE_MAGIC "SRCERT01"

enum {
	CERTIFICATE_MAGIC_LEN = 8,
	CERTIFICATE_LEN = 256,
	CERTIFICATE_SIGNED_LEN = 192,
	HELLO_FIXED_LEN = 64,
	HELLO_LEN = HELLO_FIXED_LEN + CERTIFICATE_LEN,
	ATTESTATION_LEN = 256,
	ATTESTATION_SIGNED_LEN = 192,
	ATTESTATION_FIRST_EPOCH = 1,
	BANK_ID_LEN = 32,
	BEACON_LEN = 16,
	NAME_SALT_LEN = 32,
	NAME_HASH_LEN = 32,
	PUBLIC_KEY_LEN = 32, /* Ed25519, X25519 and ristretto255 alike */
	SIGNATURE_LEN = 64,
	SIGNING_SECRET_LEN = 64, /* Ed25519 as libsodium keeps it */
};

struct hello {
	uint32_t key_id;
	uint32_t flags;
	uint8_t beacon[BEACON_LEN];
	uint64_t beacon_number;
	uint64_t server_time_ms;
};

struct certificate {
	uint32_t key_id; /* certificate_key_id() of the four keys */
	uint32_t epoch;
	uint32_t flags;
	uint8_t bank_id[BANK_ID_LEN];
	uint64_t not_after_ms;
	uint8_t noise_key[PUBLIC_KEY_LEN];
	uint8_t opaque_key[PUBLIC_KEY_LEN];
	uint8_t log_key[PUBLIC_KEY_LEN];
	uint8_t attestation_key[PUBLIC_KEY_LEN];
};

struct attestation {
	uint8_t bank_id[BANK_ID_LEN];
	uint64_t customer;
	uint8_t name_hash[NAME_HASH_LEN];
	uint8_t signing_key[PUBLIC_KEY_LEN];
	uint8_t message_key[PUBLIC_KEY_LEN];
	uint32_t key_epoch;
	uint32_t key_id;
	uint8_t previous_hash[32];
	uint64_t reset_leaf; /* 0: by the customer's own hand */
};

/* Bank id = SHA-256(identity public key). */
void bank_id_of(
    const uint8_t identity_key[PUBLIC_KEY_LEN], uint8_t out[BANK_ID_LEN]);

/* HELLO's fixed part.  hello_read: SR_MALFORMED for a wrong magic, a flag of
 * another version or a reserved byte that is not zero. */
void hello_write(const struct hello *hello, uint8_t out[HELLO_FIXED_LEN]);
enum sr_error hello_read(
    const uint8_t bytes[HELLO_FIXED_LEN], struct hello *out);

/* The key id of a certificate's four keys. */
uint32_t certificate_key_id(const struct certificate *certificate);

/*
 * Encodes the 192 bytes that are signed.  key_id is computed here, whatever
 * the struct says.
 */
void certificate_write_unsigned(
    const struct certificate *certificate, uint8_t out[CERTIFICATE_SIGNED_LEN]);

/*
 * Encodes and signs with the identity's secret key.
 * Security: a program that signs on another's request decodes the 192 bytes
 * with certificate_read_unsigned() first and signs only what it understood.
 */
void certificate_sign(const struct certificate *certificate,
    const uint8_t identity_secret[SIGNING_SECRET_LEN],
    uint8_t out[CERTIFICATE_LEN]);

/*
 * Decodes the signed part; SR_VERSION for one of a later version, SR_MALFORMED
 * if any byte is not as above.
 */
enum sr_error certificate_read_unsigned(
    const uint8_t bytes[CERTIFICATE_SIGNED_LEN], struct certificate *out);

/*
 * Decodes and verifies a certificate under the pinned identity key.
 * SR_VERSION, SR_MALFORMED as above; SR_BANK_KEY if the bank id is not that of
 * identity_key or the signature does not verify.  *out is set only on SR_OK.
 * Neither epoch nor expiry is looked at.
 */
enum sr_error certificate_verify(const uint8_t bytes[CERTIFICATE_LEN],
    const uint8_t identity_key[PUBLIC_KEY_LEN], struct certificate *out);

/*
 * SR_CERTIFICATE if the certificate's epoch is lower than lowest_epoch or
 * now_ms is later than its not-after; else SR_OK.  now_ms: the later of the
 * own clock and the latest bank time that was authenticated.
 */
enum sr_error certificate_current(const struct certificate *certificate,
    uint32_t lowest_epoch, uint64_t now_ms);

/* SHA-256(salt | name); name_len bytes, no terminator. */
void attestation_name_hash(const uint8_t salt[NAME_SALT_LEN], const char *name,
    size_t name_len, uint8_t out[NAME_HASH_LEN]);

/* Encodes and signs with the attestation secret key. */
void attestation_sign(const struct attestation *attestation,
    const uint8_t attestation_secret[SIGNING_SECRET_LEN],
    uint8_t out[ATTESTATION_LEN]);

/* Decodes without looking at the signature: for bytes read from a journal
 * whose signature was checked before.  SR_MALFORMED. */
enum sr_error attestation_read(
    const uint8_t bytes[ATTESTATION_LEN], struct attestation *out);

/*
 * Decodes and verifies under an attestation key of bank_id.  SR_MALFORMED,
 * SR_WRONG_BANK for another bank's id, SR_SIGNATURE.  *out only on SR_OK.
 */
enum sr_error attestation_verify(const uint8_t bytes[ATTESTATION_LEN],
    const uint8_t attestation_key[PUBLIC_KEY_LEN],
    const uint8_t bank_id[BANK_ID_LEN], struct attestation *out);

/* True if the attestation is that of this name (compared in constant time). */
bool attestation_is_of(const struct attestation *attestation,
    const uint8_t salt[NAME_SALT_LEN], const char *name, size_t name_len);

/* SHA-256 of the 256 bytes: what the next attestation names as previous. */
void attestation_hash(const uint8_t bytes[ATTESTATION_LEN], uint8_t out[32]);

#endif
