/* SPDX-License-Identifier: ISC */
/*
 * Log-in, and the change of a credential, which begins as one.  A name that is
 * not registered, and a credential that is not set, go the same way with
 * nobody's record.
 */
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/kdf.h"
#include "keyd/keyd.h"

enum { DEVICE_ID_LEN = 16, DEVICE_MAC_LEN = 32 };

static void
device_mac(const struct keyd *k, const struct payload_m1 *m1,
    const uint8_t id[DEVICE_ID_LEN], uint8_t mac[DEVICE_MAC_LEN])
{
	uint8_t input[1 + PAYLOAD_NAME_MAX + DEVICE_ID_LEN];
	struct writer w = writer_to(input, sizeof(input));

	writer_u8(&w, m1->name_len);
	writer_bytes(&w, m1->name, m1->name_len);
	writer_bytes(&w, id, DEVICE_ID_LEN);
	kdf_hmac_sha256(mac, k->keys->device_token, 32, input, writer_len(&w));
}

bool
login_device_valid(const struct keyd *k, const struct payload_m1 *m1)
{
	uint8_t mac[DEVICE_MAC_LEN];

	device_mac(k, m1, m1->device_token, mac);
	return sodium_memcmp(
		   mac, m1->device_token + DEVICE_ID_LEN, sizeof(mac)) == 0;
}

/* The token that was shown, or a new one. */
static void
device_token(const struct keyd *k, const struct pending *p,
    uint8_t token[DEVICE_TOKEN_LEN])
{
	memcpy(token, p->m1.device_token, DEVICE_ID_LEN);
	if (!p->device)
		env_random(k->env, token, DEVICE_ID_LEN);
	device_mac(k, &p->m1, token, token + DEVICE_ID_LEN);
}

static enum sr_error
login_respond(struct keyd *k, struct pending *p, struct payload_m2 *m2,
    const struct opaque_record *record, const uint8_t identifier[64])
{
	struct opaque_binding binding = handshake_binding(&p->handshake);
	struct opaque_server_random random;
	enum sr_error error;

	env_random(k->env, &random, sizeof(random));
	error = opaque_server_respond(&p->login, &m2->ke2, &k->keys->opaque,
	    record, identifier, 64, &binding, &random, &p->m1.ke1);
	sodium_memzero(&random, sizeof(random));
	return error;
}

enum sr_error
login_evaluate(struct keyd *k, struct pending *p, struct payload_m2 *m2)
{
	SECRET_64(real);
	SECRET_64(fake);
	struct customer found, nobody;
	const struct payload_m1 *m1 = &p->m1;
	const struct credential *slot = &found.credential[m1->slot];
	bool known;
	enum sr_error error =
	    credentials_find(&k->credentials, m1->name, m1->name_len, &found);

	known = error == SR_OK && slot->present;
	if (error == SR_OK || error == SR_NOT_FOUND)
		error = credentials_read(&k->credentials, 0, &nobody);
	if (error != SR_OK) {
		diag_limited(
		    ENV_LINK_COUNT, "credentials: %s", error_sentence(error));
		return error;
	}
	register_identifier(k->keys->credential_id, m1->name, m1->name_len,
	    slot->random, sizeof(slot->random), real);
	/* with the slot: equal elements for both would tell */
	register_identifier(
	    k->keys->fake_id, m1->name, m1->name_len, &m1->slot, 1, fake);
	p->customer = known ? found.id : 0;
	p->generation = known ? found.generation : 0;
	error = login_respond(k, p, m2,
	    known ? &slot->record : &nobody.credential[0].record,
	    known ? real : fake);
	if (error == SR_OK && m1->operation == OPERATION_CHANGE)
		error = register_evaluate(k, p, m2);
	sodium_memzero(&found, sizeof(found));
	sodium_memzero(&nobody, sizeof(nobody));
	return error;
}

/*
 * Verifies KE3 and reads the customer, who must be as at M1: a password that
 * was changed in between does not finish.
 */
static enum sr_error
login_verify(struct keyd *k, struct pending *p, const struct payload_m3 *m3,
    uint8_t session_key[64], struct customer *customer, uint32_t *failed)
{
	enum sr_error error =
	    opaque_server_verify(&p->login, &m3->ke3, session_key);

	if (error != SR_OK)
		return error;
	if (p->customer == 0)
		return SR_LOGIN;
	error = credentials_read(&k->credentials, p->customer, customer);
	if (error != SR_OK || customer->generation != p->generation)
		return SR_LOGIN;
	error = limits_refund(&k->limits, &p->charge);
	if (error == SR_OK)
		error = limits_count_end(&k->limits, p->failed_place, failed);
	return keyd_fail(k, "limits", error);
}

