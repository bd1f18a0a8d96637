/* SPDX-License-Identifier: ISC */
/*
 * The rules of withdrawals: a hold by the customer, then a post or a void by
 * the till, or a release by two operators.  Must never let time alone give
 * reserved money back, nor decline a post of cash that may be out.
 */
#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

/* The place of the first hold with that leaf or a later one. */
static unsigned
hold_place(const struct book *book, uint64_t leaf)
{
	unsigned low = 0, high = book->hold_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (book->hold[middle].leaf < leaf)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct book_hold *
book_hold(const struct book *book, uint64_t leaf)
{
	unsigned place = hold_place(book, leaf);

	return place < book->hold_count && book->hold[place].leaf == leaf
		   ? &book->hold[place]
		   : NULL;
}

bool
book_hold_overdue(const struct book_hold *hold, uint64_t now_ms)
{
	return !hold->released && now_ms >= hold->time_ms &&
	       now_ms - hold->time_ms >= BOOK_HOLD_OVERDUE_MS;
}

bool
book_hold_stranded(const struct book *book, const struct book_hold *hold)
{
	const struct book_principal *till =
	    book_principal(book, account_customer(hold->till));

	return till != NULL && till->revoked;
}

bool
book_hold_releasable(
    const struct book *book, const struct book_hold *hold, uint64_t now_ms)
{
	return !hold->released && (book_hold_overdue(hold, now_ms) ||
				      book_hold_stranded(book, hold));
}

unsigned
book_late_count(const struct book *book)
{
	return book->late_posts < BOOK_LATE_MAX ? (unsigned)book->late_posts
						: BOOK_LATE_MAX;
}

const struct book_late *
book_late_at(const struct book *book, unsigned place)
{
	uint64_t first = book->late_posts - book_late_count(book);

	assert(place < book_late_count(book));
	return &book->late[(first + place) % BOOK_LATE_MAX];
}

static unsigned
count_holds(const struct book *book, uint64_t account)
{
	unsigned count = 0;

	for (unsigned i = 0; i < book->hold_count; i++)
		count += book->hold[i].account == account;
	return count;
}

bool
book_has_holds(const struct book *book, uint64_t account)
{
	return count_holds(book, account) > 0;
}

/* Whether a till has so much cash that nobody else has reserved. */
static enum sr_error
has_cash(const struct book_account *till, int64_t amount_minor)
{
	int64_t after;

	if (till->status == ACCOUNT_FROZEN)
		return SR_ACCOUNT_FROZEN;
	if (till->status != ACCOUNT_OPEN)
		return SR_ACCOUNT_CLOSED;
	if (till->till_closed)
		return SR_TILL_CLOSED;
	if (__builtin_add_overflow(
		till->posted_minor, till->held_minor, &after) ||
	    __builtin_add_overflow(after, amount_minor, &after) ||
	    after > till->ceiling_minor)
		return SR_TILL_EMPTY;
	return SR_OK;
}

static void
touch(struct book_effect *effect, struct book_account *account,
    struct book_account *till)
{
	effect->touched[effect->touched_count++] = account;
	effect->touched[effect->touched_count++] = till;
}

enum sr_error
book_rule_hold(struct book_turn *turn)
{
	const struct order *order = turn->order;
	struct book *book = turn->book;
	struct book_account *account = book_account(book, order->debit);
	struct book_account *till = book_account(book, order->credit);
	const struct book_terminal *terminal =
	    book_terminal(book, order->terminal);
	struct book_hold *hold;
	enum sr_error error;

	if (order->debit !=
		account_id(turn->signer->customer, ACCOUNT_INDEX_MAIN) &&
	    book_own_account(turn, order->debit) == NULL)
		return SR_NOT_YOURS;
	/* cash comes out where its owner stands, and nowhere else */
	if (terminal == NULL || terminal->till != order->credit)
		return SR_NO_TERMINAL;
	if (order->amount_minor <= 0)
		return SR_AMOUNT;
	if (account == NULL || till == NULL)
		return SR_NO_ACCOUNT;
	error = book_may_give(account, order->amount_minor);
	if (error == SR_OK)
		error = book_day_check(
		    book, account, order->amount_minor, turn->time_ms);
	if (error == SR_OK)
		error = has_cash(till, order->amount_minor);
	if (error != SR_OK)
		return error;
	if (book->hold_count == BOOK_HOLDS_MAX ||
	    count_holds(book, account->id) >= BOOK_HOLDS_EACH)
		return SR_HOLDS_FULL;
	assert(book->hold_count == 0 ||
	       book->hold[book->hold_count - 1].leaf < turn->leaf);
	hold = &book->hold[book->hold_count++];
	*hold = (struct book_hold){.leaf = turn->leaf,
	    .time_ms = turn->time_ms,
	    .account = account->id,
	    .till = till->id,
	    .amount_minor = order->amount_minor,
	    .counted = book_day_count(
		book, account, order->amount_minor, turn->time_ms)};
	memcpy(hold->reference, order->reference, sizeof(hold->reference));
	account->held_minor += order->amount_minor;
	till->held_minor += order->amount_minor;
	touch(turn->effect, account, till);
	return SR_OK;
}

/* The hold that a till's order refers to, if it is that till's. */
static enum sr_error
find_own(const struct book_turn *turn, unsigned *place)
{
	const struct book_hold *hold =
	    book_hold(turn->book, turn->order->refers_to);

	if (turn->order->terminal != turn->signer->terminal)
		return SR_NOT_YOURS;
	if (hold == NULL)
		return SR_HOLD_STATE;
	if (hold->till != turn->signer->till)
		return SR_NOT_YOURS;
	*place = (unsigned)(hold - turn->book->hold);
	return SR_OK;
}

/* What of it was not paid out counts no more against the day's limit. */
static void
return_unpaid(
    struct book *book, const struct book_hold *hold, int64_t unpaid_minor)
{
	if (unpaid_minor > 0)
		book_day_return(book, book_account(book, hold->account),
		    hold->counted, unpaid_minor, hold->time_ms);
}

/* Gives back what a hold reserves, on both sides. */
static void
give_back(struct book *book, struct book_hold *hold)
{
	struct book_account *account = book_account(book, hold->account);
	struct book_account *till = book_account(book, hold->till);

	if (hold->released)
		return;
	assert(account->held_minor >= hold->amount_minor &&
	       till->held_minor >= hold->amount_minor);
	account->held_minor -= hold->amount_minor;
	till->held_minor -= hold->amount_minor;
	hold->released = true;
}

/* Forgets the settled hold; the others stay in their order. */
static void
drop_hold(struct book *book, unsigned place)
{
	book->hold_count--;
	memmove(&book->hold[place], &book->hold[place + 1],
	    (book->hold_count - place) * sizeof(book->hold[0]));
	memset(&book->hold[book->hold_count], 0, sizeof(book->hold[0]));
}

void
book_drop_released(struct book *book, uint64_t till)
{
	unsigned place = 0;

	while (place < book->hold_count)
		if (book->hold[place].released &&
		    book->hold[place].till == till)
			drop_hold(book, place);
		else
			place++;
}

/* Posted, though two operators had released it. */
static void
note_late(const struct book_turn *turn, const struct book_hold *hold)
{
	struct book *book = turn->book;
	const struct book_account *account = book_account(book, hold->account);

	book->late[book->late_posts++ % BOOK_LATE_MAX] =
	    (struct book_late){.leaf = turn->leaf,
		.time_ms = turn->time_ms,
		.hold = hold->leaf,
		.account = hold->account,
		.till = hold->till,
		.amount_minor = turn->order->amount_minor,
		.below_floor =
		    (__int128)account->posted_minor - account->held_minor <
		    account->floor_minor};
}

/*
 * The cash is out: whatever has become of the account since, this is booked,
 * across its floor if it must be.
 */
enum sr_error
book_rule_post(struct book_turn *turn)
{
	const struct order *order = turn->order;
	struct book *book = turn->book;
	struct book_account *account, *till;
	int64_t account_after, till_after;
	struct book_hold *hold;
	unsigned place;
	enum sr_error error = find_own(turn, &place);

	if (error != SR_OK)
		return error;
	hold = &book->hold[place];
	if (order->debit != hold->account || order->credit != hold->till)
		return SR_PARAMETERS;
	if (order->amount_minor <= 0 ||
	    order->amount_minor > hold->amount_minor)
		return SR_AMOUNT;
	account = book_account(book, hold->account);
	till = book_account(book, hold->till);
	if (__builtin_sub_overflow(
		account->posted_minor, order->amount_minor, &account_after) ||
	    __builtin_add_overflow(
		till->posted_minor, order->amount_minor, &till_after))
		return SR_AMOUNT;
	turn->effect->late = hold->released;
	if (!hold->released)
		return_unpaid(
		    book, hold, hold->amount_minor - order->amount_minor);
	give_back(book, hold);
	account->posted_minor = account_after;
	till->posted_minor = till_after;
	if (turn->effect->late)
		note_late(turn, hold);
	drop_hold(book, place);
	touch(turn->effect, account, till);
	return SR_OK;
}

enum sr_error
book_rule_void(struct book_turn *turn)
{
	struct book *book = turn->book;
	struct book_hold *hold;
	unsigned place;
	enum sr_error error = find_own(turn, &place);

	if (error != SR_OK)
		return error;
	if (!book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	hold = &book->hold[place];
	if (!hold->released)
		return_unpaid(book, hold, hold->amount_minor);
	give_back(book, hold);
	touch(turn->effect, book_account(book, hold->account),
	    book_account(book, hold->till));
	drop_hold(book, place);
	return SR_OK;
}

/* The hold as the operators have seen it, and that it may be released now. */
enum sr_error
book_check_release(const struct book *book, const struct book_request *request,
    uint64_t time_ms)
{
	const struct book_hold *hold = book_hold(book, request->refers_to);
	struct order_release release;

	if (order_release_decode(request->attachment, request->attachment_len,
		&release) != SR_OK)
		return SR_PARAMETERS;
	if (hold != NULL && (release.account != hold->account ||
				release.amount_minor != hold->amount_minor))
		return SR_PARAMETERS;
	if (hold == NULL || hold->released)
		return SR_HOLD_STATE;
	return book_hold_releasable(book, hold, time_ms) ? SR_OK
							 : SR_NOT_OVERDUE;
}

void
book_release(struct book *book, uint64_t hold_leaf, struct book_effect *effect)
{
	unsigned place = hold_place(book, hold_leaf);
	struct book_hold *hold = &book->hold[place];

	assert(hold->leaf == hold_leaf && !hold->released);
	return_unpaid(book, hold, hold->amount_minor);
	give_back(book, hold);
	touch(effect, book_account(book, hold->account),
	    book_account(book, hold->till));
	/* nobody is left who could post it */
	if (book_hold_stranded(book, hold))
		drop_hold(book, place);
}
