/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_INI_FILE_H
#define CLIENT_INI_FILE_H
/*
 * Small INI files of one section (bank.id, cards), read with libinih.  Lines
 * that begin with # or ; are comments.  What is not in the table is an error
 * that names file and line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

enum {
	INI_FILE_KEYS_MAX = 16,
	INI_FILE_LINE_MAX = 190,
	INI_FILE_MESSAGE_MAX = 400,
};

struct ini_file_key {
	const char *name;
	/* Takes the value; false if it is none for this key. */
	bool (*set)(void *context, const char *value);
	const char *wanted; /* "64 hex digits": for the message */
	bool required;
	bool repeats;
};

struct ini_file {
	const char *path; /* for messages */
	const char *section;
	const struct ini_file_key *keys;
	size_t key_count; /* at most INI_FILE_KEYS_MAX */
	void *context;    /* for set */
	char *message;    /* INI_FILE_MESSAGE_MAX bytes */
};

/*
 * Reads the stream to its end.  SR_CONFIG for anything that the table does
 * not allow, a key given twice, one that is required and missing, a line of
 * more than INI_FILE_LINE_MAX bytes or with a NUL; SR_IO.  A message never
 * contains a value.
 */
enum sr_error ini_file_read(const struct ini_file *file, FILE *stream);

/* 64 hex digits to 32 bytes; false if the text is anything else. */
bool ini_file_unhex(const char *text, uint8_t out[32]);

/* Copies a text of at most max bytes with its NUL; false if it is longer. */
bool ini_file_copy(const char *text, char *out, size_t max);

#endif
