/* SPDX-License-Identifier: ISC */
/* The leaves of a segment, as whoever retires it would write them. */
#include "tests/lib/retired.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool condition)
{
	if (condition)
		return;
	fprintf(stderr, "the segment cannot be retired\n");
	abort();
}

size_t
retired_leaves(const uint8_t *segment, size_t len, struct merkle_frontier *tree,
    uint8_t *out, size_t room)
{
	struct journal_segment header;
	struct leaves_file file = {0};
	struct journal_frame frame;
	size_t at = LEAVES_FILE_HEADER_LEN;

	must(journal_segment_decode(segment, &header) == SR_OK &&
	     header.first_seq == tree->size);
	file.segment = header.segment;
	file.first_seq = header.first_seq;
	memcpy(file.bank_id, header.bank_id, sizeof(file.bank_id));
	merkle_frontier_root(tree, file.before);
	for (size_t from = JOURNAL_SEGMENT_HEADER_LEN;
	     from < len &&
	     journal_frame_parse(segment + from, len - from, &frame) == SR_OK;
	     from += frame.frame_len) {
		struct journal_leaf leaf;
		uint8_t hash[32];

		if (frame.header.type != JOURNAL_ENTRY)
			continue;
		must(at + JOURNAL_LEAF_LEN <= room);
		journal_frame_leaf(&frame, &leaf);
		journal_leaf_encode(&leaf, out + at);
		journal_leaf_hash(&leaf, hash);
		must(merkle_frontier_append(tree, hash) == SR_OK);
		at += JOURNAL_LEAF_LEN;
		file.count++;
	}
	merkle_frontier_root(tree, file.after);
	must(leaves_file_len(&file) == at);
	leaves_file_encode(&file, out);
	return at;
}
