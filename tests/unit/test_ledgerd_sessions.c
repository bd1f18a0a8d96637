/* SPDX-License-Identifier: ISC */
/*
 * Sessions: what they may ask, how they end, and what an attacker in netd's
 * place gets from them.
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
#include "tests/lib/sim_credentials.h"

static struct sim_bank *bank;
static struct sim_people people;
static const struct env_ops *open_ops; /* of a link that is looked at */

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

/* Asks with an encoded message; the body of the answer. */
static struct reader
ask(struct sim_person *person, const struct writer *w, unsigned type)
{
	struct reader body = {0};
	unsigned got = 0;

	sim_person_send(bank, person, w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_receive(bank, person, &got, &body), SR_OK);
	assert_int_equal(got, type);
	return body;
}

static struct message_balance
ask_balance(struct sim_person *person, uint64_t account)
{
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {.request = 9, .account = account};
	struct message_balance balance;
	struct reader body;

	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_BALANCE);
	assert_int_equal(
	    message_balance_decode(body.at, reader_left(&body), &balance),
	    SR_OK);
	assert_int_equal(balance.request, 9);
	return balance;
}

static void
given_an_account_then_only_its_owner_sees_the_balance(void **state)
{
	struct message_balance balance = ask_balance(&people.ada, 0);

	(void)state;
	assert_int_equal(balance.error, SR_OK);
	assert_int_equal(balance.account, people.ada.m4.account);
	assert_int_equal(balance.posted, 10000);
	assert_int_equal(balance.status, 0);
	balance = ask_balance(&people.bob, people.ada.m4.account);
	assert_int_equal(balance.error, SR_NOT_ALLOWED);
	assert_int_equal(balance.posted, 0);
	/* A stranger's account and none at all look the same. */
	balance = ask_balance(&people.bob, 99u << 16);
	assert_int_equal(balance.error, SR_NOT_ALLOWED);
	balance = ask_balance(&people.lobby, 0);
	assert_int_equal(balance.posted, -10000);
}

static struct message_statement
ask_statement(struct sim_person *person, uint64_t account, uint64_t before,
    uint16_t count)
{
	uint8_t bytes[MESSAGE_STATEMENT_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_statement_get get = {
	    .request = 9, .account = account, .before = before, .count = count};
	struct message_statement statement;
	struct reader body;

	assert_int_equal(message_statement_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_STATEMENT);
	assert_int_equal(
	    message_statement_decode(body.at, reader_left(&body), &statement),
	    SR_OK);
	return statement;
}

static void
given_transfers_then_the_statement_tells_them_newest_first(void **state)
{
	struct message_order_answer answer;
	struct message_statement statement;
	struct statement_line line;
	struct reader r;

	(void)state;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, i * 100, &answer),
		    SR_OK);
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     99999, &answer),
	    SR_FUNDS);
	statement = ask_statement(&people.ada, 0, UINT64_MAX, 2);
	assert_int_equal(statement.error, SR_OK);
	assert_int_equal(statement.more, 1);
	r = reader_of(statement.lines, statement.lines_len);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, -300);
	assert_int_equal(line.balance_minor, 9400);
	assert_int_equal(line.name_len, 3);
	assert_memory_equal(line.name, "bob", 3);
	assert_int_equal(line.memo_len, 5);
	assert_memory_equal(line.memo, "pizza", 5);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, -200);
	assert_true(reader_end(&r));

	statement = ask_statement(&people.ada, 0, line.leaf, 100);
	assert_int_equal(statement.more, 0);
	r = reader_of(statement.lines, statement.lines_len);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, -100);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, 10000);
	assert_memory_equal(line.name, "lobby", 5);
	assert_true(reader_end(&r));

	statement =
	    ask_statement(&people.bob, people.ada.m4.account, UINT64_MAX, 100);
	assert_int_equal(statement.error, SR_NOT_ALLOWED);
	assert_int_equal(statement.lines_len, 0);
}

