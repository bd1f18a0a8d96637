/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_ALTERED_NOTE_H
#define TESTS_LIB_ALTERED_NOTE_H
/*
 * What a checkpoint's note becomes when one byte of it is another one: told
 * from how a note is laid out (c2sp.org/signed-note), and by none of the code
 * that reads one.
 */
#include <stddef.h>

enum altered_note {
	ALTERED_NONE,       /* no note any more */
	ALTERED_LOG,        /* a note, and its origin is none of a bank */
	ALTERED_BANK,       /* another bank's */
	ALTERED_EPOCH,      /* under another log key's origin */
	ALTERED_UNSIGNED,   /* the log key has not signed that */
	ALTERED_NO_WITNESS, /* the witness's line is somebody else's */
	ALTERED_FALSE,      /* the witness has not signed that */
};

/*
 * Of a note of which the first signature is the log's, and the second one,
 * if there is any, a witness's; at < len, now is not what stands there.
 */
enum altered_note altered_note_of(
    const char *text, size_t len, size_t at, unsigned char now);

/*
 * Lines of a text: where line `number' begins, and in *len its length with
 * its line feed; 0 when there are not as many.
 */
size_t altered_line(
    const char *text, size_t text_len, unsigned number, size_t *len);

#endif
