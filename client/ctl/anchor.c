/* SPDX-License-Identifier: ISC */
/*
 * Anchors.  Must never write one that a later history would contradict: one
 * older than the last, of another fork, or of a log that does not verify.
 */
#include "client/ctl/anchor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/backup_set.h"
#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/status.h"
#include "client/verify/verify.h"

/* A running bank's checkpoint is waited for so often, and so long each time. */
#define PUBLISHED_TRIES 500
#define PUBLISHED_PAUSE_NS (10 * 1000 * 1000)

enum sr_error
anchor_read(const char *path, struct anchor *out, struct note *note)
{
	FILE *file = backup_file_read(path);
	uint8_t bank_id[32];
	bool whole;

	if (file == NULL && errno == ENOENT)
		return SR_NOT_FOUND;
	if (file == NULL)
		return ctl_failed(path, SR_IO);
	out->len = fread(out->text, 1, sizeof(out->text), file);
	whole = ferror(file) == 0 && fgetc(file) == EOF;
	fclose(file);
	if (!whole || note_parse(out->text, out->len, note) != SR_OK ||
	    note_origin_parse(note->checkpoint.origin, bank_id, &out->epoch) !=
		SR_OK) {
		fprintf(stderr, "strongroomctl: %s is not an anchor\n", path);
		return SR_MALFORMED;
	}
	out->checkpoint = note->checkpoint;
	return SR_OK;
}

/* ---- the newest one ---------------------------------------------------- */

/*
 * An anchor that was written before, as what the log must continue.  One that
 * a restore gave up is evidence: `replaced', it would be gone.
 */
static bool
take_before(struct verify *verify, const char *path, bool replaced)
{
	static struct anchor before;
	struct checkpoint checkpoint;
	struct note note;
	uint32_t epoch;
	enum sr_error error = anchor_read(path, &before, &note);

	if (error == SR_NOT_FOUND)
		return true;
	if (error != SR_OK)
		return verify_fail(verify, VERIFY_COULD_NOT,
		    "%s cannot be read as an anchor", path);
	if (!verify_checkpoint_text(verify, path, before.text, before.len,
		VERIFY_COULD_NOT, &checkpoint, &epoch))
		return false;
	if (verify_given_up(verify, epoch, checkpoint.size) != NULL) {
		fprintf(stderr,
		    "strongroomctl: %s, of %" PRIu64
		    " entries, is of what a restore with loss has given up: "
		    "no new anchor continues it\n",
		    path, checkpoint.size);
		return !replaced ||
		       verify_fail(verify, VERIFY_COULD_NOT,
			   "keep that one, and choose another name");
	}
	verify->since[verify->since_count++] = (struct verify_anchor){
	    .path = path, .checkpoint = checkpoint, .epoch = epoch};
	return true;
}

/* The last anchor, and the file that is to be replaced. */
static bool
take_last(const struct config *config, const char *path, struct verify *verify)
{
	static char last[CONFIG_PATH_MAX]; /* told in the verdict */

	if (config_path(config, ANCHOR_LAST_PATH, last) != SR_OK)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "the path is too long");
	return take_before(verify, last, false) &&
	       (path == NULL || take_before(verify, path, true));
}

/* After a walk that ended badly: which error it is. */
static enum sr_error
walk_failed(const struct verify *verify)
{
	bool forked = false;

	for (size_t i = 0; i < verify->since_count; i++)
		forked |=
		    !verify->since[i].met && verify->published_met &&
		    verify->since[i].checkpoint.size <= verify->committed.size;
	fprintf(stderr, "strongroomctl: no anchor was written: %s%s\n",
	    verify->why, forked ? " (--since: an anchor of before)" : "");
	if (verify->exit == VERIFY_COULD_NOT)
		return SR_EXISTS;
	return forked ? SR_FORKED : SR_DAMAGED;
}

/* What a running bank has signed; 0: none runs, or it is locked. */
static uint64_t
running_size(const struct config *config)
{
	static struct ctl_rooms rooms;
	char path[CONFIG_PATH_MAX];
	uint64_t size = 0;
	int fd;

	if (config_path(config, "run/control", path) != SR_OK ||
	    control_try(path, &fd) != SR_OK)
		return 0;
	if (ctl_rooms_get(fd, &rooms) == SR_OK &&
	    rooms.monitor.state == CTL_STATE_OPEN)
		size = rooms.keyd.tree_size;
	close(fd);
	return size;
}

/*
 * The public checkpoint.  A running bank answers first and publishes a moment
 * later: what was answered before this call is waited for.
 */
static enum sr_error
read_published(const struct config *config, const char *path,
    struct anchor *out, struct note *note)
{
	const struct timespec pause = {.tv_nsec = PUBLISHED_PAUSE_NS};
	uint64_t size = running_size(config);
	enum sr_error error = anchor_read(path, out, note);

