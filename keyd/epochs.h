/* SPDX-License-Identifier: ISC */
#ifndef KEYD_EPOCHS_H
#define KEYD_EPOCHS_H
/*
 * New epochs of keys while the bank runs: logged first (USE_ROTATE), then in
 * the state; from then on the former epoch makes nothing more.
 *
 * How long it is still taken rests on the key.  What was sealed under it is
 * sealed anew (reseal.h), a password's record moves at a log-in (renew.h), a
 * terminal when its new card is first used (terminals.h).
 * What it has handed out - tokens of devices, invitations, reset codes - serves
 * for as long as the present epoch is younger than key_least_s(): a device
 * that logs in meanwhile gets a token of the present one, and no invitation or
 * code lives longer.  There is no further epoch before that, so that none is
 * cut short; and it is what the clock says each time, so that a clock that was
 * wrong for a while has ended nothing.  A clock that was set back makes every
 * epoch old enough: the hour's budget, which is on the disk, then bounds them.
 *
 * Security: both keys are always tried, so that time tells nothing of which.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/error.h"
#include "common/key_table.h"

struct keyd;

/*
 * Begins an epoch of the key that the use names, in both slots of the state:
 * no slot is left that would not open what is made from now on.
 * SR_NOT_ALLOWED for a key that is not rotated so or where nothing may be
 * written, SR_PARAMETERS for a use that says more than its key, SR_KEY_EPOCH
 * while the former one is needed to open things, SR_LATER for an epoch
 * younger than key_least_s(), SR_BUDGET for one more than the hour's, SR_INTERNAL
 * after 2106; errors of the disk end keyd.
 */
enum sr_error epochs_rotate(struct keyd *k, const struct entry_event *use);

/* The former epoch of a key that hands out, if that still serves; 0. */
uint32_t epochs_former(const struct keyd *k, enum bank_key key);

/*
 * The MAC of input under the present epoch of a key that hands out: the first
 * out_len bytes of the HMAC that the table names.
 */
void epochs_mac(const struct keyd *k, enum bank_key key, const uint8_t *input,
    size_t input_len, uint8_t *out, size_t out_len);

/* True if mac is that, or was under a former epoch that still serves. */
bool epochs_mac_valid(const struct keyd *k, enum bank_key key,
    const uint8_t *input, size_t input_len, const uint8_t *mac, size_t mac_len);

#endif
