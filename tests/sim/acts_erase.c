/* SPDX-License-Identifier: ISC */
/*
 * People who leave: they give away what they have, close their accounts one by
 * one and have themselves erased.  The faults of such a step strike at the
 * erasure, mostly.  Their names are free then, and others come.
 */
#include <stdio.h>
#include <string.h>

#include "common/ids.h"
#include "tests/sim/acts.h"

enum { ORDERS_TO_LEAVE = 8 };

/* The last one that is open; NULL. */
static const struct model_account *
last_open(const struct model *model, uint64_t customer)
{
	const struct model_account *found = NULL;

	for (unsigned i = 0; i < model->accounts; i++) {
		const struct model_account *a = &model->account[i];

		if (a->type == MODEL_CUSTOMER && !a->closed &&
		    account_customer(a->id) == customer)
			found = a;
	}
	return found;
}

bool
acts_empty(struct world *world, struct actor *who)
{
	const struct model *model = &world->audit.model;
	uint64_t bob = world->actor[ACTOR_BOB].person.m4.account;

	if (!people_enter(world, who) || !acts_look(world))
		return false;
	for (unsigned i = 0; i < model->accounts; i++) {
		const struct model_account *a = &model->account[i];
		struct order order;

		if (a->posted <= a->held || a->type != MODEL_CUSTOMER ||
		    account_customer(a->id) != who->person.m4.customer)
			continue;
		order = people_order(world, who, ORDER_TRANSFER);
		order.debit = a->id;
		order.credit = bob;
		order.amount_minor = a->posted - a->held;
		(void)people_sign(world, who, &order, NULL, 0);
	}
	people_resend(world, who);
	return acts_look(world);
}

/* One account less, or the erasure; false when that is the last word. */
static bool
leave(struct world *world, struct actor *who, const uint64_t *draw)
{
	const struct model_account *open =
	    last_open(&world->audit.model, who->person.m4.customer);
	uint8_t block[ORDER_ACCOUNT_LEN];
	size_t before = world->acks;
	struct order order;

	order =
	    people_order(world, who, open != NULL ? ORDER_CLOSE : ORDER_ERASE);
	if (open != NULL) {
		order_account_encode(open->id, block);
	} else if ((draw[3] >> 8) % 4 != 0) {
		recover_arm(world);
	}
	(void)people_sign(
	    world, who, &order, block, open != NULL ? sizeof(block) : 0);
	people_resend(world, who);
	return open != NULL && world->up && world->acks > before &&
	       world->ack[before].outcome == SR_OK && acts_look(world);
}

/* Whoever was erased is known to nobody, by no secret. */
static void
haunt(struct world *world, uint64_t draw)
{
	const struct ghost *ghost;
	struct sim_person person;
	enum sr_error error;

	if (world->ghosts == 0 || !world->up)
		return;
	ghost = &world->ghost[draw % world->ghosts];
	sim_person_init(&person, ghost->name, ghost->secret);
	error = draw >> 8 & 1 ? sim_person_log_in_by(world->bank, &person,
				    SLOT_RECOVERY, "a code")
			      : sim_person_log_in_by(world->bank, &person,
				    SLOT_PASSWORD, ghost->secret);
	if (error == SR_OK && !world->spoilt && !world->stale)
		world_fail(world, "%s is erased and was let in", ghost->name);
	(void)world_go(world);
}

struct actor *
acts_newcomer(struct world *world, uint64_t draw)
{
	struct actor *found = NULL;
	unsigned count = 0;

	for (unsigned i = ACTORS_FURNISHED; i < world->actors; i++)
		count += world->actor[i].registered;
	if (count == 0)
		acts_register_somebody(world);
	else
		draw %= count;
	for (unsigned i = ACTORS_FURNISHED; i < world->actors; i++)
		if (world->actor[i].registered && (count == 0 || draw-- == 0)) {
			found = &world->actor[i];
			break;
		}
	return found;
}

void
acts_erase(struct world *world, const uint64_t *draw)
{
	struct actor *who = &world->actor[ACTOR_DORA];

	haunt(world, draw[1]);
	if (!who->registered || draw[0] % 3 != 0)
		who = acts_newcomer(world, draw[2]);
	if (who == NULL || !acts_empty(world, who))
		return;
	for (unsigned i = 0; i < ORDERS_TO_LEAVE && who->in; i++)
		if (!leave(world, who, draw))
			break;
}

/* ---- who is gone ------------------------------------------------------------ */

static void
become_ghost(struct world *world, struct actor *actor)
{
	struct ghost *ghost = &world->ghost[world->ghosts];
	char name[sizeof(actor->name)];

	if (world->ghosts == GHOSTS_MAX)
		world_fail(world, "more who were erased than the world takes");
	world->ghosts++;
	ghost->customer = actor->person.m4.customer;
	memcpy(ghost->name, actor->name, sizeof(ghost->name));
	memcpy(ghost->secret, actor->secret[0], sizeof(ghost->secret));
	world_tell(world, "    %s is erased", actor->name);
	/* another one may come and bear that name */
	memcpy(name, actor->name, sizeof(name));
	memset(actor, 0, sizeof(*actor));
	memcpy(actor->name, name, sizeof(name));
	snprintf(actor->secret[0], sizeof(actor->secret[0]), "the next's %u",
	    world->ghosts);
	sim_person_init(&actor->person, actor->name, actor->secret[0]);
}

void
acts_look_for_erased(struct world *world)
{
	const struct model_person *person;

	for (unsigned i = 0; i < world->actors; i++) {
		struct actor *actor = &world->actor[i];

		person = model_person(
		    &world->audit.model, actor->person.m4.customer);
		if (actor->registered && person != NULL && person->erased)
			become_ghost(world, actor);
	}
}
