/* SPDX-License-Identifier: ISC */
/* The client's part of a handshake without the work of stretching. */
#include "tests/lib/unstretched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/exchange.h"

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "unstretched: %s\n", what);
	exit(1);
}

void
unstretched_begin(struct attempt *attempt, const struct login_options *options,
    enum payload_operation operation, const char *name, struct payload_m1 *m1)
{
	static struct login_credential credential;
	static struct login_problem problem;

	memset(m1, 0, sizeof(*m1));
	m1->operation = operation;
	m1->name_len = (uint8_t)strnlen(name, PAYLOAD_NAME_MAX);
	memcpy(m1->name, name, m1->name_len);
	credential.name = name;
	if (attempt_begin(attempt, options, &credential, &problem) != SR_OK)
		fail(problem.message);
}

static void
draw_blind(uint8_t blind[OPAQUE_SCALAR_LEN])
{
	uint8_t wide[64];

	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
}

void
unstretched_start_login(struct opaque_client_login *login,
    struct payload_m1 *m1, const char *password)
{
	struct opaque_password bytes = {password, strlen(password)};
	struct opaque_client_random random;

	randombytes_buf(&random, sizeof(random));
	draw_blind(random.blind);
	if (opaque_login_start(login, &m1->ke1, &bytes, &random) != SR_OK)
		fail("KE1");
}

static void
send_m3(struct attempt *attempt, const struct payload_m3 *m3)
{
	uint8_t body[FRAME_M3_LEN];

	if (handshake_m3_seal(&attempt->hs, m3, body) != SR_OK ||
	    link_write(&attempt->link, FRAME_M3, body, sizeof(body)) != SR_OK)
		fail("M3");
}

void
unstretched_register(
    const struct login_options *options, const char *name, const char *password)
{
	struct opaque_password bytes = {password, strlen(password)};
	uint8_t blind[OPAQUE_SCALAR_LEN], nonce[OPAQUE_NONCE_LEN];
	uint8_t export_key[OPAQUE_EXPORT_KEY_LEN], signing_secret[64];
	struct opaque_binding binding;
	struct payload_m3 m3 = {0};
	struct attempt attempt;
	struct payload_m1 m1;
	struct payload_m2 m2;
	struct payload_m5 m5;

	unstretched_begin(&attempt, options, OPERATION_REGISTER, name, &m1);
	draw_blind(blind);
	if (opaque_register_start(m1.request, &bytes, blind) != SR_OK ||
	    attempt_ask(&attempt, &m1, &m2) != SR_OK)
		fail("a registration's M2");
	binding = handshake_binding(&attempt.hs);
	randombytes_buf(nonce, sizeof(nonce));
	if (opaque_register_finish(&m3.record, export_key, &bytes, blind,
		m2.evaluated, attempt.certificate.opaque_key, &binding,
		OPAQUE_STRETCH_NONE, nonce) != SR_OK)
		fail("a record");
	crypto_sign_keypair(m3.signing_key, signing_secret);
	randombytes_buf(m3.message_key, sizeof(m3.message_key));
	handshake_proof_sign(&attempt.hs, signing_secret, &m3);
	send_m3(&attempt, &m3);
	if (attempt_await(&attempt, FRAME_M5, SR_CLOSED) != SR_OK ||
	    handshake_m5_open(&attempt.hs, attempt.frame.body, &m5) != SR_OK ||
	    m5.status != SR_OK)
		fail("a registration");
	attempt_end(&attempt);
}

void
unstretched_log_in(
    const struct login_options *options, const char *name, const char *password)
{
	struct opaque_password bytes = {password, strlen(password)};
	struct opaque_client_result result;
	struct opaque_client_login login;
	struct opaque_binding binding;
	struct payload_m3 m3 = {0};
	struct attempt attempt;
	struct payload_m1 m1;
	struct payload_m2 m2;

	unstretched_begin(&attempt, options, OPERATION_LOG_IN, name, &m1);
	unstretched_start_login(&login, &m1, password);
	if (attempt_ask(&attempt, &m1, &m2) != SR_OK)
		fail(attempt.problem->message);
	binding = handshake_binding(&attempt.hs);
	if (opaque_login_finish(&login, &m3.ke3, &result, &bytes, &m2.ke2,
		&binding, OPAQUE_STRETCH_NONE) != SR_OK)
		fail("KE2 is not that of the password");
	send_m3(&attempt, &m3);
	if (attempt_await(&attempt, FRAME_M4, SR_CLOSED) != SR_OK)
		fail("no welcome");
	attempt_end(&attempt);
}
