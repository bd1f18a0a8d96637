/* SPDX-License-Identifier: ISC */
/*
 * A stream to a bank.  Must never wait without an end, and must never call
 * something a bank that has not sent a bank's frame.
 */
#include "client/link.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_MS = 2000, /* of a stranger, to the question what it is */
};

static int64_t
now_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		abort();
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for events until the deadline; false when it passed. */
static bool
link_wait(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline_ms - now_ms();
		int n;

		if (left <= 0)
			return false;
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

static enum sr_error
link_say(struct link *link, enum sr_error error, const char *what)
{
	snprintf(link->message, sizeof(link->message), "%.*s: %.200s",
	    LINK_PEER_MAX, link->peer, what);
	return error;
}

/* ---- connecting --------------------------------------------------------- */

/* Connects one socket; an errno value, 0 for success. */
static int
connect_one(int fd, const struct sockaddr *address, socklen_t address_len,
    int64_t deadline_ms)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (connect(fd, address, address_len) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EAGAIN)
		return errno;
	if (errno == EAGAIN)
		return EAGAIN; /* a unix socket whose backlog is full */
	if (!link_wait(fd, POLLOUT, deadline_ms))
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno;
	return error;
}

static enum sr_error
link_refused(struct link *link, int error)
{
	char what[200];
	const char *advice = "is the address right?";

	if (error == ECONNREFUSED || error == ENOENT)
		advice = "is the bank running, and is the address right?";
	else if (error == ETIMEDOUT || error == ENETUNREACH ||
		 error == EHOSTUNREACH)
		advice = "is the network up?";
	snprintf(what, sizeof(what), "cannot connect, because: %s; %s",
	    strerror(error), advice);
	return link_say(link, SR_UNREACHABLE, what);
}

static enum sr_error
link_open_unix(struct link *link, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;

	if (strlen(path) == 0 || strlen(path) >= sizeof(address.sun_path))
		return link_say(
		    link, SR_USAGE, "not a path that a socket can have");
	memcpy(address.sun_path, path, strlen(path));
	link->fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0)
		return link_say(link, SR_IO, strerror(errno));
	error = connect_one(link->fd, (struct sockaddr *)&address,
	    sizeof(address), now_ms() + link->timeout_ms);
	if (error == 0)
		return SR_OK;
	link_close(link);
	return link_refused(link, error);
}

/* Takes host:port or [v6]:port apart. */
static bool
split_address(const char *address, char host[256], char port[6])
{
	const char *colon = strrchr(address, ':');
	const char *start = address;
	const char *end = colon;
	char *rest;
	unsigned long number;

	if (colon == NULL || strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	number = strtoul(colon + 1, &rest, 10);
	if (*rest != '\0' || number == 0 || number > 65535)
		return false;
	if (*start == '[' && end > start && end[-1] == ']') {
		start++;
		end--;
	} else if (memchr(start, ':', (size_t)(end - start)) != NULL) {
		return false; /* IPv6 without brackets is ambiguous */
	}
	if (end <= start || end - start > 255)
		return false;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	snprintf(port, 6, "%lu", number);
	return true;
}

bool
link_address_tcp(const char *address)
{
	char host[256], port[6];

	return split_address(address, host, port);
}

static enum sr_error
link_open_tcp(struct link *link, const char *host, const char *port)
{
	struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int64_t deadline_ms = now_ms() + link->timeout_ms;
	int error = 0;
	int one = 1;
	int rc = getaddrinfo(host, port, &hints, &found);

	if (rc != 0)
		return link_say(link, SR_UNREACHABLE,
		    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		link->fd = socket(a->ai_family,
		    a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    a->ai_protocol);
		if (link->fd < 0) {
			error = errno;
			continue;
		}
		error = connect_one(
		    link->fd, a->ai_addr, a->ai_addrlen, deadline_ms);
		if (error == 0)
			break;
		link_close(link);
	}
	freeaddrinfo(found);
	if (link->fd < 0)
		return link_refused(link, error);
	/* Requests are small and wait for their answers. */
	if (setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) !=
	    0) {
		link_close(link);
		return link_say(link, SR_IO, strerror(errno));
	}
	return SR_OK;
}

