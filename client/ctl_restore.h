/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_RESTORE_H
#define CLIENT_CTL_RESTORE_H
/*
 * What the parts of strongroomctl restore share: what is put where, and how
 * it is taken back.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "client/backup_set.h"
#include "client/ctl.h"
#include "common/note.h"

/* keyd's files, ledger, audit log: each is put in place whole. */
enum restore_part {
	RESTORE_LEDGER,
	RESTORE_AUDIT,
	RESTORE_KEYD,
	RESTORE_PARTS
};

struct restore_place {
	const char *directory; /* D of the bank, or of the scratch one */
	bool with_keyd;
	uid_t user_keyd; /* whom the rooms become, as root */
	uid_t user_ledgerd;
	char aside[PATH_MAX]; /* where the former files are; "" for none */
	bool moved[RESTORE_PARTS];
	bool placed[RESTORE_PARTS];
};

/* Whom the rooms become on this machine.  SR_CONFIG after a line. */
enum sr_error restore_users(
    const struct config *config, struct restore_place *place);

/*
 * Copies the set's files into D/restore.part, checks each copy against the
 * manifest, and puts them in place by renames; what was there goes to
 * D/before-restore.NNNN.  On an error everything is as it was, after a line.
 */
enum sr_error restore_put(
    const struct backup_set *set, struct restore_place *place);

/* Everything as before restore_put(). */
void restore_take_back(struct restore_place *place);

/*
 * A directory for --check, with a configuration of the same machine beside
 * which nothing listens; to be removed by backup_tree_remove().
 */
enum sr_error restore_scratch(
    const struct config *config, char directory[PATH_MAX]);

/* ---- --accept-loss ----------------------------------------------------- */

/* The newest checkpoint that anybody has; len 0: none was given. */
struct restore_loss {
	char anchor[NOTE_MAX];
	size_t len;
};

/* Reads --anchor, before anything is moved.  SR_IO, SR_MALFORMED. */
enum sr_error restore_loss_read(
    const struct ctl_options *options, struct restore_loss *loss);

/*
 * Has the bank, as it lies in its directory and stopped, go on from the
 * highest head in its journal that keyd had signed, whatever is lost by it,
 * and prints its status.  *done tells whether it went on, also where something
 * failed after that.
 */
enum sr_error restore_loss_run(const struct ctl_options *options,
    const struct config *config, const struct restore_loss *loss, bool *done);

#endif
