/* SPDX-License-Identifier: ISC */
/*
 * keyd's part of a backup.  Its files are written to while they are read; so
 * what changed is read again, until so little is left that keyd can freeze it
 * together with its state.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/backup.h"
#include "common/backup.h"
#include "gen/messages.h"

enum { DRAIN_EACH = 256 }; /* pieces between two questions what changed */

/* keyd's three files, in the order in which they are read. */
struct keyd_copy {
	struct ctl_backup *backup;
	uint32_t number;
	char path[4][PATH_MAX]; /* by enum backup_keyd_file */
	int fd[4];
	uint64_t len[4];
};

static const char *const names[] = {
    [BACKUP_CREDENTIALS] = "keyd/credentials",
    [BACKUP_LIMITS] = "keyd/limits",
    [BACKUP_TERMINALS] = "keyd/terminals",
};

static enum sr_error
ask(struct ctl_backup *backup, const struct writer *question, uint8_t expected,
    uint8_t *packet, const uint8_t **body, size_t *len)
{
	return question->bad
		   ? SR_INTERNAL
		   : control_ask(backup->control, CONTROL_KEYD, question->start,
			 writer_len(question), expected, packet, body, len);
}

static enum sr_error
begin(struct keyd_copy *copy)
{
	uint8_t bytes[64], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_begin question = {0};
	struct message_backup_begun begun;
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_backup_begin_encode(&w, &question);

	if (error == SR_OK)
		error = ask(copy->backup, &w, MESSAGE_BACKUP_BEGUN, packet,
		    &body, &len);
	if (error == SR_OK)
		error = message_backup_begun_decode(body, len, &begun);
	if (error != SR_OK)
		return ctl_failed("keyd", error);
	copy->number = begun.backup;
	copy->len[BACKUP_CREDENTIALS] = begun.credentials;
	copy->len[BACKUP_LIMITS] = begun.limits;
	copy->len[BACKUP_TERMINALS] = begun.terminals;
	return SR_OK;
}

static enum sr_error
piece_of(struct keyd_copy *copy, unsigned file, uint64_t offset,
    struct ctl_piece *piece)
{
	uint8_t bytes[64];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_keyd_get question = {
	    .backup = copy->number, .file = (uint8_t)file, .offset = offset};
	enum sr_error error = message_backup_keyd_get_encode(&w, &question);

	return error == SR_OK
		   ? ctl_backup_piece(copy->backup, CONTROL_KEYD, &w, piece)
		   : error;
}

static size_t
slot_len(unsigned file)
{
	return file == BACKUP_CREDENTIALS ? BACKUP_CREDENTIAL_LEN
					  : BACKUP_TERMINAL_LEN;
}

/* Reads one slot of a file again. */
static enum sr_error
patch(struct keyd_copy *copy, unsigned file, uint32_t slot)
{
	struct ctl_piece piece;
	uint64_t at = slot * (uint64_t)slot_len(file);
	enum sr_error error;

	if (file != BACKUP_CREDENTIALS && file != BACKUP_TERMINALS)
		return SR_MALFORMED;
	error = piece_of(copy, file, at, &piece);
	if (error != SR_OK)
		return error;
	if (piece.count > slot_len(file))
		piece.count = slot_len(file);
	return backup_file_write(
	    copy->path[file], copy->fd[file], at, piece.bytes, piece.count);
}

