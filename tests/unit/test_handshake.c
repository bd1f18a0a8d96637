/* SPDX-License-Identifier: ISC */
/*
 * Both sides of the handshake in one process: what must succeed, and every
 * byte of every message altered.  Passwords are not stretched here, for the
 * loops' sake; test_login does it as customers do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "client/seed.h"
#include "common/kdf.h"
#include "tests/lib/toy_bank.h"

/* The client's half, its secrets and the messages as they travelled. */
struct client {
	struct handshake hs;
	struct payload_m1 p1;
	struct payload_m2 p2;
	struct payload_m3 p3;
	struct opaque_client_login login;
	struct opaque_client_result result;
	struct opaque_password password;
	uint8_t blind[32], export_key[64], seed[SEED_LEN];
	uint32_t terminal, epoch;
	uint8_t psk[32];
	uint8_t m1[FRAME_M1_LEN], m2[FRAME_M2_LEN], m3[FRAME_M3_LEN];
	uint8_t answer[FRAME_M4_LEN];
	enum frame_type answer_type;
	size_t answer_len;
};

static struct toy_bank bank;
static struct toy_connection connection;

static void
blind_of(uint8_t blind[32])
{
	uint8_t wide[64];

	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
}

static void
client_begin(struct client *c, enum payload_operation operation,
    const char *name, const char *password)
{
	struct opaque_client_random random;

	memset(c, 0, sizeof(*c));
	c->password = (struct opaque_password){password, strlen(password)};
	c->p1.operation = operation;
	c->p1.name_len = (uint8_t)strlen(name);
	memcpy(c->p1.name, name, c->p1.name_len);
	if (operation != OPERATION_REGISTER) {
		randombytes_buf(&random, sizeof(random));
		blind_of(random.blind);
		assert_int_equal(opaque_login_start(&c->login, &c->p1.ke1,
				     &c->password, &random),
		    SR_OK);
	}
	if (operation != OPERATION_LOG_IN) {
		blind_of(c->blind);
		assert_int_equal(opaque_register_start(
				     c->p1.request, &c->password, c->blind),
		    SR_OK);
	}
}

static enum sr_error
client_m1(struct client *c)
{
	uint8_t ephemeral[32];

	randombytes_buf(ephemeral, sizeof(ephemeral));
	return handshake_m1_seal(&c->hs, bank.hello, bank.noise_public,
	    c->terminal, c->epoch, c->psk, ephemeral, &c->p1, c->m1);
}

/* From M2 to M3; the error of whatever fails first. */
static enum sr_error
client_m3(struct client *c)
{
	struct opaque_binding binding;
	uint8_t nonce[32];
	struct seed_keys keys;
	enum sr_error error = handshake_m2_open(&c->hs, c->m2, &c->p2);

	if (error != SR_OK)
		return error;
	if (c->p2.status != SR_OK)
		return c->p2.status;
	binding = handshake_binding(&c->hs);
	if (c->p1.operation != OPERATION_REGISTER) {
		error = opaque_login_finish(&c->login, &c->p3.ke3, &c->result,
		    &c->password, &c->p2.ke2, &binding, OPAQUE_STRETCH_NONE);
		if (error != SR_OK)
			return error;
	}
	if (c->p1.operation != OPERATION_LOG_IN) {
		randombytes_buf(nonce, sizeof(nonce));
		error = opaque_register_finish(&c->p3.record, c->export_key,
		    &c->password, c->blind, c->p2.evaluated,
		    bank.opaque.public_key, &binding, OPAQUE_STRETCH_NONE,
		    nonce);
		if (error != SR_OK)
			return error;
		seed_keys_derive(c->seed, 1, &keys);
		memcpy(c->p3.signing_key, keys.signing_public, 32);
		memcpy(c->p3.message_key, keys.message_public, 32);
		seed_wrap(c->seed, c->export_key, c->p1.name,
		    bank.certificate.bank_id, c->p3.wrapped_seed);
		handshake_proof_sign(&c->hs, keys.signing_secret, &c->p3);
	}
	return handshake_m3_seal(&c->hs, &c->p3, c->m3);
}

static enum sr_error
bank_m1(struct client *c)
{
	return toy_bank_m1(&bank, &connection, c->m1, c->m2);
}

