/* SPDX-License-Identifier: ISC */
/*
 * Lists that the bank gives page by page: withdrawals, accounts, requests.
 * A page that does not go on where the one before ended is no answer.
 */
#include <string.h>

#include "client/bank.h"

/* The rows of one answer; *after moves on. */
static enum sr_error
bank_holds_read(const struct message_holds *holds, uint64_t *after,
    void (*each)(void *context, const struct bank_hold *hold), void *context)
{
	struct reader r = reader_of(holds->list, holds->list_len);

	while (reader_left(&r) > 0) {
		struct bank_hold hold;
		uint8_t state, revoked;

		hold.leaf = reader_u64(&r);
		hold.time_ms = reader_u64(&r);
		hold.account = reader_u64(&r);
		hold.till = reader_u64(&r);
		hold.amount_minor = reader_i64(&r);
		reader_bytes(&r, hold.reference, sizeof(hold.reference));
		state = reader_u8(&r);
		revoked = reader_u8(&r);
		reader_zeros(&r, 6);
		if (r.bad || hold.leaf <= *after ||
		    state > BANK_HOLD_RELEASED || revoked > 1)
			return SR_MALFORMED;
		hold.revoked = revoked == 1;
		hold.state = (enum bank_hold_state)state;
		*after = hold.leaf;
		each(context, &hold);
	}
	return SR_OK;
}

enum sr_error
bank_holds(struct bank_session *session,
    void (*each)(void *context, const struct bank_hold *hold), void *context)
{
	struct message_holds holds = {.more = 1};
	struct bank_answer answer;
	uint64_t after = 0;
	enum sr_error error = SR_OK;

	while (error == SR_OK && holds.more == 1) {
		uint8_t bytes[64];
		struct writer w = writer_to(bytes, sizeof(bytes));
		struct message_holds_get get = {
		    .request = ++session->request, .after = after};
		uint64_t before = after;

		error = message_holds_get_encode(&w, &get);
		if (error == SR_OK)
			error = bank_exchange(session, bytes, writer_len(&w),
			    MESSAGE_HOLDS, &answer);
		if (error == SR_OK)
			error = message_holds_decode(
			    answer.body, answer.body_len, &holds);
		if (error == SR_OK && holds.request != get.request)
			error = SR_MALFORMED;
		if (error == SR_OK && holds.error != SR_OK)
			error = error_of_wire(holds.error);
		if (error == SR_OK)
			error = bank_holds_read(&holds, &after, each, context);
		if (error == SR_OK && holds.more == 1 && after == before)
			error = SR_MALFORMED;
	}
	return error;
}

static enum sr_error
bank_late_read(const struct message_late *list,
    void (*each)(void *context, const struct bank_late *late), void *context)
{
	struct reader r = reader_of(list->list, list->list_len);

	while (reader_left(&r) > 0) {
		struct bank_late late;
		uint8_t below;

		late.leaf = reader_u64(&r);
		late.time_ms = reader_u64(&r);
		late.hold = reader_u64(&r);
		late.account = reader_u64(&r);
		late.till = reader_u64(&r);
		late.amount_minor = reader_i64(&r);
		below = reader_u8(&r);
		reader_zeros(&r, 7);
		if (r.bad || below > 1)
			return SR_MALFORMED;
		late.below_floor = below == 1;
		each(context, &late);
	}
	return SR_OK;
}

enum sr_error
bank_late(struct bank_session *session,
    void (*each)(void *context, const struct bank_late *late), void *context,
    uint64_t *total)
{
	uint8_t bytes[64];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_late_get get = {.request = ++session->request};
	struct message_late list = {0};
	struct bank_answer answer;
	enum sr_error error = message_late_get_encode(&w, &get);

	if (error == SR_OK)
		error = bank_exchange(
		    session, bytes, writer_len(&w), MESSAGE_LATE, &answer);
	if (error == SR_OK)
		error =
		    message_late_decode(answer.body, answer.body_len, &list);
	if (error == SR_OK && list.request != get.request)
		error = SR_MALFORMED;
	if (error == SR_OK && list.error != SR_OK)
		error = error_of_wire(list.error);
	if (error == SR_OK)
		error = bank_late_read(&list, each, context);
	if (error == SR_OK)
		*total = list.total;
	return error;
}

/* The rows of one answer; *after moves on. */
static enum sr_error
bank_accounts_read(const struct message_accounts *accounts, uint64_t *after,
    void (*each)(void *context, const struct bank_account *account),
    void *context)
{
	struct reader r = reader_of(accounts->list, accounts->list_len);

	while (reader_left(&r) > 0) {
		struct bank_account account = {0};
		uint8_t closed, label_len;

		account.id = reader_u64(&r);
		account.posted_minor = reader_i64(&r);
		account.held_minor = reader_i64(&r);
		account.floor_minor = reader_i64(&r);
		account.soft_floor_minor = reader_i64(&r);
		account.ceiling_minor = reader_i64(&r);
		account.day_limit_minor = reader_i64(&r);
		account.day_left_minor = reader_i64(&r);
		account.type = reader_u8(&r);
		account.status = reader_u8(&r);
		closed = reader_u8(&r);
		label_len = reader_u8(&r);
		if (label_len > ORDER_LABEL_MAX)
			return SR_MALFORMED;
		reader_bytes(&r, account.label, label_len);
		reader_zeros(&r, ORDER_LABEL_MAX - label_len + 4u);
		/* it is printed */
		if (label_len > 0 &&
		    order_label_check(account.label, label_len) != SR_OK)
			return SR_MALFORMED;
		if (r.bad || closed > 1 || account.id == 0 ||
		    account.status > BANK_ACCOUNT_CLOSED)
			return SR_MALFORMED;
		account.till_closed = closed == 1;
		*after = account.id;
		each(context, &account);
	}
	return SR_OK;
}

