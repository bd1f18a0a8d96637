/* SPDX-License-Identifier: ISC */
/*
 * netd's start, its loop and its end.  Must never allocate after the start,
 * or do more in one step than its bounds say.
 */
#include "netd/netd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/diag.h"
#include "netd/client.h"
#include "netd/rooms.h"

/* What an epoll event is about; a client's is its id, above 1 << 32. */
enum { EVENT_LISTENER = 16 };

enum {
	BLOCKS_MIN = 256,
	OUTBOX_LINK_LEN = 5 * (OUTBOX_PACKET_MAX + OUTBOX_PACKET_HEADER_LEN),
	OUTBOX_SMALL_LEN = OUTBOX_PACKET_MAX + OUTBOX_PACKET_HEADER_LEN,
};

static uint32_t
power_of_two(uint32_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

/* A piece of the one allocation; with base NULL only the sum is made. */
static void *
piece(uint8_t *base, size_t *used, size_t count, size_t size)
{
	void *at = base == NULL ? NULL : base + *used;

	*used += (count * size + 63) / 64 * 64;
	return at;
}

/* Lays everything out in base; gives the bytes that it takes. */
static size_t
lay_out(struct netd *n, uint8_t *base, const uint64_t seed[2])
{
	uint32_t count = n->params.max_connections;
	uint32_t buckets = power_of_two(count);
	uint32_t blocks = BLOCKS_MIN + count / 4;
	size_t used = 0;
	struct connection *slots =
	    piece(base, &used, count, sizeof(struct connection));
	int32_t *by_id = piece(base, &used, buckets, sizeof(int32_t));
	struct address_entry *entries =
	    piece(base, &used, count, sizeof(struct address_entry));
	int32_t *by_address = piece(base, &used, buckets, sizeof(int32_t));
	struct wheel_entry *deadlines =
	    piece(base, &used, count, sizeof(struct wheel_entry));
	int32_t *next = piece(base, &used, blocks, sizeof(int32_t));
	uint8_t *bytes = piece(base, &used, blocks, BLOCK_LEN);
	void *box[LINK_COUNT] = {
	    [LINK_CONTROL] = piece(base, &used, 1, OUTBOX_SMALL_LEN),
	    [LINK_KEYD] = piece(base, &used, 1, OUTBOX_LINK_LEN),
	    [LINK_LEDGERD] = piece(base, &used, 1, OUTBOX_LINK_LEN),
	};

	if (base == NULL)
		return used;
	connections_init(&n->connections, slots, count, by_id, buckets,
	    n->params.generation);
	address_table_init(
	    &n->addresses, entries, count, by_address, buckets, seed);
	wheel_init(&n->wheel, deadlines, count, n->now_ms);
	blocks_init(&n->blocks, bytes, next, blocks);
	for (int i = 0; i < LINK_COUNT; i++)
		outbox_init(&n->links[i].box, box[i],
		    i == LINK_CONTROL ? OUTBOX_SMALL_LEN : OUTBOX_LINK_LEN);
	return used;
}

static void
watch(int epoll, int fd, uint64_t what, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = what};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		diag_fatal("epoll_ctl: %s", strerror(errno));
}

static void
take_listener(struct netd *n, size_t i)
{
	int fd = n->params.listeners[i], on = 1;
	int flags = fcntl(fd, F_GETFL);
	int domain = 0;
	socklen_t len = sizeof(domain);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0)
		diag_fatal("listening socket: %s", strerror(errno));
	/* The connections inherit it; an answer never waits for another. */
	if (domain != AF_UNIX &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		diag_fatal("TCP_NODELAY: %s", strerror(errno));
	watch(n->epoll_all, fd, EVENT_LISTENER + i, 0);
}

