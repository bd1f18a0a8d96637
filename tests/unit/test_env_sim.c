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
	w->a->fault[SIM_FAIL_SYNC] = 1;
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

/* ---- disks that fail, and disks that lie ---------------------------------- */

static env_file
open_hello(struct world *w)
{
	env_file f;

	make_file(w, "x", "hello, world; hello, world");
	assert_int_equal(env_sync_directory(&w->a->env, "."), SR_OK);
	assert_int_equal(env_open(&w->a->env, "x", ENV_WRITE, &f), SR_OK);
	return f;
}

/* Bits in which the file differs from what open_hello() made. */
static unsigned
count_wrong_bits(const uint8_t *bytes, const char *right, size_t len)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < len; i++)
		wrong +=
		    (unsigned)__builtin_popcount(bytes[i] ^ (uint8_t)right[i]);
	return wrong;
}

static void
given_a_write_that_fails_then_at_most_its_beginning_is_there(void **state)
{
	struct world *w = *state;
	env_file f = open_hello(w);
	unsigned begun = 0;

	for (unsigned i = 0; i < 40; i++) {
		enum sim_fault fault = i % 2 ? SIM_FULL_WRITE : SIM_FAIL_WRITE;
		const uint8_t *bytes;
		size_t len, done = 0;

		assert_int_equal(
		    env_write(&w->a->env, f, 0, "hello", 5), SR_OK);
		w->a->fault[fault] = 1;
		assert_int_equal(env_write(&w->a->env, f, 0, "HELLO", 5),
		    i % 2 ? SR_NO_SPACE : SR_IO);
		assert_int_equal(w->a->fault[fault], 0);
		bytes = sim_file(w->a, "x", &len);
		while (done < 5 && bytes[done] == (uint8_t) "HELLO"[done])
			done++;
		assert_memory_equal(bytes + done, &"hello, "[done], 7 - done);
		begun += done > 0;
	}
	assert_in_range(begun, 1, 39);
}

static void
given_the_second_read_fails_then_the_first_and_the_third_do_not(void **state)
{
	struct world *w = *state;
	env_file f = open_hello(w);
	uint8_t bytes[5];

	w->a->fault[SIM_FAIL_READ] = 2;
	assert_int_equal(env_read(&w->a->env, f, 0, bytes, 5), SR_OK);
	assert_int_equal(env_read(&w->a->env, f, 0, bytes, 5), SR_IO);
	assert_int_equal(env_read(&w->a->env, f, 0, bytes, 5), SR_OK);
	assert_memory_equal(bytes, "hello", 5);
}

static void
given_a_directory_that_fails_then_nothing_is_done(void **state)
{
	struct world *w = *state;
	env_file f = open_hello(w), other;

	w->a->fault[SIM_FAIL_ENTRY] = 1;
	assert_int_equal(env_rename(&w->a->env, "x", "y"), SR_IO);
	w->a->fault[SIM_FAIL_ENTRY] = 1;
	assert_int_equal(env_remove(&w->a->env, "x"), SR_IO);
	w->a->fault[SIM_FAIL_ENTRY] = 1;
	assert_int_equal(env_truncate(&w->a->env, f, 1), SR_IO);
	w->a->fault[SIM_FAIL_ENTRY] = 1;
	assert_int_equal(env_open(&w->a->env, "y", ENV_CREATE, &other), SR_IO);
	expect_file(w, "x", "hello, world; hello, world");
	expect_file(w, "y", NULL);
	assert_int_equal(env_rename(&w->a->env, "x", "y"), SR_OK);
	w->a->fault[SIM_FAIL_ENTRY] = 1;
	assert_int_equal(env_sync_directory(&w->a->env, "."), SR_IO);
	sim_crash(w->a, SIM_LOSE_ALL);
	expect_file(w, "x", "hello, world; hello, world");
}

static void
given_a_corrupted_read_then_one_bit_is_wrong_that_once(void **state)
{
	struct world *w = *state;
	env_file f = open_hello(w);
	uint8_t bytes[12];

	w->a->fault[SIM_CORRUPT_READ] = 1;
	assert_int_equal(env_read(&w->a->env, f, 0, bytes, 12), SR_OK);
	assert_int_equal(count_wrong_bits(bytes, "hello, world", 12), 1);
	assert_int_equal(env_read(&w->a->env, f, 0, bytes, 12), SR_OK);
	assert_memory_equal(bytes, "hello, world", 12);
}

