/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_PLURAL_H
#define CLIENT_PLURAL_H
/* What people read says "1 entry" and "2 entries". */
#include <stdint.h>

/* What stands behind the noun. */
static inline const char *
plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* The end of "entry". */
static inline const char *
plural_y(uint64_t count)
{
	return count == 1 ? "y" : "ies";
}

#endif
