/* SPDX-License-Identifier: ISC */
/*
 * Records in, queues filled.  netd may be an attacker: a connection that has
 * no session, a record out of place or of another generation is dropped and
 * counted, and nothing else happens.
 */
#include "ledgerd/intake.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/answer.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"

/* Packets of netd's that one look takes, so that keyd and control wait for
 * less than this. */
enum { LISTEN_PACKETS_MAX = 16 };

struct item *
intake_item(struct ledgerd *ledgerd, size_t i)
{
	assert(i < ledgerd->item_count);
	return &ledgerd->items[(ledgerd->item_head + i) % ITEMS_MAX];
}

struct opening *
intake_opening_at(struct ledgerd *ledgerd, size_t i)
{
	assert(i < ledgerd->opening_count);
	return &ledgerd->openings[(ledgerd->opening_head + i) % OPENINGS_MAX];
}

void
intake_drop_items(struct ledgerd *ledgerd, size_t count)
{
	assert(count <= ledgerd->item_count);
	ledgerd->item_head = (ledgerd->item_head + count) % ITEMS_MAX;
	ledgerd->item_count -= count;
}

void
intake_drop_openings(struct ledgerd *ledgerd, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sodium_memzero(
		    intake_opening_at(ledgerd, i), sizeof(struct opening));
	ledgerd->opening_head = (ledgerd->opening_head + count) % OPENINGS_MAX;
	ledgerd->opening_count -= count;
}

static void
copy_opening(struct opening *opening, const struct message_session_open *m)
{
	struct message_session_open *to = &opening->message;

	memset(opening, 0, sizeof(*opening));
	*to = *m;
	memcpy(opening->name, m->name, m->name_len);
	memcpy(opening->display_name, m->display_name, m->display_name_len);
	memcpy(opening->attestation, m->attestation, m->attestation_len);
	to->name = opening->name;
	to->display_name = opening->display_name;
	to->attestation = opening->attestation;
}

void
intake_opening(struct ledgerd *ledgerd, const struct message_session_open *m)
{
	struct customer_session *session;
	struct opening *opening;

	if (m->generation < ledgerd->generation || ledgerd->stopping)
		return;
	if (ledgerd->opening_count == OPENINGS_MAX) {
		answer_close(ledgerd, m->connection);
		return;
	}
	session = sessions_add(&ledgerd->sessions, m->connection);
	if (session == NULL) {
		diag_limited(m->connection, "no place for another session");
		answer_close(ledgerd, m->connection);
		return;
	}
	session_start(
	    &session->records, SESSION_BANK, m->chain_key, m->session);
	session->generation = m->generation;
	session->customer = m->customer;
	session->terminal = m->terminal;
	session->terminal_epoch = m->terminal_epoch;
	session->opened_ms = env_boot_ms(ledgerd->env);
	session->heard_ms = session->opened_ms;
	session->keyed_ms = session->opened_ms;
	session->rekey_s = ledgerd->params.session_rekey_s;
	ledgerd->opening_count++;
	opening = intake_opening_at(ledgerd, ledgerd->opening_count - 1);
	copy_opening(opening, m);
	opening->serial = session->serial;
	opening->reset = SR_BUSY; /* until it was looked for */
}

void
intake_attested(struct ledgerd *ledgerd, const struct message_attestation *m)
{
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, m->customer);
	struct message_session_open keys = {.customer = m->customer,
	    .name = m->name,
	    .name_len = m->name_len,
	    .display_name = m->display_name,
	    .display_name_len = m->display_name_len,
	    .attestation = m->attestation,
	    .attestation_len = m->attestation_len};
	struct opening *opening;
	uint8_t hash[32];

	if (m->attestation_len != ATTESTATION_LEN || principal == NULL ||
	    ledgerd->opening_count == OPENINGS_MAX)
		return;
	attestation_hash(m->attestation, hash);
	if (memcmp(hash, principal->attestation_hash, sizeof(hash)) == 0) {
		keyd_attested(ledgerd, m->customer, hash);
		return;
	}
	memcpy(keys.salt, m->salt, sizeof(keys.salt));
	memcpy(
	    keys.directory_key, m->directory_key, sizeof(keys.directory_key));
	ledgerd->opening_count++;
	opening = intake_opening_at(ledgerd, ledgerd->opening_count - 1);
	copy_opening(opening, &keys);
	opening->reset = SR_BUSY;
	sodium_memzero(&keys, sizeof(keys));
}

bool
intake_has_room(const struct ledgerd *ledgerd)
{
	return ITEMS_MAX - ledgerd->item_count >= ITEMS_RESERVE;
}

enum sr_error
intake_listen(struct ledgerd *ledgerd)
{
	struct ipc_packet *packet = &ledgerd->packet;

	for (unsigned i = 0; i < LISTEN_PACKETS_MAX; i++) {
		enum sr_error error;

		if (!intake_has_room(ledgerd))
			return SR_OK;
		error = env_receive(ledgerd->env, ENV_NETD, false,
		    packet->bytes, sizeof(packet->bytes), &packet->len);
		if (error == SR_TOO_LARGE) {
			ledgerd->refused++;
			continue;
		}
		if (error != SR_OK)
			return error == SR_AGAIN ? SR_OK : error;
		(void)ledgerd_dispatch_netd(
		    ledgerd, ledgerd->phase, packet->bytes, packet->len);
		if (ledgerd->fatal != SR_OK)
			return ledgerd->fatal;
	}
	return SR_OK;
}

