/* SPDX-License-Identifier: ISC */
#ifndef COMMON_CKSUM_H
#define COMMON_CKSUM_H
/*
 * The checksum that the program cksum prints (IEEE Std 1003.1-2017, cksum,
 * "Extended description"): a CRC with the generator 0x04C11DB7, most
 * significant bit first, over the bytes and then over their number, least
 * significant byte first and without leading zeros, all bits inverted.  It
 * finds accidents and is no protection against an author.
 */
#include <stddef.h>
#include <stdint.h>

/* A sum under way, of the caller; owns nothing. */
struct cksum {
	uint32_t crc;
	uint64_t len; /* bytes so far */
};

/* Begins with no bytes. */
void cksum_init(struct cksum *sum);

/* Goes on over len bytes.  Any split into pieces gives the same sum. */
void cksum_update(struct cksum *sum, const void *bytes, size_t len);

/* The sum of what has been added; *sum stays and can be added to. */
uint32_t cksum_final(const struct cksum *sum);

#endif
