/* SPDX-License-Identifier: ISC */
/* The rooms, the hands and the people of sim_bank.h. */
#include "tests/lib/sim_bank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/kdf.h"
#include "tests/lib/hello.h"

static void
must_at(bool condition, int line)
{
	if (condition)
		return;
	fprintf(stderr, "sim_bank.c:%d\n", line);
	abort();
}

#define must(condition) must_at(condition, __LINE__)

/* ---- rooms ----------------------------------------------------------------- */

static void
step_keyd(void *context)
{
	struct sim_bank *bank = context;

	if (bank->keyd != NULL && bank->keyd_error == SR_OK)
		bank->keyd_error = keyd_step(bank->keyd, 0);
}

struct sim_bank *
sim_bank_new(uint64_t seed)
{
	struct sim_bank *bank = calloc(1, sizeof(*bank));

	must(bank != NULL && sodium_init() >= 0);
	bank->sim = sim_new(seed);
	bank->keyd_room = sim_room(bank->sim, "keyd");
	bank->ledgerd_room = sim_room(bank->sim, "ledgerd");
	bank->netd = sim_room(bank->sim, "netd");
	bank->monitor = sim_room(bank->sim, "monitor");
	memset(bank->root, 0x11, sizeof(bank->root));
	memset(bank->identity_seed, 0x22, sizeof(bank->identity_seed));
	bank->generation = 1;
	return bank;
}

void
sim_bank_end(struct sim_bank *bank)
{
	if (bank->keyd != NULL)
		keyd_close(bank->keyd);
	free(bank->keyd);
	bank->keyd = NULL;
	if (bank->ledgerd != NULL)
		ledgerd_close(bank->ledgerd);
	free(bank->ledgerd);
	bank->ledgerd = NULL;
}

void
sim_bank_free(struct sim_bank *bank)
{
	sim_bank_end(bank);
	sim_free(bank->sim);
	free(bank);
}

static void
connect_rooms(struct sim_bank *bank)
{
	sim_connect(bank->keyd_room, ENV_LEDGERD, bank->ledgerd_room, ENV_KEYD);
	sim_connect(bank->keyd_room, ENV_NETD, bank->netd, ENV_KEYD);
	sim_connect(bank->ledgerd_room, ENV_NETD, bank->netd, ENV_LEDGERD);
	sim_connect(bank->keyd_room, ENV_CONTROL, bank->monitor, ENV_KEYD);
	sim_connect(
	    bank->ledgerd_room, ENV_CONTROL, bank->monitor, ENV_LEDGERD);
	sim_steps(bank->keyd_room,
	    bank->before_ledgerd != NULL ? bank->before_ledgerd : step_keyd,
	    bank);
	bank->before_ledgerd = NULL;
}

enum sr_error
sim_bank_start(struct sim_bank *bank, bool identity)
{
	struct keyd_params keyd_params = {.root = bank->root,
	    .identity_seed = identity ? bank->identity_seed : NULL,
	    .init = identity && !bank->restore && !bank->rotate,
	    .rotate = bank->rotate,
	    .restore = bank->restore,
	    .restore_epoch = bank->restore_epoch,
	    .restore_size = bank->restore_size,
	    .registrations_an_hour = bank->registrations_an_hour != 0
					 ? bank->registrations_an_hour
					 : 1000};
	struct ledgerd_params params = {.segment_len = SIM_BANK_SEGMENT_LEN,
	    .session_idle_s = 300,
	    .session_absolute_s = 3600,
	    .session_rekey_s = 600,
	    .audit = bank->audit,
	    .sessions_max = 64};

	bank->restore = false;
	bank->rotate = 0;
	bank->restore_size = 0;
	sim_bank_end(bank);
	connect_rooms(bank);
	bank->keyd = malloc(sizeof(*bank->keyd));
	bank->ledgerd = malloc(sizeof(*bank->ledgerd));
	must(bank->keyd != NULL && bank->ledgerd != NULL);
	bank->generation = 1;
	bank->frame_count = 0;
	bank->ready = false;
	bank->ledgerd_error =
	    ledgerd_init(bank->ledgerd, &bank->ledgerd_room->env, &params);
	bank->keyd_error =
	    keyd_init(bank->keyd, &bank->keyd_room->env, &keyd_params);
	/* strongroomd syncs the directory in which it made keyd's files. */
	if (bank->keyd_error == SR_OK && identity)
		bank->keyd_error =
		    env_sync_directory(&bank->keyd_room->env, ".");
	if (bank->keyd_error != SR_OK)
		return bank->keyd_error;
	if (bank->ledgerd_error == SR_OK)
		bank->ledgerd_error = ledgerd_start(bank->ledgerd);
	if (bank->ledgerd_error != SR_OK)
		return bank->ledgerd_error;
	return sim_bank_run(bank);
}

