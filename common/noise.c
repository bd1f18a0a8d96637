/* SPDX-License-Identifier: ISC */
/*
 * Noise NKpsk0: the symmetric state first, the pattern on top of it.  Must
 * never go on after a failure: whatever fails wipes the state.
 */
#include "common/noise.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/kdf.h"
#include "common/secret.h"

#define NOISE_NKPSK0_NAME "Noise_NKpsk0_25519_ChaChaPoly_SHA512"

_Static_assert(NOISE_HASH_LEN == KDF_PRK_LEN, "HKDF's prk is a Noise hash");
_Static_assert(
    NOISE_OVERHEAD == NOISE_KEY_LEN + AEAD_TAG_LEN, "a key and a tag");

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

/* ---- the symmetric state (5.1, 5.2) ------------------------------------ */

static void
symmetric_mix_hash(struct noise_symmetric *s, const void *data, size_t len)
{
	const struct kdf_part parts[] = {
	    {s->hash, NOISE_HASH_LEN}, {data, len}};

	kdf_sha512_parts(s->hash, parts, 2);
}

/* InitializeSymmetric, and the prologue, which every pattern mixes next. */
static void
symmetric_init(struct noise_symmetric *s, const char *protocol_name,
    const void *prologue, size_t prologue_len)
{
	size_t name_len = strlen(protocol_name);

	memset(s, 0, sizeof(*s));
	if (name_len <= NOISE_HASH_LEN)
		memcpy(s->hash, protocol_name, name_len);
	else
		kdf_sha512(s->hash, protocol_name, name_len);
	memcpy(s->chaining_key, s->hash, NOISE_HASH_LEN);
	symmetric_mix_hash(s, prologue, prologue_len);
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
static void
symmetric_mix_key(struct noise_symmetric *s, const uint8_t ikm[NOISE_KEY_LEN])
{
	uint8_t outputs[2 * NOISE_HASH_LEN];
	SECRET_64(prk);

	kdf_extract(prk, s->chaining_key, NOISE_HASH_LEN, ikm, NOISE_KEY_LEN);
	kdf_expand(outputs, sizeof(outputs), prk, NULL, 0);
	memcpy(s->chaining_key, outputs, NOISE_HASH_LEN);
	symmetric_set_key(s, outputs + NOISE_HASH_LEN);
	sodium_memzero(outputs, sizeof(outputs));
}

static void
symmetric_mix_key_and_hash(
    struct noise_symmetric *s, const uint8_t ikm[NOISE_KEY_LEN])
{
	uint8_t outputs[3 * NOISE_HASH_LEN];
	SECRET_64(prk);

	kdf_extract(prk, s->chaining_key, NOISE_HASH_LEN, ikm, NOISE_KEY_LEN);
	kdf_expand(outputs, sizeof(outputs), prk, NULL, 0);
	memcpy(s->chaining_key, outputs, NOISE_HASH_LEN);
	symmetric_mix_hash(s, outputs + NOISE_HASH_LEN, NOISE_HASH_LEN);
	symmetric_set_key(s, outputs + 2 * NOISE_HASH_LEN);
	sodium_memzero(outputs, sizeof(outputs));
}

/* Every pattern of ours has a key before its first payload. */
static void
symmetric_encrypt(
    struct noise_symmetric *s, uint8_t *out, const void *plain, size_t len)
{
	assert(s->has_key);
	aead_seal(out, s->key, s->counter, s->hash, NOISE_HASH_LEN, plain, len);
	s->counter++;
	symmetric_mix_hash(s, out, len + AEAD_TAG_LEN);
}

static enum sr_error
symmetric_decrypt(
    struct noise_symmetric *s, uint8_t *out, const void *sealed, size_t len)
{
	enum sr_error error;

	assert(s->has_key);
	error = aead_open(
	    out, s->key, s->counter, s->hash, NOISE_HASH_LEN, sealed, len);
	if (error != SR_OK)
		return error;
	s->counter++;
	symmetric_mix_hash(s, sealed, len);
	return SR_OK;
}

static void
symmetric_split(const struct noise_symmetric *s, uint8_t k1[NOISE_KEY_LEN],
    uint8_t k2[NOISE_KEY_LEN])
{
	uint8_t outputs[2 * NOISE_HASH_LEN];
	SECRET_64(prk);

	kdf_extract(prk, s->chaining_key, NOISE_HASH_LEN, NULL, 0);
	kdf_expand(outputs, sizeof(outputs), prk, NULL, 0);
	memcpy(k1, outputs, NOISE_KEY_LEN);
	memcpy(k2, outputs + NOISE_HASH_LEN, NOISE_KEY_LEN);
	sodium_memzero(outputs, sizeof(outputs));
}

/* ---- tokens ------------------------------------------------------------ */

/* e: with a psk in the pattern, an ephemeral key is also mixed as key (9.2). */
static void
token_e(
    struct noise_symmetric *s, const uint8_t ephemeral_public[NOISE_KEY_LEN])
{
	symmetric_mix_hash(s, ephemeral_public, NOISE_KEY_LEN);
	symmetric_mix_key(s, ephemeral_public);
}

/* ee, es, se, ss: which keys these are, the pattern knows. */
static enum sr_error
token_dh(struct noise_symmetric *s, const uint8_t private_key[NOISE_KEY_LEN],
    const uint8_t public_key[NOISE_KEY_LEN])
{
	enum sr_error error;
	SECRET_32(shared);

	error = noise_dh(shared, private_key, public_key);
	if (error == SR_OK)
		symmetric_mix_key(s, shared);
	return error;
}

/* ---- the pattern NKpsk0 ------------------------------------------------ */

static void
state_init(struct noise_state *state, enum noise_phase phase,
    const void *prologue, size_t prologue_len,
    const uint8_t server_public[NOISE_KEY_LEN],
    const uint8_t static_key[NOISE_KEY_LEN], const uint8_t psk[NOISE_KEY_LEN])
{
	memset(state, 0, sizeof(*state));
	symmetric_init(
	    &state->symmetric, NOISE_NKPSK0_NAME, prologue, prologue_len);
	symmetric_mix_hash(&state->symmetric, server_public, NOISE_KEY_LEN);
	memcpy(state->static_key, static_key, NOISE_KEY_LEN);
	memcpy(state->psk, psk, NOISE_KEY_LEN);
	state->phase = phase;
}

void
noise_init_initiator(struct noise_state *state, const void *prologue,
    size_t prologue_len, const uint8_t server_public[NOISE_KEY_LEN],
    const uint8_t psk[NOISE_KEY_LEN])
{
	state_init(state, NOISE_WRITE_M1, prologue, prologue_len, server_public,
	    server_public, psk);
}

void
noise_init_responder(struct noise_state *state, const void *prologue,
    size_t prologue_len, const uint8_t server_private[NOISE_KEY_LEN],
    const uint8_t server_public[NOISE_KEY_LEN],
    const uint8_t psk[NOISE_KEY_LEN])
{
	state_init(state, NOISE_READ_M1, prologue, prologue_len, server_public,
	    server_private, psk);
}

static enum sr_error
state_fail(struct noise_state *state, enum sr_error error)
{
	noise_wipe(state);
	return error;
}

/* Both messages end in "token, DH, payload"; only the DH's keys differ. */
static enum sr_error
state_write(struct noise_state *state, const uint8_t private_key[NOISE_KEY_LEN],
    const uint8_t public_key[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out, enum noise_phase next)
{
	struct noise_symmetric *s = &state->symmetric;
	enum sr_error error;

	if (payload_len > NOISE_MESSAGE_MAX - NOISE_OVERHEAD)
		return state_fail(state, SR_TOO_LARGE);
	noise_public_key(out, state->ephemeral_private);
	token_e(s, out);
	error = token_dh(s, private_key, public_key);
	if (error != SR_OK) {
		sodium_memzero(out, NOISE_KEY_LEN);
		return state_fail(state, error);
	}
	symmetric_encrypt(s, out + NOISE_KEY_LEN, payload, payload_len);
	state->phase = next;
	return SR_OK;
}

static enum sr_error
state_read(struct noise_state *state, const uint8_t private_key[NOISE_KEY_LEN],
    const void *message, size_t message_len, uint8_t *payload,
    enum noise_phase next)
{
	struct noise_symmetric *s = &state->symmetric;
	const uint8_t *bytes = message;
	enum sr_error error;

	if (message_len < NOISE_OVERHEAD || message_len > NOISE_MESSAGE_MAX)
		return state_fail(state, SR_MALFORMED);
	memcpy(state->peer_ephemeral, bytes, NOISE_KEY_LEN);
	token_e(s, state->peer_ephemeral);
	error = token_dh(s, private_key, state->peer_ephemeral);
	if (error == SR_OK)
		error = symmetric_decrypt(s, payload, bytes + NOISE_KEY_LEN,
		    message_len - NOISE_KEY_LEN);
	if (error != SR_OK) {
		sodium_memzero(payload, message_len - NOISE_OVERHEAD);
		return state_fail(state, error);
	}
	state->phase = next;
	return SR_OK;
}

enum sr_error
noise_write_m1(struct noise_state *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out)
{
	if (state->phase != NOISE_WRITE_M1)
		return state_fail(state, SR_INTERNAL);
	memcpy(state->ephemeral_private, ephemeral_private, NOISE_KEY_LEN);
	symmetric_mix_key_and_hash(&state->symmetric, state->psk);
	return state_write(state, state->ephemeral_private, state->static_key,
	    payload, payload_len, out, NOISE_READ_M2);
}

enum sr_error
noise_read_m1(struct noise_state *state, const void *message,
    size_t message_len, uint8_t *payload)
{
	if (state->phase != NOISE_READ_M1)
		return state_fail(state, SR_INTERNAL);
	symmetric_mix_key_and_hash(&state->symmetric, state->psk);
	return state_read(state, state->static_key, message, message_len,
	    payload, NOISE_WRITE_M2);
}

enum sr_error
noise_write_m2(struct noise_state *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out)
{
	if (state->phase != NOISE_WRITE_M2)
		return state_fail(state, SR_INTERNAL);
	memcpy(state->ephemeral_private, ephemeral_private, NOISE_KEY_LEN);
	return state_write(state, state->ephemeral_private,
	    state->peer_ephemeral, payload, payload_len, out, NOISE_SPLIT);
}

enum sr_error
noise_read_m2(struct noise_state *state, const void *message,
    size_t message_len, uint8_t *payload)
{
	if (state->phase != NOISE_READ_M2)
		return state_fail(state, SR_INTERNAL);
	return state_read(state, state->ephemeral_private, message, message_len,
	    payload, NOISE_SPLIT);
}

void
noise_hash(const struct noise_state *state, uint8_t hash[NOISE_HASH_LEN])
{
	memcpy(hash, state->symmetric.hash, NOISE_HASH_LEN);
}

enum sr_error
noise_split(struct noise_state *state, uint8_t k1[NOISE_KEY_LEN],
    uint8_t k2[NOISE_KEY_LEN], uint8_t hash[NOISE_HASH_LEN])
{
	if (state->phase != NOISE_SPLIT)
		return state_fail(state, SR_INTERNAL);
	symmetric_split(&state->symmetric, k1, k2);
	noise_hash(state, hash);
	noise_wipe(state);
	return SR_OK;
}

void
noise_wipe(struct noise_state *state)
{
	sodium_memzero(state, sizeof(*state));
}
