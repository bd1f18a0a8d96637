/* SPDX-License-Identifier: ISC */
/*
 * The rows of the book, their fields listed once.  Whoever adds a field to a
 * row, or reads an older version of it, does so here and nowhere else.
 */
#include <string.h>

#include "common/book/fields.h"
#include "common/buffer.h"

/* The magic; of the two versions that are read it tells which. */
static void
row_magic(struct book_rows *r)
{
	static const char first[8] = {'S', 'R', 'B', 'O', 'O', 'K', '0', '1'};
	static const char known[8] = {'S', 'R', 'B', 'O', 'O', 'K', '0', '2'};
	struct reader found;
	uint8_t magic[8];

	memcpy(magic, known, sizeof(magic));
	book_field_bytes(r, magic, sizeof(magic));
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
row_policy(struct book_rows *r, struct book *book)
{
	struct order_policy *policy = &book->policy;

	book_field_i64(r, &policy->customer.floor_minor);
	book_field_i64(r, &policy->customer.ceiling_minor);
	book_field_u64(r, &policy->order_life_ms);
	book_field_u64(r, &policy->request_life_ms);
	if (r->first_version) {
		policy->customer.soft_floor_minor =
		    policy->customer.floor_minor;
		policy->customer.day_limit_minor = INT64_MAX;
		policy->undo_ms = BOOK_UNDO_MS;
		book->rules = ENTRY_RULES_FIRST;
		return;
	}
	book_field_choice(
	    r, &book->rules, ENTRY_RULES_FIRST, ENTRY_RULES_VERSION);
	book_field_i64(r, &policy->customer.soft_floor_minor);
	book_field_i64(r, &policy->customer.day_limit_minor);
	book_field_u64(r, &policy->undo_ms);
}

void
book_row_head(
    struct book_rows *r, struct book *book, struct book_counts *counts)
{
	row_magic(r);
	book_field_bool(r, &book->founded);
	book_field_bytes(r, book->bank_id, sizeof(book->bank_id));
	book_field_u16(r, &book->unit);
	row_policy(r, book);
	for (size_t i = 0; i < 2; i++) {
		book_field_bytes(r, book->operator_key[i], 32);
		book_field_bool(r, &book->operator_known[i]);
	}
	book_field_u64(r, &counts->accounts);
	book_field_u64(r, &counts->principals);
	book_field_u64(r, &counts->terminals);
	book_field_u64(r, &counts->auditors);
	book_field_u64(r, &counts->requests);
	book_field_u64(r, &counts->holds);
	book_field_u64(r, &book->late_posts);
	if (!r->first_version) {
		book_field_u64(r, &counts->flows);
		book_field_u64(r, &counts->postings);
		book_field_u64(r, &book->posting_count);
	}
	book_row_end(r);
}

void
book_row_account(struct book_rows *r, struct book_account *account)
{
	book_field_u64(r, &account->id);
	book_field_i64(r, &account->posted_minor);
	book_field_i64(r, &account->held_minor);
	book_field_i64(r, &account->floor_minor);
	book_field_i64(r, &account->ceiling_minor);
	book_field_choice(
	    r, &account->type, ACCOUNT_CUSTOMER, ACCOUNT_OVER_SHORT_TYPE);
	book_field_choice(r, &account->status, ACCOUNT_OPEN, ACCOUNT_CLOSED);
	if (r->first_version) {
		account->soft_floor_minor = account->floor_minor;
		account->day_limit_minor = INT64_MAX;
	} else {
		book_field_i64(r, &account->soft_floor_minor);
		book_field_i64(r, &account->day_limit_minor);
		book_field_u32(r, &account->flow);
		book_field_bool(r, &account->till_closed);
		book_field_choice(r, &account->label_len, 0, ORDER_LABEL_MAX);
		book_field_bytes(r, account->label, sizeof(account->label));
	}
	if (r->positions) {
		book_field_u32(r, &account->last_frame.segment);
		book_field_u32(r, &account->last_frame.offset);
	}
	book_row_end(r);
}

void
book_row_principal(struct book_rows *r, struct book_principal *principal)
{
	book_field_u64(r, &principal->customer);
	book_field_u64(r, &principal->next_seq);
	book_field_bytes(r, principal->last_hash, sizeof(principal->last_hash));
	book_field_bytes(
	    r, principal->signing_key, sizeof(principal->signing_key));
	book_field_bytes(r, principal->attestation_hash,
	    sizeof(principal->attestation_hash));
	book_field_u32(r, &principal->key_epoch);
	book_field_u32(r, &principal->terminal);
	book_field_choice(r, &principal->role, ROLE_CUSTOMER, ROLE_AUDITOR);
	book_field_bool(r, &principal->revoked);
	if (r->first_version) {
		if (principal->role == ROLE_TERMINAL ||
		    principal->role == ROLE_TELLER)
			principal->till =
			    account_id(principal->customer, ACCOUNT_INDEX_TILL);
	} else {
		book_field_u64(r, &principal->till);
		book_field_bool(r, &principal->erased);
	}
	book_row_end(r);
}

void
book_row_past(struct book_rows *r, struct book_past_order *past)
{
	book_field_u64(r, &past->leaf);
	book_field_u16(r, &past->outcome);
	book_field_bytes(r, past->hash, sizeof(past->hash));
	book_field_bytes(r, past->reference, sizeof(past->reference));
	book_row_end(r);
}

void
book_row_terminal(struct book_rows *r, struct book_terminal *terminal)
{
	book_field_u32(r, &terminal->id);
	book_field_u32(r, &terminal->epoch);
	book_field_u64(r, &terminal->principal);
	book_field_u64(r, &terminal->till);
	book_field_i64(r, &terminal->maximum_minor);
	book_field_bool(r, &terminal->revoked);
	book_row_end(r);
}

void
book_row_auditor(struct book_rows *r, struct book_auditor *auditor)
{
	book_field_u64(r, &auditor->leaf);
	book_field_bytes(r, auditor->key, sizeof(auditor->key));
	book_field_choice(r, &auditor->name_len, 0, ORDER_AUDITOR_NAME_MAX);
	if (r->error == SR_OK)
		book_field_bytes(r, auditor->name, auditor->name_len);
	book_row_end(r);
}

/* A request of the first version, which had its parameters decoded. */
static void
row_first_request(struct book_rows *r, struct book_request *request)
{
	struct order_auditor auditor = {0};
	struct order_release release = {0};
	struct order_enrol enrol = {0};

	book_field_bytes(r, &request->kind, 1);
	book_field_u64(r, &enrol.principal);
	book_field_u32(r, &enrol.terminal);
	book_field_u32(r, &enrol.epoch);
	book_field_i64(r, &enrol.till_maximum_minor);
	book_field_bytes(r, &enrol.role, 1);
	book_field_bytes(r, auditor.key, sizeof(auditor.key));
	book_field_choice(r, &auditor.name_len, 0, ORDER_AUDITOR_NAME_MAX);
	if (r->error == SR_OK)
		book_field_bytes(r, auditor.name, auditor.name_len);
	book_field_u64(r, &request->refers_to);
	book_field_bool(r, &request->used);
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

void
book_row_request(struct book_rows *r, struct book_request *request)
{
	book_field_u64(r, &request->leaf);
	book_field_u64(r, &request->requester);
	book_field_u64(r, &request->time_ms);
	book_field_bytes(r, request->hash, sizeof(request->hash));
	if (r->first_version) {
		row_first_request(r, request);
		book_row_end(r);
		return;
	}
	book_field_bytes(r, &request->kind, 1);
	book_field_u64(r, &request->debit);
	book_field_u64(r, &request->credit);
	book_field_i64(r, &request->amount_minor);
	book_field_u64(r, &request->refers_to);
	book_field_u16(r, &request->attachment_len);
	if (r->error == SR_OK &&
	    (request->attachment_len > sizeof(request->attachment) ||
		!order_kind_is_request(request->kind)))
		r->error = SR_MALFORMED;
	if (r->error == SR_OK)
		book_field_bytes(
		    r, request->attachment, request->attachment_len);
	book_field_bool(r, &request->used);
	book_row_end(r);
}

void
book_row_hold(struct book_rows *r, struct book_hold *hold)
{
	book_field_u64(r, &hold->leaf);
	book_field_u64(r, &hold->time_ms);
	book_field_u64(r, &hold->account);
	book_field_u64(r, &hold->till);
	book_field_i64(r, &hold->amount_minor);
	book_field_bytes(r, hold->reference, sizeof(hold->reference));
	book_field_bool(r, &hold->released);
	if (!r->first_version)
		book_field_choice(r, &hold->counted, 0, BOOK_COUNTED_BOTH);
	book_row_end(r);
}

void
book_row_flow(struct book_rows *r, struct book_flow *flow)
{
	book_field_u64(r, &flow->hour);
	for (size_t i = 0; i < BOOK_FLOW_HOURS; i++)
		book_field_i64(r, &flow->bucket_minor[i]);
	book_row_end(r);
}

void
book_row_posting(struct book_rows *r, struct book_posting *posting)
{
	book_field_u64(r, &posting->leaf);
	book_field_u64(r, &posting->time_ms);
	book_field_u64(r, &posting->debit);
	book_field_u64(r, &posting->credit);
	book_field_i64(r, &posting->amount_minor);
	book_field_bytes(r, &posting->kind, 1);
	book_field_bool(r, &posting->undone);
	book_row_end(r);
}

void
book_row_late(struct book_rows *r, struct book_late *late)
{
	book_field_u64(r, &late->leaf);
	book_field_u64(r, &late->time_ms);
	book_field_u64(r, &late->hold);
	book_field_u64(r, &late->account);
	book_field_u64(r, &late->till);
	book_field_i64(r, &late->amount_minor);
	book_field_bool(r, &late->below_floor);
	book_row_end(r);
}