void
ledgerd_refuse_netd(struct ledgerd *ledgerd, unsigned type, enum sr_error error)
{
	ledgerd->refused++;
	diag_limited(
	    type, "netd sent message %u: %s", type, error_sentence(error));
}

/* Idle, open or under the same keys for longer than is allowed. */
static bool
session_over(
    const struct ledgerd *ledgerd, const struct customer_session *session)
{
	const struct ledgerd_params *params = &ledgerd->params;
	uint64_t now = env_boot_ms(ledgerd->env);

	return now - session->heard_ms >= params->session_idle_s * 1000 ||
	       now - session->opened_ms >= params->session_absolute_s * 1000 ||
	       now - session->keyed_ms >= session->rekey_s * 2000 ||
	       session->records.bytes >= 2 * SESSION_REKEY_BYTES ||
	       session->records.received >= SESSION_RECORDS_MAX ||
	       session->records.sent >= SESSION_RECORDS_MAX;
}

void
ledgerd_take_netd_record_in(
    struct ledgerd *ledgerd, const struct message_record_in *m)
{
	static uint8_t plain[FRAME_BODY_MAX];
	struct customer_session *session;
	enum sr_error error;
	size_t plain_len;

	session = sessions_find(&ledgerd->sessions, m->connection);
	if (session == NULL || session->generation != m->generation) {
		ledgerd->refused++;
		return;
	}
	if (session->leaving)
		return;
	if (session_over(ledgerd, session)) {
		intake_end(ledgerd, session, true);
		return;
	}
	error = session->greeted ? session_open(&session->records, FRAME_RECORD,
				       m->body, m->body_len, plain, &plain_len)
				 : SR_NOT_ALLOWED;
	if (error != SR_OK) {
		ledgerd->refused++;
		intake_end(ledgerd, session, false);
		return;
	}
	(void)ledgerd_dispatch_client(
	    ledgerd, &session->records, ledgerd->phase, plain, plain_len);
	sodium_memzero(plain, plain_len);
	/* A session that overflows its queue is dead since then. */
	if (session->records.dead)
		intake_end(ledgerd, session, false);
}

void
ledgerd_take_netd_session_gone(
    struct ledgerd *ledgerd, const struct message_session_gone *m)
{
	struct customer_session *session =
	    sessions_find(&ledgerd->sessions, m->connection);

	if (session != NULL && session->generation == m->generation)
		sessions_remove(&ledgerd->sessions, session);
}

/* ---- ends ---------------------------------------------------------------- */

void
intake_end(
    struct ledgerd *ledgerd, struct customer_session *session, bool goodbye)
{
	uint64_t connection = session->connection;

	if (goodbye && session->greeted)
		answer_goodbye(ledgerd, session);
	sessions_remove(&ledgerd->sessions, session);
	answer_close(ledgerd, connection);
}

typedef bool (*chosen)(const struct customer_session *, uint64_t);

static void
end_chosen(
    struct ledgerd *ledgerd, chosen is_chosen, uint64_t value, bool goodbye)
{
	struct sessions *sessions = &ledgerd->sessions;

	for (uint32_t i = 0; i < sessions->capacity; i++) {
		struct customer_session *session = &sessions->entries[i];

		if (session->connection != 0 && is_chosen(session, value))
			intake_end(ledgerd, session, goodbye);
	}
}

static bool
is_customer(const struct customer_session *session, uint64_t customer)
{
	return session->customer == customer;
}

static bool
is_terminal(const struct customer_session *session, uint64_t terminal)
{
	return session->terminal == terminal;
}

static bool
is_older(const struct customer_session *session, uint64_t generation)
{
	return session->generation < generation;
}

static bool
is_any(const struct customer_session *session, uint64_t unused)
{
	(void)session;
	(void)unused;
	return true;
}

void
intake_end_customer(struct ledgerd *ledgerd, uint64_t customer)
{
	end_chosen(ledgerd, is_customer, customer, true);
}

void
intake_end_session(
    struct ledgerd *ledgerd, uint64_t customer, const uint8_t id[16])
{
	struct sessions *sessions = &ledgerd->sessions;

	for (uint32_t i = 0; i < sessions->capacity; i++) {
		struct customer_session *session = &sessions->entries[i];

		if (session->connection != 0 && session->customer == customer &&
		    memcmp(session->records.id, id,
			sizeof(session->records.id)) == 0)
			intake_end(ledgerd, session, true);
	}
}

void
intake_end_terminal(struct ledgerd *ledgerd, uint32_t terminal)
{
	end_chosen(ledgerd, is_terminal, terminal, true);
}

void
intake_end_older(struct ledgerd *ledgerd, uint32_t generation)
{
	/* Nobody is left to be told. */
	for (uint32_t i = 0; i < ledgerd->sessions.capacity; i++) {
		struct customer_session *session =
		    &ledgerd->sessions.entries[i];

		if (session->connection != 0 && is_older(session, generation))
			sessions_remove(&ledgerd->sessions, session);
	}
}

void
intake_end_all(struct ledgerd *ledgerd)
{
	end_chosen(ledgerd, is_any, 0, true);
}

void
intake_sweep(struct ledgerd *ledgerd)
{
	uint64_t now = env_boot_ms(ledgerd->env);

	if (ledgerd->sessions.count == 0 || now - ledgerd->swept_ms < 1000)
		return;
	ledgerd->swept_ms = now;
	for (uint32_t i = 0; i < ledgerd->sessions.capacity; i++) {
		struct customer_session *session =
		    &ledgerd->sessions.entries[i];

		if (session->connection != 0 && session->waiting == 0 &&
		    session_over(ledgerd, session))
			intake_end(ledgerd, session, true);
	}
}
