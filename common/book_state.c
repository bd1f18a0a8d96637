/* SPDX-License-Identifier: ISC */
/*
 * The book's fields, listed once: each function below names those of one row,
 * and moves them out or in.  Must never believe what it reads: counts,
 * choices and keys are checked, and a key comes once.
 */
#include "common/book_state.h"

#include <assert.h>
#include <string.h>

#include "common/book_rules.h"
#include "common/buffer.h"

enum { ROW_MAX = 512 };

struct rows {
	enum sr_error error; /* the first one; nothing moves after it */
	bool positions;
	book_source source; /* NULL: fields go out */
	book_sink sink;
	void *context;
	uint8_t bytes[ROW_MAX]; /* of the row that goes out */
	size_t len;
};

/* ---- fields ---------------------------------------------------------------- */

static void
field_bytes(struct rows *r, void *bytes, size_t len)
{
	if (r->error != SR_OK)
		return;
	if (r->source != NULL) {
		r->error = r->source(r->context, bytes, len);
		return;
	}
	assert(len <= ROW_MAX - r->len);
	memcpy(r->bytes + r->len, bytes, len);
	r->len += len;
}

static void
field_u64(struct rows *r, uint64_t *value)
{
	uint8_t bytes[8] = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader in = reader_of(bytes, sizeof(bytes));

	writer_u64(&w, *value);
	field_bytes(r, bytes, sizeof(bytes));
	if (r->source != NULL && r->error == SR_OK)
		*value = reader_u64(&in);
}

static void
field_i64(struct rows *r, int64_t *value)
{
	uint64_t bits = (uint64_t)*value;

	field_u64(r, &bits);
	*value = (int64_t)bits;
}

static void
field_u32(struct rows *r, uint32_t *value)
{
	uint8_t bytes[4] = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader in = reader_of(bytes, sizeof(bytes));

	writer_u32(&w, *value);
	field_bytes(r, bytes, sizeof(bytes));
	if (r->source != NULL && r->error == SR_OK)
		*value = reader_u32(&in);
}

static void
field_u16(struct rows *r, uint16_t *value)
{
	uint8_t bytes[2] = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader in = reader_of(bytes, sizeof(bytes));

	writer_u16(&w, *value);
	field_bytes(r, bytes, sizeof(bytes));
	if (r->source != NULL && r->error == SR_OK)
		*value = reader_u16(&in);
}

/* One of the values from first to last. */
static void
field_choice(struct rows *r, uint8_t *value, unsigned first, unsigned last)
{
	field_bytes(r, value, 1);
	if (r->error == SR_OK && r->source != NULL &&
	    (*value < first || *value > last))
		r->error = SR_MALFORMED;
}

static void
field_bool(struct rows *r, bool *value)
{
	uint8_t byte = *value;

	field_choice(r, &byte, 0, 1);
	if (r->error == SR_OK)
		*value = byte != 0;
}

/* The row is complete. */
static void
row_end(struct rows *r)
{
	if (r->error == SR_OK && r->source == NULL)
		r->error = r->sink(r->context, r->bytes, r->len);
	r->len = 0;
}

/* ---- rows ------------------------------------------------------------------- */

struct counts {
	uint64_t accounts;
	uint64_t principals;
	uint64_t terminals;
	uint64_t auditors;
	uint64_t requests;
	uint64_t holds;
};

static void
row_head(struct rows *r, struct book *book, struct counts *counts)
{
	static const char known[8] = {'S', 'R', 'B', 'O', 'O', 'K', '0', '1'};
	struct reader found;
	uint8_t magic[8];

	memcpy(magic, known, sizeof(magic));
	field_bytes(r, magic, sizeof(magic));
	found = reader_of(magic, sizeof(magic));
	if (r->error == SR_OK) {
		r->error = reader_magic(&found, known, sizeof(known));
		if (r->error == SR_DAMAGED)
			r->error = SR_MALFORMED;
	}
	field_bool(r, &book->founded);
	field_bytes(r, book->bank_id, sizeof(book->bank_id));
	field_u16(r, &book->unit);
	field_i64(r, &book->rules.customer_floor_minor);
	field_i64(r, &book->rules.customer_ceiling_minor);
	field_u64(r, &book->rules.order_life_ms);
	field_u64(r, &book->rules.request_life_ms);
	for (size_t i = 0; i < 2; i++) {
		field_bytes(r, book->operator_key[i], 32);
		field_bool(r, &book->operator_known[i]);
	}
	field_u64(r, &counts->accounts);
	field_u64(r, &counts->principals);
	field_u64(r, &counts->terminals);
	field_u64(r, &counts->auditors);
	field_u64(r, &counts->requests);
	field_u64(r, &counts->holds);
	field_u64(r, &book->late_posts);
	row_end(r);
}

