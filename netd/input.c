/* SPDX-License-Identifier: ISC */
/*
 * Frames put together from what a client sends, however it is cut.  Must
 * never look into a body, or keep more of a frame than its header, which was
 * checked against the phase, allows.
 */
#include "netd/input.h"

#include <string.h>

#include "common/diag.h"
#include "netd/client.h"
#include "netd/rooms.h"

/* A header says what comes: is it what the phase allows? */
static bool
header_fits(const struct connection *c, const struct frame_header *header)
{
	switch ((enum connection_phase)c->phase) {
	case CONNECTION_HELLO:
		return header->type == FRAME_M1;
	case CONNECTION_M2:
		return header->type == FRAME_M3;
	case CONNECTION_SESSION:
		return header->type == FRAME_RECORD;
	case CONNECTION_FREE:
	case CONNECTION_M1:
	case CONNECTION_M3:
	case CONNECTION_REFUSED:
	case CONNECTION_DRAIN:
	case CONNECTION_LINGER:
	case CONNECTION_GONE:
		return false;
	}
	return false;
}

/*
 * Adds to the frame that is coming in, at most to the end of its header or
 * of itself.  Gives the number of bytes taken.
 */
static size_t
frame_fill(
    struct netd *n, struct connection *c, const uint8_t *bytes, size_t len)
{
	size_t want = FRAME_HEADER_LEN;
	size_t small;

	if (c->in_len >= FRAME_HEADER_LEN)
		want += c->frame_len;
	want -= c->in_len;
	if (len > want)
		len = want;
	small = c->in_len < CONNECTION_SMALL_LEN
		    ? (size_t)CONNECTION_SMALL_LEN - c->in_len
		    : 0;
	if (small > len)
		small = len;
	memcpy(c->small + c->in_len, bytes, small);
	/* The caller has seen to the blocks. */
	if (len > small && chain_append(&n->blocks, &c->in, bytes + small,
			       len - small) != SR_OK)
		diag_fatal("the pool of blocks is used up");
	c->in_len = (uint16_t)(c->in_len + len);
	return len;
}

/* The frame in c is whole: its body in one piece, and c without it. */
static const uint8_t *
frame_whole(struct netd *n, struct connection *c)
{
	size_t small = c->in_len;

	if (small > CONNECTION_SMALL_LEN)
		small = CONNECTION_SMALL_LEN;
	memcpy(n->frame, c->small, small);
	chain_copy(&n->blocks, &c->in, n->frame + small, c->in.len);
	chain_clear(&n->blocks, &c->in);
	c->in_len = 0;
	c->frame_ms = 0;
	return n->frame + FRAME_HEADER_LEN;
}

bool
input_take(
    struct netd *n, struct connection *c, const uint8_t *bytes, size_t len)
{
	struct frame_header header;

	while (len > 0) {
		size_t part;

		if (c->in_len == 0 && len >= FRAME_HEADER_LEN &&
		    frame_read(bytes, &header) == SR_OK &&
		    header_fits(c, &header) &&
		    len >= FRAME_HEADER_LEN + (size_t)header.len) {
			part = FRAME_HEADER_LEN + (size_t)header.len;
			rooms_pass(n, c, bytes + FRAME_HEADER_LEN, header.len);
			bytes += part;
			len -= part;
			continue;
		}
		part = frame_fill(n, c, bytes, len);
		bytes += part;
		len -= part;
		if (c->in_len == FRAME_HEADER_LEN) {
			if (frame_read(c->small, &header) != SR_OK ||
			    !header_fits(c, &header)) {
				client_refuse(
				    n, c, "not a frame for now, closed");
				return false;
			}
			c->frame_len = header.len;
		} else if (c->in_len > FRAME_HEADER_LEN &&
			   c->in_len == FRAME_HEADER_LEN + c->frame_len) {
			rooms_pass(n, c, frame_whole(n, c), c->frame_len);
		}
	}
	if (c->in_len > 0 && c->frame_ms == 0 && c->phase == CONNECTION_SESSION)
		c->frame_ms = n->now_ms + n->params.handshake_timeout_ms;
	return true;
}
