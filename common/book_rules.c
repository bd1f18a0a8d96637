/* SPDX-License-Identifier: ISC */
/*
 * The rules of the ledger, one function a kind of order.  Must never move
 * money on one side only, let an authority act that policy/authority.def does
 * not name, or change anything for an order that it declines.
 */
#include "common/book_rules.h"

#include <assert.h>
#include <string.h>

enum sr_error
book_may_give(const struct book_account *account, int64_t amount_minor)
{
	/* a till's reserved cash is in it until it is out */
	int64_t held_minor =
	    account->type == ACCOUNT_TILL ? 0 : account->held_minor;
	int64_t after;

	if (account->status == ACCOUNT_FROZEN)
		return SR_ACCOUNT_FROZEN;
	if (account->status != ACCOUNT_OPEN)
		return SR_ACCOUNT_CLOSED;
	if (__builtin_sub_overflow(account->posted_minor, held_minor, &after) ||
	    __builtin_sub_overflow(after, amount_minor, &after) ||
	    after < account->floor_minor)
		return account->type == ACCOUNT_TILL ? SR_TILL_FULL : SR_FUNDS;
	return SR_OK;
}

static enum sr_error
may_take(const struct book_account *account, int64_t amount_minor)
{
	int64_t after;

	if (account->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	if (__builtin_add_overflow(
		account->posted_minor, amount_minor, &after) ||
	    after > account->ceiling_minor)
		return SR_CEILING;
	return SR_OK;
}

/* Where orders that name both accounts and need no hold change balances. */
static enum sr_error
post(struct book *book, const struct order *order, struct book_effect *effect)
{
	struct book_account *debit = book_account(book, order->debit);
	struct book_account *credit = book_account(book, order->credit);
	__int128 sum;
	enum sr_error error;

	if (order->amount_minor <= 0)
		return SR_AMOUNT;
	if (order->debit == order->credit)
		return SR_SAME_ACCOUNT;
	if (debit == NULL || credit == NULL || credit->type != ACCOUNT_CUSTOMER)
		return SR_NO_ACCOUNT;
	error = book_may_give(debit, order->amount_minor);
	if (error == SR_OK)
		error = may_take(credit, order->amount_minor);
	if (error != SR_OK)
		return error;
	sum = (__int128)debit->posted_minor + credit->posted_minor;
	debit->posted_minor -= order->amount_minor;
	credit->posted_minor += order->amount_minor;
	assert(sum == (__int128)debit->posted_minor + credit->posted_minor);
	effect->touched[effect->touched_count++] = debit;
	effect->touched[effect->touched_count++] = credit;
	return SR_OK;
}

static enum sr_error
rule_transfer(struct book *book, const struct book_principal *signer,
    const struct order *order, struct book_effect *effect)
{
	if (order->debit != account_id(signer->customer, ACCOUNT_INDEX_MAIN))
		return SR_NOT_YOURS;
	return post(book, order, effect);
}

static enum sr_error
rule_deposit(struct book *book, const struct book_principal *signer,
    const struct order *order, struct book_effect *effect)
{
	if (order->debit != account_id(signer->customer, ACCOUNT_INDEX_TILL))
		return SR_NOT_YOURS;
	/* a terminal's cash comes in there; a teller may work at any */
	if (signer->role == ROLE_TERMINAL &&
	    order->terminal != signer->terminal)
		return SR_NOT_YOURS;
	return post(book, order, effect);
}

/* Whether that principal can be given that till now. */
static enum sr_error
enrol_check(const struct book *book, const struct order_enrol *enrol)
{
	const struct book_principal *principal =
	    book_principal(book, enrol->principal);
	const struct book_account *main_account = book_account(
	    book, account_id(enrol->principal, ACCOUNT_INDEX_MAIN));

	if (principal == NULL || main_account == NULL)
		return SR_NO_ACCOUNT;
	if (principal->role != ROLE_CUSTOMER ||
	    book_account(book,
		account_id(enrol->principal, ACCOUNT_INDEX_TILL)) != NULL ||
	    (enrol->role == ROLE_TERMINAL &&
		book_terminal(book, enrol->terminal) != NULL))
		return SR_ALREADY;
	/* the main account is closed by it, so nothing may be in it */
	if (main_account->posted_minor != 0 || main_account->held_minor != 0 ||
	    book_has_holds(book, main_account->id))
		return SR_PARAMETERS;
	return SR_OK;
}

/* Only orders that move money name accounts and an amount. */
bool
book_moves_nothing(const struct order *order)
{
	return order->debit == 0 && order->credit == 0 &&
	       order->amount_minor == 0;
}

static void
drop_expired(struct book *book, uint64_t time_ms)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < book->request_count; i++) {
		const struct book_request *request = &book->request[i];

		if (time_ms - request->time_ms <= book->rules.request_life_ms)
			book->request[kept++] = *request;
	}
	book->request_count = kept;
}

