/* SPDX-License-Identifier: ISC */
/*
 * A pulse through the real keyd and ledgerd to a simulated disk: answered when
 * it is there and not before, at a bounded pace, and whatever the disk says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/sim_bank.h"

#define PULSE_PATH "ledger/pulse"

static struct sim_bank *bank;
static struct sim_people people;

/* What the disk was told of the file, in its order, as letters. */
static char told[4096];
static size_t told_len;

static void
watch(void *context, struct sim_room *room, enum sim_operation operation,
    const char *path)
{
	static const char letters[SIM_OPERATION_COUNT] = {
	    [SIM_OPEN] = 'o', [SIM_WRITE] = 'w', [SIM_SYNC] = 's'};

	(void)context;
	if (room == bank->ledgerd_room && path != NULL &&
	    strcmp(path, PULSE_PATH) == 0 && told_len < sizeof(told) - 1)
		told[told_len++] =
		    letters[operation] != 0 ? letters[operation] : '?';
}

/* That strongroomd is told of the end comes after all of that. */
static void
tap(void *context, struct sim_room *room, enum env_link link,
    const void *packet, size_t len)
{
	struct reader r = reader_of(packet, len);
	struct ipc_message m;

	(void)context;
	if (room != bank->ledgerd_room || link != ENV_CONTROL)
		return;
	while (ipc_next(&r, false, &m) == SR_OK)
		if (told_len < sizeof(told) - 1)
			told[told_len++] = m.type == MESSAGE_PULSE_DONE   ? 'd'
					   : m.type == MESSAGE_PULSE_SEEN ? 'n'
									  : '?';
}

static void
forget(void)
{
	memset(told, 0, sizeof(told));
	told_len = 0;
	bank->pulses_done = bank->pulses_seen = 0;
	bank->pulse_done = 0;
}

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(3);
	sim_bank_furnish(bank, &people);
	bank->sim->watch = watch;
	bank->sim->tap = tap;
	forget();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* One of which there is time enough after the last. */
static enum sr_error
pulse(uint64_t number)
{
	sim_advance(bank->sim, 1000);
	return sim_bank_pulse(bank, number);
}

static enum sr_error
pay(int64_t amount_minor)
{
	struct message_order_answer answer;

	return sim_transfer(
	    bank, &people.ada, people.bob.m4.account, amount_minor, &answer);
}

