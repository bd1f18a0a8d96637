/* SPDX-License-Identifier: ISC */
/*
 * Snapshots: a start from one gives the same books and reads no more the
 * longer the journal is; a bad one is passed over for the one before; a cut
 * at any write leaves the old or the new; what lies before is read back by
 * logged uses.
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

#include "keyd/log_keys.h"
#include "common/snapshot_file.h"
#include "tests/lib/sim_bank.h"

static struct sim_bank *bank;
static struct sim_people people;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(3);
	sim_bank_furnish(bank, &people);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* Transfers of 1 from one to the other, until so many snapshots were made. */
static void
pay_until_snapshot(
    struct sim_person *from, const struct sim_person *to, uint32_t number)
{
	struct message_order_answer answer;

	for (int i = 0; bank->ledgerd->snapshots.last.number < number; i++) {
		assert_true(i < 1000);
		assert_int_equal(
		    sim_transfer(bank, from, to->m4.account, 1, &answer),
		    SR_OK);
	}
	assert_int_equal(bank->ledgerd->snapshots.last.number, number);
}

static const char *
path_of(uint32_t number)
{
	static char path[ENV_PATH_MAX];

	snprintf(path, sizeof(path), "ledger/snapshot/%08u", number);
	return path;
}

/* One byte of a file, turned over. */
static void
flip(const char *path, size_t offset)
{
	const uint8_t *bytes;
	uint8_t *copy;
	size_t len;

	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(bytes);
	assert_true(offset < len);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, bytes, len);
	copy[offset] ^= 0x40;
	sim_put(bank->ledgerd_room, path, copy, len);
	free(copy);
}

/* Ends the rooms as kill -9 does. */
static void
end(void)
{
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, SIM_KEEP_ALL);
	sim_crash(bank->ledgerd_room, SIM_KEEP_ALL);
}

static void
given_a_segment_full_then_the_start_is_from_a_snapshot_with_the_same_books(
    void **state)
{
	uint8_t before[32], after[32];
	struct message_order_answer answer;
	size_t len;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 1);
	assert_int_equal(
	    sim_transfer(bank, &people.bob, people.ada.m4.account, 3, &answer),
	    SR_OK);
	book_digest(&bank->ledgerd->book, before);
	/* with the snapshot, without a look at what lies before it */
	end();
	flip("ledger/segment/00000000.log", 4000);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	book_digest(&bank->ledgerd->book, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	book_digest(&bank->ledgerd->book, before);
	end();
	flip("ledger/segment/00000000.log", 4000);
	/* and without it from the beginning: nothing else is different */
	assert_non_null(sim_file(bank->ledgerd_room, path_of(1), &len));
	assert_int_equal(
	    env_remove(&bank->ledgerd_room->env, path_of(1)), SR_OK);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	book_digest(&bank->ledgerd->book, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(bank->ledgerd->snapshots.last.number, 1);
}

static void
given_a_long_journal_then_a_start_reads_no_more_than_with_a_short_one(
    void **state)
{
	uint64_t short_one, long_one, postings, tiles;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 2);
	end();
	bank->ledgerd_room->bytes_read = 0;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	short_one = bank->ledgerd_room->bytes_read;
	assert_true(short_one > 0);
	postings = bank->ledgerd->book.postings.count;
	tiles = bank->ledgerd->tree.size / TILES_WIDTH;
	for (uint32_t number = 3; number <= 12; number++) {
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
		pay_until_snapshot(&people.ada, &people.bob, number);
		end();
		bank->ledgerd_room->bytes_read = 0;
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
	}
	long_one = bank->ledgerd_room->bytes_read;
	/*
	 * Ten segments of 64 KiB more, and of each posting that can be undone
	 * the 42 bytes of its row, 65,536 at most; when the start is over, a
	 * look at the last full tiles and bundles, at most 1,024.
	 */
	tiles = bank->ledgerd->tree.size / TILES_WIDTH - tiles;
	assert_true(tiles > 0 && tiles < 1024);
	postings = bank->ledgerd->book.postings.count - postings;
	assert_true(postings > 500);
	assert_true(
	    long_one <= short_one + 4096 + 43 * postings +
			    tiles * (TILES_HASHES_LEN + TILES_BUNDLE_LEN));
	assert_int_equal(bank->ledgerd->snapshots.last.number, 12);
}

