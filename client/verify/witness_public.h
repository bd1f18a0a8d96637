/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_WITNESS_PUBLIC_H
#define CLIENT_VERIFY_WITNESS_PUBLIC_H
/*
 * What a witness needs who is given only public/, and no journal: the proof,
 * from the tiles, that the checkpoint continues the one it has signed.
 */
#include "client/verify/verify.h"

/* True if there is a journal beside public/. */
bool witness_has_journal(const struct verify *verify);

/*
 * The proof, from the tiles, that verify->published continues a tree of that
 * size (common/merkle.h).  SR_NOT_FOUND, SR_IO: verify->why then names the
 * tile.
 */
enum sr_error witness_prove(struct verify *verify, uint64_t old_size,
    uint8_t proof[MERKLE_PROOF_MAX * MERKLE_HASH_LEN], size_t *count);

/*
 * Whether verify->published continues verify->since[0], if there is one; RFC
 * 9162 section 2.1.4 over public/tile.  Two origins are never joined here:
 * that the restore note is in the log, only the journal shows.  False after a
 * verdict: `could not' where a tile is missing.
 */
bool witness_public(struct verify *verify);

#endif
