/* SPDX-License-Identifier: ISC */
/*
 * ledgerd against two faults in a row, a netd that numbers connections as it
 * likes, and a customer who asks for what is far away.  The real keyd and
 * ledgerd over a simulated env.
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

#include "ledgerd/intake.h"
#include "tests/lib/sim_bank.h"

static struct sim_bank *bank;
static struct sim_people people;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
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

static enum sr_error
pay(int64_t amount_minor)
{
	struct message_order_answer answer;

	return sim_transfer(
	    bank, &people.ada, people.bob.m4.account, amount_minor, &answer);
}

/* The processes end and start again; the kernel lives on. */
static enum sr_error
restart_rooms(void)
{
	sim_bank_end(bank);
	sim_kill(bank->keyd_room);
	sim_kill(bank->ledgerd_room);
	return sim_bank_start(bank, false);
}

static enum sr_error
cut_power(void)
{
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, SIM_LOSE_ALL);
	sim_crash(bank->ledgerd_room, SIM_LOSE_ALL);
	return sim_bank_start(bank, false);
}

/* ---- two faults in a row --------------------------------------------------- */

static void
given_a_failed_sync_and_a_restart_then_what_is_signed_is_on_the_disk(
    void **state)
{
	(void)state;
	bank->ledgerd_room->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(pay(1), SR_CLOSED);
	assert_int_equal(bank->ledgerd_error, SR_IO);
	/* The kernel shows the batch that the disk does not have, and a
	 * second sync of it would only seem to work. */
	assert_int_equal(restart_rooms(), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 1);
	assert_int_equal(cut_power(), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 1);
}

/*
 * The last batch is durable and not yet signed, and one read of the start is
 * wrong: the bank refuses or goes on, and the disk is as it was.
 */
static void
given_a_read_that_is_wrong_once_then_it_is_not_written_back(void **state)
{
	struct sim_disk *keyd = sim_copy(bank->keyd_room), *ledger;
	unsigned refused = 0;
	bool struck = true;

	(void)state;
	assert_int_equal(pay(1), SR_OK);
	sim_bank_end(bank);
	/* without the checkpoint, which would tell of the batch */
	sim_crash(bank->ledgerd_room, SIM_LOSE_ALL);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t i = 1; struck; i++) {
		sim_crash(bank->ledgerd_room, SIM_KEEP_ALL);
		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->ledgerd_room->fault[SIM_CORRUPT_READ] = i;
		refused += sim_bank_start(bank, false) != SR_OK;
		struck = bank->ledgerd_room->fault[SIM_CORRUPT_READ] == 0;
		bank->ledgerd_room->fault[SIM_CORRUPT_READ] = 0;
		/* what keyd has signed by now is still there */
		assert_int_equal(restart_rooms(), SR_OK);
		assert_int_equal(book_sum(&bank->ledgerd->book), 0);
		sim_bank_end(bank);
	}
	assert_true(refused > 2);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* A slot of keyd's state that once cannot be read is not given up. */
static void
given_a_read_of_keyds_that_is_wrong_once_then_the_next_start_is_right(
    void **state)
{
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
		assert_int_equal(pay(1), SR_OK);
		sim_bank_end(bank);
		/* the newer slot is the first and the second in turn */
		bank->keyd_room->fault[SIM_CORRUPT_READ] = 1 + i / 2 % 2;
		refused += sim_bank_start(bank, false) != SR_OK;
		assert_int_equal(restart_rooms(), SR_OK);
		assert_int_equal(
		    sim_bank_posted(bank, people.bob.m4.account), i + 1);
	}
	assert_in_range(refused, 1, 7);
}

/*
 * The same after a power cut anywhere in a commit: the published checkpoint,
 * which no sync keeps, may agree with the older slot, and the log alone tells
 * that keyd has signed more.
 */
