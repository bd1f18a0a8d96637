/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_REFUSALS_H
#define LEDGERD_REFUSALS_H
/*
 * What keyd has refused, as it tells once a minute at most
 * (common/refusal.h): journaled, so that whoever guesses or asks too much is
 * seen later, too.  While the bank takes no entries it is kept and added up.
 */
#include "common/error.h"

struct ledgerd;

/*
 * Journals what keyd has told of, if there is something, between two commits.
 * SR_OK also where the journal cannot take it now; any error ends the room.
 */
enum sr_error refusals_write(struct ledgerd *ledgerd);

#endif
