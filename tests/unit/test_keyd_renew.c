/* SPDX-License-Identifier: ISC */
/*
 * A new epoch of the seed that hardens passwords: every record serves on the
 * seed that it was made on, a password moves to the present one at its next
 * log-in and at no other time, and a name that is nobody's looks alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "keyd/renew.h"
#include "tests/lib/keyd_world.h"

enum { NAMES = 40, DAY_MS = 86400000 };

static struct world *w;
static struct person ada = {
    .name = "ada", .password = "secret1", .recovery = "code1"};
static struct person bob = {.name = "bob", .password = "secret2"};

static int
setup(void **state)
{
	(void)state;
	w = world_new(17);
	world_found(w);
	w->params.init = false;
	/* beyond the second 1 that the first epoch is */
	sim_advance(w->sim, UINT64_C(100) * DAY_MS);
	(void)world_run(w);
	return world_register(w, &ada) == SR_OK &&
		       world_register(w, &bob) == SR_OK &&
		       world_change(w, &ada, SLOT_PASSWORD, SLOT_RECOVERY,
			   ada.recovery) == SR_OK
		   ? 0
		   : 1;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

static void
pass(uint64_t ms)
{
	sim_advance(w->sim, ms);
	(void)world_run(w);
}

static uint32_t
epoch_of(uint64_t customer, uint8_t slot)
{
	struct customer found;

	assert_int_equal(
	    credentials_read(&w->keyd->credentials, customer, &found), SR_OK);
	return found.credential[slot].epoch;
}

static void
given_a_new_seed_when_a_customer_logs_in_then_told_once_and_moved(void **state)
{
	uint32_t epoch;

	(void)state;
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.renew, 0);
	assert_int_equal(renew_left(w->keyd), 0);
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_OK);
	epoch = w->keyd->state.key[BANK_KEY_OPRF].epoch;
	assert_int_equal(epoch, w->sim->now_ms / 1000);
	assert_int_equal(renew_left(w->keyd), 3);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.renew, 1);
	assert_int_equal(world_login(w, &ada, SLOT_RECOVERY), SR_OK);
	assert_int_equal(w->open.renew, 0);
	assert_int_equal(epoch_of(1, SLOT_PASSWORD), KEYS_EPOCH);
	assert_int_equal(world_renew(w, &ada), SR_OK);
	assert_int_equal(w->ended, 0);
	assert_int_equal(epoch_of(1, SLOT_PASSWORD), epoch);
	assert_int_equal(epoch_of(1, SLOT_RECOVERY), KEYS_EPOCH);
	assert_int_equal(renew_left(w->keyd), 2);
	world_start_again(w);
	assert_int_equal(renew_left(w->keyd), 2);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.renew, 0);
	assert_int_equal(world_login(w, &ada, SLOT_RECOVERY), SR_OK);
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.renew, 1);
	/* the code moves when it is replaced, by whatever way */
	assert_int_equal(
	    world_change(w, &ada, SLOT_PASSWORD, SLOT_RECOVERY, ada.recovery),
	    SR_OK);
	assert_int_equal(w->ended, 1);
	assert_int_equal(epoch_of(1, SLOT_RECOVERY), epoch);
	assert_int_equal(renew_left(w->keyd), 1);
}

static void
given_a_record_of_the_present_seed_when_renewed_then_not_allowed(void **state)
{
	struct attempt a;

	(void)state;
	assert_int_equal(world_renew(w, &ada), SR_NOT_ALLOWED);
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_OK);
	/* nor with other keys */
	world_forget(w);
	world_m1(w, &ada, &a, OPERATION_RENEW, 0, 0, "secret1");
	ada.name = "eve"; /* whose signing key it presents */
	assert_int_equal(world_m3(w, &ada, &a, "secret1", "secret1"), SR_OK);
	ada.name = "ada";
	assert_int_equal(epoch_of(1, SLOT_PASSWORD), KEYS_EPOCH);
	assert_int_equal(world_renew(w, &ada), SR_OK);
	assert_int_equal(world_renew(w, &ada), SR_NOT_ALLOWED);
	/* nor without the password */
	bob.password = "guess";
	assert_int_equal(world_renew(w, &bob), SR_LOGIN);
	bob.password = "secret2";
	assert_int_equal(epoch_of(2, SLOT_PASSWORD), KEYS_EPOCH);
}

