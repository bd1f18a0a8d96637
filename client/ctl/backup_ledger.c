/* SPDX-License-Identifier: ISC */
/*
 * ledgerd's part of a backup.  What keyd has signed never changes, so the
 * journal is read as it is and cut at the COMMIT of the size that keyd has
 * frozen; a segment that the former backup has whole is not read again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/backup.h"
#include "common/audit_line.h"
#include "common/backup.h"
#include "common/journal.h"
#include "common/restore.h"
#include "gen/messages.h"

static enum sr_error
piece_of(struct ctl_backup *backup, unsigned file, uint32_t number,
    uint64_t offset, struct ctl_piece *piece)
{
	uint8_t bytes[64];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_ledger_get question = {
	    .file = (uint8_t)file, .number = number, .offset = offset};
	enum sr_error error = message_backup_ledger_get_encode(&w, &question);

	return error == SR_OK
		   ? ctl_backup_piece(backup, CONTROL_LEDGERD, &w, piece)
		   : error;
}

/*
 * A file that only grows, up to the length that it has now.  SR_BUSY when it
 * has become shorter meanwhile: an audit log that was rotated.
 */
static enum sr_error
fetch_file(
    struct ctl_backup *backup, unsigned file, uint32_t number, const char *name)
{
	struct ctl_piece piece;
	char path[PATH_MAX];
	uint64_t at = 0, whole;
	int fd = -1;
	enum sr_error error = backup_set_path(&backup->part, name, path);

	if (error == SR_OK)
		error = piece_of(backup, file, number, 0, &piece);
	if (error != SR_OK)
		return error;
	whole = piece.len;
	error = backup_file_begin(path, &fd);
	while (error == SR_OK && at < whole) {
		if (piece.count == 0)
			error = SR_DAMAGED;
		if (error == SR_OK)
			error = backup_file_write(
			    path, fd, at, piece.bytes, piece.count);
		at += piece.count;
		ctl_backup_progress(backup, name, at, whole);
		if (error == SR_OK && at < whole)
			error = piece_of(backup, file, number, at, &piece);
		if (error == SR_OK && piece.len < whole)
			error = SR_BUSY;
	}
	if (error == SR_OK)
		return backup_file_finish(path, fd);
	if (fd >= 0)
		close(fd);
	return error;
}

/* ---- snapshots, certificates, audit log -------------------------------- */

static enum sr_error
fetch_snapshot(struct ctl_backup *backup, const struct entry_snapshot *snapshot,
    bool newest)
{
	char name[MANIFEST_PATH_MAX], path[PATH_MAX];
	uint8_t hash[32];
	uint64_t len;
	enum sr_error error;

	snprintf(
	    name, sizeof(name), "ledger/snapshot/%08" PRIu32, snapshot->number);
	error = fetch_file(backup, BACKUP_SNAPSHOT, snapshot->number, name);
	/* A newer one has taken its place; without the newest begin anew. */
	if (error == SR_NOT_FOUND)
		return newest ? SR_BUSY : SR_OK;
	if (error == SR_OK)
		error = backup_set_path(&backup->part, name, path);
	if (error == SR_OK)
		error = backup_file_hash(path, &len, hash);
	if (error != SR_OK || memcmp(hash, snapshot->hash, sizeof(hash)) == 0)
		return error;
	fprintf(stderr,
	    "strongroomctl: %s of the bank is damaged and left out; it "
	    "starts from an older one\n",
	    name);
	return unlink(path) == 0 ? SR_OK : SR_IO;
}

/*
 * The last two, from which the bank starts, and the certified one, with which
 * an auditor may begin.
 */
static enum sr_error
fetch_snapshots(struct ctl_backup *backup)
{
	bool certified = backup->certified.number != 0;
	enum sr_error error = SR_OK;

	for (unsigned i = 0; error == SR_OK && i < backup->snapshot_count;
	     i++) {
		error = fetch_snapshot(backup, &backup->snapshot[i], i == 0);
		if (backup->snapshot[i].number == backup->certified.number)
			certified = false;
	}
	return error == SR_OK && certified
		   ? fetch_snapshot(backup, &backup->certified, false)
		   : error;
}

