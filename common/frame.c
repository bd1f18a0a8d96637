/* SPDX-License-Identifier: ISC */
/*
 * Frame headers.  Must never accept a length that its type does not have: the
 * buffers of three programs are dimensioned by these sizes.
 */
#include "common/frame.h"

#include <assert.h>

#include "common/buffer.h"

struct frame_size {
	uint16_t min;
	uint16_t max;
};

static const struct frame_size sizes[] = {
    [FRAME_HELLO] = {FRAME_HELLO_LEN, FRAME_HELLO_LEN},
    [FRAME_M1] = {FRAME_M1_LEN, FRAME_M1_LEN},
    [FRAME_M2] = {FRAME_M2_LEN, FRAME_M2_LEN},
    [FRAME_M3] = {FRAME_M3_LEN, FRAME_M3_LEN},
    [FRAME_M4] = {FRAME_M4_LEN, FRAME_M4_LEN},
    [FRAME_M5] = {FRAME_M5_LEN, FRAME_M5_LEN},
    [FRAME_RECORD] = {FRAME_RECORD_MIN, FRAME_BODY_MAX},
};

enum sr_error
frame_len_check(unsigned type, size_t len)
{
	if (type == 0 || type >= sizeof(sizes) / sizeof(sizes[0]))
		return SR_MALFORMED;
	if (len > FRAME_BODY_MAX)
		return SR_TOO_LARGE;
	if (len < sizes[type].min || len > sizes[type].max)
		return SR_MALFORMED;
	return SR_OK;
}

enum sr_error
frame_read(const uint8_t bytes[FRAME_HEADER_LEN], struct frame_header *out)
{
	struct reader r = reader_of(bytes, FRAME_HEADER_LEN);
	uint16_t len = reader_u16(&r);
	uint8_t type = reader_u8(&r);
	uint8_t version = reader_u8(&r);
	enum sr_error error;

	if (version != FRAME_VERSION)
		return SR_VERSION;
	error = frame_len_check(type, len);
	if (error != SR_OK)
		return error;
	*out = (struct frame_header){.len = len, .type = (enum frame_type)type};
	return SR_OK;
}

void
frame_write(enum frame_type type, size_t len, uint8_t out[FRAME_HEADER_LEN])
{
	struct writer w = writer_to(out, FRAME_HEADER_LEN);

	assert(frame_len_check(type, len) == SR_OK);
	writer_u16(&w, (uint16_t)len);
	writer_u8(&w, (uint8_t)type);
	writer_u8(&w, FRAME_VERSION);
}
