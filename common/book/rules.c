/* SPDX-License-Identifier: ISC */
/*
 * The rules of the ledger: what all kinds of orders have in common, and
 * transfers and deposits.  Must never move money on one side only, let an
 * authority act that policy/authority.def does not name, or change anything
 * for an order that it declines.
 */
#include "common/book/rules.h"

#include <assert.h>
#include <string.h>

enum sr_error
book_has(const struct book_account *account, int64_t amount_minor)
{
	/* a till's reserved cash is in it until it is out */
	int64_t held_minor =
	    account->type == ACCOUNT_TILL ? 0 : account->held_minor;
	int64_t after;

	if (account->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	if (__builtin_sub_overflow(account->posted_minor, held_minor, &after) ||
	    __builtin_sub_overflow(after, amount_minor, &after) ||
	    after < account->floor_minor)
		return account->type == ACCOUNT_TILL ? SR_TILL_FULL : SR_FUNDS;
	return SR_OK;
}

enum sr_error
book_may_give(const struct book_account *account, int64_t amount_minor)
{
	if (account->status == ACCOUNT_FROZEN)
		return SR_ACCOUNT_FROZEN;
	return book_has(account, amount_minor);
}

enum sr_error
book_may_take(const struct book_account *account, int64_t amount_minor)
{
	int64_t after;

	if (account->status == ACCOUNT_CLOSED)
		return SR_ACCOUNT_CLOSED;
	/* a debt may be paid down whatever the ceiling is */
	if (__builtin_add_overflow(
		account->posted_minor, amount_minor, &after) ||
	    (after > account->ceiling_minor && after > 0))
		return SR_CEILING;
	return SR_OK;
}

void
book_move(struct book_account *debit, struct book_account *credit,
    int64_t amount_minor, struct book_effect *effect)
{
	__int128 sum = (__int128)debit->posted_minor + credit->posted_minor;

	debit->posted_minor -= amount_minor;
	credit->posted_minor += amount_minor;
	assert(sum == (__int128)debit->posted_minor + credit->posted_minor);
	effect->touched[effect->touched_count++] = debit;
	effect->touched[effect->touched_count++] = credit;
}

/* Only orders that move money name accounts and an amount. */
bool
book_moves_nothing(const struct order *order)
{
	return order->debit == 0 && order->credit == 0 &&
	       order->amount_minor == 0;
}

struct book_account *
book_own_account(const struct book_turn *turn, uint64_t account)
{
	struct book_account *own = book_account(turn->book, account);

	return own != NULL && own->type == ACCOUNT_CUSTOMER &&
		       account_customer(account) == turn->signer->customer
		   ? own
		   : NULL;
}

enum sr_error
book_own_till(
    const struct book_turn *turn, uint64_t account, struct book_account **till)
{
	const struct book_principal *signer = turn->signer;

	*till = book_account(turn->book, account);
	if (*till == NULL || account != signer->till)
		return SR_NOT_YOURS;
	/* a terminal's cash moves there; a teller may work anywhere */
	if (signer->role == ROLE_TERMINAL &&
	    turn->order->terminal != signer->terminal)
		return SR_NOT_YOURS;
	return (*till)->till_closed ? SR_TILL_CLOSED : SR_OK;
}

/* Remembers the order at work as a posting that may be undone. */
static void
remember_turn(const struct book_turn *turn)
{
	book_remember(turn->book, &(struct book_posting){.leaf = turn->leaf,
				      .time_ms = turn->time_ms,
				      .debit = turn->order->debit,
				      .credit = turn->order->credit,
				      .amount_minor = turn->order->amount_minor,
				      .kind = turn->order->kind});
}

/* What transfers and deposits have in common, up to the payer's side. */
static enum sr_error
check_payment(const struct book *book, const struct order *order,
    struct book_account **debit, struct book_account **credit)
{
	*debit = book_account(book, order->debit);
	*credit = book_account(book, order->credit);
	if (order->amount_minor <= 0)
		return SR_AMOUNT;
	if (order->debit == order->credit)
		return SR_SAME_ACCOUNT;
	if (*debit == NULL || *credit == NULL ||
	    (*credit)->type != ACCOUNT_CUSTOMER)
		return SR_NO_ACCOUNT;
	return book_may_give(*debit, order->amount_minor);
}

static enum sr_error
rule_transfer(struct book_turn *turn)
{
	const struct order *order = turn->order;
	struct book *book = turn->book;
	struct book_account *debit, *credit;
	bool own;
	enum sr_error error;

	if (order->debit !=
		account_id(turn->signer->customer, ACCOUNT_INDEX_MAIN) &&
	    book_own_account(turn, order->debit) == NULL)
		return SR_NOT_YOURS;
	error = check_payment(book, order, &debit, &credit);
	own = account_customer(order->debit) == account_customer(order->credit);
	if (error == SR_OK && !own)
		error = book_day_check(
		    book, debit, order->amount_minor, turn->time_ms);
	if (error == SR_OK)
		error = book_may_take(credit, order->amount_minor);
	if (error != SR_OK)
		return error;
	if (!own)
		(void)book_day_count(
		    book, debit, order->amount_minor, turn->time_ms);
	book_move(debit, credit, order->amount_minor, turn->effect);
	remember_turn(turn);
	return SR_OK;
}

static enum sr_error
rule_deposit(struct book_turn *turn)
{
	const struct order *order = turn->order;
	struct book_account *debit, *credit;
	enum sr_error error = book_own_till(turn, order->debit, &debit);

	if (error == SR_OK)
		error = check_payment(turn->book, order, &debit, &credit);
	if (error == SR_OK)
		error = book_may_take(credit, order->amount_minor);
	if (error != SR_OK)
		return error;
	book_move(debit, credit, order->amount_minor, turn->effect);
	remember_turn(turn);
	return SR_OK;
}

/* True if an order of the last 64 that took effect bears that reference. */
static bool
reference_used(const struct book *book, const struct book_principal *signer,
    const uint8_t reference[ORDER_REFERENCE_LEN])
{
	if (journal_all_zero(reference, ORDER_REFERENCE_LEN))
		return false;
	for (uint64_t seq = signer->next_seq; seq-- > 1;) {
		const struct book_past_order *past =
		    book_past(book, signer, seq);

		if (past == NULL)
			return false;
		if (past->outcome == SR_OK && memcmp(past->reference, reference,
						  ORDER_REFERENCE_LEN) == 0)
			return true;
	}
	return false;
}

/* Kinds that refer to a leaf; in all others the field is zero. */
static bool
refers(unsigned kind)
{
	return kind == ORDER_APPROVE || kind == ORDER_POST ||
	       kind == ORDER_VOID || kind == ORDER_RELEASE_REQUEST ||
	       kind == ORDER_UNDO || kind == ORDER_REVERSE;
}

/* The rule of each kind that is no request. */
static enum sr_error
apply_kind(struct book_turn *turn)
{
	switch (turn->order->kind) {
	case ORDER_TRANSFER:
		return rule_transfer(turn);
	case ORDER_DEPOSIT:
		return rule_deposit(turn);
	case ORDER_HOLD:
		return book_rule_hold(turn);
	case ORDER_POST:
		return book_rule_post(turn);
	case ORDER_VOID:
		return book_rule_void(turn);
	case ORDER_UNDO:
		return book_rule_undo(turn);
	case ORDER_APPROVE:
		return book_rule_approve(turn);
	case ORDER_REVOKE:
		return book_rule_revoke(turn);
	case ORDER_ROLE_REVOKE:
		return book_rule_role_revoke(turn);
	case ORDER_FREEZE:
		return book_rule_freeze(turn);
	case ORDER_LOWER_LIMIT:
		return book_rule_lower_limit(turn);
	case ORDER_ACCOUNT_OPEN:
		return book_rule_account_open(turn);
	case ORDER_CLOSE:
		return book_rule_close(turn);
	case ORDER_ERASE:
		return book_rule_erase(turn);
	case ORDER_CERTIFY:
		/* whether the log names that snapshot is ledgerd's to say, and
		 * what it is worth the next auditor's: no balance rests on it */
		return book_moves_nothing(turn->order) ? SR_OK : SR_PARAMETERS;
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
		return book_rule_till(turn);
	default:
		return SR_ROLE;
	}
}

enum sr_error
book_rules_apply(struct book_turn *turn)
{
	const struct book_principal *signer = turn->signer;
	const struct order *order = turn->order;

	if (signer->revoked || signer->erased ||
	    !authority_allows(order->kind, signer->role))
		return SR_ROLE;
	if (order->unit != turn->book->unit)
		return SR_UNIT;
	if (order_attachment_check(
		order->kind, turn->attachment, turn->attachment_len) != SR_OK ||
	    (!refers(order->kind) && order->refers_to != 0))
		return SR_PARAMETERS;
	if (reference_used(turn->book, signer, order->reference))
		return SR_DUPLICATE;
	return order_kind_is_request(order->kind) ? book_rule_request(turn)
						  : apply_kind(turn);
}
