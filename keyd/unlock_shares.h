/* SPDX-License-Identifier: ISC */
#ifndef KEYD_UNLOCK_SHARES_H
#define KEYD_UNLOCK_SHARES_H
/*
 * Splitting 32 bytes so that any `quorum' of `count' shares give them back
 * and fewer tell nothing (A. Shamir, How to share a secret, 1979), by
 * libgfshare: over GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1, a polynomial of
 * degree quorum - 1 a byte, whose value at 0 is the secret's byte and at
 * x = index the share's.
 *
 * Security: the coefficients are libsodium's random bytes; the library's own
 * random function, random(3), is never used.  The library overwrites its
 * memory when it frees it.  Which program links this: strongroom-unlock, and
 * no daemon.
 */
#include <stdint.h>

#include "common/error.h"
#include "common/share.h"

/*
 * Before anything else here, and before the sandbox: random function, memory
 * of the library's, and a split and combination that must give the same back,
 * or the program ends.
 */
void shares_start(void);

/*
 * out[i] becomes the share of index i + 1.  SR_PARAMETERS unless
 * 2 <= quorum <= count <= SHARE_COUNT_MAX; SR_MEMORY.
 */
enum sr_error shares_split(const uint8_t secret[SHARE_SECRET_LEN],
    unsigned quorum, unsigned count, uint8_t out[][SHARE_SECRET_LEN]);

/*
 * The secret from `quorum' shares and their indices.  Any shares give some
 * secret: whether it is the right one only its envelope tells.  SR_PARAMETERS
 * for a quorum below 2 or too large, for index 0 and for an index that is
 * there twice; SR_MEMORY.  secret is zeros unless SR_OK.
 */
enum sr_error shares_combine(const uint8_t *indices,
    const uint8_t (*shares)[SHARE_SECRET_LEN], unsigned quorum,
    uint8_t secret[SHARE_SECRET_LEN]);

#endif
