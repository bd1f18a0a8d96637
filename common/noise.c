/* SPDX-License-Identifier: ISC */
/*
 * Noise NKpsk0, on top of the symmetric state.  Must never go on after a
 * failure: whatever fails wipes the state.
 */
#include "common/noise.h"

#include <string.h>

#include <sodium.h>

#define NOISE_NKPSK0_NAME "Noise_NKpsk0_25519_ChaChaPoly_SHA512"

/* e: with a psk in the pattern, an ephemeral key is also mixed as key (9.2). */
static void
token_e(
    struct noise_symmetric *s, const uint8_t ephemeral_public[NOISE_KEY_LEN])
{
	noise_symmetric_mix_hash(s, ephemeral_public, NOISE_KEY_LEN);
	noise_symmetric_mix_key(s, ephemeral_public);
}

static void
state_init(struct noise_state *state, enum noise_phase phase,
    const void *prologue, size_t prologue_len,
    const uint8_t server_public[NOISE_KEY_LEN],
    const uint8_t static_key[NOISE_KEY_LEN], const uint8_t psk[NOISE_KEY_LEN])
{
	memset(state, 0, sizeof(*state));
	noise_symmetric_init(
	    &state->symmetric, NOISE_NKPSK0_NAME, prologue, prologue_len);
	noise_symmetric_mix_hash(
	    &state->symmetric, server_public, NOISE_KEY_LEN);
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
	error = noise_symmetric_mix_dh(s, private_key, public_key);
	if (error != SR_OK) {
		sodium_memzero(out, NOISE_KEY_LEN);
		return state_fail(state, error);
	}
	noise_symmetric_encrypt(s, out + NOISE_KEY_LEN, payload, payload_len);
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
	error = noise_symmetric_mix_dh(s, private_key, state->peer_ephemeral);
	if (error == SR_OK)
		error = noise_symmetric_decrypt(s, payload,
		    bytes + NOISE_KEY_LEN, message_len - NOISE_KEY_LEN);
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
	noise_symmetric_mix_key_and_hash(&state->symmetric, state->psk);
	return state_write(state, state->ephemeral_private, state->static_key,
	    payload, payload_len, out, NOISE_READ_M2);
}

enum sr_error
noise_read_m1(struct noise_state *state, const void *message,
    size_t message_len, uint8_t *payload)
{
	if (state->phase != NOISE_READ_M1)
		return state_fail(state, SR_INTERNAL);
	noise_symmetric_mix_key_and_hash(&state->symmetric, state->psk);
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
	noise_symmetric_split(&state->symmetric, k1, k2);
	noise_hash(state, hash);
	noise_wipe(state);
	return SR_OK;
}

void
noise_wipe(struct noise_state *state)
{
	sodium_memzero(state, sizeof(*state));
}
