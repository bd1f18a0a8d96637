/* SPDX-License-Identifier: ISC */
/*
 * Sockets that systemd has passed beside what [netd] listen says: the latter
 * then counts for nothing, and whoever has changed it must learn that.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/strongroomd.h"

#define UNIT_MAX 64
#define UNIT_SUFFIX ".socket"

/* Whether the socket is at what the line asks for; port 0 is any. */
static bool
same_address(const struct config_listen *line, const struct config_listen *fd)
{
	const struct sockaddr_in *a =
	    (const struct sockaddr_in *)&line->address;
	const struct sockaddr_in *b = (const struct sockaddr_in *)&fd->address;
	const struct sockaddr_in6 *a6 =
	    (const struct sockaddr_in6 *)&line->address;
	const struct sockaddr_in6 *b6 =
	    (const struct sockaddr_in6 *)&fd->address;

	if (line->address.ss_family != fd->address.ss_family)
		return false;
	switch (line->address.ss_family) {
	case AF_INET:
		return a->sin_addr.s_addr == b->sin_addr.s_addr &&
		       (a->sin_port == b->sin_port || a->sin_port == 0);
	case AF_INET6:
		return IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr) &&
		       (a6->sin6_port == b6->sin6_port || a6->sin6_port == 0);
	default:
		return strcmp(line->text, fd->text) == 0;
	}
}

/* Each line of the file has a socket, and each socket a line. */
static bool
same_addresses(const struct monitor *monitor)
{
	char addresses[MONITOR_ADDRESSES_MAX];
	bool found[CONFIG_LISTEN_MAX] = {false};
	const struct config *config = &monitor->config;
	char *rest = addresses;
	const char *address;

	memcpy(addresses, monitor->addresses, sizeof(addresses));
	while ((address = strsep(&rest, "\n")) != NULL && *address != '\0') {
		struct config_listen fd;
		bool known = false;

		if (config_listen_parse(address, &fd) != SR_OK)
			return false;
		for (size_t i = 0; i < config->listen_count; i++)
			if (same_address(&config->listen[i], &fd))
				known = found[i] = true;
		if (!known)
			return false;
	}
	for (size_t i = 0; i < config->listen_count; i++)
		if (!found[i])
			return false;
	return true;
}

/* systemd names a socket by its unit (systemd.socket(5)). */
static void
unit_name(char unit[UNIT_MAX])
{
	const char *names = getenv("LISTEN_FDNAMES");
	size_t len = names != NULL ? strcspn(names, ":") : 0;
	const size_t suffix = strlen(UNIT_SUFFIX);

	if (len > suffix && len < UNIT_MAX &&
	    strncmp(names + len - suffix, UNIT_SUFFIX, suffix) == 0)
		snprintf(unit, UNIT_MAX, "%.*s", (int)len, names);
	else
		snprintf(unit, UNIT_MAX, "strongroom.socket");
}

void
monitor_socket_unit_advice(char *out, size_t room)
{
	const bool root = geteuid() == 0;
	const char *user = root ? "" : "--user ";
	char unit[UNIT_MAX];

	unit_name(unit);
	snprintf(out, room,
	    "systemd's socket decides where customers connect, and not [netd] "
	    "listen: change ListenStream= in %s/%s.d/listen.conf (systemctl "
	    "%sedit %s), then systemctl %sdaemon-reload, systemctl %srestart "
	    "%s, and the address in bank.id for customers",
	    root ? "/etc/systemd/system" : "~/.config/systemd/user", unit, user,
	    unit, user, user, unit);
}

void
monitor_socket_unit_look(const struct monitor *monitor)
{
	char advice[MONITOR_SOCKET_ADVICE_MAX];

	if (same_addresses(monitor))
		return;
	monitor_socket_unit_advice(advice, sizeof(advice));
	diag_warn("[netd] listen of %s names other addresses than the sockets "
		  "that systemd has passed: %s",
	    monitor->config.file, advice);
}
