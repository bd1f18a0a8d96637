/* SPDX-License-Identifier: ISC */
#ifndef POLICY_ROOM_H
#define POLICY_ROOM_H
/*
 * How the main of a room begins, so that each reads alike: options -> take
 * the fds -> load secrets -> enter the sandbox -> loop.
 *
 *	static uint64_t registration;
 *	static const struct room_option options[] = {
 *		{ "registration", &registration, 0, 2 },
 *	};
 *	struct room room;
 *
 *	room_start(&room, ROOM_KEYD, argc, argv, options, 1);
 *	... read FD_KEYD_UNLOCK to its end, close it, load the files ...
 *	room_enter(&room, keyd_policy, KEYD_POLICY_LEN);
 *	... send `ready' with room.report.missing, loop ...
 *
 * with keyd_policy from "gen/keyd_policy.h".  From room_start() on SIGTERM and
 * SIGINT are ignored, because the order in which the rooms end is up to
 * strongroomd: a room ends after the control message `stop' or when
 * FD_CONTROL ends.  SIGPIPE and SIGXFSZ are ignored, too: the calls fail.
 *
 * How it ends: netd and ledgerd get `stop'.  netd takes nothing new any more;
 * ledgerd answers what it has begun and exits 0; then keyd gets `stop', and
 * netd sends what is queued for the clients; both exit 0.  All within 1.7 s,
 * or they are killed.  So the end of ledgerd's link is a reason to end in
 * good order (what came before it is still to be read); strongroomd knows
 * whether it was an accident.  The link to netd never ends, because
 * strongroomd keeps netd's end for the next netd.
 */
#include "policy/fds.h"
#include "policy/sandbox.h"

enum room_name { ROOM_KEYD, ROOM_NETD, ROOM_LEDGERD, ROOM_UNLOCK };

/* Exit status of a room that has a wall denied, and of nothing else. */
#define ROOM_EXIT_WALL 100

/* --NAME N with min <= N <= max; *value keeps what it had when not given. */
struct room_option {
	const char *name;
	uint64_t *value;
	uint64_t min;
	uint64_t max;
};

struct room {
	enum room_name name;
	struct sandbox_plan plan;
	unsigned listeners; /* netd: sockets from FD_NETD_LISTEN on */
	bool identity;      /* keyd: the pipe brings the identity key, too;
			       strongroom-unlock: FD_UNLOCK_IDENTITY is open */
	bool init;          /* the first start of this bank */
	unsigned seal;      /* strongroom-unlock: enum unlock_what */
	struct sandbox_report report; /* after room_enter() */
};

/*
 * diag_init, the options and the fds as strongroomd gives them.  All options
 * are numbers; every room knows --uid --gid --namespaces --listeners
 * --identity --init --seal besides those of the table.  Whatever is wrong is fatal:
 * a room is started by strongroomd only.
 */
void room_start(struct room *room, enum room_name name, int argc,
    char *const argv[], const struct room_option *options, size_t count);

/*
 * Enters the sandbox with the room's plan, which a room may adapt before
 * (limits; the bits of fds that it has closed).  FD_KEYD_UNLOCK must be
 * closed before.  What the sandbox lacks is in room->report, for the message
 * `ready'; any failure is fatal.
 */
void room_enter(
    struct room *room, const struct sock_filter *filter, size_t filter_len);

#endif
