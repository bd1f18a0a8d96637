/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_PLACE_H
#define CLIENT_CTL_PLACE_H
/*
 * Where the banks of a machine lie, unless -c or --dir say otherwise: of root
 * those that systemd starts (file-hierarchy(7)), of anybody else their own
 * (XDG Base Directory Specification, 0.8):
 *
 *	root    /etc/strongroom/strongroom.conf, bank-key; /var/lib/strongroom
 *	others  $XDG_CONFIG_HOME/strongroom/...; $XDG_DATA_HOME/strongroom
 *
 * With an instance, a name of 1 to 32 letters, digits, - and _ that does not
 * begin with - and is not bank-key, a further one: /etc/strongroom/NAME/ and
 * /var/lib/strongroom-NAME.
 */
#include <stdbool.h>

#include "common/config.h"
#include "common/error.h"

/* The one data directory whose rooms are the users of the package. */
#define PLACE_DATA "/var/lib/strongroom"

struct ctl_place {
	char configuration[CONFIG_PATH_MAX]; /* .../strongroom.conf */
	char data[CONFIG_PATH_MAX];
	char credential[CONFIG_PATH_MAX]; /* .../bank-key */
};

bool ctl_instance_valid(const char *name);

/*
 * Of the instance, or of the one bank (NULL).  SR_USAGE when the name is none,
 * or when nobody says whose home it is; SR_TOO_LARGE.  A line on stderr.
 */
enum sr_error ctl_place(const char *instance, struct ctl_place *out);

/*
 * The strongroom.conf of that bank: the asker's own, or, where there is none,
 * the machine's.  SR_USAGE, with a line on stderr, when there is neither.
 */
enum sr_error ctl_place_find(const char *instance, struct ctl_place *out);

/*
 * Where systemd looks for what is to be said of units besides the packages'
 * (systemd.unit(5)): of the machine, or of the user's own.  False, without a
 * line: nobody says whose home it is.
 */
bool ctl_place_units(char path[CONFIG_PATH_MAX]);

/*
 * Calls take with the path of each strongroom.conf that is on this machine: of
 * the machine's bank and its instances, and of somebody other than root also
 * their own.  Directories that cannot be read have none.
 */
void ctl_place_each(
    void (*take)(void *context, const char *configuration), void *context);

/*
 * Makes the directories above the file of that path, those of root for all to
 * read.  SR_PERMISSION, SR_IO with a line on stderr.
 */
enum sr_error ctl_place_make(const char *path);

#endif
