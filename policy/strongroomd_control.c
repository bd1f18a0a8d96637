/* SPDX-License-Identifier: ISC */
/*
 * The control socket: who may ask is decided here, what is asked is read by
 * the room that it goes to.  Never more than one request of a connection is
 * on its way.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/diag.h"
#include "gen/messages.h"
#include "policy/strongroomd.h"

static void
close_connection(struct monitor_connection *connection)
{
	close(connection->fd);
	connection->fd = -1;
	connection->request = 0;
}

/* The room's byte and one message, to a connection that then is free again. */
void
monitor_control_reply(
    struct monitor_connection *connection, const uint8_t *message, size_t len)
{
	uint8_t packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(packet, sizeof(packet));

	connection->request = 0;
	writer_u8(&w, (uint8_t)connection->room);
	writer_bytes(&w, message, len);
	/* It asks for one thing at a time: there is room for the answer. */
	if (w.bad || send(connection->fd, packet, writer_len(&w),
			 MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		close_connection(connection);
	explicit_bzero(packet, sizeof(packet));
}

void
monitor_control_refuse(struct monitor_connection *connection, enum sr_error why)
{
	const struct message_control_refused m = {.error = (uint16_t)why};
	uint8_t message[16];
	struct writer w = writer_to(message, sizeof(message));

	if (message_control_refused_encode(&w, &m) == SR_OK)
		monitor_control_reply(connection, message, writer_len(&w));
	else
		close_connection(connection);
}

void
monitor_control_tell(struct monitor *monitor, enum monitor_wait what,
    const struct writer *w, enum sr_error error)
{
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
		struct monitor_connection *connection =
		    &monitor->connections[i];

		if (connection->fd < 0 || connection->request == 0 ||
		    connection->room != CONTROL_MONITOR ||
		    connection->waits != what)
			continue;
		if (error == SR_OK && w != NULL)
			monitor_control_reply(
			    connection, w->start, writer_len(w));
		else
			monitor_control_refuse(connection, error);
	}
}

enum sr_error
monitor_control_listen(struct monitor *monitor)
{
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++)
		monitor->connections[i].fd = -1;
	return monitor_listen_unix(
	    monitor, "control", SOCK_SEQPACKET, 0600, &monitor->control);
}

static bool
may_ask(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

void
monitor_control_accept(struct monitor *monitor)
{
	int fd =
	    accept4(monitor->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (!may_ask(fd)) {
		diag_limited(1, "control: a user who may not ask was refused");
		close(fd);
		return;
	}
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
		if (monitor->connections[i].fd >= 0)
			continue;
		monitor->connections[i].fd = fd;
		monitor->connections[i].request = 0;
		return;
	}
	diag_limited(2, "control: too many connections");
	close(fd);
}

static uint32_t
next_request(struct monitor *monitor)
{
	if (++monitor->last_request == 0)
		monitor->last_request = 1;
	return monitor->last_request;
}

void
monitor_control_wait(struct monitor *monitor, enum monitor_wait what)
{
	monitor->asking->request = next_request(monitor);
	monitor->asking->waits = what;
	monitor->asking = NULL;
}

static void
pass_on(struct monitor *monitor, struct monitor_connection *connection,
    enum room_name room, const uint8_t *message, size_t len)
{
	static uint8_t packet[CONTROL_PACKET_MAX + 64];
	struct writer w = writer_to(packet, sizeof(packet));
	struct message_control_request m = {
	    .packet = message, .packet_len = len};
	enum sr_error error;

	if (monitor->state != MONITOR_OPEN) {
		monitor_control_refuse(connection, SR_LOCKED);
		return;
	}
	m.request = next_request(monitor);
	connection->request = m.request;
	error = message_control_request_encode(&w, &m);
	if (error == SR_OK)
		error = monitor_send(monitor, room, &w);
	if (error != SR_OK)
		monitor_control_refuse(connection, SR_BUSY);
	explicit_bzero(packet, sizeof(packet));
}

/*
 * One packet; of what may come with it at most one descriptor, in *handed.
 * The kernel closes what has no room.
 */
static ssize_t
receive(int fd, void *packet, size_t room, int *handed)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} with;
	struct iovec piece = {.iov_base = packet, .iov_len = room};
	struct msghdr message = {.msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = with.bytes,
	    .msg_controllen = CMSG_LEN(sizeof(int))};
	const struct cmsghdr *c;
	ssize_t len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	*handed = -1;
	c = len >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(handed, CMSG_DATA(c), sizeof(*handed));
	/* Of several none is meant. */
	if (*handed >= 0 && (message.msg_flags & MSG_CTRUNC) != 0) {
		close(*handed);
		*handed = -1;
	}
	return len;
}

