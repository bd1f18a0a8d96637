/* SPDX-License-Identifier: ISC */
/* Money from one account to another in the model, and back. */
#include "tests/sim/model_rules.h"

static bool
is_customers(const struct model_account *account)
{
	return account != NULL && account->type == MODEL_CUSTOMER;
}

static uint64_t
is_amount(const struct order *o)
{
	return o->amount_minor > 0 ? 0 : WHY(SR_AMOUNT);
}

static void
remember_turn(struct turn *turn)
{
	const struct order *o = turn->o;

	remember(turn->model, &(struct model_posting){.leaf = turn->leaf,
				  .time_ms = turn->now,
				  .debit = o->debit,
				  .credit = o->credit,
				  .amount = o->amount_minor,
				  .kind = o->kind});
}

uint64_t
do_transfer(struct turn *turn)
{
	const struct order *o = turn->o;
	struct model_account *from = find_account(turn->model, o->debit);
	struct model_account *to = find_account(turn->model, o->credit);
	bool own = o->credit >> 16 == o->signer;
	uint64_t why = is_amount(o);

	if (!is_customers(from) || from->id >> 16 != o->signer)
		why |= WHY(SR_NOT_YOURS);
	if (o->debit == o->credit)
		why |= WHY(SR_SAME_ACCOUNT);
	if (!is_customers(to))
		why |= WHY(SR_NO_ACCOUNT);
	if (from == NULL || to == NULL)
		return why;
	why |= gives(from, o->amount_minor, false) |
	       takes(to, o->amount_minor, true);
	if (!own)
		why |= leaves(turn, from);
	if (why != 0)
		return why;
	move(from, to, o->amount_minor);
	if (!own)
		flow_add(turn, from->id, o->amount_minor);
	remember_turn(turn);
	return 0;
}

uint64_t
do_deposit(struct turn *turn)
{
	const struct order *o = turn->o;
	struct model_account *till = find_account(turn->model, o->debit);
	struct model_account *to = find_account(turn->model, o->credit);
	uint64_t why = works_at(turn, o->debit) | is_amount(o);

	if (!is_customers(to))
		why |= WHY(SR_NO_ACCOUNT);
	if (o->debit == o->credit)
		why |= WHY(SR_SAME_ACCOUNT);
	if (till != NULL && till->till_closed)
		why |= WHY(SR_TILL_CLOSED);
	if (till != NULL)
		why |= gives(till, o->amount_minor, false);
	if (to != NULL)
		why |= takes(to, o->amount_minor, true);
	if (why != 0)
		return why;
	move(till, to, o->amount_minor);
	remember_turn(turn);
	return 0;
}

/* ---- Back -------------------------------------------------------------------- */

static struct model_posting *
find_posting(struct model *model, uint64_t leaf)
{
	uint64_t first = model->postings > MODEL_POSTINGS
			     ? model->postings - MODEL_POSTINGS
			     : 0;

	for (uint64_t i = model->postings; i > first; i--) {
		struct model_posting *p =
		    &model->posting[(i - 1) % MODEL_POSTINGS];

		if (p->leaf == leaf)
			return p;
		/* they stand by leaf */
		if (p->leaf < leaf)
			break;
	}
	return NULL;
}

/* What stands in the way of the way back, whoever asks for it. */
static uint64_t
why_not_back(
    struct model *model, const struct order *o, const struct model_posting *p)
{
	uint64_t why = 0;

	if (p->undone)
		why |= WHY(SR_UNDONE);
	if (o->debit != p->credit || o->credit != p->debit ||
	    o->amount_minor != p->amount)
		why |= WHY(SR_PARAMETERS);
	return why | takes(find_account(model, p->debit), p->amount, false);
}

static void
back(struct model *model, struct model_posting *p)
{
	move(find_account(model, p->credit), find_account(model, p->debit),
	    p->amount);
	p->undone = true;
}

uint64_t
do_undo(struct turn *turn)
{
	struct model *model = turn->model;
	struct model_posting *p = find_posting(model, turn->o->refers_to);
	uint64_t why = is_amount(turn->o);

	if (p == NULL)
		return why | WHY(SR_TOO_OLD);
	why |= why_not_back(model, turn->o, p);
	switch (p->kind) {
	case ORDER_TRANSFER:
		if (p->credit >> 16 != turn->o->signer)
			why |= WHY(SR_NOT_YOURS);
		break;
	case ORDER_DEPOSIT:
		why |= works_at(turn, p->debit);
		if (turn->now > p->time_ms + model->policy.undo_ms)
			why |= WHY(SR_TOO_LATE);
		if (find_account(model, p->debit)->till_closed)
			why |= WHY(SR_TILL_CLOSED);
		break;
	default:
		why |= WHY(SR_NOT_YOURS);
	}
	why |= gives(find_account(model, p->credit), p->amount, false);
	if (why == 0)
		back(model, p);
	return why;
}

uint64_t
why_not_reverse(struct model *model, const struct model_request *r)
{
	struct model_posting *p = find_posting(model, r->order.refers_to);

	uint64_t why = is_amount(&r->order);

	if (p == NULL)
		return why | WHY(SR_TOO_OLD);
	return why | why_not_back(model, &r->order, p) |
	       gives(find_account(model, p->credit), p->amount, true);
}

void
do_reverse(struct model *model, const struct model_request *r)
{
	back(model, find_posting(model, r->order.refers_to));
}

/* ---- Issue and adjust ------------------------------------------------------------ */

uint64_t
why_not_post_by_operators(struct model *model, const struct model_request *r)
{
	const struct order *o = &r->order;
	struct model_account *from = find_account(model, o->debit);
	struct model_account *to = find_account(model, o->credit);
	uint64_t why = is_amount(o);

	if (o->debit == o->credit)
		why |= WHY(SR_SAME_ACCOUNT);
	if (o->kind == ORDER_ISSUE && o->debit != ACCOUNT_ISSUE)
		why |= WHY(SR_PARAMETERS) | WHY(SR_NO_ACCOUNT);
	if (o->kind == ORDER_ISSUE && !is_customers(to))
		why |= WHY(SR_PARAMETERS) | WHY(SR_NO_ACCOUNT);
	if (from == NULL || to == NULL)
		why |= WHY(SR_NO_ACCOUNT);
	if (from == NULL || to == NULL)
		return why;
	return why | gives(from, o->amount_minor, true) |
	       takes(to, o->amount_minor, true);
}

void
do_post_by_operators(struct model *model, const struct model_request *r,
    uint64_t leaf, uint64_t now)
{
	const struct order *o = &r->order;

	move(find_account(model, o->debit), find_account(model, o->credit),
	    o->amount_minor);
	remember(model, &(struct model_posting){.leaf = leaf,
			    .time_ms = now,
			    .debit = o->debit,
			    .credit = o->credit,
			    .amount = o->amount_minor,
			    .kind = o->kind});
}
