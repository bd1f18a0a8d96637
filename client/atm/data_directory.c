/* SPDX-License-Identifier: ISC */
/*
 * Building a directory beside its place.  Must never touch what is there, nor
 * leave a part of it under its name.
 */
#include "client/atm/data_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

/* Says what errno says of a path, or of a file in it. */
static enum sr_error
failed(const char *path, const char *name)
{
	int why = errno;

	fprintf(stderr, "%s%s%s: %s\n", path, name != NULL ? "/" : "",
	    name != NULL ? name : "", strerror(why));
	switch (why) {
	case EEXIST:
	case ENOTEMPTY:
		return SR_EXISTS;
	case ENOSPC:
	case EDQUOT:
		return SR_NO_SPACE;
	case EROFS:
		return SR_READ_ONLY;
	case EACCES:
	case EPERM:
		return SR_PERMISSION;
	default:
		return SR_IO;
	}
}

enum sr_error
data_directory_begin(struct data_directory *directory, const char *path)
{
	size_t len = strlen(path);
	struct stat there;
	int n;

	directory->fd = -1;
	while (len > 1 && path[len - 1] == '/')
		len--;
	n = snprintf(
	    directory->path, sizeof(directory->path), "%.*s", (int)len, path);
	if (n <= 0 || (size_t)n >= sizeof(directory->path) ||
	    snprintf(directory->building, sizeof(directory->building),
		"%s.incomplete-XXXXXX",
		directory->path) >= (int)sizeof(directory->building)) {
		errno = n <= 0 ? ENOENT : ENAMETOOLONG;
		return failed(path, NULL);
	}
	if (lstat(directory->path, &there) == 0) {
		errno = EEXIST;
		return failed(directory->path, NULL);
	}
	if (errno != ENOENT || mkdtemp(directory->building) == NULL)
		return failed(directory->path, NULL);
	directory->fd = open(directory->building,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory->fd < 0) {
		enum sr_error error = failed(directory->building, NULL);

		(void)rmdir(directory->building);
		return error;
	}
	return SR_OK;
}

/* The whole of a file, durably. */
static bool
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static enum sr_error
put_bytes(struct data_directory *directory, const char *name, const char *bytes,
    size_t len)
{
	int fd = openat(directory->fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write_all(fd, bytes, len);
	int why = errno;

	if (fd >= 0 && close(fd) != 0 && good) {
		good = false;
		why = errno;
	}
	errno = why;
	return good ? SR_OK : failed(directory->building, name);
}

enum sr_error
data_directory_put(struct data_directory *directory, const char *name,
    enum sr_error (*write)(void *context, FILE *out), void *context,
    struct data_file *file)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);
	enum sr_error error = SR_MEMORY;
	bool good;

	if (out != NULL) {
		error = write(context, out);
		good = ferror(out) == 0;
		good = fclose(out) == 0 && good;
		if (error == SR_OK && !good)
			error = SR_MEMORY;
	}
	if (error == SR_MEMORY)
		fprintf(stderr, "%s/%s: %s\n", directory->path, name,
		    error_sentence(error));
	if (error == SR_OK)
		error = put_bytes(directory, name, bytes, len);
	if (error == SR_OK) {
		snprintf(file->name, sizeof(file->name), "%s", name);
		file->len = len;
		crypto_hash_sha256(file->sha256, (unsigned char *)bytes, len);
	}
	free(bytes);
	return error;
}

/* Renames, where nothing may be. */
static bool
move_into_place(const struct data_directory *directory)
{
	struct stat there;

	if (renameat2(AT_FDCWD, directory->building, AT_FDCWD, directory->path,
		RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	/* a file system that cannot tell: look, then rename */
	if (lstat(directory->path, &there) == 0) {
		errno = EEXIST;
		return false;
	}
	return errno == ENOENT &&
	       rename(directory->building, directory->path) == 0;
}

/* Makes the new name durable. */
static bool
sync_parent(const char *path)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	bool good;
	int fd;

	snprintf(parent, sizeof(parent), "%.*s",
	    slash == NULL   ? 1
	    : slash == path ? 1
			    : (int)(slash - path),
	    slash == NULL ? "." : path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return true; /* one may write there and not read */
	good = fsync(fd) == 0;
	close(fd);
	return good;
}

enum sr_error
data_directory_publish(struct data_directory *directory)
{
	if (fsync(directory->fd) != 0)
		return failed(directory->building, NULL);
	if (!move_into_place(directory))
		return failed(directory->path, NULL);
	close(directory->fd);
	directory->fd = -1;
	return sync_parent(directory->path) ? SR_OK
					    : failed(directory->path, NULL);
}

void
data_directory_leave(struct data_directory *directory)
{
	if (directory->fd >= 0)
		close(directory->fd);
	directory->fd = -1;
}

void
data_directory_discard(struct data_directory *directory)
{
	struct dirent *entry;
	DIR *listing;

	if (directory->fd < 0)
		return;
	listing = fdopendir(directory->fd);
	while (listing != NULL && (entry = readdir(listing)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(listing), entry->d_name, 0);
	if (listing != NULL)
		closedir(listing);
	else
		close(directory->fd);
	directory->fd = -1;
	if (rmdir(directory->building) != 0)
		(void)failed(directory->building, NULL);
}
