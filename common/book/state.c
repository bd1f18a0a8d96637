/* SPDX-License-Identifier: ISC */
/*
 * The whole book out and in again, table by table.  Must never believe what
 * it reads: counts and keys are checked here, and a key comes once.
 */
#include "common/book/state.h"

#include <string.h>

#include "common/book/fields.h"
#include "common/book/rules.h"

/* ---- out --------------------------------------------------------------------- */

/* The seq of the oldest order that is remembered. */
static uint64_t
first_past(const struct book_principal *principal)
{
	return principal->next_seq > BOOK_PAST ? principal->next_seq - BOOK_PAST
					       : 1;
}

static void
principal_out(struct book_rows *r, const struct book *book, uint64_t place)
{
	struct book_principal *principal =
	    book_table_at(&book->principals, place);

	book_row_principal(r, principal);
	for (uint64_t seq = first_past(principal); seq < principal->next_seq;
	     seq++) {
		struct book_past_order past = *book_past(book, principal, seq);

		book_row_past(r, &past);
	}
}

enum sr_error
book_state_write(const struct book *book, enum book_state_part part,
    book_sink sink, void *context)
{
	struct book_rows r = {.positions = part == BOOK_STATE_ALL,
	    .sink = sink,
	    .context = context};
	struct book_counts counts = {.accounts = book->accounts.count,
	    .principals = book->principals.count,
	    .terminals = book->terminals.count,
	    .auditors = book->auditors.count,
	    .requests = book->request_count,
	    .holds = book->hold_count,
	    .flows = book->flows.count,
	    .postings = book->postings.count};
	struct book head = *book; /* its tables stay the book's */

	book_row_head(&r, &head, &counts);
	for (uint64_t i = 0; i < counts.accounts; i++)
		book_row_account(&r, book_table_at(&book->accounts, i));
	for (uint64_t i = 0; i < counts.principals; i++)
		principal_out(&r, book, i);
	for (uint64_t i = 0; i < counts.terminals; i++)
		book_row_terminal(&r, book_table_at(&book->terminals, i));
	for (uint64_t i = 0; i < counts.auditors; i++)
		book_row_auditor(&r, book_table_at(&book->auditors, i));
	for (uint64_t i = 0; i < counts.requests; i++)
		book_row_request(&r, &head.request[i]);
	for (uint64_t i = 0; i < counts.holds; i++)
		book_row_hold(&r, &head.hold[i]);
	for (unsigned i = 0; i < book_late_count(book); i++) {
		struct book_late late = *book_late_at(book, i);

		book_row_late(&r, &late);
	}
	for (uint64_t i = 0; i < counts.flows; i++)
		book_row_flow(&r, book_table_at(&book->flows, i));
	for (uint64_t n = book->posting_count - counts.postings;
	     n < book->posting_count; n++)
		book_row_posting(
		    &r, book_table_at(&book->postings, n % BOOK_POSTINGS));
	return r.error;
}

/* ---- in ---------------------------------------------------------------------- */

/* A new row, filled in place; NULL when there is no memory for it. */
static void *
row_new(struct book_rows *r, struct book *book, struct book_table *table)
{
	if (r->error == SR_OK)
		r->error = book_reserve_rows(book);
	return r->error == SR_OK ? book_table_add(table) : NULL;
}

/* The index knows the last row of the table by that key. */
static void
key_enter(struct book_rows *r, struct book_index *index,
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
account_in(struct book_rows *r, struct book *book)
{
	struct book_account *account = row_new(r, book, &book->accounts);

	if (account == NULL)
		return;
	book_row_account(r, account);
	key_enter(r, &book->account_index, &book->accounts, account->id);
}

static void
past_in(struct book_rows *r, struct book *book,
    struct book_principal *principal, uint64_t seq)
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
	book_row_past(r, &orders[place % BOOK_PAST_PIECE]);
}

static void
principal_in(struct book_rows *r, struct book *book)
{
	struct book_principal *principal = row_new(r, book, &book->principals);

	if (principal == NULL)
		return;
	book_row_principal(r, principal);
	if (r->error == SR_OK && principal->next_seq == 0)
		r->error = SR_MALFORMED;
	key_enter(
	    r, &book->principal_index, &book->principals, principal->customer);
	for (uint64_t seq = first_past(principal);
	     r->error == SR_OK && seq < principal->next_seq; seq++)
		past_in(r, book, principal, seq);
}

static void
terminal_in(struct book_rows *r, struct book *book)
{
	struct book_terminal *terminal = row_new(r, book, &book->terminals);

	if (terminal == NULL)
		return;
	book_row_terminal(r, terminal);
	key_enter(r, &book->terminal_index, &book->terminals, terminal->id);
}

static void
auditor_in(struct book_rows *r, struct book *book)
{
	struct book_auditor *auditor = row_new(r, book, &book->auditors);

	if (auditor != NULL)
		book_row_auditor(r, auditor);
}

/* As many as their number, in the head, says; each after the one before. */
static void
late_in(struct book_rows *r, struct book *book)
{
	uint64_t first = book->late_posts - book_late_count(book), leaf = 0;

	for (uint64_t n = first; r->error == SR_OK && n < book->late_posts;
	     n++) {
		struct book_late *late = &book->late[n % BOOK_LATE_MAX];

		book_row_late(r, late);
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
flow_in(struct book_rows *r, struct book *book)
{
	struct book_flow *flow = row_new(r, book, &book->flows);

	if (flow != NULL)
		book_row_flow(r, flow);
}

/* The ring is full when more were remembered than it holds. */
static void
postings_in(struct book_rows *r, struct book *book, uint64_t count)
{
	uint64_t total = book->posting_count;

	if (r->error == SR_OK && (count > BOOK_POSTINGS || count > total ||
				     (count < BOOK_POSTINGS && count != total)))
		r->error = SR_MALFORMED;
	/* rows are added from place 0 on, and filled where they belong */
	for (uint64_t i = 0; r->error == SR_OK && i < count; i++)
		(void)row_new(r, book, &book->postings);
	for (uint64_t n = total - count; r->error == SR_OK && n < total; n++)
		book_row_posting(
		    r, book_table_at(&book->postings, n % BOOK_POSTINGS));
}

enum sr_error
book_state_read(struct book *book, book_source source, void *context)
{
	struct book_rows r = {
	    .positions = true, .source = source, .context = context};
	struct book_counts counts = {0};

	book_row_head(&r, book, &counts);
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
		book_row_request(&r, &book->request[i]);
	if (r.error == SR_OK)
		book->request_count = (unsigned)counts.requests;
	for (uint64_t i = 0; r.error == SR_OK && i < counts.holds; i++)
		book_row_hold(&r, &book->hold[i]);
	if (r.error == SR_OK)
		book->hold_count = (unsigned)counts.holds;
	if (r.error == SR_OK && r.first_version)
		complete_releases(book);
	late_in(&r, book);
	for (uint64_t i = 0; r.error == SR_OK && i < counts.flows; i++)
		flow_in(&r, book);
	postings_in(&r, book, counts.postings);
	return r.error == SR_OK ? book_state_check(book) : r.error;
}
