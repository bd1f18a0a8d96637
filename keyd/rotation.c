/* SPDX-License-Identifier: ISC */
/*
 * The rotation start of rotation.h.
 *
 * Security: ledgerd may be hostile here, too.  It gets one note, for the head
 * that keyd has signed last, and only where strongroomd started keyd for it;
 * everything in the note is keyd's own knowledge.
 */
#include "keyd/rotation.h"

#include <string.h>

#include "common/diag.h"
#include "common/entry.h"
#include "keyd/keyd.h"
#include "keyd/tree.h"
#include "keyd/use.h"

enum sr_error
rotation_begin(
    struct keyd *k, const struct keyd_params *params, struct keys_origin *next)
{
	uint32_t epoch;
	enum sr_error error;

	if (k->identity_secret == NULL || !keyd_founded(k) || k->state.copy)
		return SR_NOT_ALLOWED;
	if (!key_rotates_stopped(params->rotate))
		return SR_PARAMETERS;
	/* the log key's is never below that of a key that began with it */
	error = keyd_next_origin(k, &epoch);
	if (error == SR_OK)
		error = keys_log_derive(&next->log, params->root, epoch);
	if (error == SR_OK && params->rotate == BANK_KEY_ATTESTATION)
		error = keys_attestation_derive(
		    &next->attestation, params->root, epoch);
	if (error == SR_OK && params->rotate == BANK_KEY_OPAQUE)
		error = keys_opaque_derive(k->keys, epoch, &next->opaque);
	if (params->rotate == BANK_KEY_NOISE)
		keys_noise_derive(&next->noise, params->root, epoch);
	if (error != SR_OK)
		return error;
	keyd_certify(k, next, k->rotation.certificate);
	k->rotation.wanted = true;
	return SR_OK;
}

static enum sr_error
rotation_sign(struct keyd *k, const struct message_rotate_sign *m)
{
	struct rotation *rotation = &k->rotation;
	const struct keys_signing *next = &k->keys->next.log;
	struct rotation_note note = {.old_epoch = k->state.log_epoch,
	    .new_epoch = next->epoch,
	    .size = k->state.frontier.size,
	    .time_ms = env_clock_ms(k->env)};
	enum sr_error error;

	/* on a lone slot it is not known that this head is the last one */
	if (!rotation->wanted || rotation->noted || !k->tree_started || k->lone)
		return SR_NOT_ALLOWED;
	if (m->size != note.size)
		return m->size < note.size ? SR_ROLLED_BACK : SR_FORKED;
	memcpy(note.bank_id, k->state.bank_id, sizeof(note.bank_id));
	merkle_frontier_root(&k->state.frontier, note.root);
	memcpy(note.old_key, k->origin->log.public, sizeof(note.old_key));
	memcpy(note.new_key, next->public, sizeof(note.new_key));
	keyd_count_use(k, BANK_KEY_LOG);
	error = rotation_note_sign(
	    &note, k->origin->log.secret, next->secret, rotation->note);
	rotation->noted = error == SR_OK;
	return error;
}

void
keyd_take_ledgerd_rotate_sign(
    struct keyd *k, const struct message_rotate_sign *m)
{
	struct message_rotate_signed answer = {0};
	enum sr_error error = rotation_sign(k, m);

	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.note = k->rotation.note;
		answer.note_len = sizeof(k->rotation.note);
	} else {
		diag_error("no rotation note: %s", error_sentence(error));
	}
	KEYD_SEND(k, to_ledgerd, rotate_signed, ROTATE_SIGNED, &answer);
}

bool
rotation_is_note(const struct message_key_use *m)
{
	return entry_type_of(m->plaintext, m->plaintext_len) == ENTRY_ROTATION;
}

/* A key that begins another epoch under the next origin. */
static void
turn_key(struct keyd *k, enum bank_key key, uint32_t epoch, bool serves)
{
	struct state_key *row = &k->state.key[key];

	if (row->epoch == epoch)
		return;
	row->former = serves ? row->epoch : 0;
	row->epoch = epoch;
	keyd_uses_renew(k, key);
}

enum sr_error
rotation_turn(struct keyd *k, const uint8_t certificate[CERTIFICATE_LEN])
{
	const struct keys_origin *next = &k->keys->next;
	enum sr_error error;

	k->state.log_epoch = next->log.epoch;
	keyd_uses_renew(k, BANK_KEY_LOG);
	turn_key(k, BANK_KEY_ATTESTATION, next->attestation.epoch, true);
	turn_key(k, BANK_KEY_NOISE, next->noise.epoch, false);
	turn_key(k, BANK_KEY_OPAQUE, next->opaque.epoch, true);
	if (k->credentials.pair_epoch != next->opaque.epoch)
		credentials_pair_epoch(&k->credentials, next->opaque.epoch);
	memcpy(k->state.certificate, certificate, CERTIFICATE_LEN);
	error = keyd_save_both(k);
	if (error != SR_OK)
		return error;
	k->origin = next;
	/* who has met the former keys would bind a record to them */
	beacons_forget(&k->beacons);
	return SR_OK;
}

/* Everything of the new origin, in one save; then in the other slot, too. */
static enum sr_error
rotation_commit(struct keyd *k, const struct message_key_use *m)
{
	struct rotation *rotation = &k->rotation;
	struct merkle_frontier tree = k->state.frontier;
	struct rotation_note note;
	uint8_t hash[32];
	enum sr_error error;

	if (!rotation->wanted || !rotation->noted || !k->tree_started ||
	    m->plaintext_len != sizeof(rotation->note) ||
	    memcmp(m->plaintext, rotation->note, sizeof(rotation->note)) != 0)
		return SR_NOT_ALLOWED;
	error = rotation_note_read(m->plaintext, sizeof(rotation->note), &note);
	/* the tree may have grown since the note was made */
	if (error != SR_OK || m->seq != note.size || note.size != tree.size)
		return SR_NOT_ALLOWED;
	use_leaf(m, hash);
	error = merkle_frontier_append(&tree, hash);
	if (error != SR_OK)
		return error;
	k->state.frontier = tree;
	error = rotation_turn(k, rotation->certificate);
	rotation->wanted = error != SR_OK;
	return error;
}

void
rotation_finish(struct keyd *k, const struct message_key_use *m)
{
	struct message_key_used used = {.request = m->request};
	enum sr_error error = rotation_commit(k, m);

	keyd_answer_head(k, error);
	used.error = (uint16_t)error;
	if (k->failure == SR_OK)
		KEYD_SEND(k, to_ledgerd, key_used, KEY_USED, &used);
}
