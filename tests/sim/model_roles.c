/* SPDX-License-Identifier: ISC */
/* Who may do what in the model, and how that changes. */
#include <string.h>

#include "tests/sim/model_rules.h"

bool
role_may(unsigned kind, unsigned role)
{
	bool customer = role == ROLE_CUSTOMER;
	bool operator= role == ROLE_OPERATOR;
	bool terminal = role == ROLE_TERMINAL;
	bool cashier = terminal || role == ROLE_TELLER;

	switch (kind) {
	case ORDER_TRANSFER:
	case ORDER_HOLD:
	case ORDER_CLOSE:
	case ORDER_ACCOUNT_OPEN:
	case ORDER_ERASE:
		return customer;
	case ORDER_DEPOSIT:
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
		return cashier;
	case ORDER_POST:
	case ORDER_VOID:
		return terminal;
	case ORDER_UNDO:
		return customer || cashier;
	case ORDER_CASH_OUT:
		return cashier || operator;
	case ORDER_CERTIFY:
		return role == ROLE_AUDITOR;
	default:
		return operator;
	}
}

/* Whether the main account can be given up for another role. */
static uint64_t
main_is_empty(struct model *model, uint64_t customer)
{
	const struct model_account *a = model_account(model, customer << 16);

	uint64_t why = 0;

	if (a->posted != 0 || a->held != 0 || any_hold(model, a->id) ||
	    count_open(model, customer, false) > 0)
		why |= WHY(SR_NOT_EMPTY);
	if (a->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	else if (a->frozen)
		why |= WHY(SR_ACCOUNT_FROZEN);
	return why;
}

static bool
terminal_taken(const struct model *model, uint32_t terminal)
{
	for (unsigned i = 0; i < model->people; i++)
		if (terminal != 0 && model->person[i].terminal == terminal)
			return true;
	return false;
}

/* One that was closed stays closed, and there is no second one. */
static bool
had_a_till(const struct model *model, uint64_t customer)
{
	return model_account(model, customer << 16 | 1) != NULL;
}

static void
give_own_till(struct model *model, struct model_person *who, int64_t maximum)
{
	struct model_account *till =
	    add_account(model, who->customer << 16 | 1, MODEL_TILL);

	till->floor = till->soft_floor = -maximum;
	who->till = till->id;
}

/* ---- Enrol and revoke ------------------------------------------------------------- */

uint64_t
why_not_enrol(struct model *model, const struct model_request *r)
{
	const struct model_person *who;
	struct order_enrol enrol;
	uint64_t why = is_bare(&r->order);

	if (order_enrol_decode(r->attachment, r->attachment_len, &enrol) !=
	    SR_OK)
		return WHY(SR_PARAMETERS);
	who = model_person(model, enrol.principal);
	if (who == NULL)
		return why | WHY(SR_NO_ACCOUNT);
	if (who->role != ROLE_CUSTOMER || who->revoked || who->erased)
		why |= WHY(SR_ALREADY) | WHY(SR_PARAMETERS);
	/* as it was before there were roles to give: not told apart */
	if (who->role == ROLE_CUSTOMER &&
	    main_is_empty(model, who->customer) != 0)
		why |= WHY(SR_PARAMETERS) | WHY(SR_NOT_EMPTY) |
		       main_is_empty(model, who->customer);
	if (terminal_taken(model, enrol.terminal) ||
	    had_a_till(model, enrol.principal))
		why |= WHY(SR_ALREADY);
	return why;
}

void
do_enrol(struct model *model, const struct model_request *r)
{
	struct model_person *who;
	struct order_enrol enrol;

	if (order_enrol_decode(r->attachment, r->attachment_len, &enrol) !=
	    SR_OK)
		return;
	who = find_person(model, enrol.principal);
	find_account(model, enrol.principal << 16)->closed = true;
	who->role = enrol.role;
	who->terminal = enrol.terminal;
	give_own_till(model, who, enrol.till_maximum_minor);
}

uint64_t
do_revoke(struct turn *turn)
{
	struct model *model = turn->model;
	struct order_revoke revoke;
	struct model_person *who;
	uint64_t why = is_bare(turn->o);

	if (order_revoke_decode(turn->attachment, turn->len, &revoke) != SR_OK)
		return WHY(SR_PARAMETERS);
	who = find_person(model, revoke.principal);
	if (who == NULL)
		return why | WHY(SR_PARAMETERS) | WHY(SR_NO_ACCOUNT);
	if ((who->role != ROLE_TERMINAL && who->role != ROLE_TELLER) ||
	    who->terminal != revoke.terminal)
		why |= WHY(SR_PARAMETERS);
	if (who->revoked)
		why |= WHY(SR_ALREADY);
	if (why != 0)
		return why;
	who->revoked = true;
	if (who->till != (who->customer << 16 | 1))
		return 0;
	find_account(model, who->till)->frozen = true;
	for (unsigned i = 0; i < model->holds;)
		if (model->hold[i].till == who->till && model->hold[i].released)
			drop_hold(model, &model->hold[i]);
		else
			i++;
	return 0;
}

uint64_t
why_not_auditor(struct model *model, const struct model_request *r)
{
	struct order_auditor auditor;
	uint64_t why = is_bare(&r->order);

	if (order_auditor_decode(r->attachment, r->attachment_len, &auditor) !=
	    SR_OK)
		return WHY(SR_PARAMETERS);
	for (unsigned i = 0; i < model->auditors; i++)
		if (strcmp(model->auditor[i].name, auditor.name) == 0 ||
		    memcmp(model->auditor[i].key, auditor.key, 32) == 0)
			why |= WHY(SR_ALREADY);
	return why;
}

void
do_auditor(struct model *model, const struct model_request *r)
{
	if (model->auditors == MODEL_AUDITORS)
		model->full = true;
	else if (order_auditor_decode(r->attachment, r->attachment_len,
		     &model->auditor[model->auditors]) == SR_OK)
		model->auditors++;
}

/* ---- Other roles -------------------------------------------------------------------- */

/* True when one operator less would leave fewer than two. */
static bool
last_operators(const struct model *model, const struct model_person *who)
{
	unsigned others = 0;

	for (unsigned i = 0; i < model->people; i++)
		others += model->person[i].role == ROLE_OPERATOR &&
			  !model->person[i].revoked && &model->person[i] != who;
	return who->role == ROLE_OPERATOR && others < 2;
}

/* Why a customer may not become that. */
static uint64_t
why_not_rise(struct model *model, const struct model_person *who,
    const struct order_role *role)
{
	const struct model_account *till = model_account(model, role->till);
	uint64_t why = 0;

	if (who->role != ROLE_CUSTOMER)
		return WHY(SR_PARAMETERS);
	why |= main_is_empty(model, who->customer);
	if (role->role != ROLE_TELLER)
		return why | (role->till != 0 || role->till_maximum_minor != 0
				     ? WHY(SR_PARAMETERS)
				     : 0);
	if ((role->till == 0) == (role->till_maximum_minor == 0) ||
	    role->till_maximum_minor < 0)
		why |= WHY(SR_PARAMETERS);
	if (role->till_maximum_minor != 0 && had_a_till(model, who->customer))
		why |= WHY(SR_ALREADY);
	if (role->till != 0 && (till == NULL || till->type != MODEL_TILL))
		why |= WHY(SR_NO_ACCOUNT) | WHY(SR_PARAMETERS);
	else if (role->till != 0 && till->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	return why;
}

/* Why one may not become a customer again. */
static uint64_t
why_not_fall(struct model *model, const struct model_person *who,
    const struct order_role *role)
{
	const struct model_account *till = model_account(model, who->till);
	uint64_t why = 0;

	if (role->till != 0 || role->till_maximum_minor != 0)
		why |= WHY(SR_PARAMETERS);
	if (last_operators(model, who))
		why |= WHY(SR_LAST_OPERATORS);
	if (till != NULL && till->id >> 16 == who->customer &&
	    (till->posted != 0 || till->held != 0 || any_hold(model, till->id)))
		why |= WHY(SR_NOT_EMPTY);
	return why;
}

uint64_t
why_not_reset(struct model *model, const struct model_request *r, uint64_t now)
{
	const struct model_person *who;
	struct order_reset reset;
	uint64_t why = is_bare(&r->order);

	if (order_reset_decode(r->attachment, r->attachment_len, &reset) !=
	    SR_OK)
		return WHY(SR_PARAMETERS);
	if (reset.until_ms <= now)
		why |= WHY(SR_REQUEST_EXPIRED);
	else if (reset.until_ms > now + UINT64_C(366) * 24 * 3600 * 1000)
		why |= WHY(SR_PARAMETERS);
	who = model_person(model, reset.customer);
	if (who == NULL)
		return why | WHY(SR_NO_ACCOUNT);
	if (who->role != ROLE_CUSTOMER || who->erased)
		why |= WHY(SR_PARAMETERS);
	if (find_account(model, who->customer << 16)->closed)
		why |= WHY(SR_ACCOUNT_CLOSED);
	if (memcmp(reset.attestation_hash, who->attested, 32) != 0)
		why |= WHY(SR_ALREADY);
	return why;
}

uint64_t
why_not_role(struct model *model, const struct model_request *r)
{
	const struct model_person *who;
	struct order_role role;
	uint64_t why = is_bare(&r->order);

	if (order_role_decode(r->attachment, r->attachment_len, &role) != SR_OK)
		return WHY(SR_PARAMETERS);
	who = model_person(model, role.principal);
	if (who == NULL)
		return why | WHY(SR_NO_ACCOUNT) | WHY(SR_PARAMETERS);
	if (who->revoked || who->erased || who->role == ROLE_TERMINAL ||
	    role.role == ROLE_TERMINAL)
		why |= WHY(SR_PARAMETERS);
	if (who->role == role.role)
		return why | WHY(SR_ALREADY);
	return why |
	       (role.role == ROLE_CUSTOMER ? why_not_fall(model, who, &role)
					   : why_not_rise(model, who, &role));
}

void
do_role(struct model *model, const struct model_request *r)
{
	struct model_account *till;
	struct model_person *who;
	struct order_role role;

	if (order_role_decode(r->attachment, r->attachment_len, &role) != SR_OK)
		return;
	who = find_person(model, role.principal);
	find_account(model, who->customer << 16)->closed =
	    role.role != ROLE_CUSTOMER;
	if (role.role == ROLE_CUSTOMER) {
		find_account(model, who->customer << 16)->frozen = false;
		till = find_account(model, who->till);
		if (till != NULL && till->id >> 16 == who->customer)
			till->closed = true;
		who->till = 0;
	} else if (role.till != 0) {
		who->till = role.till;
	} else if (role.role == ROLE_TELLER) {
		give_own_till(model, who, role.till_maximum_minor);
	}
	who->role = role.role;
}

uint64_t
do_role_revoke(struct turn *turn)
{
	struct model_person *who;
	uint64_t customer;
	uint64_t why = is_bare(turn->o);

	if (order_account_decode(turn->attachment, turn->len, &customer) !=
	    SR_OK)
		return WHY(SR_PARAMETERS);
	who = find_person(turn->model, customer);
	if (who == NULL)
		return why | WHY(SR_NO_ACCOUNT) | WHY(SR_PARAMETERS);
	if (who->role != ROLE_OPERATOR && who->role != ROLE_AUDITOR)
		why |= WHY(SR_PARAMETERS);
	if (who->revoked)
		why |= WHY(SR_ALREADY);
	else if (last_operators(turn->model, who))
		why |= WHY(SR_LAST_OPERATORS);
	if (why == 0)
		who->revoked = true;
	return why;
}
