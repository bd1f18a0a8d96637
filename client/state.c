/* SPDX-License-Identifier: ISC */
/*
 * The client's small memory on disk.  It must never leave a file half
 * written: a signed order that was kept here is what resolves doubt later.
 */
#include "client/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sr_error
state_errno(void)
{
	if (errno == ENOENT)
		return SR_NOT_FOUND;
	return errno == ENOSPC || errno == EDQUOT ? SR_NO_SPACE : SR_IO;
}

/* Makes every directory of the path that is missing. */
static enum sr_error
state_make_directories(const char *path)
{
	char part[STATE_PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return SR_IO;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return state_errno();
	}
	return SR_OK;
}

enum sr_error
state_open(struct state *state, const uint8_t bank_id[32])
{
	const char *base = getenv("XDG_STATE_HOME");
	const char *below = "";
	char hex[17];
	int n;

	for (size_t i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", bank_id[i]);
	if (base == NULL || base[0] != '/') {
		base = getenv("HOME");
		below = "/.local/state";
	}
	if (base == NULL || base[0] != '/') {
		fprintf(stderr, "no directory to remember orders in: set HOME "
				"or XDG_STATE_HOME\n");
		return SR_IO;
	}
	n = snprintf(state->directory, sizeof(state->directory),
	    "%s%s/strongroom/%s", base, below, hex);
	if (n < 0 || (size_t)n >= sizeof(state->directory) ||
	    state_make_directories(state->directory) != SR_OK) {
		fprintf(stderr, "cannot make %s: %s\n", state->directory,
		    strerror(errno));
		return SR_IO;
	}
	return SR_OK;
}

static enum sr_error
state_path(const struct state *state, const char *name, const char *suffix,
    char path[PATH_MAX])
{
	int n =
	    snprintf(path, PATH_MAX, "%s/%s%s", state->directory, name, suffix);

	if (n < 0 || n >= PATH_MAX || strchr(name, '/') != NULL)
		return SR_TOO_LARGE;
	return SR_OK;
}

enum sr_error
state_read(const struct state *state, const char *name, void *out, size_t room,
    size_t *len)
{
	char path[PATH_MAX];
	uint8_t *at = out;
	enum sr_error error = state_path(state, name, "", path);
	int fd;

	*len = 0;
	if (error != SR_OK)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return state_errno();
	for (;;) {
		uint8_t past_end;
		ssize_t n = *len < room ? read(fd, at + *len, room - *len)
					: read(fd, &past_end, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = SR_IO;
		else if (n > 0 && *len == room)
			error = SR_TOO_LARGE;
		if (n <= 0 || error != SR_OK)
			break;
		*len += (size_t)n;
	}
	close(fd);
	return error;
}

static enum sr_error
state_write_all(int fd, const uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return state_errno();
		at += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? SR_OK : state_errno();
}

static enum sr_error
state_sync_directory(const struct state *state)
{
	int fd = open(state->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum sr_error error;

	if (fd < 0)
		return state_errno();
	error = fsync(fd) == 0 ? SR_OK : state_errno();
	close(fd);
	return error;
}

enum sr_error
state_write(
    const struct state *state, const char *name, const void *bytes, size_t len)
{
	char path[PATH_MAX], temporary[PATH_MAX], suffix[32];
	enum sr_error error;
	int fd;

	snprintf(suffix, sizeof(suffix), ".new%ld", (long)getpid());
	error = state_path(state, name, "", path);
	if (error == SR_OK)
		error = state_path(state, name, suffix, temporary);
	if (error != SR_OK)
		return error;
	fd = open(temporary,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return state_errno();
	error = state_write_all(fd, bytes, len);
	if (close(fd) != 0 && error == SR_OK)
		error = state_errno();
	if (error == SR_OK && rename(temporary, path) != 0)
		error = state_errno();
	if (error == SR_OK)
		error = state_sync_directory(state);
	if (error != SR_OK)
		(void)unlink(temporary);
	return error;
}

enum sr_error
state_remove(const struct state *state, const char *name)
{
	char path[PATH_MAX];
	enum sr_error error = state_path(state, name, "", path);

	if (error != SR_OK)
		return error;
	if (unlink(path) != 0)
		return errno == ENOENT ? SR_OK : state_errno();
	return state_sync_directory(state);
}

enum sr_error
state_lock(const struct state *state, const char *name, bool alone, int *fd)
{
	char path[PATH_MAX];
	enum sr_error error = state_path(state, name, "", path);
	int rc;

	*fd = -1;
	if (error != SR_OK)
		return error;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return state_errno();
	do
		rc = flock(*fd, alone ? LOCK_EX | LOCK_NB : LOCK_SH);
	while (rc != 0 && errno == EINTR);
	if (rc == 0)
		return SR_OK;
	error = errno == EWOULDBLOCK ? SR_BUSY : SR_IO;
	close(*fd);
	*fd = -1;
	return error;
}

void
state_complain(const struct state *state, const char *name, const char *what)
{
	fprintf(stderr, "%s/%s: %s\n", state->directory, name, what);
}

enum sr_error
state_each(const struct state *state, const char *prefix,
    enum sr_error (*each)(void *context, const char *name), void *context)
{
	DIR *directory = opendir(state->directory);
	enum sr_error error = SR_OK;
	struct dirent *entry;

	if (directory == NULL)
		return state_errno();
	while (error == SR_OK && (entry = readdir(directory)) != NULL)
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    strstr(entry->d_name, ".new") == NULL)
			error = each(context, entry->d_name);
	closedir(directory);
	return error;
}
