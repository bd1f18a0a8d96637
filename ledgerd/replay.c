/* SPDX-License-Identifier: ISC */
/*
 * The journal, read from its first segment to its last.  Must never take
 * damage below keyd's size for a tail, nor apply a batch that has no COMMIT.
 */
#include "ledgerd/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/kdf.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/replay_entry.h"
#include "ledgerd/replay_tail.h"
#include "ledgerd/restores_file.h"
#include "ledgerd/rotation.h"
#include "ledgerd/snapshot.h"

/* Sees to it that the window reaches a batch beyond the present place. */
static enum sr_error
fill_window(struct replay *replay)
{
	uint64_t end = replay->window_at + replay->window_len;
	uint64_t len = replay->len - replay->at;
	enum sr_error error;

	if (len > REPLAY_WINDOW_LEN)
		len = REPLAY_WINDOW_LEN;
	if (replay->at >= replay->window_at && replay->at <= end &&
	    (end == replay->len || end - replay->at >= FRAMES_LEN))
		return SR_OK;
	error = env_read(replay->ledgerd->env, replay->file, replay->at,
	    replay->window, (size_t)len);
	replay->window_at = replay->at;
	replay->window_len = error == SR_OK ? (size_t)len : 0;
	return error;
}

/*
 * Looks for the COMMIT of the batch that begins at bytes.  SR_OK: *batch_len
 * bytes with it; SR_NOT_FOUND: nothing more is written; else what is there is
 * no whole batch, and *batch_len says how far it is right.
 */
static enum sr_error
find_commit(const uint8_t *bytes, size_t len, size_t *batch_len,
    struct journal_commit *commit)
{
	struct journal_frame frame;
	enum sr_error error;

	*batch_len = 0;
	for (;;) {
		error = journal_frame_parse(
		    bytes + *batch_len, len - *batch_len, &frame);
		if (error == SR_NOT_FOUND && *batch_len > 0)
			return SR_DAMAGED;
		if (error != SR_OK)
			return error;
		*batch_len += frame.frame_len;
		if (frame.header.type == JOURNAL_COMMIT)
			return journal_commit_decode(&frame, commit);
	}
}

/* One entry of a whole batch. */
static enum sr_error
replay_frame(struct replay *replay, const uint8_t *bytes, size_t len,
    struct journal_frame *frame)
{
	struct ledgerd *ledgerd = replay->ledgerd;
	struct journal_position position = {
	    replay->segment, (uint32_t)replay->at};
	struct journal_leaf leaf;
	uint8_t hash[MERKLE_HASH_LEN];
	enum sr_error error;

	error = journal_frame_parse(bytes, len, frame);
	if (error != SR_OK || frame->header.type == JOURNAL_COMMIT)
		return error;
	if (frame->header.seq != replay->tree.size ||
	    frame->header.segment != replay->segment ||
	    frame->header.time_ms < ledgerd->last_time_ms)
		return SR_DAMAGED;
	error = replay_entry(ledgerd, replay->key, frame, position);
	if (error != SR_OK)
		return error;
	ledgerd->last_time_ms = frame->header.time_ms;
	journal_frame_leaf(frame, &leaf);
	journal_leaf_hash(&leaf, hash);
	if (replay->tree.size >= replay->signed_size) {
		if (replay->leaf_count == sizeof(ledgerd->batch.leaves) /
					      sizeof(ledgerd->batch.leaves[0]))
			return SR_DAMAGED;
		memcpy(ledgerd->batch.leaves[replay->leaf_count++], hash,
		    sizeof(hash));
	}
	return merkle_frontier_append(&replay->tree, hash);
}

/* Compares with keyd's root at keyd's size. */
static enum sr_error
compare_head(const struct replay *replay)
{
	const struct message_tree_head *head = &replay->ledgerd->head;
	uint8_t root[MERKLE_HASH_LEN];

	if (replay->tree.size != replay->signed_size)
		return SR_OK;
	merkle_frontier_root(&replay->tree, root);
	if (replay->signed_size == 0 ||
	    memcmp(root, head->root, sizeof(root)) == 0)
		return SR_OK;
	replay_complain(
	    replay, "the log up to here is not the one that keyd signed");
	return SR_FORKED;
}