enum sr_error
link_open(struct link *link, const char *address, int timeout_ms)
{
	char host[256], port[6];

	*link = (struct link){.fd = -1, .timeout_ms = timeout_ms};
	snprintf(link->peer, sizeof(link->peer), "%s", address);
	if (strncmp(address, "unix:", 5) == 0)
		return link_open_unix(link, address + 5);
	if (!split_address(address, host, port))
		return link_say(link, SR_USAGE,
		    "not an address: wanted is host:port, [v6]:port or "
		    "unix:PATH");
	return link_open_tcp(link, host, port);
}

void
link_close(struct link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

/* ---- who is there? ------------------------------------------------------ */

struct stranger {
	const char *starts;
	size_t len;
	const char *what;
};

#define STARTS(text) text, sizeof(text) - 1

static const struct stranger strangers[] = {
    {STARTS("HTTP"), "a web server (HTTP) answers there, not a bank"},
    {STARTS("\x15\x03"), "a TLS server answers there, not a bank"},
    {STARTS("\x16\x03"), "a TLS server answers there, not a bank"},
    {STARTS("SSH-"), "an SSH server answers there, not a bank"},
    {STARTS("<!"), "a web server (HTTP) answers there, not a bank"},
    {STARTS("<h"), "a web server (HTTP) answers there, not a bank"},
    {STARTS("220"), "a mail or file server answers there, not a bank"},
    {STARTS("\x05"), "a proxy (SOCKS) answers there, not a bank"},
};

static enum sr_error
link_stranger(struct link *link, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		if (len >= strangers[i].len &&
		    memcmp(bytes, strangers[i].starts, strangers[i].len) == 0)
			return link_say(link, SR_NOT_A_BANK, strangers[i].what);
	if (len >= 4 && bytes[3] != FRAME_VERSION && bytes[2] == FRAME_HELLO)
		return link_say(link, SR_VERSION,
		    "a bank of another version of the protocol; is there a "
		    "newer program?");
	return link_say(
	    link, SR_NOT_A_BANK, "what answers there is not a bank");
}

/*
 * Somebody took the connection and says nothing, where a bank speaks first.
 * The question is a TLS record of nonsense, which a TLS server answers with
 * an alert, and to a web server a line that is no request.
 */
static enum sr_error
link_identify(struct link *link)
{
	static const char question[] =
	    "\x16\x03\x01\x00\x02\r\n\r\n\r\n\r\n\r\n";
	uint8_t answer[FRAME_HEADER_LEN];
	struct frame_header header;
	ssize_t n = -1;

	if (send(link->fd, question, sizeof(question) - 1, MSG_NOSIGNAL) > 0 &&
	    link_wait(link->fd, POLLIN, now_ms() + ANSWER_MS))
		n = recv(link->fd, answer, sizeof(answer), 0);
	if (n == sizeof(answer) && frame_read(answer, &header) == SR_OK)
		return link_say(link, SR_UNREACHABLE,
		    "the bank is too slow to answer; try again");
	if (n > 0)
		return link_stranger(link, answer, (size_t)n);
	return link_say(link, SR_NOT_A_BANK,
	    "the connection was taken, but nothing was said, as a bank would "
	    "have; is it another service or a proxy?");
}

/* ---- frames ------------------------------------------------------------- */

/*
 * Reads exactly len bytes, *got says how many came.  SR_CLOSED: the stream
 * ended; SR_UNREACHABLE: the deadline passed; SR_IO: errno.
 */
static enum sr_error
link_read_all(struct link *link, uint8_t *out, size_t len, size_t *got,
    int64_t deadline_ms)
{
	for (*got = 0; *got < len;) {
		ssize_t n = recv(link->fd, out + *got, len - *got, 0);

		if (n > 0) {
			*got += (size_t)n;
		} else if (n == 0) {
			return SR_CLOSED;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!link_wait(link->fd, POLLIN, deadline_ms))
				return SR_UNREACHABLE;
		} else if (errno != EINTR) {
			return errno == ECONNRESET ? SR_CLOSED : SR_IO;
		}
	}
	return SR_OK;
}

