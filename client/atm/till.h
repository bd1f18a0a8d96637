/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_TILL_H
#define CLIENT_ATM_TILL_H
/*
 * The terminal's side of withdrawals: what its journal (till_journal.h) owes
 * to the bank is settled here, by the terminal's own session.
 */
#include <stdbool.h>
#include <stdint.h>

#include "client/atm/atm.h"
#include "client/ordering.h"
#include "client/atm/till_journal.h"

/*
 * Posts what is out, or voids the hold for 0, and then forgets the record.
 * Whoever calls it has the journal's lock and the terminal's session.  SR_OK:
 * settled; result->outcome is SR_HOLD_STATE when the bank knew the hold no
 * more (said on stderr).  Else the record stays as it is.
 */
enum sr_error till_settle(struct atm *atm, struct till_record *record,
    int64_t out_minor, struct ordering_result *result);

/*
 * Settles what an earlier run left, if no other process is at it.  The
 * terminal's session is open.  Errors have been said on stderr.
 */
enum sr_error till_resume(struct atm *atm);

/* True when an earlier run has left something. */
bool till_unfinished(struct atm *atm);

#endif
