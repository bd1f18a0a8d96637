/* SPDX-License-Identifier: ISC */
/*
 * A step with an order of any of the kinds that the other steps do not know:
 * the generator of random orders says what, and the people of this world sign
 * it.  Kinds after which much would be different come in steps of their own:
 * roles, the end of main accounts, another life of orders.
 */
#include <string.h>

#include "common/authority.h"
#include "common/ids.h"
#include "tests/sim/acts.h"
#include "tests/sim/orders.h"

enum { LOOKS = 60, ORDERS_EACH = 3 };

static bool
fits_here(const struct world *world, const struct orders *orders)
{
	const struct order *order = &orders->order;
	const struct model_person *person;
	uint64_t account;

	switch (order->kind) {
	case ORDER_UNDO:
	case ORDER_REVERSE:
	case ORDER_ISSUE:
	case ORDER_ADJUST:
	case ORDER_RAISE_LIMIT:
	case ORDER_LOWER_LIMIT:
	case ORDER_FREEZE:
	case ORDER_UNFREEZE:
	case ORDER_ACCOUNT_OPEN:
	case ORDER_TILL_OPEN:
	case ORDER_TILL_COUNT:
	case ORDER_TILL_CLOSE:
	case ORDER_CASH_OUT:
	case ORDER_ERASE: /* mostly of one who has accounts */
		return true;
	case ORDER_CLOSE: /* of accounts other than the first */
		return order_account_decode(orders->attachment,
			   orders->attachment_len, &account) == SR_OK &&
		       account_index(account) != ACCOUNT_INDEX_MAIN;
	case ORDER_DEPOSIT: /* of tellers, with whom nobody else deals */
		person = model_person(&world->audit.model, order->signer);
		return person != NULL && person->role == ROLE_TELLER;
	case ORDER_TRANSFER: /* of accounts other than the first */
		return (order->debit & 0xffff) != 0 ||
		       (order->credit & 0xffff) != 0;
	case ORDER_APPROVE:
		return world->audit.model.requests > 0;
	default:
		return false;
	}
}

static struct actor *
actor_of(struct world *world, uint64_t customer)
{
	for (unsigned i = 0; i < world->actors; i++)
		if (world->actor[i].registered &&
		    world->actor[i].person.m4.customer == customer)
			return &world->actor[i];
	return NULL;
}

static void
sign_one(struct world *world, struct orders *orders)
{
	struct actor *who;
	struct order order;
	size_t before;

	for (unsigned look = 0; look < LOOKS; look++) {
		orders_next(orders);
		if (fits_here(world, orders))
			break;
	}
	if (!fits_here(world, orders))
		return;
	who = actor_of(world, orders->order.signer);
	if (who == NULL || !people_enter(world, who))
		return;
	order = people_order(world, who, (enum order_kind)orders->order.kind);
	order.debit = orders->order.debit;
	order.credit = orders->order.credit;
	order.amount_minor = orders->order.amount_minor;
	order.refers_to = orders->order.refers_to;
	before = world->acks;
	(void)people_sign(
	    world, who, &order, orders->attachment, orders->attachment_len);
	people_resend(world, who);
	/* mostly another operator is at hand */
	if (order_kind_is_request(order.kind) && !orders_happens(orders, 200))
		acts_approve(
		    world, before, (uint64_t)(who == acts_operator(world, 0)));
}

void
acts_order(struct world *world, const uint64_t *draw)
{
	static struct orders orders;

	memset(&orders, 0, sizeof(orders));
	orders.model = &world->audit.model;
	orders.random = draw[0] | 1;
	orders.next_terminal = 1;
	orders.left = LOOKS * ORDERS_EACH + 1; /* in no special mood */
	/* by what was known before: a fault of this step may be at work */
	for (unsigned i = 0; i < ORDERS_EACH && world->up; i++)
		sign_one(world, &orders);
}
