/* SPDX-License-Identifier: ISC */
/*
 * Reading secrets and answers.  Reads byte by byte from descriptors that
 * carry more than the secret, so that nothing after it is lost.
 */
#include "client/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

static enum sr_error
prompt_checked(char *out, size_t len)
{
	if (len == 0) {
		fprintf(stderr, "the password is empty\n");
		return SR_MALFORMED;
	}
	if (memchr(out, '\0', len) != NULL) {
		fprintf(stderr, "the password holds a NUL byte\n");
		return SR_MALFORMED;
	}
	out[len] = '\0';
	return SR_OK;
}

/* Up to the end of the line or, with whole, of the file. */
static enum sr_error
prompt_read(int fd, bool whole, char *out, size_t *len)
{
	*len = 0;
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fprintf(stderr, "cannot read the password: %s\n",
			    strerror(errno));
			return SR_IO;
		}
		if (n == 0 || (c == '\n' && !whole))
			break;
		/* One more than a secret may have: the newline of a file. */
		if (*len == PROMPT_SECRET_MAX + 1) {
			fprintf(stderr, "the password is too long\n");
			return SR_TOO_LARGE;
		}
		out[(*len)++] = c;
	}
	if (whole && *len > 0 && out[*len - 1] == '\n')
		(*len)--;
	if (*len > PROMPT_SECRET_MAX) {
		fprintf(stderr, "the password is too long\n");
		return SR_TOO_LARGE;
	}
	return prompt_checked(out, *len);
}

static enum sr_error
prompt_file(const char *path, char *out, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum sr_error error;

	if (fd < 0) {
		fprintf(stderr, "cannot read the password file %s: %s\n", path,
		    strerror(errno));
		return SR_IO;
	}
	error = prompt_read(fd, true, out, len);
	close(fd);
	return error;
}

static enum sr_error
prompt_terminal(const char *question, char *out, size_t *len)
{
	struct termios quiet, before;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	enum sr_error error;

	if (fd < 0 || tcgetattr(fd, &before) != 0) {
		fprintf(stderr, "no terminal to ask for the password: use "
				"--password-fd or --password-file\n");
		if (fd >= 0)
			close(fd);
		return SR_USAGE;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) {
		close(fd);
		return SR_IO;
	}
	/* Asked only now: what is typed at once must not be shown. */
	dprintf(fd, "%s: ", question);
	error = prompt_read(fd, false, out, len);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	dprintf(fd, "\n");
	close(fd);
	return error;
}

enum sr_error
prompt_secret(const struct prompt_source *source, const char *question,
    char *out, size_t *len)
{
	char room[PROMPT_SECRET_MAX + 2];
	enum sr_error error;

	if (source->fd >= 0)
		error = prompt_read(source->fd, false, room, len);
	else if (source->file != NULL)
		error = prompt_file(source->file, room, len);
	else
		error = prompt_terminal(question, room, len);
	if (error == SR_OK)
		memcpy(out, room, *len + 1);
	sodium_memzero(room, sizeof(room));
	return error;
}

enum sr_error
prompt_new_secret(const struct prompt_source *source, const char *question,
    char *out, size_t *len)
{
	char again[PROMPT_SECRET_MAX + 1];
	size_t again_len = 0;
	enum sr_error error;

	for (;;) {
		bool same;

		error = prompt_secret(source, question, out, len);
		if (error != SR_OK || source->fd >= 0 || source->file != NULL)
			return error;
		error =
		    prompt_secret(source, "The same again", again, &again_len);
		same = error == SR_OK && again_len == *len &&
		       memcmp(again, out, *len) == 0;
		sodium_memzero(again, sizeof(again));
		if (error != SR_OK || same)
			return error;
		fprintf(stderr, "the two differ; once more\n");
	}
}

enum sr_error
prompt_line(const char *question, char *out, size_t room)
{
	size_t len = 0;
	bool dropped = false;
	int c;

	if (question != NULL && prompt_interactive()) {
		fprintf(stderr, "%s", question);
		fflush(stderr);
	}
	while ((c = getchar()) != EOF && c != '\n') {
		if (len + 1 < room)
			out[len++] = (char)c;
		else
			dropped = true;
	}
	out[len] = '\0';
	if (c == EOF && len == 0)
		return SR_CLOSED;
	/* A NUL would end the line early for everybody who reads it. */
	if (strlen(out) != len)
		dropped = true;
	return dropped ? SR_TOO_LARGE : SR_OK;
}

bool
prompt_interactive(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}
