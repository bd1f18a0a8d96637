/* SPDX-License-Identifier: ISC */
/* The derivations of keys.h.  Nothing here outlives the call but the keys. */
#include "keyd/keys.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/kdf.h"
#include "common/noise.h"
#include "common/secret.h"

static void
derive_epoch(uint8_t *out, size_t len, const uint8_t root[32],
    const char *label, uint32_t epoch)
{
	uint8_t context[4];
	struct writer w = writer_to(context, sizeof(context));

	writer_u32(&w, epoch);
	kdf_expand_label(out, len, root, 32, label, context, sizeof(context));
}

static void
derive(uint8_t *out, size_t len, const uint8_t root[32], const char *label)
{
	derive_epoch(out, len, root, label, KEYS_EPOCH);
}

/* Those whose later epochs come of a root of their own. */
static const struct {
	const char *label;
	size_t first; /* where in struct keys the first epoch's is */
	size_t len;
} rotated[KEY_PLACES] = {
    [BANK_KEY_OPRF] = {"oprf seed", offsetof(struct keys, oprf_seed),
	OPAQUE_OPRF_SEED_LEN},
    [BANK_KEY_OPAQUE] = {"opaque key pair", offsetof(struct keys, opaque_seed),
	OPAQUE_SEED_LEN},
    [BANK_KEY_CREDENTIAL] = {"credential storage",
	offsetof(struct keys, storage), 32},
    [BANK_KEY_TERMINAL] = {"terminals", offsetof(struct keys, terminal_root),
	32},
    [BANK_KEY_INVITATION] = {"invitations", offsetof(struct keys, invitation),
	32},
    [BANK_KEY_DEVICE] = {"device tokens", offsetof(struct keys, device_token),
	32},
    [BANK_KEY_RESET] = {"reset codes", offsetof(struct keys, reset), 32},
};

static void
derive_rotated(struct keys *keys, const uint8_t root[32])
{
	char label[32];

	for (size_t key = 0; key < KEY_PLACES; key++) {
		if (rotated[key].label == NULL)
			continue;
		derive((uint8_t *)keys + rotated[key].first, rotated[key].len,
		    root, rotated[key].label);
		snprintf(label, sizeof(label), "%s root", rotated[key].label);
		derive(keys->epoch_root[key], 32, root, label);
	}
}

static enum sr_error
derive_signing(struct keys_signing *key, const uint8_t root[32],
    const char *label, uint32_t epoch)
{
	SECRET_32(seed);

	key->epoch = epoch;
	derive_epoch(seed, sizeof(seed), root, label, epoch);
	if (crypto_sign_seed_keypair(key->public, key->secret, seed) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

enum sr_error
keys_log_derive(
    struct keys_signing *log, const uint8_t root[32], uint32_t epoch)
{
	return derive_signing(log, root, "log key", epoch);
}

enum sr_error
keys_attestation_derive(
    struct keys_signing *attestation, const uint8_t root[32], uint32_t epoch)
{
	return derive_signing(attestation, root, "attestation key", epoch);
}

void
keys_noise_derive(
    struct keys_noise *noise, const uint8_t root[32], uint32_t epoch)
{
	noise->epoch = epoch;
	derive_epoch(noise->private, sizeof(noise->private), root,
	    "noise static", epoch);
	noise_public_key(noise->public, noise->private);
}

enum sr_error
keys_derive(struct keys *keys, const uint8_t root[32])
{
	enum sr_error error;

	derive_rotated(keys, root);
	keys_noise_derive(&keys->origin.noise, root, KEYS_EPOCH);
	error = keys_opaque_derive(keys, KEYS_EPOCH, &keys->origin.opaque);
	if (error == SR_OK)
		error = keys_log_derive(&keys->origin.log, root, KEYS_EPOCH);
	if (error == SR_OK)
		error = keys_attestation_derive(
		    &keys->origin.attestation, root, KEYS_EPOCH);
	if (error != SR_OK)
		return error;
	derive(keys->log_root, 32, root, "log encryption");
	derive(keys->credential_id, 32, root, "credential identifier");
	derive(keys->fake_id, 32, root, "fake identifier");
	derive(
	    keys->fake_record, sizeof(keys->fake_record), root, "fake record");
	derive(keys->generation, 32, root, "credential generations");
	derive(keys->limit, 32, root, "attempt buckets");
	derive(keys->name_index, 32, root, "name index");
	derive(keys->state, 32, root, "state");
	return SR_OK;
}

void
keys_certify(const struct keys_origin *origin, struct certificate *certificate)
{
	certificate->epoch = origin->log.epoch;
	memcpy(certificate->noise_key, origin->noise.public, 32);
	memcpy(certificate->opaque_key, origin->opaque.public_key, 32);
	memcpy(certificate->log_key, origin->log.public, 32);
	memcpy(certificate->attestation_key, origin->attestation.public, 32);
}

/* A key of the log: of the numbered thing of that label with that salt. */
static void
log_key(const struct keys *keys, const char *label, uint32_t number,
    const uint8_t salt[32], uint8_t out[32])
{
	uint8_t context[36];
	struct writer w = writer_to(context, sizeof(context));

	writer_u32(&w, number);
	writer_bytes(&w, salt, 32);
	kdf_expand_label(
	    out, 32, keys->log_root, 32, label, context, sizeof(context));
}

void
keys_segment(const struct keys *keys, uint32_t segment, const uint8_t salt[32],
    uint8_t out[32])
{
	log_key(keys, "segment", segment, salt, out);
}

void
keys_snapshot(const struct keys *keys, uint32_t number, const uint8_t salt[32],
    uint8_t out[32])
{
	log_key(keys, "snapshot", number, salt, out);
}

size_t
keys_epoch(const struct keys *keys, enum bank_key key, uint32_t epoch,
    uint8_t out[KEYS_EPOCH_MAX])
{
	size_t len = rotated[key].len;

	derive_epoch(
	    out, len, keys->epoch_root[key], rotated[key].label, epoch);
	if (epoch == KEYS_EPOCH)
		memcpy(out, (const uint8_t *)keys + rotated[key].first, len);
	return len;
}

enum sr_error
keys_opaque_derive(
    const struct keys *keys, uint32_t epoch, struct keys_opaque *opaque)
{
	SECRET_64(seed);

	_Static_assert(sizeof(seed) >= KEYS_EPOCH_MAX, "");
	(void)keys_epoch(keys, BANK_KEY_OPAQUE, epoch, seed);
	opaque->epoch = epoch;
	return opaque_derive_key_pair(
	    opaque->private_key, opaque->public_key, seed);
}

void
keys_terminal(const struct keys *keys, uint32_t root, uint32_t terminal,
    uint32_t epoch, uint8_t psk[32])
{
	SECRET_64(secret);
	uint8_t context[8];
	struct writer w = writer_to(context, sizeof(context));
	size_t len = keys_epoch(keys, BANK_KEY_TERMINAL, root, secret);

	writer_u32(&w, terminal);
	writer_u32(&w, epoch);
	kdf_expand_label(
	    psk, 32, secret, len, "terminal", context, sizeof(context));
}
