/* SPDX-License-Identifier: ISC */
#ifndef KEYD_BACKUP_H
#define KEYD_BACKUP_H
/*
 * keyd's part of a backup of the running bank.  strongroomctl reads the files
 * in pieces, as they lie on disk; meanwhile keyd notes which slots are written.
 * These are read again, and the last few are frozen together with the state:
 * so the copy holds the credentials that the state's digest is of, and the
 * state is that of one moment, of which size the journal is cut to.
 *
 * What is frozen: the state's slot, marked as a copy (keyd/state.h), 4096
 * bytes; then for each slot that changed: file 1 | zeros 3 | slot 4 | its
 * bytes (2048 of the credentials; of the terminals 64 and zeros).
 *
 * Limits are not noted: each bucket of theirs stands for itself.
 *
 * Security: nothing leaves that does not lie on keyd's disk, sealed as it is
 * there; the root and the identity are not in keyd's files.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "keyd/credentials.h"
#include "keyd/state.h"

enum backup_file {
	BACKUP_CREDENTIALS = 1,
	BACKUP_LIMITS = 2,
	BACKUP_TERMINALS = 3,
	BACKUP_FROZEN = 4,
};

enum {
	BACKUP_CHANGED_MAX = 1024, /* slots between two questions */
	BACKUP_CHANGED_LEN = 5,    /* of one in the answer */
	BACKUP_FROZEN_MAX = 48,    /* slots that are frozen at most */
	BACKUP_FROZEN_SLOT_LEN = 8 + CREDENTIAL_CUSTOMER_LEN,
	BACKUP_FROZEN_LEN =
	    STATE_SLOT_LEN + BACKUP_FROZEN_MAX * BACKUP_FROZEN_SLOT_LEN,
};

struct backup_slot {
	uint8_t file; /* enum backup_file */
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
void backup_note(struct backup *b, enum backup_file file, uint32_t slot);

#endif
