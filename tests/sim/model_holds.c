/* SPDX-License-Identifier: ISC */
/* Withdrawals in the model, and what may leave an account in a day. */
#include <string.h>

#include "tests/sim/model_rules.h"

enum { OVERDUE_MS = 600000, HOUR_MS = 3600000, HOLDS_EACH = 8 };

struct model_hold *
find_hold(struct model *model, uint64_t leaf)
{
	for (unsigned i = 0; i < model->holds; i++)
		if (model->hold[i].leaf == leaf)
			return &model->hold[i];
	return NULL;
}

void
drop_hold(struct model *model, struct model_hold *hold)
{
	size_t place = (size_t)(hold - model->hold);

	model->holds--;
	memmove(hold, hold + 1, (model->holds - place) * sizeof(*hold));
}

bool
any_hold(const struct model *model, uint64_t account)
{
	for (unsigned i = 0; i < model->holds; i++)
		if (model->hold[i].account == account ||
		    model->hold[i].till == account)
			return true;
	return false;
}

/* ---- What left in this hour and the 24 before it ----------------------------- */

static int64_t
left_already(const struct model *model, uint64_t account, uint64_t now)
{
	uint64_t hour = now / HOUR_MS;
	int64_t sum = 0;

	for (unsigned i = 0; i < model->flows; i++)
		if (model->flow[i].account == account &&
		    model->flow[i].hour + 24 >= hour)
			sum += model->flow[i].amount;
	return sum;
}

static int64_t
left_of(const struct model *model, const struct model_account *account,
    uint64_t time_ms)
{
	int64_t left;

	if (account->day_limit == INT64_MAX)
		return INT64_MAX;
	left = account->day_limit - left_already(model, account->id, time_ms);
	return left > 0 ? left : 0;
}

/* The main account, whose limit holds for its owner's further ones, too. */
static const struct model_account *
main_of(const struct model *model, const struct model_account *account)
{
	return account->type == MODEL_CUSTOMER && (account->id & 0xffff) != 0
		   ? model_account(model, account->id >> 16 << 16)
		   : account;
}

int64_t
model_day_left(const struct model *model, const struct model_account *account,
    uint64_t time_ms)
{
	int64_t own = left_of(model, account, time_ms);
	int64_t all = left_of(model, main_of(model, account), time_ms);

	return own < all ? own : all;
}

uint64_t
leaves(const struct turn *turn, const struct model_account *account)
{
	return turn->o->amount_minor >
		       model_day_left(turn->model, account, turn->now)
		   ? WHY(SR_LIMIT)
		   : 0;
}

/* Rows that count no more make room. */
static void
flow_prune(struct model *model, uint64_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < model->flows; i++)
		if (model->flow[i].hour + 24 >= now / HOUR_MS)
			model->flow[kept++] = model->flow[i];
	model->flows = kept;
}

static void
flow_add_one(struct turn *turn, uint64_t account, int64_t amount)
{
	struct model *model = turn->model;

	/* what leaves while there is no limit is never counted */
	if (find_account(model, account)->day_limit == INT64_MAX)
		return;
	if (model->flows > 0 &&
	    model->flow[model->flows - 1].hour != turn->now / HOUR_MS)
		flow_prune(model, turn->now);
	if (model->flows == MODEL_FLOWS) {
		model->full = true;
		return;
	}
	model->flow[model->flows++] = (struct model_flow){.account = account,
	    .hour = turn->now / HOUR_MS,
	    .leaf = turn->leaf,
	    .amount = amount};
}

void
flow_add(struct turn *turn, uint64_t account, int64_t amount)
{
	uint64_t main_id =
	    main_of(turn->model, model_account(turn->model, account))->id;

	flow_add_one(turn, account, amount);
	if (main_id != account)
		flow_add_one(turn, main_id, amount);
}

void
flow_take_back(struct model *model, uint64_t leaf, int64_t amount)
{
	for (unsigned i = 0; i < model->flows; i++)
		if (model->flow[i].leaf == leaf)
			model->flow[i].amount -= amount;
}

/* ---- Hold, post, void, release ---------------------------------------------------- */

/* The till of the enrolled terminal that the order names. */
static bool
at_its_terminal(const struct turn *turn)
{
	const struct order *o = turn->o;

	for (unsigned i = 0; i < turn->model->people; i++) {
		const struct model_person *p = &turn->model->person[i];

		if (o->terminal != 0 && p->terminal == o->terminal &&
		    p->role == ROLE_TERMINAL && !p->revoked)
			return p->till == o->credit;
	}
	return false;
}

