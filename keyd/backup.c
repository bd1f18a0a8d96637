/* SPDX-License-Identifier: ISC */
/*
 * Backups (keyd/backup.h), and the one way by which a copy becomes the bank
 * again.  Each question is answered at once with one bounded piece; whoever
 * stops asking costs nothing but the list of changed slots.
 */
#include "keyd/backup.h"

#include <string.h>

#include "common/diag.h"
#include "common/entry.h"
#include "common/note.h"
#include "keyd/keyd.h"
#include "keyd/tree.h"
#include "policy/control.h"

void
backup_note(struct backup *b, enum backup_keyd_file file, uint32_t slot)
{
	if (b->number == 0)
		return;
	for (uint32_t i = 0; i < b->changed_count; i++)
		if (b->changed[i].file == file && b->changed[i].slot == slot)
			return;
	if (b->changed_count == BACKUP_CHANGED_MAX) {
		b->overflow = true;
		return;
	}
	b->changed[b->changed_count++] =
	    (struct backup_slot){(uint8_t)file, slot};
}

_Static_assert((int)BACKUP_STATE_LEN == (int)STATE_SLOT_LEN &&
		   (int)BACKUP_CREDENTIAL_LEN == (int)CREDENTIAL_CUSTOMER_LEN &&
		   (int)BACKUP_TERMINAL_LEN == (int)TERMINALS_LEN,
    "slots of keyd's files");

static env_file
backup_file(const struct keyd *k, unsigned file)
{
	switch (file) {
	case BACKUP_CREDENTIALS:
		return k->credentials.file;
	case BACKUP_LIMITS:
		return k->limits.file;
	case BACKUP_TERMINALS:
		return k->terminals.file;
	default:
		return ENV_NO_FILE;
	}
}

/* Is it the backup that was begun last? */
static enum sr_error
backup_current(const struct keyd *k, uint32_t number)
{
	return number != 0 && number == k->backup.number ? SR_OK : SR_BUSY;
}

void
keyd_take_control_backup_begin(
    struct keyd *k, const struct message_backup_begin *m)
{
	struct backup *b = &k->backup;
	struct message_backup_begun begun = {0};
	uint8_t bytes[MESSAGE_BACKUP_BEGUN_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)m;
	if (keyd_fail(k, "credentials",
		env_size(k->env, k->credentials.file, &begun.credentials)) !=
		SR_OK ||
	    keyd_fail(k, "limits",
		env_size(k->env, k->limits.file, &begun.limits)) != SR_OK ||
	    keyd_fail(k, "terminals",
		env_size(k->env, k->terminals.file, &begun.terminals)) != SR_OK)
		return;
	if (++b->number == 0)
		b->number = 1;
	b->overflow = false;
	b->changed_count = 0;
	b->frozen_len = 0;
	begun.backup = b->number;
	if (message_backup_begun_encode(&w, &begun) == SR_OK)
		keyd_answer_control(k, &w);
}

/* The piece at offset; its length to *len, the file's to *whole. */
static enum sr_error
backup_piece(struct keyd *k, const struct message_backup_keyd_get *m,
    uint8_t *piece, size_t *len, uint64_t *whole)
{
	env_file file = backup_file(k, m->file);
	enum sr_error error = backup_current(k, m->backup);

	*len = 0;
	*whole = k->backup.frozen_len;
	if (error == SR_OK && m->file != BACKUP_FROZEN)
		error = file == ENV_NO_FILE ? SR_NOT_FOUND
					    : env_size(k->env, file, whole);
	if (error != SR_OK || m->offset >= *whole)
		return error;
	*len = CONTROL_PIECE_LEN;
	if (*len > *whole - m->offset)
		*len = (size_t)(*whole - m->offset);
	if (m->file != BACKUP_FROZEN)
		return env_read(k->env, file, m->offset, piece, *len);
	memcpy(piece, k->backup.frozen + m->offset, *len);
	return SR_OK;
}

