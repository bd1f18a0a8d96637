/* SPDX-License-Identifier: ISC */
/*
 * The leaves that stay of a retired segment.  Must never call a leaf right
 * that stands at another place than its own.
 */
#include "common/leaves_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/crc32c.h"

static const char leaves_magic[8] = {'S', 'R', 'L', 'E', 'A', 'V', 'E', '1'};

const char *
leaves_file_name(uint32_t segment, char name[LEAVES_FILE_NAME_MAX])
{
	int len = snprintf(
	    name, LEAVES_FILE_NAME_MAX, "%08lu.leaves", (unsigned long)segment);

	assert(len > 0 && (size_t)len < LEAVES_FILE_NAME_MAX);
	return name;
}

void
leaves_file_encode(
    const struct leaves_file *file, uint8_t bytes[LEAVES_FILE_HEADER_LEN])
{
	struct writer w = writer_to(bytes, LEAVES_FILE_HEADER_LEN);

	writer_bytes(&w, leaves_magic, sizeof(leaves_magic));
	writer_u16(&w, LEAVES_FILE_VERSION);
	writer_zeros(&w, 2);
	writer_u32(&w, file->segment);
	writer_bytes(&w, file->bank_id, sizeof(file->bank_id));
	writer_u64(&w, file->first_seq);
	writer_u64(&w, file->count);
	writer_bytes(&w, file->before, sizeof(file->before));
	writer_bytes(&w, file->after, sizeof(file->after));
	writer_zeros(&w, 4);
	writer_u32(&w, crc32c(0, bytes, LEAVES_FILE_HEADER_LEN - 4));
	assert(!w.bad && writer_len(&w) == LEAVES_FILE_HEADER_LEN);
}

bool
leaves_file_crc_right(const uint8_t bytes[LEAVES_FILE_HEADER_LEN])
{
	struct reader r = reader_of(bytes, LEAVES_FILE_HEADER_LEN);

	(void)reader_view(&r, LEAVES_FILE_HEADER_LEN - 4);
	return reader_u32(&r) == crc32c(0, bytes, LEAVES_FILE_HEADER_LEN - 4);
}

enum sr_error
leaves_file_decode(
    const uint8_t bytes[LEAVES_FILE_HEADER_LEN], struct leaves_file *file)
{
	struct reader r = reader_of(bytes, LEAVES_FILE_HEADER_LEN);
	enum sr_error error =
	    reader_magic(&r, leaves_magic, sizeof(leaves_magic));
	uint16_t version = reader_u16(&r);

	memset(file, 0, sizeof(*file));
	reader_zeros(&r, 2);
	file->segment = reader_u32(&r);
	reader_bytes(&r, file->bank_id, sizeof(file->bank_id));
	file->first_seq = reader_u64(&r);
	file->count = reader_u64(&r);
	reader_bytes(&r, file->before, sizeof(file->before));
	reader_bytes(&r, file->after, sizeof(file->after));
	reader_zeros(&r, 4);
	(void)reader_u32(&r);
	if (error != SR_OK)
		return error;
	if (version > LEAVES_FILE_VERSION)
		return SR_VERSION;
	if (!reader_end(&r) || version < LEAVES_FILE_VERSION ||
	    !leaves_file_crc_right(bytes) || file->segment == UINT32_MAX ||
	    file->count > LEAVES_FILE_COUNT_MAX ||
	    file->first_seq > INT64_MAX - LEAVES_FILE_COUNT_MAX ||
	    (file->count == 0 &&
		memcmp(file->before, file->after, sizeof(file->after)) != 0))
		return SR_DAMAGED;
	return SR_OK;
}

uint64_t
leaves_file_len(const struct leaves_file *file)
{
	return LEAVES_FILE_HEADER_LEN + file->count * JOURNAL_LEAF_LEN;
}

uint64_t
leaves_file_offset(const struct leaves_file *file, uint64_t seq)
{
	assert(seq >= file->first_seq && seq - file->first_seq < file->count);
	return LEAVES_FILE_HEADER_LEN +
	       (seq - file->first_seq) * JOURNAL_LEAF_LEN;
}

enum sr_error
leaves_file_append(const struct leaves_file *file,
    const uint8_t bytes[JOURNAL_LEAF_LEN], struct merkle_frontier *tree,
    struct journal_leaf *leaf)
{
	uint8_t hash[MERKLE_HASH_LEN];

	if (journal_leaf_decode(bytes, leaf) != SR_OK ||
	    leaf->segment != file->segment || leaf->seq != tree->size ||
	    leaf->seq < file->first_seq ||
	    leaf->seq - file->first_seq >= file->count)
		return SR_DAMAGED;
	merkle_leaf_hash(bytes, JOURNAL_LEAF_LEN, hash);
	return merkle_frontier_append(tree, hash) == SR_OK ? SR_OK : SR_DAMAGED;
}

static enum sr_error
tree_is(const struct merkle_frontier *tree, uint64_t size,
    const uint8_t expected[32])
{
	uint8_t root[MERKLE_HASH_LEN];

	if (tree->size != size)
		return SR_DAMAGED;
	merkle_frontier_root(tree, root);
	return memcmp(root, expected, sizeof(root)) == 0 ? SR_OK : SR_DAMAGED;
}

enum sr_error
leaves_file_begins(
    const struct leaves_file *file, const struct merkle_frontier *tree)
{
	return tree_is(tree, file->first_seq, file->before);
}

enum sr_error
leaves_file_ends(
    const struct leaves_file *file, const struct merkle_frontier *tree)
{
	return tree_is(tree, file->first_seq + file->count, file->after);
}
