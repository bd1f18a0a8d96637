/* SPDX-License-Identifier: ISC */
/*
 * Noise X.  Must never give out a payload, or name a sender, of a message
 * that does not verify to its last byte.
 */
#include "common/noise_x.h"

#include <string.h>

#include <sodium.h>

#define NOISE_X_NAME "Noise_X_25519_ChaChaPoly_SHA512"

enum {
	STATIC_AT = NOISE_KEY_LEN,
	STATIC_LEN = NOISE_KEY_LEN + NOISE_TAG_LEN,
	PAYLOAD_AT = STATIC_AT + STATIC_LEN,
};

_Static_assert(
    NOISE_X_OVERHEAD == PAYLOAD_AT + NOISE_TAG_LEN, "two keys, two tags");

static void
begin(struct noise_symmetric *s, const void *prologue, size_t prologue_len,
    const uint8_t recipient_public[NOISE_KEY_LEN],
    const uint8_t ephemeral_public[NOISE_KEY_LEN])
{
	noise_symmetric_init(s, NOISE_X_NAME, prologue, prologue_len);
	noise_symmetric_mix_hash(s, recipient_public, NOISE_KEY_LEN);
	noise_symmetric_mix_hash(s, ephemeral_public, NOISE_KEY_LEN);
}

enum sr_error
noise_x_write(const struct noise_x_sender *keys, const void *prologue,
    size_t prologue_len, const void *payload, size_t payload_len, uint8_t *out)
{
	uint8_t own_public[NOISE_KEY_LEN];
	struct noise_symmetric s;
	enum sr_error error;

	if (payload_len > NOISE_MESSAGE_MAX - NOISE_X_OVERHEAD)
		return SR_TOO_LARGE;
	noise_public_key(own_public, keys->own_private);
	noise_public_key(out, keys->ephemeral_private);
	begin(&s, prologue, prologue_len, keys->recipient_public, out);
	error = noise_symmetric_mix_dh(
	    &s, keys->ephemeral_private, keys->recipient_public);
	if (error == SR_OK) {
		noise_symmetric_encrypt(
		    &s, out + STATIC_AT, own_public, NOISE_KEY_LEN);
		error = noise_symmetric_mix_dh(
		    &s, keys->own_private, keys->recipient_public);
	}
	if (error == SR_OK)
		noise_symmetric_encrypt(
		    &s, out + PAYLOAD_AT, payload, payload_len);
	else
		sodium_memzero(out, payload_len + NOISE_X_OVERHEAD);
	sodium_memzero(&s, sizeof(s));
	return error;
}

enum sr_error
noise_x_read(const uint8_t own_private[NOISE_KEY_LEN], const void *prologue,
    size_t prologue_len, const void *message, size_t message_len,
    uint8_t sender_public[NOISE_KEY_LEN], uint8_t *payload)
{
	const uint8_t *bytes = message;
	uint8_t own_public[NOISE_KEY_LEN];
	struct noise_symmetric s;
	enum sr_error error;

	memset(sender_public, 0, NOISE_KEY_LEN);
	if (message_len < NOISE_X_OVERHEAD || message_len > NOISE_MESSAGE_MAX)
		return SR_MALFORMED;
	noise_public_key(own_public, own_private);
	begin(&s, prologue, prologue_len, own_public, bytes);
	error = noise_symmetric_mix_dh(&s, own_private, bytes);
	if (error == SR_OK)
		error = noise_symmetric_decrypt(
		    &s, sender_public, bytes + STATIC_AT, STATIC_LEN);
	if (error == SR_OK)
		error = noise_symmetric_mix_dh(&s, own_private, sender_public);
	if (error == SR_OK)
		error = noise_symmetric_decrypt(
		    &s, payload, bytes + PAYLOAD_AT, message_len - PAYLOAD_AT);
	if (error != SR_OK) {
		sodium_memzero(sender_public, NOISE_KEY_LEN);
		sodium_memzero(payload, message_len - NOISE_X_OVERHEAD);
	}
	sodium_memzero(&s, sizeof(s));
	return error;
}
