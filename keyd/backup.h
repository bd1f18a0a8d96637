/* SPDX-License-Identifier: ISC */
#ifndef KEYD_BACKUP_H
#define KEYD_BACKUP_H
/*
 * keyd's part of a backup of the running bank (common/backup.h).
 *
 * Security: nothing leaves that does not lie on keyd's disk, sealed as it is
 * there, but for the flag that marks the state as a copy; the root and the
 * identity are not in keyd's files.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/backup.h"

struct backup_slot {
	uint8_t file; /* enum backup_keyd_file */
	uint32_t slot;
};

struct backup {
	uint32_t number; /* of the present one; 0: none since the start */
	bool overflow;   /* more changed than could be noted */
	uint32_t changed_count;
	struct backup_slot changed[BACKUP_CHANGED_MAX];
	uint32_t frozen_len;
	uint8_t frozen[BACKUP_FROZEN_LEN];
};

/* A slot of a file was written. */
void backup_note(struct backup *b, enum backup_keyd_file file, uint32_t slot);

#endif
