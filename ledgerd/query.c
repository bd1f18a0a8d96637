/* SPDX-License-Identifier: ISC */
/*
 * Answers that are read from the books and from the journal.  Must never show
 * a signer somebody else's account.
 */
#include "ledgerd/query.h"

#include <string.h>

#include "common/statement.h"
#include "gen/messages.h"
#include "ledgerd/ledgerd.h"

enum {
	/* What fits into a `statement' message. */
	STATEMENT_LINES_MAX = 16000,
	/* Lines that are passed over to find where to begin. */
	STATEMENT_SKIP_MAX = 1024,
};

uint64_t
query_till(
    const struct ledgerd *ledgerd, const struct customer_session *session)
{
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, session->customer);
	const struct book_terminal *terminal = NULL;

	if (session->terminal != 0)
		terminal = book_terminal(&ledgerd->book, session->terminal);
	else if (principal != NULL && principal->terminal != 0)
		terminal = book_terminal(&ledgerd->book, principal->terminal);
	return terminal != NULL ? terminal->till : 0;
}

uint64_t
query_own_account(
    const struct ledgerd *ledgerd, const struct customer_session *session)
{
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, session->customer);
	uint64_t main_account = account_id(session->customer, 0);

	if (principal == NULL)
		return 0;
	if (principal->terminal != 0)
		return account_id(session->customer, ACCOUNT_INDEX_TILL);
	return book_account(&ledgerd->book, main_account) != NULL ? main_account
								  : 0;
}

/* The account asked for, if the signer may see it. */
static enum sr_error
visible_account(const struct ledgerd *ledgerd,
    const struct customer_session *session, uint64_t asked,
    struct book_account **account)
{
	uint64_t id = asked != 0 ? asked : query_own_account(ledgerd, session);

	*account = NULL;
	if (id == 0)
		return SR_NO_ACCOUNT;
	/* Whether a stranger's account exists is not told. */
	if (account_customer(id) != session->customer)
		return SR_NOT_ALLOWED;
	*account = book_account(&ledgerd->book, id);
	return *account != NULL ? SR_OK : SR_NO_ACCOUNT;
}

/* The wire's 0 open, 1 frozen, 2 closed. */
static uint8_t
wire_status(const struct book_account *account)
{
	return (uint8_t)(account->status - ACCOUNT_OPEN);
}

enum sr_error
query_balance(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	struct message_balance answer = {.request = item->request};
	struct book_account *account;
	enum sr_error error;

	error = visible_account(ledgerd, session, item->account, &account);
	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.account = account->id;
		answer.type = account->type;
		answer.status = wire_status(account);
		answer.posted = account->posted_minor;
		answer.held = account->held_minor;
		answer.floor = account->floor_minor;
		answer.ceiling = account->ceiling_minor;
	}
	return message_balance_encode(w, &answer);
}

/* ---- statements ---------------------------------------------------------- */

/* The account's part in an entry; NULL when it did not touch it. */
static const struct journal_touched *
touched_of(const struct journal_plain *plain, uint64_t account)
{
	for (unsigned i = 0; i < plain->touched_count; i++)
		if (plain->touched[i].account == account)
			return &plain->touched[i];
	return NULL;
}

/* The request that an approval refers to; *enrol for an enrolment. */
static enum sr_error
read_request(struct ledgerd *ledgerd, uint64_t leaf, struct order *request,
    struct order_enrol *enrol)
{
	static struct archive_frame frame;
	struct entry_order entry;
	enum sr_error error = archive_leaf(ledgerd, leaf, &frame);

	memset(enrol, 0, sizeof(*enrol));
	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_DAMAGED : error;
	if (entry_order_decode(frame.plain.committed, frame.plain.committed_len,
		&entry) != SR_OK ||
	    order_decode(entry.order, request) != SR_OK)
		return SR_DAMAGED;
	if (request->kind == ORDER_ENROL_REQUEST &&
	    order_enrol_decode(entry.attachment, entry.attachment_len, enrol) !=
		SR_OK)
		return SR_DAMAGED;
	return SR_OK;
}

