/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_BACKUP_SET_H
#define CLIENT_CTL_BACKUP_SET_H
/*
 * The directory of a bank's backups.  Each backup is a set of its own, a
 * directory with a number:
 *
 *	DIR/00000007/manifest, bank.id, strongroom.conf
 *	DIR/00000007/keyd/...  ledger/...  audit/...
 *	DIR/00000008.part      one that is being made, or was broken off
 *
 * A set gets its number by a rename when everything in it is on disk and has
 * been verified; the one before is not touched until then.  Segments that two
 * sets have in common are one file with two names where the file system can
 * do that, else a copy.
 *
 * All functions say on stderr what went wrong and with which file.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/ctl/manifest.h"
#include "common/error.h"

struct backup_set {
	char path[PATH_MAX]; /* of the set or of its .part */
	uint32_t number;
	struct manifest manifest;
};

/*
 * Opens DIR, which is made (0700) when `make', and locks it: SR_IN_USE when
 * another backup is made in it.  SR_PERMISSION when others may write to it.
 * The descriptor is the caller's.
 */
enum sr_error backup_set_open(const char *directory, bool make, int *fd);

/*
 * The newest set of DIR that has a manifest, or DIR itself when that is a set.
 * SR_NOT_FOUND when there is none (no line then), SR_DAMAGED when its
 * manifest cannot be believed.
 */
enum sr_error backup_set_newest(const char *directory, struct backup_set *set);

/*
 * The part of the next set: made, or, when it was broken off before, rid of
 * all but the segments that were complete.
 */
enum sr_error backup_set_begin(
    const char *directory, uint32_t number, struct backup_set *part);

/*
 * Reads all files of the set again into its manifest's list, writes the
 * manifest and makes all of it durable.
 */
enum sr_error backup_set_seal(struct backup_set *part);

/* Gives the part its number, durable; removes all older sets but one. */
enum sr_error backup_set_finish(
    const char *directory, int fd, struct backup_set *part);

/* Removes a part that did not verify. */
void backup_set_discard(const struct backup_set *part);

/* Whether every file of the set has the bytes that its manifest says. */
enum sr_error backup_set_check(const struct backup_set *set);

/* The path of a file of the set. */
enum sr_error backup_set_path(
    const struct backup_set *set, const char *name, char out[PATH_MAX]);

/* SHA-256 and length of a regular file; SR_NOT_FOUND without a line. */
enum sr_error backup_file_hash(
    const char *path, uint64_t *len, uint8_t hash[32]);

/* A regular file to be read, else NULL and errno: nothing to wait for. */
FILE *backup_file_read(const char *path);

/*
 * A new file beside its later name (path.tmp), mode 0600, open for reading and
 * writing; backup_file_finish() makes it durable and renames it, and closes it
 * in any case.
 */
enum sr_error backup_file_begin(const char *path, int *fd);
enum sr_error backup_file_finish(const char *path, int fd);

/* Writes at an offset. */
enum sr_error backup_file_write(
    const char *path, int fd, uint64_t offset, const void *bytes, size_t len);

/* Copies a regular file to a new name, durable; no second name is made. */
enum sr_error backup_file_copy(const char *from, const char *to);

/* Removes a tree; what cannot be removed stays. */
void backup_tree_remove(const char *path);

/* fsync of a directory. */
enum sr_error backup_sync_directory(const char *path);

/* The same of the one that a file's name stands in. */
enum sr_error backup_sync_parent(const char *path);

#endif
