/* SPDX-License-Identifier: ISC */
/*
 * Block pool and byte queues.  Must never hand out a block twice or lose one:
 * the number of free blocks is what decides whether a client may be read.
 */
#include "netd/blocks.h"

#include <assert.h>
#include <string.h>

void
blocks_init(struct blocks *pool, uint8_t *bytes, int32_t *next, uint32_t count)
{
	assert(count > 0 && count < INT32_MAX);
	pool->bytes = bytes;
	pool->next = next;
	pool->count = count;
	pool->free = count;
	pool->first_free = 0;
	for (uint32_t i = 0; i < count; i++)
		next[i] = i + 1 < count ? (int32_t)(i + 1) : BLOCK_NONE;
}

uint32_t
blocks_free(const struct blocks *pool)
{
	return pool->free;
}

static int32_t
block_take(struct blocks *pool)
{
	int32_t block = pool->first_free;

	assert(pool->free > 0 && block != BLOCK_NONE);
	pool->first_free = pool->next[block];
	pool->next[block] = BLOCK_NONE;
	pool->free--;
	return block;
}

static void
block_give(struct blocks *pool, int32_t block)
{
	assert(pool->free < pool->count);
	pool->next[block] = pool->first_free;
	pool->first_free = block;
	pool->free++;
}

static uint8_t *
block_at(const struct blocks *pool, int32_t block)
{
	return pool->bytes + (size_t)block * BLOCK_LEN;
}

void
chain_init(struct chain *chain)
{
	*chain = (struct chain){BLOCK_NONE, BLOCK_NONE, 0, 0};
}

/* Bytes that still fit into the last block. */
static size_t
chain_room(const struct chain *chain)
{
	size_t used = (size_t)chain->start + chain->len;

	if (chain->first == BLOCK_NONE)
		return 0;
	return used % BLOCK_LEN == 0 ? 0 : BLOCK_LEN - used % BLOCK_LEN;
}

enum sr_error
chain_append(
    struct blocks *pool, struct chain *chain, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	size_t room = chain_room(chain);
	size_t blocks =
	    len > room ? (len - room + BLOCK_LEN - 1) / BLOCK_LEN : 0;

	if (blocks > pool->free)
		return SR_BUSY;
	while (len > 0) {
		size_t part;

		room = chain_room(chain);
		if (room == 0) {
			int32_t block = block_take(pool);

			if (chain->first == BLOCK_NONE)
				chain->first = block;
			else
				pool->next[chain->last] = block;
			chain->last = block;
			room = BLOCK_LEN;
		}
		part = len < room ? len : room;
		memcpy(block_at(pool, chain->last) + (BLOCK_LEN - room), from,
		    part);
		from += part;
		len -= part;
		chain->len += (uint32_t)part;
	}
	return SR_OK;
}

void
chain_copy(
    const struct blocks *pool, const struct chain *chain, void *out, size_t len)
{
	uint8_t *to = out;
	int32_t block = chain->first;
	size_t start = chain->start;

	assert(len <= chain->len);
	while (len > 0) {
		size_t part = BLOCK_LEN - start;

		if (part > len)
			part = len;
		memcpy(to, block_at(pool, block) + start, part);
		to += part;
		len -= part;
		start = 0;
		block = pool->next[block];
	}
}

const uint8_t *
chain_front(const struct blocks *pool, const struct chain *chain, size_t *len)
{
	size_t part = BLOCK_LEN - chain->start;

	if (chain->len == 0) {
		*len = 0;
		return NULL;
	}
	*len = part < chain->len ? part : chain->len;
	return block_at(pool, chain->first) + chain->start;
}

void
chain_consume(struct blocks *pool, struct chain *chain, size_t len)
{
	assert(len <= chain->len);
	while (len > 0) {
		size_t part = BLOCK_LEN - chain->start;

		if (part > len)
			part = len;
		chain->start += (uint32_t)part;
		chain->len -= (uint32_t)part;
		len -= part;
		if (chain->start == BLOCK_LEN || chain->len == 0) {
			int32_t block = chain->first;

			chain->first = pool->next[block];
			chain->start = 0;
			block_give(pool, block);
		}
	}
	if (chain->first == BLOCK_NONE)
		chain_init(chain);
}

void
chain_clear(struct blocks *pool, struct chain *chain)
{
	chain_consume(pool, chain, chain->len);
}
