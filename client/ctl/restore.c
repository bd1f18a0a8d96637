/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl restore: a backup becomes the bank again, if nothing that was
 * acknowledged is lost by it; with --check everything is tried in a scratch
 * directory, and nothing else is written.
 */
#include "client/ctl/restore.h"
#include "client/ctl/hint.h"
#include "client/ctl/shares.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

static bool
exists(const struct config *config, const char *name)
{
	char path[CONFIG_PATH_MAX];

	/* what we may not look into is there */
	return config_path(config, name, path) == SR_OK &&
	       (access(path, F_OK) == 0 ||
		   (errno != ENOENT && errno != ENOTDIR));
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
		       " log-in names, open withdrawals: %" PRIu64 "\n",
		    restore->set.path, manifest->size, root,
		    restore->ledgerd.accounts, restore->keyd.customers,
		    restore->ledgerd.holds);
}

/* On a new machine there may be none yet. */
static enum sr_error
read_configuration(const struct ctl_options *options, struct restore *restore)
{
	enum sr_error error = ctl_configuration(options, &restore->config);

	if (error != SR_OK && options->configuration != NULL &&
	    access(options->configuration, F_OK) != 0 && errno == ENOENT)
		fprintf(stderr,
		    "On a new machine make the bank's directory first, put the "
		    "backup's\nstrongroom.conf into it, and the passphrase "
		    "file where that says\n");
	return error;
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
	return error == SR_OK
		   ? ctl_restore_rooms(restore, &scratch, "--restore", true)
		   : error;
}

/* bank.id, where the directory has none: what customers need. */
static enum sr_error
put_bank_file(const struct restore *restore)
{
	char from[PATH_MAX], to[CONFIG_PATH_MAX];
	enum sr_error error;

	if (exists(&restore->config, "bank.id"))
		return SR_OK;
	if (config_path(&restore->config, "bank.id", to) != SR_OK ||
	    backup_set_path(&restore->set, "bank.id", from) != SR_OK)
		return SR_TOO_LARGE;
	error = backup_file_copy(from, to);
	/* as init made it */
	if (error == SR_OK && chmod(to, 0644) != 0)
		return ctl_failed(to, SR_IO);
	return error == SR_OK ? backup_sync_parent(to) : error;
}

static void
take_back(struct restore *restore)
{
	if (restore_take_back(&restore->set, &restore->place))
		fprintf(stderr, "strongroomctl: %s is as it was\n",
		    restore->config.directory);
}

static enum sr_error
put_in_force(struct restore *restore)
{
	enum sr_error error;

	restore->place.directory = restore->config.directory;
	restore->place.with_keyd = !restore->keyd_here;
	error = restore_put(&restore->set, &restore->place);
	/* strongroomd takes the lock itself */
	ctl_restore_unlock(restore);
	if (error != SR_OK)
		return error;
	error =
	    ctl_restore_rooms(restore, &restore->config, "--restore", false);
	if (error != SR_OK) {
		take_back(restore);
		return error;
	}
	/* What a copy could not log is logged now. */
	if (restore->keyd.copy)
		error =
		    ctl_restore_rooms(restore, &restore->config, NULL, false);
	if (error == SR_OK)
		error = put_bank_file(restore);
	return error;
}

/* What keyd knew when the backup was made: of its snapshots above all. */
static enum sr_error
read_state(const struct restore *restore, struct restore_loss *loss)
{
	char path[PATH_MAX];
	enum sr_error error =
	    backup_set_path(&restore->set, "keyd/state", path);
	FILE *file = error == SR_OK ? fopen(path, "re") : NULL;

	if (error == SR_OK && file == NULL)
		error = SR_IO;
	if (error == SR_OK) {
		loss->state_len =
		    fread(loss->state, 1, sizeof(loss->state), file);
		error = ferror(file) == 0 ? SR_OK : SR_IO;
	}
	if (file != NULL)
		fclose(file);
	return error == SR_OK ? SR_OK : ctl_failed(path, error);
}

/* --accept-loss: keyd's own files stay, if there are any, whatever they know. */
static enum sr_error
go_on(const struct ctl_options *options, struct restore_loss *loss,
    struct restore *restore)
{
	enum sr_error error = ctl_restore_lock(restore);
	bool done;

