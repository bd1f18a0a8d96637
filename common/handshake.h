/* SPDX-License-Identifier: ISC */
#ifndef COMMON_HANDSHAKE_H
#define COMMON_HANDSHAKE_H
/*
 * The handshake of strongroom-protocol(7), both sides: Noise NKpsk0 whose
 * payloads carry OPAQUE, and the keys that come out of the two.
 *
 *	bodies of the frames
 *	M1  terminal id 4 | psk epoch 4 | Noise e 32 | payload 256 | tag 16
 *	M2  Noise e 32 | payload 384 | tag 16
 *	M3  payload 512 | tag 16   ChaChaPoly(k1, n = 0, AD = h)
 *	M5  payload 320 | tag 16   ChaChaPoly(k2, n = 0, AD = h)
 *
 *	prologue = "strongroom/1 prologue" | HELLO 320 (fixed part and
 *	    certificate) | terminal id 4 | psk epoch 4
 *	(k1, k2) = Split, h = Noise hash after M2
 *	OPAQUE context = "strongroom/1 opaque" | Noise hash after M1
 *	OPAQUE client identity = name, server identity = bank id
 *	prk = Extract(salt h, k1 | k2 | OPAQUE session key)
 *	ck0 = Expand(prk, "strongroom/1 chain", 64)
 *	sid = Expand(prk, "strongroom/1 sid", 16)
 *	proof of possession = Ed25519 over "strongroom/1 possession"
 *	    | operation 1 | h 64 | bank id 32 | name length 1 | name 32, filled
 *	    with zeros | signing key 32 | message key 32 | record 192
 *
 * How a server uses it: handshake_m1_terminal() says whose psk is needed,
 * handshake_m1_open() is tried with the current and then the previous HELLO
 * (the prologue contains the beacon), handshake_binding() serves
 * opaque_server_respond(), then handshake_m2_seal(), handshake_m3_open(), and
 * handshake_keys() or handshake_m5_seal().  The client's order is m1_seal,
 * m2_open, handshake_binding() for OPAQUE, m3_seal, keys or m5_open.
 *
 * Nothing here allocates, draws randomness or calls the system.  A call out
 * of order is SR_INTERNAL.  After an error the state is wiped.  The payloads'
 * plaintexts are wiped from the stack; what the caller gets in structs the
 * caller wipes.
 */
#include <stdint.h>

#include "common/certificate.h"
#include "common/error.h"
#include "common/frame.h"
#include "common/noise.h"
#include "common/opaque.h"
#include "common/payload.h"
#include "common/session.h"

#define HANDSHAKE_CONTEXT_LABEL "strongroom/1 opaque"

enum {
	HANDSHAKE_CONTEXT_LEN =
	    sizeof(HANDSHAKE_CONTEXT_LABEL) - 1 + NOISE_HASH_LEN,
};

enum handshake_phase {
	HANDSHAKE_NONE, /* what zeroed memory is, and a wiped state */
	HANDSHAKE_M1,   /* M1 was sealed or opened */
	HANDSHAKE_M2,   /* M2 was sealed or opened: k1, k2 and h hold */
	HANDSHAKE_M3,   /* M3 was sealed or opened */
};

/* One handshake under way; of the caller; secret. */
struct handshake {
	enum handshake_phase phase;
	enum payload_operation operation;
	uint8_t bank_id[BANK_ID_LEN];
	uint8_t name_len;
	char name[PAYLOAD_NAME_MAX + 1];
	struct noise_state noise; /* wiped after M2 */
	uint8_t context[HANDSHAKE_CONTEXT_LEN];
	uint8_t k1[32];
	uint8_t k2[32];
	uint8_t h[NOISE_HASH_LEN];
};

/* What a log-in leaves for the session. */
struct handshake_keys {
	uint8_t chain_key[SESSION_CHAIN_KEY_LEN];
	uint8_t session_id[SESSION_ID_LEN];
};

/* Wipes a handshake; any phase. */
void handshake_wipe(struct handshake *hs);

/* ---- the server's side ------------------------------------------------- */

/* Who says to be asking: terminal id and psk epoch in front of M1. */
void handshake_m1_terminal(
    const uint8_t m1[FRAME_M1_LEN], uint32_t *terminal, uint32_t *psk_epoch);

/* The ephemeral key of an M1, by which replays are recognised. */
const uint8_t *handshake_m1_ephemeral(const uint8_t m1[FRAME_M1_LEN]);

