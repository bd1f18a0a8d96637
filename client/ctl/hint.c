/* SPDX-License-Identifier: ISC */
/*
 * Hints.  Must never name a bank that the command was not about.
 */
#include "client/ctl/hint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/place.h"

#define MACHINE "/etc/strongroom"
#define FILE_NAME "strongroom.conf"

/* The units of a bank that lies in its place. */
struct units {
	const char *user; /* "--user " of a user's own */
	const char *at;   /* "@" of an instance */
	char instance[NAME_MAX + 1];
};

/* A word as a shell reads it. */
static void
quote(const char *word, char *out, size_t room)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-_./+,:=@%";
	const char *mark = word[strspn(word, plain)] == '\0' ? "" : "'";

	(void)snprintf(out, room, "%s%s%s", mark, word, mark);
}

const char *
hint_ctl(const struct ctl_options *options)
{
	static char text[HINT_MAX];
	char file[CONFIG_PATH_MAX + 2];

	if (options->configuration != NULL) {
		quote(options->configuration, file, sizeof(file));
		(void)snprintf(text, sizeof(text), "strongroomctl -c %s", file);
	} else if (options->instance != NULL) {
		(void)snprintf(text, sizeof(text),
		    "strongroomctl --instance %.64s", options->instance);
	} else {
		(void)snprintf(text, sizeof(text), "strongroomctl");
	}
	return text;
}

/* Whether the file is strongroom.conf of base, or of an instance there. */
static bool
lies_below(const char *file, const char *base, struct units *units)
{
	const size_t len = strlen(base);
	const char *name, *slash;
	size_t name_len;

	if (strncmp(file, base, len) != 0 || file[len] != '/')
		return false;
	name = file + len + 1;
	slash = strchr(name, '/');
	units->at = "";
	units->instance[0] = '\0';
	if (slash == NULL)
		return strcmp(name, FILE_NAME) == 0;
	name_len = (size_t)(slash - name);
	if (name_len > NAME_MAX || strcmp(slash + 1, FILE_NAME) != 0)
		return false;
	memcpy(units->instance, name, name_len);
	units->instance[name_len] = '\0';
	units->at = "@";
	return ctl_instance_valid(units->instance);
}

/* A user's own, by the asker's home; without one ctl_place() would complain. */
static bool
is_own(const char *file, struct units *units)
{
	const char *home = getenv("HOME");
	char base[PATH_MAX], *slash;
	struct ctl_place own;

	if (geteuid() == 0 || home == NULL || home[0] != '/' ||
	    ctl_place(NULL, &own) != SR_OK)
		return false;
	slash = strrchr(own.configuration, '/');
	*slash = '\0';
	return realpath(own.configuration, base) != NULL &&
	       lies_below(file, base, units);
}

static bool
units_of(const char *file, struct units *units)
{
	char base[PATH_MAX];

	units->user = "";
	if (lies_below(file, MACHINE, units) ||
	    (realpath(MACHINE, base) != NULL && lies_below(file, base, units)))
		return true;
	units->user = "--user ";
	return is_own(file, units);
}

void
hint_start(const char *file, const char *verb, char out[HINT_MAX])
{
	char word[CONFIG_PATH_MAX + 2];
	struct units units;

	if (units_of(file, &units)) {
		(void)snprintf(out, HINT_MAX,
		    "systemctl %s%s strongroom%s%.32s.socket "
		    "strongroom%s%.32s.service",
		    units.user, verb, units.at, units.instance, units.at,
		    units.instance);
		return;
	}
	quote(file, word, sizeof(word));
	(void)snprintf(out, HINT_MAX, "strongroomd -c %s", word);
}

bool
hint_backup_timer(const char *file, char out[HINT_MAX])
{
	struct units units;

	if (!units_of(file, &units) || units.user[0] != '\0')
		return false;
	(void)snprintf(out, HINT_MAX,
	    "systemctl enable --now strongroom-backup%s%.32s.timer", units.at,
	    units.instance);
	return true;
}

void
hint_tell_start(const struct config *config, const char *credential)
{
	struct units units;
	char command[HINT_MAX];

	hint_start(config->file, "enable --now", command);
	fprintf(stderr, "Start it:  %s\n", command);
	if (config->unlock == CONFIG_UNLOCK_CREDENTIAL &&
	    !units_of(config->file, &units))
		fprintf(stderr,
		    "by a systemd service with LoadCredential=%s:%s\n",
		    config->credential,
		    credential != NULL ? credential : "FILE");
}
