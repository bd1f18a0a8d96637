/* SPDX-License-Identifier: ISC */
/*
 * keyd's files: torn at every byte they are the old ones or the new ones, and
 * written to by somebody else they are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/keyd_world.h"

/* ---- state ------------------------------------------------------------- */

static const uint8_t mac_key[32] = {1, 2, 3};

struct disk {
	struct sim *sim;
	struct sim_room *room;
};

static int
setup_disk(void **state)
{
	static struct disk d;

	d.sim = sim_new(3);
	d.room = sim_room(d.sim, "keyd");
	*state = &d;
	return 0;
}

static int
teardown_disk(void **state)
{
	sim_free(((struct disk *)*state)->sim);
	return 0;
}

/* Two saves, customers 1 and 2; durable. */
static void
save_two(struct disk *d, struct state_file *f, struct state *s)
{
	memset(s, 0, sizeof(*s));
	merkle_frontier_init(&s->frontier);
	assert_int_equal(state_file_open(f, &d->room->env, mac_key), SR_OK);
	s->customers = 1;
	assert_int_equal(state_save(f, s), SR_OK);
	s->customers = 2;
	assert_int_equal(state_save(f, s), SR_OK);
	assert_int_equal(env_sync_directory(&d->room->env, "."), SR_OK);
}

static void
given_a_save_when_torn_at_every_byte_then_the_older_or_the_newer(void **state)
{
	struct disk *d = *state;
	struct state_file f;
	struct state s, found;
	struct sim_disk *copy;
	uint8_t leaf[32] = {9};
	bool lone;

	save_two(d, &f, &s);
	copy = sim_copy(d->room);
	for (uint64_t cut = 0; cut <= STATE_SLOT_LEN; cut++) {
		struct state next = s;

		sim_restore(d->room, copy);
		assert_int_equal(
		    state_file_open(&f, &d->room->env, mac_key), SR_OK);
		next.customers = 3;
		merkle_frontier_append(&next.frontier, leaf);
		d->sim->cut_after = d->sim->operations + 2;
		assert_int_equal(state_save(&f, &next), SR_IO);
		d->sim->dark = false;
		d->sim->cut_after = 0;
		sim_crash_torn(d->room, cut);
		assert_int_equal(
		    state_file_open(&f, &d->room->env, mac_key), SR_OK);
		assert_int_equal(state_load(&f, &found, &lone), SR_OK);
		if (found.customers == 2) {
			assert_int_equal(found.frontier.size, 0);
			assert_true(cut < STATE_SLOT_LEN);
		} else {
			assert_int_equal(found.customers, 3);
			assert_int_equal(found.frontier.size, 1);
		}
	}
	assert_int_equal(found.customers, 3);
	sim_copy_free(copy);
}

static void
given_a_state_when_any_byte_is_changed_then_that_slot_is_not_believed(
    void **state)
{
	struct disk *d = *state;
	struct state_file f;
	struct state s, found;
	uint8_t bytes[STATE_LEN];
	const uint8_t *now;
	size_t len;
	bool lone;

	save_two(d, &f, &s);
	now = sim_file(d->room, "state", &len);
	assert_int_equal(len, STATE_LEN);
	memcpy(bytes, now, len);
	for (size_t i = 0; i < STATE_LEN; i++) {
		bytes[i] ^= 0x40;
		sim_put(d->room, "state", bytes, sizeof(bytes));
		assert_int_equal(state_load(&f, &found, &lone), SR_OK);
		assert_true(lone);
		/* customers 2 are in slot 0, customers 1 in slot 1 */
		assert_int_equal(found.customers, i < STATE_SLOT_LEN ? 1 : 2);
		bytes[i] ^= 0x40;
	}
	/* a slot in the other's place is none */
	memcpy(bytes + STATE_SLOT_LEN, bytes, STATE_SLOT_LEN);
	memset(bytes, 1, STATE_SLOT_LEN);
	sim_put(d->room, "state", bytes, sizeof(bytes));
	assert_int_equal(state_load(&f, &found, &lone), SR_DAMAGED);
	/* nor is the half of a first save */
	memset(bytes, 0, STATE_SLOT_LEN);
	sim_put(d->room, "state", bytes, sizeof(bytes));
	assert_int_equal(state_load(&f, &found, &lone), SR_NOT_FOUND);
	sim_put(d->room, "state", bytes, STATE_SLOT_LEN);
	assert_int_equal(state_load(&f, &found, &lone), SR_NOT_FOUND);
}

