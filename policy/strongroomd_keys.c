/* SPDX-License-Identifier: ISC */
/*
 * The sealed keys of the bank, and what opens them as the configuration says.
 * Nothing is read here but what is handed over, sealed, for a backup.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/diag.h"
#include "common/sealed.h"
#include "policy/strongroomd.h"

static const char *const sealed_names[] = {
    "keyd/root.sealed", "keyd/identity.sealed"};
static const char *const new_names[] = {
    "keyd/root.sealed.new", "keyd/identity.sealed.new"};

bool
monitor_configured(const struct monitor *monitor)
{
	return monitor->config.unlock == CONFIG_UNLOCK_FILE ||
	       monitor->config.unlock == CONFIG_UNLOCK_CREDENTIAL;
}

/* SR_UNLOCK: it is not there, as where people are to be asked instead. */
static enum sr_error
error_of_absence(void)
{
	return errno == ENOENT || errno == ENOTDIR ? SR_UNLOCK : SR_CONFIG;
}

static enum sr_error
open_passphrase(struct monitor *monitor, int *fd)
{
	const char *path = monitor->config.passphrase_file;
	struct stat status;

	/* It may be a link, of the administrator's own making. */
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &status) != 0) {
		enum sr_error error = error_of_absence();

		diag_error("[unlock] passphrase-file %s: %s; if it is lost: "
			   "locked = yes in its place, start, and "
			   "`strongroomctl unlock' with another way (--shares, "
			   "--credential FILE)",
		    path, strerror(errno));
		return error;
	}
	if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
		diag_error("[unlock] passphrase-file %s: it must be a file "
			   "that only its owner can read; chmod 600 it",
		    path);
	else if (status.st_uid != 0 && status.st_uid != geteuid())
		diag_error("[unlock] passphrase-file %s: it belongs to user "
			   "%u, who can read it: chown it to user %u",
		    path, status.st_uid, geteuid());
	else
		return SR_OK;
	return SR_PERMISSION;
}

/* systemd makes the file, for this service alone and in memory. */
static enum sr_error
open_credential(struct monitor *monitor, int *fd)
{
	const char *name = monitor->config.credential;
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[CONFIG_PATH_MAX];
	struct stat status;
	int n;

	if (directory == NULL) {
		diag_error("[unlock] credential = %s: CREDENTIALS_DIRECTORY is "
			   "not set; start the bank as a systemd service with "
			   "LoadCredential=%s:FILE or "
			   "LoadCredentialEncrypted=%s:FILE, or by hand with "
			   "--unlock-kind credential and the file on standard "
			   "input",
		    name, name, name);
		return SR_UNLOCK;
	}
	n = snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return SR_CONFIG;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &status) != 0) {
		enum sr_error error = error_of_absence();

		diag_error("[unlock] credential %s: %s; LoadCredential=%s:FILE "
			   "in the service hands it over",
		    path, strerror(errno), name);
		return error;
	}
	/* The group's bits are systemd's own list of who may read it. */
	if (S_ISREG(status.st_mode) && (status.st_mode & 07) == 0)
		return SR_OK;
	diag_error("[unlock] credential %s: it must be a file that not "
		   "everybody can read; chmod 600 it",
	    path);
	return SR_PERMISSION;
}

static enum sr_error
open_configured(struct monitor *monitor, int *fd)
{
	monitor->kind = SEALED_PASSPHRASE;
	switch (monitor->config.unlock) {
	case CONFIG_UNLOCK_FILE:
		return open_passphrase(monitor, fd);
	case CONFIG_UNLOCK_CREDENTIAL:
		monitor->kind = SEALED_CREDENTIAL;
		return open_credential(monitor, fd);
	case CONFIG_UNLOCK_ASK:
		return monitor_ask(monitor, fd);
	case CONFIG_UNLOCK_LOCKED:
	case CONFIG_UNLOCK_NONE:
		break;
	}
	diag_error("[unlock] locked: the keys must be opened for this, "
		   "--unlock-kind says by what");
	return SR_CONFIG;
}

