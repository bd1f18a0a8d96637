/* SPDX-License-Identifier: ISC */
/* The two beacons of beacon.h and the keys seen under each. */
#include "keyd/beacon.h"

#include <string.h>

#include <sodium.h>

#include "common/buffer.h"

bool
beacons_turn(struct beacons *b, struct env *env, uint32_t key_id,
    const uint8_t certificate[CERTIFICATE_LEN])
{
	uint64_t boot_ms = env_boot_ms(env);
	struct hello hello = {.key_id = key_id};
	struct beacon *next;

	if (beacons_due_ms(b, boot_ms) > 0)
		return false;
	if (b->number == 0)
		env_random(env, b->hash_key, sizeof(b->hash_key));
	/* after a long sleep the current one is too old to be the previous */
	if (b->number > 0 && boot_ms - b->made_ms >= 2 * BEACON_LIFE_MS)
		b->beacon[b->current].valid = false;
	b->current ^= 1;
	next = &b->beacon[b->current];
	memset(next, 0, sizeof(*next));
	hello.beacon_number = ++b->number;
	hello.server_time_ms = env_clock_ms(env);
	env_random(env, hello.beacon, sizeof(hello.beacon));
	hello_write(&hello, next->hello);
	memcpy(next->hello + HELLO_FIXED_LEN, certificate, CERTIFICATE_LEN);
	next->valid = true;
	b->made_ms = boot_ms;
	return true;
}

void
beacons_forget(struct beacons *b)
{
	b->beacon[0].valid = false;
	b->beacon[1].valid = false;
}

uint64_t
beacons_due_ms(const struct beacons *b, uint64_t boot_ms)
{
	uint64_t age_ms = boot_ms - b->made_ms;

	return !b->beacon[b->current].valid || age_ms >= BEACON_LIFE_MS
		   ? 0
		   : BEACON_LIFE_MS - age_ms;
}

const uint8_t *
beacons_hello(const struct beacons *b, unsigned age)
{
	const struct beacon *beacon = &b->beacon[b->current ^ age];

	return beacon->valid ? beacon->hello : NULL;
}

enum sr_error
beacons_see(
    struct beacons *b, unsigned age, const uint8_t ephemeral[32], bool enrolled)
{
	struct beacon *beacon = &b->beacon[b->current ^ age];
	uint8_t hash[BEACON_SEEN_LEN] = {0};
	struct reader r = reader_of(hash, sizeof(hash));
	size_t i;

	/* no handshake with zeros can succeed */
	if (sodium_is_zero(ephemeral, 32))
		return SR_CRYPTO;
	crypto_shorthash_siphashx24(hash, ephemeral, 32, b->hash_key);
	for (i = reader_u64(&r) % BEACON_PLACES;
	     !sodium_is_zero(beacon->seen[i], sizeof(hash));
	     i = (i + 1) % BEACON_PLACES)
		if (memcmp(beacon->seen[i], hash, sizeof(hash)) == 0)
			return SR_CRYPTO;
	if (beacon->seen_count >=
	    (uint32_t)(enrolled ? BEACON_SEEN_MAX : BEACON_OPEN_MAX))
		return SR_BUSY;
	memcpy(beacon->seen[i], hash, sizeof(hash));
	beacon->seen_count++;
	return SR_OK;
}
