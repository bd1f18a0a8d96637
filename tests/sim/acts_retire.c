/* SPDX-License-Identifier: ISC */
/*
 * An auditor certifies the books, months go by, and two operators retire what
 * lies before.  The faults of such a step strike at the retirement, mostly.
 * What goes is kept here, as somebody outside would who has read it before.
 */
#include <string.h>

#include "tests/sim/acts.h"

enum { MONTH_MS = 31 * 86400 * 1000u, SNAPSHOTS = 3 };

static struct actor *
auditor(struct world *world, const uint64_t *draw)
{
	struct order_role role = {.role = ROLE_AUDITOR};
	uint8_t parameters[ORDER_ROLE_LEN];
	const struct model_person *person;
	struct actor *who;

	for (unsigned i = ACTORS_FURNISHED; i < world->actors; i++) {
		who = &world->actor[i];
		person = who->registered ? model_person(&world->audit.model,
					       who->person.m4.customer)
					 : NULL;
		if (person != NULL && person->role == ROLE_AUDITOR &&
		    !person->revoked)
			return who;
	}
	who = acts_newcomer(world, draw[0]);
	if (who == NULL || !acts_empty(world, who))
		return NULL;
	role.principal = who->person.m4.customer;
	order_role_encode(&role, parameters);
	acts_four_eyes(
	    world, ORDER_ROLE, 0, parameters, sizeof(parameters), draw[1]);
	return who;
}

/* A month ends with a segment, and that mostly with a snapshot. */
static bool
next_month(struct world *world)
{
	struct actor *ada = &world->actor[ACTOR_ADA];
	struct order order;

	sim_advance(world->bank->sim, MONTH_MS);
	if (!world->up || !people_enter(world, ada))
		return false;
	order = people_order(world, ada, ORDER_TRANSFER);
	order.debit = ada->person.m4.account;
	order.credit = world->actor[ACTOR_BOB].person.m4.account;
	order.amount_minor = 1;
	(void)people_sign(world, ada, &order, NULL, 0);
	people_resend(world, ada);
	return world_go(world) && acts_look(world);
}

static bool
certify(
    struct world *world, struct actor *who, const struct entry_snapshot *last)
{
	uint8_t parameters[ORDER_CERTIFY_LEN];
	struct order_certify certify = {.snapshot = last->number,
	    .segment = last->segment,
	    .offset = last->offset,
	    .size = last->size};
	struct order order;

	if (last->number == 0 || !people_enter(world, who) ||
	    !acts_look(world) || last->size > world->audit.count)
		return false;
	memcpy(certify.hash, last->hash, sizeof(certify.hash));
	memcpy(
	    certify.root, world->audit.root[last->size], sizeof(certify.root));
	order_certify_encode(&certify, parameters);
	order = people_order(world, who, ORDER_CERTIFY);
	(void)people_sign(world, who, &order, parameters, sizeof(parameters));
	people_resend(world, who);
	return world->up;
}

/* A copy of each segment that may go now. */
static void
keep(struct world *world, uint32_t end)
{
	for (uint32_t i = 0; i < end && i < RETIRED_MAX; i++) {
		char path[ENV_PATH_MAX];
		const uint8_t *bytes;
		size_t len;

		segments_path(i, path);
		bytes = sim_file(world->bank->ledgerd_room, path, &len);
		if (bytes != NULL && len == SIM_BANK_SEGMENT_LEN)
			memcpy(world->retired[i], bytes, len);
	}
}

static void
retire(struct world *world, const struct entry_snapshot *what,
    const uint64_t *draw)
{
	struct order_retire retire = {.snapshot = what->number};
	uint8_t parameters[ORDER_RETIRE_LEN];

	if (what->segment >= RETIRED_MAX)
		return;
	keep(world, what->segment);
	memcpy(retire.hash, what->hash, sizeof(retire.hash));
	order_retire_encode(&retire, parameters);
	recover_arm(world);
	acts_four_eyes(
	    world, ORDER_RETIRE, 0, parameters, sizeof(parameters), draw[3]);
	(void)world_go(world);
}

void
acts_retire(struct world *world, const uint64_t *draw)
{
	struct entry_snapshot what = world->bank->ledgerd->snapshots.certified;
	const struct snapshots *snapshots = &world->bank->ledgerd->snapshots;
	uint32_t cut = snapshots->cut.number;
	struct actor *who;

	if (!acts_look(world))
		return;
	/* one that is certified already, or none that is; both are refused
	 * sometimes */
	if (what.number <= cut || draw[4] % 8 == 0) {
		who = auditor(world, draw);
		if (who == NULL || !next_month(world) || !next_month(world))
			return;
		what = snapshots->last;
		if (draw[4] % 16 != 0 && !certify(world, who, &what))
			return;
	}
	for (unsigned i = 0;
	     i < SNAPSHOTS && snapshots->last.number < what.number + 1 &&
	     draw[5] % 8 != 0;
	     i++)
		if (!next_month(world))
			return;
	if (world->up && what.number != 0)
		retire(world, &what, draw);
}

const uint8_t *
world_segment(struct world *world, uint32_t number, size_t *len)
{
	const struct entry_snapshot *cut = &world->bank->keyd->state.cut;
	char path[ENV_PATH_MAX];
	const uint8_t *bytes;

	segments_path(number, path);
	bytes = sim_file(world->bank->ledgerd_room, path, len);
	if (bytes != NULL || cut->number == 0 || number >= cut->segment ||
	    number >= RETIRED_MAX)
		return bytes;
	segments_leaves_path(number, path);
	if (sim_file(world->bank->ledgerd_room, path, len) == NULL)
		return NULL;
	*len = SIM_BANK_SEGMENT_LEN;
	return world->retired[number];
}
