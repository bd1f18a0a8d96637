/* SPDX-License-Identifier: ISC */
/* Text for a terminal.  Must leave nothing that a terminal obeys. */
#include "client/printable.h"

#include <stdio.h>

char *
make_printable(char *text)
{
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7F)
			*at = '?';
	return text;
}

char *
printable(const char *text, char copy[PRINTABLE_MAX])
{
	snprintf(copy, PRINTABLE_MAX, "%s", text);
	return make_printable(copy);
}
