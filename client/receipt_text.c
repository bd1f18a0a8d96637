/* SPDX-License-Identifier: ISC */
/* Receipts for people and for scripts; never of one that was not checked. */
#include "client/receipt_text.h"

#include <inttypes.h>
#include <string.h>

#include "client/bankfile.h"
#include "client/json.h"
#include "common/account_number.h"
#include "common/ids.h"
#include "common/name.h"

const char *
receipt_account(uint64_t account, char out[RECEIPT_ACCOUNT_MAX])
{
	char number[ACCOUNT_NUMBER_TEXT_MAX];

	if (account == ACCOUNT_ISSUE)
		return "the issue account";
	if (account == ACCOUNT_OVER_SHORT)
		return "the over/short account";
	if (account_index(account) == ACCOUNT_INDEX_TILL)
		snprintf(out, RECEIPT_ACCOUNT_MAX, "the till of %" PRIu64,
		    account_customer(account));
	else
		snprintf(out, RECEIPT_ACCOUNT_MAX, "account %s",
		    account_number_print(account, number));
	return out;
}

size_t
receipt_memo_len(const struct receipt_facts *facts)
{
	const struct entry_order *entry = &facts->entry;

	return order_kind_has_memo(facts->order.kind) &&
		       name_text_check(entry->attachment, entry->attachment_len,
			   ORDER_ATTACHMENT_MAX) == SR_OK
		   ? entry->attachment_len
		   : 0;
}

void
receipt_json(FILE *out, const struct money_unit *unit,
    const struct receipt *receipt, const struct receipt_facts *facts)
{
	const struct order *order = &facts->order;
	const char *reason = error_sentence(facts->entry.outcome);
	bool booked = facts->entry.outcome == SR_OK;
	size_t memo_len = receipt_memo_len(facts);
	char hex[65];

	bankfile_hex(facts->leaf_hash, hex);
	fprintf(out,
	    ",\"leaf\":%" PRIu64 ",\"leaf_hash\":\"%s\",\"size\":%" PRIu64
	    ",\"time_ms\":%" PRIu64 ",\"order\":\"%s\",\"amount_minor\":"
	    "%" PRId64 ",\"unit\":\"%s:%u\",\"signer\":%" PRIu64
	    ",\"debit\":%" PRIu64 ",\"credit\":%" PRIu64
	    ",\"refers_to\":%" PRIu64 ",\"outcome\":\"%s\"",
	    receipt->index, hex, facts->checkpoint.size, facts->entry.time_ms,
	    order_kind_name(order->kind), order->amount_minor, unit->code,
	    unit->exponent, order->signer, order->debit, order->credit,
	    order->refers_to, booked ? "booked" : "declined");
	if (!booked) {
		fprintf(out, ",\"reason\":");
		json_string(out, reason, strlen(reason));
	}
	if (receipt->name_len > 0) {
		fprintf(out, ",\"name\":");
		json_string(out, receipt->name, receipt->name_len);
	}
	if (memo_len > 0) {
		fprintf(out, ",\"memo\":");
		json_string(out, facts->entry.attachment, memo_len);
	}
}
