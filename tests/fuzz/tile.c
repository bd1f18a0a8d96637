/* SPDX-License-Identifier: ISC */
/*
 * A bundle of entries, as the tiles have it, against the hashes of its tile,
 * which are made right for as many entries as there are.
 */
#include <string.h>

#include "common/buffer.h"
#include "common/tiles.h"

#include "tests/lib/fuzz.h"

/* The hashes of those that are whole; whether nothing is behind them. */
static bool
hash_entries(const uint8_t *bytes, size_t len,
    uint8_t hashes[256 * MERKLE_HASH_LEN], unsigned *count)
{
	struct reader r = reader_of(bytes, len);

	for (*count = 0; *count < 256 && reader_left(&r) > 0; ++*count) {
		uint8_t head[2];
		const uint8_t *entry;
		size_t entry_len;

		reader_bytes(&r, head, sizeof(head));
		entry_len = (size_t)head[0] << 8 | head[1];
		entry = reader_view(&r, entry_len);
		if (r.bad)
			return false;
		merkle_leaf_hash(
		    entry, entry_len, hashes + *count * MERKLE_HASH_LEN);
	}
	return *count > 0 && reader_left(&r) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t hashes[256 * MERKLE_HASH_LEN];
	uint8_t root[MERKLE_HASH_LEN];
	unsigned count;
	bool whole;

	if (len == 0)
		return 0;
	memset(hashes, 0, sizeof(hashes));
	whole = hash_entries(bytes + 1, len - 1, hashes, &count);
	if (tile_entries_match(bytes + 1, len - 1, hashes, bytes[0] + 1u)) {
		fuzz_taken();
		fuzz_must(whole && count == bytes[0] + 1u);
	}
	if (len > 256)
		tile_root(bytes + 1, 3, root);
	return 0;
}