static enum sr_error
bank_m3(struct client *c)
{
	return toy_bank_m3(&bank, &connection, c->m3, c->answer,
	    &c->answer_type, &c->answer_len);
}

static enum sr_error
run(struct client *c)
{
	enum sr_error error = client_m1(c);

	if (error == SR_OK)
		error = bank_m1(c);
	if (error == SR_OK)
		error = client_m3(c);
	return error == SR_OK ? bank_m3(c) : error;
}

/* The session of a log-in on the client's side, and M4. */
static enum sr_error
client_welcome(struct client *c, struct session *session, struct payload_m4 *m4)
{
	uint8_t plain[PAYLOAD_M4_LEN];
	struct handshake_keys keys;
	size_t len;
	enum sr_error error =
	    handshake_keys(&c->hs, c->result.session_key, &keys);

	if (error != SR_OK)
		return error;
	session_start(session, SESSION_CLIENT, keys.chain_key, keys.session_id);
	error = session_open(
	    session, FRAME_M4, c->answer, c->answer_len, plain, &len);
	return error == SR_OK ? payload_m4_read(plain, m4) : error;
}

/* A bank with the customer ada. */
static int
found(void **state)
{
	static struct client c;

	(void)state;
	toy_bank_init(&bank);
	client_begin(&c, OPERATION_REGISTER, "ada", "right");
	memset(c.seed, 0x5e, SEED_LEN);
	return run(&c) == SR_OK && c.answer_type == FRAME_M5 ? 0 : -1;
}

static void
given_a_registration_then_m5_brings_the_attestation(void **state)
{
	struct attestation attestation;
	struct payload_m5 m5;
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_REGISTER, "bob", "secret");
	assert_int_equal(run(&c), SR_OK);
	assert_int_equal(c.answer_type, FRAME_M5);
	assert_int_equal(c.answer_len, FRAME_M5_LEN);
	assert_int_equal(handshake_m5_open(&c.hs, c.answer, &m5), SR_OK);
	assert_int_equal(m5.status, SR_OK);
	assert_int_equal(
	    attestation_verify(m5.attestation, bank.attestation_public,
		bank.certificate.bank_id, &attestation),
	    SR_OK);
	assert_true(attestation_is_of(&attestation, m5.name_salt, "bob", 3));
	assert_memory_equal(attestation.signing_key, c.p3.signing_key, 32);
}

static void
given_the_right_password_then_both_sides_have_the_session_and_the_seed(
    void **state)
{
	struct session session;
	struct payload_m4 m4;
	struct client c;
	uint8_t seed[SEED_LEN], expected[SEED_LEN];

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(run(&c), SR_OK);
	assert_int_equal(c.answer_type, FRAME_M4);
	assert_int_equal(client_welcome(&c, &session, &m4), SR_OK);
	assert_memory_equal(session.chain_key, connection.session.chain_key,
	    SESSION_CHAIN_KEY_LEN);
	assert_memory_equal(m4.session_id, session.id, SESSION_ID_LEN);
	assert_int_equal(seed_unwrap(m4.wrapped_seed, c.result.export_key,
			     "ada", bank.certificate.bank_id, seed),
	    SR_OK);
	memset(expected, 0x5e, SEED_LEN);
	assert_memory_equal(seed, expected, SEED_LEN);
	assert_int_equal(seed_unwrap(m4.wrapped_seed, c.result.export_key,
			     "adb", bank.certificate.bank_id, seed),
	    SR_CRYPTO);
}

static void
given_the_published_derivation_then_the_keys_are_these(void **state)
{
	uint8_t ikm[128], prk[64], chain_key[64], session_id[16], h[64];
	struct handshake_keys keys;
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(run(&c), SR_OK);
	memcpy(ikm, c.hs.k1, 32);
	memcpy(ikm + 32, c.hs.k2, 32);
	memcpy(ikm + 64, c.result.session_key, 64);
	memcpy(h, c.hs.h, 64);
	kdf_extract(prk, h, 64, ikm, sizeof(ikm));
	kdf_expand(chain_key, 64, prk, "strongroom/1 chain", 18);
	kdf_expand(session_id, 16, prk, "strongroom/1 sid", 16);
	assert_int_equal(
	    handshake_keys(&c.hs, c.result.session_key, &keys), SR_OK);
	assert_memory_equal(keys.chain_key, chain_key, 64);
	assert_memory_equal(keys.session_id, session_id, 16);
}

