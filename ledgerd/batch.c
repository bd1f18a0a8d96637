/* SPDX-License-Identifier: ISC */
/*
 * The making of one batch.  Must never call a batch done that is not on disk
 * and under keyd's signature, and never sync a second time what failed once.
 */
#include "ledgerd/batch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/utc.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/snapshot.h"

enum { BATCH_MIN_LEN = JOURNAL_FRAME_MAX + JOURNAL_COMMIT_FRAME_LEN };

/* In the middle of a batch nobody can be refused any more. */
static enum sr_error
failed(enum sr_error error)
{
	return admission_is_refusal(error) ? SR_IO : error;
}

/* Goes over to the next segment: header durable, key fetched. */
static enum sr_error
rotate(struct ledgerd *ledgerd)
{
	struct journal_segment header = {.first_seq = ledgerd->tree.size};
	enum sr_error error;

	merkle_frontier_root(&ledgerd->tree, header.root);
	error = segments_rotate(&ledgerd->segments, &header);
	if (error != SR_OK)
		return error;
	error = failed(keyd_segment_key(
	    ledgerd, header.segment, header.salt, ledgerd->segment_key));
	if (error == SR_OK)
		snapshot_consider(ledgerd);
	return error;
}

/* Whether the open segment takes a batch of that time. */
static bool
takes_batch(const struct ledgerd *ledgerd, uint64_t time_ms)
{
	const struct segments *segments = &ledgerd->segments;

	if (!segments->any || segments_room(segments) < BATCH_MIN_LEN)
		return false;
	/* A segment holds entries of one month, so that a month can be
	 * disclosed, or given up, as a whole. */
	return segments->at == JOURNAL_SEGMENT_HEADER_LEN ||
	       utc_month_of(time_ms) == utc_month_of(ledgerd->last_time_ms);
}

enum sr_error
batch_begin(struct ledgerd *ledgerd)
{
	struct batch *batch = &ledgerd->batch;
	struct segments *segments = &ledgerd->segments;
	enum sr_error error;

	batch_begin_without(ledgerd, SR_OK);
	if (!takes_batch(ledgerd, batch->time_ms)) {
		error = rotate(ledgerd);
		if (error != SR_OK)
			return error;
	}
	error = segments_probe(segments);
	if (error != SR_OK)
		return error;
	if (segments_room(segments) < batch->limit)
		batch->limit = (size_t)segments_room(segments);
	batch->takes_entries = true;
	return SR_OK;
}

void
batch_begin_without(struct ledgerd *ledgerd, enum sr_error closed)
{
	struct batch *batch = &ledgerd->batch;

	batch->time_ms = ledgerd_time_ms(ledgerd);
	batch->closed = closed;
	batch->takes_entries = false;
	batch->limit = FRAMES_LEN;
	batch->frames_len = 0;
	batch->leaf_count = 0;
	batch->first = ledgerd->tree.size;
	batch->tree = ledgerd->tree;
}

bool
batch_has_room(const struct ledgerd *ledgerd)
{
	const struct batch *batch = &ledgerd->batch;

	return batch->frames_len + BATCH_MIN_LEN <= batch->limit &&
	       batch->leaf_count <
		   sizeof(batch->leaves) / sizeof(batch->leaves[0]);
}

uint64_t
batch_next_leaf(const struct ledgerd *ledgerd)
{
	return ledgerd->batch.tree.size;
}

enum sr_error
batch_add(struct ledgerd *ledgerd, struct journal_plain *plain,
    struct journal_position *position, struct journal_leaf *leaf)
{
	struct batch *batch = &ledgerd->batch;
	struct journal_header header = {.seq = batch->tree.size,
	    .time_ms = batch->time_ms,
	    .segment = ledgerd->segments.number};
	struct journal_leaf made;
	enum sr_error error;
	size_t frame_len;

