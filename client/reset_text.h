/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_RESET_TEXT_H
#define CLIENT_RESET_TEXT_H
/*
 * A reset code as it is handed over: eight groups of eight hexadecimal digits
 * with '-' between them.
 */
#include "common/error.h"
#include "common/payload.h"

enum { RESET_TEXT_LEN = 8 * 8 + 7 };

void reset_text_write(
    const uint8_t code[RESET_CODE_LEN], char text[RESET_TEXT_LEN + 1]);

/* Blanks and '-' may stand anywhere.  SR_MALFORMED. */
enum sr_error reset_text_read(const char *text, uint8_t code[RESET_CODE_LEN]);

#endif