enum sr_error
sim_bank_restart(struct sim_bank *bank, enum sim_loss loss)
{
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, loss);
	sim_crash(bank->ledgerd_room, loss);
	return sim_bank_start(bank, false);
}

/* ---- the hands ----------------------------------------------------------- */

static void
take_from_keyd(struct sim_bank *bank, const struct ipc_message *m)
{
	struct message_beacon beacon;
	struct message_handshake_2 m2;
	struct message_handshake_5 m5;

	if (m->type == MESSAGE_BEACON) {
		must(message_beacon_decode(m->body, m->len, &beacon) == SR_OK);
		memcpy(bank->hello, beacon.hello, HELLO_LEN);
	} else if (m->type == MESSAGE_HANDSHAKE_2) {
		must(message_handshake_2_decode(m->body, m->len, &m2) == SR_OK);
		bank->m2_connection = m2.connection;
		memcpy(bank->m2, m2.body, FRAME_M2_LEN);
	} else if (m->type == MESSAGE_HANDSHAKE_5) {
		must(message_handshake_5_decode(m->body, m->len, &m5) == SR_OK);
		bank->m5_came = true;
		memcpy(bank->m5, m5.body, FRAME_M5_LEN);
	}
}

static void
take_from_ledgerd(struct sim_bank *bank, const struct ipc_message *m)
{
	struct message_record_out out;
	struct message_session_close close;
	struct sim_frame *frame;

	if (m->type == MESSAGE_RECORD_OUT) {
		must(message_record_out_decode(m->body, m->len, &out) == SR_OK);
		must(bank->frame_count < SIM_BANK_FRAMES);
		frame = &bank->frames[bank->frame_count++];
		frame->connection = out.connection;
		frame->type = out.frame_type;
		frame->len = out.body_len;
		memcpy(frame->body, out.body, out.body_len);
	} else {
		must(message_session_close_decode(m->body, m->len, &close) ==
		     SR_OK);
		bank->closed = close.connection;
	}
}

static void
take_control(struct sim_bank *bank, const struct ipc_message *m)
{
	struct message_control_answer answer;
	struct message_generation_done done;
	struct message_pulse_done pulse;

	if (m->type == MESSAGE_READY) {
		bank->ready = true;
	} else if (m->type == MESSAGE_CONTROL_ANSWER) {
		must(message_control_answer_decode(m->body, m->len, &answer) ==
		     SR_OK);
		memcpy(bank->control_answer, answer.packet, answer.packet_len);
		bank->control_answer_len = answer.packet_len;
	} else if (m->type == MESSAGE_GENERATION_DONE) {
		must(message_generation_done_decode(m->body, m->len, &done) ==
		     SR_OK);
		bank->generation_done = done.generation;
	} else if (m->type == MESSAGE_SETTINGS_DONE) {
		must(message_settings_done_decode(
			 m->body, m->len, &bank->settings_done) == SR_OK);
	} else if (m->type == MESSAGE_PULSE_DONE) {
		must(message_pulse_done_decode(m->body, m->len, &pulse) ==
		     SR_OK);
		bank->pulse_done = pulse.number;
		bank->pulses_done++;
	} else if (m->type == MESSAGE_PULSE_SEEN) {
		bank->pulses_seen++;
	} else if (m->type == MESSAGE_ROOM_EVENT) {
		must(message_room_event_decode(m->body, m->len, &bank->event) ==
		     SR_OK);
		bank->events++;
	}
}

static bool
take_all(struct sim_bank *bank, struct sim_room *room, enum env_link link,
    void (*take)(struct sim_bank *, const struct ipc_message *))
{
	static uint8_t packet[IPC_PACKET_MAX];
	struct ipc_message m;
	struct reader r;
	bool any = false;
	size_t len;

	while (env_receive(&room->env, link, false, packet, sizeof(packet),
		   &len) == SR_OK) {
		any = true;
		r = reader_of(packet, len);
		while (ipc_next(&r, false, &m) == SR_OK)
			take(bank, &m);
	}
	return any;
}

