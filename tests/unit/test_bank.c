/* SPDX-License-Identifier: ISC */
/*
 * The client's side of a session's re-key: when it is due, and what it takes
 * for the bank's half.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/bank.h"
#include "common/noise.h"

enum { REKEY_MS = 60000, REKEY_RECORDS = 100, REKEY_BYTES = 100000 };

static struct bank_session client;
static struct session bank; /* the other side's records */
static int wire;            /* the other side's end */

static uint64_t
boot_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int
set_up(void **state)
{
	const uint8_t chain_key[SESSION_CHAIN_KEY_LEN] = {7}, id[16] = {9};
	int ends[2];

	(void)state;
	if (sodium_init() < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	memset(&client, 0, sizeof(client));
	session_start(&client.login.session, SESSION_CLIENT, chain_key, id);
	session_start(&bank, SESSION_BANK, chain_key, id);
	client.login.link.fd = ends[0];
	client.login.link.timeout_ms = 10000;
	client.login.link.heard = true;
	wire = ends[1];
	client.login.welcome.rekey_ms = REKEY_MS;
	client.login.welcome.rekey_records = REKEY_RECORDS;
	client.login.welcome.rekey_bytes = REKEY_BYTES;
	client.keyed_ms = boot_ms();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	link_close(&client.login.link);
	close(wire);
	return 0;
}

/* Puts a record of the bank's on the wire. */
static void
say(const uint8_t *plain, size_t len)
{
	uint8_t frame[FRAME_MAX];
	size_t body_len;

	assert_int_equal(session_seal(&bank, FRAME_RECORD, plain, len,
			     frame + FRAME_HEADER_LEN, &body_len),
	    SR_OK);
	frame_write(FRAME_RECORD, body_len, frame);
	assert_int_equal(send(wire, frame, FRAME_HEADER_LEN + body_len, 0),
	    FRAME_HEADER_LEN + body_len);
}

static void
say_half(const uint8_t key[32], const char *behind, size_t behind_len)
{
	uint8_t bytes[256];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_rekey half;

	memcpy(half.key, key, sizeof(half.key));
	assert_int_equal(message_rekey_encode(&w, &half), SR_OK);
	writer_bytes(&w, behind, behind_len);
	say(bytes, writer_len(&w));
}

/* True if the client began a re-key; the bank's half lies there before. */
static bool
keeps(void)
{
	uint8_t body[FRAME_MAX], plain[SESSION_PLAIN_MAX];
	uint8_t private_key[32], public_key[32];
	struct message_rekey half;
	size_t len;
	ssize_t n;
	int left_ms;

	randombytes_buf(private_key, sizeof(private_key));
	noise_public_key(public_key, private_key);
	say_half(public_key, NULL, 0);
	assert_int_equal(bank_keep(&client, &left_ms), SR_OK);
	assert_true(left_ms > 0 && left_ms <= REKEY_MS);
	n = recv(wire, body, sizeof(body), MSG_DONTWAIT);
	if (n < 0)
		return false;
	assert_int_equal(
	    session_open(&bank, FRAME_RECORD, body + FRAME_HEADER_LEN,
		(size_t)n - FRAME_HEADER_LEN, plain, &len),
	    SR_OK);
	assert_int_equal(message_rekey_decode(plain + 4, 32, &half), SR_OK);
	assert_int_equal(
	    session_rekey(&bank, private_key, half.key, public_key), SR_OK);
	assert_memory_equal(bank.chain_key, client.login.session.chain_key,
	    sizeof(bank.chain_key));
	assert_int_equal(client.login.session.key_epoch, 1);
	assert_int_equal(client.login.session.bytes, 0);
	assert_true(boot_ms() - client.keyed_ms < REKEY_MS / 2);
	return true;
}

static void
given_fresh_keys_then_they_stay(void **state)
{
	(void)state;
	assert_false(keeps());
}

static void
given_keys_just_short_of_every_limit_then_they_stay(void **state)
{
	(void)state;
	client.keyed_ms = boot_ms() - REKEY_MS + 5000;
	client.login.session.sent = REKEY_RECORDS - 1;
	client.login.session.received = REKEY_RECORDS - 1;
	client.login.session.bytes = REKEY_BYTES - 1;
	bank.sent = REKEY_RECORDS - 1;
	bank.received = REKEY_RECORDS - 1;
	assert_false(keeps());
}

static void
given_keys_of_that_age_then_new_ones_are_made(void **state)
{
	(void)state;
	client.keyed_ms = boot_ms() - REKEY_MS;
	assert_true(keeps());
}

static void
given_so_many_records_sent_then_new_keys_are_made(void **state)
{
	(void)state;
	client.login.session.sent = REKEY_RECORDS;
	bank.received = REKEY_RECORDS;
	assert_true(keeps());
}

static void
given_so_many_records_received_then_new_keys_are_made(void **state)
{
	(void)state;
	client.login.session.received = REKEY_RECORDS;
	bank.sent = REKEY_RECORDS;
	assert_true(keeps());
}

static void
given_so_many_bytes_then_new_keys_are_made(void **state)
{
	(void)state;
	client.login.session.bytes = REKEY_BYTES;
	assert_true(keeps());
}

/* The session is over and its keys are gone. */
static void
assert_ends(void)
{
	int left_ms;

	client.keyed_ms = boot_ms() - REKEY_MS;
	assert_int_equal(bank_keep(&client, &left_ms), SR_SESSION_ENDED);
}

static void
given_a_half_that_gives_no_secret_then_the_session_ends(void **state)
{
	const uint8_t zero[32] = {0};

	(void)state;
	say_half(zero, NULL, 0);
	assert_ends();
	assert_true(client.login.session.dead);
}

static void
given_words_behind_the_banks_half_then_the_session_ends(void **state)
{
	const uint8_t base[32] = {9};

	(void)state;
	say_half(base, "\0\0\x09\0", 4);
	assert_ends();
	assert_true(client.login.session.dead);
}

static void
given_something_else_in_its_place_then_the_session_ends(void **state)
{
	(void)state;
	say((const uint8_t *)"\0\0\x09\0", 4); /* goodbye */
	assert_ends();
}

static void
given_no_bank_any_more_then_nothing_was_asked(void **state)
{
	static struct bank_answer answer;

	(void)state;
	shutdown(wire, SHUT_RDWR);
	client.keyed_ms = boot_ms() - REKEY_MS;
	/* a question that never left is not in doubt */
	assert_int_equal(
	    bank_exchange(&client, "\0\0\x09\0", 4, MESSAGE_GOODBYE, &answer),
	    SR_SESSION_ENDED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_fresh_keys_then_they_stay),
	    TEST(given_keys_just_short_of_every_limit_then_they_stay),
	    TEST(given_keys_of_that_age_then_new_ones_are_made),
	    TEST(given_so_many_records_sent_then_new_keys_are_made),
	    TEST(given_so_many_records_received_then_new_keys_are_made),
	    TEST(given_so_many_bytes_then_new_keys_are_made),
	    TEST(given_a_half_that_gives_no_secret_then_the_session_ends),
	    TEST(given_words_behind_the_banks_half_then_the_session_ends),
	    TEST(given_something_else_in_its_place_then_the_session_ends),
	    TEST(given_no_bank_any_more_then_nothing_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
