/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_MANIFEST_H
#define CLIENT_CTL_MANIFEST_H
/*
 * The manifest of a backup (strongroom-journal(5), "BACKUPS"): which files it
 * has, and of which head of which bank.
 *
 *	strongroom-backup 1
 *	bank HEX            SHA-256 of the identity key
 *	time MS             when the backup was made
 *	epoch N             of the log key
 *	size N              entries
 *	root HEX            of the tree of so many
 *	file HEX LEN PATH   SHA-256, bytes, path in the backup; ascending paths
 *	end HEX             SHA-256 of all lines before
 *
 * It guards against accidents and names what was damaged.  It is not signed:
 * whoever writes a backup anew writes it anew, too; what such a backup is
 * worth is for the bank's keys and the journal's own proofs to say.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	MANIFEST_PATH_MAX = 64, /* with the final NUL */
	MANIFEST_FILES_MAX = 262144,
	MANIFEST_LEN_MAX = 64 * 1024 * 1024,
	MANIFEST_MESSAGE_MAX = 256,
};

struct manifest_file {
	char path[MANIFEST_PATH_MAX];
	uint64_t len;
	uint8_t hash[32];
};

struct manifest {
	uint8_t bank_id[32];
	uint64_t time_ms;
	uint32_t epoch;
	uint64_t size;
	uint8_t root[32];
	struct manifest_file *files; /* of malloc */
	size_t count;
	size_t capacity;
};

/*
 * True for the paths that a backup may have, and no others: so no manifest
 * names a file outside of its directory.
 */
bool manifest_path_allowed(const char *path);

/*
 * The number in a segment's path; false if it is none of a segment.  Segments
 * are numbered from 0; the lowest may be retired ones.
 */
bool manifest_segment(const char *path, uint32_t *number);

/* The same of what stays of a retired segment. */
bool manifest_leaves(const char *path, uint32_t *number);

/* Appends a file; paths must ascend.  SR_PARAMETERS, SR_TOO_LARGE, SR_MEMORY. */
enum sr_error manifest_add(struct manifest *manifest, const char *path,
    uint64_t len, const uint8_t hash[32]);

/* The file of that path, or NULL. */
const struct manifest_file *manifest_find(
    const struct manifest *manifest, const char *path);

/* The highest segment's number; false when there is none but retired ones. */
bool manifest_last_segment(const struct manifest *manifest, uint32_t *number);

/* The text, of malloc, for the caller to free. */
enum sr_error manifest_encode(
    const struct manifest *manifest, char **text, size_t *len);

/*
 * Reads the text strictly: SR_VERSION for a later form, SR_DAMAGED for
 * anything else amiss, with message (MANIFEST_MESSAGE_MAX bytes) saying what.
 * manifest_free() follows, whatever it gave.
 */
enum sr_error manifest_decode(
    const char *text, size_t len, struct manifest *out, char *message);

void manifest_free(struct manifest *manifest);

#endif
