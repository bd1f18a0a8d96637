/* SPDX-License-Identifier: ISC */
/*
 * Notes of public/restores: where the log goes on under another origin.  By a
 * restore note, from an older state and by the word of the identity; by a
 * rotation note, from its last head and by the word of both log keys.  Another
 * origin without such a word is tampering, and so is a note that is not at its
 * place in the log.
 */
#include "client/verify/held.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a note must be after the one before it; NULL when it is. */
static const char *
chain_fault(const struct verify *verify, const struct restore_note *note)
{
	const struct restore_note *before;

	if (verify->restore_count == VERIFY_RESTORES_MAX)
		return "more notes than a log has";
	if (verify->restore_count == 0)
		return note->restored_epoch == RESTORE_FIRST_EPOCH
			   ? NULL
			   : "a note that does not go on from the first origin";
	before = &verify->restore[verify->restore_count - 1].note;
	if (note->restored_epoch != before->new_epoch ||
	    note->restored_size <= before->restored_size)
		return "a note that does not go on from the one before";
	return NULL;
}

/* Whether the identity has certified that log key for that epoch. */
static bool
is_certified(const struct certificate *certificate, const uint8_t key[32])
{
	return certificate != NULL &&
	       memcmp(certificate->log_key, key, 32) == 0;
}

/* A note that was read, by whoever must have signed it; NULL, or the fault. */
static const char *
read_note(const struct verify *verify, struct verify_restore *restore)
{
	const struct certificate *old, *new;
	struct rotation_note rotation;

	if (!restore->rotation)
		return restore_note_verify(restore->bytes, restore->len,
			   verify->bank.identity, &restore->note) == SR_OK
			   ? NULL
			   : "a note that the identity in bank.id has not "
			     "signed";
	if (rotation_note_verify(restore->bytes, restore->len,
		verify->bank.bank_id, &rotation) != SR_OK)
		return "a rotation note that its two log keys have not signed";
	old = verify_certificate_of(verify, rotation.old_epoch);
	new = verify_certificate_of(verify, rotation.new_epoch);
	if (!is_certified(old, rotation.old_key) ||
	    !is_certified(new, rotation.new_key))
		return "a rotation note of log keys that the identity in "
		       "bank.id has not certified";
	restore->attestation =
	    memcmp(old->attestation_key, new->attestation_key, 32) != 0;
	restore->channel = memcmp(old->noise_key, new->noise_key, 32) != 0;
	restore->password = memcmp(old->opaque_key, new->opaque_key, 32) != 0;
	restore->note = (struct restore_note){.new_epoch = rotation.new_epoch,
	    .old_epoch = rotation.old_epoch,
	    .restored_epoch = rotation.old_epoch,
	    .restored_size = rotation.size,
	    .time_ms = rotation.time_ms};
	memcpy(restore->note.bank_id, rotation.bank_id, 32);
	memcpy(restore->note.restored_root, rotation.root, 32);
	return NULL;
}

/* The next record; false at the end, *rest: not at one's beginning. */
static bool
next_record(FILE *file, struct verify_restore *restore, bool *rest)
{
	uint8_t bytes[RESTORE_RECORD_LEN];
	size_t n = fread(bytes, 1, sizeof(bytes), file), more = 0;

	*rest = n != 0;
	if (n != sizeof(bytes))
		return false;
	memset(restore, 0, sizeof(*restore));
	memcpy(restore->salt, bytes, sizeof(restore->salt));
	memcpy(restore->bytes, bytes + RESTORE_SALT_LEN, RESTORE_NOTE_LEN);
	restore->rotation = restore->bytes[0] == ENTRY_ROTATION;
	if (restore->rotation)
		more = ROTATION_NOTE_LEN - RESTORE_NOTE_LEN;
	restore->len = RESTORE_NOTE_LEN + more;
	return fread(restore->bytes + RESTORE_NOTE_LEN, 1, more, file) == more;
}

