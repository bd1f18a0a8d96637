/* SPDX-License-Identifier: ISC */
/* The hands and the client of keyd_world.h. */
#include "tests/lib/keyd_world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/entry.h"
#include "common/kdf.h"
#include "tests/lib/hello.h"

/* ---- start ------------------------------------------------------------- */

struct world *
world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	assert(w != NULL);
	w->sim = sim_new(seed);
	w->keyd_room = sim_room(w->sim, "keyd");
	w->netd = sim_room(w->sim, "netd");
	w->ledgerd = sim_room(w->sim, "ledgerd");
	w->monitor = sim_room(w->sim, "monitor");
	sim_connect(w->keyd_room, ENV_NETD, w->netd, ENV_KEYD);
	sim_connect(w->keyd_room, ENV_LEDGERD, w->ledgerd, ENV_KEYD);
	sim_connect(w->keyd_room, ENV_CONTROL, w->monitor, ENV_KEYD);
	memset(w->root, 0x11, sizeof(w->root));
	memset(w->identity_seed, 0x22, sizeof(w->identity_seed));
	w->params.root = w->root;
	w->params.registrations_an_hour = 1000;
	w->params.init = true;
	w->generation = 1;
	if (world_restart(w, true) != SR_OK ||
	    env_sync_directory(&w->keyd_room->env, ".") != SR_OK)
		abort();
	return w;
}

static void
keyd_end(struct world *w)
{
	if (w->keyd == NULL)
		return;
	keyd_close(w->keyd);
	free(w->keyd);
	w->keyd = NULL;
}

void
world_free(struct world *w)
{
	keyd_end(w);
	sim_free(w->sim);
	free(w);
}

enum sr_error
world_restart(struct world *w, bool identity)
{
	keyd_end(w);
	sim_crash(w->keyd_room, SIM_KEEP_ALL);
	w->keyd = malloc(sizeof(*w->keyd));
	assert(w->keyd != NULL);
	w->params.identity_seed = identity ? w->identity_seed : NULL;
	w->generation = 1;
	return keyd_init(w->keyd, &w->keyd_room->env, &w->params);
}

/* ---- what keyd sends --------------------------------------------------- */

