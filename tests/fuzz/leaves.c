/* SPDX-License-Identifier: ISC */
/*
 * What stays of a retired segment, read as strongroom-verify reads it; the
 * header's checksum is made right, so that what stands behind it is reached.
 */
#include <string.h>

#include "common/buffer.h"
#include "common/crc32c.h"
#include "common/leaves_file.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t header[LEAVES_FILE_HEADER_LEN];
	uint8_t again[LEAVES_FILE_HEADER_LEN];
	struct merkle_frontier tree;
	struct leaves_file file;
	struct journal_leaf leaf;
	struct writer w;

	if (len < sizeof(header))
		return 0;
	memcpy(header, bytes, sizeof(header));
	w = writer_to(header + sizeof(header) - 4, 4);
	writer_u32(&w, crc32c(0, header, sizeof(header) - 4));
	if (leaves_file_decode(header, &file) != SR_OK)
		return 0;
	/* there is one way to write a header */
	leaves_file_encode(&file, again);
	fuzz_must(memcmp(header, again, sizeof(header)) == 0);
	if (leaves_file_len(&file) != len)
		return 0;
	merkle_frontier_init(&tree);
	(void)leaves_file_begins(&file, &tree);
	for (uint64_t i = 0; i < file.count; i++) {
		const uint8_t *at =
		    bytes + leaves_file_offset(&file, file.first_seq + i);
		uint8_t back[JOURNAL_LEAF_LEN];

		fuzz_must(at + JOURNAL_LEAF_LEN <= bytes + len);
		if (leaves_file_append(&file, at, &tree, &leaf) != SR_OK)
			break;
		journal_leaf_encode(&leaf, back);
		fuzz_must(memcmp(at, back, sizeof(back)) == 0);
	}
	if (leaves_file_ends(&file, &tree))
		fuzz_taken();
	return 0;
}