	for (int try = 0; error == SR_OK && out->checkpoint.size < size &&
			  try < PUBLISHED_TRIES;
	     try++) {
		(void)nanosleep(&pause, NULL);
		error = anchor_read(path, out, note);
	}
	if (error == SR_OK && out->checkpoint.size < size)
		fprintf(stderr,
		    "strongroomctl: the bank has signed %" PRIu64
		    " entries, and has not published more than %" PRIu64
		    ": look at its log, and take another anchor later\n",
		    size, out->checkpoint.size);
	return error;
}

static enum sr_error
walk(const struct config *config, const char *before, struct verify *verify,
    struct anchor *out)
{
	char path[CONFIG_PATH_MAX];
	struct note note;
	enum sr_error error =
	    config_path(config, "ledger/public/checkpoint", path);

	if (error == SR_OK)
		error = read_published(config, path, out, &note);
	if (error == SR_NOT_FOUND)
		return ctl_failed(path, SR_NOT_FOUND);
	if (error != SR_OK)
		return error;
	if (!verify_certificates(verify) || !verify_restores(verify) ||
	    !take_last(config, before, verify) ||
	    !verify_checkpoint_text(verify, path, out->text, out->len,
		VERIFY_TAMPERED, &verify->published, &verify->published_epoch))
		return walk_failed(verify);
	for (size_t i = 0; i < verify->since_count; i++) {
		const struct verify_anchor *anchor = &verify->since[i];

		if (anchor->checkpoint.size <= verify->published.size)
			continue;
		fprintf(stderr,
		    "strongroomctl: no anchor was written: the last one has "
		    "%" PRIu64 " entries, the bank's checkpoint %" PRIu64
		    ": the ledger was rolled back\n",
		    anchor->checkpoint.size, verify->published.size);
		return SR_ROLLED_BACK;
	}
	if (!verify_log(verify))
		return walk_failed(verify);
	/* alone, whatever else stands in the file */
	return verify_own_line(verify, &note, out->epoch, out->text, &out->len);
}

enum sr_error
anchor_newest(const struct config *config, const struct bankfile *bank,
    const char *before, struct anchor *out)
{
	static struct verify verify;
	char ledger[CONFIG_PATH_MAX];
	enum sr_error error = config_path(config, "ledger", ledger);

	if (error != SR_OK)
		return error;
	memset(&verify, 0, sizeof(verify));
	verify.bank = *bank;
	verify.quiet = true;
	verify.exit = VERIFY_INTACT;
	verify.directory = ledger;
	/* a running bank may publish a newer one during the walk */
	verify.published_fixed = true;
	return walk(config, before, &verify, out);
}

/* ---- written ----------------------------------------------------------- */

enum sr_error
anchor_put(const char *path, const struct anchor *anchor)
{
	int fd;
	enum sr_error error = backup_file_begin(path, &fd);

	if (error != SR_OK)
		return error;
	/* public, and to be fetched by others */
	if (fchmod(fd, 0644) != 0)
		error = ctl_failed(path, SR_IO);
	if (error == SR_OK)
		error =
		    backup_file_write(path, fd, 0, anchor->text, anchor->len);
	if (error != SR_OK) {
		close(fd);
		return error;
	}
	error = backup_file_finish(path, fd);
	/* a restore rests on it: its name is to be durable, too */
	return error == SR_OK ? backup_sync_parent(path) : error;
}

bool
anchor_is(const struct checkpoint *one, const struct checkpoint *other)
{
	return strcmp(one->origin, other->origin) == 0 &&
	       one->size == other->size &&
	       memcmp(one->root, other->root, sizeof(one->root)) == 0;
}

/* What stands at path already; *keep when it is this very checkpoint. */
static enum sr_error
look_at(const char *path, const struct anchor *anchor, bool *keep)
{
	static struct anchor there;
	struct note note;
	enum sr_error error = anchor_read(path, &there, &note);

	*keep = false;
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error != SR_OK)
		return error;
	*keep = anchor_is(&there.checkpoint, &anchor->checkpoint);
	if (*keep)
		return SR_OK;
	if (note.other_count > 0) {
		fprintf(stderr,
		    "strongroomctl: %s bears witnesses' signatures; choose "
		    "another name for the new anchor\n",
		    path);
		return SR_EXISTS;
	}
	if (there.epoch <= anchor->epoch &&
	    there.checkpoint.size <= anchor->checkpoint.size)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: %s holds an anchor of %" PRIu64
	    " entries, the bank's log has %" PRIu64
	    "; nothing was changed. Keep it, and choose another name\n",
	    path, there.checkpoint.size, anchor->checkpoint.size);
	return SR_ROLLED_BACK;
}

enum sr_error
anchor_write(
    const struct config *config, const char *path, const struct anchor *anchor)
{
	char last[CONFIG_PATH_MAX];
	bool keep = path == NULL;
	enum sr_error error = config_path(config, ANCHOR_LAST_PATH, last);

	if (error == SR_OK && path != NULL)
		error = look_at(path, anchor, &keep);
	if (error == SR_OK && !keep)
		error = anchor_put(path, anchor);
	return error == SR_OK ? anchor_put(last, anchor) : error;
}
