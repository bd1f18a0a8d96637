/* SPDX-License-Identifier: ISC */
/* The server's half of the protocol, in memory. */
#include "tests/lib/toy_bank.h"

#include <string.h>

#include <sodium.h>

#include "common/ids.h"

void
toy_bank_init(struct toy_bank *bank)
{
	uint8_t seed[64];

	memset(bank, 0, sizeof(*bank));
	crypto_sign_keypair(bank->identity, bank->identity_secret);
	crypto_sign_keypair(bank->attestation_public, bank->attestation_secret);
	randombytes_buf(bank->noise_private, 32);
	noise_public_key(bank->noise_public, bank->noise_private);
	randombytes_buf(seed, sizeof(seed));
	opaque_derive_key_pair(
	    bank->opaque.private_key, bank->opaque.public_key, seed);
	randombytes_buf(bank->opaque.oprf_seed, OPAQUE_OPRF_SEED_LEN);
	randombytes_buf(seed, sizeof(seed));
	opaque_fake_record(&bank->fake, seed);
	randombytes_buf(bank->log_public, 32);
	randombytes_buf(bank->terminal_psk, 32);
	bank->certificate =
	    (struct certificate){.epoch = 5, .not_after_ms = UINT64_MAX};
	bank_id_of(bank->identity, bank->certificate.bank_id);
	memcpy(bank->certificate.noise_key, bank->noise_public, 32);
	memcpy(bank->certificate.opaque_key, bank->opaque.public_key, 32);
	memcpy(bank->certificate.log_key, bank->log_public, 32);
	memcpy(bank->certificate.attestation_key, bank->attestation_public, 32);
	toy_bank_beacon(bank, 1);
}

void
toy_bank_beacon(struct toy_bank *bank, uint64_t now_ms)
{
	struct hello hello = {.key_id = certificate_key_id(&bank->certificate),
	    .server_time_ms = now_ms};

	randombytes_buf(hello.beacon, sizeof(hello.beacon));
	hello_write(&hello, bank->hello);
	certificate_sign(&bank->certificate, bank->identity_secret,
	    bank->hello + HELLO_FIXED_LEN);
}

static struct toy_customer *
find(struct toy_bank *bank, const char *name)
{
	for (size_t i = 0; i < bank->customer_count; i++)
		if (strcmp(bank->customer[i].name, name) == 0)
			return &bank->customer[i];
	return NULL;
}

/* KE2, the fake record's if there is no such credential. */
static enum sr_error
respond(struct toy_bank *bank, struct toy_connection *c, struct payload_m2 *m2)
{
	struct opaque_binding binding = handshake_binding(&c->hs);
	const struct opaque_record *record = &bank->fake;
	const uint8_t *identifier = bank->terminal_psk;
	struct opaque_server_random random;

	if (c->customer != NULL && c->customer->slot[c->m1.slot].set) {
		record = &c->customer->slot[c->m1.slot].record;
		identifier = c->customer->slot[c->m1.slot].identifier;
	}
	randombytes_buf(&random, sizeof(random));
	return opaque_server_respond(&c->login, &m2->ke2, &bank->opaque, record,
	    identifier, 32, &binding, &random, &c->m1.ke1);
}

enum sr_error
toy_bank_m1(struct toy_bank *bank, struct toy_connection *c,
    const uint8_t m1[FRAME_M1_LEN], uint8_t m2_bytes[FRAME_M2_LEN])
{
	static const uint8_t open_psk[32];
	struct payload_m2 m2 = {.status = bank->answer, .retry_after_s = 30};
	uint32_t terminal, epoch;
	uint8_t ephemeral[32];
	enum sr_error error;

	memset(c, 0, sizeof(*c));
	handshake_m1_terminal(m1, &terminal, &epoch);
	if (terminal != 0 &&
	    (terminal != TOY_TERMINAL || epoch != TOY_TERMINAL_EPOCH))
		return SR_TERMINAL;
	error = handshake_m1_open(&c->hs, bank->hello, bank->noise_private,
	    bank->noise_public, terminal != 0 ? bank->terminal_psk : open_psk,
	    m1, &c->m1);
	if (error != SR_OK)
		return error;
	c->terminal = terminal;
	memcpy(bank->last_token, c->m1.device_token, DEVICE_TOKEN_LEN);
	c->customer = find(bank, c->m1.name);
	if (c->m1.operation == OPERATION_REGISTER && c->customer != NULL)
		m2.status = SR_NAME_TAKEN;
	if (m2.status == SR_OK && c->m1.operation != OPERATION_REGISTER)
		error = respond(bank, c, &m2);
	if (error == SR_OK && m2.status == SR_OK &&
	    c->m1.operation != OPERATION_LOG_IN) {
		randombytes_buf(c->identifier, sizeof(c->identifier));
		error = opaque_register_evaluate(m2.evaluated,
		    bank->opaque.oprf_seed, c->identifier,
		    sizeof(c->identifier), c->m1.request);
	}
	if (error != SR_OK)
		return error;
	randombytes_buf(ephemeral, sizeof(ephemeral));
	return handshake_m2_seal(&c->hs, ephemeral, &m2, m2_bytes);
}

