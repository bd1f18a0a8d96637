/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_RETIRE_OFFER_H
#define LEDGERD_RETIRE_OFFER_H
/*
 * What two operators could retire now, and what they have retired: for
 * strongroomctl, which opens no journal.
 */
#include "common/error.h"
#include "gen/messages.h"

struct ledgerd;

/*
 * Fills in the answer to retention_get.  Reads headers of segments only: a
 * segment that cannot be read leaves the figures at zero.  SR_CLOSED and
 * others of the link to keyd.
 */
enum sr_error retire_offer(
    struct ledgerd *ledgerd, struct message_retention *answer);

#endif
