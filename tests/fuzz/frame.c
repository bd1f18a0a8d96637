/* SPDX-License-Identifier: ISC */
/*
 * The plaintext of an entry's frame: any bytes, sealed under the segment's key
 * with the commitment, class and checksum that they should have, as somebody
 * with every key but the log's could do.
 */
#include <string.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/crc32c.h"
#include "common/journal.h"
#include "common/kdf.h"

#include "tests/lib/fuzz.h"

/* Places in a frame's header; of a plaintext all but what is committed. */
enum {
	LENGTH = 8,
	CLASS = 32,
	RANDOM = 36,
	COMMITMENT = 68,
	FIXED = 4 + JOURNAL_SALT_LEN + 4,
};

static const uint8_t segment_key[32] = {1};

/* A frame of that length, as it is made of an entry. */
static size_t
frame_of(size_t len, uint8_t frame[JOURNAL_FRAME_MAX])
{
	static uint8_t committed[JOURNAL_PLAIN_MAX] = {2};
	struct journal_plain plain = {
	    .committed = committed, .committed_len = len};
	struct journal_header header = {.seq = 1, .time_ms = 1};
	struct journal_leaf leaf;
	size_t frame_len;

	fuzz_must(journal_seal(segment_key, &header, &plain, frame,
		      JOURNAL_FRAME_MAX, &frame_len, &leaf) == SR_OK);
	return frame_len;
}

/* What must be right for the plaintext to be read at all. */
static void
seal(uint8_t *frame, const uint8_t *bytes, size_t len)
{
	uint8_t key[AEAD_KEY_LEN], *body = frame + JOURNAL_HEADER_LEN;
	struct writer w = writer_to(frame + JOURNAL_AAD_LEN, 4);
	struct reader r = reader_of(bytes, len);
	size_t committed_len = reader_u32(&r);

	if (committed_len > 0 && committed_len + 4 + JOURNAL_SALT_LEN <= len) {
		journal_commitment(bytes + 4 + committed_len, bytes + 4,
		    committed_len, frame + COMMITMENT);
		frame[CLASS] =
		    (uint8_t)journal_class_of(bytes + 4, committed_len);
	}
	kdf_expand_label(key, sizeof(key), segment_key, sizeof(segment_key),
	    "frame", frame + RANDOM, 32);
	aead_seal(body, key, 0, frame, JOURNAL_AAD_LEN, bytes, len);
	writer_u32(&w, crc32c(crc32c(0, frame, JOURNAL_AAD_LEN), body,
			   len + JOURNAL_TAG_LEN));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t frame[JOURNAL_FRAME_MAX], again[JOURNAL_FRAME_MAX];
	static uint8_t buffer[JOURNAL_PLAIN_MAX], input[JOURNAL_PLAIN_MAX];
	struct journal_header header;
	struct journal_frame parsed;
	struct journal_plain plain;
	struct journal_leaf leaf;
	size_t frame_len;
	struct reader r;

	/* a plaintext ends in zeros, at a step */
	memset(input, 0, sizeof(input));
	if (len > sizeof(input) || len > FIXED + ENTRY_MAX)
		return 0;
	memcpy(input, bytes, len);
	len = len <= FIXED ? FIXED + 1 : len;
	frame_len = frame_of(len - FIXED, frame);
	r = reader_of(frame + LENGTH, 4);
	len = reader_u32(&r) - JOURNAL_TAG_LEN;
	seal(frame, input, len);
	if (journal_frame_parse(frame, frame_len, &parsed) != SR_OK ||
	    journal_open(segment_key, &parsed, buffer, &plain) != SR_OK)
		return 0;
	fuzz_taken();
	/* there is one way to write what was read */
	header = parsed.header;
	fuzz_must(plain.committed >= buffer &&
		  plain.committed + plain.committed_len <= buffer + len &&
		  journal_seal(segment_key, &header, &plain, again,
		      sizeof(again), &frame_len, &leaf) == SR_OK &&
		  frame_len == parsed.frame_len &&
		  memcmp(again, frame, frame_len) == 0);
	return 0;
}
