/* SPDX-License-Identifier: ISC */
/*
 * One order from intention to certain outcome.  It must never sign a second
 * order for one reference while the first may still have been applied.
 */
#include "client/ordering.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/proven.h"
#include "common/ipc.h"

/* Collisions of two sessions of one signer are rare; more are a fault. */
#define SIGN_TRIES 8

/* How long an order stays valid; the bank allows ORDER_LIFE_MAX_MS. */
#define ORDER_LIFE_MS UINT64_C(60000)

enum sr_error
ordering_reference(const char *text, uint8_t reference[ORDER_REFERENCE_LEN])
{
	size_t len;

	memset(reference, 0, ORDER_REFERENCE_LEN);
	if (text == NULL) {
		randombytes_buf(reference, ORDER_REFERENCE_LEN);
		return SR_OK;
	}
	len = strlen(text);
	if (len == 0 || len > ORDER_REFERENCE_LEN ||
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._-") != len)
		return SR_USAGE;
	memcpy(reference, text, len);
	return SR_OK;
}

/* What the session knows of the signer's chain moves with every answer. */
static void
ordering_learn(
    struct bank_session *session, const struct message_order_answer *answer)
{
	session->login.welcome.next_seq = answer->next_seq;
	memcpy(session->login.welcome.last_order_hash, answer->last_hash,
	    sizeof(session->login.welcome.last_order_hash));
}

static enum sr_error
ordering_sign(const struct bank_session *session,
    const struct ordering *ordering, struct kept *kept)
{
	struct order order = {
	    .kind = (uint8_t)ordering->kind,
	    .unit = session->login.welcome.unit,
	    .terminal = session->login.welcome.terminal,
	    .signer = session->login.welcome.customer,
	    .seq = session->login.welcome.next_seq,
	    .debit = ordering->debit,
	    .credit = ordering->credit,
	    .amount_minor = ordering->amount_minor,
	    .not_after_ms = bank_time_ms(session) + ORDER_LIFE_MS,
	    .refers_to = ordering->refers_to,
	};

	if (ordering->attachment_len > sizeof(kept->attachment))
		return SR_TOO_LARGE;
	memcpy(order.session, session->login.welcome.session_id,
	    sizeof(order.session));
	memcpy(order.previous, session->login.welcome.last_order_hash,
	    sizeof(order.previous));
	memcpy(order.reference, ordering->reference, sizeof(order.reference));
	memcpy(
	    order.bank, session->login.certificate.bank_id, sizeof(order.bank));
	order_attachment_hash(ordering->attachment, ordering->attachment_len,
	    order.attachment_hash);
	memset(kept, 0, sizeof(*kept));
	if (ordering->attachment_len > 0)
		memcpy(kept->attachment, ordering->attachment,
		    ordering->attachment_len);
	kept->attachment_len = ordering->attachment_len;
	order_encode(&order, kept->order);
	return order_sign(
	    kept->order, session->login.keys.signing_secret, kept->signature);
}

/* Is what was kept under the reference the order that is wanted now? */
static bool
ordering_same(const struct ordering *ordering, const struct order *kept)
{
	uint8_t hash[ORDER_HASH_LEN];

	order_attachment_hash(
	    ordering->attachment, ordering->attachment_len, hash);
	return kept->kind == ordering->kind && kept->debit == ordering->debit &&
	       kept->credit == ordering->credit &&
	       kept->amount_minor == ordering->amount_minor &&
	       kept->refers_to == ordering->refers_to &&
	       memcmp(kept->attachment_hash, hash, sizeof(hash)) == 0;
}

static enum sr_error
ordering_send(struct bank_session *session, const struct kept *kept,
    struct bank_answer *room, struct message_order_answer *answer)
{
	uint8_t bytes[IPC_HEADER_LEN + 4 + ORDER_LEN + 64 + 2 +
		      ORDER_ATTACHMENT_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_order_submit submit = {
	    .request = ++session->request,
	    .attachment = kept->attachment,
	    .attachment_len = kept->attachment_len,
	};
	enum sr_error error;

	memcpy(submit.order, kept->order, sizeof(submit.order));
	memcpy(submit.signature, kept->signature, sizeof(submit.signature));
	error = message_order_submit_encode(&w, &submit);
	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_ORDER_ANSWER, room);
	if (error == SR_OK)
		error = message_order_answer_decode(
		    room->body, room->body_len, answer);
	if (error == SR_OK && answer->request != submit.request)
		error = SR_MALFORMED;
	if (error == SR_OK)
		ordering_learn(session, answer);
	return error;
}

/*
 * Submits kept bytes; *applied says whether the bank has shown that they are
 * in its books.
 */
static enum sr_error
ordering_try(struct bank_session *session, const struct state *state,
    struct kept *kept, struct ordering_result *result, bool *applied)
{
	struct message_order_answer answer;
	struct bank_answer room;
	struct proven_head seen;
	enum sr_error error = proven_head_load(state, &seen);

	*applied = false;
	if (error == SR_OK)
		error = ordering_send(session, kept, &room, &answer);
	if (error != SR_OK)
		return error;
	if (answer.error == SR_CLOSED_FOR_ORDERS)
		result->closed = error_of_wire(answer.outcome);
	if (answer.error != SR_OK)
		return error_of_wire(answer.error);
	/* A bank's word is not enough: it may be anybody's who is in ledgerd */
	result->unproven =
	    proven_answer(session, state, &seen, kept, &answer) != SR_OK;
	if (result->unproven)
		return SR_UNKNOWN_OUTCOME;
	*applied = true;
	result->outcome = error_of_wire(answer.outcome);
	result->leaf = answer.leaf;
	result->time_ms = answer.time;
	result->result = answer.result;
	result->account = answer.account;
	result->balance_minor = answer.balance;
	order_hash(kept->order, result->hash);
	kept->answered = true;
	/* It is booked all the same, and what is kept is asked after again. */
	if (kept_save(state, session->login.name, kept) != SR_OK)
		fprintf(stderr, "%s: the bank's answer cannot be kept\n",
		    state->directory);
	return SR_OK;
}

/*
 * True for an answer that says for certain: these bytes were not applied and
 * never will be.
 */
static bool
ordering_never(enum sr_error error)
{
	return error == SR_CONFLICT || error == SR_SEQ || error == SR_STALE ||
	       error == SR_EXPIRED || error == SR_SIGNATURE;
}

/*
 * True for an answer that says: the order is in the books, booked or declined,
 * and the bank cannot read there what became of it, now or ever.
 */
static bool
ordering_beyond(enum sr_error error)
{
	return error == SR_RETIRED || error == SR_OLD_RECORDS ||
	       error == SR_UNREADABLE;
}

/*
 * Looks for an order kept under the reference.  *done when the bank has it;
 * else it is certain that it was never applied.
 */
static enum sr_error
ordering_resume(struct bank_session *session, const struct state *state,
    const struct ordering *ordering, struct ordering_result *result, bool *done)
{
	struct kept kept;
	struct order order;
	enum sr_error error =
	    kept_load(state, session->login.name, ordering->reference, &kept);

	*done = false;
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error == SR_OK)
		error = order_decode(kept.order, &order);
	if (error != SR_OK)
		return error;
	if (!ordering_same(ordering, &order)) {
		fprintf(stderr,
		    "this --id was used for another order (%s of "
		    "seq %" PRIu64 "); choose another\n",
		    order_kind_name(order.kind), order.seq);
		return SR_DUPLICATE;
	}
	/* Also where the chain has not reached it: it may be on its way. */
	error = ordering_try(session, state, &kept, result, done);
	result->before = *done;
	if (ordering_never(error))
		return SR_OK;
	return error;
}

