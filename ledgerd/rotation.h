/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_ROTATION_H
#define LEDGERD_ROTATION_H
/*
 * A rotation of the log key (keyd/rotation.h), as ledgerd sees it.  The note
 * is an entry of its own, alone in its batch: it takes effect when keyd has
 * appended it, and only by key_use.  One that keyd has not appended is cut off
 * at the next start, as if it had never been.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/journal.h"

struct ledgerd;

/*
 * A note met in the replay, as leaf seq.  SR_DAMAGED when it is none of this
 * bank's; SR_FORKED, after a line, when keyd has the leaf, but not the key.
 */
enum sr_error rotation_replayed(
    struct ledgerd *ledgerd, const struct journal_plain *plain, uint64_t seq);

/*
 * Looks at a batch above keyd's size, under its segment's key.  SR_AGAIN: it
 * is a rotation that was cut off, not to be offered to keyd again.  SR_OK: it
 * is none.  SR_ROLLED_BACK, after a line: the new key was in force already, so
 * that keyd's files are older than the journal.
 */
enum sr_error rotation_unsigned(struct ledgerd *ledgerd,
    const uint8_t segment_key[32], const uint8_t *batch, size_t len);

#endif
