/* SPDX-License-Identifier: ISC */
/*
 * What a client asks for inside a record: each message becomes an item of the
 * queue.  A client may be an attacker: one that asks too much, or anything
 * behind its half of a re-key, loses its session.
 */
#include <stddef.h>
#include <string.h>

#include "ledgerd/intake.h"
#include "ledgerd/ledgerd.h"

/* The session that the record layer's part belongs to: its first member. */
static struct customer_session *
customer_session_of(struct session *records)
{
	return (struct customer_session *)records;
}

/* A place in the queue; NULL, and the session dies, when it asks too much. */
static struct item *
queue(struct ledgerd *ledgerd, struct session *records, enum item_kind kind,
    uint32_t request)
{
	struct customer_session *session = customer_session_of(records);
	struct item *item;

	if (session->leaving || records->dead)
		return NULL;
	/* Behind its half of a re-key a client has nothing to say. */
	if (session->rekeying || session->waiting == SESSION_WAITING_MAX ||
	    ledgerd->item_count == ITEMS_MAX) {
		ledgerd->refused++;
		session_wipe(records);
		return NULL;
	}
	session->waiting++;
	if (kind != ITEM_REKEY)
		session->heard_ms = env_boot_ms(ledgerd->env);
	ledgerd->item_count++;
	item = intake_item(ledgerd, ledgerd->item_count - 1);
	memset(item, 0, offsetof(struct item, order));
	item->kind = kind;
	item->connection = session->connection;
	item->serial = session->serial;
	item->request = request;
	return item;
}

void
ledgerd_take_client_order_submit(struct ledgerd *ledgerd,
    struct session *records, const struct message_order_submit *m)
{
	struct item *item = queue(ledgerd, records, ITEM_ORDER, m->request);
	struct item_order *order;

	if (item == NULL)
		return;
	order = &item->order;
	memcpy(order->bytes, m->order, sizeof(order->bytes));
	memcpy(order->signature, m->signature, sizeof(order->signature));
	memcpy(order->attachment, m->attachment, m->attachment_len);
	order->attachment_len = m->attachment_len;
	order->checked = SR_AGAIN;
	order->stored = false;
	memset(&order->answer, 0, sizeof(order->answer));
}

void
ledgerd_take_client_balance_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_balance_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_BALANCE, m->request);

	if (item != NULL)
		item->account = m->account;
}

void
ledgerd_take_client_statement_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_statement_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_STATEMENT, m->request);

	if (item == NULL)
		return;
	item->account = m->account;
	item->before = m->before;
	item->count = m->count;
}

void
ledgerd_take_client_directory_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_directory_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_DIRECTORY, m->request);

	if (item == NULL)
		return;
	item->account = m->customer;
	item->name_len = (uint8_t)m->name_len;
	memcpy(item->name, m->name, m->name_len);
}

void
ledgerd_take_client_certificate_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_certificate_get *m)
{
	struct item *item =
	    queue(ledgerd, records, ITEM_CERTIFICATE, m->request);

	if (item != NULL)
		item->key_id = m->key_id;
}

void
ledgerd_take_client_accounts_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_accounts_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_ACCOUNTS, m->request);

	if (item == NULL)
		return;
	item->account = m->customer;
	item->before = m->after;
}

void
ledgerd_take_client_requests_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_requests_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_REQUESTS, m->request);

	if (item != NULL)
		item->before = m->after;
}

void
ledgerd_take_client_policy_get(struct ledgerd *ledgerd, struct session *records,
    const struct message_policy_get *m)
{
	(void)queue(ledgerd, records, ITEM_POLICY, m->request);
}

void
ledgerd_take_client_principals_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_principals_get *m)
{
	struct item *item =
	    queue(ledgerd, records, ITEM_PRINCIPALS, m->request);

	if (item != NULL)
		item->before = m->after;
}

void
ledgerd_take_client_posting_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_posting_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_POSTING, m->request);

	if (item != NULL)
		item->before = m->leaf;
}

void
ledgerd_take_client_receipt_get(struct ledgerd *ledgerd,
    struct session *records, const struct message_receipt_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_RECEIPT, m->request);

	if (item != NULL)
		item->before = m->leaf;
}

void
ledgerd_take_client_rekey(struct ledgerd *ledgerd, struct session *records,
    const struct message_rekey *m)
{
	struct item *item = queue(ledgerd, records, ITEM_REKEY, 0);

	if (item == NULL)
		return;
	memcpy(item->key, m->key, sizeof(item->key));
	customer_session_of(records)->rekeying = true;
}

void
ledgerd_take_client_holds_get(struct ledgerd *ledgerd, struct session *records,
    const struct message_holds_get *m)
{
	struct item *item = queue(ledgerd, records, ITEM_HOLDS, m->request);

	if (item != NULL)
		item->before = m->after;
}

void
ledgerd_take_client_late_get(struct ledgerd *ledgerd, struct session *records,
    const struct message_late_get *m)
{
	(void)queue(ledgerd, records, ITEM_LATE, m->request);
}

void
ledgerd_take_client_goodbye(struct ledgerd *ledgerd, struct session *records,
    const struct message_goodbye *m)
{
	(void)m;
	if (queue(ledgerd, records, ITEM_GOODBYE, 0) != NULL)
		customer_session_of(records)->leaving = true;
}

void
ledgerd_refuse_client(struct ledgerd *ledgerd, struct session *records,
    unsigned type, enum sr_error error)
{
	struct item *item = queue(ledgerd, records, ITEM_REFUSED, 0);

	(void)type;
	ledgerd->refused++;
	if (item != NULL)
		item->refused = error;
}
