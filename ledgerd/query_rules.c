/* SPDX-License-Identifier: ISC */
/*
 * The rules in force, who has which role, and single postings.  Must never
 * tell a customer about postings of others.
 */
#include "ledgerd/ledgerd.h"
#include "ledgerd/query.h"

enum {
	LIST_LEN = 16000, /* what fits into the message */
	PRINCIPAL_LEN = 24,
};

enum sr_error
query_policy(struct ledgerd *ledgerd, const struct item *item, struct writer *w)
{
	const struct book *book = &ledgerd->book;
	const struct order_policy *policy = &book->policy;
	struct message_policy answer = {.request = item->request,
	    .bank_type = book_account(book, ACCOUNT_ISSUE) != NULL
			     ? BANK_CASH
			     : BANK_MUTUAL_CREDIT,
	    .floor = policy->customer.floor_minor,
	    .soft_floor = policy->customer.soft_floor_minor,
	    .ceiling = policy->customer.ceiling_minor,
	    .day_limit = policy->customer.day_limit_minor,
	    .order_life = policy->order_life_ms,
	    .request_life = policy->request_life_ms,
	    .undo = policy->undo_ms};

	return message_policy_encode(w, &answer);
}

/* Where the list goes on behind that customer. */
static uint64_t
place_after(const struct book *book, uint64_t after)
{
	uint64_t place = book_index_find(&book->principal_index, after);

	return place == BOOK_NO_PLACE ? 0 : place + 1;
}

enum sr_error
query_principals(struct ledgerd *ledgerd,
    const struct customer_session *session, const struct item *item,
    struct writer *w)
{
	static uint8_t bytes[LIST_LEN];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct message_principals answer = {
	    .request = item->request, .list = bytes};
	const struct book *book = &ledgerd->book;

	if (!query_sees_all(ledgerd, session)) {
		answer.error = SR_NOT_ALLOWED;
		return message_principals_encode(w, &answer);
	}
	for (uint64_t i = place_after(book, item->before);
	     i < book_principal_count(book); i++) {
		const struct book_principal *row = book_principal_at(book, i);

		if (row->role == ROLE_CUSTOMER)
			continue;
		answer.more = writer_len(&list) + PRINCIPAL_LEN > LIST_LEN;
		if (answer.more)
			break;
		writer_u64(&list, row->customer);
		writer_u64(&list, row->till);
		writer_u32(&list, row->terminal);
		writer_u8(&list, row->role);
		writer_u8(&list, row->revoked);
		writer_zeros(&list, 2);
	}
	answer.list_len = writer_len(&list);
	return message_principals_encode(w, &answer);
}

enum sr_error
query_posting(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	struct message_posting answer = {.request = item->request};
	const struct book_posting *posting =
	    book_posting(&ledgerd->book, item->before);

	/* whether strangers' postings exist is not told */
	if (posting == NULL ||
	    (!query_sees_all(ledgerd, session) &&
		!query_is_own(ledgerd, session, posting->debit) &&
		!query_is_own(ledgerd, session, posting->credit))) {
		answer.error = SR_TOO_OLD;
		return message_posting_encode(w, &answer);
	}
	answer.kind = posting->kind;
	answer.undone = posting->undone;
	answer.time = posting->time_ms;
	answer.debit = posting->debit;
	answer.credit = posting->credit;
	answer.amount = posting->amount_minor;
	return message_posting_encode(w, &answer);
}
