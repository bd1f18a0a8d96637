/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_RESTORE_H
#define CLIENT_CTL_RESTORE_H
/*
 * What the parts of strongroomctl restore share: what is put where, and how
 * it is taken back.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "client/ctl/backup_set.h"
#include "client/ctl/ctl.h"
#include "client/ctl/unlock_secret.h"
#include "common/note.h"
#include "gen/messages.h"

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

/*
 * Names on standard error each D/before-restore.NNNN that has a journal: it
 * may have more entries than the one that is in force, as after a restore that
 * was cut off.
 */
void restore_tell_former(const char *directory);

/*
 * Everything as before restore_put(); of a journal in which something was
 * written since, what was put in place is moved aside, too: keyd may have
 * signed it.  False, after a line, when that one could not be moved: it stays,
 * and what was there before is aside.
 */
bool restore_take_back(
    const struct backup_set *set, struct restore_place *place);

/*
 * A directory for --check, with a configuration of the same machine beside
 * which nothing listens; to be removed by backup_tree_remove().
 */
enum sr_error restore_scratch(
    const struct config *config, char directory[PATH_MAX]);

/* ---- one restore, from its options to its end --------------------------- */

struct restore {
	struct config config;
	struct bankfile bank;
	struct backup_set set;
	bool keyd_here; /* the bank still has keyd's files */
	bool accept_loss;
	bool check_only;
	bool made;     /* the bank's directory was not there */
	bool anchored; /* --anchor is exactly the backup's head */
	struct checkpoint anchor;
	uint8_t signature[NOTE_SIGNATURE_LEN];
	int lock;
	char scratch[PATH_MAX]; /* of --check; "" for none */
	struct restore_place place;
	struct message_keyd_status keyd;
	struct message_ledgerd_status ledgerd;
	/* what opens the keys; kind 0: as configured */
	struct ctl_unlock_secret secret;
};

/*
 * The newest set of a directory: every file as its manifest says, the journal
 * verified; fills in set and bank.  SR_NOT_FOUND, SR_DAMAGED after a line.
 */
enum sr_error ctl_restore_read(struct restore *restore, const char *directory);

/*
 * The bank that is in the directory now, by its bank.id and its published
 * checkpoint: SR_WRONG_BANK when it is another one, SR_ROLLED_BACK when it has
 * more entries than the backup (not with accept_loss, nor with check_only,
 * which takes no bank's place); after a line.
 */
enum sr_error ctl_restore_present(struct restore *restore);

/*
 * --anchor, or NULL: sets anchored when it is exactly the backup's head.
 * SR_ROLLED_BACK for another size, SR_FORKED, SR_NOT_ALLOWED for one that lies
 * in the backup's directory, SR_DAMAGED; after a line.
 */
enum sr_error ctl_restore_anchor(
    struct restore *restore, const char *path, const char *directory);

/* SR_NOT_ALLOWED, after the line that says what an anchor is for. */
enum sr_error ctl_restore_no_anchor(const struct restore *restore);

/*
 * The lock that a running bank has; SR_IN_USE after 2 s and a line.  Makes the
 * bank's directory where it is gone, and sets made; SR_PERMISSION, SR_IO.
 */
enum sr_error ctl_restore_lock(struct restore *restore);
/* Removes that directory again, where it was made and is empty. */
void ctl_restore_unmake(struct restore *restore);
void ctl_restore_unlock(struct restore *restore);

/*
 * Starts the rooms with the option ("--restore", or NULL) on what was put in
 * place, asks them, shows keyd the anchor unless it is only a check, and ends
 * them.  SR_UNREACHABLE when they do not start, SR_ROLLED_BACK when they have
 * another head than the backup; after a line.
 */
enum sr_error ctl_restore_rooms(struct restore *restore,
    const struct config *config, const char *option, bool check);

enum { RESTORE_STATE_MAX = 8192 };

/* ---- --accept-loss ----------------------------------------------------- */

/* The newest checkpoint that anybody has; len 0: none was given. */
struct restore_loss {
	char anchor[NOTE_MAX];
	size_t len;
	/* the backup's head: keyd goes on from no other; size 0: none */
	uint32_t epoch;
	uint64_t size;
	/* keyd's state of then, where keyd has one of its own; len 0: none */
	uint8_t state[RESTORE_STATE_MAX];
	size_t state_len;
};

/* Reads --anchor, before anything is moved.  SR_IO, SR_MALFORMED. */
enum sr_error restore_loss_read(
    const struct ctl_options *options, struct restore_loss *loss);

/*
 * Has the bank, as it lies in its directory and stopped, go on from the
 * highest head in its journal that keyd had signed (of a backup: from its head), whatever is lost by it,
 * and prints its status.  *done tells whether it went on, also where something
 * failed after that.
 */
enum sr_error restore_loss_run(const struct ctl_options *options,
    const struct config *config, const struct restore_loss *loss, bool *done);

#endif
