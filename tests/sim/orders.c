/* SPDX-License-Identifier: ISC */
/* Random orders: how often which kind comes, and who signs it. */

#include "common/authority.h"
#include "tests/sim/orders_pick.h"

/* How often each kind comes, and who signs it as a rule. */
static const struct {
	uint8_t kind;
	uint8_t role;
	uint16_t weight;
} customs[] = {
    {ORDER_TRANSFER, ROLE_CUSTOMER, 260},
    {ORDER_DEPOSIT, ROLE_TERMINAL, 40},
    {ORDER_DEPOSIT, ROLE_TELLER, 60},
    {ORDER_HOLD, ROLE_CUSTOMER, 100},
    {ORDER_POST, ROLE_TERMINAL, 60},
    {ORDER_VOID, ROLE_TERMINAL, 20},
    {ORDER_UNDO, ROLE_CUSTOMER, 40},
    {ORDER_UNDO, ROLE_TELLER, 25},
    {ORDER_REVERSE, ROLE_OPERATOR, 40},
    {ORDER_ISSUE, ROLE_OPERATOR, 50},
    {ORDER_ADJUST, ROLE_OPERATOR, 40},
    {ORDER_POLICY, ROLE_OPERATOR, 8},
    {ORDER_ROLE, ROLE_OPERATOR, 40},
    {ORDER_RAISE_LIMIT, ROLE_OPERATOR, 40},
    {ORDER_ENROL_REQUEST, ROLE_OPERATOR, 15},
    {ORDER_APPROVE, ROLE_OPERATOR, 330},
    {ORDER_FREEZE, ROLE_OPERATOR, 12},
    {ORDER_LOWER_LIMIT, ROLE_OPERATOR, 25},
    {ORDER_REVOKE, ROLE_OPERATOR, 3},
    {ORDER_ROLE_REVOKE, ROLE_OPERATOR, 2},
    {ORDER_CLOSE, ROLE_CUSTOMER, 50},
    {ORDER_TILL_OPEN, ROLE_TELLER, 40},
    {ORDER_TILL_COUNT, ROLE_TELLER, 30},
    {ORDER_TILL_CLOSE, ROLE_TELLER, 20},
    {ORDER_TILL_OPEN, ROLE_TERMINAL, 20},
    {ORDER_TILL_CLOSE, ROLE_TERMINAL, 8},
    {ORDER_RELEASE_REQUEST, ROLE_OPERATOR, 30},
    {ORDER_AUDITOR_REQUEST, ROLE_OPERATOR, 5},
    {ORDER_ACCOUNT_OPEN, ROLE_CUSTOMER, 50},
    {ORDER_UNFREEZE, ROLE_OPERATOR, 30},
    {ORDER_CASH_OUT, ROLE_TELLER, 30},
    {ORDER_ERASE, ROLE_CUSTOMER, 5},
    {ORDER_CERTIFY, ROLE_AUDITOR, 5},
    {ORDER_RETIRE, ROLE_OPERATOR, 5},
    {ORDER_RESET, ROLE_OPERATOR, 20},
};

enum { CUSTOMS = sizeof(customs) / sizeof(customs[0]) };

static unsigned
place_of(enum order_kind kind)
{
	unsigned place = 0;

	while (customs[place].kind != kind)
		place++;
	return place;
}

/* Which line of the customs comes next. */
static unsigned
next_place(struct orders *orders)
{
	unsigned total = 0, place = 0;
	uint64_t at;

	for (unsigned i = 0; i < CUSTOMS; i++)
		total += customs[i].weight;
	for (at = orders_draw(orders, total); at >= customs[place].weight;)
		at -= customs[place++].weight;
	if (orders_happens(orders, 200))
		return place;
	switch (orders->mood) {
	case MOOD_REQUESTS:
		return place_of(orders_happens(orders, 800)
				    ? ORDER_POLICY
				    : ORDER_ENROL_REQUEST);
	case MOOD_HOLDS:
		return place_of(ORDER_HOLD);
	case MOOD_APPROVALS:
		return place_of(
		    orders_happens(orders, 450) ? ORDER_ISSUE : ORDER_APPROVE);
	case MOOD_ANY:
	case MOODS:
		break;
	}
	return orders->payments ? place_of(ORDER_TRANSFER) : place;
}

/* Most of the time everybody does this and that. */
static void
change_mood(struct orders *orders)
{
	if (orders->left-- > 0)
		return;
	orders->mood = MOOD_ANY;
	orders->left = 1000;
	if (orders_happens(orders, 300)) {
		orders->mood =
		    (enum orders_mood)(1 + orders_draw(orders, MOODS - 1));
		orders->left = 50 + (unsigned)orders_draw(orders, 200);
	}
	orders->holder = somebody(orders, ROLE_CUSTOMER)->customer;
}

void
orders_next(struct orders *orders)
{
	const struct model_person *signer;
	struct order *o = &orders->order;
	unsigned place;

	change_mood(orders);
	place = next_place(orders);
	signer = somebody(orders, orders_happens(orders, 20)
				      ? (unsigned)(1 + orders_draw(orders, 5))
				      : customs[place].role);
	if (orders_happens(orders, 3)) /* also who signs nothing any more */
		signer =
		    &orders->model
			 ->person[orders_draw(orders, orders->model->people)];
	if (orders->mood == MOOD_HOLDS && customs[place].kind == ORDER_HOLD &&
	    model_person(orders->model, orders->holder) != NULL)
		signer = model_person(orders->model, orders->holder);
	*o = (struct order){.kind = customs[place].kind,
	    .unit = order_unit(orders->model->genesis.unit.exponent),
	    .terminal = signer->terminal,
	    .signer = signer->customer};
	orders->attachment_len = 0;
	orders_make(orders, signer);
	signer = model_person(orders->model, o->signer);
	o->seq = signer->next_seq;
	if (orders_happens(orders, 200))
		o->reference[0] = (uint8_t)(1 + orders_draw(orders, 200));
	if (orders_happens(orders, 2))
		o->unit ^= 1;
	if (orders_happens(orders, 5))
		o->terminal = 1 + (uint32_t)orders_draw(orders, 4);
	if (orders_happens(orders, 3))
		o->refers_to = orders_draw(orders, 100);
	if (orders_happens(orders, 3))
		o->amount_minor ^= (int64_t)orders_draw(orders, 3);
	if (orders_happens(orders, 5))
		orders_spoil(orders);
}
