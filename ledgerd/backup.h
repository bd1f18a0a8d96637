/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_BACKUP_H
#define LEDGERD_BACKUP_H
/*
 * ledgerd's part of a backup of the running bank: pieces of its files as they
 * lie on disk, one bounded read a question, and nothing kept between them.
 *
 * That is enough for a consistent copy, because what keyd has signed never
 * changes again: strongroomctl cuts the journal at the COMMIT of the size
 * that keyd has frozen.  The audit log is appended to only, certificates too;
 * a snapshot has its whole content or no name.
 *
 * Security: all of it is sealed or public, but for the audit log.
 */
enum ledgerd_backup_file {
	LEDGERD_BACKUP_SEGMENT = 1,
	LEDGERD_BACKUP_SNAPSHOT = 2,
	LEDGERD_BACKUP_CERTIFICATES = 3,
	LEDGERD_BACKUP_AUDIT = 4,
};

#endif
