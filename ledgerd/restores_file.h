/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_RESTORES_FILE_H
#define LEDGERD_RESTORES_FILE_H
/*
 * public/restores: the restore and rotation notes of the log, for those who
 * have no key (common/restore.h, common/rotation.h).  It is durable before a
 * checkpoint under the new origin is published, and made anew from the
 * journal where a crash came between.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct ledgerd;

/*
 * Sees to it that the note stands in the file, durably; records of origins
 * that it does not go on from are cut off.  SR_INTERNAL for what is no note,
 * errors of the disk.
 */
enum sr_error restores_keep(struct ledgerd *ledgerd, const void *note,
    size_t note_len, const uint8_t salt[32]);

/*
 * True if the log may have been restored with loss: its origin is a later one
 * than the first, and rotations alone do not explain that.
 */
bool restores_had_loss(struct ledgerd *ledgerd);

/*
 * True if one of the restores has given up an entry that may have had that
 * index (common/restore.h); false, too, when the file cannot be read.
 */
bool restores_may_lose(struct ledgerd *ledgerd, uint64_t leaf);

#endif