static enum sr_error
ordering_lock(const struct bank_session *session, const struct state *state,
    bool alone, int *fd)
{
	char name[STATE_NAME_MAX];

	snprintf(name, sizeof(name), "lock-%.32s", session->login.name);
	return state_lock(state, name, alone, fd);
}

/* Signs and submits anew as long as other sessions come before. */
static enum sr_error
ordering_anew(struct bank_session *session, const struct state *state,
    const struct ordering *ordering, struct ordering_result *result)
{
	uint8_t hash[ORDER_HASH_LEN];
	struct kept kept;
	enum sr_error error = SR_OK;
	bool done = false;

	for (int tries = 0; error == SR_OK && !done && tries < SIGN_TRIES;
	     tries++) {
		error = ordering_sign(session, ordering, &kept);
		if (error == SR_OK)
			error = kept_save(state, session->login.name, &kept);
		if (error == SR_OK)
			error =
			    ordering_try(session, state, &kept, result, &done);
		if (error != SR_CONFLICT && error != SR_SEQ)
			continue;
		/* Refused, and the last of the chain?  One of both is a lie. */
		order_hash(kept.order, hash);
		error = memcmp(hash, session->login.welcome.last_order_hash,
			    sizeof(hash)) == 0
			    ? SR_UNKNOWN_OUTCOME
			    : SR_OK;
	}
	return error == SR_OK && !done ? SR_BUSY : error;
}

