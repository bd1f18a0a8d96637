/* SPDX-License-Identifier: ISC */
/*
 * The simulated env: links, clock and randomness.  The disk is in
 * env_sim_disk.c.  For tests only; it must never forgive what a real machine
 * does not.
 */
#include "tests/lib/env_sim_disk.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct sim_packet {
	uint8_t *bytes;
	size_t len;
};

struct sim_queue {
	struct sim_packet packet[SIM_LINK_PACKETS];
	size_t first;
	size_t count;
	unsigned late; /* rounds before any of them can be taken */
};

void *
sim_memory(size_t len)
{
	void *p = calloc(1, len > 0 ? len : 1);

	if (p == NULL)
		abort();
	return p;
}

bool
sim_operate(
    struct sim_room *room, enum sim_operation operation, const char *path)
{
	struct sim *sim = room->sim;

	if (sim->dark)
		return false;
	if (sim->watch != NULL)
		sim->watch(sim->watch_context, room, operation, path);
	room->count[operation]++;
	sim->operations++;
	if (sim->cut_after != 0 && sim->operations >= sim->cut_after) {
		sim->dark = true;
		return false;
	}
	return true;
}

bool
sim_strikes(struct sim_room *room, enum sim_fault fault)
{
	return room->fault[fault] != 0 && --room->fault[fault] == 0;
}

uint64_t
sim_number(struct sim *sim, uint64_t below)
{
	uint8_t bytes[8];
	uint64_t number = 0;

	sim_random(sim, bytes, sizeof(bytes));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		number = number << 8 | bytes[i];
	return number % below;
}

static size_t
queue_ready(const struct sim_queue *queue)
{
	return queue->late == 0 ? queue->count : 0;
}

static void
sim_queue_clear(struct sim_queue *queue)
{
	for (; queue->count > 0; queue->count--) {
		free(queue->packet[queue->first].bytes);
		queue->first = (queue->first + 1) % SIM_LINK_PACKETS;
	}
	queue->late = 0;
}

static enum sr_error
sim_send(struct env *env, enum env_link link, const void *packet, size_t len)
{
	struct sim_room *room = (struct sim_room *)env;
	struct sim_queue *queue;
	struct sim_packet *place;

	if (room->peer[link] == NULL)
		return SR_CLOSED;
	queue = room->peer[link]->in[room->peer_link[link]];
	if (queue->count == SIM_LINK_PACKETS)
		return SR_AGAIN;
	if (!sim_operate(room, SIM_SEND, NULL))
		return SR_CLOSED;
	place =
	    &queue->packet[(queue->first + queue->count) % SIM_LINK_PACKETS];
	if (room->sim->tap != NULL)
		room->sim->tap(room->sim->tap_context, room, link, packet, len);
	place->bytes = sim_memory(len);
	memcpy(place->bytes, packet, len);
	place->len = len;
	queue->count++;
	return SR_OK;
}

/* Lets the peer, and whom it may wait for, go on. */
static void
sim_step_room(struct sim_room *room)
{
	if (room->step == NULL || room->running)
		return;
	room->running = true;
	room->step(room->step_context);
	room->running = false;
}

static enum sr_error
sim_receive(struct env *env, enum env_link link, bool wait, void *packet,
    size_t room_len, size_t *len)
{
	struct sim_room *room = (struct sim_room *)env;
	struct sim_queue *queue = room->in[link];
	struct sim_packet taken;

	*len = 0;
	if (room->sim->dark || room->peer[link] == NULL)
		return SR_CLOSED;
	for (unsigned i = 0; wait && queue_ready(queue) == 0; i++) {
		if (i == 1000 || room->sim->dark)
			return SR_CLOSED;
		(void)sim_late(room->sim);
		sim_step_room(room->peer[link]);
	}
	if (queue_ready(queue) == 0)
		return SR_AGAIN;
	taken = queue->packet[queue->first];
	queue->first = (queue->first + 1) % SIM_LINK_PACKETS;
	queue->count--;
	room->sim->received++;
	if (taken.len <= room_len) {
		memcpy(packet, taken.bytes, taken.len);
		*len = taken.len;
	}
	free(taken.bytes);
	return taken.len <= room_len ? SR_OK : SR_TOO_LARGE;
}

static enum sr_error
sim_wait(struct env *env, unsigned read_links, unsigned write_links,
    int timeout_ms, unsigned *readable, unsigned *writable)
{
	struct sim_room *room = (struct sim_room *)env;

	(void)timeout_ms;
	*readable = *writable = 0;
	for (unsigned i = 0; i < ENV_LINK_COUNT; i++) {
		if (room->peer[i] == NULL)
			continue;
		if (queue_ready(room->in[i]) > 0)
			*readable |= read_links & 1u << i;
		if (room->peer[i]->in[room->peer_link[i]]->count <
		    SIM_LINK_PACKETS)
			*writable |= write_links & 1u << i;
	}
	return SR_OK;
}

static uint64_t
sim_clock(struct env *env)
{
	return ((struct sim_room *)env)->sim->now_ms;
}

static uint64_t
sim_boot(struct env *env)
{
	return ((struct sim_room *)env)->sim->boot_ms * 1000;
}