static void
given_a_wrong_password_then_the_client_sees_it(void **state)
{
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "wrong");
	assert_int_equal(run(&c), SR_LOGIN);
}

static void
given_an_unknown_name_then_it_looks_like_a_wrong_password(void **state)
{
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "nobody", "right");
	assert_int_equal(run(&c), SR_LOGIN);
	assert_int_equal(c.p2.status, SR_OK);
	assert_false(sodium_is_zero((uint8_t *)&c.p2.ke2, sizeof(c.p2.ke2)));
}

static void
given_a_made_up_ke3_then_the_bank_refuses_it(void **state)
{
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "wrong");
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(bank_m1(&c), SR_OK);
	assert_int_equal(handshake_m2_open(&c.hs, c.m2, &c.p2), SR_OK);
	memset(&c.p3.ke3, 0x77, sizeof(c.p3.ke3));
	assert_int_equal(handshake_m3_seal(&c.hs, &c.p3, c.m3), SR_OK);
	assert_int_equal(bank_m3(&c), SR_LOGIN);
}

static void
given_a_taken_name_then_there_is_a_status_and_no_evaluation(void **state)
{
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_REGISTER, "ada", "mine now");
	assert_int_equal(run(&c), SR_NAME_TAKEN);
	assert_true(sodium_is_zero(c.p2.evaluated, 32));
}

static void
given_a_change_then_only_the_new_password_logs_in(void **state)
{
	struct session session;
	struct payload_m4 m4;
	struct client c;
	const char *fresh = "fresh";

	(void)state;
	client_begin(&c, OPERATION_CHANGE, "ada", "right");
	memset(c.seed, 0x5e, SEED_LEN);
	/* the record is for another password than the log-in */
	assert_int_equal(
	    opaque_register_start(c.p1.request,
		&(struct opaque_password){fresh, strlen(fresh)}, c.blind),
	    SR_OK);
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(bank_m1(&c), SR_OK);
	{
		struct opaque_binding binding;
		struct seed_keys keys;
		uint8_t nonce[32] = {1};

		assert_int_equal(handshake_m2_open(&c.hs, c.m2, &c.p2), SR_OK);
		binding = handshake_binding(&c.hs);
		assert_int_equal(
		    opaque_login_finish(&c.login, &c.p3.ke3, &c.result,
			&c.password, &c.p2.ke2, &binding, OPAQUE_STRETCH_NONE),
		    SR_OK);
		assert_int_equal(
		    opaque_register_finish(&c.p3.record, c.export_key,
			&(struct opaque_password){fresh, strlen(fresh)},
			c.blind, c.p2.evaluated, bank.opaque.public_key,
			&binding, OPAQUE_STRETCH_NONE, nonce),
		    SR_OK);
		seed_keys_derive(c.seed, 1, &keys);
		memcpy(c.p3.signing_key, keys.signing_public, 32);
		memcpy(c.p3.message_key, keys.message_public, 32);
		seed_wrap(c.seed, c.export_key, "ada", bank.certificate.bank_id,
		    c.p3.wrapped_seed);
		handshake_proof_sign(&c.hs, keys.signing_secret, &c.p3);
	}
	assert_int_equal(handshake_m3_seal(&c.hs, &c.p3, c.m3), SR_OK);
	assert_int_equal(bank_m3(&c), SR_OK);
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(run(&c), SR_LOGIN);
	client_begin(&c, OPERATION_LOG_IN, "ada", "fresh");
	assert_int_equal(run(&c), SR_OK);
	assert_int_equal(client_welcome(&c, &session, &m4), SR_OK);
}

static void
given_any_byte_of_m1_altered_then_the_bank_refuses_it(void **state)
{
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(client_m1(&c), SR_OK);
	for (size_t i = 0; i < FRAME_M1_LEN; i++) {
		c.m1[i] ^= 0x40;
		if (bank_m1(&c) == SR_OK)
			fail_msg("byte %zu", i);
		c.m1[i] ^= 0x40;
	}
	assert_int_equal(bank_m1(&c), SR_OK);
}

