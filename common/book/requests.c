/* SPDX-License-Identifier: ISC */
/*
 * Four eyes: a request that moves nothing, and the approval that carries it
 * out.  Must never carry out anything but the exact bytes that were approved,
 * nor twice, nor what could not be requested at that moment.
 */
#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

const struct book_request *
book_request_at(const struct book *book, unsigned place)
{
	return place < book->request_count ? &book->request[place] : NULL;
}

static bool
expired(const struct book *book, const struct book_request *request,
    uint64_t time_ms)
{
	return time_ms - request->time_ms > book->policy.request_life_ms;
}

/* The only kinds there were when a used request kept its place for its life. */
static bool
is_first_kind(unsigned kind)
{
	return kind == ORDER_ENROL_REQUEST || kind == ORDER_AUDITOR_REQUEST ||
	       kind == ORDER_RELEASE_REQUEST;
}

/* What somebody asked for whose authority was taken away since is void. */
static bool
requester_stands(const struct book *book, const struct book_request *request)
{
	const struct book_principal *requester =
	    book_principal(book, request->requester);

	return requester != NULL && !requester->revoked &&
	       authority_allows(request->kind, requester->role);
}

static void
drop_used(struct book *book)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < book->request_count; i++)
		if (!book->request[i].used)
			book->request[kept++] = book->request[i];
	book->request_count = kept;
}

static void
drop_void(struct book *book)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < book->request_count; i++)
		if (requester_stands(book, &book->request[i]))
			book->request[kept++] = book->request[i];
	book->request_count = kept;
}

static void
drop_expired(struct book *book, uint64_t time_ms)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < book->request_count; i++)
		if (!expired(book, &book->request[i], time_ms))
			book->request[kept++] = book->request[i];
	book->request_count = kept;
}

/*
 * Room for one more of that kind, if there is any: what waits no more goes.
 * Logs that have none but the first kinds keep their outcomes.
 */
static void
make_room(struct book *book, unsigned kind, uint64_t time_ms)
{
	bool first_kinds = is_first_kind(kind);

	drop_expired(book, time_ms);
	for (unsigned i = 0; i < book->request_count; i++)
		first_kinds =
		    first_kinds && is_first_kind(book->request[i].kind);
	if (book->request_count == BOOK_REQUESTS_MAX && !first_kinds)
		drop_used(book);
	/* who fills all places is revoked, and they are free */
	if (book->request_count == BOOK_REQUESTS_MAX)
		drop_void(book);
}

/* Whether what is requested could be carried out now. */
static enum sr_error
request_check(const struct book *book, const struct book_request *request,
    uint64_t time_ms)
{
	switch (request->kind) {
	case ORDER_ENROL_REQUEST:
		return book_check_enrol(book, request);
	case ORDER_AUDITOR_REQUEST:
		return book_check_auditor(book, request);
	case ORDER_RELEASE_REQUEST:
		return book_check_release(book, request, time_ms);
	case ORDER_ROLE:
		return book_check_role(book, request);
	case ORDER_RAISE_LIMIT:
		return book_check_raise(book, request);
	case ORDER_POLICY:
	case ORDER_RETIRE:
		/* of which snapshot, and whether an auditor has signed it, is
		 * in the log and not in the books: no balance rests on it */
		return SR_OK;
	case ORDER_UNFREEZE:
		return book_check_unfreeze(book, request);
	case ORDER_RESET:
		return book_check_reset(book, request, time_ms);
	case ORDER_ISSUE:
	case ORDER_ADJUST:
		return book_check_posting(book, request);
	case ORDER_REVERSE:
		return book_check_reverse(book, request);
	case ORDER_CASH_OUT:
		return book_check_cash_out(book, request);
	default:
		return SR_ROLE;
	}
}

/* What has expired stays so, however long requests live from now on. */
static void
set_policy(const struct book_turn *turn, const struct book_request *request)
{
	const struct book_request policy = *request;

	drop_expired(turn->book, turn->time_ms);
	book_set_policy(turn->book, &policy);
}

