/* SPDX-License-Identifier: ISC */
/*
 * Names on screens and as files.  Must never lead out of a directory, look
 * like an option, or leave what a terminal obeys.
 */
#include "client/object_name.h"

#include <assert.h>
#include <string.h>

#include "common/name.h"

enum { CHARACTER_MAX = 4 }; /* bytes of one in UTF-8 */

/* ---- on a screen --------------------------------------------------------- */

/* The length of the character that may be shown; 0 if there is none. */
static size_t
character_len(const char *text, size_t len)
{
	const size_t most = len < CHARACTER_MAX ? len : CHARACTER_MAX;

	for (size_t step = 1; step <= most; step++)
		if (name_text_check(text, step, CHARACTER_MAX) == SR_OK)
			return step;
	return 0;
}

void
object_name_shown(const char *name, size_t len, char out[OBJECT_NAME_MAX + 1])
{
	assert(len <= OBJECT_NAME_MAX);
	for (size_t at = 0; at < len;) {
		const size_t step = character_len(name + at, len - at);

		if (step == 0)
			out[at++] = '?';
		for (size_t end = at + step; step > 0 && at < end; at++)
			out[at] = name[at];
	}
	out[len] = '\0';
}

bool
object_name_plain(const char *name, size_t len)
{
	return name_text_check(name, len, OBJECT_NAME_MAX) == SR_OK;
}

/* ---- parts of a path ----------------------------------------------------- */

/* The length of the part that begins at text. */
static size_t
part_len(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);

	return slash != NULL ? (size_t)(slash - text) : len;
}

static bool
part_is(const char *part, size_t len, const char *what)
{
	return len == strlen(what) && memcmp(part, what, len) == 0;
}

static enum object_name_fault
part_fault(const char *part, size_t len)
{
	if (len == 0)
		return OBJECT_NAME_SLASH;
	if (part_is(part, len, ".."))
		return OBJECT_NAME_PARENT;
	if (part_is(part, len, "."))
		return OBJECT_NAME_DOT;
	return len > OBJECT_PART_MAX ? OBJECT_NAME_PART : OBJECT_NAME_FINE;
}

/* ---- to a file ----------------------------------------------------------- */

static enum object_name_fault
name_fault(const char *name, size_t len)
{
	if (len == 0)
		return OBJECT_NAME_EMPTY;
	if (memchr(name, '\0', len) != NULL)
		return OBJECT_NAME_NUL;
	if (name[0] == '/')
		return OBJECT_NAME_ABSOLUTE;
	for (size_t at = 0; at <= len;) {
		const size_t part = part_len(name + at, len - at);
		enum object_name_fault fault = part_fault(name + at, part);

		if (fault != OBJECT_NAME_FINE)
			return fault;
		at += part + 1;
	}
	return OBJECT_NAME_FINE;
}

enum object_name_fault
object_name_path(const char *name, size_t len, char path[OBJECT_PATH_MAX])
{
	const enum object_name_fault fault = name_fault(name, len);
	size_t at = 0;

	path[0] = '\0';
	if (fault != OBJECT_NAME_FINE)
		return fault;
	if (name[0] == '-')
		at = 2;
	if (at + len >= OBJECT_PATH_MAX)
		return OBJECT_NAME_LONG;
	memcpy(path, "./", at);
	memcpy(path + at, name, len);
	path[at + len] = '\0';
	return OBJECT_NAME_FINE;
}

/* ---- from a file --------------------------------------------------------- */

enum object_name_fault
object_name_of_path(
    const char *path, char name[OBJECT_NAME_MAX + 1], size_t *len)
{
	const size_t path_len = strlen(path);
	const bool absolute = path[0] == '/';
	enum object_name_fault fault = OBJECT_NAME_FINE;
	size_t at = 0, written = 0;

	for (; at < path_len && fault == OBJECT_NAME_FINE; at++) {
		const char *part = path + at;
		const size_t size = part_len(part, path_len - at);

		at += size;
		if (part_is(part, size, ".."))
			fault = OBJECT_NAME_PARENT;
		if (size == 0 || part_is(part, size, "."))
			continue;
		if (absolute)
			written = 0;
		if (written + (written > 0) + size > OBJECT_NAME_MAX) {
			fault = OBJECT_NAME_LONG;
			break;
		}
		if (written > 0)
			name[written++] = '/';
		memcpy(name + written, part, size);
		written += size;
	}
	if (fault == OBJECT_NAME_FINE && written == 0)
		fault = OBJECT_NAME_EMPTY;
	*len = fault == OBJECT_NAME_FINE ? written : 0;
	name[*len] = '\0';
	return fault;
}

/* ---- sentences ----------------------------------------------------------- */

const char *
object_name_path_sentence(enum object_name_fault fault)
{
	switch (fault) {
	case OBJECT_NAME_FINE:
		return "is the name of a file";
	case OBJECT_NAME_EMPTY:
		return "has no name: choose one with -o FILE";
	case OBJECT_NAME_LONG:
		return "is too long for a path: choose another with -o FILE";
	case OBJECT_NAME_NUL:
		return "has a NUL in its name: choose another with -o FILE";
	case OBJECT_NAME_ABSOLUTE:
		return "begins with `/' and would lie outside of this "
		       "directory: choose a place with -o FILE";
	case OBJECT_NAME_PARENT:
		return "has a part `..', which leads out of this directory: "
		       "choose a place with -o FILE";
	case OBJECT_NAME_DOT:
		return "has a part `.', which is no file's name: choose "
		       "another with -o FILE";
	case OBJECT_NAME_SLASH:
		return "has nothing before or behind a `/': choose another "
		       "name with -o FILE";
	case OBJECT_NAME_PART:
		return "has a part of more than 255 bytes, which no file can "
		       "be called: choose another with -o FILE";
	}
	return "is no file's name: choose another with -o FILE";
}

const char *
object_name_of_path_sentence(enum object_name_fault fault)
{
	switch (fault) {
	case OBJECT_NAME_FINE:
		return "is a name for the box";
	case OBJECT_NAME_EMPTY:
		return "has no name in it: give the name of a file or "
		       "directory";
	case OBJECT_NAME_LONG:
		return "is longer than the 4096 bytes of a name: put it from "
		       "a directory nearer to it";
	case OBJECT_NAME_PARENT:
		return "has a part `..': put it from a directory above it, or "
		       "give its path from `/' on";
	case OBJECT_NAME_NUL:
	case OBJECT_NAME_ABSOLUTE:
	case OBJECT_NAME_DOT:
	case OBJECT_NAME_SLASH:
	case OBJECT_NAME_PART:
		break;
	}
	return "is no name for the box: choose another";
}