/* A name or a key is enrolled once. */
static enum sr_error
auditor_check(const struct book *book, const struct order_auditor *auditor)
{
	if (book_auditor(book, auditor->name, auditor->name_len) != NULL ||
	    book_auditor_of_key(book, auditor->key) != NULL)
		return SR_ALREADY;
	return SR_OK;
}

/* Whether what is requested could be carried out now. */
static enum sr_error
request_check(const struct book *book, const struct book_request *request,
    uint64_t time_ms)
{
	if (request->kind == ORDER_AUDITOR_REQUEST)
		return auditor_check(book, &request->auditor);
	if (request->kind == ORDER_RELEASE_REQUEST)
		return book_release_check(book, request->hold, time_ms);
	return enrol_check(book, &request->enrol);
}

static enum sr_error
rule_request(struct book *book, const struct book_principal *signer,
    const struct book_order *order, uint64_t leaf, uint64_t time_ms)
{
	struct book_request request = {.leaf = leaf,
	    .requester = signer->customer,
	    .time_ms = time_ms,
	    .kind = order->order.kind};
	enum sr_error error;

	if (request.kind == ORDER_AUDITOR_REQUEST)
		error = order_auditor_decode(
		    order->attachment, order->attachment_len, &request.auditor);
	else if (request.kind == ORDER_RELEASE_REQUEST)
		error = book_release_request(book, order, &request);
	else
		error = order_enrol_decode(
		    order->attachment, order->attachment_len, &request.enrol);
	if (error != SR_OK || !book_moves_nothing(&order->order))
		return SR_PARAMETERS;
	error = request_check(book, &request, time_ms);
	if (error != SR_OK)
		return error;
	drop_expired(book, time_ms);
	if (book->request_count == BOOK_REQUESTS_MAX)
		return SR_REQUESTS_FULL;
	memcpy(request.hash, order->hash, sizeof(request.hash));
	book->request[book->request_count++] = request;
	return SR_OK;
}

/* Carries an approved enrolment out; enrol_check() has passed. */
static void
enrol(struct book *book, const struct order_enrol *enrol,
    struct book_effect *effect)
{
	struct book_principal *principal = book_table_at(&book->principals,
	    book_index_find(&book->principal_index, enrol->principal));
	struct book_account *main_account = book_account(
	    book, account_id(enrol->principal, ACCOUNT_INDEX_MAIN));
	uint64_t till = account_id(enrol->principal, ACCOUNT_INDEX_TILL);
	struct book_terminal *terminal;

	principal->role = enrol->role;
	principal->terminal = enrol->terminal;
	main_account->status = ACCOUNT_CLOSED;
	effect->touched[effect->touched_count++] = book_add_account(
	    book, till, ACCOUNT_TILL, -enrol->till_maximum_minor, 0);
	effect->enrolled_principal = enrol->principal;
	if (enrol->role != ROLE_TERMINAL)
		return;
	book_index_add(
	    &book->terminal_index, enrol->terminal, book->terminals.count);
	terminal = book_table_add(&book->terminals);
	*terminal = (struct book_terminal){.id = enrol->terminal,
	    .epoch = enrol->epoch,
	    .principal = enrol->principal,
	    .till = till,
	    .maximum_minor = enrol->till_maximum_minor};
	effect->enrolled = terminal;
}

/* The same for an auditor. */
static void
enrol_auditor(
    struct book *book, const struct order_auditor *auditor, uint64_t leaf)
{
	struct book_auditor *row = book_table_add(&book->auditors);

	row->leaf = leaf;
	memcpy(row->key, auditor->key, sizeof(row->key));
	row->name_len = auditor->name_len;
	memcpy(row->name, auditor->name, sizeof(row->name));
}

static enum sr_error
rule_approve(struct book *book, const struct book_principal *signer,
    const struct book_order *order, uint64_t leaf, uint64_t time_ms,
    struct book_effect *effect)
{
	struct book_request *request = NULL;
	enum sr_error error;