static void
attest(struct toy_bank *bank, struct toy_customer *customer, uint64_t id,
    const struct payload_m3 *m3)
{
	struct attestation a = {.customer = id,
	    .key_epoch = ATTESTATION_FIRST_EPOCH,
	    .key_id = certificate_key_id(&bank->certificate)};

	randombytes_buf(customer->salt, sizeof(customer->salt));
	memcpy(a.bank_id, bank->certificate.bank_id, BANK_ID_LEN);
	attestation_name_hash(customer->salt, customer->name,
	    strlen(customer->name), a.name_hash);
	memcpy(a.signing_key, m3->signing_key, 32);
	memcpy(a.message_key, m3->message_key, 32);
	attestation_sign(&a, bank->attestation_secret, customer->attestation);
}

/* Register and change: the credential, then M5. */
static enum sr_error
store(struct toy_bank *bank, struct toy_connection *c,
    const struct payload_m3 *m3, uint8_t m5_bytes[FRAME_M5_LEN])
{
	struct toy_customer *customer = c->customer;
	struct toy_credential *credential;
	struct payload_m5 m5 = {.status = SR_OK};

	if (handshake_proof_verify(&c->hs, m3) != SR_OK)
		return SR_SIGNATURE;
	if (customer == NULL) {
		if (bank->customer_count == TOY_CUSTOMERS)
			return SR_NO_SPACE;
		customer = &bank->customer[bank->customer_count++];
		memcpy(customer->name, c->m1.name, sizeof(customer->name));
		attest(bank, customer, bank->customer_count, m3);
	}
	credential = &customer->slot[c->m1.target_slot];
	credential->set = true;
	memcpy(credential->identifier, c->identifier, 32);
	credential->record = m3->record;
	memcpy(credential->wrapped_seed, m3->wrapped_seed, WRAPPED_SEED_LEN);
	memcpy(m5.name_salt, customer->salt, NAME_SALT_LEN);
	memcpy(m5.attestation, customer->attestation, ATTESTATION_LEN);
	return handshake_m5_seal(&c->hs, &m5, m5_bytes);
}

static enum sr_error
welcome(struct toy_bank *bank, struct toy_connection *c,
    const uint8_t session_key[OPAQUE_SESSION_KEY_LEN], uint8_t *out,
    size_t *len)
{
	const struct toy_customer *customer = c->customer;
	struct payload_m4 m4 = {.role = TOY_ROLE,
	    .next_seq = 1,
	    .idle_limit_ms = 300000,
	    .server_time_ms = 2};
	uint8_t plain[PAYLOAD_M4_LEN];
	struct handshake_keys keys;
	enum sr_error error = handshake_keys(&c->hs, session_key, &keys);

	if (error != SR_OK)
		return error;
	session_start(
	    &c->session, SESSION_BANK, keys.chain_key, keys.session_id);
	memcpy(m4.session_id, keys.session_id, SESSION_ID_LEN);
	m4.session_id[0] ^= bank->lie_session;
	m4.terminal = c->terminal + bank->lie_terminal;
	m4.customer = (uint64_t)(customer - bank->customer) + 1;
	m4.customer += bank->lie_customer;
	m4.account = account_id(m4.customer, ACCOUNT_INDEX_MAIN);
	m4.account += bank->lie_account;
	m4.renew = bank->lie_renew;
	memcpy(m4.wrapped_seed, customer->slot[c->m1.slot].wrapped_seed,
	    WRAPPED_SEED_LEN);
	memset(m4.device_token, 0xde, DEVICE_TOKEN_LEN);
	memcpy(m4.name_salt, customer->salt, NAME_SALT_LEN);
	memcpy(m4.attestation, customer->attestation, ATTESTATION_LEN);
	payload_m4_write(&m4, plain);
	return session_seal(
	    &c->session, FRAME_M4, plain, sizeof(plain), out, len);
}

enum sr_error
toy_bank_m3(struct toy_bank *bank, struct toy_connection *c,
    const uint8_t m3_bytes[FRAME_M3_LEN], uint8_t *answer,
    enum frame_type *type, size_t *len)
{
	uint8_t session_key[OPAQUE_SESSION_KEY_LEN];
	struct payload_m3 m3;
	enum sr_error error = handshake_m3_open(&c->hs, m3_bytes, &m3);

	if (error != SR_OK)
		return error;
	if (c->m1.operation != OPERATION_REGISTER) {
		error = opaque_server_verify(&c->login, &m3.ke3, session_key);
		if (error == SR_OK && c->customer == NULL)
			error = SR_INTERNAL; /* the fake record never passes */
		if (error != SR_OK)
			return error;
	}
	if (c->m1.operation == OPERATION_LOG_IN) {
		*type = FRAME_M4;
		return welcome(bank, c, session_key, answer, len);
	}
	*type = FRAME_M5;
	*len = FRAME_M5_LEN;
	return store(bank, c, &m3, answer);
}
