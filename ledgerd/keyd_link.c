/* SPDX-License-Identifier: ISC */
/*
 * The link to keyd.  Every question has exactly one answer, so what arrives
 * unasked or twice means that the rooms have lost each other: ledgerd stops
 * rather than to guess.
 */
#include "ledgerd/keyd_link.h"

#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/intake.h"
#include "ledgerd/ledgerd.h"

/* A question of keyd's: at most a packet, sent as soon as the link takes it. */
static enum sr_error
send_question(struct ledgerd *ledgerd, const void *packet, size_t len)
{
	unsigned readable, writable;
	enum sr_error error;

	for (;;) {
		error = env_send(ledgerd->env, ENV_KEYD, packet, len);
		if (error != SR_AGAIN)
			return error;
		error = env_wait(
		    ledgerd->env, 0, 1U << ENV_KEYD, -1, &readable, &writable);
		if (error != SR_OK)
			return error;
	}
}

/* Receives one packet and hands its messages to their handlers. */
static enum sr_error
receive(struct ledgerd *ledgerd, bool wait)
{
	struct ipc_packet *packet = &ledgerd->keyd_packet;
	enum sr_error error;

	/* The next packet overwrites what the lists point into. */
	ledgerd->keyd.list = NULL;
	ledgerd->keyd.list_len = 0;
	error = env_receive(ledgerd->env, ENV_KEYD, wait, packet->bytes,
	    sizeof(packet->bytes), &packet->len);
	if (error != SR_OK)
		return error;
	/* keyd is open before the journal is replayed: log-ins wait for that. */
	(void)ledgerd_dispatch_keyd(
	    ledgerd, PHASE_INIT | PHASE_OPEN, packet->bytes, packet->len);
	/* It may have brought keys; a list is still to be read. */
	if (ledgerd->keyd.list == NULL)
		sodium_memzero(packet->bytes, packet->len);
	return ledgerd->fatal;
}

enum sr_error
keyd_listen(struct ledgerd *ledgerd)
{
	enum sr_error error;

	ledgerd->keyd.arrived = 0;
	do {
		error = receive(ledgerd, false);
		if (error == SR_OK && ledgerd->keyd.arrived != 0)
			error = SR_INTERNAL;
	} while (error == SR_OK);
	return error == SR_AGAIN ? SR_OK : error;
}

/* Sends the question and waits until all the answers are there. */
static enum sr_error
ask(struct ledgerd *ledgerd, const void *packet, size_t len, unsigned answers)
{
	enum sr_error error;

	ledgerd->keyd.arrived = 0;
	error = send_question(ledgerd, packet, len);
	while (error == SR_OK && ledgerd->keyd.arrived != answers) {
		error = receive(ledgerd, true);
		if (error == SR_OK && (ledgerd->keyd.arrived & ~answers) != 0)
			error = SR_INTERNAL;
	}
	ledgerd->keyd.arrived = 0;
	if (error == SR_INTERNAL)
		diag_error("keyd answered what was not asked");
	return error;
}

static void
arrive(struct ledgerd *ledgerd, enum keyd_answer answer)
{
	if ((ledgerd->keyd.arrived & (unsigned)answer) != 0)
		ledgerd->fatal = SR_INTERNAL;
	ledgerd->keyd.arrived |= (unsigned)answer;
}

