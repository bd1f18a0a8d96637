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

enum { ROW_MAX = 1024 };

struct rows {
	enum sr_error error; /* the first one; nothing moves after it */
	bool positions;
	bool first_version; /* SRBOOK01, which is read only */
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
	uint64_t flows;
	uint64_t postings;
};

/* The magic; of the two versions that are read it tells which. */
static void
row_magic(struct rows *r)
{
	static const char first[8] = {'S', 'R', 'B', 'O', 'O', 'K', '0', '1'};
	static const char known[8] = {'S', 'R', 'B', 'O', 'O', 'K', '0', '2'};
	struct reader found;
	uint8_t magic[8];

	memcpy(magic, known, sizeof(magic));
	field_bytes(r, magic, sizeof(magic));
	if (r->error != SR_OK)
		return;
	r->first_version = memcmp(magic, first, sizeof(first)) == 0;
	found = reader_of(magic, sizeof(magic));
	if (!r->first_version)
		r->error = reader_magic(&found, known, sizeof(known));
	if (r->error == SR_DAMAGED)
		r->error = SR_MALFORMED;
}

static void
row_policy(struct rows *r, struct book *book)
{
	struct order_policy *policy = &book->policy;

	field_i64(r, &policy->customer.floor_minor);
	field_i64(r, &policy->customer.ceiling_minor);
	field_u64(r, &policy->order_life_ms);
	field_u64(r, &policy->request_life_ms);
	if (r->first_version) {
		policy->customer.soft_floor_minor =
		    policy->customer.floor_minor;
		policy->customer.day_limit_minor = INT64_MAX;
		policy->undo_ms = BOOK_UNDO_MS;
		return;
	}
	field_i64(r, &policy->customer.soft_floor_minor);
	field_i64(r, &policy->customer.day_limit_minor);
	field_u64(r, &policy->undo_ms);
}