bool
monitor_reopen_configured(struct monitor *monitor, unsigned *kind, int *fd)
{
	*fd = -1;
	*kind = 0;
	if (monitor->config.unlock == CONFIG_UNLOCK_FILE &&
	    open_passphrase(monitor, fd) == SR_OK)
		*kind = SEALED_PASSPHRASE;
	if (monitor->config.unlock == CONFIG_UNLOCK_CREDENTIAL &&
	    open_credential(monitor, fd) == SR_OK)
		*kind = SEALED_CREDENTIAL;
	if (*kind == 0 && *fd >= 0)
		close(*fd);
	return *kind != 0;
}

/* A sealed file that nobody else can read. */
static enum sr_error
open_sealed(struct monitor *monitor, bool identity, int flags, int *fd)
{
	const char *name = sealed_names[identity];
	enum sr_error error = monitor_open_file(monitor, name, flags, fd);
	struct stat status;

	if (error != SR_OK)
		return error;
	if (fstat(*fd, &status) == 0 && (status.st_mode & 077) == 0) {
		error = monitor_check_owner(monitor, name, *fd, 0600);
	} else {
		error = SR_PERMISSION;
		diag_error("%s/%s: others could read it; chmod 600 it, and if "
			   "they may have, change what opens it "
			   "(strongroomctl seal)",
		    monitor->config.directory, name);
	}
	if (error == SR_OK)
		return SR_OK;
	close(*fd);
	*fd = -1;
	return error;
}

static bool
identity_away(const struct monitor *monitor)
{
	char path[CONFIG_PATH_MAX];

	return config_path(&monitor->config, sealed_names[1], path) == SR_OK &&
	       access(path, F_OK) != 0 && errno == ENOENT;
}

/* It is in the same danger while nobody opens it. */
static enum sr_error
look_at_identity(struct monitor *monitor)
{
	int fd;
	enum sr_error error = open_sealed(monitor, true, O_RDONLY, &fd);

	if (error == SR_OK)
		close(fd);
	return error;
}

enum sr_error
monitor_open_unlock(struct monitor *monitor, int *fds)
{
	int flags = monitor->init ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY;
	enum sr_error error = SR_OK;

	if (monitor->secret >= 0) {
		fds[FD_UNLOCK_SECRET] = monitor->secret;
		monitor->secret = -1;
	} else {
		error = open_configured(monitor, &fds[FD_UNLOCK_SECRET]);
	}
	if (error == SR_OK)
		error =
		    open_sealed(monitor, false, flags, &fds[FD_UNLOCK_ROOT]);
	if (error == SR_OK && (monitor->init || monitor->certify ||
				  monitor->rotate || monitor->loss))
		error =
		    open_sealed(monitor, true, flags, &fds[FD_UNLOCK_IDENTITY]);
	else if (error == SR_OK && !identity_away(monitor))
		error = look_at_identity(monitor);
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
	enum sr_error error;
	ssize_t n;
	int fd;

	*len = 0;
	/* the identity may have been taken away */
	if (identity && identity_away(monitor))
		return SR_NOT_FOUND;
	error =
	    monitor_open_file(monitor, sealed_names[identity], O_RDONLY, &fd);
	if (error != SR_OK)
		return error;
	n = pread(fd, bytes, MONITOR_SEALED_MAX, 0);
	close(fd);
	if (n <= 0 || n == MONITOR_SEALED_MAX)
		return SR_IO;
	*len = (size_t)n;
	return SR_OK;
}

/* ---- A change ------------------------------------------------------------ */

/*
 * The directory keyd/, and from here to leave_keyd() strongroomd touches files
 * as keyd's user: root may no more write what belongs to it.  It is opened
 * before, because that user may not be able to come as far.
 */
static int
enter_keyd(struct monitor *monitor)
{
	const struct monitor_room *keyd = &monitor->rooms[ROOM_KEYD];
	char path[CONFIG_PATH_MAX];
	int directory;

	if (config_path(&monitor->config, "keyd", path) != SR_OK)
		return -1;
	directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		diag_error("%s: %s", path, strerror(errno));
	if (geteuid() == 0) {
		(void)setfsgid(keyd->gid);
		(void)setfsuid(keyd->uid);
	}
	return directory;
}

