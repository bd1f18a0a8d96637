/* SPDX-License-Identifier: ISC */
#ifndef KEYD_KEY_TABLE_H
#define KEYD_KEY_TABLE_H
/*
 * What keyd knows of its own keys: epochs, and how often each was used.
 *
 * Uses are counted ahead: the state has the number up to which a key may be
 * used, KEY_USES_AHEAD above what was used, and is saved again before that is
 * passed.  keyd goes on from there after each start, so that a crash or a
 * lost save never makes the count fall; it says "at most".
 *
 * On a disk that takes no writes, and before anything may be written at all
 * (a lone slot, a restore start), it counts in memory, as limits do.
 */
#include <stdbool.h>

#include "common/key_table.h"

enum { KEY_USES_AHEAD = 4096 };

struct keyd;

/* After the state was read or made, before it is saved. */
void keyd_uses_start(struct keyd *k);

/* One use.  Saves the state where the count comes to what was reserved. */
void keyd_count_use(struct keyd *k, enum bank_key key);

/* A new epoch: uses begin anew.  The caller saves. */
void keyd_uses_renew(struct keyd *k, enum bank_key key);

/* True when that key has come to its cap: nothing more is sealed under it. */
bool keyd_key_spent(const struct keyd *k, enum bank_key key);

#endif
