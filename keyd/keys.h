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
 * The epoch is 1 but for the keys of an origin: a rotation and a restore with
 * loss begin another one of the log key, so that nothing more is signed under
 * the origin before, and a rotation may begin one of the others with it.  Keys
 * that are rotated while keyd runs, and the root is wiped, have a root of
 * their own, of the label with " root" behind it, for epochs after the first:
 * Expand(that, label | epoch u32, length); so have those of which any former
 * epoch may be needed at any time.
 *
 * Security: struct keys lives in an arena of secret.h that is sealed
 * read-only once it is filled.
 */
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"
#include "common/key_table.h"
#include "common/opaque.h"

enum { KEYS_EPOCH = 1, KEYS_EPOCH_MAX = 64 };

/* Ed25519. */
struct keys_signing {
	uint32_t epoch;
	uint8_t secret[SIGNING_SECRET_LEN];
	uint8_t public[PUBLIC_KEY_LEN];
};

/* X25519. */
struct keys_noise {
	uint32_t epoch;
	uint8_t private[32];
	uint8_t public[PUBLIC_KEY_LEN];
};

/* OPAQUE's static pair: customers' records are bound to it. */
struct keys_opaque {
	uint32_t epoch;
	uint8_t private_key[OPAQUE_SCALAR_LEN];
	uint8_t public_key[OPAQUE_ELEMENT_LEN];
};

/*
 * What the bank signs and answers with under one origin of its log, as one
 * certificate names it.
 */
struct keys_origin {
	struct keys_signing log; /* its epoch is the certificate's, too */
	struct keys_signing attestation;
	struct keys_noise noise;
	struct keys_opaque opaque;
};

struct keys {
	struct keys_origin origin; /* of the state's epochs */
	struct keys_origin next;   /* in a restore or rotation start */
	/* public half of the attestation key before this one */
	uint8_t attestation_former[PUBLIC_KEY_LEN];
	uint8_t opaque_seed[OPAQUE_SEED_LEN]; /* the first pair's */
	uint8_t oprf_seed[OPAQUE_OPRF_SEED_LEN];
	uint8_t log_root[32];      /* segment keys come from it */
	uint8_t storage[32];       /* seals credentials: the first epoch's */
	uint8_t credential_id[32]; /* of names that are registered */
	uint8_t fake_id[32];       /* of names that are not */
	uint8_t fake_record[64];   /* seed of their record */
	uint8_t generation[32];    /* digest over credential generations */
	uint8_t terminal_root[32]; /* terminals' psks come from it */
	uint8_t limit[32];         /* hashes names into attempt buckets */
	uint8_t name_index[32];    /* hashes names into the index */
	uint8_t invitation[32];    /* MAC of invitations */
	uint8_t reset[32];         /* MAC of reset codes */
	uint8_t device_token[32];  /* MAC of device tokens */
	uint8_t state[32];         /* MAC of state and terminals */
	uint8_t epoch_root[KEY_PLACES][32]; /* later epochs come from it */
};

/*
 * Derives all of them, those of the origin for the epoch 1.  SR_CRYPTO if a
 * key pair cannot be made.
 */
enum sr_error keys_derive(struct keys *keys, const uint8_t root[32]);

/* The log key of an epoch.  SR_CRYPTO. */
enum sr_error keys_log_derive(
    struct keys_signing *log, const uint8_t root[32], uint32_t epoch);

/* The attestation key of an epoch.  SR_CRYPTO. */
enum sr_error keys_attestation_derive(
    struct keys_signing *attestation, const uint8_t root[32], uint32_t epoch);

/* The Noise key of an epoch. */
void keys_noise_derive(
    struct keys_noise *noise, const uint8_t root[32], uint32_t epoch);

/* The key pair of an epoch; takes equally long for each.  SR_CRYPTO. */
enum sr_error keys_opaque_derive(
    const struct keys *keys, uint32_t epoch, struct keys_opaque *opaque);

/*
 * The four public keys, as the certificate of that origin has them, and its
 * epoch; other fields untouched.
 */
void keys_certify(
    const struct keys_origin *origin, struct certificate *certificate);

/* Expand(log root, "segment" | number u32 | salt 32, 32). */
void keys_segment(const struct keys *keys, uint32_t segment,
    const uint8_t salt[32], uint8_t out[32]);

/* Expand(log root, "snapshot" | number u32 | salt 32, 32). */
void keys_snapshot(const struct keys *keys, uint32_t number,
    const uint8_t salt[32], uint8_t out[32]);

/*
 * What a key that is rotated while keyd runs (key_least_s()) is in that
 * epoch, or the seed of OPAQUE's pair, and how long: 64 bytes for the OPRF
 * seed, else 32.  Takes equally long for each epoch.
 */
size_t keys_epoch(const struct keys *keys, enum bank_key key, uint32_t epoch,
    uint8_t out[KEYS_EPOCH_MAX]);

/* Expand(terminal key root of that epoch, "terminal" | id | epoch, 32). */
void keys_terminal(const struct keys *keys, uint32_t root, uint32_t terminal,
    uint32_t epoch, uint8_t psk[32]);

#endif