/* The other slot would be a bank that a newer program has gone on from. */
static void
given_a_state_when_one_slot_is_newer_then_neither_is_believed(void **state)
{
	struct disk *d = *state;
	struct state_file f;
	struct state s, found;
	uint8_t bytes[STATE_LEN];
	const uint8_t *now;
	size_t len;
	bool lone;

	save_two(d, &f, &s);
	now = sim_file(d->room, "state", &len);
	memcpy(bytes, now, STATE_LEN);
	for (size_t slot = 0; slot < STATE_LEN; slot += STATE_SLOT_LEN) {
		/* with its MAC as it was, and with one of another layout */
		for (unsigned i = 0; i < 2; i++) {
			bytes[slot + 7]++;
			bytes[slot + STATE_SLOT_LEN - 1] ^= (uint8_t)i;
			sim_put(d->room, "state", bytes, sizeof(bytes));
			assert_int_equal(
			    state_load(&f, &found, &lone), SR_VERSION);
			bytes[slot + STATE_SLOT_LEN - 1] ^= (uint8_t)i;
			bytes[slot + 7]--;
		}
	}
	sim_put(d->room, "state", bytes, sizeof(bytes));
	assert_int_equal(state_load(&f, &found, &lone), SR_OK);
}

/*
 * As an older program has left it: the same up to what that did not know, and
 * zeros behind it.
 */
static void
given_a_state_of_an_older_version_when_read_then_what_it_has_is_taken(
    void **state)
{
	/* of an empty tree; each with the leaf behind it */
	enum { CERTIFIED_AT = 540, CUT_AT = 600, KEYS_AT = 660, END_AT = 1052 };
	const struct entry_snapshot some = {
	    .number = 7, .size = 900, .segment = 5, .offset = 128};
	struct disk *d = *state;
	struct state_file f;
	struct state s, found;
	uint8_t bytes[STATE_LEN];
	size_t len;
	bool lone;

	save_two(d, &f, &s);
	s.certified = s.cut = some;
	s.certified_leaf = 901;
	s.cut_leaf = 955;
	s.founded_ms = 77;
	state_keys_init(&s);
	s.key[KEY_PLACES - 1].epoch = 8;
	s.key[KEY_PLACES - 1].former = 3;
	s.key[KEY_PLACES - 1].uses = 12;
	assert_int_equal(state_save(&f, &s), SR_OK);
	for (unsigned version = 4; version >= 1; version--) {
		const struct state_key *key = &found.key[KEY_PLACES - 1];
		size_t known = version == 4   ? END_AT
			       : version == 3 ? KEYS_AT
			       : version == 2 ? CUT_AT
					      : CERTIFIED_AT;
		uint8_t *slot = bytes + s.counter % 2 * STATE_SLOT_LEN;

		memcpy(bytes, sim_file(d->room, "state", &len), STATE_LEN);
		slot[7] = (uint8_t)('0' + version);
		memset(slot + known, 0, STATE_SLOT_LEN - 32 - known);
		crypto_generichash(slot + STATE_SLOT_LEN - 32, 32, slot,
		    STATE_SLOT_LEN - 32, mac_key, 32);
		sim_put(d->room, "state", bytes, sizeof(bytes));
		assert_int_equal(state_load(&f, &found, &lone), SR_OK);
		assert_false(lone);
		assert_int_equal(found.customers, 2);
		assert_int_equal(found.certified.number, version > 1 ? 7 : 0);
		assert_int_equal(found.certified_leaf, version > 1 ? 901 : 0);
		assert_int_equal(found.cut.segment, version > 2 ? 5 : 0);
		assert_int_equal(found.cut_leaf, version > 2 ? 955 : 0);
		assert_int_equal(found.founded_ms, version > 3 ? 77 : 0);
		assert_int_equal(found.key[1].epoch, 1);
		assert_int_equal(key->epoch, version > 3 ? 8 : 1);
		assert_int_equal(key->former, version > 3 ? 3 : 0);
		assert_int_equal(key->uses, version > 3 ? 12 : 0);
	}
	/* nothing may stand there that its version does not know */
	bytes[s.counter % 2 * STATE_SLOT_LEN + CUT_AT] = 1;
	crypto_generichash(
	    bytes + s.counter % 2 * STATE_SLOT_LEN + STATE_SLOT_LEN - 32, 32,
	    bytes + s.counter % 2 * STATE_SLOT_LEN, STATE_SLOT_LEN - 32,
	    mac_key, 32);
	sim_put(d->room, "state", bytes, sizeof(bytes));
	assert_int_equal(state_load(&f, &found, &lone), SR_OK);
	assert_true(lone);
}

