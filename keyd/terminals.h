/* SPDX-License-Identifier: ISC */
#ifndef KEYD_TERMINALS_H
#define KEYD_TERMINALS_H
/*
 * Which terminals are enrolled, and the exact epoch of each one's key.  The
 * books say so first; ledgerd tells keyd by logged key operations.
 *
 * Each has 64 bytes of the file "terminals", in the order in which keyd heard
 * of them, two versions of 32 written in turn:
 *
 *	generation 4 | terminal 4 | epoch 4 | enrolled 1 | zero 3 | MAC 16
 *
 * An epoch never falls: a revoked key stays revoked.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/env.h"

enum {
	TERMINALS_MAX = 4096,
	TERMINALS_LEN = 64,
	TERMINALS_LIST_LEN = 12, /* one in terminals_list() */
};

struct terminal {
	uint32_t id;
	uint32_t generation; /* from 1 */
	uint32_t epoch;
	bool enrolled;
};

struct terminals {
	struct env *env;
	env_file file;
	const uint8_t *mac_key; /* 32 bytes */
	uint32_t count;
	struct terminal list[TERMINALS_MAX];
};

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
 * Enrols with, or revokes and raises to, an epoch; durable when it returns.
 * SR_OK at once if it is so already.  SR_TERMINAL for id 0 or one that does
 * not fit any more, SR_NOT_ALLOWED for an epoch that is not above the present one; errors of
 * env_write and env_sync: keyd must stop.
 */
enum sr_error terminals_set(
    struct terminals *t, uint32_t terminal, uint32_t epoch, bool enrolled);

/* The list for ledgerd: id u32, epoch u32, enrolled u8, 3 zeros each. */
void terminals_list(const struct terminals *t, struct writer *w);

#endif
