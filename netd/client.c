/* SPDX-License-Identifier: ISC */
/*
 * netd's side towards the clients: read, write, time-outs, close.
 * Must never look into a frame's body, wait for a client, or let one client
 * use more than its bounds.
 */
#include "netd/client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/diag.h"
#include "netd/input.h"
#include "netd/rooms.h"

/* True if the phase wants frames from the client. */
static bool
phase_reads(const struct netd *n, const struct connection *c)
{
	switch ((enum connection_phase)c->phase) {
	case CONNECTION_HELLO:
	case CONNECTION_M2:
	case CONNECTION_LINGER:
		return true;
	case CONNECTION_SESSION:
		return !n->stopping && c->queue != QUEUE_STARVED;
	case CONNECTION_FREE:
	case CONNECTION_M1:
	case CONNECTION_M3:
	case CONNECTION_REFUSED:
	case CONNECTION_DRAIN:
	case CONNECTION_GONE:
		return false;
	}
	return false;
}

static void
interest(struct netd *n, struct connection *c, bool reading, bool writing)
{
	struct epoll_event event = {
	    .events = (reading ? EPOLLIN : 0u) | (writing ? EPOLLOUT : 0u),
	    .data.u64 = c->id,
	};

	if (c->reading == reading && c->writing == writing)
		return;
	if (epoll_ctl(n->epoll_all, EPOLL_CTL_MOD, c->fd, &event) != 0)
		diag_fatal("epoll_ctl: %s", strerror(errno));
	c->reading = reading;
	c->writing = writing;
}

/*
 * What epoll and the wheel must know.  Interest in reading that is not wanted
 * just now is left until something comes: a log-in that goes its way needs no
 * epoll_ctl at all.
 */
static void
refresh(struct netd *n, struct connection *c)
{
	uint64_t at_ms = c->phase_ms;

	interest(n, c, c->reading || phase_reads(n, c), c->out.len > 0);
	if (c->phase == CONNECTION_REFUSED)
		at_ms = c->refuse_ms;
	if (c->phase == CONNECTION_SESSION) {
		at_ms = c->frame_ms;
		if (at_ms == 0 || (c->out_ms != 0 && c->out_ms < at_ms))
			at_ms = c->out_ms;
	}
	wheel_set(&n->wheel, connection_index(&n->connections, c), at_ms);
}

void
client_phase(struct netd *n, struct connection *c, enum connection_phase phase)
{
	c->phase = (uint8_t)phase;
	refresh(n, c);
}

/* Sessions that wait for blocks are read again when there are some. */
static void
feed_starved(struct netd *n)
{
	struct connection *c;

	while (blocks_free(&n->blocks) >= INPUT_BLOCKS &&
	       (c = queue_first(&n->connections, QUEUE_STARVED)) != NULL) {
		queue_leave(&n->connections, c);
		refresh(n, c);
	}
}

void
client_close(struct netd *n, struct connection *c)
{
	assert(c->phase != CONNECTION_FREE && c->phase != CONNECTION_GONE);
	queue_leave(&n->connections, c);
	wheel_set(&n->wheel, connection_index(&n->connections, c), 0);
	if (close(c->fd) != 0)
		diag_warn("close: %s", strerror(errno));
	c->fd = -1;
	address_leave(&n->addresses, c->address);
	chain_clear(&n->blocks, &c->in);
	chain_clear(&n->blocks, &c->out);
	c->in_len = 0;
	rooms_turn_over(n, c);
	c->phase = CONNECTION_GONE;
	if (c->keyd_knows || c->ledgerd_knows)
		queue_push(&n->connections, c, QUEUE_GONE, false);
	else
		connection_free(&n->connections, c);
	feed_starved(n);
}

void
client_refuse(struct netd *n, struct connection *c, const char *why)
{
	const struct address *address =
	    &n->addresses.entries[c->address].address;
	char text[ADDRESS_TEXT_MAX];

	n->refused++;
	address_text(address, text);
	diag_limited(address_hash(&n->addresses, address), "%s: %s", text, why);
	client_close(n, c);
}

/* Our side is closed; what the peer still sends is thrown away, so that the
 * kernel does not answer it with a reset that overtakes our last frame. */
static void
linger(struct netd *n, struct connection *c)
{
	if (shutdown(c->fd, SHUT_WR) != 0) {
		client_close(n, c);
		return;
	}
	client_phase(n, c, CONNECTION_LINGER);
}

void
client_goodbye(struct netd *n, struct connection *c)
{
	queue_leave(&n->connections, c);
	chain_clear(&n->blocks, &c->in);
	c->in_len = 0;
	c->frame_ms = 0;
	c->ledgerd_knows = false;
	c->phase_ms = n->now_ms + NETD_LINGER_MS;
	if (c->out.len > 0)
		client_phase(n, c, CONNECTION_DRAIN);
	else
		linger(n, c);
	feed_starved(n);
}

