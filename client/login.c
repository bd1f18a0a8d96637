/* SPDX-License-Identifier: ISC */
/*
 * Log in, register, change.  Must never give out a session whose keys,
 * attestation and bank have not all been checked, nor leave a secret behind.
 */
#include "client/login.h"

#include <string.h>

#include <sodium.h>

#include "client/attempt.h"
#include "common/ids.h"
#include "gen/messages.h"

/* The OPAQUE part of an attempt; secret. */
struct exchange {
	struct payload_m1 m1;
	struct payload_m2 m2;
	struct payload_m3 m3;
	struct payload_m5 m5;
	struct opaque_client_login login;
	struct opaque_client_result result;
	uint8_t blind[OPAQUE_SCALAR_LEN]; /* of the registration request */
	uint8_t export_key[OPAQUE_EXPORT_KEY_LEN];
	struct seed_keys keys;
};

static struct opaque_password
password_of(const struct login_credential *credential)
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
static void
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
static enum sr_error
exchange_start_login(struct exchange *exchange, struct attempt *attempt)
{
	struct opaque_password password = password_of(attempt->credential);
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
static enum sr_error
exchange_finish_login(struct exchange *exchange, struct attempt *attempt)
{
	struct opaque_password password = password_of(attempt->credential);
	struct opaque_binding binding = handshake_binding(&attempt->hs);
	enum sr_error error = opaque_login_finish(&exchange->login,
	    &exchange->m3.ke3, &exchange->result, &password, &exchange->m2.ke2,
	    &binding, OPAQUE_STRETCH_ARGON2ID);

	if (error != SR_OK)
		return attempt_fail(attempt, error, NULL);
	if (memcmp(exchange->result.server_public_key,
		attempt->certificate.opaque_key, OPAQUE_ELEMENT_LEN) != 0)
		return attempt_fail(attempt, SR_BANK_KEY, NULL);
	return SR_OK;
}

static enum sr_error
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
static enum sr_error
exchange_finish_record(struct exchange *exchange, struct attempt *attempt,
    const struct opaque_password *password, const uint8_t seed[SEED_LEN],
    uint32_t key_epoch)
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
	return SR_OK;
}

static enum sr_error
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

/* M5 and the attestation in it, for register and change. */
static enum sr_error
exchange_result(struct exchange *exchange, struct attempt *attempt,
    uint32_t key_epoch, struct attestation *out)
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
	error = attempt_check_attestation(attempt, exchange->m5.attestation,
	    exchange->m5.name_salt, &exchange->keys, out);
	if (error == SR_OK && out->key_epoch != key_epoch)
		error = attempt_fail(attempt, SR_DAMAGED, NULL);
	return error;
}

/* ---- log in ------------------------------------------------------------- */

/* The first record: whose session it is, and the seed. */
static enum sr_error
login_welcome(
    struct attempt *attempt, const struct exchange *exchange, struct login *out)
{
	const struct card *card = attempt->options->terminal;
	uint8_t plain[PAYLOAD_M4_LEN];
	size_t len;
	enum sr_error error = attempt_await(attempt, FRAME_M4, SR_UNREACHABLE);

	if (error != SR_OK)
		return error;
	error = session_open(&out->session, FRAME_M4, attempt->frame.body,
	    attempt->frame.len, plain, &len);
	if (error == SR_OK)
		error = payload_m4_read(plain, &out->welcome);
	sodium_memzero(plain, sizeof(plain));
	if (error != SR_OK)
		return attempt_fail(attempt, error, NULL);
	if (out->welcome.status != SR_OK)
		return attempt_fail(attempt, out->welcome.status, NULL);
	if (memcmp(out->welcome.session_id, out->session.id, SESSION_ID_LEN) !=
		0 ||
	    out->welcome.terminal != (card != NULL ? card->terminal : 0))
		return attempt_fail(attempt, SR_DAMAGED, NULL);
	if (seed_unwrap(out->welcome.wrapped_seed, exchange->result.export_key,
		attempt->credential->name, attempt->certificate.bank_id,
		out->seed) != SR_OK)
		return attempt_fail(attempt, SR_DAMAGED,
		    "the bank returned another seed than was given to it; tell "
		    "the bank's people");
	return SR_OK;
}

