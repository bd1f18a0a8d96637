/* SPDX-License-Identifier: ISC */
/*
 * The links to keyd, ledgerd and strongroomd, and what clients send on its
 * way there.  Must never wait for a room, or lose what it has taken.
 */
#include "netd/rooms.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "netd/client.h"

enum {
	PACKETS_A_TURN = 8,
	KEYD_STALL_LEN = 4096, /* several handshake messages */
};

bool
rooms_stalled(const struct netd *n)
{
	return outbox_free(&n->links[LINK_LEDGERD].box) < NETD_STALL_LEN ||
	       outbox_free(&n->links[LINK_KEYD].box) < KEYD_STALL_LEN;
}

/* Place for a message in the link's outbox; bad when there is none. */
static struct writer
reserve(struct netd *n, enum netd_link link, size_t max)
{
	uint8_t *place = outbox_reserve(&n->links[link].box, max);
	struct writer w = writer_to(place, place == NULL ? 0 : max);

	return w;
}

static bool
commit(struct netd *n, enum netd_link link, const struct writer *w)
{
	if (w->bad || writer_len(w) == 0)
		return false;
	outbox_commit(&n->links[link].box, writer_len(w));
	return true;
}

static bool
tell_keyd_gone(struct netd *n, uint64_t id)
{
	const struct message_handshake_gone m = {
	    .generation = n->params.generation, .connection = id};
	struct writer w = reserve(n, LINK_KEYD, MESSAGE_HANDSHAKE_GONE_MAX);

	(void)message_handshake_gone_encode(&w, &m);
	return commit(n, LINK_KEYD, &w);
}

bool
rooms_session_gone(struct netd *n, uint64_t id)
{
	const struct message_session_gone m = {
	    .generation = n->params.generation, .connection = id};
	struct writer w = reserve(n, LINK_LEDGERD, MESSAGE_SESSION_GONE_MAX);

	(void)message_session_gone_encode(&w, &m);
	return commit(n, LINK_LEDGERD, &w);
}

bool
rooms_pulse(struct netd *n, uint64_t number)
{
	const struct message_pulse_keyd m = {
	    .generation = n->params.generation, .number = number};
	struct writer w = reserve(n, LINK_KEYD, MESSAGE_PULSE_KEYD_MAX);

	(void)message_pulse_keyd_encode(&w, &m);
	return commit(n, LINK_KEYD, &w);
}

static bool
pass_m1(
    struct netd *n, const struct connection *c, const uint8_t *body, size_t len)
{
	const struct message_handshake_1 m = {
	    .generation = n->params.generation,
	    .connection = c->id,
	    .body = body,
	    .body_len = len};
	struct writer w = reserve(n, LINK_KEYD, MESSAGE_HANDSHAKE_1_MAX);

	(void)message_handshake_1_encode(&w, &m);
	return commit(n, LINK_KEYD, &w);
}

static bool
pass_m3(
    struct netd *n, const struct connection *c, const uint8_t *body, size_t len)
{
	const struct message_handshake_3 m = {
	    .generation = n->params.generation,
	    .connection = c->id,
	    .body = body,
	    .body_len = len};
	struct writer w = reserve(n, LINK_KEYD, MESSAGE_HANDSHAKE_3_MAX);

	(void)message_handshake_3_encode(&w, &m);
	return commit(n, LINK_KEYD, &w);
}

static void
pass_record(
    struct netd *n, const struct connection *c, const uint8_t *body, size_t len)
{
	const struct message_record_in m = {.generation = n->params.generation,
	    .connection = c->id,
	    .body = body,
	    .body_len = len};
	size_t max = MESSAGE_RECORD_IN_MAX - FRAME_BODY_MAX + len;
	struct writer w = reserve(n, LINK_LEDGERD, max);

	(void)message_record_in_encode(&w, &m);
	/* Clients are not read when there is less than NETD_STALL_LEN. */
	if (!commit(n, LINK_LEDGERD, &w))
		diag_fatal("no room for a record");
}

/* M1 or M3 goes to keyd if it is its turn and there is room. */
static bool
pass_handshake(
    struct netd *n, struct connection *c, const uint8_t *body, size_t len)
{
	if (n->in_turn >= n->params.max_handshakes)
		return false;
	if (c->phase == CONNECTION_M1 ? !pass_m1(n, c, body, len)
				      : !pass_m3(n, c, body, len))
		return false;
	n->in_turn++;
	c->in_turn = true;
	c->keyd_knows = true;
	return true;
}