/* ---- credentials ------------------------------------------------------- */

static int
setup_bank(void **state)
{
	struct world *w = world_new(5);
	struct person ada = {.name = "ada", .password = "secret1"};
	struct person bob = {.name = "bob", .password = "secret1"};

	world_found(w);
	*state = w;
	return world_register(w, &ada) == SR_OK &&
		       world_register(w, &bob) == SR_OK
		   ? 0
		   : 1;
}

static int
teardown_bank(void **state)
{
	world_free(*state);
	return 0;
}

static enum sr_error
restart(struct world *w)
{
	enum sr_error error = world_restart(w, false);

	if (error == SR_OK)
		world_tree_start(w, 0, NULL, NULL);
	return error;
}

static enum sr_error
login(struct world *w, const char *name, const char *password)
{
	struct person p = {.name = name, .password = password};

	return world_login(w, &p, SLOT_PASSWORD);
}

static void
given_a_change_when_cut_at_every_operation_then_one_password_opens(void **state)
{
	struct world *w = *state;
	struct sim_disk *copy = sim_copy(w->keyd_room);
	bool old_seen = false, new_seen = false, done = false;

	for (unsigned cut = 1; !done; cut++) {
		for (enum sim_loss loss = SIM_LOSE_ALL; loss <= SIM_LOSE_SOME;
		     loss++) {
			struct person ada = {
			    .name = "ada", .password = "secret1"};
			enum sr_error changed;
			bool old, new;

			sim_restore(w->keyd_room, copy);
			assert_int_equal(restart(w), SR_OK);
			w->sim->cut_after = w->sim->operations + cut;
			changed = world_change(w, &ada, 0, 0, "secret2");
			done = !w->sim->dark && changed == SR_OK;
			sim_restart(w->sim, loss);
			assert_int_equal(restart(w), SR_OK);
			sim_advance(w->sim, 10000);
			assert_int_equal(world_run(w), SR_OK);
			old = login(w, "ada", "secret1") == SR_OK;
			new = login(w, "ada", "secret2") == SR_OK;
			assert_true(old != new);
			if (changed == SR_OK)
				assert_true(new);
			old_seen |= old;
			new_seen |= new;
			assert_int_equal(login(w, "bob", "secret1"), SR_OK);
		}
	}
	assert_true(old_seen);
	assert_true(new_seen);
	sim_copy_free(copy);
}

static void
given_a_credential_when_torn_at_every_byte_then_the_old_one_is_there(
    void **state)
{
	struct world *w = *state;
	struct credentials *c = &w->keyd->credentials;
	struct customer old, next, found;
	uint8_t meant[3 * CREDENTIAL_CUSTOMER_LEN]; /* from number 0 on */
	const uint8_t *file;
	struct sim_disk *copy;
	unsigned wholes = 0;
	size_t len;

	assert_int_equal(credentials_read(c, 1, &old), SR_OK);
	copy = sim_copy(w->keyd_room);
	for (uint64_t cut = 0; cut <= CREDENTIAL_VERSION_LEN; cut += 1) {
		struct credentials again;
		bool whole;

		sim_restore(w->keyd_room, copy);
		assert_int_equal(credentials_open(&again, &w->keyd_room->env,
				     w->keyd->keys, false),
		    SR_OK);
		next = old;
		next.generation++;
		next.salt[0] ^= 1;
		w->sim->cut_after = w->sim->operations + 2;
		assert_int_equal(credentials_write(&again, &next), SR_IO);
		w->sim->dark = false;
		w->sim->cut_after = 0;
		file = sim_file(w->keyd_room, "credentials", &len);
		assert_int_equal(len, sizeof(meant));
		memcpy(meant, file, len);
		sim_crash_torn(w->keyd_room, cut);
		/* a last byte may by chance be what was there before */
		file = sim_file(w->keyd_room, "credentials", &len);
		whole = memcmp(file, meant, len) == 0;
		wholes += whole;
		assert_true(whole || cut < CREDENTIAL_VERSION_LEN);
		assert_int_equal(credentials_open(&again, &w->keyd_room->env,
				     w->keyd->keys, false),
		    SR_OK);
		assert_int_equal(credentials_load(&again, 2, false), SR_OK);
		assert_int_equal(credentials_read(&again, 1, &found), SR_OK);
		assert_int_equal(
		    found.generation, whole ? next.generation : old.generation);
		assert_memory_equal(
		    found.salt, whole ? next.salt : old.salt, 32);
		credentials_close(&again);
	}
	assert_in_range(wholes, 1, 8);
	sim_copy_free(copy);
}

