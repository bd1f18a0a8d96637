/* SPDX-License-Identifier: ISC */
/* Four eyes in the model: one asks, another one approves. */
#include <string.h>

#include "tests/sim/model_rules.h"

enum { WAITING_MAX = 64 };

static uint64_t
why_not(struct model *model, const struct model_request *r, uint64_t now)
{
	switch (r->order.kind) {
	case ORDER_RELEASE_REQUEST:
		return why_not_release(model, r, now);
	case ORDER_AUDITOR_REQUEST:
		return why_not_auditor(model, r);
	case ORDER_ENROL_REQUEST:
		return why_not_enrol(model, r);
	case ORDER_REVERSE:
		return why_not_reverse(model, r);
	case ORDER_ISSUE:
	case ORDER_ADJUST:
		return why_not_post_by_operators(model, r);
	case ORDER_POLICY:
		return why_not_policy(r);
	case ORDER_ROLE:
		return why_not_role(model, r);
	case ORDER_RAISE_LIMIT:
		return why_not_raise(model, r);
	case ORDER_UNFREEZE:
		return why_not_unfreeze(model, r);
	case ORDER_CASH_OUT:
		return why_not_cash_out(model, r);
	case ORDER_RETIRE:
		return is_bare(&r->order);
	case ORDER_RESET:
		return why_not_reset(model, r, now);
	default:
		return WHY(SR_PARAMETERS);
	}
}

static void
carry_out(struct turn *turn, const struct model_request *r)
{
	struct model *model = turn->model;

	switch (r->order.kind) {
	case ORDER_RELEASE_REQUEST:
		do_release(model, r);
		break;
	case ORDER_AUDITOR_REQUEST:
		do_auditor(model, r);
		break;
	case ORDER_ENROL_REQUEST:
		do_enrol(model, r);
		break;
	case ORDER_REVERSE:
		do_reverse(model, r);
		break;
	case ORDER_ISSUE:
	case ORDER_ADJUST:
		do_post_by_operators(model, r, turn->leaf, turn->now);
		break;
	case ORDER_POLICY:
		do_policy(model, r, turn->now);
		break;
	case ORDER_ROLE:
		do_role(model, r);
		break;
	case ORDER_RAISE_LIMIT:
		do_raise(model, r);
		break;
	case ORDER_UNFREEZE:
		do_unfreeze(model, r);
		break;
	case ORDER_CASH_OUT:
		do_cash_out(model, r);
		break;
	default:
		break;
	}
}

static bool
expired(const struct model *model, const struct model_request *r, uint64_t now)
{
	return now - r->time_ms > model->policy.request_life_ms;
}

void
forget_expired(struct model *model, uint64_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < model->requests; i++)
		if (!expired(model, &model->request[i], now))
			model->request[kept++] = model->request[i];
	model->requests = kept;
}

unsigned
model_waiting(const struct model *model, uint64_t time_ms)
{
	unsigned count = 0;

	for (unsigned i = 0; i < model->requests; i++)
		count += !model->request[i].used &&
			 !expired(model, &model->request[i], time_ms);
	return count;
}

/* What one asked for who may not ask for it any more is void. */
static bool
is_void(struct model *model, const struct model_request *r)
{
	const struct model_person *by = model_person(model, r->order.signer);

	return by->revoked || !role_may(r->order.kind, by->role);
}

static void
forget_void(struct model *model)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < model->requests; i++)
		if (!is_void(model, &model->request[i]))
			model->request[kept++] = model->request[i];
	model->requests = kept;
}

static void
forget_used(struct model *model)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < model->requests; i++)
		if (!model->request[i].used)
			model->request[kept++] = model->request[i];
	model->requests = kept;
}

uint64_t
do_request(struct turn *turn)
{
	struct model *model = turn->model;
	struct model_request r = {.leaf = turn->leaf,
	    .time_ms = turn->now,
	    .order = *turn->o,
	    .attachment_len = turn->len};
	uint64_t why = 0;

	if (turn->len > sizeof(r.attachment))
		return WHY(SR_PARAMETERS);
	memcpy(r.hash, turn->hash, 32);
	if (turn->len != 0)
		memcpy(r.attachment, turn->attachment, turn->len);
	if (r.order.kind == ORDER_CASH_OUT &&
	    turn->signer->role != ROLE_OPERATOR &&
	    turn->signer->till != r.order.credit)
		why |= WHY(SR_NOT_YOURS);
	why |= why_not(model, &r, turn->now);
	if (why == 0)
		forget_expired(model, turn->now);
	if (why == 0 && model_waiting(model, turn->now) >= WAITING_MAX)
		forget_void(model);
	if (model_waiting(model, turn->now) >= WAITING_MAX)
		why |= WHY(SR_REQUESTS_FULL);
	if (why != 0)
		return why;
	if (model->requests == MODEL_REQUESTS)
		forget_used(model);
	model->request[model->requests++] = r;
	return 0;
}

uint64_t
do_approve(struct turn *turn)
{
	struct model *model = turn->model;
	struct model_request *r = NULL;
	uint64_t why = is_bare(turn->o);

	for (unsigned i = 0; i < model->requests; i++)
		if (model->request[i].leaf == turn->o->refers_to)
			r = &model->request[i];
	if (r == NULL)
		return why | WHY(SR_NO_REQUEST);
	if (turn->len != 32 || memcmp(r->hash, turn->attachment, 32) != 0)
		why |= WHY(SR_NO_REQUEST);
	if (r->order.signer == turn->o->signer)
		why |= WHY(SR_OWN_REQUEST);
	if (is_void(model, r))
		why |= WHY(SR_NO_REQUEST);
	/* the bank may have forgotten those that are over */
	if (r->used)
		return why | WHY(SR_ALREADY) | WHY(SR_NO_REQUEST);
	if (expired(model, r, turn->now))
		why |= WHY(SR_REQUEST_EXPIRED) | WHY(SR_NO_REQUEST);
	why |= why_not(model, r, turn->now);
	if (why != 0)
		return why;
	r->used = true;
	carry_out(turn, r);
	return 0;
}