static void
row_account(struct rows *r, struct book_account *account)
{
	field_u64(r, &account->id);
	field_i64(r, &account->posted_minor);
	field_i64(r, &account->held_minor);
	field_i64(r, &account->floor_minor);
	field_i64(r, &account->ceiling_minor);
	field_choice(
	    r, &account->type, ACCOUNT_CUSTOMER, ACCOUNT_OVER_SHORT_TYPE);
	field_choice(r, &account->status, ACCOUNT_OPEN, ACCOUNT_CLOSED);
	if (r->positions) {
		field_u32(r, &account->last_frame.segment);
		field_u32(r, &account->last_frame.offset);
	}
	row_end(r);
}

static void
row_principal(struct rows *r, struct book_principal *principal)
{
	field_u64(r, &principal->customer);
	field_u64(r, &principal->next_seq);
	field_bytes(r, principal->last_hash, sizeof(principal->last_hash));
	field_bytes(r, principal->signing_key, sizeof(principal->signing_key));
	field_bytes(r, principal->attestation_hash,
	    sizeof(principal->attestation_hash));
	field_u32(r, &principal->key_epoch);
	field_u32(r, &principal->terminal);
	field_choice(r, &principal->role, ROLE_CUSTOMER, ROLE_AUDITOR);
	field_bool(r, &principal->revoked);
	row_end(r);
}

static void
row_past(struct rows *r, struct book_past_order *past)
{
	field_u64(r, &past->leaf);
	field_u16(r, &past->outcome);
	field_bytes(r, past->hash, sizeof(past->hash));
	field_bytes(r, past->reference, sizeof(past->reference));
	row_end(r);
}

static void
row_terminal(struct rows *r, struct book_terminal *terminal)
{
	field_u32(r, &terminal->id);
	field_u32(r, &terminal->epoch);
	field_u64(r, &terminal->principal);
	field_u64(r, &terminal->till);
	field_i64(r, &terminal->maximum_minor);
	field_bool(r, &terminal->revoked);
	row_end(r);
}

static void
row_auditor(struct rows *r, struct book_auditor *auditor)
{
	field_u64(r, &auditor->leaf);
	field_bytes(r, auditor->key, sizeof(auditor->key));
	field_choice(r, &auditor->name_len, 0, ORDER_AUDITOR_NAME_MAX);
	if (r->error == SR_OK)
		field_bytes(r, auditor->name, auditor->name_len);
	row_end(r);
}

/* The parameters that the kind does not have are zeros. */
static void
row_request(struct rows *r, struct book_request *request)
{
	struct order_auditor *auditor = &request->auditor;
	struct order_enrol *enrol = &request->enrol;

	field_u64(r, &request->leaf);
	field_u64(r, &request->requester);
	field_u64(r, &request->time_ms);
	field_bytes(r, request->hash, sizeof(request->hash));
	field_bytes(r, &request->kind, 1);
	field_u64(r, &enrol->principal);
	field_u32(r, &enrol->terminal);
	field_u32(r, &enrol->epoch);
	field_i64(r, &enrol->till_maximum_minor);
	field_bytes(r, &enrol->role, 1);
	field_bytes(r, auditor->key, sizeof(auditor->key));
	field_choice(r, &auditor->name_len, 0, ORDER_AUDITOR_NAME_MAX);
	if (r->error == SR_OK)
		field_bytes(r, auditor->name, auditor->name_len);
	field_u64(r, &request->hold);
	field_bool(r, &request->used);
	row_end(r);
}

