/* SPDX-License-Identifier: ISC */
/*
 * netd, the room that faces the network: a blind relay between the clients'
 * connections and keyd and ledgerd.  Started by strongroomd only.  Must never
 * hold a key, open a file or begin a connection; the sandbox sees to it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/diag.h"
#include "gen/netd_policy.h"
#include "netd/netd.h"
#include "policy/room.h"

/* Fds that are not clients: those of fds.h, epoll, and some to spare. */
#define FDS_BESIDE_CLIENTS 40

static uint64_t
monotonic_ms(void *unused)
{
	struct timespec now;

	(void)unused;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		diag_fatal("the clock cannot be read");
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 +
	       1;
}

/* No more connections than there can be descriptors. */
static uint64_t
limit_connections(struct room *room, uint64_t max_connections)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		diag_fatal("the limit of open files cannot be read");
	if (files.rlim_max != RLIM_INFINITY &&
	    files.rlim_max < max_connections + FDS_BESIDE_CLIENTS) {
		if (files.rlim_max <= FDS_BESIDE_CLIENTS)
			diag_fatal("the system allows too few open files");
		max_connections = files.rlim_max - FDS_BESIDE_CLIENTS;
		diag_warn("max-connections is %lu here: the system allows no "
			  "more open files",
		    (unsigned long)max_connections);
	}
	room->plan.limit_files = max_connections + FDS_BESIDE_CLIENTS;
	return max_connections;
}

int
main(int argc, char *argv[])
{
	static struct netd netd;
	static uint64_t generation = 1, max_connections = 1000;
	static uint64_t max_per_address = 64, handshake_timeout_ms = 15000;
	static uint64_t max_handshakes = 64, admit = 0;
	static const struct room_option options[] = {
	    {"generation", &generation, 1, UINT32_MAX},
	    {"max-connections", &max_connections, 1, 100000},
	    {"admit", &admit, 1, 100000},
	    {"max-per-address", &max_per_address, 1, 100000},
	    {"handshake-timeout-ms", &handshake_timeout_ms, 100, 600000},
	    {"max-handshakes", &max_handshakes, 1, 100000},
	};
	struct netd_params params = {
	    .links = {[LINK_CONTROL] = FD_CONTROL,
		[LINK_KEYD] = FD_NETD_KEYD,
		[LINK_LEDGERD] = FD_NETD_LEDGERD},
	    .clock_ms = monotonic_ms,
	};
	struct room room;

	_Static_assert(
	    (int)NETD_LISTEN_MAX == (int)NETD_LISTENERS_MAX, "as in fds.h");
	room_start(&room, ROOM_NETD, argc, argv, options,
	    sizeof(options) / sizeof(options[0]));
	params.generation = (uint32_t)generation;
	params.max_connections =
	    (uint32_t)limit_connections(&room, max_connections);
	params.admit = (uint32_t)admit;
	params.max_per_address = (uint32_t)max_per_address;
	params.handshake_timeout_ms = (uint32_t)handshake_timeout_ms;
	params.max_handshakes = (uint32_t)max_handshakes;
	params.listener_count = room.listeners;
	for (unsigned i = 0; i < room.listeners; i++)
		params.listeners[i] = FD_NETD_LISTEN + (int)i;
	netd_init(&netd, &params);
	room.plan.fds |= UINT64_C(1) << netd.epoll_all;
	room.plan.fds |= UINT64_C(1) << netd.epoll_links;
	room_enter(&room, netd_policy, NETD_POLICY_LEN);

	netd_ready(&netd, room.report.missing);
	while (netd_step(&netd, -1))
		continue;
	if (!netd.stopping)
		diag_fatal("keyd or ledgerd has closed its link");
	return 0;
}
