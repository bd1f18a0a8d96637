/* SPDX-License-Identifier: ISC */
/* Tables in blocks and their indexes (open addressing, at most 3/4 full). */
#include "common/book/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 512u
#define FIRST_BLOCKS 16u
#define FIRST_SLOTS 64u

void
book_table_init(struct book_table *table, size_t row_len)
{
	*table = (struct book_table){.row_len = row_len};
}

void
book_table_free(struct book_table *table)
{
	for (uint64_t i = 0; i < table->block_count; i++)
		free(table->block[i]);
	free(table->block);
	book_table_init(table, table->row_len);
}

enum sr_error
book_table_reserve(struct book_table *table, uint64_t rows)
{
	void *block;

	assert(rows <= BLOCK_ROWS);
	if (table->count + rows <= table->block_count * BLOCK_ROWS)
		return SR_OK;
	if (table->block_count == table->block_room) {
		uint64_t room = table->block_room != 0 ? table->block_room * 2
						       : FIRST_BLOCKS;
		void **blocks = calloc(room, sizeof(*blocks));

		if (blocks == NULL)
			return SR_NO_SPACE;
		if (table->block_count != 0)
			memcpy(blocks, table->block,
			    table->block_count * sizeof(*blocks));
		free(table->block);
		table->block = blocks;
		table->block_room = room;
	}
	block = calloc(BLOCK_ROWS, table->row_len);
	if (block == NULL)
		return SR_NO_SPACE;
	table->block[table->block_count++] = block;
	return SR_OK;
}

void *
book_table_add(struct book_table *table)
{
	assert(table->count < table->block_count * BLOCK_ROWS);
	return book_table_at(table, table->count++);
}

void *
book_table_at(const struct book_table *table, uint64_t place)
{
	if (place >= table->count)
		return NULL;
	return (char *)table->block[place / BLOCK_ROWS] +
	       place % BLOCK_ROWS * table->row_len;
}

void
book_index_init(struct book_index *index)
{
	*index = (struct book_index){0};
}

void
book_index_free(struct book_index *index)
{
	free(index->slot);
	book_index_init(index);
}

/* Ids count up from 1: spread them (Fibonacci hashing). */
static uint64_t
slot_of(uint64_t key, uint64_t capacity)
{
	return (key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (capacity - 1);
}

static void
slot_put(struct book_index_slot *slot, uint64_t capacity, uint64_t key,
    uint64_t place)
{
	uint64_t at = slot_of(key, capacity);

	while (slot[at].place != 0) {
		assert(slot[at].key != key);
		at = (at + 1) & (capacity - 1);
	}
	slot[at] = (struct book_index_slot){key, place};
}

enum sr_error
book_index_reserve(struct book_index *index)
{
	uint64_t capacity;
	struct book_index_slot *slot;

	if ((index->count + 1) * 4 <= index->capacity * 3)
		return SR_OK;
	capacity = index->capacity != 0 ? index->capacity * 2 : FIRST_SLOTS;
	slot = calloc(capacity, sizeof(*slot));
	if (slot == NULL)
		return SR_NO_SPACE;
	for (uint64_t i = 0; i < index->capacity; i++)
		if (index->slot[i].place != 0)
			slot_put(slot, capacity, index->slot[i].key,
			    index->slot[i].place);
	free(index->slot);
	index->slot = slot;
	index->capacity = capacity;
	return SR_OK;
}

void
book_index_add(struct book_index *index, uint64_t key, uint64_t place)
{
	assert((index->count + 1) * 4 <= index->capacity * 3);
	slot_put(index->slot, index->capacity, key, place + 1);
	index->count++;
}

uint64_t
book_index_find(const struct book_index *index, uint64_t key)
{
	uint64_t at;

	if (index->capacity == 0)
		return BOOK_NO_PLACE;
	at = slot_of(key, index->capacity);
	while (index->slot[at].place != 0) {
		if (index->slot[at].key == key)
			return index->slot[at].place - 1;
		at = (at + 1) & (index->capacity - 1);
	}
	return BOOK_NO_PLACE;
}
