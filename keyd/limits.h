/* SPDX-License-Identifier: ISC */
#ifndef KEYD_LIMITS_H
#define KEYD_LIMITS_H
/*
 * Attempts and how soon the next one may be (strongroom-protocol(7), "Limits
 * and enumeration").  A fixed table of buckets of 32 bytes, found by keyed
 * hash, shared on collision and never evicted, so that nobody can wash a
 * name's bucket out; what one kind of attempt can reach lies apart from the
 * others (enum limits_region):
 *
 *	next allowed ms 8 | last charge ms 8 | day began ms 8 | strikes 4
 *	| charges of that day 4
 *
 * Five charges are free; after the fifth the next one waits 30 s, then
 * doubling to 1 h.  A strike is forgotten for each hour without a charge that
 * stood.
 * Beyond 50 charges in a day each waits 1 h.  Never longer: there is no lock.
 *
 * A charge is written at once and durable after limits_sync(), before the
 * attempt is evaluated.  On a disk that takes no writes (full where it copies,
 * or read-only) it counts in memory until the disk does again: who logs in
 * meanwhile sees balances, and a keyd that ended would not start there.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/refusal.h"

/*
 * Who tries at open terminals reaches the first region only: so many names
 * raise all of it at last, but nobody else's.  Each enrolled terminal has a
 * slice of its own, as many as there can be.  Device tokens have one by name,
 * because a customer can have any number of them made for the own name.
 */
enum limits_region {
	LIMITS_BUDGETS = REFUSAL_BUDGETS, /* first: what keyd does in an hour */
	LIMITS_FAILED_FIRST = 32768,
	LIMITS_TERMINAL_FIRST = 65536,
	LIMITS_TERMINALS = 4096,
	LIMITS_TERMINAL_SLICE = 16,
	LIMITS_DEVICE_FIRST =
	    LIMITS_TERMINAL_FIRST + LIMITS_TERMINALS * LIMITS_TERMINAL_SLICE,
	LIMITS_DEVICE_NAMES = 1024,
	LIMITS_DEVICE_SLICE = 32,
	LIMITS_PLACES =
	    LIMITS_DEVICE_FIRST + LIMITS_DEVICE_NAMES * LIMITS_DEVICE_SLICE,
};

enum {
	LIMITS_BUCKET_LEN = 32,
	LIMITS_FILE_LEN = LIMITS_PLACES * LIMITS_BUCKET_LEN,
	LIMITS_FREE = 5,
	LIMITS_FIRST_DELAY_MS = 30000,
	LIMITS_LAST_DELAY_MS = 3600000,
	LIMITS_DAY_MS = 86400000,
	LIMITS_DAY_CHARGES = 50,
};

struct limits_bucket {
	uint64_t next_ms;
	uint64_t last_ms;
	uint64_t day_ms;
	uint32_t strikes;
	uint32_t day_charges;
};

struct limits {
	struct env *env;
	env_file file;
	const uint8_t *key; /* 32 bytes */
	bool dirty;
	bool behind;        /* the file lacks what the table has */
	uint64_t found_len; /* of the file, when it was opened */
	struct limits_bucket bucket[LIMITS_PLACES];
};

/* What a charge changed, so that it can be taken back. */
struct limits_charge {
	uint32_t place;
	uint64_t next_ms; /* as the charge set it */
	uint64_t next_before_ms;
	uint64_t last_ms; /* likewise */
	uint64_t last_before_ms;
};

/*
 * Opens the file "limits" and reads it whole; key must outlive l.  A shorter
 * file is filled up with empty buckets.
 */
enum sr_error limits_open(
    struct limits *l, struct env *env, const uint8_t key[32]);

/* The bucket of a name at all open terminals. */
uint32_t limits_place_open(
    const struct limits *l, const char *name, size_t name_len);

/*
 * The bucket of a name at one enrolled terminal: index is its place in
 * keyd's list of them, below LIMITS_TERMINALS.
 */
uint32_t limits_place_terminal(
    const struct limits *l, uint32_t index, const char *name, size_t name_len);

/* The bucket of a name and a device that has a token for it. */
uint32_t limits_place_device(const struct limits *l, const char *name,
    size_t name_len, const uint8_t device_id[16]);

/* The counter of a name's failures since the last good log-in. */
uint32_t limits_place_failed(
    const struct limits *l, const char *name, size_t name_len);

/*
 * Charges one attempt.  SR_LATER: it is not its time yet, nothing was
 * charged, *retry_ms tells how long it is still.  SR_IO, SR_NO_SPACE: keyd
 * must stop.
 */
enum sr_error limits_charge(struct limits *l, uint32_t place, uint64_t now_ms,
    struct limits_charge *charge, uint64_t *retry_ms);

/* Takes a charge back after a valid log-in.  Need not be durable. */
enum sr_error limits_refund(
    struct limits *l, const struct limits_charge *charge);

/* A counter without delays, in a bucket of its own: adds one. */
enum sr_error limits_count(struct limits *l, uint32_t place);

/* Takes one away and what is left to *count, then begins anew at zero. */
enum sr_error limits_count_end(
    struct limits *l, uint32_t place, uint32_t *count);

/*
 * At most `most` in an hour of a budget, below REFUSAL_BUDGETS: SR_OK and
 * counted, or SR_LATER with *retry_ms.
 */
enum sr_error limits_hour(struct limits *l, enum refusal budget, uint32_t most,
    uint64_t now_ms, uint64_t *retry_ms);

/*
 * Makes all charges so far durable; one fdatasync, none if nothing changed, or
 * if the disk takes no writes.
 */
enum sr_error limits_sync(struct limits *l);

#endif