static void
given_any_byte_of_hello_altered_then_m1_does_not_fit_the_bank(void **state)
{
	struct certificate certificate;
	uint8_t hello[HELLO_LEN], ephemeral[32] = {3};
	struct client c;

	(void)state;
	for (size_t i = 0; i < HELLO_LEN; i++) {
		client_begin(&c, OPERATION_LOG_IN, "ada", "right");
		memcpy(hello, bank.hello, HELLO_LEN);
		hello[i] ^= 0x40;
		/* the client refuses most by itself, the bank all others */
		if (certificate_verify(hello + HELLO_FIXED_LEN, bank.identity,
			&certificate) != SR_OK)
			continue;
		assert_true(i < HELLO_FIXED_LEN);
		assert_int_equal(
		    handshake_m1_seal(&c.hs, hello, bank.noise_public, 0, 0,
			c.psk, ephemeral, &c.p1, c.m1),
		    SR_OK);
		if (bank_m1(&c) != SR_CRYPTO)
			fail_msg("byte %zu", i);
	}
}

static void
given_any_byte_of_m2_altered_then_the_client_refuses_it(void **state)
{
	struct client c, before;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(bank_m1(&c), SR_OK);
	before = c;
	for (size_t i = 0; i < FRAME_M2_LEN; i++) {
		c = before;
		c.m2[i] ^= 0x40;
		if (client_m3(&c) == SR_OK)
			fail_msg("byte %zu", i);
	}
	c = before;
	assert_int_equal(client_m3(&c), SR_OK);
}

static void
given_any_byte_of_m3_altered_then_the_bank_refuses_it(void **state)
{
	struct toy_connection before;
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(bank_m1(&c), SR_OK);
	assert_int_equal(client_m3(&c), SR_OK);
	before = connection;
	for (size_t i = 0; i < FRAME_M3_LEN; i++) {
		connection = before;
		c.m3[i] ^= 0x40;
		if (bank_m3(&c) != SR_CRYPTO)
			fail_msg("byte %zu", i);
		c.m3[i] ^= 0x40;
	}
	connection = before;
	assert_int_equal(bank_m3(&c), SR_OK);
}

static void
given_any_byte_of_m4_or_m5_altered_then_the_client_refuses_it(void **state)
{
	struct session session;
	struct payload_m4 m4;
	struct payload_m5 m5;
	struct client c, before;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(run(&c), SR_OK);
	before = c;
	for (size_t i = 0; i < FRAME_M4_LEN; i++) {
		c = before;
		c.answer[i] ^= 0x40;
		if (client_welcome(&c, &session, &m4) != SR_CRYPTO)
			fail_msg("M4 byte %zu", i);
	}
	client_begin(&c, OPERATION_REGISTER, "carol", "secret");
	assert_int_equal(run(&c), SR_OK);
	before = c;
	for (size_t i = 0; i < FRAME_M5_LEN; i++) {
		c = before;
		c.answer[i] ^= 0x40;
		if (handshake_m5_open(&c.hs, c.answer, &m5) != SR_CRYPTO)
			fail_msg("M5 byte %zu", i);
	}
}

static void
given_an_m1_of_an_older_beacon_then_it_fits_only_that_hello(void **state)
{
	uint8_t older[HELLO_LEN];
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(client_m1(&c), SR_OK);
	memcpy(older, bank.hello, HELLO_LEN);
	toy_bank_beacon(&bank, 10);
	assert_int_equal(bank_m1(&c), SR_CRYPTO);
	memcpy(bank.hello, older, HELLO_LEN);
	assert_int_equal(bank_m1(&c), SR_OK);
}

