/* SPDX-License-Identifier: ISC */
/*
 * The bank's side of OPAQUE.  Must never take another way, or another time,
 * for a name that is not registered: which record it is given is the caller's
 * choice and nothing here depends on it.
 */
#include "common/opaque.h"

#include <string.h>

#include <sodium.h>

#include "common/opaque_schedule.h"
#include "common/oprf.h"
#include "common/secret.h"

enum sr_error
opaque_register_evaluate(uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    const uint8_t oprf_seed[OPAQUE_OPRF_SEED_LEN],
    const void *credential_identifier, size_t credential_identifier_len,
    const uint8_t blinded[OPAQUE_ELEMENT_LEN])
{
	static const char label[] = "OprfKey";
	static const char info[] = "OPAQUE-DeriveKeyPair";
	const struct kdf_part parts[] = {
	    {credential_identifier, credential_identifier_len},
	    {label, sizeof(label) - 1},
	};
	enum sr_error error;
	SECRET_32(seed);
	SECRET_32(private_key);

	kdf_expand_parts(
	    seed, sizeof(seed), oprf_seed, OPAQUE_OPRF_SEED_LEN, parts, 2);
	error = oprf_derive_key_pair(
	    private_key, NULL, seed, info, sizeof(info) - 1);
	if (error == SR_OK)
		error = oprf_evaluate(evaluated, private_key, blinded);
	if (error != SR_OK)
		sodium_memzero(evaluated, OPAQUE_ELEMENT_LEN);
	return error;
}

bool
opaque_record_valid(const struct opaque_record *record)
{
	const uint8_t *key = record->client_public_key;

	/* The identity's encoding is all zeros, and is a valid point. */
	return crypto_core_ristretto255_is_valid_point(key) == 1 &&
	       !sodium_is_zero(key, OPAQUE_ELEMENT_LEN);
}

enum sr_error
opaque_fake_record(struct opaque_record *record, const uint8_t seed[64])
{
	SECRET_32(key_seed);
	SECRET_32(private_key);

	memset(record, 0, sizeof(*record));
	kdf_expand_label(
	    key_seed, sizeof(key_seed), seed, 64, "fake key", NULL, 0);
	kdf_expand_label(record->masking_key, sizeof(record->masking_key), seed,
	    64, "fake masking", NULL, 0);
	return opaque_derive_key_pair(
	    private_key, record->client_public_key, key_seed);
}

/* CreateCredentialResponse (6.3.2.2). */
static enum sr_error
server_credential_response(struct opaque_ke2 *ke2,
    const struct opaque_server_keys *keys, const struct opaque_record *record,
    const void *credential_identifier, size_t credential_identifier_len,
    const uint8_t masking_nonce[OPAQUE_NONCE_LEN],
    const uint8_t blinded[OPAQUE_ELEMENT_LEN])
{
	static const char label[] = "CredentialResponsePad";
	const struct kdf_part info[] = {
	    {masking_nonce, OPAQUE_NONCE_LEN},
	    {label, sizeof(label) - 1},
	};
	uint8_t plain[sizeof(ke2->masked_response)];

	memcpy(ke2->masking_nonce, masking_nonce, OPAQUE_NONCE_LEN);
	kdf_expand_parts(ke2->masked_response, sizeof(ke2->masked_response),
	    record->masking_key, sizeof(record->masking_key), info, 2);
	memcpy(plain, keys->public_key, OPAQUE_ELEMENT_LEN);
	memcpy(plain + OPAQUE_ELEMENT_LEN, &record->envelope,
	    sizeof(record->envelope));
	for (size_t i = 0; i < sizeof(plain); i++)
		ke2->masked_response[i] ^= plain[i];
	sodium_memzero(plain, sizeof(plain));
	return opaque_register_evaluate(ke2->evaluated, keys->oprf_seed,
	    credential_identifier, credential_identifier_len, blinded);
}

/* AuthServerRespond (6.4.4), but for the transcript. */
static enum sr_error
server_key_exchange(uint8_t ikm[OPAQUE_IKM_LEN], struct opaque_ke2 *ke2,
    const struct opaque_server_keys *keys, const struct opaque_record *record,
    const struct opaque_server_random *random, const struct opaque_ke1 *ke1)
{
	uint8_t *dh1 = ikm;
	uint8_t *dh2 = ikm + OPAQUE_ELEMENT_LEN;
	uint8_t *dh3 = ikm + 2 * OPAQUE_ELEMENT_LEN;
	enum sr_error error;
	SECRET_32(keyshare_private);

	memcpy(ke2->server_nonce, random->server_nonce, OPAQUE_NONCE_LEN);
	error = opaque_derive_key_pair(
	    keyshare_private, ke2->server_keyshare, random->keyshare_seed);
	if (error == SR_OK)
		error =
		    oprf_multiply(dh1, keyshare_private, ke1->client_keyshare);
	if (error == SR_OK)
		error =
		    oprf_multiply(dh2, keys->private_key, ke1->client_keyshare);
	if (error == SR_OK)
		error = oprf_multiply(
		    dh3, keyshare_private, record->client_public_key);
	return error;
}

enum sr_error
opaque_server_respond(struct opaque_server_login *login, struct opaque_ke2 *ke2,
    const struct opaque_server_keys *keys, const struct opaque_record *record,
    const void *credential_identifier, size_t credential_identifier_len,
    const struct opaque_binding *binding,
    const struct opaque_server_random *random, const struct opaque_ke1 *ke1)
{
	struct opaque_schedule schedule;
	uint8_t ikm[OPAQUE_IKM_LEN];
	enum sr_error error;

	memset(login, 0, sizeof(*login));
	memset(ke2, 0, sizeof(*ke2));
	error =
	    server_credential_response(ke2, keys, record, credential_identifier,
		credential_identifier_len, random->masking_nonce, ke1->blinded);
	if (error == SR_OK)
		error =
		    server_key_exchange(ikm, ke2, keys, record, random, ke1);
	if (error == SR_OK) {
		opaque_schedule(&schedule, ikm, binding,
		    record->client_public_key, keys->public_key, ke1, ke2);
		memcpy(ke2->server_mac, schedule.server_mac, OPAQUE_MAC_LEN);
		memcpy(login->expected_client_mac, schedule.client_mac,
		    OPAQUE_MAC_LEN);
		memcpy(login->session_key, schedule.session_key,
		    OPAQUE_SESSION_KEY_LEN);
		sodium_memzero(&schedule, sizeof(schedule));
	} else {
		sodium_memzero(ke2, sizeof(*ke2));
	}
	sodium_memzero(ikm, sizeof(ikm));
	return error;
}

enum sr_error
opaque_server_verify(struct opaque_server_login *login,
    const struct opaque_ke3 *ke3, uint8_t session_key[OPAQUE_SESSION_KEY_LEN])
{
	enum sr_error error = SR_LOGIN;

	/* A state that was wiped expects zeros and must not accept them. */
	if (!sodium_is_zero(login->session_key, sizeof(login->session_key)) &&
	    sodium_memcmp(login->expected_client_mac, ke3->client_mac,
		OPAQUE_MAC_LEN) == 0) {
		memcpy(session_key, login->session_key, OPAQUE_SESSION_KEY_LEN);
		error = SR_OK;
	} else {
		sodium_memzero(session_key, OPAQUE_SESSION_KEY_LEN);
	}
	sodium_memzero(login, sizeof(*login));
	return error;
}
