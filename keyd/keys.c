/* SPDX-License-Identifier: ISC */
/* The derivations of keys.h.  Nothing here outlives the call but the keys. */
#include "keyd/keys.h"

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

static enum sr_error
derive_signing(uint8_t secret_key[SIGNING_SECRET_LEN],
    uint8_t public_key[PUBLIC_KEY_LEN], const uint8_t root[32],
    const char *label, uint32_t epoch)
{
	SECRET_32(seed);

	derive_epoch(seed, sizeof(seed), root, label, epoch);
	if (crypto_sign_seed_keypair(public_key, secret_key, seed) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

enum sr_error
keys_log_derive(struct keys_log *log, const uint8_t root[32], uint32_t epoch)
{
	log->epoch = epoch;
	return derive_signing(log->secret, log->public, root, "log key", epoch);
}

enum sr_error
keys_derive(struct keys *keys, const uint8_t root[32])
{
	SECRET_32(seed);
	enum sr_error error;

	derive(keys->noise_private, 32, root, "noise static");
	noise_public_key(keys->noise_public, keys->noise_private);
	derive(seed, sizeof(seed), root, "opaque key pair");
	error = opaque_derive_key_pair(
	    keys->opaque.private_key, keys->opaque.public_key, seed);
	if (error != SR_OK)
		return error;
	derive(keys->opaque.oprf_seed, sizeof(keys->opaque.oprf_seed), root,
	    "oprf seed");
	error = keys_log_derive(&keys->log, root, KEYS_EPOCH);
	if (error != SR_OK)
		return error;
	error = derive_signing(keys->attestation_secret,
	    keys->attestation_public, root, "attestation key", KEYS_EPOCH);
	if (error != SR_OK)
		return error;
	derive(keys->log_root, 32, root, "log encryption");
	derive(keys->storage, 32, root, "credential storage");
	derive(keys->credential_id, 32, root, "credential identifier");
	derive(keys->fake_id, 32, root, "fake identifier");
	derive(
	    keys->fake_record, sizeof(keys->fake_record), root, "fake record");
	derive(keys->generation, 32, root, "credential generations");
	derive(keys->terminal_root, 32, root, "terminals");
	derive(keys->limit, 32, root, "attempt buckets");
	derive(keys->name_index, 32, root, "name index");
	derive(keys->invitation, 32, root, "invitations");
	derive(keys->device_token, 32, root, "device tokens");
	derive(keys->state, 32, root, "state");
	return SR_OK;
}

void
keys_certify(const struct keys *keys, const struct keys_log *log,
    struct certificate *certificate)
{
	certificate->epoch = log->epoch;
	memcpy(certificate->noise_key, keys->noise_public, 32);
	memcpy(certificate->opaque_key, keys->opaque.public_key, 32);
	memcpy(certificate->log_key, log->public, 32);
	memcpy(certificate->attestation_key, keys->attestation_public, 32);
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

void
keys_terminal(
    const struct keys *keys, uint32_t terminal, uint32_t epoch, uint8_t psk[32])
{
	uint8_t context[8];
	struct writer w = writer_to(context, sizeof(context));

	writer_u32(&w, terminal);
	writer_u32(&w, epoch);
	kdf_expand_label(psk, 32, keys->terminal_root, 32, "terminal", context,
	    sizeof(context));
}
