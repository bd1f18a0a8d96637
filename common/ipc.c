/* SPDX-License-Identifier: ISC */
/*
 * Packets over SOCK_SEQPACKET.  This file moves whole packets and finds the
 * messages in them; it must never look into a body.
 */
#include "common/ipc.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What a failed read or write means to the rooms. */
static enum sr_error
ipc_error(int number)
{
	switch (number) {
	case EAGAIN:
#if EWOULDBLOCK != EAGAIN
	case EWOULDBLOCK:
#endif
		return SR_AGAIN;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return SR_CLOSED;
	default:
		return SR_IO;
	}
}

enum sr_error
ipc_read(int fd, struct ipc_packet *p)
{
	ssize_t n;

	p->len = 0;
	do
		n = read(fd, p->bytes, sizeof(p->bytes));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ipc_error(errno);
	if (n == 0)
		return SR_CLOSED;
	if (n > IPC_PACKET_MAX)
		return SR_TOO_LARGE;
	p->len = (size_t)n;
	return SR_OK;
}

/* True if nothing but zeros is left; looks further only at type 0. */
static bool
ipc_only_zeros(const struct reader *packet)
{
	struct reader rest = *packet;

	if (reader_left(packet) >= IPC_HEADER_LEN && packet->at[2] != 0)
		return false;

	reader_zeros(&rest, reader_left(&rest));
	return reader_end(&rest);
}

enum sr_error
ipc_next(struct reader *packet, bool padded, struct ipc_message *m)
{
	unsigned type, zero;
	size_t len;

	*m = (struct ipc_message){0};
	if (reader_end(packet) || (padded && ipc_only_zeros(packet)))
		return SR_AGAIN;
	len = reader_u16(packet);
	type = reader_u8(packet);
	zero = reader_u8(packet);
	if (packet->bad)
		return SR_MALFORMED;
	m->type = type;
	if (type == 0 || zero != 0 || len > reader_left(packet)) {
		packet->bad = true;
		return SR_MALFORMED;
	}
	m->len = len;
	m->body = reader_view(packet, len);
	return SR_OK;
}

void
ipc_batch_init(struct ipc_batch *b)
{
	b->w = writer_to(b->bytes, sizeof(b->bytes));
}

size_t
ipc_batch_room(const struct ipc_batch *b)
{
	return sizeof(b->bytes) - writer_len(&b->w);
}

size_t
ipc_batch_len(const struct ipc_batch *b)
{
	return writer_len(&b->w);
}

enum sr_error
ipc_batch_flush(int fd, struct ipc_batch *b)
{
	size_t len = writer_len(&b->w);
	ssize_t n;

	assert(!b->w.bad);
	if (len == 0)
		return SR_OK;
	do
		n = write(fd, b->bytes, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ipc_error(errno);
	/* A packet leaves whole or not at all. */
	assert((size_t)n == len);
	explicit_bzero(b->bytes, len);
	ipc_batch_init(b);
	return SR_OK;
}
