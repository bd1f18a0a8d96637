/* SPDX-License-Identifier: ISC */
/*
 * The plain audit log of a bank at work: a line for each entry and never two,
 * whatever becomes of the file, the disk and the power.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/sim_bank.h"

#define FORMER AUDIT_PATH ".1"

static struct sim_bank *bank;
static struct sim_people people;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	return sim_person_log_in(bank, &people.ada) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static void
pay(unsigned times)
{
	struct message_order_answer answer;

	while (times-- > 0)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
}

static void
restart(enum sim_loss loss)
{
	assert_int_equal(sim_bank_restart(bank, loss), SR_OK);
	/* log-ins are counted, too */
	sim_advance(bank->sim, 3600000);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
}

/*
 * Reads a file; each line must be the one that comes next.  Returns what comes
 * after it.
 */
static uint64_t
read_file(const char *path, uint64_t next)
{
	const char *bytes, *feed;
	size_t len;

	bytes = (const char *)sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(bytes);
	while (len > 0) {
		struct audit_line line;

		feed = memchr(bytes, '\n', len);
		assert_non_null(feed);
		assert_true(
		    audit_line_read(bytes, (size_t)(feed - bytes), &line));
		assert_int_equal(line.first, next);
		if (line.type != AUDIT_LINE_HEAD)
			next = line.last + 1;
		len -= (size_t)(feed + 1 - bytes);
		bytes = feed + 1;
	}
	return next;
}

static void
expect_whole(uint64_t next)
{
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(read_file(AUDIT_PATH, next), bank->ledgerd->tree.size);
	assert_int_equal(audit_missing(bank->ledgerd), 0);
}

static bool
file_has(const char *path, const char *what)
{
	size_t len;
	const uint8_t *bytes = sim_file(bank->ledgerd_room, path, &len);

	return bytes != NULL && memmem(bytes, len, what, strlen(what)) != NULL;
}

static void
rotate(void)
{
	assert_int_equal(
	    env_rename(&bank->ledgerd_room->env, AUDIT_PATH, FORMER), SR_OK);
}

/* Whatever is there becomes its first len bytes and tail. */
static void
put_torn(const char *path, size_t len, const void *tail, size_t tail_len)
{
	static uint8_t bytes[65536 * 4];
	size_t whole;
	const uint8_t *now = sim_file(bank->ledgerd_room, path, &whole);

	assert_true(len <= whole && len + tail_len <= sizeof(bytes));
	memcpy(bytes, now, len);
	memcpy(bytes + len, tail, tail_len);
	sim_put(bank->ledgerd_room, path, bytes, len + tail_len);
}

static size_t
len_of(const char *path)
{
	size_t len = 0;

	assert_non_null(sim_file(bank->ledgerd_room, path, &len));
	return len;
}

static void
given_entries_then_the_log_has_a_line_for_each_and_no_name(void **state)
{
	struct message_order_answer answer;
	size_t len;
	const uint8_t *text;

	(void)state;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     99999, &answer),
	    SR_FUNDS);
	expect_whole(0);
	text = sim_file(bank->ledgerd_room, AUDIT_PATH, &len);
	assert_memory_equal(text + len - 32, "order SR_FUNDS ", 15);
	assert_false(file_has(AUDIT_PATH, "ada"));
	assert_false(file_has(AUDIT_PATH, "transfer"));
}

static void
given_full_then_names_kinds_and_amounts_are_there(void **state)
{
	(void)state;
	bank->audit = AUDIT_FULL;
	restart(SIM_KEEP_ALL);
	pay(1);
	expect_whole(0);
	assert_true(file_has(AUDIT_PATH, " transfer 0.01 "));
	assert_true(file_has(AUDIT_PATH, " \"ada\" "));
}

static void
given_off_then_nothing_is_written_and_on_goes_on_where_it_ended(void **state)
{
	size_t len = len_of(AUDIT_PATH);

	(void)state;
	bank->audit = AUDIT_OFF;
	restart(SIM_KEEP_ALL);
	pay(3);
	assert_int_equal(len_of(AUDIT_PATH), len);
	assert_int_equal(audit_missing(bank->ledgerd), 0);
	bank->audit = AUDIT_PSEUDONYMS;
	restart(SIM_KEEP_ALL);
	pay(1);
	expect_whole(0);
}

static void
given_a_rename_then_the_next_line_is_in_a_new_file_and_none_is_lost(
    void **state)
{
	uint64_t between;

	(void)state;
	pay(2);
	rotate();
	pay(2);
	between = read_file(FORMER, 0);
	expect_whole(between);
	/* the one that went away is on disk */
	assert_true(sim_durable(bank->ledgerd_room, FORMER));
	/* and one that somebody has made in its place is gone on with */
	rotate();
	sim_put(bank->ledgerd_room, AUDIT_PATH, "", 0);
	between = read_file(FORMER, between);
	pay(2);
	expect_whole(between);
}

static void
given_a_rename_while_the_bank_is_down_then_none_is_lost(void **state)
{
	uint64_t between;

	(void)state;
	pay(3);
	sim_bank_end(bank);
	rotate();
	/* its last line was torn off by the same power cut */
	put_torn(FORMER, len_of(FORMER) - 5, "", 0);
	restart(SIM_KEEP_ALL);
	pay(1);
	between = read_file(FORMER, 0);
	expect_whole(between);
}

static void
given_a_power_cut_then_the_lost_lines_are_written_again(void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		pay(5 + i);
		restart(losses[i % 3]);
		expect_whole(0);
	}
}

