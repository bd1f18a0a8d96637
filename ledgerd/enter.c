/* SPDX-License-Identifier: ISC */
/*
 * Orders and log-ins against the rules.  Must never apply an order whose
 * signature was not verified, nor answer: the batch is not durable yet.
 */
#include "ledgerd/enter.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "ledgerd/batch.h"
#include "ledgerd/certificates.h"
#include "ledgerd/intake.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/query.h"

/*
 * An order that was applied was verified then, with the key of then: asking
 * what became of it must not need a key that was replaced since.
 */
static bool
applied_before(const struct book *book, const struct book_principal *principal,
    const struct book_order *order)
{
	const struct book_past_order *past =
	    book_past(book, principal, order->order.seq);

	return past != NULL &&
	       memcmp(past->hash, order->hash, sizeof(past->hash)) == 0;
}

void
enter_check(const struct ledgerd *ledgerd, struct item *item)
{
	struct item_order *in = &item->order;
	struct book_order *order = &in->order;
	const struct book_principal *principal;

	in->checked = order_decode(in->bytes, &order->order);
	if (in->checked != SR_OK)
		return;
	order_hash(in->bytes, order->hash);
	order->attachment = in->attachment;
	order->attachment_len = in->attachment_len;
	principal = book_principal(&ledgerd->book, order->order.signer);
	/* A stranger's order is refused without a hint at the signature. */
	in->checked = principal == NULL ? SR_SIGNATURE
					: order_verify(in->bytes, in->signature,
					      principal->signing_key);
	if (in->checked == SR_SIGNATURE && principal != NULL &&
	    applied_before(&ledgerd->book, principal, order))
		in->checked = SR_OK;
}

/* Journals an order that was applied, with the accounts it moved. */
static enum sr_error
journal_order(struct ledgerd *ledgerd, struct item_order *in,
    const struct book_effect *effect)
{
	static uint8_t committed[ENTRY_MAX];
	struct entry_order entry = {.order = in->bytes,
	    .signature = in->signature,
	    .attachment = in->attachment,
	    .attachment_len = in->attachment_len,
	    .outcome = effect->outcome,
	    .time_ms = ledgerd->batch.time_ms};
	struct journal_plain plain = {.committed = committed};
	struct journal_position position;
	struct journal_leaf leaf = {0};
	enum sr_error error;

	error = entry_order_encode(
	    &entry, committed, sizeof(committed), &plain.committed_len);
	if (error != SR_OK)
		return error;
	plain.touched_count = effect->touched_count;
	for (unsigned i = 0; i < effect->touched_count; i++) {
		const struct book_account *account = effect->touched[i];

		plain.touched[i] =
		    (struct journal_touched){.account = account->id,
			.posted_minor = account->posted_minor,
			.held_minor = account->held_minor,
			.previous = account->last_frame};
	}
	error = batch_add(ledgerd, &plain, &position, &leaf);
	for (unsigned i = 0; i < effect->touched_count; i++)
		effect->touched[i]->last_frame = position;
	memcpy(in->answer.salt, plain.salt, sizeof(in->answer.salt));
	in->answer.segment = leaf.segment;
	memcpy(in->answer.sealed_hash, leaf.sealed_hash,
	    sizeof(in->answer.sealed_hash));
	sodium_memzero(committed, sizeof(committed));
	return error;
}

/* What an enrolment or revocation asks of keyd afterwards. */
static void
note_operation(struct ledgerd *ledgerd, enum entry_use code,
    const struct book_terminal *terminal)
{
	assert(ledgerd->operation_count < OPERATIONS_MAX);
	/* A teller has no terminal of its own. */
	if (terminal == NULL || terminal->id == 0)
		return;
	ledgerd->operations[ledgerd->operation_count++] = (struct operation){
	    .code = code, .terminal = terminal->id, .epoch = terminal->epoch};
}

/* Who is erased is forgotten here, and then by keyd. */
static void
note_erased(
    struct ledgerd *ledgerd, const struct book_effect *effect, uint64_t leaf)
{
	assert(ledgerd->operation_count < OPERATIONS_MAX);
	if (effect->erased_principal == 0)
		return;
	people_erase(&ledgerd->people, effect->erased_principal);
	ledgerd->operations[ledgerd->operation_count++] =
	    (struct operation){.code = USE_ERASE,
		.customer = effect->erased_principal,
		.leaf = leaf};
}

/*
 * What an auditor has signed is for keyd to know, too: the last one.  The log
 * tells of no other, so that whoever carries it out keeps only that in mind.
 */
