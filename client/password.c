/* SPDX-License-Identifier: ISC */
/*
 * RFC 8265 OpaqueString over RFC 8264's FreeformClass, with the properties
 * of characters from libunistring.  Wipes every copy of the password that it
 * makes.
 */
#include "client/password.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define VIRAMA 9 /* canonical combining class */

/* Is there a character of that script anywhere?  For KATAKANA MIDDLE DOT. */
static bool
password_has_script(const uint32_t *text, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		const uc_script_t *script = uc_script(text[i]);

		if (script != NULL && strcmp(script->name, name) == 0)
			return true;
	}
	return false;
}

static bool
password_script_is(const uint32_t *text, size_t len, size_t i, const char *name)
{
	return i < len && password_has_script(text + i, 1, name);
}

static bool
password_has_range(
    const uint32_t *text, size_t len, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] >= first && text[i] <= last)
			return true;
	return false;
}

/*
 * The characters that RFC 5892, appendix A, allows only in context: *decided
 * says whether this is one of them, the result whether it may stand here.
 */
static bool
password_context(const uint32_t *text, size_t len, size_t i, bool *decided)
{
	uint32_t c = text[i];

	*decided = true;
	switch (c) {
	case 0x200C: /* ZERO WIDTH NON-JOINER and JOINER, after a virama */
	case 0x200D:
		return i > 0 && uc_combining_class(text[i - 1]) == VIRAMA;
	case 0x00B7: /* MIDDLE DOT, as in Catalan */
		return i > 0 && i + 1 < len && text[i - 1] == 'l' &&
		       text[i + 1] == 'l';
	case 0x0375: /* GREEK LOWER NUMERAL SIGN */
		return password_script_is(text, len, i + 1, "Greek");
	case 0x05F3: /* HEBREW PUNCTUATION GERESH, GERSHAYIM */
	case 0x05F4:
		return i > 0 && password_script_is(text, len, i - 1, "Hebrew");
	case 0x30FB: /* KATAKANA MIDDLE DOT */
		return password_has_script(text, len, "Hiragana") ||
		       password_has_script(text, len, "Katakana") ||
		       password_has_script(text, len, "Han");
	default:
		break;
	}
	if (c >= 0x0660 && c <= 0x0669)
		return !password_has_range(text, len, 0x06F0, 0x06F9);
	if (c >= 0x06F0 && c <= 0x06F9)
		return !password_has_range(text, len, 0x0660, 0x0669);
	*decided = false;
	return false;
}

/* RFC 8264 section 8, for the FreeformClass. */
static bool
password_allowed(const uint32_t *text, size_t len, size_t i)
{
	static const uint32_t classes =
	    UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N |
	    UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_P;
	uint32_t c = text[i];
	bool decided, allowed = password_context(text, len, i, &decided);

	if (decided)
		return allowed;
	/* Old Hangul jamo, in three blocks. */
	if ((c >= 0x1100 && c <= 0x11FF) || (c >= 0xA960 && c <= 0xA97C) ||
	    (c >= 0xD7B0 && c <= 0xD7FB))
		return false;
	if (uc_is_property(c, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT) ||
	    uc_is_property(c, UC_PROPERTY_NOT_A_CHARACTER))
		return false;
	return uc_is_general_category_withtable(c, classes);
}

/* Spaces mapped, NFC, every character checked; the result is malloc'ed. */
static uint32_t *
password_normalise(uint32_t *text, size_t len, size_t *out_len)
{
	uint32_t *normal;

	for (size_t i = 0; i < len; i++)
		if (text[i] > 0x7F && uc_is_general_category_withtable(
					  text[i], UC_CATEGORY_MASK_Zs))
			text[i] = ' ';
	normal = u32_normalize(UNINORM_NFC, text, len, NULL, out_len);
	for (size_t i = 0; normal != NULL && i < *out_len; i++) {
		if (password_allowed(normal, *out_len, i))
			continue;
		sodium_memzero(normal, *out_len * sizeof(*normal));
		free(normal);
		return NULL;
	}
	return normal;
}

enum sr_error
password_prepare(
    const char *text, size_t len, char out[PASSWORD_MAX], size_t *out_len)
{
	uint32_t wide[PASSWORD_MAX], *normal;
	uint8_t narrow[4 * PASSWORD_MAX];
	size_t wide_len = PASSWORD_MAX, normal_len = 0;
	size_t narrow_len = sizeof(narrow);
	enum sr_error error = SR_PARAMETERS;

	*out_len = 0;
	if (len == 0)
		return SR_PARAMETERS;
	if (len > PASSWORD_MAX)
		return SR_TOO_LARGE;
	if (u8_check((const uint8_t *)text, len) != NULL ||
	    u8_to_u32((const uint8_t *)text, len, wide, &wide_len) != wide)
		return SR_PARAMETERS;
	normal = password_normalise(wide, wide_len, &normal_len);
	sodium_memzero(wide, sizeof(wide));
	if (normal == NULL)
		return SR_PARAMETERS;
	if (normal_len > PASSWORD_MAX ||
	    u32_to_u8(normal, normal_len, narrow, &narrow_len) != narrow ||
	    narrow_len > PASSWORD_MAX) {
		error = SR_TOO_LARGE;
	} else if (narrow_len > 0) {
		memcpy(out, narrow, narrow_len);
		*out_len = narrow_len;
		error = SR_OK;
	}
	sodium_memzero(normal, normal_len * sizeof(*normal));
	free(normal);
	sodium_memzero(narrow, sizeof(narrow));
	return error;
}
