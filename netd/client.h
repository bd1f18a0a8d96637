/* SPDX-License-Identifier: ISC */
#ifndef NETD_CLIENT_H
#define NETD_CLIENT_H
/*
 * The side of netd that faces the clients.  A function that can close the
 * connection says so; the pointer is then not to be used any more.
 */
#include "netd/netd.h"

/* Lets in what waits at listener number i, a bounded number. */
void client_accept(struct netd *netd, size_t i);

/* The client's socket is readable; may close. */
void client_readable(struct netd *netd, struct connection *c);

/* Both directions of the client's socket have ended; may close. */
void client_hung_up(struct netd *netd, struct connection *c);

/* The client's socket is writable; may close. */
void client_writable(struct netd *netd, struct connection *c);

/*
 * Sends a frame, or queues what the socket does not take.  A client that has
 * too much queued is closed: false.
 */
bool client_send(struct netd *netd, struct connection *c, enum frame_type type,
    const uint8_t *body, size_t len);

/* The connection is in `phase' now; tells epoll and the wheel. */
void client_phase(
    struct netd *netd, struct connection *c, enum connection_phase phase);

/* Sends what is queued and then closes in good order; may close at once. */
void client_goodbye(struct netd *netd, struct connection *c);

/* Closes at once; keyd or ledgerd is told, now or when there is room. */
void client_close(struct netd *netd, struct connection *c);

/* Closes, counts and says why, with the peer's address, at a bounded rate. */
void client_refuse(struct netd *netd, struct connection *c, const char *why);

/* The connection's deadline has passed; may close. */
void client_deadline(struct netd *netd, struct connection *c);

#endif
