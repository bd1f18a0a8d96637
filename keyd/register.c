/* SPDX-License-Identifier: ISC */
/*
 * Registration: whether a name may register, the evaluation of its request
 * under an identifier that was never used before, and the attestation.
 */
#include <string.h>

#include <sodium.h>

#include "common/kdf.h"
#include "common/name.h"
#include "keyd/epochs.h"
#include "keyd/keyd.h"

enum { INVITATION_MAC_LEN = INVITATION_LEN - 8 };

void
register_identifier(const uint8_t key[32], const char *name, size_t name_len,
    const uint8_t *random, size_t random_len, uint8_t identifier[64])
{
	struct kdf_part parts[] = {{name, name_len}, {random, random_len}};

	kdf_hmac_sha512_parts(identifier, key, 32, parts, 2);
}

/* What the MAC is of: until 8 | name. */
static size_t
invitation_input(const char *name, size_t name_len, uint64_t until_ms,
    uint8_t input[8 + PAYLOAD_NAME_MAX])
{
	struct writer w = writer_to(input, 8 + PAYLOAD_NAME_MAX);

	writer_u64(&w, until_ms);
	writer_bytes(&w, name, name_len);
	return writer_len(&w);
}

void
register_invitation(const struct keyd *k, const char *name, size_t name_len,
    uint64_t until_ms, uint8_t out[INVITATION_LEN])
{
	uint8_t input[8 + PAYLOAD_NAME_MAX];
	size_t len = invitation_input(name, name_len, until_ms, input);

	memcpy(out, input, 8);
	epochs_mac(
	    k, BANK_KEY_INVITATION, input, len, out + 8, INVITATION_MAC_LEN);
}

static bool
invitation_valid(const struct keyd *k, const struct payload_m1 *m1)
{
	uint8_t input[8 + PAYLOAD_NAME_MAX];
	struct reader r = reader_of(m1->invitation, 8);
	uint64_t until_ms = reader_u64(&r);
	size_t len = invitation_input(m1->name, m1->name_len, until_ms, input);

	return epochs_mac_valid(k, BANK_KEY_INVITATION, input, len,
		   m1->invitation + 8, INVITATION_MAC_LEN) &&
	       env_clock_ms(k->env) <= until_ms;
}

static enum sr_error
name_free(struct keyd *k, const struct payload_m1 *m1)
{
	struct customer customer;
	enum sr_error error = credentials_find(
	    &k->credentials, m1->name, m1->name_len, &customer);

	sodium_memzero(&customer, sizeof(customer));
	if (error == SR_NOT_FOUND)
		return credentials_full(&k->credentials) ? SR_BUSY : SR_OK;
	return error == SR_OK ? SR_NAME_TAKEN : SR_BUSY;
}

enum sr_error
register_allowed(struct keyd *k, struct pending *p)
{
	const struct payload_m1 *m1 = &p->m1;
	bool invited = !sodium_is_zero(m1->invitation, INVITATION_LEN);
	enum sr_error error;

	if (k->registration == KEYD_REGISTRATION_CLOSED)
		return SR_REGISTRATION_CLOSED;
	if (invited ? !invitation_valid(k, m1)
		    : k->registration == KEYD_REGISTRATION_INVITE)
		return SR_INVITATION;
	if (name_check(m1->name, m1->name_len) != SR_OK)
		return SR_NAME;
	if (name_display_check(m1->display_name, m1->display_name_len) != SR_OK)
		return SR_PARAMETERS;
	if (!invited) {
		/* counted whether taken or not: both tell something */
		error = limits_hour(&k->limits, REFUSAL_REGISTRATIONS,
		    k->registrations_an_hour, env_clock_ms(k->env),
		    &p->retry_ms);
		if (error == SR_LATER)
			keyd_refusal(k, REFUSAL_REGISTRATIONS);
		if (error != SR_OK)
			return error;
	}
	return name_free(k, m1);
}

enum sr_error
register_evaluate(struct keyd *k, struct pending *p, struct payload_m2 *m2)
{
	SECRET_64(identifier);
	SECRET_64(seed);

	keyd_count_use(k, BANK_KEY_OPRF);
	p->oprf_epoch = k->state.key[BANK_KEY_OPRF].epoch;
	p->pair_epoch = k->origin->opaque.epoch;
	(void)keys_epoch(k->keys, BANK_KEY_OPRF, p->oprf_epoch, seed);
	env_random(k->env, p->random, sizeof(p->random));
	register_identifier(k->keys->credential_id, p->m1.name, p->m1.name_len,
	    p->random, sizeof(p->random), identifier);
	return opaque_register_evaluate(
	    m2->evaluated, seed, identifier, 64, p->m1.request);
}

