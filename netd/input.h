/* SPDX-License-Identifier: ISC */
#ifndef NETD_INPUT_H
#define NETD_INPUT_H
/*
 * From a client's bytes to whole frames that its phase allows.
 */
#include "netd/netd.h"

enum {
	/* Blocks that the part of a frame may need. */
	INPUT_BLOCKS = (FRAME_MAX + BLOCK_LEN - 1) / BLOCK_LEN + 1,
};

/*
 * Takes len bytes, at most FRAME_MAX, that the client sent.  Whole frames are
 * passed on from where they lie, the part of one is kept.  In a handshake the
 * caller reads no further than to the end of the message; in a session it
 * sees to INPUT_BLOCKS free blocks and to NETD_STALL_LEN in ledgerd's outbox.
 * False when the connection was closed, because a header was wrong.
 */
bool input_take(
    struct netd *netd, struct connection *c, const uint8_t *bytes, size_t len);

#endif