void
netd_init(struct netd *n, const struct netd_params *params)
{
	uint64_t seed[2];

	memset(n, 0, sizeof(*n));
	n->params = *params;
	if (params->admit == 0 || params->admit > params->max_connections)
		n->params.admit = params->max_connections;
	assert(params->generation > 0 && params->max_connections > 0 &&
	       params->max_handshakes > 0 &&
	       params->listener_count <= NETD_LISTEN_MAX);
	n->now_ms = params->clock_ms(params->clock);
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		diag_fatal("getrandom: %s", strerror(errno));
	n->memory = calloc(1, lay_out(n, NULL, seed));
	if (n->memory == NULL)
		diag_fatal("no memory for %u connections",
		    (unsigned)params->max_connections);
	(void)lay_out(n, n->memory, seed);
	n->epoll_all = epoll_create1(EPOLL_CLOEXEC);
	n->epoll_links = epoll_create1(EPOLL_CLOEXEC);
	if (n->epoll_all < 0 || n->epoll_links < 0)
		diag_fatal("epoll_create1: %s", strerror(errno));
	for (int i = 0; i < LINK_COUNT; i++) {
		n->links[i].fd = params->links[i];
		watch(n->epoll_all, params->links[i], (uint64_t)i, EPOLLIN);
		watch(n->epoll_links, params->links[i], (uint64_t)i, EPOLLIN);
	}
	for (size_t i = 0; i < params->listener_count; i++)
		take_listener(n, i);
}

void
netd_end(struct netd *n)
{
	for (uint32_t i = 0; i < n->connections.touched; i++) {
		struct connection *c = connection_at(&n->connections, i);

		if (c->phase != CONNECTION_FREE && c->fd >= 0)
			(void)close(c->fd);
	}
	(void)close(n->epoll_all);
	(void)close(n->epoll_links);
	free(n->memory);
	n->memory = NULL;
}

/* People are let in once there is a HELLO, while not stopping or pausing. */
static void
listen_when_ready(struct netd *n)
{
	bool want;

	if (n->accept_ms != 0 && n->accept_ms <= n->now_ms)
		n->accept_ms = 0;
	want = n->hello_len > 0 && !n->stopping && n->accept_ms == 0;
	if (want == n->listening || n->stopping)
		return;
	for (size_t i = 0; i < n->params.listener_count; i++) {
		struct epoll_event event = {.events = want ? EPOLLIN : 0u,
		    .data.u64 = EVENT_LISTENER + i};

		if (epoll_ctl(n->epoll_all, EPOLL_CTL_MOD,
			n->params.listeners[i], &event) != 0)
			diag_fatal("epoll_ctl: %s", strerror(errno));
	}
	n->listening = want;
}

void
netd_stop(struct netd *n)
{
	if (n->stopping)
		return;
	n->stopping = true;
	n->stop_ms = n->now_ms + NETD_STOP_MS;
	for (size_t i = 0; i < n->params.listener_count; i++)
		if (close(n->params.listeners[i]) != 0)
			diag_warn("close: %s", strerror(errno));
	n->params.listener_count = 0;
	for (uint32_t i = 0; i < n->connections.touched; i++) {
		struct connection *c = connection_at(&n->connections, i);

		switch ((enum connection_phase)c->phase) {
		case CONNECTION_HELLO:
		case CONNECTION_M1:
		case CONNECTION_M2:
		case CONNECTION_M3:
		case CONNECTION_REFUSED:
		case CONNECTION_LINGER:
			client_close(n, c);
			break;
		case CONNECTION_FREE:
		case CONNECTION_SESSION:
		case CONNECTION_DRAIN:
		case CONNECTION_GONE:
			/* Answers on their way are still delivered. */
			break;
		}
	}
}

/* Nothing more comes from ledgerd: the clients get what is here, and go. */
static void
drain_all(struct netd *n)
{
	for (uint32_t i = 0; i < n->connections.touched; i++) {
		struct connection *c = connection_at(&n->connections, i);

		if (c->phase == CONNECTION_SESSION)
			client_goodbye(n, c);
	}
}

/* True when netd has nothing more to do. */
static bool
finished(struct netd *n)
{
	bool keyd_closed = n->links[LINK_KEYD].closed;
	bool ledgerd_closed = n->links[LINK_LEDGERD].closed;
	bool waiting = false;

	if (n->links[LINK_CONTROL].closed)
		netd_stop(n);
	if (ledgerd_closed)
		drain_all(n);
	if (!n->stopping) {
		/* Is it the end of the bank?  Then `stop' is on its way. */
		if (n->stop_ms == 0 && (keyd_closed || ledgerd_closed))
			n->stop_ms = n->now_ms + NETD_LOST_MS;
		return n->stop_ms != 0 && n->now_ms >= n->stop_ms;
	}
	for (uint32_t i = 0; i < n->connections.touched && !waiting; i++) {
		const struct connection *c = connection_at(&n->connections, i);

		waiting = c->phase == CONNECTION_SESSION ||
			  c->phase == CONNECTION_DRAIN;
	}
	return !waiting || n->now_ms >= n->stop_ms;
}

