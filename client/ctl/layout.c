/* SPDX-License-Identifier: ISC */
/*
 * Lays out a new bank's directory.  It must never touch a bank that is
 * there already, nor leave a half-made one behind.
 */
#include "client/ctl/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/place.h"
#include "client/ctl/unlock_secret.h"

/* Directories of a bank, and whose they are. */
static const struct {
	const char *name;
	enum { OWNER_US, OWNER_KEYD, OWNER_LEDGERD } owner;
	mode_t mode;
} directories[] = {
    {"keyd", OWNER_KEYD, 0700},
    {"ledger", OWNER_LEDGERD, 0755},
    {"ledger/segment", OWNER_LEDGERD, 0700},
    {"ledger/public", OWNER_LEDGERD, 0755},
    {"ledger/snapshot", OWNER_LEDGERD, 0700},
    {"ledger/box", OWNER_LEDGERD, 0700},
    {"ledger/mail", OWNER_LEDGERD, 0700},
    {"audit", OWNER_LEDGERD, 0700},
    {"run", OWNER_US, 0755},
};

static enum sr_error
layout_path(const struct ctl_layout *layout, const char *name, char *path)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", layout->directory, name);

	return n > 0 && n < PATH_MAX ? SR_OK : SR_TOO_LARGE;
}

static enum sr_error
layout_failed(const char *path)
{
	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(errno));
	return errno == EACCES || errno == EPERM ? SR_PERMISSION : SR_IO;
}

static enum sr_error
layout_directory(const struct ctl_layout *layout, size_t i)
{
	char path[PATH_MAX];
	uid_t owner = geteuid();
	enum sr_error error = SR_OK;
	int fd;

	if (layout_path(layout, directories[i].name, path) != SR_OK)
		return SR_TOO_LARGE;
	if (mkdir(path, directories[i].mode) != 0 && errno != EEXIST)
		return layout_failed(path);
	if (geteuid() == 0 && directories[i].owner == OWNER_KEYD)
		owner = layout->users.keyd;
	else if (geteuid() == 0 && directories[i].owner == OWNER_LEDGERD)
		owner = layout->users.ledgerd;
	/* Its parent may be another user's already: no link is followed. */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return layout_failed(path);
	if (fchmod(fd, directories[i].mode) != 0 ||
	    (geteuid() == 0 && fchown(fd, owner, owner) != 0))
		error = layout_failed(path);
	close(fd);
	return error;
}

enum sr_error
ctl_layout_directories(const struct ctl_layout *layout)
{
	enum sr_error error = SR_OK;

	for (size_t i = 0;
	     error == SR_OK && i < sizeof(directories) / sizeof(directories[0]);
	     i++)
		error = layout_directory(layout, i);
	return error;
}

enum sr_error
ctl_passphrase_make(const char *path)
{
	char text[64];
	uint8_t random[24];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;
	size_t len;

	if (fd < 0)
		return errno == EEXIST ? SR_OK : layout_failed(path);
	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(text, sizeof(text), random, sizeof(random),
	    sodium_base64_VARIANT_ORIGINAL);
	len = strlen(text);
	text[len++] = '\n';
	n = write(fd, text, len);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(random, sizeof(random));
	if (n != (ssize_t)len || fsync(fd) != 0 || close(fd) != 0)
		return layout_failed(path);
	fprintf(stderr, "%s: new passphrase written; keep a copy elsewhere\n",
	    path);
	return SR_OK;
}

static enum sr_error
layout_configuration(
    const struct ctl_layout *layout, const char *absolute, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool good;

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return layout_failed(path);
	}
	fprintf(file,
	    "# strongroom.conf(5): how this machine runs the bank.  The "
	    "bank's own\n# rules stand in its journal.\n\n[bank]\nname = "
	    "%s\n",
	    layout->name);
	if (layout->configuration != NULL)
		fprintf(file, "data = %s\n", absolute);
	fprintf(file, "\n[netd]\n%s",
	    layout->configuration == NULL
		? ""
		: "# Where systemd has a socket for the bank, that one's "
		  "ListenStream= is in\n# force, and not these.\n");
	for (size_t i = 0; i < layout->listen_count; i++)
		fprintf(file, "listen = %s\n", layout->listen[i]);
	fprintf(file,
	    "\n[keyd]\n# open: anybody may register; invite: whoever has an "
	    "invitation\n# (strongroomctl invite); closed: nobody.\n"
	    "registration = %s\n\n[unlock]\n%s = %s\n\n"
	    "[sandbox]\nnamespaces = %s\n",
	    layout->registration,
	    layout->passphrase_file != NULL ? "passphrase-file" : "credential",
	    layout->passphrase_file != NULL
		? layout->passphrase_file
		: strrchr(layout->credential_file, '/') + 1,
	    layout->namespaces ? "on" : "off");
	if (geteuid() == 0)
		fprintf(file,
		    "user-keyd = %u\nuser-netd = %u\nuser-ledgerd = %u\n",
		    layout->users.keyd, layout->users.netd,
		    layout->users.ledgerd);
	good = fflush(file) == 0 && fsync(fd) == 0;
	if (fclose(file) != 0 || !good)
		return layout_failed(path);
	return SR_OK;
}

