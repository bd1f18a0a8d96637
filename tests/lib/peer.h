/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_PEER_H
#define TESTS_LIB_PEER_H
/*
 * Our side of a conversation with a program that is not ours, steered by
 * tests/lib/foreign.py.  Each line of standard input is a command and its
 * arguments in hex, "-" for an empty one; the answer is a line "ok" with
 * values in hex, or "no" and the error's name.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	PEER_ARGUMENTS = 5,
	PEER_ARGUMENT_MAX = 4096,
};

struct peer_argument {
	uint8_t bytes[PEER_ARGUMENT_MAX];
	size_t len;
};

struct peer_command {
	const char *name;
	int count; /* of arguments */
	enum sr_error (*run)(const struct peer_argument *arguments);
};

/* Copies an argument of exactly that length; false for another one. */
bool peer_take(const struct peer_argument *argument, void *out, size_t len);

/* The same for a number: 8 bytes, little-endian. */
bool peer_number(const struct peer_argument *argument, uint64_t *out);

/* Adds a value of at most PEER_ARGUMENT_MAX bytes to the answer; it is said
 * when the command gives SR_OK. */
void peer_say(const void *value, size_t len);

/* Answers until the end of the input; the program's exit status. */
int peer_run(const struct peer_command *commands, size_t count);

#endif
