/* SPDX-License-Identifier: ISC */
/*
 * Postings that can be undone, and the corrections: undo by those concerned,
 * reverse, issue and adjust by two operators.  Must never correct anything
 * twice, and never by more or less than what was posted.
 */
#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

/* ---- the last postings ------------------------------------------------------ */

/* Number n, from 0, of all that were ever remembered. */
static struct book_posting *
posting_at(const struct book *book, uint64_t n)
{
	return book_table_at(&book->postings, n % BOOK_POSTINGS);
}

/* They are in the order of their leaves. */
static struct book_posting *
find_posting(const struct book *book, uint64_t leaf)
{
	uint64_t high = book->posting_count;
	uint64_t low = high - book->postings.count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (posting_at(book, middle)->leaf < leaf)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == book->posting_count || posting_at(book, low)->leaf != leaf)
		return NULL;
	return posting_at(book, low);
}

const struct book_posting *
book_posting(const struct book *book, uint64_t leaf)
{
	return find_posting(book, leaf);
}

void
book_remember(struct book *book, const struct book_posting *posting)
{
	struct book_posting *row;

	/* nothing can be undone by the first rules */
	if (book->rules <= ENTRY_RULES_FIRST)
		return;
	row = book->postings.count < BOOK_POSTINGS
		  ? book_table_add(&book->postings)
		  : posting_at(book, book->posting_count);
	*row = *posting;
	book->posting_count++;
}

/* ---- undo and reverse ---------------------------------------------------------- */

/* What corrects a posting says the same with the accounts swapped. */
static enum sr_error
check_original(const struct book_posting *posting, uint64_t debit,
    uint64_t credit, int64_t amount_minor)
{
	if (debit != posting->credit || credit != posting->debit ||
	    amount_minor != posting->amount_minor)
		return SR_PARAMETERS;
	return posting->undone ? SR_UNDONE : SR_OK;
}

/* Room on both sides of the bank's own accounts, which have no limits. */
static bool
fits(const struct book_account *debit, const struct book_account *credit,
    int64_t amount_minor)
{
	int64_t after;

	return !__builtin_sub_overflow(
		   debit->posted_minor, amount_minor, &after) &&
	       !__builtin_add_overflow(
		   credit->posted_minor, amount_minor, &after);
}

/* Cash that goes back to a till's books must not be more than it had out. */
static enum sr_error
till_takes_back(const struct book_account *till, int64_t amount_minor)
{
	int64_t after;

	if (till->type != ACCOUNT_TILL)
		return SR_OK;
	if (__builtin_add_overflow(
		till->posted_minor, till->held_minor, &after) ||
	    __builtin_add_overflow(after, amount_minor, &after) || after > 0)
		return SR_TILL_EMPTY;
	return SR_OK;
}