static void
given_a_name_then_the_directory_gives_the_attestation(void **state)
{
	uint8_t bytes[MESSAGE_DIRECTORY_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_directory_get get = {
	    .request = 9, .name = (const uint8_t *)"bob", .name_len = 3};
	struct message_directory found;
	struct attestation attestation;
	struct reader body;

	(void)state;
	/* Names come back from the journal after a restart. */
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(message_directory_get_encode(&w, &get), SR_OK);
	body = ask(&people.ada, &w, MESSAGE_DIRECTORY);
	assert_int_equal(
	    message_directory_decode(body.at, reader_left(&body), &found),
	    SR_OK);
	assert_int_equal(found.error, SR_OK);
	assert_int_equal(found.customer, people.bob.m4.customer);
	assert_int_equal(attestation_verify(found.attestation,
			     bank->keyd->origin->attestation.public,
			     bank->ledgerd->bank_id, &attestation),
	    SR_OK);
	assert_true(attestation_is_of(&attestation, found.salt, "bob", 3));
	w = writer_to(bytes, sizeof(bytes));
	get.name = (const uint8_t *)"eve";
	assert_int_equal(message_directory_get_encode(&w, &get), SR_OK);
	body = ask(&people.ada, &w, MESSAGE_DIRECTORY);
	assert_int_equal(
	    message_directory_decode(body.at, reader_left(&body), &found),
	    SR_OK);
	assert_int_equal(found.error, SR_NOT_FOUND);
}

static void
given_many_orders_then_segments_rotate_and_all_is_read_back(void **state)
{
	struct message_order_answer answer;
	struct message_statement statement;
	uint8_t before[32], after[32];

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	assert_true(bank->ledgerd->segments.number >= 3);
	book_digest(&bank->ledgerd->book, before);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_SOME), SR_OK);
	book_digest(&bank->ledgerd->book, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	statement = ask_statement(&people.bob, 0, 100, 1000);
	assert_int_equal(statement.error, SR_OK);
	assert_true(statement.lines_len > 0);
	assert_int_equal(statement.more, 0);
}

static void
given_a_stop_then_what_waits_is_answered_and_everybody_told(void **state)
{
	uint8_t bytes[MESSAGE_STOP_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_stop stop = {0};
	struct sim_order signed_order;
	struct order order;
	struct reader body;
	unsigned type;

	(void)state;
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	order.amount_minor = 5;
	sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
	sim_order_send(bank, &people.ada, &signed_order);
	assert_int_equal(intake_listen(bank->ledgerd), SR_OK);
	assert_int_equal(message_stop_encode(&w, &stop), SR_OK);
	assert_int_equal(
	    env_send(&bank->monitor->env, ENV_LEDGERD, bytes, writer_len(&w)),
	    SR_OK);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_true(bank->ledgerd->stopped);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_ORDER_ANSWER);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(
	    sim_person_receive(bank, &people.bob, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 5);
}

/* A link to netd that takes nothing. */
static enum sr_error
send_blocked(
    struct env *env, enum env_link link, const void *packet, size_t len)
{
	if (link == ENV_NETD)
		return SR_AGAIN;
	return open_ops->send(env, link, packet, len);
}

static void
given_a_netd_that_does_not_read_then_ledgerd_stops_reading_it(void **state)
{
	uint8_t bytes[MESSAGE_STATEMENT_GET_MAX];
	struct message_statement_get get = {
	    .request = 1, .before = UINT64_MAX, .count = 1000};
	struct env *env = &bank->ledgerd_room->env;
	struct message_order_answer answer;
	struct env_ops blocked = *env->ops;
	unsigned answered = 0, type;
	struct reader body;

	(void)state;
	/* A full statement is as large as an answer can be. */
	for (int i = 0; i < 200; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	open_ops = env->ops;
	blocked.send = send_blocked;
	env->ops = &blocked;
	for (int i = 0; i < 200; i++) {
		struct writer w = writer_to(bytes, sizeof(bytes));

		assert_int_equal(message_statement_get_encode(&w, &get), SR_OK);
		sim_person_send(bank, &people.ada, &w);
		assert_int_equal(ledgerd_step(bank->ledgerd, 0), SR_OK);
	}
	assert_true(bank->ledgerd->items_unanswered > 0);
	assert_true(bank->ledgerd->item_count < SESSION_WAITING_MAX);
	/* A commit waits, too, but the rooms are not stuck. */
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(bank->frame_count, 0);
	env->ops = open_ops;
	for (int round = 0; round < 100 && answered < 200; round++) {
		assert_int_equal(sim_bank_run(bank), SR_OK);
		while (sim_person_receive(bank, &people.ada, &type, &body) ==
		       SR_OK) {
			assert_int_equal(type, MESSAGE_STATEMENT);
			answered++;
		}
	}
	assert_int_equal(answered, 200);
}

static void
given_a_revoked_terminal_then_its_session_ends_at_once(void **state)
{
	struct sim_person *one = &people.operators[0];
	struct order_revoke revoke = {.principal = people.lobby.m4.customer,
	    .terminal = people.lobby.terminal};
	uint8_t parameters[ORDER_REVOKE_LEN];
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct reader body;
	struct order order;
	unsigned type;

	(void)state;
	/* Ada stands at that terminal. */
	people.ada.terminal = people.lobby.terminal;
	people.ada.terminal_epoch = people.lobby.terminal_epoch;
	memcpy(people.ada.psk, people.lobby.psk, 32);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(people.ada.m4.terminal, people.lobby.terminal);

	order_revoke_encode(&revoke, parameters);
	sim_order_begin(bank, one, ORDER_REVOKE, &order);
	sim_order_sign(
	    one, &order, parameters, sizeof(parameters), &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, one, &signed_order, &answer), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.lobby, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_null(
	    sessions_find(&bank->ledgerd->sessions, people.lobby.connection));
	/* Its key is worth nothing now, also after a restart. */
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_CLOSED);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_CLOSED);
}

