/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CHAT_FRAME_H
#define CLIENT_CHAT_FRAME_H
/*
 * The frames of a conversation, as the bank relays them, and the records
 * inside its data frames.  Integers are little-endian.
 *
 *	open     1 | conversation 16 | Noise KK's first message 48
 *	accept   2 | conversation 16 | its second, answer u8 inside: 49
 *	data     3 | conversation 16 | counter u64 | record, sealed + 16
 *	decline  4 | as accept
 *
 * There is no frame for the end: that is a record.
 *
 *	record = kind u8 | number u64 | len u16 | data | zeros
 *
 * as long as the smallest of the buckets 256, 1,024, 4,096 and 15,872 that it
 * fits into.  The first 25 bytes of a data frame are the record's AD.
 *
 * Each frame and each record can be written in one way only: lengths, ranges
 * and zeros are checked here, so that what is read is either right or refused.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	CHAT_CONVERSATION_LEN = 16,
	CHAT_M1_LEN = 48,
	CHAT_M2_LEN = 49,
	CHAT_TAG_LEN = 16,
	CHAT_NAMED_LEN = 1 + CHAT_CONVERSATION_LEN,
	CHAT_HEADER_LEN = CHAT_NAMED_LEN + 8, /* of a data frame */

	CHAT_BUCKET_MIN = 256,
	CHAT_BUCKET_MAX = 15872,
	CHAT_RECORD_FIXED = 1 + 8 + 2,
	CHAT_DATA_MAX = CHAT_BUCKET_MAX - CHAT_RECORD_FIXED, /* 15,861 */
	CHAT_FRAME_MAX = CHAT_HEADER_LEN + CHAT_BUCKET_MAX + CHAT_TAG_LEN,
	CHAT_RELAYED_MAX = 16000, /* what the bank relays in one piece */

	CHAT_FILE_NAME_MAX = 255,
	CHAT_SHA256_LEN = 32,
};

/* 16 GiB, as a file of the box. */
#define CHAT_FILE_SIZE_MAX (UINT64_C(1) << 34)

enum chat_frame_type {
	CHAT_FRAME_OPEN = 1,
	CHAT_FRAME_ACCEPT = 2,
	CHAT_FRAME_DATA = 3,
	CHAT_FRAME_DECLINE = 4,
};

/* One frame to be sent, of the caller. */
struct chat_frame {
	size_t len; /* 0: there is nothing to be sent */
	uint8_t bytes[CHAT_FRAME_MAX];
};

/* A frame that was read; header and body point into its bytes. */
struct chat_frame_view {
	enum chat_frame_type type;
	uint8_t conversation[CHAT_CONVERSATION_LEN];
	uint64_t counter; /* of a data frame, else 0 */
	const uint8_t *header;
	size_t header_len;
	const uint8_t *body;
	size_t body_len;
};

/* Reads a frame.  SR_MALFORMED for anything that no frame is. */
enum sr_error chat_frame_read(
    const uint8_t *bytes, size_t len, struct chat_frame_view *frame);

/*
 * Writes what stands in front of the body: CHAT_HEADER_LEN bytes for a data
 * frame, else CHAT_NAMED_LEN, where the counter is not used.  frame->len is
 * set to it.
 */
void chat_frame_begin(struct chat_frame *frame, enum chat_frame_type type,
    const uint8_t conversation[CHAT_CONVERSATION_LEN], uint64_t counter);

/* What a record is about; the numbers are those of the format. */
enum chat_kind {
	CHAT_KIND_READY = 1,        /* the initiator's first: it is there */
	CHAT_KIND_TEXT = 2,         /* number of the message, data */
	CHAT_KIND_DELIVERED = 3,    /* number of the other side's message */
	CHAT_KIND_READ = 4,         /* the same */
	CHAT_KIND_TYPING = 5,       /* data: 1, or 0 when no longer */
	CHAT_KIND_FILE = 6,         /* number; data: size u64 | name */
	CHAT_KIND_FILE_CHUNK = 7,   /* number of the file's message, data */
	CHAT_KIND_FILE_END = 8,     /* number; data: SHA-256 of the file */
	CHAT_KIND_FILE_STOP = 9,    /* number: its sender gives it up */
	CHAT_KIND_FILE_REFUSE = 10, /* number: its recipient wants no more */
	CHAT_KIND_REKEY = 11,       /* number of the next keys; data: X25519 */
	CHAT_KIND_CLOSE = 12,
};

/* A record that was read; data points into its bytes. */
struct chat_record {
	enum chat_kind kind;
	uint64_t number; /* 0 where the kind has none, else at least 1 */
	const uint8_t *data;
	size_t len; /* at most CHAT_DATA_MAX */
};

/* True for a length that a record has with its padding. */
bool chat_bucket_known(size_t len);

/* Writes a record with its padding, its length in *len (a bucket's). */
void chat_record_write(const struct chat_record *record,
    uint8_t out[CHAT_BUCKET_MAX], size_t *len);

/* Reads a record.  SR_MALFORMED for anything that no record is. */
enum sr_error chat_record_read(
    const uint8_t *bytes, size_t len, struct chat_record *record);

#endif
