/* SPDX-License-Identifier: ISC */
/*
 * The customer's side of OPAQUE.  Must never let the password, or anything
 * that a guess could be tested against without the bank, leave this file
 * but blinded; and must never give out a key before the bank's MAC verified.
 */
#include "common/opaque.h"

#include <string.h>

#include <sodium.h>

#include "common/opaque_schedule.h"
#include "common/oprf.h"
#include "common/secret.h"

#define CLIENT_ARGON2ID_PASSES 3
#define CLIENT_ARGON2ID_BYTES ((size_t)64 << 20)

/* What the randomized password and an envelope's nonce yield; a secret. */
struct client_envelope {
	uint8_t auth_tag[OPAQUE_MAC_LEN];
	uint8_t export_key[OPAQUE_EXPORT_KEY_LEN];
	uint8_t private_key[OPAQUE_SCALAR_LEN];
	uint8_t public_key[OPAQUE_ELEMENT_LEN];
};

static enum sr_error
client_stretch(uint8_t out[OPRF_OUTPUT_LEN],
    const uint8_t oprf_output[OPRF_OUTPUT_LEN], enum opaque_stretch stretch)
{
	static const uint8_t salt[crypto_pwhash_argon2id_SALTBYTES];

	_Static_assert(sizeof(salt) == 16, "RFC 9807's salt of zeros");
	switch (stretch) {
	case OPAQUE_STRETCH_NONE:
		memcpy(out, oprf_output, OPRF_OUTPUT_LEN);
		return SR_OK;
	case OPAQUE_STRETCH_ARGON2ID:
		if (crypto_pwhash_argon2id(out, OPRF_OUTPUT_LEN,
			(const char *)oprf_output, OPRF_OUTPUT_LEN, salt,
			CLIENT_ARGON2ID_PASSES, CLIENT_ARGON2ID_BYTES,
			crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
			return SR_MEMORY;
		return SR_OK;
	}
	return SR_INTERNAL;
}

/* The randomized password: the OPRF's output, stretched, extracted. */
static enum sr_error
client_randomized_password(uint8_t randomized[OPAQUE_HASH_LEN],
    const struct opaque_password *password,
    const uint8_t blind[OPAQUE_SCALAR_LEN],
    const uint8_t evaluated[OPAQUE_ELEMENT_LEN], enum opaque_stretch stretch)
{
	uint8_t both[2 * OPRF_OUTPUT_LEN];
	enum sr_error error;

	error = oprf_finalize(
	    both, password->bytes, password->len, blind, evaluated);
	if (error == SR_OK)
		error = client_stretch(both + OPRF_OUTPUT_LEN, both, stretch);
	if (error == SR_OK)
		kdf_extract(randomized, NULL, 0, both, sizeof(both));
	sodium_memzero(both, sizeof(both));
	return error;
}

static void
client_expand(uint8_t *out, size_t len,
    const uint8_t randomized[OPAQUE_HASH_LEN],
    const uint8_t nonce[OPAQUE_NONCE_LEN], const char *label)
{
	const struct kdf_part info[] = {
	    {nonce, OPAQUE_NONCE_LEN},
	    {label, strlen(label)},
	};

	kdf_expand_parts(out, len, randomized, OPAQUE_HASH_LEN, info, 2);
}

static void
client_masking_key(uint8_t masking_key[OPAQUE_HASH_LEN],
    const uint8_t randomized[OPAQUE_HASH_LEN])
{
	static const char label[] = "MaskingKey";

	kdf_expand(
	    masking_key, OPAQUE_HASH_LEN, randomized, label, sizeof(label) - 1);
}

/* What Store (4.1.2) and Recover (4.1.3) have in common. */
static enum sr_error
client_envelope(struct client_envelope *envelope,
    const uint8_t randomized[OPAQUE_HASH_LEN],
    const uint8_t nonce[OPAQUE_NONCE_LEN],
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const struct opaque_binding *binding)
{
	const struct kdf_part client = opaque_identity(binding->client_identity,
	    binding->client_identity_len, envelope->public_key);
	const struct kdf_part server = opaque_identity(binding->server_identity,
	    binding->server_identity_len, server_public_key);
	uint8_t client_size[2];
	uint8_t server_size[2];
	enum sr_error error;
	SECRET_64(auth_key);
	SECRET_32(seed);
	/* The nonce and CleartextCredentials (4.1). */
	const struct kdf_part parts[] = {
	    {nonce, OPAQUE_NONCE_LEN},
	    {server_public_key, OPAQUE_ELEMENT_LEN},
	    {server_size, sizeof(server_size)},
	    server,
	    {client_size, sizeof(client_size)},
	    client,
	};

	client_expand(auth_key, sizeof(auth_key), randomized, nonce, "AuthKey");
	client_expand(envelope->export_key, sizeof(envelope->export_key),
	    randomized, nonce, "ExportKey");
	client_expand(seed, sizeof(seed), randomized, nonce, "PrivateKey");
	error = opaque_derive_key_pair(
	    envelope->private_key, envelope->public_key, seed);
	if (error != SR_OK)
		return error;
	opaque_u16(client_size, client.len);
	opaque_u16(server_size, server.len);
	kdf_hmac_sha512_parts(envelope->auth_tag, auth_key, sizeof(auth_key),
	    parts, sizeof(parts) / sizeof(parts[0]));
	return SR_OK;
}

enum sr_error
opaque_register_start(uint8_t request[OPAQUE_REQUEST_LEN],
    const struct opaque_password *password,
    const uint8_t blind[OPAQUE_SCALAR_LEN])
{
	return oprf_blind(request, password->bytes, password->len, blind);
}

enum sr_error
opaque_register_finish(struct opaque_record *record,
    uint8_t export_key[OPAQUE_EXPORT_KEY_LEN],
    const struct opaque_password *password,
    const uint8_t blind[OPAQUE_SCALAR_LEN],
    const uint8_t evaluated[OPAQUE_ELEMENT_LEN],
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const struct opaque_binding *binding, enum opaque_stretch stretch,
    const uint8_t envelope_nonce[OPAQUE_NONCE_LEN])
{
	struct client_envelope envelope;
	enum sr_error error;
	SECRET_64(randomized);

	memset(record, 0, sizeof(*record));
	memset(export_key, 0, OPAQUE_EXPORT_KEY_LEN);
	error = client_randomized_password(
	    randomized, password, blind, evaluated, stretch);
	if (error != SR_OK)
		return error;
	error = client_envelope(
	    &envelope, randomized, envelope_nonce, server_public_key, binding);
	if (error == SR_OK) {
		memcpy(record->client_public_key, envelope.public_key,
		    OPAQUE_ELEMENT_LEN);
		client_masking_key(record->masking_key, randomized);
		memcpy(
		    record->envelope.nonce, envelope_nonce, OPAQUE_NONCE_LEN);
		memcpy(record->envelope.auth_tag, envelope.auth_tag,
		    OPAQUE_MAC_LEN);
		memcpy(export_key, envelope.export_key, OPAQUE_EXPORT_KEY_LEN);
	}
	sodium_memzero(&envelope, sizeof(envelope));
	return error;
}

enum sr_error
opaque_login_start(struct opaque_client_login *login, struct opaque_ke1 *ke1,
    const struct opaque_password *password,
    const struct opaque_client_random *random)
{
	enum sr_error error;

	memset(ke1, 0, sizeof(*ke1));
	memcpy(login->blind, random->blind, OPAQUE_SCALAR_LEN);
	memcpy(ke1->client_nonce, random->client_nonce, OPAQUE_NONCE_LEN);
	error = oprf_blind(
	    ke1->blinded, password->bytes, password->len, random->blind);
	if (error == SR_OK)
		error = opaque_derive_key_pair(login->keyshare_private,
		    ke1->client_keyshare, random->keyshare_seed);
	if (error == SR_OK) {
		login->ke1 = *ke1;
	} else {
		sodium_memzero(login, sizeof(*login));
		sodium_memzero(ke1, sizeof(*ke1));
	}
	return error;
}

/*
 * RecoverCredentials (6.3.2.3): the server's public key, and the envelope if
 * it opens, which it does for the right password only.
 */
static enum sr_error
client_recover(struct client_envelope *envelope,
    uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const struct opaque_client_login *login,
    const struct opaque_password *password, const struct opaque_ke2 *ke2,
    const struct opaque_binding *binding, enum opaque_stretch stretch)
{
	uint8_t plain[sizeof(ke2->masked_response)];
	struct opaque_envelope stored;
	enum sr_error error;
	SECRET_64(randomized);
	SECRET_64(masking_key);

	error = client_randomized_password(
	    randomized, password, login->blind, ke2->evaluated, stretch);
	if (error != SR_OK)
		return error;
	client_masking_key(masking_key, randomized);
	client_expand(plain, sizeof(plain), masking_key, ke2->masking_nonce,
	    "CredentialResponsePad");
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] ^= ke2->masked_response[i];
	memcpy(server_public_key, plain, OPAQUE_ELEMENT_LEN);
	memcpy(&stored, plain + OPAQUE_ELEMENT_LEN, sizeof(stored));
	sodium_memzero(plain, sizeof(plain));
	error = client_envelope(
	    envelope, randomized, stored.nonce, server_public_key, binding);
	if (error == SR_OK && sodium_memcmp(envelope->auth_tag, stored.auth_tag,
				  OPAQUE_MAC_LEN) != 0)
		error = SR_LOGIN;
	return error;
}

/* AuthClientFinalize (6.4.3), but for the transcript. */
static enum sr_error
client_key_exchange(uint8_t ikm[OPAQUE_IKM_LEN],
    const struct client_envelope *envelope,
    const uint8_t server_public_key[OPAQUE_ELEMENT_LEN],
    const struct opaque_client_login *login, const struct opaque_ke2 *ke2)
{
	uint8_t *dh1 = ikm;
	uint8_t *dh2 = ikm + OPAQUE_ELEMENT_LEN;
	uint8_t *dh3 = ikm + 2 * OPAQUE_ELEMENT_LEN;
	enum sr_error error;

	error =
	    oprf_multiply(dh1, login->keyshare_private, ke2->server_keyshare);
	if (error == SR_OK)
		error = oprf_multiply(
		    dh2, login->keyshare_private, server_public_key);
	if (error == SR_OK)
		error = oprf_multiply(
		    dh3, envelope->private_key, ke2->server_keyshare);
	return error;
}

enum sr_error
opaque_login_finish(struct opaque_client_login *login, struct opaque_ke3 *ke3,
    struct opaque_client_result *result, const struct opaque_password *password,
    const struct opaque_ke2 *ke2, const struct opaque_binding *binding,
    enum opaque_stretch stretch)
{
	struct client_envelope envelope = {0};
	struct opaque_schedule schedule = {0};
	uint8_t server_public_key[OPAQUE_ELEMENT_LEN];
	uint8_t ikm[OPAQUE_IKM_LEN];
	enum sr_error error;

	memset(ke3, 0, sizeof(*ke3));
	memset(result, 0, sizeof(*result));
	error = client_recover(&envelope, server_public_key, login, password,
	    ke2, binding, stretch);
	if (error == SR_OK)
		error = client_key_exchange(
		    ikm, &envelope, server_public_key, login, ke2);
	if (error == SR_OK) {
		opaque_schedule(&schedule, ikm, binding, envelope.public_key,
		    server_public_key, &login->ke1, ke2);
		if (sodium_memcmp(schedule.server_mac, ke2->server_mac,
			OPAQUE_MAC_LEN) != 0)
			error = SR_CRYPTO;
	}
	if (error == SR_OK) {
		memcpy(ke3->client_mac, schedule.client_mac, OPAQUE_MAC_LEN);
		memcpy(result->session_key, schedule.session_key,
		    OPAQUE_SESSION_KEY_LEN);
		memcpy(result->export_key, envelope.export_key,
		    OPAQUE_EXPORT_KEY_LEN);
		memcpy(result->server_public_key, server_public_key,
		    OPAQUE_ELEMENT_LEN);
	}
	sodium_memzero(&envelope, sizeof(envelope));
	sodium_memzero(&schedule, sizeof(schedule));
	sodium_memzero(ikm, sizeof(ikm));
	sodium_memzero(login, sizeof(*login));
	return error;
}
