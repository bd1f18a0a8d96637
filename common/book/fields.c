/* SPDX-License-Identifier: ISC */
/*
 * The fields of the book as bytes, out and in.  Must never believe what it
 * reads: choices are checked here, rows in state_check.c.
 */
#include "common/book/fields.h"

#include <assert.h>
#include <string.h>

#include "common/buffer.h"

void
book_field_bytes(struct book_rows *r, void *bytes, size_t len)
{
	if (r->error != SR_OK)
		return;
	if (r->source != NULL) {
		r->error = r->source(r->context, bytes, len);
		return;
	}
	assert(len <= BOOK_ROW_MAX - r->len);
	memcpy(r->bytes + r->len, bytes, len);
	r->len += len;
}

void
book_field_u64(struct book_rows *r, uint64_t *value)
{
	uint8_t bytes[8] = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader in = reader_of(bytes, sizeof(bytes));

	writer_u64(&w, *value);
	book_field_bytes(r, bytes, sizeof(bytes));
	if (r->source != NULL && r->error == SR_OK)
		*value = reader_u64(&in);
}

void
book_field_i64(struct book_rows *r, int64_t *value)
{
	uint64_t bits = (uint64_t)*value;

	book_field_u64(r, &bits);
	*value = (int64_t)bits;
}

void
book_field_u32(struct book_rows *r, uint32_t *value)
{
	uint8_t bytes[4] = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader in = reader_of(bytes, sizeof(bytes));

	writer_u32(&w, *value);
	book_field_bytes(r, bytes, sizeof(bytes));
	if (r->source != NULL && r->error == SR_OK)
		*value = reader_u32(&in);
}

void
book_field_u16(struct book_rows *r, uint16_t *value)
{
	uint8_t bytes[2] = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader in = reader_of(bytes, sizeof(bytes));

	writer_u16(&w, *value);
	book_field_bytes(r, bytes, sizeof(bytes));
	if (r->source != NULL && r->error == SR_OK)
		*value = reader_u16(&in);
}

void
book_field_choice(
    struct book_rows *r, uint8_t *value, unsigned first, unsigned last)
{
	book_field_bytes(r, value, 1);
	if (r->error == SR_OK && r->source != NULL &&
	    (*value < first || *value > last))
		r->error = SR_MALFORMED;
}

void
book_field_bool(struct book_rows *r, bool *value)
{
	uint8_t byte = *value;

	book_field_choice(r, &byte, 0, 1);
	if (r->error == SR_OK)
		*value = byte != 0;
}

void
book_row_end(struct book_rows *r)
{
	if (r->error == SR_OK && r->source == NULL)
		r->error = r->sink(r->context, r->bytes, r->len);
	r->len = 0;
}
