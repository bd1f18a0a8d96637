/* SPDX-License-Identifier: ISC */
/*
 * What leaves a room: heads that keyd signs, answers to clients.  Nothing may
 * leave before what it rests on would survive a power cut.
 */
#include <string.h>

#include "tests/sim/world.h"

bool
watch_lied(const struct world *world)
{
	const struct plan *plan = &world->plan;
	bool lied = world->spoilt;

	for (unsigned i = 0; i < plan->fault_count; i++) {
		const struct fault *fault = &plan->fault[i];
		const struct sim_room *room = fault->in_keyd
						  ? world->bank->keyd_room
						  : world->bank->ledgerd_room;

		if (world->armed[i] && fault->kind < SIM_FAULT_COUNT &&
		    fault_lies(fault->kind) && room->fault[fault->kind] == 0)
			lied = true;
	}
	return lied;
}

/* Where a disk lies, what is durable is no business of the bank's. */
bool
watch_looks(const struct world *world)
{
	return !world->blind && !watch_lied(world);
}

/*
 * The slot that keyd goes by: the other one may be what a write that failed
 * left in memory, over an older slot on the disk; either is worth nothing.
 */
static void
check_state(struct world *world, const char *what)
{
	if (watch_looks(world) &&
	    !sim_durable_part(world->bank->keyd_room, "state",
		world->state_counter % 2 * STATE_SLOT_LEN, STATE_SLOT_LEN))
		world_fail(
		    world, "%s left before keyd's state was durable", what);
}

static void
check_segments(struct world *world, const char *what)
{
	const struct ledgerd *ledgerd = world->bank->ledgerd;
	char path[ENV_PATH_MAX];

	if (!ledgerd->segments.any || !watch_looks(world))
		return;
	for (uint32_t i = 0; i <= ledgerd->segments.number; i++) {
		segments_path(i, path);
		if (sim_durable(world->bank->ledgerd_room, path))
			continue;
		/* of a retired one its leaves */
		segments_leaves_path(i, path);
		if (!sim_durable(world->bank->ledgerd_room, path))
			world_fail(world,
			    "%s left before segment %u was durable", what, i);
	}
}

static void
take_head(struct world *world, const struct ipc_message *m)
{
	struct message_tree_head message;
	struct head *head;

	if (message_tree_head_decode(m->body, m->len, &message) != SR_OK ||
	    message.error != SR_OK || message.size == 0)
		return;
	check_state(world, "a signed head");
	if (message.size > ENTRIES_MAX_COUNT)
		world_fail(world, "more leaves than the world takes");
	head = &world->head[message.size];
	if (head->known && memcmp(head->root, message.root, 32) != 0)
		world_fail(world, "keyd signed two heads of size %llu",
		    (unsigned long long)message.size);
	if (message.epoch < world->epoch && !world->spoilt && !world->stale)
		world_fail(world, "keyd signs with a log key that was rotated");
	world->epoch = message.epoch;
	head->known = true;
	memcpy(head->root, message.root, 32);
}

/* A key leaves: what tells of it must be there for ever. */
static void
take_control_answer(struct world *world, const struct ipc_message *m)
{
	struct message_control_answer answer;
	struct message_disclosure disclosure;
	struct ipc_message inner;
	struct reader r;

	if (message_control_answer_decode(m->body, m->len, &answer) != SR_OK)
		return;
	r = reader_of(answer.packet, answer.packet_len);
	if (ipc_next(&r, false, &inner) != SR_OK ||
	    inner.type != MESSAGE_DISCLOSURE ||
	    message_disclosure_decode(inner.body, inner.len, &disclosure) !=
		SR_OK ||
	    disclosure.error != SR_OK)
		return;
	check_state(world, "a disclosed key");
	check_segments(world, "a disclosed key");
	world->disclosed++;
}

static void
see_packet(void *context, struct sim_room *room, enum env_link link,
    const void *packet, size_t len)
{
	struct world *world = context;
	struct reader r = reader_of(packet, len);
	struct ipc_message m;

	if (room == world->bank->monitor || room == world->bank->netd)
		return;
	/* What ledgerd sends rests on what keyd has sent. */
	if (room == world->bank->keyd_room)
		world->state_counter = world->bank->keyd->state.counter;
	while (ipc_next(&r, false, &m) == SR_OK) {
		if (room == world->bank->keyd_room && link == ENV_LEDGERD &&
		    m.type == MESSAGE_TREE_HEAD)
			take_head(world, &m);
		else if (room == world->bank->keyd_room &&
			 link == ENV_CONTROL &&
			 m.type == MESSAGE_CONTROL_ANSWER)
			take_control_answer(world, &m);
		else if (room == world->bank->keyd_room && link == ENV_NETD &&
			 m.type == MESSAGE_HANDSHAKE_5)
			check_state(world, "the answer to a change");
		else if (room == world->bank->ledgerd_room &&
			 link == ENV_NETD && m.type == MESSAGE_RECORD_OUT) {
			check_state(world, "an answer");
			check_segments(world, "an answer");
		}
	}
}

void
watch_begin(struct world *world)
{
	world->bank->sim->tap = see_packet;
	world->bank->sim->tap_context = world;
}