	if (!book_moves_nothing(&order->order))
		return SR_PARAMETERS;
	for (unsigned i = 0; i < book->request_count; i++)
		if (book->request[i].leaf == order->order.refers_to)
			request = &book->request[i];
	/* bound to the exact bytes that the approver has seen */
	if (request == NULL ||
	    memcmp(order->attachment, request->hash, ORDER_HASH_LEN) != 0)
		return SR_NO_REQUEST;
	if (request->requester == signer->customer)
		return SR_OWN_REQUEST;
	if (request->used)
		return SR_ALREADY;
	if (time_ms - request->time_ms > book->rules.request_life_ms)
		return SR_REQUEST_EXPIRED;
	/* much may have happened since the request */
	error = request_check(book, request, time_ms);
	if (error != SR_OK)
		return error;
	request->used = true;
	if (request->kind == ORDER_AUDITOR_REQUEST)
		enrol_auditor(book, &request->auditor, leaf);
	else if (request->kind == ORDER_RELEASE_REQUEST)
		book_release(book, request->hold, effect);
	else
		enrol(book, &request->enrol, effect);
	return SR_OK;
}

static enum sr_error
rule_revoke(struct book *book, const struct book_order *order,
    struct book_effect *effect)
{
	struct book_principal *principal;
	struct book_terminal *terminal;
	struct order_revoke revoke;

	if (order_revoke_decode(
		order->attachment, order->attachment_len, &revoke) != SR_OK ||
	    !book_moves_nothing(&order->order))
		return SR_PARAMETERS;
	principal = book_table_at(&book->principals,
	    book_index_find(&book->principal_index, revoke.principal));
	if (principal == NULL ||
	    (principal->role != ROLE_TERMINAL &&
		principal->role != ROLE_TELLER) ||
	    principal->terminal != revoke.terminal)
		return SR_PARAMETERS;
	if (principal->revoked)
		return SR_ALREADY;
	principal->revoked = true;
	book_account(book, account_id(principal->customer, ACCOUNT_INDEX_TILL))
	    ->status = ACCOUNT_FROZEN;
	book_drop_released(
	    book, account_id(principal->customer, ACCOUNT_INDEX_TILL));
	effect->revoked_principal = principal->customer;
	if (principal->role != ROLE_TERMINAL)
		return SR_OK;
	terminal = book_table_at(&book->terminals,
	    book_index_find(&book->terminal_index, revoke.terminal));
	assert(terminal != NULL && terminal->principal == revoke.principal);
	terminal->revoked = true;
	terminal->epoch++;
	effect->revoked = terminal;
	return SR_OK;
}

/* True if an order of the last 64 that took effect bears that reference. */
static bool
reference_used(const struct book *book, const struct book_principal *signer,
    const uint8_t reference[ORDER_REFERENCE_LEN])
{
	if (journal_all_zero(reference, ORDER_REFERENCE_LEN))
		return false;
	for (uint64_t seq = signer->next_seq; seq-- > 1;) {
		const struct book_past_order *past =
		    book_past(book, signer, seq);

		if (past == NULL)
			return false;
		if (past->outcome == SR_OK && memcmp(past->reference, reference,
						  ORDER_REFERENCE_LEN) == 0)
			return true;
	}
	return false;
}

/* Kinds that refer to a leaf; in all others the field is zero. */
static bool
refers(unsigned kind)
{
	return kind == ORDER_APPROVE || kind == ORDER_POST ||
	       kind == ORDER_VOID || kind == ORDER_RELEASE_REQUEST;
}

enum sr_error
book_rules_apply(struct book *book, struct book_principal *signer,
    const struct book_order *order, uint64_t leaf, uint64_t time_ms,
    struct book_effect *effect)
{
	if (signer->revoked ||
	    !authority_allows(order->order.kind, signer->role))
		return SR_ROLE;
	if (order->order.unit != book->unit)
		return SR_UNIT;
	if (order_attachment_check(order->order.kind, order->attachment,
		order->attachment_len) != SR_OK ||
	    (!refers(order->order.kind) && order->order.refers_to != 0))
		return SR_PARAMETERS;
	if (reference_used(book, signer, order->order.reference))
		return SR_DUPLICATE;
	switch (order->order.kind) {
	case ORDER_TRANSFER:
		return rule_transfer(book, signer, &order->order, effect);
	case ORDER_DEPOSIT:
		return rule_deposit(book, signer, &order->order, effect);
	case ORDER_HOLD:
		return book_rule_hold(
		    book, signer, &order->order, leaf, time_ms, effect);
	case ORDER_POST:
		return book_rule_post(
		    book, signer, &order->order, leaf, time_ms, effect);
	case ORDER_VOID:
		return book_rule_void(book, signer, &order->order, effect);
	case ORDER_ENROL_REQUEST:
	case ORDER_RELEASE_REQUEST:
	case ORDER_AUDITOR_REQUEST:
		return rule_request(book, signer, order, leaf, time_ms);
	case ORDER_APPROVE:
		return rule_approve(book, signer, order, leaf, time_ms, effect);
	case ORDER_REVOKE:
		return rule_revoke(book, order, effect);
	default:
		return SR_ROLE;
	}
}
