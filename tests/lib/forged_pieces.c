/* SPDX-License-Identifier: ISC */
/* Implementation of forged_pieces.h. */
#include "tests/lib/forged_pieces.h"

#include <stdlib.h>

static void
add(struct forged_pieces *pieces, struct forged_piece piece)
{
	if (pieces->count == FORGED_PIECES_MAX)
		abort();
	pieces->piece[pieces->count++] = piece;
}

/* What lies between the entries are COMMITs. */
static void
add_commit(struct forged_pieces *pieces, uint32_t segment, size_t offset,
    size_t end, unsigned seq)
{
	if (end - offset != JOURNAL_COMMIT_FRAME_LEN)
		abort();
	add(pieces, (struct forged_piece){.segment = segment,
			.offset = offset,
			.len = JOURNAL_COMMIT_FRAME_LEN,
			.commit = true,
			.seq = seq});
}

void
forged_pieces_of(const struct forged_log *log, struct forged_pieces *pieces)
{
	unsigned i = 0;

	pieces->count = 0;
	for (uint32_t s = 0; s < log->segments; s++) {
		size_t at = JOURNAL_SEGMENT_HEADER_LEN;

		pieces->first[s] = pieces->count;
		for (; i < log->count && log->entry[i].position.segment == s;
		     i++) {
			const struct forged_entry *entry = &log->entry[i];

			if (entry->position.offset != at)
				add_commit(
				    pieces, s, at, entry->position.offset, i);
			add(pieces, (struct forged_piece){.segment = s,
					.offset = entry->position.offset,
					.len = entry->frame_len,
					.seq = i});
			at = entry->position.offset + entry->frame_len;
		}
		add_commit(pieces, s, at, log->used[s], i);
	}
	pieces->first[log->segments] = pieces->count;
	if (i != log->count)
		abort();
}

const struct forged_piece *
forged_piece_next(
    const struct forged_pieces *pieces, const struct forged_piece *piece)
{
	const struct forged_piece *next = piece + 1;

	return next < pieces->piece + pieces->count &&
		       next->segment == piece->segment
		   ? next
		   : NULL;
}

const struct forged_piece *
forged_piece_at(
    const struct forged_pieces *pieces, uint32_t segment, size_t byte)
{
	unsigned low = pieces->first[segment];
	unsigned high = pieces->first[segment + 1];

	/* the first one that ends behind it */
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		const struct forged_piece *piece = &pieces->piece[middle];

		if (piece->offset + piece->len <= byte)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == pieces->first[segment + 1] ||
	    byte < pieces->piece[low].offset)
		return NULL;
	return &pieces->piece[low];
}

const struct forged_piece *
forged_piece_commit(
    const struct forged_pieces *pieces, const struct forged_piece *piece)
{
	while (piece != NULL && !piece->commit)
		piece = forged_piece_next(pieces, piece);
	if (piece == NULL)
		abort();
	return piece;
}