enum sr_error
ordering_submit(struct bank_session *session, const struct state *state,
    const struct ordering *ordering, struct ordering_result *result)
{
	enum sr_error error;
	bool done;
	int lock;

	memset(result, 0, sizeof(*result));
	error = ordering_lock(session, state, false, &lock);
	if (error != SR_OK)
		return error;
	error = ordering_resume(session, state, ordering, result, &done);
	if (error == SR_OK && !done) {
		error = ordering_anew(session, state, ordering, result);
		/* Refused before the rules: nothing to ask after later. */
		if (error != SR_OK && error != SR_UNKNOWN_OUTCOME &&
		    error != SR_MALFORMED && error != SR_DUPLICATE)
			(void)kept_forget(
			    state, session->login.name, ordering->reference);
	} else if (ordering_beyond(error)) {
		/* it stays: forgotten, it could be signed a second time */
		fprintf(stderr,
		    "the bank has this order, booked or declined: %s\n",
		    error_sentence(error));
		error = SR_UNKNOWN_OUTCOME;
	}
	close(lock);
	return error;
}

struct last {
	uint64_t signer;
	uint64_t seq;
	struct kept kept;
};

static enum sr_error
ordering_is_last(
    void *context, const char *name, bool lost, const struct kept *kept)
{
	struct last *last = context;
	struct order order;

	(void)name;
	if (lost || kept == NULL || !kept->answered ||
	    order_decode(kept->order, &order) != SR_OK ||
	    order.signer != last->signer || order.seq <= last->seq)
		return SR_OK;
	last->seq = order.seq;
	last->kept = *kept;
	return SR_OK;
}

enum sr_error
ordering_find(struct bank_session *session, const struct state *state,
    const uint8_t *reference, uint64_t *leaf)
{
	struct last last = {.signer = session->login.welcome.customer};
	struct ordering_result result = {0};
	enum sr_error error;
	bool applied;

	if (reference != NULL)
		error = kept_load(
		    state, session->login.name, reference, &last.kept);
	else
		error = kept_every(
		    state, session->login.name, ordering_is_last, &last);
	if (error == SR_OK && !last.kept.answered)
		error = SR_NOT_FOUND;
	if (error != SR_OK)
		return error;
	error = ordering_try(session, state, &last.kept, &result, &applied);
	*leaf = result.leaf;
	return ordering_never(error) ? SR_NOT_FOUND : error;
}

void
ordering_refused(
    const char *who, enum sr_error error, const struct ordering_result *result)
{
	fprintf(stderr, "%s%s", who, error_sentence(error));
	if (error == SR_CLOSED_FOR_ORDERS && result->closed != SR_OK)
		fprintf(stderr, ": %s", error_sentence(result->closed));
	fprintf(stderr, "\n");
}

struct settle {
	struct bank_session *session;
	const struct state *state;
	const struct money_unit *unit;
	const uint8_t *but;
};

/*
 * An order that the bank has acknowledged and does not know any more: said
 * once and set aside.  It is not signed anew: whoever gave it decides.
 */
static enum sr_error
ordering_lost(const struct bank_session *session, const struct state *state,
    const struct money_unit *unit, const struct kept *kept)
{
	char name[STATE_NAME_MAX], amount[MONEY_TEXT_MAX];
	struct order order;
	enum sr_error error = order_decode(kept->order, &order);

	if (error == SR_OK)
		error = kept_set_aside(state, session->login.name, kept, name);
	if (error != SR_OK)
		return error;
	fprintf(stderr,
	    "LOST: an earlier %s of %s %s (your order number %" PRIu64
	    "), which the bank had acknowledged, is not in its books any "
	    "more: the bank was restored from an older state. Nothing was sent "
	    "again; if it is still wanted, order it anew. The signed order is "
	    "kept in %s/%s\n",
	    order_kind_name(order.kind),
	    money_format(order.amount_minor, unit, amount), unit->code,
	    order.seq, state->directory, name);
	return SR_OK;
}

