/* SPDX-License-Identifier: ISC */
/*
 * Segment headers, classes and leaves of the journal.  Nothing here needs a
 * key.
 */
#include "common/journal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/crc32c.h"
#include "common/kdf.h"
#include "common/merkle.h"

static const char segment_magic[8] = {'S', 'R', 'S', 'E', 'G', 'M', 'T', '1'};

bool
journal_all_zero(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	/* each byte is compared with the next one */
	return len == 0 || (at[0] == 0 && memcmp(at, at + 1, len - 1) == 0);
}

const char *
journal_segment_name(uint32_t segment, char name[JOURNAL_SEGMENT_NAME_MAX])
{
	int len = snprintf(name, JOURNAL_SEGMENT_NAME_MAX, "%08lu.log",
	    (unsigned long)segment);

	assert(len > 0 && (size_t)len < JOURNAL_SEGMENT_NAME_MAX);
	return name;
}

void
journal_segment_encode(const struct journal_segment *segment,
    uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN])
{
	struct writer w = writer_to(bytes, JOURNAL_SEGMENT_HEADER_LEN);

	writer_bytes(&w, segment_magic, sizeof(segment_magic));
	writer_u16(&w, JOURNAL_VERSION);
	writer_zeros(&w, 2);
	writer_u32(&w, segment->segment);
	writer_bytes(&w, segment->bank_id, sizeof(segment->bank_id));
	writer_bytes(&w, segment->salt, sizeof(segment->salt));
	writer_u64(&w, segment->first_seq);
	writer_bytes(&w, segment->root, sizeof(segment->root));
	writer_zeros(&w, 4);
	writer_u32(&w, crc32c(0, bytes, JOURNAL_SEGMENT_HEADER_LEN - 4));
	assert(!w.bad && writer_len(&w) == JOURNAL_SEGMENT_HEADER_LEN);
}

bool
journal_segment_crc_right(const uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN])
{
	struct reader r = reader_of(bytes, JOURNAL_SEGMENT_HEADER_LEN);

	(void)reader_view(&r, JOURNAL_SEGMENT_HEADER_LEN - 4);
	return reader_u32(&r) ==
	       crc32c(0, bytes, JOURNAL_SEGMENT_HEADER_LEN - 4);
}

enum sr_error
journal_segment_decode(const uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN],
    struct journal_segment *segment)
{
	struct reader r = reader_of(bytes, JOURNAL_SEGMENT_HEADER_LEN);
	enum sr_error error =
	    reader_magic(&r, segment_magic, sizeof(segment_magic));
	uint16_t version = reader_u16(&r);

	memset(segment, 0, sizeof(*segment));
	reader_zeros(&r, 2);
	segment->segment = reader_u32(&r);
	reader_bytes(&r, segment->bank_id, sizeof(segment->bank_id));
	reader_bytes(&r, segment->salt, sizeof(segment->salt));
	segment->first_seq = reader_u64(&r);
	reader_bytes(&r, segment->root, sizeof(segment->root));
	reader_zeros(&r, 4);
	(void)reader_u32(&r);
	if (error != SR_OK)
		return error;
	if (version > JOURNAL_VERSION)
		return SR_VERSION;
	if (version < JOURNAL_VERSION || !journal_segment_crc_right(bytes))
		return SR_DAMAGED;
	return reader_end(&r) ? SR_OK : SR_DAMAGED;
}

unsigned
journal_class_of(const void *committed, size_t len)
{
	struct entry_order entry;

	switch ((unsigned)entry_type_of(committed, len)) {
	case ENTRY_GENESIS:
	case ENTRY_USE:
	case ENTRY_SYSTEM:
	case ENTRY_RESTORE:
	case ENTRY_ROTATION:
		return JOURNAL_CLASS_SYSTEM;
	case ENTRY_ACCOUNT:
		return JOURNAL_CLASS_AUTHORITY;
	case ENTRY_ORDER:
		break;
	default:
		return 0;
	}
	if (entry_order_decode(committed, len, &entry) != SR_OK)
		return 0;
	switch (entry.order[8]) {
	case ORDER_TRANSFER:
	case ORDER_DEPOSIT:
	case ORDER_HOLD:
	case ORDER_POST:
	case ORDER_VOID:
	case ORDER_UNDO:
		return JOURNAL_CLASS_ORDER;
	case ORDER_BOX_PUT:
	case ORDER_BOX_SHARE:
	case ORDER_BOX_DELETE:
	case ORDER_MESSAGE:
		return JOURNAL_CLASS_BOX;
	default:
		return JOURNAL_CLASS_AUTHORITY;
	}
}

void
journal_commitment(const uint8_t salt[JOURNAL_SALT_LEN], const void *committed,
    size_t len, uint8_t commitment[32])
{
	kdf_hmac_sha256(commitment, salt, JOURNAL_SALT_LEN, committed, len);
}

void
journal_leaf_encode(
    const struct journal_leaf *leaf, uint8_t bytes[JOURNAL_LEAF_LEN])
{
	struct writer w = writer_to(bytes, JOURNAL_LEAF_LEN);

	writer_u8(&w, JOURNAL_VERSION);
	writer_u64(&w, leaf->seq);
	writer_u64(&w, leaf->time_ms);
	writer_u8(&w, leaf->class);
	writer_u32(&w, leaf->segment);
	writer_bytes(&w, leaf->sealed_hash, sizeof(leaf->sealed_hash));
	writer_bytes(&w, leaf->commitment, sizeof(leaf->commitment));
	assert(!w.bad && writer_len(&w) == JOURNAL_LEAF_LEN);
}

void
journal_leaf_hash(const struct journal_leaf *leaf, uint8_t hash[32])
{
	uint8_t bytes[JOURNAL_LEAF_LEN];

	journal_leaf_encode(leaf, bytes);
	merkle_leaf_hash(bytes, sizeof(bytes), hash);
}

enum sr_error
journal_leaf_decode(
    const uint8_t bytes[JOURNAL_LEAF_LEN], struct journal_leaf *leaf)
{
	struct reader r = reader_of(bytes, JOURNAL_LEAF_LEN);
	uint8_t version = reader_u8(&r);

	leaf->seq = reader_u64(&r);
	leaf->time_ms = reader_u64(&r);
	leaf->class = reader_u8(&r);
	leaf->segment = reader_u32(&r);
	reader_bytes(&r, leaf->sealed_hash, sizeof(leaf->sealed_hash));
	reader_bytes(&r, leaf->commitment, sizeof(leaf->commitment));
	if (version > JOURNAL_VERSION)
		return SR_VERSION;
	return reader_end(&r) && version == JOURNAL_VERSION &&
		       leaf->class >= JOURNAL_CLASS_ORDER &&
		       leaf->class <= JOURNAL_CLASS_BOX
		   ? SR_OK
		   : SR_DAMAGED;
}