/* What changed since the last time; how many slots that were to *count. */
static enum sr_error
drain(struct keyd_copy *copy, size_t *count)
{
	uint8_t bytes[64], packet[CONTROL_PACKET_MAX];
	uint8_t list[BACKUP_CHANGED_MAX * BACKUP_CHANGED_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_changed_get question = {.backup = copy->number};
	struct message_backup_changed changed = {0};
	const uint8_t *body;
	struct reader r;
	size_t len;
	enum sr_error error = message_backup_changed_get_encode(&w, &question);

	*count = 0;
	if (error == SR_OK)
		error = ask(copy->backup, &w, MESSAGE_BACKUP_CHANGED, packet,
		    &body, &len);
	if (error == SR_OK)
		error = message_backup_changed_decode(body, len, &changed);
	if (error == SR_OK)
		error = error_of_wire(changed.error);
	if (error == SR_OK && changed.list_len > sizeof(list))
		error = SR_MALFORMED;
	if (error != SR_OK)
		return error;
	memcpy(list, changed.list, changed.list_len);
	r = reader_of(list, changed.list_len);
	while (error == SR_OK && reader_left(&r) > 0) {
		unsigned file = reader_u8(&r);
		uint32_t slot = reader_u32(&r);

		error = r.bad ? SR_MALFORMED : patch(copy, file, slot);
		(*count)++;
	}
	return error;
}

static enum sr_error
stream(struct keyd_copy *copy, unsigned file)
{
	struct ctl_backup *backup = copy->backup;
	struct ctl_piece piece;
	uint64_t at = 0;
	unsigned pieces = 0;
	size_t changed;
	enum sr_error error = SR_OK;

	while (error == SR_OK && at < copy->len[file]) {
		error = piece_of(copy, file, at, &piece);
		if (error == SR_OK && piece.count == 0)
			error = SR_DAMAGED;
		if (error == SR_OK)
			error = backup_file_write(copy->path[file],
			    copy->fd[file], at, piece.bytes, piece.count);
		at += piece.count;
		if (error == SR_OK && ++pieces % DRAIN_EACH == 0) {
			ctl_backup_progress(
			    backup, names[file], at, copy->len[file]);
			error = drain(copy, &changed);
		}
	}
	return error;
}

/* ---- the frozen state -------------------------------------------------- */

static enum sr_error
take_head(struct ctl_backup *backup, const struct message_backup_frozen *m)
{
	struct reader r = reader_of(m->snapshots, m->snapshots_len);
	struct reader certified = reader_of(m->certified, sizeof(m->certified));
	struct reader cut = reader_of(m->cut, sizeof(m->cut));

	note_origin(backup->bank.bank_id, m->epoch, backup->head.origin);
	backup->head.size = m->size;
	memcpy(backup->head.root, m->root, sizeof(m->root));
	memcpy(backup->signature, m->signature, sizeof(m->signature));
	backup->epoch = m->epoch;
	backup->snapshot_count = 0;
	while (reader_left(&r) > 0 && backup->snapshot_count < 2)
		entry_snapshot_read(
		    &r, &backup->snapshot[backup->snapshot_count++]);
	entry_snapshot_read(&certified, &backup->certified);
	entry_snapshot_read(&cut, &backup->cut);
	return reader_end(&r) ? SR_OK : SR_MALFORMED;
}

static enum sr_error
freeze(struct keyd_copy *copy)
{
	uint8_t bytes[64], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_freeze question = {.backup = copy->number};
	struct message_backup_frozen frozen = {0};
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_backup_freeze_encode(&w, &question);

	if (error == SR_OK)
		error = ask(copy->backup, &w, MESSAGE_BACKUP_FROZEN, packet,
		    &body, &len);
	if (error == SR_OK)
		error = message_backup_frozen_decode(body, len, &frozen);
	if (error == SR_OK)
		error = error_of_wire(frozen.error);
	return error == SR_OK ? take_head(copy->backup, &frozen) : error;
}

/* One slot out of what was frozen, into its file. */
static enum sr_error
apply_slot(struct keyd_copy *copy, struct reader *r)
{
	unsigned file = reader_u8(r);
	uint32_t slot;
	const uint8_t *bytes;

	reader_zeros(r, 3);
	slot = reader_u32(r);
	bytes = reader_view(r, BACKUP_CREDENTIAL_LEN);
	if (r->bad || (file != BACKUP_CREDENTIALS && file != BACKUP_TERMINALS))
		return SR_MALFORMED;
	return backup_file_write(copy->path[file], copy->fd[file],
	    slot * (uint64_t)slot_len(file), bytes, slot_len(file));
}

static enum sr_error
apply(struct keyd_copy *copy, const uint8_t *frozen, size_t len)
{
	static uint8_t state[2 * BACKUP_STATE_LEN];
	struct reader r = reader_of(frozen, len);
	enum sr_error error = SR_OK;

	/* The slot's place is its counter's last bit (keyd(8)). */
	memset(state, 0, sizeof(state));
	reader_bytes(&r,
	    state + (len > 8 && frozen[8] % 2 != 0 ? BACKUP_STATE_LEN : 0),
	    BACKUP_STATE_LEN);
	while (error == SR_OK && !r.bad && reader_left(&r) > 0)
		error = apply_slot(copy, &r);
	if (error == SR_OK && r.bad)
		error = SR_MALFORMED;
	return error == SR_OK ? ctl_backup_put(copy->backup, "keyd/state",
				    state, sizeof(state))
			      : error;
}

static enum sr_error
fetch_frozen(struct keyd_copy *copy)
{
	static uint8_t frozen[BACKUP_FROZEN_LEN];
	struct ctl_piece piece = {.len = 1};
	size_t at = 0;
	enum sr_error error = SR_OK;

	while (error == SR_OK && at < piece.len) {
		error = piece_of(copy, BACKUP_FROZEN, at, &piece);
		if (error == SR_OK &&
		    (piece.count == 0 || piece.count > sizeof(frozen) - at))
			error = SR_MALFORMED;
		if (error == SR_OK)
			memcpy(frozen + at, piece.bytes, piece.count);
		at += piece.count;
	}
	return error == SR_OK ? apply(copy, frozen, at) : error;
}

/* Reads again what changes until keyd can freeze the rest. */
static enum sr_error
converge(struct keyd_copy *copy)
{
	enum sr_error error = SR_AGAIN;
	size_t changed;

	for (int i = 0; error == SR_AGAIN && i < BACKUP_TRIES; i++) {
		error = drain(copy, &changed);
		if (error == SR_OK)
			error = freeze(copy);
	}
	if (error == SR_AGAIN)
		error = SR_BUSY;
	return error == SR_OK ? fetch_frozen(copy) : error;
}

enum sr_error
ctl_backup_keyd(struct ctl_backup *backup)
{
	struct keyd_copy copy = {.backup = backup, .fd = {-1, -1, -1, -1}};
	enum sr_error error = begin(&copy);

	for (unsigned i = BACKUP_CREDENTIALS;
	     error == SR_OK && i <= BACKUP_TERMINALS; i++) {
		error = backup_set_path(&backup->part, names[i], copy.path[i]);
		if (error == SR_OK)
			error = backup_file_begin(copy.path[i], &copy.fd[i]);
		if (error == SR_OK)
			error = stream(&copy, i);
	}
	if (error == SR_OK)
		error = converge(&copy);
	for (unsigned i = BACKUP_CREDENTIALS; i <= BACKUP_TERMINALS; i++) {
		if (copy.fd[i] >= 0 && error == SR_OK)
			error = backup_file_finish(copy.path[i], copy.fd[i]);
		else if (copy.fd[i] >= 0)
			close(copy.fd[i]);
	}
	return error;
}
