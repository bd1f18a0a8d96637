/* SPDX-License-Identifier: ISC */
#ifndef KEYD_ERASE_H
#define KEYD_ERASE_H
/*
 * Erasure of a customer: both credentials, name and directory key.  What stays
 * is an empty place, so that the number is never given to anybody else.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/entry.h"
#include "common/error.h"

struct keyd;

/*
 * Whether the USE_ERASE entry may be done: proof is the customer's ERASE order
 * (common/order.h, 208 bytes) and its signature (64), which must verify under
 * the attested key; the entry's detail begins with the order's hash.  ledgerd
 * alone can erase nobody.  SR_OK also for one who is erased already.
 * SR_SIGNATURE: the entry is signed all the same, and nobody erased.
 * SR_NOT_FOUND, SR_MALFORMED, SR_SIGNATURE, SR_WRONG_BANK, SR_PARAMETERS; an
 * error of the disk is in k->failure, too.
 */
enum sr_error erase_check(struct keyd *k, const struct entry_event *use,
    const uint8_t *proof, size_t proof_len);

/*
 * Writes an empty customer over both versions, durable.  SR_NO_SPACE,
 * SR_READ_ONLY: ask again; any other error is in k->failure.
 */
enum sr_error erase_do(struct keyd *k, uint64_t customer);

/*
 * At start, and again when ledgerd has read its log: an erasure that was cut
 * between the two versions.  A full disk leaves it as it is.  Else the error is
 * in k->failure.
 */
enum sr_error erase_rest(struct keyd *k);

#endif
