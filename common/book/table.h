/* SPDX-License-Identifier: ISC */
#ifndef COMMON_BOOK_TABLE_H
#define COMMON_BOOK_TABLE_H
/*
 * What the book keeps its rows in: a table that grows in blocks, so that rows
 * never move, and an index from 64-bit keys to places in it.  Memory comes
 * from malloc and free alone: the rooms' sandbox has no mremap.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define BOOK_NO_PLACE UINT64_MAX

struct book_table {
	void **block;
	size_t row_len;
	uint64_t count;
	uint64_t block_count;
	uint64_t block_room;
};

struct book_index_slot {
	uint64_t key;
	uint64_t place; /* place + 1; 0: free */
};

struct book_index {
	struct book_index_slot *slot;
	uint64_t capacity; /* a power of two, or 0 */
	uint64_t count;
};

/* An empty table of rows of row_len bytes. */
void book_table_init(struct book_table *table, size_t row_len);
void book_table_free(struct book_table *table);

/*
 * Room for so many more rows, at most 512: SR_NO_SPACE.  As many calls of
 * book_table_add cannot fail then.
 */
enum sr_error book_table_reserve(struct book_table *table, uint64_t rows);

/* A new row of zeros; its place is the count before.  Only after a reserve. */
void *book_table_add(struct book_table *table);

/* The row at a place; NULL beyond the count. */
void *book_table_at(const struct book_table *table, uint64_t place);

void book_index_init(struct book_index *index);
void book_index_free(struct book_index *index);

/* Room for one more key: SR_NO_SPACE.  The next book_index_add cannot fail. */
enum sr_error book_index_reserve(struct book_index *index);

/* Adds a key that is not in it.  Only after a reserve. */
void book_index_add(struct book_index *index, uint64_t key, uint64_t place);

/* The place of a key, or BOOK_NO_PLACE. */
uint64_t book_index_find(const struct book_index *index, uint64_t key);

#endif
