/* SPDX-License-Identifier: ISC */
/*
 * Starts strongroom-unlock and the three rooms, each with the fds of fds.h
 * and nothing else.  What a room alone needs is closed here once it has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "policy/sandbox_steps.h"
#include "policy/strongroomd.h"

#define LINK_BUFFER_LEN (1 << 20)
#define LINK_BUFFER_MIN (4 * IPC_PACKET_MAX)
#define FDS_MAX 32
#define ARGUMENTS_MAX 32
#define ARGUMENT_LEN 32

struct arguments {
	char text[ARGUMENTS_MAX][ARGUMENT_LEN];
	char *argv[ARGUMENTS_MAX + 1];
	size_t count;
};

/* fds by their number in the room; owned ones are closed after the start. */
struct room_fds {
	int fds[FDS_MAX];
	bool owned[FDS_MAX];
};

static void
add_option(struct arguments *arguments, const char *name, uint64_t value)
{
	char *option = arguments->text[arguments->count];
	char *number = arguments->text[arguments->count + 1];

	if (arguments->count + 2 > ARGUMENTS_MAX)
		diag_fatal("too many options for a room");
	snprintf(option, ARGUMENT_LEN, "--%s", name);
	snprintf(number, ARGUMENT_LEN, "%llu", (unsigned long long)value);
	arguments->argv[arguments->count++] = option;
	arguments->argv[arguments->count++] = number;
	arguments->argv[arguments->count] = NULL;
}

static void
begin_arguments(const struct monitor *monitor, const char *program,
    const struct monitor_room *room, struct arguments *arguments)
{
	snprintf(arguments->text[0], ARGUMENT_LEN, "%s", program);
	arguments->argv[0] = arguments->text[0];
	arguments->count = 1;
	if (geteuid() == 0) {
		add_option(arguments, "uid", room->uid);
		add_option(arguments, "gid", room->gid);
	}
	add_option(arguments, "namespaces", monitor->config.namespaces);
	if (monitor->init)
		add_option(arguments, "init", 1);
}

static void
begin_fds(const struct monitor *monitor, struct room_fds *room)
{
	for (size_t i = 0; i < FDS_MAX; i++) {
		room->fds[i] = -1;
		room->owned[i] = false;
	}
	room->fds[0] = monitor->null;
	room->fds[1] = monitor->null;
	room->fds[2] = STDERR_FILENO;
}

static void
give(struct room_fds *room, int number, int fd)
{
	room->fds[number] = fd;
	room->owned[number] = true;
}

/* Files that an opener has put there are the room's alone, too. */
static void
own_range(struct room_fds *room, int first, int last)
{
	for (int i = first; i <= last; i++)
		room->owned[i] = room->fds[i] >= 0;
}

static void
close_owned(struct room_fds *room)
{
	for (size_t i = 0; i < FDS_MAX; i++)
		if (room->owned[i])
			close(room->fds[i]);
}

static enum sr_error
make_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) != 0) {
		diag_error("a link cannot be made: %s", strerror(errno));
		return SR_IO;
	}
	for (int i = 0; i < 2; i++) {
		const int wanted = LINK_BUFFER_LEN;
		int got = 0;
		socklen_t len = sizeof(got);

		/* Only root may go beyond the system's limit. */
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &wanted,
			sizeof(wanted)) != 0 &&
		    setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &wanted,
			sizeof(wanted)) != 0)
			got = -1;
		if (got < 0 ||
		    getsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &got, &len) !=
			0 ||
		    got < LINK_BUFFER_MIN) {
			diag_error("a link's buffer would be too small; raise "
				   "net.core.wmem_max");
			close(pair[0]);
			close(pair[1]);
			pair[0] = pair[1] = -1;
			return SR_IO;
		}
	}
	return SR_OK;
}

