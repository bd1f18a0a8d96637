/* SPDX-License-Identifier: ISC */
#ifndef KEYD_CREDENTIALS_H
#define KEYD_CREDENTIALS_H
/*
 * The customers: name, keys, and the two credentials (password, recovery
 * code) of each, sealed on disk.
 *
 * Customer n has 2048 bytes of the file "credentials" at n * 2048: two
 * versions of 1024 bytes, written in turn, so that a torn write leaves the
 * other.  A version:
 *
 *	generation 4 | epoch of the key 4, 0: the first | XChaCha20-Poly1305
 *	(aead_wrap) of 976 bytes, AD = "strongroom/1 credential" | customer 8
 *	| generation 4 | epoch 4
 *
 *	name length 1 | name 32 | display name length 1 | display name 64
 *	| salt 32 | directory key 32 | attestation 256 | for each of the two:
 *	present 1, random 16, record 192, wrapped seed 48 | resets 4
 *	| generations that only sealed the record anew 4 | for each of the
 *	two: epoch of the OPRF seed that its record rests on 4, 0: the first
 *	| for each of the two: epoch of the key pair that its record is bound
 *	to 4, 0: the first | zeros
 *
 * An erased customer has versions without a name and with zeros in all other
 * fields.  The version's place is the generation's last bit.  Customer 0 is
 * nobody: its record answers for names that are not registered, over the same
 * path.
 *
 * In memory: an index by keyed hash of the name, 8 bytes a place, at most
 * half full, and for each customer the generation that the file must show,
 * and which of the two credentials rest on a former OPRF seed or key pair.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/payload.h"
#include "keyd/keys.h"

enum {
	CREDENTIAL_VERSION_LEN = 1024,
	CREDENTIAL_CUSTOMER_LEN = 2 * CREDENTIAL_VERSION_LEN,
	CREDENTIAL_RANDOM_LEN = 16,
	CREDENTIALS_HEADROOM = 16384, /* customers that fit beyond those at
					 start; the next start makes more */
};

struct credential {
	bool present;
	uint8_t random[CREDENTIAL_RANDOM_LEN]; /* of its identifier */
	struct opaque_record record;
	uint8_t wrapped_seed[WRAPPED_SEED_LEN];
	uint32_t epoch;      /* of the OPRF seed that record rests on */
	uint32_t pair_epoch; /* of OPAQUE's pair that record is bound to */
};

/* The keys that versions are sealed with.  Secret. */
struct credential_keys {
	struct {
		uint32_t epoch; /* 0: none */
		uint8_t key[32];
	} of[2]; /* the present one, and the former one: opens only */
};

/* Secret; wiped by whoever holds it. */
struct customer {
	uint64_t id;
	uint64_t generation;
	uint8_t name_len;
	char name[PAYLOAD_NAME_MAX + 1];
	uint8_t display_name_len;
	char display_name[PAYLOAD_DISPLAY_NAME_MAX + 1];
	uint8_t salt[NAME_SALT_LEN];
	uint8_t directory_key[32];
	uint8_t attestation[ATTESTATION_LEN];
	struct credential credential[SLOT_COUNT];
	uint32_t resets;  /* ever, by operators: device tokens rest on it */
	uint32_t reseals; /* of the generations, those that changed nothing */
};

/*
 * Which of the customer's changes this is: what waits for the customer, or
 * serves until the next change, rests on it, and not on the generation.
 */
uint64_t customer_change(const struct customer *customer);

struct credentials_place {
	uint32_t tag;
	uint32_t customer; /* 0: free, and was so always */
};

/* In place of a customer: free again.  Above what index_make() takes. */
#define CREDENTIALS_LEFT UINT32_MAX

struct credentials {
	struct env *env;
	env_file file;
	const struct keys *keys;
	const struct credential_keys *epochs; /* NULL: the first one only */
	struct credentials_place *places;
	size_t place_count; /* a power of two */
	uint32_t *generations;
	uint8_t *former;     /* of each: bits for each credential that rests
				on another OPRF seed than the present one, or
				is bound to another key pair */
	uint32_t oprf_epoch; /* the present one's */
	uint32_t pair_epoch; /* the present one's */
	uint64_t customers;
	uint64_t customers_max;
	uint64_t half_erased; /* by credentials_load: whose older version is
				 left, though the newer one is erased; 0 */
	uint8_t digest[32];   /* over what is there */
};

