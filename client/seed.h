/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_SEED_H
#define CLIENT_SEED_H
/*
 * The customer's account seed: 32 random bytes made at registration, from
 * which every key of the customer comes, and its wrap that the bank keeps.
 *
 *	wrap = ChaChaPoly(Expand(export key, "strongroom/1 wrap", 32), n = 0,
 *	    AD = name | bank id, seed): 48 bytes
 *	signing key's seed = Expand(seed, "strongroom/1 ed25519" | epoch 4, 32)
 *	message key, X25519 private = Expand(seed, "strongroom/1 x25519"
 *	    | epoch 4, 32)
 *	file key root = Expand(seed, "strongroom/1 file", 32)
 *
 * An export key serves for one wrap: each registration and change has its
 * own, so that a nonce of zero is right.
 */
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"
#include "common/opaque.h"
#include "common/payload.h"

enum {
	SEED_LEN = 32,
};

/* Of the caller; secret; wiped with sodium_memzero. */
struct seed_keys {
	uint8_t signing_public[PUBLIC_KEY_LEN];
	uint8_t signing_secret[SIGNING_SECRET_LEN]; /* as libsodium's */
	uint8_t message_public[PUBLIC_KEY_LEN];
	uint8_t message_private[32];
	uint8_t file_root[32];
};

void seed_wrap(const uint8_t seed[SEED_LEN],
    const uint8_t export_key[OPAQUE_EXPORT_KEY_LEN], const char *name,
    const uint8_t bank_id[BANK_ID_LEN], uint8_t out[WRAPPED_SEED_LEN]);

/* SR_CRYPTO if the wrap is not of this key, name and bank. */
enum sr_error seed_unwrap(const uint8_t wrapped[WRAPPED_SEED_LEN],
    const uint8_t export_key[OPAQUE_EXPORT_KEY_LEN], const char *name,
    const uint8_t bank_id[BANK_ID_LEN], uint8_t out[SEED_LEN]);

/* The keys of an epoch (that of the attestation). */
void seed_keys_derive(
    const uint8_t seed[SEED_LEN], uint32_t key_epoch, struct seed_keys *out);

#endif