void
rooms_pass(
    struct netd *n, struct connection *c, const uint8_t *body, size_t len)
{
	if (c->phase == CONNECTION_SESSION) {
		pass_record(n, c, body, len);
		return;
	}
	assert(c->phase == CONNECTION_HELLO || c->phase == CONNECTION_M2);
	assert(len <= CONNECTION_SMALL_LEN);
	c->refuse_ms = n->now_ms + NETD_REFUSE_MS;
	client_phase(
	    n, c, c->phase == CONNECTION_HELLO ? CONNECTION_M1 : CONNECTION_M3);
	if (pass_handshake(n, c, body, len))
		return;
	/* What was begun is finished before something new is begun. */
	memcpy(c->small, body, len);
	c->frame_len = (uint16_t)len;
	queue_push(&n->connections, c, QUEUE_KEYD, c->phase == CONNECTION_M3);
}

void
rooms_turn_over(struct netd *n, struct connection *c)
{
	if (!c->in_turn)
		return;
	assert(n->in_turn > 0);
	n->in_turn--;
	c->in_turn = false;
}

static void
pass_gone(struct netd *n)
{
	struct connection *c;

	while ((c = queue_first(&n->connections, QUEUE_GONE)) != NULL) {
		if (c->keyd_knows && !tell_keyd_gone(n, c->id))
			return;
		c->keyd_knows = false;
		if (c->ledgerd_knows && !rooms_session_gone(n, c->id))
			return;
		c->ledgerd_knows = false;
		queue_leave(&n->connections, c);
		connection_free(&n->connections, c);
	}
}

void
rooms_pass_waiting(struct netd *n)
{
	struct connection *c;

	pass_gone(n);
	while ((c = queue_first(&n->connections, QUEUE_KEYD)) != NULL) {
		if (!pass_handshake(n, c, c->small, c->frame_len))
			return;
		queue_leave(&n->connections, c);
	}
}

/* ---- The links ----------------------------------------------------------- */

static enum sr_error
link_send(void *of, const void *packet, size_t len)
{
	const struct netd_link_state *link = of;
	ssize_t sent = send(link->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent >= 0)
		return SR_OK;
	switch (errno) {
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
	case ENOMEM:
		return SR_AGAIN;
	default:
		return SR_CLOSED;
	}
}

static void
link_interest(struct netd *n, enum netd_link which)
{
	struct netd_link_state *link = &n->links[which];
	bool writing = !outbox_empty(&link->box);
	struct epoll_event event = {
	    .events = EPOLLIN | (writing ? EPOLLOUT : 0u),
	    .data.u64 = (uint64_t)which};

	if (writing == link->writing)
		return;
	if (epoll_ctl(n->epoll_all, EPOLL_CTL_MOD, link->fd, &event) != 0 ||
	    epoll_ctl(n->epoll_links, EPOLL_CTL_MOD, link->fd, &event) != 0)
		diag_fatal("epoll_ctl: %s", strerror(errno));
	link->writing = writing;
}

/* The other end is gone: a closed link would wake epoll for ever. */
static void
link_closed(struct netd *n, enum netd_link which)
{
	struct netd_link_state *link = &n->links[which];

	link->closed = true;
	if (epoll_ctl(n->epoll_all, EPOLL_CTL_DEL, link->fd, NULL) != 0 ||
	    epoll_ctl(n->epoll_links, EPOLL_CTL_DEL, link->fd, NULL) != 0)
		diag_fatal("epoll_ctl: %s", strerror(errno));
}

void
rooms_flush(struct netd *n)
{
	for (int i = 0; i < LINK_COUNT; i++) {
		struct netd_link_state *link = &n->links[i];

		if (link->closed)
			continue;
		if (outbox_flush(&link->box, link_send, link) == SR_CLOSED)
			link_closed(n, (enum netd_link)i);
		else
			link_interest(n, (enum netd_link)i);
	}
}

void
rooms_read(struct netd *n, enum netd_link which)
{
	struct netd_link_state *link = &n->links[which];

	for (int turn = 0; turn < PACKETS_A_TURN && !link->closed; turn++) {
		ssize_t got = recv(link->fd, n->packet.bytes,
		    sizeof(n->packet.bytes), MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			link_closed(n, which);
			return;
		}
		n->packet.len = (size_t)got;
		switch (which) {
		case LINK_KEYD:
			(void)netd_dispatch_keyd(
			    n, PHASE_OPEN, n->packet.bytes, n->packet.len);
			break;
		case LINK_LEDGERD:
			(void)netd_dispatch_ledgerd(
			    n, PHASE_OPEN, n->packet.bytes, n->packet.len);
			break;
		case LINK_CONTROL:
		case LINK_COUNT:
			(void)netd_dispatch_monitor(
			    n, PHASE_OPEN, n->packet.bytes, n->packet.len);
			break;
		}
	}
}
