/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_QR_H
#define CLIENT_QR_H
/*
 * A QR code (ISO/IEC 18004) in characters, two rows of modules a line, for a
 * telephone's camera or for paper.  What is in it is the caller's; no
 * secrets: it is on a screen, and the library keeps copies.
 */
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

/* Version 40 with the lowest level of error correction. */
enum { QR_BYTES_MAX = 2953 };

/*
 * Prints len bytes as one code, in byte mode, with its quiet zone, at the
 * highest level of error correction up to M that has place for them.
 *
 * On a terminal it is black on white whatever the terminal's colours are;
 * with NO_COLOR (no-color.org) the light modules are drawn, as for a dark
 * screen.  Into anything else the dark ones are drawn, as for paper.
 *
 * SR_TOO_LARGE: more than QR_BYTES_MAX bytes, or wider than the terminal; no
 * bytes at all are SR_MALFORMED; SR_MEMORY; SR_IO: out could not be written.
 * Nothing is printed unless SR_OK or SR_IO.
 */
enum sr_error qr_print(FILE *out, const void *bytes, size_t len);

#endif
