/* SPDX-License-Identifier: ISC */
/*
 * The bank's files: found, checked and opened before any room runs.  Nothing
 * is read from them here.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/strongroomd.h"

#define LOCK_WAIT_MS 2000
#define LOCK_LOOK_MS 5

static enum sr_error
error_of_open(void)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return SR_PERMISSION;
	case ENOENT:
		return SR_NOT_FOUND;
	case EEXIST:
		return SR_EXISTS;
	case ENOSPC:
		return SR_NO_SPACE;
	default:
		return SR_IO;
	}
}

static enum sr_error
open_path(const char *path, int flags, int *fd)
{
	enum sr_error error;

	*fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd >= 0)
		return SR_OK;
	error = error_of_open();
	diag_error("%s: %s", path, strerror(errno));
	return error;
}

static enum sr_error
open_in(struct monitor *monitor, const char *name, int flags, int *fd)
{
	char path[CONFIG_PATH_MAX];

	*fd = -1;
	if (config_path(&monitor->config, name, path) != SR_OK) {
		diag_error("the path of %s is too long", name);
		return SR_CONFIG;
	}
	return open_path(path, flags, fd);
}

/*
 * Once strongroomd has dropped what it does not need, root may no more write
 * what belongs to keyd's user: such a file is opened as that user.
 */
static int
open_as_keyd(struct monitor *monitor, const char *name, int flags)
{
	const struct monitor_room *keyd = &monitor->rooms[ROOM_KEYD];
	char path[CONFIG_PATH_MAX];
	int directory, fd, reason;

	if (config_path(&monitor->config, "keyd", path) != SR_OK)
		return -1;
	directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -1;
	(void)setfsgid(keyd->gid);
	(void)setfsuid(keyd->uid);
	fd = openat(
	    directory, strchr(name, '/') + 1, flags | O_CLOEXEC | O_NOFOLLOW);
	reason = errno;
	(void)setfsuid(0);
	(void)setfsgid(0);
	close(directory);
	errno = reason;
	return fd;
}

/*
 * A file in keyd's directory.  Whoever runs as keyd's user may put anything
 * there under any name: root must not follow a link out of it, of either
 * kind, nor wait for a pipe.
 */
