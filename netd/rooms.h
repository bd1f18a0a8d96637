/* SPDX-License-Identifier: ISC */
#ifndef NETD_ROOMS_H
#define NETD_ROOMS_H
/*
 * The side of netd that faces the other rooms.  What they send is taken by
 * the handlers that gen/messages.h names (answers.c, control.c).
 */
#include "netd/netd.h"

/*
 * Hands on a whole frame that the connection's phase allows: M1 and M3 to
 * keyd when it is their turn (else the frame is kept in c->small), a record
 * to ledgerd.  The caller has seen to the room in ledgerd's outbox
 * (NETD_STALL_LEN).
 */
void rooms_pass(
    struct netd *netd, struct connection *c, const uint8_t *body, size_t len);

/*
 * Tells ledgerd that the connection has ended; false when its outbox is full:
 * the session then ends by its idle time.
 */
bool rooms_session_gone(struct netd *netd, uint64_t id);

/* The handshake has left keyd: the next one that waits has its turn. */
void rooms_turn_over(struct netd *netd, struct connection *c);

/* Passes on what waits for a turn or for room: handshakes and closings. */
void rooms_pass_waiting(struct netd *netd);

/* Reads what the link has, a bounded number of packets. */
void rooms_read(struct netd *netd, enum netd_link link);

/* Sends what waits and tells epoll what is wanted from the links. */
void rooms_flush(struct netd *netd);

/* True while clients may not be read because a room does not keep up. */
bool rooms_stalled(const struct netd *netd);

/* Passes a pulse on to keyd; false: its link has no room, it is dropped. */
bool rooms_pulse(struct netd *n, uint64_t number);

#endif