enum sr_error
bank_accounts(struct bank_session *session, uint64_t customer,
    void (*each)(void *context, const struct bank_account *account),
    void *context)
{
	struct message_accounts accounts = {.more = 1};
	struct bank_answer answer;
	uint64_t after = 0;
	enum sr_error error = SR_OK;

	while (error == SR_OK && accounts.more == 1) {
		uint8_t bytes[64];
		struct writer w = writer_to(bytes, sizeof(bytes));
		struct message_accounts_get get = {
		    .request = ++session->request,
		    .customer = customer,
		    .after = after};
		uint64_t before = after;

		error = message_accounts_get_encode(&w, &get);
		if (error == SR_OK)
			error = bank_exchange(session, bytes, writer_len(&w),
			    MESSAGE_ACCOUNTS, &answer);
		if (error == SR_OK)
			error = message_accounts_decode(
			    answer.body, answer.body_len, &accounts);
		if (error == SR_OK && accounts.request != get.request)
			error = SR_MALFORMED;
		if (error == SR_OK && accounts.error != SR_OK)
			error = error_of_wire(accounts.error);
		if (error == SR_OK)
			error = bank_accounts_read(
			    &accounts, &after, each, context);
		if (error == SR_OK && accounts.more == 1 && after == before)
			error = SR_MALFORMED;
	}
	return error;
}

/* One request: what it asks for must be what its bytes say. */
static enum sr_error
bank_request_read(const struct bank_session *session, struct reader *r,
    struct bank_request *request)
{
	uint8_t hash[ORDER_HASH_LEN];
	enum sr_error error;

	memset(request, 0, sizeof(*request));
	request->leaf = reader_u64(r);
	request->time_ms = reader_u64(r);
	reader_bytes(r, request->bytes, sizeof(request->bytes));
	request->attachment_len = reader_u16(r);
	if (request->attachment_len > sizeof(request->attachment))
		return SR_MALFORMED;
	reader_bytes(r, request->attachment, request->attachment_len);
	if (r->bad)
		return SR_MALFORMED;
	error = order_decode(request->bytes, &request->order);
	if (error != SR_OK)
		return error;
	order_attachment_hash(
	    request->attachment, request->attachment_len, hash);
	if (memcmp(hash, request->order.attachment_hash, sizeof(hash)) != 0 ||
	    memcmp(request->order.bank, session->login.certificate.bank_id,
		sizeof(request->order.bank)) != 0 ||
	    !order_kind_is_request(request->order.kind) ||
	    order_attachment_check(request->order.kind, request->attachment,
		request->attachment_len) != SR_OK)
		return SR_MALFORMED;
	order_hash(request->bytes, request->hash);
	return SR_OK;
}

static enum sr_error
bank_requests_read(const struct bank_session *session,
    const struct message_requests *requests, uint64_t *after,
    void (*each)(void *context, const struct bank_request *request),
    void *context)
{
	struct reader r = reader_of(requests->list, requests->list_len);
	enum sr_error error = SR_OK;

	while (error == SR_OK && reader_left(&r) > 0) {
		struct bank_request request;

		error = bank_request_read(session, &r, &request);
		if (error == SR_OK && request.leaf <= *after)
			error = SR_MALFORMED;
		if (error != SR_OK)
			break;
		*after = request.leaf;
		each(context, &request);
	}
	return error;
}

enum sr_error
bank_requests(struct bank_session *session,
    void (*each)(void *context, const struct bank_request *request),
    void *context)
{
	struct message_requests requests = {.more = 1};
	struct bank_answer answer;
	uint64_t after = 0;
	enum sr_error error = SR_OK;

	while (error == SR_OK && requests.more == 1) {
		uint8_t bytes[64];
		struct writer w = writer_to(bytes, sizeof(bytes));
		struct message_requests_get get = {
		    .request = ++session->request, .after = after};
		uint64_t before = after;

		error = message_requests_get_encode(&w, &get);
		if (error == SR_OK)
			error = bank_exchange(session, bytes, writer_len(&w),
			    MESSAGE_REQUESTS, &answer);
		if (error == SR_OK)
			error = message_requests_decode(
			    answer.body, answer.body_len, &requests);
		if (error == SR_OK && requests.request != get.request)
			error = SR_MALFORMED;
		if (error == SR_OK)
			error = bank_requests_read(
			    session, &requests, &after, each, context);
		/* what could be told was told */
		if (error == SR_OK && requests.error != SR_OK)
			error = error_of_wire(requests.error);
		if (error == SR_OK && requests.more == 1 && after == before)
			error = SR_MALFORMED;
	}
	return error;
}
