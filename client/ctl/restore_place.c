/* SPDX-License-Identifier: ISC */
/*
 * Puts a backup's files in a bank's place.  Nothing that was there is ever
 * overwritten or removed: it is moved aside, and comes back if anything fails.
 */
#include "client/ctl/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/layout.h"

static const char *const part_names[RESTORE_PARTS] = {
    [RESTORE_LEDGER] = "ledger",
    [RESTORE_AUDIT] = "audit",
    [RESTORE_KEYD] = "keyd",
};

/* Directories below a part of which the names must be on disk. */
static const char *const synced[] = {
    "ledger/segment", "ledger/snapshot", "ledger/public", "ledger", "audit"};

static enum sr_error
failed(const char *path)
{
	int why = errno;

	fprintf(stderr, "strongroomctl: %s: %s\n", path, strerror(why));
	if (why == ENOSPC || why == EDQUOT)
		return SR_NO_SPACE;
	return why == EACCES || why == EPERM ? SR_PERMISSION : SR_IO;
}

static enum sr_error
join(const char *directory, const char *name, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/%s", directory, name);

	return n > 0 && n < PATH_MAX ? SR_OK : SR_TOO_LARGE;
}

static enum sr_error
user_of(const char *text, uid_t *out)
{
	const struct passwd *entry;
	uint64_t number;

	if (config_number(text, strlen(text), &number) && number > 0 &&
	    number < UINT32_MAX) {
		*out = (uid_t)number;
		return SR_OK;
	}
	entry = getpwnam(text);
	if (entry != NULL) {
		*out = entry->pw_uid;
		return SR_OK;
	}
	fprintf(stderr,
	    "strongroomctl: there is no user %s; set [sandbox] in "
	    "strongroom.conf to users of this machine\n",
	    text);
	return SR_CONFIG;
}

enum sr_error
restore_users(const struct config *config, struct restore_place *place)
{
	enum sr_error error;

	if (geteuid() != 0)
		return SR_OK;
	error = user_of(config->user_keyd, &place->user_keyd);
	if (error == SR_OK)
		error = user_of(config->user_ledgerd, &place->user_ledgerd);
	return error;
}

/* ---- copying ----------------------------------------------------------- */

static bool
wanted(const struct restore_place *place, const char *path)
{
	return strncmp(path, "ledger/", 7) == 0 ||
	       strncmp(path, "audit/", 6) == 0 ||
	       (place->with_keyd && strncmp(path, "keyd/", 5) == 0);
}

/* One file, compared with the manifest after it was written. */
static enum sr_error
copy_file(const struct backup_set *set, const struct restore_place *place,
    const char *part, const struct manifest_file *file)
{
	char from[PATH_MAX], to[PATH_MAX];
	uint8_t hash[32];
	uint64_t len = 0;
	enum sr_error error = backup_set_path(set, file->path, from);

	if (error == SR_OK)
		error = join(part, file->path, to);
	if (error == SR_OK)
		error = backup_file_copy(from, to);
	if (error == SR_OK)
		error = backup_file_hash(to, &len, hash);
	if (error == SR_OK &&
	    (len != file->len || memcmp(hash, file->hash, sizeof(hash)) != 0))
		error = SR_DAMAGED;
	if (error == SR_DAMAGED || error == SR_NOT_FOUND) {
		fprintf(stderr,
		    "strongroomctl: %s is not as its manifest says\n", from);
		error = SR_DAMAGED;
	}
	if (error == SR_OK && strncmp(file->path, "ledger/public/", 14) == 0 &&
	    chmod(to, 0644) != 0)
		error = failed(to);
	/* keyd's files are opened for it and stay ours */
	if (error == SR_OK && geteuid() == 0 &&
	    strncmp(file->path, "keyd/", 5) != 0 &&
	    chown(to, place->user_ledgerd, place->user_ledgerd) != 0)
		error = failed(to);
	return error;
}

