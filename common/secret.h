/* SPDX-License-Identifier: ISC */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H
/*
 * Protected memory for secrets.  A room opens its arenas at start, before it
 * enters the sandbox; afterwards taking and releasing memory makes no system
 * call, and secret_seal only mprotect and mseal.
 *
 * An arena is memory from memfd_secret(2), which the kernel itself does not
 * map, or where there is none, locked anonymous memory kept out of core dumps.
 * Both have an inaccessible page before and behind, and a child of fork gets
 * neither.  A failing layer is an error, except that memfd_secret and mseal
 * may be missing from the kernel: arena.layers says what is in force.
 *
 * Short-lived secrets on the stack are SECRET_32 and SECRET_64: they are wiped
 * when their scope ends, by whichever way.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "common/error.h"

enum secret_layer {
	SECRET_MEMFD = 1 << 0,     /* memfd_secret(2) */
	SECRET_LOCKED = 1 << 1,    /* never swapped */
	SECRET_NO_DUMP = 1 << 2,   /* not in core dumps */
	SECRET_NO_FORK = 1 << 3,   /* not in children */
	SECRET_GUARDED = 1 << 4,   /* a guard page on both sides */
	SECRET_READ_ONLY = 1 << 5, /* after secret_seal */
	SECRET_NO_REMAP = 1 << 6,  /* mseal(2), after secret_seal */
};

/* Owned by the caller, one a purpose; its fields are for reading only. */
struct secret_arena {
	uint8_t *base;
	size_t len;
	size_t used;
	unsigned layers; /* of enum secret_layer */
};

/*
 * Opens an arena of at least len bytes (rounded up to pages; it counts
 * against RLIMIT_MEMLOCK), zeroed.  SR_MEMORY when it cannot be had or cannot
 * be locked; errno tells why.
 */
enum sr_error secret_open(struct secret_arena *arena, size_t len);

/* As secret_open, without memfd_secret: what an older kernel gives. */
enum sr_error secret_open_locked(struct secret_arena *arena, size_t len);

/*
 * len bytes of zeros, aligned to 16.  NULL when the arena is full or sealed.
 * It lives until released or closed.
 */
void *secret_take(struct secret_arena *arena, size_t len);

/*
 * Scope: what was taken after secret_mark is wiped and given back by
 * secret_release with the mark.
 */
size_t secret_mark(const struct secret_arena *arena);
void secret_release(struct secret_arena *arena, size_t mark);

/*
 * Makes the arena read-only, and unchangeable until the process ends where
 * the kernel has mseal.  Nothing can be wiped in it afterwards: to forget it,
 * end the process.  SR_INTERNAL when mprotect fails.
 */
enum sr_error secret_seal(struct secret_arena *arena);

/* Wipes and unmaps; an arena sealed by mseal stays until the process ends. */
void secret_close(struct secret_arena *arena);

/*
 * One line for people, "memfd_secret: yes, mseal: no, ...", cut to out_len
 * bytes with its NUL.
 */
void secret_describe(
    const struct secret_arena *arena, char *out, size_t out_len);

/*
 * Wipes what functions that have returned to the caller left on the stack,
 * 64 KiB down; a room does it at the end of each step.  Whoever holds a secret
 * wipes it: this is for the copies of others.  libsodium's ChaCha20 leaves its
 * key there, word by word, and its scalar multiplications the scalar's digits.
 */
void secret_wipe_stack(void);

/* Stack secrets: SECRET_32(prk); gives uint8_t prk[32], wiped at scope end. */
static inline void
secret_wipe_32(uint8_t (*bytes)[32])
{
	sodium_memzero(*bytes, sizeof(*bytes));
}

static inline void
secret_wipe_64(uint8_t (*bytes)[64])
{
	sodium_memzero(*bytes, sizeof(*bytes));
}

#define SECRET_32(name) \
	uint8_t name[32] __attribute__((cleanup(secret_wipe_32))) = {0}
#define SECRET_64(name) \
	uint8_t name[64] __attribute__((cleanup(secret_wipe_64))) = {0}

#endif
