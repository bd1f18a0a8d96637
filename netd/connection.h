/* SPDX-License-Identifier: ISC */
#ifndef NETD_CONNECTION_H
#define NETD_CONNECTION_H
/*
 * The connections: a table of fixed size, found by id, and the queues in
 * which a connection can wait.  A connection costs well under 1 KiB; what
 * does not fit into `small' lies in blocks of the shared pool.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/frame.h"
#include "netd/blocks.h"

enum connection_phase {
	CONNECTION_FREE = 0, /* the slot is not used */
	CONNECTION_HELLO,    /* HELLO is out, M1 is wanted */
	CONNECTION_M1,       /* M1 is in keyd or waits for its turn */
	CONNECTION_M2,       /* M2 is out, M3 is wanted */
	CONNECTION_M3,       /* M3 is in keyd or waits for its turn */
	CONNECTION_REFUSED,  /* closes at its fixed deadline */
	CONNECTION_SESSION,  /* records both ways */
	CONNECTION_DRAIN,    /* sends what is queued, then says goodbye */
	CONNECTION_LINGER,   /* our side is shut down, the peer's is awaited */
	CONNECTION_GONE,     /* closed; a room has yet to be told */
};

/* A connection is in one of these at most. */
enum connection_queue {
	QUEUE_NONE = 0,
	QUEUE_KEYD,    /* M1 or M3 that waits for a turn in keyd */
	QUEUE_STARVED, /* not read until the pool has blocks again */
	QUEUE_GONE,    /* closed, keyd or ledgerd has yet to be told */
	QUEUE_COUNT,
};

enum {
	CONNECTION_NONE = -1,
	CONNECTION_SMALL_LEN = FRAME_HEADER_LEN + FRAME_M3_LEN,
};

struct connection {
	uint64_t id;
	uint64_t phase_ms;  /* when the phase ends, by handshake or goodbye */
	uint64_t refuse_ms; /* when a refused handshake closes */
	uint64_t frame_ms;  /* when a begun frame must be whole; 0: none */
	uint64_t out_ms;    /* when something must have been taken; 0: none */
	struct chain in;    /* what of a frame does not fit into small */
	struct chain out;   /* what the client has not taken yet */
	int fd;
	int32_t address; /* entry in the address table */
	int32_t next_in_bucket;
	int32_t queue_next;
	int32_t queue_previous;
	uint16_t in_len;    /* bytes of the frame that is coming in */
	uint16_t frame_len; /* of its body, once the header is there */
	uint8_t phase;      /* enum connection_phase */
	uint8_t queue;      /* enum connection_queue */
	bool reading;       /* the interest told to epoll */
	bool writing;
	bool in_turn;       /* counts among the handshakes that keyd has */
	bool keyd_knows;    /* keyd keeps a handshake for it */
	bool ledgerd_knows; /* ledgerd has or may have a session for it */
	uint8_t small[CONNECTION_SMALL_LEN];
};

struct connection_queue_ends {
	int32_t first;
	int32_t last;
};

struct connections {
	struct connection *slots; /* zeros at first; touched when used */
	int32_t *buckets;         /* by id */
	uint32_t mask;
	uint32_t count;
	uint32_t touched; /* slots from here on were never used */
	int32_t free;
	uint32_t used;
	uint64_t next_id;
	struct connection_queue_ends queues[QUEUE_COUNT];
};

/*
 * An empty table over the caller's zeroed memory.  The ids begin after
 * generation << 32.
 */
void connections_init(struct connections *table, struct connection *slots,
    uint32_t count, int32_t *buckets, uint32_t bucket_count,
    uint32_t generation);

/*
 * A slot with a new id, in phase HELLO, everything else empty; NULL when all
 * are used, or when the generation has used all of its 2^32 - 1 ids.
 */
struct connection *connection_new(struct connections *table);

/* Gives the slot back; it must be in no queue and hold no block (assert). */
void connection_free(struct connections *table, struct connection *c);

/* The connection of that id, or NULL. */
struct connection *connection_find(struct connections *table, uint64_t id);

/* Its number, for the wheel; and back. */
uint32_t connection_index(
    const struct connections *table, const struct connection *c);
struct connection *connection_at(struct connections *table, uint32_t index);

/* Puts it at the end (or the front) of a queue; it must be in none (assert). */
void queue_push(struct connections *table, struct connection *c,
    enum connection_queue queue, bool front);

/* Takes it out of the queue that it is in, if any. */
void queue_leave(struct connections *table, struct connection *c);

/* The first one, which stays in the queue; or NULL. */
struct connection *queue_first(
    struct connections *table, enum connection_queue queue);

#endif
