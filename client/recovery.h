/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_RECOVERY_H
#define CLIENT_RECOVERY_H
/*
 * The recovery code: 160 random bits that a customer writes down; its symbols
 * are the password of the customer's second credential.
 *
 * 32 symbols of Crockford's base 32 (0-9 A-Z without I L O U), in eight
 * groups of four, and behind each group a check symbol: five bits of
 * SHA-256("strongroom/1 recovery" | group's number | its symbols).  So a slip
 * is found before the bank is asked, and in which group.
 */
#include <stdint.h>

#include "common/error.h"

enum {
	RECOVERY_GROUPS = 8,
	RECOVERY_PASSWORD_LEN = 32,
	RECOVERY_TEXT_LEN = RECOVERY_GROUPS * 6 - 1, /* 5 and a hyphen each */
};

/* Draws a code: text as it is printed, NUL-terminated. */
void recovery_draw(char text[RECOVERY_TEXT_LEN + 1]);

/*
 * Reads what somebody typed (lower case, O for 0, I and L for 1, spaces and
 * hyphens anywhere) into the 32 symbols that are the password.  SR_MALFORMED;
 * *group is then the first wrong group from 1, or 0 for a wrong length.
 */
enum sr_error recovery_password(
    const char *text, char out[RECOVERY_PASSWORD_LEN + 1], unsigned *group);

#endif