/* All of a batch whose COMMIT was found. */
static enum sr_error
replay_batch(struct replay *replay, const uint8_t *bytes, size_t len,
    const struct journal_commit *commit)
{
	uint64_t first = replay->tree.size;
	uint8_t root[MERKLE_HASH_LEN];
	struct journal_frame frame;
	enum sr_error error;

	/* Only one batch at a time is ever unsigned. */
	if (replay->unsigned_batch) {
		replay_complain(
		    replay, "keyd's state is older than what it signed");
		return SR_ROLLED_BACK;
	}
	if (commit->first_leaf != first || commit->size <= first ||
	    commit->last_leaf != commit->size - 1)
		return SR_DAMAGED;
	if (first < replay->signed_size && commit->size > replay->signed_size) {
		replay_complain(replay, "keyd signed another batch");
		return SR_FORKED;
	}
	replay->unsigned_batch = first >= replay->signed_size;
	replay->batch_segment = replay->segment;
	replay->batch_at = replay->at;
	replay->batch_len = len;
	if (replay->unsigned_batch)
		kdf_sha256(replay->batch_hash, bytes, len);
	while (len > 0) {
		error = replay_frame(replay, bytes, len, &frame);
		if (error != SR_OK)
			return error;
		bytes += frame.frame_len;
		len -= frame.frame_len;
		replay->at += frame.frame_len;
	}
	merkle_frontier_root(&replay->tree, root);
	if (replay->tree.size != commit->size ||
	    memcmp(root, commit->root, sizeof(root)) != 0)
		return SR_DAMAGED;
	return compare_head(replay);
}

/* ---- segments --------------------------------------------------------------- */

static enum sr_error
replay_segment(struct replay *replay, struct replay_tail *tail)
{
	struct journal_commit commit;
	enum sr_error error;
	size_t batch_len;

	replay->window_len = 0;
	replay->window_at = 0;
	for (;;) {
		const uint8_t *bytes;
		size_t len;

		error = fill_window(replay);
		if (error != SR_OK)
			return error;
		bytes = replay->window + (replay->at - replay->window_at);
		len = replay->window_len -
		      (size_t)(replay->at - replay->window_at);
		error = find_commit(bytes, len, &batch_len, &commit);
		/* A restore goes on from the head that was presented. */
		if (error == SR_OK && replay->ledgerd->keyd.restoring &&
		    replay->tree.size >= replay->signed_size)
			error = SR_DAMAGED;
		if (error == SR_OK && replay->tree.size >= replay->signed_size)
			error = rotation_unsigned(
			    replay->ledgerd, replay->key, bytes, batch_len);
		if (error == SR_ROLLED_BACK)
			return error;
		if (error != SR_OK) {
			if (error != SR_NOT_FOUND &&
			    replay->tree.size < replay->signed_size)
				replay->at += batch_len;
			return replay_end_segment(replay, error, tail);
		}
		error = replay_batch(replay, bytes, batch_len, &commit);
		if (error == SR_DAMAGED || error == SR_CRYPTO)
			replay_complain(replay, "this entry does not verify");
		if (error == SR_VERSION)
			replay_complain(replay, error_sentence(error));
		if (error != SR_OK)
			return error;
	}
}

/* A segment's header must say what the log was when it was begun. */
static enum sr_error
check_header(struct replay *replay, const struct journal_segment *header)
{
	uint8_t root[MERKLE_HASH_LEN];

	/* A replay that begins within a segment cannot know its beginning;
	 * the hashes of what follows tell whether it is the right one. */
	if (replay->at > JOURNAL_SEGMENT_HEADER_LEN &&
	    header->first_seq <= replay->tree.size)
		return SR_OK;
	merkle_frontier_root(&replay->tree, root);
	if (header->first_seq == replay->tree.size &&
	    memcmp(header->root, root, sizeof(root)) == 0)
		return SR_OK;
	replay_complain(replay, "this segment does not follow the one before");
	return replay->tree.size < replay->signed_size ? SR_DAMAGED : SR_FORKED;
}

