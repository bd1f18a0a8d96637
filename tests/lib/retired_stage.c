/* SPDX-License-Identifier: ISC */
/* Implementation of retired_stage.h. */
#include "tests/lib/retired_stage.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/crc32c.h"

struct retired_leaves leaves_now[FORGED_SEGMENTS_MAX];

static void
leaves_path(uint32_t segment, char path[64])
{
	char name[LEAVES_FILE_NAME_MAX];

	snprintf(path, 64, "segment/%s", leaves_file_name(segment, name));
}

static void
take_away(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", log_now.directory, name);
	(void)unlink(path);
}

void
retired_put(uint32_t segment)
{
	const struct retired_leaves *leaves = &leaves_now[segment];
	char path[64];

	leaves_path(segment, path);
	forged_log_put_file(&log_now, path, leaves->bytes, leaves->len);
}

void
retired_remove_leaves(uint32_t segment)
{
	char path[64];

	leaves_path(segment, path);
	take_away(path);
}

void
retired_remove_log(uint32_t segment)
{
	char path[64], name[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(path, sizeof(path), "segment/%s",
	    journal_segment_name(segment, name));
	take_away(path);
}

void
retired_put_crc(struct retired_leaves *leaves)
{
	size_t at = LEAVES_FILE_HEADER_LEN - 4;
	struct writer w = writer_to(leaves->bytes + at, 4);

	writer_u32(&w, crc32c(0, leaves->bytes, at));
}

void
retired_put_roots(struct retired_leaves *leaves, struct merkle_frontier *tree)
{
	uint8_t *before = leaves->bytes + 64, *after = before + 32;
	uint8_t hash[MERKLE_HASH_LEN];

	merkle_frontier_root(tree, before);
	for (size_t at = LEAVES_FILE_HEADER_LEN;
	     at + JOURNAL_LEAF_LEN <= leaves->len; at += JOURNAL_LEAF_LEN) {
		merkle_leaf_hash(leaves->bytes + at, JOURNAL_LEAF_LEN, hash);
		(void)merkle_frontier_append(tree, hash);
	}
	merkle_frontier_root(tree, after);
	retired_put_crc(leaves);
}

int
retired_stage_begin(void **state)
{
	return forged_stage_begin(state);
}

int
retired_stage_setup(void **state)
{
	struct merkle_frontier tree;

	if (forged_stage_setup(state) != 0 || log_now.segments <= RETIRED)
		return 1;
	merkle_frontier_init(&tree);
	for (uint32_t s = 0; s < log_now.segments; s++) {
		retired_remove_leaves(s);
		leaves_now[s].len =
		    retired_leaves(log_now.bytes[s], sizeof(log_now.bytes[s]),
			&tree, leaves_now[s].bytes, RETIRED_LEAVES_MAX);
	}
	for (uint32_t s = 0; s < RETIRED; s++) {
		retired_put(s);
		retired_remove_log(s);
	}
	return 0;
}

int
retired_stage_end(void **state)
{
	for (uint32_t s = 0; s < log_now.segments; s++)
		retired_remove_leaves(s);
	return forged_stage_end(state);
}
