/* SPDX-License-Identifier: ISC */
#ifndef KEYD_LOG_KEYS_H
#define KEYD_LOG_KEYS_H
/*
 * Which keys of the journal ledgerd gets, and how.  ledgerd is not trusted
 * with more of the past than its work needs:
 *
 * - segments from the last snapshot but one on: for the asking, so that a
 *   start finds its way even when the newest snapshot is damaged;
 * - older ones: only as a logged operation (USE, code 4), so many an hour,
 *   counted for ever in the state, which is durable before the key leaves;
 * - snapshots: the last two, and those that are yet to come;
 * - segments before the one that a retirement has cut at: never again, not as
 *   a logged operation and not for an auditor either.
 *
 * The line between moves by a snapshot's own entry, whose leaf keyd makes and
 * appends itself; and only forward.  So a ledgerd that lies about snapshots
 * takes keys from itself and gives itself none.  There is no bound above: a
 * segment's salt is drawn when it is begun, so a key asked before is none.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/entry.h"
#include "gen/messages.h"
#include "keyd/state.h"

enum { LOG_KEYS_OLD_AN_HOUR = BUDGET_OLD_SEGMENTS };

/* The first segment whose key is given for the asking. */
uint32_t log_keys_floor(const struct state *state);

/* Whether that segment's entries are retired. */
bool log_keys_retired(const struct state *state, uint64_t segment);

/*
 * Takes a snapshot's entry, in a leaf of that segment, into the state, which
 * is not saved here.  SR_MALFORMED when it cannot be the next one: its number,
 * size or segment fall, its size is not that of the log so far or below, or
 * it lies in a later segment than its own entry.
 */
enum sr_error log_keys_snapshot(struct state *state,
    const struct entry_snapshot *snapshot, uint32_t leaf_segment);

/*
 * Counts one key of an old segment, in the state, which is not saved here;
 * false when this hour's are used up.  now_ms: a clock that goes back gives
 * no new ones.
 */
bool log_keys_charge(struct state *state, uint64_t now_ms);

#endif