/* Such a record has keyd's seal, and a change number below none. */
static void
given_more_reseals_than_generations_when_read_then_damaged(void **state)
{
	struct world *w = *state;
	struct credentials *c = &w->keyd->credentials;
	struct customer found;

	assert_int_equal(credentials_read(c, 1, &found), SR_OK);
	found.generation++;
	found.reseals = (uint32_t)found.generation;
	assert_int_equal(credentials_write(c, &found), SR_OK);
	credentials_enter(c, &found);
	assert_int_equal(credentials_read(c, 1, &found), SR_OK);
	assert_int_equal(customer_change(&found), 0);
	found.generation++;
	found.reseals = (uint32_t)found.generation + 1;
	assert_int_equal(credentials_write(c, &found), SR_OK);
	credentials_enter(c, &found);
	assert_int_equal(credentials_read(c, 1, &found), SR_DAMAGED);
}

static void
given_an_old_credential_when_put_back_then_keyd_does_not_start(void **state)
{
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "secret1"};
	uint8_t *before;
	const uint8_t *now;
	size_t len;

	now = sim_file(w->keyd_room, "credentials", &len);
	before = malloc(len);
	assert_non_null(before);
	memcpy(before, now, len);
	assert_int_equal(world_change(w, &ada, 0, 0, "secret2"), SR_OK);
	sim_put(w->keyd_room, "credentials", before, len);
	/* the running keyd notices, too */
	assert_int_equal(login(w, "ada", "secret1"), SR_CLOSED);
	assert_int_equal(world_restart(w, false), SR_ROLLED_BACK);
	free(before);
}

/* The 32 bytes of the newer slot that stand for all credentials. */
static void
digest_on_disk(struct world *w, uint8_t out[32])
{
	enum { COUNTER = 8, DIGEST = 96 };
	size_t len;
	const uint8_t *state = sim_file(w->keyd_room, "state", &len);
	const uint8_t *slot = state;

	assert_int_equal(len, STATE_LEN);
	if (memcmp(state, state + STATE_SLOT_LEN, COUNTER + 1) != 0 &&
	    state[COUNTER] < state[STATE_SLOT_LEN + COUNTER])
		slot += STATE_SLOT_LEN;
	memcpy(out, slot + DIGEST, 32);
}

/*
 * Were the XOR itself on disk, 257 watched changes would be enough to find
 * old credentials of which the changes cancel out.
 */
static void
given_changes_that_are_watched_then_they_do_not_add_up(void **state)
{
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "secret1"};
	struct person bob = {.name = "bob", .password = "secret1"};
	struct sim_disk *copy = sim_copy(w->keyd_room);
	uint8_t none[32], of_ada[32], of_bob[32], both[32];
	uint8_t sum = 0;

	digest_on_disk(w, none);
	assert_int_equal(world_change(w, &bob, 0, 0, "secret2"), SR_OK);
	digest_on_disk(w, of_bob);
	sim_restore(w->keyd_room, copy);
	assert_int_equal(restart(w), SR_OK);
	sim_advance(w->sim, 10000);
	assert_int_equal(world_run(w), SR_OK);
	assert_int_equal(world_change(w, &ada, 0, 0, "secret2"), SR_OK);
	digest_on_disk(w, of_ada);
	assert_memory_not_equal(none, of_ada, 32);
	assert_int_equal(world_change(w, &bob, 0, 0, "secret2"), SR_OK);
	digest_on_disk(w, both);
	for (size_t i = 0; i < 32; i++)
		sum |= none[i] ^ of_ada[i] ^ of_bob[i] ^ both[i];
	assert_int_not_equal(sum, 0);
	sim_copy_free(copy);
}

