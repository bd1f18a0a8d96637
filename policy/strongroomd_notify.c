/* SPDX-License-Identifier: ISC */
/*
 * Tells systemd, or whoever set NOTIFY_SOCKET, how strongroomd is.  The
 * protocol of sd_notify(3): one datagram.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/strongroomd.h"

static void
notify(const char *text, int flags)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = path != NULL ? strlen(path) : 0;
	socklen_t address_len;
	int fd;

	if (len < 2 || len >= sizeof(address.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Whoever asked to be told may be gone by the time of STOPPING=1. */
	if ((fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL | flags,
			   (struct sockaddr *)&address, address_len) < 0) &&
	    errno != ECONNREFUSED && errno != EAGAIN)
		diag_warn("NOTIFY_SOCKET: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

void
monitor_notify(const char *text)
{
	notify(text, 0);
}

void
monitor_notify_alive(void)
{
	notify("WATCHDOG=1", MSG_DONTWAIT);
}
