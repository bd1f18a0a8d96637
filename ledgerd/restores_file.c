/* SPDX-License-Identifier: ISC */
/*
 * The records of public/restores.  Must never leave one of an origin that was
 * given up, nor drop one that the log still has.
 */
#include "ledgerd/restores_file.h"

#include <string.h>

#include "common/entry.h"
#include "common/restore.h"
#include "common/rotation.h"
#include "ledgerd/ledgerd.h"

#define RESTORES_PATH "ledger/" RESTORE_PATH

/* A note of either kind, with its salt before it. */
struct record {
	size_t len; /* of bytes; 0: none */
	bool rotation;
	uint32_t from_epoch;
	uint32_t new_epoch;
	struct restore_note note; /* of no rotation */
	uint8_t bytes[RESTORE_SALT_LEN + ROTATION_NOTE_LEN];
};

/* What the note of so many bytes behind the salt says; false: it is none. */
static bool
look_at_note(
    const struct ledgerd *ledgerd, struct record *record, size_t note_len)
{
	const uint8_t *note = record->bytes + RESTORE_SALT_LEN;
	struct restore_note *restore = &record->note;
	struct rotation_note rotation;

	record->rotation = rotation_note_verify(note, note_len,
			       ledgerd->bank_id, &rotation) == SR_OK;
	if (record->rotation) {
		record->from_epoch = rotation.old_epoch;
		record->new_epoch = rotation.new_epoch;
	} else if (restore_note_verify(
		       note, note_len, ledgerd->identity, restore) == SR_OK) {
		record->from_epoch = restore->restored_epoch;
		record->new_epoch = restore->new_epoch;
	} else {
		return false;
	}
	record->len = RESTORE_SALT_LEN + note_len;
	return true;
}

/* The record at that place; len 0 at the end and where none begins. */
static enum sr_error
read_record(
    struct ledgerd *ledgerd, env_file file, uint64_t at, struct record *record)
{
	size_t note_len;
	uint64_t end;
	enum sr_error error = env_size(ledgerd->env, file, &end);

	record->len = 0;
	if (error != SR_OK || at >= end || end - at < RESTORE_RECORD_LEN)
		return error;
	error =
	    env_read(ledgerd->env, file, at, record->bytes, RESTORE_RECORD_LEN);
	if (error != SR_OK)
		return error;
	note_len = record->bytes[RESTORE_SALT_LEN] == ENTRY_ROTATION
		       ? ROTATION_NOTE_LEN
		       : RESTORE_NOTE_LEN;
	if (end - at < RESTORE_SALT_LEN + note_len)
		return SR_OK;
	error = env_read(
	    ledgerd->env, file, at, record->bytes, RESTORE_SALT_LEN + note_len);
	if (error == SR_OK)
		(void)look_at_note(ledgerd, record, note_len);
	return error;
}

/*
 * Looks for the wanted record.  *len: where it goes, after those of the
 * origins that it goes on from; later ones were given up by it.
 */
static enum sr_error
find_record(struct ledgerd *ledgerd, env_file file, const struct record *wanted,
    uint64_t *len, bool *found)
{
	struct record record;
	enum sr_error error;

	*found = false;
	for (*len = 0;; *len += record.len) {
		error = read_record(ledgerd, file, *len, &record);
		if (error != SR_OK || record.len == 0)
			return error;
		*found = record.len == wanted->len &&
			 memcmp(record.bytes + RESTORE_SALT_LEN,
			     wanted->bytes + RESTORE_SALT_LEN,
			     record.len - RESTORE_SALT_LEN) == 0;
		if (*found || record.new_epoch > wanted->from_epoch)
			return SR_OK;
	}
}

static enum sr_error
write_record(struct ledgerd *ledgerd, env_file file,
    const struct record *wanted, uint64_t at)
{
	struct env *env = ledgerd->env;
	enum sr_error error = env_truncate(env, file, at);

	if (error == SR_OK)
		error = env_write(env, file, at, wanted->bytes, wanted->len);
	if (error == SR_OK)
		error = env_sync(env, file);
	return error == SR_OK ? env_sync_directory(env, "ledger/public")
			      : error;
}

enum sr_error
restores_keep(struct ledgerd *ledgerd, const void *note, size_t note_len,
    const uint8_t salt[32])
{
	struct env *env = ledgerd->env;
	struct record wanted = {0};
	bool found = false;
	enum sr_error error;
	env_file file;
	uint64_t at;

	if (note_len > sizeof(wanted.bytes) - RESTORE_SALT_LEN)
		return SR_INTERNAL;
	memcpy(wanted.bytes, salt, RESTORE_SALT_LEN);
	memcpy(wanted.bytes + RESTORE_SALT_LEN, note, note_len);
	if (!look_at_note(ledgerd, &wanted, note_len))
		return SR_INTERNAL;
	error = env_open(env, RESTORES_PATH, ENV_WRITE_OR_CREATE, &file);
	if (error != SR_OK)
		return error;
	error = find_record(ledgerd, file, &wanted, &at, &found);
	if (error == SR_OK && !found)
		error = write_record(ledgerd, file, &wanted, at);
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

bool
restores_had_loss(struct ledgerd *ledgerd)
{
	uint32_t epoch = RESTORE_FIRST_EPOCH;
	struct record record = {.len = 1};
	bool rotations = true;
	enum sr_error error;
	env_file file;
	uint64_t at = 0;

	if (ledgerd->head.epoch <= RESTORE_FIRST_EPOCH)
		return false;
	error = env_open(ledgerd->env, RESTORES_PATH, ENV_READ, &file);
	if (error != SR_OK)
		return true;
	while (error == SR_OK && rotations && epoch != ledgerd->head.epoch) {
		error = read_record(ledgerd, file, at, &record);
		rotations = error == SR_OK && record.len > 0 &&
			    record.rotation && record.from_epoch == epoch;
		if (rotations)
			epoch = record.new_epoch;
		at += record.len;
	}
	if (env_close(ledgerd->env, file) != SR_OK)
		rotations = false;
	return !rotations;
}

bool
restores_may_lose(struct ledgerd *ledgerd, uint64_t leaf)
{
	struct record record = {.len = 1};
	bool may = false;
	enum sr_error error;
	env_file file;

	error = env_open(ledgerd->env, RESTORES_PATH, ENV_READ, &file);
	if (error != SR_OK)
		return false;
	for (uint64_t at = 0; error == SR_OK && !may && record.len > 0;
	     at += record.len) {
		error = read_record(ledgerd, file, at, &record);
		may = error == SR_OK && record.len > 0 && !record.rotation &&
		      restore_note_may_lose(&record.note, leaf);
	}
	return env_close(ledgerd->env, file) == SR_OK && may;
}
