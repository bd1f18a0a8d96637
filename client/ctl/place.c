/* SPDX-License-Identifier: ISC */
/*
 * Where the banks of a machine lie.  Root's own environment must not lead it
 * elsewhere: sudo may have kept it of somebody else.
 */
#include "client/ctl/place.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INSTANCE_MAX 32

bool
ctl_instance_valid(const char *name)
{
	size_t len = strlen(name);

	/* whose directory would be the machine's credential */
	if (strcmp(name, "bank-key") == 0)
		return false;
	return len >= 1 && len <= INSTANCE_MAX && name[0] != '-' &&
	       strspn(name,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789-_") == len;
}

/* Both directories, from the two that all of them lie in. */
static enum sr_error
place_below(const char *configuration, const char *data, const char *instance,
    struct ctl_place *out)
{
	const char *slash = instance != NULL ? "/" : "";
	const char *dash = instance != NULL ? "-" : "";
	const char *name = instance != NULL ? instance : "";
	const int room = CONFIG_PATH_MAX;

	if (snprintf(out->configuration, CONFIG_PATH_MAX,
		"%s/strongroom%s%s/strongroom.conf", configuration, slash,
		name) < room &&
	    snprintf(out->credential, CONFIG_PATH_MAX,
		"%s/strongroom%s%s/bank-key", configuration, slash,
		name) < room &&
	    snprintf(out->data, CONFIG_PATH_MAX, "%s/strongroom%s%s", data,
		dash, name) < room)
		return SR_OK;
	fprintf(stderr, "strongroomctl: the path of the bank is too long\n");
	return SR_TOO_LARGE;
}

static enum sr_error
place_of_machine(const char *instance, struct ctl_place *out)
{
	return place_below("/etc", "/var/lib", instance, out);
}

/* $variable if it is an absolute path, as the specification has it; else
 * that below the home. */
static bool
place_xdg(const char *variable, const char *below, char path[CONFIG_PATH_MAX])
{
	const char *said = getenv(variable), *home = getenv("HOME");
	int n;

	if (said != NULL && said[0] == '/')
		n = snprintf(path, CONFIG_PATH_MAX, "%s", said);
	else if (home != NULL && home[0] == '/')
		n = snprintf(path, CONFIG_PATH_MAX, "%s/%s", home, below);
	else
		return false;
	return n > 0 && n < CONFIG_PATH_MAX;
}

enum sr_error
ctl_place(const char *instance, struct ctl_place *out)
{
	char configuration[CONFIG_PATH_MAX], data[CONFIG_PATH_MAX];

	if (instance != NULL && !ctl_instance_valid(instance)) {
		fprintf(stderr,
		    "strongroomctl: --instance is a name of 1 to %d letters, "
		    "digits, - and _, does not begin with - and is not "
		    "bank-key\n",
		    INSTANCE_MAX);
		return SR_USAGE;
	}
	if (geteuid() == 0)
		return place_of_machine(instance, out);
	if (!place_xdg("XDG_CONFIG_HOME", ".config", configuration) ||
	    !place_xdg("XDG_DATA_HOME", ".local/share", data)) {
		fprintf(stderr,
		    "strongroomctl: HOME names no directory: -c FILE names "
		    "the bank's strongroom.conf\n");
		return SR_USAGE;
	}
	return place_below(configuration, data, instance, out);
}

bool
ctl_place_units(char path[CONFIG_PATH_MAX])
{
	static const char below[] = "/systemd/user";
	size_t len;

	if (geteuid() == 0)
		return snprintf(path, CONFIG_PATH_MAX, "/etc/systemd/system") >
		       0;
	if (!place_xdg("XDG_CONFIG_HOME", ".config", path))
		return false;
	len = strlen(path);
	if (len + sizeof(below) > CONFIG_PATH_MAX)
		return false;
	memcpy(path + len, below, sizeof(below));
	return true;
}

enum sr_error
ctl_place_find(const char *instance, struct ctl_place *out)
{
	enum sr_error error = ctl_place(instance, out);
	struct ctl_place machine;

	if (error != SR_OK || access(out->configuration, F_OK) == 0)
		return error;
	error = place_of_machine(instance, &machine);
	if (error != SR_OK)
		return error;
	if (access(machine.configuration, F_OK) == 0) {
		*out = machine;
		return SR_OK;
	}
	fprintf(stderr,
	    "strongroomctl: which bank? -c FILE names its strongroom.conf; "
	    "there is no %s\n",
	    out->configuration);
	return SR_USAGE;
}

typedef enum sr_error place_of(const char *instance, struct ctl_place *out);

static void
place_each(place_of *of, void (*take)(void *context, const char *configuration),
    void *context)
{
	const struct dirent *entry;
	struct ctl_place place;
	DIR *directory;

	if (of(NULL, &place) != SR_OK)
		return;
	if (access(place.configuration, F_OK) == 0)
		take(context, place.configuration);
	*strrchr(place.configuration, '/') = '\0';
	directory = opendir(place.configuration);
	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (ctl_instance_valid(entry->d_name) &&
		    of(entry->d_name, &place) == SR_OK &&
		    access(place.configuration, F_OK) == 0)
			take(context, place.configuration);
	if (directory != NULL)
		closedir(directory);
}

void
ctl_place_each(
    void (*take)(void *context, const char *configuration), void *context)
{
	place_each(place_of_machine, take, context);
	if (geteuid() != 0)
		place_each(ctl_place, take, context);
}

enum sr_error
ctl_place_make(const char *path)
{
	const mode_t mode = geteuid() == 0 ? 0755 : 0700;
	char part[CONFIG_PATH_MAX];

	for (size_t i = 1; i < sizeof(part) && path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) == 0 || errno == EEXIST)
			continue;
		fprintf(
		    stderr, "strongroomctl: %s: %s\n", part, strerror(errno));
		return errno == EACCES || errno == EPERM ? SR_PERMISSION
							 : SR_IO;
	}
	return SR_OK;
}
