/* SPDX-License-Identifier: ISC */
/*
 * What must hold before a restore: the backup is whole, it is of this bank,
 * and nothing shows that the bank has had more.  Reads only, but for the lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/anchor.h"
#include "client/ctl/backup_verify.h"
#include "client/ctl/place.h"
#include "client/ctl/restore.h"
#include "client/within.h"

enum { LOCK_WAIT_MS = 2000, LOCK_LOOK_MS = 10 };

/* ---- the backup itself ------------------------------------------------- */

static enum sr_error
read_bank(struct restore *restore)
{
	char path[PATH_MAX], message[BANKFILE_MESSAGE_MAX];
	enum sr_error error = backup_set_path(&restore->set, "bank.id", path);

	if (error == SR_OK &&
	    bankfile_read(path, &restore->bank, message) != SR_OK) {
		fprintf(stderr, "strongroomctl: %s\n", message);
		return SR_DAMAGED;
	}
	if (error == SR_OK && memcmp(restore->bank.bank_id,
				  restore->set.manifest.bank_id, 32) != 0) {
		fprintf(stderr,
		    "strongroomctl: %s names another bank than the manifest\n",
		    path);
		return SR_DAMAGED;
	}
	return error;
}

enum sr_error
ctl_restore_read(struct restore *restore, const char *directory)
{
	const struct manifest *manifest = &restore->set.manifest;
	char why[BACKUP_WHY_MAX];
	enum sr_error error = backup_set_newest(directory, &restore->set);

	if (error == SR_NOT_FOUND)
		fprintf(
		    stderr, "strongroomctl: %s holds no backup\n", directory);
	if (error == SR_OK)
		error = backup_set_check(&restore->set);
	if (error == SR_OK)
		error = read_bank(restore);
	if (error != SR_OK)
		return error;
	error = backup_verify(&restore->set, &restore->bank, manifest->size,
	    manifest->root, NULL, why);
	if (error == SR_DAMAGED)
		fprintf(
		    stderr, "strongroomctl: %s: %s\n", restore->set.path, why);
	return error;
}

/* ---- whether it may take the bank's place ------------------------------ */

/* The last anchor that was written here: what it has is not to be lost. */
static enum sr_error
check_last_anchor(const struct restore *restore)
{
	const struct manifest *manifest = &restore->set.manifest;
	static struct anchor last;
	char path[CONFIG_PATH_MAX];
	struct note note;

	/* without one, or with one that cannot be read, nothing is known */
	if (config_path(&restore->config, ANCHOR_LAST_PATH, path) != SR_OK ||
	    anchor_read(path, &last, &note) != SR_OK)
		return SR_OK;
	if (last.epoch < manifest->epoch ||
	    (last.epoch == manifest->epoch &&
		last.checkpoint.size <= manifest->size))
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: the last anchor that was written here has %" PRIu64
	    " entries (%s), the backup %" PRIu64
	    ": the later ones would be lost; nothing was changed. If they "
	    "cannot be saved: restore --accept-loss\n",
	    last.checkpoint.size, path, manifest->size);
	return SR_ROLLED_BACK;
}

/* The bank of the directory, by its bank.id and its published checkpoint. */
enum sr_error
ctl_restore_present(struct restore *restore)
{
	const struct manifest *manifest = &restore->set.manifest;
	char path[CONFIG_PATH_MAX], message[BANKFILE_MESSAGE_MAX];
	char text[NOTE_READ_MAX];
	struct bankfile present;
	struct note note;
	uint8_t bank_id[32];
	uint32_t epoch;
	size_t len;
	FILE *file;

	if (config_path(&restore->config, "bank.id", path) != SR_OK)
		return SR_TOO_LARGE;
	if (bankfile_read(path, &present, message) == SR_OK &&
	    memcmp(present.bank_id, manifest->bank_id, 32) != 0) {
		fprintf(stderr,
		    "strongroomctl: %s is another bank than that of the "
		    "backup; nothing was changed\n",
		    restore->config.directory);
		return SR_WRONG_BANK;
	}
	if (!restore->accept_loss && !restore->check_only &&
	    check_last_anchor(restore) != SR_OK)
		return SR_ROLLED_BACK;
	if (config_path(&restore->config, "ledger/public/checkpoint", path) !=
	    SR_OK)
		return SR_TOO_LARGE;
	file = backup_file_read(path);
	if (file == NULL)
		return SR_OK;
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	/* what is damaged is what a backup is for */
	if (note_parse(text, len, &note) != SR_OK ||
	    note_origin_parse(note.checkpoint.origin, bank_id, &epoch) != SR_OK)
		return SR_OK;
	if (memcmp(bank_id, manifest->bank_id, 32) != 0) {
		fprintf(stderr,
		    "strongroomctl: %s is of another bank; nothing was "
		    "changed\n",
		    path);
		return SR_WRONG_BANK;
	}
	if (restore->accept_loss || restore->check_only ||
	    (epoch <= manifest->epoch &&
		note.checkpoint.size <= manifest->size))
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: the bank in %s has %" PRIu64
	    " entries, the backup %" PRIu64 ": the later ones would be lost; "
	    "nothing was changed. If they cannot be saved: restore "
	    "--accept-loss\n",
	    restore->config.directory, note.checkpoint.size, manifest->size);
	return SR_ROLLED_BACK;
}

