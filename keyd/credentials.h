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
 *	generation 8 | XChaCha20-Poly1305 (aead_wrap) of 976 bytes, AD =
 *	"strongroom/1 credential" | customer 8 | generation 8
 *
 *	name length 1 | name 32 | display name length 1 | display name 64
 *	| salt 32 | directory key 32 | attestation 256 | for each of the two:
 *	present 1, random 16, record 192, wrapped seed 48 | zeros
 *
 * An erased customer has versions without a name and with zeros in all other
 * fields.  The version's place is the generation's last bit.  Customer 0 is nobody:
 * its record answers for names that are not registered, over the same path.
 *
 * In memory: an index by keyed hash of the name, 8 bytes a place, at most
 * half full, and for each customer the generation that the file must show.
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
};

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
	struct credentials_place *places;
	size_t place_count; /* a power of two */
	uint32_t *generations;
	uint64_t customers;
	uint64_t customers_max;
	uint64_t half_erased; /* by credentials_load: whose older version is
				 left, though the newer one is erased; 0 */
	uint8_t digest[32];   /* over what is there */
};

/*
 * Opens the file.  keys must outlive c.  create: writes customer 0, durable,
 * into an empty file.
 */
enum sr_error credentials_open(struct credentials *c, struct env *env,
    const struct keys *keys, bool create);

/*
 * Reads customers 1 to `customers` and the one after, if `next`, into the
 * index, which is allocated here and freed by credentials_close.  Of two
 * valid versions the higher generation counts.  c->digest tells afterwards
 * what was found.  SR_DAMAGED: a customer has no valid version (`next` then
 * is simply not there), SR_MEMORY.
 */
enum sr_error credentials_load(
    struct credentials *c, uint64_t customers, bool next);
void credentials_close(struct credentials *c);

/* The generation in force; 0 for a customer that is not there. */
uint64_t credentials_generation(const struct credentials *c, uint64_t customer);

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
 * The customer of that name; or SR_NOT_FOUND and zeros, after a customer was
 * read in the same way: the disk must not tell by its time which it was.
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
