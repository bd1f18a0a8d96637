/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_RETIRED_H
#define TESTS_LIB_RETIRED_H
/* A segment retired by hand: its leaves, made of its frames. */
#include <stddef.h>
#include <stdint.h>

#include "common/leaves_file.h"

/*
 * The file of the leaves of a whole segment, and its length.  tree: that of
 * the entries before the segment; goes on to that of those in it, too.  Ends
 * the program when the segment is none, or room does not suffice.
 */
size_t retired_leaves(const uint8_t *segment, size_t len,
    struct merkle_frontier *tree, uint8_t *out, size_t room);

#endif
