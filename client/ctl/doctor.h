/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_DOCTOR_H
#define CLIENT_CTL_DOCTOR_H
/*
 * What strongroomctl doctor makes of what it has found: one verdict a check,
 * pure functions of facts.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/ctl/keys.h"
#include "client/ctl/last.h"
#include "client/ctl/retire.h"
#include "client/ctl/status.h"
#include "client/verify/verify.h"
#include "common/error.h"
#include "common/note.h"

enum {
	DOCTOR_TEXT_MAX = 768,
	/* An age beyond which a backup or verification is late, and too late. */
	DOCTOR_LATE_S = 2 * 86400,
	DOCTOR_TOO_LATE_S = 14 * 86400,
	/* Before the certificate's end. */
	DOCTOR_CERTIFICATE_S = 30 * 86400,
	DOCTOR_CLOCK_MS = 60 * 1000,
};

enum doctor_state {
	DOCTOR_FINE = 0,
	DOCTOR_WARNS = 1,
	DOCTOR_FAILS = 2,
};

struct doctor_verdict {
	const char *check; /* one word */
	enum doctor_state state;
	char text[DOCTOR_TEXT_MAX]; /* what is so, and what to do */
};

/* Of a check that only the bank's user and root may make. */
#define DOCTOR_NOT_ASKED                                            \
	"not checked: ask as root or as the bank's own user (sudo " \
	"strongroomctl doctor)"

/*
 * Puts that in place of the name alone of each command in a text of ours: how
 * strongroomctl is called on the bank (hint.h).
 */
void doctor_name(struct doctor_verdict *verdict, const char *ctl);

/* Fails while the bank takes no orders. */
struct doctor_verdict doctor_orders(
    const struct message_ledgerd_status *ledgerd);

/* Fails below the reserve, warns below twice that. */
struct doctor_verdict doctor_disk(const struct message_ledgerd_status *ledgerd);

/*
 * Fails when an operator must confirm it; warns when it is behind the last
 * entry (whose time then stands still) or DOCTOR_CLOCK_MS from where it
 * should be.
 */
struct doctor_verdict doctor_clock(const struct message_clock *clock);

/* Warns when lines are missing, and of names and amounts in the clear. */
struct doctor_verdict doctor_audit(
    const struct message_ledgerd_status *ledgerd);

/* Warns in its last DOCTOR_CERTIFICATE_S, fails after its end. */
struct doctor_verdict doctor_certificate(
    const struct message_keyd_status *keyd, uint64_t now_ms);

/* Warns about each layer of the sandbox that is not in force. */
struct doctor_verdict doctor_sandbox(
    const struct message_monitor_status *monitor);

/* Warns where the kernel has no memfd_secret. */
struct doctor_verdict doctor_memory(const struct message_keyd_status *keyd);

/* Warns when netd had to be started anew. */
struct doctor_verdict doctor_restarts(
    const struct message_monitor_status *monitor);

/*
 * A backup or a verification, as ctl_last_read() gave it (error, message and
 * last).  Warns when it was never done or DOCTOR_LATE_S ago, or the asker may
 * not read it (SR_PERMISSION); fails after
 * DOCTOR_TOO_LATE_S, when damage was found, when it covered more entries than
 * the bank has (entries; UINT64_MAX: not known), or lies in the future.
 */
struct doctor_verdict doctor_last(enum ctl_last_of which, enum sr_error error,
    const char *message, const struct ctl_last *last, uint64_t now_ms,
    uint64_t entries);

/*
 * That of a backup where what opens the bank was changed since (set: changes of
 * root.sealed until now; 0: not known): it opens by the ways of its own time.
 * Else, and where it fails, the verdict as it is.
 */
struct doctor_verdict doctor_backup_ways(const struct doctor_verdict *backup,
    const struct ctl_last *last, uint32_t set);

/*
 * The published checkpoint, as ctl_checkpoint_read() gave it after the bank
 * had told its size.  Fails when there is none of this bank's, warns when it
 * is behind.
 */
struct doctor_verdict doctor_checkpoint(enum sr_error error,
    const struct checkpoint *checkpoint,
    const struct message_keyd_status *keyd);

/*
 * The log key that keyd signs with, and the last note as log_key_note() gave
 * it (error, message and last).  Never warns of its age, which says nothing of
 * who knows it; fails when the notes cannot be read, or lead to another key.
 */
struct doctor_verdict doctor_log_key(enum sr_error error, const char *message,
    const struct verify_restore *last, const struct message_keyd_status *keyd,
    uint64_t now_ms);

/*
 * Warns of a key that has come to nine tenths of its cap, fails for one that
 * has come to it.  Never warns of an age: as above.
 */
struct doctor_verdict doctor_keys(const struct ctl_keys *keys);

/*
 * What is retired, what could be, and what is missing for it.  Never more than
 * that: how long entries are to be kept the operators know.
 */
struct doctor_verdict doctor_retention(const struct ctl_retention *retention);

/*
 * The permissions of a file: fails when somebody but its owner has one of the
 * forbidden bits (of 077).
 */
struct doctor_verdict doctor_mode(
    const char *path, mode_t mode, mode_t forbidden);

#endif