static void
given_a_misdirected_read_then_it_is_of_another_place(void **state)
{
	struct world *w = *state;
	env_file f = open_hello(w);
	unsigned elsewhere = 0;
	uint8_t bytes[5];

	for (unsigned i = 0; i < 20; i++) {
		w->a->fault[SIM_MISDIRECT_READ] = 1;
		assert_int_equal(env_read(&w->a->env, f, 0, bytes, 5), SR_OK);
		elsewhere += memcmp(bytes, "hello", 5) != 0;
	}
	assert_in_range(elsewhere, 10, 20);
}

static void
given_a_corrupted_write_then_one_bit_is_wrong_for_ever(void **state)
{
	struct world *w = *state;
	env_file f = open_hello(w);
	size_t len;

	w->a->fault[SIM_CORRUPT_WRITE] = 1;
	assert_int_equal(env_write(&w->a->env, f, 0, "HELLO", 5), SR_OK);
	assert_int_equal(
	    count_wrong_bits(sim_file(w->a, "x", &len), "HELLO, wor", 10), 1);
	assert_int_equal(env_sync(&w->a->env, f), SR_OK);
	sim_crash(w->a, SIM_LOSE_ALL);
	assert_int_equal(
	    count_wrong_bits(sim_file(w->a, "x", &len), "HELLO, wor", 10), 1);
}

static void
given_a_misdirected_write_then_it_lands_in_another_place(void **state)
{
	struct world *w = *state;
	env_file f = open_hello(w);
	const uint8_t *bytes;
	size_t len;

	w->a->fault[SIM_MISDIRECT_WRITE] = 1;
	assert_int_equal(env_write(&w->a->env, f, 0, "#####", 5), SR_OK);
	bytes = sim_file(w->a, "x", &len);
	assert_int_equal(len, strlen("hello, world; hello, world"));
	assert_non_null(memmem(bytes, len, "#####", 5));
	assert_memory_not_equal(bytes, "#####", 5);
}

static void
given_rot_then_reads_and_power_cuts_show_it(void **state)
{
	struct world *w = *state;

	(void)open_hello(w);
	assert_false(sim_rot(w->a, "y", 0, 0));
	assert_false(sim_rot(w->a, "x", 100, 0));
	assert_true(sim_rot(w->a, "x", 0, 5));
	expect_file(w, "x", "Hello, world; hello, world");
	sim_crash(w->a, SIM_LOSE_ALL);
	expect_file(w, "x", "Hello, world; hello, world");
}

static void
given_two_unsynced_writes_when_some_are_lost_then_it_may_be_the_first(
    void **state)
{
	struct world *w = *state;
	unsigned lost_first = 0;

	for (unsigned i = 0; i < 60; i++) {
		const uint8_t *bytes;
		env_file f;
		size_t len;

		sim_put(w->a, "x", "..........", 10);
		assert_int_equal(
		    env_open(&w->a->env, "x", ENV_WRITE, &f), SR_OK);
		assert_int_equal(env_write(&w->a->env, f, 0, "1111", 4), SR_OK);
		assert_int_equal(env_write(&w->a->env, f, 5, "2222", 4), SR_OK);
		sim_crash(w->a, SIM_LOSE_SOME);
		bytes = sim_file(w->a, "x", &len);
		lost_first += bytes[0] == '.' && bytes[5] == '2';
	}
	assert_in_range(lost_first, 3, 57);
}

static void
given_a_long_unsynced_write_then_any_of_its_sectors_may_be_lost(void **state)
{
	static uint8_t zeros[4096], ones[4096];
	struct world *w = *state;
	unsigned holes = 0;

	memset(ones, 1, sizeof(ones));
	for (unsigned i = 0; i < 60; i++) {
		const uint8_t *bytes;
		env_file f;
		size_t len, at = 0;

		sim_put(w->a, "x", zeros, sizeof(zeros));
		assert_int_equal(
		    env_open(&w->a->env, "x", ENV_WRITE, &f), SR_OK);
		assert_int_equal(
		    env_write(&w->a->env, f, 0, ones, sizeof(ones)), SR_OK);
		sim_crash(w->a, SIM_LOSE_SOME);
		bytes = sim_file(w->a, "x", &len);
		while (at < len && bytes[at] != 0)
			at += 512;
		while (at < len && bytes[at] == 0)
			at += 512;
		holes += at < len;
	}
	assert_in_range(holes, 3, 57);
}

