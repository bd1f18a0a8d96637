/* SPDX-License-Identifier: ISC */
/*
 * Answers that are read from the books and from the journal.  Must never show
 * a signer somebody else's account.
 */
#include "ledgerd/query.h"

#include <string.h>

#include "common/statement.h"
#include "gen/messages.h"
#include "ledgerd/certificates.h"
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

	if (principal != NULL && principal->till != 0)
		return principal->till;
	if (session->terminal != 0)
		terminal = book_terminal(&ledgerd->book, session->terminal);
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
	if (principal->till != 0)
		return principal->till;
	return book_account(&ledgerd->book, main_account) != NULL ? main_account
								  : 0;
}

bool
query_sees_all(
    const struct ledgerd *ledgerd, const struct customer_session *session)
{
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, session->customer);

	return principal != NULL && !principal->revoked &&
	       (principal->role == ROLE_OPERATOR ||
		   principal->role == ROLE_AUDITOR);
}

bool
query_is_own(const struct ledgerd *ledgerd,
    const struct customer_session *session, uint64_t id)
{
	const struct book_principal *principal =
	    book_principal(&ledgerd->book, session->customer);

	return account_customer(id) == session->customer ||
	       (principal != NULL && id != 0 && id == principal->till);
}

/* The account asked for, if the signer may see it. */
static enum sr_error
visible_account(const struct ledgerd *ledgerd,
    const struct customer_session *session, uint64_t asked, bool lines,
    struct book_account **account)
{
	uint64_t id = asked != 0 ? asked : query_own_account(ledgerd, session);

	*account = NULL;
	if (id == 0)
		return SR_NO_ACCOUNT;
	*account = book_account(&ledgerd->book, id);
	if (query_is_own(ledgerd, session, id))
		return *account != NULL ? SR_OK : SR_NO_ACCOUNT;
	/* Whether a stranger's account exists is not told. */
	if (!query_sees_all(ledgerd, session))
		return SR_NOT_ALLOWED;
	if (*account == NULL)
		return SR_NO_ACCOUNT;
	/* what customers do is for themselves and for an auditor's keys */
	return lines && (*account)->type == ACCOUNT_CUSTOMER ? SR_NOT_ALLOWED
							     : SR_OK;
}

uint8_t
query_status(const struct book_account *account)
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

	error =
	    visible_account(ledgerd, session, item->account, false, &account);
	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.account = account->id;
		answer.type = account->type;
		answer.status = query_status(account);
		answer.posted = account->posted_minor;
		answer.held = account->held_minor;
		answer.floor = account->floor_minor;
		answer.soft_floor = account->soft_floor_minor;
		answer.ceiling = account->ceiling_minor;
		answer.day_limit = account->day_limit_minor;
		answer.day_left = book_day_left(
		    &ledgerd->book, account, ledgerd_time_ms(ledgerd));
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

static bool
is_somewhere(struct journal_position position)
{
	return position.segment != JOURNAL_NOWHERE.segment;
}

/*
 * The request that an approval refers to, and its attachment, which stays
 * until the next one is read.
 */
static enum sr_error
read_request(struct ledgerd *ledgerd, uint64_t leaf, struct order *request,
    struct entry_order *entry)
{
	static struct archive_frame frame;
	enum sr_error error = archive_leaf(ledgerd, leaf, &frame);

	/* a request may be older than what is kept: its caller says so */
	if (error != SR_OK)
		return error == SR_NOT_FOUND ? SR_DAMAGED : error;
	if (entry_order_decode(frame.plain.committed, frame.plain.committed_len,
		entry) != SR_OK ||
	    order_decode(entry->order, request) != SR_OK)
		return SR_DAMAGED;
	return SR_OK;
}

/* What an order, or an approved request, did to the account, as a line. */
static void
fill_line(uint64_t account, const struct journal_touched *touched,
    const struct entry_order *entry, const struct order *order,
    struct statement_line *line)
{
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
	line->refers_to = order->refers_to;
	if (order_kind_has_memo(order->kind) &&
	    entry->attachment_len <= STATEMENT_MEMO_MAX) {
		line->memo_len = (uint16_t)entry->attachment_len;
		memcpy(line->memo, entry->attachment, entry->attachment_len);
	}
}

/* Who bears the account on the other side, where it is somebody. */
static void
fill_name(const struct ledgerd *ledgerd, struct statement_line *line)
{
	const struct person *person =
	    people_of(&ledgerd->people, account_customer(line->other));

	if (line->other == 0 || person == NULL)
		return;
	line->name_len = person->name_len;
	memcpy(line->name, person->name, person->name_len);
}

/*
 * A count says what is there: what it moved is the difference to the line
 * before, against the other account that it touched.
 */
static enum sr_error
fill_count(struct ledgerd *ledgerd, const struct journal_plain *plain,
    const struct journal_touched *touched, struct statement_line *line)
{
	static struct archive_frame before;
	const struct journal_touched *then;
	enum sr_error error;

	line->amount_minor = touched->posted_minor;
	for (unsigned i = 0; i < plain->touched_count; i++)
		if (plain->touched[i].account != touched->account)
			line->other = plain->touched[i].account;
	if (!is_somewhere(touched->previous))
		return SR_OK;
	error = archive_read(ledgerd, touched->previous, &before);
	if (error != SR_OK)
		return error;
	then = touched_of(&before.plain, touched->account);
	if (then == NULL || __builtin_sub_overflow(touched->posted_minor,
				then->posted_minor, &line->amount_minor))
		return SR_DAMAGED;
	return SR_OK;
}

