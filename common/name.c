/* SPDX-License-Identifier: ISC */
/*
 * Checks of names and texts.  Nothing that passes here can break a line of a
 * log, hide in a terminal or look like another text by its direction.
 */
#include "common/name.h"

#include <stdint.h>

enum sr_error
name_check(const void *name, size_t len)
{
	const uint8_t *bytes = name;

	if (len < NAME_LEN_MIN || len > NAME_LEN_MAX)
		return SR_NAME;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = bytes[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '.' || c == '_' || c == '-'))
			return SR_NAME;
	}
	return SR_OK;
}

/*
 * Reads one code point (RFC 3629 section 4) of the len bytes at bytes into
 * *point and returns its length; 0 if there is none.
 */
static size_t
utf8_next(const uint8_t *bytes, size_t len, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = bytes[0];
	size_t need = lead < 0x80             ? 1
		      : (lead & 0xe0) == 0xc0 ? 2
		      : (lead & 0xf0) == 0xe0 ? 3
		      : (lead & 0xf8) == 0xf0 ? 4
					      : 0;

	if (need == 0 || need > len)
		return 0;
	*point = need == 1 ? lead : lead & (0x7fu >> need);
	for (size_t i = 1; i < need; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (bytes[i] & 0x3fu);
	}
	if (*point < least[need] || *point > 0x10ffff ||
	    (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return need;
}

static int
is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
	       point == 0x61c || point == 0x200e || point == 0x200f ||
	       (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

enum sr_error
name_text_check(const void *text, size_t len, size_t max)
{
	const uint8_t *bytes = text;
	size_t at = 0;

	if (len > max)
		return SR_PARAMETERS;
	while (at < len) {
		uint32_t point;
		size_t step = utf8_next(bytes + at, len - at, &point);

		if (step == 0 || is_control(point))
			return SR_PARAMETERS;
		at += step;
	}
	return SR_OK;
}

enum sr_error
name_display_check(const void *text, size_t len)
{
	return name_text_check(text, len, NAME_DISPLAY_MAX);
}