enum sr_error
sim_bank_run(struct sim_bank *bank)
{
	unsigned quiet = 0;

	while (quiet < 8) {
		bool moved = sim_late(bank->sim);

		moved |= pending_waits(bank->keyd);

		step_keyd(bank);
		if (bank->keyd_error == SR_OK && bank->ledgerd_error == SR_OK &&
		    !bank->ledgerd->stopped)
			bank->ledgerd_error = ledgerd_step(bank->ledgerd, 0);
		moved |= take_all(bank, bank->netd, ENV_KEYD, take_from_keyd);
		moved |=
		    take_all(bank, bank->netd, ENV_LEDGERD, take_from_ledgerd);
		moved |= take_all(bank, bank->monitor, ENV_KEYD, take_control);
		moved |=
		    take_all(bank, bank->monitor, ENV_LEDGERD, take_control);
		if (bank->keyd_error != SR_OK)
			return bank->keyd_error;
		if (bank->ledgerd_error != SR_OK)
			return bank->ledgerd_error;
		moved |= retire_waits(bank->ledgerd);
		quiet = moved ? 0 : quiet + 1;
	}
	return SR_OK;
}

/* What w holds, as one packet; on a machine without power nothing happens. */
static void
send_packet(struct sim_bank *bank, struct sim_room *from, enum env_link link,
    const struct writer *w)
{
	must(!w->bad);
	must(env_send(&from->env, link, w->start, writer_len(w)) == SR_OK ||
	     bank->sim->dark);
}

