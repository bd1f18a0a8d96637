/* SPDX-License-Identifier: ISC */
/*
 * Who is what: terminals and tellers with their tills, operators, auditors.
 * Must never leave the bank with fewer than two operators who can act, nor
 * let a role keep the account of the one before.
 */
#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

/*
 * A main account that is closed by a role: nothing may be in it, nor in
 * others of its owner's.
 */
static enum sr_error
empty_main(const struct book *book, uint64_t customer, enum sr_error otherwise)
{
	const struct book_account *main_account =
	    book_account(book, account_id(customer, ACCOUNT_INDEX_MAIN));

	if (main_account->posted_minor != 0 || main_account->held_minor != 0 ||
	    book_has_holds(book, main_account->id))
		return otherwise;
	/* going back would open one that was closed for ever, or unfreeze */
	if (main_account->status != ACCOUNT_OPEN)
		return main_account->status == ACCOUNT_FROZEN
			   ? SR_ACCOUNT_FROZEN
			   : SR_ACCOUNT_CLOSED;
	return book_has_further(book, customer) ? SR_NOT_EMPTY : SR_OK;
}

/* Whether that principal can be given that till now. */
enum sr_error
book_check_enrol(const struct book *book, const struct book_request *request)
{
	const struct book_principal *principal;
	const struct book_account *main_account;
	struct order_enrol enrol;

	if (order_enrol_decode(
		request->attachment, request->attachment_len, &enrol) != SR_OK)
		return SR_PARAMETERS;
	principal = book_principal(book, enrol.principal);
	main_account =
	    book_account(book, account_id(enrol.principal, ACCOUNT_INDEX_MAIN));
	if (principal == NULL || main_account == NULL)
		return SR_NO_ACCOUNT;
	if (principal->role != ROLE_CUSTOMER ||
	    book_account(book,
		account_id(enrol.principal, ACCOUNT_INDEX_TILL)) != NULL ||
	    (enrol.role == ROLE_TERMINAL &&
		book_terminal(book, enrol.terminal) != NULL))
		return SR_ALREADY;
	if (principal->erased || principal->revoked)
		return SR_PARAMETERS;
	return empty_main(book, enrol.principal, SR_PARAMETERS);
}

/* A till of its own, and the role that works at it. */
static void
give_till(struct book *book, struct book_principal *principal, enum role role,
    int64_t maximum_minor, struct book_effect *effect)
{
	uint64_t till = account_id(principal->customer, ACCOUNT_INDEX_TILL);

	principal->role = (uint8_t)role;
	principal->till = till;
	book_account(book, account_id(principal->customer, ACCOUNT_INDEX_MAIN))
	    ->status = ACCOUNT_CLOSED;
	effect->touched[effect->touched_count++] =
	    book_add_account(book, till, ACCOUNT_TILL, -maximum_minor, 0);
	effect->enrolled_principal = principal->customer;
}

void
book_enrol(struct book *book, const struct book_request *request,
    struct book_effect *effect)
{
	struct book_principal *principal;
	struct book_terminal *terminal;
	struct order_enrol enrol;

	if (order_enrol_decode(
		request->attachment, request->attachment_len, &enrol) != SR_OK)
		assert(false && "checked before");
	principal = book_principal_row(book, enrol.principal);
	principal->terminal = enrol.terminal;
	give_till(book, principal, (enum role)enrol.role,
	    enrol.till_maximum_minor, effect);
	if (enrol.role != ROLE_TERMINAL)
		return;
	book_index_add(
	    &book->terminal_index, enrol.terminal, book->terminals.count);
	terminal = book_table_add(&book->terminals);
	*terminal = (struct book_terminal){.id = enrol.terminal,
	    .epoch = enrol.epoch,
	    .principal = enrol.principal,
	    .till = principal->till,
	    .maximum_minor = enrol.till_maximum_minor};
	effect->enrolled = terminal;
}

