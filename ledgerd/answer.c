/* SPDX-License-Identifier: ISC */
/*
 * Answers: encoded, sealed, queued for netd.  Must never be reached for
 * something that keyd has not signed.
 */
#include "ledgerd/answer.h"

#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/noise.h"
#include "common/secret.h"
#include "ledgerd/intake.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/query.h"

enum {
	/* Kept free beyond one answer, so that ends and closes always fit. */
	OUTBOX_RESERVE = 64 * 1024,
};

static bool
has_room(const struct ledgerd *ledgerd)
{
	return outbox_free(&ledgerd->netd_out) >=
	       OUTBOX_RESERVE + MESSAGE_RECORD_OUT_MAX;
}

void
answer_send(struct ledgerd *ledgerd, struct customer_session *session,
    enum frame_type type, const void *plain, size_t plain_len)
{
	static uint8_t body[FRAME_BODY_MAX];
	struct message_record_out out = {.connection = session->connection,
	    .frame_type = (uint8_t)type,
	    .body = body};
	struct writer w;
	uint8_t *place;

	if (session_seal(&session->records, type, plain, plain_len, body,
		&out.body_len) != SR_OK)
		return;
	place = outbox_reserve(
	    &ledgerd->netd_out, MESSAGE_HEADER_LEN + 8 + 1 + 2 + out.body_len);
	if (place == NULL) {
		/* The record's number is used up: nothing can follow it. */
		session_wipe(&session->records);
		return;
	}
	w = writer_to(place, MESSAGE_HEADER_LEN + 8 + 1 + 2 + out.body_len);
	if (message_record_out_encode(&w, &out) != SR_OK) {
		session_wipe(&session->records);
		return;
	}
	outbox_commit(&ledgerd->netd_out, writer_len(&w));
}

void
answer_close(struct ledgerd *ledgerd, uint64_t connection)
{
	uint8_t bytes[MESSAGE_SESSION_CLOSE_MAX];
	struct message_session_close message = {.connection = connection};
	struct writer w = writer_to(bytes, sizeof(bytes));

	/* Without room netd's own bounds end a connection without a session. */
	if (message_session_close_encode(&w, &message) != SR_OK ||
	    outbox_append(&ledgerd->netd_out, bytes, writer_len(&w)) != SR_OK)
		diag_limited(connection, "netd takes no more messages");
}

void
answer_goodbye(struct ledgerd *ledgerd, struct customer_session *session)
{
	uint8_t bytes[MESSAGE_GOODBYE_MAX];
	struct message_goodbye message = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (message_goodbye_encode(&w, &message) == SR_OK)
		answer_send(
		    ledgerd, session, FRAME_RECORD, bytes, writer_len(&w));
}

/* Milliseconds of a limit in seconds, as M4 carries it. */
static uint32_t
limit_ms(uint64_t seconds)
{
	return seconds > UINT32_MAX / 1000 ? UINT32_MAX
					   : (uint32_t)(seconds * 1000);
}

static void
fill_m4(struct ledgerd *ledgerd, const struct opening *opening,
    const struct customer_session *session, struct payload_m4 *m4)
{
	const struct message_session_open *m = &opening->message;
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, m->customer);
	const struct book_account *account =
	    book_account(&ledgerd->book, account_id(m->customer, 0));

	m4->role = principal->role;
	m4->unit = ledgerd->book.unit;
	m4->terminal = m->terminal;
	memcpy(m4->session_id, m->session, sizeof(m4->session_id));
	m4->customer = m->customer;
	if (account != NULL && account->status != ACCOUNT_CLOSED)
		m4->account = account->id;
	m4->till_account = query_till(ledgerd, session);
	m4->next_seq = principal->next_seq;
	memcpy(m4->last_order_hash, principal->last_hash,
	    sizeof(m4->last_order_hash));
	memcpy(m4->wrapped_seed, m->wrapped_seed, sizeof(m4->wrapped_seed));
	memcpy(m4->device_token, m->device_token, sizeof(m4->device_token));
	memcpy(m4->name_salt, m->salt, sizeof(m4->name_salt));
	memcpy(m4->attestation, m->attestation, sizeof(m4->attestation));
	m4->failed_log_ins = m->failed;
	m4->renew = m->renew == 1;
	m4->idle_limit_ms = limit_ms(ledgerd->params.session_idle_s);
	m4->absolute_limit_ms = limit_ms(ledgerd->params.session_absolute_s);
	m4->rekey_ms = limit_ms(session->rekey_s);
	m4->rekey_records = SESSION_REKEY_RECORDS;
	m4->rekey_bytes = SESSION_REKEY_BYTES;
	/* An order's expiry is measured against it. */
	m4->server_time_ms = ledgerd_time_ms(ledgerd);
	m4->checkpoint_len = (uint16_t)ledgerd->checkpoint_len;
	memcpy(m4->checkpoint, ledgerd->checkpoint, ledgerd->checkpoint_len);
}

