/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BACKUP_H
#define COMMON_BACKUP_H
/*
 * What travels when a running bank is backed up: strongroomctl asks for files
 * in pieces (messages backup_... in policy/messages.def).
 *
 * ledgerd's files are read as they are, because what keyd has signed never
 * changes again: the journal is cut at the COMMIT of the size that keyd has
 * frozen; the audit log, certificates and restore notes are appended to only; a snapshot
 * has its whole content or no name.
 *
 * keyd's files change while they are read.  keyd notes which slots are
 * written; these are read again, and the last few are frozen with the state:
 *
 *	the state's slot, marked as a copy (keyd/state.h), 4096; then for each
 *	slot that changed: file 1 | zeros 3 | slot 4 | its bytes, zeros up to
 *	2048 (a slot of the credentials has 2048, one of the terminals 64)
 *
 * Limits are not noted: each of their buckets stands for itself.
 */

enum backup_keyd_file {
	BACKUP_CREDENTIALS = 1,
	BACKUP_LIMITS = 2,
	BACKUP_TERMINALS = 3,
	BACKUP_FROZEN = 4,
};

enum backup_ledger_file {
	BACKUP_SEGMENT = 1,
	BACKUP_SNAPSHOT = 2,
	BACKUP_CERTIFICATES = 3,
	BACKUP_AUDIT = 4,
	BACKUP_RESTORES = 5, /* only of a bank that lost something */
	BACKUP_LEAVES = 6,   /* what stays of a retired segment */
};

enum {
	BACKUP_STATE_LEN = 4096,
	BACKUP_CREDENTIAL_LEN = 2048, /* a slot of the credentials */
	BACKUP_TERMINAL_LEN = 64,     /* a slot of the terminals */
	BACKUP_CHANGED_MAX = 1024,    /* slots noted between two questions */
	BACKUP_CHANGED_LEN = 5,       /* one in backup_changed */
	BACKUP_FROZEN_MAX = 48,       /* slots that are frozen at most */
	BACKUP_FROZEN_SLOT_LEN = 8 + BACKUP_CREDENTIAL_LEN,
	BACKUP_FROZEN_LEN =
	    BACKUP_STATE_LEN + BACKUP_FROZEN_MAX * BACKUP_FROZEN_SLOT_LEN,
};

#endif
