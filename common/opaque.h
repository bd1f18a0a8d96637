/* SPDX-License-Identifier: ISC */
#ifndef COMMON_OPAQUE_H
#define COMMON_OPAQUE_H
/*
 * OPAQUE-3DH (RFC 9807) with ristretto255-SHA512, HKDF-SHA512, HMAC-SHA512
 * and SHA-512: a password log-in in which the bank never sees the password.
 *
 *     client                             server
 *     opaque_register_start   -request->  opaque_register_evaluate
 *     opaque_register_finish  <-element-
 *                             -record-->  opaque_record_valid, stores it
 *
 *     opaque_login_start      --KE1--->   opaque_server_respond
 *     opaque_login_finish     <--KE2---
 *                             --KE3--->   opaque_server_verify
 *
 * Messages are structs of byte arrays with exactly the RFC's layout, so that
 * the struct's bytes are the message (their sizes are asserted).  All
 * randomness comes in with the call.
 *
 * Security: a name that is not registered goes the same way with a record of
 * opaque_fake_record.  The client gets neither session key nor export key
 * before the server's MAC has verified.  MACs are compared in constant time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define OPAQUE_ELEMENT_LEN 32
#define OPAQUE_SCALAR_LEN 32
#define OPAQUE_NONCE_LEN 32
#define OPAQUE_SEED_LEN 32
#define OPAQUE_MAC_LEN 64
#define OPAQUE_HASH_LEN 64
#define OPAQUE_OPRF_SEED_LEN 64
#define OPAQUE_SESSION_KEY_LEN 64
#define OPAQUE_EXPORT_KEY_LEN 64
#define OPAQUE_ENVELOPE_LEN 96
#define OPAQUE_REQUEST_LEN 32
#define OPAQUE_RESPONSE_LEN 64
#define OPAQUE_RECORD_LEN 192
#define OPAQUE_KE1_LEN 96
#define OPAQUE_KE2_LEN 320
#define OPAQUE_KE3_LEN 64

/* RFC 9807, 4.1.1 */
struct opaque_envelope {
	uint8_t nonce[OPAQUE_NONCE_LEN];
	uint8_t auth_tag[OPAQUE_MAC_LEN];
};

/* RFC 9807, 5.1 */
struct opaque_record {
	uint8_t client_public_key[OPAQUE_ELEMENT_LEN];
	uint8_t masking_key[OPAQUE_HASH_LEN];
	struct opaque_envelope envelope;
};

/* RFC 9807, 6.1, 6.3.1 and 6.4 */
struct opaque_ke1 {
	uint8_t blinded[OPAQUE_ELEMENT_LEN];
	uint8_t client_nonce[OPAQUE_NONCE_LEN];
	uint8_t client_keyshare[OPAQUE_ELEMENT_LEN];
};

struct opaque_ke2 {
	uint8_t evaluated[OPAQUE_ELEMENT_LEN];
	uint8_t masking_nonce[OPAQUE_NONCE_LEN];
	uint8_t masked_response[OPAQUE_ELEMENT_LEN + OPAQUE_ENVELOPE_LEN];
	uint8_t server_nonce[OPAQUE_NONCE_LEN];
	uint8_t server_keyshare[OPAQUE_ELEMENT_LEN];
	uint8_t server_mac[OPAQUE_MAC_LEN];
};

struct opaque_ke3 {
	uint8_t client_mac[OPAQUE_MAC_LEN];
};

_Static_assert(sizeof(struct opaque_envelope) == OPAQUE_ENVELOPE_LEN, "");
_Static_assert(sizeof(struct opaque_record) == OPAQUE_RECORD_LEN, "");
_Static_assert(sizeof(struct opaque_ke1) == OPAQUE_KE1_LEN, "");
_Static_assert(sizeof(struct opaque_ke2) == OPAQUE_KE2_LEN, "");
_Static_assert(sizeof(struct opaque_ke3) == OPAQUE_KE3_LEN, "");

/*
 * What both sides bind the exchange to; each at most 65535 bytes, not owned.
 * An identity of length 0 means the side's public key, as in the RFC.
 * Registration uses the identities only.
 */
struct opaque_binding {
	const void *context;
	size_t context_len;
	const void *client_identity;
	size_t client_identity_len;
	const void *server_identity;
	size_t server_identity_len;
};

/* The password, prepared (RFC 8265) by the caller; at most 65535 bytes. */
struct opaque_password {
	const void *bytes;
	size_t len;
};

/* How the client stretches; the bank uses Argon2id, the RFC's figures none. */
enum opaque_stretch {
	OPAQUE_STRETCH_NONE,
	/* 64 MiB, t = 3, p = 1, salt 16 zero bytes, 64 bytes out */
	OPAQUE_STRETCH_ARGON2ID,
};

/* ---- keys ------------------------------------------------------------- */

/*
 * DeriveDiffieHellmanKeyPair (RFC 9807, 6.4): the server's static pair out
 * of a 32-byte seed derived from the root secret; also used for key shares.
 */
enum sr_error opaque_derive_key_pair(uint8_t private_key[OPAQUE_SCALAR_LEN],
    uint8_t public_key[OPAQUE_ELEMENT_LEN],
    const uint8_t seed[OPAQUE_SEED_LEN]);

/* A blind out of 64 random bytes. */
void opaque_blind(uint8_t blind[OPAQUE_SCALAR_LEN], const uint8_t wide[64]);

/* ---- the server's side ------------------------------------------------ */