/*
 * Asks after an answered order that the chain does not end with: the same
 * bytes, which name a session that has ended and so are never booked anew.
 */
static enum sr_error
ordering_look_back(
    struct settle *settle, const struct kept *kept, const struct order *order)
{
	const struct payload_m4 *welcome = &settle->session->login.welcome;
	struct ordering_result result = {0};
	struct kept again = *kept;
	uint8_t hash[ORDER_HASH_LEN];
	enum sr_error error;
	bool applied;

	order_hash(kept->order, hash);
	if (order->seq + 1 == welcome->next_seq &&
	    memcmp(hash, welcome->last_order_hash, sizeof(hash)) == 0)
		return SR_OK;
	error = ordering_try(
	    settle->session, settle->state, &again, &result, &applied);
	/* it was proved once, which is enough */
	if (result.unproven || ordering_beyond(error))
		return SR_OK;
	if (error != SR_OK && !ordering_never(error))
		return error;
	if (applied)
		return SR_OK;
	error =
	    ordering_lost(settle->session, settle->state, settle->unit, kept);
	if (error == SR_OK && settle->but != NULL &&
	    memcmp(order->reference, settle->but, ORDER_REFERENCE_LEN) == 0)
		return SR_ROLLED_BACK;
	return error;
}

/*
 * Nobody is kept from logging in by it.  What is retired is asked after no
 * more; another hour or a repaired bank may tell of the rest.
 */
static enum sr_error
ordering_untold(const struct settle *settle, struct kept *kept,
    const struct order *order, enum sr_error error)
{
	fprintf(stderr,
	    "an earlier %s was in doubt: the bank has it, booked or declined: "
	    "%s\n",
	    order_kind_name(order->kind), error_sentence(error));
	if (error != SR_RETIRED)
		return SR_OK;
	kept->answered = true;
	return kept_save(settle->state, settle->session->login.name, kept);
}

static enum sr_error
ordering_settle_one(void *context, const struct kept *kept)
{
	struct settle *settle = context;
	struct ordering_result result = {0};
	struct kept again = *kept;
	struct order order;
	enum sr_error error = order_decode(kept->order, &order);
	bool applied = false;

	if (error != SR_OK ||
	    order.signer != settle->session->login.welcome.customer)
		return SR_OK;
	if (kept->answered)
		return ordering_look_back(settle, kept, &order);
	if (settle->but != NULL &&
	    memcmp(order.reference, settle->but, ORDER_REFERENCE_LEN) == 0)
		return SR_OK;
	/*
	 * Also where the chain has not reached it: the order may be on its way
	 * in the session before, which the bank ends when it says SR_STALE.
	 */
	error = ordering_try(
	    settle->session, settle->state, &again, &result, &applied);
	if (result.unproven) {
		fprintf(stderr, "an earlier %s stays in doubt\n",
		    order_kind_name(order.kind));
		return SR_OK;
	}
	if (ordering_beyond(error))
		return ordering_untold(settle, &again, &order, error);
	if (error != SR_OK && !ordering_never(error))
		return error;
	if (applied) {
		fprintf(stderr, "an earlier %s was in doubt: it was %s\n",
		    order_kind_name(order.kind),
		    result.outcome == SR_OK ? "booked"
					    : error_sentence(result.outcome));
		return SR_OK;
	}
	fprintf(stderr, "an earlier %s was in doubt: it was not booked\n",
	    order_kind_name(order.kind));
	return kept_forget(
	    settle->state, settle->session->login.name, order.reference);
}

enum sr_error
ordering_settle(struct bank_session *session, const struct state *state,
    const struct money_unit *unit, const uint8_t *but)
{
	struct settle settle = {
	    .session = session, .state = state, .unit = unit, .but = but};
	enum sr_error error;
	int lock;

	/* What another process has on its way is not in doubt. */
	error = ordering_lock(session, state, true, &lock);
	if (error != SR_OK)
		return error == SR_BUSY ? SR_OK : error;
	error = kept_unanswered(state, session->login.name,
	    session->login.welcome.next_seq, ordering_settle_one, &settle);
	close(lock);
	return error;
}