void
keyd_take_control_backup_keyd_get(
    struct keyd *k, const struct message_backup_keyd_get *m)
{
	uint8_t piece[CONTROL_PIECE_LEN];
	uint8_t bytes[MESSAGE_BACKUP_PIECE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_piece answer = {.bytes = piece};

	answer.error =
	    (uint16_t)backup_piece(k, m, piece, &answer.bytes_len, &answer.len);
	if (answer.error != SR_OK)
		answer.bytes_len = 0;
	if (message_backup_piece_encode(&w, &answer) == SR_OK)
		keyd_answer_control(k, &w);
}

void
keyd_take_control_backup_changed_get(
    struct keyd *k, const struct message_backup_changed_get *m)
{
	struct backup *b = &k->backup;
	uint8_t list[BACKUP_CHANGED_MAX * BACKUP_CHANGED_LEN];
	uint8_t bytes[MESSAGE_BACKUP_CHANGED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct writer slots = writer_to(list, sizeof(list));
	struct message_backup_changed answer = {.list = list};

	answer.error = (uint16_t)backup_current(k, m->backup);
	if (answer.error == SR_OK && b->overflow)
		answer.error = SR_BUSY;
	if (answer.error == SR_OK) {
		for (uint32_t i = 0; i < b->changed_count; i++) {
			writer_u8(&slots, b->changed[i].file);
			writer_u32(&slots, b->changed[i].slot);
		}
		answer.list_len = writer_len(&slots);
		b->changed_count = 0;
	}
	if (message_backup_changed_encode(&w, &answer) == SR_OK)
		keyd_answer_control(k, &w);
}

/* One changed slot, as it is on disk, behind what is frozen already. */
static enum sr_error
backup_freeze_slot(struct keyd *k, const struct backup_slot *slot)
{
	struct backup *b = &k->backup;
	uint8_t *place = b->frozen + b->frozen_len;
	struct writer w = writer_to(place, BACKUP_FROZEN_SLOT_LEN);
	size_t len = slot->file == BACKUP_CREDENTIALS ? BACKUP_CREDENTIAL_LEN
						      : BACKUP_TERMINAL_LEN;
	uint64_t whole, at = slot->slot * (uint64_t)len;
	env_file file = backup_file(k, slot->file);
	enum sr_error error = env_size(k->env, file, &whole);

	memset(place, 0, BACKUP_FROZEN_SLOT_LEN);
	writer_u8(&w, slot->file);
	writer_zeros(&w, 3);
	writer_u32(&w, slot->slot);
	/* the last one may not have its second half yet */
	if (error == SR_OK && at < whole && len > whole - at)
		len = (size_t)(whole - at);
	if (error == SR_OK)
		error = env_read(k->env, file, at, place + writer_len(&w), len);
	b->frozen_len += BACKUP_FROZEN_SLOT_LEN;
	return error;
}

static enum sr_error
backup_freeze(struct keyd *k, uint32_t number)
{
	struct backup *b = &k->backup;
	enum sr_error error = backup_current(k, number);

	if (error != SR_OK || b->overflow)
		return SR_BUSY;
	if (b->changed_count > BACKUP_FROZEN_MAX)
		return SR_AGAIN;
	error = state_copy(&k->state_file, &k->state, b->frozen);
	b->frozen_len = BACKUP_STATE_LEN;
	for (uint32_t i = 0; error == SR_OK && i < b->changed_count; i++)
		error = backup_freeze_slot(k, &b->changed[i]);
	b->changed_count = 0;
	if (error != SR_OK)
		b->frozen_len = 0;
	return error;
}

void
keyd_take_control_backup_freeze(
    struct keyd *k, const struct message_backup_freeze *m)
{
	uint8_t list[KEYD_SNAPSHOTS_LEN];
	uint8_t bytes[MESSAGE_BACKUP_FROZEN_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct writer snapshots = writer_to(list, sizeof(list));
	struct message_backup_frozen answer = {.snapshots = list};
	struct checkpoint head;

	answer.error = (uint16_t)backup_freeze(k, m->backup);
	if (answer.error == SR_OK) {
		answer.epoch = k->state.log_epoch;
		keyd_count_use(k, BANK_KEY_LOG);
		answer.error = (uint16_t)keyd_head(k, &head, answer.signature);
		answer.size = head.size;
		memcpy(answer.root, head.root, sizeof(answer.root));
		keyd_write_snapshots(k, &snapshots);
		keyd_write_certified(k, answer.certified);
		keyd_write_cut(k, answer.cut);
		answer.snapshots_len = writer_len(&snapshots);
	}
	if (message_backup_frozen_encode(&w, &answer) == SR_OK)
		keyd_answer_control(k, &w);
}

/*
 * A copy becomes the bank only for somebody who shows that its head is the
 * last one: a checkpoint of keyd's own of exactly that size.
 */
static enum sr_error
restore_confirm(struct keyd *k, const struct message_restore_confirm *m)
{
	enum sr_error error;

	if (!k->state.copy)
		return SR_ALREADY;
	error = keyd_compare_head(k, m->size, m->root, m->signature);
	if (error == SR_OK && m->size < k->state.frontier.size)
		error = SR_NOT_FOUND;
	if (error != SR_OK)
		return error;
	k->state.copy = false;
	/* both slots, so that none is a copy any more */
	error = keyd_save(k);
	if (error == SR_OK)
		error = keyd_save(k);
	if (error == SR_OK)
		diag_info("the restored files are the bank from now on");
	return error;
}

void
keyd_take_control_restore_confirm(
    struct keyd *k, const struct message_restore_confirm *m)
{
	uint8_t bytes[MESSAGE_RESTORE_CONFIRMED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_restore_confirmed answer = {0};

	answer.error = (uint16_t)restore_confirm(k, m);
	if (message_restore_confirmed_encode(&w, &answer) == SR_OK)
		keyd_answer_control(k, &w);
}
