/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_PADME_H
#define CLIENT_PADME_H
/*
 * The lengths that the bank may see instead of a file's own: Padme (Nikitin
 * et al., "Reducing Metadata Leakage from Encrypted Files and Communication
 * with PURBs", PoPETs 2019(4), section 4.3).  A length keeps as many bits
 * behind its highest one as the place of that one has; the rest is rounded up.
 * So lengths up to M tell O(log log M) bits, and from PADME_MIN on less than
 * 1/16 is added.
 */
#include <stdint.h>

#include "common/error.h"

/* All files up to here look alike: the empty one, too.  Bytes. */
#define PADME_MIN UINT64_C(256)

/* The longest file, 16 GiB, is a bucket of its own.  Bytes. */
#define OBJECT_SIZE_MAX (UINT64_C(1) << 34)

/*
 * The length of size's bucket, size to size + size / 16 and at least
 * PADME_MIN, in bytes.  SR_TOO_LARGE, and *padded 0, beyond OBJECT_SIZE_MAX.
 */
enum sr_error padme_len(uint64_t size, uint64_t *padded);

#endif
