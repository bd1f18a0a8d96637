/* SPDX-License-Identifier: ISC */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H
/*
 * The frames that client and bank exchange over a stream:
 *
 *	len u16 | type u8 | version u8 | body, len bytes
 *
 * Integers are little-endian.  Each type but RECORD has one size; a header
 * with another length, type or version is refused before its body is read.
 * This file knows sizes and nothing else, so that netd can use it without
 * any cryptography.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum frame_type {
	FRAME_HELLO = 1, /* keyd's bytes, sent by netd when somebody connects */
	FRAME_M1 = 2,    /* client -> keyd */
	FRAME_M2 = 3,    /* keyd -> client */
	FRAME_M3 = 4,    /* client -> keyd */
	FRAME_M4 = 5,    /* ledgerd -> client, the first record of a session */
	FRAME_M5 = 6,    /* keyd -> client, the end of register and change */
	FRAME_RECORD = 7, /* both ways, under the session keys */
};

enum {
	FRAME_VERSION = 1,
	FRAME_HEADER_LEN = 4,
	FRAME_BODY_MAX = 16656,
	FRAME_MAX = FRAME_HEADER_LEN + FRAME_BODY_MAX,

	FRAME_HELLO_LEN = 64 + 256,       /* fixed part | certificate */
	FRAME_M1_LEN = 8 + 32 + 256 + 16, /* terminal, epoch, e, payload */
	FRAME_M2_LEN = 32 + 384 + 16,     /* e, payload */
	FRAME_M3_LEN = 512 + 16,          /* payload */
	FRAME_M4_LEN = 1280 + 16,         /* a record of payload.h's M4 */
	FRAME_M5_LEN = 320 + 16,          /* payload */
	FRAME_RECORD_MIN = 256 + 16,      /* the smallest record */
};

struct frame_header {
	uint16_t len; /* of the body */
	enum frame_type type;
};

/*
 * Decodes the 4 bytes of a header.  SR_VERSION for another version,
 * SR_TOO_LARGE for a length above FRAME_BODY_MAX, SR_MALFORMED for an unknown
 * type or a length that the type does not have.  *out is set only on SR_OK.
 */
enum sr_error frame_read(
    const uint8_t bytes[FRAME_HEADER_LEN], struct frame_header *out);

/*
 * Encodes a header.  The caller guarantees frame_len_check(type, len) == SR_OK;
 * anything else is a defect of the program and ends it (assert).
 */
void frame_write(
    enum frame_type type, size_t len, uint8_t out[FRAME_HEADER_LEN]);

/* SR_OK if a body of len bytes is right for the type; errors as frame_read. */
enum sr_error frame_len_check(unsigned type, size_t len);

#endif
