/* SPDX-License-Identifier: ISC */
/* Padme's buckets.  Must never give less than it was asked for. */
#include "client/padme.h"

/* The highest bit of value, which is not 0. */
static unsigned
highest(uint64_t value)
{
	return 63u - (unsigned)__builtin_clzll(value);
}

enum sr_error
padme_len(uint64_t size, uint64_t *padded)
{
	unsigned exponent, kept;
	uint64_t mask;

	*padded = 0;
	if (size > OBJECT_SIZE_MAX)
		return SR_TOO_LARGE;
	if (size < PADME_MIN)
		size = PADME_MIN;
	exponent = highest(size);
	kept = highest(exponent) + 1;
	mask = (UINT64_C(1) << (exponent - kept)) - 1;
	*padded = (size + mask) & ~mask;
	return SR_OK;
}