enum sr_error
keyd_bank(struct ledgerd *ledgerd)
{
	uint8_t packet[MESSAGE_BANK_GET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_bank_get get = {0};

	if (message_bank_get_encode(&w, &get) != SR_OK)
		return SR_INTERNAL;
	return ask(ledgerd, packet, writer_len(&w), KEYD_BANK);
}

void
ledgerd_take_keyd_bank(struct ledgerd *ledgerd, const struct message_bank *m)
{
	struct keyd_answers *keyd = &ledgerd->keyd;

	if (m->certificate_len != CERTIFICATE_LEN) {
		ledgerd->fatal = SR_INTERNAL;
		return;
	}
	keyd->founded = m->founded != 0;
	keyd->copy = m->copy != 0;
	keyd->restoring = m->restoring != 0;
	keyd->rotating = m->rotating != 0;
	memcpy(keyd->bank_id, m->bank_id, sizeof(keyd->bank_id));
	memcpy(keyd->identity, m->identity, sizeof(keyd->identity));
	memcpy(keyd->certificate, m->certificate, CERTIFICATE_LEN);
	arrive(ledgerd, KEYD_BANK);
}

enum sr_error
keyd_tree_start(struct ledgerd *ledgerd, const struct message_tree_start *start)
{
	uint8_t packet[MESSAGE_TREE_START_MAX];
	struct writer w = writer_to(packet, sizeof(packet));

	if (message_tree_start_encode(&w, start) != SR_OK)
		return SR_INTERNAL;
	return ask(ledgerd, packet, writer_len(&w), KEYD_HEAD);
}

enum sr_error
keyd_tree_append(struct ledgerd *ledgerd, uint64_t first, const uint8_t *leaves,
    size_t count)
{
	static uint8_t packet[MESSAGE_TREE_APPEND_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_tree_append append = {.first = first,
	    .leaves = leaves,
	    .leaves_len = count * MERKLE_HASH_LEN};

	if (message_tree_append_encode(&w, &append) != SR_OK)
		return SR_INTERNAL;
	return ask(ledgerd, packet, writer_len(&w), KEYD_HEAD);
}

void
ledgerd_take_keyd_tree_head(
    struct ledgerd *ledgerd, const struct message_tree_head *m)
{
	ledgerd->keyd.head = *m;
	arrive(ledgerd, KEYD_HEAD);
}

enum sr_error
keyd_segment_key(struct ledgerd *ledgerd, uint32_t segment,
    const uint8_t salt[32], uint8_t key[32])
{
	uint8_t packet[MESSAGE_SEGMENT_KEY_GET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_segment_key_get get = {.segment = segment};
	struct message_segment_key *answer = &ledgerd->keyd.segment_key;
	enum sr_error error;

	memcpy(get.salt, salt, sizeof(get.salt));
	if (message_segment_key_get_encode(&w, &get) != SR_OK)
		return SR_INTERNAL;
	error = ask(ledgerd, packet, writer_len(&w), KEYD_SEGMENT_KEY);
	if (error == SR_OK)
		error = error_of_wire(answer->error);
	if (error == SR_OK && answer->segment != segment)
		error = SR_INTERNAL;
	if (error == SR_OK)
		memcpy(key, answer->key, sizeof(answer->key));
	sodium_memzero(answer, sizeof(*answer));
	return error;
}

void
ledgerd_take_keyd_segment_key(
    struct ledgerd *ledgerd, const struct message_segment_key *m)
{
	ledgerd->keyd.segment_key = *m;
	arrive(ledgerd, KEYD_SEGMENT_KEY);
}

enum sr_error
keyd_snapshots(struct ledgerd *ledgerd, struct entry_snapshot snapshots[2],
    unsigned *count)
{
	uint8_t packet[MESSAGE_SNAPSHOTS_GET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_snapshots_get get = {0};
	enum sr_error error;
	struct reader r;

	*count = 0;
	if (message_snapshots_get_encode(&w, &get) != SR_OK)
		return SR_INTERNAL;
	error = ask(ledgerd, packet, writer_len(&w), KEYD_SNAPSHOTS);
	if (error != SR_OK)
		return error;
	r = reader_of(ledgerd->keyd.list, ledgerd->keyd.list_len);
	while (*count < 2 && reader_left(&r) > 0)
		entry_snapshot_read(&r, &snapshots[(*count)++]);
	return reader_end(&r) ? SR_OK : SR_INTERNAL;
}

enum sr_error
keyd_snapshot_key(struct ledgerd *ledgerd, uint32_t number,
    const uint8_t salt[32], uint8_t key[32])
{
	uint8_t packet[MESSAGE_SNAPSHOT_KEY_GET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_snapshot_key_get get = {.number = number};
	struct message_snapshot_key *answer = &ledgerd->keyd.snapshot_key;
	enum sr_error error;

	memcpy(get.salt, salt, sizeof(get.salt));
	if (message_snapshot_key_get_encode(&w, &get) != SR_OK)
		return SR_INTERNAL;
	error = ask(ledgerd, packet, writer_len(&w), KEYD_SNAPSHOT_KEY);
	if (error == SR_OK)
		error = error_of_wire(answer->error);
	if (error == SR_OK && answer->number != number)
		error = SR_INTERNAL;
	if (error == SR_OK)
		memcpy(key, answer->key, sizeof(answer->key));
	sodium_memzero(answer, sizeof(*answer));
	return error;
}

void
ledgerd_take_keyd_snapshot_key(
    struct ledgerd *ledgerd, const struct message_snapshot_key *m)
{
	ledgerd->keyd.snapshot_key = *m;
	arrive(ledgerd, KEYD_SNAPSHOT_KEY);
}

enum sr_error
keyd_genesis_sign(struct ledgerd *ledgerd, const uint8_t *genesis, size_t len,
    uint8_t signature[64])
{
	uint8_t packet[MESSAGE_GENESIS_SIGN_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_genesis_sign sign = {
	    .genesis = genesis, .genesis_len = len};
	enum sr_error error;

	if (message_genesis_sign_encode(&w, &sign) != SR_OK)
		return SR_INTERNAL;
	error = ask(ledgerd, packet, writer_len(&w), KEYD_GENESIS);
	if (error == SR_OK)
		error = ledgerd->keyd.genesis_error;
	if (error == SR_OK)
		memcpy(signature, ledgerd->keyd.genesis_signature, 64);
	return error;
}

void
ledgerd_take_keyd_genesis_signed(
    struct ledgerd *ledgerd, const struct message_genesis_signed *m)
{
	ledgerd->keyd.genesis_error = error_of_wire(m->error);
	memcpy(ledgerd->keyd.genesis_signature, m->signature, 64);
	arrive(ledgerd, KEYD_GENESIS);
}

enum sr_error
keyd_restore_sign(
    struct ledgerd *ledgerd, const struct message_restore_sign *sign)
{
	uint8_t packet[MESSAGE_RESTORE_SIGN_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	enum sr_error error;

	if (message_restore_sign_encode(&w, sign) != SR_OK)
		return SR_INTERNAL;
	error = ask(ledgerd, packet, writer_len(&w), KEYD_RESTORE);
	return error == SR_OK ? ledgerd->keyd.restore_error : error;
}

void
ledgerd_take_keyd_restore_signed(
    struct ledgerd *ledgerd, const struct message_restore_signed *m)
{
	struct keyd_answers *keyd = &ledgerd->keyd;

	keyd->restore_error = error_of_wire(m->error);
	if (keyd->restore_error == SR_OK && m->note_len != RESTORE_NOTE_LEN)
		keyd->restore_error = SR_INTERNAL;
	if (keyd->restore_error == SR_OK)
		memcpy(keyd->restore_note, m->note, RESTORE_NOTE_LEN);
	arrive(ledgerd, KEYD_RESTORE);
}

enum sr_error
keyd_rotate_sign(struct ledgerd *ledgerd, uint64_t size)
{
	uint8_t packet[MESSAGE_ROTATE_SIGN_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_rotate_sign sign = {.size = size};
	enum sr_error error;

	if (message_rotate_sign_encode(&w, &sign) != SR_OK)
		return SR_INTERNAL;
	error = ask(ledgerd, packet, writer_len(&w), KEYD_ROTATION);
	return error == SR_OK ? ledgerd->keyd.rotation_error : error;
}

void
ledgerd_take_keyd_rotate_signed(
    struct ledgerd *ledgerd, const struct message_rotate_signed *m)
{
	struct keyd_answers *keyd = &ledgerd->keyd;

	keyd->rotation_error = error_of_wire(m->error);
	if (keyd->rotation_error == SR_OK && m->note_len != ROTATION_NOTE_LEN)
		keyd->rotation_error = SR_INTERNAL;
	if (keyd->rotation_error == SR_OK)
		memcpy(keyd->rotation_note, m->note, ROTATION_NOTE_LEN);
	arrive(ledgerd, KEYD_ROTATION);
}

enum sr_error
keyd_use(struct ledgerd *ledgerd, const struct message_key_use *use)
{
	uint8_t packet[MESSAGE_KEY_USE_MAX];
	struct writer w = writer_to(packet, sizeof(packet));

	if (message_key_use_encode(&w, use) != SR_OK)
		return SR_INTERNAL;
	return ask(ledgerd, packet, writer_len(&w), KEYD_HEAD | KEYD_USED);
}

void
ledgerd_take_keyd_key_used(
    struct ledgerd *ledgerd, const struct message_key_used *m)
{
	ledgerd->keyd.used = *m;
	arrive(ledgerd, KEYD_USED);
}

static void
take_list(struct ledgerd *ledgerd, const uint8_t *list, size_t len,
    enum keyd_answer answer)
{
	ledgerd->keyd.list = list;
	ledgerd->keyd.list_len = len;
	arrive(ledgerd, answer);
}

enum sr_error
keyd_terminals(struct ledgerd *ledgerd)
{
	uint8_t packet[MESSAGE_TERMINALS_GET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_terminals_get get = {0};

	if (message_terminals_get_encode(&w, &get) != SR_OK)
		return SR_INTERNAL;
	return ask(ledgerd, packet, writer_len(&w), KEYD_TERMINALS);
}

void
ledgerd_take_keyd_terminals(
    struct ledgerd *ledgerd, const struct message_terminals *m)
{
	take_list(ledgerd, m->list, m->list_len, KEYD_TERMINALS);
}

void
ledgerd_take_keyd_snapshots(
    struct ledgerd *ledgerd, const struct message_snapshots *m)
{
	struct reader r = reader_of(m->certified, sizeof(m->certified));
	struct reader cut = reader_of(m->cut, sizeof(m->cut));

	entry_snapshot_read(&r, &ledgerd->snapshots.certified);
	entry_snapshot_read(&cut, &ledgerd->snapshots.cut);
	ledgerd->snapshots.certified_leaf = m->certified_leaf;
	take_list(ledgerd, m->list, m->list_len, KEYD_SNAPSHOTS);
}

enum sr_error
keyd_directory_keys(struct ledgerd *ledgerd, uint64_t first)
{
	uint8_t packet[MESSAGE_DIRECTORY_KEYS_GET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_directory_keys_get get = {.first = first};

	if (message_directory_keys_get_encode(&w, &get) != SR_OK)
		return SR_INTERNAL;
	return ask(ledgerd, packet, writer_len(&w), KEYD_DIRECTORY_KEYS);
}

void
ledgerd_take_keyd_directory_keys(
    struct ledgerd *ledgerd, const struct message_directory_keys *m)
{
	take_list(ledgerd, m->list, m->list_len, KEYD_DIRECTORY_KEYS);
}

enum sr_error
keyd_attestation(struct ledgerd *ledgerd, uint64_t customer)
{
	uint8_t packet[MESSAGE_ATTESTATION_GET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_attestation_get get = {.customer = customer};

	if (message_attestation_get_encode(&w, &get) != SR_OK)
		return SR_INTERNAL;
	ledgerd->keyd.attestation_of = customer;
	return ask(ledgerd, packet, writer_len(&w), KEYD_ATTESTATION);
}

void
keyd_attested(
    struct ledgerd *ledgerd, uint64_t customer, const uint8_t hash[32])
{
	uint8_t packet[MESSAGE_ATTESTED_MAX];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_attested attested = {.customer = customer};
	enum sr_error error;

	memcpy(attested.hash, hash, sizeof(attested.hash));
	error = message_attested_encode(&w, &attested);
	if (error == SR_OK)
		error = send_question(ledgerd, packet, writer_len(&w));
	if (error != SR_OK)
		ledgerd->fatal = error;
}

void
ledgerd_take_keyd_attestation(
    struct ledgerd *ledgerd, const struct message_attestation *m)
{
	if (m->name_len != 0)
		intake_attested(ledgerd, m);
	/* what comes unasked may be in the answer's place: it says the same */
	if (m->customer == ledgerd->keyd.attestation_of) {
		ledgerd->keyd.attestation_of = 0;
		arrive(ledgerd, KEYD_ATTESTATION);
	}
}

void
ledgerd_take_keyd_session_open(
    struct ledgerd *ledgerd, const struct message_session_open *m)
{
	intake_opening(ledgerd, m);
}

void
ledgerd_take_keyd_sessions_end(
    struct ledgerd *ledgerd, const struct message_sessions_end *m)
{
	intake_end_customer(ledgerd, m->customer);
}

/* keyd is trusted to speak our language: a mix of versions must not run. */
void
ledgerd_refuse_keyd(struct ledgerd *ledgerd, unsigned type, enum sr_error error)
{
	diag_error("keyd sent message %u: %s", type, error_sentence(error));
	ledgerd->fatal = error;
}
