/* SPDX-License-Identifier: ISC */
/*
 * Sets of a backup directory: begun, sealed, finished, found again.  Must
 * never touch the newest whole set before the next one is whole.
 */
#include "client/ctl/backup_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directories of a set, and which are synced at its end. */
static const char *const directories[] = {"keyd", "ledger", "ledger/segment",
    "ledger/snapshot", "ledger/public", "audit"};

#define DIRECTORIES (sizeof(directories) / sizeof(directories[0]))

static enum sr_error
failed(const char *path)
{
	int why = errno;

	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(why));
	if (why == ENOSPC || why == EDQUOT)
		return SR_NO_SPACE;
	return why == EACCES || why == EPERM || why == EROFS ? SR_PERMISSION
							     : SR_IO;
}

static enum sr_error
join(const char *directory, const char *name, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/%s", directory, name);

	if (n > 0 && n < PATH_MAX)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s: the path is too long\n", directory);
	return SR_TOO_LARGE;
}

enum sr_error
backup_set_path(
    const struct backup_set *set, const char *name, char out[PATH_MAX])
{
	return join(set->path, name, out);
}

enum sr_error
backup_set_open(const char *directory, bool make, int *fd)
{
	struct stat status;

	*fd = -1;
	if (make && mkdir(directory, 0700) != 0 && errno != EEXIST)
		return failed(directory);
	*fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &status) != 0)
		return failed(directory);
	if ((status.st_mode & 022) != 0 ||
	    (status.st_uid != geteuid() && status.st_uid != 0)) {
		fprintf(stderr,
		    "strongroomctl: %s: others may write to this directory; "
		    "chmod 700 it\n",
		    directory);
		return SR_PERMISSION;
	}
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return SR_OK;
	if (errno != EWOULDBLOCK)
		return failed(directory);
	fprintf(stderr,
	    "strongroomctl: %s: another backup is being made there\n",
	    directory);
	return SR_IN_USE;
}

/* ---- finding ----------------------------------------------------------- */

/* "00000007", and with part "00000007.part". */
static bool
set_number(const char *name, const char *after, uint32_t *number)
{
	*number = 0;
	for (int i = 0; i < 8; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		*number = *number * 10 + (uint32_t)(name[i] - '0');
	}
	return strcmp(name + 8, after) == 0 && *number > 0;
}

static enum sr_error
read_manifest(struct backup_set *set)
{
	char path[PATH_MAX], message[MANIFEST_MESSAGE_MAX], *text = NULL;
	enum sr_error error = backup_set_path(set, "manifest", path);
	size_t len = 0;
	FILE *file;

	if (error != SR_OK)
		return error;
	file = backup_file_read(path);
	if (file == NULL)
		return errno == ENOENT || errno == ENOTDIR ? SR_NOT_FOUND
							   : failed(path);
	text = malloc(MANIFEST_LEN_MAX + 1);
	if (text != NULL)
		len = fread(text, 1, MANIFEST_LEN_MAX + 1, file);
	if (text == NULL)
		error = SR_MEMORY;
	else if (ferror(file))
		error = failed(path);
	else if (len > MANIFEST_LEN_MAX)
		error = SR_DAMAGED;
	else
		error = manifest_decode(text, len, &set->manifest, message);
	fclose(file);
	free(text);
	if (error == SR_DAMAGED || error == SR_VERSION)
		fprintf(stderr, "strongroomctl: %s: %s\n", path,
		    len > MANIFEST_LEN_MAX ? "too long" : message);
	return error;
}

enum sr_error
backup_set_newest(const char *directory, struct backup_set *set)
{
	struct dirent *entry;
	uint32_t number;
	char name[32];
	DIR *list;
	enum sr_error error;

	memset(set, 0, sizeof(*set));
	if (snprintf(set->path, sizeof(set->path), "%s", directory) >= PATH_MAX)
		return SR_TOO_LARGE;
	error = read_manifest(set);
	if (error != SR_NOT_FOUND)
		return error;
	list = opendir(directory);
	if (list == NULL)
		return failed(directory);
	while ((entry = readdir(list)) != NULL)
		if (set_number(entry->d_name, "", &number) &&
		    number > set->number)
			set->number = number;
	closedir(list);
	if (set->number == 0)
		return SR_NOT_FOUND;
	snprintf(name, sizeof(name), "%08" PRIu32, set->number);
	error = join(directory, name, set->path);
	if (error == SR_OK)
		error = read_manifest(set);
	if (error == SR_NOT_FOUND) {
		fprintf(
		    stderr, "strongroomctl: %s has no manifest\n", set->path);
		error = SR_DAMAGED;
	}
	return error;
}

