/* SPDX-License-Identifier: ISC */
/*
 * The operator's notes of the last backup and the last verification.  Must
 * never fail what they are notes of.
 */
#include "client/ctl/last.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/backup_set.h"
#include "client/bankfile.h"
#include "client/ini_file.h"

static const char *const names[] = {"run/last-backup", "run/last-verified"};

static bool
set_number(const char *value, uint64_t *out)
{
	*out = 0;
	if (*value == '\0' || (value[0] == '0' && value[1] != '\0'))
		return false;
	for (; *value != '\0'; value++)
		if (*value < '0' || *value > '9' ||
		    __builtin_mul_overflow(*out, 10u, out) ||
		    __builtin_add_overflow(*out, (unsigned)(*value - '0'), out))
			return false;
	return true;
}

static bool
set_time(void *context, const char *value)
{
	return set_number(value, &((struct ctl_last *)context)->time_ms);
}

static bool
set_entries(void *context, const char *value)
{
	return set_number(value, &((struct ctl_last *)context)->entries);
}

static bool
set_set(void *context, const char *value)
{
	return set_number(value, &((struct ctl_last *)context)->set);
}

static bool
set_root(void *context, const char *value)
{
	return ini_file_unhex(value, ((struct ctl_last *)context)->root);
}

static bool
set_good(void *context, const char *value)
{
	((struct ctl_last *)context)->good = strcmp(value, "yes") == 0;
	return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
}

static const struct ini_file_key keys[] = {
    {.name = "time-ms",
	.set = set_time,
	.wanted = "milliseconds since 1970",
	.required = true},
    {.name = "entries",
	.set = set_entries,
	.wanted = "a number",
	.required = true},
    {.name = "root",
	.set = set_root,
	.wanted = "64 hex digits",
	.required = true},
    {.name = "good", .set = set_good, .wanted = "yes or no", .required = true},
    {.name = "set", .set = set_set, .wanted = "a number"},
};

void
ctl_last_write(const struct config *config, enum ctl_last_of which,
    const struct ctl_last *last)
{
	char path[CONFIG_PATH_MAX], text[256], root[65];
	struct timespec now = {0};
	char set[40] = "";
	int fd, n;

	if (config_path(config, names[which], path) != SR_OK)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	bankfile_hex(last->root, root);
	if (last->set != 0)
		snprintf(set, sizeof(set), "set = %" PRIu64 "\n", last->set);
	n = snprintf(text, sizeof(text),
	    "[last]\ntime-ms = %" PRIu64 "\nentries = %" PRIu64
	    "\nroot = %s\ngood = %s\n%s",
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
	    last->entries, root, last->good ? "yes" : "no", set);
	/* what goes wrong is said there */
	if (backup_file_begin(path, &fd) != SR_OK)
		return;
	if (backup_file_write(path, fd, 0, text, (size_t)n) == SR_OK)
		(void)backup_file_finish(path, fd);
	else
		close(fd);
}

enum sr_error
ctl_last_read(const struct config *config, enum ctl_last_of which,
    struct ctl_last *last, char *message)
{
	char path[CONFIG_PATH_MAX];
	struct ini_file file = {.path = path,
	    .section = "last",
	    .keys = keys,
	    .key_count = sizeof(keys) / sizeof(keys[0]),
	    .context = last,
	    .message = message};
	enum sr_error error = config_path(config, names[which], path);
	FILE *stream;

	memset(last, 0, sizeof(*last));
	if (error != SR_OK)
		return error;
	stream = backup_file_read(path);
	if (stream == NULL && errno == ENOENT)
		return SR_NOT_FOUND;
	if (stream == NULL) {
		snprintf(message, CTL_LAST_MESSAGE_MAX, "%.200s: %s", path,
		    strerror(errno));
		return errno == EACCES ? SR_PERMISSION : SR_IO;
	}
	error = ini_file_read(&file, stream);
	fclose(stream);
	return error;
}
