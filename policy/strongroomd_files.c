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

enum sr_error
monitor_error_of_open(void)
{
	switch (errno) {
	case EACCES:
	case EPERM:
	case ELOOP:
	case EISDIR:
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
	error = monitor_error_of_open();
	diag_error("%s: %s", path,
	    errno == ELOOP ? "it is a symbolic link; put the file itself there"
	    : errno == EISDIR ? "it is a directory; put the file there"
			      : strerror(errno));
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
enum sr_error
monitor_open_file(struct monitor *monitor, const char *name, int flags, int *fd)
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
		error = monitor_error_of_open();
		diag_error("%s: %s", path, strerror(errno));
	}
	if (error != SR_OK)
		return error;
	status.st_mode = 0;
	if (fstat(*fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_nlink == 1)
		return SR_OK;
	diag_error("%s/%s: %s", monitor->config.directory, name,
	    S_ISDIR(status.st_mode)
		? "it is a directory; put the file there"
		: "not a file, or it has a second name elsewhere");
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
		return monitor_error_of_open();
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

enum sr_error
monitor_check_owner(
    const struct monitor *monitor, const char *name, int fd, unsigned mode)
{
	uid_t keyd = geteuid() == 0 ? monitor->rooms[ROOM_KEYD].uid : geteuid();
	const char *directory = monitor->config.directory;
	struct stat status;

	if (fstat(fd, &status) != 0) {
		diag_error("%s/%s: %s", directory, name, strerror(errno));
		return SR_IO;
	}
	if ((status.st_mode & 077) != 0)
		diag_error("%s/%s: others than its owner may open it: "
			   "chmod %o it",
		    directory, name, mode);
	else if (status.st_uid != keyd && status.st_uid != geteuid())
		diag_error("%s/%s: it belongs to user %u, who may change it: "
			   "chown it to user %u",
		    directory, name, status.st_uid, keyd);
	else
		return SR_OK;
	return SR_PERMISSION;
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
	int flags = O_RDWR | (monitor->init ? O_CREAT : 0), directory;
	enum sr_error error =
	    open_in(monitor, "keyd", O_PATH | O_DIRECTORY, &directory);

	if (error == SR_OK) {
		error = monitor_check_owner(monitor, "keyd", directory, 0700);
		close(directory);
	}
	if (error != SR_OK)
		return error;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		error = monitor_open_file(
		    monitor, files[i].name, flags, &fds[files[i].fd]);

		if (error == SR_NOT_FOUND)
			diag_error("%s: files of keyd are lost; strongroomctl "
				   "restore puts those of a backup there",
			    monitor->config.directory);
		if (error == SR_OK)
			error = monitor_check_owner(
			    monitor, files[i].name, fds[files[i].fd], 0600);
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
