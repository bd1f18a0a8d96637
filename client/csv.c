/* SPDX-License-Identifier: ISC */
/* RFC 4180, strictly.  Must never guess what a quotation mark was meant for. */
#include "client/csv.h"

#include <string.h>

static const char mark[] = "\xef\xbb\xbf";

struct csv
csv_of(const char *bytes, size_t len)
{
	struct csv csv = {.bytes = bytes, .len = len, .line = 1};

	if (len >= 3 && memcmp(bytes, mark, 3) == 0)
		csv.at = 3;
	return csv;
}

/* The byte at the place, -1 at the end. */
static int
peek(const struct csv *csv)
{
	return csv->at < csv->len ? (unsigned char)csv->bytes[csv->at] : -1;
}

static enum csv_fault
append(struct csv_field *field, int c)
{
	if (c == '\0')
		return CSV_CHARACTER;
	if (field->len == CSV_FIELD_MAX)
		return CSV_LONG;
	field->text[field->len++] = (char)c;
	return CSV_FINE;
}

/* Takes a line's end, if one is here. */
static enum csv_fault
take_end(struct csv *csv)
{
	if (peek(csv) == '\r') {
		csv->at++;
		if (peek(csv) != '\n')
			return CSV_CHARACTER;
	}
	if (peek(csv) == '\n') {
		csv->at++;
		csv->line++;
	}
	return CSV_FINE;
}

/* Behind the first quotation mark. */
static enum csv_fault
take_quoted(struct csv *csv, struct csv_field *field)
{
	enum csv_fault fault = CSV_FINE;
	int c;

	while (fault == CSV_FINE) {
		c = peek(csv);
		if (c < 0)
			return CSV_UNCLOSED;
		csv->at++;
		if (c == '"' && peek(csv) != '"')
			break;
		if (c == '"')
			csv->at++;
		if (c == '\n')
			csv->line++;
		fault = append(field, c);
	}
	c = peek(csv);
	if (fault == CSV_FINE && c >= 0 && c != ',' && c != '\r' && c != '\n')
		return CSV_AFTER;
	return fault;
}

static enum csv_fault
take_bare(struct csv *csv, struct csv_field *field)
{
	enum csv_fault fault = CSV_FINE;

	while (fault == CSV_FINE) {
		int c = peek(csv);

		if (c < 0 || c == ',' || c == '\r' || c == '\n')
			return CSV_FINE;
		if (c == '"')
			return CSV_QUOTE;
		csv->at++;
		fault = append(field, c);
	}
	return fault;
}

enum csv_fault
csv_next(struct csv *csv, struct csv_record *record)
{
	enum csv_fault fault;

	memset(record, 0, sizeof(*record));
	record->line = csv->line;
	if (csv->at == csv->len)
		return CSV_END;
	for (;;) {
		struct csv_field *field;

		if (record->count == CSV_FIELDS_MAX)
			return CSV_FIELDS;
		field = &record->field[record->count++];
		if (peek(csv) == '"') {
			csv->at++;
			fault = take_quoted(csv, field);
		} else {
			fault = take_bare(csv, field);
		}
		if (fault != CSV_FINE)
			return fault;
		if (peek(csv) != ',')
			return take_end(csv);
		csv->at++;
	}
}

const char *
csv_sentence(enum csv_fault fault)
{
	static const char *const sentences[] = {
	    [CSV_FINE] = "fine",
	    [CSV_END] = "the file has ended",
	    [CSV_QUOTE] = ("a quotation mark within a field that does not "
			   "begin with one"),
	    [CSV_AFTER] = "something else than a comma behind a quoted field",
	    [CSV_UNCLOSED] = "the quotation mark is never closed",
	    [CSV_CHARACTER] = "a character that does not belong into a table",
	    [CSV_FIELDS] = "too many fields",
	    [CSV_LONG] = "a field is too long",
	};

	return sentences[fault];
}
