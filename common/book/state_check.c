/* SPDX-License-Identifier: ISC */
/*
 * Whether rows that were read are a book: what the rules rely on and never
 * ask.  Must never let in a state in which a rule would stop the program, or
 * money would be made.
 */
#include <string.h>

#include "common/book/fields.h"

static bool
is_of_type(const struct book *book, uint64_t id, enum account_type type)
{
	const struct book_account *account = book_account(book, id);

	return account != NULL && account->type == type;
}

/* Bytes of a label that are none are zero. */
static bool
label_right(const struct book_account *account)
{
	static const char none[ORDER_LABEL_MAX];
	size_t len = account->label_len;

	return memcmp(account->label + len, none, sizeof(none) - len) == 0 &&
	       (len == 0 || order_label_check(account->label, len) == SR_OK);
}

static bool
account_right(const struct book_account *account)
{
	return account->held_minor >= 0 && account->floor_minor > INT64_MIN &&
	       account->floor_minor <= account->soft_floor_minor &&
	       account->soft_floor_minor <= account->ceiling_minor &&
	       account->day_limit_minor >= 0 &&
	       (!account->till_closed || account->type == ACCOUNT_TILL) &&
	       label_right(account);
}

/* All accounts together have nothing. */
static bool
accounts_right(const struct book *book)
{
	__int128 sum = 0;

	for (uint64_t i = 0; i < book->accounts.count; i++) {
		const struct book_account *account = book_account_at(book, i);

		if (!account_right(account))
			return false;
		sum += account->posted_minor;
	}
	return sum == 0;
}

/* Everybody has a main account, and a till who works at one. */
static bool
principal_right(const struct book *book, const struct book_principal *principal)
{
	bool at_till =
	    principal->role == ROLE_TERMINAL || principal->role == ROLE_TELLER;

	if (!is_of_type(book,
		account_id(principal->customer, ACCOUNT_INDEX_MAIN),
		ACCOUNT_CUSTOMER))
		return false;
	if (principal->erased && principal->role != ROLE_CUSTOMER)
		return false;
	return at_till ? is_of_type(book, principal->till, ACCOUNT_TILL)
		       : principal->till == 0;
}

static bool
people_right(const struct book *book)
{
	for (uint64_t i = 0; i < book->principals.count; i++)
		if (!principal_right(book, book_principal_at(book, i)))
			return false;
	for (uint64_t i = 0; i < book->terminals.count; i++) {
		const struct book_terminal *terminal =
		    book_terminal_at(book, i);

		if (book_principal(book, terminal->principal) == NULL ||
		    !is_of_type(book, terminal->till, ACCOUNT_TILL))
			return false;
	}
	return true;
}

/* Their parameters are decoded again when they are approved. */
static bool
requests_right(const struct book *book)
{
	for (unsigned i = 0; i < book->request_count; i++) {
		const struct book_request *request = &book->request[i];

		if (order_attachment_check(request->kind, request->attachment,
			request->attachment_len) != SR_OK ||
		    request->amount_minor < 0 ||
		    (i > 0 && request[-1].leaf >= request->leaf))
			return false;
	}
	return true;
}

static bool
holds_right(const struct book *book)
{
	for (unsigned i = 0; i < book->hold_count; i++) {
		const struct book_hold *hold = &book->hold[i];

		if (hold->amount_minor <= 0 ||
		    !is_of_type(book, hold->account, ACCOUNT_CUSTOMER) ||
		    !is_of_type(book, hold->till, ACCOUNT_TILL) ||
		    (i > 0 && hold[-1].leaf >= hold->leaf))
			return false;
	}
	return true;
}

/* No sum of its hours overflows. */
static bool
flow_right(const struct book_flow *flow)
{
	int64_t sum = 0;

	for (size_t i = 0; i < BOOK_FLOW_HOURS; i++)
		if (flow->bucket_minor[i] < 0 ||
		    __builtin_add_overflow(sum, flow->bucket_minor[i], &sum))
			return false;
	return flow->hour <= UINT64_MAX - BOOK_FLOW_HOURS;
}

/* Each belongs to one account. */
static enum sr_error
check_flows(const struct book *book)
{
	struct book_index taken;
	enum sr_error error = SR_OK;

	for (uint64_t i = 0; i < book->flows.count; i++)
		if (!flow_right(book_table_at(&book->flows, i)))
			return SR_MALFORMED;
	book_index_init(&taken);
	for (uint64_t i = 0; error == SR_OK && i < book->accounts.count; i++) {
		uint32_t flow = book_account_at(book, i)->flow;

		if (flow == 0)
			continue;
		if (flow > book->flows.count ||
		    book_index_find(&taken, flow) != BOOK_NO_PLACE)
			error = SR_MALFORMED;
		else
			error = book_index_reserve(&taken);
		if (error == SR_OK)
			book_index_add(&taken, flow, i);
	}
	if (error == SR_OK && taken.count != book->flows.count)
		error = SR_MALFORMED;
	book_index_free(&taken);
	return error;
}

/* The kinds that are remembered, each after the one before. */
static bool
postings_right(const struct book *book)
{
	uint64_t first = book->posting_count - book->postings.count;
	const struct book_posting *before = NULL;

	for (uint64_t n = first; n < book->posting_count; n++) {
		const struct book_posting *posting =
		    book_table_at(&book->postings, n % BOOK_POSTINGS);

		if ((posting->kind != ORDER_TRANSFER &&
			posting->kind != ORDER_DEPOSIT &&
			posting->kind != ORDER_ISSUE &&
			posting->kind != ORDER_ADJUST) ||
		    posting->amount_minor <= 0 ||
		    posting->debit == posting->credit ||
		    book_account(book, posting->debit) == NULL ||
		    book_account(book, posting->credit) == NULL ||
		    (before != NULL && before->leaf >= posting->leaf))
			return false;
		before = posting;
	}
	return true;
}

static bool
policy_right(const struct book *book)
{
	const struct order_policy *policy = &book->policy;
	uint8_t bytes[ORDER_POLICY_LEN];
	struct order_policy read;

	if (!book->founded)
		return true;
	order_policy_encode(policy, bytes);
	return order_policy_decode(bytes, sizeof(bytes), &read) == SR_OK;
}

enum sr_error
book_state_check(const struct book *book)
{
	if (!policy_right(book) || !accounts_right(book) ||
	    !people_right(book) || !requests_right(book) ||
	    !holds_right(book) || !postings_right(book))
		return SR_MALFORMED;
	return check_flows(book);
}
