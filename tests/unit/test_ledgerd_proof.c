/* SPDX-License-Identifier: ISC */
/* Inclusion paths of a batch, from the frontier before it and its leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "ledgerd/proof.h"

enum { SIZE_MAX_TRIED = 80 };

static struct proof proof;

static void
given_every_batch_of_every_tree_when_proved_then_each_leaf_verifies(
    void **state)
{
	uint8_t leaves[SIZE_MAX_TRIED][MERKLE_HASH_LEN];
	uint8_t path[MERKLE_PROOF_MAX * MERKLE_HASH_LEN], root[32];
	struct merkle_frontier before, after;
	size_t count;

	(void)state;
	randombytes_buf(leaves, sizeof(leaves));
	merkle_frontier_init(&before);
	for (size_t first = 0; first < SIZE_MAX_TRIED; first++) {
		after = before;
		for (size_t size = first + 1; size <= SIZE_MAX_TRIED; size++) {
			assert_int_equal(
			    merkle_frontier_append(&after, leaves[size - 1]),
			    SR_OK);
			merkle_frontier_root(&after, root);
			proof_keep(
			    &proof, &before, leaves + first, size - first);
			for (size_t i = first; i < size; i++) {
				assert_int_equal(
				    merkle_inclusion_prove(proof_source, &proof,
					i, size, path, &count),
				    SR_OK);
				assert_int_equal(
				    merkle_inclusion_verify(
					i, size, leaves[i], path, count, root),
				    SR_OK);
			}
		}
		assert_int_equal(
		    merkle_frontier_append(&before, leaves[first]), SR_OK);
	}
}

static void
given_a_leaf_before_the_batch_when_asked_then_it_is_not_there(void **state)
{
	uint8_t leaves[5][MERKLE_HASH_LEN], hash[32];
	struct merkle_frontier before;

	(void)state;
	randombytes_buf(leaves, sizeof(leaves));
	merkle_frontier_init(&before);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
		    merkle_frontier_append(&before, leaves[i]), SR_OK);
	proof_keep(&proof, &before, leaves + 4, 1);
	assert_int_equal(proof_source(&proof, 0, 3, hash), SR_NOT_FOUND);
	assert_int_equal(proof_source(&proof, 0, 5, hash), SR_NOT_FOUND);
	assert_int_equal(proof_source(&proof, 3, 0, hash), SR_NOT_FOUND);
	assert_int_equal(proof_source(&proof, 2, 0, hash), SR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_every_batch_of_every_tree_when_proved_then_each_leaf_verifies),
	    cmocka_unit_test(
		given_a_leaf_before_the_batch_when_asked_then_it_is_not_there),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