/* ---- making ------------------------------------------------------------ */

/*
 * What a broken-off run has left: closed segments are kept, to be verified
 * with the rest; the last one may have been cut.
 */
static enum sr_error
keep_segments(const struct backup_set *part)
{
	char path[PATH_MAX], last[32] = "", file[PATH_MAX];
	struct dirent *entry;
	DIR *list;

	for (size_t i = 0; i < DIRECTORIES; i++)
		if (strncmp(directories[i], "ledger", 6) != 0 &&
		    backup_set_path(part, directories[i], path) == SR_OK)
			backup_tree_remove(path);
	if (backup_set_path(part, "ledger/snapshot", path) == SR_OK)
		backup_tree_remove(path);
	if (backup_set_path(part, "ledger/public", path) == SR_OK)
		backup_tree_remove(path);
	if (backup_set_path(part, "ledger/segment", path) != SR_OK)
		return SR_TOO_LARGE;
	list = opendir(path);
	if (list == NULL)
		return errno == ENOENT ? SR_OK : failed(path);
	while ((entry = readdir(list)) != NULL) {
		bool whole = strlen(entry->d_name) == 12 &&
			     strcmp(entry->d_name + 8, ".log") == 0;

		if (whole && strcmp(entry->d_name, last) > 0)
			snprintf(last, sizeof(last), "%.12s", entry->d_name);
		else if (!whole && strstr(entry->d_name, ".tmp") != NULL &&
			 join(path, entry->d_name, file) == SR_OK)
			(void)unlink(file);
	}
	closedir(list);
	if (last[0] != '\0' && join(path, last, file) == SR_OK &&
	    unlink(file) != 0)
		return failed(file);
	return SR_OK;
}