/* request_check() has passed; *request may be another one afterwards. */
static void
carry_out(const struct book_turn *turn, const struct book_request *request)
{
	struct book *book = turn->book;

	switch (request->kind) {
	case ORDER_ENROL_REQUEST:
		book_enrol(book, request, turn->effect);
		break;
	case ORDER_AUDITOR_REQUEST:
		book_enrol_auditor(book, request, turn->leaf);
		break;
	case ORDER_RELEASE_REQUEST:
		book_release(book, request->refers_to, turn->effect);
		break;
	case ORDER_ROLE:
		book_change_role(book, request, turn->effect);
		break;
	case ORDER_RAISE_LIMIT:
		book_raise(book, request);
		break;
	case ORDER_POLICY:
		set_policy(turn, request);
		break;
	case ORDER_UNFREEZE:
		book_unfreeze(book, request);
		break;
	case ORDER_ISSUE:
	case ORDER_ADJUST:
		book_post(
		    book, request, turn->leaf, turn->time_ms, turn->effect);
		break;
	case ORDER_REVERSE:
		book_reverse(book, request, turn->effect);
		break;
	case ORDER_CASH_OUT:
		book_cash_out(book, request, turn->effect);
		break;
	case ORDER_RETIRE:
		turn->effect->retired = request;
		break;
	case ORDER_RESET:
		turn->effect->reset = request;
		break;
	default:
		assert(false && "a request of no kind");
	}
}

/* Requests about money name accounts and an amount; the others none. */
static bool
moves_money(unsigned kind)
{
	return kind == ORDER_ISSUE || kind == ORDER_ADJUST ||
	       kind == ORDER_REVERSE || kind == ORDER_CASH_OUT;
}

enum sr_error
book_rule_request(struct book_turn *turn)
{
	const struct order *order = turn->order;
	struct book *book = turn->book;
	struct book_request request = {.leaf = turn->leaf,
	    .requester = turn->signer->customer,
	    .time_ms = turn->time_ms,
	    .debit = order->debit,
	    .credit = order->credit,
	    .amount_minor = order->amount_minor,
	    .refers_to = order->refers_to,
	    .attachment_len = (uint16_t)turn->attachment_len,
	    .kind = order->kind};
	enum sr_error error;

	if (moves_money(order->kind) ? order->amount_minor <= 0
				     : !book_moves_nothing(order))
		return moves_money(order->kind) ? SR_AMOUNT : SR_PARAMETERS;
	assert(turn->attachment_len <= sizeof(request.attachment));
	if (turn->attachment_len != 0)
		memcpy(
		    request.attachment, turn->attachment, turn->attachment_len);
	/* nobody asks for the cash of a till that is somebody else's */
	if (order->kind == ORDER_CASH_OUT &&
	    turn->signer->role != ROLE_OPERATOR &&
	    order->credit != turn->signer->till)
		return SR_NOT_YOURS;
	error = request_check(book, &request, turn->time_ms);
	if (error != SR_OK)
		return error;
	make_room(book, order->kind, turn->time_ms);
	if (book->request_count == BOOK_REQUESTS_MAX)
		return SR_REQUESTS_FULL;
	memcpy(request.hash, turn->hash, sizeof(request.hash));
	book->request[book->request_count++] = request;
	return SR_OK;
}

enum sr_error
book_rule_approve(struct book_turn *turn)
{
	struct book *book = turn->book;
	struct book_request *request = NULL;
	enum sr_error error;

	if (!book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	for (unsigned i = 0; i < book->request_count; i++)
		if (book->request[i].leaf == turn->order->refers_to)
			request = &book->request[i];
	/* bound to the exact bytes that the approver has seen */
	if (request == NULL ||
	    memcmp(turn->attachment, request->hash, ORDER_HASH_LEN) != 0)
		return SR_NO_REQUEST;
	if (request->requester == turn->signer->customer)
		return SR_OWN_REQUEST;
	if (!requester_stands(book, request))
		return SR_NO_REQUEST;
	if (request->used)
		return SR_ALREADY;
	if (expired(book, request, turn->time_ms))
		return SR_REQUEST_EXPIRED;
	/* much may have happened since the request */
	error = request_check(book, request, turn->time_ms);
	if (error != SR_OK)
		return error;
	request->used = true;
	carry_out(turn, request);
	return SR_OK;
}

bool
book_request_open(const struct book *book, const struct book_request *request,
    uint64_t now_ms)
{
	return !request->used && !expired(book, request, now_ms) &&
	       requester_stands(book, request) &&
	       request_check(book, request, now_ms) == SR_OK;
}
