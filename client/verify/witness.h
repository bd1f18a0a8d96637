/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_WITNESS_H
#define CLIENT_VERIFY_WITNESS_H
/*
 * A small witness: somebody who keeps the last checkpoint of the log that was
 * seen, looks whether the next one continues it, and then signs that
 * (common/cosignature.h).
 *
 * The key is one line, as Go's note package writes its own, with the type
 * 0x04; the secret is a seed of Ed25519:
 *
 *	PRIVATE+KEY+name+<key id in hex>+base64(0x04 | seed 32)
 *
 * The state is the last checkpoint, with the witness's own line: who may
 * write there can set it back to one that this witness has signed, no
 * further.
 */
#include "client/verify/verify.h"

/*
 * Makes FILE (0600) and FILE.pub, the vkey, anew; a line on stderr when not.
 */
enum verify_exit witness_keygen(const char *name, const char *path);

struct witness_paths {
	const char *key;
	const char *state; /* no file yet: the first checkpoint is believed */
	const char *checkpoint; /* NULL: the directory's */
	const char *output;     /* NULL: standard output */
};

/*
 * Walks the ledger in verify->directory, which must hold the checkpoint and
 * continue the state; of one with public/ alone the tiles must prove that it
 * does (client/verify/witness_public.h).  Makes the new state durable; then
 * writes the signature line.  0 when it has signed, 1 when it must not (the
 * log is tampered with, rolled back or forked), 2 when it could not; with a
 * line on stderr.
 */
enum verify_exit witness_run(
    struct verify *verify, const struct witness_paths *paths);

#endif