/* What an order did to the account, as a line. */
static void
fill_line(const struct ledgerd *ledgerd, uint64_t account,
    const struct journal_touched *touched, const struct entry_order *entry,
    const struct order *order, struct statement_line *line)
{
	const struct person *person;
	bool debited = order->debit == account;

	line->amount_minor =
	    debited ? -order->amount_minor : order->amount_minor;
	/* nothing has moved yet */
	if (order->kind == ORDER_HOLD)
		line->amount_minor = 0;
	line->balance_minor = touched->posted_minor;
	line->held_minor = touched->held_minor;
	line->other = debited ? order->credit : order->debit;
	line->kind = order->kind;
	if (order->kind == ORDER_POST || order->kind == ORDER_VOID)
		line->refers_to = order->refers_to;
	memcpy(line->reference, order->reference, sizeof(line->reference));
	person = people_of(&ledgerd->people, account_customer(line->other));
	if (line->other != 0 && person != NULL) {
		line->name_len = person->name_len;
		memcpy(line->name, person->name, person->name_len);
	}
	if ((order->kind == ORDER_TRANSFER || order->kind == ORDER_DEPOSIT ||
		order->kind == ORDER_HOLD) &&
	    entry->attachment_len <= STATEMENT_MEMO_MAX) {
		line->memo_len = (uint16_t)entry->attachment_len;
		memcpy(line->memo, entry->attachment, entry->attachment_len);
	}
}

/* The line of an approval says what was approved. */
static enum sr_error
fill_approval(struct ledgerd *ledgerd, const struct order *order,
    struct statement_line *line)
{
	struct order_enrol enrol;
	struct order request;
	enum sr_error error =
	    read_request(ledgerd, order->refers_to, &request, &enrol);

	if (error == SR_OK && request.kind == ORDER_RELEASE_REQUEST) {
		line->kind = ORDER_RELEASE_REQUEST;
		line->refers_to = request.refers_to;
	}
	return error;
}

/* One step back on the account's chain: the line, and where the next is. */
static enum sr_error
read_line(struct ledgerd *ledgerd, uint64_t account,
    struct journal_position *position, struct statement_line *line)
{
	static struct archive_frame frame;
	const struct journal_touched *touched;
	struct entry_order entry;
	struct order order;
	enum sr_error error;

	memset(line, 0, sizeof(*line));
	error = archive_read(ledgerd, *position, &frame);
	if (error != SR_OK)
		return error;
	touched = touched_of(&frame.plain, account);
	if (touched == NULL)
		return SR_DAMAGED;
	*position = touched->previous;
	line->leaf = frame.frame.header.seq;
	line->time_ms = frame.frame.header.time_ms;
	if (entry_order_decode(frame.plain.committed, frame.plain.committed_len,
		&entry) != SR_OK ||
	    order_decode(entry.order, &order) != SR_OK)
		return SR_DAMAGED;
	fill_line(ledgerd, account, touched, &entry, &order, line);
	return order.kind == ORDER_APPROVE
		   ? fill_approval(ledgerd, &order, line)
		   : SR_OK;
}

static bool
is_somewhere(struct journal_position position)
{
	return position.segment != JOURNAL_NOWHERE.segment;
}

/*
 * Where the lines below a leaf begin.  Who asks for the next page names the
 * last line that it has: from there the chain goes on, however long the
 * account is.
 */
static enum sr_error
find_begin(struct ledgerd *ledgerd, const struct book_account *account,
    uint64_t before, struct journal_position *position)
{
	static struct archive_frame frame;
	const struct journal_touched *touched;
	enum sr_error error;

	*position = account->last_frame;
	if (before >= ledgerd->tree.size)
		return SR_OK;
	error = archive_leaf(ledgerd, before, &frame);
	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_DAMAGED : error;
	touched = touched_of(&frame.plain, account->id);
	if (touched != NULL)
		*position = touched->previous;
	return SR_OK;
}

/*
 * Lines from a position on, older and older; *more when some are left.
 * SR_NOT_FOUND when the first one is too far away.
 */
static enum sr_error
collect_lines(struct ledgerd *ledgerd, const struct item *item,
    uint64_t account, struct journal_position position, struct writer *list,
    bool *more)
{
	struct statement_line line;
	unsigned count = 0, skipped = 0;

	*more = false;
	while (is_somewhere(position)) {
		enum sr_error error =
		    read_line(ledgerd, account, &position, &line);

		/* What could be read is an answer; the rest, later. */
		if (error == SR_OLD_RECORDS && count > 0) {
			*more = true;
			return SR_OK;
		}
		if (error != SR_OK)
			return error == SR_NOT_FOUND ? SR_DAMAGED : error;
		if (line.leaf >= item->before) {
			if (++skipped == STATEMENT_SKIP_MAX)
				return SR_NOT_FOUND;
			continue;
		}
		if (count == item->count ||
		    statement_line_write(list, &line) != SR_OK) {
			*more = true;
			return SR_OK;
		}
		count++;
	}
	return SR_OK;
}

