/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_LEAVES_H
#define CLIENT_VERIFY_LEAVES_H
/*
 * Retired segments (common/leaves_file.h) in the walk of strongroom-verify:
 * their leaves take the place of their frames.  Nobody has signed a file of
 * leaves; what they say is right when the tree that they lead to is the one
 * which the frames after them continue, and keyd has signed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify;
struct verify_segment;

/*
 * True if the segment's leaves are there, and its frames are not: its .log is
 * absent, or begins with zeros, as while it is being deleted.
 */
bool verify_is_retired(const struct verify *verify, uint32_t number);

/*
 * Walks the leaves of a retired segment: its header, every leaf, the roots
 * before and after, restore notes, checkpoints that are met, the public tree
 * and the audit log.  Prints its row.  False after a verdict.
 */
bool verify_leaves(struct verify *verify, uint32_t number);

/*
 * Where leaves are there beside a segment that was found whole: they must be
 * its leaves, each of them.  False after a verdict.
 */
bool verify_leaves_agree(struct verify *verify,
    const struct verify_segment *segment, const uint8_t *bytes, size_t len);

#endif
