/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl restore: a backup becomes the bank again, if nothing that was
 * acknowledged is lost by it; with --check everything is tried in a scratch
 * directory, and nothing else is written.
 */
#include "client/ctl_restore.h"

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

#include "client/backup_verify.h"
#include "client/bank_process.h"
#include "client/control.h"
#include "gen/messages.h"

enum { LOCK_WAIT_MS = 2000, LOCK_LOOK_MS = 10 };

struct restore {
	struct config config;
	struct bankfile bank;
	struct backup_set set;
	bool keyd_here; /* the bank still has keyd's files */
	bool accept_loss;
	bool anchored; /* --anchor is exactly the backup's head */
	struct checkpoint anchor;
	uint8_t signature[NOTE_SIGNATURE_LEN];
	int lock;
	char scratch[PATH_MAX]; /* of --check; "" for none */
	struct restore_place place;
	struct message_keyd_status keyd;
	struct message_ledgerd_status ledgerd;
};

static bool
exists(const struct config *config, const char *name)
{
	char path[CONFIG_PATH_MAX];

	/* what we may not look into is there */
	return config_path(config, name, path) == SR_OK &&
	       (access(path, F_OK) == 0 ||
		   (errno != ENOENT && errno != ENOTDIR));
}

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

static enum sr_error
read_set(struct restore *restore, const char *directory)
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

/* The bank of the directory, by its bank.id and its published checkpoint. */
static enum sr_error
look_at_present(struct restore *restore)
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
	if (restore->accept_loss || (epoch <= manifest->epoch &&
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

/* A backup's own checkpoint says nothing about what came after it. */
static bool
within(const char *path, const char *directory)
{
	char real[PATH_MAX], above[PATH_MAX];
	size_t len;

	if (realpath(path, real) == NULL || realpath(directory, above) == NULL)
		return false;
	len = strlen(above);
	return strncmp(real, above, len) == 0 && real[len] == '/';
}

/* --anchor: it must be of exactly the backup's head. */
static enum sr_error
look_at_anchor(struct restore *restore, const char *path, const char *directory)
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

static enum sr_error
no_anchor(const struct restore *restore)
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

/*
 * A running bank has its lock; so nobody starts one meanwhile.  The rooms of a
 * restore that was killed need a moment to end.
 */
static enum sr_error
lock_bank(struct restore *restore)
{
	const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
	char path[CONFIG_PATH_MAX];

	if (config_path(&restore->config, "run", path) != SR_OK)
		return SR_TOO_LARGE;
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return ctl_failed(path, SR_IO);
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

static void
unlock_bank(struct restore *restore)
{
	if (restore->lock >= 0)
		close(restore->lock);
	restore->lock = -1;
}

/* ---- the rooms, for the length of the command -------------------------- */

static enum sr_error
ask_keyd(struct restore *restore, int control)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_keyd_status_get get = {0};
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_keyd_status_get_encode(&w, &get);

	if (error == SR_OK)
		error = control_ask(control, CONTROL_KEYD, bytes,
		    writer_len(&w), MESSAGE_KEYD_STATUS, packet, &body, &len);
	return error == SR_OK
		   ? message_keyd_status_decode(body, len, &restore->keyd)
		   : error;
}

static enum sr_error
ask_ledgerd(struct restore *restore, int control)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_ledgerd_status_get get = {0};
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_ledgerd_status_get_encode(&w, &get);

	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_LEDGERD, bytes, writer_len(&w),
			MESSAGE_LEDGERD_STATUS, packet, &body, &len);
	return error == SR_OK
		   ? message_ledgerd_status_decode(body, len, &restore->ledgerd)
		   : error;
}

/* Shows keyd the anchor: it decides itself whether it is the last head. */
static enum sr_error
confirm(const struct restore *restore, int control)
{
	uint8_t bytes[256], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_restore_confirm question = {
	    .size = restore->anchor.size};
	struct message_restore_confirmed answer;
	const uint8_t *body;
	size_t len;
	enum sr_error error;

	memcpy(question.root, restore->anchor.root, sizeof(question.root));
	memcpy(
	    question.signature, restore->signature, sizeof(question.signature));
	error = message_restore_confirm_encode(&w, &question);
	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_KEYD, bytes, writer_len(&w),
			MESSAGE_RESTORE_CONFIRMED, packet, &body, &len);
	if (error == SR_OK)
		error = message_restore_confirmed_decode(body, len, &answer);
	if (error == SR_OK)
		error = error_of_wire(answer.error);
	return error == SR_OK ? SR_OK : ctl_failed("keyd", error);
}