bool
verify_restores(struct verify *verify)
{
	struct verify_restore restore;
	const char *fault = NULL;
	bool rest = false;
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", verify->directory, RESTORE_PATH);
	file = verify_open_regular(path);
	if (file == NULL && errno == ENOENT)
		return true;
	if (file == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	while (fault == NULL && next_record(file, &restore, &rest)) {
		fault = read_note(verify, &restore);
		if (fault == NULL)
			fault = chain_fault(verify, &restore.note);
		if (fault == NULL)
			verify->restore[verify->restore_count++] = restore;
	}
	if (fault == NULL && (rest || ferror(file) != 0))
		fault = "bytes that are no note";
	fclose(file);
	if (fault != NULL)
		return verify_fail(verify, VERIFY_TAMPERED,
		    RESTORE_PATH ", note %zu: %s", verify->restore_count + 1,
		    fault);
	return true;
}

const char *
verify_restore_entry(struct verify *verify, const struct journal_header *header)
{
	const struct verify_restore *restore;
	uint8_t commitment[32], root[32];

	if (verify->restore_met == verify->restore_count)
		return NULL;
	restore = &verify->restore[verify->restore_met];
	if (header->seq != restore->note.restored_size)
		return NULL;
	journal_commitment(
	    restore->salt, restore->bytes, restore->len, commitment);
	merkle_frontier_root(&verify->tree, root);
	if (verify->batch_open ||
	    memcmp(root, restore->note.restored_root, sizeof(root)) != 0)
		return restore->rotation
			   ? "the rotation note for this place goes on from "
			     "another log"
			   : "the restore note for this place goes on from "
			     "another log";
	if (memcmp(commitment, header->commitment, sizeof(commitment)) != 0)
		return restore->rotation
			   ? "this is not the rotation note that " RESTORE_PATH
			     " holds for this place"
			   : "this is not the restore note that " RESTORE_PATH
			     " holds for this place";
	verify->restore_met++;
	return NULL;
}

const struct restore_note *
verify_given_up(const struct verify *verify, uint32_t epoch, uint64_t size)
{
	for (size_t i = 0; i < verify->restore_count; i++)
		if (!verify->restore[i].rotation &&
		    restore_note_gives_up(
			&verify->restore[i].note, epoch, size))
			return &verify->restore[i].note;
	return NULL;
}

bool
verify_put_out(const struct verify *verify, uint32_t epoch, uint64_t size)
{
	for (size_t i = 0; i < verify->restore_count; i++)
		if (verify->restore[i].rotation &&
		    restore_note_gives_up(
			&verify->restore[i].note, epoch, size))
			return true;
	return false;
}

bool
verify_rotated(const struct verify *verify, uint32_t from, uint64_t size,
    uint32_t to, size_t *first, size_t *end)
{
	const struct verify_restore *restore = verify->restore;
	size_t i = 0;

	while (i < verify->restore_count && restore[i].note.new_epoch <= from)
		i++;
	*first = i;
	for (; i < verify->restore_count && from != to; i++) {
		if (!restore[i].rotation ||
		    restore[i].note.restored_epoch != from ||
		    restore[i].note.restored_size < size)
			return false;
		from = restore[i].note.new_epoch;
	}
	*end = i;
	return from == to;
}

uint32_t
verify_epoch_at(const struct verify *verify, uint64_t size)
{
	uint32_t epoch = RESTORE_FIRST_EPOCH;

	for (size_t i = 0; i < verify->restore_count; i++)
		if (verify->restore[i].note.restored_size < size)
			epoch = verify->restore[i].note.new_epoch;
	return epoch;
}

uint64_t
verify_newest(const struct verify *verify)
{
	uint64_t newest = held_met(verify);

	for (size_t i = 0; i < verify->since_count; i++)
		if (verify->since[i].checkpoint.size > newest)
			newest = verify->since[i].checkpoint.size;
	return newest;
}

bool
verify_gap_after_anchor(const struct verify *verify)
{
	uint64_t newest = verify_newest(verify);

	for (size_t i = verify->restore_met; i > 0; i--)
		if (!verify->restore[i - 1].rotation)
			return newest <=
			       verify->restore[i - 1].note.restored_size;
	return false;
}

void
verify_loss(const struct restore_note *note, char out[VERIFY_WHY_MAX])
{
	if (note->last_size == 0)
		snprintf(out, VERIFY_WHY_MAX,
		    "what stood from entry %" PRIu64
		    " on is lost; how much it was is not known",
		    note->restored_size);
	else if (note->old_epoch != note->restored_epoch)
		snprintf(out, VERIFY_WHY_MAX,
		    "what stood from entry %" PRIu64
		    " on is lost; under another origin, of epoch %" PRIu32
		    ", the log had %" PRIu64 " entries",
		    note->restored_size, note->old_epoch, note->last_size);
	else
		snprintf(out, VERIFY_WHY_MAX,
		    "%" PRIu64
		    " entries that keyd had signed are lost, %" PRIu64
		    " to %" PRIu64,
		    note->last_size - note->restored_size, note->restored_size,
		    note->last_size - 1);
}
