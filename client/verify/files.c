/* SPDX-License-Identifier: ISC */
/*
 * The walk over the ledger's files, from the first segment to the last, and
 * what only the whole of it can tell.  Reads regular files only, one segment
 * at a time, and never ends without a verdict.
 */
#include "client/verify/verify.h"
#include "client/verify/audit.h"
#include "client/verify/audit_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIVE_TRIES 5 /* how often a segment that is written to is walked */
/* A running bank's checkpoint is waited for so often, and so long each time. */
#define PUBLISHED_TRIES 25
#define PUBLISHED_PAUSE_NS (10 * 1000 * 1000)

static int
log_open(const struct verify *verify, uint32_t number)
{
	char path[4096], name[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(path, sizeof(path), "%s/segment/%s", verify->directory,
	    journal_segment_name(number, name));
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* A fault at its beginning, unless it is another one that is told. */
static void
log_missing(struct verify *verify, uint32_t number, const char *name)
{
	if (verify->why[0] != '\0')
		return;
	verify_place(verify, number, 0, verify->tree.size, "it is missing");
	verify_fail(verify, VERIFY_TAMPERED, "segment/%s is missing", name);
}

uint8_t *
verify_read_segment(struct verify *verify, uint32_t number, size_t *len)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];
	int fd = log_open(verify, number);
	struct stat status;
	uint8_t *bytes;
	size_t done = 0;

	(void)journal_segment_name(number, name);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		if (fd < 0 && errno == ENOENT)
			log_missing(verify, number, name);
		else
			verify_fail(verify, VERIFY_COULD_NOT,
			    "segment/%s cannot be read", name);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*len = (size_t)status.st_size;
	/* One that is too long is refused by its header's check. */
	if (*len > JOURNAL_SEGMENT_MAX_LEN)
		*len = JOURNAL_SEGMENT_MAX_LEN + 1;
	bytes = malloc(*len + 1);
	while (bytes != NULL && done < *len) {
		ssize_t n = pread(fd, bytes + done, *len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (bytes == NULL || done < *len) {
		verify_fail(verify, VERIFY_COULD_NOT,
		    "segment/%s cannot be read", name);
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* How many segments there are: one more than the highest number. */
static bool
log_count(struct verify *verify, uint32_t *count)
{
	char path[4096];
	struct dirent *entry;
	DIR *directory;

	*count = 0;
	snprintf(path, sizeof(path), "%s/segment", verify->directory);
	directory = opendir(path);
	if (directory == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	while ((entry = readdir(directory)) != NULL) {
		char name[JOURNAL_SEGMENT_NAME_MAX];
		unsigned long number;
		char *end;

		number = strtoul(entry->d_name, &end, 10);
		if (number >= UINT32_MAX || strcmp(end, ".log") != 0 ||
		    strcmp(entry->d_name,
			journal_segment_name((uint32_t)number, name)) != 0)
			continue;
		if ((uint32_t)number >= *count)
			*count = (uint32_t)number + 1;
	}
	closedir(directory);
	if (*count == 0)
		return verify_fail(
		    verify, VERIFY_TAMPERED, "%s holds no segment", path);
	return true;
}

/* True if the segment is there and its header is not zero. */
static bool
log_begun(const struct verify *verify, uint32_t number)
{
	uint8_t header[JOURNAL_SEGMENT_HEADER_LEN] = {0};
	int fd = log_open(verify, number);
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, header, sizeof(header), 0);
	close(fd);
	return n > 0 && !journal_all_zero(header, sizeof(header));
}

/*
 * After a fault that a crash can have left: true if nothing of what keyd has
 * signed lies behind it, so that it is an unsigned tail and no damage.
 */
static bool
log_is_tail(struct verify *verify, const uint8_t *bytes, size_t len)
{
	size_t end = len;

	if (verify->published.size > verify->committed.size ||
	    verify_signed_after(verify, bytes, len))
		return false;
	for (size_t i = 0; i < verify->since_count; i++)
		if (verify->since[i].checkpoint.size > verify->committed.size &&
		    verify_given_up(verify, verify->since[i].epoch,
			verify->since[i].checkpoint.size) == NULL)
			return false;
	while (end > verify->committed_end && bytes[end - 1] == 0)
		end--;
	verify->tail_len = end - verify->committed_end;
	verify->tail_seen = true;
	verify->exit = VERIFY_INTACT;
	verify->why[0] = '\0';
	verify->fault.known = false;
	return true;
}

/* A segment that another one follows: whole and closed. */
static bool
log_inner(struct verify *verify, uint32_t number)
{
	struct verify_segment segment;
	size_t len;
	uint8_t *bytes = verify_read_segment(verify, number, &len);
	bool good = bytes != NULL &&
		    verify_segment_bytes(verify, number, bytes, len, &segment);

	if (good && verify->batch_open)
		good = verify_fault(verify, number, segment.used_len,
		    "the segment ends in an open batch");
	if (good && verify->audit != NULL)
		good = audit_segment(
		    verify, number, bytes, len, verify->committed.size);
	if (good && verify->audit_log != NULL)
		good = audit_log_segment(
		    verify, number, bytes, len, verify->committed.size);
	free(bytes);
	if (good)
		verify_print_segment(verify, &segment);
	return good;
}

/* True if the file holds other bytes now. */
static bool
log_has_changed(
    struct verify *verify, uint32_t number, const uint8_t *bytes, size_t len)
{
	size_t new_len;
	uint8_t *now = verify_read_segment(verify, number, &new_len);
	bool changed =
	    now != NULL && (new_len != len || memcmp(now, bytes, len) != 0);

	free(now);
	return changed;
}

/*
 * A running bank publishes its checkpoint when the batch that it covers has
 * been answered, a little later: waits for a newer one than the walk began
 * with.  False if none comes.
 */
static bool
log_published_since(struct verify *before)
{
	const struct timespec pause = {.tv_nsec = PUBLISHED_PAUSE_NS};
	uint64_t size = before->published.size;
	enum verify_exit exit = before->exit;
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/public/checkpoint",
		before->directory) >= (int)sizeof(path))
		return false;
	for (int try = 0; try < PUBLISHED_TRIES; try++) {
		if (!verify_checkpoint(before, path, VERIFY_TAMPERED,
			&before->published, &before->published_epoch)) {
			/* one that was right has been read before */
			before->exit = exit;
			before->why[0] = '\0';
			return false;
		}
		if (before->published.size != size)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * The last segment: a running bank may write to it meanwhile, so that a
 * batch is read in halves.  Then the file has changed, and is walked again.
 */
static bool
log_last(struct verify *verify, uint32_t number)
{
	static struct verify before;
	struct verify_segment segment;

	before = *verify;
	for (int try = 0;; try++) {
		size_t len;
		uint8_t *bytes = verify_read_segment(verify, number, &len);
		bool good = bytes != NULL && verify_segment_bytes(verify,
						 number, bytes, len, &segment);

		if (bytes != NULL && !good && verify->torn &&
		    try < LIVE_TRIES &&
		    log_has_changed(verify, number, bytes, len)) {
			free(bytes);
			*verify = before;
			continue;
		}
		if (good && !verify->batch_open && try < LIVE_TRIES &&
		    before.published.size > 0 &&
		    verify->committed.size > verify->signed_size &&
		    log_published_since(&before)) {
			free(bytes);
			*verify = before;
			continue;
		}
		if (good && verify->batch_open)
			verify->tail_len =
			    segment.used_len - verify->committed_end;
		else if (bytes != NULL && !good && verify->torn)
			good = log_is_tail(verify, bytes, len);
		/* nobody was told of what keyd has not signed */
		if (good && verify->audit != NULL)
			good = audit_segment(
			    verify, number, bytes, len, verify->signed_size);
		if (good && verify->audit_log != NULL)
			good = audit_log_segment(
			    verify, number, bytes, len, verify->signed_size);
		free(bytes);
		if (good)
			verify_print_segment(verify, &segment);
		return good;
	}
}

/*
 * What stands after the last segment: made ready in advance, so zeros.  The
 * next one may have been begun since by a running bank.
 */
static bool
log_spare(struct verify *verify, uint32_t last, uint32_t count)
{
	for (uint32_t number = last + 1; number < count; number++) {
		size_t len;
		uint8_t *bytes = verify_read_segment(verify, number, &len);
		bool zero = bytes != NULL && journal_all_zero(bytes, len);

		free(bytes);
		if (bytes == NULL)
			return false;
		if (!zero && !(number == last + 1 && log_begun(verify, number)))
			return verify_fault(verify, number, 0,
			    "bytes in a segment that was not begun");
	}
	return true;
}

/* A checkpoint of the part that a restore note gives up. */
static bool
log_gave_up(struct verify *verify, const char *which,
    const struct checkpoint *known, uint32_t epoch)
{
	const struct restore_note *note =
	    known->size == 0 ? NULL
			     : verify_given_up(verify, epoch, known->size);
	char loss[VERIFY_WHY_MAX], time[32];

	if (note == NULL)
		return false;
	verify_loss(note, loss);
	(void)verify_fail(verify, VERIFY_TAMPERED,
	    "rolled back: the checkpoint of %s has %" PRIu64
	    " entries under an origin that was given up. By the restore note "
	    "at entry %" PRIu64 ", which the bank's identity signed on %s, %s",
	    which, known->size, note->restored_size,
	    verify_time(note->time_ms, time), loss);
	return true;
}

/* All that were kept elsewhere must hold. */
static bool
log_end_anchors(struct verify *verify)
{
	char which[VERIFY_WHY_MAX / 4];

	for (size_t i = 0; i < verify->since_count; i++) {
		const struct verify_anchor *anchor = &verify->since[i];
		const struct checkpoint *kept = &anchor->checkpoint;

		snprintf(which, sizeof(which), "--since %s", anchor->path);
		if (log_gave_up(verify, which, kept, anchor->epoch))
			return false;
		if (kept->size > verify->committed.size)
			return verify_fail(verify, VERIFY_TAMPERED,
			    "rolled back: the checkpoint of %s has %" PRIu64
			    " entries, the log holds %" PRIu64,
			    which, kept->size, verify->committed.size);
		if (kept->size > 0 && !anchor->met)
			return verify_fail(verify, VERIFY_TAMPERED,
			    "forked: the checkpoint of %s names a size at "
			    "which no batch of this log ends",
			    which);
	}
	return true;
}

/* What only the whole walk can tell. */
static bool
log_end(struct verify *verify, uint32_t last)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];

	if (log_gave_up(verify, "public/checkpoint", &verify->published,
		verify->published_epoch))
		return false;
	if (verify->published.size > verify->committed.size)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "truncated: keyd signed %" PRIu64
		    " entries, the log holds %" PRIu64
		    " and ends in segment/%s, offset %zu",
		    verify->published.size, verify->committed.size,
		    journal_segment_name(last, name), verify->committed_end);
	if (!verify->published_met)
		return verify_fail(verify, VERIFY_TAMPERED,
		    "forked: public/checkpoint names a size at which no batch "
		    "of this log ends");
	if (verify->restore_met < verify->restore_count)
		return verify_fail(verify, VERIFY_TAMPERED,
		    RESTORE_PATH " holds a note for entry %" PRIu64
				 ", which is not in the log",
		    verify->restore[verify->restore_met].note.restored_size);
	return log_end_anchors(verify);
}

bool
verify_log(struct verify *verify)
{
	uint32_t count, last = 0;

	merkle_frontier_init(&verify->tree);
	merkle_frontier_init(&verify->committed);
	if (!log_count(verify, &count))
		return false;
	verify->progress.segments = count;
	/* looked at before the segment is read: what begins later is later */
	while (last + 1 < count && log_begun(verify, last + 1)) {
		if (!log_inner(verify, last))
			return false;
		verify->progress.segment = ++last;
	}
	return log_last(verify, last) && log_spare(verify, last, count) &&
	       log_end(verify, last) &&
	       (verify->audit == NULL || audit_finish(verify));
}