static enum sr_error
open_file(struct monitor *monitor, const char *name, int flags, int *fd)
{
	char path[CONFIG_PATH_MAX];
	enum sr_error error = SR_OK;
	struct stat status;

	if (geteuid() == 0 && monitor->announced &&
	    config_path(&monitor->config, name, path) == SR_OK &&
	    lstat(path, &status) == 0 && status.st_uid != 0)
		*fd = open_as_keyd(monitor, name, flags | O_NONBLOCK);
	else
		error = open_in(monitor, name, flags | O_NONBLOCK, fd);
	if (error == SR_OK && *fd < 0) {
		error = error_of_open();
		diag_error("%s: %s", path, strerror(errno));
	}
	if (error != SR_OK)
		return error;
	if (fstat(*fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_nlink == 1)
		return SR_OK;
	diag_error("%s/%s: not a file, or it has a second name elsewhere",
	    monitor->config.directory, name);
	close(*fd);
	*fd = -1;
	return SR_PERMISSION;
}

static enum sr_error
resolve_user(const char *room, const char *text, struct monitor_room *out)
{
	const struct passwd *entry;
	uint64_t number;

	if (config_number(text, strlen(text), &number)) {
		if (number == 0 || number >= UINT32_MAX) {
			diag_error("[sandbox] user-%s: %s is no user's number",
			    room, text);
			return SR_CONFIG;
		}
		entry = getpwuid((uid_t)number);
		out->uid = (uid_t)number;
		out->gid = entry != NULL ? entry->pw_gid : (gid_t)number;
	} else {
		entry = getpwnam(text);
		if (entry == NULL) {
			diag_error("[sandbox] user-%s: there is no user %s; "
				   "create it, or set user-keyd, user-netd and "
				   "user-ledgerd in strongroom.conf to other "
				   "users or numbers",
			    room, text);
			return SR_CONFIG;
		}
		out->uid = entry->pw_uid;
		out->gid = entry->pw_gid;
	}
	if (out->uid != 0 && out->gid != 0)
		return SR_OK;
	diag_error("[sandbox] user-%s: a room must not be root", room);
	return SR_CONFIG;
}

enum sr_error
monitor_users(struct monitor *monitor)
{
	const char *const texts[] = {
	    [ROOM_KEYD] = monitor->config.user_keyd,
	    [ROOM_NETD] = monitor->config.user_netd,
	    [ROOM_LEDGERD] = monitor->config.user_ledgerd,
	};
	struct monitor_room *rooms = monitor->rooms;

	if (geteuid() != 0)
		return SR_OK;
	for (int i = 0; i < MONITOR_ROOMS; i++) {
		enum sr_error error = resolve_user(
		    monitor_room_name((enum room_name)i), texts[i], &rooms[i]);

		if (error != SR_OK)
			return error;
	}
	if (rooms[0].uid != rooms[1].uid && rooms[1].uid != rooms[2].uid &&
	    rooms[0].uid != rooms[2].uid)
		return SR_OK;
	diag_error("[sandbox] user-keyd, user-netd and user-ledgerd must be "
		   "three different users");
	return SR_CONFIG;
}

enum sr_error
monitor_lock(struct monitor *monitor)
{
	const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
	char path[CONFIG_PATH_MAX];
	enum sr_error error;

	if (config_path(&monitor->config, "run", path) != SR_OK)
		return SR_CONFIG;
	if ((mkdir(path, 0755) != 0 || chmod(path, 0755) != 0) &&
	    errno != EEXIST) {
		diag_error("%s: %s", path, strerror(errno));
		return error_of_open();
	}
	error = open_in(monitor, "run/lock", O_RDWR | O_CREAT, &monitor->lock);
	if (error != SR_OK)
		return error;
	/* The rooms of a killed strongroomd need a moment to end. */
	for (int waited = 0;; waited += LOCK_LOOK_MS) {
		if (flock(monitor->lock, LOCK_EX | LOCK_NB) == 0)
			return SR_OK;
		if (errno != EWOULDBLOCK && errno != EINTR) {
			diag_error("%s/lock: %s", path, strerror(errno));
			return SR_IO;
		}
		if (waited >= LOCK_WAIT_MS)
			break;
		(void)nanosleep(&pause, NULL);
	}
	diag_error(
	    "%s: another strongroomd already runs on this data; stop it first",
	    monitor->config.directory);
	return SR_IN_USE;
}

static enum sr_error
open_passphrase(struct monitor *monitor, int *fd)
{
	const char *path = monitor->config.passphrase_file;
	struct stat status;

	/* It may be a link, of the administrator's own making. */
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &status) != 0) {
		diag_error(
		    "[unlock] passphrase-file %s: %s", path, strerror(errno));
		return SR_CONFIG;
	}
	if (S_ISREG(status.st_mode) && (status.st_mode & 077) == 0)
		return SR_OK;
	diag_error("[unlock] passphrase-file %s: it must be a file that only "
		   "its owner can read; chmod 600 it",
	    path);
	return SR_PERMISSION;
}

enum sr_error
monitor_open_unlock(struct monitor *monitor, int *fds)
{
	int flags = monitor->init ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY;
	enum sr_error error;

	if (monitor->passphrase >= 0) {
		fds[FD_UNLOCK_PASSPHRASE] = monitor->passphrase;
		monitor->passphrase = -1;
		error = SR_OK;
	} else {
		error = open_passphrase(monitor, &fds[FD_UNLOCK_PASSPHRASE]);
	}
	if (error == SR_OK)
		error = open_file(
		    monitor, "keyd/root.sealed", flags, &fds[FD_UNLOCK_ROOT]);
	if (error == SR_OK &&
	    (monitor->init || monitor->certify || monitor->loss))
		error = open_file(monitor, "keyd/identity.sealed", flags,
		    &fds[FD_UNLOCK_IDENTITY]);
	if (error == SR_EXISTS)
		diag_error("%s: there is a bank here already",
		    monitor->config.directory);
	if (error == SR_NOT_FOUND)
		diag_error("%s: the bank lacks a sealed key; a new one begins "
			   "with strongroomctl init, one that was lost with "
			   "strongroomctl restore",
		    monitor->config.directory);
	return error;
}