	if (error != SR_OK)
		return error;
	restore->place.directory = restore->config.directory;
	restore->place.with_keyd = !exists(&restore->config, "keyd/state");
	loss->epoch = restore->set.manifest.epoch;
	loss->size = restore->set.manifest.size;
	if (!restore->place.with_keyd)
		error = read_state(restore, loss);
	if (error == SR_OK)
		error = restore_put(&restore->set, &restore->place);
	ctl_restore_unlock(restore);
	if (error != SR_OK)
		return error;
	error = restore_loss_run(options, &restore->config, loss, &done);
	if (!done)
		take_back(restore);
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
	error = read_configuration(options, restore);
	if (error == SR_OK)
		restore_tell_former(restore->config.directory);
	if (error == SR_OK)
		error = restore_loss_read(options, &loss);
	if (error == SR_OK && directory == NULL)
		return restore_loss_run(
		    options, &restore->config, &loss, &done);
	if (error == SR_OK)
		error = restore_users(&restore->config, &restore->place);
	if (error == SR_OK)
		error = ctl_restore_read(restore, directory);
	if (error == SR_OK)
		error = ctl_restore_present(restore);
	return error == SR_OK ? go_on(options, &loss, restore) : error;
}

/*
 * What opens the keys: shares, credential or passphrase that an option names,
 * or where the configuration has nothing that does.  By the root.sealed that
 * will be in force: the bank's own where keyd's files are there, else the
 * backup's.
 */
static enum sr_error
take_secret(const struct ctl_options *options, struct restore *restore)
{
	static struct sealed sealed;
	uint8_t bytes[SEALED_MAX_LEN + 1];
	char path[PATH_MAX];
	FILE *file;
	size_t len;
	enum sr_error error = SR_OK;

	if (!ctl_bank_asks(options, &restore->config))
		return SR_OK;
	if (!options->check && exists(&restore->config, "keyd/state"))
		error = config_path(&restore->config, "keyd/root.sealed", path);
	else
		error =
		    backup_set_path(&restore->set, "keyd/root.sealed", path);
	if (error != SR_OK)
		return error;
	file = backup_file_read(path);
	if (file == NULL)
		return ctl_failed(path, SR_IO);
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	error = sealed_read(bytes, len, SEALED_ROOT, &sealed);
	return error == SR_OK ? ctl_present_secret(options, &restore->config,
				    &sealed, true, &restore->secret)
			      : ctl_failed(path, error);
}

static enum sr_error
run(const struct ctl_options *options, const char *directory,
    struct restore *restore)
{
	enum sr_error error = read_configuration(options, restore);

	if (error == SR_OK)
		error = restore_users(&restore->config, &restore->place);
	restore->check_only = options->check;
	if (error == SR_OK && !options->check)
		restore_tell_former(restore->config.directory);
	if (error == SR_OK)
		error = ctl_restore_read(restore, directory);
	/* before the head of a running bank is looked at, which moves */
	if (error == SR_OK && !options->check)
		error = ctl_restore_lock(restore);
	if (error == SR_OK)
		error = ctl_restore_present(restore);
	if (error == SR_OK)
		error = ctl_restore_anchor(restore, options->anchor, directory);
	if (error == SR_OK)
		error = take_secret(options, restore);
	if (error != SR_OK)
		return error;
	if (options->check)
		return check_only(restore);
	restore->keyd_here = exists(&restore->config, "keyd/state");
	if (!restore->keyd_here && !restore->anchored)
		return ctl_restore_no_anchor(restore);
	return put_in_force(restore);
}

static void
tell_restored(const struct ctl_options *options, const struct restore *restore)
{
	fprintf(stderr, "%s is restored.%s%s\n", restore->config.directory,
	    restore->place.aside[0] != '\0' ? "  What was there before is in "
					    : "",
	    restore->place.aside);
	hint_tell_start(&restore->config, options->credential);
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
		tell_restored(options, &restore);
	if (restore.scratch[0] != '\0')
		backup_tree_remove(restore.scratch);
	sodium_memzero(&restore.secret, sizeof(restore.secret));
	if (error != SR_OK)
		ctl_restore_unmake(&restore);
	ctl_restore_unlock(&restore);
	manifest_free(&restore.set.manifest);
	(void)umask(mask);
	return error;
}