/* What the rooms say of the files, and what is to be done with a copy. */
static enum sr_error
with_rooms(struct restore *restore, int control, bool check)
{
	const struct manifest *manifest = &restore->set.manifest;
	enum sr_error error = ask_keyd(restore, control);

	if (error == SR_OK)
		error = ask_ledgerd(restore, control);
	if (error != SR_OK)
		return ctl_failed("the restored bank", error);
	if (restore->keyd.tree_size != manifest->size ||
	    restore->ledgerd.tree_size != manifest->size)
		return ctl_failed("the restored bank", SR_ROLLED_BACK);
	if (check || !restore->keyd.copy)
		return SR_OK;
	return restore->anchored ? confirm(restore, control)
				 : no_anchor(restore);
}

/* Starts the rooms on what was put in place, and ends them. */
static enum sr_error
run_rooms(struct restore *restore, const struct config *config,
    const char *option, bool check)
{
	struct bank_process process = {0};
	int control = -1;
	enum sr_error error =
	    bank_process_start(&process, config->file, option);

	if (error != SR_OK) {
		fprintf(stderr,
		    "strongroomctl: the bank does not start on the backup's "
		    "files (its own lines say why). If keyd has signed more "
		    "than the %" PRIu64
		    " entries of the backup, only restore --accept-loss goes "
		    "back to it\n",
		    restore->set.manifest.size);
		return error;
	}
	error = ctl_control(config, &control);
	if (error == SR_OK && option != NULL)
		error = with_rooms(restore, control, check);
	if (control >= 0)
		close(control);
	if (bank_process_stop(&process) != SR_OK && error == SR_OK)
		error = ctl_failed("stopping the bank", SR_IO);
	return error;
}

/* ---- the two ways ------------------------------------------------------ */

static void
report(const struct ctl_options *options, const struct restore *restore)
{
	const struct manifest *manifest = &restore->set.manifest;
	char root[65];

	bankfile_hex(manifest->root, root);
	if (options->json)
		printf("{\"v\":1,\"set\":\"%08" PRIu32 "\",\"entries\":%" PRIu64
		       ",\"root\":\"%s\",\"accounts\":%" PRIu64
		       ",\"customers\":%" PRIu64 ",\"holds\":%" PRIu64
		       ",\"sum_minor\":0,\"checked_only\":%s}\n",
		    restore->set.number, manifest->size, root,
		    restore->ledgerd.accounts, restore->keyd.customers,
		    restore->ledgerd.holds, options->check ? "true" : "false");
	else
		printf("%s: %" PRIu64 " entries, root %.16s..., %" PRIu64
		       " accounts whose sum is zero, %" PRIu64
		       " customers, %" PRIu64 " open holds\n",
		    restore->set.path, manifest->size, root,
		    restore->ledgerd.accounts, restore->keyd.customers,
		    restore->ledgerd.holds);
}

static enum sr_error
check_only(struct restore *restore)
{
	static struct config scratch;
	struct ctl_options options = {0};
	char path[PATH_MAX];
	enum sr_error error =
	    restore_scratch(&restore->config, restore->scratch);
	int n;

	if (error != SR_OK)
		return error;
	restore->place.directory = restore->scratch;
	restore->place.with_keyd = true;
	error = restore_put(&restore->set, &restore->place);
	n = snprintf(
	    path, sizeof(path), "%s/strongroom.conf", restore->scratch);
	if (error == SR_OK && (n < 0 || n >= PATH_MAX))
		error = SR_TOO_LARGE;
	options.configuration = path;
	if (error == SR_OK)
		error = ctl_configuration(&options, &scratch);
	return error == SR_OK ? run_rooms(restore, &scratch, "--restore", true)
			      : error;
}

/* bank.id, where the directory has none: what customers need. */
static enum sr_error
put_bank_file(const struct restore *restore)
{
	char from[PATH_MAX], to[CONFIG_PATH_MAX];

	if (exists(&restore->config, "bank.id"))
		return SR_OK;
	if (config_path(&restore->config, "bank.id", to) != SR_OK ||
	    backup_set_path(&restore->set, "bank.id", from) != SR_OK)
		return SR_TOO_LARGE;
	return backup_file_copy(from, to);
}

