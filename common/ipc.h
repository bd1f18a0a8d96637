/* SPDX-License-Identifier: ISC */
#ifndef COMMON_IPC_H
#define COMMON_IPC_H
/*
 * Packets between the rooms, over a SOCK_SEQPACKET socket.  A packet holds
 * one or more messages (policy/messages.def) one after the other; several in
 * one packet save a system call and a wake-up each.
 *
 * Only read(2) and write(2) are used, never recvmsg(2): no file descriptor
 * can come with a packet.  Nothing is allocated, and who sent a packet is
 * known by the descriptor it came on, never by its contents.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

/* A packet's bytes, at most; one message is a header of 4 and its body. */
#define IPC_PACKET_MAX 65536
#define IPC_HEADER_LEN 4

/*
 * Receives one packet.  The spare byte tells a packet that is too large from
 * one that just fits, since read(2) cuts silently.
 */
struct ipc_packet {
	size_t len;
	uint8_t bytes[IPC_PACKET_MAX + 1];
};

/* One message within a packet; body points into the packet's bytes. */
struct ipc_message {
	unsigned type;
	size_t len;
	const uint8_t *body;
};

/*
 * Messages that wait to leave together in one packet.  `w` is what the
 * encoders of gen/messages.h append to.
 */
struct ipc_batch {
	struct writer w;
	uint8_t bytes[IPC_PACKET_MAX];
};

/*
 * Reads the next packet from fd; blocks when fd does.  SR_AGAIN: nothing is
 * waiting on a non-blocking fd.  SR_CLOSED: the peer has closed (a packet of
 * no bytes looks the same and is treated so).  SR_TOO_LARGE: the packet was
 * longer than IPC_PACKET_MAX and is gone.  SR_IO: anything else, in errno.
 * p->len is 0 unless SR_OK.
 */
enum sr_error ipc_read(int fd, struct ipc_packet *p);

/*
 * Takes the next message off a packet's reader.  SR_AGAIN at the packet's
 * end, or, if `padded`, when only zeros are left.  SR_MALFORMED: a header
 * that is cut off, type 0, a reserved byte that is not zero, or a body beyond
 * the packet's end.  m->type is 0 unless a whole header was read; body and
 * len are set only with SR_OK.
 */
enum sr_error ipc_next(
    struct reader *packet, bool padded, struct ipc_message *m);

/* Makes the batch empty.  Must precede every other use. */
void ipc_batch_init(struct ipc_batch *b);

/* Bytes that still fit, header included. */
size_t ipc_batch_room(const struct ipc_batch *b);

/* Bytes that wait. */
size_t ipc_batch_len(const struct ipc_batch *b);

/*
 * Sends what waits as one packet, wipes it and makes the batch empty; does
 * nothing when nothing waits.  On SR_AGAIN (the socket is full) the batch
 * stays and is to be flushed again when fd is writable.  SR_CLOSED: the peer
 * is gone; SR_IO: anything else, in errno; the batch stays with both.  No
 * SIGPIPE is raised only if the process ignores it.
 */
enum sr_error ipc_batch_flush(int fd, struct ipc_batch *b);

#endif
