/* SPDX-License-Identifier: ISC */
/*
 * The lists of withdrawals: those that are not settled, and those that were
 * paid out after their release.  Must never show a customer's to anybody but
 * an operator and the till that has to settle it.
 */
#include <assert.h>

#include "common/authority.h"
#include "gen/messages.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/query.h"

enum {
	/* What fits into a `holds' message, and a row of it. */
	HOLDS_LEN = 16000,
	HOLD_LEN = 64,
	LATE_LEN = 56,
};
static_assert(BOOK_LATE_MAX * LATE_LEN <= HOLDS_LEN, "one answer lists all");

enum hold_state {
	HOLD_OPEN = 0,
	HOLD_OVERDUE = 1,
	HOLD_RELEASED = 2,
};

static void
write_hold(struct writer *w, const struct book *book,
    const struct book_hold *hold, uint64_t now_ms)
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
	writer_u8(w, book_hold_stranded(book, hold));
	writer_zeros(w, 6);
}

/*
 * Whose withdrawals a session may see: all, or those of its till.  False:
 * none.
 */
static bool
may_see(const struct book *book, const struct customer_session *session,
    bool *all, uint64_t *till)
{
	const struct book_principal *principal =
	    book_principal(book, session->customer);

	*till = principal != NULL ? principal->till : 0;
	*all = principal != NULL && principal->role == ROLE_OPERATOR;
	return *all || (principal != NULL && principal->role == ROLE_TERMINAL);
}

enum sr_error
query_holds(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	static uint8_t bytes[HOLDS_LEN];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct message_holds answer = {.request = item->request, .list = bytes};
	const struct book *book = &ledgerd->book;
	uint64_t now_ms = env_clock_ms(ledgerd->env);
	uint64_t till;
	bool all;

	if (!may_see(book, session, &all, &till)) {
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
			write_hold(&list, book, hold, now_ms);
	}
	answer.list_len = writer_len(&list);
	return message_holds_encode(w, &answer);
}

static void
write_late(struct writer *w, const struct book_late *late)
{
	writer_u64(w, late->leaf);
	writer_u64(w, late->time_ms);
	writer_u64(w, late->hold);
	writer_u64(w, late->account);
	writer_u64(w, late->till);
	writer_i64(w, late->amount_minor);
	writer_u8(w, late->below_floor);
	writer_zeros(w, 7);
}

enum sr_error
query_late(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	static uint8_t bytes[HOLDS_LEN];
	struct writer list = writer_to(bytes, sizeof(bytes));
	struct message_late answer = {.request = item->request, .list = bytes};
	const struct book *book = &ledgerd->book;
	uint64_t till;
	bool all;

	if (!may_see(book, session, &all, &till)) {
		answer.error = SR_NOT_ALLOWED;
		return message_late_encode(w, &answer);
	}
	answer.total = book->late_posts;
	for (unsigned i = 0; i < book_late_count(book); i++) {
		const struct book_late *late = book_late_at(book, i);

		if (all || late->till == till)
			write_late(&list, late);
	}
	answer.list_len = writer_len(&list);
	return message_late_encode(w, &answer);
}