static void
row_hold(struct rows *r, struct book_hold *hold)
{
	field_u64(r, &hold->leaf);
	field_u64(r, &hold->time_ms);
	field_u64(r, &hold->account);
	field_u64(r, &hold->till);
	field_i64(r, &hold->amount_minor);
	field_bytes(r, hold->reference, sizeof(hold->reference));
	field_bool(r, &hold->released);
	row_end(r);
}

static void
row_late(struct rows *r, struct book_late *late)
{
	field_u64(r, &late->leaf);
	field_u64(r, &late->time_ms);
	field_u64(r, &late->hold);
	field_u64(r, &late->account);
	field_u64(r, &late->till);
	field_i64(r, &late->amount_minor);
	field_bool(r, &late->below_floor);
	row_end(r);
}

/* ---- out --------------------------------------------------------------------- */

/* The seq of the oldest order that is remembered. */
static uint64_t
first_past(const struct book_principal *principal)
{
	return principal->next_seq > BOOK_PAST ? principal->next_seq - BOOK_PAST
					       : 1;
}

static void
principal_out(struct rows *r, const struct book *book, uint64_t place)
{
	struct book_principal *principal =
	    book_table_at(&book->principals, place);

	row_principal(r, principal);
	for (uint64_t seq = first_past(principal); seq < principal->next_seq;
	     seq++) {
		struct book_past_order past = *book_past(book, principal, seq);

		row_past(r, &past);
	}
}

enum sr_error
book_state_write(const struct book *book, enum book_state_part part,
    book_sink sink, void *context)
{
	struct rows r = {.positions = part == BOOK_STATE_ALL,
	    .sink = sink,
	    .context = context};
	struct counts counts = {.accounts = book->accounts.count,
	    .principals = book->principals.count,
	    .terminals = book->terminals.count,
	    .auditors = book->auditors.count,
	    .requests = book->request_count,
	    .holds = book->hold_count};
	struct book head = *book; /* its tables stay the book's */

	row_head(&r, &head, &counts);
	for (uint64_t i = 0; i < counts.accounts; i++)
		row_account(&r, book_table_at(&book->accounts, i));
	for (uint64_t i = 0; i < counts.principals; i++)
		principal_out(&r, book, i);
	for (uint64_t i = 0; i < counts.terminals; i++)
		row_terminal(&r, book_table_at(&book->terminals, i));
	for (uint64_t i = 0; i < counts.auditors; i++)
		row_auditor(&r, book_table_at(&book->auditors, i));
	for (uint64_t i = 0; i < counts.requests; i++)
		row_request(&r, &head.request[i]);
	for (uint64_t i = 0; i < counts.holds; i++)
		row_hold(&r, &head.hold[i]);
	for (unsigned i = 0; i < book_late_count(book); i++) {
		struct book_late late = *book_late_at(book, i);

		row_late(&r, &late);
	}
	return r.error;
}

/* ---- in ---------------------------------------------------------------------- */

/* A new row, filled in place; NULL when there is no memory for it. */
static void *
row_new(struct rows *r, struct book *book, struct book_table *table)
{
	if (r->error == SR_OK)
		r->error = book_reserve_rows(book);
	return r->error == SR_OK ? book_table_add(table) : NULL;
}

/* The index knows the last row of the table by that key. */
static void
key_enter(struct rows *r, struct book_index *index,
    const struct book_table *table, uint64_t key)
{
	if (r->error != SR_OK)
		return;
	if (book_index_find(index, key) != BOOK_NO_PLACE)
		r->error = SR_MALFORMED;
	else
		book_index_add(index, key, table->count - 1);
}

static void
account_in(struct rows *r, struct book *book)
{
	struct book_account *account = row_new(r, book, &book->accounts);

	if (account == NULL)
		return;
	row_account(r, account);
	key_enter(r, &book->account_index, &book->accounts, account->id);
}

