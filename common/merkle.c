/* SPDX-License-Identifier: ISC */
/*
 * The tree of the log.  Must never let a proof pass that does not use every
 * hash it brings, nor read one more than it brings.
 */
#include "common/merkle.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

void
merkle_leaf_hash(const void *leaf, size_t len, uint8_t hash[MERKLE_HASH_LEN])
{
	static const uint8_t prefix = 0x00;
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, &prefix, 1);
	if (len != 0)
		crypto_hash_sha256_update(&state, leaf, len);
	crypto_hash_sha256_final(&state, hash);
}

void
merkle_node_hash(const uint8_t left[MERKLE_HASH_LEN],
    const uint8_t right[MERKLE_HASH_LEN], uint8_t out[MERKLE_HASH_LEN])
{
	uint8_t bytes[1 + 2 * MERKLE_HASH_LEN];

	bytes[0] = 0x01;
	memcpy(bytes + 1, left, MERKLE_HASH_LEN);
	memcpy(bytes + 1 + MERKLE_HASH_LEN, right, MERKLE_HASH_LEN);
	crypto_hash_sha256(out, bytes, sizeof(bytes));
}

void
merkle_frontier_init(struct merkle_frontier *frontier)
{
	memset(frontier, 0, sizeof(*frontier));
}

enum sr_error
merkle_frontier_append(
    struct merkle_frontier *frontier, const uint8_t leaf_hash[MERKLE_HASH_LEN])
{
	uint8_t carry[MERKLE_HASH_LEN];
	unsigned level = 0;

	if (frontier->size >= (UINT64_C(1) << MERKLE_LEVELS) - 1)
		return SR_TOO_LARGE;
	memcpy(carry, leaf_hash, MERKLE_HASH_LEN);
	for (; frontier->size >> level & 1; level++) {
		merkle_node_hash(frontier->hash[level], carry, carry);
		memset(frontier->hash[level], 0, MERKLE_HASH_LEN);
	}
	memcpy(frontier->hash[level], carry, MERKLE_HASH_LEN);
	frontier->size++;
	return SR_OK;
}

void
merkle_frontier_root(
    const struct merkle_frontier *frontier, uint8_t root[MERKLE_HASH_LEN])
{
	bool begun = false;

	if (frontier->size == 0) {
		crypto_hash_sha256(root, (const uint8_t *)"", 0);
		return;
	}
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		if (!(frontier->size >> level & 1))
			continue;
		if (begun)
			merkle_node_hash(frontier->hash[level], root, root);
		else
			memcpy(root, frontier->hash[level], MERKLE_HASH_LEN);
		begun = true;
	}
}

void
merkle_frontier_write(const struct merkle_frontier *frontier, struct writer *w)
{
	writer_u64(w, frontier->size);
	for (unsigned level = MERKLE_LEVELS; level-- > 0;)
		if (frontier->size >> level & 1)
			writer_bytes(w, frontier->hash[level], MERKLE_HASH_LEN);
}

enum sr_error
merkle_frontier_read(struct reader *r, struct merkle_frontier *frontier)
{
	merkle_frontier_init(frontier);
	frontier->size = reader_u64(r);
	if (frontier->size >> MERKLE_LEVELS != 0)
		r->bad = true;
	for (unsigned level = MERKLE_LEVELS; level-- > 0;)
		if (frontier->size >> level & 1)
			reader_bytes(r, frontier->hash[level], MERKLE_HASH_LEN);
	return r->bad ? SR_MALFORMED : SR_OK;
}

