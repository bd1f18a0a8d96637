/* SPDX-License-Identifier: ISC */
#ifndef COMMON_NAME_H
#define COMMON_NAME_H
/*
 * What a log-in name, a display name and a memo may look like.  Checked by
 * the client for the sentence and by the rooms independently.
 */
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define NAME_LEN_MIN 3u
#define NAME_LEN_MAX 32u
#define NAME_DISPLAY_MAX 64u

/* SR_NAME unless the len bytes are [a-z0-9._-]{3,32}. */
enum sr_error name_check(const void *name, size_t len);

/*
 * SR_PARAMETERS unless the len bytes are valid UTF-8 (RFC 3629: shortest
 * form, no surrogates) of at most max bytes without control characters, line
 * or paragraph separators and bidirectional overrides.  Empty is fine.
 */
enum sr_error name_text_check(const void *text, size_t len, size_t max);

/* name_text_check() with the bound of a display name. */
enum sr_error name_display_check(const void *text, size_t len);

#endif
