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
#include "client/ctl/shares.h"

#define LOST_PATH "ledger/lost.checkpoint"
#define STATE_PATH "ledger/restored.state"

/* The checkpoint with the bank's own line alone: witnesses' are not keyd's. */
static enum sr_error
keep_own_line(const char *text, size_t len, struct restore_loss *loss)
{
	struct note_line line;
	struct note note;
	enum sr_error error = note_parse(text, len, &note);
	size_t at = note.lines_at, begin = at;

	if (error != SR_OK || note.signature_count == 0)
		return SR_MALFORMED;
	do {
		begin = at;
		error = note_next_line(text, len, &at, &line);
	} while (
	    error == SR_OK &&
	    (line.len != NOTE_KEY_ID_LEN + NOTE_SIGNATURE_LEN ||
		line.name_len != strlen(note.checkpoint.origin) ||
		memcmp(line.name, note.checkpoint.origin, line.name_len) != 0));
	if (error != SR_OK ||
	    note.lines_at + (at - begin) > sizeof(loss->anchor))
		return SR_MALFORMED;
	memcpy(loss->anchor, text, note.lines_at);
	memcpy(loss->anchor + note.lines_at, text + begin, at - begin);
	loss->len = note.lines_at + (at - begin);
	return SR_OK;
}

enum sr_error
restore_loss_read(const struct ctl_options *options, struct restore_loss *loss)
{
	char text[NOTE_READ_MAX + 1];
	size_t len = 0;
	FILE *file;
	bool good;

	memset(loss, 0, sizeof(*loss));
	if (options->anchor == NULL)
		return SR_OK;
	file = fopen(options->anchor, "re");
	good = file != NULL;
	if (good) {
		len = fread(text, 1, sizeof(text), file);
		good = ferror(file) == 0;
		fclose(file);
	}
	if (!good) {
		fprintf(stderr, "strongroomctl: %s: %s\n", options->anchor,
		    strerror(errno));
		return SR_IO;
	}
	if (len > NOTE_READ_MAX || keep_own_line(text, len, loss) != SR_OK) {
		fprintf(stderr, "strongroomctl: %s is not a checkpoint\n",
		    options->anchor);
		return SR_MALFORMED;
	}
	return SR_OK;
}

/*
 * Where ledgerd finds it, who may be somebody else: in a directory of its own
 * it may have put a link in the way, which must not be followed.
 */
static enum sr_error
put_file(const char *path, const void *bytes, size_t len)
{
	int fd = -1;
	ssize_t n = -1;
	bool good;

	if (unlink(path) == 0 || errno == ENOENT)
		fd = open(path,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		n = write(fd, bytes, len);
	good = n >= 0 && (size_t)n == len && fchmod(fd, 0644) == 0;
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
	char path[CONFIG_PATH_MAX], state[CONFIG_PATH_MAX];
	char option[64] = "--accept-loss";
	enum sr_error error = config_path(config, LOST_PATH, path);

	*done = false;
	if (error == SR_OK)
		error = config_path(config, STATE_PATH, state);
	if (error == SR_OK && loss->len > 0)
		error = put_file(path, loss->anchor, loss->len);
	if (error == SR_OK && loss->state_len > 0)
		error = put_file(state, loss->state, loss->state_len);
	if (error != SR_OK)
		return error;
	if (loss->size > 0)
		snprintf(option, sizeof(option),
		    "--accept-loss=%" PRIu32 ":%" PRIu64, loss->epoch,
		    loss->size);
	error = ctl_bank_start(options, config, option, &process);
	*done = error == SR_OK;
	if (error == SR_OK)
		error = ctl_status(options, NULL);
	if (bank_process_stop(&process) != SR_OK && error == SR_OK)
		error = ctl_failed("stopping the bank", SR_IO);
	if (loss->len > 0 && unlink(path) != 0 && error == SR_OK)
		error = ctl_failed(path, SR_IO);
	if (loss->state_len > 0 && unlink(state) != 0 && error == SR_OK)
		error = ctl_failed(state, SR_IO);
	if (*done)
		fprintf(stderr,
		    "The bank goes on from there under a new origin; what came "
		    "later is lost. Tell\nthe customers: atm names each order "
		    "of theirs that is gone. Begin a new backup\ndirectory, and "
		    "give auditors the new public/checkpoint.\n");
	return error;
}
