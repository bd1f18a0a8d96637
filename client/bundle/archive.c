/* SPDX-License-Identifier: ISC */
/* Headers of tar.  Must never believe a field that it has not written. */
#include "client/bundle/archive.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/bundle/manifest.h"

/* The fields of POSIX.1-1988 that are not zeros here. */
enum {
	NAME_LEN = 100,
	MODE_AT = 100,
	UID_AT = 108,
	GID_AT = 116,
	SIZE_AT = 124,
	TIME_AT = 136,
	SUM_AT = 148,
	TYPE_AT = 156,
	MAGIC_AT = 257,
	SIZE_DIGITS = 11,
};

bool
archive_header(const char *month, const char *name, uint64_t len,
    uint8_t out[ARCHIVE_BLOCK])
{
	char *text = (char *)out;
	unsigned sum = 0;

	memset(out, 0, ARCHIVE_BLOCK);
	if (len >> 33 != 0 || snprintf(text, NAME_LEN, ARCHIVE_PREFIX "%s/%s",
				  month, name) >= NAME_LEN)
		return false;
	memcpy(text + MODE_AT, "0000600", 7);
	memcpy(text + UID_AT, "0000000", 7);
	memcpy(text + GID_AT, "0000000", 7);
	snprintf(text + SIZE_AT, SIZE_DIGITS + 1, "%011" PRIo64, len);
	memcpy(text + TIME_AT, "00000000000", SIZE_DIGITS);
	memset(text + SUM_AT, ' ', 8);
	text[TYPE_AT] = '0';
	memcpy(text + MAGIC_AT,
	    "ustar\0"
	    "00",
	    8);
	for (size_t i = 0; i < ARCHIVE_BLOCK; i++)
		sum += out[i];
	snprintf(text + SUM_AT, 7, "%06o", sum);
	return true;
}

bool
archive_first(const uint8_t block[ARCHIVE_BLOCK], char month[8], uint64_t *len)
{
	const size_t prefix = strlen(ARCHIVE_PREFIX);
	uint8_t again[ARCHIVE_BLOCK];

	if (memcmp(block, ARCHIVE_PREFIX, prefix) != 0)
		return false;
	memcpy(month, block + prefix, BUNDLE_MONTH_LEN);
	month[BUNDLE_MONTH_LEN] = '\0';
	*len = 0;
	for (size_t i = 0; i < SIZE_DIGITS; i++)
		*len = *len << 3 | (block[SIZE_AT + i] & 7u);
	return archive_header(month, ARCHIVE_MANIFEST, *len, again) &&
	       memcmp(again, block, sizeof(again)) == 0;
}

size_t
archive_padding(uint64_t len)
{
	return (size_t)(-len & (ARCHIVE_BLOCK - 1));
}