static void
ask(struct monitor *monitor, struct monitor_connection *connection,
    const uint8_t *packet, size_t len)
{
	connection->room = (enum control_room)packet[0];
	switch (connection->room) {
	case CONTROL_MONITOR:
		monitor->asking = connection;
		(void)monitor_dispatch_control(
		    monitor, PHASE_OPEN, packet + 1, len - 1);
		monitor->asking = NULL;
		break;
	case CONTROL_KEYD:
		pass_on(monitor, connection, ROOM_KEYD, packet + 1, len - 1);
		break;
	case CONTROL_NETD:
		pass_on(monitor, connection, ROOM_NETD, packet + 1, len - 1);
		break;
	case CONTROL_LEDGERD:
		pass_on(monitor, connection, ROOM_LEDGERD, packet + 1, len - 1);
		break;
	default:
		close_connection(connection);
	}
}

void
monitor_control_take(
    struct monitor *monitor, struct monitor_connection *connection)
{
	uint8_t packet[CONTROL_PACKET_MAX + 1];
	ssize_t len;

	if (connection->request != 0) {
		/* It has gone before its answer came. */
		close_connection(connection);
		return;
	}
	len = receive(connection->fd, packet, sizeof(packet), &monitor->handed);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len < 2 || len > CONTROL_PACKET_MAX)
		close_connection(connection);
	else
		ask(monitor, connection, packet, (size_t)len);
	if (monitor->handed >= 0)
		close(monitor->handed);
	monitor->handed = -1;
	explicit_bzero(packet, sizeof(packet));
}

static const enum control_room control_rooms[] = {
    [ROOM_KEYD] = CONTROL_KEYD,
    [ROOM_NETD] = CONTROL_NETD,
    [ROOM_LEDGERD] = CONTROL_LEDGERD,
};

void
monitor_control_answer(struct monitor *monitor, enum room_name from,
    uint32_t request, const uint8_t *packet, size_t len)
{
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
		struct monitor_connection *connection =
		    &monitor->connections[i];

		if (connection->fd < 0 || request == 0 ||
		    connection->request != request)
			continue;
		if (connection->room == control_rooms[from] ||
		    (from == ROOM_KEYD && connection->room == CONTROL_LEDGERD))
			monitor_control_reply(connection, packet, len);
		else
			diag_limited(3, "control: %s answered for another room",
			    monitor_room_name(from));
		return;
	}
}

void
monitor_control_room_gone(struct monitor *monitor, enum room_name name)
{
	for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
		struct monitor_connection *connection =
		    &monitor->connections[i];

		if (connection->fd >= 0 && connection->request != 0 &&
		    connection->room == control_rooms[name])
			monitor_control_refuse(connection,
			    monitor->state == MONITOR_OPEN ? SR_BUSY
							   : SR_LOCKED);
	}
}

/* What strongroomd itself is asked: called by the dispatch of gen/. */

void
monitor_take_control_monitor_status_get(
    struct monitor *monitor, const struct message_monitor_status_get *m)
{
	const struct message_monitor_status status = {
	    .namespaces = monitor->config.namespaces,
	    .state = (uint8_t)monitor->state,
	    .netd_restarts = monitor->restarts,
	    .missing_keyd = monitor->rooms[ROOM_KEYD].missing,
	    .missing_netd = monitor->rooms[ROOM_NETD].missing,
	    .missing_ledgerd = monitor->rooms[ROOM_LEDGERD].missing,
	    .addresses = (const uint8_t *)monitor->addresses,
	    .addresses_len = strlen(monitor->addresses),
	};
	uint8_t message[MONITOR_ADDRESSES_MAX + 64];
	struct writer w = writer_to(message, sizeof(message));

	(void)m;
	/* A packet with two requests gets one answer. */
	if (monitor->asking == NULL)
		return;
	if (message_monitor_status_encode(&w, &status) == SR_OK)
		monitor_control_reply(monitor->asking, message, writer_len(&w));
	else
		monitor_control_refuse(monitor->asking, SR_INTERNAL);
	monitor->asking = NULL;
}

/* Sealed keys lie with no room: they are handed over as they are. */
void
monitor_take_control_backup_sealed_get(
    struct monitor *monitor, const struct message_backup_sealed_get *m)
{
	uint8_t bytes[MONITOR_SEALED_MAX], message[MONITOR_SEALED_MAX + 64];
	struct writer w = writer_to(message, sizeof(message));
	struct message_backup_piece piece = {.bytes = bytes};

	if (monitor->asking == NULL)
		return;
	piece.error = (uint16_t)monitor_read_sealed(
	    monitor, m->file == 1, bytes, &piece.bytes_len);
	piece.len = piece.bytes_len;
	if (message_backup_piece_encode(&w, &piece) == SR_OK)
		monitor_control_reply(monitor->asking, message, writer_len(&w));
	else
		monitor_control_refuse(monitor->asking, SR_INTERNAL);
	monitor->asking = NULL;
}

void
monitor_refuse_control(
    struct monitor *monitor, unsigned type, enum sr_error error)
{
	(void)type;
	if (monitor->asking != NULL)
		monitor_control_refuse(monitor->asking, error);
	monitor->asking = NULL;
}
