/* SPDX-License-Identifier: ISC */
#ifndef COMMON_NOISE_H
#define COMMON_NOISE_H
/*
 * Noise_NKpsk0_25519_ChaChaPoly_SHA512 (The Noise Protocol Framework,
 * revision 34), both sides:
 *
 *     <- s
 *     ...
 *     -> psk, e, es      noise_write_m1 / noise_read_m1
 *     <- e, ee           noise_write_m2 / noise_read_m2
 *
 * A state belongs to its caller, holds secrets and is wiped by noise_split or
 * noise_wipe; it goes through m1, m2 and split once, in this order, and a call
 * out of order is SR_INTERNAL.
 *
 * Security: ephemeral private keys are drawn by the caller, each used for one
 * handshake.  A Diffie-Hellman result of zeros is refused.  After an error the
 * state is wiped and good for nothing.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/noise_symmetric.h"

/* What m1 and m2 add to their payload: an ephemeral key and a tag. */
#define NOISE_OVERHEAD (NOISE_KEY_LEN + NOISE_TAG_LEN)

enum noise_phase {
	NOISE_DEAD, /* must be 0: what a wiped state is in */
	NOISE_WRITE_M1,
	NOISE_READ_M1,
	NOISE_WRITE_M2,
	NOISE_READ_M2,
	NOISE_SPLIT,
};

struct noise_state {
	struct noise_symmetric symmetric;
	enum noise_phase phase;
	uint8_t psk[NOISE_KEY_LEN];
	/* initiator: the responder's public key; responder: own private key */
	uint8_t static_key[NOISE_KEY_LEN];
	uint8_t ephemeral_private[NOISE_KEY_LEN];
	uint8_t peer_ephemeral[NOISE_KEY_LEN];
};

/*
 * Starts the client's side.  server_public: the bank's static key out of its
 * certificate; psk: the terminal's, zeros for an open one.
 */
void noise_init_initiator(struct noise_state *state, const void *prologue,
    size_t prologue_len, const uint8_t server_public[NOISE_KEY_LEN],
    const uint8_t psk[NOISE_KEY_LEN]);

/* Starts the server's side. */
void noise_init_responder(struct noise_state *state, const void *prologue,
    size_t prologue_len, const uint8_t server_private[NOISE_KEY_LEN],
    const uint8_t server_public[NOISE_KEY_LEN],
    const uint8_t psk[NOISE_KEY_LEN]);

/*
 * Initiator: writes payload_len + NOISE_OVERHEAD bytes to out.  SR_CRYPTO for
 * a server_public that gives zeros; SR_TOO_LARGE for more than
 * NOISE_MESSAGE_MAX.  out and payload must not overlap.
 */
enum sr_error noise_write_m1(struct noise_state *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out);

/*
 * Responder: writes message_len - NOISE_OVERHEAD bytes to payload.  SR_CRYPTO
 * when it does not verify (wrong psk, prologue, key; altered), SR_MALFORMED
 * when shorter than NOISE_OVERHEAD.  m1's ephemeral key is its first 32 bytes.
 */
enum sr_error noise_read_m1(struct noise_state *state, const void *message,
    size_t message_len, uint8_t *payload);

/* Responder and initiator, as for m1. */
enum sr_error noise_write_m2(struct noise_state *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out);
enum sr_error noise_read_m2(struct noise_state *state, const void *message,
    size_t message_len, uint8_t *payload);

/*
 * The handshake hash as it stands: after m1 it goes into OPAQUE's context,
 * after m2 it is h of strongroom-protocol(7).
 */
void noise_hash(const struct noise_state *state, uint8_t hash[NOISE_HASH_LEN]);

/*
 * After m2: k1 for initiator to responder, k2 for the other way, and the
 * final handshake hash; wipes the state.  SR_INTERNAL before m2.
 */
enum sr_error noise_split(struct noise_state *state, uint8_t k1[NOISE_KEY_LEN],
    uint8_t k2[NOISE_KEY_LEN], uint8_t hash[NOISE_HASH_LEN]);

/* Wipes a state that is given up. */
void noise_wipe(struct noise_state *state);

#endif