static void
given_a_handshake_under_way_when_the_seed_is_new_then_it_ends_well(void **state)
{
	struct person cleo = {.name = "cleo", .password = "secret3"};
	struct attempt in, set, reg;
	uint8_t m2[3][FRAME_M2_LEN];

	(void)state;
	world_m1(w, &ada, &in, OPERATION_LOG_IN, 0, 0, NULL);
	memcpy(m2[0], w->m2, FRAME_M2_LEN);
	world_m1(w, &bob, &set, OPERATION_CHANGE, 0, 0, "secret2");
	memcpy(m2[1], w->m2, FRAME_M2_LEN);
	world_m1(w, &cleo, &reg, OPERATION_REGISTER, 0, 0, "secret3");
	memcpy(m2[2], w->m2, FRAME_M2_LEN);
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_OK);
	world_forget(w);
	memcpy(w->m2, m2[0], FRAME_M2_LEN);
	w->m2_connection = in.connection;
	assert_int_equal(world_m3(w, &ada, &in, "secret1", NULL), SR_OK);
	assert_int_equal(w->opens, 1);
	memcpy(w->m2, m2[1], FRAME_M2_LEN);
	w->m2_connection = set.connection;
	assert_int_equal(world_m3(w, &bob, &set, "secret2", "secret2"), SR_OK);
	memcpy(w->m2, m2[2], FRAME_M2_LEN);
	w->m2_connection = reg.connection;
	assert_int_equal(world_m3(w, &cleo, &reg, NULL, "secret3"), SR_OK);
	assert_int_equal(epoch_of(2, SLOT_PASSWORD), KEYS_EPOCH);
	assert_int_equal(epoch_of(3, SLOT_PASSWORD), KEYS_EPOCH);
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
	assert_int_equal(world_login(w, &cleo, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.renew, 1);
	assert_int_equal(world_renew(w, &cleo), SR_OK);
	assert_int_equal(world_login(w, &cleo, SLOT_PASSWORD), SR_OK);
}

static void
given_a_rotation_when_it_is_not_to_be_then_refused(void **state)
{
	uint32_t epoch;

	(void)state;
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 1), SR_PARAMETERS);
	assert_int_equal(w->keyd->state.key[BANK_KEY_OPRF].epoch, KEYS_EPOCH);
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_OK);
	epoch = w->keyd->state.key[BANK_KEY_OPRF].epoch;
	pass(UINT64_C(1000) * (key_least_s(BANK_KEY_OPRF) - 1));
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_LATER);
	assert_int_equal(w->keyd->state.key[BANK_KEY_OPRF].epoch, epoch);
	pass(1000);
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_OK);
	/* two epochs back, and still */
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.renew, 1);
	assert_int_equal(world_renew(w, &ada), SR_OK);
	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(w->open.renew, 0);
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
}

