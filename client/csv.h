/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CSV_H
#define CLIENT_CSV_H
/*
 * Comma-separated values as RFC 4180 has them, read strictly: what two
 * programs could read as two things is an error.
 *
 *	record = field *("," field) (CRLF / LF / end of the file)
 *	field  = quoted / bare
 *	quoted = '"' anything, '"' doubled '"'
 *	bare   = anything but '"', ',', CR, LF
 *
 * A byte-order mark at the beginning is passed over, as spreadsheets write
 * one.  A NUL is an error everywhere, a CR outside quotation marks unless an
 * LF follows.  Whether a field is text is for the caller to check.
 */
#include <stddef.h>

enum {
	CSV_FIELDS_MAX = 8,
	CSV_FIELD_MAX = 256, /* bytes, without the NUL */
};

enum csv_fault {
	CSV_FINE = 0,
	CSV_END,       /* no record is left */
	CSV_QUOTE,     /* a quotation mark in a bare field */
	CSV_AFTER,     /* something else than , behind a quoted field */
	CSV_UNCLOSED,  /* the file ends within quotation marks */
	CSV_CHARACTER, /* a NUL, or a CR alone */
	CSV_FIELDS,    /* more than CSV_FIELDS_MAX */
	CSV_LONG,      /* a field is longer than CSV_FIELD_MAX */
};

/* A reader over a file's bytes, which are the caller's. */
struct csv {
	const char *bytes;
	size_t len;
	size_t at;
	unsigned line; /* of the next byte, from 1 on */
};

struct csv_field {
	size_t len;
	char text[CSV_FIELD_MAX + 1]; /* with a NUL behind it */
};

struct csv_record {
	unsigned line; /* where it begins */
	size_t count;
	struct csv_field field[CSV_FIELDS_MAX];
};

struct csv csv_of(const char *bytes, size_t len);

/* The next record; after a fault the reader is of no more use. */
enum csv_fault csv_next(struct csv *csv, struct csv_record *record);

/* The sentence for people; never NULL. */
const char *csv_sentence(enum csv_fault fault);

#endif