/*
 * The key epoch stands in the attestation, which is believed only when the
 * keys of that epoch are the attested ones.
 */
static enum sr_error
login_check_keys(struct attempt *attempt, struct login *out)
{
	struct attestation claimed;
	enum sr_error error =
	    attestation_read(out->welcome.attestation, &claimed);

	if (error != SR_OK)
		return attempt_fail(attempt, SR_DAMAGED, NULL);
	seed_keys_derive(out->seed, claimed.key_epoch, &out->keys);
	error = attempt_check_attestation(attempt, out->welcome.attestation,
	    out->welcome.name_salt, &out->keys, &out->attestation);
	/* Else a bank could have a deposit signed to another's account. */
	if (error == SR_OK &&
	    (out->attestation.customer != out->welcome.customer ||
		(out->welcome.account != 0 &&
		    out->welcome.account !=
			account_id(out->welcome.customer, ACCOUNT_INDEX_MAIN))))
		error = attempt_fail(attempt, SR_DAMAGED, NULL);
	return error;
}

static enum sr_error
login_steps(
    struct attempt *attempt, struct exchange *exchange, struct login *out)
{
	struct handshake_keys keys;
	enum sr_error error = exchange_start_login(exchange, attempt);

	if (error == SR_OK)
		error = attempt_ask(attempt, &exchange->m1, &exchange->m2);
	if (error == SR_OK)
		error = exchange_finish_login(exchange, attempt);
	if (error == SR_OK)
		error = exchange_send_m3(exchange, attempt);
	if (error != SR_OK)
		return error;
	error =
	    handshake_keys(&attempt->hs, exchange->result.session_key, &keys);
	if (error != SR_OK)
		return attempt_fail(attempt, error, NULL);
	session_start(
	    &out->session, SESSION_CLIENT, keys.chain_key, keys.session_id);
	sodium_memzero(&keys, sizeof(keys));
	error = login_welcome(attempt, exchange, out);
	return error == SR_OK ? login_check_keys(attempt, out) : error;
}

enum sr_error
login_open(const struct login_options *options,
    const struct login_credential *credential, struct login *out,
    struct login_problem *problem)
{
	struct attempt attempt;
	struct exchange exchange;
	enum sr_error error;

	memset(out, 0, sizeof(*out));
	out->link.fd = -1;
	error = attempt_begin(&attempt, options, credential, problem);
	if (error != SR_OK)
		return error;
	exchange_begin(&exchange, OPERATION_LOG_IN, credential);
	error = login_steps(&attempt, &exchange, out);
	if (error == SR_OK) {
		attempt_remember(&attempt, out->welcome.server_time_ms);
		attempt_token_keep(&attempt, out->welcome.device_token);
		out->certificate = attempt.certificate;
		memcpy(out->name, exchange.m1.name, sizeof(out->name));
		out->link = attempt.link;
		attempt.link.fd = -1;
	} else {
		sodium_memzero(out, sizeof(*out));
		out->link.fd = -1;
	}
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	return error;
}

/* ---- register and change ------------------------------------------------ */

static enum sr_error
register_steps(struct attempt *attempt, struct exchange *exchange,
    struct login_registered *out)
{
	struct opaque_password password = password_of(attempt->credential);
	enum sr_error error =
	    exchange_start_record(exchange, attempt, &password);

	if (error == SR_OK)
		error = attempt_ask(attempt, &exchange->m1, &exchange->m2);
	if (error == SR_OK)
		error = exchange_finish_record(exchange, attempt, &password,
		    out->seed, ATTESTATION_FIRST_EPOCH);
	if (error == SR_OK)
		error = exchange_send_m3(exchange, attempt);
	if (error == SR_OK)
		error = exchange_result(exchange, attempt,
		    ATTESTATION_FIRST_EPOCH, &out->attestation);
	if (error == SR_OK)
		memcpy(out->attestation_bytes, exchange->m5.attestation,
		    ATTESTATION_LEN);
	return error;
}

