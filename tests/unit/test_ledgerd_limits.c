/* SPDX-License-Identifier: ISC */
/*
 * How long a session and its keys last: re-key, and each limit of time,
 * records and bytes from both sides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/noise.h"
#include "tests/lib/sim_credentials.h"

/* As sim_bank.c starts ledgerd. */
enum { IDLE_MS = 300000, ABSOLUTE_MS = 3600000, REKEY_MS = 600000 };

static struct sim_bank *bank;
static struct sim_people people;
static struct sim_person *ada = &people.ada;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	return sim_person_log_in(bank, ada) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static struct customer_session *
session_of(const struct sim_person *person)
{
	return sessions_find(&bank->ledgerd->sessions, person->connection);
}

static void
write_question(struct writer *w, uint32_t request)
{
	struct message_balance_get get = {.request = request};

	assert_int_equal(message_balance_get_encode(w, &get), SR_OK);
}

static void
write_half(struct writer *w, uint8_t private_key[32])
{
	struct message_rekey half;

	randombytes_buf(private_key, 32);
	noise_public_key(half.key, private_key);
	assert_int_equal(message_rekey_encode(w, &half), SR_OK);
}

/* The type of the next message, 0 for none. */
static unsigned
next_message(struct sim_person *person, struct reader *body)
{
	unsigned type;

	return sim_person_receive(bank, person, &type, body) == SR_OK ? type
								      : 0;
}

