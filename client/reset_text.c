/* SPDX-License-Identifier: ISC */
/* The text of reset_text.h. */
#include "client/reset_text.h"

#include <string.h>

#include <sodium.h>

enum { GROUP = 4 };

void
reset_text_write(
    const uint8_t code[RESET_CODE_LEN], char text[RESET_TEXT_LEN + 1])
{
	for (size_t i = 0; i < RESET_CODE_LEN; i += GROUP) {
		char *to = text + i / GROUP * (2 * GROUP + 1);

		sodium_bin2hex(to, 2 * GROUP + 1, code + i, GROUP);
		if (i + GROUP < RESET_CODE_LEN)
			to[2 * GROUP] = '-';
	}
}

enum sr_error
reset_text_read(const char *text, uint8_t code[RESET_CODE_LEN])
{
	const char *end;
	size_t len;

	return sodium_hex2bin(code, RESET_CODE_LEN, text, strlen(text), "- \t",
		   &len, &end) == 0 &&
		       len == RESET_CODE_LEN && *end == '\0'
		   ? SR_OK
		   : SR_MALFORMED;
}
