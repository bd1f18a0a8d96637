/* SPDX-License-Identifier: ISC */
/*
 * The two forms of authenticated encryption, on libsodium.  Must never give
 * out a byte of a plaintext that did not verify.
 */
#include "common/aead.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"

void
aead_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t counter)
{
	struct writer w = writer_to(nonce, AEAD_NONCE_LEN);

	writer_zeros(&w, AEAD_NONCE_LEN - sizeof(counter));
	writer_u64(&w, counter);
}

void
aead_seal(uint8_t *out, const uint8_t key[AEAD_KEY_LEN], uint64_t counter,
    const void *ad, size_t ad_len, const void *plain, size_t plain_len)
{
	uint8_t nonce[AEAD_NONCE_LEN];
	int result;

	assert(counter < UINT64_MAX);
	aead_nonce(nonce, counter);
	result = crypto_aead_chacha20poly1305_ietf_encrypt(
	    out, NULL, plain, plain_len, ad, ad_len, NULL, nonce, key);
	assert(result == 0);
}

enum sr_error
aead_open(uint8_t *out, const uint8_t key[AEAD_KEY_LEN], uint64_t counter,
    const void *ad, size_t ad_len, const void *sealed, size_t sealed_len)
{
	uint8_t nonce[AEAD_NONCE_LEN];

	if (sealed_len < AEAD_TAG_LEN || counter == UINT64_MAX)
		return SR_CRYPTO;
	aead_nonce(nonce, counter);
	if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed,
		sealed_len, ad, ad_len, nonce, key) != 0) {
		sodium_memzero(out, sealed_len - AEAD_TAG_LEN);
		return SR_CRYPTO;
	}
	return SR_OK;
}

void
aead_wrap(uint8_t *out, const uint8_t key[AEAD_KEY_LEN],
    const uint8_t nonce[AEAD_WRAP_NONCE_LEN], const void *ad, size_t ad_len,
    const void *plain, size_t plain_len)
{
	int result;

	memcpy(out, nonce, AEAD_WRAP_NONCE_LEN);
	result = crypto_aead_xchacha20poly1305_ietf_encrypt(
	    out + AEAD_WRAP_NONCE_LEN, NULL, plain, plain_len, ad, ad_len, NULL,
	    nonce, key);
	assert(result == 0);
}

enum sr_error
aead_unwrap(uint8_t *out, const uint8_t key[AEAD_KEY_LEN], const void *ad,
    size_t ad_len, const void *wrapped, size_t wrapped_len)
{
	const uint8_t *nonce = wrapped;

	if (wrapped_len < AEAD_WRAP_OVERHEAD)
		return SR_CRYPTO;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		nonce + AEAD_WRAP_NONCE_LEN, wrapped_len - AEAD_WRAP_NONCE_LEN,
		ad, ad_len, nonce, key) != 0) {
		sodium_memzero(out, wrapped_len - AEAD_WRAP_OVERHEAD);
		return SR_CRYPTO;
	}
	return SR_OK;
}
