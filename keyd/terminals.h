/* SPDX-License-Identifier: ISC */
#ifndef KEYD_TERMINALS_H
#define KEYD_TERMINALS_H
/*
 * Which terminals are enrolled, and the exact epoch of each one's key.  The
 * books say so first; ledgerd tells keyd by logged key operations.
 *
 * Each has 64 bytes of the file "terminals", in the order in which keyd heard
 * of them, two versions of 32:
 *
 *	generation 4 | terminal 4 | epoch 4 | enrolled 1
 *	| root's hour 3 | MAC 16
 *
 * An epoch never falls: a revoked key stays revoked.  A change is written to
 * one version and then to the other, so that none is left of before it; and
 * keyd's state has a digest of what all of them say, so that the file of
 * before is noticed.
 *
 * The key of a card comes of the terminal root of one epoch, which is the
 * first one or a full hour since 1970: 0 or that hour.  After a rotation keys
 * for cards come of the present one, and a terminal's card serves on until the
 * new one is first used: from then on only that does.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/env.h"

enum {
	TERMINALS_MAX = 4096,
	TERMINALS_LEN = 64,
	TERMINALS_LIST_LEN = 12, /* one in terminals_list() */
	TERMINALS_DIGEST_LEN = 32,
};

struct terminal {
	uint32_t id;
	uint32_t generation; /* from 1 */
	uint32_t epoch;
	bool enrolled;
	uint32_t root_hour; /* of the root that its card comes of */
};

struct terminals {
	struct env *env;
	env_file file;
	const uint8_t *mac_key; /* 32 bytes */
	uint32_t root_hour;     /* the present root's; set by the caller */
	uint32_t count;
	struct terminal list[TERMINALS_MAX];
};

/* The hour of a root's epoch, and back; 0 is the first epoch. */
uint32_t terminals_root_hour(uint32_t epoch);
uint32_t terminals_root(uint32_t hour);

/*
 * The epoch of a root after that of `root': of `epoch', in full hours.
 * SR_INTERNAL after 2106.
 */
enum sr_error terminals_next_root(
    uint32_t root, uint32_t epoch, uint32_t *next);

/*
 * Opens and reads the file "terminals"; mac_key must outlive t.  SR_DAMAGED
 * when a terminal has bytes but no valid version.
 */
enum sr_error terminals_open(
    struct terminals *t, struct env *env, const uint8_t mac_key[32]);

/* The terminal of that id, or NULL if keyd never heard of it. */
const struct terminal *terminals_find(
    const struct terminals *t, uint32_t terminal);

/* SR_OK if the terminal is enrolled with exactly that epoch; SR_TERMINAL. */
enum sr_error terminals_check(
    const struct terminals *t, uint32_t terminal, uint32_t epoch);

/*
 * What a terminal is, enrolled with, or revoked and raised to, an epoch.
 * SR_ALREADY if it is so.  SR_TERMINAL for id 0 or one that does not fit any
 * more, SR_NOT_ALLOWED for an epoch that is not above the present one.
 */
enum sr_error terminals_set(const struct terminals *t, uint32_t terminal,
    uint32_t epoch, bool enrolled, struct terminal *next);

/* A known one, when its card comes of the present root. */
struct terminal terminals_move(
    const struct terminals *t, const struct terminal *terminal);

/*
 * What all terminals are, or are to be with next (NULL: none) in its place;
 * the same for each way to it.
 */
void terminals_digest(const struct terminals *t, const struct terminal *next,
    uint8_t digest[TERMINALS_DIGEST_LEN]);

/*
 * Makes next what the terminal is, in both versions; durable when it returns.
 * SR_NO_SPACE, SR_READ_ONLY: nothing has changed; other errors of env_write
 * and env_sync: keyd must stop.
 */
enum sr_error terminals_write(struct terminals *t, const struct terminal *next);

/*
 * Makes durable what was read: perhaps it came from memory only, because keyd
 * has ended when its sync failed.  Errors as env_write and env_sync.
 */
enum sr_error terminals_write_again(struct terminals *t);

/* How many enrolled ones have a card of a former root. */
uint64_t terminals_left(const struct terminals *t);

/* The list for ledgerd: id u32, epoch u32, enrolled u8, 3 zeros each. */
void terminals_list(const struct terminals *t, struct writer *w);

#endif
