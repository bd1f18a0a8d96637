/* SPDX-License-Identifier: ISC */
/*
 * The bounded queue in front of a link.  Packets lie one behind the other in
 * one piece of memory, each after its length, so that a packet can be sent as
 * it lies.  Must never wait, allocate, or cut a message.
 */
#include "common/outbox.h"

#include <assert.h>
#include <string.h>

static uint32_t
packet_len(const struct outbox *box, size_t at)
{
	uint32_t len;

	memcpy(&len, box->bytes + at, sizeof(len));
	return len;
}

static void
packet_len_set(struct outbox *box, size_t at, uint32_t len)
{
	memcpy(box->bytes + at, &len, sizeof(len));
}

void
outbox_init(struct outbox *box, void *bytes, size_t size)
{
	assert(size >= OUTBOX_PACKET_HEADER_LEN + OUTBOX_PACKET_MAX);
	box->bytes = bytes;
	box->size = size;
	box->wipes = false;
	outbox_clear(box);
}

void
outbox_clear(struct outbox *box)
{
	box->head = 0;
	box->last = 0;
	box->tail = 0;
	box->reserved = 0;
}

bool
outbox_empty(const struct outbox *box)
{
	return box->head == box->tail;
}

size_t
outbox_free(const struct outbox *box)
{
	size_t free_len = box->size - (box->tail - box->head);

	return free_len > OUTBOX_PACKET_HEADER_LEN
		   ? free_len - OUTBOX_PACKET_HEADER_LEN
		   : 0;
}

/* Moves what waits to the front. */
static void
compact(struct outbox *box)
{
	if (box->head == 0)
		return;
	memmove(box->bytes, box->bytes + box->head, box->tail - box->head);
	box->last -= box->head;
	box->tail -= box->head;
	if (box->wipes)
		explicit_bzero(box->bytes + box->tail, box->head);
	box->head = 0;
}

uint8_t *
outbox_reserve(struct outbox *box, size_t len)
{
	bool joins;
	size_t need;

	box->reserved = 0;
	if (len == 0 || len > OUTBOX_PACKET_MAX)
		return NULL;
	if (outbox_empty(box))
		outbox_clear(box);
	joins = !outbox_empty(box) &&
		packet_len(box, box->last) + len <= OUTBOX_PACKET_MAX;
	need = len + (joins ? 0 : OUTBOX_PACKET_HEADER_LEN);
	if (box->size - box->tail < need)
		compact(box);
	if (box->size - box->tail < need)
		return NULL;
	box->reserved = len;
	return box->bytes + box->tail + (need - len);
}

void
outbox_commit(struct outbox *box, size_t len)
{
	bool joins;

	assert(len > 0 && len <= box->reserved);
	/* The same decision as when it was reserved. */
	joins = !outbox_empty(box) &&
		packet_len(box, box->last) + box->reserved <= OUTBOX_PACKET_MAX;
	if (!joins) {
		box->last = box->tail;
		packet_len_set(box, box->last, 0);
		box->tail += OUTBOX_PACKET_HEADER_LEN;
	}
	packet_len_set(
	    box, box->last, packet_len(box, box->last) + (uint32_t)len);
	box->tail += len;
	box->reserved = 0;
}

enum sr_error
outbox_append(struct outbox *box, const void *message, size_t len)
{
	uint8_t *place;

	if (len == 0 || len > OUTBOX_PACKET_MAX)
		return SR_TOO_LARGE;
	place = outbox_reserve(box, len);
	if (place == NULL)
		return SR_BUSY;
	memcpy(place, message, len);
	outbox_commit(box, len);
	return SR_OK;
}

enum sr_error
outbox_flush(struct outbox *box, outbox_send send, void *link)
{
	box->reserved = 0;
	while (!outbox_empty(box)) {
		uint32_t len = packet_len(box, box->head);
		enum sr_error error = send(link,
		    box->bytes + box->head + OUTBOX_PACKET_HEADER_LEN, len);

		if (error != SR_OK)
			return error;
		if (box->wipes)
			explicit_bzero(box->bytes + box->head,
			    OUTBOX_PACKET_HEADER_LEN + len);
		box->head += OUTBOX_PACKET_HEADER_LEN + len;
	}
	return SR_OK;
}
