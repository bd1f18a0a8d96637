/* SPDX-License-Identifier: ISC */
/*
 * The restore start of restore.h.
 *
 * Security: ledgerd may be hostile here, too.  It gets one note, for a head
 * that bears keyd's own signature; the rest of the note is keyd's knowledge.
 * Of what it says about the lost part only what keyd has signed is believed.
 */
#include "keyd/restore.h"

#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/note.h"
#include "keyd/keyd.h"
#include "keyd/tree.h"
#include "keyd/use.h"

enum sr_error
restore_begin(
    struct keyd *k, const struct keyd_params *params, struct keys_origin *next)
{
	uint32_t epoch;
	enum sr_error error;

	if (k->identity_secret == NULL || !keyd_founded(k))
		return SR_NOT_ALLOWED;
	error = keyd_next_origin(k, &epoch);
	if (error != SR_OK)
		return error;
	k->restore = secret_take(&k->work_arena, sizeof(*k->restore));
	if (k->restore == NULL)
		return SR_MEMORY;
	memcpy(k->restore->root, params->root, sizeof(k->restore->root));
	k->restore->epoch = params->restore_epoch;
	k->restore->size = params->restore_size;
	return keys_log_derive(&next->log, params->root, epoch);
}

/* Whether keyd signed that head, under whatever epoch. */
static enum sr_error
restore_is_signed(const struct keyd *k, uint32_t epoch, uint64_t size,
    const uint8_t root[32], const uint8_t signature[64])
{
	struct checkpoint checkpoint = {.size = size};
	struct keys_signing log;
	enum sr_error error = keys_log_derive(&log, k->restore->root, epoch);

	note_origin(k->state.bank_id, epoch, checkpoint.origin);
	memcpy(checkpoint.root, root, sizeof(checkpoint.root));
	if (error == SR_OK)
		error = note_verify_raw(&checkpoint, log.public, signature);
	sodium_memzero(&log, sizeof(log));
	return error;
}

/* A head that is known enters the note if it is above what stands there. */
static void
restore_know(struct restore_note *note, uint32_t epoch, uint64_t size,
    const uint8_t root[32])
{
	bool lost = epoch > note->restored_epoch || size > note->restored_size;

	if (epoch < note->old_epoch || !lost ||
	    (epoch == note->old_epoch && size <= note->last_size))
		return;
	note->old_epoch = epoch;
	note->last_size = size;
	memcpy(note->last_root, root, sizeof(note->last_root));
}

/* The note, from what is presented and what the state knows. */
static enum sr_error
restore_compose(const struct keyd *k, const struct message_restore_sign *m,
    struct restore_note *note, struct merkle_frontier *frontier)
{
	struct reader r = reader_of(m->frontier, m->frontier_len);
	const struct state *state = &k->state;
	uint8_t root[32];
	enum sr_error error;

	if (k->restore->noted)
		return SR_NOT_ALLOWED;
	if (merkle_frontier_read(&r, frontier) != SR_OK || !reader_end(&r) ||
	    frontier->size == 0)
		return SR_MALFORMED;
	/* of all that keyd ever signed ledgerd may not choose an older one */
	if (k->restore->size != 0 && (frontier->size != k->restore->size ||
					 m->epoch != k->restore->epoch))
		return SR_ROLLED_BACK;
	memset(note, 0, sizeof(*note));
	memcpy(note->bank_id, state->bank_id, sizeof(note->bank_id));
	note->new_epoch = k->keys->next.log.epoch;
	note->restored_epoch = note->old_epoch = m->epoch;
	note->restored_size = frontier->size;
	merkle_frontier_root(frontier, note->restored_root);
	note->time_ms = env_clock_ms(k->env);
	error = restore_is_signed(
	    k, m->epoch, frontier->size, note->restored_root, m->signature);
	if (error != SR_OK)
		return error;
	merkle_frontier_root(&state->frontier, root);
	restore_know(note, state->log_epoch, state->frontier.size, root);
	if (m->last_size == 0)
		return SR_OK;
	error = restore_is_signed(
	    k, m->last_epoch, m->last_size, m->last_root, m->last_signature);
	if (error == SR_OK)
		restore_know(note, m->last_epoch, m->last_size, m->last_root);
	return error;
}

/*
 * The books that stand for the beginning where that is retired: named by the
 * log before that size, whoever has certified them later.
 */
static struct entry_snapshot
restore_beginning(const struct state *state, uint64_t size)
{
	if (state->certified.number != 0 && state->certified.size < size)
		return state->certified;
	if (state->cut.number != 0 && state->cut.size < size)
		return state->cut;
	return (struct entry_snapshot){0};
}