/* Makes what opens the keys, and from then on names it from the root. */
static enum sr_error
layout_secret(struct ctl_layout *layout)
{
	static char absolute[PATH_MAX];
	const char **path = layout->passphrase_file != NULL
				? &layout->passphrase_file
				: &layout->credential_file;
	uint8_t credential[SEALED_SECRET_LEN];
	struct ctl_unlock_secret passphrase;
	enum sr_error error;

	if (layout->passphrase_file != NULL) {
		error = ctl_passphrase_make(*path);
		if (error == SR_OK)
			error = ctl_passphrase_read(*path, &passphrase);
		sodium_memzero(&passphrase, sizeof(passphrase));
	} else {
		error = ctl_credential_make(*path, credential);
		sodium_memzero(credential, sizeof(credential));
	}
	if (error == SR_OK && realpath(*path, absolute) == NULL)
		error = layout_failed(*path);
	*path = absolute;
	return error;
}

/* Whether nothing is there, or an empty directory, as a package makes it. */
static bool
layout_free(const char *path)
{
	const struct dirent *entry;
	bool empty = true;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;

	if (directory == NULL) {
		empty = fd < 0 && errno == ENOENT;
		if (fd >= 0)
			close(fd);
		return empty;
	}
	while (empty && (entry = readdir(directory)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0;
	closedir(directory);
	return empty;
}

/*
 * Refuses a directory with any part of a bank, also one whose configuration
 * lies elsewhere or is lost: what fails later is taken back, and then all
 * that stands in these places is removed.
 */
enum sr_error
ctl_layout_refuse_bank(const struct ctl_layout *layout)
{
	static const char *const files[] = {
	    "strongroom.conf", "bank.id", "operator-1.card", "operator-2.card"};
	char path[PATH_MAX];
	struct stat status;
	int n;

	if (layout->configuration != NULL) {
		n = snprintf(path, sizeof(path), "%s", layout->configuration);
		if (n < 0 || (size_t)n >= sizeof(path))
			return SR_TOO_LARGE;
		if (lstat(path, &status) == 0 || errno != ENOENT)
			goto refused;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (layout_path(layout, files[i], path) != SR_OK)
			return SR_TOO_LARGE;
		if (lstat(path, &status) == 0 || errno != ENOENT)
			goto refused;
	}
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]);
	     i++) {
		if (strchr(directories[i].name, '/') != NULL)
			continue; /* in one of the others */
		if (layout_path(layout, directories[i].name, path) != SR_OK)
			return SR_TOO_LARGE;
		if (!layout_free(path))
			goto refused;
	}
	return SR_OK;
refused:
	fprintf(stderr,
	    "strongroomctl: %s: there is a bank here already, or a part of "
	    "one: %s is left as it is; choose another %s\n",
	    layout->directory, path,
	    layout->configuration != NULL
		? "--instance (strongroomctl(8) says how one that nobody uses "
		  "is removed)"
		: "directory");
	return SR_EXISTS;
}

enum sr_error
ctl_layout_make(struct ctl_layout *layout, char *configuration, size_t room)
{
	char absolute[PATH_MAX];
	enum sr_error error;
	int n;

	layout->made = mkdir(layout->directory, 0755) == 0;
	if (!layout->made && errno != EEXIST)
		return layout_failed(layout->directory);
	if (realpath(layout->directory, absolute) == NULL)
		return layout_failed(layout->directory);
	if (layout->configuration != NULL)
		n = snprintf(configuration, room, "%s", layout->configuration);
	else
		n = snprintf(
		    configuration, room, "%s/strongroom.conf", absolute);
	if (n < 0 || (size_t)n >= room)
		return SR_TOO_LARGE;
	error = ctl_layout_refuse_bank(layout);
	if (error != SR_OK)
		return error;
	error = ctl_room_users_find(absolute, &layout->users);
	if (error == SR_OK)
		error = layout_secret(layout);
	if (error == SR_OK)
		error = ctl_layout_directories(layout);
	if (error == SR_OK)
		error = layout_configuration(layout, absolute, configuration);
	if (error != SR_OK)
		ctl_layout_undo(layout);
	return error;
}

static int
layout_remove(
    const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

void
ctl_layout_undo(const struct ctl_layout *layout)
{
	char path[PATH_MAX];

	for (size_t i = sizeof(directories) / sizeof(directories[0]); i-- > 0;)
		if (layout_path(layout, directories[i].name, path) == SR_OK)
			(void)nftw(path, layout_remove, 8,
			    FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (layout->configuration != NULL)
		(void)unlink(layout->configuration);
	else if (layout_path(layout, "strongroom.conf", path) == SR_OK)
		(void)unlink(path);
	if (layout->made)
		(void)rmdir(layout->directory);
}