void
sim_random(struct sim *sim, void *out, size_t len)
{
	uint8_t seed[32];

	memcpy(seed, sim->seed, sizeof(seed));
	for (unsigned i = 0; i < 8; i++)
		seed[i] ^= (uint8_t)(sim->drawn >> 8 * i);
	sim->drawn++;
	randombytes_buf_deterministic(out, len, seed);
}

static void
sim_env_random(struct env *env, void *out, size_t len)
{
	sim_random(((struct sim_room *)env)->sim, out, len);
}

static const struct env_ops sim_ops = {
    .open = sim_disk_open,
    .close = sim_disk_close,
    .size = sim_disk_size,
    .read = sim_disk_read,
    .write = sim_disk_write,
    .truncate = sim_disk_truncate,
    .space = sim_disk_space,
    .sync = sim_disk_sync,
    .rename = sim_disk_rename,
    .remove = sim_disk_remove,
    .make_directory = sim_disk_make_directory,
    .remove_directory = sim_disk_remove_directory,
    .sync_directory = sim_disk_sync_directory,
    .clock_ms = sim_clock,
    .boot_us = sim_boot,
    .random = sim_env_random,
    .send = sim_send,
    .receive = sim_receive,
    .wait = sim_wait,
};

struct sim *
sim_new(uint64_t seed)
{
	struct sim *sim = sim_memory(sizeof(*sim));

	if (sodium_init() < 0)
		abort();
	for (unsigned i = 0; i < 8; i++)
		sim->seed[8 + i] = (uint8_t)(seed >> 8 * i);
	sim->now_ms = UINT64_C(1750000000000);
	sim->boot_ms = 100000;
	return sim;
}

void
sim_free(struct sim *sim)
{
	for (size_t i = 0; i < sim->room_count; i++) {
		for (unsigned l = 0; l < ENV_LINK_COUNT; l++) {
			sim_queue_clear(sim->rooms[i]->in[l]);
			free(sim->rooms[i]->in[l]);
		}
		sim_copy_free(sim->rooms[i]->disk);
		free(sim->rooms[i]);
	}
	free(sim);
}

struct sim_room *
sim_room(struct sim *sim, const char *name)
{
	struct sim_room *room = sim_memory(sizeof(*room));

	assert(sim->room_count < SIM_ROOMS_MAX);
	room->env.ops = &sim_ops;
	room->sim = sim;
	room->name = name;
	room->disk = sim_disk_new();
	for (unsigned l = 0; l < ENV_LINK_COUNT; l++)
		room->in[l] = sim_memory(sizeof(*room->in[l]));
	sim->rooms[sim->room_count++] = room;
	return room;
}

void
sim_connect(struct sim_room *a, enum env_link a_link, struct sim_room *b,
    enum env_link b_link)
{
	sim_queue_clear(a->in[a_link]);
	sim_queue_clear(b->in[b_link]);
	a->peer[a_link] = b;
	a->peer_link[a_link] = b_link;
	b->peer[b_link] = a;
	b->peer_link[b_link] = a_link;
}

void
sim_steps(struct sim_room *room, sim_step step, void *context)
{
	room->step = step;
	room->step_context = context;
}

void
sim_delay(struct sim_room *room, enum env_link link, unsigned rounds)
{
	room->in[link]->late = rounds;
}

bool
sim_late(struct sim *sim)
{
	bool late = false;

	for (size_t r = 0; r < sim->room_count; r++)
		for (unsigned l = 0; l < ENV_LINK_COUNT; l++) {
			struct sim_queue *queue = sim->rooms[r]->in[l];

			late |= queue->late > 0 && queue->count > 0;
			queue->late -= queue->late > 0;
		}
	return late;
}

void
sim_run(struct sim *sim)
{
	uint64_t before;
	unsigned quiet = 0;

	/* a room may do several parts of something before it is seen */
	for (unsigned i = 0; i < 100000 && quiet < 8 && !sim->dark; i++) {
		before = sim->operations + sim->received;
		for (size_t r = 0; r < sim->room_count; r++)
			sim_step_room(sim->rooms[r]);
		quiet =
		    !sim_late(sim) && before == sim->operations + sim->received
			? quiet + 1
			: 0;
	}
}

void
sim_advance(struct sim *sim, uint64_t ms)
{
	sim->now_ms += ms;
	sim->boot_ms += ms;
}

void
sim_close_links(struct sim_room *room)
{
	for (unsigned l = 0; l < ENV_LINK_COUNT; l++) {
		sim_queue_clear(room->in[l]);
		if (room->peer[l] != NULL)
			sim_queue_clear(room->peer[l]->in[room->peer_link[l]]);
	}
}

void
sim_crash(struct sim_room *room, enum sim_loss loss)
{
	sim_close_links(room);
	sim_disk_crash(room, loss, 0);
}

void
sim_kill(struct sim_room *room)
{
	sim_close_links(room);
	sim_disk_kill(room);
}

void
sim_crash_torn(struct sim_room *room, uint64_t bytes)
{
	sim_close_links(room);
	sim_disk_crash(room, SIM_LOSE_ALL, bytes);
}

void
sim_restart(struct sim *sim, enum sim_loss loss)
{
	sim->dark = false;
	sim->cut_after = 0;
	for (size_t i = 0; i < sim->room_count; i++)
		sim_crash(sim->rooms[i], loss);
}
