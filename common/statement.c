/* SPDX-License-Identifier: ISC */
/* The lines of a statement, to and from bytes.  Judges nothing. */
#include "common/statement.h"

#include <string.h>

enum sr_error
statement_line_write(struct writer *w, const struct statement_line *line)
{
	struct writer before = *w;

	if (line->name_len > STATEMENT_NAME_MAX ||
	    line->memo_len > STATEMENT_MEMO_MAX)
		return SR_MALFORMED;
	writer_u64(w, line->leaf);
	writer_u64(w, line->time_ms);
	writer_i64(w, line->amount_minor);
	writer_i64(w, line->balance_minor);
	writer_i64(w, line->held_minor);
	writer_u64(w, line->other);
	writer_u64(w, line->refers_to);
	writer_u8(w, line->kind);
	writer_u8(w, line->name_len);
	writer_u16(w, line->memo_len);
	writer_bytes(w, line->reference, sizeof(line->reference));
	writer_bytes(w, line->name, line->name_len);
	writer_bytes(w, line->memo, line->memo_len);
	if (!w->bad)
		return SR_OK;
	*w = before;
	return SR_TOO_LARGE;
}

enum sr_error
statement_line_read(struct reader *r, struct statement_line *line)
{
	memset(line, 0, sizeof(*line));
	line->leaf = reader_u64(r);
	line->time_ms = reader_u64(r);
	line->amount_minor = reader_i64(r);
	line->balance_minor = reader_i64(r);
	line->held_minor = reader_i64(r);
	line->other = reader_u64(r);
	line->refers_to = reader_u64(r);
	line->kind = reader_u8(r);
	line->name_len = reader_u8(r);
	line->memo_len = reader_u16(r);
	reader_bytes(r, line->reference, sizeof(line->reference));
	if (r->bad || line->name_len > STATEMENT_NAME_MAX ||
	    line->memo_len > STATEMENT_MEMO_MAX)
		goto malformed;
	reader_bytes(r, line->name, line->name_len);
	reader_bytes(r, line->memo, line->memo_len);
	if (r->bad)
		goto malformed;
	return SR_OK;

malformed:
	r->bad = true;
	memset(line, 0, sizeof(*line));
	return SR_MALFORMED;
}
