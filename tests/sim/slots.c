/* SPDX-License-Identifier: ISC */
/*
 * The oracle over keyd's customers: a name and its credentials are whole until
 * the log has the erasure, and then nothing of them is left, in either version.
 * Opens the file itself, as keyd/credentials.h describes it.
 */
#include <sodium.h>
#include <string.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "tests/sim/world.h"

#define LABEL "strongroom/1 credential"

enum {
	AD_LEN = sizeof(LABEL) - 1 + 16,
	WRAPPED_LEN = CREDENTIAL_VERSION_LEN - 8,
	PLAIN_LEN = WRAPPED_LEN - AEAD_WRAP_OVERHEAD,
};

struct version {
	bool opens, blank;
	uint64_t generation;
	uint8_t plain[PLAIN_LEN];
};

static void
open_version(const struct world *world, uint64_t customer,
    const uint8_t bytes[CREDENTIAL_VERSION_LEN], struct version *version)
{
	const struct keyd *keyd = world->bank->keyd;
	const struct state_key *known = &keyd->state.key[BANK_KEY_CREDENTIAL];
	struct reader r = reader_of(bytes, 8);
	uint8_t ad[AD_LEN], key[KEYS_EPOCH_MAX];
	struct writer w = writer_to(ad, sizeof(ad));
	uint32_t epoch;

	version->generation = reader_u32(&r);
	epoch = reader_u32(&r);
	writer_bytes(&w, LABEL, sizeof(LABEL) - 1);
	writer_u64(&w, customer);
	writer_u32(&w, (uint32_t)version->generation);
	writer_u32(&w, epoch);
	if (epoch == 0)
		epoch = KEYS_EPOCH;
	(void)keys_epoch(keyd->keys, BANK_KEY_CREDENTIAL, epoch, key);
	/* whatever else it is sealed under, it is lost with that */
	version->opens = (epoch == known->epoch || epoch == known->former) &&
			 aead_unwrap(version->plain, key, ad, sizeof(ad),
			     bytes + 8, WRAPPED_LEN) == SR_OK;
	version->blank = version->opens
			     ? sodium_is_zero(version->plain, PLAIN_LEN) == 1
			     : sodium_is_zero(bytes, CREDENTIAL_VERSION_LEN);
}

static bool
has_name(const struct version *version, const char *name)
{
	size_t len = strlen(name);

	return version->plain[0] == len &&
	       memcmp(version->plain + 1, name, len) == 0;
}

enum slot_rest
slots_rest(struct world *world, uint64_t customer, const char *name)
{
	struct version version[2];
	const uint8_t *file;
	unsigned newest;
	size_t len;

	file = sim_file(world->bank->keyd_room, "credentials", &len);
	if (file == NULL || len / CREDENTIAL_CUSTOMER_LEN <= customer)
		return REST_HALF;
	for (unsigned i = 0; i < 2; i++)
		open_version(world, customer,
		    file + customer * CREDENTIAL_CUSTOMER_LEN +
			i * CREDENTIAL_VERSION_LEN,
		    &version[i]);
	if (version[0].blank && version[1].blank)
		return REST_NOTHING;
	newest = version[1].opens &&
		 (!version[0].opens ||
		     version[1].generation > version[0].generation);
	return version[newest].opens && has_name(&version[newest], name)
		   ? REST_WHOLE
		   : REST_HALF;
}

void
slots_check(struct world *world)
{
	const struct model *model = &world->audit.model;
	const struct model_person *person;

	if (world->spoilt || world->stale)
		return;
	for (unsigned i = 0; i < world->actors; i++) {
		const struct actor *actor = &world->actor[i];

		person = model_person(model, actor->person.m4.customer);
		if (actor->registered && person != NULL && !person->erased &&
		    slots_rest(world, person->customer, actor->name) !=
			REST_WHOLE)
			world_fail(
			    world, "%s is with keyd no more", actor->name);
	}
	for (unsigned i = 0; i < world->ghosts; i++) {
		const struct ghost *ghost = &world->ghost[i];
		enum slot_rest rest =
		    slots_rest(world, ghost->customer, ghost->name);

		/* where the disk took no more it goes on at the next start */
		if (rest != REST_NOTHING && !world->refused_writes)
			world_fail(world, "%s is erased, and keyd has %s",
			    ghost->name,
			    rest == REST_HALF ? "a rest" : "everything");
	}
}