static void
given_an_old_credential_and_one_bad_slot_when_started_then_still_refused(
    void **state)
{
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "secret1"};
	uint8_t credentials[8192], slots[STATE_LEN], bad[STATE_LEN];
	const uint8_t *now;
	size_t len;

	now = sim_file(w->keyd_room, "credentials", &len);
	assert_true(len <= sizeof(credentials));
	memcpy(credentials, now, len);
	assert_int_equal(world_change(w, &ada, 0, 0, "secret2"), SR_OK);
	sim_put(w->keyd_room, "credentials", credentials, len);
	now = sim_file(w->keyd_room, "state", &len);
	assert_int_equal(len, sizeof(slots));
	memcpy(slots, now, len);
	for (unsigned slot = 0; slot < 2; slot++) {
		memcpy(bad, slots, sizeof(bad));
		bad[slot * STATE_SLOT_LEN + 100] ^= 1;
		sim_put(w->keyd_room, "state", bad, sizeof(bad));
		assert_int_equal(world_restart(w, false), SR_ROLLED_BACK);
	}
}

static void
given_files_when_swapped_or_damaged_then_keyd_does_not_start(void **state)
{
	struct world *w = *state;
	uint8_t bytes[3 * CREDENTIAL_CUSTOMER_LEN];
	uint8_t swapped[sizeof(bytes)];
	const uint8_t *now;
	size_t len;

	now = sim_file(w->keyd_room, "credentials", &len);
	assert_true(len <= sizeof(bytes));
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, now, len);
	memcpy(swapped, bytes, sizeof(bytes));
	memcpy(swapped + CREDENTIAL_CUSTOMER_LEN,
	    bytes + 2 * CREDENTIAL_CUSTOMER_LEN, CREDENTIAL_CUSTOMER_LEN);
	memcpy(swapped + 2 * CREDENTIAL_CUSTOMER_LEN,
	    bytes + CREDENTIAL_CUSTOMER_LEN, CREDENTIAL_CUSTOMER_LEN);
	sim_put(w->keyd_room, "credentials", swapped, sizeof(swapped));
	assert_int_equal(world_restart(w, false), SR_DAMAGED);
	sim_put(w->keyd_room, "credentials", bytes, sizeof(bytes));
	assert_int_equal(world_restart(w, false), SR_OK);
	sim_put(w->keyd_room, "credentials", bytes, 1000);
	assert_int_equal(world_restart(w, false), SR_DAMAGED);
	sim_put(w->keyd_room, "credentials", bytes, sizeof(bytes));
	/* without a state there is no bank, unless one is founded */
	w->params.init = false;
	sim_put(w->keyd_room, "state", "", 0);
	assert_int_equal(world_restart(w, false), SR_DAMAGED);
	assert_int_equal(world_restart(w, true), SR_DAMAGED);
}

/* A save of which the sync fails: what reads then see is in memory only. */
static uint64_t
save_without_sync(struct world *w, const uint8_t key[32])
{
	struct state_file f;
	struct state s;
	uint64_t counter;
	bool lone;

	assert_int_equal(state_file_open(&f, &w->keyd_room->env, key), SR_OK);
	assert_int_equal(state_load(&f, &s, &lone), SR_OK);
	counter = s.counter;
	w->keyd_room->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(state_save(&f, &s), SR_IO);
	return counter;
}

static void
given_a_newest_slot_in_memory_only_when_a_start_is_cut_then_one_stays(
    void **state)
{
	struct world *w = *state;
	struct state_file f;
	struct state found;
	struct sim_disk *copy;
	uint8_t key[32];
	uint64_t counter;
	bool lone;

	memcpy(key, w->keyd->keys->state, sizeof(key));
	copy = sim_copy(w->keyd_room);
	w->params.identity_seed = NULL;
	for (unsigned cut = 1;; cut++) {
		enum sr_error error;

		sim_restore(w->keyd_room, copy);
		counter = save_without_sync(w, key);
		keyd_close(w->keyd);
		sim_kill(w->keyd_room);
		w->sim->cut_after = w->sim->operations + cut;
		error = keyd_init(w->keyd, &w->keyd_room->env, &w->params);
		w->sim->dark = false;
		w->sim->cut_after = 0;
		if (error == SR_OK) {
			assert_true(cut > 4);
			break;
		}
		sim_crash_torn(w->keyd_room, 1000);
		assert_int_equal(
		    state_file_open(&f, &w->keyd_room->env, key), SR_OK);
		assert_int_equal(state_load(&f, &found, &lone), SR_OK);
		assert_true(found.counter >= counter);
	}
	sim_copy_free(copy);
}