enum sr_error
sim_bank_control(struct sim_bank *bank, const void *message, size_t len)
{
	uint8_t bytes[MESSAGE_CONTROL_REQUEST_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_control_request request = {
	    .request = 7, .packet = message, .packet_len = len};

	bank->control_answer_len = 0;
	must(message_control_request_encode(&w, &request) == SR_OK);
	send_packet(bank, bank->monitor, ENV_LEDGERD, &w);
	return sim_bank_run(bank);
}

enum sr_error
sim_bank_generation(struct sim_bank *bank)
{
	uint8_t bytes[MESSAGE_GENERATION_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_generation generation = {
	    .generation = ++bank->generation};

	must(message_generation_encode(&w, &generation) == SR_OK);
	send_packet(bank, bank->monitor, ENV_KEYD, &w);
	send_packet(bank, bank->monitor, ENV_LEDGERD, &w);
	return sim_bank_run(bank);
}

enum sr_error
sim_bank_settings(
    struct sim_bank *bank, const struct message_ledgerd_settings *settings)
{
	uint8_t bytes[MESSAGE_LEDGERD_SETTINGS_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	must(message_ledgerd_settings_encode(&w, settings) == SR_OK);
	send_packet(bank, bank->monitor, ENV_LEDGERD, &w);
	return sim_bank_run(bank);
}

enum sr_error
sim_bank_pulse(struct sim_bank *bank, uint64_t number)
{
	uint8_t bytes[MESSAGE_PULSE_KEYD_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_pulse_keyd pulse = {
	    .generation = bank->generation, .number = number};

	must(message_pulse_keyd_encode(&w, &pulse) == SR_OK);
	send_packet(bank, bank->netd, ENV_KEYD, &w);
	return sim_bank_run(bank);
}

enum sr_error
sim_bank_found(struct sim_bank *bank, const struct sim_person *one,
    const struct sim_person *two)
{
	uint8_t bytes[MESSAGE_FOUND_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_found found = {.bank_type = BANK_CASH,
	    .exponent = 2,
	    .unit = (const uint8_t *)"EUR",
	    .unit_len = 3,
	    .name = (const uint8_t *)"Demo Bank",
	    .name_len = 9};
	struct message_founded founded;
	struct ipc_message m;
	struct reader r;
	enum sr_error error;

	memcpy(found.operator_1, one->signing_public, 32);
	memcpy(found.operator_2, two->signing_public, 32);
	must(message_found_encode(&w, &found) == SR_OK);
	error = sim_bank_control(bank, bytes, writer_len(&w));
	if (error != SR_OK)
		return error;
	r = reader_of(bank->control_answer, bank->control_answer_len);
	/* A room that ends in the middle of it answers nothing. */
	if (ipc_next(&r, false, &m) != SR_OK)
		return SR_CLOSED;
	if (m.type != MESSAGE_FOUNDED)
		return SR_NOT_ALLOWED;
	must(message_founded_decode(m.body, m.len, &founded) == SR_OK);
	return error_of_wire(founded.error);
}

int64_t
sim_bank_posted(const struct sim_bank *bank, uint64_t account)
{
	const struct book_account *found =
	    book_account(&bank->ledgerd->book, account);

	return found != NULL ? found->posted_minor : INT64_MIN;
}

/* ---- people ------------------------------------------------------------------ */

void
sim_person_init(
    struct sim_person *person, const char *name, const char *password)
{
	uint8_t seed[32];

	memset(person, 0, sizeof(*person));
	person->name = name;
	person->password = password;
	kdf_sha256(seed, name, strlen(name));
	must(crypto_sign_seed_keypair(
		 person->signing_public, person->signing_secret, seed) == 0);
}

static struct opaque_password
password_of(const char *secret)
{
	return (struct opaque_password){secret, strlen(secret)};
}

void
sim_begin_m1(const struct sim_person *person, enum payload_operation operation,
    struct payload_m1 *m1)
{
	memset(m1, 0, sizeof(*m1));
	m1->operation = operation;
	m1->name_len = (uint8_t)strlen(person->name);
	memcpy(m1->name, person->name, m1->name_len);
}

/* Sends M1 on a new connection; M2's payload, opened. */
enum sr_error
sim_exchange_m1(struct sim_bank *bank, struct sim_person *person,
    struct handshake *hs, const struct payload_m1 *m1, struct payload_m2 *m2)
{
	uint8_t bytes[MESSAGE_HANDSHAKE_1_MAX];
	uint8_t body[FRAME_M1_LEN], ephemeral[32];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_1 message = {.generation = bank->generation,
	    .connection =
		(uint64_t)bank->generation << 32 | ++bank->connections,
	    .body = body,
	    .body_len = sizeof(body)};

	person->connection = message.connection;
	randombytes_buf(ephemeral, sizeof(ephemeral));
	must(
	    handshake_m1_seal(hs, bank->hello, bank->keyd->origin->noise.public,
		person->terminal, person->terminal_epoch, person->psk,
		ephemeral, m1, body) == SR_OK);
	must(message_handshake_1_encode(&w, &message) == SR_OK);
	send_packet(bank, bank->netd, ENV_KEYD, &w);
	(void)sim_bank_run(bank);
	if (bank->m2_connection != person->connection)
		return SR_CLOSED;
	must(handshake_m2_open(hs, bank->m2, m2) == SR_OK);
	return m2->status;
}

void
sim_send_m3(struct sim_bank *bank, const struct sim_person *person,
    const uint8_t body[FRAME_M3_LEN])
{
	uint8_t bytes[MESSAGE_HANDSHAKE_3_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_handshake_3 message = {.generation = bank->generation,
	    .connection = person->connection,
	    .body = body,
	    .body_len = FRAME_M3_LEN};

	must(message_handshake_3_encode(&w, &message) == SR_OK);
	send_packet(bank, bank->netd, ENV_KEYD, &w);
	(void)sim_bank_run(bank);
}

enum sr_error
sim_person_register(struct sim_bank *bank, struct sim_person *person)
{
	struct opaque_password password = password_of(person->password);
	uint8_t wide[64], blind[32], nonce[32], export_key[64];
	uint8_t body[FRAME_M3_LEN];
	struct opaque_binding binding;
	struct payload_m1 m1;
	struct payload_m2 m2;
	struct payload_m3 m3 = {0};
	struct payload_m5 m5;
	struct handshake hs;
	enum sr_error error;

	sim_begin_m1(person, OPERATION_REGISTER, &m1);
	randombytes_buf(wide, sizeof(wide));
	opaque_blind(blind, wide);
	must(opaque_register_start(m1.request, &password, blind) == SR_OK);
	error = sim_exchange_m1(bank, person, &hs, &m1, &m2);
	if (error != SR_OK)
		return error;
	binding = handshake_binding(&hs);
	randombytes_buf(nonce, sizeof(nonce));
	must(opaque_register_finish(&m3.record, export_key, &password, blind,
		 m2.evaluated, hello_opaque_key(bank->hello), &binding,
		 OPAQUE_STRETCH_NONE, nonce) == SR_OK);
	memset(m3.wrapped_seed, 0x5e, sizeof(m3.wrapped_seed));
	memset(m3.message_key, 0x4d, sizeof(m3.message_key));
	memcpy(m3.signing_key, person->signing_public, 32);
	handshake_proof_sign(&hs, person->signing_secret, &m3);
	must(handshake_m3_seal(&hs, &m3, body) == SR_OK);
	bank->m5_came = false;
	sim_send_m3(bank, person, body);
	if (!bank->m5_came)
		return SR_CLOSED;
	must(handshake_m5_open(&hs, bank->m5, &m5) == SR_OK);
	return m5.status;
}

/* The oldest frame for that connection, taken out. */
static bool
take_frame(struct sim_bank *bank, uint64_t connection, struct sim_frame *out)
{
	for (size_t i = 0; i < bank->frame_count; i++) {
		if (bank->frames[i].connection != connection)
			continue;
		*out = bank->frames[i];
		bank->frame_count--;
		memmove(&bank->frames[i], &bank->frames[i + 1],
		    (bank->frame_count - i) * sizeof(bank->frames[0]));
		return true;
	}
	return false;
}

static enum sr_error
read_m4(struct sim_bank *bank, struct sim_person *person)
{
	static uint8_t plain[SESSION_PLAIN_MAX];
	struct sim_frame frame;
	struct payload_m4 m4;
	size_t len;

	if (!take_frame(bank, person->connection, &frame))
		return SR_CLOSED;
	must(frame.type == FRAME_M4);
	must(session_open(&person->session, FRAME_M4, frame.body, frame.len,
		 plain, &len) == SR_OK &&
	     len == PAYLOAD_M4_LEN);
	must(payload_m4_read(plain, &m4) == SR_OK);
	/* who was turned away is still who they were */
	if (m4.status == SR_OK) {
		person->m4 = m4;
		person->next_seq = m4.next_seq;
		memcpy(person->last_hash, m4.last_order_hash, 32);
	}
	return m4.status;
}

enum sr_error
sim_person_log_in(struct sim_bank *bank, struct sim_person *person)
{
	return sim_person_log_in_by(
	    bank, person, SLOT_PASSWORD, person->password);
}

enum sr_error
sim_person_log_in_by(struct sim_bank *bank, struct sim_person *person,
    uint8_t slot, const char *secret)
{
	struct opaque_password password = password_of(secret);
	struct opaque_client_result result;
	struct opaque_client_random random;
	struct opaque_client_login login;
	struct opaque_binding binding;
	struct handshake_keys keys;
	struct payload_m1 m1;
	struct payload_m2 m2;
	struct payload_m3 m3 = {0};
	struct handshake hs;
	uint8_t wide[64], body[FRAME_M3_LEN];
	enum sr_error error;

	sim_begin_m1(person, OPERATION_LOG_IN, &m1);
	m1.slot = slot;
	randombytes_buf(wide, sizeof(wide));
	randombytes_buf(&random, sizeof(random));
	opaque_blind(random.blind, wide);
	must(opaque_login_start(&login, &m1.ke1, &password, &random) == SR_OK);
	error = sim_exchange_m1(bank, person, &hs, &m1, &m2);
	if (error != SR_OK)
		return error;
	binding = handshake_binding(&hs);
	error = opaque_login_finish(&login, &m3.ke3, &result, &password,
	    &m2.ke2, &binding, OPAQUE_STRETCH_NONE);
	if (error != SR_OK)
		return error;
	must(handshake_m3_seal(&hs, &m3, body) == SR_OK);
	must(handshake_keys(&hs, result.session_key, &keys) == SR_OK);
	session_start(
	    &person->session, SESSION_CLIENT, keys.chain_key, keys.session_id);
	sim_send_m3(bank, person, body);
	return read_m4(bank, person);
}

void
sim_person_send(struct sim_bank *bank, struct sim_person *person,
    const struct writer *messages)
{
	static uint8_t bytes[MESSAGE_RECORD_IN_MAX], body[FRAME_BODY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_record_in record = {.generation = bank->generation,
	    .connection = person->connection,
	    .body = body};

	must(!messages->bad);
	must(session_seal(&person->session, FRAME_RECORD, messages->start,
		 writer_len(messages), body, &record.body_len) == SR_OK);
	must(message_record_in_encode(&w, &record) == SR_OK);
	send_packet(bank, bank->netd, ENV_LEDGERD, &w);
}

enum sr_error
sim_person_receive(struct sim_bank *bank, struct sim_person *person,
    unsigned *type, struct reader *body)
{
	static uint8_t plain[SESSION_PLAIN_MAX];
	struct sim_frame frame;
	struct ipc_message m;
	struct reader r;
	size_t len;

	if (!take_frame(bank, person->connection, &frame))
		return SR_AGAIN;
	must(frame.type == FRAME_RECORD);
	must(session_open(&person->session, FRAME_RECORD, frame.body, frame.len,
		 plain, &len) == SR_OK);
	r = reader_of(plain, len);
	must(ipc_next(&r, true, &m) == SR_OK);
	*type = m.type;
	*body = reader_of(m.body, m.len);
	return SR_OK;
}

/* ---- orders -------------------------------------------------------------------- */

void
sim_order_begin(struct sim_bank *bank, const struct sim_person *person,
    enum order_kind kind, struct order *order)
{
	memset(order, 0, sizeof(*order));
	order->kind = (uint8_t)kind;
	order->unit = person->m4.unit;
	order->terminal = person->m4.terminal;
	order->signer = person->m4.customer;
	order->seq = person->next_seq;
	order->not_after_ms = bank->sim->now_ms + 60000;
	memcpy(order->session, person->m4.session_id, ORDER_SESSION_LEN);
	memcpy(order->previous, person->last_hash, ORDER_HASH_LEN);
	randombytes_buf(order->reference, sizeof(order->reference));
	memcpy(order->bank, bank->ledgerd->bank_id, ORDER_BANK_LEN);
}

void
sim_order_sign(const struct sim_person *person, struct order *order,
    const void *attachment, size_t len, struct sim_order *out)
{
	must(len <= sizeof(out->attachment));
	out->attachment_len = len;
	if (len > 0)
		memcpy(out->attachment, attachment, len);
	order_attachment_hash(attachment, len, order->attachment_hash);
	order_encode(order, out->bytes);
	must(order_sign(out->bytes, person->signing_secret, out->signature) ==
	     SR_OK);
}

void
sim_order_send(struct sim_bank *bank, struct sim_person *person,
    const struct sim_order *order)
{
	uint8_t bytes[MESSAGE_ORDER_SUBMIT_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_order_submit submit = {.request = ++person->request,
	    .attachment = order->attachment,
	    .attachment_len = order->attachment_len};

	memcpy(submit.order, order->bytes, ORDER_LEN);
	memcpy(submit.signature, order->signature, ORDER_SIGNATURE_LEN);
	must(message_order_submit_encode(&w, &submit) == SR_OK);
	sim_person_send(bank, person, &w);
}

enum sr_error
sim_order_submit(struct sim_bank *bank, struct sim_person *person,
    const struct sim_order *order, struct message_order_answer *answer)
{
	struct reader body;
	unsigned type;

	memset(answer, 0, sizeof(*answer));
	sim_order_send(bank, person, order);
	(void)sim_bank_run(bank);
	if (sim_person_receive(bank, person, &type, &body) != SR_OK)
		return SR_CLOSED;
	must(type == MESSAGE_ORDER_ANSWER);
	must(message_order_answer_decode(body.at, reader_left(&body), answer) ==
	     SR_OK);
	must(answer->request == person->request);
	if (answer->next_seq != 0) {
		person->next_seq = answer->next_seq;
		memcpy(person->last_hash, answer->last_hash, 32);
	}
	return answer->error != SR_OK ? error_of_wire(answer->error)
				      : error_of_wire(answer->outcome);
}

enum sr_error
sim_transfer(struct sim_bank *bank, struct sim_person *from,
    uint64_t to_account, int64_t amount_minor,
    struct message_order_answer *answer)
{
	struct sim_order signed_order;
	struct order order;

	sim_order_begin(bank, from, ORDER_TRANSFER, &order);
	order.debit = from->m4.account;
	order.credit = to_account;
	order.amount_minor = amount_minor;
	sim_order_sign(from, &order, "pizza", 5, &signed_order);
	return sim_order_submit(bank, from, &signed_order, answer);
}

enum sr_error
sim_deposit(struct sim_bank *bank, struct sim_person *from, uint64_t to_account,
    int64_t amount_minor, struct message_order_answer *answer)
{
	struct sim_order signed_order;
	struct order order;

	sim_order_begin(bank, from, ORDER_DEPOSIT, &order);
	order.debit = from->m4.till_account;
	order.credit = to_account;
	order.amount_minor = amount_minor;
	sim_order_sign(from, &order, NULL, 0, &signed_order);
	return sim_order_submit(bank, from, &signed_order, answer);
}

/* ---- a bank with everything ------------------------------------------------------- */

static enum sr_error
enrol(struct sim_bank *bank, struct sim_people *people,
    const struct sim_person *person)
{
	struct sim_person *one = &people->operators[0];
	struct sim_person *two = &people->operators[1];
	struct order_enrol enrol = {.principal = person->m4.customer,
	    .terminal = (uint32_t)person->m4.customer,
	    .epoch = 1,
	    .till_maximum_minor = 1000000,
	    .role = ROLE_TERMINAL};
	uint8_t parameters[ORDER_ENROL_LEN], hash[ORDER_HASH_LEN];
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct order order;
	enum sr_error error;

	order_enrol_encode(&enrol, parameters);
	sim_order_begin(bank, one, ORDER_ENROL_REQUEST, &order);
	sim_order_sign(
	    one, &order, parameters, sizeof(parameters), &signed_order);
	error = sim_order_submit(bank, one, &signed_order, &answer);
	if (error != SR_OK)
		return error;
	order_hash(signed_order.bytes, hash);
	sim_order_begin(bank, two, ORDER_APPROVE, &order);
	order.refers_to = answer.leaf;
	sim_order_sign(two, &order, hash, sizeof(hash), &signed_order);
	return sim_order_submit(bank, two, &signed_order, &answer);
}

enum sr_error
sim_terminal_key(struct sim_bank *bank, struct sim_person *person)
{
	uint8_t bytes[MESSAGE_TERMINAL_KEY_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_terminal_key_get get = {
	    .terminal = (uint32_t)person->m4.customer};
	struct message_terminal_key key;
	struct ipc_message m;
	struct reader r;
	enum sr_error error;

	must(message_terminal_key_get_encode(&w, &get) == SR_OK);
	error = sim_bank_control(bank, bytes, writer_len(&w));
	if (error != SR_OK)
		return error;
	r = reader_of(bank->control_answer, bank->control_answer_len);
	if (ipc_next(&r, false, &m) != SR_OK || m.type != MESSAGE_TERMINAL_KEY)
		return SR_CLOSED;
	must(message_terminal_key_decode(m.body, m.len, &key) == SR_OK);
	if (key.error != SR_OK)
		return error_of_wire(key.error);
	person->terminal = key.terminal;
	person->terminal_epoch = key.epoch;
	memcpy(person->psk, key.psk, sizeof(person->psk));
	return SR_OK;
}

enum sr_error
sim_enrol(
    struct sim_bank *bank, struct sim_people *people, struct sim_person *person)
{
	enum sr_error error = enrol(bank, people, person);

	if (error == SR_OK)
		error = sim_terminal_key(bank, person);
	return error == SR_OK ? sim_person_log_in(bank, person) : error;
}

void
sim_bank_furnish(struct sim_bank *bank, struct sim_people *people)
{
	struct sim_person *everybody[] = {&people->operators[0],
	    &people->operators[1], &people->lobby, &people->ada, &people->bob};
	struct message_order_answer answer;

	sim_person_init(&people->operators[0], "op-one", "one's secret");
	sim_person_init(&people->operators[1], "op-two", "two's secret");
	sim_person_init(&people->lobby, "lobby", "a card's secret");
	sim_person_init(&people->ada, "ada", "ada's secret");
	sim_person_init(&people->bob, "bob", "bob's secret");
	must(sim_bank_start(bank, true) == SR_OK);
	must(sim_bank_found(
		 bank, &people->operators[0], &people->operators[1]) == SR_OK);
	for (size_t i = 0; i < 5; i++) {
		must(sim_person_register(bank, everybody[i]) == SR_OK);
		must(sim_person_log_in(bank, everybody[i]) == SR_OK);
	}
	must(sim_enrol(bank, people, &people->lobby) == SR_OK);
	must(sim_deposit(bank, &people->lobby, people->ada.m4.account, 10000,
		 &answer) == SR_OK);
}
