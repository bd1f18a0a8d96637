/* SPDX-License-Identifier: ISC */
/* Cash that is counted, and cash that goes to the safe, in the model. */
#include "tests/sim/model_rules.h"

static uint64_t
why_not_count(const struct turn *turn, const struct order_count *count)
{
	const struct order *o = turn->o;
	const struct model_account *till =
	    model_account(turn->model, count->till);
	uint64_t why = works_at(turn, count->till);

	if (o->debit != 0 || o->credit != 0)
		why |= WHY(SR_PARAMETERS);
	if (o->amount_minor != count->sum_minor)
		why |= WHY(SR_AMOUNT) | WHY(SR_PARAMETERS);
	if (till == NULL)
		return why;
	if (o->kind == ORDER_TILL_OPEN && !till->till_closed)
		why |= WHY(SR_ALREADY);
	if (o->kind != ORDER_TILL_OPEN && till->till_closed)
		why |= WHY(SR_TILL_CLOSED);
	/* a released hold is open no more, though it may still be posted */
	if (o->kind == ORDER_TILL_CLOSE && till->held != 0)
		why |= WHY(SR_NOT_EMPTY);
	return why;
}

uint64_t
do_count(struct turn *turn)
{
	struct model *model = turn->model;
	struct model_account *till, *other;
	struct order_count count;
	__int128 more, after;
	uint64_t why;

	if (order_count_decode(turn->attachment, turn->len, &count) != SR_OK)
		return WHY(SR_PARAMETERS);
	why = why_not_count(turn, &count);
	if (why != 0)
		return why;
	till = find_account(model, count.till);
	more = (__int128)count.sum_minor + till->posted;
	other = turn->o->kind == ORDER_TILL_OPEN && more > 0
		    ? find_account(model, ACCOUNT_ISSUE)
		    : NULL;
	if (other == NULL)
		other = find_account(model, ACCOUNT_OVER_SHORT);
	after = other->posted + more;
	if (after > INT64_MAX || after < INT64_MIN)
		return WHY(SR_AMOUNT);
	move(till, other, (int64_t)more);
	if (more < 0) {
		till->floor -= (int64_t)more;
		if (till->floor > 0)
			till->floor = 0;
		till->soft_floor = till->floor;
	}
	till->till_closed = turn->o->kind == ORDER_TILL_CLOSE;
	return 0;
}

uint64_t
why_not_cash_out(struct model *model, const struct model_request *r)
{
	const struct order *o = &r->order;
	const struct model_account *till = model_account(model, o->credit);
	const struct model_account *safe = model_account(model, o->debit);
	uint64_t why = 0;

	if (o->amount_minor <= 0)
		why |= WHY(SR_AMOUNT);
	if (o->debit != ACCOUNT_ISSUE)
		why |= WHY(SR_PARAMETERS) | WHY(SR_NO_ACCOUNT);
	if (safe == NULL || till == NULL || till->type != MODEL_TILL)
		return why | WHY(SR_NO_ACCOUNT) | WHY(SR_NOT_YOURS);
	return why | gives(safe, o->amount_minor, true) |
	       takes(till, o->amount_minor, true);
}

void
do_cash_out(struct model *model, const struct model_request *r)
{
	move(find_account(model, r->order.debit),
	    find_account(model, r->order.credit), r->order.amount_minor);
}