static void
given_snapshots_then_the_last_two_are_kept_and_nothing_is_in_the_clear(
    void **state)
{
	const uint8_t *bytes;
	size_t len;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 4);
	assert_null(sim_file(bank->ledgerd_room, path_of(1), &len));
	assert_null(sim_file(bank->ledgerd_room, path_of(2), &len));
	assert_null(sim_file(bank->ledgerd_room, "ledger/snapshot/new", &len));
	assert_non_null(sim_file(bank->ledgerd_room, path_of(3), &len));
	bytes = sim_file(bank->ledgerd_room, path_of(4), &len);
	assert_non_null(bytes);
	assert_null(memmem(bytes, len, "lobby", 5));
	assert_null(memmem(bytes, len, people.ada.signing_public, 32));
}

static void
given_a_bad_snapshot_then_the_one_before_serves_and_two_bad_ones_do_not(
    void **state)
{
	uint8_t before[32], after[32];
	struct sim_disk *good;
	const uint8_t *bytes;
	uint8_t *older;
	size_t len, older_len;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 3);
	book_digest(&bank->ledgerd->book, before);
	end();
	good = sim_copy(bank->ledgerd_room);
	for (unsigned how = 0; how < 6; how++) {
		sim_restore(bank->ledgerd_room, good);
		bytes = sim_file(bank->ledgerd_room, path_of(3), &len);
		if (how == 0) /* a byte in the header, in a chunk, at the end */
			flip(path_of(3), 20);
		if (how == 1)
			flip(path_of(3), SNAPSHOT_HEADER_LEN + 500);
		if (how == 2) /* torn */
			sim_put(bank->ledgerd_room, path_of(3), bytes, len - 1);
		if (how == 3)
			sim_put(bank->ledgerd_room, path_of(3), "", 0);
		if (how == 4)
			assert_int_equal(
			    env_remove(&bank->ledgerd_room->env, path_of(3)),
			    SR_OK);
		if (how == 5) { /* the one before in its place */
			bytes = sim_file(
			    bank->ledgerd_room, path_of(2), &older_len);
			older = malloc(older_len);
			assert_non_null(older);
			memcpy(older, bytes, older_len);
			sim_put(
			    bank->ledgerd_room, path_of(3), older, older_len);
			free(older);
		}
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		book_digest(&bank->ledgerd->book, after);
		assert_memory_equal(before, after, sizeof(before));
		/* the replay came by the entry of the bad one */
		assert_int_equal(bank->ledgerd->snapshots.last.number, 3);
		end();
		/* and when that one is bad, too, keyd gives no older keys */
		flip(path_of(2), SNAPSHOT_HEADER_LEN + 9);
		assert_int_equal(sim_bank_start(bank, false), SR_NOT_ALLOWED);
		assert_false(bank->ready);
		end();
	}
	sim_copy_free(good);
}

/* Files of another bank's making with our names: same keys, other history. */
static void
given_a_snapshot_that_the_log_does_not_name_then_it_is_passed_over(void **state)
{
	struct message_order_answer answer;
	struct sim_disk *keyd, *ledger;
	uint8_t before[32], after[32];
	const uint8_t *bytes;
	uint8_t *other;
	size_t len;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 1);
	end();
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	/* one history, in which snapshot 2 has Bob richer */
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     500, &answer),
	    SR_OK);
	pay_until_snapshot(&people.ada, &people.bob, 2);
	end();
	bytes = sim_file(bank->ledgerd_room, path_of(2), &len);
	assert_non_null(bytes);
	other = malloc(len);
	assert_non_null(other);
	memcpy(other, bytes, len);
	/* and the one that is signed */
	sim_restore(bank->keyd_room, keyd);
	sim_restore(bank->ledgerd_room, ledger);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 2, &answer),
	    SR_OK);
	pay_until_snapshot(&people.ada, &people.bob, 2);
	book_digest(&bank->ledgerd->book, before);
	end();
	sim_put(bank->ledgerd_room, path_of(2), other, len);
	free(other);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	book_digest(&bank->ledgerd->book, after);
	assert_memory_equal(before, after, sizeof(before));
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* What keyd has under its signature is on the disk, to the byte. */
static void
assert_newest_is_whole(void)
{
	const struct entry_snapshot *newest = &bank->keyd->state.snapshot[0];
	const uint8_t *bytes;
	uint8_t hash[32];
	size_t len;

	bytes = sim_file(bank->ledgerd_room, path_of(newest->number), &len);
	assert_non_null(bytes);
	crypto_hash_sha256(hash, bytes, len);
	assert_memory_equal(hash, newest->hash, sizeof(hash));
}