/* What the bank makes of the same blind. */
static void
evaluated(const char *name, uint8_t slot, uint8_t element[OPAQUE_ELEMENT_LEN])
{
	struct payload_m1 m1 = {.operation = OPERATION_LOG_IN, .slot = slot};
	struct opaque_password password = {"guess", 5};
	struct opaque_client_random random;
	struct opaque_client_login login;
	struct payload_m2 m2;
	struct attempt a;
	uint8_t wide[64] = {1}, ephemeral[32], psk[32] = {0};

	memset(&random, 7, sizeof(random));
	opaque_blind(random.blind, wide);
	assert_int_equal(
	    opaque_login_start(&login, &m1.ke1, &password, &random), SR_OK);
	m1.name_len = (uint8_t)strlen(name);
	strcpy(m1.name, name);
	randombytes_buf(ephemeral, sizeof(ephemeral));
	a.connection = (uint64_t)w->generation << 32 | ++w->connection;
	assert_int_equal(
	    handshake_m1_seal(&a.handshake, w->hello,
		w->keyd->origin->noise.public, 0, 0, psk, ephemeral, &m1, a.m1),
	    SR_OK);
	world_send_m1(w, a.connection, w->generation, a.m1, sizeof(a.m1));
	assert_int_equal(w->m2_connection, a.connection);
	assert_int_equal(handshake_m2_open(&a.handshake, w->m2, &m2), SR_OK);
	assert_int_equal(m2.status, SR_OK);
	memcpy(element, m2.ke2.evaluated, OPAQUE_ELEMENT_LEN);
}

/* What each time answered for names that are nobody's. */
struct nobodys {
	uint8_t slot;
	unsigned times;
	uint8_t element[8][NAMES][OPAQUE_ELEMENT_LEN];
};

/* How many have changed since the last time; none to what it ever was. */
static unsigned
changed(struct nobodys *n)
{
	unsigned count = 0, last = n->times > 0 ? n->times - 1 : 0;

	/* strangers may ask only so often */
	pass(DAY_MS);
	for (unsigned i = 0; i < NAMES; i++) {
		uint8_t *now = n->element[n->times][i];
		char name[8];

		snprintf(name, sizeof(name), "no%u", i);
		evaluated(name, n->slot, now);
		if (memcmp(now, n->element[last][i], OPAQUE_ELEMENT_LEN) == 0)
			continue;
		count++;
		for (unsigned t = 0; t < last; t++)
			assert_memory_not_equal(
			    now, n->element[t][i], OPAQUE_ELEMENT_LEN);
	}
	n->times++;
	return count;
}

static void
given_names_that_are_nobodys_when_the_seed_is_new_then_each_moves_with_a_customer(
    void **state)
{
	struct nobodys *n = calloc(1, sizeof(*n));
	uint8_t adas[OPAQUE_ELEMENT_LEN], now[OPAQUE_ELEMENT_LEN];
	unsigned with_ada;

	(void)state;
	assert_non_null(n);
	evaluated("ada", SLOT_PASSWORD, adas);
	assert_int_equal(changed(n), 0);
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_OK);
	/* nobody logs in: neither a customer's name moves nor another */
	pass(UINT64_C(90) * DAY_MS);
	evaluated("ada", SLOT_PASSWORD, now);
	assert_memory_equal(now, adas, sizeof(now));
	assert_int_equal(changed(n), 0);
	assert_int_equal(world_renew(w, &ada), SR_OK);
	evaluated("ada", SLOT_PASSWORD, now);
	assert_memory_not_equal(now, adas, sizeof(now));
	with_ada = changed(n);
	assert_in_range(with_ada, NAMES / 4, NAMES - NAMES / 4);
	world_start_again(w);
	pass(UINT64_C(90) * DAY_MS);
	assert_int_equal(changed(n), 0);
	assert_int_equal(world_renew(w, &bob), SR_OK);
	assert_int_equal(changed(n), NAMES - with_ada);
	/* another rotation, of which bob does not hear */
	assert_int_equal(world_rotate(w, BANK_KEY_OPRF, 0), SR_OK);
	assert_int_equal(world_renew(w, &ada), SR_OK);
	assert_int_equal(changed(n), with_ada);
	free(n);
}

