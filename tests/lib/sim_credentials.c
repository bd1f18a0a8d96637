/* SPDX-License-Identifier: ISC */
/* Implementation of sim_credentials.h. */
#include "tests/lib/sim_credentials.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/noise.h"
#include "tests/lib/hello.h"

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
		 m2->evaluated, hello_opaque_key(bank->hello), &binding,
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
	bool resets = change->reset_code != NULL;
	struct opaque_password password =
	    password_of(resets ? "" : change->secret);
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

	sim_begin_m1(person,
	    resets           ? OPERATION_RESET
	    : change->renews ? OPERATION_RENEW
			     : OPERATION_CHANGE,
	    &m1);
	m1.slot = resets ? 0 : change->slot;
	m1.target_slot = change->target;
	if (resets)
		memcpy(m1.invitation, change->reset_code, RESET_CODE_LEN);
	randombytes_buf(wide, sizeof(wide));
	randombytes_buf(&random, sizeof(random));
	opaque_blind(random.blind, wide);
	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
	must(resets ||
	     opaque_login_start(&login, &m1.ke1, &password, &random) == SR_OK);
	must(opaque_register_start(m1.request, &next, blind) == SR_OK);
	error = sim_exchange_m1(bank, person, &hs, &m1, &m2);
	if (error != SR_OK)
		return error;
	binding = handshake_binding(&hs);
	if (!resets)
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

struct order_reset
sim_reset_of(const struct sim_bank *bank, const struct sim_person *person)
{
	const struct book_principal *principal =
	    book_principal(&bank->ledgerd->book, person->m4.customer);
	struct order_reset reset = {.customer = person->m4.customer,
	    .until_ms = bank->ledgerd->last_time_ms + UINT64_C(864000000)};

	must(principal != NULL);
	memcpy(reset.attestation_hash, principal->attestation_hash, 32);
	return reset;
}

enum sr_error
sim_reset_agree(struct sim_bank *bank, struct sim_people *people,
    const struct order_reset *reset, uint64_t *leaf)
{
	static struct sim_order sent;
	uint8_t block[ORDER_RESET_LEN], hash[ORDER_HASH_LEN];
	struct message_order_answer answer;
	struct order order;
	enum sr_error error;

	order_reset_encode(reset, block);
	sim_order_begin(bank, &people->operators[0], ORDER_RESET, &order);
	sim_order_sign(
	    &people->operators[0], &order, block, sizeof(block), &sent);
	error = sim_order_submit(bank, &people->operators[0], &sent, &answer);
	if (error != SR_OK)
		return error;
	order_hash(sent.bytes, hash);
	sim_order_begin(bank, &people->operators[1], ORDER_APPROVE, &order);
	order.refers_to = answer.leaf;
	sim_order_sign(
	    &people->operators[1], &order, hash, sizeof(hash), &sent);
	error = sim_order_submit(bank, &people->operators[1], &sent, &answer);
	*leaf = answer.leaf;
	return error;
}

/* A question to ledgerd; the answer is of that type, or a refusal. */
static enum sr_error
ask(struct sim_bank *bank, const struct writer *question, unsigned type,
    struct ipc_message *m)
{
	struct message_control_refused refused;
	struct reader r;

	if (sim_bank_control(bank, question->start, writer_len(question)) !=
	    SR_OK)
		return SR_CLOSED;
	r = reader_of(bank->control_answer, bank->control_answer_len);
	if (ipc_next(&r, false, m) != SR_OK)
		return SR_CLOSED;
	if (m->type == MESSAGE_CONTROL_REFUSED) {
		must(message_control_refused_decode(
			 m->body, m->len, &refused) == SR_OK);
		return error_of_wire(refused.error);
	}
	return m->type == type ? SR_OK : SR_CLOSED;
}

enum sr_error
sim_reset_code(
    struct sim_bank *bank, uint64_t leaf, uint8_t code[RESET_CODE_LEN])
{
	uint8_t bytes[MESSAGE_RESET_CODE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_reset_code_get get = {.leaf = leaf};
	struct message_reset_code answer;
	struct ipc_message m;
	enum sr_error error;

	must(message_reset_code_get_encode(&w, &get) == SR_OK);
	error = ask(bank, &w, MESSAGE_RESET_CODE, &m);
	if (error != SR_OK)
		return error;
	must(message_reset_code_decode(m.body, m.len, &answer) == SR_OK);
	memcpy(code, answer.code, RESET_CODE_LEN);
	return error_of_wire(answer.error);
}

enum sr_error
sim_person_reset(struct sim_bank *bank, const struct sim_person *person,
    const uint8_t code[RESET_CODE_LEN], const char *password,
    const uint8_t public_key[32], const uint8_t secret_key[64])
{
	struct sim_change half = {.new_secret = password,
	    .signing_public = public_key,
	    .signing_secret = secret_key,
	    .reset_code = code};
	struct sim_person by = *person; /* its session is another one */
	struct payload_m5 m5;
	enum sr_error error = SR_OK;

	for (; error == SR_OK && half.target < SLOT_COUNT; half.target++)
		error = sim_person_change(bank, &by, &half, &m5);
	return error;
}

enum sr_error
sim_rotate(struct sim_bank *bank, uint8_t key)
{
	uint8_t bytes[MESSAGE_KEY_ROTATE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_key_rotate rotate = {.key = key};
	struct ipc_message m;

	must(message_key_rotate_encode(&w, &rotate) == SR_OK);
	return ask(bank, &w, MESSAGE_KEYS, &m);
}

enum sr_error
sim_reseal(struct sim_bank *bank)
{
	enum sr_error error = SR_OK;

	for (unsigned steps = 0; error == SR_OK; steps++) {
		if (bank->keyd->state.key[BANK_KEY_CREDENTIAL].former == 0)
			return SR_OK;
		must(steps < 2000);
		sim_advance(bank->sim, RESEAL_PAUSE_MS);
		error = sim_bank_run(bank);
	}
	return error;
}
