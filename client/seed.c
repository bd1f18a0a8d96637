/* SPDX-License-Identifier: ISC */
/* The account seed and what comes out of it. */
#include "client/seed.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/kdf.h"
#include "common/noise.h"
#include "common/secret.h"

enum {
	WRAP_AD_MAX = PAYLOAD_NAME_MAX + BANK_ID_LEN,
};

_Static_assert(WRAPPED_SEED_LEN == SEED_LEN + AEAD_TAG_LEN, "");

static size_t
wrap_ad(const char *name, const uint8_t bank_id[BANK_ID_LEN],
    uint8_t out[WRAP_AD_MAX])
{
	struct writer w = writer_to(out, WRAP_AD_MAX);

	writer_bytes(&w, name, strlen(name));
	writer_bytes(&w, bank_id, BANK_ID_LEN);
	assert(!w.bad);
	return writer_len(&w);
}

void
seed_wrap(const uint8_t seed[SEED_LEN],
    const uint8_t export_key[OPAQUE_EXPORT_KEY_LEN], const char *name,
    const uint8_t bank_id[BANK_ID_LEN], uint8_t out[WRAPPED_SEED_LEN])
{
	uint8_t ad[WRAP_AD_MAX];
	size_t ad_len = wrap_ad(name, bank_id, ad);
	SECRET_32(key);

	kdf_expand_label(key, sizeof(key), export_key, OPAQUE_EXPORT_KEY_LEN,
	    "wrap", NULL, 0);
	aead_seal(out, key, 0, ad, ad_len, seed, SEED_LEN);
}

enum sr_error
seed_unwrap(const uint8_t wrapped[WRAPPED_SEED_LEN],
    const uint8_t export_key[OPAQUE_EXPORT_KEY_LEN], const char *name,
    const uint8_t bank_id[BANK_ID_LEN], uint8_t out[SEED_LEN])
{
	uint8_t ad[WRAP_AD_MAX];
	size_t ad_len = wrap_ad(name, bank_id, ad);
	SECRET_32(key);

	kdf_expand_label(key, sizeof(key), export_key, OPAQUE_EXPORT_KEY_LEN,
	    "wrap", NULL, 0);
	return aead_open(out, key, 0, ad, ad_len, wrapped, WRAPPED_SEED_LEN);
}

void
seed_keys_derive(
    const uint8_t seed[SEED_LEN], uint32_t key_epoch, struct seed_keys *out)
{
	uint8_t epoch[4];
	struct writer w = writer_to(epoch, sizeof(epoch));
	SECRET_32(signing_seed);
	int rc;

	writer_u32(&w, key_epoch);
	kdf_expand_label(signing_seed, sizeof(signing_seed), seed, SEED_LEN,
	    "ed25519", epoch, sizeof(epoch));
	rc = crypto_sign_seed_keypair(
	    out->signing_public, out->signing_secret, signing_seed);
	assert(rc == 0);
	kdf_expand_label(out->message_private, sizeof(out->message_private),
	    seed, SEED_LEN, "x25519", epoch, sizeof(epoch));
	noise_public_key(out->message_public, out->message_private);
	kdf_expand_label(out->file_root, sizeof(out->file_root), seed, SEED_LEN,
	    "file", NULL, 0);
}
