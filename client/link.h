/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H
/*
 * The client's connection to a bank: an address to a stream, a stream to
 * frames, each step with a time-out.  What is not a bank is told apart.  No
 * cryptography here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/frame.h"

enum {
	LINK_PEER_MAX = 160,
	LINK_MESSAGE_MAX = 400,
	LINK_TIMEOUT_MS = 20000, /* what callers pass unless told otherwise */
};

/* Of the caller.  {.fd = -1} is a closed link. */
struct link {
	int fd;
	int timeout_ms;           /* for each frame, read or written */
	bool heard;               /* a frame has been read: it is a bank */
	char peer[LINK_PEER_MAX]; /* the address, for messages */
	char message[LINK_MESSAGE_MAX]; /* why the last call failed */
};

struct link_frame {
	enum frame_type type;
	size_t len;
	uint8_t body[FRAME_BODY_MAX];
};

/*
 * Connects to host:port (each address that the name has is tried), [v6]:port
 * or unix:PATH.  SR_UNREACHABLE, SR_USAGE for an address that is none of
 * these.  link->message says which, why and what to try.
 */
enum sr_error link_open(struct link *link, const char *address, int timeout_ms);

/*
 * Whether it is host:port or [v6]:port, a port from 1 to 65535; the name is
 * not looked up.
 */
bool link_address_tcp(const char *address);

/*
 * Reads the next frame.  SR_NOT_A_BANK when what comes first is not a bank's
 * (message names HTTP, TLS, SSH or what else it looks like); SR_UNREACHABLE
 * when nothing comes in time; SR_CLOSED at the end of the stream between
 * frames; SR_MALFORMED, SR_IO.  After an error the link is of no more use
 * than to be closed.
 */
enum sr_error link_read(struct link *link, struct link_frame *out);

/*
 * Writes one frame.  SR_UNREACHABLE when it does not go out in time,
 * SR_CLOSED, SR_IO.
 */
enum sr_error link_write(
    struct link *link, enum frame_type type, const uint8_t *body, size_t len);

/* Closes; a closed link may be closed again. */
void link_close(struct link *link);

#endif
