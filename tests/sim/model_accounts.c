/* SPDX-License-Identifier: ISC */
/* Accounts that open and close in the model, and how far they may go. */
#include <string.h>

#include "tests/sim/model_rules.h"

enum { FIRST = 2, LAST = 99, EACH = 8 };

/* ---- Open, close, erase -------------------------------------------------------- */

static bool
has_label(
    const struct model *model, uint64_t customer, const void *label, size_t len)
{
	for (unsigned i = 0; i < model->accounts; i++) {
		const struct model_account *a = &model->account[i];

		if (a->id >> 16 == customer && !a->closed &&
		    strlen(a->label) == len &&
		    memcmp(a->label, label, len) == 0)
			return true;
	}
	return false;
}

static unsigned
first_unused(const struct model *model, uint64_t customer)
{
	unsigned index = FIRST;

	while (model_account(model, customer << 16 | index) != NULL)
		index++;
	return index;
}

uint64_t
do_account_open(struct turn *turn)
{
	struct model *model = turn->model;
	const struct order_limits *limits = &model->policy.customer;
	uint64_t me = turn->o->signer;
	const struct model_account *first = model_account(model, me << 16);
	unsigned index = first_unused(model, me);
	struct model_account *new;
	uint64_t why = 0;

	if (turn->o->debit != 0 || turn->o->amount_minor != 0 ||
	    turn->o->credit != (me << 16 | index))
		why |= WHY(SR_PARAMETERS);
	if (index > LAST || count_open(model, me, true) >= EACH)
		why |= WHY(SR_ACCOUNTS_FULL);
	if (first->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	if (first->frozen)
		why |= WHY(SR_ACCOUNT_FROZEN);
	if (has_label(model, me, turn->attachment, turn->len))
		why |= WHY(SR_ALREADY);
	if (why != 0)
		return why;
	new = add_account(model, me << 16 | index, MODEL_CUSTOMER);
	new->ceiling = limits->ceiling_minor;
	new->day_limit = limits->day_limit_minor;
	memcpy(new->label, turn->attachment, turn->len);
	return 0;
}

/* The account that an attachment of 16 bytes names; NULL. */
static struct model_account *
named(struct model *model, const uint8_t *attachment, size_t len)
{
	uint64_t id;

	if (order_account_decode(attachment, len, &id) != SR_OK)
		return NULL;
	return find_account(model, id);
}

uint64_t
do_close(struct turn *turn)
{
	struct model_account *a =
	    named(turn->model, turn->attachment, turn->len);
	uint64_t me = turn->o->signer;
	uint64_t why = is_bare(turn->o);

	if (a == NULL || a->type != MODEL_CUSTOMER || a->id >> 16 != me)
		return why | WHY(SR_NOT_YOURS);
	if (a->closed)
		why |= WHY(SR_ALREADY) | WHY(SR_ACCOUNT_CLOSED);
	if (a->frozen)
		why |= WHY(SR_ACCOUNT_FROZEN);
	if (a->posted != 0 || a->held != 0 || any_hold(turn->model, a->id))
		why |= WHY(SR_NOT_EMPTY);
	if (a->id == me << 16 && count_open(turn->model, me, false) > 0)
		why |= WHY(SR_NOT_EMPTY);
	if (why == 0)
		a->closed = true;
	return why;
}

uint64_t
do_erase(struct turn *turn)
{
	uint64_t why = is_bare(turn->o);

	if (count_open(turn->model, turn->o->signer, true) > 0)
		why |= WHY(SR_NOT_EMPTY);
	if (why == 0)
		turn->signer->erased = true;
	return why;
}

/* ---- Frozen ------------------------------------------------------------------------ */

uint64_t
do_freeze(struct turn *turn)
{
	struct model_account *a =
	    named(turn->model, turn->attachment, turn->len);
	uint64_t why = is_bare(turn->o);

	if (a == NULL)
		return why | WHY(SR_NO_ACCOUNT) | WHY(SR_PARAMETERS);
	if (a->type == MODEL_BANKS_OWN)
		why |= WHY(SR_PARAMETERS);
	if (a->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	if (a->frozen)
		why |= WHY(SR_ALREADY);
	if (why == 0)
		a->frozen = true;
	return why;
}

uint64_t
why_not_unfreeze(struct model *model, const struct model_request *r)
{
	const struct model_account *a =
	    named(model, r->attachment, r->attachment_len);
	const struct model_person *owner;
	uint64_t why = is_bare(&r->order);

	if (a == NULL)
		return why | WHY(SR_NO_ACCOUNT) | WHY(SR_PARAMETERS);
	if (a->type == MODEL_BANKS_OWN)
		why |= WHY(SR_PARAMETERS);
	if (a->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	else if (!a->frozen)
		why |= WHY(SR_ALREADY);
	/* a till that was frozen with its owner's authority stays so */
	owner = model_person(model, a->id >> 16);
	if (owner != NULL && owner->revoked)
		why |= WHY(SR_PARAMETERS);
	return why;
}

void
do_unfreeze(struct model *model, const struct model_request *r)
{
	named(model, r->attachment, r->attachment_len)->frozen = false;
}

/* ---- Limits ---------------------------------------------------------------------------- */

/* Why these can be nobody's limits, or not that account's. */
static uint64_t
why_not_these(
    struct model *model, const struct order *o, const struct order_limits *l)
{
	const struct model_account *a = model_account(model, l->account);
	uint64_t why = is_bare(o);

	if (l->floor_minor > l->soft_floor_minor ||
	    l->soft_floor_minor > l->ceiling_minor || l->day_limit_minor < 0)
		why |= WHY(SR_PARAMETERS);
	if (a == NULL)
		return why | WHY(SR_NO_ACCOUNT) | WHY(SR_PARAMETERS);
	if (a->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	if (a->type == MODEL_BANKS_OWN || l->floor_minor > 0 ||
	    l->ceiling_minor < 0)
		why |= WHY(SR_PARAMETERS);
	if (a->type == MODEL_TILL &&
	    (l->ceiling_minor != 0 || l->soft_floor_minor != l->floor_minor ||
		l->day_limit_minor != INT64_MAX))
		why |= WHY(SR_PARAMETERS);
	return why;
}

static void
set_limits(struct model *model, const struct order_limits *l)
{
	struct model_account *a = find_account(model, l->account);

	a->floor = l->floor_minor;
	a->soft_floor = l->soft_floor_minor;
	a->ceiling = l->ceiling_minor;
	a->day_limit = l->day_limit_minor;
}

uint64_t
do_lower(struct turn *turn)
{
	const struct model_account *a;
	struct order_limits l;
	uint64_t why;

	if (order_limits_decode(turn->attachment, turn->len, &l) != SR_OK)
		return WHY(SR_PARAMETERS);
	why = why_not_these(turn->model, turn->o, &l);
	a = model_account(turn->model, l.account);
	if (a != NULL &&
	    (l.floor_minor < a->floor || l.ceiling_minor > a->ceiling ||
		l.day_limit_minor > a->day_limit))
		why |= WHY(SR_NOT_LOWER);
	if (why == 0)
		set_limits(turn->model, &l);
	return why;
}

uint64_t
why_not_raise(struct model *model, const struct model_request *r)
{
	struct order_limits l;

	if (order_limits_decode(r->attachment, r->attachment_len, &l) != SR_OK)
		return WHY(SR_PARAMETERS);
	return why_not_these(model, &r->order, &l);
}

void
do_raise(struct model *model, const struct model_request *r)
{
	struct order_limits l;

	if (order_limits_decode(r->attachment, r->attachment_len, &l) == SR_OK)
		set_limits(model, &l);
}

uint64_t
why_not_policy(const struct model_request *r)
{
	const struct order_limits *l;
	struct order_policy policy;
	uint64_t why = is_bare(&r->order);

	if (order_policy_decode(r->attachment, r->attachment_len, &policy) !=
	    SR_OK)
		return WHY(SR_PARAMETERS);
	l = &policy.customer;
	if (l->floor_minor > l->soft_floor_minor ||
	    l->soft_floor_minor > l->ceiling_minor || l->floor_minor > 0 ||
	    l->ceiling_minor < 0 || l->day_limit_minor < 0 ||
	    policy.order_life_ms == 0 ||
	    policy.order_life_ms > ORDER_LIFE_MAX_MS ||
	    policy.request_life_ms == 0 || policy.undo_ms > ORDER_UNDO_MAX_MS)
		why |= WHY(SR_PARAMETERS);
	return why;
}

void
do_policy(struct model *model, const struct model_request *r, uint64_t now)
{
	struct order_policy policy;

	if (order_policy_decode(r->attachment, r->attachment_len, &policy) !=
	    SR_OK)
		return;
	forget_expired(model, now);
	model->policy = policy;
}
