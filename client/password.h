/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_PASSWORD_H
#define CLIENT_PASSWORD_H
/*
 * Preparation of passwords by RFC 8265, OpaqueString profile (section 4.2):
 * so that the same password gives the same bytes on every keyboard.
 */
#include <stddef.h>

#include "common/error.h"

#define PASSWORD_MAX 1024u /* bytes, before and after */

/*
 * Checks and prepares the len bytes at text into out (no NUL added) and sets
 * *out_len: other spaces than U+0020 become U+0020, then NFC; no width or
 * case mapping.  SR_PARAMETERS for bytes that are not UTF-8, for control
 * characters and others outside the FreeformClass (RFC 8264 section 4.3),
 * and for an empty password; SR_TOO_LARGE beyond PASSWORD_MAX.
 *
 * Security: copies that it makes are wiped; out belongs to the caller.
 */
enum sr_error password_prepare(
    const char *text, size_t len, char out[PASSWORD_MAX], size_t *out_len);

#endif