static void
login_open_session(struct keyd *k, const struct pending *p,
    const struct customer *customer, const struct handshake_keys *keys,
    uint32_t failed)
{
	struct message_handshake_accepted accepted = {
	    .connection = p->connection};
	struct message_session_open open = {
	    .generation = k->generation,
	    .connection = p->connection,
	    .customer = customer->id,
	    .terminal = p->terminal,
	    .terminal_epoch = p->terminal_epoch,
	    .slot = p->m1.slot,
	    .failed = failed,
	    .name = (const uint8_t *)customer->name,
	    .name_len = customer->name_len,
	    .display_name = (const uint8_t *)customer->display_name,
	    .display_name_len = customer->display_name_len,
	    .attestation = customer->attestation,
	    .attestation_len = ATTESTATION_LEN,
	};

	memcpy(open.session, keys->session_id, sizeof(open.session));
	memcpy(open.chain_key, keys->chain_key, sizeof(open.chain_key));
	memcpy(open.wrapped_seed, customer->credential[p->m1.slot].wrapped_seed,
	    sizeof(open.wrapped_seed));
	device_token(k, p, open.device_token);
	memcpy(open.salt, customer->salt, sizeof(open.salt));
	memcpy(open.directory_key, customer->directory_key,
	    sizeof(open.directory_key));
	KEYD_SEND(k, to_ledgerd, session_open, SESSION_OPEN, &open);
	KEYD_SEND(
	    k, to_netd, handshake_accepted, HANDSHAKE_ACCEPTED, &accepted);
	sodium_memzero(&open, sizeof(open));
}

enum sr_error
login_finish(struct keyd *k, struct pending *p, const struct payload_m3 *m3)
{
	SECRET_64(session_key);
	struct handshake_keys keys;
	struct customer customer;
	uint32_t failed;
	enum sr_error error =
	    login_verify(k, p, m3, session_key, &customer, &failed);

	/* a terminal revoked since M1 is out */
	if (error == SR_OK && p->terminal != 0)
		error = terminals_check(
		    &k->terminals, p->terminal, p->terminal_epoch);
	if (error == SR_OK)
		error = handshake_keys(&p->handshake, session_key, &keys);
	if (error == SR_OK)
		login_open_session(k, p, &customer, &keys, failed);
	sodium_memzero(&keys, sizeof(keys));
	sodium_memzero(&customer, sizeof(customer));
	return error;
}

/* passwd: 0 by 0.  set recovery: 1 by 0.  recover: 0 by 1.  rekey: both. */
static enum sr_error
change_allowed(const struct keyd *k, const struct pending *p,
    const struct payload_m3 *m3, const struct customer *customer, bool *rekey)
{
	struct attestation attested;
	enum sr_error error;

	if (p->m1.slot == SLOT_RECOVERY && p->m1.target_slot == SLOT_RECOVERY)
		return SR_NOT_ALLOWED;
	error = attestation_verify(customer->attestation,
	    k->keys->attestation_public, k->state.bank_id, &attested);
	if (error != SR_OK)
		return error;
	*rekey = !sodium_is_zero(m3->old_signature, SIGNATURE_LEN);
	if (*rekey)
		error = rekey_allowed(p, m3, &attested);
	else if (memcmp(attested.signing_key, m3->signing_key,
		     PUBLIC_KEY_LEN) != 0 ||
		 memcmp(attested.message_key, m3->message_key,
		     PUBLIC_KEY_LEN) != 0)
		error = SR_NOT_ALLOWED;
	if (error != SR_OK)
		return error;
	if (!opaque_record_valid(&m3->record))
		return SR_CRYPTO;
	return handshake_proof_verify(&p->handshake, m3);
}

/* Puts the change in force; the first half of a rekey waits. */
static enum sr_error
change_save(struct keyd *k, struct pending *p, const struct payload_m3 *m3,
    struct customer *customer, bool rekey)
{
	struct message_sessions_end end = {.customer = customer->id};
	struct credential *target = &customer->credential[p->m1.target_slot];
	enum sr_error error;

	if (rekey && !rekey_take(k, p, m3, customer))
		return SR_OK;
	if (!rekey) {
		target->present = true;
		memcpy(target->random, p->random, sizeof(target->random));
		target->record = m3->record;
		memcpy(
		    target->wrapped_seed, m3->wrapped_seed, WRAPPED_SEED_LEN);
	}
	customer->generation++;
	error = keyd_save_customer(k, customer);
	if (error == SR_OK)
		KEYD_SEND(k, to_ledgerd, sessions_end, SESSIONS_END, &end);
	return error;
}

enum sr_error
login_replace(struct keyd *k, struct pending *p, const struct payload_m3 *m3)
{
	SECRET_64(session_key);
	struct customer customer;
	struct payload_m5 m5 = {.status = SR_OK};
	uint32_t failed;
	bool rekey = false;
	enum sr_error error =
	    login_verify(k, p, m3, session_key, &customer, &failed);

	if (error == SR_OK)
		m5.status = change_allowed(k, p, m3, &customer, &rekey);
	if (error == SR_OK && m5.status == SR_OK) {
		m5.status = change_save(k, p, m3, &customer, rekey);
		error = k->failure;
	}
	if (error == SR_OK && m5.status == SR_OK) {
		memcpy(m5.name_salt, customer.salt, sizeof(m5.name_salt));
		memcpy(m5.attestation, customer.attestation, ATTESTATION_LEN);
	}
	sodium_memzero(&customer, sizeof(customer));
	return error == SR_OK ? register_answer(k, p, &m5) : error;
}
