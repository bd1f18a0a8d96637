/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_PEOPLE_H
#define LEDGERD_PEOPLE_H
/*
 * Who bears which name.  Names stand in no leaf in the clear: an ACCOUNT
 * entry carries one directory record, sealed under a key that keyd gives, so
 * that a name can be erased and all proofs still hold.
 *
 * The record: name length 1 | name 32 | salt 32 | display name length 1
 * | display name 64, under XChaCha20-Poly1305 with AD =
 * "strongroom/1 directory" | bank id 32 | customer 8.
 */
#include <stdint.h>

#include "common/aead.h"
#include "common/certificate.h"
#include "common/error.h"
#include "common/journal.h"

enum {
	PERSON_NAME_MAX = 32,
	PERSON_DISPLAY_MAX = 64,
	PERSON_RECORD_LEN = 1 + PERSON_NAME_MAX + 32 + 1 + PERSON_DISPLAY_MAX,
	PERSON_SEALED_LEN = PERSON_RECORD_LEN + AEAD_WRAP_OVERHEAD,
	/* Customers are keyd's slot numbers: dense, so a table will do. */
	PEOPLE_MAX = 1 << 24,
};

struct person {
	struct journal_position entry; /* the ACCOUNT frame */
	uint8_t name_len;              /* 0: not known */
	uint8_t display_len;
	char name[PERSON_NAME_MAX];
	char display[PERSON_DISPLAY_MAX];
	uint8_t salt[32];
	uint8_t attestation[ATTESTATION_LEN]; /* in force */
	uint32_t next; /* in the chain of the name's hash; customer */
};

struct people {
	struct person *of; /* by customer */
	uint64_t capacity;
	uint32_t *buckets;
	uint32_t bucket_count;
	uint8_t hash_key[16];
};

/* hash_key: 16 random bytes, against chosen collisions.  SR_MEMORY. */
enum sr_error people_init(struct people *people, const uint8_t hash_key[16]);
void people_free(struct people *people);

/*
 * Adds a customer or replaces what was known.  person->next is ours.
 * SR_NO_SPACE for a customer beyond the bound, SR_MEMORY.
 */
enum sr_error people_set(
    struct people *people, uint64_t customer, const struct person *person);

/* Forgets name, display name and salt; the attestation stays. */
void people_erase(struct people *people, uint64_t customer);

/* NULL when there is none; valid until the next people_set(). */
const struct person *people_of(const struct people *people, uint64_t customer);

/* The customer with that name; 0 when there is none. */
uint64_t people_find(
    const struct people *people, const char *name, size_t name_len);

/* Seals a directory record; nonce: 24 fresh random bytes. */
void person_seal(const struct person *person, uint64_t customer,
    const uint8_t bank_id[32], const uint8_t key[32], const uint8_t nonce[24],
    uint8_t out[PERSON_SEALED_LEN]);

/* Opens one into name, display name and salt.  SR_CRYPTO, SR_MALFORMED. */
enum sr_error person_open(const uint8_t *sealed, size_t sealed_len,
    uint64_t customer, const uint8_t bank_id[32], const uint8_t key[32],
    struct person *person);

#endif
