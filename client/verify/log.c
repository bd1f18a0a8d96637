/* SPDX-License-Identifier: ISC */
/*
 * The walk over one segment: every frame, every hash, every batch.  It must
 * never believe a length it has not checked, and never pass over a byte.
 */
#include "client/verify/ahead.h"
#include "client/verify/held.h"
#include "common/leaves_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SEGMENT_STEP 4096u /* lengths of segments are multiples of it */

/* Where a fault is, as it is told. */
struct place {
	uint32_t segment;
	size_t offset;
};

void
verify_place(struct verify *verify, uint32_t segment, size_t offset,
    uint64_t entry, const char *what)
{
	struct verify_fault_place *fault = &verify->fault;

	*fault = (struct verify_fault_place){.known = true,
	    .in_leaves = verify->in_leaves,
	    .segment = segment,
	    .offset = offset,
	    .entry = entry};
	snprintf(fault->what, sizeof(fault->what), "%s", what);
}

bool
verify_fault(
    struct verify *verify, uint32_t segment, size_t offset, const char *what)
{
	char log[JOURNAL_SEGMENT_NAME_MAX], leaves[LEAVES_FILE_NAME_MAX];

	verify_place(verify, segment, offset, verify->tree.size, what);
	return verify_fail(verify, VERIFY_TAMPERED,
	    "segment/%s, offset %zu (entry %" PRIu64 "): %s",
	    verify->in_leaves ? leaves_file_name(segment, leaves)
			      : journal_segment_name(segment, log),
	    offset, verify->tree.size, what);
}

/* What no crash leaves behind. */
static bool
log_fail(struct verify *verify, struct place place, const char *what)
{
	return verify_fault(verify, place.segment, place.offset, what);
}

/* What a crash may leave behind, after all that was signed. */
static bool
log_torn(struct verify *verify, struct place place, const char *what)
{
	verify->torn = true;
	return verify_fault(verify, place.segment, place.offset, what);
}

/* Origins change at a restore or rotation note and nowhere else. */
static bool
epoch_fits(const struct verify *verify, uint32_t epoch, uint64_t size)
{
	return epoch == verify_epoch_at(verify, size);
}

/* The largest head so far that keyd has signed. */
static void
head_signed(struct verify *verify, const struct checkpoint *head,
    uint32_t epoch, struct place place, const char *path)
{
	verify->signed_size = head->size;
	verify->head = (struct verify_head){.epoch = epoch,
	    .path = path,
	    .segment = place.segment,
	    .offset = place.offset};
	memcpy(verify->head.root, head->root, sizeof(verify->head.root));
}

/*
 * A checkpoint known from outside the walk is met when the walk passes its
 * size with its root.
 */
static bool
log_meet(struct verify *verify, struct place place, const uint8_t root[32],
    const struct checkpoint *known, uint32_t epoch, const char *path, bool *met)
{
	if (known->size == 0 || known->size != verify->tree.size ||
	    verify_given_up(verify, epoch, known->size) != NULL)
		return true;
	if (memcmp(known->root, root, 32) != 0)
		return log_fail(verify, place,
		    "forked: keyd signed another history of this length");
	if (verify_put_out(verify, epoch, known->size))
		return log_fail(verify, place,
		    "a checkpoint of this length under a log key that had "
		    "been put out of use");
	if (!epoch_fits(verify, epoch, known->size))
		return log_fail(verify, place,
		    "a checkpoint of this length under another origin, without "
		    "a restore note");
	*met = true;
	if (known->size > verify->signed_size)
		head_signed(verify, known, epoch, place, path);
	return true;
}

/* Those that were kept elsewhere. */
static bool
log_meet_anchors(
    struct verify *verify, struct place place, const uint8_t root[32])
{
	for (size_t i = 0; i < verify->since_count; i++) {
		struct verify_anchor *anchor = &verify->since[i];

		if (!log_meet(verify, place, root, &anchor->checkpoint,
			anchor->epoch, anchor->path, &anchor->met))
			return false;
	}
	return true;
}

/* The checkpoints of receipts that customers hold. */
static bool
log_meet_held(struct verify *verify, struct place place, const uint8_t root[32])
{
	const struct held_receipt *held;
	char what[VERIFY_WHY_MAX];

	for (; (held = held_next_head(verify)) != NULL &&
	       held->size <= verify->tree.size;
	     verify->held_heads++) {
		const char *fault = NULL;

		if (held->size < verify->tree.size)
			fault = "names a size at which no batch of this log "
				"ends";
		else if (memcmp(held->root, root, sizeof(held->root)) != 0)
			fault = "shows that keyd signed another history of "
				"this length";
		else if (!epoch_fits(verify, held->epoch, held->size))
			fault = "is under another origin, without a restore "
				"note";
		if (fault != NULL) {
			snprintf(what, sizeof(what),
			    "forked: the receipt %s %s", held->name, fault);
			return log_fail(verify, place, what);
		}
		if (held->size > verify->signed_size) {
			struct checkpoint head = {.size = held->size};

			memcpy(head.root, root, sizeof(head.root));
			head_signed(
			    verify, &head, held->epoch, place, held->name);
		}
	}
	return true;
}

