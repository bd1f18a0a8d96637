/* SPDX-License-Identifier: ISC */
#ifndef KEYD_RENEW_H
#define KEYD_RENEW_H
/*
 * After a new epoch of the OPRF seed has begun (epochs.h) every record that is
 * made rests on the new seed.  Those that there are were made from passwords,
 * which the bank does not have: they serve as they are until their customer
 * logs in the next time, when the client is told (renew of M4) and makes a new
 * record of the same password (OPERATION_RENEW), unnoticed.  A recovery code's
 * goes when the code is used or replaced.
 *
 * All seeds come of one root, so no former one is ever missing.
 *
 * With a new epoch of OPAQUE's key pair (rotation.h) it is the same: a record
 * is bound to the pair that it was made for, and answered with that.  With which
 * one cannot be seen without the password; each log-in derives its pair, so
 * that the time does not tell either.
 *
 * Security: whoever asks twice with the same blind sees whether what a name's
 * evaluation rests on has changed in between, by a renewal as by any other
 * change of a credential.  So what answers for a name that is nobody's, or a
 * recovery code that is not set, rests on epochs and random of a credential
 * that there is, too, and on whose it is: for each name on somebody's
 * (credentials_find()), for a code that its customer has not set on the empty
 * place.  It changes when that
 * does, stays where that customer stays away, and is never again what it was:
 * a name's changes, and that it has none, are those of a customer.
 *
 * Told is still: whoever knows when one of n customers changes a credential,
 * or is registered or erased, sees one in n of nobody's names change at that
 * moment, and knows these to be nobody's; each customer can do so once, since
 * it is the same ones each time.  Of names that always change together at most
 * one is somebody's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "keyd/credentials.h"

struct keyd;

/* Whether the customer's password rests on a former epoch of either. */
bool renew_wanted(
    const struct keyd *k, const struct customer *customer, uint8_t slot);

/* Credentials that rest on a former epoch. */
uint64_t renew_left(const struct keyd *k);

#endif
