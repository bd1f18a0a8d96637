/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_REPLAY_H
#define LEDGERD_REPLAY_H
/*
 * The start: the whole journal is read again, every seal, commitment, hash
 * and rule is checked, and the state comes out of it.
 *
 * keyd's size divides the journal.  Below it everything must be right: an
 * invalid frame is damage, and the bank does not start.  Above it stands what
 * was never acknowledged: at most one whole batch, which is offered to keyd
 * again, and perhaps a torn one, which is copied to ledger/tail-SEGMENT-OFFSET
 * and cut.
 */
#include <stdint.h>

#include "common/error.h"
#include "ledgerd/segments.h"

struct ledgerd;

/* What the journal ends with. */
struct replay_tail {
	uint64_t len; /* bytes cut; 0: none */
	struct journal_position at;
};

/*
 * Replays all segments against keyd's head in ledgerd->keyd.head, then has
 * keyd sign a whole batch above it.  Afterwards ledgerd's tree is keyd's and
 * the last segment is open.  SR_DAMAGED, SR_CRYPTO: damage below keyd's size;
 * SR_ROLLED_BACK: journal or keyd's state is older than what was signed;
 * SR_FORKED: another history; each after a line that says where.
 */
enum sr_error replay_journal(struct ledgerd *ledgerd, struct replay_tail *tail);

#endif