static enum sr_error
spawn(struct monitor *monitor, const char *name, struct arguments *arguments,
    const struct room_fds *room, pid_t *pid)
{
	char program[CONFIG_PATH_MAX];
	size_t count = FDS_MAX;
	enum sr_error error;
	int len;

	while (room->fds[count - 1] < 0)
		count--;
	len =
	    snprintf(program, sizeof(program), "%s/%s", monitor->libexec, name);
	if (len < 0 || (size_t)len >= sizeof(program))
		return SR_CONFIG;
	error = sandbox_spawn(program, arguments->argv, room->fds, count,
	    monitor->config.namespaces, pid);
	if (error == SR_PERMISSION)
		diag_error(SANDBOX_SWITCH_OFF, monitor->config.file);
	return error;
}

/* With a control link of its own; room->fds are ready but for that. */
static enum sr_error
spawn_room(struct monitor *monitor, enum room_name name,
    struct arguments *arguments, struct room_fds *room)
{
	struct monitor_room *process = &monitor->rooms[name];
	enum sr_error error;
	int pair[2];

	error = make_pair(pair);
	if (error != SR_OK)
		return error;
	give(room, FD_CONTROL, pair[1]);
	process->control = pair[0];
	process->ready = false;
	process->awaited = false;
	return spawn(
	    monitor, monitor_room_name(name), arguments, room, &process->pid);
}

/* What it will have told is read once it has ended: a pipe takes that whole. */
static enum sr_error
give_told(struct room_fds *room, int *told)
{
	int ends[2];

	if (*told >= 0)
		close(*told);
	*told = -1;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		diag_error("a pipe cannot be made: %s", strerror(errno));
		return SR_IO;
	}
	*told = ends[0];
	give(room, FD_UNLOCK_TOLD, ends[1]);
	return SR_OK;
}

static enum sr_error
start_unlock(struct monitor *monitor, int pipe_fd)
{
	struct arguments arguments;
	struct room_fds room;
	enum sr_error error;

	begin_arguments(monitor, "strongroom-unlock",
	    &monitor->rooms[ROOM_KEYD], &arguments);
	if (monitor->init || monitor->certify || monitor->rotate ||
	    monitor->loss)
		add_option(&arguments, "identity", 1);
	begin_fds(monitor, &room);
	room.fds[FD_UNLOCK_PIPE] = pipe_fd;
	room.fds[FD_UNLOCK_LOCK] = monitor->lock;
	error = monitor_open_unlock(monitor, room.fds);
	add_option(&arguments, "kind", monitor->kind);
	own_range(&room, FD_UNLOCK_SECRET, FD_UNLOCK_ROOT);
	own_range(&room, FD_UNLOCK_IDENTITY, FD_UNLOCK_IDENTITY);
	if (error == SR_OK)
		error = give_told(&room, &monitor->unlock_told);
	if (error == SR_OK)
		error = spawn(monitor, "strongroom-unlock", &arguments, &room,
		    &monitor->unlock);
	close_owned(&room);
	return error;
}

enum sr_error
monitor_start_sealer(struct monitor *monitor,
    const struct message_seal_change *change, int socket_fd)
{
	struct arguments arguments;
	struct room_fds room;
	enum sr_error error;
	bool identity = false;
	unsigned kind = 0;
	int configured;

	begin_arguments(monitor, "strongroom-unlock",
	    &monitor->rooms[ROOM_KEYD], &arguments);
	add_option(&arguments, "seal", change->change);
	add_option(&arguments, "kind", change->kind);
	add_option(&arguments, "new-kind", change->new_kind);
	add_option(&arguments, "quorum", change->quorum);
	add_option(&arguments, "shares", change->shares);
	add_option(&arguments, "number", change->number);
	begin_fds(monitor, &room);
	room.fds[FD_UNLOCK_CONFIGURED] = monitor->null;
	if (change->change == 2 &&
	    monitor_reopen_configured(monitor, &kind, &configured))
		give(&room, FD_UNLOCK_CONFIGURED, configured);
	add_option(&arguments, "configured", kind);
	room.fds[FD_UNLOCK_SECRET] = socket_fd;
	room.fds[FD_UNLOCK_PIPE] = socket_fd;
	room.fds[FD_UNLOCK_LOCK] = monitor->lock;
	error = monitor_open_sealer(monitor, room.fds, &identity);
	own_range(&room, FD_UNLOCK_ROOT, FD_UNLOCK_ROOT);
	own_range(&room, FD_UNLOCK_IDENTITY, FD_UNLOCK_NEW_IDENTITY);
	if (identity)
		add_option(&arguments, "identity", 1);
	if (error == SR_OK)
		error = give_told(&room, &monitor->sealer_told);
	if (error == SR_OK)
		error = spawn(monitor, "strongroom-unlock", &arguments, &room,
		    &monitor->sealer);
	close_owned(&room);
	return error;
}

