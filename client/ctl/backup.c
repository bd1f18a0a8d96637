/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl backup: a consistent copy of the running bank in a set of its
 * own, verified before it counts.  Until then the former one is as it was.
 */
#include "client/ctl/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/backup_verify.h"
#include "client/ctl/control.h"
#include "client/ctl/last.h"
#include "client/ctl/seal.h"
#include "gen/messages.h"

enum { SMALL_FILE_MAX = 65536 };

/* ---- for the other parts ----------------------------------------------- */

void
ctl_backup_progress(const struct ctl_backup *backup, const char *name,
    uint64_t done, uint64_t whole)
{
	if (backup->progress)
		fprintf(stderr, "\r\033[K%s %" PRIu64 "%%", name,
		    whole > 0 ? done * 100 / whole : 100);
}

enum sr_error
ctl_backup_piece(struct ctl_backup *backup, enum control_room room,
    const struct writer *question, struct ctl_piece *piece)
{
	uint8_t packet[CONTROL_PACKET_MAX];
	struct message_backup_piece answer = {0};
	const uint8_t *body;
	size_t len;
	enum sr_error error;

	piece->count = 0;
	error = control_ask(backup->control, room, question->start,
	    writer_len(question), MESSAGE_BACKUP_PIECE, packet, &body, &len);
	if (error == SR_OK)
		error = message_backup_piece_decode(body, len, &answer);
	if (error == SR_OK)
		error = error_of_wire(answer.error);
	if (error == SR_OK && answer.bytes_len > sizeof(piece->bytes))
		error = SR_MALFORMED;
	if (error != SR_OK)
		return error;
	piece->len = answer.len;
	piece->count = answer.bytes_len;
	memcpy(piece->bytes, answer.bytes, answer.bytes_len);
	backup->sent += answer.bytes_len;
	return SR_OK;
}

enum sr_error
ctl_backup_put(
    struct ctl_backup *backup, const char *name, const void *bytes, size_t len)
{
	char path[PATH_MAX];
	int fd;
	enum sr_error error = backup_set_path(&backup->part, name, path);

	if (error == SR_OK)
		error = backup_file_begin(path, &fd);
	if (error != SR_OK)
		return error;
	error = backup_file_write(path, fd, 0, bytes, len);
	if (error == SR_OK)
		return backup_file_finish(path, fd);
	close(fd);
	return error;
}

/* ---- small files ------------------------------------------------------- */

enum sr_error
ctl_backup_sealed(struct ctl_backup *backup, uint8_t file, const char *name)
{
	uint8_t bytes[64];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_sealed_get question = {.file = file};
	struct ctl_piece piece;
	enum sr_error error = message_backup_sealed_get_encode(&w, &question);

	if (error == SR_OK)
		error = ctl_backup_piece(backup, CONTROL_MONITOR, &w, &piece);
	if (error == SR_NOT_FOUND && file == 1) {
		fprintf(stderr,
		    "strongroomctl: %s is not in the bank, so it is not in "
		    "the backup either\n",
		    name);
		return SR_OK;
	}
	if (error != SR_OK)
		return ctl_failed(name, error);
	return ctl_backup_put(backup, name, piece.bytes, piece.count);
}

/* bank.id and strongroom.conf: whoever restores needs them. */
static enum sr_error
take_small(struct ctl_backup *backup, const char *from, const char *name)
{
	static uint8_t bytes[SMALL_FILE_MAX];
	FILE *file = fopen(from, "re");
	size_t len;
	bool good;

	if (file == NULL) {
		fprintf(
		    stderr, "strongroomctl: %s: %s\n", from, strerror(errno));
		return SR_IO;
	}
	len = fread(bytes, 1, sizeof(bytes), file);
	good = !ferror(file) && len < sizeof(bytes);
	fclose(file);
	return good ? ctl_backup_put(backup, name, bytes, len)
		    : ctl_failed(from, SR_IO);
}

static enum sr_error
take_others(struct ctl_backup *backup)
{
	char path[CONFIG_PATH_MAX];
	enum sr_error error = ctl_backup_sealed(backup, 0, "keyd/root.sealed");

	if (error == SR_OK)
		error = ctl_backup_sealed(backup, 1, "keyd/identity.sealed");
	if (error == SR_OK)
		error = config_path(&backup->config, "bank.id", path);
	if (error == SR_OK)
		error = take_small(backup, path, "bank.id");
	if (error == SR_OK)
		error =
		    take_small(backup, backup->config.file, "strongroom.conf");
	return error;
}