static void
note_certified(struct ledgerd *ledgerd, const struct order *order,
    const struct book_effect *effect, uint64_t leaf)
{
	assert(ledgerd->operation_count < OPERATIONS_MAX);
	if (order->kind != ORDER_CERTIFY || effect->outcome != SR_OK)
		return;
	for (size_t i = 0; i < ledgerd->operation_count; i++)
		if (ledgerd->operations[i].code == 0 &&
		    ledgerd->operations[i].request_leaf == 0) {
			ledgerd->operations[i].leaf = leaf;
			return;
		}
	ledgerd->operations[ledgerd->operation_count++] =
	    (struct operation){.leaf = leaf};
}

/* What two operators have given up keyd gives up first. */
static void
note_retired(
    struct ledgerd *ledgerd, const struct book_effect *effect, uint64_t leaf)
{
	assert(ledgerd->operation_count < OPERATIONS_MAX);
	if (effect->retired == NULL)
		return;
	ledgerd->operations[ledgerd->operation_count++] = (struct operation){
	    .leaf = leaf, .request_leaf = effect->retired->leaf};
}

static void
note_revoked(struct ledgerd *ledgerd, const struct book_effect *effect)
{
	struct revoked *revoked = &ledgerd->revoked[ledgerd->revoked_count];

	/* who erases oneself is answered first (answer.c) */
	if ((effect->revoked == NULL && effect->revoked_principal == 0) ||
	    effect->erased_principal != 0)
		return;
	assert(ledgerd->revoked_count < OPERATIONS_MAX);
	revoked->principal = effect->revoked_principal;
	revoked->terminal = effect->revoked != NULL ? effect->revoked->id : 0;
	ledgerd->revoked_count++;
}

void
enter_end_revoked(struct ledgerd *ledgerd)
{
	for (size_t i = 0; i < ledgerd->revoked_count; i++) {
		const struct revoked *revoked = &ledgerd->revoked[i];

		if (revoked->principal != 0)
			intake_end_customer(ledgerd, revoked->principal);
		if (revoked->terminal != 0)
			intake_end_terminal(ledgerd, revoked->terminal);
	}
	ledgerd->revoked_count = 0;
}

/* The answer to an order that the rules have seen. */
static void
fill_answer(struct ledgerd *ledgerd, const struct customer_session *session,
    struct item_order *in, const struct book_effect *effect)
{
	struct message_order_answer *answer = &in->answer;
	const struct order *order = &in->order.order;
	const struct book_account *account;

	answer->error = SR_OK;
	answer->outcome = (uint16_t)effect->outcome;
	answer->time = ledgerd->batch.time_ms;
	answer->account = account_customer(order->debit) == session->customer
			      ? order->debit
			      : query_own_account(ledgerd, session);
	account = book_account(&ledgerd->book, answer->account);
	if (account != NULL)
		answer->balance = account->posted_minor;
	if (effect->outcome == SR_OK && order_kind_is_request(order->kind))
		answer->result = answer->leaf;
	if (effect->enrolled != NULL)
		answer->result = effect->enrolled->id;
	answer->next_seq = order->seq + 1;
	memcpy(answer->last_hash, in->order.hash, sizeof(answer->last_hash));
	ledgerd->orders++;
	if (effect->outcome != SR_OK)
		ledgerd->declined++;
}

static enum sr_error
apply_order(struct ledgerd *ledgerd, const struct customer_session *session,
    struct item_order *in)
{
	struct book_effect effect = {0};
	enum sr_error error;

	in->answer.leaf = batch_next_leaf(ledgerd);
	error = book_apply(&ledgerd->book, &in->order, in->answer.leaf,
	    ledgerd->batch.time_ms, &effect);
	if (error != SR_OK)
		return error;
	error = journal_order(ledgerd, in, &effect);
	if (error != SR_OK)
		return error;
	note_operation(ledgerd, USE_TERMINAL_ENROL, effect.enrolled);
	note_operation(ledgerd, USE_TERMINAL_REVOKE, effect.revoked);
	note_erased(ledgerd, &effect, in->answer.leaf);
	note_certified(ledgerd, &in->order.order, &effect, in->answer.leaf);
	note_retired(ledgerd, &effect, in->answer.leaf);
	note_revoked(ledgerd, &effect);
	fill_answer(ledgerd, session, in, &effect);
	return SR_OK;
}

/*
 * Whether an auditor certifies what is there to be certified; of others the
 * rules say what to think.  SR_NOT_FOUND is an answer, the rest is fatal.
 */
