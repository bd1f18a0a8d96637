/* SPDX-License-Identifier: ISC */
/*
 * OPRF(ristretto255, SHA-512) in mode 0.  libsodium gives the group; hashing
 * to it is done here as RFC 9380 and RFC 9497 lay it down.  Must never answer
 * for an element that did not decode.
 */
#include "common/oprf.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/kdf.h"
#include "common/secret.h"

/* contextString of RFC 9497, 3.1: mode 0 and the suite's identifier. */
#define OPRF_CONTEXT "OPRFV1-\0-ristretto255-SHA512"
#define OPRF_DST(what) what OPRF_CONTEXT
#define OPRF_LITERAL_LEN(literal) (sizeof(literal) - 1)

#define OPRF_BLOCK_LEN 128
#define OPRF_EXPAND_BLOCKS_MAX 255

static void
oprf_u16(uint8_t out[2], size_t v)
{
	assert(v <= UINT16_MAX);
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

void
oprf_expand_message(uint8_t *out, size_t len, const void *message,
    size_t message_len, const void *dst, size_t dst_len)
{
	static const uint8_t pad[OPRF_BLOCK_LEN];
	const uint8_t dst_size = (uint8_t)dst_len;
	const uint8_t zero = 0;
	uint8_t out_size[2];
	uint8_t number = 0;
	SECRET_64(b0);
	SECRET_64(block);
	const struct kdf_part first[] = {
	    {pad, sizeof(pad)},
	    {message, message_len},
	    {out_size, sizeof(out_size)},
	    {&zero, 1},
	    {dst, dst_len},
	    {&dst_size, 1},
	};
	const struct kdf_part next[] = {
	    {block, sizeof(block)},
	    {&number, 1},
	    {dst, dst_len},
	    {&dst_size, 1},
	};

	assert(len <= OPRF_EXPAND_BLOCKS_MAX * sizeof(block));
	assert(dst_len <= UINT8_MAX);
	oprf_u16(out_size, len);
	kdf_sha512_parts(b0, first, 6);
	for (size_t done = 0; done < len;) {
		size_t take = len - done;

		for (size_t i = 0; i < sizeof(block); i++)
			block[i] ^= b0[i];
		number++;
		kdf_sha512_parts(block, next, 4);
		if (take > sizeof(block))
			take = sizeof(block);
		memcpy(out + done, block, take);
		done += take;
	}
}

void
oprf_hash_to_group(
    uint8_t element[OPRF_ELEMENT_LEN], const void *input, size_t input_len)
{
	static const char dst[] = OPRF_DST("HashToGroup-");
	int result;
	SECRET_64(uniform);

	oprf_expand_message(uniform, sizeof(uniform), input, input_len, dst,
	    OPRF_LITERAL_LEN(dst));
	result = crypto_core_ristretto255_from_hash(element, uniform);
	assert(result == 0);
}

void
oprf_scalar(uint8_t scalar[OPRF_SCALAR_LEN], const uint8_t wide[OPRF_WIDE_LEN])
{
	crypto_core_ristretto255_scalar_reduce(scalar, wide);
}

enum sr_error
oprf_derive_key_pair(uint8_t private_key[OPRF_SCALAR_LEN],
    uint8_t public_key[OPRF_ELEMENT_LEN], const uint8_t seed[OPRF_SEED_LEN],
    const void *info, size_t info_len)
{
	static const char dst[] = OPRF_DST("DeriveKeyPair");
	uint8_t info_size[2];
	uint8_t input[OPRF_SEED_LEN + 2 + UINT8_MAX + 1];
	size_t input_len = OPRF_SEED_LEN + 2 + info_len + 1;
	enum sr_error error = SR_CRYPTO;
	SECRET_64(uniform);

	assert(info_len <= UINT8_MAX);
	oprf_u16(info_size, info_len);
	memcpy(input, seed, OPRF_SEED_LEN);
	memcpy(input + OPRF_SEED_LEN, info_size, 2);
	if (info_len > 0)
		memcpy(input + OPRF_SEED_LEN + 2, info, info_len);
	/* A scalar of 0 has a probability of 2^-252; the RFC counts on. */
	for (unsigned counter = 0; counter <= UINT8_MAX; counter++) {
		input[input_len - 1] = (uint8_t)counter;
		oprf_expand_message(uniform, sizeof(uniform), input, input_len,
		    dst, OPRF_LITERAL_LEN(dst));
		oprf_scalar(private_key, uniform);
		if (sodium_is_zero(private_key, OPRF_SCALAR_LEN))
			continue;
		error = SR_OK;
		break;
	}
	if (error == SR_OK && public_key != NULL &&
	    crypto_scalarmult_ristretto255_base(public_key, private_key) != 0)
		error = SR_CRYPTO;
	sodium_memzero(input, sizeof(input));
	return error;
}

enum sr_error
oprf_multiply(uint8_t out[OPRF_ELEMENT_LEN],
    const uint8_t scalar[OPRF_SCALAR_LEN],
    const uint8_t element[OPRF_ELEMENT_LEN])
{
	/* libsodium refuses what does not decode and a result of identity. */
	if (crypto_scalarmult_ristretto255(out, scalar, element) != 0) {
		sodium_memzero(out, OPRF_ELEMENT_LEN);
		return SR_CRYPTO;
	}
	return SR_OK;
}

enum sr_error
oprf_blind(uint8_t blinded[OPRF_ELEMENT_LEN], const void *input,
    size_t input_len, const uint8_t blind[OPRF_SCALAR_LEN])
{
	SECRET_32(element);

	oprf_hash_to_group(element, input, input_len);
	return oprf_multiply(blinded, blind, element);
}

enum sr_error
oprf_evaluate(uint8_t evaluated[OPRF_ELEMENT_LEN],
    const uint8_t private_key[OPRF_SCALAR_LEN],
    const uint8_t blinded[OPRF_ELEMENT_LEN])
{
	return oprf_multiply(evaluated, private_key, blinded);
}

enum sr_error
oprf_finalize(uint8_t output[OPRF_OUTPUT_LEN], const void *input,
    size_t input_len, const uint8_t blind[OPRF_SCALAR_LEN],
    const uint8_t evaluated[OPRF_ELEMENT_LEN])
{
	static const char label[] = "Finalize";
	uint8_t input_size[2];
	uint8_t element_size[2];
	SECRET_32(inverse);
	SECRET_32(element);
	const struct kdf_part parts[] = {
	    {input_size, sizeof(input_size)},
	    {input, input_len},
	    {element_size, sizeof(element_size)},
	    {element, sizeof(element)},
	    {label, OPRF_LITERAL_LEN(label)},
	};

	if (crypto_core_ristretto255_scalar_invert(inverse, blind) != 0 ||
	    oprf_multiply(element, inverse, evaluated) != SR_OK) {
		sodium_memzero(output, OPRF_OUTPUT_LEN);
		return SR_CRYPTO;
	}
	oprf_u16(input_size, input_len);
	oprf_u16(element_size, sizeof(element));
	kdf_sha512_parts(output, parts, 5);
	return SR_OK;
}