static void
leave_keyd(int directory)
{
	if (directory >= 0)
		close(directory);
	if (geteuid() == 0) {
		(void)setfsuid(0);
		(void)setfsgid(0);
	}
}

static const char *
leaf(const char *name)
{
	return strchr(name, '/') + 1;
}

/* One that an interrupted change has left goes first. */
static int
open_new(int directory, const char *name)
{
	int fd;

	if (unlinkat(directory, leaf(name), 0) != 0 && errno != ENOENT)
		fd = -1;
	else
		fd = openat(directory, leaf(name),
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		diag_error("%s: %s", name, strerror(errno));
	return fd;
}

/* Sealed by a program of before version 2: identity.sealed changes, too. */
static bool
is_old(int fd)
{
	uint8_t head[10];

	return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       head[8] == 1 && head[9] == 0;
}

enum sr_error
monitor_open_sealer(struct monitor *monitor, int *fds, bool *identity)
{
	enum sr_error error =
	    open_sealed(monitor, false, O_RDONLY, &fds[FD_UNLOCK_ROOT]);
	int directory;

	*identity = !identity_away(monitor);
	if (error == SR_OK && *identity)
		error = open_sealed(
		    monitor, true, O_RDONLY, &fds[FD_UNLOCK_IDENTITY]);
	if (error != SR_OK)
		return error;
	/* strongroom-unlock must not have what it does not need */
	if (*identity && !is_old(fds[FD_UNLOCK_ROOT]) &&
	    !is_old(fds[FD_UNLOCK_IDENTITY])) {
		close(fds[FD_UNLOCK_IDENTITY]);
		fds[FD_UNLOCK_IDENTITY] = -1;
		*identity = false;
	}
	directory = enter_keyd(monitor);
	if (directory >= 0)
		fds[FD_UNLOCK_NEW_ROOT] = open_new(directory, new_names[0]);
	if (directory >= 0 && *identity)
		fds[FD_UNLOCK_NEW_IDENTITY] = open_new(directory, new_names[1]);
	error = directory >= 0 && fds[FD_UNLOCK_NEW_ROOT] >= 0 &&
			(!*identity || fds[FD_UNLOCK_NEW_IDENTITY] >= 0)
		    ? SR_OK
		    : monitor_error_of_open();
	leave_keyd(directory);
	return error;
}

/* Without a new one, or with an empty one, the old one stays. */
static enum sr_error
put_one(int directory, bool identity)
{
	const char *from = leaf(new_names[identity]);
	struct stat status;

	if (fstatat(directory, from, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT && identity ? SR_OK : SR_IO;
	if (status.st_size == 0)
		return unlinkat(directory, from, 0) == 0 && identity ? SR_OK
								     : SR_IO;
	if (renameat(
		directory, from, directory, leaf(sealed_names[identity])) != 0)
		return SR_IO;
	return fsync(directory) == 0 ? SR_OK : SR_SEAL_UNSYNCED;
}

/*
 * root.sealed first: it opens an identity.sealed of version 1, too, but not
 * the other way round.
 */
enum sr_error
monitor_put_sealed(struct monitor *monitor)
{
	int directory = enter_keyd(monitor);
	enum sr_error error =
	    directory >= 0 ? put_one(directory, false) : SR_IO;

	if (error == SR_IO)
		diag_error("%s/keyd: the new root.sealed cannot be put in "
			   "force: %s",
		    monitor->config.directory, strerror(errno));
	else if (error == SR_OK && put_one(directory, true) != SR_OK)
		error = SR_SEAL_UNSYNCED;
	if (error == SR_SEAL_UNSYNCED)
		diag_error("%s/keyd: the new root.sealed is in force, but "
			   "may be lost with the power: %s",
		    monitor->config.directory, strerror(errno));
	leave_keyd(directory);
	return error;
}

void
monitor_drop_sealed(struct monitor *monitor)
{
	int directory = enter_keyd(monitor);

	for (size_t i = 0; directory >= 0 && i < 2; i++)
		(void)unlinkat(directory, leaf(new_names[i]), 0);
	leave_keyd(directory);
}
