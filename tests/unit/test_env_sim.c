/* SPDX-License-Identifier: ISC */
/* The simulated env keeps what a disk keeps, and loses what a disk loses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/env_sim.h"

struct world {
	struct sim *sim;
	struct sim_room *a;
	struct sim_room *b;
};

static int
setup(void **state)
{
	static struct world w;

	w.sim = sim_new(7);
	w.a = sim_room(w.sim, "a");
	w.b = sim_room(w.sim, "b");
	sim_connect(w.a, ENV_LEDGERD, w.b, ENV_KEYD);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	sim_free(((struct world *)*state)->sim);
	return 0;
}

static void
make_file(struct world *w, const char *path, const char *text)
{
	env_file f;

	assert_int_equal(env_open(&w->a->env, path, ENV_CREATE, &f), SR_OK);
	assert_int_equal(
	    env_write(&w->a->env, f, 0, text, strlen(text)), SR_OK);
	assert_int_equal(env_sync(&w->a->env, f), SR_OK);
	assert_int_equal(env_close(&w->a->env, f), SR_OK);
}

static void
expect_file(struct world *w, const char *path, const char *text)
{
	size_t len;
	const uint8_t *bytes = sim_file(w->a, path, &len);

	if (text == NULL) {
		assert_null(bytes);
		return;
	}
	assert_non_null(bytes);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(bytes, text, len);
}

static void
given_synced_and_unsynced_writes_when_power_fails_then_only_synced_remain(
    void **state)
{
	struct world *w = *state;
	env_file f;

	make_file(w, "d/x", "hello");
	assert_int_equal(env_sync_directory(&w->a->env, "d"), SR_OK);
	assert_int_equal(env_open(&w->a->env, "d/x", ENV_WRITE, &f), SR_OK);
	assert_int_equal(env_write(&w->a->env, f, 1, "ipp", 3), SR_OK);
	expect_file(w, "d/x", "hippo");
	sim_crash(w->a, SIM_LOSE_ALL);
	expect_file(w, "d/x", "hello");
}

static void
given_an_unsynced_write_when_torn_then_its_beginning_remains(void **state)
{
	struct world *w = *state;
	env_file f;

	make_file(w, "x", "hello");
	assert_int_equal(env_sync_directory(&w->a->env, "."), SR_OK);
	assert_int_equal(env_open(&w->a->env, "x", ENV_WRITE, &f), SR_OK);
	assert_int_equal(env_write(&w->a->env, f, 0, "HELLO", 5), SR_OK);
	sim_crash_torn(w->a, 2);
	expect_file(w, "x", "HEllo");
}

static void
given_a_rename_when_directory_unsynced_then_power_cut_undoes_it(void **state)
{
	struct world *w = *state;

	make_file(w, "new", "2");
	expect_file(w, "new", "2");
	make_file(w, "old", "1");
	assert_int_equal(env_sync_directory(&w->a->env, "."), SR_OK);
	assert_int_equal(env_rename(&w->a->env, "new", "old"), SR_OK);
	expect_file(w, "old", "2");
	expect_file(w, "new", NULL);
	sim_crash(w->a, SIM_LOSE_ALL);
	expect_file(w, "old", "1");
	expect_file(w, "new", "2");
	assert_int_equal(env_rename(&w->a->env, "new", "old"), SR_OK);
	sim_crash(w->a, SIM_KEEP_ALL);
	expect_file(w, "old", "2");
}

static void
given_a_failed_sync_when_power_fails_then_the_write_is_gone(void **state)
{
	struct world *w = *state;
	env_file f;

	make_file(w, "x", "hello");
	assert_int_equal(env_sync_directory(&w->a->env, "."), SR_OK);
	assert_int_equal(env_open(&w->a->env, "x", ENV_WRITE, &f), SR_OK);
	assert_int_equal(env_write(&w->a->env, f, 0, "HELLO", 5), SR_OK);
	w->a->fail_sync = 1;
	assert_int_equal(env_sync(&w->a->env, f), SR_IO);
	expect_file(w, "x", "HELLO");
	assert_int_equal(env_sync(&w->a->env, f), SR_OK);
	sim_crash(w->a, SIM_LOSE_ALL);
	expect_file(w, "x", "hello");
}

static void
given_a_cut_when_it_strikes_then_nothing_works_until_restart(void **state)
{
	struct world *w = *state;
	uint8_t packet[8];
	size_t len;
	env_file f;

	w->sim->cut_after = 2;
	assert_int_equal(env_open(&w->a->env, "x", ENV_CREATE, &f), SR_OK);
	assert_int_equal(env_write(&w->a->env, f, 0, "x", 1), SR_IO);
	assert_true(w->sim->dark);
	assert_int_equal(env_sync(&w->a->env, f), SR_IO);
	assert_int_equal(env_send(&w->a->env, ENV_LEDGERD, "x", 1), SR_CLOSED);
	assert_int_equal(env_receive(&w->b->env, ENV_KEYD, false, packet,
			     sizeof(packet), &len),
	    SR_CLOSED);
	sim_restart(w->sim, SIM_LOSE_ALL);
	expect_file(w, "x", NULL);
	assert_int_equal(env_send(&w->a->env, ENV_LEDGERD, "x", 1), SR_OK);
}

static void
given_links_when_full_then_again_and_packets_keep_their_order(void **state)
{
	struct world *w = *state;
	uint8_t packet[8];
	size_t len;
	unsigned readable, writable;

	for (unsigned i = 0; i < SIM_LINK_PACKETS; i++) {
		packet[0] = (uint8_t)i;
		assert_int_equal(
		    env_send(&w->a->env, ENV_LEDGERD, packet, 1), SR_OK);
	}
	assert_int_equal(
	    env_send(&w->a->env, ENV_LEDGERD, packet, 1), SR_AGAIN);
	env_wait(&w->a->env, 0, 1u << ENV_LEDGERD, 0, &readable, &writable);
	assert_int_equal(writable, 0);
	for (unsigned i = 0; i < SIM_LINK_PACKETS; i++) {
		assert_int_equal(env_receive(&w->b->env, ENV_KEYD, false,
				     packet, sizeof(packet), &len),
		    SR_OK);
		assert_int_equal(packet[0], (uint8_t)i);
	}
	assert_int_equal(env_receive(&w->b->env, ENV_KEYD, false, packet,
			     sizeof(packet), &len),
	    SR_AGAIN);
}

static void
answer(void *context)
{
	struct world *w = context;
	uint8_t packet[8];
	size_t len;

	if (env_receive(&w->b->env, ENV_KEYD, false, packet, sizeof(packet),
		&len) == SR_OK)
		env_send(&w->b->env, ENV_KEYD, "answer", 6);
}

static void
given_a_room_that_waits_when_the_peer_steps_then_its_answer_arrives(
    void **state)
{
	struct world *w = *state;
	uint8_t packet[8];
	size_t len;

	sim_steps(w->b, answer, w);
	assert_int_equal(env_send(&w->a->env, ENV_LEDGERD, "?", 1), SR_OK);
	assert_int_equal(env_receive(&w->a->env, ENV_LEDGERD, true, packet,
			     sizeof(packet), &len),
	    SR_OK);
	assert_int_equal(len, 6);
	assert_int_equal(env_receive(&w->a->env, ENV_LEDGERD, true, packet,
			     sizeof(packet), &len),
	    SR_CLOSED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_synced_and_unsynced_writes_when_power_fails_then_only_synced_remain),
	    TEST(given_an_unsynced_write_when_torn_then_its_beginning_remains),
	    TEST(
		given_a_rename_when_directory_unsynced_then_power_cut_undoes_it),
	    TEST(given_a_failed_sync_when_power_fails_then_the_write_is_gone),
	    TEST(given_a_cut_when_it_strikes_then_nothing_works_until_restart),
	    TEST(given_links_when_full_then_again_and_packets_keep_their_order),
	    TEST(
		given_a_room_that_waits_when_the_peer_steps_then_its_answer_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