/* ---- the whole --------------------------------------------------------- */

/* The former backup, if it is this bank's and not ahead of it. */
static enum sr_error
look_at_former(struct ctl_backup *backup)
{
	enum sr_error error =
	    backup_set_newest(backup->directory, &backup->former);

	if (error == SR_DAMAGED) {
		fprintf(stderr,
		    "strongroomctl: the former backup is damaged: all is "
		    "copied anew\n");
		return SR_OK;
	}
	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_OK : error;
	if (backup->former.number == 0) {
		fprintf(stderr,
		    "strongroomctl: %s is one set of a backup directory; name "
		    "the directory above it\n",
		    backup->directory);
		return SR_USAGE;
	}
	backup->has_former = true;
	if (memcmp(backup->former.manifest.bank_id, backup->bank.bank_id, 32) ==
	    0)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: %s holds the backup of another bank; nothing was "
	    "changed\n",
	    backup->directory);
	return SR_WRONG_BANK;
}

/* A head behind that of the former backup is no progress but a rollback. */
static enum sr_error
look_at_head(const struct ctl_backup *backup)
{
	const struct manifest *former = &backup->former.manifest;

	if (!backup->has_former)
		return SR_OK;
	if (backup->head.size >= former->size &&
	    (backup->epoch == former->epoch ||
		backup_rotated(&backup->config, &backup->bank, former->epoch,
		    former->size, backup->epoch)))
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: %s holds %" PRIu64 " entries of log epoch %" PRIu32
	    ", the bank has %" PRIu64 " of epoch %" PRIu32
	    ": the bank was restored or rolled back; begin another directory\n",
	    backup->directory, former->size, former->epoch, backup->head.size,
	    backup->epoch);
	return SR_ROLLED_BACK;
}

static enum sr_error
take_all(struct ctl_backup *backup)
{
	enum sr_error error = SR_BUSY;

	for (int i = 0; error == SR_BUSY && i < BACKUP_TRIES; i++) {
		error = ctl_backup_keyd(backup);
		if (error == SR_OK)
			error = look_at_head(backup);
		if (error == SR_OK)
			error = ctl_backup_ledger(backup);
	}
	return error == SR_OK ? take_others(backup) : error;
}

/* The walk of strongroom-verify, without keys, over what was written. */
static enum sr_error
verify_part(struct ctl_backup *backup)
{
	char former[PATH_MAX], why[BACKUP_WHY_MAX];
	enum sr_error error = SR_OK;

	if (backup->has_former)
		error = backup_set_path(
		    &backup->former, "ledger/public/checkpoint", former);
	if (error == SR_OK)
		error = backup_verify(&backup->part, &backup->bank,
		    backup->head.size, backup->head.root,
		    backup->has_former ? former : NULL, why);
	if (error == SR_DAMAGED)
		fprintf(stderr,
		    "strongroomctl: the backup does not verify: %s; it is "
		    "removed, the former one is as it was\n",
		    why);
	return error;
}

static uint64_t
now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum sr_error
make_set(struct ctl_backup *backup)
{
	struct manifest *manifest = &backup->part.manifest;
	enum sr_error error = backup_set_begin(
	    backup->directory, backup->former.number + 1, &backup->part);

	if (error == SR_OK)
		error = take_all(backup);
	if (backup->progress)
		fprintf(stderr, "\r\033[K");
	if (error != SR_OK)
		return error;
	error = verify_part(backup);
	if (error != SR_OK) {
		backup_set_discard(&backup->part);
		return error;
	}
	memcpy(manifest->bank_id, backup->bank.bank_id, 32);
	manifest->time_ms = now_ms();
	manifest->epoch = backup->epoch;
	manifest->size = backup->head.size;
	memcpy(manifest->root, backup->head.root, 32);
	error = backup_set_seal(&backup->part);
	if (error == SR_OK)
		error = backup_set_finish(
		    backup->directory, backup->lock, &backup->part);
	return error;
}

