/* SPDX-License-Identifier: ISC */
#ifndef COMMON_MERKLE_H
#define COMMON_MERKLE_H
/*
 * The Merkle tree of RFC 6962 section 2.1 over SHA-256, as a compact range
 * that grows leaf by leaf, and the proofs of RFC 9162 section 2.1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

#define MERKLE_HASH_LEN 32u
#define MERKLE_LEVELS 63u     /* sizes stay below 2^63 */
#define MERKLE_PROOF_MAX 128u /* more hashes than any proof has */
/* size u64 and one hash for each bit that is set in it */
#define MERKLE_FRONTIER_MAX (8u + MERKLE_LEVELS * MERKLE_HASH_LEN)

/*
 * The compact range of leaves [0, size): for each bit set in size the root of
 * one perfect subtree of 2^bit leaves, in hash[bit]; the others are zeros.
 */
struct merkle_frontier {
	uint64_t size;
	uint8_t hash[MERKLE_LEVELS][MERKLE_HASH_LEN];
};

/* SHA-256(0x00 | leaf) */
void merkle_leaf_hash(
    const void *leaf, size_t len, uint8_t hash[MERKLE_HASH_LEN]);

/* SHA-256(0x01 | left | right); out may be one of the two */
void merkle_node_hash(const uint8_t left[MERKLE_HASH_LEN],
    const uint8_t right[MERKLE_HASH_LEN], uint8_t out[MERKLE_HASH_LEN]);

/* The empty tree. */
void merkle_frontier_init(struct merkle_frontier *frontier);

/* Adds one leaf hash.  SR_TOO_LARGE when the tree is full (2^63 - 1). */
enum sr_error merkle_frontier_append(
    struct merkle_frontier *frontier, const uint8_t leaf_hash[MERKLE_HASH_LEN]);

/* The root of all leaves; SHA-256 of nothing for the empty tree. */
void merkle_frontier_root(
    const struct merkle_frontier *frontier, uint8_t root[MERKLE_HASH_LEN]);

/* size u64, then the hashes from the largest subtree to the smallest. */
void merkle_frontier_write(
    const struct merkle_frontier *frontier, struct writer *w);

/* The inverse; SR_MALFORMED if the bytes do not hold one. */
enum sr_error merkle_frontier_read(
    struct reader *r, struct merkle_frontier *frontier);

/*
 * SR_OK if the proof (count hashes, one after the other) shows that
 * leaf_hash is leaf `index` of the tree of that size and root; SR_CRYPTO if
 * not.  RFC 9162 section 2.1.3.2.
 */
enum sr_error merkle_inclusion_verify(uint64_t index, uint64_t size,
    const uint8_t leaf_hash[MERKLE_HASH_LEN], const uint8_t *proof,
    size_t count, const uint8_t root[MERKLE_HASH_LEN]);

/*
 * SR_OK if the proof shows that the tree of old_size and old_root is a prefix
 * of the tree of new_size and new_root; SR_CRYPTO if not.  An old size of 0
 * needs the empty root and an empty proof.  RFC 9162 section 2.1.4.2.
 */
enum sr_error merkle_consistency_verify(uint64_t old_size,
    const uint8_t old_root[MERKLE_HASH_LEN], uint64_t new_size,
    const uint8_t new_root[MERKLE_HASH_LEN], const uint8_t *proof,
    size_t count);

/*
 * Gives the root of the perfect subtree over leaves [index << level,
 * (index + 1) << level): a tile's hash, or a leaf hash for level 0.
 */
typedef enum sr_error (*merkle_source)(void *context, unsigned level,
    uint64_t index, uint8_t hash[MERKLE_HASH_LEN]);

/*
 * Make the proofs from perfect subtrees that lie wholly below size.  proof
 * has room for MERKLE_PROOF_MAX hashes; *count says how many were written.
 * SR_NOT_FOUND when the index or old size is not within size; otherwise what
 * the source returned.
 */
enum sr_error merkle_inclusion_prove(merkle_source source, void *context,
    uint64_t index, uint64_t size, uint8_t *proof, size_t *count);
enum sr_error merkle_consistency_prove(merkle_source source, void *context,
    uint64_t old_size, uint64_t new_size, uint8_t *proof, size_t *count);

#endif
