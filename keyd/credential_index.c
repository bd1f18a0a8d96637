/* SPDX-License-Identifier: ISC */
/*
 * The index of credentials.h.  Must never find an erased customer, nor tell by
 * its time or what it reads whether somebody has a name.
 */
#include "keyd/credential_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"

struct name_hash {
	uint32_t tag;
	size_t start;
	uint64_t somebody; /* who is read if nobody has the name */
};

/*
 * Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm"
 * (2014), in integers.  Of a key's customers each one after the first is a
 * later one than the one before, so a new customer takes an equal share from
 * all others and moves no other key.
 */
static uint64_t
somebody_of(uint64_t key, uint64_t customers)
{
	uint64_t somebody = 0;

	for (uint64_t next = 1; next <= customers;) {
		somebody = next;
		key = key * UINT64_C(2862933555777941757) + 1;
		next = (somebody << 31) / ((key >> 33) + 1) + 1;
	}
	return somebody;
}

static struct name_hash
name_hash(const struct credentials *c, const char *name, size_t name_len)
{
	uint8_t hash[32] = {0};
	struct reader r = reader_of(hash, sizeof(hash));
	struct name_hash out;

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)name, name_len,
	    c->keys->name_index, sizeof(c->keys->name_index));
	out.tag = reader_u32(&r);
	out.start = (size_t)reader_u64(&r) & (c->place_count - 1);
	out.somebody = somebody_of(reader_u64(&r), c->customers);
	return out;
}

static void
index_add(struct credentials *c, const struct customer *customer)
{
	struct name_hash hash =
	    name_hash(c, customer->name, customer->name_len);
	size_t i = hash.start;

	while (c->places[i].customer != 0 &&
	       c->places[i].customer != CREDENTIALS_LEFT)
		i = (i + 1) & (c->place_count - 1);
	c->places[i].tag = hash.tag;
	c->places[i].customer = (uint32_t)customer->id;
}

/*
 * Who is erased has no name to be found by: places that all begin at the same
 * one, or are read for a name that many had in turn, would make keyd slow.
 */
static void
index_leave(struct credentials *c, uint64_t customer)
{
	for (size_t i = 0; i < c->place_count; i++)
		if (c->places[i].customer == customer)
			c->places[i].customer = CREDENTIALS_LEFT;
}

enum sr_error
index_make(struct credentials *c, uint64_t customers)
{
	size_t count = 1024;

	if (customers > UINT32_MAX - CREDENTIALS_HEADROOM)
		return SR_TOO_LARGE;
	c->customers_max = customers + CREDENTIALS_HEADROOM;
	while (count < 2 * c->customers_max)
		count *= 2;
	c->place_count = count;
	c->places = calloc(count, sizeof(*c->places));
	c->generations =
	    calloc((size_t)c->customers_max + 1, sizeof(*c->generations));
	c->former = calloc((size_t)c->customers_max + 1, sizeof(*c->former));
	if (c->places == NULL || c->generations == NULL || c->former == NULL)
		return SR_MEMORY;
	c->generations[0] = 1;
	return SR_OK;
}

/*
 * For a name that nobody has: reads somebody, always the same one for that
 * name, and leaves of him what tells one record from the next.  Were it
 * nobody's record, which is always at hand, the disk would tell by its time
 * that the name is not there.
 */
static enum sr_error
credentials_decoy(
    const struct credentials *c, uint64_t somebody, struct customer *out)
{
	struct customer found;
	enum sr_error error = credentials_read(c, somebody, &found);

	memset(out, 0, sizeof(*out));
	if (error != SR_OK)
		return error;
	out->id = somebody;
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		out->credential[i].epoch = found.credential[i].epoch;
		out->credential[i].pair_epoch = found.credential[i].pair_epoch;
		memcpy(out->credential[i].random, found.credential[i].random,
		    CREDENTIAL_RANDOM_LEN);
	}
	sodium_memzero(&found, sizeof(found));
	return SR_NOT_FOUND;
}

enum sr_error
credentials_find(const struct credentials *c, const char *name, size_t name_len,
    struct customer *out)
{
	struct name_hash hash = name_hash(c, name, name_len);
	enum sr_error error;

	for (size_t i = hash.start; c->places[i].customer != 0;
	     i = (i + 1) & (c->place_count - 1)) {
		if (c->places[i].tag != hash.tag ||
		    c->places[i].customer == CREDENTIALS_LEFT)
			continue;
		error = credentials_read(c, c->places[i].customer, out);
		if (error != SR_OK)
			return error;
		if (out->name_len == name_len &&
		    memcmp(out->name, name, name_len) == 0)
			return SR_OK;
	}
	return credentials_decoy(c, hash.somebody, out);
}

/* Bits of the two credentials. */
enum {
	FORMER_SEED = 0,
	FORMER_PRESENT = SLOT_COUNT,
	FORMER_PAIR = 2 * SLOT_COUNT
};

/* Those that there are, too: at the next epoch they are the former ones. */
static void
former_enter(struct credentials *c, const struct customer *customer)
{
	uint8_t *bits = &c->former[customer->id];

	*bits = 0;
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		if (!customer->credential[i].present)
			continue;
		*bits |= (uint8_t)(1U << (FORMER_PRESENT + i));
		if (customer->credential[i].epoch != c->oprf_epoch)
			*bits |= (uint8_t)(1U << (FORMER_SEED + i));
		if (customer->credential[i].pair_epoch != c->pair_epoch)
			*bits |= (uint8_t)(1U << (FORMER_PAIR + i));
	}
}

static void
former_all(struct credentials *c, unsigned bit)
{
	const unsigned mask = (1U << SLOT_COUNT) - 1;

	for (uint64_t id = 1; id <= c->customers; id++)
		c->former[id] |=
		    (uint8_t)((c->former[id] >> FORMER_PRESENT & mask) << bit);
}

static uint64_t
former_count(const struct credentials *c, unsigned bit)
{
	uint64_t count = 0;

	for (uint64_t id = 1; id <= c->customers; id++)
		for (unsigned i = 0; i < SLOT_COUNT; i++)
			count += c->former[id] >> (bit + i) & 1;
	return count;
}

void
credentials_oprf_epoch(struct credentials *c, uint32_t epoch)
{
	c->oprf_epoch = epoch;
	former_all(c, FORMER_SEED);
}

uint64_t
credentials_former(const struct credentials *c)
{
	return former_count(c, FORMER_SEED);
}

void
credentials_pair_epoch(struct credentials *c, uint32_t epoch)
{
	c->pair_epoch = epoch;
	former_all(c, FORMER_PAIR);
}

uint64_t
credentials_former_pair(const struct credentials *c)
{
	return former_count(c, FORMER_PAIR);
}

void
credentials_enter(struct credentials *c, const struct customer *customer)
{
	uint64_t before = credentials_generation(c, customer->id);
	bool erased = customer->name_len == 0;

	assert(customer->id > 0 && customer->id <= c->customers + 1 &&
	       customer->id <= c->customers_max &&
	       customer->generation <= UINT32_MAX);
	if (customer->id > c->customers) {
		c->customers = customer->id;
		if (!erased)
			index_add(c, customer);
	} else if (erased) {
		index_leave(c, customer->id);
	}
	credentials_digest(c, customer->id, before, c->digest);
	credentials_digest(c, customer->id, customer->generation, c->digest);
	c->generations[customer->id] = (uint32_t)customer->generation;
	former_enter(c, customer);
}

bool
credentials_full(const struct credentials *c)
{
	return c->customers >= c->customers_max;
}