static void
given_a_cut_and_then_a_wrong_read_of_keyds_then_the_next_start_is_right(
    void **state)
{
	unsigned refused = 0;
	bool dark = true;

	(void)state;
	for (unsigned cut = 1; dark; cut++) {
		int64_t paid;

		/* log-ins that nobody finished are forgotten by then */
		sim_advance(bank->sim, 86400000);
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
		assert_int_equal(pay(1), SR_OK);
		bank->sim->cut_after = bank->sim->operations + 1 + cut / 2;
		paid = sim_bank_posted(bank, people.bob.m4.account);
		paid += pay(1) == SR_OK;
		dark = bank->sim->dark;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, SIM_LOSE_ALL);
		bank->keyd_room->fault[SIM_CORRUPT_READ] = 1 + cut % 2;
		refused += sim_bank_start(bank, false) != SR_OK;
		bank->keyd_room->fault[SIM_CORRUPT_READ] = 0;
		assert_int_equal(restart_rooms(), SR_OK);
		assert_in_range(sim_bank_posted(bank, people.bob.m4.account),
		    paid, paid + 1);
	}
	assert_in_range(refused, 1, 1000);
}

static const struct env_ops *sound_ops;

/* As if the process were killed before it could sync the directory. */
static enum sr_error
sync_no_segments(struct env *env, const char *path)
{
	if (strcmp(path, "ledger/segment") == 0)
		return SR_IO;
	return sound_ops->sync_directory(env, path);
}

static void
given_a_kill_before_a_new_segments_name_is_durable_then_it_becomes_so(
    void **state)
{
	struct env *env = &bank->ledgerd_room->env;
	struct env_ops killing = *env->ops;
	int64_t paid;

	(void)state;
	sound_ops = env->ops;
	killing.sync_directory = sync_no_segments;
	env->ops = &killing;
	while (pay(1) == SR_OK)
		continue;
	assert_int_equal(bank->ledgerd->segments.number, 1);
	env->ops = sound_ops;
	assert_int_equal(restart_rooms(), SR_OK);
	paid = sim_bank_posted(bank, people.bob.m4.account);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	/* The power fails before the next but one would have made it so. */
	env->ops = &killing;
	while (pay(1) == SR_OK)
		paid++;
	assert_int_equal(bank->ledgerd->segments.number, 2);
	env->ops = sound_ops;
	assert_int_equal(cut_power(), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), paid);
}

static void
given_a_copy_of_a_tail_then_the_next_copy_does_not_replace_it(void **state)
{
	static const char path[] = "ledger/segment/00000000.log";
	uint64_t at = bank->ledgerd->segments.at;
	const uint8_t *bytes;
	uint8_t *segment;
	char copy[64];
	size_t len;

	(void)state;
	sim_bank_end(bank);
	bytes = sim_file(bank->ledgerd_room, path, &len);
	segment = malloc(len);
	assert_non_null(segment);
	memcpy(segment, bytes, len);
	/* A start copied the tail and died while it cut. */
	memset(segment + at + 1000, 0x55, 500);
	sim_put(bank->ledgerd_room, path, segment, len);
	free(segment);
	snprintf(copy, sizeof(copy), "ledger/tail-00000000-%llu",
	    (unsigned long long)at);
	sim_put(bank->ledgerd_room, copy, "all of the tail", 15);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(bank->ledgerd->recovered, 1500);
	bytes = sim_file(bank->ledgerd_room, copy, &len);
	assert_int_equal(len, 15);
	assert_memory_equal(bytes, "all of the tail", 15);
	strcat(copy, "-2");
	assert_non_null(sim_file(bank->ledgerd_room, copy, &len));
	assert_int_equal(len, 1500);
}

static void
given_a_next_segment_of_a_wrong_length_then_the_start_is_refused(void **state)
{
	static const size_t lengths[] = {0, 100, 128, 4096};
	static const uint8_t zeros[4096];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		sim_bank_end(bank);
		sim_put(bank->ledgerd_room, "ledger/segment/00000001.log",
		    zeros, lengths[i]);
		assert_int_equal(sim_bank_start(bank, false), SR_DAMAGED);
		assert_false(bank->ready);
	}
}

