/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SIM_ORDERS_H
#define TESTS_SIM_ORDERS_H
/*
 * Random orders of every kind, most of them such as people give, some with
 * one thing wrong, some quite senseless.  What they name they find in the
 * model; what becomes of them they do not know.
 */
#include <stdint.h>

#include "common/order.h"
#include "tests/sim/model.h"

/* What people do for a while, so that something fills up. */
enum orders_mood {
	MOOD_ANY,
	MOOD_REQUESTS,  /* which nobody approves */
	MOOD_HOLDS,     /* by one and the same, which nobody settles */
	MOOD_APPROVALS, /* of everything that is asked for */
	MOODS,
};

struct orders {
	const struct model *model;
	uint64_t random; /* state of the generator; not 0 */
	uint64_t now_ms;
	uint32_t next_terminal;
	uint64_t next_auditor;
	bool payments; /* hardly anything but these */
	unsigned left; /* orders of the present mood */
	enum orders_mood mood;
	uint64_t holder; /* who only withdraws */
	/* the last one: */
	struct order order;
	uint8_t attachment[ORDER_ATTACHMENT_MAX];
	size_t attachment_len;
};

/* A number below `below`. */
uint64_t orders_draw(struct orders *orders, uint64_t below);

/* True in so many of 1000 cases. */
bool orders_happens(struct orders *orders, unsigned per_mille);

/*
 * Makes the next order: everything but session, bank, previous hash,
 * attachment hash and expiry.  Its signer is somebody of the model.
 */
void orders_next(struct orders *orders);

#endif
