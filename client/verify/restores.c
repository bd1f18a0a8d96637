/* SPDX-License-Identifier: ISC */
/*
 * Restore notes: where the log goes on from an older state, by the word of
 * the identity.  A gap without that word is tampering, and so is a note that
 * is not at its place in the log.
 */
#include "client/verify/verify.h"

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
		return NULL;
	before = &verify->restore[verify->restore_count - 1].note;
	if (note->restored_epoch != before->new_epoch ||
	    note->restored_size <= before->restored_size)
		return "a note that does not go on from the one before";
	return NULL;
}

bool
verify_restores(struct verify *verify)
{
	uint8_t bytes[RESTORE_RECORD_LEN];
	const char *fault = NULL;
	char path[4096];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", verify->directory, RESTORE_PATH);
	file = verify_open_regular(path);
	if (file == NULL && errno == ENOENT)
		return true;
	if (file == NULL)
		return verify_fail(
		    verify, VERIFY_COULD_NOT, "%s: %s", path, strerror(errno));
	while (fault == NULL &&
	       (n = fread(bytes, 1, sizeof(bytes), file)) == sizeof(bytes)) {
		struct verify_restore restore;

		memcpy(restore.salt, bytes, sizeof(restore.salt));
		memcpy(restore.bytes, bytes + RESTORE_SALT_LEN,
		    sizeof(restore.bytes));
		if (restore_note_verify(restore.bytes, sizeof(restore.bytes),
			verify->bank.identity, &restore.note) != SR_OK)
			fault = "a note that the identity in bank.id has not "
				"signed";
		else
			fault = chain_fault(verify, &restore.note);
		if (fault == NULL)
			verify->restore[verify->restore_count++] = restore;
	}
	if (fault == NULL && (n != 0 || ferror(file) != 0))
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
	    restore->salt, restore->bytes, sizeof(restore->bytes), commitment);
	merkle_frontier_root(&verify->tree, root);
	if (verify->batch_open ||
	    memcmp(root, restore->note.restored_root, sizeof(root)) != 0)
		return "the restore note for this place goes on from another "
		       "log";
	if (memcmp(commitment, header->commitment, sizeof(commitment)) != 0)
		return "this is not the restore note that " RESTORE_PATH
		       " holds for this place";
	verify->restore_met++;
	return NULL;
}

const struct restore_note *
verify_given_up(const struct verify *verify, uint32_t epoch, uint64_t size)
{
	for (size_t i = 0; i < verify->restore_count; i++)
		if (restore_note_gives_up(
			&verify->restore[i].note, epoch, size))
			return &verify->restore[i].note;
	return NULL;
}

uint32_t
verify_epoch_at(const struct verify *verify, uint64_t size)
{
	uint32_t epoch = 0;

	if (verify->restore_count > 0)
		epoch = verify->restore[0].note.restored_epoch;
	for (size_t i = 0; i < verify->restore_count; i++)
		if (verify->restore[i].note.restored_size < size)
			epoch = verify->restore[i].note.new_epoch;
	return epoch;
}

bool
verify_gap_after_anchor(const struct verify *verify)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < verify->since_count; i++)
		if (verify->since[i].checkpoint.size > newest)
			newest = verify->since[i].checkpoint.size;
	return verify->restore_met > 0 &&
	       newest <=
		   verify->restore[verify->restore_met - 1].note.restored_size;
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
