/* SPDX-License-Identifier: ISC */
/*
 * The sockets that clients connect to.  They are opened once and stay, so a
 * netd that is started anew misses no connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/strongroomd.h"

#define LISTEN_WAIT_MS 1000
#define LISTEN_PAUSE_NS 10000000
#define BACKLOG 512
#define SYSTEMD_FIRST_FD 3

static enum sr_error
listen_failed(const char *address, int fd)
{
	int reason = errno;

	if (fd >= 0)
		close(fd);
	if (reason == EADDRINUSE) {
		diag_error("%s: the address is already in use by another "
			   "program",
		    address);
		return SR_ADDRESS_IN_USE;
	}
	diag_error("%s: cannot listen: %s", address, strerror(reason));
	return reason == EACCES ? SR_PERMISSION : SR_IO;
}

static bool
set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* What accepted connections inherit, so that netd need not set it. */
static bool
set_stream_options(int fd, int family)
{
	if (family == AF_UNIX)
		return true;
	if (family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
		return false;
	/* A restart right after a kill finds old connections in TIME_WAIT. */
	return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
	       set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
	       set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* A socket file that nobody listens on is a leftover of ours or of a bank
 * that was killed; one that answers is in use. */
static bool
remove_stale(const struct sockaddr_un *address)
{
	struct stat status;
	int fd, result;

	if (lstat(address->sun_path, &status) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(status.st_mode)) {
		errno = EADDRINUSE;
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	result =
	    connect(fd, (const struct sockaddr *)address, sizeof(*address));
	if (result != 0 && errno == ECONNREFUSED)
		result = 1;
	close(fd);
	errno = EADDRINUSE;
	return result == 1 && unlink(address->sun_path) == 0;
}

/*
 * A room that was killed frees the lock a moment before its listening socket
 * is gone: descriptors are closed one after the other.
 */
static bool
bind_and_listen(int fd, const struct sockaddr *address, socklen_t len)
{
	const struct timespec pause = {.tv_nsec = LISTEN_PAUSE_NS};
	int64_t give_up_ms = monitor_now_ms() + LISTEN_WAIT_MS;

	while (bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0)
		if (errno != EADDRINUSE || monitor_now_ms() > give_up_ms ||
		    (nanosleep(&pause, NULL) != 0 && errno != EINTR))
			return false;
	return true;
}

static enum sr_error
open_listener(const struct config_listen *listener, int *out)
{
	const struct sockaddr *address =
	    (const struct sockaddr *)&listener->address;
	int family = listener->address.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || !set_stream_options(fd, family))
		return listen_failed(listener->text, fd);
	if (family == AF_UNIX &&
	    !remove_stale((const struct sockaddr_un *)address))
		return listen_failed(listener->text, fd);
	if (!bind_and_listen(fd, address, listener->address_len))
		return listen_failed(listener->text, fd);
	/* Anybody may connect, as over TCP; netd counts by uid. */
	if (family == AF_UNIX &&
	    chmod(((const struct sockaddr_un *)address)->sun_path, 0666) != 0)
		return listen_failed(listener->text, fd);
	*out = fd;
	return SR_OK;
}

enum sr_error
monitor_listen_unix(
    struct monitor *monitor, const char *name, int type, unsigned mode, int *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[CONFIG_PATH_MAX];
	int directory, made;

	if (config_path(&monitor->config, "run", path) != SR_OK)
		return SR_CONFIG;
	/* By way of the directory's fd: a socket's path is short. */
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return listen_failed(path, -1);
	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d/%s", directory, name);
	/* Whoever holds the lock knows that nobody listens there. */
	if (unlinkat(directory, name, 0) != 0 && errno != ENOENT) {
		close(directory);
		return listen_failed(name, -1);
	}
	made = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0 ||
	    bind(made, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    fchmodat(directory, name, (mode_t)mode, 0) != 0 ||
	    listen(made, BACKLOG) != 0) {
		enum sr_error error = listen_failed(name, made);

		close(directory);
		return error;
	}
	*fd = made;
	return close(directory) == 0 ? SR_OK : SR_IO;
}

/* The address as it is, with the port that the system chose. */
static void
add_address(struct monitor *monitor, int fd)
{
	struct sockaddr_storage storage = {0};
	const struct sockaddr_in *inet = (struct sockaddr_in *)&storage;
	const struct sockaddr_in6 *inet6 = (struct sockaddr_in6 *)&storage;
	const struct sockaddr_un *un = (struct sockaddr_un *)&storage;
	socklen_t len = sizeof(storage);
	char host[INET6_ADDRSTRLEN] = "?";
	size_t used = strlen(monitor->addresses);
	char *out = monitor->addresses + used;
	size_t left = sizeof(monitor->addresses) - used;
	int n = -1;

	if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0)
		return;
	if (storage.ss_family == AF_INET &&
	    inet_ntop(AF_INET, &inet->sin_addr, host, sizeof(host)) != NULL)
		n = snprintf(out, left, "%s:%u\n", host, ntohs(inet->sin_port));
	else if (storage.ss_family == AF_INET6 &&
		 inet_ntop(AF_INET6, &inet6->sin6_addr, host, sizeof(host)) !=
		     NULL)
		n = snprintf(
		    out, left, "[%s]:%u\n", host, ntohs(inet6->sin6_port));
	else if (storage.ss_family == AF_UNIX)
		n = snprintf(out, left, "unix:%s\n", un->sun_path);
	if (n < 0 || (size_t)n >= left)
		*out = '\0';
}

/* Sockets of systemd's, which begin at fd 3.  0 when there are none. */
static int
systemd_sockets(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t who, fds;

	if (pid == NULL || count == NULL ||
	    !config_number(pid, strlen(pid), &who) ||
	    !config_number(count, strlen(count), &fds) ||
	    who != (uint64_t)getpid())
		return 0;
	return fds > NETD_LISTENERS_MAX ? -1 : (int)fds;
}

static enum sr_error
take_systemd_sockets(struct monitor *monitor, int count)
{
	for (int fd = SYSTEMD_FIRST_FD; fd < SYSTEMD_FIRST_FD + count; fd++) {
		int listening = 0, flags = fcntl(fd, F_GETFL);
		socklen_t len = sizeof(listening);

		if (flags < 0 ||
		    getsockopt(
			fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
		    listening == 0) {
			diag_error(
			    "socket %d of LISTEN_FDS does not listen", fd);
			return SR_CONFIG;
		}
		if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
		    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			return SR_IO;
		monitor->listeners[monitor->listener_count++] = fd;
		add_address(monitor, fd);
	}
	return SR_OK;
}

void
monitor_remove_names(struct monitor *monitor)
{
	static const char *const names[] = {
	    "run/private", "run/control", "run/address"};
	char path[CONFIG_PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (config_path(&monitor->config, names[i], path) == SR_OK &&
		    unlink(path) != 0 && errno != ENOENT)
			diag_warn("%s: %s", path, strerror(errno));
}

/* What a command on the stopped bank left: who finds it would wait there. */
static enum sr_error
remove_private(const struct monitor *monitor)
{
	char path[CONFIG_PATH_MAX];
	enum sr_error error =
	    config_path(&monitor->config, "run/private", path);

	if (error != SR_OK || unlink(path) == 0 || errno == ENOENT)
		return error;
	diag_error("%s: %s", path, strerror(errno));
	return SR_IO;
}

enum sr_error
monitor_listen(struct monitor *monitor)
{
	int count = systemd_sockets();
	enum sr_error error;

	/* What a killed strongroomd has left behind would mislead. */
	monitor_remove_names(monitor);
	if (monitor->no_listen) {
		monitor->listener_count = 1;
		return monitor_listen_unix(monitor, "private", SOCK_STREAM,
		    0600, &monitor->listeners[0]);
	}
	error = remove_private(monitor);
	if (error != SR_OK)
		return error;
	if (count < 0) {
		diag_error(
		    "LISTEN_FDS: at most %d sockets", (int)NETD_LISTENERS_MAX);
		return SR_CONFIG;
	}
	if (count > 0) {
		error = take_systemd_sockets(monitor, count);
		monitor->passed = true;
		if (error == SR_OK)
			monitor_socket_unit_look(monitor);
		return error;
	}
	for (size_t i = 0; i < monitor->config.listen_count; i++) {
		error = open_listener(
		    &monitor->config.listen[i], &monitor->listeners[i]);
		if (error != SR_OK)
			return error;
		monitor->listener_count++;
		add_address(monitor, monitor->listeners[i]);
	}
	if (monitor->listener_count > 0)
		return SR_OK;
	diag_error("%s: there is no [netd] listen", monitor->config.file);
	return SR_CONFIG;
}

enum sr_error
monitor_write_address(struct monitor *monitor)
{
	char path[CONFIG_PATH_MAX], fresh[CONFIG_PATH_MAX];
	size_t len = strlen(monitor->addresses);
	bool ok;
	int fd;

	if (config_path(&monitor->config, "run/address", path) != SR_OK ||
	    config_path(&monitor->config, "run/address.new", fresh) != SR_OK)
		return SR_CONFIG;
	if (monitor->no_listen)
		return SR_OK;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		diag_error("%s: %s", fresh, strerror(errno));
		return SR_IO;
	}
	ok = fchmod(fd, 0644) == 0 &&
	     write(fd, monitor->addresses, len) == (ssize_t)len;
	if (close(fd) == 0 && ok && rename(fresh, path) == 0)
		return SR_OK;
	diag_error("%s: %s", path, strerror(errno));
	return SR_IO;
}