enum sr_error
register_answer(struct keyd *k, struct pending *p, const struct payload_m5 *m5)
{
	uint8_t body[FRAME_M5_LEN];
	struct message_handshake_5 message = {.connection = p->connection,
	    .body = body,
	    .body_len = sizeof(body)};
	enum sr_error error = handshake_m5_seal(&p->handshake, m5, body);

	if (error == SR_OK)
		KEYD_SEND(k, to_netd, handshake_5, HANDSHAKE_5, &message);
	return error;
}

void
register_attest(struct keyd *k, const struct payload_m3 *m3,
    uint64_t reset_leaf, struct customer *customer)
{
	struct certificate certificate = {0};
	struct attestation attestation = {
	    .customer = customer->id,
	    .reset_leaf = reset_leaf,
	    .key_epoch = ATTESTATION_FIRST_EPOCH,
	};
	struct attestation former;

	if (attestation_read(customer->attestation, &former) == SR_OK) {
		attestation.key_epoch = former.key_epoch + 1;
		attestation_hash(
		    customer->attestation, attestation.previous_hash);
	}
	keyd_count_use(k, BANK_KEY_ATTESTATION);
	keys_certify(k->origin, &certificate);
	attestation.key_id = certificate_key_id(&certificate);
	memcpy(attestation.bank_id, k->state.bank_id, BANK_ID_LEN);
	attestation_name_hash(customer->salt, customer->name,
	    customer->name_len, attestation.name_hash);
	memcpy(attestation.signing_key, m3->signing_key, PUBLIC_KEY_LEN);
	memcpy(attestation.message_key, m3->message_key, PUBLIC_KEY_LEN);
	attestation_sign(
	    &attestation, k->origin->attestation.secret, customer->attestation);
}

void
register_credential(const struct pending *p, const struct payload_m3 *m3,
    struct credential *credential)
{
	credential->present = true;
	memcpy(credential->random, p->random, sizeof(credential->random));
	credential->record = m3->record;
	memcpy(credential->wrapped_seed, m3->wrapped_seed, WRAPPED_SEED_LEN);
	credential->epoch = p->oprf_epoch;
	credential->pair_epoch = p->pair_epoch;
}

static void
customer_make(struct keyd *k, const struct pending *p,
    const struct payload_m3 *m3, struct customer *customer)
{
	customer->id = k->credentials.customers + 1;
	customer->generation = 1;
	customer->name_len = p->m1.name_len;
	memcpy(customer->name, p->m1.name, p->m1.name_len);
	customer->display_name_len = p->m1.display_name_len;
	memcpy(
	    customer->display_name, p->m1.display_name, p->m1.display_name_len);
	env_random(k->env, customer->salt, sizeof(customer->salt));
	env_random(
	    k->env, customer->directory_key, sizeof(customer->directory_key));
	register_credential(p, m3, &customer->credential[SLOT_PASSWORD]);
	register_attest(k, m3, 0, customer);
}

enum sr_error
register_finish(struct keyd *k, struct pending *p, const struct payload_m3 *m3)
{
	struct customer customer = {0};
	struct payload_m5 m5 = {.status = SR_OK};

	/* another connection may have taken the name since M1 */
	m5.status = name_free(k, &p->m1);
	if (m5.status == SR_OK && !opaque_record_valid(&m3->record))
		m5.status = SR_CRYPTO;
	if (m5.status == SR_OK)
		m5.status = handshake_proof_verify(&p->handshake, m3);
	if (m5.status == SR_OK) {
		customer_make(k, p, m3, &customer);
		m5.status = keyd_save_customer(k, &customer);
		if (k->failure != SR_OK)
			return k->failure;
	}
	if (m5.status == SR_OK) {
		memcpy(m5.name_salt, customer.salt, sizeof(m5.name_salt));
		memcpy(m5.attestation, customer.attestation, ATTESTATION_LEN);
	}
	sodium_memzero(&customer, sizeof(customer));
	return register_answer(k, p, &m5);
}
