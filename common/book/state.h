/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BOOK_STATE_H
#define COMMON_BOOK_STATE_H
/*
 * The whole book as bytes: for the digest and for snapshots, and back.  One
 * list of fields serves all three, so that nothing the rules look at can be
 * in one and not in another.  Whoever adds a field or a table to the book
 * adds it to state.c, and nowhere else.
 *
 * Little-endian: head with the counts, then accounts, principals, each with
 * its remembered orders from the oldest to the newest, terminals, auditors,
 * open requests, holds, the late posts that are listed, what left accounts
 * with a limit, and the postings that may be undone, in the order of the
 * journal.  That is version 2; version 1, without the last two, is read, too.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/book/book.h"
#include "common/error.h"

/* Takes len bytes at a time; anything but SR_OK ends the writing. */
typedef enum sr_error (*book_sink)(
    void *context, const uint8_t *bytes, size_t len);

/* Gives exactly len bytes; anything but SR_OK ends the reading. */
typedef enum sr_error (*book_source)(void *context, uint8_t *bytes, size_t len);

enum book_state_part {
	BOOK_STATE_RULES, /* what the rules look at: the digest */
	BOOK_STATE_ALL,   /* and the positions of accounts' last frames */
};

/* Writes the book; the sink's error, else SR_OK. */
enum sr_error book_state_write(const struct book *book,
    enum book_state_part part, book_sink sink, void *context);

/*
 * Fills an empty book from what book_state_write(BOOK_STATE_ALL) wrote.
 * SR_MALFORMED when the bytes are no book, SR_NO_SPACE, or the source's
 * error; the book is then to be freed.
 */
enum sr_error book_state_read(
    struct book *book, book_source source, void *context);

#endif
