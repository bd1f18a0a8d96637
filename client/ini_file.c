/* SPDX-License-Identifier: ISC */
/*
 * INI files of one section.  Must never print a value: cards hold secrets.
 */
#include "client/ini_file.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

#include <sodium.h>

static const char newer[] = "what this program knows; a newer version of "
			    "strongroom may know more";

struct parse {
	const struct ini_file *file;
	FILE *stream;
	unsigned line;
	unsigned seen; /* bit n: key n of the table was given */
	bool failed;
};

/* Keeps the first failure only: later ones may be its consequence. */
static void
fail(struct parse *parse, const char *what, const char *which,
    const char *wanted)
{
	if (!parse->failed)
		snprintf(parse->file->message, INI_FILE_MESSAGE_MAX,
		    "%.120s:%u: %s%s%.60s%s%s", parse->file->path, parse->line,
		    what, which[0] != '\0' ? " " : "", which,
		    wanted[0] != '\0' ? ": wanted is " : "", wanted);
	parse->failed = true;
}

/* fgets for libinih that counts lines and refuses those it would cut. */
static char *
next_line(char *out, int room, void *context)
{
	struct parse *parse = context;
	char line[INI_FILE_LINE_MAX + 2];
	size_t len = 0;
	int c;

	if (parse->failed)
		return NULL;
	parse->line++;
	while ((c = getc_unlocked(parse->stream)) != EOF && c != '\n') {
		if (len >= INI_FILE_LINE_MAX || c == '\0') {
			fail(
			    parse, "this line is too long or not text", "", "");
			return NULL;
		}
		line[len++] = (char)c;
	}
	if (c == EOF && len == 0)
		return NULL;
	line[len++] = '\n';
	if (len >= (size_t)room) {
		fail(parse, "this line is too long", "", "");
		return NULL;
	}
	memcpy(out, line, len);
	out[len] = '\0';
	sodium_memzero(line, sizeof(line));
	return out;
}

static int
one_key(void *context, const char *section, const char *name, const char *value)
{
	struct parse *parse = context;
	const struct ini_file *file = parse->file;

	if (strcmp(section, file->section) != 0) {
		fail(parse, "unknown section", section, newer);
		return 0;
	}
	for (size_t i = 0; i < file->key_count; i++) {
		const struct ini_file_key *key = &file->keys[i];

		if (strcmp(name, key->name) != 0)
			continue;
		if ((parse->seen & 1u << i) != 0 && !key->repeats)
			fail(parse, "given twice:", name, "");
		else if (!key->set(file->context, value))
			fail(parse, name, "", key->wanted);
		parse->seen |= 1u << i;
		return parse->failed ? 0 : 1;
	}
	fail(parse, "unknown key", name, newer);
	return 0;
}

enum sr_error
ini_file_read(const struct ini_file *file, FILE *stream)
{
	struct parse parse = {.file = file, .stream = stream};
	int rc;

	assert(file->key_count <= INI_FILE_KEYS_MAX);
	file->message[0] = '\0';
	rc = ini_parse_stream(next_line, &parse, one_key, &parse);
	if (ferror(stream)) {
		snprintf(file->message, INI_FILE_MESSAGE_MAX,
		    "%.120s: cannot be read: %s", file->path, strerror(errno));
		return SR_IO;
	}
	if (rc != 0 && !parse.failed) {
		parse.line = rc > 0 ? (unsigned)rc : 0;
		fail(&parse, "this line is neither a section nor key = value",
		    "", "");
	}
	for (size_t i = 0; !parse.failed && i < file->key_count; i++)
		if (file->keys[i].required && (parse.seen & 1u << i) == 0)
			fail(&parse, "missing:", file->keys[i].name,
			    file->keys[i].wanted);
	return parse.failed ? SR_CONFIG : SR_OK;
}

bool
ini_file_unhex(const char *text, uint8_t out[32])
{
	size_t len = 0;

	return strlen(text) == 64 &&
	       sodium_hex2bin(out, 32, text, 64, NULL, &len, NULL) == 0 &&
	       len == 32;
}

bool
ini_file_copy(const char *text, char *out, size_t max)
{
	size_t len = strlen(text);

	if (len > max)
		return false;
	memcpy(out, text, len + 1);
	return true;
}
