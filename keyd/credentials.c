/* SPDX-License-Identifier: ISC */
/* The file of credentials.h. */
#include "keyd/credentials.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/buffer.h"
#include "keyd/credential_index.h"
#include "keyd/credential_version.h"

enum { SLOTS_AT_ONCE = 16 };

uint64_t
customer_change(const struct customer *customer)
{
	return customer->generation - customer->reseals;
}

static uint64_t
version_offset(uint64_t customer, uint64_t generation)
{
	return customer * CREDENTIAL_CUSTOMER_LEN +
	       generation % 2 * CREDENTIAL_VERSION_LEN;
}

enum sr_error
credentials_write(const struct credentials *c, const struct customer *customer)
{
	uint8_t version[CREDENTIAL_VERSION_LEN];
	enum sr_error error = version_seal(c, customer, version);

	if (error != SR_OK)
		return error;
	error = env_write(c->env, c->file,
	    version_offset(customer->id, customer->generation), version,
	    sizeof(version));
	if (error != SR_OK)
		return error;
	/* what a failed sync left on disk is not known: no SR_NO_SPACE */
	return env_sync(c->env, c->file) == SR_OK ? SR_OK : SR_IO;
}

/* Always the same record: it comes of a seed. */
static enum sr_error
nobody_write(const struct credentials *c, uint64_t generation)
{
	struct customer nobody = {.generation = generation};

	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		enum sr_error error = opaque_fake_record(
		    &nobody.credential[i].record, c->keys->fake_record);

		if (error != SR_OK)
			return error;
		nobody.credential[i].present = true;
	}
	return credentials_write(c, &nobody);
}

enum sr_error
credentials_write_nobody(struct credentials *c)
{
	enum sr_error error = nobody_write(c, (uint64_t)c->generations[0] + 1);

	if (error == SR_OK)
		c->generations[0]++;
	return error;
}

enum sr_error
credentials_present(
    const struct credentials *c, uint64_t customer, bool *present)
{
	uint8_t version[VERSION_HEAD_LEN];

	*present = true;
	for (unsigned i = 0; i < 2; i++) {
		struct version_head head;
		enum sr_error error = env_read(c->env, c->file,
		    version_offset(customer, i), version, sizeof(version));

		if (error != SR_OK)
			return error;
		head = version_head(version);
		*present =
		    *present && (head.generation == 0 ||
				    head.epoch == version_present_epoch(c));
	}
	return SR_OK;
}

enum sr_error
credentials_open(struct credentials *c, struct env *env,
    const struct keys *keys, bool create)
{
	enum sr_error error;

	memset(c, 0, sizeof(*c));
	c->oprf_epoch = KEYS_EPOCH;
	c->pair_epoch = KEYS_EPOCH;
	c->env = env;
	c->keys = keys;
	error = env_open(env, "credentials", ENV_WRITE_OR_CREATE, &c->file);
	if (error != SR_OK || !create)
		return error;
	/* the file begins anew: what an interrupted init left is nobody's */
	error = env_truncate(env, c->file, 0);
	if (error == SR_OK)
		error = env_truncate(env, c->file, CREDENTIAL_CUSTOMER_LEN);
	if (error == SR_OK)
		error = nobody_write(c, 1);
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

/* Some customers' versions, read in one piece. */
struct slots {
	uint64_t first;
	size_t count;
	uint8_t bytes[SLOTS_AT_ONCE][CREDENTIAL_CUSTOMER_LEN];
};

/* Both versions of a customer; what cannot be read is zeros. */
static const uint8_t *
slots_of(const struct credentials *c, struct slots *slots, uint64_t id)
{
	uint8_t *own = slots->bytes[0];

	if (id - slots->first < slots->count)
		return slots->bytes[id - slots->first];
	slots->first = id;
	slots->count = SLOTS_AT_ONCE;
	if (env_read(c->env, c->file, version_offset(id, 0), own,
		sizeof(slots->bytes)) == SR_OK)
		return own;
	/* at the end of the file, or of a part that fails */
	slots->count = 1;
	for (unsigned i = 0; i < 2; i++, own += CREDENTIAL_VERSION_LEN)
		if (env_read(c->env, c->file, version_offset(id, i), own,
			CREDENTIAL_VERSION_LEN) != SR_OK)
			memset(own, 0, CREDENTIAL_VERSION_LEN);
	return slots->bytes[0];
}

/*
 * The valid version with the higher generation: the other one is opened only
 * if that which says so is not valid.  *left: it is an erased one, and the
 * other is not, or was torn.
 */
static enum sr_error
load_one(const struct credentials *c, uint64_t id,
    const uint8_t slot[CREDENTIAL_CUSTOMER_LEN], struct customer *out,
    bool *left)
{
	const uint8_t *second = slot + CREDENTIAL_VERSION_LEN;
	unsigned i =
	    version_head(second).generation > version_head(slot).generation;

	for (unsigned tried = 0; tried < 2; tried++, i = 1 - i) {
		if (version_open(c, id, i == 1 ? second : slot, out) != SR_OK ||
		    out->generation % 2 != i)
			continue;
		*left = out->name_len == 0 &&
			!version_blank(c, id, i == 1 ? slot : second);
		return SR_OK;
	}
	return SR_DAMAGED;
}

enum sr_error
credentials_load(struct credentials *c, uint64_t customers, bool next)
{
	struct slots slots = {0};
	struct customer customer;
	bool left = false;
	enum sr_error error = index_make(c, customers);

	/* nobody's generation is not in the digest: the record is no secret
	 * that could be put back */
	if (error == SR_OK)
		error =
		    load_one(c, 0, slots_of(c, &slots, 0), &customer, &left);
	if (error == SR_OK)
		c->generations[0] = (uint32_t)customer.generation;
	for (uint64_t id = 1; error == SR_OK && id <= customers; id++) {
		error =
		    load_one(c, id, slots_of(c, &slots, id), &customer, &left);
		if (error == SR_OK)
			credentials_enter(c, &customer);
		if (error == SR_OK && left)
			c->half_erased = id;
	}
	if (error == SR_OK && next &&
	    load_one(c, customers + 1, slots_of(c, &slots, customers + 1),
		&customer, &left) == SR_OK)
		credentials_enter(c, &customer);
	sodium_memzero(&customer, sizeof(customer));
	return error;
}

void
credentials_close(struct credentials *c)
{
	free(c->places);
	free(c->generations);
	free(c->former);
	c->places = NULL;
	c->generations = NULL;
	c->former = NULL;
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
