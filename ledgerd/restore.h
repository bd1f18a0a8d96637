/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_RESTORE_H
#define LEDGERD_RESTORE_H
/*
 * A restore start with loss, as ledgerd sees it: which head the journal that
 * is there can go on from, and the restore notes that stand in it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/journal.h"
#include "common/restore.h"

struct ledgerd;

/*
 * Looks through the whole journal, without any key, for the highest head that
 * is under a signature of keyd's: in public/checkpoint, in keyd's own state
 * or in a COMMIT.  Presents it to keyd with the checkpoint in
 * ledger/lost.checkpoint, where there is one, as what is known of the lost
 * part.  Then that head is in keyd.head and the note in keyd.restore_note.
 * SR_NOT_FOUND when nothing in the journal is under a signature; keyd's
 * reason; each after a line that says so.
 */
enum sr_error restore_present(struct ledgerd *ledgerd);

/*
 * A note met in the replay, as leaf seq.  SR_DAMAGED when it is none of this
 * bank's; SR_FORKED, after a line, when it begins an origin under which keyd
 * signs nothing yet: a restore that was cut off.
 */
enum sr_error restore_replayed(
    struct ledgerd *ledgerd, const struct journal_plain *plain, uint64_t seq);

#endif
