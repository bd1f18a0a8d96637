/* SPDX-License-Identifier: ISC */
#ifndef KEYD_BEACON_H
#define KEYD_BEACON_H
/*
 * HELLO and what it is for: a first Noise message could be replayed, so each
 * is bound to a beacon that is 20 s old at most, and its ephemeral key is
 * remembered as long as that beacon is valid.  A new HELLO every 10 s; the
 * current and the previous one are valid.
 *
 * What is remembered of a key is SipHash-2-4 with 128 bits, under a key that
 * is drawn at the start: 16 bytes, and nobody can aim a collision.  There is
 * place for more of them than one processor can answer.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/certificate.h"
#include "common/env.h"

enum {
	BEACON_LIFE_MS = 10000,  /* then it is the previous one as long */
	BEACON_SEEN_MAX = 32768, /* handshakes of one beacon */
	BEACON_OPEN_MAX = 24576, /* of these at terminals not enrolled */
	BEACON_PLACES = 2 * BEACON_SEEN_MAX,
	BEACON_SEEN_LEN = 16,
};

struct beacon {
	bool valid;
	uint8_t hello[HELLO_LEN];
	uint32_t seen_count;
	uint8_t seen[BEACON_PLACES][BEACON_SEEN_LEN]; /* zeros: free */
};

struct beacons {
	uint64_t number;
	uint64_t made_ms; /* by the boot clock */
	uint8_t hash_key[16];
	unsigned current; /* index; the other one is the previous */
	struct beacon beacon[2];
};

/*
 * Makes a new HELLO if there is none yet or the current one is due; true if
 * it did.
 */
bool beacons_turn(struct beacons *b, struct env *env, uint32_t key_id,
    const uint8_t certificate[CERTIFICATE_LEN]);

/* Both HELLOs are not valid any more: their certificate is a former one. */
void beacons_forget(struct beacons *b);

/* Milliseconds until the next one is due. */
uint64_t beacons_due_ms(const struct beacons *b, uint64_t boot_ms);

/* The current HELLO (0) or the previous (1); NULL if it is not valid. */
const uint8_t *beacons_hello(const struct beacons *b, unsigned age);

/*
 * Remembers an ephemeral key under the HELLO of that age.  SR_CRYPTO if it
 * was seen before, SR_BUSY if no more can be remembered: the last quarter is
 * kept for terminals that have proved their key, so that a flood from the
 * network does not close the ATMs.
 */
enum sr_error beacons_see(struct beacons *b, unsigned age,
    const uint8_t ephemeral[32], bool enrolled);

#endif