static void
report(const struct ctl_options *options, const struct ctl_backup *backup)
{
	uint64_t bytes = 0;
	char root[65];

	for (size_t i = 0; i < backup->part.manifest.count; i++)
		bytes += backup->part.manifest.files[i].len;
	bankfile_hex(backup->head.root, root);
	if (options->json)
		printf("{\"v\":1,\"set\":\"%08" PRIu32 "\",\"entries\":%" PRIu64
		       ",\"root\":\"%s\",\"bytes\":%" PRIu64
		       ",\"sent\":%" PRIu64
		       ",\"files\":%zu,\"segments\":%" PRIu32
		       ",\"segments_sent\":%" PRIu32 "}\n",
		    backup->part.number, backup->head.size, root, bytes,
		    backup->sent, backup->part.manifest.count, backup->segments,
		    backup->segments_sent);
	else
		printf("%s: %" PRIu64 " entries, verified; %" PRIu64
		       " bytes, of which %" PRIu64
		       " came from the bank (segments: %" PRIu32 " of %" PRIu32
		       ")\n",
		    backup->part.path, backup->head.size, bytes, backup->sent,
		    backup->segments_sent, backup->segments);
}

/* What lies in the bank's directory is lost with it, and is no backup. */
static enum sr_error
look_at_place(const struct ctl_backup *backup)
{
	char bank[PATH_MAX], real[PATH_MAX], above[PATH_MAX];
	size_t len;

	if (realpath(backup->config.directory, bank) == NULL ||
	    strlen(backup->directory) >= sizeof(above))
		return SR_OK; /* whoever opens it says why */
	if (realpath(backup->directory, real) == NULL) {
		memcpy(above, backup->directory, strlen(backup->directory) + 1);
		if (realpath(dirname(above), real) == NULL)
			return SR_OK;
	}
	len = strlen(bank);
	if (strncmp(real, bank, len) != 0 ||
	    (real[len] != '/' && real[len] != '\0'))
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: %s lies in the bank's own directory and would be "
	    "lost with it; name a directory elsewhere, best on another disk\n",
	    backup->directory);
	return SR_NOT_ALLOWED;
}

static enum sr_error
run(const struct ctl_options *options, struct ctl_backup *backup)
{
	enum sr_error error = ctl_configuration(options, &backup->config);
	struct sealed sealed;

	if (error == SR_OK)
		error = ctl_bank(&backup->config, &backup->bank);
	if (error == SR_OK)
		error = ctl_control(&backup->config, &backup->control);
	if (error == SR_OK)
		error = look_at_place(backup);
	if (error == SR_OK)
		error = backup_set_open(backup->directory, true, &backup->lock);
	if (error == SR_OK)
		error = look_at_former(backup);
	if (error != SR_OK)
		return error;
	/* before: one that changes meanwhile may not be in it */
	if (ctl_sealed_get(backup->control, &sealed) != SR_OK)
		sealed.set = 0;
	error = make_set(backup);
	if (error == SR_OK) {
		struct ctl_last last = {.entries = backup->head.size,
		    .good = true,
		    .set = sealed.set};

		memcpy(last.root, backup->head.root, sizeof(last.root));
		ctl_last_write(&backup->config, CTL_LAST_BACKUP, &last);
		report(options, backup);
	} else if (error == SR_NO_SPACE)
		fprintf(stderr,
		    "strongroomctl: there is no room for the backup in %s; "
		    "%s\n",
		    backup->directory,
		    backup->has_former ? "the former one is as it was"
				       : "there is none");
	else if (error == SR_BUSY || error == SR_UNREACHABLE)
		(void)ctl_failed("backup", error);
	return error;
}

enum sr_error
ctl_backup(const struct ctl_options *options, char *const words[])
{
	static struct ctl_backup backup = {.control = -1, .lock = -1};
	mode_t mask = umask(077);
	enum sr_error error;

	backup.directory = words[0];
	backup.progress = isatty(STDERR_FILENO) == 1;
	error = run(options, &backup);
	manifest_free(&backup.former.manifest);
	manifest_free(&backup.part.manifest);
	if (backup.control >= 0)
		close(backup.control);
	if (backup.lock >= 0)
		close(backup.lock);
	(void)umask(mask);
	return error;
}
