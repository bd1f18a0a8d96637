/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_BANK_PROCESS_H
#define CLIENT_CTL_BANK_PROCESS_H
/*
 * A bank that runs for the length of a command: strongroomd started with
 * --no-listen, so that nobody but the owner's own socket reaches it.
 */
#include <sys/types.h>

#include "common/error.h"
#include "common/sealed.h"

struct bank_process {
	pid_t pid;  /* 0 when none runs */
	int notify; /* where it says how it is, as long as it runs */
	int status; /* its exit status, where it ended by itself; -1: unknown */
};

/*
 * Starts strongroomd (../sbin/strongroomd beside this program, else from
 * PATH's sbin) on the configuration with --no-listen and, when it is not
 * NULL, the extra option; returns when it says READY (sd_notify) or has
 * ended: SR_OK, SR_UNREACHABLE when it ended (its own lines on stderr say
 * why), SR_IO.
 */
enum sr_error bank_process_start(struct bank_process *process,
    const char *configuration, const char *option);

/*
 * The same, with what opens the keys read from that descriptor to its end,
 * whatever the configuration says; -1: as configured.  The caller closes it.
 */
enum sr_error bank_process_start_with(struct bank_process *process,
    const char *configuration, const char *option, enum sealed_kind kind,
    int secret);

/* Asks it to stop (SIGTERM) and waits for its end; SR_IO if it failed. */
enum sr_error bank_process_stop(struct bank_process *process);

#endif