/* The file of zeros after the last segment in use; a torn header in it was
 * never followed by a frame. */
static enum sr_error
adopt_next(struct replay *replay, env_file file, uint64_t len,
    struct replay_tail *tail)
{
	enum sr_error error;

	replay->file = file;
	replay->len = len;
	replay->at = 0;
	error = replay_end_segment(replay, SR_DAMAGED, tail);
	/* Who was killed while it was made ready may not have done that. */
	if (error == SR_OK)
		error =
		    env_sync_directory(replay->ledgerd->env, "ledger/segment");
	if (error == SR_OK)
		segments_adopt_next(&replay->ledgerd->segments, file);
	return error;
}

/*
 * The header of a segment that holds nothing yet: who wrote it may have ended
 * because its sync failed, and what is read is then in memory only
 * (write_again() below).  Written from what was checked.
 */
static enum sr_error
write_header_again(
    const struct replay *replay, const struct journal_segment *header)
{
	uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN];
	struct env *env = replay->ledgerd->env;
	enum sr_error error;

	if (replay->at > JOURNAL_SEGMENT_HEADER_LEN)
		return SR_OK;
	journal_segment_encode(header, bytes);
	error = env_write(env, replay->file, 0, bytes, sizeof(bytes));
	return error == SR_OK ? env_sync(env, replay->file) : error;
}

static enum sr_error
replay_segments(struct replay *replay, struct replay_tail *tail, uint64_t begin)
{
	struct ledgerd *ledgerd = replay->ledgerd;
	struct segments *segments = &ledgerd->segments;
	struct journal_segment header;
	enum sr_error error;
	env_file file;
	uint64_t len;

	for (;; replay->segment++, begin = JOURNAL_SEGMENT_HEADER_LEN) {
		replay->at = begin;
		error = segments_open(
		    segments, replay->segment, ENV_WRITE, &file, &len, &header);
		if (error == SR_NOT_FOUND)
			return SR_OK;
		if (error == SR_VERSION || error == SR_RETIRED) {
			replay->at = 0;
			replay_complain(replay, error_sentence(error));
			return error;
		}
		if ((error == SR_OK || error == SR_AGAIN ||
			error == SR_DAMAGED) &&
		    (len < SEGMENTS_LEN_MIN || len > JOURNAL_SEGMENT_MAX_LEN)) {
			replay_complain(replay, "a length that no segment has");
			return SR_DAMAGED;
		}
		if (error == SR_AGAIN || error == SR_DAMAGED)
			return adopt_next(replay, file, len, tail);
		if (error == SR_OK)
			error = check_header(replay, &header);
		if (error == SR_FORKED && ledgerd->keyd.restoring) {
			error = env_close(ledgerd->env, file);
			return error == SR_OK ? replay_set_aside(replay)
					      : error;
		}
		if (error == SR_OK)
			error = keyd_segment_key(
			    ledgerd, replay->segment, header.salt, replay->key);
		if (error != SR_OK)
			return error;
		if (segments->any)
			error = env_close(ledgerd->env, segments->file);
		segments->file = ENV_NO_FILE;
		replay->file = file;
		replay->len = len;
		if (error == SR_OK && begin > len)
			error = SR_DAMAGED;
		if (error == SR_OK)
			error = replay_segment(replay, tail);
		if (error == SR_OK)
			error = write_header_again(replay, &header);
		if (error != SR_OK)
			return error;
		segments_resume(
		    segments, replay->segment, file, len, replay->at);
		memcpy(ledgerd->segment_key, replay->key, sizeof(replay->key));
	}
}

/*
 * Makes the batch durable before it is offered.  It was read, but perhaps
 * only from memory: after a sync that failed Linux shows pages that it has
 * given up as if they were on the disk, and syncs nothing.  Written again,
 * they are; but only the bytes that were checked, or a disk that reads wrong
 * once would have what it read kept for ever.
 */
