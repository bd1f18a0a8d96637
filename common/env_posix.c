/* SPDX-License-Identifier: ISC */
/*
 * env.h over system calls.  Reports each error once and retries none but an
 * interrupted call: above all never a sync, whose second success would be a
 * lie.
 */
#include "common/env_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/diag.h"

static enum sr_error
error_of_errno(int number)
{
	switch (number) {
	case ENOENT:
		return SR_NOT_FOUND;
	case EEXIST:
	case ENOTEMPTY:
		return SR_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return SR_NO_SPACE;
	case EROFS:
		return SR_READ_ONLY;
	case EACCES:
	case EPERM:
		return SR_PERMISSION;
	case EPIPE:
	case ECONNRESET:
		return SR_CLOSED;
	default:
		return SR_IO;
	}
}

static struct env_posix *
posix_of(struct env *env)
{
	return (struct env_posix *)env;
}

/* Whether what lies there is for everybody to read. */
static bool
is_shared(const struct env_posix *posix, const char *path)
{
	for (size_t i = 0; i < posix->directory_count; i++) {
		const struct env_posix_directory *in = &posix->directories[i];
		size_t len = strlen(in->name);
		size_t more = in->shared != NULL ? strlen(in->shared) : 0;

		if (more > 0 && strncmp(path, in->name, len) == 0 &&
		    path[len] == '/' &&
		    strncmp(path + len + 1, in->shared, more) == 0 &&
		    path[len + 1 + more] == '/')
			return true;
	}
	return false;
}

/* The directory that a path lies in, and the rest of the path. */
static enum sr_error
find_directory(
    struct env_posix *posix, const char *path, int *fd, const char **rest)
{
	for (size_t i = 0; i < posix->directory_count; i++) {
		const char *name = posix->directories[i].name;
		size_t len = strlen(name);

		if (strncmp(path, name, len) != 0)
			continue;
		if (path[len] != '/' && path[len] != '\0')
			continue;
		*fd = posix->directories[i].fd;
		*rest = path[len] == '/' ? path + len + 1 : ".";
		return SR_OK;
	}
	return SR_NOT_FOUND;
}

static bool
is_table_file(const struct env_posix *posix, env_file file)
{
	for (size_t i = 0; i < posix->file_count; i++)
		if (posix->files[i].fd == file)
			return true;
	return false;
}

static int
open_flags(enum env_open how)
{
	/* O_NONBLOCK: opening a pipe that somebody put there waits for nobody;
	 * a file does not care. */
	int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

	switch (how) {
	case ENV_READ:
		return flags | O_RDONLY;
	case ENV_WRITE:
		return flags | O_RDWR;
	case ENV_CREATE:
		return flags | O_RDWR | O_CREAT | O_EXCL;
	case ENV_WRITE_OR_CREATE:
		return flags | O_RDWR | O_CREAT;
	}
	return flags | O_RDONLY;
}

static enum sr_error
posix_open(struct env *env, const char *path, enum env_open how, env_file *out)
{
	struct env_posix *posix = posix_of(env);
	enum sr_error error;
	const char *rest;
	int directory, fd;

	*out = ENV_NO_FILE;
	for (size_t i = 0; i < posix->file_count; i++) {
		if (strcmp(posix->files[i].name, path) != 0)
			continue;
		if (how == ENV_CREATE)
			return SR_EXISTS;
		*out = posix->files[i].fd;
		return SR_OK;
	}
	error = find_directory(posix, path, &directory, &rest);
	if (error != SR_OK)
		return error;
	do
		fd = openat(directory, rest, open_flags(how),
		    is_shared(posix, path) ? 0644 : 0600);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return error_of_errno(errno);
	*out = fd;
	return SR_OK;
}

static enum sr_error
posix_close(struct env *env, env_file file)
{
	if (is_table_file(posix_of(env), file))
		return SR_OK;
	/* After EINTR the descriptor is gone on Linux. */
	if (close(file) != 0 && errno != EINTR)
		return error_of_errno(errno);
	return SR_OK;
}

static enum sr_error
posix_size(struct env *env, env_file file, uint64_t *out)
{
	off_t end = lseek(file, 0, SEEK_END);

	(void)env;
	*out = 0;
	if (end < 0)
		return error_of_errno(errno);
	*out = (uint64_t)end;
	return SR_OK;
}

static enum sr_error
posix_read(
    struct env *env, env_file file, uint64_t offset, void *out, size_t len)
{
	uint8_t *at = out;

