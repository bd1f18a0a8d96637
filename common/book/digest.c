/* SPDX-License-Identifier: ISC */
/*
 * The book as a whole: its rows in the journal's order, its sum, its digest.
 * What the digest covers stands in state.c.
 */
#include <assert.h>
#include <sodium.h>

#include "common/book/book.h"
#include "common/book/state.h"

uint64_t
book_account_count(const struct book *book)
{
	return book->accounts.count;
}

struct book_account *
book_account_at(const struct book *book, uint64_t place)
{
	return book_table_at(&book->accounts, place);
}

uint64_t
book_principal_count(const struct book *book)
{
	return book->principals.count;
}

const struct book_principal *
book_principal_at(const struct book *book, uint64_t place)
{
	return book_table_at(&book->principals, place);
}

uint64_t
book_terminal_count(const struct book *book)
{
	return book->terminals.count;
}

const struct book_terminal *
book_terminal_at(const struct book *book, uint64_t place)
{
	return book_table_at(&book->terminals, place);
}

uint64_t
book_auditor_count(const struct book *book)
{
	return book->auditors.count;
}

const struct book_auditor *
book_auditor_at(const struct book *book, uint64_t place)
{
	return book_table_at(&book->auditors, place);
}

int64_t
book_sum(const struct book *book)
{
	__int128 sum = 0;

	for (uint64_t i = 0; i < book->accounts.count; i++)
		sum += book_account_at(book, i)->posted_minor;
	assert(sum >= INT64_MIN && sum <= INT64_MAX);
	return (int64_t)sum;
}

static enum sr_error
hash(void *state, const uint8_t *bytes, size_t len)
{
	crypto_hash_sha256_update(state, bytes, len);
	return SR_OK;
}

void
book_digest(const struct book *book, uint8_t digest[32])
{
	crypto_hash_sha256_state state;
	enum sr_error error;

	crypto_hash_sha256_init(&state);
	error = book_state_write(book, BOOK_STATE_RULES, hash, &state);
	assert(error == SR_OK);
	crypto_hash_sha256_final(&state, digest);
}
