/* SPDX-License-Identifier: ISC */
/*
 * Users of rooms.  Two banks must never share one: what gets out of a room of
 * one of them would be in a room of the other.
 */
#include "client/ctl/room_users.h"

#include <glob.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "client/ctl/place.h"

/* Numbers that Debian leaves to the administrator: 3 a place. */
enum { FIRST = 52000, PLACES = 2400 };

static bool
of_the_package(struct ctl_room_users *out)
{
	static const char *const names[] = {
	    "strongroom-keyd", "strongroom-netd", "strongroom-ledgerd"};
	uid_t *const users[] = {&out->keyd, &out->netd, &out->ledgerd};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct passwd *entry = getpwnam(names[i]);

		if (entry == NULL)
			return false;
		*users[i] = entry->pw_uid;
	}
	return true;
}

static bool
has_account(const struct ctl_room_users *users)
{
	return getpwuid(users->keyd) != NULL || getpwuid(users->netd) != NULL ||
	       getpwuid(users->ledgerd) != NULL;
}

/* Whether a directory that is not in that one belongs to one of them. */
static bool
owned(const glob_t *others, const char *directory,
    const struct ctl_room_users *users)
{
	const size_t len = strlen(directory);

	for (size_t i = 0; i < others->gl_pathc; i++) {
		const char *path = others->gl_pathv[i];
		struct stat status;

		if (strncmp(path, directory, len) == 0 && path[len] == '/')
			continue;
		if (lstat(path, &status) == 0 && status.st_uid >= users->keyd &&
		    status.st_uid <= users->ledgerd)
			return true;
	}
	return false;
}

enum sr_error
ctl_room_users_find(const char *directory, struct ctl_room_users *out)
{
	glob_t others = {.gl_pathc = 0};
	unsigned place, tried;
	uint8_t hash[16];
	bool found = false;

	if (strcmp(directory, PLACE_DATA) == 0 && of_the_package(out))
		return SR_OK;
	(void)glob(PLACE_DATA "*/keyd", 0, NULL, &others);
	(void)glob(PLACE_DATA "*/ledger", GLOB_APPEND, NULL, &others);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)directory,
	    strlen(directory), NULL, 0);
	place = (unsigned)(hash[0] | hash[1] << 8) % PLACES;
	for (tried = 0; tried < PLACES && !found; tried++) {
		out->keyd = FIRST + 3 * ((place + tried) % PLACES);
		out->netd = out->keyd + 1;
		out->ledgerd = out->keyd + 2;
		found = !has_account(out) && !owned(&others, directory, out);
	}
	globfree(&others);
	if (found)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: every number from %d to %d is somebody's: the "
	    "rooms need three that are nobody's\n",
	    FIRST, FIRST + 3 * PLACES - 1);
	return SR_NOT_FOUND;
}
