/* SPDX-License-Identifier: ISC */
#ifndef COMMON_OUTBOX_H
#define COMMON_OUTBOX_H
/*
 * The bounded queue in front of a link to another room.  Messages that are
 * appended one after the other are packed into packets of at most
 * OUTBOX_PACKET_MAX bytes, because one send for many messages is what makes
 * the rooms fast; a packet holds whole messages only, and the peer takes them
 * out again by the lengths in their headers (ipc.h).
 *
 * A room never waits for a peer.  When an outbox is full, appending fails
 * with SR_BUSY and the room stops reading whatever makes it append, until
 * outbox_flush() has made place.  A room that must not fail in the middle of
 * something asks outbox_free() first.
 *
 * The outbox holds no memory of its own: the caller's bytes must outlive it.
 * It makes no system call: the link is reached through the caller's function,
 * so that keyd and ledgerd can put env_send() behind it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	OUTBOX_PACKET_MAX = 65536,
	OUTBOX_PACKET_HEADER_LEN = 4, /* what a packet costs in the queue */
};

struct outbox {
	uint8_t *bytes;
	size_t size;
	size_t head;     /* where the oldest packet begins */
	size_t last;     /* where the newest packet begins */
	size_t tail;     /* first free byte */
	size_t reserved; /* granted by outbox_reserve, not yet committed */
	bool wipes;      /* sent bytes do not stay in memory: set after init */
};

/*
 * Sends one packet without waiting: SR_OK when the link took all of it,
 * SR_AGAIN when the link is full, SR_CLOSED when the peer is gone, SR_IO.
 */
typedef enum sr_error (*outbox_send)(
    void *link, const void *packet, size_t len);

/*
 * An empty outbox in size bytes; size is at least OUTBOX_PACKET_HEADER_LEN +
 * OUTBOX_PACKET_MAX (assert), so that any message fits in an empty one.
 */
void outbox_init(struct outbox *box, void *bytes, size_t size);

/*
 * Place for one message of at most len bytes, to be encoded there and then
 * committed; NULL when the outbox is full or len is above OUTBOX_PACKET_MAX.
 * Only one place is reserved at a time; it is valid until the next call.
 */
uint8_t *outbox_reserve(struct outbox *box, size_t len);

/* Appends the len bytes written to the place; len at most what was reserved. */
void outbox_commit(struct outbox *box, size_t len);

/* Copies one message in.  SR_BUSY when full, SR_TOO_LARGE above the maximum. */
enum sr_error outbox_append(
    struct outbox *box, const void *message, size_t len);

/*
 * Sends packets until the box is empty or the link is full.  SR_OK: empty.
 * SR_AGAIN: something is left; call again when the link is writable.
 * Otherwise the error of send; what was not sent is still there.
 */
enum sr_error outbox_flush(struct outbox *box, outbox_send send, void *link);

/* True if nothing waits. */
bool outbox_empty(const struct outbox *box);

/*
 * Bytes that messages may still take for certain: one message of that size
 * (or OUTBOX_PACKET_MAX, if less) can be appended.
 */
size_t outbox_free(const struct outbox *box);

/* Forgets everything that waits. */
void outbox_clear(struct outbox *box);

#endif
