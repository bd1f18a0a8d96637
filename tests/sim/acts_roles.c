/* SPDX-License-Identifier: ISC */
/*
 * Who comes and goes with the bank: tellers with a till of their own or with
 * another's, operators, auditors, and the way back; the policy that accounts
 * begin with.
 */
#include <string.h>

#include "common/authority.h"
#include "tests/sim/acts.h"

static void
order_role(struct world *world, const struct order_role *role, uint64_t draw)
{
	uint8_t parameters[ORDER_ROLE_LEN];

	order_role_encode(role, parameters);
	acts_four_eyes(
	    world, ORDER_ROLE, 0, parameters, sizeof(parameters), draw);
}

/* One operator is enough for it, as long as two are left. */
static void
revoke(struct world *world, uint64_t customer, uint64_t draw)
{
	struct actor *one = acts_operator(world, draw);
	uint8_t parameters[ORDER_ACCOUNT_LEN];
	struct order order;

	if (!people_enter(world, one))
		return;
	order_account_encode(customer, parameters);
	order = people_order(world, one, ORDER_ROLE_REVOKE);
	(void)people_sign(world, one, &order, parameters, sizeof(parameters));
	people_resend(world, one);
}

/* What a customer becomes. */
static void
appoint(struct world *world, struct actor *who, const uint64_t *draw)
{
	static const uint8_t roles[] = {
	    ROLE_TELLER, ROLE_TELLER, ROLE_OPERATOR, ROLE_AUDITOR};
	struct order_role role = {
	    .principal = who->person.m4.customer, .role = roles[draw[1] % 4]};

	if (role.role == ROLE_TELLER && draw[1] & 4)
		role.till = world->actor[ACTOR_LOBBY].person.m4.till_account;
	else if (role.role == ROLE_TELLER)
		role.till_maximum_minor = 2000;
	/* with money in the account it is declined */
	if (draw[1] % 16 < 14 && !acts_empty(world, who))
		return;
	order_role(world, &role, draw[2]);
}

/* A teller's day; then perhaps the last one. */
static void
work_or_end(struct world *world, struct actor *who,
    const struct model_person *person, const uint64_t *draw)
{
	struct order_role role = {
	    .principal = person->customer, .role = ROLE_CUSTOMER};
	uint64_t customer = person->customer;
	struct order order;

	if (person->role == ROLE_TELLER && draw[1] % 4 < 2) {
		if (!people_enter(world, who))
			return;
		order = people_order(world, who, ORDER_DEPOSIT);
		order.debit = person->till;
		order.credit = acts_customer(world, draw[3])->person.m4.account;
		order.amount_minor = 1 + (int64_t)(draw[3] % 900);
		(void)people_sign(world, who, &order, NULL, 0);
		people_resend(world, who);
	} else if (person->role != ROLE_TELLER && draw[1] % 4 == 0) {
		revoke(world, customer, draw[2]);
	} else {
		order_role(world, &role, draw[2]);
	}
}

void
acts_role(struct world *world, const uint64_t *draw)
{
	struct actor *who = acts_newcomer(world, draw[0]);
	const struct model_person *person;
	struct model_person before;

	if (!acts_look(world))
		return;
	/* one of the founders, as long as there are three */
	if (draw[0] >> 8 & 1 && draw[1] % 4 == 0) {
		who = acts_operator(world, draw[2] + 1);
		revoke(world, who->person.m4.customer, draw[2]);
		return;
	}
	person = who != NULL ? model_person(
				   &world->audit.model, who->person.m4.customer)
			     : NULL;
	if (person == NULL || person->revoked)
		return;
	before = *person;
	if (person->role == ROLE_CUSTOMER)
		appoint(world, who, draw);
	else
		work_or_end(world, who, person, draw);
	/* whose role is another has no session of before any more */
	if (world->up && who->in && acts_look(world) &&
	    (person->role != before.role || person->revoked))
		world_fail(
		    world, "%s has a new role in an old session", who->name);
}

void
acts_policy(struct world *world, const uint64_t *draw)
{
	struct order_policy policy = {
	    .customer = {.floor_minor = -(int64_t)(draw[0] % 2 * 500),
		.ceiling_minor = draw[0] & 2 ? INT64_MAX : 20000,
		.day_limit_minor = draw[0] & 4 ? INT64_MAX : 1500},
	    .order_life_ms = 60000 + draw[1] % 60000,
	    .request_life_ms = draw[0] & 8 ? 3600000 : 20000,
	    .undo_ms = draw[0] & 16 ? 900000 : 0};
	uint8_t parameters[ORDER_POLICY_LEN];

	policy.customer.soft_floor_minor = policy.customer.floor_minor;
	order_policy_encode(&policy, parameters);
	acts_four_eyes(
	    world, ORDER_POLICY, 0, parameters, sizeof(parameters), draw[2]);
}