/* Whether the correction can be posted; neither frozen nor ceilings count. */
static enum sr_error
check_correction(const struct book *book, uint64_t debit_id, uint64_t credit_id,
    int64_t amount_minor)
{
	const struct book_account *debit = book_account(book, debit_id);
	const struct book_account *credit = book_account(book, credit_id);
	enum sr_error error;

	if (credit->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	error = book_has(debit, amount_minor);
	if (error == SR_OK)
		error = till_takes_back(credit, amount_minor);
	if (error != SR_OK)
		return error;
	return fits(debit, credit, amount_minor) ? SR_OK : SR_AMOUNT;
}

/* Whether the signer may take that posting back now. */
static enum sr_error
may_undo(const struct book_turn *turn, const struct book_posting *posting)
{
	struct book_account *till;
	enum sr_error error;

	if (posting->kind == ORDER_TRANSFER)
		return book_own_account(turn, posting->credit) != NULL
			   ? SR_OK
			   : SR_NOT_YOURS;
	if (posting->kind != ORDER_DEPOSIT)
		return SR_NOT_YOURS;
	error = book_own_till(turn, posting->debit, &till);
	if (error != SR_OK)
		return error;
	if (till->status == ACCOUNT_FROZEN)
		return SR_ACCOUNT_FROZEN;
	return turn->time_ms - posting->time_ms > turn->book->policy.undo_ms
		   ? SR_TOO_LATE
		   : SR_OK;
}

enum sr_error
book_rule_undo(struct book_turn *turn)
{
	const struct order *order = turn->order;
	struct book *book = turn->book;
	struct book_account *debit;
	struct book_posting *posting = find_posting(book, order->refers_to);
	enum sr_error error;

	if (posting == NULL)
		return SR_TOO_OLD;
	/* a stranger is told neither what it says nor what became of it */
	error = may_undo(turn, posting);
	if (error == SR_OK)
		error = check_original(
		    posting, order->debit, order->credit, order->amount_minor);
	if (error != SR_OK)
		return error;
	debit = book_account(book, order->debit);
	if (debit->status == ACCOUNT_FROZEN)
		return SR_ACCOUNT_FROZEN;
	error = check_correction(
	    book, order->debit, order->credit, order->amount_minor);
	if (error != SR_OK)
		return error;
	posting->undone = true;
	book_move(debit, book_account(book, order->credit), order->amount_minor,
	    turn->effect);
	return SR_OK;
}

enum sr_error
book_check_reverse(const struct book *book, const struct book_request *request)
{
	const struct book_posting *posting =
	    find_posting(book, request->refers_to);
	enum sr_error error;

	if (posting == NULL)
		return SR_TOO_OLD;
	error = check_original(
	    posting, request->debit, request->credit, request->amount_minor);
	return error == SR_OK ? check_correction(book, request->debit,
				    request->credit, request->amount_minor)
			      : error;
}

void
book_reverse(struct book *book, const struct book_request *request,
    struct book_effect *effect)
{
	struct book_posting *posting = find_posting(book, request->refers_to);

	posting->undone = true;
	book_move(book_account(book, request->debit),
	    book_account(book, request->credit), request->amount_minor, effect);
}

/* ---- issue and adjust ------------------------------------------------------------ */

/* The side that gives: the bank's own accounts have no limits. */
static enum sr_error
check_debit(const struct book_account *debit, int64_t amount_minor)
{
	if (debit->type == ACCOUNT_CUSTOMER || debit->type == ACCOUNT_TILL)
		return book_has(debit, amount_minor);
	return SR_OK;
}

static enum sr_error
check_credit(const struct book_account *credit, int64_t amount_minor)
{
	if (credit->type == ACCOUNT_TILL)
		return credit->status == ACCOUNT_CLOSED
			   ? SR_ACCOUNT_CLOSED
			   : till_takes_back(credit, amount_minor);
	return credit->type == ACCOUNT_CUSTOMER
		   ? book_may_take(credit, amount_minor)
		   : SR_OK;
}

enum sr_error
book_check_posting(const struct book *book, const struct book_request *request)
{
	const struct book_account *debit = book_account(book, request->debit);
	const struct book_account *credit = book_account(book, request->credit);
	enum sr_error error;

	if (debit == NULL || credit == NULL)
		return SR_NO_ACCOUNT;
	if (debit == credit)
		return SR_SAME_ACCOUNT;
	if (request->kind == ORDER_ISSUE &&
	    (request->debit != ACCOUNT_ISSUE ||
		credit->type != ACCOUNT_CUSTOMER))
		return SR_NO_ACCOUNT;
	error = check_debit(debit, request->amount_minor);
	if (error == SR_OK)
		error = check_credit(credit, request->amount_minor);
	if (error != SR_OK)
		return error;
	return fits(debit, credit, request->amount_minor) ? SR_OK : SR_AMOUNT;
}

void
book_post(struct book *book, const struct book_request *request, uint64_t leaf,
    uint64_t time_ms, struct book_effect *effect)
{
	book_move(book_account(book, request->debit),
	    book_account(book, request->credit), request->amount_minor, effect);
	book_remember(book, &(struct book_posting){.leaf = leaf,
				.time_ms = time_ms,
				.debit = request->debit,
				.credit = request->credit,
				.amount_minor = request->amount_minor,
				.kind = request->kind});
}
