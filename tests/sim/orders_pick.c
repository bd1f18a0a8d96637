/* SPDX-License-Identifier: ISC */
/* Random orders: whom and what they may name, as the model has it. */
#include <string.h>

#include "common/authority.h"
#include "common/ids.h"
#include "tests/sim/orders_pick.h"

uint64_t
orders_draw(struct orders *orders, uint64_t below)
{
	/* xorshift64* (Vigna 2016) */
	orders->random ^= orders->random >> 12;
	orders->random ^= orders->random << 25;
	orders->random ^= orders->random >> 27;
	return (orders->random * UINT64_C(2685821657736338717) >> 11) % below;
}

bool
orders_happens(struct orders *orders, unsigned per_mille)
{
	return orders_draw(orders, 1000) < per_mille;
}

const struct model_person *
somebody(struct orders *orders, unsigned role)
{
	const struct model *model = orders->model;
	const struct model_person *p = &model->person[0];

	for (unsigned look = 0; look < 200; look++) {
		p = &model->person[orders_draw(orders, model->people)];
		if (p->role == role && !p->revoked && !p->erased)
			return p;
	}
	return p;
}

const struct model_account *
some_account(struct orders *orders)
{
	return &orders->model
		    ->account[orders_draw(orders, orders->model->accounts)];
}

const struct model_account *
some_of_type(struct orders *orders, enum model_type type)
{
	const struct model_account *a = some_account(orders);

	for (unsigned look = 0;
	     look < 50 && (a->type != type || (look < 10 && a->closed)); look++)
		a = some_account(orders);
	return a;
}

uint64_t
some_of(struct orders *orders, uint64_t customer)
{
	for (unsigned look = 0; look < 20; look++) {
		uint64_t id =
		    customer << 16 |
		    (orders_draw(orders, 2) == 0 ? 0
						 : 2 + orders_draw(orders, 8));
		const struct model_account *a =
		    model_account(orders->model, id);

		if (a != NULL && !a->closed)
			return id;
	}
	return customer << 16;
}

uint64_t
or_another(struct orders *orders, uint64_t account)
{
	switch (orders_draw(orders, 60)) {
	case 0:
		return some_account(orders)->id;
	case 1:
		return orders_draw(orders, 2) == 0
			   ? 0
			   : account ^ UINT64_C(0x7000000000000000);
	default:
		return account;
	}
}

int64_t
some_amount(struct orders *orders, const struct model_account *from)
{
	int64_t has = 0;

	if (from != NULL)
		has = from->type == MODEL_TILL ? -from->posted
					       : from->posted - from->held;
	switch (orders_draw(orders, 40)) {
	case 0:
		return 0;
	case 1:
		return -(int64_t)orders_draw(orders, 1000);
	case 2:
		return orders_draw(orders, 8) == 0 ? INT64_MAX : INT64_MAX / 2;
	case 3:
		return INT64_MIN;
	case 4:
	case 5:
	case 6:
	case 7:
		return has;
	case 8:
		return has < INT64_MAX ? has + 1 : has;
	default:
		return 1 + (int64_t)orders_draw(orders, 400);
	}
}

int64_t
some_limit(struct orders *orders, int64_t span)
{
	return (int64_t)orders_draw(orders, (uint64_t)span + 1);
}

const struct model_hold *
some_hold(struct orders *orders)
{
	const struct model *model = orders->model;

	return model->holds == 0
		   ? NULL
		   : &model->hold[orders_draw(orders, model->holds)];
}

const struct model_posting *
some_posting(struct orders *orders)
{
	const struct model *model = orders->model;
	uint64_t back = orders_draw(orders, 12);

	if (model->postings == 0)
		return NULL;
	if (orders_happens(orders, 100))
		back = orders_draw(orders, MODEL_POSTINGS);
	if (back >= model->postings)
		back = 0;
	return &model->posting[(model->postings - 1 - back) % MODEL_POSTINGS];
}

const struct model_person *
worker(struct orders *orders, uint64_t till)
{
	const struct model *model = orders->model;
	unsigned first = (unsigned)orders_draw(orders, model->people);

	for (unsigned i = 0; i < model->people; i++) {
		const struct model_person *p =
		    &model->person[(first + i) % model->people];

		if (p->till == till && !p->revoked)
			return p;
	}
	return &model->person[first];
}