static enum sr_error
start_keyd(struct monitor *monitor, int pipe_fd, int netd, int ledgerd)
{
	struct arguments arguments;
	struct room_fds room;
	enum sr_error error;

	begin_arguments(
	    monitor, "keyd", &monitor->rooms[ROOM_KEYD], &arguments);
	add_option(
	    &arguments, "registration", (uint64_t)monitor->config.registration);
	if (monitor->restore || monitor->loss || monitor->rehearse)
		add_option(&arguments, "restore", 1);
	if (monitor->rotate != 0)
		add_option(&arguments, "rotate", monitor->rotate);
	if (monitor->loss_size > 0) {
		add_option(&arguments, "restore-epoch", monitor->loss_epoch);
		add_option(&arguments, "restore-size", monitor->loss_size);
	}
	if (monitor->init || monitor->certify || monitor->rotate ||
	    monitor->loss)
		add_option(&arguments, "identity", 1);
	begin_fds(monitor, &room);
	give(&room, FD_KEYD_NETD, netd);
	give(&room, FD_KEYD_LEDGERD, ledgerd);
	give(&room, FD_KEYD_UNLOCK, pipe_fd);
	room.fds[FD_KEYD_LOCK] = monitor->lock;
	error = monitor_open_keyd(monitor, room.fds);
	own_range(&room, FD_KEYD_STATE, FD_KEYD_TERMINALS);
	if (error == SR_OK)
		error = spawn_room(monitor, ROOM_KEYD, &arguments, &room);
	close_owned(&room);
	return error;
}

static enum sr_error
start_ledgerd(struct monitor *monitor, int netd, int keyd)
{
	const struct config *config = &monitor->config;
	struct arguments arguments;
	struct room_fds room;
	enum sr_error error;

	begin_arguments(
	    monitor, "ledgerd", &monitor->rooms[ROOM_LEDGERD], &arguments);
	add_option(&arguments, "segment-size", config->segment_len);
	add_option(&arguments, "reserve", config->reserve_len);
	add_option(&arguments, "session-idle", config->session_idle_s);
	add_option(&arguments, "session-absolute", config->session_absolute_s);
	add_option(&arguments, "session-rekey", config->session_rekey_s);
	add_option(&arguments, "audit-log", (uint64_t)config->audit_log);
	add_option(&arguments, "max-connections", config->max_connections);
	begin_fds(monitor, &room);
	give(&room, FD_LEDGERD_NETD, netd);
	give(&room, FD_LEDGERD_KEYD, keyd);
	room.fds[FD_LEDGERD_LOCK] = monitor->lock;
	error = monitor_open_ledgerd(monitor, room.fds);
	own_range(&room, FD_LEDGERD_LEDGER, FD_LEDGERD_AUDIT);
	if (error == SR_OK)
		error = spawn_room(monitor, ROOM_LEDGERD, &arguments, &room);
	close_owned(&room);
	return error;
}

enum sr_error
monitor_start_netd(struct monitor *monitor)
{
	const struct config *config = &monitor->config;
	struct arguments arguments;
	struct room_fds room;
	enum sr_error error;

	begin_arguments(
	    monitor, "netd", &monitor->rooms[ROOM_NETD], &arguments);
	add_option(&arguments, "listeners", monitor->listener_count);
	add_option(&arguments, "generation", monitor->generation);
	add_option(&arguments, "max-connections", monitor->connections_max);
	add_option(&arguments, "admit", config->max_connections);
	add_option(&arguments, "max-per-address", config->max_per_address);
	add_option(
	    &arguments, "handshake-timeout-ms", config->handshake_timeout_ms);
	begin_fds(monitor, &room);
	room.fds[FD_NETD_KEYD] = monitor->netd_keyd;
	room.fds[FD_NETD_LEDGERD] = monitor->netd_ledgerd;
	room.fds[FD_NETD_LOCK] = monitor->lock;
	for (size_t i = 0; i < monitor->listener_count; i++)
		room.fds[FD_NETD_LISTEN + (int)i] = monitor->listeners[i];
	error = spawn_room(monitor, ROOM_NETD, &arguments, &room);
	close_owned(&room);
	return error;
}

