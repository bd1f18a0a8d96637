/* SPDX-License-Identifier: ISC */
/*
 * Running the dispenser.  Must never take less than the whole for given out
 * unless the dispenser has said so.
 */
#include "client/atm/dispenser.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ANSWER_MAX = 64 };

/* Starts it with its standard output in *from; an errno or 0. */
static int
start(const char *command, char *amount, int *from, pid_t *pid)
{
	char *words[] = {(char *)(uintptr_t)command, amount, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	error = posix_spawn_file_actions_init(&actions);
	if (error == 0) {
		error = posix_spawn_file_actions_adddup2(
		    &actions, ends[1], STDOUT_FILENO);
		if (error == 0)
			error = posix_spawn_file_actions_addopen(
			    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
		if (error == 0)
			error = posix_spawnp(
			    pid, command, &actions, NULL, words, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(ends[1]);
	if (error != 0)
		close(ends[0]);
	else
		*from = ends[0];
	return error;
}

/* Reads to the end; more than ANSWER_MAX bytes are no answer. */
static size_t
read_answer(int fd, char answer[ANSWER_MAX])
{
	char byte;
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, &byte, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return len;
		if (len < ANSWER_MAX)
			answer[len] = byte;
		len++;
	}
}

/* A whole number up to max and at most one newline. */
static bool
parse_answer(const char *answer, size_t len, int64_t max, int64_t *out)
{
	*out = 0;
	if (len > 0 && len <= ANSWER_MAX && answer[len - 1] == '\n')
		len--;
	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (answer[i] < '0' || answer[i] > '9')
			return false;
		*out = *out * 10 + (answer[i] - '0');
	}
	return *out <= max;
}

int64_t
dispenser_run(const char *command, int64_t amount_minor)
{
	char amount[24], answer[ANSWER_MAX];
	int64_t given;
	size_t len;
	pid_t pid;
	int from, status, error;

	snprintf(amount, sizeof(amount), "%" PRId64, amount_minor);
	error = start(command, amount, &from, &pid);
	if (error != 0) {
		fprintf(stderr, "the dispenser %s does not start: %s\n",
		    command, strerror(error));
		return 0;
	}
	len = read_answer(from, answer);
	close(from);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return amount_minor;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return amount_minor;
	if (WIFEXITED(status) &&
	    parse_answer(answer, len, amount_minor, &given))
		return given;
	fprintf(stderr, "the dispenser failed and did not say what it gave "
			"out; all of it is booked\n");
	return amount_minor;
}
