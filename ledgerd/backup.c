/* SPDX-License-Identifier: ISC */
/* Pieces of ledgerd's files for a backup.  Reads only. */
#include <inttypes.h>
#include <stdio.h>

#include "common/backup.h"
#include "common/restore.h"
#include "ledgerd/control.h"
#include "ledgerd/ledgerd.h"
#include "policy/control.h"

static enum sr_error
backup_path(const struct message_backup_ledger_get *m, char path[ENV_PATH_MAX])
{
	switch ((enum backup_ledger_file)m->file) {
	case BACKUP_SEGMENT:
		segments_path(m->number, path);
		return SR_OK;
	case BACKUP_LEAVES:
		segments_leaves_path(m->number, path);
		return SR_OK;
	case BACKUP_SNAPSHOT:
		snprintf(path, ENV_PATH_MAX, "ledger/snapshot/%08" PRIu32,
		    m->number);
		return SR_OK;
	case BACKUP_CERTIFICATES:
		snprintf(path, ENV_PATH_MAX, "ledger/public/certificates");
		return SR_OK;
	case BACKUP_RESTORES:
		snprintf(path, ENV_PATH_MAX, "ledger/" RESTORE_PATH);
		return SR_OK;
	case BACKUP_AUDIT:
		snprintf(path, ENV_PATH_MAX, "audit/audit.log");
		return SR_OK;
	}
	return SR_NOT_FOUND;
}

static enum sr_error
backup_piece(struct ledgerd *ledgerd, const struct message_backup_ledger_get *m,
    uint8_t *piece, size_t *len, uint64_t *whole)
{
	struct env *env = ledgerd->env;
	char path[ENV_PATH_MAX];
	enum sr_error error = backup_path(m, path);
	env_file file;

	*len = 0;
	*whole = 0;
	if (error == SR_OK)
		error = env_open(env, path, ENV_READ, &file);
	if (error != SR_OK)
		return error;
	error = env_size(env, file, whole);
	if (error == SR_OK && m->offset < *whole) {
		*len = CONTROL_PIECE_LEN;
		if (*len > *whole - m->offset)
			*len = (size_t)(*whole - m->offset);
		error = env_read(env, file, m->offset, piece, *len);
	}
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

void
ledgerd_take_control_backup_ledger_get(
    struct ledgerd *ledgerd, const struct message_backup_ledger_get *m)
{
	uint8_t piece[CONTROL_PIECE_LEN], bytes[MESSAGE_BACKUP_PIECE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_backup_piece answer = {.bytes = piece};

	answer.error = (uint16_t)backup_piece(
	    ledgerd, m, piece, &answer.bytes_len, &answer.len);
	if (answer.error != SR_OK)
		answer.bytes_len = 0;
	if (message_backup_piece_encode(&w, &answer) == SR_OK)
		control_answer(ledgerd, &w);
}
