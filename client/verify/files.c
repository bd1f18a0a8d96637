/* SPDX-License-Identifier: ISC */
/*
 * The walk over the ledger's files, from the first segment to the last, and
 * what only the whole of it can tell.  Reads regular files only, one segment
 * at a time, and never ends without a verdict.
 */
#include "client/verify/verify.h"
#include "client/verify/audit.h"
#include "client/verify/audit_log.h"
#include "client/verify/held.h"
#include "client/verify/leaves.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIVE_TRIES 5 /* how often a segment that is written to is walked */
/* A running bank's checkpoint is waited for so often, and so long each time. */
#define PUBLISHED_TRIES 25
#define PUBLISHED_PAUSE_NS (10 * 1000 * 1000)

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
	if (held_next_head(verify) != NULL) /* of something larger */
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

/*
 * A segment that another one follows: whole and closed.  A running bank may
 * retire it meanwhile; then its leaves are walked.
 */
static bool
log_inner(struct verify *verify, uint32_t number)
{
	static struct verify before;
	struct verify_segment segment;
	uint8_t *bytes;
	size_t len;
	bool good;

	before = *verify;
	bytes = verify_read_segment(verify, number, &len);
	good = bytes != NULL &&
	       verify_segment_bytes(verify, number, bytes, len, &segment);
	if (!good && number == verify->retired &&
	    verify_is_retired(verify, number)) {
		free(bytes);
		*verify = before;
		return verify_leaves(verify, number);
	}
	if (good && verify->batch_open)
		good = verify_fault(verify, number, segment.used_len,
		    "the segment ends in an open batch");
	if (good)
		good = verify_leaves_agree(verify, &segment, bytes, len);
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
	enum verify_exit exit = before->exit;
	struct checkpoint newer;
	uint32_t epoch;
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/public/checkpoint",
		before->directory) >= (int)sizeof(path))
		return false;
	for (int try = 0; try < PUBLISHED_TRIES; try++) {
		if (!verify_checkpoint(
			before, path, VERIFY_TAMPERED, &newer, &epoch)) {
			/* one that was right has been read before */
			before->exit = exit;
			before->why[0] = '\0';
			return false;
		}
		if (newer.size > before->published.size) {
			before->published = newer;
			before->published_epoch = epoch;
			return true;
		}
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
		    before.published.size > 0 && !before.published_fixed &&
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
		uint8_t *bytes;
		bool zero;

		if (number - last > VERIFY_SPARES_MAX)
			return verify_fault(verify, number, 0,
			    "more segments are made ready than a bank makes");
		bytes = verify_read_segment(verify, number, &len);
		zero = bytes != NULL && journal_all_zero(bytes, len);

		free(bytes);
		if (bytes == NULL)
			return false;
		if (!zero &&
		    !(number == last + 1 && verify_begun(verify, number)))
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
	return log_end_anchors(verify) && held_finish(verify);
}

bool
verify_log(struct verify *verify)
{
	uint32_t count = 0, last = 0;

	merkle_frontier_init(&verify->tree);
	merkle_frontier_init(&verify->committed);
	if (!verify_count_segments(verify, &count))
		return false;
	verify->progress.segments = count;
	while (last < count && verify_is_retired(verify, last)) {
		if (!verify_leaves(verify, last))
			return false;
		verify->progress.segment = ++last;
	}
	/* looked at before the segment is read: what begins later is later */
	while (last + 1 < count && verify_begun(verify, last + 1)) {
		if (!log_inner(verify, last))
			return false;
		verify->progress.segment = ++last;
	}
	/* retired are those with the lowest numbers */
	if (verify_is_retired(verify, last + 1)) {
		if (!log_inner(verify, last))
			return false;
		verify->in_leaves = true;
		return verify_fault(verify, last + 1, 0,
		    "the segment is retired, and the one before it is not");
	}
	return log_last(verify, last) && log_spare(verify, last, count) &&
	       log_end(verify, last) &&
	       (verify->audit == NULL || audit_finish(verify));
}
