/* SPDX-License-Identifier: ISC */
/*
 * The restore start of restore.h.  Must never offer to keyd a head that the
 * journal's own frames do not add up to.
 */
#include "ledgerd/restore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/checkpoint.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/restores_file.h"

#define CHECKPOINT_PATH "ledger/public/checkpoint"
#define LOST_PATH "ledger/lost.checkpoint"
#define STATE_PATH "ledger/restored.state"

/* Both slots of keyd's state. */
enum { RESTORE_STATE_MAX = 8192 };

/* A signed head. */
struct signed_head {
	uint32_t epoch;
	uint64_t size; /* 0: none */
	uint8_t root[MERKLE_HASH_LEN];
	uint8_t signature[NOTE_SIGNATURE_LEN];
};

/* The journal read frame by frame, as far as it is whole. */
struct survey {
	struct ledgerd *ledgerd;
	struct signed_head known[2]; /* public/checkpoint, keyd's */
	struct merkle_frontier tree; /* with the entries of an open batch */
	struct merkle_frontier committed;
	struct merkle_frontier frontier; /* of the best */
	struct signed_head best;
	bool ended;
};

/* ---- what is known before the journal is read --------------------------------- */

/* A checkpoint's file; size 0 when there is none, or none of this bank's. */
static enum sr_error
read_head(struct ledgerd *ledgerd, const char *path, struct signed_head *head)
{
	uint8_t bank_id[BANK_ID_LEN];
	struct note note;
	enum sr_error error = checkpoint_read(ledgerd->env, path, &note);

	memset(head, 0, sizeof(*head));
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error == SR_OK)
		error = note_origin_parse(
		    note.checkpoint.origin, bank_id, &head->epoch);
	if (error == SR_OK && note.signature_count > 0 &&
	    memcmp(bank_id, ledgerd->bank_id, sizeof(bank_id)) == 0) {
		head->size = note.checkpoint.size;
		memcpy(head->root, note.checkpoint.root, sizeof(head->root));
		memcpy(head->signature, note.signature[0].bytes,
		    sizeof(head->signature));
		return SR_OK;
	}
	if (error != SR_OK && error != SR_MALFORMED)
		return error;
	diag_warn("%s is not a checkpoint of this bank", path);
	return SR_OK;
}

/* The head that keyd's state knows, signed by it as always. */
static enum sr_error
keyd_head(struct ledgerd *ledgerd, struct signed_head *head)
{
	const struct message_tree_head *known = &ledgerd->keyd.head;
	struct message_tree_start start = {0};
	enum sr_error error;

	error = keyd_tree_start(ledgerd, &start);
	if (error == SR_OK)
		error = error_of_wire(known->error);
	if (error != SR_OK)
		return error;
	head->epoch = known->epoch;
	head->size = known->size;
	memcpy(head->root, known->root, sizeof(head->root));
	memcpy(head->signature, known->signature, sizeof(head->signature));
	return SR_OK;
}

/* keyd's state of a backup, for keyd alone to judge; *len 0: there is none. */
static enum sr_error
read_state(
    struct ledgerd *ledgerd, uint8_t bytes[RESTORE_STATE_MAX], size_t *len)
{
	struct env *env = ledgerd->env;
	uint64_t file_len;
	enum sr_error error;
	env_file file;

	*len = 0;
	error = env_open(env, STATE_PATH, ENV_READ, &file);
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error != SR_OK)
		return error;
	error = env_size(env, file, &file_len);
	if (error == SR_OK && file_len > RESTORE_STATE_MAX)
		error = SR_TOO_LARGE;
	if (error == SR_OK)
		error = env_read(env, file, 0, bytes, (size_t)file_len);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	if (error == SR_OK)
		*len = (size_t)file_len;
	return error;
}

/* ---- the journal -------------------------------------------------------------- */

static void
survey_take(struct survey *survey, const struct signed_head *head)
{
	survey->best = *head;
	survey->frontier = survey->committed;
}

/* The end of a batch; false when it does not close what was read. */
static bool
survey_commit(struct survey *survey, const struct journal_frame *frame)
{
	struct journal_commit commit;
	struct signed_head before = {.size = survey->committed.size};
	uint8_t root[MERKLE_HASH_LEN];

	merkle_frontier_root(&survey->tree, root);
	if (journal_commit_decode(frame, &commit) != SR_OK ||
	    commit.first_leaf != survey->committed.size ||
	    commit.size != survey->tree.size ||
	    memcmp(commit.root, root, sizeof(root)) != 0)
		return false;
	if (before.size > survey->best.size) {
		before.epoch = commit.previous_epoch;
		memcpy(before.signature, commit.previous_signature,
		    sizeof(before.signature));
		survey_take(survey, &before);
	}
	survey->committed = survey->tree;
	for (unsigned i = 0; i < 2; i++)
		if (survey->known[i].size == commit.size &&
		    memcmp(survey->known[i].root, root, sizeof(root)) == 0)
			survey_take(survey, &survey->known[i]);
	return true;
}