/* Links that end in the air, and /dev/null for every file. */
static enum sr_error
give_probe(struct monitor *monitor, enum room_name name, struct room_fds *room)
{
	static const int last[] = {
	    [ROOM_KEYD] = FD_KEYD_LOCK,
	    [ROOM_NETD] = FD_NETD_LOCK,
	    [ROOM_LEDGERD] = FD_LEDGERD_LOCK,
	};
	enum sr_error error = SR_OK;
	int pair[2];

	for (int fd = FD_CONTROL; fd <= last[name]; fd++)
		room->fds[fd] = monitor->null;
	if (make_pair(pair) != SR_OK)
		return SR_IO;
	give(room, FD_CONTROL, pair[0]);
	close(pair[1]);
	if (name == ROOM_LEDGERD) {
		error = monitor_open_ledgerd(monitor, room->fds);
		own_range(room, FD_LEDGERD_LEDGER, FD_LEDGERD_AUDIT);
	}
	return error;
}

enum sr_error
monitor_start_probe(
    struct monitor *monitor, enum room_name name, unsigned attempt, pid_t *pid)
{
	struct arguments arguments;
	struct room_fds room;
	enum sr_error error;

	begin_arguments(
	    monitor, "strongroom-probe", &monitor->rooms[name], &arguments);
	add_option(&arguments, "room", (uint64_t)name);
	add_option(&arguments, "attempt", attempt);
	begin_fds(monitor, &room);
	error = give_probe(monitor, name, &room);
	if (error == SR_OK)
		error =
		    spawn(monitor, "strongroom-probe", &arguments, &room, pid);
	close_owned(&room);
	return error;
}

/* Who has it from now on closes it. */
static int
take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

enum sr_error
monitor_start_rooms(struct monitor *monitor)
{
	enum { NETD_KEYD, NETD_LEDGERD, KEYD_LEDGERD, SECRET, LINKS };
	int links[LINKS][2];
	enum sr_error error = SR_OK;

	monitor->connections_max = monitor->config.max_connections;
	memset(links, -1, sizeof(links));
	for (int i = 0; i < SECRET && error == SR_OK; i++)
		error = make_pair(links[i]);
	if (error == SR_OK && pipe2(links[SECRET], O_CLOEXEC) != 0) {
		diag_error("a pipe cannot be made: %s", strerror(errno));
		error = SR_IO;
	}
	if (error == SR_OK) {
		monitor->netd_keyd = take(&links[NETD_KEYD][0]);
		monitor->netd_ledgerd = take(&links[NETD_LEDGERD][0]);
		error = start_unlock(monitor, links[SECRET][1]);
		/* keyd must see the pipe's end when strongroom-unlock ends. */
		close(take(&links[SECRET][1]));
	}
	if (error == SR_OK)
		error = start_keyd(monitor, take(&links[SECRET][0]),
		    take(&links[NETD_KEYD][1]), take(&links[KEYD_LEDGERD][0]));
	if (error == SR_OK && monitor->rehearse)
		monitor->no_ledgerd = take(&links[KEYD_LEDGERD][1]);
	else if (error == SR_OK)
		error = start_ledgerd(monitor, take(&links[NETD_LEDGERD][1]),
		    take(&links[KEYD_LEDGERD][1]));
	if (error == SR_OK && !monitor->rehearse)
		error = monitor_start_netd(monitor);
	for (int i = 0; i < 2 * LINKS; i++)
		if (links[i / 2][i % 2] >= 0)
			close(links[i / 2][i % 2]);
	return error;
}