static void
given_a_damaged_last_certificate_then_the_start_puts_it_right(void **state)
{
	static const char path[] = "ledger/public/certificates";
	static uint8_t before[2 + CERTIFICATE_LEN], damaged[sizeof(before)];
	const uint8_t *bytes;
	size_t len;

	(void)state;
	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_int_equal(len, sizeof(before));
	memcpy(before, bytes, len);
	for (size_t at = 0; at < len; at += 37) {
		memcpy(damaged, before, len);
		damaged[at] ^= 1;
		sim_bank_end(bank);
		sim_put(bank->ledgerd_room, path, damaged, len);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		bytes = sim_file(bank->ledgerd_room, path, &len);
		assert_int_equal(len, sizeof(before));
		assert_memory_equal(bytes, before, len);
	}
}

/*
 * The founding, cut at each of its operations: afterwards the bank is founded
 * and works, or it is not and can be.
 */
static void
found_and_cut(uint64_t cut, enum sim_loss loss, bool *finished)
{
	struct sim_person *one = &people.operators[0];
	struct sim_person *two = &people.operators[1];
	enum sr_error told;

	assert_int_equal(sim_bank_start(bank, true), SR_OK);
	bank->sim->cut_after = bank->sim->operations + cut;
	told = sim_bank_found(bank, one, two);
	*finished = !bank->sim->dark;
	bank->sim->cut_after = 0;
	sim_bank_end(bank);
	sim_restart(bank->sim, loss);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	if (told == SR_OK)
		assert_int_equal(bank->ledgerd->phase, PHASE_OPEN);
	if (bank->ledgerd->phase != PHASE_OPEN) {
		assert_int_equal(bank->ledgerd->tree.size, 0);
		sim_bank_end(bank);
		assert_int_equal(sim_bank_start(bank, true), SR_OK);
		assert_int_equal(sim_bank_found(bank, one, two), SR_OK);
	}
	assert_int_equal(sim_person_register(bank, one), SR_OK);
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(one->m4.role, ROLE_OPERATOR);
}

static void
given_a_cut_while_the_bank_is_founded_then_it_is_or_can_be(void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	uint64_t cut;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bool finished = false;

		for (cut = 1; !finished; cut++) {
			sim_bank_free(bank);
			bank = sim_bank_new(cut);
			found_and_cut(cut, losses[i], &finished);
		}
		assert_true(cut > 10);
	}
}

/* ---- sessions ------------------------------------------------------------- */

/* A link to netd that takes nothing. */
static enum sr_error
send_blocked(
    struct env *env, enum env_link link, const void *packet, size_t len)
{
	if (link == ENV_NETD)
		return SR_AGAIN;
	return sound_ops->send(env, link, packet, len);
}

static void
ask_statement(struct sim_person *person, uint64_t before)
{
	uint8_t bytes[MESSAGE_STATEMENT_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_statement_get get = {
	    .request = 1, .before = before, .count = 1000};

	assert_int_equal(message_statement_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, person, &w);
}

/* The frames for a connection that a session opens, in their order. */
static unsigned
count_opened(uint64_t connection, struct session *session)
{
	static uint8_t plain[SESSION_PLAIN_MAX];
	unsigned opened = 0;
	size_t len;

	for (size_t i = 0; i < bank->frame_count; i++) {
		const struct sim_frame *frame = &bank->frames[i];
		struct session try = *session;

		if (frame->connection != connection ||
		    session_open(&try, frame->type, frame->body, frame->len,
			plain, &len) != SR_OK)
			continue;
		*session = try;
		opened++;
	}
	return opened;
}

/*
 * Answers to Ada wait for a netd that does not read; her session ends, and
 * netd lets Bob log in under the number of her connection.
 */
static void
given_a_connection_used_twice_then_nobody_gets_the_others_answers(void **state)
{
	struct env *env = &bank->ledgerd_room->env;
	uint64_t connection = people.ada.connection;
	struct env_ops blocked = *env->ops;

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_int_equal(pay(1), SR_OK);
	sound_ops = env->ops;
	blocked.send = send_blocked;
	env->ops = &blocked;
	while (bank->ledgerd->items_unanswered == 0) {
		ask_statement(&people.ada, UINT64_MAX);
		assert_int_equal(ledgerd_step(bank->ledgerd, 0), SR_OK);
	}
	intake_end_customer(bank->ledgerd, people.ada.m4.customer);
	bank->connections = (connection & UINT32_MAX) - 1;
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_CLOSED);
	assert_int_equal(people.bob.connection, connection);
	assert_non_null(sessions_find(&bank->ledgerd->sessions, connection));
	env->ops = sound_ops;
	assert_int_equal(sim_bank_run(bank), SR_OK);
	/* M4 and nothing else is for Bob. */
	assert_int_equal(count_opened(connection, &people.bob.session), 1);
	assert_int_equal(
	    sessions_find(&bank->ledgerd->sessions, connection)->waiting, 0);
}

