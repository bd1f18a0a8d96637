/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_BUNDLE_ARCHIVE_H
#define CLIENT_BUNDLE_ARCHIVE_H
/*
 * The container of a month-end bundle: a POSIX tar file (ustar), which any tar
 * opens, with one way to write it.  Header, contents, zeros up to a multiple
 * of 512; at the end 1024 zeros and no byte more.  Names are
 * month-end-2026-10/NAME, modes 0600, times and ids 0.
 *
 * Nothing is ever unpacked by what is read: a reader knows which header comes
 * next, makes it, and compares.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_BLOCK 512u
#define ARCHIVE_END (2 * ARCHIVE_BLOCK)
#define ARCHIVE_MANIFEST "manifest"
#define ARCHIVE_PREFIX "month-end-"

/*
 * The header of that file of that month's bundle.  False when its name or its
 * length (8 GiB) does not fit.
 */
bool archive_header(const char *month, const char *name, uint64_t len,
    uint8_t out[ARCHIVE_BLOCK]);

/*
 * Month (with the NUL 8 bytes) and length of the manifest by a bundle's first
 * block; false when that is none, however it is written.
 */
bool archive_first(
    const uint8_t block[ARCHIVE_BLOCK], char month[8], uint64_t *len);

/* Zeros that follow so many bytes. */
size_t archive_padding(uint64_t len);

#endif