static enum sr_error
check_certificate(struct ledgerd *ledgerd, const struct book_order *in)
{
	const struct book_principal *signer =
	    book_principal(&ledgerd->book, in->order.signer);
	struct order_certify certify;
	struct entry_snapshot snapshot;

	if (in->order.kind != ORDER_CERTIFY ||
	    !authority_allows(in->order.kind, signer->role) ||
	    order_certify_decode(
		in->attachment, in->attachment_len, &certify) != SR_OK)
		return SR_OK;
	snapshot = entry_snapshot_certified(&certify);
	return snapshot_is_known(ledgerd, &snapshot);
}

/* What is asked for, or approved, is to retire; else NULL. */
static const uint8_t *
retire_block(const struct ledgerd *ledgerd, const struct book_order *in)
{
	const struct book_request *request;

	if (in->order.kind == ORDER_RETIRE)
		return in->attachment_len == ORDER_RETIRE_LEN ? in->attachment
							      : NULL;
	if (in->order.kind != ORDER_APPROVE)
		return NULL;
	for (unsigned i = 0;
	     (request = book_request_at(&ledgerd->book, i)) != NULL; i++)
		if (request->leaf == in->order.refers_to)
			return request->kind == ORDER_RETIRE && !request->used
				   ? request->attachment
				   : NULL;
	return NULL;
}

/* Likewise whether operators retire on what an auditor has signed. */
static enum sr_error
check_retirement(struct ledgerd *ledgerd, const struct book_order *in)
{
	const struct book_principal *signer =
	    book_principal(&ledgerd->book, in->order.signer);
	const uint8_t *block = retire_block(ledgerd, in);
	struct order_retire retire;

	if (block == NULL || !authority_allows(in->order.kind, signer->role) ||
	    order_retire_decode(block, ORDER_RETIRE_LEN, &retire) != SR_OK)
		return SR_OK;
	return snapshot_may_retire(ledgerd, &retire);
}

static enum sr_error
enter_order(struct ledgerd *ledgerd, const struct customer_session *session,
    struct item_order *in)
{
	struct book_session by = {
	    .customer = session->customer, .terminal = session->terminal};
	struct message_order_answer *answer = &in->answer;
	struct book_answer checked = {0};

	memcpy(by.id, session->records.id, sizeof(by.id));
	answer->error = (uint16_t)in->checked;
	if (in->checked != SR_OK)
		return SR_OK;
	switch (book_check(&ledgerd->book, &by, &in->order,
	    ledgerd->batch.time_ms, &checked)) {
	case BOOK_APPLY:
		if (ledgerd->batch.closed == SR_OK) {
			enum sr_error error =
			    check_certificate(ledgerd, &in->order);

			if (error == SR_OK)
				error = check_retirement(ledgerd, &in->order);
			if (error == SR_OK)
				return apply_order(ledgerd, session, in);
			if (error != SR_NOT_FOUND)
				return error;
			answer->error = (uint16_t)error;
			break;
		}
		/* The order is as it was: the same bytes may come again. */
		answer->error = SR_CLOSED_FOR_ORDERS;
		answer->outcome = (uint16_t)ledgerd->batch.closed;
		break;
	case BOOK_STORED:
		in->stored = true;
		answer->leaf = checked.leaf;
		break;
	case BOOK_REFUSED:
		answer->error = (uint16_t)checked.error;
		/*
		 * "It is not booked" must stay true: the order may still be on
		 * its way in the session that it names.
		 */
		if (checked.error == SR_STALE)
			intake_end_session(ledgerd, session->customer,
			    in->order.order.session);
		break;
	}
	answer->next_seq = checked.next_seq;
	memcpy(answer->last_hash, checked.last_hash, sizeof(answer->last_hash));
	return SR_OK;
}

enum sr_error
enter_item(struct ledgerd *ledgerd, struct item *item)
{
	const struct customer_session *session;
	enum sr_error error;

	if (item->kind != ITEM_ORDER)
		return SR_OK;
	/* Who has gone, or was put out, orders nothing any more. */
	session = sessions_find_serial(
	    &ledgerd->sessions, item->connection, item->serial);
	if (session == NULL)
		return SR_OK;
	error = enter_order(ledgerd, session, &item->order);
	if (error == SR_OK)
		metrics_order(
		    &ledgerd->metrics, &item->order.answer, item->order.stored);
	return error;
}

/* ---- log-ins --------------------------------------------------------------- */

/* keyd's word about a customer, checked as anybody would. */
static enum sr_error
check_opening(struct ledgerd *ledgerd, const struct opening *opening,
    struct attestation *attestation)
{
	const struct message_session_open *m = &opening->message;
	enum sr_error error;

