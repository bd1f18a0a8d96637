/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_STATUS_H
#define CLIENT_CTL_STATUS_H
/*
 * What the rooms of a running bank say of themselves over the control socket:
 * no names, no balances.
 */
#include "client/ctl/keys.h"
#include "common/error.h"
#include "gen/messages.h"

enum ctl_state { /* of monitor_status */
	CTL_STATE_OPEN = 0,
	CTL_STATE_LOCKING = 1,
	CTL_STATE_LOCKED = 2,
	CTL_STATE_UNLOCKING = 3,
};

struct ctl_rooms {
	struct message_monitor_status monitor;
	/* of an open bank only */
	struct message_keyd_status keyd;
	struct message_netd_status netd;
	struct message_ledgerd_status ledgerd;
	struct ctl_keys keys;
	char addresses[1025];
};

/* Asks all of them, over the connection fd; no line on stderr. */
enum sr_error ctl_rooms_get(int fd, struct ctl_rooms *rooms);

/* "open", "locking", "locked", "unlocking". */
const char *ctl_state_name(unsigned state);

/* Why no orders are taken; NULL when they are. */
const char *ctl_closed_why(const struct message_ledgerd_status *ledgerd);

#endif
