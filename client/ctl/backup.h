/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_BACKUP_H
#define CLIENT_CTL_BACKUP_H
/*
 * What the parts of strongroomctl backup share.  In this order: keyd's files
 * in pieces; its state at a size S with what changed meanwhile; the sealed
 * keys; snapshots, certificates, audit log; the journal, cut at S.
 */
#include <limits.h>

#include "client/ctl/backup_set.h"
#include "client/ctl/ctl.h"
#include "common/buffer.h"
#include "common/entry.h"
#include "common/note.h"
#include "policy/control.h"

enum { BACKUP_TRIES = 8 };

struct ctl_backup {
	struct config config;
	struct bankfile bank;
	const char *directory;
	int control;
	int lock; /* descriptor of the directory */
	bool progress;

	bool has_former;
	struct backup_set former;
	struct backup_set part;

	/* keyd's head at the moment of the backup */
	struct checkpoint head;
	uint32_t epoch;
	uint8_t signature[NOTE_SIGNATURE_LEN];
	unsigned snapshot_count;
	struct entry_snapshot snapshot[2]; /* the newest first */
	struct entry_snapshot certified;   /* number 0: none */
	/* keyd gives no keys of the segments before its own; 0: none */
	struct entry_snapshot cut;

	uint64_t sent;          /* bytes of files that the bank sent */
	uint32_t segments;      /* in this backup */
	uint32_t segments_sent; /* of these, not there from before */
	uint32_t retired;       /* of these, retired: their leaves are here */
};

/*
 * keyd's files, consistent with each other; fills in the head.  SR_BUSY when
 * so much changed in keyd that it is to be begun anew.
 */
enum sr_error ctl_backup_keyd(struct ctl_backup *backup);

/*
 * ledgerd's files up to that head.  SR_BUSY when a snapshot has gone
 * meanwhile, or the audit log was rotated: all of it is to be had anew.
 */
enum sr_error ctl_backup_ledger(struct ctl_backup *backup);

/*
 * A sealed key, which strongroomd hands over, to a path of the part: 0
 * root.sealed, 1 identity.sealed, which may be missing.
 */
enum sr_error ctl_backup_sealed(
    struct ctl_backup *backup, uint8_t file, const char *name);

/* One piece of a file, by the encoded question. */
struct ctl_piece {
	uint64_t len; /* of the file */
	size_t count; /* bytes here */
	uint8_t bytes[CONTROL_PIECE_LEN];
};

/* Asks and decodes; the room's own refusal is the error, without a line. */
enum sr_error ctl_backup_piece(struct ctl_backup *backup,
    enum control_room room, const struct writer *question,
    struct ctl_piece *piece);

/* A whole small file from a room to a path of the part. */
enum sr_error ctl_backup_put(
    struct ctl_backup *backup, const char *name, const void *bytes, size_t len);

/* What is being fetched, on terminals. */
void ctl_backup_progress(const struct ctl_backup *backup, const char *name,
    uint64_t done, uint64_t whole);

#endif
