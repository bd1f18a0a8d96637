/* SPDX-License-Identifier: ISC */
/* Entries of every type, the orders in them and what the orders carry. */
#include "common/journal.h"
#include "common/order_parameters.h"

#include "tests/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct entry_genesis genesis;
	struct entry_account account;
	struct entry_order logged;
	struct entry_event event;
	struct entry_snapshot snapshot;
	struct order order;

	(void)journal_class_of(bytes, len);
	(void)entry_genesis_decode(bytes, len, &genesis);
	(void)entry_account_decode(bytes, len, &account);
	(void)entry_event_decode(ENTRY_USE, bytes, len, &event);
	if (entry_event_decode(ENTRY_SYSTEM, bytes, len, &event) == SR_OK)
		(void)entry_snapshot_of(&event, &snapshot);
	if (entry_order_decode(bytes, len, &logged) == SR_OK &&
	    order_decode(logged.order, &order) == SR_OK) {
		fuzz_taken();
		fuzz_must(logged.attachment_len <= ORDER_ATTACHMENT_MAX);
		(void)order_attachment_check(
		    order.kind, logged.attachment, logged.attachment_len);
	}
	return 0;
}
