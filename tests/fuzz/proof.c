/* SPDX-License-Identifier: ISC */
/*
 * Proofs of a Merkle tree behind the signatures of receipts and bundles: two
 * sizes, then hashes.
 */
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/merkle.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	uint64_t first = reader_u64(&r), second = reader_u64(&r);
	uint8_t one[32], two[32], *path;
	size_t count;

	reader_bytes(&r, one, sizeof(one));
	reader_bytes(&r, two, sizeof(two));
	if (r.bad)
		return 0;
	count = reader_left(&r) / MERKLE_HASH_LEN;
	/* not one byte more than that is its own */
	path = malloc(count * MERKLE_HASH_LEN + 1);
	fuzz_must(path != NULL);
	reader_bytes(&r, path, count * MERKLE_HASH_LEN);
	if (merkle_inclusion_verify(first, second, one, path, count, two) ==
	    SR_OK) {
		fuzz_taken();
		fuzz_must(first < second && count <= MERKLE_PROOF_MAX);
	}
	if (merkle_consistency_verify(first, one, second, two, path, count) ==
	    SR_OK) {
		fuzz_taken();
		fuzz_must(first <= second && count <= MERKLE_PROOF_MAX);
	}
	free(path);
	return 0;
}
