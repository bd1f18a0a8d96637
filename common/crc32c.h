/* SPDX-License-Identifier: ISC */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H
/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds torn and rotten frames
 * before a key is needed.  It is no protection against an author.
 */
#include <stddef.h>
#include <stdint.h>

/* Goes on from crc (0 to begin) over len bytes. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