enum sr_error
merkle_inclusion_verify(uint64_t index, uint64_t size,
    const uint8_t leaf_hash[MERKLE_HASH_LEN], const uint8_t *proof,
    size_t count, const uint8_t root[MERKLE_HASH_LEN])
{
	uint64_t node = index, last = size - 1;
	uint8_t hash[MERKLE_HASH_LEN];

	if (index >= size || count > MERKLE_PROOF_MAX)
		return SR_CRYPTO;
	memcpy(hash, leaf_hash, MERKLE_HASH_LEN);
	for (size_t i = 0; i < count; i++, proof += MERKLE_HASH_LEN) {
		if (last == 0)
			return SR_CRYPTO;
		if (node & 1 || node == last) {
			merkle_node_hash(proof, hash, hash);
			while (!(node & 1) && node != 0) {
				node >>= 1;
				last >>= 1;
			}
		} else {
			merkle_node_hash(hash, proof, hash);
		}
		node >>= 1;
		last >>= 1;
	}
	if (last != 0 || memcmp(hash, root, MERKLE_HASH_LEN) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

/* Sizes 0 < old < new: RFC 9162 section 2.1.4.2, step by step. */
static enum sr_error
consistency_walk(uint64_t old_size, const uint8_t *old_root, uint64_t new_size,
    const uint8_t *new_root, const uint8_t *proof, size_t count)
{
	bool whole = (old_size & (old_size - 1)) == 0;
	uint64_t node = old_size - 1, last = new_size - 1;
	uint8_t old_hash[MERKLE_HASH_LEN], new_hash[MERKLE_HASH_LEN];
	const uint8_t *first = whole ? old_root : proof;

	if (count == 0)
		return SR_CRYPTO;
	while (node & 1) {
		node >>= 1;
		last >>= 1;
	}
	memcpy(old_hash, first, MERKLE_HASH_LEN);
	memcpy(new_hash, first, MERKLE_HASH_LEN);
	for (size_t i = whole ? 0 : 1; i < count; i++) {
		const uint8_t *step = proof + i * MERKLE_HASH_LEN;

		if (last == 0)
			return SR_CRYPTO;
		if (node & 1 || node == last) {
			merkle_node_hash(step, old_hash, old_hash);
			merkle_node_hash(step, new_hash, new_hash);
			while (!(node & 1) && node != 0) {
				node >>= 1;
				last >>= 1;
			}
		} else {
			merkle_node_hash(new_hash, step, new_hash);
		}
		node >>= 1;
		last >>= 1;
	}
	if (last != 0 || memcmp(old_hash, old_root, MERKLE_HASH_LEN) != 0 ||
	    memcmp(new_hash, new_root, MERKLE_HASH_LEN) != 0)
		return SR_CRYPTO;
	return SR_OK;
}

enum sr_error
merkle_consistency_verify(uint64_t old_size,
    const uint8_t old_root[MERKLE_HASH_LEN], uint64_t new_size,
    const uint8_t new_root[MERKLE_HASH_LEN], const uint8_t *proof, size_t count)
{
	uint8_t empty[MERKLE_HASH_LEN];

	if (old_size > new_size || count > MERKLE_PROOF_MAX)
		return SR_CRYPTO;
	if (old_size == 0) {
		crypto_hash_sha256(empty, (const uint8_t *)"", 0);
		return count == 0 && memcmp(old_root, empty, sizeof(empty)) == 0
			   ? SR_OK
			   : SR_CRYPTO;
	}
	if (old_size == new_size)
		return count == 0 &&
			       memcmp(old_root, new_root, MERKLE_HASH_LEN) == 0
			   ? SR_OK
			   : SR_CRYPTO;
	return consistency_walk(
	    old_size, old_root, new_size, new_root, proof, count);
}

/* What the proofs are made with. */
struct prover {
	merkle_source source;
	void *context;
	uint8_t *proof;
	size_t count;
};

/* Root of the leaves [first, first + len), len > 0, first aligned to it. */
static enum sr_error
range_root(struct prover *p, uint64_t first, uint64_t len,
    uint8_t root[MERKLE_HASH_LEN])
{
	bool begun = false;

	/* from the smallest perfect subtree, on the right, to the largest */
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		uint8_t hash[MERKLE_HASH_LEN];
		uint64_t start = first + (len >> level >> 1 << level << 1);
		enum sr_error error;

		if (!(len >> level & 1))
			continue;
		error = p->source(p->context, level, start >> level, hash);
		if (error != SR_OK)
			return error;
		if (begun)
			merkle_node_hash(hash, root, root);
		else
			memcpy(root, hash, MERKLE_HASH_LEN);
		begun = true;
	}
	assert(begun);
	return SR_OK;
}

static enum sr_error
prove_range(struct prover *p, uint64_t first, uint64_t len)
{
	assert(p->count < MERKLE_PROOF_MAX);
	return range_root(
	    p, first, len, p->proof + p->count++ * MERKLE_HASH_LEN);
}

/* The largest power of two below n; n > 1. */
static uint64_t
split_of(uint64_t n)
{
	uint64_t k = 1;

	while (k < n - k)
		k <<= 1;
	return k;
}

/* Turns round the hashes: they were found from the root to the leaf. */
static void
reverse_proof(uint8_t *proof, size_t count)
{
	uint8_t swap[MERKLE_HASH_LEN];

	for (size_t i = 0; i < count / 2; i++) {
		uint8_t *a = proof + i * MERKLE_HASH_LEN;
		uint8_t *b = proof + (count - 1 - i) * MERKLE_HASH_LEN;

		memcpy(swap, a, MERKLE_HASH_LEN);
		memcpy(a, b, MERKLE_HASH_LEN);
		memcpy(b, swap, MERKLE_HASH_LEN);
	}
}

enum sr_error
merkle_inclusion_prove(merkle_source source, void *context, uint64_t index,
    uint64_t size, uint8_t *proof, size_t *count)
{
	struct prover p = {source, context, proof, 0};
	uint64_t first = 0, len = size;

	if (index >= size || size >> MERKLE_LEVELS != 0)
		return SR_NOT_FOUND;
	while (len > 1) {
		uint64_t k = split_of(len);
		enum sr_error error;

		if (index - first < k) {
			error = prove_range(&p, first + k, len - k);
			len = k;
		} else {
			error = prove_range(&p, first, k);
			first += k;
			len -= k;
		}
		if (error != SR_OK)
			return error;
	}
	reverse_proof(proof, p.count);
	*count = p.count;
	return SR_OK;
}

enum sr_error
merkle_consistency_prove(merkle_source source, void *context, uint64_t old_size,
    uint64_t new_size, uint8_t *proof, size_t *count)
{
	struct prover p = {source, context, proof, 0};
	uint64_t first = 0, len = new_size;
	enum sr_error error = SR_OK;

	if (old_size > new_size || new_size >> MERKLE_LEVELS != 0)
		return SR_NOT_FOUND;
	*count = 0;
	if (old_size == 0 || old_size == new_size)
		return SR_OK;
	while (old_size - first != len) {
		uint64_t k = split_of(len);

		if (old_size - first <= k) {
			error = prove_range(&p, first + k, len - k);
			len = k;
		} else {
			error = prove_range(&p, first, k);
			first += k;
			len -= k;
		}
		if (error != SR_OK)
			return error;
	}
	/* the old tree's root itself is not repeated */
	if (first != 0)
		error = prove_range(&p, first, len);
	if (error != SR_OK)
		return error;
	reverse_proof(proof, p.count);
	*count = p.count;
	return SR_OK;
}
