/* SPDX-License-Identifier: ISC */
/*
 * The books as transactions for other programs (client/export/export.h): what each
 * order did to the balances that the frames tell, after the book has found
 * the same.  The amounts are differences between these balances, so a program
 * that adds them up checks both.
 */
#include <string.h>

#include "client/verify/audit.h"

/* An approved request tells more of its posting than the approval does. */
static void
describe(const struct audit *audit, const struct order *order,
    const struct entry_order *logged, struct export_transaction *transaction)
{
	unsigned kind = order->kind;

	transaction->refers_to = order->refers_to;
	transaction->memo = (const char *)logged->attachment;
	transaction->memo_len = logged->attachment_len;
	for (unsigned i = 0; kind == ORDER_APPROVE; i++) {
		const struct book_request *request =
		    book_request_at(&audit->book, i);

		if (request == NULL)
			break;
		if (request->leaf != order->refers_to)
			continue;
		kind = request->kind;
		transaction->refers_to = request->refers_to;
		transaction->memo = (const char *)request->attachment;
		transaction->memo_len = request->attachment_len;
	}
	if (!order_kind_has_memo(kind))
		transaction->memo_len = 0;
	transaction->kind = order_kind_name(kind);
}

void
audit_export_transaction(const struct audit *audit, struct export *journal,
    const struct audit_entry *entry)
{
	const struct journal_plain *plain = &entry->plain;
	struct export_transaction transaction = {
	    .leaf = entry->header.seq, .time_ms = entry->header.time_ms};
	struct entry_order logged;
	struct order order;

	if (entry_order_decode(
		plain->committed, plain->committed_len, &logged) != SR_OK ||
	    order_decode(logged.order, &order) != SR_OK)
		return;
	for (unsigned i = 0; i < plain->touched_count; i++) {
		const struct journal_touched *touched = &plain->touched[i];
		struct export_posting *posting =
		    &transaction.posting[transaction.count];

		posting->account =
		    export_account_of(journal, touched->account, "", 0, NULL);
		if (posting->account == NULL)
			return;
		posting->balance_minor = touched->posted_minor;
		if (__builtin_sub_overflow(touched->posted_minor,
			posting->account->balance_minor,
			&posting->amount_minor))
			journal->failed = true;
		transaction.count += posting->amount_minor != 0;
	}
	describe(audit, &order, &logged, &transaction);
	if (transaction.count > 0)
		export_put(journal, &transaction);
}
