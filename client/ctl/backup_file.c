/* SPDX-License-Identifier: ISC */
/*
 * Single files of a backup: written beside their later name, durable before
 * they have it.  Follows no link and reads regular files only.
 */
#include "client/ctl/backup_set.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { COPY_LEN = 256 * 1024 };

static enum sr_error
failed(const char *path)
{
	int why = errno;

	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(why));
	switch (why) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return SR_NO_SPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return SR_PERMISSION;
	default:
		return SR_IO;
	}
}

static enum sr_error
temporary(const char *path, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s.tmp", path);

	return n > 0 && n < PATH_MAX ? SR_OK : SR_TOO_LARGE;
}

enum sr_error
backup_file_begin(const char *path, int *fd)
{
	char name[PATH_MAX];
	enum sr_error error = temporary(path, name);

	*fd = -1;
	if (error != SR_OK)
		return error;
	if (unlink(name) != 0 && errno != ENOENT)
		return failed(name);
	*fd = open(
	    name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *fd >= 0 ? SR_OK : failed(name);
}

enum sr_error
backup_file_write(
    const char *path, int fd, uint64_t offset, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return failed(path);
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return SR_OK;
}

enum sr_error
backup_file_finish(const char *path, int fd)
{
	char name[PATH_MAX];
	enum sr_error error = temporary(path, name);

	if (error == SR_OK && fsync(fd) != 0)
		error = failed(path);
	if (close(fd) != 0 && error == SR_OK)
		error = failed(path);
	if (error == SR_OK && rename(name, path) != 0)
		error = failed(path);
	return error;
}

static enum sr_error
open_regular(const char *path, int *fd)
{
	struct stat status;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd < 0 && errno == ENOENT)
		return SR_NOT_FOUND;
	if (*fd < 0)
		return failed(path);
	if (fstat(*fd, &status) == 0 && S_ISREG(status.st_mode))
		return SR_OK;
	close(*fd);
	fprintf(stderr, "strongroomctl: %s: not a file\n", path);
	return SR_DAMAGED;
}

FILE *
backup_file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;
	FILE *file;

	if (fd < 0)
		return NULL;
	errno = EINVAL;
	file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
		   ? fdopen(fd, "r")
		   : NULL;
	if (file == NULL)
		close(fd);
	return file;
}

/* Reads on; 0 at the end, -1 after a line. */
static ssize_t
read_on(const char *path, int fd, uint8_t *bytes, size_t room)
{
	ssize_t n;

	do
		n = read(fd, bytes, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		(void)failed(path);
	return n;
}

enum sr_error
backup_file_hash(const char *path, uint64_t *len, uint8_t hash[32])
{
	static uint8_t bytes[COPY_LEN];
	crypto_hash_sha256_state state;
	ssize_t n;
	int fd;
	enum sr_error error = open_regular(path, &fd);

	*len = 0;
	if (error != SR_OK)
		return error;
	crypto_hash_sha256_init(&state);
	while ((n = read_on(path, fd, bytes, sizeof(bytes))) > 0) {
		crypto_hash_sha256_update(&state, bytes, (size_t)n);
		*len += (uint64_t)n;
	}
	crypto_hash_sha256_final(&state, hash);
	close(fd);
	return n == 0 ? SR_OK : SR_IO;
}

enum sr_error
backup_file_copy(const char *from, const char *to)
{
	static uint8_t bytes[COPY_LEN];
	uint64_t at = 0;
	ssize_t n = 0;
	int in, out = -1;
	enum sr_error error = open_regular(from, &in);

	if (error != SR_OK)
		return error;
	error = backup_file_begin(to, &out);
	while (error == SR_OK &&
	       (n = read_on(from, in, bytes, sizeof(bytes))) > 0) {
		error = backup_file_write(to, out, at, bytes, (size_t)n);
		at += (uint64_t)n;
	}
	if (n < 0)
		error = SR_IO;
	close(in);
	if (error == SR_OK)
		return backup_file_finish(to, out);
	if (out >= 0)
		close(out);
	return error;
}

static int
remove_one(
    const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	(void)remove(path);
	return 0;
}

void
backup_tree_remove(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

enum sr_error
backup_sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum sr_error error = SR_OK;

	if (fd < 0)
		return failed(path);
	if (fsync(fd) != 0)
		error = failed(path);
	close(fd);
	return error;
}

enum sr_error
backup_sync_parent(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return SR_TOO_LARGE;
	return backup_sync_directory(dirname(copy));
}