/* Nobody's log-in: keyd told of keys, which the books now have. */
static void
tell_keyd(struct ledgerd *ledgerd, const struct opening *opening)
{
	uint8_t hash[32];

	if (opening->status != SR_OK)
		return;
	attestation_hash(opening->attestation, hash);
	keyd_attested(ledgerd, opening->message.customer, hash);
}

/* M4, the first record of a session, or the reason why there is none. */
static void
answer_opening(struct ledgerd *ledgerd, const struct opening *opening)
{
	struct customer_session *session = sessions_find_serial(
	    &ledgerd->sessions, opening->message.connection, opening->serial);
	struct payload_m4 m4 = {.status = opening->status};
	uint8_t plain[PAYLOAD_M4_LEN];

	if (opening->message.connection == 0)
		tell_keyd(ledgerd, opening);
	if (session == NULL)
		return;
	if (opening->status == SR_OK)
		fill_m4(ledgerd, opening, session, &m4);
	payload_m4_write(&m4, plain);
	answer_send(ledgerd, session, FRAME_M4, plain, sizeof(plain));
	sodium_memzero(&m4, sizeof(m4));
	sodium_memzero(plain, sizeof(plain));
	if (opening->status == SR_OK)
		session->greeted = true;
	else
		intake_end(ledgerd, session, false);
}

static enum sr_error
write_order(struct ledgerd *ledgerd, const struct customer_session *session,
    struct item *item, struct writer *w)
{
	struct message_order_answer *answer = &item->order.answer;
	static struct proof_of_leaf proof;
	enum sr_error error;

	if (item->order.stored) {
		error = query_stored(ledgerd, session, item);
		if (error == SR_OLD_RECORDS || error == SR_RETIRED ||
		    error == SR_UNREADABLE) {
			answer->error = (uint16_t)error;
			answer->leaf = 0;
		} else if (error != SR_OK) {
			return error;
		}
	}
	answer->request = item->request;
	answer->checkpoint = (const uint8_t *)ledgerd->checkpoint;
	answer->checkpoint_len = ledgerd->checkpoint_len;
	answer->path_len = 0;
	if (answer->error == SR_OK &&
	    proof_of_leaf(ledgerd, answer->leaf, &proof) == SR_OK) {
		answer->path = proof.path;
		answer->path_len = proof.path_len;
		answer->checkpoint = (const uint8_t *)proof.checkpoint;
		answer->checkpoint_len = proof.checkpoint_len;
	}
	return message_order_answer_encode(w, answer);
}

static enum sr_error
write_item(struct ledgerd *ledgerd, const struct customer_session *session,
    struct item *item, struct writer *w)
{
	struct message_refused refused = {
	    .request = item->request, .error = (uint16_t)item->refused};
	struct message_goodbye goodbye = {0};