static void
one_link(struct netd *n, const struct epoll_event *event)
{
	if ((event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		rooms_read(n, (enum netd_link)event->data.u64);
}

static void
one_client(struct netd *n, const struct epoll_event *event)
{
	uint64_t id = event->data.u64;
	struct connection *c = connection_find(&n->connections, id);

	if (c != NULL && c->phase != CONNECTION_GONE &&
	    (event->events & EPOLLOUT) != 0) {
		client_writable(n, c);
		c = connection_find(&n->connections, id);
	}
	if (c == NULL || c->phase == CONNECTION_GONE)
		return;
	if ((event->events & (EPOLLHUP | EPOLLERR)) != 0)
		client_hung_up(n, c);
	else if ((event->events & EPOLLIN) != 0)
		client_readable(n, c);
}

/* Clients that are ready, until all had a turn or a room does not keep up. */
static void
serve_clients(struct netd *n)
{
	while (n->event_next < n->event_count && !rooms_stalled(n)) {
		const struct epoll_event *event = &n->events[n->event_next++];

		if (event->data.u64 < EVENT_LISTENER)
			continue;
		if (event->data.u64 < EVENT_LISTENER + NETD_LISTEN_MAX) {
			if (!n->stopping)
				client_accept(
				    n, event->data.u64 - EVENT_LISTENER);
			continue;
		}
		one_client(n, event);
	}
}

/* How long nothing is due. */
static int
wait_ms(const struct netd *n, int timeout_ms)
{
	uint64_t due[2] = {n->accept_ms, n->stop_ms};
	int wait = wheel_wait_ms(&n->wheel, n->now_ms);

	for (int i = 0; i < 2; i++) {
		int left;

		if (due[i] == 0)
			continue;
		left = due[i] <= n->now_ms ? 0 : (int)(due[i] - n->now_ms);
		if (wait < 0 || left < wait)
			wait = left;
	}
	if (wait < 0 || (timeout_ms >= 0 && timeout_ms < wait))
		wait = timeout_ms;
	return wait;
}

/*
 * Waits for links and clients; for links only while clients of the last look
 * still have to be served, which is also what being stalled means.
 */
static void
look(struct netd *n, int timeout_ms)
{
	struct epoll_event links[LINK_COUNT];
	int count;

	if (n->event_next < n->event_count || rooms_stalled(n)) {
		count = epoll_wait(n->epoll_links, links, LINK_COUNT,
		    rooms_stalled(n) ? wait_ms(n, timeout_ms) : 0);
		for (int i = 0; i < count; i++)
			one_link(n, &links[i]);
	} else {
		count = epoll_wait(n->epoll_all, n->events, NETD_EVENTS,
		    wait_ms(n, timeout_ms));
		n->event_count = count > 0 ? count : 0;
		n->event_next = 0;
		for (int i = 0; i < n->event_count; i++)
			if (n->events[i].data.u64 < LINK_COUNT)
				one_link(n, &n->events[i]);
	}
	if (count < 0 && errno != EINTR)
		diag_fatal("epoll_wait: %s", strerror(errno));
	n->now_ms = n->params.clock_ms(n->params.clock);
}

bool
netd_step(struct netd *n, int timeout_ms)
{
	int32_t index;

	n->now_ms = n->params.clock_ms(n->params.clock);
	listen_when_ready(n);
	/* What was made outside of a step must not wait for an event. */
	rooms_flush(n);
	look(n, timeout_ms);
	while ((index = wheel_expired(&n->wheel, n->now_ms)) != WHEEL_NONE)
		client_deadline(
		    n, connection_at(&n->connections, (uint32_t)index));
	rooms_pass_waiting(n);
	serve_clients(n);
	rooms_pass_waiting(n);
	rooms_flush(n);
	n->done = finished(n);
	if (n->done)
		rooms_flush(n);
	return !n->done;
}