/* A name or a key is enrolled once. */
enum sr_error
book_check_auditor(const struct book *book, const struct book_request *request)
{
	struct order_auditor auditor;

	if (order_auditor_decode(request->attachment, request->attachment_len,
		&auditor) != SR_OK)
		return SR_PARAMETERS;
	if (book_auditor(book, auditor.name, auditor.name_len) != NULL ||
	    book_auditor_of_key(book, auditor.key) != NULL)
		return SR_ALREADY;
	return SR_OK;
}

void
book_enrol_auditor(
    struct book *book, const struct book_request *request, uint64_t leaf)
{
	struct book_auditor *row = book_table_add(&book->auditors);
	struct order_auditor auditor;

	if (order_auditor_decode(request->attachment, request->attachment_len,
		&auditor) != SR_OK)
		assert(false && "checked before");
	row->leaf = leaf;
	memcpy(row->key, auditor.key, sizeof(row->key));
	row->name_len = auditor.name_len;
	memcpy(row->name, auditor.name, sizeof(row->name));
}

/*
 * Customers only: who has lost a card is revoked and enrolled anew, and the
 * hand of an operator or auditor must never be that of two others.
 */
enum sr_error
book_check_reset(const struct book *book, const struct book_request *request,
    uint64_t time_ms)
{
	const struct book_principal *principal;
	struct order_reset reset;

	if (order_reset_decode(
		request->attachment, request->attachment_len, &reset) != SR_OK)
		return SR_PARAMETERS;
	if (reset.until_ms <= time_ms)
		return SR_REQUEST_EXPIRED;
	if (reset.until_ms - time_ms > ORDER_RESET_LIFE_MAX_MS)
		return SR_PARAMETERS;
	principal = book_principal(book, reset.customer);
	if (principal == NULL)
		return SR_NO_ACCOUNT;
	if (principal->erased || principal->role != ROLE_CUSTOMER)
		return SR_PARAMETERS;
	if (book_account(book, account_id(reset.customer, ACCOUNT_INDEX_MAIN))
		->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	return memcmp(reset.attestation_hash, principal->attestation_hash,
		   sizeof(reset.attestation_hash)) == 0
		   ? SR_OK
		   : SR_ALREADY;
}

/* Operators who can act. */
static unsigned
count_operators(const struct book *book)
{
	unsigned count = 0;

	for (uint64_t i = 0; i < book->principals.count; i++) {
		const struct book_principal *principal =
		    book_principal_at(book, i);

		count +=
		    principal->role == ROLE_OPERATOR && !principal->revoked;
	}
	return count;
}

/* A customer becomes a teller, an operator or an auditor. */
static enum sr_error
check_promotion(const struct book *book, const struct book_principal *principal,
    const struct order_role *role)
{
	const struct book_account *till = book_account(book, role->till);

	if (principal->role != ROLE_CUSTOMER)
		return SR_PARAMETERS;
	if (role->till_maximum_minor != 0 &&
	    book_account(book,
		account_id(principal->customer, ACCOUNT_INDEX_TILL)) != NULL)
		return SR_ALREADY;
	if (role->till != 0 && (till == NULL || till->type != ACCOUNT_TILL))
		return SR_NO_ACCOUNT;
	if (role->till != 0 && till->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	return empty_main(book, principal->customer, SR_NOT_EMPTY);
}

/* The till that is the principal's own, not a shared one; NULL. */
static struct book_account *
own_till(const struct book *book, const struct book_principal *principal)
{
	return book_account(
	    book, account_id(principal->customer, ACCOUNT_INDEX_TILL));
}

/* One who has a role becomes a customer again. */
static enum sr_error
check_return(const struct book *book, const struct book_principal *principal)
{
	const struct book_account *till = own_till(book, principal);

	if (principal->role == ROLE_TERMINAL)
		return SR_PARAMETERS;
	if (principal->role == ROLE_OPERATOR && count_operators(book) <= 2)
		return SR_LAST_OPERATORS;
	if (till != NULL && (till->posted_minor != 0 || till->held_minor != 0))
		return SR_NOT_EMPTY;
	return SR_OK;
}

enum sr_error
book_check_role(const struct book *book, const struct book_request *request)
{
	const struct book_principal *principal;
	struct order_role role;

	if (order_role_decode(
		request->attachment, request->attachment_len, &role) != SR_OK)
		return SR_PARAMETERS;
	principal = book_principal(book, role.principal);
	if (principal == NULL)
		return SR_NO_ACCOUNT;
	if (principal->revoked || principal->erased)
		return SR_PARAMETERS;
	if (principal->role == role.role)
		return SR_ALREADY;
	if (role.role == ROLE_CUSTOMER)
		return check_return(book, principal);
	return check_promotion(book, principal, &role);
}

void
book_change_role(struct book *book, const struct book_request *request,
    struct book_effect *effect)
{
	struct book_principal *principal;
	struct book_account *main_account, *till;
	struct order_role role;

	if (order_role_decode(
		request->attachment, request->attachment_len, &role) != SR_OK)
		assert(false && "checked before");
	principal = book_principal_row(book, role.principal);
	main_account =
	    book_account(book, account_id(role.principal, ACCOUNT_INDEX_MAIN));
	effect->revoked_principal = role.principal;
	if (role.till_maximum_minor != 0) {
		give_till(book, principal, ROLE_TELLER, role.till_maximum_minor,
		    effect);
		return;
	}
	till = own_till(book, principal);
	if (role.role == ROLE_CUSTOMER && till != NULL)
		till->status = ACCOUNT_CLOSED;
	principal->role = role.role;
	principal->till = role.till;
	main_account->status =
	    role.role == ROLE_CUSTOMER ? ACCOUNT_OPEN : ACCOUNT_CLOSED;
	effect->enrolled_principal = role.principal;
}

enum sr_error
book_rule_revoke(struct book_turn *turn)
{
	struct book *book = turn->book;
	struct book_principal *principal;
	struct book_account *till;
	struct book_terminal *terminal;
	struct order_revoke revoke;

	if (order_revoke_decode(
		turn->attachment, turn->attachment_len, &revoke) != SR_OK ||
	    !book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	principal = book_principal_row(book, revoke.principal);
	if (principal == NULL ||
	    (principal->role != ROLE_TERMINAL &&
		principal->role != ROLE_TELLER) ||
	    principal->terminal != revoke.terminal)
		return SR_PARAMETERS;
	if (principal->revoked)
		return SR_ALREADY;
	principal->revoked = true;
	turn->effect->revoked_principal = principal->customer;
	/* a shared till goes on without this one */
	till = own_till(book, principal);
	if (till != NULL && till->status != ACCOUNT_CLOSED) {
		till->status = ACCOUNT_FROZEN;
		book_drop_released(book, till->id);
	}
	if (principal->role != ROLE_TERMINAL)
		return SR_OK;
	terminal = book_table_at(&book->terminals,
	    book_index_find(&book->terminal_index, revoke.terminal));
	assert(terminal != NULL && terminal->principal == revoke.principal);
	terminal->revoked = true;
	terminal->epoch++;
	turn->effect->revoked = terminal;
	return SR_OK;
}

enum sr_error
book_rule_role_revoke(struct book_turn *turn)
{
	struct book_principal *principal;
	uint64_t customer;

	if (order_account_decode(
		turn->attachment, turn->attachment_len, &customer) != SR_OK ||
	    !book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	principal = book_principal_row(turn->book, customer);
	if (principal == NULL || (principal->role != ROLE_OPERATOR &&
				     principal->role != ROLE_AUDITOR))
		return SR_PARAMETERS;
	if (principal->revoked)
		return SR_ALREADY;
	if (principal->role == ROLE_OPERATOR &&
	    count_operators(turn->book) <= 2)
		return SR_LAST_OPERATORS;
	principal->revoked = true;
	turn->effect->revoked_principal = customer;
	return SR_OK;
}
