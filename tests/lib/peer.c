/* SPDX-License-Identifier: ISC */
/*
 * The line protocol of programs that are compared with foreign ones.
 */
#include "tests/lib/peer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"

#define LINE_LEN (PEER_ARGUMENTS * (2 * PEER_ARGUMENT_MAX + 1) + 32)

static struct peer_argument arguments[PEER_ARGUMENTS];
static char answer[LINE_LEN];
static size_t answer_len;

bool
peer_take(const struct peer_argument *argument, void *out, size_t len)
{
	if (argument->len != len)
		return false;
	memcpy(out, argument->bytes, len);
	return true;
}

bool
peer_number(const struct peer_argument *argument, uint64_t *out)
{
	struct reader r = reader_of(argument->bytes, argument->len);

	*out = reader_u64(&r);
	return reader_end(&r);
}

void
peer_say(const void *value, size_t len)
{
	assert(len <= PEER_ARGUMENT_MAX &&
	       answer_len + 2 * len + 2 <= sizeof(answer));
	answer[answer_len++] = ' ';
	if (len == 0)
		answer[answer_len++] = '-';
	sodium_bin2hex(
	    answer + answer_len, sizeof(answer) - answer_len, value, len);
	answer_len += 2 * len;
}

/* Reads the words behind the command; their number, or -1. */
static int
read_arguments(void)
{
	const char *word;
	int count = 0;

	while ((word = strtok(NULL, " \n")) != NULL) {
		struct peer_argument *into = &arguments[count];

		if (count == PEER_ARGUMENTS)
			return -1;
		count++;
		into->len = 0;
		if (strcmp(word, "-") != 0 &&
		    sodium_hex2bin(into->bytes, sizeof(into->bytes), word,
			strlen(word), NULL, &into->len, NULL) != 0)
			return -1;
	}
	return count;
}

int
peer_run(const struct peer_command *commands, size_t count)
{
	static char line[LINE_LEN];

	if (sodium_init() < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		const char *name = strtok(line, " \n");
		const int given = name != NULL ? read_arguments() : -1;
		enum sr_error error = SR_USAGE;

		answer_len = 0;
		for (size_t i = 0; i < count; i++)
			if (given >= 0 && commands[i].count == given &&
			    strcmp(commands[i].name, name) == 0)
				error = commands[i].run(arguments);
		if (error != SR_OK)
			printf("no %s\n", error_name(error));
		else
			printf("ok%.*s\n", (int)answer_len, answer);
		if (fflush(stdout) != 0)
			return 1;
	}
	return 0;
}