static void
given_another_root_when_started_then_refused(void **state)
{
	struct world *w = *state;

	w->root[0] ^= 1;
	assert_int_equal(world_restart(w, false), SR_DAMAGED);
	w->root[0] ^= 1;
	w->identity_seed[0] ^= 1;
	assert_int_equal(world_restart(w, true), SR_BANK_KEY);
	w->identity_seed[0] ^= 1;
	assert_int_equal(world_restart(w, true), SR_OK);
	assert_null(w->keyd->identity_secret);
}

static enum sr_error
set_terminal(
    struct terminals *t, uint32_t terminal, uint32_t epoch, bool enrolled)
{
	struct terminal next;
	enum sr_error error =
	    terminals_set(t, terminal, epoch, enrolled, &next);

	return error == SR_OK ? terminals_write(t, &next) : error;
}

static void
given_a_terminal_when_its_write_is_torn_then_old_or_new_and_epochs_never_fall(
    void **state)
{
	struct world *w = *state;
	struct terminals *t = calloc(1, sizeof(*t));
	struct env *env = &w->keyd_room->env;
	struct sim_disk *copy;

	assert_non_null(t);
	assert_int_equal(terminals_open(t, env, mac_key), SR_OK);
	assert_int_equal(set_terminal(t, 0, 1, true), SR_TERMINAL);
	assert_int_equal(set_terminal(t, 7, 0, true), SR_NOT_ALLOWED);
	assert_int_equal(set_terminal(t, 7, 5, true), SR_OK);
	assert_int_equal(set_terminal(t, 7, 5, true), SR_ALREADY);
	assert_int_equal(set_terminal(t, 7, 5, false), SR_NOT_ALLOWED);
	assert_int_equal(set_terminal(t, 7, 4, false), SR_NOT_ALLOWED);
	copy = sim_copy(w->keyd_room);
	/* of the first version that is written, and of the second */
	for (uint64_t cut = 0; cut <= 2 * 32 + 1; cut++) {
		bool second = cut > 32;

		sim_restore(w->keyd_room, copy);
		assert_int_equal(terminals_open(t, env, mac_key), SR_OK);
		w->sim->cut_after = w->sim->operations + (second ? 4 : 2);
		assert_int_equal(set_terminal(t, 7, 6, false), SR_IO);
		w->sim->dark = false;
		w->sim->cut_after = 0;
		sim_crash_torn(w->keyd_room, second ? cut - 33 : cut);
		assert_int_equal(terminals_open(t, env, mac_key), SR_OK);
		assert_int_equal(
		    terminals_check(t, 7, 5), cut >= 32 ? SR_TERMINAL : SR_OK);
		assert_int_equal(terminals_check(t, 7, 6), SR_TERMINAL);
	}
	sim_copy_free(copy);
	/* any id, as long as there is a place */
	for (uint32_t i = t->count; i < TERMINALS_MAX; i++)
		assert_int_equal(
		    set_terminal(t, UINT32_MAX - i, 1, true), SR_OK);
	assert_int_equal(set_terminal(t, 8, 1, true), SR_TERMINAL);
	assert_int_equal(terminals_open(t, env, mac_key), SR_OK);
	assert_int_equal(t->count, TERMINALS_MAX);
	assert_int_equal(terminals_check(t, UINT32_MAX - 9, 1), SR_OK);
	free(t);
}

static void
given_the_identity_when_certified_anew_then_valid_for_longer_and_wiped(
    void **state)
{
	struct world *w = *state;
	struct certificate before, after;

	assert_int_equal(certificate_verify(w->keyd->state.certificate,
			     w->keyd->state.identity, &before),
	    SR_OK);
	sim_advance(w->sim, 1000000);
	/* an ordinary start changes nothing */
	assert_int_equal(world_restart(w, false), SR_OK);
	assert_int_equal(certificate_verify(w->keyd->state.certificate,
			     w->keyd->state.identity, &after),
	    SR_OK);
	assert_int_equal(after.not_after_ms, before.not_after_ms);
	assert_int_equal(world_restart(w, true), SR_OK);
	assert_null(w->keyd->identity_secret);
	assert_int_equal(world_restart(w, false), SR_OK);
	assert_int_equal(certificate_verify(w->keyd->state.certificate,
			     w->keyd->state.identity, &after),
	    SR_OK);
	assert_int_equal(after.not_after_ms, before.not_after_ms + 1000000);
	assert_int_equal(after.key_id, before.key_id);
	assert_int_equal(after.epoch, before.epoch);
}