static void
given_a_pulse_then_it_is_answered_behind_its_write_and_sync(void **state)
{
	const uint8_t *file;
	size_t len;

	(void)state;
	assert_null(sim_file(bank->ledgerd_room, PULSE_PATH, &len));
	assert_int_equal(pulse(7), SR_OK);
	assert_string_equal(told, "nowsd");
	assert_int_equal(bank->pulse_done, 7);
	assert_int_equal(bank->pulses_done, 1);
	assert_int_equal(bank->pulses_seen, 2);
	forget();
	assert_int_equal(pulse(UINT64_C(0x0102030405060708)), SR_OK);
	assert_string_equal(told, "nwsd");
	assert_int_equal(bank->pulse_done, UINT64_C(0x0102030405060708));
	file = sim_file(bank->ledgerd_room, PULSE_PATH, &len);
	assert_int_equal(len, 8);
	assert_memory_equal(file, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	/* of its own accord there is none */
	forget();
	sim_advance(bank->sim, 3600000);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_string_equal(told, "");
}

/* keyd lets through what it likes here: its part is in test_keyd_hostile_*. */
static void
given_a_flood_of_pulses_then_a_few_writes_a_second_and_the_newest_answered(
    void **state)
{
	enum { STEP_MS = 5, SECONDS = 5 };
	struct sim_room *keyd = bank->keyd_room;
	uint64_t number = 0;
	unsigned syncs = 0;

	(void)state;
	for (unsigned ms = 0; ms < SECONDS * 1000; ms += STEP_MS) {
		for (unsigned i = 0; i < 20; i++) {
			struct message_pulse_ledgerd m = {.number = ++number};
			uint8_t bytes[MESSAGE_PULSE_LEDGERD_MAX];
			struct writer w = writer_to(bytes, sizeof(bytes));

			assert_int_equal(
			    message_pulse_ledgerd_encode(&w, &m), SR_OK);
			assert_int_equal(env_send(&keyd->env, ENV_LEDGERD,
					     bytes, writer_len(&w)),
			    SR_OK);
		}
		assert_int_equal(sim_bank_run(bank), SR_OK);
		sim_advance(bank->sim, STEP_MS);
	}
	for (size_t i = 0; i < told_len; i++)
		syncs += told[i] == 's';
	assert_in_range(syncs, 4 * SECONDS - 1, 4 * SECONDS + 1);
	assert_int_equal(bank->pulses_done, syncs);
	/* what waited is answered by itself, and nothing after that */
	sim_advance(bank->sim, PULSE_MS);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(bank->pulse_done, number);
	assert_int_equal(pay(1), SR_OK);
}

/* Less than strongroomd reads: the answer waits, and so does the disk. */
static void
given_a_strongroomd_that_reads_nothing_then_nothing_is_written(void **state)
{
	struct outbox *box = &bank->ledgerd->control_out;
	uint8_t filling[64] = {0};
	struct writer w = writer_to(filling, sizeof(filling));
	struct message_generation_done other = {.generation = 1};

	(void)state;
	assert_int_equal(message_generation_done_encode(&w, &other), SR_OK);
	while (env_send(&bank->ledgerd_room->env, ENV_CONTROL, filling,
		   writer_len(&w)) == SR_OK)
		;
	while (outbox_append(box, filling, writer_len(&w)) == SR_OK)
		;
	forget();
	bank->ledgerd->pulse.waits = true;
	bank->ledgerd->pulse.number = 9;
	sim_advance(bank->sim, 1000);
	assert_int_equal(ledgerd_step(bank->ledgerd, 0), SR_OK);
	assert_string_equal(told, "");
	assert_int_equal(pulse_wait_ms(bank->ledgerd, -1), -1);
	/* once it reads again */
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(bank->pulse_done, 9);
}

static void
given_a_disk_that_is_full_or_read_only_then_answered_and_the_bank_lives(
    void **state)
{
	size_t len;

	(void)state;
	/* with the file still to be made */
	bank->ledgerd_room->read_only = true;
	assert_int_equal(pulse(1), SR_OK);
	assert_int_equal(bank->pulse_done, 1);
	assert_null(sim_file(bank->ledgerd_room, PULSE_PATH, &len));
	bank->ledgerd_room->read_only = false;
	bank->ledgerd_room->space = 1;
	assert_int_equal(pulse(2), SR_OK);
	assert_int_equal(bank->pulse_done, 2);
	bank->ledgerd_room->space = 0;
	assert_int_equal(pulse(3), SR_OK);
	assert_non_null(sim_file(bank->ledgerd_room, PULSE_PATH, &len));
	/* and with the file there, it takes no room */
	bank->ledgerd_room->space = 1;
	forget();
	assert_int_equal(pulse(4), SR_OK);
	assert_string_equal(told, "nwsd");
	assert_int_equal(bank->pulse_done, 4);
	bank->ledgerd_room->space = 0;
	sim_advance(bank->sim, ADMISSION_RETRY_MS);
	assert_int_equal(pay(1), SR_OK);
}

static void
given_a_disk_that_fails_a_pulse_then_no_answer_and_ledgerd_ends(void **state)
{
	static const enum sim_fault faults[] = {SIM_FAIL_WRITE, SIM_FAIL_SYNC};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		assert_int_equal(pulse(1), SR_OK);
		forget();
		bank->ledgerd_room->fault[faults[i]] = 1;
		assert_int_equal(pulse(2), SR_IO);
		assert_int_equal(bank->ledgerd_error, SR_IO);
		assert_int_equal(bank->pulses_done, 0);
		assert_int_equal(bank->ledgerd_room->fault[faults[i]], 0);
		assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	}
	assert_int_equal(pulse(3), SR_OK);
	assert_int_equal(bank->pulse_done, 3);
}

static void
given_orders_and_pulses_then_both_are_answered(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 50; i++) {
		assert_int_equal(pay(1), SR_OK);
		sim_advance(bank->sim, 100);
		assert_int_equal(sim_bank_pulse(bank, i), SR_OK);
	}
	assert_in_range(bank->pulses_done, 15, 17);
	/* and with a new netd: those of the old one are nobody's */
	assert_int_equal(sim_bank_generation(bank), SR_OK);
	assert_int_equal(pulse(1000), SR_OK);
	assert_int_equal(bank->pulse_done, 1000);
	bank->generation--;
	assert_int_equal(pulse(1001), SR_OK);
	assert_int_equal(bank->pulse_done, 1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_pulse_then_it_is_answered_behind_its_write_and_sync),
	    TEST(
		given_a_flood_of_pulses_then_a_few_writes_a_second_and_the_newest_answered),
	    TEST(
		given_a_strongroomd_that_reads_nothing_then_nothing_is_written),
	    TEST(
		given_a_disk_that_is_full_or_read_only_then_answered_and_the_bank_lives),
	    TEST(
		given_a_disk_that_fails_a_pulse_then_no_answer_and_ledgerd_ends),
	    TEST(given_orders_and_pulses_then_both_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
