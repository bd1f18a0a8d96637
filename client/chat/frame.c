/* SPDX-License-Identifier: ISC */
/*
 * Frames and records of a conversation, read and written.  Must never take
 * what could have been written otherwise.
 */
#include "client/chat/frame.h"

#include <assert.h>
#include <string.h>

#include "common/buffer.h"

_Static_assert(CHAT_FRAME_MAX <= CHAT_RELAYED_MAX, "one piece for the relay");

static const size_t buckets[] = {CHAT_BUCKET_MIN, 1024, 4096, CHAT_BUCKET_MAX};

#define BUCKETS (sizeof(buckets) / sizeof(buckets[0]))

/* The bytes of data that a kind has, and whether it has a number. */
static const struct kind_row {
	size_t least;
	size_t most;
	bool numbered;
} kinds[] = {
    [CHAT_KIND_READY] = {0, 0, false},
    [CHAT_KIND_TEXT] = {1, CHAT_DATA_MAX, true},
    [CHAT_KIND_DELIVERED] = {0, 0, true},
    [CHAT_KIND_READ] = {0, 0, true},
    [CHAT_KIND_TYPING] = {1, 1, false},
    [CHAT_KIND_FILE] = {8 + 1, 8 + CHAT_FILE_NAME_MAX, true},
    [CHAT_KIND_FILE_CHUNK] = {1, CHAT_DATA_MAX, true},
    [CHAT_KIND_FILE_END] = {CHAT_SHA256_LEN, CHAT_SHA256_LEN, true},
    [CHAT_KIND_FILE_STOP] = {0, 0, true},
    [CHAT_KIND_FILE_REFUSE] = {0, 0, true},
    [CHAT_KIND_REKEY] = {32, 32, true},
    [CHAT_KIND_CLOSE] = {0, 0, false},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- records ----------------------------------------------------------- */

static size_t
bucket_of(size_t content)
{
	size_t i = 0;

	while (i < BUCKETS - 1 && buckets[i] < content)
		i++;
	assert(content <= buckets[i]);
	return buckets[i];
}

bool
chat_bucket_known(size_t len)
{
	for (size_t i = 0; i < BUCKETS; i++)
		if (buckets[i] == len)
			return true;
	return false;
}

static bool
record_valid(const struct chat_record *record)
{
	const struct kind_row *row;

	if (record->kind < CHAT_KIND_READY || (size_t)record->kind >= KINDS)
		return false;
	row = &kinds[record->kind];
	if (record->len < row->least || record->len > row->most)
		return false;
	return row->numbered == (record->number != 0);
}

void
chat_record_write(
    const struct chat_record *record, uint8_t out[CHAT_BUCKET_MAX], size_t *len)
{
	size_t content = CHAT_RECORD_FIXED + record->len;
	struct writer w;

	assert(record_valid(record));
	*len = bucket_of(content);
	w = writer_to(out, *len);
	writer_u8(&w, (uint8_t)record->kind);
	writer_u64(&w, record->number);
	writer_u16(&w, (uint16_t)record->len);
	writer_bytes(&w, record->data, record->len);
	writer_zeros(&w, *len - content);
	assert(!w.bad && writer_len(&w) == *len);
}

enum sr_error
chat_record_read(const uint8_t *bytes, size_t len, struct chat_record *record)
{
	struct reader r = reader_of(bytes, len);

	memset(record, 0, sizeof(*record));
	if (!chat_bucket_known(len))
		return SR_MALFORMED;
	record->kind = (enum chat_kind)reader_u8(&r);
	record->number = reader_u64(&r);
	record->len = reader_u16(&r);
	record->data = reader_view(&r, record->len);
	reader_zeros(&r, reader_left(&r));
	if (!reader_end(&r) || !record_valid(record) ||
	    bucket_of(CHAT_RECORD_FIXED + record->len) != len)
		return SR_MALFORMED;
	return SR_OK;
}

/* ---- frames ------------------------------------------------------------ */

static bool
body_fits(const struct chat_frame_view *frame)
{
	switch (frame->type) {
	case CHAT_FRAME_OPEN:
		return frame->body_len == CHAT_M1_LEN;
	case CHAT_FRAME_ACCEPT:
	case CHAT_FRAME_DECLINE:
		return frame->body_len == CHAT_M2_LEN;
	case CHAT_FRAME_DATA:
		return frame->body_len > CHAT_TAG_LEN &&
		       chat_bucket_known(frame->body_len - CHAT_TAG_LEN);
	}
	return false;
}

enum sr_error
chat_frame_read(const uint8_t *bytes, size_t len, struct chat_frame_view *frame)
{
	struct reader r = reader_of(bytes, len);

	memset(frame, 0, sizeof(*frame));
	frame->type = (enum chat_frame_type)reader_u8(&r);
	reader_bytes(&r, frame->conversation, sizeof(frame->conversation));
	if (frame->type == CHAT_FRAME_DATA)
		frame->counter = reader_u64(&r);
	frame->header = bytes;
	frame->header_len = len - reader_left(&r);
	frame->body_len = reader_left(&r);
	frame->body = reader_view(&r, frame->body_len);
	return reader_end(&r) && body_fits(frame) ? SR_OK : SR_MALFORMED;
}

void
chat_frame_begin(struct chat_frame *frame, enum chat_frame_type type,
    const uint8_t conversation[CHAT_CONVERSATION_LEN], uint64_t counter)
{
	struct writer w = writer_to(frame->bytes, sizeof(frame->bytes));

	writer_u8(&w, (uint8_t)type);
	writer_bytes(&w, conversation, CHAT_CONVERSATION_LEN);
	if (type == CHAT_FRAME_DATA)
		writer_u64(&w, counter);
	assert(!w.bad);
	frame->len = writer_len(&w);
}
