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
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"

#define CHECKPOINT_PATH "ledger/public/checkpoint"
#define LOST_PATH "ledger/lost.checkpoint"
#define RESTORES_PATH "ledger/" RESTORE_PATH

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
	struct env *env = ledgerd->env;
	uint8_t bank_id[BANK_ID_LEN];
	char text[NOTE_MAX];
	struct note note;
	enum sr_error error;
	env_file file;
	uint64_t len;

	memset(head, 0, sizeof(*head));
	error = env_open(env, path, ENV_READ, &file);
	if (error == SR_NOT_FOUND)
		return SR_OK;
	if (error != SR_OK)
		return error;
	error = env_size(env, file, &len);
	if (error == SR_OK && len > sizeof(text))
		error = SR_MALFORMED;
	if (error == SR_OK)
		error = env_read(env, file, 0, text, (size_t)len);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	if (error == SR_OK)
		error = note_parse(text, (size_t)len, &note);
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

/* ---- the files ---------------------------------------------------------------- */

/*
 * Looks for the note in public/restores.  *len: where its record goes, after
 * those of the origins that it goes on from; later ones were given up by it.
 */
static enum sr_error
find_record(struct ledgerd *ledgerd, env_file file,
    const uint8_t note[RESTORE_NOTE_LEN], uint32_t restored_epoch,
    uint64_t *len, bool *found)
{
	uint8_t record[RESTORE_RECORD_LEN];
	struct restore_note read;
	enum sr_error error;
	uint64_t end;

	*found = false;
	*len = 0;
	error = env_size(ledgerd->env, file, &end);
	while (error == SR_OK && !*found && end - *len >= sizeof(record)) {
		error =
		    env_read(ledgerd->env, file, *len, record, sizeof(record));
		if (error != SR_OK)
			break;
		*found = memcmp(record + RESTORE_SALT_LEN, note,
			     RESTORE_NOTE_LEN) == 0;
		if (*found ||
		    restore_note_verify(record + RESTORE_SALT_LEN,
			RESTORE_NOTE_LEN, ledgerd->identity, &read) != SR_OK ||
		    read.new_epoch > restored_epoch)
			break;
		*len += sizeof(record);
	}
	return error;
}

enum sr_error
restore_keep(struct ledgerd *ledgerd, const uint8_t note[RESTORE_NOTE_LEN],
    const uint8_t salt[RESTORE_SALT_LEN])
{
	struct env *env = ledgerd->env;
	uint8_t record[RESTORE_RECORD_LEN];
	struct restore_note read;
	bool found = false;
	enum sr_error error;
	env_file file;
	uint64_t len;

	if (restore_note_read(note, RESTORE_NOTE_LEN, &read) != SR_OK)
		return SR_INTERNAL;
	memcpy(record, salt, RESTORE_SALT_LEN);
	memcpy(record + RESTORE_SALT_LEN, note, RESTORE_NOTE_LEN);
	error = env_open(env, RESTORES_PATH, ENV_WRITE_OR_CREATE, &file);
	if (error != SR_OK)
		return error;
	error =
	    find_record(ledgerd, file, note, read.restored_epoch, &len, &found);
	if (error == SR_OK && !found)
		error = env_truncate(env, file, len);
	if (error == SR_OK && !found)
		error = env_write(env, file, len, record, sizeof(record));
	if (error == SR_OK && !found)
		error = env_sync(env, file);
	if (error == SR_OK && !found)
		error = env_sync_directory(env, "ledger/public");
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

bool
restore_was(const struct ledgerd *ledgerd)
{
	return ledgerd->head.epoch > RESTORE_FIRST_EPOCH;
}

/* ---- the start ---------------------------------------------------------------- */

enum sr_error
restore_present(struct ledgerd *ledgerd)
{
	struct survey survey = {.ledgerd = ledgerd};
	struct message_tree_head *head = &ledgerd->keyd.head;
	uint8_t frontier[MERKLE_FRONTIER_MAX];
	struct writer w = writer_to(frontier, sizeof(frontier));
	struct message_restore_sign sign = {.frontier = frontier};
	struct signed_head lost;
	enum sr_error error;

	error = read_head(ledgerd, CHECKPOINT_PATH, &survey.known[0]);
	if (error == SR_OK)
		error = read_head(ledgerd, LOST_PATH, &lost);
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
	return restore_keep(ledgerd, plain->committed, plain->salt);
}
