/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_HINT_H
#define CLIENT_CTL_HINT_H
/*
 * Commands that strongroomctl tells somebody to run: such as are about the
 * very bank that the command was about, and work where it lies.
 */
#include "client/ctl/ctl.h"

enum { HINT_MAX = CONFIG_PATH_MAX + 128 };

/*
 * How strongroomctl is called on that bank, as the options named it:
 * "strongroomctl", "strongroomctl --instance canteen", "strongroomctl -c FILE".
 * Until the next call.
 */
const char *hint_ctl(const struct ctl_options *options);

/*
 * What starts the bank of that strongroom.conf (absolute): systemctl and the
 * verb, "start" or "enable --now", with socket and service where the file lies
 * in such a bank's place (place.h); else strongroomd -c.
 */
void hint_start(const char *file, const char *verb, char out[HINT_MAX]);

/*
 * What has the machine back that bank up every day.  False for a bank that
 * systemd has no such timer for.
 */
bool hint_backup_timer(const char *file, char out[HINT_MAX]);

/*
 * Prints "Start it:" with that on stderr, and of a bank with a credential that
 * no unit of the package hands over how it gets that; credential: its file, or
 * NULL.
 */
void hint_tell_start(const struct config *config, const char *credential);

#endif
