/* SPDX-License-Identifier: ISC */
/*
 * The book as a whole: its rows in the journal's order, its sum, its digest.
 * The digest covers all that the rules look at, and nothing else.
 */
#include <assert.h>
#include <sodium.h>

#include "common/book.h"
#include "common/buffer.h"

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

/* One row after the other goes through this. */
struct digest {
	crypto_hash_sha256_state state;
	uint8_t bytes[512];
	struct writer w;
};

static void
row_begin(struct digest *d)
{
	d->w = writer_to(d->bytes, sizeof(d->bytes));
}

static void
row_end(struct digest *d)
{
	assert(!d->w.bad);
	crypto_hash_sha256_update(&d->state, d->bytes, writer_len(&d->w));
}

static void
digest_head(struct digest *d, const struct book *book)
{
	row_begin(d);
	writer_bytes(&d->w, "SRBOOK01", 8);
	writer_u8(&d->w, book->founded);
	writer_bytes(&d->w, book->bank_id, sizeof(book->bank_id));
	writer_u16(&d->w, book->unit);
	writer_i64(&d->w, book->rules.customer_floor_minor);
	writer_i64(&d->w, book->rules.customer_ceiling_minor);
	writer_u64(&d->w, book->rules.order_life_ms);
	writer_u64(&d->w, book->rules.request_life_ms);
	for (size_t i = 0; i < 2; i++) {
		writer_bytes(&d->w, book->operator_key[i], 32);
		writer_u8(&d->w, book->operator_known[i]);
	}
	writer_u64(&d->w, book->accounts.count);
	writer_u64(&d->w, book->principals.count);
	writer_u64(&d->w, book->terminals.count);
	writer_u64(&d->w, book->auditors.count);
	writer_u64(&d->w, book->request_count);
	row_end(d);
}

static void
digest_account(struct digest *d, const struct book_account *account)
{
	row_begin(d);
	writer_u64(&d->w, account->id);
	writer_i64(&d->w, account->posted_minor);
	writer_i64(&d->w, account->held_minor);
	writer_i64(&d->w, account->floor_minor);
	writer_i64(&d->w, account->ceiling_minor);
	writer_u8(&d->w, account->type);
	writer_u8(&d->w, account->status);
	row_end(d);
}

static void
digest_principal(struct digest *d, const struct book *book,
    const struct book_principal *principal)
{
	uint64_t first = principal->next_seq > BOOK_PAST
			     ? principal->next_seq - BOOK_PAST
			     : 1;

	row_begin(d);
	writer_u64(&d->w, principal->customer);
	writer_u64(&d->w, principal->next_seq);
	writer_bytes(&d->w, principal->last_hash, 32);
	writer_bytes(&d->w, principal->signing_key, 32);
	writer_bytes(&d->w, principal->attestation_hash, 32);
	writer_u32(&d->w, principal->key_epoch);
	writer_u32(&d->w, principal->terminal);
	writer_u8(&d->w, principal->role);
	writer_u8(&d->w, principal->revoked);
	row_end(d);
	for (uint64_t seq = first; seq < principal->next_seq; seq++) {
		const struct book_past_order *past =
		    book_past(book, principal, seq);

		row_begin(d);
		writer_u64(&d->w, past->leaf);
		writer_u16(&d->w, past->outcome);
		writer_bytes(&d->w, past->hash, sizeof(past->hash));
		writer_bytes(&d->w, past->reference, sizeof(past->reference));
		row_end(d);
	}
}

static void
digest_terminal(struct digest *d, const struct book_terminal *terminal)
{
	row_begin(d);
	writer_u32(&d->w, terminal->id);
	writer_u32(&d->w, terminal->epoch);
	writer_u64(&d->w, terminal->principal);
	writer_u64(&d->w, terminal->till);
	writer_i64(&d->w, terminal->maximum_minor);
	writer_u8(&d->w, terminal->revoked);
	row_end(d);
}

static void
digest_auditor(struct digest *d, const struct book_auditor *auditor)
{
	row_begin(d);
	writer_u64(&d->w, auditor->leaf);
	writer_bytes(&d->w, auditor->key, sizeof(auditor->key));
	writer_u8(&d->w, auditor->name_len);
	writer_bytes(&d->w, auditor->name, auditor->name_len);
	row_end(d);
}

static void
digest_request(struct digest *d, const struct book_request *request)
{
	uint8_t enrol[ORDER_ENROL_LEN], auditor[ORDER_AUDITOR_LEN];

	order_enrol_encode(&request->enrol, enrol);
	order_auditor_encode(&request->auditor, auditor);
	row_begin(d);
	writer_u64(&d->w, request->leaf);
	writer_u64(&d->w, request->requester);
	writer_u64(&d->w, request->time_ms);
	writer_bytes(&d->w, request->hash, sizeof(request->hash));
	writer_u8(&d->w, request->kind);
	writer_bytes(&d->w, enrol, sizeof(enrol));
	writer_bytes(&d->w, auditor, sizeof(auditor));
	writer_u8(&d->w, request->used);
	row_end(d);
}

void
book_digest(const struct book *book, uint8_t digest[32])
{
	struct digest d;

	crypto_hash_sha256_init(&d.state);
	digest_head(&d, book);
	for (uint64_t i = 0; i < book->accounts.count; i++)
		digest_account(&d, book_account_at(book, i));
	for (uint64_t i = 0; i < book->principals.count; i++)
		digest_principal(&d, book, book_principal_at(book, i));
	for (uint64_t i = 0; i < book->terminals.count; i++)
		digest_terminal(&d, book_terminal_at(book, i));
	for (uint64_t i = 0; i < book->auditors.count; i++)
		digest_auditor(&d, book_auditor_at(book, i));
	for (unsigned i = 0; i < book->request_count; i++)
		digest_request(&d, &book->request[i]);
	crypto_hash_sha256_final(&d.state, digest);
}