void
client_deadline(struct netd *n, struct connection *c)
{
	switch ((enum connection_phase)c->phase) {
	case CONNECTION_HELLO:
	case CONNECTION_M1:
	case CONNECTION_M2:
	case CONNECTION_M3:
		client_refuse(n, c, "no session in time, closed");
		return;
	case CONNECTION_SESSION:
		client_refuse(n, c,
		    c->frame_ms != 0 && c->frame_ms <= n->now_ms
			? "a frame was not finished in time, closed"
			: "answers are not taken, closed");
		return;
	case CONNECTION_FREE:
	case CONNECTION_GONE:
		return;
	case CONNECTION_REFUSED:
	case CONNECTION_DRAIN:
	case CONNECTION_LINGER:
		client_close(n, c);
		return;
	}
}

/* How much may be read now: in a handshake never beyond the message. */
static size_t
read_len(const struct connection *c)
{
	switch ((enum connection_phase)c->phase) {
	case CONNECTION_HELLO:
		return FRAME_HEADER_LEN + FRAME_M1_LEN - c->in_len;
	case CONNECTION_M2:
		return FRAME_HEADER_LEN + FRAME_M3_LEN - c->in_len;
	case CONNECTION_SESSION:
	case CONNECTION_LINGER:
		return FRAME_MAX;
	case CONNECTION_FREE:
	case CONNECTION_M1:
	case CONNECTION_M3:
	case CONNECTION_REFUSED:
	case CONNECTION_DRAIN:
	case CONNECTION_GONE:
		return 0;
	}
	return 0;
}

/* Something came that is not wanted now: is it the end of the connection? */
static void
look_for_end(struct netd *n, struct connection *c)
{
	uint8_t byte;
	ssize_t got = recv(c->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)) ||
	    (got == 0 && c->phase == CONNECTION_DRAIN))
		interest(n, c, false, c->writing);
	else
		client_close(n, c);
}

void
client_hung_up(struct netd *n, struct connection *c)
{
	if (phase_reads(n, c))
		client_readable(n, c);
	else
		client_close(n, c);
}

void
client_readable(struct netd *n, struct connection *c)
{
	ssize_t got;

	if (!phase_reads(n, c)) {
		look_for_end(n, c);
		return;
	}
	if (c->phase == CONNECTION_SESSION &&
	    blocks_free(&n->blocks) < INPUT_BLOCKS) {
		queue_push(&n->connections, c, QUEUE_STARVED, false);
		interest(n, c, false, c->writing);
		return;
	}
	got = recv(c->fd, n->input, read_len(c), MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		client_close(n, c);
		return;
	}
	if (c->phase == CONNECTION_LINGER)
		return;
	if (input_take(n, c, n->input, (size_t)got))
		refresh(n, c);
	feed_starved(n);
}

void
client_writable(struct netd *n, struct connection *c)
{
	bool taken = false;

	while (c->out.len > 0) {
		size_t len;
		const uint8_t *bytes = chain_front(&n->blocks, &c->out, &len);
		ssize_t sent =
		    send(c->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (sent < 0) {
			client_close(n, c);
			return;
		}
		chain_consume(&n->blocks, &c->out, (size_t)sent);
		taken = true;
	}
	if (taken)
		c->out_ms = c->out.len > 0 ? n->now_ms + NETD_SLOW_MS : 0;
	if (c->phase == CONNECTION_DRAIN && c->out.len == 0)
		linger(n, c);
	else
		refresh(n, c);
	feed_starved(n);
}

bool
client_send(struct netd *n, struct connection *c, enum frame_type type,
    const uint8_t *body, size_t len)
{
	size_t total = FRAME_HEADER_LEN + len;
	ssize_t sent = 0;

	if (frame_len_check(type, len) != SR_OK) {
		diag_warn("a room sent a frame of a wrong length");
		client_close(n, c);
		return false;
	}
	frame_write(type, len, n->frame);
	memcpy(n->frame + FRAME_HEADER_LEN, body, len);
	if (c->out.len == 0) {
		sent =
		    send(c->fd, n->frame, total, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			client_close(n, c);
			return false;
		}
		if (sent < 0)
			sent = 0;
	}
	if ((size_t)sent == total)
		return true;
	if (c->out.len + total > NETD_OUT_MAX ||
	    chain_append(&n->blocks, &c->out, n->frame + sent,
		total - (size_t)sent) != SR_OK) {
		client_refuse(n, c, "answers are not taken, closed");
		return false;
	}
	if (c->out_ms == 0)
		c->out_ms = n->now_ms + NETD_SLOW_MS;
	refresh(n, c);
	return true;
}
