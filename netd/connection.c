/* SPDX-License-Identifier: ISC */
/*
 * The table of connections.  Must never give an id twice: keyd and ledgerd
 * trust that an id names the same client for as long as the bank runs.
 */
#include "netd/connection.h"

#include <assert.h>
#include <string.h>

void
connections_init(struct connections *table, struct connection *slots,
    uint32_t count, int32_t *buckets, uint32_t bucket_count,
    uint32_t generation)
{
	assert(count > 0 && (bucket_count & (bucket_count - 1)) == 0);
	table->slots = slots;
	table->buckets = buckets;
	table->mask = bucket_count - 1;
	table->count = count;
	table->touched = 0;
	table->free = CONNECTION_NONE;
	table->used = 0;
	table->next_id = ((uint64_t)generation << 32) + 1;
	for (uint32_t i = 0; i < bucket_count; i++)
		buckets[i] = CONNECTION_NONE;
	for (int i = 0; i < QUEUE_COUNT; i++)
		table->queues[i] = (struct connection_queue_ends){
		    CONNECTION_NONE, CONNECTION_NONE};
}

uint32_t
connection_index(const struct connections *table, const struct connection *c)
{
	return (uint32_t)(c - table->slots);
}

struct connection *
connection_at(struct connections *table, uint32_t index)
{
	assert(index < table->count);
	return &table->slots[index];
}

struct connection *
connection_new(struct connections *table)
{
	struct connection *c;
	int32_t *bucket;

	/* The last id of a generation is never given, so none can wrap. */
	if ((uint32_t)table->next_id == UINT32_MAX)
		return NULL;
	if (table->free != CONNECTION_NONE) {
		c = connection_at(table, (uint32_t)table->free);
		table->free = c->queue_next;
	} else if (table->touched < table->count) {
		c = connection_at(table, table->touched++);
	} else {
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->id = table->next_id++;
	c->phase = CONNECTION_HELLO;
	c->fd = -1;
	c->address = -1;
	c->queue_next = CONNECTION_NONE;
	c->queue_previous = CONNECTION_NONE;
	chain_init(&c->in);
	chain_init(&c->out);
	bucket = &table->buckets[c->id & table->mask];
	c->next_in_bucket = *bucket;
	*bucket = (int32_t)connection_index(table, c);
	table->used++;
	return c;
}

void
connection_free(struct connections *table, struct connection *c)
{
	int32_t index = (int32_t)connection_index(table, c);
	int32_t *at = &table->buckets[c->id & table->mask];

	assert(c->phase != CONNECTION_FREE && c->queue == QUEUE_NONE);
	assert(c->in.len == 0 && c->out.len == 0);
	while (*at != index)
		at = &table->slots[*at].next_in_bucket;
	*at = c->next_in_bucket;
	c->phase = CONNECTION_FREE;
	c->id = 0;
	c->queue_next = table->free;
	table->free = index;
	table->used--;
}

struct connection *
connection_find(struct connections *table, uint64_t id)
{
	int32_t at = table->buckets[id & table->mask];

	while (at != CONNECTION_NONE) {
		struct connection *c = &table->slots[at];

		if (c->id == id)
			return c;
		at = c->next_in_bucket;
	}
	return NULL;
}

void
queue_push(struct connections *table, struct connection *c,
    enum connection_queue queue, bool front)
{
	struct connection_queue_ends *ends = &table->queues[queue];
	int32_t index = (int32_t)connection_index(table, c);

	assert(c->queue == QUEUE_NONE && queue != QUEUE_NONE);
	c->queue = (uint8_t)queue;
	c->queue_next = front ? ends->first : CONNECTION_NONE;
	c->queue_previous = front ? CONNECTION_NONE : ends->last;
	if (c->queue_next != CONNECTION_NONE)
		table->slots[c->queue_next].queue_previous = index;
	else
		ends->last = index;
	if (c->queue_previous != CONNECTION_NONE)
		table->slots[c->queue_previous].queue_next = index;
	else
		ends->first = index;
}

void
queue_leave(struct connections *table, struct connection *c)
{
	struct connection_queue_ends *ends = &table->queues[c->queue];

	if (c->queue == QUEUE_NONE)
		return;
	if (c->queue_next != CONNECTION_NONE)
		table->slots[c->queue_next].queue_previous = c->queue_previous;
	else
		ends->last = c->queue_previous;
	if (c->queue_previous != CONNECTION_NONE)
		table->slots[c->queue_previous].queue_next = c->queue_next;
	else
		ends->first = c->queue_next;
	c->queue = QUEUE_NONE;
	c->queue_next = CONNECTION_NONE;
	c->queue_previous = CONNECTION_NONE;
}

struct connection *
queue_first(struct connections *table, enum connection_queue queue)
{
	int32_t first = table->queues[queue].first;

	return first == CONNECTION_NONE ? NULL : &table->slots[first];
}