enum sr_error
login_register(const struct login_options *options,
    const struct login_credential *credential, const uint8_t *seed,
    const uint8_t *invitation, const char *display_name,
    struct login_registered *out, struct login_problem *problem)
{
	struct attempt attempt;
	struct exchange exchange;
	enum sr_error error =
	    attempt_begin(&attempt, options, credential, problem);

	memset(out, 0, sizeof(*out));
	if (error != SR_OK)
		return error;
	exchange_begin(&exchange, OPERATION_REGISTER, credential);
	if (invitation != NULL)
		memcpy(exchange.m1.invitation, invitation, INVITATION_LEN);
	if (display_name != NULL) {
		size_t len = strnlen(display_name, PAYLOAD_DISPLAY_NAME_MAX);

		memcpy(exchange.m1.display_name, display_name, len);
		exchange.m1.display_name_len = (uint8_t)len;
	}
	if (seed != NULL)
		memcpy(out->seed, seed, SEED_LEN);
	else
		randombytes_buf(out->seed, SEED_LEN);
	error = register_steps(&attempt, &exchange, out);
	if (error != SR_OK)
		sodium_memzero(out, sizeof(*out));
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	return error;
}

enum sr_error
login_change(const struct login_options *options,
    const struct login_credential *credential, uint8_t target_slot,
    const void *new_password, size_t new_password_len,
    const uint8_t seed[SEED_LEN], uint32_t key_epoch,
    struct login_problem *problem)
{
	struct opaque_password password = {
	    .bytes = new_password, .len = new_password_len};
	struct attestation attestation;
	struct attempt attempt;
	struct exchange exchange;
	enum sr_error error =
	    attempt_begin(&attempt, options, credential, problem);

	if (error != SR_OK)
		return error;
	exchange_begin(&exchange, OPERATION_CHANGE, credential);
	exchange.m1.target_slot = target_slot;
	error = exchange_start_login(&exchange, &attempt);
	if (error == SR_OK)
		error = exchange_start_record(&exchange, &attempt, &password);
	if (error == SR_OK)
		error = attempt_ask(&attempt, &exchange.m1, &exchange.m2);
	if (error == SR_OK)
		error = exchange_finish_login(&exchange, &attempt);
	if (error == SR_OK)
		error = exchange_finish_record(
		    &exchange, &attempt, &password, seed, key_epoch);
	if (error == SR_OK)
		error = exchange_send_m3(&exchange, &attempt);
	if (error == SR_OK)
		error = exchange_result(
		    &exchange, &attempt, key_epoch, &attestation);
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	return error;
}

/* ---- the session -------------------------------------------------------- */

enum sr_error
login_send(struct login *login, const void *plain, size_t len)
{
	uint8_t body[FRAME_BODY_MAX];
	size_t body_len;
	enum sr_error error = session_seal(
	    &login->session, FRAME_RECORD, plain, len, body, &body_len);

	if (error != SR_OK)
		return error;
	return link_write(&login->link, FRAME_RECORD, body, body_len);
}

enum sr_error
login_receive(
    struct login *login, uint8_t plain[SESSION_PLAIN_MAX], size_t *len)
{
	struct link_frame frame;
	enum sr_error error = link_read(&login->link, &frame);

	*len = 0;
	if (error != SR_OK)
		return error;
	return session_open(
	    &login->session, frame.type, frame.body, frame.len, plain, len);
}

void
login_close(struct login *login)
{
	struct message_goodbye goodbye = {0};
	uint8_t bytes[64];
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (login->link.fd >= 0 && !login->session.dead) {
		/* The session ends here, whether or not the bank hears it. */
		if (message_goodbye_encode(&w, &goodbye) == SR_OK)
			(void)login_send(login, bytes, writer_len(&w));
	}
	link_close(&login->link);
	sodium_memzero(login, sizeof(*login));
	login->session.dead = true;
	login->link.fd = -1;
}