/* ---- far away -------------------------------------------------------------- */

static void
given_a_statement_from_too_far_back_then_it_is_refused_and_the_bank_lives(
    void **state)
{
	struct message_statement statement;
	struct reader body;
	unsigned type;

	(void)state;
	for (int i = 0; i < 1100; i++) {
		assert_int_equal(pay(1), SR_OK);
		/* Lest the simulated disk keeps every checkpoint. */
		if (i % 100 == 0)
			assert_int_equal(
			    env_sync_directory(
				&bank->ledgerd_room->env, "ledger/public"),
			    SR_OK);
	}
	/* Leaf 0 is no entry of hers, and her oldest ones are far away. */
	ask_statement(&people.ada, 1);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_STATEMENT);
	assert_int_equal(
	    message_statement_decode(body.at, reader_left(&body), &statement),
	    SR_OK);
	assert_int_equal(statement.error, SR_NOT_FOUND);
	assert_int_equal(statement.lines_len, 0);
	assert_int_equal(pay(1), SR_OK);
}

static void
given_a_clock_that_went_back_then_a_log_in_tells_the_banks_time(void **state)
{
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	bank->sim->now_ms -= 300 * 1000;
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	/* Else every order would come with an expiry in the past. */
	assert_true(people.ada.m4.server_time_ms >= answer.time);
}

/* Two orders of one seq whose hashes begin alike; here by hand. */
static void
given_an_order_with_half_the_hash_of_another_then_it_is_a_conflict(void **state)
{
	const struct book *book = &bank->ledgerd->book;
	struct message_order_answer answer;
	struct sim_order signed_order;
	uint8_t hash[ORDER_HASH_LEN];
	struct order order;

	(void)state;
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	order.amount_minor = 2;
	sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
	assert_int_equal(pay(1), SR_OK);
	order_hash(signed_order.bytes, hash);
	memcpy(((struct book_past_order *)book_past(
		    book, book_principal(book, people.ada.m4.customer), 1))
		   ->hash,
	    hash, 16);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &answer),
	    SR_CONFLICT);
	assert_int_equal(answer.next_seq, 2);
	assert_int_equal(pay(1), SR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		given_a_failed_sync_and_a_restart_then_what_is_signed_is_on_the_disk,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_read_that_is_wrong_once_then_it_is_not_written_back,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_read_of_keyds_that_is_wrong_once_then_the_next_start_is_right,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_cut_and_then_a_wrong_read_of_keyds_then_the_next_start_is_right,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_kill_before_a_new_segments_name_is_durable_then_it_becomes_so,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_copy_of_a_tail_then_the_next_copy_does_not_replace_it,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_next_segment_of_a_wrong_length_then_the_start_is_refused,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_damaged_last_certificate_then_the_start_puts_it_right,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_cut_while_the_bank_is_founded_then_it_is_or_can_be,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_connection_used_twice_then_nobody_gets_the_others_answers,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_statement_from_too_far_back_then_it_is_refused_and_the_bank_lives,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_a_clock_that_went_back_then_a_log_in_tells_the_banks_time,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		given_an_order_with_half_the_hash_of_another_then_it_is_a_conflict,
		set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
