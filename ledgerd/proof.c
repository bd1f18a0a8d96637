/* SPDX-License-Identifier: ISC */
/*
 * Inclusion paths.  Must never hand one out that does not lead to its own
 * checkpoint: each is checked before it leaves.
 */
#include "ledgerd/proof.h"

#include <assert.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/tiles.h"

void
proof_keep(struct proof *proof, const struct merkle_frontier *before,
    const uint8_t (*leaves)[MERKLE_HASH_LEN], size_t count)
{
	uint64_t first = before->size, end = before->size + count;

	assert(count <= PROOF_LEAVES_MAX);
	proof->before = *before;
	proof->size = end;
	proof->begin[0] = 0;
	memcpy(proof->nodes, leaves, count * MERKLE_HASH_LEN);
	for (unsigned level = 1; level < MERKLE_LEVELS; level++) {
		size_t below = proof->begin[level - 1];
		uint64_t below_first = first >> (level - 1);
		size_t at =
		    below + (size_t)((end >> (level - 1)) - below_first);

		proof->begin[level] = at;
		for (uint64_t i = first >> level; i < end >> level; i++, at++) {
			/* its left half may lie before the batch */
			const uint8_t *left =
			    2 * i < below_first
				? before->hash[level - 1]
				: proof->nodes[below +
					       (size_t)(2 * i - below_first)];
			const uint8_t *right =
			    proof->nodes[below +
					 (size_t)(2 * i + 1 - below_first)];

			merkle_node_hash(left, right, proof->nodes[at]);
		}
	}
}

enum sr_error
proof_source(void *context, unsigned level, uint64_t index,
    uint8_t hash[MERKLE_HASH_LEN])
{
	const struct proof *proof = context;
	uint64_t first;

	if (level >= MERKLE_LEVELS || index >= proof->size >> level)
		return SR_NOT_FOUND;
	first = proof->before.size >> level;
	if (index >= first) {
		memcpy(hash,
		    proof->nodes[proof->begin[level] + (size_t)(index - first)],
		    MERKLE_HASH_LEN);
		return SR_OK;
	}
	/* of the frontier there is one to a level, at its end */
	if ((first & 1) == 0 || index != first - 1)
		return SR_NOT_FOUND;
	memcpy(hash, proof->before.hash[level], MERKLE_HASH_LEN);
	return SR_OK;
}

/* Path and checkpoint of the last commit's entries, from memory. */
static enum sr_error
prove_from_batch(struct proof *proof, uint64_t leaf, uint8_t *path,
    size_t *count, struct proof_of_leaf *out)
{
	out->checkpoint = proof->checkpoint;
	out->checkpoint_len = proof->checkpoint_len;
	return merkle_inclusion_prove(
	    proof_source, proof, leaf, proof->size, path, count);
}

/*
 * The same of any other entry, from the tiles, which are files: what comes out
 * must lead to the signed root.
 */
static enum sr_error
prove_from_tiles(struct ledgerd *ledgerd, uint64_t leaf, uint8_t *path,
    size_t *count, struct proof_of_leaf *out)
{
	uint8_t hash[MERKLE_HASH_LEN];
	enum sr_error error = tiles_source(ledgerd, 0, leaf, hash);

	if (error == SR_OK)
		error = merkle_inclusion_prove(tiles_source, ledgerd, leaf,
		    ledgerd->head.size, path, count);
	if (error == SR_OK)
		error = merkle_inclusion_verify(leaf, ledgerd->head.size, hash,
		    path, *count, ledgerd->head.root);
	out->checkpoint = ledgerd->checkpoint;
	out->checkpoint_len = ledgerd->checkpoint_len;
	return error;
}

enum sr_error
proof_of_leaf(struct ledgerd *ledgerd, uint64_t leaf, struct proof_of_leaf *out)
{
	uint8_t path[MERKLE_PROOF_MAX * MERKLE_HASH_LEN];
	struct proof *proof = &ledgerd->proof;
	enum sr_error error;
	size_t count = 0;

	memset(out, 0, sizeof(*out));
	if (leaf >= proof->before.size && leaf < proof->size)
		error = prove_from_batch(proof, leaf, path, &count, out);
	else
		error = prove_from_tiles(ledgerd, leaf, path, &count, out);
	if (error == SR_OK && count * MERKLE_HASH_LEN > sizeof(out->path))
		error = SR_TOO_LARGE;
	if (error != SR_OK) {
		diag_limited(leaf,
		    "leaf %llu cannot be proved at present: %s; "
		    "strongroomctl rebuild-tiles makes the tiles anew",
		    (unsigned long long)leaf, error_sentence(error));
		return SR_NOT_FOUND;
	}
	out->path_len = count * MERKLE_HASH_LEN;
	memcpy(out->path, path, out->path_len);
	return SR_OK;
}
