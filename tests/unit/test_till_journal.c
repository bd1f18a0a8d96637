/* SPDX-License-Identifier: ISC */
/* A terminal's journal: what is written is read, and damage is no idle till. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/atm/till_journal.h"

static char directory[] = "/tmp/test_till_journal.XXXXXX";
static struct state home;

static int
set_up(void **state)
{
	static const uint8_t bank_id[32] = {1};

	(void)state;
	return mkdtemp(directory) == NULL ||
	       setenv("XDG_STATE_HOME", directory, 1) != 0 ||
	       state_open(&home, bank_id) != SR_OK;
}

static int
tear_down(void **state)
{
	char path[STATE_PATH_MAX];

	(void)state;
	(void)state_remove(&home, "till-lobby");
	(void)state_remove(&home, "atm-lock-lobby");
	(void)state_remove(&home, "atm-lock-hall");
	snprintf(path, sizeof(path), "%s/strongroom", directory);
	return rmdir(home.directory) != 0 || rmdir(path) != 0 ||
	       rmdir(directory) != 0;
}

static const struct till_record full = {.step = TILL_DISPENSED,
    .hold_reference = {1, 2, 3},
    .settle_reference = {4, 5, 6},
    .account = 7 << 16,
    .amount_minor = 2000,
    .leaf = 57,
    .dispensed_minor = 1500};

static void
given_a_record_when_written_then_it_is_read_and_idle_removes_it(void **state)
{
	struct till_record record = full, read;

	(void)state;
	assert_int_equal(till_journal_load(&home, "lobby", &read), SR_OK);
	assert_int_equal(read.step, TILL_IDLE);
	for (int step = TILL_ASKED; step <= TILL_DISPENSED; step++) {
		record.step = (enum till_step)step;
		assert_int_equal(
		    till_journal_save(&home, "lobby", &record), SR_OK);
		assert_int_equal(
		    till_journal_load(&home, "lobby", &read), SR_OK);
		assert_memory_equal(&read, &record, sizeof(read));
	}
	assert_int_equal(till_journal_load(&home, "hall", &read), SR_OK);
	assert_int_equal(read.step, TILL_IDLE);
	record.step = TILL_IDLE;
	assert_int_equal(till_journal_save(&home, "lobby", &record), SR_OK);
	assert_int_equal(till_journal_load(&home, "lobby", &read), SR_OK);
	assert_int_equal(read.step, TILL_IDLE);
}

static void
given_a_damaged_file_when_read_then_it_is_not_idle(void **state)
{
	/* magic, step, the seven zeros, amount, dispensed */
	static const size_t places[] = {0, 7, 8, 9, 15, 63, 79};
	struct till_record read;
	uint8_t bytes[100], spoilt[100];
	size_t len;

	(void)state;
	assert_int_equal(till_journal_save(&home, "lobby", &full), SR_OK);
	assert_int_equal(
	    state_read(&home, "till-lobby", bytes, sizeof(bytes), &len), SR_OK);
	assert_int_equal(len, 80);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(spoilt, bytes, len);
		spoilt[places[i]] ^= 0x80;
		assert_int_equal(
		    state_write(&home, "till-lobby", spoilt, len), SR_OK);
		assert_int_equal(
		    till_journal_load(&home, "lobby", &read), SR_DAMAGED);
	}
	for (size_t cut = 0; cut <= 81; cut++) {
		if (cut == len)
			continue;
		assert_int_equal(
		    state_write(&home, "till-lobby", bytes, cut), SR_OK);
		assert_int_equal(
		    till_journal_load(&home, "lobby", &read), SR_DAMAGED);
	}
	/* more given out than was asked for */
	memcpy(spoilt, bytes, len);
	spoilt[72] ^= 0xff;
	spoilt[73] ^= 0xff;
	assert_int_equal(state_write(&home, "till-lobby", spoilt, len), SR_OK);
	assert_int_equal(till_journal_load(&home, "lobby", &read), SR_DAMAGED);
}

static void
given_a_lock_when_taken_then_nobody_else_has_it_until_it_is_back(void **state)
{
	int first, second, other;

	(void)state;
	assert_int_equal(till_journal_lock(&home, "lobby", &first), SR_OK);
	assert_int_equal(till_journal_lock(&home, "lobby", &second), SR_BUSY);
	assert_int_equal(till_journal_lock(&home, "hall", &other), SR_OK);
	till_journal_unlock(first);
	assert_int_equal(till_journal_lock(&home, "lobby", &second), SR_OK);
	till_journal_unlock(second);
	till_journal_unlock(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_record_when_written_then_it_is_read_and_idle_removes_it),
	    cmocka_unit_test(
		given_a_damaged_file_when_read_then_it_is_not_idle),
	    cmocka_unit_test(
		given_a_lock_when_taken_then_nobody_else_has_it_until_it_is_back),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
