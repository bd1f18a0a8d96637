/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_SHARE_WORDS_H
#define CLIENT_SHARE_WORDS_H
/*
 * A share as people write, read aloud and type it: five lines of five words.
 *
 * A word is a proquint (D. S. Wilkerson, arXiv:0901.4016): 16 bits, most
 * significant first, as consonant, vowel, consonant, vowel, consonant.  Four
 * words of a line are eight bytes of the record; the fifth is the first two
 * bytes of SHA-256("strongroom/1 share" | line, from 1 | the bytes of this
 * line and of those before it).  So a slip is found at once and in which
 * line, also where a line is of another share.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/share.h"

enum {
	SHARE_LINES = 5,
	SHARE_WORD_LEN = 5,
	SHARE_LINE_WORDS = 5,
	/* with a space between the words */
	SHARE_LINE_TEXT_LEN = SHARE_LINE_WORDS * (SHARE_WORD_LEN + 1) - 1,
	/* all lines, with a space between them, too */
	SHARE_TEXT_LEN = SHARE_LINES * (SHARE_LINE_TEXT_LEN + 1) - 1,
};

/* Where somebody slipped. */
struct share_slip {
	unsigned line; /* from 1; 0: there are more words than a share has */
	unsigned word; /* in that line, from 1; 0: its check word differs */
};

/* Two bytes as a word, NUL-terminated. */
void share_word(uint16_t bits, char out[SHARE_WORD_LEN + 1]);

/* One line of the record, `line' from 1 to SHARE_LINES, NUL-terminated. */
void share_words_line(const uint8_t record[SHARE_LEN], unsigned line,
    char out[SHARE_LINE_TEXT_LEN + 1]);

/* The whole record in one line, as for a QR code. */
void share_words(const uint8_t record[SHARE_LEN], char out[SHARE_TEXT_LEN + 1]);

/*
 * Reads words from `line' on, as somebody typed them: upper or lower case,
 * with spaces, hyphens and line breaks anywhere.  The record has the lines
 * before already; *lines becomes how many are right now, in all.  SR_OK: each
 * line was whole and right, the record is complete when *lines is
 * SHARE_LINES.  SR_MALFORMED: *slip tells where; the right lines before stay.
 */
enum sr_error share_words_take(uint8_t record[SHARE_LEN], unsigned line,
    const char *text, size_t len, unsigned *lines, struct share_slip *slip);

/* A whole share at once; record is zeros unless SR_OK. */
enum sr_error share_words_read(const char *text, size_t len,
    uint8_t record[SHARE_LEN], struct share_slip *slip);

#endif
