/* SPDX-License-Identifier: ISC */
#ifndef NETD_NETD_H
#define NETD_NETD_H
/*
 * netd: owns the connections and is a blind relay.  It checks length and type
 * of a frame against the connection's phase and hands its body on; it holds
 * no key and could read nothing.
 *
 *	HELLO out -> M1 to keyd -> M2 out -> M3 to keyd -> RECORDs between the
 *	client and ledgerd, or M5 out and close
 *
 * Every bound says what happens when it is reached:
 *
 *	connections, per address   the new connection is closed
 *	handshakes in keyd         the next M1 waits its turn, M3 goes first
 *	handshake time-out         the connection is closed
 *	begun frame not finished   the connection is closed
 *	answers not taken          the connection is closed (slow reader)
 *	pool of blocks             sessions are not read until it has blocks;
 *	                           answers find none: that client is closed
 *	link to ledgerd or keyd    clients are not read until it has room
 *	bytes from one client      one largest frame a turn, then the others
 *
 * A refused handshake is closed 3 s after its last message came (or a
 * multiple of that, when keyd answered later), whatever the reason was.
 *
 * Nothing is allocated after netd_init().  Only the calls of the policy are
 * made after it, so the sandbox is entered between it and netd_step().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "common/error.h"
#include "common/frame.h"
#include "common/ipc.h"
#include "common/outbox.h"
#include "netd/address.h"
#include "netd/blocks.h"
#include "netd/connection.h"
#include "netd/wheel.h"

enum {
	NETD_LISTEN_MAX = 16,
	NETD_EVENTS = 64,
	NETD_HELLO_MAX = 1024,
	NETD_REFUSE_MS = 3000, /* from M1 or M3 to the silent close */
	NETD_LINGER_MS = 2000, /* for a goodbye */
	NETD_SLOW_MS = 30000,  /* without taking anything: slow reader */
	NETD_STOP_MS = 1000,   /* from `stop' to the end */
	NETD_LOST_MS = 1000,   /* from a room's end to ours without a `stop' */
	NETD_OUT_MAX = 4 * FRAME_MAX, /* answers waiting for one client */
	/*
	 * What reading one client may put into ledgerd's outbox: a largest
	 * frame but one byte that was there, a largest frame read, and what
	 * the message headers add to frames of the smallest size.
	 */
	NETD_STALL_LEN = 40000,
};

enum netd_link { LINK_CONTROL, LINK_KEYD, LINK_LEDGERD, LINK_COUNT };

struct netd_params {
	uint32_t generation;      /* from 1; which netd since the start */
	uint32_t max_connections; /* there is memory for so many */
	uint32_t admit;           /* of these at a time; 0: all */
	uint32_t max_per_address;
	uint32_t handshake_timeout_ms;
	uint32_t max_handshakes; /* that keyd may have at a time */
	int links[LINK_COUNT];   /* SOCK_SEQPACKET */
	int listeners[NETD_LISTEN_MAX];
	size_t listener_count;
	uint64_t (*clock_ms)(void *); /* monotonic, not 0 */
	void *clock;
};

struct netd_link_state {
	int fd;
	bool closed;
	bool writing; /* the interest told to epoll */
	struct outbox box;
};

struct netd {
	struct netd_params params;
	struct connections connections;
	struct address_table addresses;
	struct blocks blocks;
	struct wheel wheel;
	struct netd_link_state links[LINK_COUNT];

	uint64_t now_ms;
	uint8_t hello[NETD_HELLO_MAX];
	size_t hello_len; /* 0: no beacon yet, nobody is let in */
	uint32_t in_turn; /* handshakes that keyd has */
	uint64_t accepted;
	uint64_t refused;
	uint32_t control_request; /* the one being answered */

	bool listening;     /* the listeners are in epoll */
	uint64_t accept_ms; /* no accept before that; 0: no pause */
	bool stopping;
	bool done;
	uint64_t stop_ms; /* when it ends at the latest; 0: not ending */

	int epoll_all;   /* clients, listeners and links */
	int epoll_links; /* links only: what is looked at while stalled */
	struct epoll_event events[NETD_EVENTS]; /* clients to look at yet */
	int event_count;
	int event_next;

	void *memory;
	uint8_t input[FRAME_MAX]; /* what was read from a client */
	uint8_t frame[FRAME_MAX]; /* a frame put together */
	struct ipc_packet packet; /* what was read from a room */
};

/*
 * Takes the fds of params, makes two epoll fds (epoll_all, epoll_links) and
 * all memory.  Ends the process when that fails.
 */
void netd_init(struct netd *netd, const struct netd_params *params);

/* Closes the epoll fds and all clients, and frees the memory. */
void netd_end(struct netd *netd);

/* Tells the monitor that netd serves; missing as in `ready'. */
void netd_ready(struct netd *netd, uint32_t missing);

/*
 * One look at links and clients, waiting at most timeout_ms (-1: as long as
 * nothing is due), with bounded work.  False when netd is to end: stopped in
 * good order (netd->stopping), or keyd or ledgerd is gone and strongroomd did
 * not say `stop' soon after.
 */
bool netd_step(struct netd *netd, int timeout_ms);

/* The same as the message `stop': closes the listeners, drains, ends. */
void netd_stop(struct netd *netd);

#endif