static void
given_a_torn_end_then_it_is_mended(void **state)
{
	static const uint8_t zeros[100000];
	uint64_t fed = 0;

	(void)state;
	pay(5);
	for (size_t cut = 0; cut < 300; cut += 7) {
		put_torn(AUDIT_PATH, len_of(AUDIT_PATH) - cut, "", 0);
		restart(SIM_KEEP_ALL);
		expect_whole(0);
		fed++;
	}
	assert_true(fed > 40);
	put_torn(AUDIT_PATH, len_of(AUDIT_PATH) - 33, zeros, sizeof(zeros));
	restart(SIM_KEEP_ALL);
	expect_whole(0);
	/* the half of a head */
	put_torn(AUDIT_PATH, 20, "", 0);
	restart(SIM_KEEP_ALL);
	pay(1);
	assert_int_equal(audit_missing(bank->ledgerd), 0);
}

static void
given_a_stranger_in_its_place_then_it_is_put_aside(void **state)
{
	static char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	sim_put(bank->ledgerd_room, AUDIT_PATH, text, sizeof(text));
	pay(1);
	assert_true(file_has(AUDIT_PATH, "# strongroom-audit 1 "));
	assert_int_equal(audit_missing(bank->ledgerd), 0);
	/* and one that is ahead of the journal */
	put_torn(AUDIT_PATH, len_of(AUDIT_PATH),
	    "1970-01-01T00:00:00Z 9999 order ok -\n", 37);
	restart(SIM_KEEP_ALL);
	pay(1);
	assert_false(file_has(AUDIT_PATH, " 9999 "));
	assert_int_equal(audit_missing(bank->ledgerd), 0);
}

/* From now on the room's files may grow by so many bytes. */
static void
leave_free(uint64_t bytes)
{
	const uint64_t much = UINT64_C(1) << 40;
	struct sim_room *room = bank->ledgerd_room;
	struct env_space space;

	room->space = much;
	assert_int_equal(
	    env_space(&room->env, bank->ledgerd->segments.file, &space), SR_OK);
	room->space = much - space.free + bytes;
}

static void
given_a_full_disk_then_the_missing_lines_are_counted_and_come_later(
    void **state)
{
	(void)state;
	for (uint64_t room = 0; room < 110; room += 10) {
		leave_free(room);
		bank->ledgerd->params.reserve = 0;
		pay(3);
		assert_true(audit_missing(bank->ledgerd) > 0);
		bank->ledgerd_room->space = 0;
		sim_advance(bank->sim, AUDIT_RETRY_MS);
		expect_whole(0);
	}
	/* and across a start on a disk that is still full */
	leave_free(0);
	pay(4);
	sim_bank_end(bank);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_true(audit_missing(bank->ledgerd) > 0);
	bank->ledgerd_room->space = 0;
	sim_advance(bank->sim, AUDIT_RETRY_MS);
	expect_whole(0);
}

static void
given_a_disk_that_was_read_only_at_the_start_then_none_is_missing(void **state)
{
	(void)state;
	pay(3);
	put_torn(AUDIT_PATH, len_of(AUDIT_PATH) - 90, "", 0);
	sim_bank_end(bank);
	bank->ledgerd_room->read_only = true;
	(void)sim_bank_start(bank, false);
	bank->ledgerd_room->read_only = false;
	restart(SIM_KEEP_ALL);
	pay(2);
	expect_whole(0);
}

/* Transfers until so many snapshots were made. */
static void
pay_until_snapshot(uint32_t number)
{
	while (bank->ledgerd->snapshots.last.number < number)
		pay(1);
}

static void
given_snapshots_then_all_lines_before_are_durable(void **state)
{
	uint64_t first;

	(void)state;
	pay_until_snapshot(2);
	first = bank->ledgerd->snapshots.last.size;
	restart(SIM_LOSE_ALL);
	expect_whole(0);
	assert_false(file_has(AUDIT_PATH, "# gap "));
	assert_true(bank->ledgerd->tree.size > first);
}

static void
given_lines_before_the_last_snapshot_lost_then_the_log_says_so(void **state)
{
	char gap[64];

	(void)state;
	pay_until_snapshot(2);
	put_torn(AUDIT_PATH, 500, "", 0);
	restart(SIM_KEEP_ALL);
	expect_whole(0);
	snprintf(gap, sizeof(gap), " to %llu\n",
	    (unsigned long long)bank->ledgerd->snapshots.last.size - 1);
	assert_true(file_has(AUDIT_PATH, "\n# gap "));
	assert_true(file_has(AUDIT_PATH, gap));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_entries_then_the_log_has_a_line_for_each_and_no_name),
	    TEST(given_full_then_names_kinds_and_amounts_are_there),
	    TEST(
		given_off_then_nothing_is_written_and_on_goes_on_where_it_ended),
	    TEST(
		given_a_rename_then_the_next_line_is_in_a_new_file_and_none_is_lost),
	    TEST(given_a_rename_while_the_bank_is_down_then_none_is_lost),
	    TEST(given_a_power_cut_then_the_lost_lines_are_written_again),
	    TEST(given_a_torn_end_then_it_is_mended),
	    TEST(given_a_stranger_in_its_place_then_it_is_put_aside),
	    TEST(
		given_a_full_disk_then_the_missing_lines_are_counted_and_come_later),
	    TEST(
		given_a_disk_that_was_read_only_at_the_start_then_none_is_missing),
	    TEST(given_snapshots_then_all_lines_before_are_durable),
	    TEST(
		given_lines_before_the_last_snapshot_lost_then_the_log_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