/*
 * Begins an epoch of the OPRF seed: all credentials now rest on a former one.
 */
void credentials_oprf_epoch(struct credentials *c, uint32_t epoch);

/* How many credentials rest on a former one. */
uint64_t credentials_former(const struct credentials *c);

/*
 * The same two of OPAQUE's key pair.
 */
void credentials_pair_epoch(struct credentials *c, uint32_t epoch);
uint64_t credentials_former_pair(const struct credentials *c);

/*
 * Opens the file.  keys must outlive c, and so what the caller puts into
 * c->epochs.  create: writes customer 0, durable,
 * into an empty file.
 */
enum sr_error credentials_open(struct credentials *c, struct env *env,
    const struct keys *keys, bool create);

/*
 * Reads customers 1 to `customers` (the present epochs being known in c) and
 * the one after, if `next`, into the index, which is allocated here and freed
 * by credentials_close.  Of two valid versions the higher generation counts.
 * c->digest tells afterwards what was found.  SR_DAMAGED: a customer has no
 * valid version (`next` then is simply not there), SR_MEMORY.
 */
enum sr_error credentials_load(
    struct credentials *c, uint64_t customers, bool next);
void credentials_close(struct credentials *c);

/* The generation in force; 0 for a customer that is not there. */
uint64_t credentials_generation(const struct credentials *c, uint64_t customer);

/*
 * Whether all that is there of a customer, 0 for nobody, is sealed in the
 * present epoch, and nothing in another one.  SR_IO.
 */
enum sr_error credentials_present(
    const struct credentials *c, uint64_t customer, bool *present);

/*
 * Seals nobody's record in the present epoch, beside what it was sealed in.
 * Errors as of credentials_write().
 */
enum sr_error credentials_write_nobody(struct credentials *c);

/* XORs the PRF of (customer, generation) into digest; nothing for 0. */
void credentials_digest(const struct credentials *c, uint64_t customer,
    uint64_t generation, uint8_t digest[32]);

/*
 * What the state keeps of a digest.  The XOR itself must not be on disk: who
 * had watched it change often enough could solve for a set of old credentials
 * that cancel out.
 */
void credentials_digest_seal(
    const struct credentials *c, const uint8_t digest[32], uint8_t out[32]);

/*
 * The customer of that name; or SR_NOT_FOUND, after somebody was read in the
 * same way: the disk must not tell by its time which it was.  Then all of *out
 * is zeros but id and, of the credentials, random and epochs, which are
 * somebody's (renew.h).  Who that is rests on the name alone, until a customer is entered
 * who takes it over, as one of all names in as many as there are customers.
 * SR_DAMAGED when the file does not hold what the index knows.
 */
enum sr_error credentials_find(const struct credentials *c, const char *name,
    size_t name_len, struct customer *out);

/* The customer of that id. */
enum sr_error credentials_read(
    const struct credentials *c, uint64_t customer, struct customer *out);

/*
 * Whether neither version of that customer holds anything any more: each is
 * erased or was never written.  One that was torn may hold a part.  SR_IO.
 */
enum sr_error credentials_blank(
    const struct credentials *c, uint64_t customer, bool *blank);

/*
 * Writes the customer's generation (one above that in force) beside the
 * present version and syncs.  Readers see the old one until
 * credentials_enter.  SR_NO_SPACE: no whole version was written; SR_IO: that is not known.
 */
enum sr_error credentials_write(
    const struct credentials *c, const struct customer *customer);

/*
 * Puts a version that was written in force: index and digest.  A new customer
 * needs credentials_full() to be false.
 */
void credentials_enter(struct credentials *c, const struct customer *customer);

/* True if no further customer fits until the next start. */
bool credentials_full(const struct credentials *c);

#endif
