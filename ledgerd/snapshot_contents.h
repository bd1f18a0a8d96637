/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_SNAPSHOT_CONTENTS_H
#define LEDGERD_SNAPSHOT_CONTENTS_H
/*
 * What stands behind a snapshot's header (strongroom-journal(5)): time of the
 * last entry, 8 bytes; the tree (merkle.h); the books (common/book/state.h);
 * and for each of their principals a person.
 */
#include "common/error.h"
#include "common/merkle.h"
#include "common/snapshot_file.h"

struct ledgerd;

/* Writes all of it to a file that was begun.  SR_IO, SR_NO_SPACE. */
enum sr_error snapshot_put(
    struct snapshot_file *f, const struct ledgerd *ledgerd);

/*
 * Reads it into empty books and *tree; the file has its key.  SR_DAMAGED,
 * SR_CRYPTO, SR_VERSION, SR_IO, SR_MEMORY: the books are then half there, and
 * to be freed.
 */
enum sr_error snapshot_take(struct snapshot_file *f, struct ledgerd *ledgerd,
    struct merkle_frontier *tree);

#endif
