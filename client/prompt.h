/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_PROMPT_H
#define CLIENT_PROMPT_H
/*
 * Secrets and answers from people and files.  A secret never comes from argv
 * or the environment.
 */
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Longest secret that is read, without its end. */
#define PROMPT_SECRET_MAX 1024

/* Where a password comes from; the first that is set is used. */
struct prompt_source {
	int fd;           /* --password-fd N, -1 when not given */
	const char *file; /* --password-file F, NULL when not given */
};

/*
 * Reads one secret into out (PROMPT_SECRET_MAX + 1 bytes, NUL-terminated,
 * *len without it): from the descriptor up to the end of its first line, from
 * the file whole (one trailing newline is not part of it), or from the
 * terminal without echo after the question.  SR_USAGE with a line on stderr
 * when there is no source and no terminal; SR_IO; SR_TOO_LARGE; SR_MALFORMED
 * for an empty secret or a NUL in it; SR_CLOSED, with nothing said, when the
 * person at the terminal ends the input.  Signals that end or stop the
 * program find the terminal's echo restored.  The caller wipes out.
 */
enum sr_error prompt_secret(const struct prompt_source *source,
    const char *question, char *out, size_t *len);

/* Asks twice on a terminal until both agree; otherwise as prompt_secret(). */
enum sr_error prompt_new_secret(const struct prompt_source *source,
    const char *question, char *out, size_t *len);

/*
 * Reads one line of standard input into out without its newline.
 * SR_CLOSED at the end of input, SR_TOO_LARGE (the line is dropped).
 */
enum sr_error prompt_line(const char *question, char *out, size_t room);

/*
 * The same, of an unbuffered standard input; until the line comes, meanwhile() is called at once and each time
 * when *left_ms have passed.  Its error ends the waiting and is returned.
 */
enum sr_error prompt_line_while(const char *question,
    enum sr_error (*meanwhile)(void *context, int *left_ms), void *context,
    char *out, size_t room);

/* True when standard input and error are a terminal. */
bool prompt_interactive(void);

/*
 * The descriptor that an option names; false if it is no number or nothing is
 * open there.  Asked before this program opens anything, so that it never
 * reads of its own descriptors.
 */
bool prompt_descriptor(const char *text, int *fd);

#endif
