/* SPDX-License-Identifier: ISC */
/*
 * The tree: the eight-leaf figures of the certificate-transparency test data
 * and proofs of every size up to 70 against trees built the plain way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/merkle.h"

#define LEAVES 70u

static uint8_t leaves[LEAVES][MERKLE_HASH_LEN];

static void
from_hex(uint8_t out[32], const char *hex)
{
	size_t len;

	assert_int_equal(
	    sodium_hex2bin(out, 32, hex, strlen(hex), NULL, &len, NULL), 0);
	assert_int_equal(len, 32);
}

/* MTH of RFC 6962 section 2.1, word by word. */
static void
plain_root(unsigned first, unsigned len, uint8_t root[32])
{
	uint8_t left[32], right[32];
	unsigned k = 1;

	if (len == 1) {
		memcpy(root, leaves[first], 32);
		return;
	}
	while (k * 2 < len)
		k *= 2;
	plain_root(first, k, left);
	plain_root(first + k, len - k, right);
	merkle_node_hash(left, right, root);
}

static enum sr_error
source(void *context, unsigned level, uint64_t index, uint8_t hash[32])
{
	unsigned size = *(unsigned *)context;

	/* only subtrees wholly within the tree may be asked for */
	assert_true((index + 1) << level <= size);
	plain_root((unsigned)(index << level), 1u << level, hash);
	return SR_OK;
}

static int
setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LEAVES; i++)
		merkle_leaf_hash(&i, sizeof(i), leaves[i]);
	return sodium_init() < 0;
}

static void
given_the_known_leaves_when_appended_then_the_known_roots(void **state)
{
	static const struct {
		const char *leaf;
		size_t len;
		const char *root;
	} known[] = {
	    {"", 0,
		"6e340b9cffb37a989ca544e6bb780a2c"
		"78901d3fb33738768511a30617afa01d"},
	    {"\x00", 1,
		"fac54203e7cc696cf0dfcb42c92a1d9d"
		"baf70ad9e621f4bd8d98662f00e3c125"},
	    {"\x10", 1,
		"aeb6bcfe274b70a14fb067a5e5578264"
		"db0fa9b51af5e0ba159158f329e06e77"},
	    {"\x20\x21", 2,
		"d37ee418976dd95753c1c73862b9398f"
		"a2a2cf9b4ff0fdfe8b30cd95209614b7"},
	    {"\x30\x31", 2,
		"4e3bbb1f7b478dcfe71fb631631519a3"
		"bca12c9aefca1612bfce4c13a86264d4"},
	    {"@ABC", 4,
		"76e67dadbcdf1e10e1b74ddc608abd2f"
		"98dfb16fbce75277b5232a127f2087ef"},
	    {"PQRSTUVW", 8,
		"ddb89be403809e325750d3d263cd7892"
		"9c2942b7942a34b77e122c9594a74c8c"},
	    {"`abcdefghijklmno", 16,
		"5dc9da79a70659a9ad559cb701ded9a2"
		"ab9d823aad2f4960cfe370eff4604328"},
	};
	struct merkle_frontier frontier;
	uint8_t root[32], expected[32], leaf[32];

	(void)state;
	merkle_frontier_init(&frontier);
	merkle_frontier_root(&frontier, root);
	from_hex(expected, "e3b0c44298fc1c149afbf4c8996fb924"
			   "27ae41e4649b934ca495991b7852b855");
	assert_memory_equal(root, expected, 32);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		merkle_leaf_hash(known[i].leaf, known[i].len, leaf);
		assert_int_equal(
		    merkle_frontier_append(&frontier, leaf), SR_OK);
		merkle_frontier_root(&frontier, root);
		from_hex(expected, known[i].root);
		assert_memory_equal(root, expected, 32);
	}
}

static void
given_any_size_when_written_and_read_then_the_same_frontier(void **state)
{
	struct merkle_frontier frontier, read;
	uint8_t bytes[MERKLE_FRONTIER_MAX], root[32], plain[32];

	(void)state;
	merkle_frontier_init(&frontier);
	for (unsigned i = 0; i < LEAVES; i++) {
		struct writer w = writer_to(bytes, sizeof(bytes));
		struct reader r;

		assert_int_equal(
		    merkle_frontier_append(&frontier, leaves[i]), SR_OK);
		merkle_frontier_root(&frontier, root);
		plain_root(0, i + 1, plain);
		assert_memory_equal(root, plain, 32);
		merkle_frontier_write(&frontier, &w);
		assert_false(w.bad);
		r = reader_of(bytes, writer_len(&w));
		assert_int_equal(merkle_frontier_read(&r, &read), SR_OK);
		assert_true(reader_end(&r));
		assert_memory_equal(&frontier, &read, sizeof(read));
		r = reader_of(bytes, writer_len(&w) - 1);
		assert_int_equal(merkle_frontier_read(&r, &read), SR_MALFORMED);
	}
}