static enum sr_error
survey_bytes(struct survey *survey, const uint8_t *bytes, size_t len)
{
	size_t at = JOURNAL_SEGMENT_HEADER_LEN;
	struct journal_frame frame;
	struct journal_leaf leaf;
	uint8_t hash[MERKLE_HASH_LEN];
	enum sr_error error;

	for (;; at += frame.frame_len) {
		error = journal_frame_parse(bytes + at, len - at, &frame);
		if (error == SR_NOT_FOUND)
			return SR_OK;
		/* what a newer program can read is not to be given up */
		if (error == SR_VERSION)
			return error;
		if (error != SR_OK)
			break;
		if (frame.header.type == JOURNAL_COMMIT) {
			if (!survey_commit(survey, &frame))
				break;
			continue;
		}
		journal_frame_leaf(&frame, &leaf);
		journal_leaf_hash(&leaf, hash);
		if (frame.header.seq != survey->tree.size ||
		    merkle_frontier_append(&survey->tree, hash) != SR_OK)
			break;
	}
	survey->ended = true;
	return SR_OK;
}

/* SR_NOT_FOUND after the last segment in use. */
static enum sr_error
survey_segment(struct survey *survey, uint32_t number)
{
	struct ledgerd *ledgerd = survey->ledgerd;
	struct journal_segment header;
	uint8_t *bytes = NULL;
	enum sr_error error;
	env_file file;
	uint64_t len;

	error = segments_open(
	    &ledgerd->segments, number, ENV_READ, &file, &len, &header);
	/* what keyd has signed of it is shown by what comes after it */
	if (error == SR_RETIRED) {
		error = segments_take_leaves(
		    &ledgerd->segments, number, &survey->committed);
		return error == SR_NOT_FOUND ? SR_DAMAGED : error;
	}
	if (error != SR_OK && error != SR_AGAIN && error != SR_DAMAGED)
		return error;
	if (error != SR_OK || header.first_seq != survey->committed.size ||
	    len < SEGMENTS_LEN_MIN || len > JOURNAL_SEGMENT_MAX_LEN)
		error = SR_NOT_FOUND;
	if (error == SR_OK) {
		bytes = malloc((size_t)len);
		error = bytes == NULL ? SR_MEMORY
				      : env_read(ledgerd->env, file, 0, bytes,
					    (size_t)len);
	}
	if (env_close(ledgerd->env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	if (error == SR_OK) {
		survey->tree = survey->committed;
		error = survey_bytes(survey, bytes, (size_t)len);
	}
	free(bytes);
	return error;
}

static enum sr_error
survey_journal(struct survey *survey)
{
	enum sr_error error = SR_OK;

	merkle_frontier_init(&survey->tree);
	merkle_frontier_init(&survey->committed);
	for (uint32_t i = 0; error == SR_OK && !survey->ended; i++)
		error = survey_segment(survey, i);
	if (error != SR_OK && error != SR_NOT_FOUND)
		return error;
	if (survey->best.size > 0)
		return SR_OK;
	diag_error("nothing in the journal is under a signature of keyd's");
	return SR_NOT_FOUND;
}

/* ---- the start ---------------------------------------------------------------- */

enum sr_error
restore_present(struct ledgerd *ledgerd)
{
	struct survey survey = {.ledgerd = ledgerd};
	struct message_tree_head *head = &ledgerd->keyd.head;
	uint8_t frontier[MERKLE_FRONTIER_MAX];
	struct writer w = writer_to(frontier, sizeof(frontier));
	static uint8_t state[RESTORE_STATE_MAX];
	struct message_restore_sign sign = {
	    .frontier = frontier, .state = state};
	struct signed_head lost;
	enum sr_error error;

	error = read_head(ledgerd, CHECKPOINT_PATH, &survey.known[0]);
	if (error == SR_OK)
		error = read_head(ledgerd, LOST_PATH, &lost);
	if (error == SR_OK)
		error = read_state(ledgerd, state, &sign.state_len);
	if (error == SR_OK)
		error = keyd_head(ledgerd, &survey.known[1]);
	if (error == SR_OK)
		error = survey_journal(&survey);
	if (error != SR_OK)
		return error;
	merkle_frontier_write(&survey.frontier, &w);
	sign.frontier_len = writer_len(&w);
	sign.epoch = survey.best.epoch;
	memcpy(sign.signature, survey.best.signature, sizeof(sign.signature));
	sign.last_epoch = lost.epoch;
	sign.last_size = lost.size;
	memcpy(sign.last_root, lost.root, sizeof(sign.last_root));
	memcpy(
	    sign.last_signature, lost.signature, sizeof(sign.last_signature));
	error = keyd_restore_sign(ledgerd, &sign);
	if (error != SR_OK) {
		diag_error("keyd does not go on from entry %" PRIu64 ": %s",
		    survey.best.size, error_sentence(error));
		return error;
	}
	head->epoch = survey.best.epoch;
	head->size = survey.best.size;
	merkle_frontier_root(&survey.frontier, head->root);
	memcpy(head->signature, survey.best.signature, sizeof(head->signature));
	diag_warn("the log goes on from its first %" PRIu64
		  " entries, under a new origin",
	    head->size);
	return SR_OK;
}

enum sr_error
restore_replayed(
    struct ledgerd *ledgerd, const struct journal_plain *plain, uint64_t seq)
{
	struct restore_note note;

	if (restore_note_verify(plain->committed, plain->committed_len,
		ledgerd->identity, &note) != SR_OK ||
	    note.restored_size != seq)
		return SR_DAMAGED;
	if (note.new_epoch > ledgerd->head.epoch) {
		diag_error("a restore was begun at entry %" PRIu64
			   " and did not end; run it again",
		    seq);
		return SR_FORKED;
	}
	return restores_keep(
	    ledgerd, plain->committed, plain->committed_len, plain->salt);
}
