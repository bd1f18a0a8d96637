/* SPDX-License-Identifier: ISC */
/*
 * Bounded reading and writing.  No function here may touch a byte outside
 * the region it was given, whatever the caller asks for.
 */
#include "common/buffer.h"

#include <string.h>

struct reader
reader_of(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	return (struct reader){.at = at, .end = len ? at + len : at};
}

const uint8_t *
reader_view(struct reader *r, size_t len)
{
	const uint8_t *here = r->at;

	if (r->bad || len > reader_left(r)) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	return here;
}

static uint64_t
reader_integer(struct reader *r, size_t len)
{
	const uint8_t *bytes = reader_view(r, len);
	uint64_t v = 0;

	if (bytes == NULL)
		return 0;
	for (size_t i = len; i-- > 0;)
		v = v << 8 | bytes[i];
	return v;
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)reader_integer(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)reader_integer(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)reader_integer(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return reader_integer(r, 8);
}

int64_t
reader_i64(struct reader *r)
{
	return (int64_t)reader_integer(r, 8);
}

void
reader_bytes(struct reader *r, void *out, size_t len)
{
	const uint8_t *bytes = reader_view(r, len);

	if (len == 0)
		return;
	if (bytes == NULL)
		memset(out, 0, len);
	else
		memcpy(out, bytes, len);
}

void
reader_zeros(struct reader *r, size_t len)
{
	const uint8_t *bytes = reader_view(r, len);
	uint8_t any = 0;

	for (size_t i = 0; bytes != NULL && i < len; i++)
		any |= bytes[i];
	if (any != 0)
		r->bad = true;
}

enum sr_error
reader_magic(struct reader *r, const char *magic, size_t len)
{
	const uint8_t *found = reader_view(r, len);
	size_t letters = len;

	if (found == NULL)
		return SR_DAMAGED;
	while (letters > 0 && magic[letters - 1] >= '0' &&
	       magic[letters - 1] <= '9')
		letters--;
	if (memcmp(found, magic, letters) != 0)
		return SR_DAMAGED;
	for (size_t i = letters; i < len; i++)
		if (found[i] < '0' || found[i] > '9')
			return SR_DAMAGED;
	if (memcmp(found + letters, magic + letters, len - letters) > 0)
		return SR_VERSION;
	return memcmp(found, magic, len) == 0 ? SR_OK : SR_DAMAGED;
}

size_t
reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

bool
reader_end(const struct reader *r)
{
	return !r->bad && r->at == r->end;
}

struct writer
writer_to(void *bytes, size_t len)
{
	uint8_t *at = bytes;

	return (struct writer){
	    .start = at, .at = at, .end = len ? at + len : at};
}

void
writer_bytes(struct writer *w, const void *bytes, size_t len)
{
	if (w->bad || len > (size_t)(w->end - w->at)) {
		w->bad = true;
		return;
	}
	if (len == 0)
		return;
	memcpy(w->at, bytes, len);
	w->at += len;
}

void
writer_zeros(struct writer *w, size_t len)
{
	if (w->bad || len > (size_t)(w->end - w->at)) {
		w->bad = true;
		return;
	}
	if (len == 0)
		return;
	memset(w->at, 0, len);
	w->at += len;
}

static void
writer_integer(struct writer *w, uint64_t v, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	writer_bytes(w, bytes, len);
}

void
writer_u8(struct writer *w, uint8_t v)
{
	writer_integer(w, v, 1);
}

void
writer_u16(struct writer *w, uint16_t v)
{
	writer_integer(w, v, 2);
}

void
writer_u32(struct writer *w, uint32_t v)
{
	writer_integer(w, v, 4);
}

void
writer_u64(struct writer *w, uint64_t v)
{
	writer_integer(w, v, 8);
}

void
writer_i64(struct writer *w, int64_t v)
{
	writer_integer(w, (uint64_t)v, 8);
}

size_t
writer_len(const struct writer *w)
{
	return (size_t)(w->at - w->start);
}
