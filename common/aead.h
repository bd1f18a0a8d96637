/* SPDX-License-Identifier: ISC */
#ifndef COMMON_AEAD_H
#define COMMON_AEAD_H
/*
 * Authenticated encryption in the two forms the bank uses:
 *
 * seal/open   ChaCha20-Poly1305 (RFC 8439) under a nonce of 4 zero bytes and
 *             a little-endian 64-bit counter, as Noise lays it out.  The
 *             counter never travels: both ends count.
 * wrap/unwrap XChaCha20-Poly1305 with a random nonce that travels in front:
 *             nonce 24 | ciphertext | tag 16.  For everything that is stored.
 *
 * Security: nothing of a plaintext is given out before its tag has verified;
 * on failure the output is zeros.  A counter must not be used twice under one
 * key.  In and out may be the same address (open: out == sealed), wrap and
 * unwrap must not overlap.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define AEAD_KEY_LEN 32
#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN 16
#define AEAD_WRAP_NONCE_LEN 24
#define AEAD_WRAP_OVERHEAD (AEAD_WRAP_NONCE_LEN + AEAD_TAG_LEN)

/* The nonce of a counter: 4 zero bytes | counter, little-endian. */
void aead_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t counter);

/*
 * Writes plain_len + AEAD_TAG_LEN bytes to out.  The counter is less than
 * UINT64_MAX (Noise reserves that one): asserted.
 */
void aead_seal(uint8_t *out, const uint8_t key[AEAD_KEY_LEN], uint64_t counter,
    const void *ad, size_t ad_len, const void *plain, size_t plain_len);

/*
 * Writes sealed_len - AEAD_TAG_LEN bytes to out.  SR_CRYPTO when the tag does
 * not verify or sealed is shorter than a tag.
 */
enum sr_error aead_open(uint8_t *out, const uint8_t key[AEAD_KEY_LEN],
    uint64_t counter, const void *ad, size_t ad_len, const void *sealed,
    size_t sealed_len);

/*
 * Writes plain_len + AEAD_WRAP_OVERHEAD bytes to out.  nonce: 24 fresh random
 * bytes, drawn by the caller.
 */
void aead_wrap(uint8_t *out, const uint8_t key[AEAD_KEY_LEN],
    const uint8_t nonce[AEAD_WRAP_NONCE_LEN], const void *ad, size_t ad_len,
    const void *plain, size_t plain_len);

/*
 * Writes wrapped_len - AEAD_WRAP_OVERHEAD bytes to out.  SR_CRYPTO when the
 * tag does not verify or wrapped is too short.
 */
enum sr_error aead_unwrap(uint8_t *out, const uint8_t key[AEAD_KEY_LEN],
    const void *ad, size_t ad_len, const void *wrapped, size_t wrapped_len);

#endif