bool
verify_meet(struct verify *verify, uint32_t segment, size_t offset,
    const uint8_t root[32])
{
	struct place place = {.segment = segment, .offset = offset};

	return log_meet(verify, place, root, &verify->published,
		   verify->published_epoch, "public/checkpoint",
		   &verify->published_met) &&
	       log_meet_anchors(verify, place, root) &&
	       log_meet_held(verify, place, root);
}

/* Whether just that was found ahead. */
static bool
was_signed(const struct ahead_frame *ahead, const struct checkpoint *previous)
{
	return ahead->commit_signed && ahead->size == previous->size &&
	       memcmp(ahead->root, previous->root, sizeof(ahead->root)) == 0;
}

/* The signature in a COMMIT is that of the checkpoint before its batch. */
static bool
log_previous(struct verify *verify, struct place place,
    const struct journal_commit *commit, const struct ahead_frame *ahead)
{
	struct checkpoint previous = {.size = verify->committed.size};

	if (previous.size == 0)
		return true;
	/* an origin that was given up is never signed again */
	if (commit->previous_epoch < verify->signed_epoch)
		return log_fail(verify, place,
		    "signed under a log key that had been given up");
	if (verify_put_out(verify, commit->previous_epoch, previous.size))
		return log_fail(verify, place,
		    "signed under a log key that had been put out of use");
	if (!epoch_fits(verify, commit->previous_epoch, previous.size))
		return log_fail(verify, place,
		    "signed under another origin, without a restore note");
	note_origin(
	    verify->bank.bank_id, commit->previous_epoch, previous.origin);
	merkle_frontier_root(&verify->committed, previous.root);
	if (!was_signed(ahead, &previous) &&
	    verify_signed(verify, &previous, commit->previous_signature) !=
		SR_OK)
		return log_fail(
		    verify, place, "the batch before is not signed by keyd");
	verify->signed_epoch = commit->previous_epoch;
	verify->last_signed = previous;
	memcpy(verify->last_signature, commit->previous_signature,
	    sizeof(verify->last_signature));
	if (previous.size > verify->signed_size)
		head_signed(
		    verify, &previous, commit->previous_epoch, place, NULL);
	return true;
}

static bool
log_commit(
    struct verify *verify, struct place place, const struct ahead_frame *ahead)
{
	const struct journal_frame *frame = &ahead->frame;
	struct journal_commit commit;
	uint8_t root[32];

	if (journal_commit_decode(frame, &commit) != SR_OK)
		return log_fail(verify, place, "a damaged COMMIT");
	merkle_frontier_root(&verify->tree, root);
	if (!verify->batch_open ||
	    commit.first_leaf != verify->committed.size ||
	    commit.last_leaf + 1 != verify->tree.size ||
	    commit.size != verify->tree.size ||
	    frame->header.seq != verify->tree.size ||
	    frame->header.time_ms != verify->last_ms)
		return log_fail(
		    verify, place, "a COMMIT that does not close its batch");
	if (memcmp(commit.root, root, sizeof(root)) != 0)
		return log_fail(verify, place,
		    "the tree recomputed from the entries has another root "
		    "than this COMMIT");
	if (!log_previous(verify, place, &commit, ahead) ||
	    !verify_meet(verify, place.segment, place.offset, root))
		return false;
	verify->committed = verify->tree;
	verify->batch_open = false;
	verify->batches++;
	verify->committed_end = place.offset + frame->frame_len;
	return true;
}

static bool
log_entry(
    struct verify *verify, struct place place, const struct ahead_frame *ahead)
{
	const struct journal_frame *frame = &ahead->frame;
	const char *fault;

	if (frame->header.seq != verify->tree.size)
		return log_fail(
		    verify, place, "an entry out of its place in the sequence");
	if (frame->header.time_ms < verify->last_ms)
		return log_fail(verify, place, "time runs backwards");
	fault = verify_restore_entry(verify, &frame->header);
	if (fault == NULL)
		fault = held_entry(verify, ahead->leaf);
	if (fault != NULL)
		return log_fail(verify, place, fault);
	if (merkle_frontier_append(&verify->tree, ahead->leaf) != SR_OK)
		return log_fail(verify, place, "the tree is full");
	if (!verify_tiles_entry(verify, ahead->leaf_bytes))
		return false;
	verify->last_ms = frame->header.time_ms;
	verify->batch_open = true;
	return true;
}

