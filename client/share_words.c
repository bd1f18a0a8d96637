/* SPDX-License-Identifier: ISC */
/* Shares as words; nothing here knows what is in a share. */
#include "client/share_words.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "common/kdf.h"

enum {
	LINE_LEN = SHARE_LEN / SHARE_LINES,
	LINE_LETTERS = SHARE_LINE_WORDS * SHARE_WORD_LEN,
};

_Static_assert(LINE_LEN *SHARE_LINES == SHARE_LEN, "");
_Static_assert(LINE_LEN == 2 * (SHARE_LINE_WORDS - 1), "");

#define LABEL KDF_LABEL_PREFIX "share"

static const char consonants[] = "bdfghjklmnprstvz";
static const char vowels[] = "aiou";

/* Of the letter at `place' in a word: how many bits it has, and which. */
static const struct {
	const char *letters;
	unsigned shift;
	unsigned mask;
} places[SHARE_WORD_LEN] = {
    {consonants, 12, 15},
    {vowels, 10, 3},
    {consonants, 6, 15},
    {vowels, 4, 3},
    {consonants, 0, 15},
};

void
share_word(uint16_t bits, char out[SHARE_WORD_LEN + 1])
{
	unsigned all = bits;

	for (unsigned i = 0; i < SHARE_WORD_LEN; i++)
		out[i] =
		    places[i].letters[all >> places[i].shift & places[i].mask];
	out[SHARE_WORD_LEN] = '\0';
}

static uint16_t
check_word(const uint8_t record[SHARE_LEN], unsigned line)
{
	uint8_t bytes[sizeof(LABEL) - 1 + 1 + SHARE_LEN];
	struct writer w = writer_to(bytes, sizeof(bytes));
	uint8_t hash[KDF_SHA256_LEN];
	uint16_t word;

	writer_bytes(&w, LABEL, sizeof(LABEL) - 1);
	writer_u8(&w, (uint8_t)line);
	writer_bytes(&w, record, (size_t)line * LINE_LEN);
	kdf_sha256(hash, bytes, writer_len(&w));
	word = (uint16_t)(hash[0] << 8 | hash[1]);
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(hash, sizeof(hash));
	return word;
}

void
share_words_line(const uint8_t record[SHARE_LEN], unsigned line,
    char out[SHARE_LINE_TEXT_LEN + 1])
{
	const uint8_t *at = record + (size_t)(line - 1) * LINE_LEN;

	assert(line >= 1 && line <= SHARE_LINES);
	for (unsigned i = 0; i + 1 < SHARE_LINE_WORDS; i++) {
		share_word((uint16_t)(at[0] << 8 | at[1]), out);
		out[SHARE_WORD_LEN] = ' ';
		out += SHARE_WORD_LEN + 1;
		at += 2;
	}
	share_word(check_word(record, line), out);
}

void
share_words(const uint8_t record[SHARE_LEN], char out[SHARE_TEXT_LEN + 1])
{
	for (unsigned line = 1; line <= SHARE_LINES; line++) {
		share_words_line(record, line, out);
		out += SHARE_LINE_TEXT_LEN;
		if (line < SHARE_LINES)
			*out++ = ' ';
	}
}

/* -1 for five letters that are no word. */
static long
word_bits(const char letters[SHARE_WORD_LEN])
{
	unsigned bits = 0;

	for (unsigned i = 0; i < SHARE_WORD_LEN; i++) {
		const char *found = letters[i] != '\0'
					? strchr(places[i].letters, letters[i])
					: NULL;

		if (found == NULL)
			return -1;
		bits |= (unsigned)(found - places[i].letters)
			<< places[i].shift;
	}
	return (long)bits;
}

/* A line's letters into its place in the record. */
static enum sr_error
take_line(uint8_t record[SHARE_LEN], unsigned line,
    const char letters[LINE_LETTERS], struct share_slip *slip)
{
	uint8_t *at = record + (size_t)(line - 1) * LINE_LEN;
	long bits = -1;

	*slip = (struct share_slip){.line = line};
	for (unsigned i = 0; i < SHARE_LINE_WORDS; i++) {
		bits = word_bits(letters + (size_t)i * SHARE_WORD_LEN);
		if (bits < 0) {
			slip->word = i + 1;
			break;
		}
		if (i + 1 < SHARE_LINE_WORDS) {
			at[2 * i] = (uint8_t)(bits >> 8);
			at[2 * i + 1] = (uint8_t)bits;
		}
	}
	if (bits >= 0 && (uint16_t)bits == check_word(record, line))
		return SR_OK;
	sodium_memzero(at, LINE_LEN);
	return SR_MALFORMED;
}

static bool
is_between_words(char c)
{
	return c == ' ' || c == '-' || c == '\t' || c == '\n' || c == '\r';
}

enum sr_error
share_words_take(uint8_t record[SHARE_LEN], unsigned line, const char *text,
    size_t len, unsigned *lines, struct share_slip *slip)
{
	char letters[LINE_LETTERS];
	size_t count = 0;
	enum sr_error error = SR_OK;

	assert(line >= 1 && line <= SHARE_LINES + 1);
	*slip = (struct share_slip){0};
	*lines = line - 1;
	for (size_t i = 0; i < len && error == SR_OK; i++) {
		char c = text[i];

		if (is_between_words(c))
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (*lines == SHARE_LINES) {
			*slip = (struct share_slip){0};
			error = SR_MALFORMED;
			break;
		}
		letters[count++] = c;
		if (count < sizeof(letters))
			continue;
		error = take_line(record, *lines + 1, letters, slip);
		if (error == SR_OK)
			++*lines;
		count = 0;
	}
	if (error == SR_OK && count > 0) {
		/* The line ends within this word, or behind it. */
		slip->line = *lines + 1;
		slip->word = (unsigned)(count / SHARE_WORD_LEN) + 1;
		error = SR_MALFORMED;
	}
	sodium_memzero(letters, sizeof(letters));
	return error;
}

enum sr_error
share_words_read(const char *text, size_t len, uint8_t record[SHARE_LEN],
    struct share_slip *slip)
{
	unsigned lines;
	enum sr_error error =
	    share_words_take(record, 1, text, len, &lines, slip);

	if (error == SR_OK && lines < SHARE_LINES) {
		*slip = (struct share_slip){.line = lines + 1, .word = 1};
		error = SR_MALFORMED;
	}
	if (error != SR_OK)
		sodium_memzero(record, SHARE_LEN);
	return error;
}
