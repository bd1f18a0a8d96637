/* SPDX-License-Identifier: ISC */
/*
 * CRC-32C by tables, eight bytes a step.  The tables are made before main():
 * a lock at first use would be a system call that a room's policy forbids.
 */
#include "common/crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41 reflected */

static uint32_t table[8][256];

__attribute__((constructor)) static void
crc32c_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			table[t][i] = table[t - 1][i] >> 8 ^
				      table[0][table[t - 1][i] & 0xff];
}

uint32_t
crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	crc = ~crc;
	for (; len >= 8; len -= 8, at += 8) {
		uint32_t low =
		    crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 |
			      (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);

		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
		      table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
		      table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^
		      table[0][at[7]];
	}
	for (; len > 0; len--, at++)
		crc = crc >> 8 ^ table[0][(crc ^ *at) & 0xff];
	return ~crc;
}
