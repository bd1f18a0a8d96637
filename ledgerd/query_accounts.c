/* SPDX-License-Identifier: ISC */
/*
 * Accounts with their limits, and requests that wait for an approval.  Must
 * never tell a customer what is not its own.
 */
#include <string.h>

#include "ledgerd/ledgerd.h"
#include "ledgerd/query.h"

enum {
	LIST_LEN = 16000, /* what fits into the messages */
	ACCOUNT_LEN = 88,
};

_Static_assert((BOOK_INDEX_MAX + 2) * ACCOUNT_LEN <= LIST_LEN,
    "the accounts of one customer fit");

/* In place of a customer id: everybody and the bank itself. */
#define EVERYBODY UINT64_MAX

static void
write_account(struct writer *w, const struct ledgerd *ledgerd,
    const struct book_account *account)
{
	writer_u64(w, account->id);
	writer_i64(w, account->posted_minor);
	writer_i64(w, account->held_minor);
	writer_i64(w, account->floor_minor);
	writer_i64(w, account->soft_floor_minor);
	writer_i64(w, account->ceiling_minor);
	writer_i64(w, account->day_limit_minor);
	writer_i64(w,
	    book_day_left(&ledgerd->book, account, ledgerd_time_ms(ledgerd)));
	writer_u8(w, account->type);
	writer_u8(w, query_status(account));
	writer_u8(w, account->till_closed);
	writer_u8(w, account->label_len);
	writer_bytes(w, account->label, sizeof(account->label));
	writer_zeros(w, 4);
}

/* Those of one customer, and the till whose use it has: few. */
static void
list_one(const struct ledgerd *ledgerd, uint64_t customer, struct writer *list)
{
	const struct book *book = &ledgerd->book;
	const struct book_principal *principal = book_principal(book, customer);
	const struct book_account *account;

	for (unsigned i = 0; i <= BOOK_INDEX_MAX; i++) {
		account = book_account(book, account_id(customer, i));
		if (account != NULL)
			write_account(list, ledgerd, account);
		else if (i >= ACCOUNT_INDEX_FURTHER)
			break;
	}
	if (principal == NULL || principal->till == 0 ||
	    account_customer(principal->till) == customer)
		return;
	account = book_account(book, principal->till);
	if (account != NULL)
		write_account(list, ledgerd, account);
}

/* All, page by page; true when some are left. */
static bool
list_all(const struct ledgerd *ledgerd, uint64_t after, struct writer *list)
{
	const struct book *book = &ledgerd->book;
	uint64_t place = book_index_find(&book->account_index, after);

	for (place = place == BOOK_NO_PLACE ? 0 : place + 1;
	     place < book_account_count(book); place++) {
		if (writer_len(list) + ACCOUNT_LEN > LIST_LEN)
			return true;
		write_account(list, ledgerd, book_account_at(book, place));
	}
	return false;
}

enum sr_error
query_accounts(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	static uint8_t bytes[LIST_LEN];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct message_accounts answer = {
	    .request = item->request, .list = bytes};
	uint64_t customer =
	    item->account != 0 ? item->account : session->customer;

	if (customer != session->customer && !query_sees_all(ledgerd, session))
		answer.error = SR_NOT_ALLOWED;
	else if (customer == EVERYBODY)
		answer.more = list_all(ledgerd, item->before, &list);
	else
		list_one(ledgerd, customer, &list);
	answer.list_len = writer_len(&list);
	return message_accounts_encode(w, &answer);
}

/* The request as it stands in the journal: the exact bytes. */
static enum sr_error
write_request(struct ledgerd *ledgerd, const struct book_request *request,
    struct writer *w, bool *full)
{
	static struct archive_frame frame;
	struct entry_order entry;
	enum sr_error error = archive_leaf(ledgerd, request->leaf, &frame);

	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_DAMAGED : error;
	if (entry_order_decode(frame.plain.committed, frame.plain.committed_len,
		&entry) != SR_OK)
		return SR_DAMAGED;
	*full = writer_len(w) + 16 + ORDER_LEN + 2 + entry.attachment_len >
		LIST_LEN;
	if (*full)
		return SR_OK;
	writer_u64(w, request->leaf);
	writer_u64(w, request->time_ms);
	writer_bytes(w, entry.order, ORDER_LEN);
	writer_u16(w, (uint16_t)entry.attachment_len);
	writer_bytes(w, entry.attachment, entry.attachment_len);
	return SR_OK;
}

enum sr_error
query_requests(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	static uint8_t bytes[LIST_LEN];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct message_requests answer = {
	    .request = item->request, .list = bytes};
	bool all = query_sees_all(ledgerd, session), full = false;
	const struct book_request *request;

	for (unsigned i = 0;
	     (request = book_request_at(&ledgerd->book, i)) != NULL && !full;
	     i++) {
		enum sr_error error;

		if (request->leaf <= item->before ||
		    (!all && request->requester != session->customer) ||
		    !book_request_open(
			&ledgerd->book, request, ledgerd_time_ms(ledgerd)))
			continue;
		error = write_request(ledgerd, request, &list, &full);
		/* what nobody can read any more nobody is asked to approve */
		if (error == SR_RETIRED)
			continue;
		if (error == SR_OLD_RECORDS || error == SR_UNREADABLE) {
			answer.error = (uint16_t)error;
			break;
		}
		if (error != SR_OK)
			return error;
	}
	answer.more = full;
	answer.list_len = writer_len(&list);
	return message_requests_encode(w, &answer);
}