#define TAKE(name, field, counter)                                             \
	do {                                                                   \
		if (message_##name##_decode(m->body, m->len, &field) != SR_OK) \
			abort();                                               \
		counter++;                                                     \
	} while (0)

static void
take_netd(struct world *w, const struct ipc_message *m)
{
	struct message_beacon beacon;
	struct message_handshake_2 m2;
	struct message_handshake_5 m5;
	struct message_handshake_accepted accepted;
	struct message_handshake_refused refused;

	if (m->type == MESSAGE_BEACON) {
		TAKE(beacon, beacon, w->hellos);
		assert(beacon.hello_len == HELLO_LEN);
		memcpy(w->hello, beacon.hello, HELLO_LEN);
	} else if (m->type == MESSAGE_HANDSHAKE_2) {
		TAKE(handshake_2, m2, w->m2s);
		assert(m2.body_len == FRAME_M2_LEN);
		memcpy(w->m2, m2.body, FRAME_M2_LEN);
		w->m2_connection = m2.connection;
	} else if (m->type == MESSAGE_HANDSHAKE_5) {
		TAKE(handshake_5, m5, w->m5s);
		assert(m5.body_len == FRAME_M5_LEN);
		memcpy(w->m5, m5.body, FRAME_M5_LEN);
	} else if (m->type == MESSAGE_HANDSHAKE_ACCEPTED) {
		/* ledgerd knows it first */
		assert(w->ledgerd->in[ENV_KEYD] != NULL);
		TAKE(handshake_accepted, accepted, w->accepted);
	} else {
		assert(m->type == MESSAGE_HANDSHAKE_REFUSED);
		TAKE(handshake_refused, refused, w->refused);
	}
}

static void
take_ledgerd(struct world *w, const struct ipc_message *m)
{
	struct message_sessions_end end;
	struct message_bank bank;
	struct message_terminals terminals;
	struct message_snapshots snapshots;
	struct message_directory_keys keys;
	unsigned other = 0;

	if (m->type == MESSAGE_SESSION_OPEN) {
		TAKE(session_open, w->open, w->opens);
		memset(w->open_name, 0, sizeof(w->open_name));
		memcpy(w->open_name, w->open.name, w->open.name_len);
	} else if (m->type == MESSAGE_SESSIONS_END) {
		TAKE(sessions_end, end, other);
		w->ended = end.customer;
	} else if (m->type == MESSAGE_TREE_HEAD) {
		TAKE(tree_head, w->head, w->heads);
	} else if (m->type == MESSAGE_KEY_USED) {
		TAKE(key_used, w->used, w->useds);
	} else if (m->type == MESSAGE_GENESIS_SIGNED) {
		TAKE(genesis_signed, w->genesis, w->geneses);
	} else if (m->type == MESSAGE_SEGMENT_KEY) {
		TAKE(segment_key, w->segment_key, w->segment_keys);
	} else if (m->type == MESSAGE_SNAPSHOT_KEY) {
		TAKE(snapshot_key, w->snapshot_key, other);
	} else if (m->type == MESSAGE_RESTORE_SIGNED) {
		TAKE(restore_signed, w->restore, w->restores);
		memcpy(w->note, w->restore.note, w->restore.note_len);
	} else if (m->type == MESSAGE_ROTATE_SIGNED) {
		TAKE(rotate_signed, w->rotate, w->rotates);
		memcpy(w->rotation_note, w->rotate.note, w->rotate.note_len);
	} else if (m->type == MESSAGE_SNAPSHOTS) {
		TAKE(snapshots, snapshots, other);
		w->list_len = snapshots.list_len;
		memcpy(w->list, snapshots.list, snapshots.list_len);
	} else if (m->type == MESSAGE_ATTESTATION) {
		TAKE(attestation, w->attestation, other);
	} else if (m->type == MESSAGE_BANK) {
		TAKE(bank, bank, other);
		w->founded = bank.founded == 1;
		memcpy(w->bank_id, bank.bank_id, sizeof(w->bank_id));
	} else if (m->type == MESSAGE_TERMINALS) {
		TAKE(terminals, terminals, other);
		w->list_len = terminals.list_len;
		memcpy(w->list, terminals.list, terminals.list_len);
	} else if (m->type == MESSAGE_DIRECTORY_KEYS) {
		TAKE(directory_keys, keys, other);
		w->list_len = keys.list_len;
		memcpy(w->list, keys.list, keys.list_len);
	} else if (m->type == MESSAGE_PULSE_LEDGERD) {
		TAKE(pulse_ledgerd, w->pulse, w->pulses);
	}
}

static void
take_control(struct world *w, const struct message_control_answer *answer)
{
	struct reader r = reader_of(answer->packet, answer->packet_len);
	struct message_control_refused refused;
	struct ipc_message inner, *m = &inner;
	unsigned other = 0;

	if (ipc_next(&r, false, &inner) != SR_OK)
		abort();
	w->control_type = (uint8_t)inner.type;
	w->control_len = inner.len;
	memcpy(w->control_body, inner.body, inner.len);
	if (inner.type == MESSAGE_TERMINAL_KEY)
		TAKE(terminal_key, w->terminal_key, w->terminal_keys);
	else if (inner.type == MESSAGE_DISCLOSURE)
		TAKE(disclosure, w->disclosure, w->disclosures);
	else if (inner.type == MESSAGE_INVITED)
		TAKE(invited, w->invited, other);
	else if (inner.type == MESSAGE_KEYD_STATUS)
		TAKE(keyd_status, w->status, other);
	else if (inner.type == MESSAGE_CONTROL_REFUSED)
		TAKE(control_refused, refused, w->refusals);
}

static void
take_monitor(struct world *w, const struct ipc_message *m)
{
	struct message_control_answer answer;
	struct message_generation_done done;
	unsigned other = 0;

	if (m->type == MESSAGE_CONTROL_ANSWER) {
		TAKE(control_answer, answer, other);
		take_control(w, &answer);
	} else if (m->type == MESSAGE_GENERATION_DONE) {
		TAKE(generation_done, done, other);
		w->generation_done = done.generation;
	} else if (m->type == MESSAGE_SETTINGS_DONE) {
		TAKE(settings_done, w->settings_done, other);
	} else if (m->type == MESSAGE_PULSE_SEEN) {
		TAKE(pulse_seen, w->seen, w->seens);
	} else if (m->type == MESSAGE_ROOM_EVENT) {
		TAKE(room_event, w->event, w->events);
	}
}

static bool
take_all(struct world *w, struct sim_room *room,
    void (*take)(struct world *, const struct ipc_message *))
{
	static uint8_t packet[IPC_PACKET_MAX];
	struct ipc_message m;
	struct reader r;
	size_t len;
	bool any = false;

	while (env_receive(&room->env, ENV_KEYD, false, packet, sizeof(packet),
		   &len) == SR_OK) {
		any = true;
		r = reader_of(packet, len);
		while (ipc_next(&r, false, &m) == SR_OK)
			take(w, &m);
	}
	return any;
}

enum sr_error
world_run(struct world *w)
{
	unsigned quiet = 0;
	enum sr_error error = SR_OK;

	while (quiet < 8 && error == SR_OK) {
		bool waits = pending_waits(w->keyd);
		bool moved = false;

		error = keyd_step(w->keyd, 0);
		moved |= take_all(w, w->ledgerd, take_ledgerd);
		moved |= take_all(w, w->netd, take_netd);
		moved |= take_all(w, w->monitor, take_monitor);
		quiet = moved || waits ? 0 : quiet + 1;
	}
	return error;
}

void
world_forget(struct world *w)
{
	w->hellos = w->m2s = w->m5s = w->accepted = w->refused = 0;
	w->opens = w->heads = w->useds = w->geneses = w->restores = w->rotates =
	    0;
	w->terminal_keys = w->disclosures = w->refusals = 0;
	w->pulses = w->seens = 0;
	w->ended = 0;
}

void
world_send(struct world *w, struct sim_room *from, enum env_link link,
    const struct writer *writer)
{
	assert(!writer->bad);
	if (env_send(&from->env, link, writer->start, writer_len(writer)) !=
		SR_OK &&
	    !w->sim->dark)
		abort();
	(void)world_run(w);
}

enum sr_error
world_log_note(struct world *w, const uint8_t *note, size_t len, uint64_t seq)
{
	uint8_t packet[MESSAGE_KEY_USE_MAX];
	struct writer writer = writer_to(packet, sizeof(packet));
	struct message_key_use m = {.seq = seq,
	    .time = w->sim->now_ms,
	    .plaintext = note,
	    .plaintext_len = len};

	message_key_use_encode(&writer, &m);
	world_forget(w);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert(w->heads == 1 && w->useds == 1);
	return (enum sr_error)w->used.error;
}

void
world_pulse(struct world *w, uint32_t generation, uint64_t number)
{
	uint8_t bytes[MESSAGE_PULSE_KEYD_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_pulse_keyd m = {
	    .generation = generation, .number = number};

	if (message_pulse_keyd_encode(&writer, &m) != SR_OK)
		abort();
	world_send(w, w->netd, ENV_KEYD, &writer);
}

void
world_tree_start(struct world *w, uint64_t size, const uint8_t root[32],
    const uint8_t signature[64])
{
	struct message_tree_start start = {.size = size};
	uint8_t bytes[MESSAGE_TREE_START_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	if (size > 0) {
		memcpy(start.root, root, 32);
		memcpy(start.signature, signature, 64);
	}
	message_tree_start_encode(&writer, &start);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
}

void
world_start_again(struct world *w)
{
	if (world_restart(w, false) != SR_OK)
		abort();
	world_tree_start(w, 0, NULL, NULL);
}

void
world_append(
    struct world *w, uint64_t first, const uint8_t *leaves, size_t count)
{
	static uint8_t bytes[MESSAGE_TREE_APPEND_MAX];
	struct message_tree_append append = {
	    .first = first, .leaves = leaves, .leaves_len = count * 32};
	struct writer writer = writer_to(bytes, sizeof(bytes));

	message_tree_append_encode(&writer, &append);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
}

void
world_enrol(struct world *w, uint32_t terminal, uint32_t epoch, bool enrolled)
{
	struct terminal next;

	if (terminals_set(&w->keyd->terminals, terminal, epoch, enrolled,
		&next) != SR_OK ||
	    keyd_save_terminal(w->keyd, &next) != SR_OK)
		abort();
}

enum sr_error
world_rotate(struct world *w, uint64_t key, uint8_t detail)
{
	struct entry_event event = {.code = USE_ROTATE,
	    .subject = key,
	    .detail = {detail},
	    .time_ms = w->sim->now_ms};
	uint8_t plain[ENTRY_EVENT_LEN], bytes[MESSAGE_KEY_USE_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_key_use m = {.request = 5,
	    .seq = w->keyd->state.frontier.size,
	    .time = event.time_ms,
	    .plaintext = plain,
	    .plaintext_len = sizeof(plain)};

	entry_event_encode(ENTRY_USE, &event, plain);
	world_forget(w);
	message_key_use_encode(&writer, &m);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	if (w->keyd->failure != SR_OK || w->sim->dark)
		return SR_IO;
	assert(w->head.error == SR_OK && w->useds == 1 &&
	       w->control_type == (w->used.error == SR_OK
					  ? MESSAGE_KEYS
					  : MESSAGE_CONTROL_REFUSED));
	return (enum sr_error)w->used.error;
}

void
world_reseal(struct world *w)
{
	unsigned steps = 0;

	while (w->keyd->state.key[BANK_KEY_CREDENTIAL].former != 0 &&
	       w->keyd->failure == SR_OK && !w->sim->dark) {
		assert(steps++ < 2000);
		sim_advance(w->sim, RESEAL_PAUSE_MS);
		(void)world_run(w);
	}
}

void
world_found(struct world *w)
{
	struct entry_genesis genesis = {.name_len = 4,
	    .name = "Test",
	    .unit = {"EUR", 2},
	    .bank_type = BANK_CASH,
	    .rules = entry_rules_default(BANK_CASH),
	    .time_ms = w->sim->now_ms};
	uint8_t body[ENTRY_GENESIS_LEN], leaf[32] = {7};
	uint8_t bytes[MESSAGE_GENESIS_SIGN_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));
	struct message_genesis_sign sign = {
	    .genesis = body, .genesis_len = ENTRY_GENESIS_SIGNED_LEN};

	memcpy(genesis.bank_id, w->keyd->state.bank_id, 32);
	memcpy(genesis.identity_key, w->keyd->state.identity, 32);
	memset(genesis.operator_key, 5, sizeof(genesis.operator_key));
	genesis.operator_key[1][0] = 6;
	entry_genesis_encode(&genesis, body);
	world_tree_start(w, 0, NULL, NULL);
	message_genesis_sign_encode(&writer, &sign);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	world_append(w, 0, leaf, 1);
}

/* ---- the client -------------------------------------------------------- */

static void
signing_keys(
    const struct person *p, uint8_t public_key[32], uint8_t secret_key[64])
{
	uint8_t seed[32];

	kdf_sha256(seed, p->name, strlen(p->name));
	crypto_sign_seed_keypair(public_key, secret_key, seed);
}

static struct opaque_password
password_of(const char *secret)
{
	return (struct opaque_password){secret, strlen(secret)};
}

void
world_send_m1(struct world *w, uint64_t connection, uint32_t generation,
    const uint8_t *body, size_t len)
{
	struct message_handshake_1 m = {.generation = generation,
	    .connection = connection,
	    .body = body,
	    .body_len = len};
	uint8_t bytes[MESSAGE_HANDSHAKE_1_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	message_handshake_1_encode(&writer, &m);
	world_send(w, w->netd, ENV_KEYD, &writer);
}

void
world_send_m3(struct world *w, uint64_t connection, uint32_t generation,
    const uint8_t *body, size_t len)
{
	struct message_handshake_3 m = {.generation = generation,
	    .connection = connection,
	    .body = body,
	    .body_len = len};
	uint8_t bytes[MESSAGE_HANDSHAKE_3_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	message_handshake_3_encode(&writer, &m);
	world_send(w, w->netd, ENV_KEYD, &writer);
}

static void
start_request(struct attempt *a, const char *secret, uint8_t request[32])
{
	struct opaque_password password = password_of(secret);
	uint8_t wide[64];

	randombytes_buf(wide, sizeof(wide));
	opaque_blind(a->blind, wide);
	if (opaque_register_start(request, &password, a->blind) != SR_OK)
		abort();
}

static void
start_login(struct attempt *a, const char *secret, struct payload_m1 *m1)
{
	struct opaque_password password = password_of(secret);
	struct opaque_client_random random;
	uint8_t wide[64];

	randombytes_buf(wide, sizeof(wide));
	randombytes_buf(&random, sizeof(random));
	opaque_blind(random.blind, wide);
	if (opaque_login_start(&a->login, &m1->ke1, &password, &random) !=
	    SR_OK)
		abort();
}

void
world_seal_m1(struct world *w, struct person *p, struct attempt *a,
    enum payload_operation operation, uint8_t slot, uint8_t target,
    const char *secret)
{
	struct payload_m1 m1 = {
	    .operation = operation, .slot = slot, .target_slot = target};
	uint8_t ephemeral[32];

	memset(a, 0, sizeof(*a));
	a->operation = operation;
	a->connection = (uint64_t)w->generation << 32 | ++w->connection;
	m1.name_len = (uint8_t)strlen(p->name);
	strcpy(m1.name, p->name);
	memcpy(m1.device_token, p->device_token, DEVICE_TOKEN_LEN);
	memcpy(m1.invitation, p->invitation, INVITATION_LEN);
	if (operation != OPERATION_REGISTER)
		start_login(
		    a, slot == SLOT_RECOVERY ? p->recovery : p->password, &m1);
	if (operation != OPERATION_LOG_IN)
		start_request(a, secret, m1.request);
	randombytes_buf(ephemeral, sizeof(ephemeral));
	if (handshake_m1_seal(&a->handshake, w->hello,
		w->keyd->origin->noise.public, p->terminal, p->epoch, p->psk,
		ephemeral, &m1, a->m1) != SR_OK)
		abort();
}

void
world_m1(struct world *w, struct person *p, struct attempt *a,
    enum payload_operation operation, uint8_t slot, uint8_t target,
    const char *secret)
{
	world_seal_m1(w, p, a, operation, slot, target, secret);
	world_send_m1(w, a->connection, w->generation, a->m1, sizeof(a->m1));
}

static void
finish_request(struct world *w, struct person *p, struct attempt *a,
    const struct payload_m2 *m2, const char *secret, struct payload_m3 *m3)
{
	struct opaque_password password = password_of(secret);
	struct opaque_binding binding = handshake_binding(&a->handshake);
	uint8_t nonce[32], export_key[64], signing_secret[64];

	randombytes_buf(nonce, sizeof(nonce));
	if (opaque_register_finish(&m3->record, export_key, &password, a->blind,
		m2->evaluated, hello_opaque_key(w->hello), &binding,
		OPAQUE_STRETCH_NONE, nonce) != SR_OK)
		abort();
	memset(m3->wrapped_seed, 0x5e, sizeof(m3->wrapped_seed));
	memset(m3->message_key, 0x4d, sizeof(m3->message_key));
	signing_keys(p, m3->signing_key, signing_secret);
	handshake_proof_sign(&a->handshake, signing_secret, m3);
}

enum sr_error
world_m3(struct world *w, struct person *p, struct attempt *a,
    const char *secret, const char *new_secret)
{
	struct opaque_password password;
	struct opaque_binding binding;
	struct opaque_client_result result;
	struct payload_m2 m2;
	struct payload_m3 m3 = {0};

	if (w->m2_connection != a->connection)
		return SR_CLOSED;
	if (handshake_m2_open(&a->handshake, w->m2, &m2) != SR_OK)
		return SR_CRYPTO;
	p->retry_after_s = m2.retry_after_s;
	if (m2.status != SR_OK)
		return m2.status;
	binding = handshake_binding(&a->handshake);
	if (a->operation != OPERATION_REGISTER) {
		password = password_of(secret);
		if (opaque_login_finish(&a->login, &m3.ke3, &result, &password,
			&m2.ke2, &binding, OPAQUE_STRETCH_NONE) != SR_OK)
			return SR_LOGIN;
	}
	if (a->operation != OPERATION_LOG_IN)
		finish_request(w, p, a, &m2, new_secret, &m3);
	if (handshake_m3_seal(&a->handshake, &m3, a->m3) != SR_OK)
		abort();
	if (a->operation == OPERATION_LOG_IN &&
	    handshake_keys(&a->handshake, result.session_key, &a->keys) !=
		SR_OK)
		abort();
	world_send_m3(w, a->connection, w->generation, a->m3, sizeof(a->m3));
	return SR_OK;
}

/* What M5 said, or that none came. */
static enum sr_error
read_m5(struct world *w, struct attempt *a)
{
	struct payload_m5 m5;

	if (w->m5s == 0)
		return SR_CLOSED;
	if (handshake_m5_open(&a->handshake, w->m5, &m5) != SR_OK)
		return SR_CRYPTO;
	return m5.status;
}

enum sr_error
world_register(struct world *w, struct person *p)
{
	struct attempt a;
	enum sr_error error;

	world_forget(w);
	world_m1(w, p, &a, OPERATION_REGISTER, 0, 0, p->password);
	error = world_m3(w, p, &a, NULL, p->password);
	return error == SR_OK ? read_m5(w, &a) : error;
}

enum sr_error
world_login(struct world *w, struct person *p, uint8_t slot)
{
	struct attempt a;
	enum sr_error error;

	world_forget(w);
	world_m1(w, p, &a, OPERATION_LOG_IN, slot, 0, NULL);
	error = world_m3(
	    w, p, &a, slot == SLOT_RECOVERY ? p->recovery : p->password, NULL);
	if (error != SR_OK)
		return error;
	if (w->opens != 1 || w->accepted != 1)
		return SR_CLOSED;
	memcpy(p->device_token, w->open.device_token, DEVICE_TOKEN_LEN);
	/* both ends have the same keys */
	if (memcmp(a.keys.chain_key, w->open.chain_key, 64) != 0 ||
	    memcmp(a.keys.session_id, w->open.session, 16) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

/* A handshake that sets a credential, up to M5. */
static enum sr_error
set_credential(struct world *w, struct person *p,
    enum payload_operation operation, uint8_t slot, uint8_t target,
    const char *secret)
{
	struct attempt a;
	enum sr_error error;

	world_forget(w);
	world_m1(w, p, &a, operation, slot, target, secret);
	error = world_m3(w, p, &a,
	    slot == SLOT_RECOVERY ? p->recovery : p->password, secret);
	return error == SR_OK ? read_m5(w, &a) : error;
}

enum sr_error
world_change(struct world *w, struct person *p, uint8_t slot, uint8_t target,
    const char *secret)
{
	return set_credential(w, p, OPERATION_CHANGE, slot, target, secret);
}

enum sr_error
world_renew(struct world *w, struct person *p)
{
	return set_credential(
	    w, p, OPERATION_RENEW, SLOT_PASSWORD, SLOT_PASSWORD, p->password);
}