/* Asks for the balance: whether the session is still there to answer. */
static bool
is_answered(struct sim_person *person)
{
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader body;

	write_question(&w, 1);
	sim_person_send(bank, person, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	return next_message(person, &body) == MESSAGE_BALANCE;
}

static void
pass(uint64_t ms)
{
	sim_advance(bank->sim, ms);
	assert_int_equal(sim_bank_run(bank), SR_OK);
}

static void
given_a_rekey_then_the_session_goes_on_and_the_old_keys_do_not(void **state)
{
	struct sim_person before = *ada;
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)state;
	for (uint32_t epoch = 1; epoch <= 3; epoch++) {
		assert_int_equal(sim_person_rekey(bank, ada), SR_OK);
		assert_int_equal(session_of(ada)->records.key_epoch, epoch);
		assert_memory_equal(session_of(ada)->records.chain_key,
		    ada->session.chain_key, SESSION_CHAIN_KEY_LEN);
		assert_true(is_answered(ada));
	}
	/* a record under the first keys */
	write_question(&w, 1);
	sim_person_send(bank, &before, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(session_of(ada));
}

static void
given_questions_before_a_rekey_then_they_are_answered_under_the_old_keys(
    void **state)
{
	uint8_t bytes[256], private_key[32];
	struct message_rekey theirs;
	struct message_balance balance;
	struct reader body;

	(void)state;
	for (uint32_t request = 1; request <= 3; request++) {
		struct writer w = writer_to(bytes, sizeof(bytes));

		write_question(&w, request);
		if (request == 3)
			write_half(&w, private_key);
		sim_person_send(bank, ada, &w);
	}
	assert_int_equal(sim_bank_run(bank), SR_OK);
	for (uint32_t request = 1; request <= 3; request++) {
		assert_int_equal(next_message(ada, &body), MESSAGE_BALANCE);
		assert_int_equal(message_balance_decode(
				     body.at, reader_left(&body), &balance),
		    SR_OK);
		assert_int_equal(balance.request, request);
	}
	assert_int_equal(next_message(ada, &body), MESSAGE_REKEY);
	assert_int_equal(
	    message_rekey_decode(body.at, reader_left(&body), &theirs), SR_OK);
	assert_int_equal(session_of(ada)->records.key_epoch, 1);
	assert_int_equal(session_of(ada)->records.sent, 0);
}

static void
given_words_behind_the_clients_half_then_the_session_ends(void **state)
{
	uint8_t bytes[256], private_key[32];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct reader body;

	(void)state;
	/* in the same record */
	write_half(&w, private_key);
	write_question(&w, 1);
	sim_person_send(bank, ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(session_of(ada));
	assert_int_equal(next_message(ada, &body), 0);
	/* in the next one, which came before the answer */
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	w = writer_to(bytes, sizeof(bytes));
	write_half(&w, private_key);
	sim_person_send(bank, ada, &w);
	w = writer_to(bytes, sizeof(bytes));
	write_half(&w, private_key);
	sim_person_send(bank, ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(session_of(ada));
	assert_true(is_answered(&people.bob));
}

static void
given_a_half_that_gives_no_secret_then_the_session_ends(void **state)
{
	static const struct message_rekey zero;
	uint8_t bytes[MESSAGE_REKEY_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(message_rekey_encode(&w, &zero), SR_OK);
	sim_person_send(bank, ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(session_of(ada));
	assert_int_equal(bank->closed, ada->connection);
}

/* Lets time pass, asking now and then so that the session is not idle. */
static void
pass_busily(uint64_t ms)
{
	while (ms > IDLE_MS / 2) {
		pass(IDLE_MS / 2);
		assert_true(is_answered(ada));
		ms -= IDLE_MS / 2;
	}
	pass(ms);
}

static void
given_keys_twice_overdue_then_the_session_ends_and_not_before(void **state)
{
	struct reader body;

	(void)state;
	pass_busily(2 * REKEY_MS - 1);
	assert_true(is_answered(ada));
	pass(1);
	/* by the next record, and without one by the sweep */
	assert_false(is_answered(ada));
	assert_null(session_of(ada));
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	pass_busily(2 * REKEY_MS - 1);
	assert_non_null(session_of(ada));
	pass(1001);
	assert_null(session_of(ada));
	assert_int_equal(next_message(ada, &body), MESSAGE_GOODBYE);
}

static void
given_a_rekey_just_in_time_then_the_time_begins_anew(void **state)
{
	(void)state;
	pass_busily(2 * REKEY_MS - 1);
	assert_int_equal(sim_person_rekey(bank, ada), SR_OK);
	pass_busily(2 * REKEY_MS - 1);
	assert_true(is_answered(ada));
	pass(1);
	assert_false(is_answered(ada));
}

static void
given_twice_the_bytes_then_the_session_ends_and_not_before(void **state)
{
	(void)state;
	/* one question and its answer are 512 */
	session_of(ada)->records.bytes = 2 * SESSION_REKEY_BYTES - 512;
	assert_true(is_answered(ada));
	assert_true(session_of(ada)->records.bytes == 2 * SESSION_REKEY_BYTES);
	assert_false(is_answered(ada));
	assert_null(session_of(ada));
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	session_of(ada)->records.bytes = 2 * SESSION_REKEY_BYTES - 512;
	assert_int_equal(sim_person_rekey(bank, ada), SR_OK);
	assert_true(is_answered(ada));
	assert_true(is_answered(ada));
}

static void
given_twice_the_records_then_the_session_ends_and_not_before(void **state)
{
	struct customer_session *session = session_of(ada);

	(void)state;
	session->records.received = SESSION_RECORDS_MAX - 1;
	ada->session.sent = SESSION_RECORDS_MAX - 1;
	assert_true(is_answered(ada));
	ada->session.sent--;
	assert_false(is_answered(ada));
	assert_null(session_of(ada));
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	session = session_of(ada);
	session->records.sent = SESSION_RECORDS_MAX - 1;
	ada->session.received = SESSION_RECORDS_MAX - 1;
	assert_true(is_answered(ada));
	assert_false(is_answered(ada));
	assert_null(session_of(ada));
}

static void
given_an_idle_session_then_it_ends_at_its_limit_though_it_rekeys(void **state)
{
	(void)state;
	pass(IDLE_MS - 1);
	assert_true(is_answered(ada));
	pass(IDLE_MS - 1);
	/* a re-key is no sign of life */
	assert_int_equal(sim_person_rekey(bank, ada), SR_OK);
	pass(1);
	assert_false(is_answered(ada));
	assert_null(session_of(ada));
}

static void
given_a_busy_session_then_it_ends_at_the_absolute_limit(void **state)
{
	(void)state;
	for (uint64_t ms = 0; ms < ABSOLUTE_MS - REKEY_MS; ms += REKEY_MS) {
		pass_busily(REKEY_MS);
		assert_int_equal(sim_person_rekey(bank, ada), SR_OK);
		assert_true(is_answered(ada));
	}
	pass_busily(REKEY_MS - 1);
	assert_true(is_answered(ada));
	pass(1);
	assert_false(is_answered(ada));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_rekey_then_the_session_goes_on_and_the_old_keys_do_not),
	    TEST(
		given_questions_before_a_rekey_then_they_are_answered_under_the_old_keys),
	    TEST(given_words_behind_the_clients_half_then_the_session_ends),
	    TEST(given_a_half_that_gives_no_secret_then_the_session_ends),
	    TEST(given_keys_twice_overdue_then_the_session_ends_and_not_before),
	    TEST(given_a_rekey_just_in_time_then_the_time_begins_anew),
	    TEST(given_twice_the_bytes_then_the_session_ends_and_not_before),
	    TEST(given_twice_the_records_then_the_session_ends_and_not_before),
	    TEST(
		given_an_idle_session_then_it_ends_at_its_limit_though_it_rekeys),
	    TEST(given_a_busy_session_then_it_ends_at_the_absolute_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
