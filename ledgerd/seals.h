/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_SEALS_H
#define LEDGERD_SEALS_H
/*
 * How the bank's keys were opened and what was changed of that, as strongroomd
 * tells it (common/seal_event.h): journaled, so that whoever opened the bank
 * or made a way to do so is seen later, too.  While the bank takes no entries
 * it is kept; and a start as usual is kept until there is an entry of somebody
 * else's.
 */
#include <stdbool.h>

#include "common/error.h"

struct ledgerd;

/*
 * Journals what strongroomd has told of, between two commits, if there is
 * something that tells (seal_event_tells()), or if the log has grown in a
 * commit.  SR_OK also where the journal cannot take it now; any error ends the
 * room.
 */
enum sr_error seals_write(struct ledgerd *ledgerd, bool grown);

#endif
