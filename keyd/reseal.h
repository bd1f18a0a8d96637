/* SPDX-License-Identifier: ISC */
#ifndef KEYD_RESEAL_H
#define KEYD_RESEAL_H
/*
 * After a new epoch of the key that seals credentials has begun (epochs.h)
 * every record is written under the new key, and the former one only opens.
 *
 * In idle steps, one record each RESEAL_PAUSE_MS, those that stand under the
 * former key are written again, both versions of each, as a change of the
 * customer's would be; then the former epoch ends.  A start goes on with it.
 *
 * Nobody notices: a log-in or rekey under way, a reset code and a device's
 * token rest on what the customer has changed (customer_change()), which this
 * does not count as.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	RESEAL_PAUSE_MS = 10,
	RESEAL_WAIT_MS = 1000, /* for a disk that takes nothing */
	RESEAL_LOOKS = 64,     /* records that a step looks at */
};

struct reseal {
	uint64_t next;    /* the customer to look at; 0: nobody */
	uint64_t next_ms; /* boot clock */
};

struct keyd;

/* Derives the keys of the state's epochs. */
void reseal_keys(struct keyd *k);

/* An epoch has begun (epochs.h): every record is looked at. */
void reseal_begin(struct keyd *k);

/* Milliseconds until something is to be done; UINT64_MAX: nothing is. */
uint64_t reseal_due_ms(const struct keyd *k);

/* Does that, if it is time.  A failure is noted. */
void reseal_step(struct keyd *k);

/* Records that may be left under the former key. */
uint64_t reseal_left(const struct keyd *k);

#endif
