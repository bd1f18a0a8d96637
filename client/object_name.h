/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_OBJECT_NAME_H
#define CLIENT_OBJECT_NAME_H
/*
 * Names of stored objects on their way to a screen, to a file and from one.
 * A name is 1 to OBJECT_NAME_MAX bytes of any kind but NUL, with `/' between
 * the parts of a path, and may have been chosen by a stranger.
 *
 * Security: a path of object_name_path() stays below the directory that it is
 * opened in as long as no part of it is a symbolic link: open it part by part
 * with O_NOFOLLOW, or with openat2(2) and RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS.
 */
#include <stdbool.h>
#include <stddef.h>

#include "client/object_head.h"

enum {
	OBJECT_PART_MAX = 255,  /* of a file's path, bytes (NAME_MAX) */
	OBJECT_PATH_MAX = 4096, /* a path with its NUL (PATH_MAX) */
};

enum object_name_fault {
	OBJECT_NAME_FINE = 0,
	OBJECT_NAME_EMPTY,    /* no byte; a path that names no file */
	OBJECT_NAME_LONG,     /* as a whole */
	OBJECT_NAME_NUL,      /* has a NUL */
	OBJECT_NAME_ABSOLUTE, /* begins with / */
	OBJECT_NAME_PARENT,   /* has a part .. */
	OBJECT_NAME_DOT,      /* has a part . */
	OBJECT_NAME_SLASH,    /* has an empty part: // or a / at its end */
	OBJECT_NAME_PART,     /* a part is longer than OBJECT_PART_MAX */
};

/*
 * The name for a screen, at most OBJECT_NAME_MAX bytes in and out, with a NUL
 * behind it: UTF-8 stays, and there is a question mark for each byte of what
 * is no text, moves the cursor, ends a line or turns the direction round (the
 * rules of common/name.h).  client/printable.h would leave ASCII only.
 */
void object_name_shown(
    const char *name, size_t len, char out[OBJECT_NAME_MAX + 1]);

/* True if it is shown as it is. */
bool object_name_plain(const char *name, size_t len);

/*
 * The path of the file that a name gets below the directory where somebody
 * stands: the name itself, with "./" in front of a hyphen, so that no program
 * takes it for an option.  Each other fault than FINE is refused, and path is
 * empty then.
 */
enum object_name_fault object_name_path(
    const char *name, size_t len, char path[OBJECT_PATH_MAX]);

/*
 * The name of what lies at a path, which is of its user: of a relative path
 * all of it without empty parts and parts `.', of an absolute one the last
 * part.  EMPTY for a path without a name in it, such as `.' or `/'; PARENT;
 * LONG beyond OBJECT_NAME_MAX.  name is empty then, and *len 0.
 */
enum object_name_fault object_name_of_path(
    const char *path, char name[OBJECT_NAME_MAX + 1], size_t *len);

/*
 * What is wrong and what to do, as the end of a sentence that begins with the
 * name: for object_name_path() with the option -o, for object_name_of_path()
 * with the path.  Never NULL.
 */
const char *object_name_path_sentence(enum object_name_fault fault);
const char *object_name_of_path_sentence(enum object_name_fault fault);

#endif
