/* SPDX-License-Identifier: ISC */
/*
 * A new epoch of the key that seals credentials: nobody notices, nothing is
 * left under the former one when it ends, and whenever the power goes every
 * customer is still there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/buffer.h"
#include "common/entry.h"
#include "tests/lib/keyd_world.h"

static struct world *w;
static struct person ada = {.name = "ada", .password = "secret1"};
static struct person bob = {.name = "bob", .password = "secret2"};

static int
setup(void **state)
{
	(void)state;
	w = world_new(13);
	world_found(w);
	w->params.init = false;
	sim_advance(w->sim, KEY_HOUR_S * UINT64_C(2000));
	return world_register(w, &ada) == SR_OK &&
		       world_register(w, &bob) == SR_OK &&
		       /* both versions are written */
		       world_change(w, &bob, SLOT_PASSWORD, SLOT_PASSWORD,
			   "secret2") == SR_OK
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

static const struct state_key *
row(void)
{
	return &w->keyd->state.key[BANK_KEY_CREDENTIAL];
}

/* Every version that was ever written has that epoch at its head. */
static bool
all_of(uint32_t epoch)
{
	size_t len;
	const uint8_t *file = sim_file(w->keyd_room, "credentials", &len);

	for (size_t at = 0; at < len; at += CREDENTIAL_VERSION_LEN) {
		struct reader r = reader_of(file + at, 8);

		if (reader_u32(&r) != 0 && reader_u32(&r) != epoch)
			return false;
	}
	return true;
}

static void
both_log_in(void)
{
	struct person nobody = {.name = "cleo", .password = "secret3"};

	assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
	assert_int_equal(world_login(w, &bob, SLOT_PASSWORD), SR_OK);
	assert_int_equal(world_login(w, &nobody, SLOT_PASSWORD), SR_LOGIN);
}

static void
given_a_bank_when_the_key_is_rotated_then_nothing_stays_under_the_former(
    void **state)
{
	uint8_t former[32];
	uint32_t epoch;

	(void)state;
	memcpy(former, w->keyd->epochs->of[0].key, 32);
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_OK);
	epoch = row()->epoch;
	assert_int_equal(epoch, w->sim->now_ms / 1000);
	assert_int_equal(row()->former, 1);
	assert_memory_equal(w->keyd->epochs->of[1].key, former, 32);
	assert_memory_not_equal(w->keyd->epochs->of[0].key, former, 32);
	assert_true(reseal_left(w->keyd) > 0);
	both_log_in();
	world_reseal(w);
	assert_true(all_of(epoch));
	assert_int_equal(reseal_left(w->keyd), 0);
	assert_int_equal(w->keyd->epochs->of[1].epoch, 0);
	assert_true(sodium_is_zero(w->keyd->epochs->of[1].key, 32));
	both_log_in();
	world_start_again(w);
	both_log_in();
	assert_int_equal(row()->epoch, epoch);
	assert_int_equal(row()->former, 0);
	/* what is new, and a second time */
	sim_advance(w->sim, KEY_HOUR_S * UINT64_C(1000));
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_OK);
	assert_int_equal(row()->former, epoch);
	world_reseal(w);
	assert_true(all_of(row()->epoch));
	both_log_in();
}

static void
given_a_rotation_when_it_is_not_to_be_then_refused(void **state)
{
	(void)state;
	assert_int_equal(world_rotate(w, BANK_KEY_LOG, 0), SR_NOT_ALLOWED);
	assert_int_equal(world_rotate(w, 0, 0), SR_NOT_ALLOWED);
	assert_int_equal(
	    world_rotate(w, BANK_KEY_CREDENTIAL + (UINT64_C(1) << 32), 0),
	    SR_NOT_ALLOWED);
	assert_int_equal(
	    world_rotate(w, BANK_KEY_CREDENTIAL, 1), SR_PARAMETERS);
	assert_int_equal(row()->epoch, 1);
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_OK);
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_KEY_EPOCH);
	world_reseal(w);
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_LATER);
	sim_advance(w->sim, KEY_HOUR_S * UINT64_C(1000));
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_OK);
}

/* At each operation on the disk, from the rotation to the end of the sweep. */
static void
given_a_rotation_when_the_power_goes_then_everybody_is_still_there(void **state)
{
	struct sim_disk *copy = sim_copy(w->keyd_room);
	bool whole = false;
	unsigned cuts = 0;

	(void)state;
	for (uint64_t cut = 1; !whole; cut++) {
		sim_restore(w->keyd_room, copy);
		world_start_again(w);
		w->sim->cut_after = w->sim->operations + cut;
		if (world_rotate(w, BANK_KEY_CREDENTIAL, 0) == SR_OK)
			world_reseal(w);
		whole = !w->sim->dark;
		cuts += !whole;
		w->sim->dark = false;
		w->sim->cut_after = 0;
		sim_crash(w->keyd_room, SIM_LOSE_ALL);
		world_start_again(w);
		assert_int_equal(world_login(w, &ada, SLOT_PASSWORD), SR_OK);
		world_reseal(w);
		assert_true(all_of(row()->epoch == 1 ? 0 : row()->epoch));
		both_log_in();
		sim_advance(w->sim, KEY_HOUR_S * UINT64_C(1000));
	}
	assert_true(cuts > 20);
	sim_copy_free(copy);
}

static void
given_a_log_in_under_way_when_records_are_sealed_anew_then_it_ends_well(
    void **state)
{
	struct attempt attempt;

	(void)state;
	world_m1(
	    w, &ada, &attempt, OPERATION_LOG_IN, SLOT_PASSWORD, 0, "secret1");
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_OK);
	world_reseal(w);
	assert_true(all_of(row()->epoch));
	assert_int_equal(world_m3(w, &ada, &attempt, "secret1", NULL), SR_OK);
	assert_int_equal(w->opens, 1);
	both_log_in();
}

static void
given_a_disk_that_takes_nothing_when_it_does_again_then_the_sweep_ends(
    void **state)
{
	(void)state;
	assert_int_equal(world_rotate(w, BANK_KEY_CREDENTIAL, 0), SR_OK);
	w->keyd_room->read_only = true;
	for (unsigned i = 0; i < 20; i++) {
		sim_advance(w->sim, RESEAL_WAIT_MS);
		(void)world_run(w);
	}
	assert_int_equal(w->keyd->failure, SR_OK);
	assert_int_equal(row()->former, 1);
	w->keyd_room->read_only = false;
	world_reseal(w);
	assert_true(all_of(row()->epoch));
	both_log_in();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_bank_when_the_key_is_rotated_then_nothing_stays_under_the_former),
	    TEST(given_a_rotation_when_it_is_not_to_be_then_refused),
	    TEST(
		given_a_rotation_when_the_power_goes_then_everybody_is_still_there),
	    TEST(
		given_a_log_in_under_way_when_records_are_sealed_anew_then_it_ends_well),
	    TEST(
		given_a_disk_that_takes_nothing_when_it_does_again_then_the_sweep_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
