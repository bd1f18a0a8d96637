/* SPDX-License-Identifier: ISC */
/*
 * Accounts come and go: opened and closed by their owner, frozen by an
 * operator.  Must never close one that has anything in it, nor use a number
 * twice.
 */
#include <assert.h>
#include <string.h>

#include "common/book/rules.h"

/* Further accounts of a customer: how many are not closed, and the next. */
struct further {
	unsigned open;
	unsigned next; /* the lowest index that was never used */
};

static struct further
further_of(const struct book *book, uint64_t customer)
{
	struct further further = {.next = ACCOUNT_INDEX_FURTHER};
	const struct book_account *account;

	while ((account = book_account(
		    book, account_id(customer, further.next))) != NULL) {
		further.open += account->status != ACCOUNT_CLOSED;
		further.next++;
	}
	return further;
}

bool
book_has_further(const struct book *book, uint64_t customer)
{
	return further_of(book, customer).open > 0;
}

struct book_account *
book_labelled(const struct book *book, uint64_t customer, const char *label,
    size_t label_len)
{
	struct book_account *account;

	for (unsigned i = ACCOUNT_INDEX_FURTHER;
	     (account = book_account(book, account_id(customer, i))) != NULL;
	     i++)
		if (account->status != ACCOUNT_CLOSED &&
		    account->label_len == label_len &&
		    memcmp(account->label, label, label_len) == 0)
			return account;
	return NULL;
}

enum sr_error
book_rule_account_open(struct book_turn *turn)
{
	const struct order *order = turn->order;
	const struct order_limits *limits = &turn->book->policy.customer;
	uint64_t customer = turn->signer->customer;
	const struct book_account *main_account =
	    book_account(turn->book, account_id(customer, ACCOUNT_INDEX_MAIN));
	struct further further = further_of(turn->book, customer);
	struct book_account *account;

	/* who is frozen gets no other place to keep money */
	if (main_account->status != ACCOUNT_OPEN)
		return main_account->status == ACCOUNT_FROZEN
			   ? SR_ACCOUNT_FROZEN
			   : SR_ACCOUNT_CLOSED;
	if (further.open + 1 >= BOOK_ACCOUNTS_EACH ||
	    further.next > BOOK_INDEX_MAX)
		return SR_ACCOUNTS_FULL;
	if (order->debit != 0 || order->amount_minor != 0 ||
	    order->credit != account_id(customer, further.next))
		return SR_PARAMETERS;
	if (book_labelled(turn->book, customer, (const char *)turn->attachment,
		turn->attachment_len) != NULL)
		return SR_ALREADY;
	/* credit is given to a person once, on the main account */
	account = book_add_account(turn->book, order->credit, ACCOUNT_CUSTOMER,
	    0, limits->ceiling_minor);
	account->day_limit_minor = limits->day_limit_minor;
	account->label_len = (uint8_t)turn->attachment_len;
	memcpy(account->label, turn->attachment, turn->attachment_len);
	turn->effect->touched[turn->effect->touched_count++] = account;
	return SR_OK;
}

enum sr_error
book_rule_close(struct book_turn *turn)
{
	struct book_account *account;
	uint64_t id;

	if (order_account_decode(turn->attachment, turn->attachment_len, &id) !=
		SR_OK ||
	    !book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	account = book_own_account(turn, id);
	if (account == NULL)
		return SR_NOT_YOURS;
	if (account->status == ACCOUNT_CLOSED)
		return SR_ALREADY;
	if (account->status == ACCOUNT_FROZEN)
		return SR_ACCOUNT_FROZEN;
	if (account->posted_minor != 0 || account->held_minor != 0 ||
	    book_has_holds(turn->book, id) ||
	    (account_index(id) == ACCOUNT_INDEX_MAIN &&
		book_has_further(turn->book, turn->signer->customer)))
		return SR_NOT_EMPTY;
	account->status = ACCOUNT_CLOSED;
	return SR_OK;
}

enum sr_error
book_rule_erase(struct book_turn *turn)
{
	uint64_t customer = turn->signer->customer;

	if (!book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	if (book_account(turn->book, account_id(customer, ACCOUNT_INDEX_MAIN))
		->status != ACCOUNT_CLOSED)
		return SR_NOT_EMPTY;
	turn->signer->erased = true;
	turn->effect->erased_principal = customer;
	turn->effect->revoked_principal = customer;
	return SR_OK;
}

/* Accounts that can be frozen, and whether this one is. */
static enum sr_error
find_frozen(const struct book *book, const void *attachment, size_t len,
    bool frozen, struct book_account **account)
{
	uint64_t id;

	if (order_account_decode(attachment, len, &id) != SR_OK)
		return SR_PARAMETERS;
	*account = book_account(book, id);
	if (*account == NULL)
		return SR_NO_ACCOUNT;
	if ((*account)->type != ACCOUNT_CUSTOMER &&
	    (*account)->type != ACCOUNT_TILL)
		return SR_PARAMETERS;
	if ((*account)->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	return ((*account)->status == ACCOUNT_FROZEN) == frozen ? SR_OK
								: SR_ALREADY;
}

enum sr_error
book_rule_freeze(struct book_turn *turn)
{
	struct book_account *account;
	enum sr_error error;

	if (!book_moves_nothing(turn->order))
		return SR_PARAMETERS;
	error = find_frozen(turn->book, turn->attachment, turn->attachment_len,
	    false, &account);
	if (error == SR_OK)
		account->status = ACCOUNT_FROZEN;
	return error;
}

/* A till that was frozen by the revocation of its owner stays so. */
enum sr_error
book_check_unfreeze(const struct book *book, const struct book_request *request)
{
	const struct book_principal *owner;
	struct book_account *account;
	enum sr_error error = find_frozen(
	    book, request->attachment, request->attachment_len, true, &account);

	if (error != SR_OK)
		return error;
	owner = book_principal(book, account_customer(account->id));
	return owner != NULL && owner->revoked ? SR_PARAMETERS : SR_OK;
}

void
book_unfreeze(struct book *book, const struct book_request *request)
{
	struct book_account *account;

	if (find_frozen(book, request->attachment, request->attachment_len,
		true, &account) != SR_OK)
		assert(false && "checked before");
	account->status = ACCOUNT_OPEN;
}
