/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BOOK_FIELDS_H
#define COMMON_BOOK_FIELDS_H
/*
 * Inside state.c: fields and rows of the book as bytes, each listed once
 * for both directions.  A book_row_ function names the fields of one row; the
 * fields move out of it or into it, as the book_rows say.  Nobody else
 * includes this.
 */
#include "common/book/state.h"

enum { BOOK_ROW_MAX = 1024 };

/* The rows on their way. */
struct book_rows {
	enum sr_error error; /* the first one; nothing moves after it */
	bool positions;      /* accounts' last frames, too */
	bool first_version;  /* SRBOOK01, which is read only */
	book_source source;  /* NULL: fields go out */
	book_sink sink;
	void *context;
	uint8_t bytes[BOOK_ROW_MAX]; /* of the row that goes out */
	size_t len;
};

/* How many rows of each table follow the head. */
struct book_counts {
	uint64_t accounts;
	uint64_t principals;
	uint64_t terminals;
	uint64_t auditors;
	uint64_t requests;
	uint64_t holds;
	uint64_t flows;
	uint64_t postings;
};

/* Fields, little-endian; an error goes into r->error. */
void book_field_bytes(struct book_rows *r, void *bytes, size_t len);
void book_field_u64(struct book_rows *r, uint64_t *value);
void book_field_i64(struct book_rows *r, int64_t *value);
void book_field_u32(struct book_rows *r, uint32_t *value);
void book_field_u16(struct book_rows *r, uint16_t *value);
void book_field_bool(struct book_rows *r, bool *value);

/* One of the values from first to last; another one is SR_MALFORMED. */
void book_field_choice(
    struct book_rows *r, uint8_t *value, unsigned first, unsigned last);

/* The row is complete. */
void book_row_end(struct book_rows *r);

/* The rows; the head finds out which version is read. */
void book_row_head(
    struct book_rows *r, struct book *book, struct book_counts *counts);
void book_row_account(struct book_rows *r, struct book_account *account);
void book_row_principal(struct book_rows *r, struct book_principal *principal);
void book_row_past(struct book_rows *r, struct book_past_order *past);
void book_row_terminal(struct book_rows *r, struct book_terminal *terminal);
void book_row_auditor(struct book_rows *r, struct book_auditor *auditor);
void book_row_request(struct book_rows *r, struct book_request *request);
void book_row_hold(struct book_rows *r, struct book_hold *hold);
void book_row_flow(struct book_rows *r, struct book_flow *flow);
void book_row_posting(struct book_rows *r, struct book_posting *posting);
void book_row_late(struct book_rows *r, struct book_late *late);

/*
 * SR_MALFORMED unless the rows that were read, each well formed by itself, are
 * a book together: what the rules rely on and never ask.
 */
enum sr_error book_state_check(const struct book *book);

#endif
