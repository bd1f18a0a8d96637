/* SPDX-License-Identifier: ISC */
#ifndef COMMON_NOISE_SYMMETRIC_H
#define COMMON_NOISE_SYMMETRIC_H
/*
 * What the patterns of Noise have in common (The Noise Protocol Framework,
 * revision 34): the symmetric state with its cipher state (5.1, 5.2) for
 * 25519, ChaChaPoly and SHA512, and the Diffie-Hellman function (12.1).  It
 * knows nothing of any pattern: noise.h is NKpsk0 (log-ins), noise_kk.h KK
 * (conversations) and noise_x.h X (mail).
 *
 * A state belongs to its caller, who wipes it.  It holds secrets.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define NOISE_KEY_LEN 32
#define NOISE_HASH_LEN 64
#define NOISE_TAG_LEN 16
#define NOISE_MESSAGE_MAX 65535

struct noise_symmetric {
	uint8_t chaining_key[NOISE_HASH_LEN];
	uint8_t hash[NOISE_HASH_LEN];
	uint8_t key[NOISE_KEY_LEN];
	uint64_t counter;
	bool has_key;
};

/*
 * X25519 (RFC 7748).  SR_CRYPTO when the result is all zeros; shared is then
 * zeros.
 */
enum sr_error noise_dh(uint8_t shared[NOISE_KEY_LEN],
    const uint8_t private_key[NOISE_KEY_LEN],
    const uint8_t public_key[NOISE_KEY_LEN]);

/* The X25519 public key of a private one. */
void noise_public_key(uint8_t public_key[NOISE_KEY_LEN],
    const uint8_t private_key[NOISE_KEY_LEN]);

/* InitializeSymmetric, and the prologue, which every pattern mixes next. */
void noise_symmetric_init(struct noise_symmetric *s, const char *protocol_name,
    const void *prologue, size_t prologue_len);

/* MixHash. */
void noise_symmetric_mix_hash(
    struct noise_symmetric *s, const void *data, size_t len);

/* MixKey. */
void noise_symmetric_mix_key(
    struct noise_symmetric *s, const uint8_t ikm[NOISE_KEY_LEN]);

/* MixKeyAndHash, for a psk. */
void noise_symmetric_mix_key_and_hash(
    struct noise_symmetric *s, const uint8_t ikm[NOISE_KEY_LEN]);

/*
 * MixKey(DH): the tokens ee, es, se and ss; which keys these are, the pattern
 * knows.  SR_CRYPTO for a result of zeros: the handshake must not go on.
 */
enum sr_error noise_symmetric_mix_dh(struct noise_symmetric *s,
    const uint8_t private_key[NOISE_KEY_LEN],
    const uint8_t public_key[NOISE_KEY_LEN]);

/*
 * EncryptAndHash: writes len + NOISE_TAG_LEN bytes to out.  Every pattern of
 * ours has a key before its first payload: asserted.  Input and output must
 * not overlap.
 */
void noise_symmetric_encrypt(
    struct noise_symmetric *s, uint8_t *out, const void *plain, size_t len);

/*
 * DecryptAndHash: writes len - NOISE_TAG_LEN bytes to out, which must not
 * overlap sealed.  SR_CRYPTO when it does not verify; out is then zeros.
 */
enum sr_error noise_symmetric_decrypt(
    struct noise_symmetric *s, uint8_t *out, const void *sealed, size_t len);

/* Split: k1 for initiator to responder, k2 for the other way. */
void noise_symmetric_split(const struct noise_symmetric *s,
    uint8_t k1[NOISE_KEY_LEN], uint8_t k2[NOISE_KEY_LEN]);

#endif
