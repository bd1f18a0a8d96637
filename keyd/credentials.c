/* SPDX-License-Identifier: ISC */
/* The file of credentials.h, its sealed versions, and the index over them. */
#include "keyd/credentials.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/buffer.h"

enum {
	WRAPPED_LEN = CREDENTIAL_VERSION_LEN - 8,
	PLAIN_LEN = WRAPPED_LEN - AEAD_WRAP_OVERHEAD,
};

#define CREDENTIAL_LABEL "strongroom/1 credential"

enum { AD_LEN = sizeof(CREDENTIAL_LABEL) - 1 + 16 };

static void
version_ad(uint64_t customer, uint64_t generation, uint8_t ad[AD_LEN])
{
	struct writer w = writer_to(ad, AD_LEN);

	writer_bytes(&w, CREDENTIAL_LABEL, sizeof(CREDENTIAL_LABEL) - 1);
	writer_u64(&w, customer);
	writer_u64(&w, generation);
}

static uint64_t
version_offset(uint64_t customer, uint64_t generation)
{
	return customer * CREDENTIAL_CUSTOMER_LEN +
	       generation % 2 * CREDENTIAL_VERSION_LEN;
}

static bool
customer_encode(const struct customer *customer, uint8_t plain[PLAIN_LEN])
{
	struct writer w = writer_to(plain, PLAIN_LEN);

	writer_u8(&w, customer->name_len);
	writer_bytes(&w, customer->name, PAYLOAD_NAME_MAX);
	writer_u8(&w, customer->display_name_len);
	writer_bytes(&w, customer->display_name, PAYLOAD_DISPLAY_NAME_MAX);
	writer_bytes(&w, customer->salt, sizeof(customer->salt));
	writer_bytes(
	    &w, customer->directory_key, sizeof(customer->directory_key));
	writer_bytes(&w, customer->attestation, sizeof(customer->attestation));
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		const struct credential *c = &customer->credential[i];

		writer_u8(&w, c->present ? 1 : 0);
		writer_bytes(&w, c->random, sizeof(c->random));
		writer_bytes(&w, &c->record, sizeof(c->record));
		writer_bytes(&w, c->wrapped_seed, sizeof(c->wrapped_seed));
	}
	writer_zeros(&w, PLAIN_LEN - writer_len(&w));
	return !w.bad;
}

static enum sr_error
customer_decode(const uint8_t plain[PLAIN_LEN], struct customer *customer)
{
	struct reader r = reader_of(plain, PLAIN_LEN);

	customer->name_len = reader_u8(&r);
	reader_bytes(&r, customer->name, PAYLOAD_NAME_MAX);
	customer->display_name_len = reader_u8(&r);
	reader_bytes(&r, customer->display_name, PAYLOAD_DISPLAY_NAME_MAX);
	reader_bytes(&r, customer->salt, sizeof(customer->salt));
	reader_bytes(
	    &r, customer->directory_key, sizeof(customer->directory_key));
	reader_bytes(&r, customer->attestation, sizeof(customer->attestation));
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		struct credential *c = &customer->credential[i];

		c->present = reader_u8(&r) == 1;
		reader_bytes(&r, c->random, sizeof(c->random));
		reader_bytes(&r, &c->record, sizeof(c->record));
		reader_bytes(&r, c->wrapped_seed, sizeof(c->wrapped_seed));
	}
	reader_zeros(&r, reader_left(&r));
	if (!reader_end(&r) || customer->name_len > PAYLOAD_NAME_MAX ||
	    customer->display_name_len > PAYLOAD_DISPLAY_NAME_MAX)
		return SR_DAMAGED;
	customer->name[customer->name_len] = '\0';
	customer->display_name[customer->display_name_len] = '\0';
	return SR_OK;
}

/* Opens a version; SR_DAMAGED unless it is that customer's. */
static enum sr_error
version_open(const struct credentials *c, uint64_t customer,
    const uint8_t version[CREDENTIAL_VERSION_LEN], struct customer *out)
{
	uint8_t plain[PLAIN_LEN], ad[AD_LEN];
	struct reader r = reader_of(version, 8);
	enum sr_error error;

	memset(out, 0, sizeof(*out));
	out->id = customer;
	out->generation = reader_u64(&r);
	version_ad(customer, out->generation, ad);
	error = aead_unwrap(
	    plain, c->keys->storage, ad, sizeof(ad), version + 8, WRAPPED_LEN);
	if (error == SR_OK)
		error = customer_decode(plain, out);
	sodium_memzero(plain, sizeof(plain));
	return error == SR_OK && out->generation > 0 ? SR_OK : SR_DAMAGED;
}