static enum sr_error
fill(const struct backup_set *set, const struct restore_place *place,
    const char *part)
{
	struct ctl_layout layout = {.directory = part,
	    .users = {
		.keyd = place->user_keyd, .ledgerd = place->user_ledgerd}};
	char path[PATH_MAX];
	enum sr_error error;

	backup_tree_remove(part);
	if (mkdir(part, 0700) != 0)
		return failed(part);
	error = ctl_layout_directories(&layout);
	for (size_t i = 0; error == SR_OK && i < set->manifest.count; i++)
		if (wanted(place, set->manifest.files[i].path))
			error = copy_file(
			    set, place, part, &set->manifest.files[i]);
	for (size_t i = 0;
	     error == SR_OK && i < sizeof(synced) / sizeof(synced[0]); i++) {
		error = join(part, synced[i], path);
		if (error == SR_OK)
			error = backup_sync_directory(path);
	}
	if (error == SR_OK && place->with_keyd) {
		error = join(part, "keyd", path);
		if (error == SR_OK)
			error = backup_sync_directory(path);
	}
	return error;
}

/* ---- putting in place -------------------------------------------------- */

static enum sr_error
make_aside(struct restore_place *place)
{
	for (unsigned i = 1; i < 10000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "before-restore.%04u", i);
		if (join(place->directory, name, place->aside) != SR_OK)
			return SR_TOO_LARGE;
		if (mkdir(place->aside, 0700) == 0)
			return SR_OK;
		if (errno != EEXIST)
			return failed(place->aside);
	}
	return SR_EXISTS;
}

static enum sr_error
swap(struct restore_place *place, const char *part, enum restore_part which)
{
	char here[PATH_MAX], aside[PATH_MAX], new[PATH_MAX];

	if (join(place->directory, part_names[which], here) != SR_OK ||
	    join(place->aside, part_names[which], aside) != SR_OK ||
	    join(part, part_names[which], new) != SR_OK)
		return SR_TOO_LARGE;
	if (rename(here, aside) == 0)
		place->moved[which] = true;
	else if (errno != ENOENT)
		return failed(here);
	if (rename(new, here) != 0)
		return failed(here);
	place->placed[which] = true;
	return SR_OK;
}

enum sr_error
restore_put(const struct backup_set *set, struct restore_place *place)
{
	char part[PATH_MAX];
	enum sr_error error = join(place->directory, "restore.part", part);

	if (error == SR_OK)
		error = fill(set, place, part);
	if (error == SR_OK)
		error = make_aside(place);
	for (int i = 0; error == SR_OK && i < RESTORE_PARTS; i++)
		if (i != RESTORE_KEYD || place->with_keyd)
			error = swap(place, part, (enum restore_part)i);
	/* what was moved is there before it is gone from where it was */
	if (error == SR_OK)
		error = backup_sync_directory(place->aside);
	if (error == SR_OK)
		error = backup_sync_directory(place->directory);
	if (error != SR_OK)
		(void)restore_take_back(set, place);
	backup_tree_remove(part);
	/* nothing was there before */
	if (rmdir(place->aside) == 0)
		place->aside[0] = '\0';
	return error;
}

/* Whether the rooms have written in the journal that was put in place. */
static bool
journal_changed(const struct backup_set *set, const struct restore_place *place)
{
	const struct manifest *manifest = &set->manifest;
	char path[PATH_MAX], name[MANIFEST_PATH_MAX];
	uint32_t number;
	uint8_t hash[32];
	uint64_t len;

	for (size_t i = 0; i < manifest->count; i++) {
		const struct manifest_file *file = &manifest->files[i];

		if (manifest_segment(file->path, &number) &&
		    (join(place->directory, file->path, path) != SR_OK ||
			backup_file_hash(path, &len, hash) != SR_OK ||
			memcmp(hash, file->hash, sizeof(hash)) != 0))
			return true;
	}
	if (!manifest_last_segment(manifest, &number))
		return true;
	snprintf(
	    name, sizeof(name), "ledger/segment/%08" PRIu32 ".log", number + 1);
	return join(place->directory, name, path) != SR_OK ||
	       access(path, F_OK) == 0;
}

/* What was tried, beside what was there before; false if that fails. */
static bool
keep_tried(struct restore_place *place, const char *here, const char *part)
{
	char kept[PATH_MAX], name[32];

	snprintf(name, sizeof(name), "tried-%s", part);
	if (join(place->aside, name, kept) != SR_OK || rename(here, kept) != 0)
		return false;
	fprintf(
	    stderr, "strongroomctl: the restored %s is in %s\n", part, kept);
	return true;
}