static void
given_data_and_entries_then_durable_tells_whether_a_cut_keeps_them(void **state)
{
	struct world *w = *state;
	env_file f;

	assert_false(sim_durable(w->a, "x"));
	make_file(w, "x", "hello");
	assert_false(sim_durable(w->a, "x"));
	assert_int_equal(env_sync_directory(&w->a->env, "."), SR_OK);
	assert_true(sim_durable(w->a, "x"));
	assert_int_equal(env_open(&w->a->env, "x", ENV_WRITE, &f), SR_OK);
	assert_int_equal(env_write(&w->a->env, f, 0, "H", 1), SR_OK);
	assert_false(sim_durable(w->a, "x"));
	assert_false(sim_durable_part(w->a, "x", 0, 1));
	assert_true(sim_durable_part(w->a, "x", 1, 4));
	assert_false(sim_durable_part(w->a, "x", 1, 5));
	w->a->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(env_sync(&w->a->env, f), SR_IO);
	assert_int_equal(env_sync(&w->a->env, f), SR_OK);
	assert_false(sim_durable(w->a, "x"));
	assert_int_equal(env_write(&w->a->env, f, 0, "H", 1), SR_OK);
	assert_int_equal(env_sync(&w->a->env, f), SR_OK);
	assert_true(sim_durable(w->a, "x"));
	assert_true(sim_durable_part(w->a, "x", 0, 5));
	assert_int_equal(env_rename(&w->a->env, "x", "y"), SR_OK);
	assert_false(sim_durable(w->a, "y"));
	assert_false(sim_durable_part(w->a, "y", 0, 5));
}

/* ---- packets that come late ------------------------------------------------- */

static void
given_a_delayed_link_then_packets_come_later_and_in_order(void **state)
{
	struct world *w = *state;
	unsigned readable, writable;
	uint8_t packet[8];
	size_t len;

	sim_delay(w->b, ENV_KEYD, 2);
	assert_int_equal(env_send(&w->a->env, ENV_LEDGERD, "1", 1), SR_OK);
	assert_int_equal(env_send(&w->a->env, ENV_LEDGERD, "2", 1), SR_OK);
	for (unsigned i = 0; i < 2; i++) {
		env_wait(
		    &w->b->env, 1u << ENV_KEYD, 0, 0, &readable, &writable);
		assert_int_equal(readable, 0);
		assert_int_equal(env_receive(&w->b->env, ENV_KEYD, false,
				     packet, sizeof(packet), &len),
		    SR_AGAIN);
		assert_true(sim_late(w->sim));
	}
	assert_false(sim_late(w->sim));
	for (uint8_t i = '1'; i <= '2'; i++) {
		assert_int_equal(env_receive(&w->b->env, ENV_KEYD, false,
				     packet, sizeof(packet), &len),
		    SR_OK);
		assert_int_equal(packet[0], i);
	}
}

static void
note_packet(void *context, struct sim_room *room, enum env_link link,
    const void *packet, size_t len)
{
	char *noted = context;

	assert_string_equal(room->name, "a");
	assert_int_equal(link, ENV_LEDGERD);
	strncat(noted, packet, len);
}

static void
given_a_tap_then_it_sees_each_packet(void **state)
{
	struct world *w = *state;
	char noted[8] = "";

	w->sim->tap = note_packet;
	w->sim->tap_context = noted;
	assert_int_equal(env_send(&w->a->env, ENV_LEDGERD, "12", 2), SR_OK);
	assert_int_equal(env_send(&w->a->env, ENV_LEDGERD, "3", 1), SR_OK);
	assert_string_equal(noted, "123");
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
	    TEST(given_a_write_that_fails_then_at_most_its_beginning_is_there),
	    TEST(
		given_the_second_read_fails_then_the_first_and_the_third_do_not),
	    TEST(given_a_directory_that_fails_then_nothing_is_done),
	    TEST(given_a_corrupted_read_then_one_bit_is_wrong_that_once),
	    TEST(given_a_misdirected_read_then_it_is_of_another_place),
	    TEST(given_a_corrupted_write_then_one_bit_is_wrong_for_ever),
	    TEST(given_a_misdirected_write_then_it_lands_in_another_place),
	    TEST(given_rot_then_reads_and_power_cuts_show_it),
	    TEST(
		given_two_unsynced_writes_when_some_are_lost_then_it_may_be_the_first),
	    TEST(
		given_a_long_unsynced_write_then_any_of_its_sectors_may_be_lost),
	    TEST(
		given_data_and_entries_then_durable_tells_whether_a_cut_keeps_them),
	    TEST(given_a_delayed_link_then_packets_come_later_and_in_order),
	    TEST(given_a_tap_then_it_sees_each_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
