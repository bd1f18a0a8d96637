/* SPDX-License-Identifier: ISC */
/* The parts of exchange.h, in the order in which a handshake takes them. */
#include "client/exchange.h"

#include <string.h>

#include <sodium.h>

struct opaque_password
exchange_password(const struct login_credential *credential)
{
	return (struct opaque_password){
	    .bytes = credential->password, .len = credential->password_len};
}

static void
draw_blind(uint8_t blind[OPAQUE_SCALAR_LEN])
{
	uint8_t wide[64];

	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
	sodium_memzero(wide, sizeof(wide));
}

/* What every M1 begins with. */
void
exchange_begin(struct exchange *exchange, enum payload_operation operation,
    const struct login_credential *credential)
{
	size_t name_len = strnlen(credential->name, PAYLOAD_NAME_MAX);

	memset(exchange, 0, sizeof(*exchange));
	exchange->m1.operation = operation;
	exchange->m1.slot = credential->slot;
	exchange->m1.name_len = (uint8_t)name_len;
	memcpy(exchange->m1.name, credential->name, name_len);
}

/* KE1 and the device token. */
enum sr_error
exchange_start_login(struct exchange *exchange, struct attempt *attempt)
{
	struct opaque_password password =
	    exchange_password(attempt->credential);
	struct opaque_client_random random;
	enum sr_error error;

	attempt_token_load(attempt, exchange->m1.device_token);
	draw_blind(random.blind);
	randombytes_buf(random.client_nonce, sizeof(random.client_nonce));
	randombytes_buf(random.keyshare_seed, sizeof(random.keyshare_seed));
	error = opaque_login_start(
	    &exchange->login, &exchange->m1.ke1, &password, &random);
	sodium_memzero(&random, sizeof(random));
	return error == SR_OK ? SR_OK : attempt_fail(attempt, error, NULL);
}

/* KE3; from here on the password is known to be right. */
enum sr_error
exchange_finish_login(struct exchange *exchange, struct attempt *attempt)
{
	struct opaque_password password =
	    exchange_password(attempt->credential);
	struct opaque_binding binding = handshake_binding(&attempt->hs);
	enum sr_error error = opaque_login_finish(&exchange->login,
	    &exchange->m3.ke3, &exchange->result, &password, &exchange->m2.ke2,
	    &binding, OPAQUE_STRETCH_ARGON2ID);

	if (error != SR_OK)
		return attempt_fail(attempt, error, NULL);
	exchange->former_pair =
	    memcmp(exchange->result.server_public_key,
		attempt->certificate.opaque_key, OPAQUE_ELEMENT_LEN) != 0;
	return SR_OK;
}

enum sr_error
exchange_start_record(struct exchange *exchange, struct attempt *attempt,
    const struct opaque_password *password)
{
	enum sr_error error;

	draw_blind(exchange->blind);
	error = opaque_register_start(
	    exchange->m1.request, password, exchange->blind);
	return error == SR_OK ? SR_OK : attempt_fail(attempt, error, NULL);
}

/* The record, the wrapped seed, the keys and the proof: the rest of M3. */
enum sr_error
exchange_finish_record(struct exchange *exchange, struct attempt *attempt,
    const struct opaque_password *password, const uint8_t seed[SEED_LEN],
    uint32_t key_epoch, const uint8_t *old_secret)
{
	struct opaque_binding binding = handshake_binding(&attempt->hs);
	struct payload_m3 *m3 = &exchange->m3;
	uint8_t nonce[OPAQUE_NONCE_LEN];
	enum sr_error error;

	randombytes_buf(nonce, sizeof(nonce));
	error = opaque_register_finish(&m3->record, exchange->export_key,
	    password, exchange->blind, exchange->m2.evaluated,
	    attempt->certificate.opaque_key, &binding, OPAQUE_STRETCH_ARGON2ID,
	    nonce);
	if (error != SR_OK)
		return attempt_fail(attempt, error, NULL);
	seed_keys_derive(seed, key_epoch, &exchange->keys);
	seed_wrap(seed, exchange->export_key, attempt->credential->name,
	    attempt->certificate.bank_id, m3->wrapped_seed);
	memcpy(m3->signing_key, exchange->keys.signing_public, PUBLIC_KEY_LEN);
	memcpy(m3->message_key, exchange->keys.message_public, PUBLIC_KEY_LEN);
	handshake_proof_sign(&attempt->hs, exchange->keys.signing_secret, m3);
	if (old_secret != NULL)
		handshake_old_sign(&attempt->hs, old_secret, m3);
	return SR_OK;
}

enum sr_error
exchange_send_m3(struct exchange *exchange, struct attempt *attempt)
{
	uint8_t body[FRAME_M3_LEN];
	enum sr_error error =
	    handshake_m3_seal(&attempt->hs, &exchange->m3, body);

	if (error != SR_OK)
		return attempt_fail(attempt, error, NULL);
	error = link_write(&attempt->link, FRAME_M3, body, sizeof(body));
	if (error != SR_OK)
		return attempt_fail(
		    attempt, SR_UNREACHABLE, attempt->link.message);
	return SR_OK;
}

enum sr_error
exchange_take_m5(struct exchange *exchange, struct attempt *attempt)
{
	enum sr_error error =
	    attempt_await(attempt, FRAME_M5, SR_UNKNOWN_OUTCOME);

	if (error != SR_OK)
		return error;
	error =
	    handshake_m5_open(&attempt->hs, attempt->frame.body, &exchange->m5);
	if (error != SR_OK)
		return attempt_fail(attempt, SR_UNKNOWN_OUTCOME,
		    "the bank's answer was altered on the way; log in to see "
		    "whether it was done");
	if (exchange->m5.status != SR_OK)
		return attempt_fail(attempt, exchange->m5.status, NULL);
	return SR_OK;
}

enum sr_error
exchange_result(struct exchange *exchange, struct attempt *attempt,
    uint32_t key_epoch, struct attestation *out)
{
	enum payload_operation operation = exchange->m1.operation;
	/* the log-in of the same run has seen whose key signed it */
	bool kept =
	    (operation == OPERATION_CHANGE || operation == OPERATION_RENEW) &&
	    sodium_is_zero(exchange->m3.old_signature, SIGNATURE_LEN);
	enum sr_error error = exchange_take_m5(exchange, attempt);

	if (error != SR_OK)
		return error;
	if (!kept)
		error =
		    attempt_check_attestation(attempt, exchange->m5.attestation,
			exchange->m5.name_salt, &exchange->keys, out);
	else if (attestation_read(exchange->m5.attestation, out) != SR_OK)
		error = attempt_fail_keys(attempt);
	else
		error = attempt_check_keys(
		    attempt, out, exchange->m5.name_salt, &exchange->keys);
	if (error == SR_OK && out->key_epoch != key_epoch)
		error = attempt_fail(attempt, SR_DAMAGED, NULL);
	return error;
}
