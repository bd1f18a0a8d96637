/* SPDX-License-Identifier: ISC */
/*
 * Restore with loss: the rooms run for the length of the command, behind a
 * socket that only their owner can open, and keyd goes on from the highest
 * head in the journal that it had ever signed.  Must never be begun by
 * accident: it is the one command after which acknowledged orders are gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/bank_process.h"
#include "client/ctl/restore.h"

#define LOST_PATH "ledger/lost.checkpoint"

enum sr_error
restore_loss_read(const struct ctl_options *options, struct restore_loss *loss)
{
	char text[NOTE_MAX + 1];
	struct note note;
	FILE *file;
	bool good;

	memset(loss, 0, sizeof(*loss));
	if (options->anchor == NULL)
		return SR_OK;
	file = fopen(options->anchor, "re");
	good = file != NULL;
	if (good) {
		loss->len = fread(text, 1, sizeof(text), file);
		good = ferror(file) == 0;
		fclose(file);
	}
	if (!good) {
		fprintf(stderr, "strongroomctl: %s: %s\n", options->anchor,
		    strerror(errno));
		return SR_IO;
	}
	if (loss->len > NOTE_MAX ||
	    note_parse(text, loss->len, &note) != SR_OK) {
		fprintf(stderr, "strongroomctl: %s is not a checkpoint\n",
		    options->anchor);
		return SR_MALFORMED;
	}
	memcpy(loss->anchor, text, loss->len);
	return SR_OK;
}

/*
 * Where ledgerd finds it, who may be somebody else: in a directory of its own
 * it may have put a link in the way, which must not be followed.
 */
static enum sr_error
put_anchor(const struct restore_loss *loss, const char *path)
{
	int fd = -1;
	ssize_t n = -1;
	bool good;

	if (unlink(path) == 0 || errno == ENOENT)
		fd = open(path,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		n = write(fd, loss->anchor, loss->len);
	good = n >= 0 && (size_t)n == loss->len && fchmod(fd, 0644) == 0;
	if (fd >= 0 && close(fd) != 0)
		good = false;
	if (good)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
	return SR_IO;
}

enum sr_error
restore_loss_run(const struct ctl_options *options, const struct config *config,
    const struct restore_loss *loss, bool *done)
{
	struct bank_process process = {0};
	char path[CONFIG_PATH_MAX], option[64] = "--accept-loss";
	enum sr_error error = config_path(config, LOST_PATH, path);

	*done = false;
	if (error == SR_OK && loss->len > 0)
		error = put_anchor(loss, path);
	if (error != SR_OK)
		return error;
	if (loss->size > 0)
		snprintf(option, sizeof(option),
		    "--accept-loss=%" PRIu32 ":%" PRIu64, loss->epoch,
		    loss->size);
	error = bank_process_start(&process, config->file, option);
	*done = error == SR_OK;
	if (error == SR_OK)
		error = ctl_status(options, NULL);
	if (bank_process_stop(&process) != SR_OK && error == SR_OK)
		error = ctl_failed("stopping the bank", SR_IO);
	if (loss->len > 0 && unlink(path) != 0 && error == SR_OK)
		error = ctl_failed(path, SR_IO);
	if (*done)
		fprintf(stderr,
		    "The bank goes on from there under a new origin; what came "
		    "later is lost. Tell\nthe customers: atm names each order "
		    "of theirs that is gone. Begin a new backup\ndirectory, and "
		    "give auditors the new public/checkpoint.\n");
	return error;
}