/* Snapshots in the lost part name nothing that is in the log. */
static void
restore_drop_snapshots(struct state *state, uint64_t size)
{
	struct entry_snapshot *snapshot = state->snapshot;

	if (snapshot[0].size >= size) {
		snapshot[0] = snapshot[1];
		memset(&snapshot[1], 0, sizeof(snapshot[1]));
	}
	if (snapshot[0].size >= size)
		snapshot[0] = restore_beginning(state, size);
	if (state->certified_leaf >= size) {
		memset(&state->certified, 0, sizeof(state->certified));
		state->certified_leaf = 0;
	}
	/* a retirement that is lost never was: its segments may be back */
	if (state->cut_leaf >= size) {
		memset(&state->cut, 0, sizeof(state->cut));
		state->cut_leaf = 0;
	}
}

/*
 * What keyd knew of its snapshots at that head, from its own copy of then: of
 * a backup that is older than the last two the present state knows none, and
 * what lies before them may be retired.
 */
static void
restore_take_state(struct keyd *k, const struct message_restore_sign *m)
{
	const struct merkle_frontier *head = &k->restore->frontier;
	static struct state found;

	for (size_t at = 0; at + STATE_SLOT_LEN <= m->state_len;
	     at += STATE_SLOT_LEN) {
		if (state_read_copy(&k->state_file, m->state + at,
			STATE_SLOT_LEN, &found) != SR_OK ||
		    memcmp(found.bank_id, k->state.bank_id,
			sizeof(found.bank_id)) != 0 ||
		    found.log_epoch != m->epoch ||
		    found.frontier.size != head->size ||
		    memcmp(found.frontier.hash, head->hash,
			sizeof(head->hash)) != 0)
			continue;
		memcpy(k->state.snapshot, found.snapshot,
		    sizeof(k->state.snapshot));
		k->state.certified = found.certified;
		k->state.certified_leaf = found.certified_leaf;
		k->state.cut = found.cut;
		k->state.cut_leaf = found.cut_leaf;
		return;
	}
	if (m->state_len > 0)
		diag_warn("the backup's copy of keyd's state is of another "
			  "head: its snapshots are not known");
}

static enum sr_error
restore_sign(struct keyd *k, const struct message_restore_sign *m)
{
	struct restore *restore = k->restore;
	struct restore_note note;
	enum sr_error error = restore_compose(k, m, &note, &restore->frontier);

	if (error == SR_OK && note.new_epoch <= note.old_epoch)
		diag_error("the clock is behind the last restore");
	if (error == SR_OK)
		error =
		    restore_note_sign(&note, k->identity_secret, restore->note);
	if (error != SR_OK)
		return error;
	keyd_certify(k, &k->keys->next, restore->certificate);
	keyd_forget_identity(k);
	sodium_memzero(restore->root, sizeof(restore->root));
	restore->noted = true;
	restore_drop_snapshots(&k->state, note.restored_size);
	restore_take_state(k, m);
	return SR_OK;
}

void
keyd_take_ledgerd_restore_sign(
    struct keyd *k, const struct message_restore_sign *m)
{
	struct message_restore_signed answer = {0};
	enum sr_error error = restore_sign(k, m);

	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.note = k->restore->note;
		answer.note_len = sizeof(k->restore->note);
	} else {
		diag_error(
		    "the restored head is refused: %s", error_sentence(error));
	}
	KEYD_SEND(k, to_ledgerd, restore_signed, RESTORE_SIGNED, &answer);
}

/* Everything of the new origin, in one save; then in the other slot, too. */
static enum sr_error
restore_commit(struct keyd *k, const struct message_key_use *m)
{
	struct restore *restore = k->restore;
	uint8_t hash[32];
	enum sr_error error;

	if (!restore->noted || m->seq != restore->frontier.size ||
	    m->plaintext_len != sizeof(restore->note) ||
	    memcmp(m->plaintext, restore->note, sizeof(restore->note)) != 0)
		return SR_NOT_ALLOWED;
	use_leaf(m, hash);
	error = merkle_frontier_append(&restore->frontier, hash);
	if (error != SR_OK)
		return error;
	k->state.frontier = restore->frontier;
	k->state.copy = false;
	error = rotation_turn(k, restore->certificate);
	if (error != SR_OK)
		return error;
	k->restore = NULL;
	k->tree_started = true;
	return SR_OK;
}

void
restore_finish(struct keyd *k, const struct message_key_use *m)
{
	struct message_key_used used = {.request = m->request};
	enum sr_error error = restore_commit(k, m);

	keyd_answer_head(k, error);
	used.error = (uint16_t)error;
	if (k->failure == SR_OK)
		KEYD_SEND(k, to_ledgerd, key_used, KEY_USED, &used);
}
