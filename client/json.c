/* SPDX-License-Identifier: ISC */
/* Text as JSON has it; what is no UTF-8 comes out as it went in. */
#include "client/json.h"

void
json_string(FILE *out, const void *text, size_t len)
{
	const unsigned char *bytes = text;

	putc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = bytes[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}
