/* SPDX-License-Identifier: ISC */
/*
 * What an order leaves of the accounts that it moves, looked at once more
 * after the rules: an account may be beyond a limit that was set narrower
 * than its balance, but nothing takes it further there.
 */
#include <inttypes.h>

#include "client/verify/audit.h"

/* What may still go out; cash that is reserved stays the till's. */
static __int128
free_minor(const struct book_account *account)
{
	__int128 posted_minor = account->posted_minor;

	return account->type == ACCOUNT_TILL
		   ? posted_minor
		   : posted_minor - account->held_minor;
}

void
audit_note_balances(const struct audit *audit, const struct audit_entry *entry,
    struct audit_balance before[JOURNAL_TOUCHED_MAX])
{
	for (unsigned i = 0; i < entry->plain.touched_count; i++) {
		const struct book_account *account =
		    book_account(&audit->book, entry->plain.touched[i].account);

		before[i] = (struct audit_balance){0, 0};
		if (account != NULL)
			before[i] = (struct audit_balance){
			    account->posted_minor, free_minor(account)};
	}
}

/* Of an approval what it approves, else its own. */
static enum order_kind
carried_out(const struct book *book, const struct order *order)
{
	if (order->kind != ORDER_APPROVE)
		return (enum order_kind)order->kind;
	for (unsigned i = 0; i < book->request_count; i++) {
		const struct book_request *request = book_request_at(book, i);

		if (request != NULL && request->leaf == order->refers_to)
			return (enum order_kind)request->kind;
	}
	return ORDER_APPROVE;
}

/* Cash is counted as it is there, be it more than the till may have. */
static bool
may_exceed_floor(const struct book_account *account, enum order_kind kind)
{
	return account->type == ACCOUNT_TILL &&
	       (kind == ORDER_TILL_OPEN || kind == ORDER_TILL_COUNT ||
		   kind == ORDER_TILL_CLOSE);
}

/*
 * What goes back goes where it came from; and cash that a hold has reserved
 * is paid out even when less was counted since.
 */
static bool
may_exceed_ceiling(const struct book_account *account, enum order_kind kind)
{
	return kind == ORDER_UNDO || kind == ORDER_REVERSE ||
	       (account->type == ACCOUNT_TILL && kind == ORDER_POST);
}

bool
audit_check_limits(struct verify *verify, const struct audit_entry *entry,
    const struct order *order, const struct book_effect *effect,
    const struct audit_balance before[JOURNAL_TOUCHED_MAX])
{
	enum order_kind kind = carried_out(&verify->audit->book, order);

	for (unsigned i = 0; i < effect->touched_count; i++) {
		const struct book_account *account = effect->touched[i];
		__int128 left = free_minor(account);

		if (effect->late || (account->type != ACCOUNT_CUSTOMER &&
					account->type != ACCOUNT_TILL))
			continue;
		if (left < before[i].free_minor &&
		    left < account->floor_minor &&
		    !may_exceed_floor(account, kind))
			return audit_fault(verify, entry,
			    "it takes account %" PRIu64 " below its floor",
			    account->id);
		if (account->posted_minor > before[i].posted_minor &&
		    account->posted_minor > account->ceiling_minor &&
		    account->posted_minor > 0 &&
		    !may_exceed_ceiling(account, kind))
			return audit_fault(verify, entry,
			    "it takes account %" PRIu64 " above its ceiling",
			    account->id);
	}
	return true;
}