/* --anchor: it must be of exactly the backup's head. */
enum sr_error
ctl_restore_anchor(
    struct restore *restore, const char *path, const char *directory)
{
	const struct manifest *manifest = &restore->set.manifest;
	char why[BACKUP_WHY_MAX];
	enum sr_error error;

	if (path == NULL)
		return SR_OK;
	if (within(path, directory)) {
		fprintf(stderr,
		    "strongroomctl: %s is of the backup itself: it does not "
		    "show that nothing came later. Take the newest checkpoint "
		    "from elsewhere\n",
		    path);
		return SR_NOT_ALLOWED;
	}
	error = backup_verify_checkpoint(&restore->set, &restore->bank, path,
	    &restore->anchor, restore->signature, why);
	if (error != SR_OK) {
		fprintf(stderr, "strongroomctl: %s: %s\n", path, why);
		return error;
	}
	if (restore->anchor.size > manifest->size) {
		fprintf(stderr,
		    "strongroomctl: %s has %" PRIu64
		    " entries, the backup %" PRIu64 ": the last %" PRIu64
		    " would be lost; only restore --accept-loss does that\n",
		    path, restore->anchor.size, manifest->size,
		    restore->anchor.size - manifest->size);
		return SR_ROLLED_BACK;
	}
	if (restore->anchor.size < manifest->size) {
		fprintf(stderr,
		    "strongroomctl: %s has %" PRIu64
		    " entries, the backup %" PRIu64
		    ": it does not show that these are all\n",
		    path, restore->anchor.size, manifest->size);
		return SR_ROLLED_BACK;
	}
	restore->anchored =
	    memcmp(restore->anchor.root, manifest->root, 32) == 0;
	return restore->anchored ? SR_OK : ctl_failed(path, SR_FORKED);
}

enum sr_error
ctl_restore_no_anchor(const struct restore *restore)
{
	fprintf(stderr,
	    "strongroomctl: keyd's files are lost, and nothing shows that the "
	    "%" PRIu64 " entries of the backup are all that was signed. "
	    "--anchor FILE names the newest checkpoint that anybody has, an "
	    "auditor for instance; without one, restore --accept-loss gives "
	    "up whatever came later. Nothing was changed\n",
	    restore->set.manifest.size);
	return SR_NOT_ALLOWED;
}

static enum sr_error
make_directory(const char *path, bool *made)
{
	*made = mkdir(path, 0755) == 0;
	if (*made || errno == EEXIST)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
	return errno == EACCES || errno == EPERM ? SR_PERMISSION : SR_IO;
}

/* The bank's own directory, where it is gone whole, and run, as init does. */
static enum sr_error
make_directories(struct restore *restore, const char *run)
{
	const char *directory = restore->config.directory;
	mode_t mask = umask(022);
	enum sr_error error = ctl_place_make(directory);
	bool run_made;

	if (error == SR_OK)
		error = make_directory(directory, &restore->made);
	if (error == SR_OK)
		error = make_directory(run, &run_made);
	(void)umask(mask);
	if (restore->made)
		fprintf(stderr, "strongroomctl: %s was not there; it is made\n",
		    directory);
	return error;
}

/* What a restore that failed has made for nothing. */
void
ctl_restore_unmake(struct restore *restore)
{
	char path[CONFIG_PATH_MAX];

	if (!restore->made)
		return;
	if (config_path(&restore->config, "run/lock", path) == SR_OK)
		(void)unlink(path);
	if (config_path(&restore->config, "run", path) == SR_OK)
		(void)rmdir(path);
	if (rmdir(restore->config.directory) == 0)
		fprintf(stderr, "strongroomctl: %s is removed again\n",
		    restore->config.directory);
}

/*
 * A running bank has its lock; so nobody starts one meanwhile.  The rooms of a
 * restore that was killed need a moment to end.
 */
enum sr_error
ctl_restore_lock(struct restore *restore)
{
	const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
	char path[CONFIG_PATH_MAX];
	enum sr_error error;

	if (config_path(&restore->config, "run", path) != SR_OK)
		return SR_TOO_LARGE;
	error = make_directories(restore, path);
	if (error != SR_OK)
		return error;
	if (config_path(&restore->config, "run/lock", path) != SR_OK)
		return SR_TOO_LARGE;
	restore->lock =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (restore->lock < 0)
		return ctl_failed(path, SR_PERMISSION);
	for (int waited_ms = 0; waited_ms < LOCK_WAIT_MS;
	     waited_ms += LOCK_LOOK_MS) {
		if (flock(restore->lock, LOCK_EX | LOCK_NB) == 0)
			return SR_OK;
		(void)nanosleep(&pause, NULL);
	}
	fprintf(stderr, "strongroomctl: the bank in %s runs; stop it first\n",
	    restore->config.directory);
	return SR_IN_USE;
}

void
ctl_restore_unlock(struct restore *restore)
{
	if (restore->lock >= 0)
		close(restore->lock);
	restore->lock = -1;
}
