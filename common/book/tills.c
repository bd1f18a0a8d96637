/* SPDX-License-Identifier: ISC */
/*
 * Tills: opened, counted, closed, and cash taken out of them.  Must never let
 * those who work at a till make room in it: what is short lowers the cash it
 * may hold, and what leaves it for the safe needs an operator's approval.  So
 * a dishonest teller is bounded by the till's maximum, for ever.
 */
#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

/* The bank's own account that takes a difference. */
static struct book_account *
difference_account(const struct book *book, unsigned kind, bool more)
{
	struct book_account *issue = book_account(book, ACCOUNT_ISSUE);

	/* a till begins with what was brought from the safe */
	if (kind == ORDER_TILL_OPEN && more && issue != NULL)
		return issue;
	return book_account(book, ACCOUNT_OVER_SHORT);
}

/* The till, and whether it may be counted now in that way. */
static enum sr_error
find_till(const struct book_turn *turn, const struct order_count *count,
    struct book_account **till)
{
	unsigned kind = turn->order->kind;
	enum sr_error error = book_own_till(turn, count->till, till);

	if (error == SR_TILL_CLOSED && kind == ORDER_TILL_OPEN)
		error = SR_OK;
	else if (error == SR_OK && kind == ORDER_TILL_OPEN)
		error = SR_ALREADY;
	if (error != SR_OK)
		return error;
	if ((*till)->status != ACCOUNT_OPEN)
		return (*till)->status == ACCOUNT_FROZEN ? SR_ACCOUNT_FROZEN
							 : SR_ACCOUNT_CLOSED;
	if (kind == ORDER_TILL_CLOSE && (*till)->held_minor != 0)
		return SR_NOT_EMPTY;
	return SR_OK;
}

/*
 * Posts the difference between what was counted and what the books say.
 * SR_AMOUNT when it is beyond what an account can hold.
 */
static enum sr_error
settle(struct book_turn *turn, struct book_account *till)
{
	int64_t counted = turn->order->amount_minor, more, after, floor;
	struct book_account *other;

	/* the books say -posted */
	if (__builtin_add_overflow(counted, till->posted_minor, &more))
		return SR_AMOUNT;
	other = difference_account(turn->book, turn->order->kind, more > 0);
	if (__builtin_add_overflow(other->posted_minor, more, &after))
		return SR_AMOUNT;
	if (more < 0) {
		if (__builtin_sub_overflow(till->floor_minor, more, &floor))
			return SR_AMOUNT;
		till->floor_minor = floor < 0 ? floor : 0;
		till->soft_floor_minor = till->floor_minor;
	}
	till->posted_minor = -counted;
	other->posted_minor = after;
	turn->effect->touched[turn->effect->touched_count++] = till;
	if (more != 0)
		turn->effect->touched[turn->effect->touched_count++] = other;
	return SR_OK;
}

enum sr_error
book_rule_till(struct book_turn *turn)
{
	const struct order *order = turn->order;
	struct order_count count;
	struct book_account *till;
	enum sr_error error;

	if (order_count_decode(
		turn->attachment, turn->attachment_len, &count) != SR_OK ||
	    order->debit != 0 || order->credit != 0)
		return SR_PARAMETERS;
	if (order->amount_minor < 0 || order->amount_minor != count.sum_minor)
		return SR_AMOUNT;
	error = find_till(turn, &count, &till);
	if (error == SR_OK)
		error = settle(turn, till);
	if (error == SR_OK)
		till->till_closed = order->kind == ORDER_TILL_CLOSE;
	return error;
}

/* The cash must be there, and not promised to anybody. */
enum sr_error
book_check_cash_out(const struct book *book, const struct book_request *request)
{
	const struct book_account *till = book_account(book, request->credit);
	const struct book_account *issue = book_account(book, ACCOUNT_ISSUE);
	int64_t after;

	if (request->debit != ACCOUNT_ISSUE || issue == NULL || till == NULL ||
	    till->type != ACCOUNT_TILL)
		return SR_NO_ACCOUNT;
	if (till->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	if (__builtin_add_overflow(
		till->posted_minor, till->held_minor, &after) ||
	    __builtin_add_overflow(after, request->amount_minor, &after) ||
	    after > 0)
		return SR_TILL_EMPTY;
	if (__builtin_sub_overflow(
		issue->posted_minor, request->amount_minor, &after))
		return SR_AMOUNT;
	return SR_OK;
}

void
book_cash_out(struct book *book, const struct book_request *request,
    struct book_effect *effect)
{
	book_move(book_account(book, request->debit),
	    book_account(book, request->credit), request->amount_minor, effect);
}