enum sr_error
credentials_write(const struct credentials *c, const struct customer *customer)
{
	uint8_t plain[PLAIN_LEN], version[CREDENTIAL_VERSION_LEN];
	uint8_t nonce[AEAD_WRAP_NONCE_LEN], ad[AD_LEN];
	struct writer w = writer_to(version, 8);
	enum sr_error error;

	if (!customer_encode(customer, plain))
		return SR_INTERNAL;
	writer_u64(&w, customer->generation);
	version_ad(customer->id, customer->generation, ad);
	env_random(c->env, nonce, sizeof(nonce));
	aead_wrap(version + 8, c->keys->storage, nonce, ad, sizeof(ad), plain,
	    sizeof(plain));
	sodium_memzero(plain, sizeof(plain));
	error = env_write(c->env, c->file,
	    version_offset(customer->id, customer->generation), version,
	    sizeof(version));
	if (error != SR_OK)
		return error;
	/* what a failed sync left on disk is not known: no SR_NO_SPACE */
	return env_sync(c->env, c->file) == SR_OK ? SR_OK : SR_IO;
}

enum sr_error
credentials_open(struct credentials *c, struct env *env,
    const struct keys *keys, bool create)
{
	struct customer nobody = {.generation = 1};
	enum sr_error error;

	memset(c, 0, sizeof(*c));
	c->env = env;
	c->keys = keys;
	error = env_open(env, "credentials", ENV_WRITE_OR_CREATE, &c->file);
	if (error != SR_OK || !create)
		return error;
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		nobody.credential[i].present = true;
		error = opaque_fake_record(
		    &nobody.credential[i].record, keys->fake_record);
		if (error != SR_OK)
			return error;
	}
	/* the file begins anew: what an interrupted init left is nobody's */
	error = env_truncate(env, c->file, 0);
	if (error == SR_OK)
		error = env_truncate(env, c->file, CREDENTIAL_CUSTOMER_LEN);
	if (error == SR_OK)
		error = credentials_write(c, &nobody);
	return error;
}

/* The version of that generation, and no other. */
static enum sr_error
credentials_read_version(const struct credentials *c, uint64_t customer,
    uint64_t generation, struct customer *out)
{
	uint8_t version[CREDENTIAL_VERSION_LEN];
	enum sr_error error = env_read(c->env, c->file,
	    version_offset(customer, generation), version, sizeof(version));

	if (error == SR_OK)
		error = version_open(c, customer, version, out);
	if (error == SR_OK && out->generation != generation)
		error = SR_DAMAGED;
	if (error != SR_OK)
		sodium_memzero(out, sizeof(*out));
	return error;
}

/* ---- the index --------------------------------------------------------- */

struct name_hash {
	uint32_t tag;
	size_t start;
};

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

static enum sr_error
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
	if (c->places == NULL || c->generations == NULL)
		return SR_MEMORY;
	c->generations[0] = 1; /* nobody's never changes */
	return SR_OK;
}

/* Of a torn one, which does not open either, a part may still be there. */
static bool
version_unwritten(const uint8_t version[CREDENTIAL_VERSION_LEN])
{
	return sodium_is_zero(version, CREDENTIAL_VERSION_LEN) == 1;
}

static bool
version_blank(const struct credentials *c, uint64_t customer,
    const uint8_t version[CREDENTIAL_VERSION_LEN])
{
	struct customer found;
	bool blank;

	if (version_open(c, customer, version, &found) != SR_OK)
		return version_unwritten(version);
	blank = found.name_len == 0;
	sodium_memzero(&found, sizeof(found));
	return blank;
}

