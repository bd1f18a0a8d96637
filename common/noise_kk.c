/* SPDX-License-Identifier: ISC */
/*
 * Noise KK, on top of the symmetric state.  Must never go on after a failure:
 * whatever fails wipes the state.
 */
#include "common/noise_kk.h"

#include <string.h>

#include <sodium.h>

#define NOISE_KK_NAME "Noise_KK_25519_ChaChaPoly_SHA512"

/* The two Diffie-Hellmans that a message has, in their order. */
struct tokens {
	const uint8_t *private_key[2];
	const uint8_t *public_key[2];
};

static void
state_init(struct noise_kk *state, enum noise_kk_phase phase,
    const void *prologue, size_t prologue_len,
    const uint8_t own_private[NOISE_KEY_LEN],
    const uint8_t peer_public[NOISE_KEY_LEN])
{
	struct noise_symmetric *s = &state->symmetric;
	uint8_t own_public[NOISE_KEY_LEN];
	bool initiator = phase == NOISE_KK_WRITE_M1;

	memset(state, 0, sizeof(*state));
	noise_public_key(own_public, own_private);
	noise_symmetric_init(s, NOISE_KK_NAME, prologue, prologue_len);
	noise_symmetric_mix_hash(
	    s, initiator ? own_public : peer_public, NOISE_KEY_LEN);
	noise_symmetric_mix_hash(
	    s, initiator ? peer_public : own_public, NOISE_KEY_LEN);
	memcpy(state->own_private, own_private, NOISE_KEY_LEN);
	memcpy(state->peer_public, peer_public, NOISE_KEY_LEN);
	state->phase = phase;
}

void
noise_kk_init_initiator(struct noise_kk *state, const void *prologue,
    size_t prologue_len, const uint8_t own_private[NOISE_KEY_LEN],
    const uint8_t peer_public[NOISE_KEY_LEN])
{
	state_init(state, NOISE_KK_WRITE_M1, prologue, prologue_len,
	    own_private, peer_public);
}

void
noise_kk_init_responder(struct noise_kk *state, const void *prologue,
    size_t prologue_len, const uint8_t own_private[NOISE_KEY_LEN],
    const uint8_t peer_public[NOISE_KEY_LEN])
{
	state_init(state, NOISE_KK_READ_M1, prologue, prologue_len, own_private,
	    peer_public);
}

static enum sr_error
state_fail(struct noise_kk *state, enum sr_error error)
{
	noise_kk_wipe(state);
	return error;
}

static enum sr_error
mix_tokens(struct noise_symmetric *s, const struct tokens *tokens)
{
	enum sr_error error = SR_OK;

	for (size_t i = 0; i < 2 && error == SR_OK; i++)
		error = noise_symmetric_mix_dh(
		    s, tokens->private_key[i], tokens->public_key[i]);
	return error;
}

static enum sr_error
state_write(struct noise_kk *state, const struct tokens *tokens,
    const void *payload, size_t payload_len, uint8_t *out,
    enum noise_kk_phase next)
{
	struct noise_symmetric *s = &state->symmetric;
	enum sr_error error;

	if (payload_len > NOISE_MESSAGE_MAX - NOISE_KK_OVERHEAD)
		return state_fail(state, SR_TOO_LARGE);
	noise_public_key(out, state->ephemeral_private);
	noise_symmetric_mix_hash(s, out, NOISE_KEY_LEN);
	error = mix_tokens(s, tokens);
	if (error != SR_OK) {
		sodium_memzero(out, NOISE_KEY_LEN);
		return state_fail(state, error);
	}
	noise_symmetric_encrypt(s, out + NOISE_KEY_LEN, payload, payload_len);
	state->phase = next;
	return SR_OK;
}

static enum sr_error
state_read(struct noise_kk *state, const struct tokens *tokens,
    const void *message, size_t message_len, uint8_t *payload,
    enum noise_kk_phase next)
{
	struct noise_symmetric *s = &state->symmetric;
	const uint8_t *bytes = message;
	enum sr_error error;

	if (message_len < NOISE_KK_OVERHEAD || message_len > NOISE_MESSAGE_MAX)
		return state_fail(state, SR_MALFORMED);
	memcpy(state->peer_ephemeral, bytes, NOISE_KEY_LEN);
	noise_symmetric_mix_hash(s, state->peer_ephemeral, NOISE_KEY_LEN);
	error = mix_tokens(s, tokens);
	if (error == SR_OK)
		error = noise_symmetric_decrypt(s, payload,
		    bytes + NOISE_KEY_LEN, message_len - NOISE_KEY_LEN);
	if (error != SR_OK) {
		sodium_memzero(payload, message_len - NOISE_KK_OVERHEAD);
		return state_fail(state, error);
	}
	state->phase = next;
	return SR_OK;
}

enum sr_error
noise_kk_write_m1(struct noise_kk *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out)
{
	const struct tokens es_ss = {
	    {state->ephemeral_private, state->own_private},
	    {state->peer_public, state->peer_public},
	};

	if (state->phase != NOISE_KK_WRITE_M1)
		return state_fail(state, SR_INTERNAL);
	memcpy(state->ephemeral_private, ephemeral_private, NOISE_KEY_LEN);
	return state_write(
	    state, &es_ss, payload, payload_len, out, NOISE_KK_READ_M2);
}

enum sr_error
noise_kk_read_m1(struct noise_kk *state, const void *message,
    size_t message_len, uint8_t *payload)
{
	const struct tokens es_ss = {
	    {state->own_private, state->own_private},
	    {state->peer_ephemeral, state->peer_public},
	};

	if (state->phase != NOISE_KK_READ_M1)
		return state_fail(state, SR_INTERNAL);
	return state_read(
	    state, &es_ss, message, message_len, payload, NOISE_KK_WRITE_M2);
}

enum sr_error
noise_kk_write_m2(struct noise_kk *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out)
{
	const struct tokens ee_se = {
	    {state->ephemeral_private, state->ephemeral_private},
	    {state->peer_ephemeral, state->peer_public},
	};

	if (state->phase != NOISE_KK_WRITE_M2)
		return state_fail(state, SR_INTERNAL);
	memcpy(state->ephemeral_private, ephemeral_private, NOISE_KEY_LEN);
	return state_write(
	    state, &ee_se, payload, payload_len, out, NOISE_KK_SPLIT);
}

enum sr_error
noise_kk_read_m2(struct noise_kk *state, const void *message,
    size_t message_len, uint8_t *payload)
{
	const struct tokens ee_se = {
	    {state->ephemeral_private, state->own_private},
	    {state->peer_ephemeral, state->peer_ephemeral},
	};

	if (state->phase != NOISE_KK_READ_M2)
		return state_fail(state, SR_INTERNAL);
	return state_read(
	    state, &ee_se, message, message_len, payload, NOISE_KK_SPLIT);
}

enum sr_error
noise_kk_split(struct noise_kk *state, uint8_t k1[NOISE_KEY_LEN],
    uint8_t k2[NOISE_KEY_LEN], uint8_t hash[NOISE_HASH_LEN])
{
	if (state->phase != NOISE_KK_SPLIT)
		return state_fail(state, SR_INTERNAL);
	noise_symmetric_split(&state->symmetric, k1, k2);
	memcpy(hash, state->symmetric.hash, NOISE_HASH_LEN);
	noise_kk_wipe(state);
	return SR_OK;
}

void
noise_kk_wipe(struct noise_kk *state)
{
	sodium_memzero(state, sizeof(*state));
}
