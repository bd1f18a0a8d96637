/* SPDX-License-Identifier: ISC */
#ifndef COMMON_NOISE_KK_H
#define COMMON_NOISE_KK_H
/*
 * Noise_KK_25519_ChaChaPoly_SHA512 (The Noise Protocol Framework, revision
 * 34, 7.5), both sides; each knows the other's static key before:
 *
 *     -> s
 *     <- s
 *     ...
 *     -> e, es, ss       noise_kk_write_m1 / noise_kk_read_m1
 *     <- e, ee, se       noise_kk_write_m2 / noise_kk_read_m2
 *
 * A state belongs to its caller, holds secrets and is wiped by noise_kk_split
 * or noise_kk_wipe; it goes through m1, m2 and split once, in this order, and
 * a call out of order is SR_INTERNAL.
 *
 * Security: ephemeral private keys are drawn by the caller, each used for one
 * handshake.  A Diffie-Hellman result of zeros is refused.  After an error the
 * state is wiped and good for nothing.  m1 can be replayed: the responder
 * knows that somebody is there now only when a record under the split keys
 * has come.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/noise_symmetric.h"

/* What m1 and m2 add to their payload: an ephemeral key and a tag. */
#define NOISE_KK_OVERHEAD (NOISE_KEY_LEN + NOISE_TAG_LEN)

enum noise_kk_phase {
	NOISE_KK_DEAD, /* must be 0: what a wiped state is in */
	NOISE_KK_WRITE_M1,
	NOISE_KK_READ_M1,
	NOISE_KK_WRITE_M2,
	NOISE_KK_READ_M2,
	NOISE_KK_SPLIT,
};

struct noise_kk {
	struct noise_symmetric symmetric;
	enum noise_kk_phase phase;
	uint8_t own_private[NOISE_KEY_LEN];
	uint8_t peer_public[NOISE_KEY_LEN];
	uint8_t ephemeral_private[NOISE_KEY_LEN];
	uint8_t peer_ephemeral[NOISE_KEY_LEN];
};

/* Start either side; own_private and peer_public are the static keys. */
void noise_kk_init_initiator(struct noise_kk *state, const void *prologue,
    size_t prologue_len, const uint8_t own_private[NOISE_KEY_LEN],
    const uint8_t peer_public[NOISE_KEY_LEN]);
void noise_kk_init_responder(struct noise_kk *state, const void *prologue,
    size_t prologue_len, const uint8_t own_private[NOISE_KEY_LEN],
    const uint8_t peer_public[NOISE_KEY_LEN]);

/*
 * Initiator (m1) and responder (m2): write payload_len + NOISE_KK_OVERHEAD
 * bytes to out.  SR_CRYPTO for a peer's key that gives zeros; SR_TOO_LARGE
 * for more than NOISE_MESSAGE_MAX.  out and payload must not overlap.
 */
enum sr_error noise_kk_write_m1(struct noise_kk *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out);
enum sr_error noise_kk_write_m2(struct noise_kk *state,
    const uint8_t ephemeral_private[NOISE_KEY_LEN], const void *payload,
    size_t payload_len, uint8_t *out);

/*
 * Responder (m1) and initiator (m2): write message_len - NOISE_KK_OVERHEAD
 * bytes to payload.  SR_CRYPTO when it does not verify (another static key or
 * prologue; altered), SR_MALFORMED for a length that no message has.
 */
enum sr_error noise_kk_read_m1(struct noise_kk *state, const void *message,
    size_t message_len, uint8_t *payload);
enum sr_error noise_kk_read_m2(struct noise_kk *state, const void *message,
    size_t message_len, uint8_t *payload);

/*
 * After m2: k1 for initiator to responder, k2 for the other way, and the
 * final handshake hash; wipes the state.  SR_INTERNAL before m2.
 */
enum sr_error noise_kk_split(struct noise_kk *state, uint8_t k1[NOISE_KEY_LEN],
    uint8_t k2[NOISE_KEY_LEN], uint8_t hash[NOISE_HASH_LEN]);

/* Wipes a state that is given up. */
void noise_kk_wipe(struct noise_kk *state);

#endif
