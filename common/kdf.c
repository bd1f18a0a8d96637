/* SPDX-License-Identifier: ISC */
/*
 * HKDF-SHA512 and the hashes under it.  libsodium 1.0.18 has HMAC but no HKDF,
 * so extract and expand stand here.  Must never keep a copy of a key.
 */
#include "common/kdf.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

/* libsodium's hashes return an int that is documented to be 0. */
static void
kdf_must(int result)
{
	assert(result == 0);
}

void
kdf_sha256(uint8_t out[KDF_SHA256_LEN], const void *bytes, size_t len)
{
	kdf_must(crypto_hash_sha256(out, bytes, len));
}

void
kdf_sha512(uint8_t out[KDF_SHA512_LEN], const void *bytes, size_t len)
{
	kdf_must(crypto_hash_sha512(out, bytes, len));
}

void
kdf_sha512_parts(
    uint8_t out[KDF_SHA512_LEN], const struct kdf_part *parts, size_t count)
{
	crypto_hash_sha512_state hash;

	kdf_must(crypto_hash_sha512_init(&hash));
	for (size_t i = 0; i < count; i++)
		kdf_must(crypto_hash_sha512_update(
		    &hash, parts[i].bytes, parts[i].len));
	kdf_must(crypto_hash_sha512_final(&hash, out));
	sodium_memzero(&hash, sizeof(hash));
}

/* libsodium wants no NULL, not even for a key of no bytes. */
static const uint8_t none[1];

void
kdf_hmac_sha256(uint8_t out[KDF_SHA256_LEN], const void *key, size_t key_len,
    const void *bytes, size_t len)
{
	crypto_auth_hmacsha256_state mac;

	kdf_must(crypto_auth_hmacsha256_init(
	    &mac, key_len > 0 ? key : none, key_len));
	kdf_must(crypto_auth_hmacsha256_update(&mac, bytes, len));
	kdf_must(crypto_auth_hmacsha256_final(&mac, out));
	sodium_memzero(&mac, sizeof(mac));
}

void
kdf_hmac_sha512_parts(uint8_t out[KDF_SHA512_LEN], const void *key,
    size_t key_len, const struct kdf_part *parts, size_t count)
{
	crypto_auth_hmacsha512_state mac;

	kdf_must(crypto_auth_hmacsha512_init(
	    &mac, key_len > 0 ? key : none, key_len));
	for (size_t i = 0; i < count; i++)
		kdf_must(crypto_auth_hmacsha512_update(
		    &mac, parts[i].bytes, parts[i].len));
	kdf_must(crypto_auth_hmacsha512_final(&mac, out));
	sodium_memzero(&mac, sizeof(mac));
}

void
kdf_hmac_sha512(uint8_t out[KDF_SHA512_LEN], const void *key, size_t key_len,
    const void *bytes, size_t len)
{
	const struct kdf_part part = {bytes, len};

	kdf_hmac_sha512_parts(out, key, key_len, &part, 1);
}

void
kdf_extract(uint8_t prk[KDF_PRK_LEN], const void *salt, size_t salt_len,
    const void *ikm, size_t ikm_len)
{
	kdf_hmac_sha512(prk, salt, salt_len, ikm, ikm_len);
}

void
kdf_expand_parts(uint8_t *out, size_t len, const void *key, size_t key_len,
    const struct kdf_part *info, size_t count)
{
	crypto_auth_hmacsha512_state keyed;
	crypto_auth_hmacsha512_state mac;
	uint8_t block[KDF_SHA512_LEN];
	uint8_t number = 0;

	assert(len <= KDF_EXPAND_MAX);
	kdf_must(crypto_auth_hmacsha512_init(&keyed, key, key_len));
	for (size_t done = 0; done < len;) {
		size_t take = len - done;

		mac = keyed;
		if (number > 0)
			kdf_must(crypto_auth_hmacsha512_update(
			    &mac, block, sizeof(block)));
		for (size_t i = 0; i < count; i++)
			kdf_must(crypto_auth_hmacsha512_update(
			    &mac, info[i].bytes, info[i].len));
		number++;
		kdf_must(crypto_auth_hmacsha512_update(&mac, &number, 1));
		kdf_must(crypto_auth_hmacsha512_final(&mac, block));
		if (take > sizeof(block))
			take = sizeof(block);
		memcpy(out + done, block, take);
		done += take;
	}
	sodium_memzero(&keyed, sizeof(keyed));
	sodium_memzero(&mac, sizeof(mac));
	sodium_memzero(block, sizeof(block));
}

void
kdf_expand(uint8_t *out, size_t len, const uint8_t prk[KDF_PRK_LEN],
    const void *info, size_t info_len)
{
	const struct kdf_part part = {info, info_len};

	kdf_expand_parts(out, len, prk, KDF_PRK_LEN, &part, 1);
}

void
kdf_expand_label(uint8_t *out, size_t len, const void *key, size_t key_len,
    const char *label, const void *context, size_t context_len)
{
	const struct kdf_part info[] = {
	    {KDF_LABEL_PREFIX, sizeof(KDF_LABEL_PREFIX) - 1},
	    {label, strlen(label)},
	    {context, context_len},
	};

	assert(key_len == 32 || key_len == 64);
	kdf_expand_parts(out, len, key, key_len, info, 3);
}
