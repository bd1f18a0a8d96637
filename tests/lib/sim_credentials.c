/* SPDX-License-Identifier: ISC */
/* Implementation of sim_credentials.h. */
#include "tests/lib/sim_credentials.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/noise.h"

static void
must(bool what)
{
	if (!what)
		abort();
}

enum sr_error
sim_person_rekey(struct sim_bank *bank, struct sim_person *person)
{
	uint8_t private_key[32], bytes[MESSAGE_REKEY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_rekey own, theirs;
	struct reader body;
	unsigned type;

	randombytes_buf(private_key, sizeof(private_key));
	noise_public_key(own.key, private_key);
	must(message_rekey_encode(&w, &own) == SR_OK);
	sim_person_send(bank, person, &w);
	(void)sim_bank_run(bank);
	if (sim_person_receive(bank, person, &type, &body) != SR_OK ||
	    type != MESSAGE_REKEY)
		return SR_CLOSED;
	must(message_rekey_decode(body.at, reader_left(&body), &theirs) ==
	     SR_OK);
	return session_rekey(
	    &person->session, private_key, own.key, theirs.key);
}

void
sim_keys(unsigned number, uint8_t public_key[32], uint8_t secret_key[64])
{
	uint8_t seed[32] = {0x6e};

	seed[1] = (uint8_t)number;
	must(crypto_sign_seed_keypair(public_key, secret_key, seed) == 0);
}

static struct opaque_password
password_of(const char *secret)
{
	return (struct opaque_password){secret, strlen(secret)};
}

/* The new credential and the signatures of M3. */
static void
fill_record(struct sim_bank *bank, const struct sim_person *person,
    const struct sim_change *change, struct handshake *hs,
    const uint8_t blind[32], const struct payload_m2 *m2, struct payload_m3 *m3)
{
	struct opaque_password password = password_of(change->new_secret);
	struct opaque_binding binding = handshake_binding(hs);
	uint8_t nonce[32], export_key[64];

	randombytes_buf(nonce, sizeof(nonce));
	must(opaque_register_finish(&m3->record, export_key, &password, blind,
		 m2->evaluated, bank->keyd->keys->opaque.public_key, &binding,
		 OPAQUE_STRETCH_NONE, nonce) == SR_OK);
	memset(m3->wrapped_seed, 0x5e, sizeof(m3->wrapped_seed));
	memset(m3->message_key,
	    change->signing_public != NULL ? change->signing_public[0] : 0x4d,
	    sizeof(m3->message_key));
	memcpy(m3->signing_key,
	    change->signing_public != NULL ? change->signing_public
					   : person->signing_public,
	    32);
	handshake_proof_sign(hs,
	    change->signing_secret != NULL ? change->signing_secret
					   : person->signing_secret,
	    m3);
	if (change->old_secret != NULL)
		handshake_old_sign(hs, change->old_secret, m3);
	if (change->no_proof)
		m3->proof[0] ^= 1;
}

enum sr_error
sim_person_change(struct sim_bank *bank, struct sim_person *person,
    const struct sim_change *change, struct payload_m5 *m5)
{
	struct opaque_password password = password_of(change->secret);
	struct opaque_password next = password_of(change->new_secret);
	struct opaque_client_result result;
	struct opaque_client_random random;
	struct opaque_client_login login;
	struct opaque_binding binding;
	struct payload_m1 m1;
	struct payload_m2 m2;
	struct payload_m3 m3 = {0};
	struct handshake hs;
	uint8_t wide[64], blind[32], body[FRAME_M3_LEN];
	enum sr_error error;

	sim_begin_m1(person, OPERATION_CHANGE, &m1);
	m1.slot = change->slot;
	m1.target_slot = change->target;
	randombytes_buf(wide, sizeof(wide));
	randombytes_buf(&random, sizeof(random));
	opaque_blind(random.blind, wide);
	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
	must(opaque_login_start(&login, &m1.ke1, &password, &random) == SR_OK);
	must(opaque_register_start(m1.request, &next, blind) == SR_OK);
	error = sim_exchange_m1(bank, person, &hs, &m1, &m2);
	if (error != SR_OK)
		return error;
	binding = handshake_binding(&hs);
	error = opaque_login_finish(&login, &m3.ke3, &result, &password,
	    &m2.ke2, &binding, OPAQUE_STRETCH_NONE);
	if (error != SR_OK)
		return error;
	fill_record(bank, person, change, &hs, blind, &m2, &m3);
	must(handshake_m3_seal(&hs, &m3, body) == SR_OK);
	bank->m5_came = false;
	sim_send_m3(bank, person, body);
	if (!bank->m5_came)
		return SR_CLOSED;
	must(handshake_m5_open(&hs, bank->m5, m5) == SR_OK);
	return m5->status;
}
