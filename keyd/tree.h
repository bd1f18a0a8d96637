/* SPDX-License-Identifier: ISC */
#ifndef KEYD_TREE_H
#define KEYD_TREE_H
/* Between keyd's own files: the tree that it extends and signs. */
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"
#include "common/note.h"

struct keyd;

enum { KEYD_SNAPSHOTS_LEN = 104 }; /* of two, as in the message snapshots */

/* Appends and persists; the frontier is unchanged unless SR_OK. */
enum sr_error keyd_extend_tree(
    struct keyd *k, const uint8_t *leaves, size_t count);

/* Sends the head in force, signed, after everything else of it is saved. */
void keyd_answer_head(struct keyd *k, enum sr_error error);

/* The head in force and its signature: the same bytes each time. */
enum sr_error keyd_head(
    const struct keyd *k, struct checkpoint *head, uint8_t signature[64]);

/*
 * Whether a checkpoint fits to what keyd has signed: SR_CRYPTO when the
 * signature is not keyd's, SR_ROLLED_BACK when it is above keyd's size,
 * SR_FORKED when it has another root at that size.  One of size 0 fits.
 */
enum sr_error keyd_compare_head(const struct keyd *k, uint64_t size,
    const uint8_t root[32], const uint8_t signature[64]);

/* The last two snapshots, as in the message snapshots. */
void keyd_write_snapshots(const struct keyd *k, struct writer *w);

/* Likewise the one that an auditor has signed last; zeros: none. */
void keyd_write_certified(
    const struct keyd *k, uint8_t bytes[ENTRY_SNAPSHOT_LEN]);
/* And the one before which keyd gives no keys; zeros: none. */
void keyd_write_cut(const struct keyd *k, uint8_t bytes[ENTRY_SNAPSHOT_LEN]);

#endif
