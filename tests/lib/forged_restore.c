/* SPDX-License-Identifier: ISC */
/*
 * The rotation and the restore note of a forged log (forged_log.h), and whose
 * key signs the heads before, between and after them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/forged_log.h"

static void
must_at(bool condition, int line)
{
	if (condition)
		return;
	fprintf(stderr, "forged_restore.c:%d\n", line);
	abort();
}

#define must(condition) must_at(condition, __LINE__)

unsigned
forged_log_find_note(
    const struct forged_log *log, enum entry_type type, size_t len)
{
	unsigned i = 0;

	while (i < log->count && (log->entry[i].committed_len != len ||
				     log->entry[i].committed[0] != type))
		i++;
	return i;
}

/* Whoever has the identity key lets it go on from this log. */
void
forged_log_renew_note(
    struct forged_log *log, const struct merkle_frontier *tree)
{
	struct forged_entry *entry = &log->entry[log->note];
	struct restore_note note;

	if (restore_note_verify(entry->committed, entry->committed_len,
		log->identity, &note) != SR_OK)
		return;
	note.restored_size = tree->size;
	merkle_frontier_root(tree, note.restored_root);
	must(restore_note_sign(&note, log->identity_secret, entry->committed) ==
	     SR_OK);
}

/* Likewise whoever has both log keys. */
void
forged_log_renew_rotation(
    struct forged_log *log, const struct merkle_frontier *tree)
{
	struct forged_entry *entry = &log->entry[log->rotation];
	uint8_t bytes[ROTATION_NOTE_LEN];
	struct rotation_note note;

	if (rotation_note_verify(entry->committed, entry->committed_len,
		log->bank_id, &note) != SR_OK)
		return;
	note.size = tree->size;
	merkle_frontier_root(tree, note.root);
	/* under other keys it stays as it is, too */
	if (rotation_note_sign(&note, log->first_log.secret,
		log->old_log.secret, bytes) == SR_OK)
		memcpy(entry->committed, bytes, sizeof(bytes));
}

const struct keys_signing *
forged_log_key_at(const struct forged_log *log, uint64_t size)
{
	if (size > log->note)
		return &log->keys.origin.log;
	return size > log->rotation ? &log->old_log : &log->first_log;
}

void
forged_log_record(const struct forged_log *log, uint8_t out[RESTORE_RECORD_LEN])
{
	must(log->note < log->count);
	forged_log_entry_salt(log->note, out);
	memcpy(out + RESTORE_SALT_LEN, log->entry[log->note].committed,
	    RESTORE_NOTE_LEN);
}

void
forged_log_rotation(
    const struct forged_log *log, uint8_t out[FORGED_ROTATION_LEN])
{
	must(log->rotation < log->count);
	forged_log_entry_salt(log->rotation, out);
	memcpy(out + RESTORE_SALT_LEN, log->entry[log->rotation].committed,
	    ROTATION_NOTE_LEN);
}

void
forged_log_put_restores(
    const struct forged_log *log, const uint8_t *bytes, size_t len)
{
	uint8_t all[FORGED_ROTATION_LEN + 4 * RESTORE_RECORD_LEN];
	size_t turn = log->rotation < log->count ? FORGED_ROTATION_LEN : 0;
	char path[256];

	must(len <= 4 * RESTORE_RECORD_LEN);
	if (turn > 0)
		forged_log_rotation(log, all);
	if (len > 0)
		memcpy(all + turn, bytes, len);
	snprintf(path, sizeof(path), "%s/" RESTORE_PATH, log->directory);
	(void)remove(path);
	if (turn + len > 0)
		forged_log_put_file(log, RESTORE_PATH, all, turn + len);
}
