/* SPDX-License-Identifier: ISC */
#ifndef KEYD_KEYS_H
#define KEYD_KEYS_H
/*
 * Everything that keyd has, derived from the root secret: HKDF-SHA512-Expand
 * (RFC 5869) with one label a purpose and the epoch as context.  So a backup
 * of the root is a backup of all of them.
 *
 *	key = Expand(root, "strongroom/1 " | label | epoch u32, length)
 *
 * The epoch is 1 but for the log key: a restore with loss begins another
 * one, so that nothing is signed under the origin that was given up.
 *
 * Security: struct keys lives in an arena of secret.h that is sealed
 * read-only once it is filled.
 */
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"
#include "common/opaque.h"

enum { KEYS_EPOCH = 1 };

/* What signs the heads of one origin. */
struct keys_log {
	uint32_t epoch;
	uint8_t secret[SIGNING_SECRET_LEN];
	uint8_t public[PUBLIC_KEY_LEN];
};

struct keys {
	uint8_t noise_private[32]; /* X25519 */
	uint8_t noise_public[32];
	struct opaque_server_keys opaque;
	struct keys_log log;      /* of the state's epoch */
	struct keys_log next_log; /* in a restore start: of the next one */
	uint8_t attestation_secret[SIGNING_SECRET_LEN];
	uint8_t attestation_public[PUBLIC_KEY_LEN];
	uint8_t log_root[32];      /* segment keys come from it */
	uint8_t storage[32];       /* seals credentials */
	uint8_t credential_id[32]; /* of names that are registered */
	uint8_t fake_id[32];       /* of names that are not */
	uint8_t fake_record[64];   /* seed of their record */
	uint8_t generation[32];    /* digest over credential generations */
	uint8_t terminal_root[32]; /* terminals' psks come from it */
	uint8_t limit[32];         /* hashes names into attempt buckets */
	uint8_t name_index[32];    /* hashes names into the index */
	uint8_t invitation[32];    /* MAC of invitations */
	uint8_t device_token[32];  /* MAC of device tokens */
	uint8_t state[32];         /* MAC of state and terminals */
};

/*
 * Derives all of them, the log key for the epoch 1.  SR_CRYPTO if a key pair
 * cannot be made.
 */
enum sr_error keys_derive(struct keys *keys, const uint8_t root[32]);

/* The log key of an epoch.  SR_CRYPTO. */
enum sr_error keys_log_derive(
    struct keys_log *log, const uint8_t root[32], uint32_t epoch);

/*
 * The four public keys, as the certificate has them with that log key, and
 * its epoch; other fields untouched.
 */
void keys_certify(const struct keys *keys, const struct keys_log *log,
    struct certificate *certificate);

/* Expand(log root, "segment" | number u32 | salt 32, 32). */
void keys_segment(const struct keys *keys, uint32_t segment,
    const uint8_t salt[32], uint8_t out[32]);

/* Expand(log root, "snapshot" | number u32 | salt 32, 32). */
void keys_snapshot(const struct keys *keys, uint32_t number,
    const uint8_t salt[32], uint8_t out[32]);

/* Expand(terminal key root, "terminal" | id u32 | epoch u32, 32). */
void keys_terminal(const struct keys *keys, uint32_t terminal, uint32_t epoch,
    uint8_t psk[32]);

#endif