static void
past_in(struct rows *r, struct book *book, struct book_principal *principal,
    uint64_t seq)
{
	uint64_t place = (seq - 1) % BOOK_PAST;
	uint32_t *piece = &principal->past[place / BOOK_PAST_PIECE];
	struct book_past_order *orders;

	if (*piece == 0) {
		if (book->past.count >= UINT32_MAX)
			r->error = SR_NO_SPACE;
		if (row_new(r, book, &book->past) == NULL)
			return;
		*piece = (uint32_t)book->past.count;
	}
	orders = book_table_at(&book->past, *piece - 1);
	row_past(r, &orders[place % BOOK_PAST_PIECE]);
}

static void
principal_in(struct rows *r, struct book *book)
{
	struct book_principal *principal = row_new(r, book, &book->principals);

	if (principal == NULL)
		return;
	row_principal(r, principal);
	if (r->error == SR_OK && principal->next_seq == 0)
		r->error = SR_MALFORMED;
	key_enter(
	    r, &book->principal_index, &book->principals, principal->customer);
	for (uint64_t seq = first_past(principal);
	     r->error == SR_OK && seq < principal->next_seq; seq++)
		past_in(r, book, principal, seq);
}

static void
terminal_in(struct rows *r, struct book *book)
{
	struct book_terminal *terminal = row_new(r, book, &book->terminals);

	if (terminal == NULL)
		return;
	row_terminal(r, terminal);
	key_enter(r, &book->terminal_index, &book->terminals, terminal->id);
}

static void
auditor_in(struct rows *r, struct book *book)
{
	struct book_auditor *auditor = row_new(r, book, &book->auditors);

	if (auditor != NULL)
		row_auditor(r, auditor);
}

/* By leaf, and each of accounts that exist. */
static void
hold_in(struct rows *r, struct book *book)
{
	struct book_hold *hold = &book->hold[book->hold_count];

	row_hold(r, hold);
	if (r->error != SR_OK)
		return;
	if (hold->amount_minor <= 0 ||
	    book_account(book, hold->account) == NULL ||
	    book_account(book, hold->till) == NULL ||
	    (book->hold_count > 0 && hold[-1].leaf >= hold->leaf))
		r->error = SR_MALFORMED;
	else
		book->hold_count++;
}

/* As many as their number, in the head, says; each after the one before. */
static void
late_in(struct rows *r, struct book *book)
{
	uint64_t first = book->late_posts - book_late_count(book), leaf = 0;

	for (uint64_t n = first; r->error == SR_OK && n < book->late_posts;
	     n++) {
		struct book_late *late = &book->late[n % BOOK_LATE_MAX];

		row_late(r, late);
		if (r->error == SR_OK &&
		    (late->amount_minor <= 0 || late->hold >= late->leaf ||
			late->leaf <= leaf))
			r->error = SR_MALFORMED;
		leaf = late->leaf;
	}
}

enum sr_error
book_state_read(struct book *book, book_source source, void *context)
{
	struct rows r = {
	    .positions = true, .source = source, .context = context};
	struct counts counts = {0};

	row_head(&r, book, &counts);
	if (r.error == SR_OK && (counts.requests > BOOK_REQUESTS_MAX ||
				    counts.holds > BOOK_HOLDS_MAX))
		r.error = SR_MALFORMED;
	for (uint64_t i = 0; r.error == SR_OK && i < counts.accounts; i++)
		account_in(&r, book);
	for (uint64_t i = 0; r.error == SR_OK && i < counts.principals; i++)
		principal_in(&r, book);
	for (uint64_t i = 0; r.error == SR_OK && i < counts.terminals; i++)
		terminal_in(&r, book);
	for (uint64_t i = 0; r.error == SR_OK && i < counts.auditors; i++)
		auditor_in(&r, book);
	for (uint64_t i = 0; r.error == SR_OK && i < counts.requests; i++)
		row_request(&r, &book->request[i]);
	if (r.error == SR_OK)
		book->request_count = (unsigned)counts.requests;
	for (uint64_t i = 0; r.error == SR_OK && i < counts.holds; i++)
		hold_in(&r, book);
	late_in(&r, book);
	return r.error;
}
