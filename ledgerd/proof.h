/* SPDX-License-Identifier: ISC */
#ifndef LEDGERD_PROOF_H
#define LEDGERD_PROOF_H
/*
 * That an entry is in the log, for whoever asks: inclusion paths (RFC 9162)
 * with the checkpoint that they lead to.  Those of the last batch with orders
 * come from memory, a lookup each; older ones from the tiles.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/merkle.h"
#include "common/note.h"

struct ledgerd;

enum {
	PROOF_PATH_MAX = MERKLE_LEVELS * MERKLE_HASH_LEN,
	PROOF_LEAVES_MAX = 1024, /* of one batch */
	/* Each level has at most half of the one below, and one more. */
	PROOF_NODES_MAX = 2 * PROOF_LEAVES_MAX + 2 * MERKLE_LEVELS,
};

/* The last batch's part of the tree, and its checkpoint. */
struct proof {
	struct merkle_frontier before; /* the tree without the batch */
	uint64_t size;                 /* with it; 0: there was none */
	size_t begin[MERKLE_LEVELS];   /* of a level's nodes */
	uint8_t nodes[PROOF_NODES_MAX][MERKLE_HASH_LEN];
	char checkpoint[NOTE_MAX];
	size_t checkpoint_len;
};

/*
 * A tree of `before' and count leaf hashes (at most PROOF_LEAVES_MAX) after
 * it; its checkpoint is for the caller to set.
 */
void proof_keep(struct proof *proof, const struct merkle_frontier *before,
    const uint8_t (*leaves)[MERKLE_HASH_LEN], size_t count);

/*
 * A perfect subtree's root: a merkle_source, context is the struct proof.
 * SR_NOT_FOUND for one that no leaf of the batch needs.
 */
enum sr_error proof_source(void *context, unsigned level, uint64_t index,
    uint8_t hash[MERKLE_HASH_LEN]);

/* One entry's path and the checkpoint that it leads to. */
struct proof_of_leaf {
	uint8_t path[PROOF_PATH_MAX];
	size_t path_len; /* bytes */
	const char *checkpoint;
	size_t checkpoint_len;
};

/*
 * The proof of a leaf of the log.  SR_NOT_FOUND where there is none at
 * present: the tiles stay behind or are damaged.
 */
enum sr_error proof_of_leaf(
    struct ledgerd *ledgerd, uint64_t leaf, struct proof_of_leaf *out);

#endif