/*
 * The audit log may be ahead of the head, and what was read last may be half a
 * line: that is cut off.
 */
static enum sr_error
cut_audit(struct ctl_backup *backup)
{
	char path[PATH_MAX], text[AUDIT_LINE_MAX + 1];
	off_t at = 0;
	FILE *file;
	enum sr_error error =
	    backup_set_path(&backup->part, "audit/audit.log", path);

	if (error != SR_OK)
		return error;
	file = fopen(path, "r+e");
	if (file == NULL)
		return SR_IO;
	while (fgets(text, sizeof(text), file) != NULL) {
		size_t len = strlen(text);
		struct audit_line line;

		if (len == 0 || text[len - 1] != '\n')
			break;
		if (audit_line_read(text, len - 1, &line) &&
		    line.last >=
			backup->head.size + (line.type == AUDIT_LINE_HEAD))
			break;
		at += (off_t)len;
	}
	if (ftruncate(fileno(file), at) != 0 || fsync(fileno(file)) != 0)
		error = SR_IO;
	fclose(file);
	return error;
}

/* Where none is kept, or it was just renamed away, there is none. */
static enum sr_error
fetch_audit(struct ctl_backup *backup)
{
	char path[PATH_MAX];
	enum sr_error error =
	    backup_set_path(&backup->part, "audit/audit.log", path);

	if (error == SR_OK)
		error = fetch_file(backup, BACKUP_AUDIT, 0, "audit/audit.log");
	if (error == SR_OK)
		return cut_audit(backup);
	if (error != SR_NOT_FOUND)
		return error;
	/* of a try before this one */
	return unlink(path) == 0 || errno == ENOENT ? SR_OK : SR_IO;
}

/* public/checkpoint of exactly the head, with keyd's signature. */
static enum sr_error
put_checkpoint(struct ctl_backup *backup)
{
	char path[PATH_MAX], note[NOTE_MAX];
	uint8_t entry[2 + CERTIFICATE_LEN];
	struct certificate certificate;
	enum sr_error error = SR_BANK_KEY;
	size_t len;
	FILE *file;

	if (backup_set_path(
		&backup->part, "ledger/public/certificates", path) != SR_OK)
		return SR_TOO_LARGE;
	file = fopen(path, "re");
	if (file == NULL)
		return SR_IO;
	while (error != SR_OK && fread(entry, sizeof(entry), 1, file) == 1)
		if (certificate_verify(entry + 2, backup->bank.identity,
			&certificate) == SR_OK &&
		    note_verify_raw(&backup->head, certificate.log_key,
			backup->signature) == SR_OK)
			error = SR_OK;
	fclose(file);
	if (error != SR_OK)
		return ctl_failed("the head of the log", error);
	note_assemble(
	    &backup->head, certificate.log_key, backup->signature, note, &len);
	return ctl_backup_put(backup, "ledger/public/checkpoint", note, len);
}

/* ---- the journal ------------------------------------------------------- */

/* A segment while it comes in: where its frames are read, and its end. */
struct segment {
	uint8_t *bytes; /* JOURNAL_SEGMENT_MAX_LEN */
	uint64_t len;   /* of the file */
	uint64_t have;
	uint64_t at; /* the next frame */
	bool cut;    /* the COMMIT of the head has been met */
};