static void
given_an_m3_of_another_connection_then_it_is_refused(void **state)
{
	struct client one, two;

	(void)state;
	client_begin(&one, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(client_m1(&one), SR_OK);
	assert_int_equal(bank_m1(&one), SR_OK);
	assert_int_equal(client_m3(&one), SR_OK);
	client_begin(&two, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(client_m1(&two), SR_OK);
	assert_int_equal(bank_m1(&two), SR_OK);
	assert_int_equal(bank_m3(&one), SR_CRYPTO);
}

static void
given_a_terminal_then_its_exact_psk_is_needed(void **state)
{
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	c.terminal = TOY_TERMINAL;
	c.epoch = TOY_TERMINAL_EPOCH;
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(bank_m1(&c), SR_CRYPTO);
	memcpy(c.psk, bank.terminal_psk, 32);
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(bank_m1(&c), SR_OK);
	/* the terminal's number is part of what is authenticated */
	c.m1[0] = 0;
	assert_int_equal(bank_m1(&c), SR_CRYPTO);
}

static void
given_a_proof_over_other_keys_then_the_bank_refuses_it(void **state)
{
	struct client c;
	size_t count = bank.customer_count;

	(void)state;
	client_begin(&c, OPERATION_REGISTER, "dora", "secret");
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(bank_m1(&c), SR_OK);
	assert_int_equal(client_m3(&c), SR_OK);
	c.hs.phase = HANDSHAKE_M2; /* a client that lies, not a relay */
	c.p3.message_key[0] ^= 1;
	assert_int_equal(handshake_m3_seal(&c.hs, &c.p3, c.m3), SR_OK);
	assert_int_equal(bank_m3(&c), SR_SIGNATURE);
	assert_int_equal(bank.customer_count, count);
}

static void
given_calls_out_of_order_then_nothing_is_given_out(void **state)
{
	static const uint8_t zeros[64];
	struct handshake_keys keys;
	struct payload_m5 m5 = {0};
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	assert_int_equal(client_m1(&c), SR_OK);
	assert_int_equal(handshake_keys(&c.hs, zeros, &keys), SR_INTERNAL);
	assert_true(sodium_is_zero((uint8_t *)&keys, sizeof(keys)));
	assert_true(sodium_is_zero((uint8_t *)&c.hs, sizeof(c.hs)));
	assert_int_equal(handshake_m3_seal(&c.hs, &c.p3, c.m3), SR_INTERNAL);
	assert_int_equal(handshake_m5_seal(&c.hs, &m5, c.answer), SR_INTERNAL);
	/* a registration gives no session */
	client_begin(&c, OPERATION_REGISTER, "erin", "secret");
	assert_int_equal(run(&c), SR_OK);
	assert_int_equal(handshake_keys(&c.hs, zeros, &keys), SR_INTERNAL);
}

/* Opens a sealed M1 of raw payload bytes: what a lying client could send. */
static enum sr_error
bank_takes_payload(const uint8_t payload[PAYLOAD_M1_LEN])
{
	struct payload_m1 out;

	return payload_m1_read(payload, &out);
}

static void
given_payloads_that_are_not_the_layout_then_they_are_malformed(void **state)
{
	uint8_t bytes[PAYLOAD_M1_LEN];
	struct client c;

	(void)state;
	client_begin(&c, OPERATION_LOG_IN, "ada", "right");
	payload_m1_write(&c.p1, bytes);
	assert_int_equal(bank_takes_payload(bytes), SR_OK);
	for (unsigned operation = 0; operation < 256; operation++) {
		bytes[0] = (uint8_t)operation;
		/* as change or renewal, the request is zeros, which decode */
		assert_int_equal(bank_takes_payload(bytes) == SR_OK,
		    operation == 1 || operation == 3 || operation == 5);
	}
	/* a renewal is of the password by itself */
	for (unsigned at = 1; at < 3; at++) {
		bytes[0] = OPERATION_RENEW;
		bytes[at] = SLOT_RECOVERY;
		assert_int_equal(bank_takes_payload(bytes), SR_MALFORMED);
		bytes[at] = 0;
	}
	bytes[0] = 1;
	for (size_t i = 1; i < PAYLOAD_M1_LEN; i++) {
		bool fixed = i == 2 || i == 3 || (i >= 4 + 3 && i < 4 + 32) ||
			     i >= 4 + 32 + 96 + 48;
		uint8_t saved = bytes[i];

		bytes[i] = i < 7 ? 0xff : saved ^ 0x01;
		if (i >= 1 && i < 7)
			fixed = true; /* slots, length, an illegal letter */
		assert_int_equal(
		    bank_takes_payload(bytes), fixed ? SR_MALFORMED : SR_OK);
		bytes[i] = saved;
	}
}

static void
given_every_field_of_m4_then_it_reads_back_and_the_rest_is_zero(void **state)
{
	struct payload_m4 m4, read;
	uint8_t bytes[PAYLOAD_M4_LEN];

	(void)state;
	memset(&m4, 0, sizeof(m4));
	m4 = (struct payload_m4){.role = 2,
	    .unit = 3,
	    .terminal = 4,
	    .customer = 5,
	    .account = 6,
	    .till_account = 7,
	    .next_seq = 8,
	    .failed_log_ins = 9,
	    .idle_limit_ms = 10,
	    .absolute_limit_ms = 11,
	    .rekey_ms = 12,
	    .rekey_records = 13,
	    .rekey_bytes = 14,
	    .server_time_ms = 15,
	    .checkpoint_len = PAYLOAD_CHECKPOINT_MAX};
	memset(m4.checkpoint, 'c', PAYLOAD_CHECKPOINT_MAX);
	memset(m4.session_id, 1, sizeof(m4.session_id));
	memset(m4.attestation, 2, sizeof(m4.attestation));
	memset(m4.device_token, 3, sizeof(m4.device_token));
	payload_m4_write(&m4, bytes);
	assert_int_equal(payload_m4_read(bytes, &read), SR_OK);
	assert_int_equal(read.till_account, 7);
	assert_int_equal(read.server_time_ms, 15);
	assert_int_equal(read.rekey_bytes, 14);
	assert_memory_equal(read.attestation, m4.attestation, ATTESTATION_LEN);
	assert_memory_equal(
	    read.checkpoint, m4.checkpoint, PAYLOAD_CHECKPOINT_MAX);
	assert_false(read.renew);
	bytes[PAYLOAD_M4_LEN - 126] = 1;
	assert_int_equal(payload_m4_read(bytes, &read), SR_OK);
	assert_true(read.renew);
	payload_m4_write(&read, bytes);
	assert_int_equal(bytes[PAYLOAD_M4_LEN - 126], 1);
	bytes[PAYLOAD_M4_LEN - 126] = 0;
	/* a shorter checkpoint leaves its place empty */
	bytes[PAYLOAD_M4_LEN - 126 - PAYLOAD_CHECKPOINT_MAX - 2]--;
	assert_int_equal(payload_m4_read(bytes, &read), SR_MALFORMED);
	bytes[PAYLOAD_M4_LEN - 127] = 0;
	assert_int_equal(payload_m4_read(bytes, &read), SR_OK);
	assert_int_equal(read.checkpoint_len, PAYLOAD_CHECKPOINT_MAX - 1);
	for (size_t i = PAYLOAD_M4_LEN - 126; i < PAYLOAD_M4_LEN; i++) {
		bytes[i] = 2;
		assert_int_equal(payload_m4_read(bytes, &read), SR_MALFORMED);
		bytes[i] = 0;
	}
	bytes[0] = SR_TERMINAL;
	assert_int_equal(payload_m4_read(bytes, &read), SR_MALFORMED);
	bytes[0] = 31; /* no error has this number */
	assert_int_equal(payload_m4_read(bytes, &read), SR_MALFORMED);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, found)
	const struct CMUnitTest tests[] = {
	    TEST(given_a_registration_then_m5_brings_the_attestation),
	    TEST(
		given_the_right_password_then_both_sides_have_the_session_and_the_seed),
	    TEST(given_the_published_derivation_then_the_keys_are_these),
	    TEST(given_a_wrong_password_then_the_client_sees_it),
	    TEST(given_an_unknown_name_then_it_looks_like_a_wrong_password),
	    TEST(given_a_made_up_ke3_then_the_bank_refuses_it),
	    TEST(given_a_taken_name_then_there_is_a_status_and_no_evaluation),
	    TEST(given_a_change_then_only_the_new_password_logs_in),
	    TEST(given_any_byte_of_m1_altered_then_the_bank_refuses_it),
	    TEST(given_any_byte_of_hello_altered_then_m1_does_not_fit_the_bank),
	    TEST(given_any_byte_of_m2_altered_then_the_client_refuses_it),
	    TEST(given_any_byte_of_m3_altered_then_the_bank_refuses_it),
	    TEST(given_any_byte_of_m4_or_m5_altered_then_the_client_refuses_it),
	    TEST(given_an_m1_of_an_older_beacon_then_it_fits_only_that_hello),
	    TEST(given_an_m3_of_another_connection_then_it_is_refused),
	    TEST(given_a_terminal_then_its_exact_psk_is_needed),
	    TEST(given_a_proof_over_other_keys_then_the_bank_refuses_it),
	    TEST(given_calls_out_of_order_then_nothing_is_given_out),
	    TEST(
		given_payloads_that_are_not_the_layout_then_they_are_malformed),
	    TEST(
		given_every_field_of_m4_then_it_reads_back_and_the_rest_is_zero),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
