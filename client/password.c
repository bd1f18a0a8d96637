/* SPDX-License-Identifier: ISC */
/*
 * OpaqueString (RFC 8265 section 4.2) on top of libunistring's tables.
 *
 * Security: the code points and the normalised text are copies of a password;
 * both are wiped before they are given back.
 */
#include "client/password.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/*
 * FreeformClass without the contextual rules' characters (RFC 8264 section
 * 4.3): letters, digits, marks, punctuation, symbols and spaces; no controls,
 * no format characters, nothing unassigned or ignorable.
 */
static bool
is_freeform(ucs4_t point)
{
	if (point >= 0x21 && point <= 0x7e)
		return true;
	/* old Hangul letters: normalisation would break them apart */
	if ((point >= 0x1100 && point <= 0x11ff) ||
	    (point >= 0xa960 && point <= 0xa97c) ||
	    (point >= 0xd7b0 && point <= 0xd7fb))
		return false;
	if (uc_is_property_default_ignorable_code_point(point) ||
	    uc_is_property_not_a_character(point))
		return false;
	return uc_is_general_category_withtable(point,
	    UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_M |
		UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_Zs);
}

/* Code points into `points` (room for len), each checked and spaces mapped. */
static enum sr_error
map_points(const uint8_t *text, size_t len, ucs4_t *points, size_t *point_count)
{
	size_t count = 0, at = 0;

	while (at < len) {
		ucs4_t point;
		int step = u8_mbtoucr(&point, text + at, len - at);

		if (step <= 0 || !is_freeform(point))
			return SR_PARAMETERS;
		points[count++] =
		    uc_is_general_category_withtable(point, UC_CATEGORY_MASK_Zs)
			? 0x20
			: point;
		at += (size_t)step;
	}
	*point_count = count;
	return SR_OK;
}

/* NFC of the points as UTF-8 into out. */
static enum sr_error
normalise(const ucs4_t *points, size_t point_count, char out[PASSWORD_MAX],
    size_t *out_len)
{
	size_t composed_len = 0, text_len = PASSWORD_MAX;
	enum sr_error error = SR_OK;
	uint8_t text[PASSWORD_MAX], *written;
	ucs4_t *composed = u32_normalize(
	    UNINORM_NFC, points, point_count, NULL, &composed_len);

	if (composed == NULL)
		return SR_INTERNAL;
	written = u32_to_u8(composed, composed_len, text, &text_len);
	if (written == NULL) {
		error = SR_INTERNAL;
	} else if (written != text) {
		sodium_memzero(written, text_len);
		free(written);
		error = SR_TOO_LARGE;
	} else {
		for (size_t i = 0; i < text_len; i++)
			out[i] = (char)text[i];
		*out_len = text_len;
	}
	sodium_memzero(text, sizeof(text));
	sodium_memzero(composed, composed_len * sizeof(*composed));
	free(composed);
	return error;
}

enum sr_error
password_prepare(
    const char *text, size_t len, char out[PASSWORD_MAX], size_t *out_len)
{
	ucs4_t points[PASSWORD_MAX];
	size_t point_count = 0;
	enum sr_error error;

	if (len == 0)
		return SR_PARAMETERS;
	if (len > PASSWORD_MAX)
		return SR_TOO_LARGE;
	error = map_points((const uint8_t *)text, len, points, &point_count);
	if (error == SR_OK)
		error = normalise(points, point_count, out, out_len);
	sodium_memzero(points, sizeof(points));
	return error;
}
