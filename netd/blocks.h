/* SPDX-License-Identifier: ISC */
#ifndef NETD_BLOCKS_H
#define NETD_BLOCKS_H
/*
 * The shared, bounded memory for what a connection cannot pass on at once: a
 * frame of which a part is still missing, and answers that a slow client has
 * not taken yet.  A chain is a byte queue of blocks from the pool; an idle
 * connection holds none.
 *
 * The pool never grows.  Whoever takes from it asks first (blocks_free) or
 * gets SR_BUSY, and gives everything back with chain_clear().
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	BLOCK_LEN = 4096,
	BLOCK_NONE = -1,
};

struct blocks {
	uint8_t *bytes; /* count * BLOCK_LEN */
	int32_t *next;  /* of each block */
	int32_t first_free;
	uint32_t count;
	uint32_t free;
};

struct chain {
	int32_t first;
	int32_t last;
	uint32_t start; /* bytes already taken from the first block */
	uint32_t len;   /* bytes in the chain */
};

/* A pool of count blocks over the caller's memory. */
void blocks_init(
    struct blocks *pool, uint8_t *bytes, int32_t *next, uint32_t count);

/* Blocks that nobody holds. */
uint32_t blocks_free(const struct blocks *pool);

/* An empty chain. */
void chain_init(struct chain *chain);

/*
 * Appends len bytes.  SR_BUSY when the pool has not enough blocks; the chain
 * is then as it was.
 */
enum sr_error chain_append(
    struct blocks *pool, struct chain *chain, const void *bytes, size_t len);

/* Copies the first len bytes of the chain, which must be there (assert). */
void chain_copy(const struct blocks *pool, const struct chain *chain, void *out,
    size_t len);

/* Points at the bytes that lie together at the front; *len 0 if empty. */
const uint8_t *chain_front(
    const struct blocks *pool, const struct chain *chain, size_t *len);

/* Takes len bytes, at most chain->len (assert), off the front. */
void chain_consume(struct blocks *pool, struct chain *chain, size_t len);

/* Gives all blocks back. */
void chain_clear(struct blocks *pool, struct chain *chain);

#endif