	assert(batch->takes_entries && batch_has_room(ledgerd));
	env_random(ledgerd->env, header.random, sizeof(header.random));
	env_random(ledgerd->env, plain->salt, sizeof(plain->salt));
	error = journal_seal(ledgerd->segment_key, &header, plain,
	    batch->frames + batch->frames_len, batch->limit - batch->frames_len,
	    &frame_len, &made);
	if (error != SR_OK)
		return error;
	position->segment = header.segment;
	position->offset = (uint32_t)(ledgerd->segments.at + batch->frames_len);
	batch->frames_len += frame_len;
	journal_leaf_encode(&made, batch->leaf_bytes[batch->leaf_count]);
	journal_leaf_hash(&made, batch->leaves[batch->leaf_count]);
	error = audit_note(ledgerd, &made, plain);
	if (error == SR_OK)
		error = archive_note(&ledgerd->archive, made.seq, *position);
	if (error == SR_OK)
		error = merkle_frontier_append(
		    &batch->tree, batch->leaves[batch->leaf_count]);
	batch->leaf_count++;
	if (leaf != NULL)
		*leaf = made;
	return error;
}

enum sr_error
batch_write(struct ledgerd *ledgerd)
{
	struct batch *batch = &ledgerd->batch;
	struct segments *segments = &ledgerd->segments;
	struct journal_commit commit = {.first_leaf = batch->first,
	    .last_leaf = batch->tree.size - 1,
	    .size = batch->tree.size};
	enum sr_error error;

	assert(batch->leaf_count > 0);
	assert(batch->limit - batch->frames_len >= JOURNAL_COMMIT_FRAME_LEN);
	merkle_frontier_root(&batch->tree, commit.root);
	if (batch->first > 0) {
		commit.previous_epoch = ledgerd->head.epoch;
		memcpy(commit.previous_signature, ledgerd->head.signature,
		    sizeof(commit.previous_signature));
	}
	journal_commit_encode(&commit, segments->number, batch->time_ms,
	    batch->frames + batch->frames_len);
	batch->frames_len += JOURNAL_COMMIT_FRAME_LEN;
	error = segments_append(segments, batch->frames, batch->frames_len);
	if (error == SR_OK)
		error = env_sync(ledgerd->env, segments->file);
	if (error != SR_OK)
		diag_error("writing segment %u failed: %s; nothing of this "
			   "batch is acknowledged",
		    segments->number, error_sentence(error));
	return failed(error);
}

enum sr_error
batch_take_head(struct ledgerd *ledgerd)
{
	struct batch *batch = &ledgerd->batch;
	const struct message_tree_head *head = &ledgerd->keyd.head;
	uint8_t root[MERKLE_HASH_LEN];

	if (head->error != SR_OK) {
		diag_error("keyd refuses the batch that begins with leaf "
			   "%llu: %s",
		    (unsigned long long)batch->first,
		    error_sentence(error_of_wire(head->error)));
		return failed(error_of_wire(head->error));
	}
	merkle_frontier_root(&batch->tree, root);
	if (head->size != batch->tree.size ||
	    memcmp(head->root, root, sizeof(root)) != 0) {
		diag_error("keyd's tree of %llu leaves is not ours of %llu",
		    (unsigned long long)head->size,
		    (unsigned long long)batch->tree.size);
		return SR_FORKED;
	}
	ledgerd->tree = batch->tree;
	ledgerd->head = *head;
	ledgerd->last_time_ms = batch->time_ms;
	return SR_OK;
}

enum sr_error
batch_sign(struct ledgerd *ledgerd)
{
	struct batch *batch = &ledgerd->batch;
	enum sr_error error;

	error = keyd_tree_append(
	    ledgerd, batch->first, batch->leaves[0], batch->leaf_count);
	return error == SR_OK ? batch_take_head(ledgerd) : error;
}

void
batch_make_checkpoint(struct ledgerd *ledgerd)
{
	const struct message_tree_head *head = &ledgerd->head;
	struct checkpoint checkpoint = {.size = head->size};

	note_origin(ledgerd->bank_id, head->epoch, checkpoint.origin);
	memcpy(checkpoint.root, head->root, sizeof(checkpoint.root));
	note_assemble(&checkpoint, ledgerd->certificate.log_key,
	    head->signature, ledgerd->checkpoint, &ledgerd->checkpoint_len);
}

enum sr_error
batch_publish(struct ledgerd *ledgerd)
{
	enum sr_error error;

	batch_make_checkpoint(ledgerd);
	error = tiles_take(ledgerd);
	return error == SR_OK ? audit_append(ledgerd) : error;
}