/* What was tried cannot be kept elsewhere: then it is kept where it is. */
static bool
stays(struct restore_place *place, const char *here)
{
	fprintf(stderr,
	    "strongroomctl: %s stays: the rooms have written in it since, and "
	    "it could not be moved aside%s%s; make room on the disk, then "
	    "begin again\n",
	    here,
	    place->aside[0] != '\0' ? ".  What was there before is in " : "",
	    place->aside);
	return false;
}

bool
restore_take_back(const struct backup_set *set, struct restore_place *place)
{
	char here[PATH_MAX], aside[PATH_MAX];
	bool keep =
	    place->placed[RESTORE_LEDGER] && journal_changed(set, place);

	if (keep && place->aside[0] == '\0' && make_aside(place) != SR_OK)
		return stays(place, place->directory);
	for (int i = RESTORE_PARTS - 1; i >= 0; i--) {
		if (join(place->directory, part_names[i], here) != SR_OK)
			continue;
		if (place->placed[i] && keep &&
		    !keep_tried(place, here, part_names[i]))
			return stays(place, here);
		if (place->placed[i] && !keep)
			backup_tree_remove(here);
		place->placed[i] = false;
		if (place->moved[i] &&
		    join(place->aside, part_names[i], aside) == SR_OK &&
		    rename(aside, here) != 0)
			fprintf(stderr,
			    "strongroomctl: the former %s is in %s: %s\n",
			    part_names[i], aside, strerror(errno));
		place->moved[i] = false;
	}
	(void)rmdir(place->aside);
	(void)backup_sync_directory(place->directory);
	return true;
}

void
restore_tell_former(const char *directory)
{
	DIR *names = opendir(directory);
	const struct dirent *entry;

	while (names != NULL && (entry = readdir(names)) != NULL) {
		char path[PATH_MAX];

		if (strncmp(entry->d_name, "before-restore.", 15) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s/ledger", directory,
			entry->d_name) < (int)sizeof(path) &&
		    access(path, F_OK) == 0)
			fprintf(stderr,
			    "strongroomctl: an earlier restore has moved a "
			    "journal to %s: see that it has no more than what "
			    "you restore\n",
			    path);
	}
	if (names != NULL)
		(void)closedir(names);
}

/* ---- the scratch bank of --check --------------------------------------- */

/* What opens the keys of a bank opens those of its copy. */
static void
put_unlock(FILE *file, const struct config *config)
{
	fprintf(file, "[unlock]\n");
	switch (config->unlock) {
	case CONFIG_UNLOCK_FILE:
		fprintf(
		    file, "passphrase-file = %s\n", config->passphrase_file);
		return;
	case CONFIG_UNLOCK_CREDENTIAL:
		fprintf(file, "credential = %s\n", config->credential);
		return;
	case CONFIG_UNLOCK_ASK:
		fprintf(file, "ask = yes\n");
		return;
	case CONFIG_UNLOCK_NONE:
	case CONFIG_UNLOCK_LOCKED:
		fprintf(file, "locked = yes\n");
		return;
	}
}

static enum sr_error
scratch_configuration(const struct config *config, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (file == NULL)
		return failed(path);
	fprintf(file,
	    "[bank]\nname = %s\n[ledgerd]\nsegment-size = 64K\n[keyd]\n"
	    "registration = closed\n"
	    "[sandbox]\nnamespaces = %s\nuser-keyd = %s\nuser-netd = %s\n"
	    "user-ledgerd = %s\n",
	    config->name, config->namespaces ? "on" : "off", config->user_keyd,
	    config->user_netd, config->user_ledgerd);
	put_unlock(file, config);
	return fclose(file) == 0 ? SR_OK : failed(path);
}

enum sr_error
restore_scratch(const struct config *config, char directory[PATH_MAX])
{
	const char *base = getenv("TMPDIR");
	char path[PATH_MAX];
	enum sr_error error;

	if (base == NULL || base[0] != '/')
		base = "/tmp";
	error = join(base, "strongroom-check-XXXXXX", directory);
	if (error != SR_OK)
		return error;
	if (mkdtemp(directory) == NULL) {
		error = failed(directory);
		directory[0] = '\0';
		return error;
	}
	/* the rooms have other users than we */
	if (chmod(directory, 0711) != 0)
		return failed(directory);
	error = join(directory, "strongroom.conf", path);
	return error == SR_OK ? scratch_configuration(config, path) : error;
}