uint64_t
do_hold(struct turn *turn)
{
	struct model *model = turn->model;
	const struct order *o = turn->o;
	struct model_account *from = find_account(model, o->debit);
	struct model_account *till = find_account(model, o->credit);
	unsigned open = 0;
	uint64_t why = 0;

	if (o->amount_minor <= 0)
		why |= WHY(SR_AMOUNT);
	if (from == NULL || from->type != MODEL_CUSTOMER ||
	    from->id >> 16 != o->signer)
		why |= WHY(SR_NOT_YOURS);
	if (!at_its_terminal(turn))
		why |= WHY(SR_NO_TERMINAL);
	if (from == NULL || till == NULL)
		return why;
	for (unsigned i = 0; i < model->holds; i++)
		open += model->hold[i].account == from->id;
	if (open >= HOLDS_EACH || model->holds == MODEL_HOLDS)
		why |= WHY(SR_HOLDS_FULL);
	why |= gives(from, o->amount_minor, false) | leaves(turn, from) |
	       takes(till, o->amount_minor, true);
	if (till->frozen)
		why |= WHY(SR_ACCOUNT_FROZEN);
	if (till->till_closed)
		why |= WHY(SR_TILL_CLOSED);
	if (why != 0)
		return why;
	model->hold[model->holds++] = (struct model_hold){.leaf = turn->leaf,
	    .time_ms = turn->now,
	    .account = from->id,
	    .till = till->id,
	    .amount = o->amount_minor};
	from->held += o->amount_minor;
	till->held += o->amount_minor;
	flow_add(turn, from->id, o->amount_minor);
	return 0;
}

/* What was reserved is free again, and all but `out` never left. */
static void
give_back(struct model *model, struct model_hold *hold, int64_t out)
{
	if (!hold->released) {
		find_account(model, hold->account)->held -= hold->amount;
		find_account(model, hold->till)->held -= hold->amount;
		flow_take_back(model, hold->leaf, hold->amount - out);
	}
	hold->released = true;
}

uint64_t
do_settle(struct turn *turn)
{
	struct model *model = turn->model;
	const struct order *o = turn->o;
	struct model_hold *hold = find_hold(model, o->refers_to);
	bool post = o->kind == ORDER_POST;
	struct model_account *from, *till;
	uint64_t why = post ? 0 : is_bare(o);

	if (o->terminal != turn->signer->terminal)
		why |= WHY(SR_NOT_YOURS);
	if (hold == NULL)
		return why | WHY(SR_HOLD_STATE);
	if (turn->signer->till != hold->till)
		why |= WHY(SR_NOT_YOURS);
	if (post && (o->debit != hold->account || o->credit != hold->till))
		why |= WHY(SR_PARAMETERS);
	if (post && (o->amount_minor <= 0 || o->amount_minor > hold->amount))
		why |= WHY(SR_AMOUNT) | WHY(SR_PARAMETERS);
	if (why != 0)
		return why;
	if (post) {
		from = find_account(model, hold->account);
		till = find_account(model, hold->till);
		move(from, till, o->amount_minor);
	}
	give_back(model, hold, o->amount_minor);
	drop_hold(model, hold);
	return 0;
}

/* A revoked till settles nothing any more. */
static bool
stranded(struct model *model, const struct model_hold *hold)
{
	const struct model_person *till = find_person(model, hold->till >> 16);

	return till != NULL && till->revoked;
}

uint64_t
why_not_release(
    struct model *model, const struct model_request *r, uint64_t now)
{
	const struct model_hold *hold = find_hold(model, r->order.refers_to);
	struct order_release release;
	uint64_t why = is_bare(&r->order);

	if (order_release_decode(r->attachment, r->attachment_len, &release) !=
	    SR_OK)
		return WHY(SR_PARAMETERS);
	if (hold == NULL)
		return why | WHY(SR_HOLD_STATE);
	if (hold->released)
		why |= WHY(SR_HOLD_STATE);
	if (release.account != hold->account ||
	    release.amount_minor != hold->amount)
		why |= WHY(SR_PARAMETERS);
	if (!stranded(model, hold) && now < hold->time_ms + OVERDUE_MS)
		why |= WHY(SR_NOT_OVERDUE);
	return why;
}

void
do_release(struct model *model, const struct model_request *r)
{
	struct model_hold *hold = find_hold(model, r->order.refers_to);

	give_back(model, hold, 0);
	if (stranded(model, hold))
		drop_hold(model, hold);
}
