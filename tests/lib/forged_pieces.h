/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FORGED_PIECES_H
#define TESTS_LIB_FORGED_PIECES_H
/*
 * Where the frames of a forged log stand, from where they were written: no
 * frame is read for it.
 */
#include "tests/lib/forged_log.h"

enum { FORGED_PIECES_MAX = FORGED_ENTRIES_MAX * 2 };

struct forged_piece {
	uint32_t segment;
	size_t offset;
	size_t len;
	bool commit;
	unsigned seq; /* the entry; of a COMMIT how many there are before it */
};

struct forged_pieces {
	unsigned count;
	struct forged_piece piece[FORGED_PIECES_MAX];
	unsigned first[FORGED_SEGMENTS_MAX + 1]; /* of each segment */
};

void forged_pieces_of(
    const struct forged_log *log, struct forged_pieces *pieces);

/* The next one in its segment, or NULL. */
const struct forged_piece *forged_piece_next(
    const struct forged_pieces *pieces, const struct forged_piece *piece);

/*
 * To which one a byte of a segment belongs; NULL: to its header, or to the
 * rest that is not used.
 */
const struct forged_piece *forged_piece_at(
    const struct forged_pieces *pieces, uint32_t segment, size_t byte);

/* The COMMIT that ends the batch of a piece; of a COMMIT that one. */
const struct forged_piece *forged_piece_commit(
    const struct forged_pieces *pieces, const struct forged_piece *piece);

#endif
