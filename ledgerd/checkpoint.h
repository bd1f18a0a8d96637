/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_CHECKPOINT_H
#define LEDGERD_CHECKPOINT_H
/* A published checkpoint, read again at a start. */
#include "common/env.h"
#include "common/note.h"

/*
 * The signed note in that file; its signature is not looked at.  SR_NOT_FOUND
 * without a file, SR_MALFORMED if it is no note, errors of env.
 */
enum sr_error checkpoint_read(
    struct env *env, const char *path, struct note *note);

#endif