enum sr_error
credentials_blank(const struct credentials *c, uint64_t customer, bool *blank)
{
	uint8_t version[CREDENTIAL_VERSION_LEN];

	*blank = true;
	for (unsigned i = 0; i < 2; i++) {
		enum sr_error error = env_read(c->env, c->file,
		    version_offset(customer, i), version, sizeof(version));

		if (error != SR_OK)
			return error;
		*blank = *blank && version_blank(c, customer, version);
	}
	return SR_OK;
}

/*
 * The valid version with the higher generation.  *left: it is an erased one,
 * and the other is not, or was torn.
 */
static enum sr_error
load_one(
    const struct credentials *c, uint64_t id, struct customer *out, bool *left)
{
	uint8_t version[CREDENTIAL_VERSION_LEN];
	struct customer found;
	bool any = false, blank = true;

	for (unsigned i = 0; i < 2; i++) {
		if (env_read(c->env, c->file, version_offset(id, i), version,
			sizeof(version)) != SR_OK)
			continue;
		if (version_open(c, id, version, &found) != SR_OK) {
			blank = blank && version_unwritten(version);
			continue;
		}
		blank = blank && found.name_len == 0;
		if (found.generation % 2 != i || found.generation > UINT32_MAX)
			continue;
		if (!any || found.generation > out->generation)
			*out = found;
		any = true;
	}
	*left = any && !blank && out->name_len == 0;
	sodium_memzero(&found, sizeof(found));
	return any ? SR_OK : SR_DAMAGED;
}

enum sr_error
credentials_load(struct credentials *c, uint64_t customers, bool next)
{
	struct customer customer;
	bool left = false;
	enum sr_error error = index_make(c, customers);

	if (error == SR_OK)
		error = credentials_read(c, 0, &customer);
	for (uint64_t id = 1; error == SR_OK && id <= customers; id++) {
		error = load_one(c, id, &customer, &left);
		if (error == SR_OK)
			credentials_enter(c, &customer);
		if (error == SR_OK && left)
			c->half_erased = id;
	}
	if (error == SR_OK && next &&
	    load_one(c, customers + 1, &customer, &left) == SR_OK)
		credentials_enter(c, &customer);
	sodium_memzero(&customer, sizeof(customer));
	return error;
}

void
credentials_close(struct credentials *c)
{
	free(c->places);
	free(c->generations);
	c->places = NULL;
	c->generations = NULL;
}

uint64_t
credentials_generation(const struct credentials *c, uint64_t customer)
{
	return customer <= c->customers ? c->generations[customer] : 0;
}

void
credentials_digest(const struct credentials *c, uint64_t customer,
    uint64_t generation, uint8_t digest[32])
{
	uint8_t input[16], hash[32];
	struct writer w = writer_to(input, sizeof(input));

	if (generation == 0)
		return;
	writer_u64(&w, customer);
	writer_u64(&w, generation);
	crypto_generichash(hash, sizeof(hash), input, sizeof(input),
	    c->keys->generation, sizeof(c->keys->generation));
	for (unsigned i = 0; i < 32; i++)
		digest[i] ^= hash[i];
}

void
credentials_digest_seal(
    const struct credentials *c, const uint8_t digest[32], uint8_t out[32])
{
	/* 32 bytes under this key, where a generation's PRF takes 16 */
	crypto_generichash(out, 32, digest, 32, c->keys->generation,
	    sizeof(c->keys->generation));
}

enum sr_error
credentials_read(
    const struct credentials *c, uint64_t customer, struct customer *out)
{
	if (customer > c->customers)
		return SR_NOT_FOUND;
	return credentials_read_version(
	    c, customer, c->generations[customer], out);
}

/*
 * For a name that nobody has: reads somebody, always the same one for that
 * name, and forgets him.  Were it nobody's record, which is always at hand,
 * the disk would tell by its time that the name is not there.
 */
static enum sr_error
credentials_decoy(
    const struct credentials *c, uint32_t tag, struct customer *out)
{
	uint64_t somebody = c->customers > 0 ? 1 + tag % c->customers : 0;
	enum sr_error error = credentials_read(c, somebody, out);

	sodium_memzero(out, sizeof(*out));
	return error == SR_OK ? SR_NOT_FOUND : error;
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
	return credentials_decoy(c, hash.tag, out);
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
}

bool
credentials_full(const struct credentials *c)
{
	return c->customers >= c->customers_max;
}