static enum sr_error
put_in_force(struct restore *restore)
{
	enum sr_error error;

	restore->place.directory = restore->config.directory;
	restore->place.with_keyd = !restore->keyd_here;
	error = restore_put(&restore->set, &restore->place);
	/* strongroomd takes the lock itself */
	unlock_bank(restore);
	if (error != SR_OK)
		return error;
	error = run_rooms(restore, &restore->config, "--restore", false);
	if (error != SR_OK) {
		restore_take_back(&restore->place);
		fprintf(stderr, "strongroomctl: %s is as it was\n",
		    restore->config.directory);
		return error;
	}
	/* What a copy could not log is logged now. */
	if (restore->keyd.copy)
		error = run_rooms(restore, &restore->config, NULL, false);
	if (error == SR_OK)
		error = put_bank_file(restore);
	return error;
}

/* --accept-loss: keyd's own files stay, if there are any, whatever they know. */
static enum sr_error
go_on(const struct ctl_options *options, const struct restore_loss *loss,
    struct restore *restore)
{
	enum sr_error error = lock_bank(restore);
	bool done;

	if (error != SR_OK)
		return error;
	restore->place.directory = restore->config.directory;
	restore->place.with_keyd = !exists(&restore->config, "keyd/state");
	error = restore_put(&restore->set, &restore->place);
	unlock_bank(restore);
	if (error != SR_OK)
		return error;
	error = restore_loss_run(options, &restore->config, loss, &done);
	if (!done) {
		restore_take_back(&restore->place);
		fprintf(stderr, "strongroomctl: %s is as it was\n",
		    restore->config.directory);
	}
	return error == SR_OK ? put_bank_file(restore) : error;
}

/* With a backup's directory, or with what lies in the bank's own. */
static enum sr_error
run_loss(const struct ctl_options *options, const char *directory,
    struct restore *restore)
{
	struct restore_loss loss;
	enum sr_error error;
	bool done;

	if (options->check) {
		fprintf(stderr, "strongroomctl: restore: --check tries a "
				"backup; --accept-loss does not go with it\n");
		return SR_USAGE;
	}
	restore->accept_loss = true;
	error = ctl_configuration(options, &restore->config);
	if (error == SR_OK)
		error = restore_loss_read(options, &loss);
	if (error == SR_OK && directory == NULL)
		return restore_loss_run(
		    options, &restore->config, &loss, &done);
	if (error == SR_OK)
		error = restore_users(&restore->config, &restore->place);
	if (error == SR_OK)
		error = read_set(restore, directory);
	if (error == SR_OK)
		error = look_at_present(restore);
	return error == SR_OK ? go_on(options, &loss, restore) : error;
}

static enum sr_error
run(const struct ctl_options *options, const char *directory,
    struct restore *restore)
{
	enum sr_error error = ctl_configuration(options, &restore->config);

	if (error == SR_OK)
		error = restore_users(&restore->config, &restore->place);
	if (error == SR_OK)
		error = read_set(restore, directory);
	if (error == SR_OK)
		error = look_at_present(restore);
	if (error == SR_OK)
		error = look_at_anchor(restore, options->anchor, directory);
	if (error != SR_OK)
		return error;
	if (options->check)
		return check_only(restore);
	restore->keyd_here = exists(&restore->config, "keyd/state");
	if (!restore->keyd_here && !restore->anchored)
		return no_anchor(restore);
	error = lock_bank(restore);
	return error == SR_OK ? put_in_force(restore) : error;
}

enum sr_error
ctl_restore(const struct ctl_options *options, char *const words[])
{
	static struct restore restore = {.lock = -1};
	mode_t mask = umask(077);
	enum sr_error error = options->accept_loss
				  ? run_loss(options, words[0], &restore)
				  : run(options, words[0], &restore);

	if (error == SR_OK && !options->accept_loss)
		report(options, &restore);
	if (error == SR_OK && !options->check)
		fprintf(stderr,
		    "%s is restored.%s%s\nStart it:  strongroomd -c %s\n",
		    restore.config.directory,
		    restore.place.aside[0] != '\0'
			? "  What was there before is in "
			: "",
		    restore.place.aside, restore.config.file);
	if (restore.scratch[0] != '\0')
		backup_tree_remove(restore.scratch);
	unlock_bank(&restore);
	manifest_free(&restore.set.manifest);
	(void)umask(mask);
	return error;
}