static void
given_a_new_netd_then_the_sessions_of_the_old_are_forgotten(void **state)
{
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {.request = 1};
	struct reader body;
	unsigned type;

	(void)state;
	assert_true(bank->ledgerd->sessions.count > 0);
	assert_int_equal(sim_bank_generation(bank), SR_OK);
	assert_int_equal(bank->generation_done, 2);
	assert_int_equal(bank->ledgerd->sessions.count, 0);
	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, &people.ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_AGAIN);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
}

static void
given_a_session_idle_or_open_too_long_then_it_ends_with_a_goodbye(void **state)
{
	struct reader body;
	unsigned type;

	(void)state;
	sim_advance(bank->sim, 299 * 1000);
	assert_int_equal(ask_balance(&people.ada, 0).error, SR_OK);
	sim_advance(bank->sim, 2 * 1000);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.bob, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_AGAIN);
	for (int i = 0; i < 20; i++) {
		sim_advance(bank->sim, 200 * 1000);
		assert_int_equal(sim_bank_run(bank), SR_OK);
		if (sessions_find(&bank->ledgerd->sessions,
			people.ada.connection) == NULL)
			break;
		assert_int_equal(sim_person_rekey(bank, &people.ada), SR_OK);
		(void)ask_balance(&people.ada, 0);
		assert_true(i < 18);
	}
}

static void
given_records_of_an_attacker_then_they_are_dropped_and_counted(void **state)
{
	struct sim_person mallory = people.ada;
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {.request = 1};
	uint64_t refused = bank->ledgerd->refused;
	uint64_t size = bank->ledgerd->tree.size;

	(void)state;
	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	/* A connection that nobody has. */
	mallory.connection = 77;
	sim_person_send(bank, &mallory, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(bank->ledgerd->refused, refused + 1);
	/* Ada's record in Bob's connection: only Bob's session dies. */
	mallory.connection = people.bob.connection;
	sim_person_send(bank, &mallory, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(
	    sessions_find(&bank->ledgerd->sessions, people.bob.connection));
	assert_int_equal(bank->closed, people.bob.connection);
	assert_int_equal(ask_balance(&people.ada, 0).error, SR_OK);
	/* The same record a second time kills the session it is of. */
	mallory = people.ada;
	sim_person_send(bank, &people.ada, &w);
	sim_person_send(bank, &mallory, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(
	    sessions_find(&bank->ledgerd->sessions, people.ada.connection));
	assert_int_equal(bank->ledgerd->tree.size, size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_an_account_then_only_its_owner_sees_the_balance),
	    TEST(given_transfers_then_the_statement_tells_them_newest_first),
	    TEST(given_a_name_then_the_directory_gives_the_attestation),
	    TEST(given_many_orders_then_segments_rotate_and_all_is_read_back),
	    TEST(given_a_stop_then_what_waits_is_answered_and_everybody_told),
	    TEST(given_a_netd_that_does_not_read_then_ledgerd_stops_reading_it),
	    TEST(given_a_revoked_terminal_then_its_session_ends_at_once),
	    TEST(given_a_new_netd_then_the_sessions_of_the_old_are_forgotten),
	    TEST(
		given_a_session_idle_or_open_too_long_then_it_ends_with_a_goodbye),
	    TEST(
		given_records_of_an_attacker_then_they_are_dropped_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