static void
row_head(struct rows *r, struct book *book, struct counts *counts)
{
	row_magic(r);
	field_bool(r, &book->founded);
	field_bytes(r, book->bank_id, sizeof(book->bank_id));
	field_u16(r, &book->unit);
	row_policy(r, book);
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
	if (!r->first_version) {
		field_u64(r, &counts->flows);
		field_u64(r, &counts->postings);
		field_u64(r, &book->posting_count);
	}
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
	if (r->first_version) {
		account->soft_floor_minor = account->floor_minor;
		account->day_limit_minor = INT64_MAX;
	} else {
		field_i64(r, &account->soft_floor_minor);
		field_i64(r, &account->day_limit_minor);
		field_u32(r, &account->flow);
		field_bool(r, &account->till_closed);
		field_choice(r, &account->label_len, 0, ORDER_LABEL_MAX);
		field_bytes(r, account->label, sizeof(account->label));
	}
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
	if (r->first_version) {
		if (principal->role == ROLE_TERMINAL ||
		    principal->role == ROLE_TELLER)
			principal->till =
			    account_id(principal->customer, ACCOUNT_INDEX_TILL);
	} else {
		field_u64(r, &principal->till);
		field_bool(r, &principal->erased);
	}
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

/* A request of the first version, which had its parameters decoded. */
static void
row_first_request(struct rows *r, struct book_request *request)
{
	struct order_auditor auditor = {0};
	struct order_release release = {0};
	struct order_enrol enrol = {0};

	field_bytes(r, &request->kind, 1);
	field_u64(r, &enrol.principal);
	field_u32(r, &enrol.terminal);
	field_u32(r, &enrol.epoch);
	field_i64(r, &enrol.till_maximum_minor);
	field_bytes(r, &enrol.role, 1);
	field_bytes(r, auditor.key, sizeof(auditor.key));
	field_choice(r, &auditor.name_len, 0, ORDER_AUDITOR_NAME_MAX);
	if (r->error == SR_OK)
		field_bytes(r, auditor.name, auditor.name_len);
	field_u64(r, &request->refers_to);
	field_bool(r, &request->used);
	if (r->error != SR_OK)
		return;
	if (request->kind == ORDER_ENROL_REQUEST) {
		request->attachment_len = ORDER_ENROL_LEN;
		order_enrol_encode(&enrol, request->attachment);
	} else if (request->kind == ORDER_AUDITOR_REQUEST) {
		request->attachment_len = ORDER_AUDITOR_LEN;
		order_auditor_encode(&auditor, request->attachment);
	} else if (request->kind == ORDER_RELEASE_REQUEST) {
		/* book_state_read() fills it in, when the holds are there */
		request->attachment_len = ORDER_RELEASE_LEN;
		order_release_encode(&release, request->attachment);
	} else {
		r->error = SR_MALFORMED;
	}
}

static void
row_request(struct rows *r, struct book_request *request)
{
	field_u64(r, &request->leaf);
	field_u64(r, &request->requester);
	field_u64(r, &request->time_ms);
	field_bytes(r, request->hash, sizeof(request->hash));
	if (r->first_version) {
		row_first_request(r, request);
		row_end(r);
		return;
	}
	field_bytes(r, &request->kind, 1);
	field_u64(r, &request->debit);
	field_u64(r, &request->credit);
	field_i64(r, &request->amount_minor);
	field_u64(r, &request->refers_to);
	field_u16(r, &request->attachment_len);
	if (r->error == SR_OK &&
	    (request->attachment_len > sizeof(request->attachment) ||
		!order_kind_is_request(request->kind)))
		r->error = SR_MALFORMED;
	if (r->error == SR_OK)
		field_bytes(r, request->attachment, request->attachment_len);
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
	if (!r->first_version)
		field_bool(r, &hold->counted);
	row_end(r);
}

static void
row_flow(struct rows *r, struct book_flow *flow)
{
	field_u64(r, &flow->hour);
	for (size_t i = 0; i < BOOK_FLOW_HOURS; i++)
		field_i64(r, &flow->bucket_minor[i]);
	row_end(r);
}

static void
row_posting(struct rows *r, struct book_posting *posting)
{
	field_u64(r, &posting->leaf);
	field_u64(r, &posting->time_ms);
	field_u64(r, &posting->debit);
	field_u64(r, &posting->credit);
	field_i64(r, &posting->amount_minor);
	field_bytes(r, &posting->kind, 1);
	field_bool(r, &posting->undone);
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
	    .holds = book->hold_count,
	    .flows = book->flows.count,
	    .postings = book->postings.count};
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
	for (uint64_t i = 0; i < counts.flows; i++)
		row_flow(&r, book_table_at(&book->flows, i));
	for (uint64_t n = book->posting_count - counts.postings;
	     n < book->posting_count; n++)
		row_posting(
		    &r, book_table_at(&book->postings, n % BOOK_POSTINGS));
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

/* The release requests of the first version name the hold and no more. */
static void
complete_releases(struct book *book)
{
	for (unsigned i = 0; i < book->request_count; i++) {
		struct book_request *request = &book->request[i];
		const struct book_hold *hold =
		    book_hold(book, request->refers_to);
		struct order_release release;

		if (request->kind != ORDER_RELEASE_REQUEST || hold == NULL)
			continue;
		release =
		    (struct order_release){hold->account, hold->amount_minor};
		order_release_encode(&release, request->attachment);
	}
}

static void
flow_in(struct rows *r, struct book *book)
{
	struct book_flow *flow = row_new(r, book, &book->flows);

	if (flow == NULL)
		return;
	row_flow(r, flow);
	for (size_t i = 0; r->error == SR_OK && i < BOOK_FLOW_HOURS; i++)
		if (flow->bucket_minor[i] < 0)
			r->error = SR_MALFORMED;
}

/*
 * The ring is full when more were remembered than it holds; each posting after
 * the one before, of accounts that exist.
 */
static void
postings_in(struct rows *r, struct book *book, uint64_t count)
{
	uint64_t total = book->posting_count, leaf = 0;

	if (r->error == SR_OK && (count > BOOK_POSTINGS || count > total ||
				     (count < BOOK_POSTINGS && count != total)))
		r->error = SR_MALFORMED;
	/* rows are added from place 0 on, and filled where they belong */
	for (uint64_t i = 0; r->error == SR_OK && i < count; i++)
		(void)row_new(r, book, &book->postings);
	for (uint64_t n = total - count; r->error == SR_OK && n < total; n++) {
		struct book_posting *posting =
		    book_table_at(&book->postings, n % BOOK_POSTINGS);

		row_posting(r, posting);
		if (r->error == SR_OK &&
		    (posting->amount_minor <= 0 ||
			(n > total - count && posting->leaf <= leaf) ||
			book_account(book, posting->debit) == NULL ||
			book_account(book, posting->credit) == NULL))
			r->error = SR_MALFORMED;
		leaf = posting->leaf;
	}
}

/* Rows of flows belong to accounts one by one. */
static void
check_flows(struct rows *r, const struct book *book)
{
	for (uint64_t i = 0; r->error == SR_OK && i < book->accounts.count; i++)
		if (book_account_at(book, i)->flow > book->flows.count)
			r->error = SR_MALFORMED;
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
	if (r.error == SR_OK && r.first_version)
		complete_releases(book);
	late_in(&r, book);
	for (uint64_t i = 0; r.error == SR_OK && i < counts.flows; i++)
		flow_in(&r, book);
	check_flows(&r, book);
	postings_in(&r, book, counts.postings);
	return r.error;
}