static void
given_a_full_disk_when_registered_then_refused_and_keyd_goes_on(void **state)
{
	struct world *w = *state;
	struct person ada = {.name = "ada", .password = "secret1"};
	struct person eve = {.name = "eve", .password = "secret1"};

	w->keyd_room->space = 1;
	assert_int_equal(world_register(w, &eve), SR_NO_SPACE);
	assert_int_equal(w->keyd->failure, SR_OK);
	/* what needs no new space is done */
	assert_int_equal(login(w, "ada", "secret1"), SR_OK);
	world_start_again(w);
	assert_int_equal(world_register(w, &eve), SR_NO_SPACE);
	w->keyd_room->space = 0;
	assert_int_equal(world_register(w, &eve), SR_OK);
	assert_int_equal(world_change(w, &ada, 0, 0, "secret2"), SR_OK);
	assert_int_equal(world_restart(w, false), SR_OK);
}

static void
given_a_terminals_first_write_when_torn_then_it_was_never_known(void **state)
{
	struct world *w = *state;
	struct terminals *t = calloc(1, sizeof(*t));
	struct env *env = &w->keyd_room->env;

	assert_non_null(t);
	assert_int_equal(terminals_open(t, env, mac_key), SR_OK);
	for (uint64_t cut = 0; cut < 32; cut++) {
		w->sim->cut_after = w->sim->operations + 3;
		assert_int_equal(set_terminal(t, 9, 1, true), SR_IO);
		w->sim->dark = false;
		w->sim->cut_after = 0;
		sim_crash_torn(w->keyd_room, cut);
		assert_int_equal(terminals_open(t, env, mac_key), SR_OK);
		assert_int_equal(t->count, 0);
	}
	assert_int_equal(set_terminal(t, 9, 1, true), SR_OK);
	assert_int_equal(terminals_open(t, env, mac_key), SR_OK);
	assert_int_equal(terminals_check(t, 9, 1), SR_OK);
	free(t);
}

#define DISK(f) cmocka_unit_test_setup_teardown(f, setup_disk, teardown_disk)
#define BANK(f) cmocka_unit_test_setup_teardown(f, setup_bank, teardown_bank)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    DISK(
		given_a_save_when_torn_at_every_byte_then_the_older_or_the_newer),
	    DISK(
		given_a_state_when_any_byte_is_changed_then_that_slot_is_not_believed),
	    DISK(given_a_state_when_one_slot_is_newer_then_neither_is_believed),
	    DISK(
		given_a_state_of_an_older_version_when_read_then_what_it_has_is_taken),
	    BANK(
		given_a_change_when_cut_at_every_operation_then_one_password_opens),
	    BANK(
		given_a_credential_when_torn_at_every_byte_then_the_old_one_is_there),
	    BANK(
		given_an_old_credential_when_put_back_then_keyd_does_not_start),
	    BANK(given_changes_that_are_watched_then_they_do_not_add_up),
	    BANK(
		given_an_old_credential_and_one_bad_slot_when_started_then_still_refused),
	    BANK(given_more_reseals_than_generations_when_read_then_damaged),
	    BANK(given_files_when_swapped_or_damaged_then_keyd_does_not_start),
	    BANK(
		given_a_newest_slot_in_memory_only_when_a_start_is_cut_then_one_stays),
	    BANK(given_another_root_when_started_then_refused),
	    BANK(
		given_a_terminal_when_its_write_is_torn_then_old_or_new_and_epochs_never_fall),
	    BANK(
		given_the_identity_when_certified_anew_then_valid_for_longer_and_wiped),
	    BANK(
		given_a_full_disk_when_registered_then_refused_and_keyd_goes_on),
	    BANK(
		given_a_terminals_first_write_when_torn_then_it_was_never_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