/*
 * Opens M1 as it came after the 320 bytes of hello.  static_private and
 * static_public: the bank's Noise key pair; psk: the terminal's, zeros for
 * terminal 0.  SR_CRYPTO if it does not verify (other beacon, other psk,
 * altered), SR_MALFORMED if what it verified is not a payload.  The state
 * need not be initialised before.
 */
enum sr_error handshake_m1_open(struct handshake *hs,
    const uint8_t hello[HELLO_LEN], const uint8_t static_private[32],
    const uint8_t static_public[32], const uint8_t psk[32],
    const uint8_t m1[FRAME_M1_LEN], struct payload_m1 *out);

/*
 * Seals M2 with a fresh ephemeral private key.  SR_CRYPTO if the client's
 * ephemeral key is of small order.  Unless payload->status is SR_OK, the
 * handshake ends here and the caller wipes it.
 */
enum sr_error handshake_m2_seal(struct handshake *hs,
    const uint8_t ephemeral_private[32], const struct payload_m2 *payload,
    uint8_t m2[FRAME_M2_LEN]);

/*
 * Opens M3.  SR_CRYPTO, SR_MALFORMED.  KE3 and the proof of possession are
 * not verified here: opaque_server_verify(), handshake_proof_verify().
 */
enum sr_error handshake_m3_open(struct handshake *hs,
    const uint8_t m3[FRAME_M3_LEN], struct payload_m3 *out);

/* Seals M5, the answer to a registration or change.  Once a handshake. */
enum sr_error handshake_m5_seal(struct handshake *hs,
    const struct payload_m5 *payload, uint8_t m5[FRAME_M5_LEN]);

/* ---- the client's side ------------------------------------------------- */

/*
 * Seals M1 in answer to hello.  The caller has verified hello's certificate;
 * static_public is its Noise key.  SR_CRYPTO if that key is of small order.
 */
enum sr_error handshake_m1_seal(struct handshake *hs,
    const uint8_t hello[HELLO_LEN], const uint8_t static_public[32],
    uint32_t terminal, uint32_t psk_epoch, const uint8_t psk[32],
    const uint8_t ephemeral_private[32], const struct payload_m1 *payload,
    uint8_t m1[FRAME_M1_LEN]);

/* Opens M2.  SR_CRYPTO, SR_MALFORMED.  Look at out->status first. */
enum sr_error handshake_m2_open(struct handshake *hs,
    const uint8_t m2[FRAME_M2_LEN], struct payload_m2 *out);

/* Seals M3. */
enum sr_error handshake_m3_seal(struct handshake *hs,
    const struct payload_m3 *payload, uint8_t m3[FRAME_M3_LEN]);

/* Opens M5.  SR_CRYPTO, SR_MALFORMED. */
enum sr_error handshake_m5_open(struct handshake *hs,
    const uint8_t m5[FRAME_M5_LEN], struct payload_m5 *out);

/* ---- both -------------------------------------------------------------- */

/*
 * What OPAQUE is bound to, after M1.  The result points into hs, which must
 * outlive it.
 */
struct opaque_binding handshake_binding(const struct handshake *hs);

/*
 * The keys of the session, after M3 of a log-in whose KE3 was made or
 * verified with this session key.  SR_INTERNAL after any other operation.
 * Wipes hs.
 */
enum sr_error handshake_keys(struct handshake *hs,
    const uint8_t session_key[OPAQUE_SESSION_KEY_LEN],
    struct handshake_keys *out);

/*
 * Signs what stands in payload (record and both public keys) with the signing
 * key's secret half: fills payload->proof.  After M2, not for a log-in.
 */
void handshake_proof_sign(const struct handshake *hs,
    const uint8_t signing_secret[SIGNING_SECRET_LEN],
    struct payload_m3 *payload);

/*
 * Verifies payload->proof under payload->signing_key.  SR_SIGNATURE.
 */
enum sr_error handshake_proof_verify(
    const struct handshake *hs, const struct payload_m3 *payload);

/*
 * The same over the same bytes with the customer's former signing key, when
 * the keys are replaced (rekey): fills or verifies payload->old_signature.
 */
void handshake_old_sign(const struct handshake *hs,
    const uint8_t old_secret[SIGNING_SECRET_LEN], struct payload_m3 *payload);
enum sr_error handshake_old_verify(const struct handshake *hs,
    const uint8_t old_public[PUBLIC_KEY_LEN], const struct payload_m3 *payload);

#endif
