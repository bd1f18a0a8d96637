/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_LAYOUT_H
#define CLIENT_CTL_LAYOUT_H
/*
 * The directory of a new bank: who owns what in it, and its configuration.
 */
#include <stdbool.h>
#include <stddef.h>

#include "client/ctl/room_users.h"
#include "common/error.h"

#define LAYOUT_LISTEN_MAX 16

struct ctl_layout {
	const char *directory; /* of the data */
	const char
	    *configuration; /* absolute; NULL: strongroom.conf in there */
	const char *name;
	/* what opens its keys: one of these, else NULL */
	const char *passphrase_file;
	const char *credential_file; /* its last part is the name */
	const char *registration;    /* open, invite or closed */
	const char *listen[LAYOUT_LISTEN_MAX];
	size_t listen_count;
	bool namespaces;
	struct ctl_room_users users; /* of its rooms, for root */
	bool made;                   /* the directory did not exist before */
};

/*
 * SR_EXISTS, with a line on stderr, for a directory or a configuration that
 * holds a bank or any part of one; nothing is made.  SR_TOO_LARGE.
 */
enum sr_error ctl_layout_refuse_bank(const struct ctl_layout *layout);

/*
 * Makes the directories and strongroom.conf, unless a bank is there as above.
 * Makes the passphrase file, with 24 random bytes in base64, or the
 * credential, with 32, when there is none.  Every failure has its line on
 * stderr.  configuration gets the path of strongroom.conf (room bytes).
 */
enum sr_error ctl_layout_make(
    struct ctl_layout *layout, char *configuration, size_t room);

/*
 * Makes the directories of a bank beneath layout->directory, which is there,
 * each with its owner; lines as above.
 */
enum sr_error ctl_layout_directories(const struct ctl_layout *layout);

/* The passphrase file alone: made if there is none; lines as above. */
enum sr_error ctl_passphrase_make(const char *path);

/* Takes back what ctl_layout_make() made, after a failed founding. */
void ctl_layout_undo(const struct ctl_layout *layout);

#endif
