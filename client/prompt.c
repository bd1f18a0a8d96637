/* SPDX-License-Identifier: ISC */
/*
 * Reading secrets and answers.  Reads byte by byte from descriptors that
 * carry more than the secret, so that nothing after it is lost.
 */
#include "client/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

/* The terminal that does not echo, for the handler of signals. */
static struct {
	int fd;
	const char *question;
	struct termios quiet, before;
} silence;

static const int interruptions[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};

#define INTERRUPTIONS (sizeof(interruptions) / sizeof(interruptions[0]))

static enum sr_error
prompt_checked(char *out, size_t len, const char **why)
{
	if (len == 0 || memchr(out, '\0', len) != NULL) {
		*why = len == 0 ? "the password is empty"
				: "the password holds a NUL byte";
		return SR_MALFORMED;
	}
	out[len] = '\0';
	return SR_OK;
}

/*
 * Up to the end of the line or, with whole, of the file.  SR_CLOSED when the
 * input ends before its first byte.  *why is what is to be said, if anything.
 */
static enum sr_error
prompt_read(int fd, bool whole, char *out, size_t *len, const char **why)
{
	*why = NULL;
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
		if (n == 0 && *len == 0)
			return SR_CLOSED;
		if (n == 0 || (c == '\n' && !whole))
			break;
		/* One more than a secret may have: the newline of a file. */
		if (*len == PROMPT_SECRET_MAX + 1) {
			*why = "the password is too long";
			return SR_TOO_LARGE;
		}
		out[(*len)++] = c;
	}
	if (whole && *len > 0 && out[*len - 1] == '\n')
		(*len)--;
	if (*len > PROMPT_SECRET_MAX) {
		*why = "the password is too long";
		return SR_TOO_LARGE;
	}
	return prompt_checked(out, *len, why);
}

static enum sr_error
prompt_file(const char *path, char *out, size_t *len, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum sr_error error;

	if (fd < 0) {
		fprintf(stderr, "cannot read the password file %s: %s\n", path,
		    strerror(errno));
		return SR_IO;
	}
	error = prompt_read(fd, true, out, len, why);
	close(fd);
	return error;
}

/* Nobody is left with a terminal that does not show what is typed. */
static void
prompt_interrupted(int number)
{
	int error = errno;

	(void)tcsetattr(silence.fd, TCSANOW, &silence.before);
	if (number != SIGTSTP) {
		(void)raise(number); /* SA_RESETHAND: now it ends the program */
	} else if (raise(SIGSTOP) == 0 &&
		   tcsetattr(silence.fd, TCSAFLUSH, &silence.quiet) == 0) {
		ssize_t n = write(
		    silence.fd, silence.question, strlen(silence.question));

		(void)n;
	}
	errno = error;
}

/* With on, whoever is interrupted gets the echo back; else as it was. */
static void
prompt_guard(bool on)
{
	static struct sigaction before[INTERRUPTIONS];

	for (size_t i = 0; i < INTERRUPTIONS; i++) {
		struct sigaction guard = {
		    .sa_handler = prompt_interrupted, .sa_flags = SA_RESTART};

		if (interruptions[i] != SIGTSTP)
			guard.sa_flags |= (int)SA_RESETHAND;
		if (!on)
			(void)sigaction(interruptions[i], &before[i], NULL);
		else if (sigaction(interruptions[i], &guard, &before[i]) == 0 &&
			 before[i].sa_handler == SIG_IGN)
			(void)sigaction(interruptions[i], &before[i], NULL);
	}
}

static enum sr_error
prompt_terminal(const char *question, char *out, size_t *len, const char **why)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	enum sr_error error;

	if (fd < 0 || tcgetattr(fd, &silence.before) != 0) {
		fprintf(stderr, "no terminal to ask for the password: use "
				"--password-fd or --password-file\n");
		if (fd >= 0)
			close(fd);
		return SR_USAGE;
	}
	silence.fd = fd;
	silence.question = question;
	silence.quiet = silence.before;
	silence.quiet.c_lflag &= ~(tcflag_t)ECHO;
	prompt_guard(true);
	if (tcsetattr(fd, TCSAFLUSH, &silence.quiet) != 0) {
		prompt_guard(false);
		close(fd);
		return SR_IO;
	}
	/* Asked only now: what is typed at once must not be shown. */
	dprintf(fd, "%s", question);
	error = prompt_read(fd, false, out, len, why);
	(void)tcsetattr(fd, TCSAFLUSH, &silence.before);
	prompt_guard(false);
	dprintf(fd, "\n");
	close(fd);
	return error;
}

enum sr_error
prompt_secret(const struct prompt_source *source, const char *question,
    char *out, size_t *len)
{
	char room[PROMPT_SECRET_MAX + 2];
	const char *why = NULL;
	enum sr_error error;

	if (source->fd >= 0)
		error = prompt_read(source->fd, false, room, len, &why);
	else if (source->file != NULL)
		error = prompt_file(source->file, room, len, &why);
	else
		error = prompt_terminal(question, room, len, &why);
	/* Only a person can leave. */
	if (error == SR_CLOSED && (source->fd >= 0 || source->file != NULL))
		error = prompt_checked(room, 0, &why);
	if (why != NULL)
		fprintf(stderr, "%s\n", why);
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
		error = prompt_secret(
		    source, "The same again: ", again, &again_len);
		same = error == SR_OK && again_len == *len &&
		       memcmp(again, out, *len) == 0;
		sodium_memzero(again, sizeof(again));
		if (error != SR_OK || same)
			return error;
		fprintf(stderr, "the two differ; once more\n");
	}
}

static void
prompt_ask(const char *question)
{
	if (question != NULL && prompt_interactive()) {
		fprintf(stderr, "%s", question);
		fflush(stderr);
	}
}

/* The line that was asked for. */
static enum sr_error
prompt_take(const char *question, char *out, size_t room)
{
	size_t len = 0;
	bool dropped = false;
	int c;

	while ((c = getchar()) != EOF && c != '\n') {
		if (len + 1 < room)
			out[len++] = (char)c;
		else
			dropped = true;
	}
	out[len] = '\0';
	if (c == EOF && len == 0) {
		/* What is said next does not belong to the question. */
		if (question != NULL && prompt_interactive())
			fprintf(stderr, "\n");
		return SR_CLOSED;
	}
	/* A NUL would end the line early for everybody who reads it. */
	if (strlen(out) != len)
		dropped = true;
	return dropped ? SR_TOO_LARGE : SR_OK;
}

enum sr_error
prompt_line_while(const char *question,
    enum sr_error (*meanwhile)(void *context, int *left_ms), void *context,
    char *out, size_t room)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	enum sr_error error;
	int left_ms, ready;

	prompt_ask(question);
	do {
		error = meanwhile(context, &left_ms);
		if (error != SR_OK)
			return error;
		ready = poll(&in, 1, left_ms);
		if (ready < 0 && errno != EINTR)
			return SR_IO;
	} while (ready <= 0);
	return prompt_take(question, out, room);
}

enum sr_error
prompt_line(const char *question, char *out, size_t room)
{
	prompt_ask(question);
	return prompt_take(question, out, room);
}

bool
prompt_interactive(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool
prompt_descriptor(const char *text, int *fd)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 0 ||
	    number > INT_MAX || fcntl((int)number, F_GETFD) < 0)
		return false;
	*fd = (int)number;
	return true;
}
