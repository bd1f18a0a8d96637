/* SPDX-License-Identifier: ISC */
#ifndef COMMON_KDF_H
#define COMMON_KDF_H
/*
 * Hashes and key derivation: SHA-256, SHA-512, HMAC (RFC 2104) and
 * HKDF-SHA512 (RFC 5869), on libsodium's hashes.  Nothing here fails: sizes
 * out of range are errors of the program and end it by assert.  A NULL
 * pointer is allowed where its length is 0.
 *
 * Security: intermediate values are wiped; outputs belong to the caller.
 */
#include <stddef.h>
#include <stdint.h>

#define KDF_SHA256_LEN 32
#define KDF_SHA512_LEN 64
#define KDF_PRK_LEN 64
#define KDF_EXPAND_MAX (255 * KDF_SHA512_LEN)

/* One piece of a concatenation, so that callers need not copy it together. */
struct kdf_part {
	const void *bytes;
	size_t len;
};

/* What every label starts with (strongroom-protocol(7), "Keys"). */
#define KDF_LABEL_PREFIX "strongroom/1 "

void kdf_sha256(uint8_t out[KDF_SHA256_LEN], const void *bytes, size_t len);
void kdf_sha512(uint8_t out[KDF_SHA512_LEN], const void *bytes, size_t len);

/* HMAC (RFC 2104) with a key of any length. */
void kdf_hmac_sha256(uint8_t out[KDF_SHA256_LEN], const void *key,
    size_t key_len, const void *bytes, size_t len);
void kdf_hmac_sha512(uint8_t out[KDF_SHA512_LEN], const void *key,
    size_t key_len, const void *bytes, size_t len);

/* The same over the concatenation of count parts. */
void kdf_sha512_parts(
    uint8_t out[KDF_SHA512_LEN], const struct kdf_part *parts, size_t count);
void kdf_hmac_sha512_parts(uint8_t out[KDF_SHA512_LEN], const void *key,
    size_t key_len, const struct kdf_part *parts, size_t count);

/* HKDF-Extract (RFC 5869, 2.2).  No salt is salt_len 0. */
void kdf_extract(uint8_t prk[KDF_PRK_LEN], const void *salt, size_t salt_len,
    const void *ikm, size_t ikm_len);

/*
 * HKDF-Expand (RFC 5869, 2.3): len bytes, at most KDF_EXPAND_MAX.  out must
 * not overlap an input.
 */
void kdf_expand(uint8_t *out, size_t len, const uint8_t prk[KDF_PRK_LEN],
    const void *info, size_t info_len);

/*
 * HKDF-Expand with a key of another length than a prk's, and info as the
 * concatenation of count parts.
 */
void kdf_expand_parts(uint8_t *out, size_t len, const void *key, size_t key_len,
    const struct kdf_part *info, size_t count);

/*
 * HKDF-Expand with info = "strongroom/1 " | label | context.  The key has
 * 32 bytes (a root secret, a seed) or 64 (a prk, an export key).
 */
void kdf_expand_label(uint8_t *out, size_t len, const void *key, size_t key_len,
    const char *label, const void *context, size_t context_len);

#endif
