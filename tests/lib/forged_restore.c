/* SPDX-License-Identifier: ISC */
/*
 * The restore note of a forged log (forged_log.h), and whose key signs the
 * heads before it and after it.
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
forged_log_find_note(const struct forged_log *log)
{
	unsigned i = 0;

	while (i < log->count &&
	       (log->entry[i].committed_len != RESTORE_NOTE_LEN ||
		   log->entry[i].committed[0] != ENTRY_RESTORE))
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

const struct keys_log *
forged_log_key_at(const struct forged_log *log, uint64_t size)
{
	return size > log->note ? &log->keys.log : &log->old_log;
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
forged_log_put_restores(
    const struct forged_log *log, const uint8_t *bytes, size_t len)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/" RESTORE_PATH, log->directory);
	(void)remove(path);
	if (len > 0)
		forged_log_put_file(log, RESTORE_PATH, bytes, len);
}
