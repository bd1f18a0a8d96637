/* SPDX-License-Identifier: ISC */
/*
 * The list of withdrawals that are not settled.  Must never show a customer's
 * to anybody but an operator and the till that has to settle it.
 */
#include "common/authority.h"
#include "gen/messages.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/query.h"

enum {
	/* What fits into a `holds' message, and a row of it. */
	HOLDS_LEN = 16000,
	HOLD_LEN = 64,
};

enum hold_state {
	HOLD_OPEN = 0,
	HOLD_OVERDUE = 1,
	HOLD_RELEASED = 2,
};

static void
write_hold(struct writer *w, const struct book_hold *hold, uint64_t now_ms)
{
	enum hold_state state = HOLD_OPEN;

	if (hold->released)
		state = HOLD_RELEASED;
	else if (book_hold_overdue(hold, now_ms))
		state = HOLD_OVERDUE;
	writer_u64(w, hold->leaf);
	writer_u64(w, hold->time_ms);
	writer_u64(w, hold->account);
	writer_u64(w, hold->till);
	writer_i64(w, hold->amount_minor);
	writer_bytes(w, hold->reference, sizeof(hold->reference));
	writer_u8(w, (uint8_t)state);
	writer_zeros(w, 7);
}

enum sr_error
query_holds(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	static uint8_t bytes[HOLDS_LEN];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct message_holds answer = {.request = item->request, .list = bytes};
	const struct book *book = &ledgerd->book;
	const struct book_principal *principal =
	    book_principal(book, session->customer);
	uint64_t now_ms = env_clock_ms(ledgerd->env);
	uint64_t till = account_id(session->customer, ACCOUNT_INDEX_TILL);
	bool all = principal != NULL && principal->role == ROLE_OPERATOR;

	if (!all && (principal == NULL || principal->role != ROLE_TERMINAL)) {
		answer.error = SR_NOT_ALLOWED;
		return message_holds_encode(w, &answer);
	}
	for (unsigned i = 0; i < book->hold_count && answer.more == 0; i++) {
		const struct book_hold *hold = &book->hold[i];

		if (hold->leaf <= item->before || (!all && hold->till != till))
			continue;
		if (writer_len(&list) + HOLD_LEN > sizeof(bytes))
			answer.more = 1;
		else
			write_hold(&list, hold, now_ms);
	}
	answer.list_len = writer_len(&list);
	return message_holds_encode(w, &answer);
}