enum sr_error
query_statement(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	static uint8_t lines[STATEMENT_LINES_MAX];
	struct writer list = writer_to(lines, sizeof(lines));
	struct message_statement answer = {.request = item->request};
	struct journal_position position;
	struct book_account *account;
	enum sr_error error;
	bool more = false;

	error = visible_account(ledgerd, session, item->account, &account);
	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.account = account->id;
		error = find_begin(ledgerd, account, item->before, &position);
		if (error == SR_OK)
			error = collect_lines(
			    ledgerd, item, account->id, position, &list, &more);
		/* Too far away is an answer; all else is our own trouble. */
		if (error == SR_NOT_FOUND || error == SR_OLD_RECORDS)
			answer.error = (uint16_t)error;
		else if (error != SR_OK)
			return error;
	}
	answer.more = more;
	answer.lines = lines;
	answer.lines_len = writer_len(&list);
	return message_statement_encode(w, &answer);
}

/* ---- directory ------------------------------------------------------------ */

enum sr_error
query_directory(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct item *item, struct writer *w)
{
	struct message_directory answer = {.request = item->request};
	const struct book_principal *principal;
	const struct person *person;

	(void)session;
	answer.customer =
	    people_find(&ledgerd->people, item->name, item->name_len);
	principal = book_principal(&ledgerd->book, answer.customer);
	if (answer.customer == 0 || principal == NULL) {
		answer.customer = 0;
		answer.error = SR_NOT_FOUND;
		return message_directory_encode(w, &answer);
	}
	person = people_of(&ledgerd->people, answer.customer);
	answer.role = principal->role;
	memcpy(answer.salt, person->salt, sizeof(answer.salt));
	answer.display_name = (const uint8_t *)person->display;
	answer.display_name_len = person->display_len;
	answer.attestation = person->attestation;
	answer.attestation_len = sizeof(person->attestation);
	return message_directory_encode(w, &answer);
}

/* ---- orders that were applied before --------------------------------------- */

/* The terminal that the approval of the request at that leaf enrolled. */
static enum sr_error
enrolled_terminal(struct ledgerd *ledgerd, uint64_t leaf, uint64_t *terminal)
{
	const struct book_principal *principal;
	struct order_enrol enrol;
	struct order request;
	enum sr_error error = read_request(ledgerd, leaf, &request, &enrol);

	*terminal = 0;
	if (error != SR_OK)
		return error;
	principal = book_principal(&ledgerd->book, enrol.principal);
	if (principal != NULL)
		*terminal = principal->terminal;
	return SR_OK;
}

/* The signer's balance after the entry, or now when it moved nothing. */
static void
fill_balance(struct ledgerd *ledgerd, const struct customer_session *session,
    const struct order *order, const struct journal_plain *plain,
    struct message_order_answer *answer)
{
	const struct journal_touched *touched;
	const struct book_account *account;

	answer->account = account_customer(order->debit) == session->customer
			      ? order->debit
			      : query_own_account(ledgerd, session);
	touched = touched_of(plain, answer->account);
	account = book_account(&ledgerd->book, answer->account);
	if (touched != NULL)
		answer->balance = touched->posted_minor;
	else if (account != NULL)
		answer->balance = account->posted_minor;
}

enum sr_error
query_stored(struct ledgerd *ledgerd, const struct customer_session *session,
    struct item *item)
{
	static struct archive_frame frame;
	struct message_order_answer *answer = &item->order.answer;
	const struct order *order = &item->order.order.order;
	struct entry_order entry;
	enum sr_error error;

	error = archive_leaf(ledgerd, answer->leaf, &frame);
	if (error != SR_OK)
		return error;
	if (entry_order_decode(frame.plain.committed, frame.plain.committed_len,
		&entry) != SR_OK)
		return SR_DAMAGED;
	/* Half a hash was compared: a signer may have found two of a kind. */
	if (memcmp(entry.order, item->order.bytes, ORDER_LEN) != 0) {
		answer->error = SR_CONFLICT;
		answer->leaf = 0;
		return SR_OK;
	}
	answer->error = SR_OK;
	answer->outcome = (uint16_t)entry.outcome;
	answer->time = frame.frame.header.time_ms;
	memcpy(answer->salt, frame.plain.salt, sizeof(answer->salt));
	fill_balance(ledgerd, session, order, &frame.plain, answer);
	if (entry.outcome == SR_OK && order_kind_is_request(order->kind))
		answer->result = answer->leaf;
	if (entry.outcome == SR_OK && order->kind == ORDER_APPROVE)
		error = enrolled_terminal(
		    ledgerd, order->refers_to, &answer->result);
	return error;
}
