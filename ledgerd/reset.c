/* SPDX-License-Identifier: ISC */
/*
 * Resets.  Must never take keys for ordered that no two operators have ordered
 * for that customer in the place of exactly the keys in force.
 */
#include "ledgerd/reset.h"

#include <inttypes.h>
#include <string.h>

#include "common/authority.h"
#include "common/diag.h"
#include "ledgerd/commit.h"
#include "ledgerd/control.h"
#include "ledgerd/intake.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/ledgerd.h"
#include "ledgerd/restores_file.h"

/* An order of that kind that was carried out; SR_NOT_FOUND. */
static enum sr_error
read_order(struct ledgerd *ledgerd, uint64_t leaf, enum order_kind kind,
    struct order *order, struct order_reset *reset)
{
	static struct archive_frame frame;
	struct entry_order entry;
	enum sr_error error = archive_leaf(ledgerd, leaf, &frame);

	if (error != SR_OK)
		return error;
	if (entry_order_decode(frame.plain.committed, frame.plain.committed_len,
		&entry) != SR_OK ||
	    order_decode(entry.order, order) != SR_OK || order->kind != kind ||
	    entry.outcome != SR_OK)
		return SR_NOT_FOUND;
	if (kind == ORDER_RESET && order_reset_decode(entry.attachment,
				       entry.attachment_len, reset) != SR_OK)
		return SR_NOT_FOUND;
	return SR_OK;
}

/* The request that was approved there; SR_NOT_FOUND when it is no reset. */
static enum sr_error
find_request(struct ledgerd *ledgerd, uint64_t approval, uint64_t *request,
    struct order_reset *reset)
{
	struct order order;
	enum sr_error error =
	    read_order(ledgerd, approval, ORDER_APPROVE, &order, reset);

	if (error != SR_OK)
		return error;
	*request = order.refers_to;
	return order.refers_to < approval ? read_order(ledgerd, order.refers_to,
						ORDER_RESET, &order, reset)
					  : SR_NOT_FOUND;
}

/* What the log has nothing to say about any more keyd alone has looked at. */
static enum sr_error
look_for(struct ledgerd *ledgerd, const struct attestation *attestation)
{
	struct order_reset reset;
	uint64_t request;
	enum sr_error error =
	    find_request(ledgerd, attestation->reset_leaf, &request, &reset);

	if (error == SR_OK &&
	    (reset.customer != attestation->customer ||
		memcmp(reset.attestation_hash, attestation->previous_hash,
		    sizeof(reset.attestation_hash)) != 0))
		error = SR_NOT_FOUND;
	if (error != SR_RETIRED && error != SR_UNREADABLE &&
	    !(error == SR_NOT_FOUND &&
		restores_may_lose(ledgerd, attestation->reset_leaf)))
		return error;
	diag_warn("customer %" PRIu64 " comes with new keys by a reset whose "
		  "orders the log has no more",
	    attestation->customer);
	return SR_OK;
}

enum sr_error
reset_look(struct ledgerd *ledgerd, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct opening *opening = intake_opening_at(ledgerd, i);
		const struct message_session_open *m = &opening->message;
		const struct book_principal *principal =
		    book_principal(&ledgerd->book, m->customer);
		struct attestation attestation;
		uint8_t hash[32];

		opening->reset = SR_NOT_FOUND;
		if (m->attestation_len != ATTESTATION_LEN ||
		    attestation_read(m->attestation, &attestation) != SR_OK ||
		    attestation.reset_leaf == 0 || principal == NULL)
			continue;
		attestation_hash(m->attestation, hash);
		if (memcmp(hash, principal->attestation_hash, sizeof(hash)) ==
		    0)
			continue;
		opening->reset = look_for(ledgerd, &attestation);
		if (opening->reset == SR_NOT_FOUND)
			diag_error("keyd announced new keys of customer "
				   "%" PRIu64 " that no two operators have "
				   "ordered",
			    attestation.customer);
		else if (opening->reset != SR_OK &&
			 opening->reset != SR_OLD_RECORDS)
			return opening->reset;
	}
	return SR_OK;
}

/* Whom an operator of that session asks to reset; 0: nobody. */
static uint64_t
asked_for(struct ledgerd *ledgerd, const struct item *item)
{
	const struct customer_session *session;
	const struct book_principal *principal;
	struct order_reset reset;
	struct order order;

	if (item->kind != ITEM_ORDER ||
	    item->order.attachment_len != ORDER_RESET_LEN ||
	    order_decode(item->order.bytes, &order) != SR_OK ||
	    order.kind != ORDER_RESET ||
	    order_reset_decode(item->order.attachment,
		item->order.attachment_len, &reset) != SR_OK)
		return 0;
	session = sessions_find_serial(
	    &ledgerd->sessions, item->connection, item->serial);
	if (session == NULL)
		return 0;
	principal = book_principal(&ledgerd->book, session->customer);
	return principal != NULL && !principal->revoked &&
		       authority_allows(ORDER_RESET, principal->role)
		   ? reset.customer
		   : 0;
}

enum sr_error
reset_refresh(struct ledgerd *ledgerd)
{
	enum sr_error error = SR_OK;

	for (size_t i = 0; error == SR_OK && i < ledgerd->item_count; i++) {
		uint64_t customer = asked_for(ledgerd, intake_item(ledgerd, i));

		if (customer != 0)
			error = keyd_attestation(ledgerd, customer);
	}
	return error;
}

/* keyd answers the request itself, as for a terminal's key. */
void
ledgerd_take_control_reset_code_get(
    struct ledgerd *ledgerd, const struct message_reset_code_get *m)
{
	struct operation operation = {.code = USE_RESET,
	    .request = ledgerd->control_request,
	    .leaf = m->leaf};
	const struct book_principal *principal;
	struct order_reset reset;
	enum sr_error error =
	    find_request(ledgerd, m->leaf, &operation.request_leaf, &reset);

	if (error == SR_OK) {
		principal = book_principal(&ledgerd->book, reset.customer);
		if (principal == NULL)
			error = SR_NOT_FOUND;
		else if (principal->role != ROLE_CUSTOMER)
			error = SR_RESET_ROLE;
	}
	if (error == SR_NOT_FOUND || error == SR_RESET_ROLE ||
	    error == SR_RETIRED || error == SR_UNREADABLE ||
	    error == SR_OLD_RECORDS) {
		control_refuse(ledgerd, error);
	} else if (error != SR_OK) {
		ledgerd->fatal = error;
	} else {
		operation.customer = reset.customer;
		control_use_key(ledgerd, &operation);
	}
}
