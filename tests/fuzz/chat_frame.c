/* SPDX-License-Identifier: ISC */
/* Frames of a conversation, and the records in them, as the relay gives them. */
#include "client/chat/frame.h"

#include <string.h>

#include "tests/lib/fuzz.h"

/* There is one way to write a frame. */
static void
frame_again(
    const struct chat_frame_view *read, const uint8_t *bytes, size_t len)
{
	static struct chat_frame frame;

	chat_frame_begin(&frame, read->type, read->conversation, read->counter);
	fuzz_must(frame.len == read->header_len &&
		  frame.len + read->body_len == len &&
		  len <= CHAT_RELAYED_MAX && read->body == bytes + frame.len &&
		  memcmp(frame.bytes, bytes, frame.len) == 0);
}

/* And one to write a record. */
static void
record_again(const struct chat_record *read, const uint8_t *bytes, size_t len)
{
	static uint8_t out[CHAT_BUCKET_MAX];
	size_t again;

	chat_record_write(read, out, &again);
	fuzz_must(again == len && memcmp(out, bytes, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct chat_frame_view frame;
	struct chat_record record;

	if (chat_frame_read(bytes, len, &frame) == SR_OK) {
		frame_again(&frame, bytes, len);
		fuzz_taken();
	}
	if (chat_record_read(bytes, len, &record) == SR_OK) {
		record_again(&record, bytes, len);
		fuzz_taken();
	}
	return 0;
}
