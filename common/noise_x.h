/* SPDX-License-Identifier: ISC */
#ifndef COMMON_NOISE_X_H
#define COMMON_NOISE_X_H
/*
 * Noise_X_25519_ChaChaPoly_SHA512 (The Noise Protocol Framework, revision 34,
 * 7.4), one message to somebody who is not there:
 *
 *     <- s
 *     ...
 *     -> e, es, s, ss
 *
 *     message = ephemeral key 32 | sealed static key 48 | sealed payload + 16
 *
 * Each call is a whole handshake; nothing is left of it.
 *
 * Security: ephemeral private keys are drawn by the caller, each used for one
 * message.  A Diffie-Hellman result of zeros is refused.  The sender's key is
 * authenticated, but whether it is the right one the caller must ask.  What
 * the pattern cannot give (7.7, "X"): whoever has the recipient's private key
 * reads old messages and can write new ones in anybody's name; and a message
 * can be replayed.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/noise_symmetric.h"

/* What a message adds to its payload. */
#define NOISE_X_OVERHEAD (2 * NOISE_KEY_LEN + 2 * NOISE_TAG_LEN)

/* The keys of one message, of the caller. */
struct noise_x_sender {
	const uint8_t *own_private;       /* static, 32 bytes */
	const uint8_t *recipient_public;  /* static, 32 bytes */
	const uint8_t *ephemeral_private; /* 32 fresh random bytes */
};

/*
 * Writes payload_len + NOISE_X_OVERHEAD bytes to out.  SR_CRYPTO for a
 * recipient's key that gives zeros, SR_TOO_LARGE for more than
 * NOISE_MESSAGE_MAX; nothing is then left in out.  out and payload must not
 * overlap.
 */
enum sr_error noise_x_write(const struct noise_x_sender *keys,
    const void *prologue, size_t prologue_len, const void *payload,
    size_t payload_len, uint8_t *out);

/*
 * Writes message_len - NOISE_X_OVERHEAD bytes to payload and the sender's
 * static key, which the message proves, to sender_public.  SR_CRYPTO when it
 * does not verify (altered; another recipient or prologue), SR_MALFORMED for
 * a length that no message has; both outputs are then zeros.  payload and
 * message must not overlap.
 */
enum sr_error noise_x_read(const uint8_t own_private[NOISE_KEY_LEN],
    const void *prologue, size_t prologue_len, const void *message,
    size_t message_len, uint8_t sender_public[NOISE_KEY_LEN], uint8_t *payload);

#endif
