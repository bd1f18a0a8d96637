/* SPDX-License-Identifier: ISC */
/*
 * Log-in, and the change of a credential, which begins as one.  A name that is
 * not registered, and a credential that is not set, go the same way with
 * nobody's record, and change when somebody's does (renew.h).
 */
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "keyd/epochs.h"
#include "keyd/keyd.h"
#include "keyd/renew.h"

enum { DEVICE_ID_LEN = 16, DEVICE_MAC_LEN = 32 };

enum { DEVICE_INPUT_MAX = 1 + PAYLOAD_NAME_MAX + DEVICE_ID_LEN + 4 };

/* Of a customer who has been reset so often; what was before is void. */
static size_t
device_input(const struct payload_m1 *m1, uint32_t resets,
    const uint8_t id[DEVICE_ID_LEN], uint8_t input[DEVICE_INPUT_MAX])
{
	struct writer w = writer_to(input, DEVICE_INPUT_MAX);

	writer_u8(&w, m1->name_len);
	writer_bytes(&w, m1->name, m1->name_len);
	writer_bytes(&w, id, DEVICE_ID_LEN);
	if (resets > 0)
		writer_u32(&w, resets);
	return writer_len(&w);
}

bool
login_device_valid(const struct keyd *k, const struct payload_m1 *m1)
{
	uint8_t input[DEVICE_INPUT_MAX];
	struct customer customer;
	uint32_t resets = 0;

	if (sodium_is_zero(m1->device_token, DEVICE_TOKEN_LEN))
		return false;
	if (credentials_find(
		&k->credentials, m1->name, m1->name_len, &customer) == SR_OK)
		resets = customer.resets;
	sodium_memzero(&customer, sizeof(customer));
	return epochs_mac_valid(k, BANK_KEY_DEVICE, input,
	    device_input(m1, resets, m1->device_token, input),
	    m1->device_token + DEVICE_ID_LEN, DEVICE_MAC_LEN);
}

/* For the device whose token was shown, or for a new one. */
static void
device_token(struct keyd *k, const struct pending *p, uint32_t resets,
    uint8_t token[DEVICE_TOKEN_LEN])
{
	uint8_t input[DEVICE_INPUT_MAX];

	memcpy(token, p->m1.device_token, DEVICE_ID_LEN);
	if (!p->device)
		env_random(k->env, token, DEVICE_ID_LEN);
	keyd_count_use(k, BANK_KEY_DEVICE);
	epochs_mac(k, BANK_KEY_DEVICE, input,
	    device_input(&p->m1, resets, token, input), token + DEVICE_ID_LEN,
	    DEVICE_MAC_LEN);
}

static enum sr_error
login_respond(struct keyd *k, struct pending *p, struct payload_m2 *m2,
    const struct credential *credential, const uint8_t identifier[64])
{
	struct opaque_binding binding = handshake_binding(&p->handshake);
	struct opaque_server_keys keys;
	struct opaque_server_random random;
	struct keys_opaque pair = k->origin->opaque;
	enum sr_error error = SR_OK;

	(void)keys_epoch(
	    k->keys, BANK_KEY_OPRF, credential->epoch, keys.oprf_seed);
	/* for everybody or nobody: the time must not tell who has not moved */
	if (k->origin->opaque.epoch != KEYS_EPOCH)
		error =
		    keys_opaque_derive(k->keys, credential->pair_epoch, &pair);
	memcpy(keys.private_key, pair.private_key, sizeof(keys.private_key));
	memcpy(keys.public_key, pair.public_key, sizeof(keys.public_key));
	keyd_count_use(k, BANK_KEY_OPAQUE);
	keyd_count_use(k, BANK_KEY_OPRF);
	env_random(k->env, &random, sizeof(random));
	if (error == SR_OK)
		error = opaque_server_respond(&p->login, &m2->ke2, &keys,
		    &credential->record, identifier, 64, &binding, &random,
		    &p->m1.ke1);
	sodium_memzero(&keys, sizeof(keys));
	sodium_memzero(&pair, sizeof(pair));
	sodium_memzero(&random, sizeof(random));
	return error;
}

enum sr_error
login_evaluate(struct keyd *k, struct pending *p, struct payload_m2 *m2)
{
	SECRET_64(real);
	SECRET_64(fake);
	uint8_t nobodys[CREDENTIAL_RANDOM_LEN + 9];
	struct writer w = writer_to(nobodys, sizeof(nobodys));
	struct customer found, nobody;
	const struct payload_m1 *m1 = &p->m1;
	const struct credential *slot = &found.credential[m1->slot];
	struct credential *fake_slot = &nobody.credential[0];
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
	fake_slot->epoch = slot->epoch;
	fake_slot->pair_epoch = slot->pair_epoch;
	register_identifier(k->keys->credential_id, m1->name, m1->name_len,
	    slot->random, sizeof(slot->random), real);
	/* with the slot: equal elements for both would tell; and whose it is,
	 * as one that is not set is like any other */
	writer_bytes(&w, slot->random, sizeof(slot->random));
	writer_u64(&w, found.id);
	writer_u8(&w, m1->slot);
	register_identifier(k->keys->fake_id, m1->name, m1->name_len, nobodys,
	    writer_len(&w), fake);
	p->customer = known ? found.id : 0;
	p->change = known ? customer_change(&found) : 0;
	error = login_respond(
	    k, p, m2, known ? slot : fake_slot, known ? real : fake);
	if (error == SR_OK && m1->operation != OPERATION_LOG_IN)
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
	if (error != SR_OK || customer_change(customer) != p->change)
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
	    .renew = renew_wanted(k, customer, p->m1.slot),
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
	device_token(k, p, customer->resets, open.device_token);
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

/*
 * passwd, renew: 0 by 0.  set recovery: 1 by 0.  recover: 0 by 1.  rekey:
 * both.
 */
static enum sr_error
change_allowed(const struct keyd *k, const struct pending *p,
    const struct payload_m3 *m3, const struct customer *customer, bool *rekey)
{
	struct attestation attested;
	enum sr_error error;

	if (p->m1.slot == SLOT_RECOVERY && p->m1.target_slot == SLOT_RECOVERY)
		return SR_NOT_ALLOWED;
	/* of whichever epoch's key: the record is sealed by keyd alone */
	error = attestation_read(customer->attestation, &attested);
	if (error != SR_OK)
		return error;
	/* a former record only: no way to change a password unnoticed */
	if (p->m1.operation == OPERATION_RENEW &&
	    !renew_wanted(k, customer, p->m1.slot))
		return SR_NOT_ALLOWED;
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
	enum sr_error error = rekey ? rekey_take(k, p, m3, 0, customer) : SR_OK;

	if (error != SR_OK)
		return error == SR_AGAIN ? SR_OK : error;
	if (!rekey)
		register_credential(
		    p, m3, &customer->credential[p->m1.target_slot]);
	customer->generation++;
	error = keyd_save_customer(k, customer);
	/* a renewal sets the password that it was */
	if (error == SR_OK && p->m1.operation != OPERATION_RENEW)
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