enum sr_error
monitor_read_sealed(struct monitor *monitor, bool identity,
    uint8_t bytes[MONITOR_SEALED_MAX], size_t *len)
{
	const char *name =
	    identity ? "keyd/identity.sealed" : "keyd/root.sealed";
	char path[CONFIG_PATH_MAX];
	enum sr_error error;
	ssize_t n;
	int fd;

	*len = 0;
	/* the identity may have been taken away */
	if (identity && config_path(&monitor->config, name, path) == SR_OK &&
	    access(path, F_OK) != 0 && errno == ENOENT)
		return SR_NOT_FOUND;
	error = open_file(monitor, name, O_RDONLY, &fd);
	if (error != SR_OK)
		return error;
	n = pread(fd, bytes, MONITOR_SEALED_MAX, 0);
	close(fd);
	if (n <= 0 || n == MONITOR_SEALED_MAX)
		return SR_IO;
	*len = (size_t)n;
	return SR_OK;
}

enum sr_error
monitor_open_keyd(struct monitor *monitor, int *fds)
{
	static const struct {
		const char *name;
		int fd;
	} files[] = {
	    {"keyd/state", FD_KEYD_STATE},
	    {"keyd/credentials", FD_KEYD_CREDENTIALS},
	    {"keyd/limits", FD_KEYD_LIMITS},
	    {"keyd/terminals", FD_KEYD_TERMINALS},
	};
	int flags = O_RDWR | (monitor->init ? O_CREAT : 0);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		enum sr_error error =
		    open_file(monitor, files[i].name, flags, &fds[files[i].fd]);

		if (error == SR_NOT_FOUND)
			diag_error("%s: files of keyd are lost; strongroomctl "
				   "restore puts those of a backup there",
			    monitor->config.directory);
		if (error != SR_OK)
			return error;
	}
	return SR_OK;
}

static enum sr_error
open_directory(struct monitor *monitor, const char *name, int *fd)
{
	uid_t owner =
	    geteuid() == 0 ? monitor->rooms[ROOM_LEDGERD].uid : geteuid();
	enum sr_error error;
	struct stat status;

	error = open_in(monitor, name, O_RDONLY | O_DIRECTORY, fd);
	if (error != SR_OK)
		return error;
	if (fstat(*fd, &status) != 0) {
		diag_error("%s: %s", name, strerror(errno));
		return SR_IO;
	}
	if (status.st_uid == owner)
		return SR_OK;
	diag_error("%s/%s belongs to user %u, but ledgerd runs as %u: set "
		   "[sandbox] user-ledgerd, or chown it",
	    monitor->config.directory, name, status.st_uid, owner);
	return SR_PERMISSION;
}

enum sr_error
monitor_open_ledgerd(struct monitor *monitor, int *fds)
{
	enum sr_error error =
	    open_directory(monitor, "ledger", &fds[FD_LEDGERD_LEDGER]);

	if (error == SR_OK)
		error =
		    open_directory(monitor, "audit", &fds[FD_LEDGERD_AUDIT]);
	return error;
}

enum sr_error
monitor_sync_names(struct monitor *monitor)
{
	enum sr_error error;
	int fd;

	error = open_in(monitor, "keyd", O_RDONLY | O_DIRECTORY, &fd);
	if (error != SR_OK)
		return error;
	if (fsync(fd) != 0)
		error = SR_IO;
	if (close(fd) != 0 || error != SR_OK) {
		diag_error(
		    "%s/keyd cannot be synced", monitor->config.directory);
		return SR_IO;
	}
	return SR_OK;
}