	(void)env;
	while (len > 0) {
		ssize_t got = pread(file, at, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_of_errno(errno);
		if (got == 0)
			return SR_DAMAGED;
		at += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return SR_OK;
}

static enum sr_error
posix_write(struct env *env, env_file file, uint64_t offset, const void *bytes,
    size_t len)
{
	const uint8_t *at = bytes;

	(void)env;
	while (len > 0) {
		ssize_t put = pwrite(file, at, len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_of_errno(errno);
		if (put == 0)
			return SR_IO;
		at += put;
		offset += (uint64_t)put;
		len -= (size_t)put;
	}
	return SR_OK;
}

static enum sr_error
posix_truncate(struct env *env, env_file file, uint64_t len)
{
	(void)env;
	if (ftruncate(file, (off_t)len) != 0)
		return error_of_errno(errno);
	return SR_OK;
}

static enum sr_error
posix_space(struct env *env, env_file file, struct env_space *out)
{
	struct statvfs left;

	(void)env;
	memset(out, 0, sizeof(*out));
	if (fstatvfs(file, &left) != 0)
		return error_of_errno(errno);
	out->read_only = (left.f_flag & ST_RDONLY) != 0;
	if (__builtin_mul_overflow(
		(uint64_t)left.f_bavail, (uint64_t)left.f_frsize, &out->free))
		out->free = UINT64_MAX;
	return SR_OK;
}

static enum sr_error
posix_sync(struct env *env, env_file file)
{
	(void)env;
	if (fdatasync(file) != 0)
		return error_of_errno(errno);
	return SR_OK;
}

static enum sr_error
posix_rename(struct env *env, const char *from, const char *to)
{
	struct env_posix *posix = posix_of(env);
	int from_directory, to_directory;
	const char *from_rest, *to_rest;
	enum sr_error error;

	error = find_directory(posix, from, &from_directory, &from_rest);
	if (error == SR_OK)
		error = find_directory(posix, to, &to_directory, &to_rest);
	if (error != SR_OK)
		return error;
	if (renameat(from_directory, from_rest, to_directory, to_rest) != 0)
		return error_of_errno(errno);
	return SR_OK;
}

static enum sr_error
remove_at(struct env *env, const char *path, int flags)
{
	enum sr_error error;
	const char *rest;
	int directory;

	error = find_directory(posix_of(env), path, &directory, &rest);
	if (error != SR_OK)
		return error;
	if (unlinkat(directory, rest, flags) != 0)
		return error_of_errno(errno);
	return SR_OK;
}

static enum sr_error
posix_remove(struct env *env, const char *path)
{
	return remove_at(env, path, 0);
}

static enum sr_error
posix_remove_directory(struct env *env, const char *path)
{
	return remove_at(env, path, AT_REMOVEDIR);
}

static enum sr_error
posix_make_directory(struct env *env, const char *path)
{
	enum sr_error error;
	const char *rest;
	int directory;

	error = find_directory(posix_of(env), path, &directory, &rest);
	if (error != SR_OK)
		return error;
	if (mkdirat(directory, rest,
		is_shared(posix_of(env), path) ? 0755 : 0700) != 0)
		return error_of_errno(errno);
	return SR_OK;
}

static enum sr_error
posix_sync_directory(struct env *env, const char *path)
{
	enum sr_error error;
	const char *rest;
	int directory, fd;

	error = find_directory(posix_of(env), path, &directory, &rest);
	if (error != SR_OK)
		return error;
	fd = openat(
	    directory, rest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_of_errno(errno);
	if (fsync(fd) != 0)
		error = error_of_errno(errno);
	if (close(fd) != 0 && error == SR_OK)
		error = error_of_errno(errno);
	return error;
}

static uint64_t
clock_us(clockid_t which)
{
	struct timespec now;

	if (clock_gettime(which, &now) != 0)
		diag_fatal("the clock cannot be read");
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t
posix_clock_ms(struct env *env)
{
	(void)env;
	return clock_us(CLOCK_REALTIME) / 1000;
}

static uint64_t
posix_boot_us(struct env *env)
{
	(void)env;
	return clock_us(CLOCK_BOOTTIME);
}

static void
posix_random(struct env *env, void *out, size_t len)
{
	uint8_t *at = out;

	(void)env;
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			diag_fatal("there is no randomness");
		at += got;
		len -= (size_t)got;
	}
}

/* One link and one kind of event: ready, SR_AGAIN or an error. */
static enum sr_error
poll_one(int fd, short events, int timeout_ms)
{
	struct pollfd ask = {.fd = fd, .events = events};
	int found;

	if (fd < 0)
		return SR_CLOSED;
	do
		found = poll(&ask, 1, timeout_ms);
	while (found < 0 && errno == EINTR);
	if (found < 0 || (ask.revents & POLLNVAL) != 0)
		return SR_IO;
	/* POLLHUP and POLLERR: the call that follows tells what happened. */
	return found == 0 ? SR_AGAIN : SR_OK;
}

/* An empty packet reads like an end; only the end is a hang-up, too. */
static bool
hung_up(int fd)
{
	struct pollfd ask = {.fd = fd, .events = POLLRDHUP};

	return poll(&ask, 1, 0) != 0;
}

static enum sr_error
posix_send(struct env *env, enum env_link link, const void *packet, size_t len)
{
	int fd = posix_of(env)->links[link];
	enum sr_error error;
	ssize_t put;

	/* An empty packet would look like the end of the link. */
	if (len == 0 || len > IPC_PACKET_MAX)
		return SR_TOO_LARGE;
	error = poll_one(fd, POLLOUT, 0);
	if (error != SR_OK)
		return error;
	do
		put = write(fd, packet, len);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return error_of_errno(errno);
	return (size_t)put == len ? SR_OK : SR_IO;
}

static enum sr_error
posix_receive(struct env *env, enum env_link link, bool wait, void *packet,
    size_t room, size_t *len)
{
	struct env_posix *posix = posix_of(env);
	enum sr_error error;

	*len = 0;
	error = poll_one(posix->links[link], POLLIN, wait ? -1 : 0);
	if (error != SR_OK)
		return error;
	error = ipc_read(posix->links[link], &posix->packet);
	if (error == SR_CLOSED && !hung_up(posix->links[link]))
		return SR_TOO_LARGE;
	if (error == SR_OK && posix->packet.len > room)
		error = SR_TOO_LARGE;
	if (error == SR_OK) {
		memcpy(packet, posix->packet.bytes, posix->packet.len);
		*len = posix->packet.len;
	}
	explicit_bzero(posix->packet.bytes, posix->packet.len);
	return error;
}

static enum sr_error
posix_wait(struct env *env, unsigned read_links, unsigned write_links,
    int timeout_ms, unsigned *readable, unsigned *writable)
{
	struct env_posix *posix = posix_of(env);
	struct pollfd asks[ENV_LINK_COUNT];
	int found;

	*readable = 0;
	*writable = 0;
	for (unsigned i = 0; i < ENV_LINK_COUNT; i++) {
		short events = 0;

		if ((read_links & 1U << i) != 0)
			events |= POLLIN;
		if ((write_links & 1U << i) != 0)
			events |= POLLOUT;
		/* A hang-up is told unasked: leave out what nobody asks for. */
		asks[i].fd = events != 0 ? posix->links[i] : -1;
		asks[i].events = events;
		asks[i].revents = 0;
	}
	found = poll(asks, ENV_LINK_COUNT, timeout_ms);
	if (found < 0 && errno == EINTR)
		return SR_OK;
	if (found < 0)
		return error_of_errno(errno);
	for (unsigned i = 0; i < ENV_LINK_COUNT; i++) {
		short told = asks[i].revents;

		if ((told & POLLNVAL) != 0)
			return SR_IO;
		if ((told & (POLLIN | POLLHUP | POLLERR)) != 0)
			*readable |= read_links & 1U << i;
		if ((told & (POLLOUT | POLLHUP | POLLERR)) != 0)
			*writable |= write_links & 1U << i;
	}
	return SR_OK;
}

static const struct env_ops posix_ops = {
    .open = posix_open,
    .close = posix_close,
    .size = posix_size,
    .read = posix_read,
    .write = posix_write,
    .truncate = posix_truncate,
    .space = posix_space,
    .sync = posix_sync,
    .rename = posix_rename,
    .remove = posix_remove,
    .make_directory = posix_make_directory,
    .remove_directory = posix_remove_directory,
    .sync_directory = posix_sync_directory,
    .clock_ms = posix_clock_ms,
    .boot_us = posix_boot_us,
    .random = posix_random,
    .send = posix_send,
    .receive = posix_receive,
    .wait = posix_wait,
};

void
env_posix_init(struct env_posix *posix)
{
	memset(posix, 0, sizeof(*posix));
	posix->env.ops = &posix_ops;
	for (unsigned i = 0; i < ENV_LINK_COUNT; i++)
		posix->links[i] = -1;
}

void
env_posix_link(struct env_posix *posix, enum env_link link, int fd)
{
	posix->links[link] = fd;
}

void
env_posix_files(
    struct env_posix *posix, const struct env_posix_file *files, size_t count)
{
	posix->files = files;
	posix->file_count = count;
}

void
env_posix_directories(struct env_posix *posix,
    const struct env_posix_directory *directories, size_t count)
{
	posix->directories = directories;
	posix->directory_count = count;
}