static enum sr_error
link_read_failed(struct link *link, enum sr_error error)
{
	if (error == SR_UNREACHABLE)
		return link_say(link, error, "no answer came in time");
	if (error == SR_CLOSED)
		return link_say(
		    link, error, "the other end has closed the connection");
	return link_say(link, error, strerror(errno));
}

/* Reads a header; the first one tells whether this is a bank at all. */
static enum sr_error
link_read_header(struct link *link, struct frame_header *out, int64_t deadline)
{
	uint8_t bytes[FRAME_HEADER_LEN];
	int64_t patience = now_ms() + link->timeout_ms / 4;
	enum sr_error error;
	size_t got;

	if (!link->heard && patience < deadline)
		deadline = patience;
	error = link_read_all(link, bytes, sizeof(bytes), &got, deadline);
	if (error == SR_UNREACHABLE && !link->heard && got == 0)
		return link_identify(link);
	if (error != SR_OK && !link->heard && got > 0)
		return link_stranger(link, bytes, got);
	if (error == SR_CLOSED && !link->heard)
		return link_say(link, error,
		    "the connection was closed at once: the bank is locked or "
		    "takes no more connections; try again later");
	if (error != SR_OK)
		return link_read_failed(link, error);
	error = frame_read(bytes, out);
	if (!link->heard && (error != SR_OK || out->type != FRAME_HELLO))
		return link_stranger(link, bytes, sizeof(bytes));
	if (error != SR_OK)
		return link_say(link, SR_MALFORMED,
		    "what came is not a frame of the protocol");
	link->heard = true;
	return SR_OK;
}

enum sr_error
link_read(struct link *link, struct link_frame *out)
{
	int64_t deadline_ms = now_ms() + link->timeout_ms;
	struct frame_header header;
	enum sr_error error;
	size_t got;

	if (link->fd < 0)
		return link_say(link, SR_CLOSED, "the connection is closed");
	error = link_read_header(link, &header, deadline_ms);
	if (error != SR_OK)
		return error;
	out->type = header.type;
	out->len = header.len;
	error = link_read_all(link, out->body, header.len, &got, deadline_ms);
	if (error == SR_CLOSED)
		return link_say(link, SR_MALFORMED,
		    "the connection was cut in the middle of a message");
	return error == SR_OK ? SR_OK : link_read_failed(link, error);
}

enum sr_error
link_write(
    struct link *link, enum frame_type type, const uint8_t *body, size_t len)
{
	int64_t deadline_ms = now_ms() + link->timeout_ms;
	uint8_t bytes[FRAME_MAX];
	size_t total = FRAME_HEADER_LEN + len;
	size_t sent = 0;

	if (link->fd < 0)
		return link_say(link, SR_CLOSED, "the connection is closed");
	frame_write(type, len, bytes);
	memcpy(bytes + FRAME_HEADER_LEN, body, len);
	while (sent < total) {
		ssize_t n =
		    send(link->fd, bytes + sent, total - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			return link_read_failed(link, SR_CLOSED);
		else if (errno != EAGAIN && errno != EINTR)
			return link_say(link, SR_IO, strerror(errno));
		else if (errno == EAGAIN &&
			 !link_wait(link->fd, POLLOUT, deadline_ms))
			return link_say(link, SR_UNREACHABLE,
			    "what was to be sent did not go out in time");
	}
	return SR_OK;
}