/* The power is cut at every operation around two rotations. */
static void
given_a_cut_at_every_operation_then_the_start_finds_the_old_or_the_new(
    void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	struct message_order_answer answer;
	struct sim_disk *keyd, *ledger;
	bool finished = false, found_old = false, found_new = false;
	int64_t before;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 2);
	while (segments_room(&bank->ledgerd->segments) >
	       JOURNAL_FRAME_MAX + JOURNAL_COMMIT_FRAME_LEN + 1200)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	before = sim_bank_posted(bank, people.bob.m4.account);
	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t cut = 1; !finished; cut++) {
		int64_t acknowledged = 0, sent = 0, booked;
		uint32_t number;

		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		if (sim_bank_start(bank, false) == SR_OK &&
		    sim_person_log_in(bank, &people.ada) == SR_OK)
			for (int i = 0; i < 3 && !bank->sim->dark; i++) {
				sent++;
				acknowledged += sim_transfer(bank, &people.ada,
						    people.bob.m4.account, 1,
						    &answer) == SR_OK;
			}
		finished = !bank->sim->dark;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		assert_newest_is_whole();
		number = bank->ledgerd->snapshots.last.number;
		assert_true(number == 2 || number == 3);
		found_old = found_old || number == 2;
		found_new = found_new || number == 3;
		booked = sim_bank_posted(bank, people.bob.m4.account) - before;
		assert_true(booked >= acknowledged && booked <= sent);
		assert_int_equal(book_sum(&bank->ledgerd->book), 0);
		/* it goes on, through the next one */
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
		sim_bank_end(bank);
	}
	assert_true(found_old && found_new);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

static void
given_no_room_for_a_snapshot_then_the_bank_goes_on_without_it(void **state)
{
	struct message_order_answer answer;
	size_t len;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 1);
	bank->ledgerd_room->space = 1;
	assert_int_equal(snapshot_make(bank->ledgerd), SR_OK);
	bank->ledgerd_room->space = 0;
	assert_int_equal(bank->ledgerd->snapshots.last.number, 1);
	assert_null(sim_file(bank->ledgerd_room, "ledger/snapshot/new", &len));
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	pay_until_snapshot(&people.ada, &people.bob, 2);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(bank->ledgerd->snapshots.last.number, 2);
}

/* ---- what lies before ----------------------------------------------------------- */

static void
send_statement_get(struct sim_person *person, uint64_t before, uint16_t count)
{
	uint8_t bytes[MESSAGE_STATEMENT_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_statement_get get = {
	    .request = 9, .before = before, .count = count};

	assert_int_equal(message_statement_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, person, &w);
}

static struct message_statement
ask_statement(struct sim_person *person, uint64_t before, uint16_t count)
{
	struct message_statement statement;
	struct reader body = {0};
	unsigned got = 0;

	send_statement_get(person, before, count);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_receive(bank, person, &got, &body), SR_OK);
	assert_int_equal(got, MESSAGE_STATEMENT);
	assert_int_equal(
	    message_statement_decode(body.at, reader_left(&body), &statement),
	    SR_OK);
	return statement;
}

