/* SPDX-License-Identifier: ISC */
/* What a note becomes: altered_note.h. */
#include "tests/lib/altered_note.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "strongroom/"

enum {
	ORIGIN,
	SIZE,
	ROOT,
	EMPTY,
	LOG,
	WITNESS,
	DASH_LEN = 4, /* with the space */
	HEX_LEN = 64,
	KEY_ID_BITS = 32,
	NUMBER_LEN = 20,
};

size_t
altered_line(const char *text, size_t text_len, unsigned number, size_t *len)
{
	size_t at = 0;

	*len = 0;
	while (at < text_len) {
		const char *feed = memchr(text + at, '\n', text_len - at);
		size_t end =
		    feed != NULL ? (size_t)(feed + 1 - text) : text_len;

		if (number-- == 0) {
			*len = end - at;
			return at;
		}
		at = end;
	}
	return text_len;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number as it is written, at most max. */
static bool
is_number(const char *text, size_t len, uint64_t max)
{
	char digits[NUMBER_LEN + 1] = {0};

	if (len == 0 || len >= NUMBER_LEN || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return false;
		digits[i] = text[i];
	}
	return strtoull(digits, NULL, 10) <= max;
}

static enum altered_note
origin_of(const char *line, size_t len, size_t at)
{
	const size_t epoch = strlen(PREFIX) + HEX_LEN + 1;
	char now = line[at];

	if (now == ' ' || now == '+')
		return ALTERED_NONE;
	if (at < strlen(PREFIX) || at == epoch - 1)
		return ALTERED_LOG;
	if (at < epoch)
		return is_digit(now) || (now >= 'a' && now <= 'f')
			   ? ALTERED_BANK
			   : ALTERED_LOG;
	return is_number(line + epoch, len - epoch, UINT32_MAX) ? ALTERED_EPOCH
								: ALTERED_LOG;
}

static int
value_of(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c != '\0' ? strchr(alphabet, c) : NULL;

	return found != NULL ? (int)(found - alphabet) : -1;
}

/*
 * Whether there is still one way to write these characters; *bit: the first
 * one of the bytes that is another.  A byte more where padding was is one.
 */
static bool
is_base64(const char *was, const char *now, size_t len, size_t at, size_t *bit)
{
	int before = value_of(was[at]), after = value_of(now[at]);
	size_t data = len, rest;

	while (data > 0 && was[data - 1] == '=')
		data--;
	if (at > data || after < 0)
		return false;
	/* bits that are in no byte are zero */
	rest = 2 * (len - data - (at == data));
	if (at + 1 >= data && (after & ((1 << rest) - 1)) != 0)
		return false;
	*bit = 6 * at;
	if (at == data)
		return true;
	for (int other = before ^ after; (other & 32) == 0; other <<= 1)
		++*bit;
	return true;
}

static enum altered_note
signature_of(
    const char *was, const char *now, size_t len, size_t at, bool witness)
{
	const char *space = memchr(was + DASH_LEN, ' ', len - DASH_LEN);
	size_t base64 = (size_t)(space + 1 - was), bit;

	if (at < DASH_LEN || at == base64 - 1)
		return ALTERED_NONE;
	if (at < base64 && (now[at] == ' ' || now[at] == '+'))
		return ALTERED_NONE;
	if (at < base64)
		return witness ? ALTERED_NO_WITNESS : ALTERED_UNSIGNED;
	if (!is_base64(
		was + base64, now + base64, len - base64, at - base64, &bit))
		return ALTERED_NONE;
	if (!witness)
		return ALTERED_UNSIGNED;
	return bit < KEY_ID_BITS ? ALTERED_NO_WITNESS : ALTERED_FALSE;
}

enum altered_note
altered_note_of(const char *text, size_t len, size_t at, unsigned char now)
{
	size_t from = 0, line_len = 0, bit;
	unsigned number = 0;
	char line[512];

	if (text[at] == '\n' || now < ' ' || now >= 0x7f)
		return ALTERED_NONE;
	for (;; number++) {
		from = altered_line(text, len, number, &line_len);
		if (at < from + line_len)
			break;
	}
	if (--line_len >= sizeof(line))
		abort();
	memcpy(line, text + from, line_len);
	at -= from;
	line[at] = (char)now;
	switch (number) {
	case ORIGIN:
		return origin_of(line, line_len, at);
	case SIZE:
		return is_number(line, line_len, INT64_MAX) ? ALTERED_UNSIGNED
							    : ALTERED_NONE;
	case ROOT:
		return text[from + at] != '=' &&
			       is_base64(text + from, line, line_len, at, &bit)
			   ? ALTERED_UNSIGNED
			   : ALTERED_NONE;
	case LOG:
	case WITNESS:
		return signature_of(
		    text + from, line, line_len, at, number == WITNESS);
	default:
		abort();
	}
}
