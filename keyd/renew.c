/* SPDX-License-Identifier: ISC */
/*
 * The epochs of renew.h.  Must never let a record rest on another seed than
 * the one that it was evaluated under.
 */
#include "keyd/renew.h"

#include "keyd/keyd.h"

static const struct state_key *
row(const struct keyd *k)
{
	return &k->state.key[BANK_KEY_OPRF];
}

bool
renew_wanted(
    const struct keyd *k, const struct customer *customer, uint8_t slot)
{
	const struct credential *credential = &customer->credential[slot];

	return slot == SLOT_PASSWORD &&
	       (credential->epoch != row(k)->epoch ||
		   credential->pair_epoch !=
		       k->state.key[BANK_KEY_OPAQUE].epoch);
}

uint64_t
renew_left(const struct keyd *k)
{
	return credentials_former(&k->credentials);
}