static bool
log_header(
    struct verify *verify, struct place place, const uint8_t *bytes, size_t len)
{
	char name[JOURNAL_SEGMENT_NAME_MAX];
	struct journal_segment header;
	uint8_t root[32];
	enum sr_error error;

	if (len < JOURNAL_SEGMENT_HEADER_LEN || len % SEGMENT_STEP != 0 ||
	    len > JOURNAL_SEGMENT_MAX_LEN)
		return log_fail(
		    verify, place, "a length that no segment has: cut?");
	error = journal_segment_decode(bytes, &header);
	/* with its crc right it is no accident */
	if (error == SR_VERSION && journal_segment_crc_right(bytes))
		return verify_fail(verify, VERIFY_COULD_NOT, "segment/%s: %s",
		    journal_segment_name(place.segment, name),
		    error_sentence(error));
	if (error == SR_VERSION)
		return log_torn(verify, place,
		    "a damaged segment header, or one that was written by a "
		    "newer version of strongroom");
	if (error != SR_OK)
		return log_torn(verify, place, "a damaged segment header");
	if (memcmp(header.bank_id, verify->bank.bank_id, 32) != 0)
		return log_fail(verify, place, "a segment of another bank");
	merkle_frontier_root(&verify->committed, root);
	if (header.segment != place.segment ||
	    header.first_seq != verify->committed.size ||
	    memcmp(header.root, root, sizeof(root)) != 0)
		return log_fail(verify, place,
		    verify->retired > 0 && place.segment == verify->retired
			? "a segment that does not continue the leaves of the "
			  "one before, which is retired"
			: "a segment that does not continue the one before");
	return true;
}

/* The frame at place; false after a verdict. */
static bool
log_frame(struct verify *verify, struct place place,
    const struct ahead_frame *ahead, struct verify_segment *out)
{
	const struct journal_frame *frame = &ahead->frame;

	if (frame->header.segment != place.segment)
		return log_fail(verify, place, "a frame of another segment");
	if (frame->header.type == JOURNAL_COMMIT) {
		out->batches++;
		return log_commit(verify, place, ahead);
	}
	if (!log_entry(verify, place, ahead))
		return false;
	if (out->entries++ == 0)
		out->first_ms = verify->last_ms;
	out->last_ms = verify->last_ms;
	return true;
}

static bool
log_frames(struct verify *verify, uint32_t number, const uint8_t *bytes,
    size_t len, struct verify_segment *out)
{
	struct place place = {.segment = number};

	*out = (struct verify_segment){
	    .number = number, .first = verify->tree.size};
	verify->committed_end = 0;
	if (!log_header(verify, place, bytes, len))
		return false;
	place.offset = JOURNAL_SEGMENT_HEADER_LEN;
	verify->committed_end = place.offset;
	while (place.offset < len) {
		const struct ahead_frame *ahead =
		    ahead_frame(verify, bytes, len, place.offset, NULL);

		if (ahead->parsed == SR_NOT_FOUND)
			break;
		if (ahead->parsed != SR_OK)
			return log_torn(verify, place,
			    ahead->parsed == SR_VERSION
				? "a damaged frame, or one that was written "
				  "by a newer version of strongroom"
				: "a damaged frame");
		if (!log_frame(verify, place, ahead, out))
			return false;
		place.offset += ahead->frame.frame_len;
		out->used_len = place.offset;
	}
	out->used_len = place.offset;
	if (place.offset < len &&
	    !journal_all_zero(bytes + place.offset, len - place.offset))
		return log_torn(verify, place,
		    "bytes after the last frame that are not zero");
	return true;
}

bool
verify_segment_bytes(struct verify *verify, uint32_t number,
    const uint8_t *bytes, size_t len, struct verify_segment *out)
{
	bool good = log_frames(verify, number, bytes, len, out);

	ahead_end();
	return good;
}

bool
verify_signed_after(
    const struct verify *verify, const uint8_t *bytes, size_t len)
{
	struct checkpoint before = {.size = verify->tree.size};

	/* what the walk has met of an open batch may be all of it */
	merkle_frontier_root(&verify->tree, before.root);
	for (size_t at = verify->fault.offset / 8 * 8; at < len; at += 8) {
		struct journal_frame frame;
		struct journal_commit commit;

		if (journal_frame_parse(bytes + at, len - at, &frame) !=
			SR_OK ||
		    frame.header.type != JOURNAL_COMMIT ||
		    journal_commit_decode(&frame, &commit) != SR_OK)
			continue;
		note_origin(
		    verify->bank.bank_id, commit.previous_epoch, before.origin);
		if (before.size == commit.first_leaf &&
		    before.size > verify->committed.size &&
		    verify_signed(verify, &before, commit.previous_signature) ==
			SR_OK)
			return true;
		before.size = commit.size;
		memcpy(before.root, commit.root, sizeof(before.root));
	}
	return false;
}