	switch (item->kind) {
	case ITEM_ORDER:
		return write_order(ledgerd, session, item, w);
	case ITEM_BALANCE:
		return query_balance(ledgerd, session, item, w);
	case ITEM_STATEMENT:
		return query_statement(ledgerd, session, item, w);
	case ITEM_DIRECTORY:
		return query_directory(ledgerd, session, item, w);
	case ITEM_CERTIFICATE:
		return query_certificate(ledgerd, item, w);
	case ITEM_HOLDS:
		return query_holds(ledgerd, session, item, w);
	case ITEM_LATE:
		return query_late(ledgerd, session, item, w);
	case ITEM_ACCOUNTS:
		return query_accounts(ledgerd, session, item, w);
	case ITEM_REQUESTS:
		return query_requests(ledgerd, session, item, w);
	case ITEM_POLICY:
		return query_policy(ledgerd, item, w);
	case ITEM_PRINCIPALS:
		return query_principals(ledgerd, session, item, w);
	case ITEM_POSTING:
		return query_posting(ledgerd, session, item, w);
	case ITEM_RECEIPT:
		return query_receipt(ledgerd, session, item, w);
	case ITEM_REFUSED:
		return message_refused_encode(w, &refused);
	case ITEM_GOODBYE:
		return message_goodbye_encode(w, &goodbye);
	case ITEM_REKEY: /* answer_rekey */
		break;
	}
	return SR_INTERNAL;
}

/*
 * The bank's half, last under the old keys; what comes next is under the new
 * ones.  A client's half that gives no secret ends the session.
 */
static void
answer_rekey(struct ledgerd *ledgerd, struct customer_session *session,
    const struct item *item)
{
	SECRET_32(private_key);
	uint8_t bytes[MESSAGE_REKEY_MAX];
	struct message_rekey half;
	struct writer w = writer_to(bytes, sizeof(bytes));

	env_random(ledgerd->env, private_key, sizeof(private_key));
	noise_public_key(half.key, private_key);
	if (message_rekey_encode(&w, &half) == SR_OK)
		answer_send(
		    ledgerd, session, FRAME_RECORD, bytes, writer_len(&w));
	session->waiting--;
	session->rekeying = false;
	session->keyed_ms = env_boot_ms(ledgerd->env);
	if (session_rekey(
		&session->records, private_key, item->key, half.key) != SR_OK) {
		ledgerd->refused++;
		intake_end(ledgerd, session, false);
	}
}

/* Who was erased has been told so: that was the last word. */
static void
end_erased(struct ledgerd *ledgerd, const struct item *item)
{
	const struct order *order = &item->order.order.order;
	const struct book_principal *signer;

	if (item->kind != ITEM_ORDER || item->order.checked != SR_OK ||
	    order->kind != ORDER_ERASE)
		return;
	signer = book_principal(&ledgerd->book, order->signer);
	if (signer != NULL && signer->erased)
		intake_end_customer(ledgerd, order->signer);
}

static void
answer_item(struct ledgerd *ledgerd, struct item *item)
{
	static uint8_t plain[SESSION_PLAIN_MAX];
	struct writer w = writer_to(plain, sizeof(plain));
	struct customer_session *session = sessions_find_serial(
	    &ledgerd->sessions, item->connection, item->serial);
	enum sr_error error;

	if (session == NULL)
		return;
	if (item->kind == ITEM_REKEY) {
		answer_rekey(ledgerd, session, item);
		return;
	}
	ledgerd->archive.asker = session->customer;
	error = write_item(ledgerd, session, item, &w);
	ledgerd->archive.asker = 0;
	/* Waiting for keyd may have ended the session. */
	session = sessions_find_serial(
	    &ledgerd->sessions, item->connection, item->serial);
	if (error != SR_OK) {
		ledgerd->fatal = error;
	} else if (session != NULL) {
		answer_send(
		    ledgerd, session, FRAME_RECORD, plain, writer_len(&w));
		session->waiting--;
		if (item->kind == ITEM_GOODBYE)
			intake_end(ledgerd, session, false);
	}
	sodium_memzero(plain, writer_len(&w));
}

bool
answer_all(struct ledgerd *ledgerd)
{
	while (ledgerd->openings_unanswered > 0) {
		if (!has_room(ledgerd))
			return false;
		answer_opening(ledgerd, intake_opening_at(ledgerd, 0));
		intake_drop_openings(ledgerd, 1);
		ledgerd->openings_unanswered--;
	}
	while (ledgerd->items_unanswered > 0 && ledgerd->fatal == SR_OK) {
		if (!has_room(ledgerd))
			return false;
		answer_item(ledgerd, intake_item(ledgerd, 0));
		end_erased(ledgerd, intake_item(ledgerd, 0));
		intake_drop_items(ledgerd, 1);
		ledgerd->items_unanswered--;
	}
	return true;
}