struct opaque_server_keys {
	uint8_t private_key[OPAQUE_SCALAR_LEN];
	uint8_t public_key[OPAQUE_ELEMENT_LEN];
	uint8_t oprf_seed[OPAQUE_OPRF_SEED_LEN];
};

/* Drawn anew for each log-in. */
struct opaque_server_random {
	uint8_t masking_nonce[OPAQUE_NONCE_LEN];
	uint8_t server_nonce[OPAQUE_NONCE_LEN];
	uint8_t keyshare_seed[OPAQUE_SEED_LEN];
};

/* What the server keeps between KE2 and KE3; a secret, to be wiped. */
struct opaque_server_login {
	uint8_t expected_client_mac[OPAQUE_MAC_LEN];
	uint8_t session_key[OPAQUE_SESSION_KEY_LEN];
};

/*
 * CreateRegistrationResponse (5.2.2), its evaluated element; the RFC's
 * message is evaluated | server public key, and the bank's clients know the
 * latter from the certificate.  SR_CRYPTO for an invalid blinded element.
 */
enum sr_error opaque_register_evaluate(uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    const uint8_t oprf_seed[OPAQUE_OPRF_SEED_LEN],
    const void *credential_identifier, size_t credential_identifier_len,
    const uint8_t blinded[OPAQUE_ELEMENT_LEN]);

/* True if the record's public key is a group element and no identity. */
bool opaque_record_valid(const struct opaque_record *record);

/*
 * The record that stands for a name that is not registered (10.9): key and
 * masking key out of a 64-byte secret seed, an envelope of zeros.  Made once.
 */
enum sr_error opaque_fake_record(
    struct opaque_record *record, const uint8_t seed[64]);

/*
 * GenerateKE2 (6.2.2).  SR_CRYPTO for an element of KE1 that is not valid;
 * ke2 and login are then zeros.
 */
enum sr_error opaque_server_respond(struct opaque_server_login *login,
    struct opaque_ke2 *ke2, const struct opaque_server_keys *keys,
    const struct opaque_record *record, const void *credential_identifier,
    size_t credential_identifier_len, const struct opaque_binding *binding,
    const struct opaque_server_random *random, const struct opaque_ke1 *ke1);

/*
 * ServerFinish (6.2.4): SR_OK and the session key in session_key, or SR_LOGIN
 * and zeros.  Wipes login in both cases.
 */
enum sr_error opaque_server_verify(struct opaque_server_login *login,
    const struct opaque_ke3 *ke3, uint8_t session_key[OPAQUE_SESSION_KEY_LEN]);

/* ---- the client's side ------------------------------------------------ */

/* CreateRegistrationRequest (5.2.1): the 32 bytes of the request. */
enum sr_error opaque_register_start(uint8_t request[OPAQUE_REQUEST_LEN],
    const struct opaque_password *password,
    const uint8_t blind[OPAQUE_SCALAR_LEN]);

/*
 * FinalizeRegistrationRequest (5.2.3).  server_public_key: from the
 * certificate.  SR_CRYPTO for an invalid element, SR_MEMORY when Argon2id
 * finds no memory.
 */
enum sr_error opaque_register_finish(struct opaque_record *record,
    uint8_t export_key[OPAQUE_EXPORT_KEY_LEN],
    const struct opaque_password *password,
    const uint8_t blind[OPAQUE_SCALAR_LEN],
    const uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const struct opaque_binding *binding, enum opaque_stretch stretch,
    const uint8_t envelope_nonce[OPAQUE_NONCE_LEN]);

/* The RFC's RegistrationResponse, 64 bytes, taken apart and put together. */
void opaque_response_split(uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const uint8_t response[OPAQUE_RESPONSE_LEN]);
void opaque_response_join(uint8_t response[OPAQUE_RESPONSE_LEN],
    const uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN]);

/* Drawn anew for each log-in. */
struct opaque_client_random {
	uint8_t blind[OPAQUE_SCALAR_LEN]; /* of opaque_blind */
	uint8_t client_nonce[OPAQUE_NONCE_LEN];
	uint8_t keyshare_seed[OPAQUE_SEED_LEN];
};

/* What the client keeps between KE1 and KE2; a secret, to be wiped. */
struct opaque_client_login {
	uint8_t blind[OPAQUE_SCALAR_LEN];
	uint8_t keyshare_private[OPAQUE_SCALAR_LEN];
	struct opaque_ke1 ke1;
};

/* What a log-in yields on the client; a secret, to be wiped. */
struct opaque_client_result {
	uint8_t session_key[OPAQUE_SESSION_KEY_LEN];
	uint8_t export_key[OPAQUE_EXPORT_KEY_LEN];
	uint8_t server_public_key[OPAQUE_ELEMENT_LEN];
};

/* GenerateKE1 (6.2.1). */
enum sr_error opaque_login_start(struct opaque_client_login *login,
    struct opaque_ke1 *ke1, const struct opaque_password *password,
    const struct opaque_client_random *random);

/*
 * GenerateKE3 (6.2.3).  SR_LOGIN: wrong password, or the name is unknown (the
 * envelope does not open); SR_CRYPTO: KE2 was altered or the server's MAC does
 * not verify; SR_MEMORY: no memory for Argon2id.  On error ke3 and result are
 * zeros.  Wipes login in every case.
 */
enum sr_error opaque_login_finish(struct opaque_client_login *login,
    struct opaque_ke3 *ke3, struct opaque_client_result *result,
    const struct opaque_password *password, const struct opaque_ke2 *ke2,
    const struct opaque_binding *binding, enum opaque_stretch stretch);

#endif
