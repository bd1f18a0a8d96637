/* SPDX-License-Identifier: ISC */
/*
 * One question and one answer over the control socket.  Never opens a file
 * of the bank's: what is not said here is not known.
 */
#include "client/ctl/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buffer.h"
#include "gen/messages.h"

#define CONTROL_WAIT_MS 10000

enum sr_error
control_try(const char *path, int *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int why;

	if (strlen(path) >= sizeof(address.sun_path))
		return SR_TOO_LARGE;
	memcpy(address.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return SR_IO;
	if (connect(*fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    0)
		return SR_OK;
	why = errno;
	close(*fd);
	*fd = -1;
	errno = why;
	return why == EACCES || why == EPERM ? SR_PERMISSION : SR_UNREACHABLE;
}

enum sr_error
control_open(const char *path, int *fd)
{
	enum sr_error error = control_try(path, fd);

	if (error == SR_TOO_LARGE)
		fprintf(stderr,
		    "strongroomctl: %s: the path is too long for a socket\n",
		    path);
	else if (error != SR_OK)
		fprintf(stderr, "strongroomctl: %s: %s; %s\n", path,
		    strerror(errno),
		    error == SR_PERMISSION
			? "ask as root or as the bank's own user (sudo)"
			: "is strongroomd running on this bank?");
	return error;
}

static enum sr_error
control_receive(int fd, int wait_ms, uint8_t *packet, size_t *len)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t n;

	do
		n = poll(&wait, 1, wait_ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return SR_UNREACHABLE;
	do
		n = recv(fd, packet, CONTROL_PACKET_MAX, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return SR_UNREACHABLE;
	*len = (size_t)n;
	return SR_OK;
}

static bool
control_send(int fd, uint8_t *packet, size_t len, int hand)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} with = {0};
	struct iovec piece = {.iov_base = packet, .iov_len = len};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (hand >= 0) {
		message.msg_control = with.bytes;
		message.msg_controllen = sizeof(with.bytes);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(hand));
		memcpy(CMSG_DATA(c), &hand, sizeof(hand));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

enum sr_error
control_ask(int fd, enum control_room room, const void *message,
    size_t message_len, uint8_t expected, uint8_t *packet, const uint8_t **body,
    size_t *body_len)
{
	return control_ask_handing(fd, room, message, message_len, -1,
	    CONTROL_WAIT_MS, expected, packet, body, body_len);
}

enum sr_error
control_ask_handing(int fd, enum control_room room, const void *message,
    size_t message_len, int hand, int wait_ms, uint8_t expected,
    uint8_t *packet, const uint8_t **body, size_t *body_len)
{
	struct message_control_refused refusal;
	struct writer w = writer_to(packet, CONTROL_PACKET_MAX);
	struct reader r;
	enum sr_error error;
	size_t len = 0;
	uint8_t type;

	writer_u8(&w, (uint8_t)room);
	writer_bytes(&w, message, message_len);
	if (w.bad)
		return SR_TOO_LARGE;
	if (!control_send(fd, packet, writer_len(&w), hand))
		return SR_UNREACHABLE;
	error = control_receive(fd, wait_ms, packet, &len);
	if (error != SR_OK)
		return error;
	r = reader_of(packet, len);
	if (reader_u8(&r) != room)
		return SR_MALFORMED;
	*body_len = reader_u16(&r);
	type = reader_u8(&r);
	reader_zeros(&r, 1);
	*body = reader_view(&r, *body_len);
	if (!reader_end(&r))
		return SR_MALFORMED;
	if (type == expected)
		return SR_OK;
	if (type == MESSAGE_CONTROL_REFUSED &&
	    message_control_refused_decode(*body, *body_len, &refusal) ==
		SR_OK &&
	    refusal.error != SR_OK)
		return error_of_wire(refusal.error);
	return SR_MALFORMED;
}