	if (m->attestation_len != ATTESTATION_LEN)
		return SR_MALFORMED;
	error = certificates_attested(ledgerd, m->attestation, attestation);
	if (error != SR_OK)
		return error;
	if (attestation->customer != m->customer ||
	    !attestation_is_of(
		attestation, m->salt, (const char *)m->name, m->name_len))
		return SR_MALFORMED;
	return SR_OK;
}

/* The ACCOUNT entry of a new customer, or of one with new keys. */
static enum sr_error
journal_account(struct ledgerd *ledgerd, const struct opening *opening)
{
	const struct message_session_open *m = &opening->message;
	uint8_t sealed[PERSON_SEALED_LEN], nonce[AEAD_WRAP_NONCE_LEN];
	uint8_t committed[ENTRY_ACCOUNT_MAX];
	struct entry_account entry = {.time_ms = ledgerd->batch.time_ms,
	    .attestation = m->attestation,
	    .attestation_len = m->attestation_len,
	    .directory = sealed,
	    .directory_len = sizeof(sealed)};
	struct journal_plain plain = {.committed = committed};
	struct person person = {.name_len = (uint8_t)m->name_len,
	    .display_len = (uint8_t)m->display_name_len};
	enum sr_error error;

	memcpy(person.name, m->name, m->name_len);
	memcpy(person.display, m->display_name, m->display_name_len);
	memcpy(person.salt, m->salt, sizeof(person.salt));
	memcpy(person.attestation, m->attestation, sizeof(person.attestation));
	env_random(ledgerd->env, nonce, sizeof(nonce));
	person_seal(&person, m->customer, ledgerd->bank_id, m->directory_key,
	    nonce, sealed);
	error = entry_account_encode(
	    &entry, committed, sizeof(committed), &plain.committed_len);
	if (error == SR_OK)
		error = batch_add(ledgerd, &plain, &person.entry, NULL);
	if (error == SR_OK)
		error = people_set(&ledgerd->people, m->customer, &person);
	return error;
}

/* Whether terminal and principal may be used. */
static enum sr_error
check_terminal(
    const struct ledgerd *ledgerd, const struct message_session_open *m)
{
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, m->customer);
	const struct book_terminal *terminal;

	if (principal->erased)
		return SR_LOGIN;
	if (principal->revoked)
		return SR_TERMINAL;
	if (m->terminal == 0)
		return SR_OK;
	terminal = book_terminal(&ledgerd->book, m->terminal);
	if (terminal == NULL || terminal->revoked ||
	    terminal->epoch != m->terminal_epoch)
		return SR_TERMINAL;
	return SR_OK;
}

/* Whether the log-in needs no entry: the same attestation is in force. */
static bool
is_known(const struct ledgerd *ledgerd, const struct book_opening *account)
{
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, account->customer);

	return principal != NULL &&
	       memcmp(principal->attestation_hash, account->attestation_hash,
		   sizeof(principal->attestation_hash)) == 0;
}

enum sr_error
enter_opening(struct ledgerd *ledgerd, struct opening *opening)
{
	const struct message_session_open *m = &opening->message;
	struct book_opening account;
	struct book_account *opened;
	struct attestation attestation;
	enum sr_error error;

	opening->status = check_opening(ledgerd, opening, &attestation);
	if (opening->status != SR_OK) {
		diag_error("keyd announced a log-in whose attestation is "
			   "not right: %s",
		    error_sentence(opening->status));
		return SR_OK;
	}
	account = book_opening_of(&attestation, m->attestation);
	if (ledgerd->batch.closed != SR_OK && !is_known(ledgerd, &account)) {
		opening->status = SR_CLOSED_FOR_ORDERS;
		return SR_OK;
	}
	if (attestation.reset_leaf != 0 && !is_known(ledgerd, &account) &&
	    opening->reset != SR_OK) {
		opening->status = opening->reset == SR_NOT_FOUND
				      ? SR_NOT_ALLOWED
				      : opening->reset;
		return SR_OK;
	}
	error = book_open(&ledgerd->book, &account, &opened);
	if (error == SR_NO_SPACE)
		return error;
	if (error == SR_OK)
		error = journal_account(ledgerd, opening);
	else if (error == SR_ALREADY)
		error = SR_OK;
	else {
		opening->status = error;
		return SR_OK;
	}
	if (error == SR_OK)
		opening->status = check_terminal(ledgerd, m);
	return error;
}
