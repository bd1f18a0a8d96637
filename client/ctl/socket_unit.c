/* SPDX-License-Identifier: ISC */
/*
 * The drop-in of the bank's socket.  Must never change one that somebody has
 * written already.
 */
#include "client/ctl/socket_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/place.h"

#define SYSTEMD "/etc/systemd"
#define UNIX_PREFIX "unix:"

static void
socket_unit_failed(const char *path, const char *why)
{
	fprintf(stderr,
	    "strongroomctl: %s: %s: write what strongroom.socket is to listen "
	    "on there yourself\n",
	    path, why);
}

static bool
socket_unit_write(FILE *file, const char *const *addresses, size_t count)
{
	/* The empty one takes away what the unit itself says. */
	fprintf(file, "[Socket]\nListenStream=\n");
	for (size_t i = 0; i < count; i++) {
		const char *address = addresses[i];

		if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
			address += strlen(UNIX_PREFIX);
		/* A percent sign would begin a specifier. */
		fprintf(file, "ListenStream=");
		for (; *address != '\0'; address++)
			fprintf(
			    file, *address == '%' ? "%%%%" : "%c", *address);
		fprintf(file, "\n");
	}
	return fflush(file) == 0 && fsync(fileno(file)) == 0;
}

void
socket_unit_listen(
    const char *instance, const char *const *addresses, size_t count)
{
	char units[CONFIG_PATH_MAX], path[CONFIG_PATH_MAX + 128];
	FILE *file;
	bool good;
	int fd;

	if (access(SYSTEMD, F_OK) != 0 || !ctl_place_units(units) ||
	    (instance == NULL && count == 1 &&
		strcmp(addresses[0], SOCKET_UNIT_ADDRESS) == 0))
		return;
	snprintf(path, sizeof(path), "%s/strongroom%s%s.socket.d/listen.conf",
	    units, instance != NULL ? "@" : "",
	    instance != NULL ? instance : "");
	if (ctl_place_make(path) != SR_OK)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL) {
		socket_unit_failed(path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	good = socket_unit_write(file, addresses, count);
	if (fclose(file) != 0 || !good)
		socket_unit_failed(path, strerror(errno));
	else
		fprintf(stderr,
		    "%s has what systemd listens on; systemctl %sdaemon-reload "
		    "makes it known.\n",
		    path, geteuid() == 0 ? "" : "--user ");
}
