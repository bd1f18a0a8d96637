/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H
/*
 * What a client remembers between runs, a directory a bank:
 * $XDG_STATE_HOME/strongroom/BANKID (default ~/.local/state/strongroom/...),
 * mode 0700, files 0600.  Files are replaced atomically: written under a
 * temporary name, synced, renamed, the directory synced.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define STATE_PATH_MAX 512
#define STATE_NAME_MAX 128

struct state {
	char directory[STATE_PATH_MAX];
};

/*
 * Finds (and makes) the directory for the bank.  SR_IO with a line on stderr
 * when there is neither XDG_STATE_HOME nor HOME or it cannot be made.
 */
enum sr_error state_open(struct state *state, const uint8_t bank_id[32]);

/*
 * Reads the file into at most room bytes.  SR_NOT_FOUND when there is none,
 * SR_TOO_LARGE, SR_IO.
 */
enum sr_error state_read(const struct state *state, const char *name, void *out,
    size_t room, size_t *len);

/* Replaces the file, durably, before it returns.  SR_IO, SR_NO_SPACE. */
enum sr_error state_write(
    const struct state *state, const char *name, const void *bytes, size_t len);

/* Says on standard error what is wrong with a file, with its path. */
void state_complain(
    const struct state *state, const char *name, const char *what);

/* Removes the file; SR_OK when there was none. */
enum sr_error state_remove(const struct state *state, const char *name);

/*
 * A lock by name, held until its fd is closed.  alone: SR_BUSY at once when
 * anybody holds it; else it is shared, and waits for who holds it alone.
 * SR_IO.
 */
enum sr_error state_lock(
    const struct state *state, const char *name, bool alone, int *fd);

/*
 * Calls each() with the name of every file that begins with prefix, in no
 * particular order, until it returns other than SR_OK; returns that.
 */
enum sr_error state_each(const struct state *state, const char *prefix,
    enum sr_error (*each)(void *context, const char *name), void *context);

#endif
