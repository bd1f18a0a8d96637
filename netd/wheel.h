/* SPDX-License-Identifier: ISC */
#ifndef NETD_WHEEL_H
#define NETD_WHEEL_H
/*
 * Deadlines, one for each of `count` numbered things, on a wheel of slots of
 * WHEEL_TICK_MS: setting, changing and forgetting one takes a constant time
 * whatever the number of connections.  A deadline is told at the first look
 * after the end of its tick, never before it.
 */
#include <stdint.h>

enum {
	WHEEL_TICK_MS = 64,
	WHEEL_SLOTS = 512, /* later deadlines are looked at once a round */
	WHEEL_NONE = -1,
};

struct wheel_entry {
	uint64_t at_ms; /* 0: not set */
	int32_t next;
	int32_t previous;
	int32_t slot;
};

struct wheel {
	struct wheel_entry *entries;
	uint32_t count;
	uint64_t tick; /* the next one to be looked at */
	int32_t slots[WHEEL_SLOTS];
	uint32_t set; /* deadlines that are set */
};

/* No deadline is set; entries is the caller's memory for count things. */
void wheel_init(struct wheel *wheel, struct wheel_entry *entries,
    uint32_t count, uint64_t now_ms);

/* Sets or changes the deadline of `thing`; at_ms 0 forgets it. */
void wheel_set(struct wheel *wheel, uint32_t thing, uint64_t at_ms);

/*
 * One thing of which the deadline has passed, which is then forgotten; or
 * WHEEL_NONE.  To be called until that.
 */
int32_t wheel_expired(struct wheel *wheel, uint64_t now_ms);

/* Milliseconds until wheel_expired should be asked again; -1: nothing set. */
int wheel_wait_ms(const struct wheel *wheel, uint64_t now_ms);

#endif
