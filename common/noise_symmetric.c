/* SPDX-License-Identifier: ISC */
/*
 * The symmetric state of Noise, under every pattern.  Must never go on after
 * a result of zeros or a tag that does not verify: it says so, and the
 * pattern wipes everything.
 */
#include "common/noise_symmetric.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/kdf.h"
#include "common/secret.h"

_Static_assert(NOISE_HASH_LEN == KDF_PRK_LEN, "HKDF's prk is a Noise hash");
_Static_assert(NOISE_TAG_LEN == AEAD_TAG_LEN, "the tag is the cipher's");

enum sr_error
noise_dh(uint8_t shared[NOISE_KEY_LEN],
    const uint8_t private_key[NOISE_KEY_LEN],
    const uint8_t public_key[NOISE_KEY_LEN])
{
	if (crypto_scalarmult_curve25519(shared, private_key, public_key) !=
	    0) {
		sodium_memzero(shared, NOISE_KEY_LEN);
		return SR_CRYPTO;
	}
	return SR_OK;
}

void
noise_public_key(
    uint8_t public_key[NOISE_KEY_LEN], const uint8_t private_key[NOISE_KEY_LEN])
{
	int result = crypto_scalarmult_curve25519_base(public_key, private_key);

	assert(result == 0);
}

void
noise_symmetric_mix_hash(
    struct noise_symmetric *s, const void *data, size_t len)
{
	const struct kdf_part parts[] = {
	    {s->hash, NOISE_HASH_LEN}, {data, len}};

	kdf_sha512_parts(s->hash, parts, 2);
}

void
noise_symmetric_init(struct noise_symmetric *s, const char *protocol_name,
    const void *prologue, size_t prologue_len)
{
	size_t name_len = strlen(protocol_name);

	memset(s, 0, sizeof(*s));
	if (name_len <= NOISE_HASH_LEN)
		memcpy(s->hash, protocol_name, name_len);
	else
		kdf_sha512(s->hash, protocol_name, name_len);
	memcpy(s->chaining_key, s->hash, NOISE_HASH_LEN);
	noise_symmetric_mix_hash(s, prologue, prologue_len);
}

static void
symmetric_set_key(struct noise_symmetric *s, const uint8_t key[NOISE_KEY_LEN])
{
	memcpy(s->key, key, NOISE_KEY_LEN);
	s->counter = 0;
	s->has_key = true;
}

/*
 * Noise's HKDF(chaining key, ikm) is HKDF with an empty info: the new chaining
 * key and one or two outputs are its blocks of 64 bytes.
 */
void
noise_symmetric_mix_key(
    struct noise_symmetric *s, const uint8_t ikm[NOISE_KEY_LEN])
{
	uint8_t outputs[2 * NOISE_HASH_LEN];
	SECRET_64(prk);

	kdf_extract(prk, s->chaining_key, NOISE_HASH_LEN, ikm, NOISE_KEY_LEN);
	kdf_expand(outputs, sizeof(outputs), prk, NULL, 0);
	memcpy(s->chaining_key, outputs, NOISE_HASH_LEN);
	symmetric_set_key(s, outputs + NOISE_HASH_LEN);
	sodium_memzero(outputs, sizeof(outputs));
}

void
noise_symmetric_mix_key_and_hash(
    struct noise_symmetric *s, const uint8_t ikm[NOISE_KEY_LEN])
{
	uint8_t outputs[3 * NOISE_HASH_LEN];
	SECRET_64(prk);

	kdf_extract(prk, s->chaining_key, NOISE_HASH_LEN, ikm, NOISE_KEY_LEN);
	kdf_expand(outputs, sizeof(outputs), prk, NULL, 0);
	memcpy(s->chaining_key, outputs, NOISE_HASH_LEN);
	noise_symmetric_mix_hash(s, outputs + NOISE_HASH_LEN, NOISE_HASH_LEN);
	symmetric_set_key(s, outputs + 2 * NOISE_HASH_LEN);
	sodium_memzero(outputs, sizeof(outputs));
}

void
noise_symmetric_encrypt(
    struct noise_symmetric *s, uint8_t *out, const void *plain, size_t len)
{
	assert(s->has_key);
	aead_seal(out, s->key, s->counter, s->hash, NOISE_HASH_LEN, plain, len);
	s->counter++;
	noise_symmetric_mix_hash(s, out, len + AEAD_TAG_LEN);
}

enum sr_error
noise_symmetric_decrypt(
    struct noise_symmetric *s, uint8_t *out, const void *sealed, size_t len)
{
	enum sr_error error;

	assert(s->has_key);
	error = aead_open(
	    out, s->key, s->counter, s->hash, NOISE_HASH_LEN, sealed, len);
	if (error != SR_OK)
		return error;
	s->counter++;
	noise_symmetric_mix_hash(s, sealed, len);
	return SR_OK;
}

void
noise_symmetric_split(const struct noise_symmetric *s,
    uint8_t k1[NOISE_KEY_LEN], uint8_t k2[NOISE_KEY_LEN])
{
	uint8_t outputs[2 * NOISE_HASH_LEN];
	SECRET_64(prk);

	kdf_extract(prk, s->chaining_key, NOISE_HASH_LEN, NULL, 0);
	kdf_expand(outputs, sizeof(outputs), prk, NULL, 0);
	memcpy(k1, outputs, NOISE_KEY_LEN);
	memcpy(k2, outputs + NOISE_HASH_LEN, NOISE_KEY_LEN);
	sodium_memzero(outputs, sizeof(outputs));
}

enum sr_error
noise_symmetric_mix_dh(struct noise_symmetric *s,
    const uint8_t private_key[NOISE_KEY_LEN],
    const uint8_t public_key[NOISE_KEY_LEN])
{
	enum sr_error error;
	SECRET_32(shared);

	error = noise_dh(shared, private_key, public_key);
	if (error == SR_OK)
		noise_symmetric_mix_key(s, shared);
	return error;
}
