/* SPDX-License-Identifier: ISC */
/* Where a path leads to.  Must never take a name for a place. */
#include "client/within.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool
within(const char *path, const char *directory)
{
	char real[PATH_MAX], above[PATH_MAX];
	size_t len;

	if (realpath(path, real) == NULL || realpath(directory, above) == NULL)
		return false;
	len = strlen(above);
	/* only the root ends in a slash */
	if (above[len - 1] == '/')
		len--;
	return strncmp(real, above, len) == 0 &&
	       (real[len] == '/' || real[len] == '\0');
}
