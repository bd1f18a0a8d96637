/* SPDX-License-Identifier: ISC */
/*
 * Log in, and the session.  Must never give out a session whose keys,
 * attestation and bank have not all been checked, nor leave a secret behind.
 */
#include "client/login.h"

#include <string.h>

#include <sodium.h>

#include "client/exchange.h"
#include "common/ids.h"
#include "common/ipc.h"
#include "gen/messages.h"

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
	if (exchange->former_pair && !out->welcome.renew &&
	    attempt->credential->slot == SLOT_PASSWORD)
		return attempt_fail(attempt, SR_BANK_KEY, NULL);
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
	error =
	    login_attested(out, out->welcome.attestation, &out->attestation);
	/* nobody has ordered anything yet */
	if (error == SR_UNKNOWN_OUTCOME)
		return attempt_fail(attempt, SR_UNREACHABLE, out->link.message);
	if (error != SR_OK)
		return attempt_fail_keys(attempt);
	memcpy(out->attested_by,
	    out->former.epoch != 0 ? out->former.attestation_key
				   : out->certificate.attestation_key,
	    sizeof(out->attested_by));
	error = attempt_check_keys(
	    attempt, &out->attestation, out->welcome.name_salt, &out->keys);
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
	return login_welcome(attempt, exchange, out);
}

enum sr_error
login_open(const struct login_options *options,
    const struct login_credential *credential, struct login *out,
    struct login_problem *problem)
{
	struct login_problem renewal;
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
		out->certificate = attempt.certificate;
		memcpy(out->identity, options->bank->identity,
		    sizeof(out->identity));
		memcpy(out->name, exchange.m1.name, sizeof(out->name));
		out->link = attempt.link;
		attempt.link.fd = -1;
		error = login_check_keys(&attempt, out);
	}
	if (error == SR_OK) {
		attempt_remember(&attempt, out->welcome.server_time_ms);
		attempt_token_keep(&attempt, out->welcome.device_token);
	} else {
		link_close(&out->link);
		sodium_memzero(out, sizeof(*out));
		out->link.fd = -1;
	}
	sodium_memzero(&exchange, sizeof(exchange));
	attempt_end(&attempt);
	if (error == SR_OK && out->welcome.renew)
		(void)login_renew(options, credential, out, &renewal);
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

/* ---- whose keys ---------------------------------------------------------- */

/* The bank's answer about the certificate with that key id. */
static enum sr_error
login_ask_certificate(struct login *login, uint32_t key_id,
    uint8_t plain[SESSION_PLAIN_MAX], struct message_certificate *answer)
{
	struct message_certificate_get get = {.key_id = key_id};
	uint8_t bytes[MESSAGE_CERTIFICATE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error = message_certificate_get_encode(&w, &get);
	struct ipc_message got;
	struct reader r;
	size_t len;

	if (error == SR_OK)
		error = login_send(login, bytes, writer_len(&w));
	if (error == SR_OK)
		error = login_receive(login, plain, &len);
	if (error != SR_OK)
		return SR_UNKNOWN_OUTCOME;
	r = reader_of(plain, len);
	if (ipc_next(&r, true, &got) != SR_OK ||
	    got.type != MESSAGE_CERTIFICATE ||
	    message_certificate_decode(got.body, got.len, answer) != SR_OK ||
	    answer->request != get.request)
		return SR_MALFORMED;
	return SR_OK;
}

/* The certificate of before with that key id, to login->former. */
static enum sr_error
login_take_former(struct login *login, uint32_t key_id)
{
	static uint8_t plain[SESSION_PLAIN_MAX];
	struct message_certificate answer;
	struct certificate former;
	enum sr_error error;

	if (login->former.epoch != 0 && login->former.key_id == key_id)
		return SR_OK;
	error = login_ask_certificate(login, key_id, plain, &answer);
	if (error != SR_OK)
		return error;
	if (answer.error != SR_OK ||
	    answer.certificate_len != CERTIFICATE_LEN ||
	    certificate_verify(answer.certificate, login->identity, &former) !=
		SR_OK ||
	    former.key_id != key_id || former.epoch >= login->certificate.epoch)
		return SR_SIGNATURE;
	login->former = former;
	return SR_OK;
}

enum sr_error
login_attested(struct login *login, const uint8_t bytes[ATTESTATION_LEN],
    struct attestation *out)
{
	const struct certificate *certificate = &login->certificate;
	struct attestation claimed;
	enum sr_error error = attestation_verify(
	    bytes, certificate->attestation_key, certificate->bank_id, out);

	if (error != SR_SIGNATURE)
		return error;
	error = attestation_read(bytes, &claimed);
	if (error == SR_OK)
		error = login_take_former(login, claimed.key_id);
	return error == SR_OK
		   ? attestation_verify(bytes, login->former.attestation_key,
			 certificate->bank_id, out)
		   : error;
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
