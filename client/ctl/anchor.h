/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_ANCHOR_H
#define CLIENT_CTL_ANCHOR_H
/*
 * An anchor: the bank's newest signed checkpoint, taken away from the bank's
 * machine.  Who has one can show that the log was rolled back or forked, and
 * restore can show that a backup is the last state.
 *
 * run/last-anchor is the last one that was written here: a later one must
 * continue it.  It is signed as every anchor is; whoever may write to run/
 * can take it away, but can make none up.
 */
#include <stdbool.h>
#include <stdint.h>

#include "client/bankfile.h"
#include "common/config.h"
#include "common/error.h"
#include "common/note.h"

#define ANCHOR_LAST_PATH "run/last-anchor"

struct anchor {
	struct checkpoint checkpoint;
	uint32_t epoch;
	size_t len;
	char text[NOTE_READ_MAX]; /* a whole note, with the bank's signature */
};

/*
 * The newest checkpoint of the bank, after a walk through the whole log
 * (without keys): it is signed by a log key that the pinned identity has
 * certified, the log holds it, and it continues the later one of
 * run/last-anchor and the anchor at path `before' (NULL, or no file: none).
 * It covers each order that a running bank has answered before the call; if
 * the bank does not publish that within seconds, a line on stderr says so.
 *
 * After one line on stderr: SR_DAMAGED when the log does not verify,
 * SR_ROLLED_BACK, SR_FORKED when the last anchor is newer or of another
 * history, SR_IO, SR_TOO_LARGE.
 */
enum sr_error anchor_newest(const struct config *config,
    const struct bankfile *bank, const char *before, struct anchor *out);

/* The same origin, size and root. */
bool anchor_is(const struct checkpoint *one, const struct checkpoint *other);

/*
 * Writes it to path (0644, atomically) and to run/last-anchor.  The same
 * checkpoint there, with or without witnesses' lines, stays as it is.
 * SR_EXISTS when there is another kind of file or one that witnesses have
 * signed, SR_ROLLED_BACK when there is a later one, SR_IO; with a line on
 * stderr.  path NULL: only to run/last-anchor.
 */
enum sr_error anchor_write(
    const struct config *config, const char *path, const struct anchor *anchor);

/* Writes the text to path (0644, atomically); SR_IO with a line on stderr. */
enum sr_error anchor_put(const char *path, const struct anchor *anchor);

/*
 * Reads a file as a note.  SR_NOT_FOUND without a line; SR_MALFORMED, SR_IO
 * with one.
 */
enum sr_error anchor_read(
    const char *path, struct anchor *out, struct note *note);

#endif
