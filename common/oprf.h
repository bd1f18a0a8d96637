/* SPDX-License-Identifier: ISC */
#ifndef COMMON_OPRF_H
#define COMMON_OPRF_H
/*
 * The oblivious pseudorandom function OPRF(ristretto255, SHA-512), mode 0
 * (RFC 9497), and the expansion it hashes with (RFC 9380, 5.3.1).
 *
 * Security: blinds are drawn by the caller and used once.  Elements that do
 * not decode, or are the identity, are refused: SR_CRYPTO.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define OPRF_ELEMENT_LEN 32
#define OPRF_SCALAR_LEN 32
#define OPRF_WIDE_LEN 64
#define OPRF_SEED_LEN 32
#define OPRF_OUTPUT_LEN 64

/*
 * expand_message_xmd with SHA-512 (RFC 9380, 5.3.1).  len at most 255 * 64,
 * dst_len at most 255: asserted.
 */
void oprf_expand_message(uint8_t *out, size_t len, const void *message,
    size_t message_len, const void *dst, size_t dst_len);

/* HashToGroup of RFC 9497, 4.1. */
void oprf_hash_to_group(
    uint8_t element[OPRF_ELEMENT_LEN], const void *input, size_t input_len);

/* A uniform scalar out of 64 random bytes, for a blind. */
void oprf_scalar(
    uint8_t scalar[OPRF_SCALAR_LEN], const uint8_t wide[OPRF_WIDE_LEN]);

/*
 * DeriveKeyPair (RFC 9497, 3.2.1).  info_len at most 255: asserted.  Where
 * only the private key is wanted, public_key is NULL, which saves time.
 */
enum sr_error oprf_derive_key_pair(uint8_t private_key[OPRF_SCALAR_LEN],
    uint8_t public_key[OPRF_ELEMENT_LEN], const uint8_t seed[OPRF_SEED_LEN],
    const void *info, size_t info_len);

/* Blind (3.3.1): client.  input_len at most 65535. */
enum sr_error oprf_blind(uint8_t blinded[OPRF_ELEMENT_LEN], const void *input,
    size_t input_len, const uint8_t blind[OPRF_SCALAR_LEN]);

/* BlindEvaluate (3.3.1): server. */
enum sr_error oprf_evaluate(uint8_t evaluated[OPRF_ELEMENT_LEN],
    const uint8_t private_key[OPRF_SCALAR_LEN],
    const uint8_t blinded[OPRF_ELEMENT_LEN]);

/* Finalize (3.3.1): client. */
enum sr_error oprf_finalize(uint8_t output[OPRF_OUTPUT_LEN], const void *input,
    size_t input_len, const uint8_t blind[OPRF_SCALAR_LEN],
    const uint8_t evaluated[OPRF_ELEMENT_LEN]);

/* scalar * element; SR_CRYPTO if that does not decode or gives the identity. */
enum sr_error oprf_multiply(uint8_t out[OPRF_ELEMENT_LEN],
    const uint8_t scalar[OPRF_SCALAR_LEN],
    const uint8_t element[OPRF_ELEMENT_LEN]);

#endif