static void
given_names_that_are_nobodys_when_a_customer_changes_then_some_do(void **state)
{
	struct person cleo = {.name = "cleo", .password = "secret3"};
	struct person dora = {.name = "dora", .password = "secret4"};
	struct nobodys *n = calloc(2, sizeof(*n));
	unsigned with_ada;

	(void)state;
	assert_non_null(n);
	n[1].slot = SLOT_RECOVERY;
	assert_int_equal(changed(&n[0]) + changed(&n[1]), 0);
	assert_int_equal(
	    world_change(w, &ada, SLOT_PASSWORD, SLOT_PASSWORD, "secret1"),
	    SR_OK);
	with_ada = changed(&n[0]);
	assert_in_range(with_ada, NAMES / 4, NAMES - NAMES / 4);
	assert_int_equal(changed(&n[1]), 0);
	assert_int_equal(
	    world_change(w, &ada, SLOT_PASSWORD, SLOT_RECOVERY, ada.recovery),
	    SR_OK);
	assert_int_equal(changed(&n[0]), 0);
	assert_int_equal(changed(&n[1]), with_ada);
	/* one in three goes with who is new, the others with whom they did */
	assert_int_equal(world_register(w, &cleo), SR_OK);
	assert_in_range(changed(&n[0]), NAMES / 6, NAMES / 2);
	assert_in_range(changed(&n[1]), NAMES / 6, NAMES / 2);
	assert_int_equal(
	    world_change(w, &cleo, SLOT_PASSWORD, SLOT_PASSWORD, "secret3"),
	    SR_OK);
	assert_in_range(changed(&n[0]), NAMES / 6, NAMES / 2);
	/* codes come, and go with who has none: to what was never there */
	assert_int_equal(
	    world_change(w, &cleo, SLOT_PASSWORD, SLOT_RECOVERY, "code3"),
	    SR_OK);
	assert_in_range(changed(&n[1]), NAMES / 6, NAMES / 2);
	assert_int_equal(world_register(w, &dora), SR_OK);
	assert_in_range(changed(&n[1]), NAMES / 10, NAMES / 2);
	free(n);
}

/* At each operation on the disk. */
static void
given_a_rotation_when_the_power_goes_then_old_or_new(void **state)
{
	struct sim_disk *copy = sim_copy(w->keyd_room);
	bool whole = false;
	unsigned cuts = 0, new = 0;

	(void)state;
	for (uint64_t cut = 1; !whole; cut++) {
		sim_restore(w->keyd_room, copy);
		world_start_again(w);
		w->sim->cut_after = w->sim->operations + cut;
		if (world_rotate(w, BANK_KEY_OPRF, 0) == SR_OK)
			(void)world_renew(w, &ada);
		whole = !w->sim->dark;
		cuts += !whole;
		w->sim->dark = false;
		w->sim->cut_after = 0;
		sim_crash(w->keyd_room, SIM_LOSE_ALL);
		world_start_again(w);
		new += w->keyd->state.key[BANK_KEY_OPRF].epoch != KEYS_EPOCH;
		assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
		assert_int_equal(
		    w->open.renew, epoch_of(1, SLOT_PASSWORD) !=
				       w->keyd->state.key[BANK_KEY_OPRF].epoch);
		assert_int_equal(world_login(w, &ada, SLOT_RECOVERY), SR_OK);
		assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
		pass(UINT64_C(40) * DAY_MS);
	}
	assert_true(cuts > 5);
	assert_in_range(new, 1, cuts);
	sim_copy_free(copy);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_new_seed_when_a_customer_logs_in_then_told_once_and_moved),
	    TEST(
		given_a_record_of_the_present_seed_when_renewed_then_not_allowed),
	    TEST(
		given_a_handshake_under_way_when_the_seed_is_new_then_it_ends_well),
	    TEST(given_a_rotation_when_it_is_not_to_be_then_refused),
	    TEST(
		given_names_that_are_nobodys_when_the_seed_is_new_then_each_moves_with_a_customer),
	    TEST(
		given_names_that_are_nobodys_when_a_customer_changes_then_some_do),
	    TEST(given_a_rotation_when_the_power_goes_then_old_or_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