/* Reads the frames that are there; stops at the head's COMMIT. */
static enum sr_error
walk(struct segment *segment, uint64_t size)
{
	struct journal_frame frame;
	struct journal_commit commit;

	while (!segment->cut) {
		uint64_t left = segment->have - segment->at;
		bool all = segment->have == segment->len;
		enum sr_error error;

		if (left < JOURNAL_FRAME_MAX && !all)
			return SR_OK;
		error = journal_frame_parse(
		    segment->bytes + segment->at, (size_t)left, &frame);
		if (error == SR_NOT_FOUND) {
			/* unused from here on: a segment that was closed */
			return SR_OK;
		}
		if (error != SR_OK)
			return error;
		segment->at += frame.frame_len;
		if (frame.header.type != JOURNAL_COMMIT)
			continue;
		if (journal_commit_decode(&frame, &commit) != SR_OK)
			return SR_DAMAGED;
		segment->cut = commit.size == size;
		if (commit.size > size)
			return SR_FORKED;
	}
	return SR_OK;
}

static enum sr_error
fetch_segment(struct ctl_backup *backup, uint32_t number, const char *name,
    struct segment *segment)
{
	struct ctl_piece piece = {.len = 1};
	uint8_t *bytes = segment->bytes;
	char path[PATH_MAX];
	int fd = -1;
	enum sr_error error = backup_set_path(&backup->part, name, path);

	*segment = (struct segment){
	    .bytes = bytes, .len = 1, .at = JOURNAL_SEGMENT_HEADER_LEN};
	while (
	    error == SR_OK && segment->have < segment->len && !segment->cut) {
		error = piece_of(
		    backup, BACKUP_SEGMENT, number, segment->have, &piece);
		if (error != SR_OK)
			break;
		/* ledgerd may say one length now and another one later */
		if (piece.count == 0 || piece.len > JOURNAL_SEGMENT_MAX_LEN ||
		    (segment->have > 0 && piece.len != segment->len) ||
		    piece.count > piece.len - segment->have)
			return SR_DAMAGED;
		segment->len = piece.len;
		memcpy(bytes + segment->have, piece.bytes, piece.count);
		segment->have += piece.count;
		ctl_backup_progress(backup, name, segment->have, segment->len);
		if (segment->have >= JOURNAL_SEGMENT_HEADER_LEN)
			error = walk(segment, backup->head.size);
	}
	if (error != SR_OK)
		return error;
	if (segment->cut)
		memset(bytes + segment->at, 0,
		    (size_t)(segment->len - segment->at));
	error = backup_file_begin(path, &fd);
	if (error == SR_OK) {
		error =
		    backup_file_write(path, fd, 0, bytes, (size_t)segment->len);
		if (error == SR_OK)
			return backup_file_finish(path, fd);
		close(fd);
	}
	return error;
}

/* True if the segment is there already: of a broken-off run, or linked. */
static bool
have_segment(struct ctl_backup *backup, uint32_t number, const char *name)
{
	const struct manifest_file *known;
	char path[PATH_MAX], former[PATH_MAX];
	uint8_t hash[32];
	uint32_t last;
	uint64_t len;

	if (backup_set_path(&backup->part, name, path) != SR_OK)
		return false;
	if (access(path, F_OK) == 0)
		return true;
	if (!backup->has_former ||
	    !manifest_last_segment(&backup->former.manifest, &last) ||
	    number >= last ||
	    (known = manifest_find(&backup->former.manifest, name)) == NULL ||
	    backup_set_path(&backup->former, name, former) != SR_OK ||
	    backup_file_hash(former, &len, hash) != SR_OK ||
	    len != known->len || memcmp(hash, known->hash, sizeof(hash)) != 0)
		return false;
	return link(former, path) == 0 ||
	       backup_file_copy(former, path) == SR_OK;
}

/* Leaves of the former backup: they never change. */
static bool
have_leaves(struct ctl_backup *backup, const char *name)
{
	const struct manifest_file *known;
	char path[PATH_MAX], former[PATH_MAX];
	uint8_t hash[32];
	uint64_t len;

	return backup->has_former &&
	       (known = manifest_find(&backup->former.manifest, name)) !=
		   NULL &&
	       backup_set_path(&backup->part, name, path) == SR_OK &&
	       backup_set_path(&backup->former, name, former) == SR_OK &&
	       backup_file_hash(former, &len, hash) == SR_OK &&
	       len == known->len &&
	       memcmp(hash, known->hash, sizeof(hash)) == 0 &&
	       (unlink(path) == 0 || errno == ENOENT) &&
	       (link(former, path) == 0 ||
		   backup_file_copy(former, path) == SR_OK);
}

