/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_ROOM_USERS_H
#define CLIENT_CTL_ROOM_USERS_H
/*
 * Whom the rooms of a new bank become when root starts it.
 */
#include <sys/types.h>

#include "common/error.h"

struct ctl_room_users {
	uid_t keyd;
	uid_t netd;
	uid_t ledgerd;
};

/*
 * Of the bank in that directory (absolute): the package's users where they
 * exist, for the one bank that is where the package wants it (PLACE_DATA);
 * else three numbers that no account has and no other bank beside that one
 * (PLACE_DATA-*), found from the directory's name.  A bank that lies elsewhere
 * is not looked for.  SR_NOT_FOUND: all are taken; a line on stderr.
 */
enum sr_error ctl_room_users_find(
    const char *directory, struct ctl_room_users *out);

#endif
