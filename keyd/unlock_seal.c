/* SPDX-License-Identifier: ISC */
/*
 * The envelopes of the sealed files.  A file has been decoded completely
 * before memory or time is spent on it.
 */
#include "keyd/unlock_seal.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/kdf.h"
#include "common/secret.h"

_Static_assert(SEALED_SALT_LEN == crypto_pwhash_argon2id_SALTBYTES, "");

size_t
unlock_passphrase_len(const void *passphrase, size_t len)
{
	return len > 0 && ((const char *)passphrase)[len - 1] == '\n' ? len - 1
								      : len;
}

/* The key that an envelope is under. */
static enum sr_error
envelope_key(const struct sealed_envelope *envelope,
    const struct unlock_secret *secret, uint8_t key[32])
{
	const uint8_t number[2] = {
	    (uint8_t)envelope->number, (uint8_t)(envelope->number >> 8)};

	if (envelope->kind == SEALED_PASSPHRASE)
		return crypto_pwhash_argon2id(key, 32,
			   (const char *)secret->bytes, secret->len,
			   envelope->salt, envelope->cost.passes,
			   envelope->cost.memory_len,
			   crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0
			   ? SR_OK
			   : SR_MEMORY;
	if (secret->len != UNLOCK_CREDENTIAL_LEN)
		return SR_UNLOCK;
	kdf_expand_label(key, 32, secret->bytes, secret->len,
	    envelope->kind == SEALED_SHARES ? "sealed shares"
					    : "sealed credential",
	    number, sizeof(number));
	return SR_OK;
}

static enum sr_error
try_envelope(const struct sealed *root, const struct sealed_envelope *envelope,
    const struct unlock_secret *secret, uint8_t key[SEALED_SECRET_LEN])
{
	SECRET_32(under);
	uint8_t ad[SEALED_MAX_LEN];
	size_t ad_len = sealed_envelope_ad(root, envelope, ad);
	enum sr_error error = envelope_key(envelope, secret, under);

	if (error != SR_OK)
		return error;
	return aead_unwrap(key, under, ad, ad_len, envelope->wrapped,
		   SEALED_WRAPPED_LEN) == SR_OK
		   ? SR_OK
		   : SR_UNLOCK;
}

enum sr_error
unlock_open_envelope(const struct sealed *root,
    const struct unlock_secret *secret, uint8_t key[SEALED_SECRET_LEN],
    size_t *which)
{
	enum sr_error error = SR_UNLOCK_KIND;

	sodium_memzero(key, SEALED_SECRET_LEN);
	for (size_t i = 0; i < root->count; i++) {
		if (root->envelopes[i].kind != secret->kind)
			continue;
		error = try_envelope(root, &root->envelopes[i], secret, key);
		*which = i;
		if (error != SR_UNLOCK)
			return error;
	}
	return error;
}

static void
secret_key(const struct sealed *sealed, const uint8_t key[SEALED_SECRET_LEN],
    uint8_t out[32])
{
	kdf_expand_label(out, 32, key, SEALED_SECRET_LEN,
	    sealed->purpose == SEALED_ROOT ? "sealed root" : "sealed identity",
	    NULL, 0);
}

enum sr_error
unlock_open(const struct sealed *sealed, const uint8_t key[SEALED_SECRET_LEN],
    uint8_t out[SEALED_SECRET_LEN])
{
	SECRET_32(under);
	uint8_t ad[SEALED_MAX_LEN];
	size_t ad_len = sealed_ad(sealed, ad);

	assert(sealed->version == SEALED_VERSION);
	secret_key(sealed, key, under);
	return aead_unwrap(out, under, ad, ad_len, sealed->wrapped,
		   SEALED_WRAPPED_LEN) == SR_OK
		   ? SR_OK
		   : SR_UNLOCK;
}

enum sr_error
unlock_open_old(const struct sealed *sealed, const struct unlock_secret *secret,
    uint8_t out[SEALED_SECRET_LEN])
{
	SECRET_32(under);
	uint8_t ad[SEALED_MAX_LEN];
	size_t ad_len = sealed_ad(sealed, ad);
	enum sr_error error;

	assert(sealed->version == 1);
	sodium_memzero(out, SEALED_SECRET_LEN);
	if (secret->kind != SEALED_PASSPHRASE)
		return SR_UNLOCK_KIND;
	error = envelope_key(&sealed->envelopes[0], secret, under);
	if (error != SR_OK)
		return error;
	return aead_unwrap(out, under, ad, ad_len, sealed->wrapped,
		   SEALED_WRAPPED_LEN) == SR_OK
		   ? SR_OK
		   : SR_UNLOCK;
}

enum sr_error
unlock_add_envelope(struct sealed *root, const struct sealed_envelope *like,
    const struct unlock_secret *secret, const uint8_t key[SEALED_SECRET_LEN])
{
	SECRET_32(under);
	uint8_t nonce[AEAD_WRAP_NONCE_LEN], ad[SEALED_MAX_LEN];
	struct sealed_envelope *envelope;
	enum sr_error error;
	size_t ad_len;

	if (root->count == SEALED_ENVELOPES_MAX || root->set >= UINT16_MAX)
		return SR_SEALS_FULL;
	envelope = &root->envelopes[root->count];
	*envelope = *like;
	envelope->number = (uint16_t)(root->set + 1);
	if (envelope->kind == SEALED_PASSPHRASE)
		randombytes_buf(envelope->salt, sizeof(envelope->salt));
	error = envelope_key(envelope, secret, under);
	if (error != SR_OK)
		return error;
	randombytes_buf(nonce, sizeof(nonce));
	ad_len = sealed_envelope_ad(root, envelope, ad);
	aead_wrap(envelope->wrapped, under, nonce, ad, ad_len, key,
	    SEALED_SECRET_LEN);
	root->count++;
	root->set++;
	return SR_OK;
}

enum sr_error
unlock_remove_envelope(struct sealed *root, uint16_t number, size_t opened)
{
	size_t at = 0;

	while (at < root->count && root->envelopes[at].number != number)
		at++;
	if (at == root->count)
		return SR_NOT_FOUND;
	if (root->count == 1)
		return SR_LAST_ENVELOPE;
	if (at == opened)
		return SR_IN_HAND;
	if (root->set >= UINT16_MAX)
		return SR_SEALS_FULL;
	root->count--;
	memmove(&root->envelopes[at], &root->envelopes[at + 1],
	    (root->count - at) * sizeof(root->envelopes[0]));
	root->set++;
	return SR_OK;
}

enum sr_error
unlock_note_rehearsed(struct sealed *root, uint16_t number, size_t opened)
{
	struct sealed_envelope *envelope = &root->envelopes[opened];

	if (envelope->kind != SEALED_SHARES || envelope->number != number)
		return SR_NOT_FOUND;
	if (root->set >= UINT16_MAX)
		return SR_SEALS_FULL;
	envelope->rehearsed = true;
	root->set++;
	return SR_OK;
}

void
unlock_close(struct sealed *sealed, const uint8_t key[SEALED_SECRET_LEN],
    const uint8_t secret[SEALED_SECRET_LEN])
{
	SECRET_32(under);
	uint8_t nonce[AEAD_WRAP_NONCE_LEN], ad[SEALED_MAX_LEN];
	size_t ad_len = sealed_ad(sealed, ad);

	assert(sealed->version == SEALED_VERSION);
	randombytes_buf(nonce, sizeof(nonce));
	secret_key(sealed, key, under);
	aead_wrap(sealed->wrapped, under, nonce, ad, ad_len, secret,
	    SEALED_SECRET_LEN);
}