/*
 * What stays of a segment, where keyd's own cut covers it: ledgerd's word alone
 * would let it take the ciphertext out of the next backup, and then the former
 * one goes.  That they are the right leaves is seen when all is verified.
 * *taken: false where the segment is still there.
 */
static enum sr_error
fetch_retired(struct ctl_backup *backup, uint32_t number, bool *taken)
{
	char name[MANIFEST_PATH_MAX], log[MANIFEST_PATH_MAX], path[PATH_MAX];
	enum sr_error error = SR_OK;

	*taken = false;
	if (number >= backup->cut.segment)
		return SR_OK;
	snprintf(
	    name, sizeof(name), "ledger/segment/%08" PRIu32 ".leaves", number);
	if (!have_leaves(backup, name)) {
		error = fetch_file(backup, BACKUP_LEAVES, number, name);
		if (error == SR_NOT_FOUND)
			return SR_OK;
		backup->segments_sent += error == SR_OK;
	}
	if (error != SR_OK)
		return error == SR_NO_SPACE ? error : ctl_failed(name, error);
	*taken = true;
	backup->retired++;
	/* of a broken-off run */
	snprintf(log, sizeof(log), "ledger/segment/%08" PRIu32 ".log", number);
	if (backup_set_path(&backup->part, log, path) != SR_OK)
		return SR_TOO_LARGE;
	return unlink(path) == 0 || errno == ENOENT ? SR_OK : SR_IO;
}

static enum sr_error
fetch_journal(struct ctl_backup *backup)
{
	struct segment segment = {.bytes = malloc(JOURNAL_SEGMENT_MAX_LEN)};
	enum sr_error error = segment.bytes == NULL ? SR_MEMORY : SR_OK;

	backup->segments = backup->retired = 0;
	for (uint32_t n = 0; error == SR_OK && !segment.cut; n++) {
		char name[MANIFEST_PATH_MAX];
		bool retired = false;

		snprintf(
		    name, sizeof(name), "ledger/segment/%08" PRIu32 ".log", n);
		/* each has an entry: a ledgerd that lies has no end */
		if (n > backup->head.size) {
			error = ctl_failed("the journal", SR_MALFORMED);
			break;
		}
		backup->segments++;
		/* they are the first ones, without a gap */
		if (backup->retired == n)
			error = fetch_retired(backup, n, &retired);
		if (error != SR_OK || retired)
			continue;
		if (have_segment(backup, n, name))
			continue;
		backup->segments_sent++;
		error = fetch_segment(backup, n, name, &segment);
		if (error != SR_OK && error != SR_NO_SPACE)
			error = ctl_failed(name,
			    error == SR_NOT_FOUND ? SR_ROLLED_BACK : error);
	}
	free(segment.bytes);
	return error;
}

enum sr_error
ctl_backup_ledger(struct ctl_backup *backup)
{
	enum sr_error error = fetch_snapshots(backup);

	if (error == SR_OK)
		error = fetch_file(backup, BACKUP_CERTIFICATES, 0,
		    "ledger/public/certificates");
	if (error == SR_OK)
		error = fetch_file(
		    backup, BACKUP_RESTORES, 0, "ledger/public/restores");
	/* a log that was never restored has none */
	if (error == SR_NOT_FOUND)
		error = SR_OK;
	if (error == SR_OK)
		error = fetch_audit(backup);
	if (error == SR_OK)
		error = put_checkpoint(backup);
	return error == SR_OK ? fetch_journal(backup) : error;
}