/* All lines of a person's statement, a page of 20 at a time. */
static unsigned
count_lines(struct sim_person *person, uint64_t *last_leaf)
{
	struct message_statement statement;
	struct statement_line line;
	uint64_t before = UINT64_MAX;
	unsigned lines = 0;

	do {
		struct reader r;

		statement = ask_statement(person, before, 20);
		assert_int_equal(statement.error, SR_OK);
		r = reader_of(statement.lines, statement.lines_len);
		while (reader_left(&r) > 0) {
			assert_int_equal(statement_line_read(&r, &line), SR_OK);
			assert_true(line.leaf < before);
			before = line.leaf;
			lines++;
		}
	} while (statement.more);
	*last_leaf = before;
	return lines;
}

static void
given_old_segments_then_statements_read_them_by_logged_uses(void **state)
{
	struct message_statement statement;
	uint64_t leaf, size, given;
	unsigned lines;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 4);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	size = bank->ledgerd->tree.size;
	lines = count_lines(&people.bob, &leaf);
	assert_int_equal(
	    lines, (unsigned)sim_bank_posted(bank, people.bob.m4.account));
	/* segments 0 to 2 lie before snapshot 3, which begins in segment 3 */
	given = bank->keyd->state.old_keys.ever;
	assert_int_equal(given, 3);
	assert_int_equal(bank->ledgerd->tree.size, size + 3);
	/* what is open stays open */
	assert_int_equal(count_lines(&people.bob, &leaf), lines);
	assert_int_equal(bank->keyd->state.old_keys.ever, given);
	/* when keyd gives no more, that is an answer, and the bank goes on */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	bank->keyd->state.old_keys.hour = bank->sim->now_ms / 3600000;
	bank->keyd->state.old_keys.given = LOG_KEYS_OLD_AN_HOUR;
	statement = ask_statement(&people.bob, leaf + 1, 20);
	assert_int_equal(statement.error, SR_OLD_RECORDS);
	assert_int_equal(statement.lines_len, 0);
	size = bank->ledgerd->tree.size;
	statement = ask_statement(&people.bob, leaf + 1, 20);
	assert_int_equal(statement.error, SR_OLD_RECORDS);
	/* it is not asked, nor logged, a second time in that hour */
	assert_int_equal(bank->ledgerd->tree.size, size);
	/* the newest lines are there all the same */
	statement = ask_statement(&people.bob, UINT64_MAX, 5);
	assert_int_equal(statement.error, SR_OK);
	/* a new hour */
	sim_advance(bank->sim, 3600000);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	statement = ask_statement(&people.bob, leaf + 1, 20);
	assert_int_equal(statement.error, SR_OK);
	assert_true(statement.lines_len > 0);
}

/* Its use is logged: what fails there is no old record, and ends the bank. */
static void
given_a_use_that_no_disk_takes_then_nothing_is_acknowledged_after_it(
    void **state)
{
	const enum sim_fault faults[] = {SIM_FAIL_SYNC, SIM_FAIL_WRITE};
	struct message_order_answer answer;
	int64_t posted;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t *fault = &bank->ledgerd_room->fault[faults[i]];

		pay_until_snapshot(&people.ada, &people.bob,
		    bank->ledgerd->snapshots.last.number + 4);
		assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
		assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
		posted = sim_bank_posted(bank, people.bob.m4.account);
		*fault = 1;
		send_statement_get(&people.bob, 20, 20);
		assert_int_equal(sim_bank_run(bank), SR_IO);
		assert_int_equal(*fault, 0);
		assert_int_equal(bank->ledgerd->fatal, SR_IO);
		assert_int_not_equal(sim_transfer(bank, &people.ada,
					 people.bob.m4.account, 1, &answer),
		    SR_OK);
		assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
		assert_int_equal(
		    sim_bank_posted(bank, people.bob.m4.account), posted);
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	}
}