enum sr_error
backup_set_begin(
    const char *directory, uint32_t number, struct backup_set *part)
{
	char name[32], path[PATH_MAX];
	enum sr_error error;

	memset(part, 0, sizeof(*part));
	part->number = number;
	snprintf(name, sizeof(name), "%08" PRIu32 ".part", number);
	error = join(directory, name, part->path);
	if (error != SR_OK)
		return error;
	if (mkdir(part->path, 0700) != 0) {
		if (errno != EEXIST)
			return failed(part->path);
		error = keep_segments(part);
	}
	for (size_t i = 0; error == SR_OK && i < DIRECTORIES; i++) {
		error = backup_set_path(part, directories[i], path);
		if (error == SR_OK && mkdir(path, 0700) != 0 && errno != EEXIST)
			error = failed(path);
	}
	return error;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The paths of all files of the part, sorted; of malloc. */
static enum sr_error
list_files(const struct backup_set *part, char (**out)[MANIFEST_PATH_MAX],
    size_t *count)
{
	char path[PATH_MAX], (*names)[MANIFEST_PATH_MAX] = NULL;
	size_t room = 0;

	*count = 0;
	for (size_t i = 0; i <= DIRECTORIES; i++) {
		const char *within = i < DIRECTORIES ? directories[i] : "";
		struct dirent *entry;
		DIR *list;

		if (backup_set_path(part, within, path) != SR_OK ||
		    (list = opendir(path)) == NULL) {
			free(names);
			return failed(path);
		}
		while ((entry = readdir(list)) != NULL) {
			char name[PATH_MAX];

			snprintf(name, sizeof(name), "%s%s%s", within,
			    within[0] != '\0' ? "/" : "", entry->d_name);
			if (!manifest_path_allowed(name))
				continue;
			if (*count == room) {
				void *more;

				room = room * 2 + 64;
				more = realloc(names, room * sizeof(*names));
				if (more == NULL)
					break;
				names = more;
			}
			snprintf(names[(*count)++], MANIFEST_PATH_MAX, "%.63s",
			    name);
		}
		closedir(list);
	}
	if (names != NULL)
		qsort(names, *count, sizeof(*names), by_name);
	*out = names;
	return names != NULL ? SR_OK : SR_MEMORY;
}

static enum sr_error
write_manifest(struct backup_set *part)
{
	char path[PATH_MAX], *text = NULL;
	size_t len = 0;
	int fd;
	enum sr_error error = backup_set_path(part, "manifest", path);

	if (error == SR_OK)
		error = manifest_encode(&part->manifest, &text, &len);
	if (error == SR_OK)
		error = backup_file_begin(path, &fd);
	if (error == SR_OK) {
		error = backup_file_write(path, fd, 0, text, len);
		if (error == SR_OK)
			error = backup_file_finish(path, fd);
		else
			close(fd);
	}
	free(text);
	return error;
}

enum sr_error
backup_set_seal(struct backup_set *part)
{
	char path[PATH_MAX], (*names)[MANIFEST_PATH_MAX] = NULL;
	size_t count;
	enum sr_error error = list_files(part, &names, &count);

	for (size_t i = 0; error == SR_OK && i < count; i++) {
		uint8_t hash[32];
		uint64_t len;

		error = backup_set_path(part, names[i], path);
		if (error == SR_OK)
			error = backup_file_hash(path, &len, hash);
		if (error == SR_OK)
			error =
			    manifest_add(&part->manifest, names[i], len, hash);
	}
	free(names);
	for (size_t i = 0; error == SR_OK && i < DIRECTORIES; i++) {
		error = backup_set_path(part, directories[i], path);
		if (error == SR_OK)
			error = backup_sync_directory(path);
	}
	if (error == SR_OK)
		error = write_manifest(part);
	if (error == SR_OK)
		error = backup_sync_directory(part->path);
	return error;
}

/* Sets before the one before: without a manifest first, so none is half. */
static void
remove_older(const char *directory, uint32_t newest)
{
	char path[PATH_MAX], manifest[PATH_MAX];
	struct dirent *entry;
	DIR *list = opendir(directory);
	uint32_t number, kept = 0;

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL)
		if (set_number(entry->d_name, "", &number) && number < newest &&
		    number > kept)
			kept = number;
	rewinddir(list);
	while ((entry = readdir(list)) != NULL) {
		bool old = set_number(entry->d_name, "", &number) &&
			   number < newest && number != kept;
		bool part = set_number(entry->d_name, ".part", &number);

		if ((!old && !part) ||
		    join(directory, entry->d_name, path) != SR_OK)
			continue;
		if (join(path, "manifest", manifest) == SR_OK)
			(void)unlink(manifest);
		backup_tree_remove(path);
	}
	closedir(list);
}

enum sr_error
backup_set_finish(const char *directory, int fd, struct backup_set *part)
{
	char name[32], path[PATH_MAX];
	enum sr_error error;

	snprintf(name, sizeof(name), "%08" PRIu32, part->number);
	error = join(directory, name, path);
	if (error != SR_OK)
		return error;
	if (rename(part->path, path) != 0 || fsync(fd) != 0)
		return failed(path);
	memcpy(part->path, path, sizeof(part->path));
	remove_older(directory, part->number);
	return SR_OK;
}

void
backup_set_discard(const struct backup_set *part)
{
	backup_tree_remove(part->path);
}

enum sr_error
backup_set_check(const struct backup_set *set)
{
	for (size_t i = 0; i < set->manifest.count; i++) {
		const struct manifest_file *file = &set->manifest.files[i];
		char path[PATH_MAX];
		uint8_t hash[32];
		uint64_t len;
		enum sr_error error = backup_set_path(set, file->path, path);

		if (error == SR_OK)
			error = backup_file_hash(path, &len, hash);
		if (error == SR_NOT_FOUND)
			fprintf(stderr, "strongroomctl: %s is missing\n", path);
		else if (error == SR_OK &&
			 (len != file->len ||
			     memcmp(hash, file->hash, sizeof(hash)) != 0)) {
			fprintf(stderr,
			    "strongroomctl: %s is not as it was written: the "
			    "manifest has another hash\n",
			    path);
			error = SR_DAMAGED;
		}
		if (error != SR_OK)
			return error == SR_NOT_FOUND ? SR_DAMAGED : error;
	}
	return SR_OK;
}
