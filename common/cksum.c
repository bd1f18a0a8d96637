/* SPDX-License-Identifier: ISC */
/*
 * POSIX cksum by tables, eight bytes a step.  The tables are made before
 * main(), as those of crc32c.c and for the same reason.
 */
#include "common/cksum.h"

#define POLYNOMIAL 0x04c11db7u

/* table[t][byte]: what byte leaves with t zero bytes behind it. */
static uint32_t table[8][256];

__attribute__((constructor)) static void
cksum_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 != 0 ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			table[t][i] = table[t - 1][i] << 8 ^
				      table[0][table[t - 1][i] >> 24];
}

static uint32_t
cksum_byte(uint32_t crc, uint8_t byte)
{
	return crc << 8 ^ table[0][crc >> 24 ^ byte];
}

void
cksum_init(struct cksum *sum)
{
	*sum = (struct cksum){0};
}

void
cksum_update(struct cksum *sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t crc = sum->crc;

	sum->len += len;
	for (; len >= 8; len -= 8, at += 8)
		crc = table[7][crc >> 24 ^ at[0]] ^
		      table[6][(crc >> 16 & 0xff) ^ at[1]] ^
		      table[5][(crc >> 8 & 0xff) ^ at[2]] ^
		      table[4][(crc & 0xff) ^ at[3]] ^ table[3][at[4]] ^
		      table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
	for (; len > 0; len--, at++)
		crc = cksum_byte(crc, *at);
	sum->crc = crc;
}

uint32_t
cksum_final(const struct cksum *sum)
{
	uint32_t crc = sum->crc;

	for (uint64_t len = sum->len; len != 0; len >>= 8)
		crc = cksum_byte(crc, (uint8_t)len);
	return ~crc;
}
