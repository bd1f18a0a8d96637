/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_LAST_H
#define CLIENT_CTL_LAST_H
/*
 * When the bank was last backed up and last verified, by the word of the
 * command that did it: run/last-backup and run/last-verified, 0600, of
 * whoever runs strongroomctl.  They are the operator's notebook and prove
 * nothing: whoever may write them may lie to doctor.
 *
 *	[last]
 *	time-ms = 1795289131402       when it ended
 *	entries = 12                  of the log, that it covered
 *	root = 64 hex digits          of the tree of that size
 *	good = yes                    no: the verifier found damage
 *	set = 3                       of a backup: changes of root.sealed that
 *	                              it has; not there: an older program's
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/error.h"

enum { CTL_LAST_MESSAGE_MAX = 400 };

enum ctl_last_of {
	CTL_LAST_BACKUP,
	CTL_LAST_VERIFIED,
};

struct ctl_last {
	uint64_t time_ms;
	uint64_t entries;
	uint8_t root[32];
	bool good;
	uint64_t set; /* 0: not known */
};

/*
 * Writes it, in place of the former one, with the time of now.  A failure is
 * a line on stderr and no more: what was done is done.
 */
void ctl_last_write(const struct config *config, enum ctl_last_of which,
    const struct ctl_last *last);

/*
 * Reads it.  SR_NOT_FOUND: it was never done; SR_IO, SR_CONFIG with one line
 * in message (CTL_LAST_MESSAGE_MAX bytes).
 */
enum sr_error ctl_last_read(const struct config *config, enum ctl_last_of which,
    struct ctl_last *last, char *message);

#endif