static bool
is_count(unsigned kind)
{
	return kind == ORDER_TILL_OPEN || kind == ORDER_TILL_COUNT ||
	       kind == ORDER_TILL_CLOSE;
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
	memcpy(line->reference, order.reference, sizeof(line->reference));
	if (order.kind == ORDER_APPROVE) {
		/* the line of an approval says what was approved */
		error = read_request(ledgerd, order.refers_to, &order, &entry);
		if (error != SR_OK)
			return error;
	}
	fill_line(account, touched, &entry, &order, line);
	if (is_count(order.kind))
		error = fill_count(ledgerd, &frame.plain, touched, line);
	fill_name(ledgerd, line);
	return error;
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
 * Lines from a position on, older and older; *more when some are left, or when
 * they were retired.  A line of which a part is retired is told by nobody, so
 * that each that is told is whole, and the balance before the last one is
 * what is carried forward.  SR_NOT_FOUND when the first one is too far away.
 */
static enum sr_error
collect_lines(struct ledgerd *ledgerd, const struct item *item,
    uint64_t account, struct journal_position position, struct writer *list,
    enum statement_more *more)
{
	struct statement_line line;
	unsigned count = 0, skipped = 0;

	*more = STATEMENT_ALL;
	while (is_somewhere(position)) {
		enum sr_error error =
		    read_line(ledgerd, account, &position, &line);

		/* What could be read is an answer; the rest, later. */
		if ((error == SR_OLD_RECORDS || error == SR_UNREADABLE) &&
		    count > 0) {
			*more = STATEMENT_OLDER;
			return SR_OK;
		}
		if (error == SR_RETIRED) {
			*more = STATEMENT_RETIRED;
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
			*more = STATEMENT_OLDER;
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
	enum statement_more more = STATEMENT_ALL;

	error =
	    visible_account(ledgerd, session, item->account, true, &account);
	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.account = account->id;
		error = find_begin(ledgerd, account, item->before, &position);
		if (error == SR_OK)
			error = collect_lines(
			    ledgerd, item, account->id, position, &list, &more);
		/* Too far away is an answer; all else is our own trouble. */
		if (error == SR_NOT_FOUND || error == SR_OLD_RECORDS ||
		    error == SR_RETIRED || error == SR_UNREADABLE)
			answer.error = (uint16_t)error;
		else if (error != SR_OK)
			return error;
	}
	answer.more = (uint8_t)more;
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
	const struct book_principal *principal, *asker;
	const struct person *person;

	bool by_name = item->account == 0;

	answer.customer =
	    by_name ? people_find(&ledgerd->people, item->name, item->name_len)
		    : item->account;
	asker = book_principal(&ledgerd->book, session->customer);
	principal = book_principal(&ledgerd->book, answer.customer);
	if (answer.customer == 0 || principal == NULL) {
		answer.customer = 0;
		answer.error = SR_NOT_FOUND;
		return message_directory_encode(w, &answer);
	}
	person = people_of(&ledgerd->people, answer.customer);
	answer.role = principal->role;
	/* a customer who counts through the numbers learns no names */
	if (by_name || (asker != NULL && asker->role != ROLE_CUSTOMER)) {
		memcpy(answer.salt, person->salt, sizeof(answer.salt));
		answer.name = (const uint8_t *)person->name;
		answer.name_len = person->name_len;
		answer.display_name = (const uint8_t *)person->display;
		answer.display_name_len = person->display_len;
	}
	answer.attestation = person->attestation;
	answer.attestation_len = sizeof(person->attestation);
	return message_directory_encode(w, &answer);
}

enum sr_error
query_certificate(
    struct ledgerd *ledgerd, const struct item *item, struct writer *w)
{
	struct message_certificate answer = {.request = item->request};
	uint8_t bytes[CERTIFICATE_LEN];
	enum sr_error error =
	    certificates_of_keys(ledgerd, item->key_id, bytes);

	/* a file that cannot be read is no reason to end for who asks */
	answer.error = (uint16_t)error;
	if (error == SR_OK) {
		answer.certificate = bytes;
		answer.certificate_len = sizeof(bytes);
	}
	return message_certificate_encode(w, &answer);
}

/* ---- orders that were applied before --------------------------------------- */

/* The terminal that the approval of the request at that leaf enrolled. */
static enum sr_error
enrolled_terminal(struct ledgerd *ledgerd, uint64_t leaf, uint64_t *terminal)
{
	const struct book_principal *principal;
	struct order_enrol enrol;
	struct entry_order entry;
	struct order request;
	enum sr_error error = read_request(ledgerd, leaf, &request, &entry);

	*terminal = 0;
	if (error == SR_RETIRED)
		return SR_OK;
	if (error != SR_OK || request.kind != ORDER_ENROL_REQUEST)
		return error;
	if (order_enrol_decode(
		entry.attachment, entry.attachment_len, &enrol) != SR_OK)
		return SR_DAMAGED;
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
	struct journal_leaf leaf;
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
	journal_frame_leaf(&frame.frame, &leaf);
	answer->segment = leaf.segment;
	memcpy(
	    answer->sealed_hash, leaf.sealed_hash, sizeof(answer->sealed_hash));
	memcpy(answer->salt, frame.plain.salt, sizeof(answer->salt));
	fill_balance(ledgerd, session, order, &frame.plain, answer);
	if (entry.outcome == SR_OK && order_kind_is_request(order->kind))
		answer->result = answer->leaf;
	if (entry.outcome == SR_OK && order->kind == ORDER_APPROVE)
		error = enrolled_terminal(
		    ledgerd, order->refers_to, &answer->result);
	return error;
}
