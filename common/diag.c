/* SPDX-License-Identifier: ISC */
/*
 * One line an event on stderr.  It must never let an argument begin a second
 * line, never wait for anything but fd 2, and never open a file: it runs
 * inside the sandbox of every room.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/diag.h"

#define LIMIT_PLACES 256
#define LIMIT_LINES 5
#define LIMIT_WINDOW_S 10

struct place {
	uint64_t key;
	time_t since_s;
	unsigned lines;
	unsigned left_out;
	bool used;
};

enum severity { FATAL = 2, ERROR = 3, WARNING = 4, INFO = 6 };

static const char *program = "strongroom";
static bool journal; /* fd 2 is the journal's stream */
static struct place places[LIMIT_PLACES];

void
diag_init(const char *name)
{
	static const char stream[] = "/run/systemd/journal/stdout";
	struct sockaddr_un peer = {.sun_family = AF_UNSPEC};
	socklen_t len = sizeof(peer);

	program = name;
	journal =
	    getpeername(STDERR_FILENO, (struct sockaddr *)&peer, &len) == 0 &&
	    peer.sun_family == AF_UNIX && len <= sizeof(peer) &&
	    strncmp(peer.sun_path, stream, sizeof(stream)) == 0;
}

/* Appends text to line, escaped; stops when a whole escape has no room. */
static size_t
append_escaped(char *line, size_t len, size_t room, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c <= '~' && c != '\\') {
			if (len + 1 > room)
				break;
			line[len++] = (char)c;
			continue;
		}
		if (len + 4 > room)
			break;
		line[len++] = '\\';
		line[len++] = 'x';
		line[len++] = hex[c >> 4];
		line[len++] = hex[c & 15];
	}
	return len;
}

/* One write a line, so that lines of several rooms do not mix. */
static void
print_line(enum severity severity, const char *format, va_list arguments)
{
	static const char *const words[] = {[FATAL] = "fatal: ",
	    [ERROR] = "error: ",
	    [WARNING] = "warning: ",
	    [INFO] = ""};
	char text[DIAG_LINE_MAX], line[DIAG_LINE_MAX];
	size_t len = 0, room = sizeof(line) - 1;
	ssize_t written;

	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		return;
	if (journal) {
		line[len++] = '<';
		line[len++] = (char)('0' + severity);
		line[len++] = '>';
	}
	len = append_escaped(line, len, room, program);
	len = append_escaped(line, len, room, ": ");
	len = append_escaped(line, len, room, words[severity]);
	len = append_escaped(line, len, room, text);
	line[len++] = '\n';
	/* Nobody could be told that telling failed. */
	written = write(STDERR_FILENO, line, len);
	(void)written;
}

#define PRINT(severity, format)                          \
	do {                                             \
		va_list arguments;                       \
		va_start(arguments, format);             \
		print_line(severity, format, arguments); \
		va_end(arguments);                       \
	} while (0)

void
diag_info(const char *format, ...)
{
	PRINT(INFO, format);
}

void
diag_warn(const char *format, ...)
{
	PRINT(WARNING, format);
}

void
diag_error(const char *format, ...)
{
	PRINT(ERROR, format);
}

void
diag_fatal(const char *format, ...)
{
	PRINT(FATAL, format);
	exit(1);
}

/* Counts the line at its place; true if it may be printed. */
static bool
limit_passes(struct place *place, uint64_t key, time_t now_s)
{
	if (!place->used || place->key != key ||
	    now_s - place->since_s >= LIMIT_WINDOW_S) {
		if (place->left_out > 0)
			diag_warn("%u more lines like an earlier one were "
				  "left out",
			    place->left_out);
		*place =
		    (struct place){.key = key, .since_s = now_s, .used = true};
	}
	if (place->lines >= LIMIT_LINES) {
		place->left_out++;
		return false;
	}
	place->lines++;
	return true;
}

bool
diag_passes(uint64_t key)
{
	struct place *place =
	    &places[(key ^ (key >> 8) ^ (key >> 16) ^ (key >> 32)) %
		    LIMIT_PLACES];
	struct timespec now = {0};

	return clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
	       limit_passes(place, key, now.tv_sec);
}

void
diag_limited(uint64_t key, const char *format, ...)
{
	if (diag_passes(key))
		PRINT(WARNING, format);
}
