/* SPDX-License-Identifier: ISC */
/*
 * New connections: counted, bounded, greeted with HELLO.  Must never let one
 * in beyond a bound, nor keep a descriptor of one that is not let in.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/diag.h"
#include "netd/client.h"

enum {
	ACCEPTS_A_TURN = 16,
	ACCEPT_PAUSE_MS = 1000,
};

/* The peer's address; for a unix socket the uid that connected. */
static bool
peer_address(int fd, const struct sockaddr_storage *peer, socklen_t len,
    struct address *out)
{
	struct ucred credentials = {0, (uid_t)-1, (gid_t)-1};
	socklen_t size = sizeof(credentials);

	if (peer->ss_family == AF_UNIX &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
		return false;
	return address_of(
	    (const struct sockaddr *)peer, len, credentials.uid, out);
}

/* A new connection is within the bounds: gives it HELLO.  Else closes fd. */
static void
admit(
    struct netd *n, int fd, const struct sockaddr_storage *peer, socklen_t len)
{
	struct address address = {0};
	struct connection *c = NULL;
	struct epoll_event event = {.events = EPOLLIN};
	int32_t entry = -1;

	n->accepted++;
	if (peer_address(fd, peer, len, &address))
		entry = address_enter(
		    &n->addresses, &address, n->params.max_per_address);
	if (entry >= 0 && n->connections.used < n->params.admit)
		c = connection_new(&n->connections);
	if (c == NULL) {
		char text[ADDRESS_TEXT_MAX] = "a peer without address";

		n->refused++;
		if (entry >= 0)
			address_leave(&n->addresses, entry);
		if (address.family != 0)
			address_text(&address, text);
		diag_limited(address_hash(&n->addresses, &address),
		    "%s: too many connections, closed", text);
		if (close(fd) != 0)
			diag_warn("close: %s", strerror(errno));
		return;
	}
	c->fd = fd;
	c->address = entry;
	c->reading = true;
	c->phase_ms = n->now_ms + n->params.handshake_timeout_ms;
	event.data.u64 = c->id;
	if (epoll_ctl(n->epoll_all, EPOLL_CTL_ADD, fd, &event) != 0)
		diag_fatal("epoll_ctl: %s", strerror(errno));
	client_phase(n, c, CONNECTION_HELLO);
	(void)client_send(n, c, FRAME_HELLO, n->hello, n->hello_len);
}

void
client_accept(struct netd *n, size_t i)
{
	for (int turn = 0; turn < ACCEPTS_A_TURN; turn++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int fd =
		    accept4(n->params.listeners[i], (struct sockaddr *)&peer,
			&len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(n, fd, &peer, len);
			continue;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			diag_limited(
			    (uint64_t)errno, "accept: %s", strerror(errno));
			n->accept_ms = n->now_ms + ACCEPT_PAUSE_MS;
			return;
		default:
			/* The connection failed before it was taken. */
			continue;
		}
	}
}
