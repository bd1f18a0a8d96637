/* SPDX-License-Identifier: ISC */
/* A bundle of entries against the hashes of a tile. */
#include <string.h>

#include "common/tiles.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t hashes[256 * MERKLE_HASH_LEN];
	uint8_t root[MERKLE_HASH_LEN];

	if (len == 0)
		return 0;
	(void)tile_entries_match(bytes + 1, len - 1, hashes, bytes[0] + 1u);
	if (len > 256)
		tile_root(bytes + 1, 3, root);
	return 0;
}
