/* SPDX-License-Identifier: ISC */
#ifndef KEYD_UNLOCK_QUORUM_H
#define KEYD_UNLOCK_QUORUM_H
/*
 * Shares of a quorum key and the envelope of root.sealed that it opens.
 */
#include "common/sealed.h"
#include "common/share.h"

/*
 * Cuts key into shares for the next envelope of root: *like has quorum and
 * shares, and gets the hashes; records gets SHARE_LEN bytes for each share.
 */
enum sr_error unlock_quorum_split(const struct sealed *root,
    struct sealed_envelope *like, const uint8_t key[SHARE_SECRET_LEN],
    uint8_t records[SHARE_COUNT_MAX * SHARE_LEN]);

/*
 * The quorum key from records of len bytes in all, each a share of the same
 * envelope and none there twice.  SR_UNLOCK_KIND: root has no envelope of
 * shares; SR_UNLOCK: they are not records, of no envelope of this bank's,
 * altered, repeated, or fewer than the quorum.
 */
enum sr_error unlock_quorum_combine(const struct sealed *root,
    const uint8_t *records, size_t len, uint8_t key[SHARE_SECRET_LEN]);

#endif