static void
given_every_leaf_when_proved_then_only_the_right_proof_verifies(void **state)
{
	uint8_t proof[MERKLE_PROOF_MAX * 32], root[32];

	(void)state;
	for (unsigned size = 1; size <= LEAVES; size++) {
		plain_root(0, size, root);
		for (unsigned i = 0; i < size; i++) {
			size_t count;

			assert_int_equal(merkle_inclusion_prove(source, &size,
					     i, size, proof, &count),
			    SR_OK);
			assert_int_equal(merkle_inclusion_verify(i, size,
					     leaves[i], proof, count, root),
			    SR_OK);
			assert_int_equal(
			    merkle_inclusion_verify(i, size,
				leaves[(i + 1) % LEAVES], proof, count, root),
			    SR_CRYPTO);
			assert_int_equal(merkle_inclusion_verify(i, size,
					     leaves[i], proof, count + 1, root),
			    SR_CRYPTO);
			if (count == 0)
				continue;
			assert_int_equal(merkle_inclusion_verify(i, size,
					     leaves[i], proof, count - 1, root),
			    SR_CRYPTO);
			proof[32 * (count - 1)] ^= 1;
			assert_int_equal(merkle_inclusion_verify(i, size,
					     leaves[i], proof, count, root),
			    SR_CRYPTO);
		}
	}
	/* a root of two leaves is none of four */
	plain_root(0, 2, root);
	assert_int_equal(
	    merkle_inclusion_verify(0, 2, leaves[0], leaves[1], 1, root),
	    SR_OK);
	assert_int_equal(
	    merkle_inclusion_verify(0, 4, leaves[0], leaves[1], 1, root),
	    SR_CRYPTO);
	assert_int_equal(
	    merkle_inclusion_verify(1, 1, leaves[0], NULL, 0, leaves[0]),
	    SR_CRYPTO);
	assert_int_equal(
	    merkle_inclusion_verify(0, 0, leaves[0], NULL, 0, leaves[0]),
	    SR_CRYPTO);
}

static void
given_two_sizes_when_proved_then_only_the_right_proof_verifies(void **state)
{
	uint8_t proof[MERKLE_PROOF_MAX * 32], old_root[32], new_root[32];

	(void)state;
	for (unsigned size = 1; size <= LEAVES; size++) {
		plain_root(0, size, new_root);
		for (unsigned old = 1; old <= size; old++) {
			size_t count;

			plain_root(0, old, old_root);
			assert_int_equal(merkle_consistency_prove(source, &size,
					     old, size, proof, &count),
			    SR_OK);
			assert_int_equal(
			    merkle_consistency_verify(
				old, old_root, size, new_root, proof, count),
			    SR_OK);
			assert_int_equal(
			    merkle_consistency_verify(
				old, leaves[0], size, new_root, proof, count),
			    old == 1 ? SR_OK : SR_CRYPTO);
			assert_int_equal(
			    merkle_consistency_verify(old, old_root, size,
				new_root, proof, count + 1),
			    SR_CRYPTO);
			if (count == 0)
				continue;
			assert_int_equal(
			    merkle_consistency_verify(old, old_root, size,
				new_root, proof, count - 1),
			    SR_CRYPTO);
			proof[7] ^= 1;
			assert_int_equal(
			    merkle_consistency_verify(
				old, old_root, size, new_root, proof, count),
			    SR_CRYPTO);
		}
	}
	assert_int_equal(
	    merkle_consistency_verify(2, old_root, 1, new_root, NULL, 0),
	    SR_CRYPTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_known_leaves_when_appended_then_the_known_roots),
	    cmocka_unit_test(
		given_any_size_when_written_and_read_then_the_same_frontier),
	    cmocka_unit_test(
		given_every_leaf_when_proved_then_only_the_right_proof_verifies),
	    cmocka_unit_test(
		given_two_sizes_when_proved_then_only_the_right_proof_verifies),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