static enum sr_error
write_again(struct replay *replay)
{
	struct segments *segments = &replay->ledgerd->segments;
	struct env *env = replay->ledgerd->env;
	struct journal_segment header;
	uint8_t hash[32];
	enum sr_error error;
	env_file file;
	uint64_t len;

	error = segments_open(
	    segments, replay->batch_segment, ENV_WRITE, &file, &len, &header);
	if (error != SR_OK)
		return error;
	error = env_read(
	    env, file, replay->batch_at, replay->window, replay->batch_len);
	kdf_sha256(hash, replay->window, replay->batch_len);
	if (error == SR_OK && memcmp(hash, replay->batch_hash, 32) != 0) {
		diag_error("segment %u, offset %" PRIu64
			   " reads otherwise than a moment ago",
		    replay->batch_segment, replay->batch_at);
		error = SR_IO;
	}
	if (error == SR_OK)
		error = env_write(env, file, replay->batch_at, replay->window,
		    replay->batch_len);
	if (error == SR_OK)
		error = env_sync(env, file);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

/* Has keyd sign the whole batch above its size. */
static enum sr_error
offer_batch(struct replay *replay)
{
	struct ledgerd *ledgerd = replay->ledgerd;
	struct message_tree_head *head = &ledgerd->keyd.head;
	uint8_t root[MERKLE_HASH_LEN];
	enum sr_error error;

	error = write_again(replay);
	if (error == SR_OK)
		error = keyd_tree_append(ledgerd, replay->signed_size,
		    ledgerd->batch.leaves[0], replay->leaf_count);
	if (error == SR_OK)
		error = error_of_wire(head->error);
	if (error != SR_OK)
		return error;
	merkle_frontier_root(&replay->tree, root);
	if (head->size != replay->tree.size ||
	    memcmp(head->root, root, sizeof(root)) != 0)
		return SR_FORKED;
	ledgerd->head = *head;
	diag_info("%zu entries that were durable and not yet signed are "
		  "signed now",
	    replay->leaf_count);
	return SR_OK;
}

/* Where the journal goes on after the snapshot, if there is one. */
static enum sr_error
begin_after_snapshot(struct replay *replay, uint64_t *begin)
{
	const struct entry_snapshot *last = &replay->ledgerd->snapshots.last;

	if (last->number == 0)
		return SR_OK;
	/* Its own entry comes after it. */
	if (last->size >= replay->signed_size ||
	    last->offset < JOURNAL_SEGMENT_HEADER_LEN)
		return SR_DAMAGED;
	replay->segment = last->segment;
	*begin = last->offset;
	diag_info("the books as of entry %" PRIu64
		  " are in snapshot %u; the journal goes on from there",
	    last->size, last->number);
	return SR_OK;
}

enum sr_error
replay_journal(struct ledgerd *ledgerd, struct replay_tail *tail)
{
	struct replay replay = {
	    .ledgerd = ledgerd, .signed_size = ledgerd->keyd.head.size};
	uint64_t begin = JOURNAL_SEGMENT_HEADER_LEN;
	enum sr_error error;

	memset(tail, 0, sizeof(*tail));
	ledgerd->head = ledgerd->keyd.head;
	error = snapshot_load(ledgerd, &replay.tree);
	/* a snapshot may lie after the note */
	ledgerd->book.restored = restores_had_loss(ledgerd);
	if (error == SR_OK)
		error = begin_after_snapshot(&replay, &begin);
	if (error != SR_OK)
		return error;
	replay.window = malloc(REPLAY_WINDOW_LEN);
	if (replay.window == NULL)
		return SR_MEMORY;
	error = replay_segments(&replay, tail, begin);
	if (error == SR_OK && replay.tree.size < replay.signed_size) {
		diag_error("the journal ends with %" PRIu64
			   " entries, keyd has signed %" PRIu64
			   ": it is older than what was signed",
		    replay.tree.size, replay.signed_size);
		error = SR_ROLLED_BACK;
	}
	if (error == SR_OK && replay.unsigned_batch)
		error = offer_batch(&replay);
	ledgerd->tree = replay.tree;
	free(replay.window);
	sodium_memzero(replay.key, sizeof(replay.key));
	return error;
}