static void
given_an_old_order_sent_again_then_the_stored_answer_is_read_back(void **state)
{
	struct message_order_answer first, answer;
	struct sim_order kept;
	struct order order;

	(void)state;
	sim_order_begin(bank, &people.bob, ORDER_TRANSFER, &order);
	order.debit = people.bob.m4.account;
	order.credit = people.ada.m4.account;
	order.amount_minor = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 10, &answer),
	    SR_OK);
	sim_order_sign(&people.bob, &order, NULL, 0, &kept);
	assert_int_equal(
	    sim_order_submit(bank, &people.bob, &kept, &first), SR_OK);
	assert_int_equal(first.outcome, SR_OK);
	pay_until_snapshot(&people.ada, &people.bob, 3);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	assert_int_equal(people.bob.m4.next_seq, 2);
	sim_order_send(bank, &people.bob, &kept);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	{
		struct reader body = {0};
		unsigned got = 0;

		assert_int_equal(
		    sim_person_receive(bank, &people.bob, &got, &body), SR_OK);
		assert_int_equal(got, MESSAGE_ORDER_ANSWER);
		assert_int_equal(message_order_answer_decode(
				     body.at, reader_left(&body), &answer),
		    SR_OK);
	}
	assert_int_equal(answer.error, SR_OK);
	assert_int_equal(answer.leaf, first.leaf);
	assert_int_equal(answer.outcome, SR_OK);
	assert_memory_equal(answer.salt, first.salt, sizeof(first.salt));
	assert_int_equal(bank->keyd->state.old_keys.ever, 1);
}

static void
given_somebody_who_comes_after_the_snapshot_then_the_name_is_found(void **state)
{
	struct sim_person carl;

	(void)state;
	pay_until_snapshot(&people.ada, &people.bob, 1);
	sim_person_init(&carl, "carl", "carl's secret");
	assert_int_equal(sim_person_register(bank, &carl), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &carl), SR_OK);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(
	    people_find(&bank->ledgerd->people, "carl", 4), carl.m4.customer);
	assert_int_equal(people_find(&bank->ledgerd->people, "bob", 3),
	    people.bob.m4.customer);
	assert_memory_equal(
	    people_of(&bank->ledgerd->people, people.bob.m4.customer)
		->attestation,
	    people.bob.m4.attestation, ATTESTATION_LEN);
}

/* ---- months ----------------------------------------------------------------------- */

static void
given_a_new_month_then_its_first_entry_begins_a_segment(void **state)
{
	struct message_order_answer answer;
	uint8_t before[32], after[32];
	uint32_t number = bank->ledgerd->segments.number;

	(void)state;
	/* 2026-11-30T23:59:59.999Z, and a millisecond later */
	sim_advance(bank->sim, 1796083199999 - bank->sim->now_ms);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	number = bank->ledgerd->segments.number;
	sim_advance(bank->sim, 1);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(bank->ledgerd->segments.number, number + 1);
	sim_advance(bank->sim, 1000);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(bank->ledgerd->segments.number, number + 1);
	book_digest(&bank->ledgerd->book, before);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_SOME), SR_OK);
	book_digest(&bank->ledgerd->book, after);
	assert_memory_equal(before, after, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_segment_full_then_the_start_is_from_a_snapshot_with_the_same_books),
	    TEST(
		given_a_long_journal_then_a_start_reads_no_more_than_with_a_short_one),
	    TEST(
		given_snapshots_then_the_last_two_are_kept_and_nothing_is_in_the_clear),
	    TEST(
		given_a_bad_snapshot_then_the_one_before_serves_and_two_bad_ones_do_not),
	    TEST(
		given_a_snapshot_that_the_log_does_not_name_then_it_is_passed_over),
	    TEST(
		given_a_cut_at_every_operation_then_the_start_finds_the_old_or_the_new),
	    TEST(given_no_room_for_a_snapshot_then_the_bank_goes_on_without_it),
	    TEST(given_old_segments_then_statements_read_them_by_logged_uses),
	    TEST(
		given_a_use_that_no_disk_takes_then_nothing_is_acknowledged_after_it),
	    TEST(
		given_an_old_order_sent_again_then_the_stored_answer_is_read_back),
	    TEST(
		given_somebody_who_comes_after_the_snapshot_then_the_name_is_found),
	    TEST(given_a_new_month_then_its_first_entry_begins_a_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
