/* SPDX-License-Identifier: ISC */
/* Records: both directions, and everything a relay could do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "common/aead.h"
#include "common/kdf.h"
#include "common/noise.h"
#include "common/session.h"

static const uint8_t chain_key[SESSION_CHAIN_KEY_LEN] = {1, 2, 3};
static const uint8_t session_id[SESSION_ID_LEN] = {7};

static struct session client, bank;
static uint8_t body[FRAME_BODY_MAX], plain[SESSION_PLAIN_MAX];
static size_t body_len, plain_len;

static int
start(void **state)
{
	(void)state;
	session_start(&client, SESSION_CLIENT, chain_key, session_id);
	session_start(&bank, SESSION_BANK, chain_key, session_id);
	return 0;
}

static void
client_says(const char *text)
{
	assert_int_equal(session_seal(&client, FRAME_RECORD, text, strlen(text),
			     body, &body_len),
	    SR_OK);
}

static enum sr_error
bank_opens(void)
{
	return session_open(
	    &bank, FRAME_RECORD, body, body_len, plain, &plain_len);
}

static void
given_records_both_ways_then_they_open_in_order(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		client_says("deposit");
		assert_int_equal(body_len, 256 + 16);
		assert_int_equal(bank_opens(), SR_OK);
		assert_int_equal(plain_len, 256);
		assert_string_equal((char *)plain, "deposit");
		assert_true(sodium_is_zero(plain + 7, 249));
		assert_int_equal(session_seal(&bank, FRAME_RECORD, "done", 4,
				     body, &body_len),
		    SR_OK);
		assert_int_equal(session_open(&client, FRAME_RECORD, body,
				     body_len, plain, &plain_len),
		    SR_OK);
		assert_string_equal((char *)plain, "done");
	}
}

static void
given_the_published_derivation_then_the_record_opens_by_hand(void **state)
{
	uint8_t key[32], header[4] = {0x10, 0x01, FRAME_RECORD, 1};

	(void)state;
	kdf_expand(key, 32, chain_key, "strongroom/1 c2s", 16);
	client_says("first");
	client_says("second");
	assert_int_equal(
	    aead_open(plain, key, 1, header, 4, body, body_len), SR_OK);
	assert_string_equal((char *)plain, "second");
}

static void
given_any_byte_altered_then_the_record_is_refused_and_the_session_dead(
    void **state)
{
	(void)state;
	for (size_t i = 0; i < 272; i++) {
		start(NULL);
		client_says("transfer");
		body[i] ^= 1;
		assert_int_equal(bank_opens(), SR_CRYPTO);
		assert_true(sodium_is_zero(plain, 256));
		body[i] ^= 1;
		assert_int_equal(bank_opens(), SR_SESSION_ENDED);
	}
}

static void
given_a_replayed_record_then_it_is_refused(void **state)
{
	(void)state;
	client_says("deposit");
	assert_int_equal(bank_opens(), SR_OK);
	assert_int_equal(bank_opens(), SR_CRYPTO);
}

static void
given_records_out_of_order_then_they_are_refused(void **state)
{
	(void)state;
	client_says("first");
	client_says("second");
	assert_int_equal(bank_opens(), SR_CRYPTO);
}

static void
given_a_record_reflected_to_its_sender_then_it_is_refused(void **state)
{
	(void)state;
	client_says("mine");
	assert_int_equal(session_open(&client, FRAME_RECORD, body, body_len,
			     plain, &plain_len),
	    SR_CRYPTO);
}

static void
given_a_record_of_another_session_then_it_is_refused(void **state)
{
	static const uint8_t other[SESSION_CHAIN_KEY_LEN] = {1, 2, 4};

	(void)state;
	session_start(&client, SESSION_CLIENT, other, session_id);
	client_says("mine");
	assert_int_equal(bank_opens(), SR_CRYPTO);
}

static void
given_a_record_under_another_type_then_it_is_refused(void **state)
{
	uint8_t large[1280] = {1};

	(void)state;
	assert_int_equal(session_seal(&bank, FRAME_M4, large, sizeof(large),
			     body, &body_len),
	    SR_OK);
	assert_int_equal(body_len, FRAME_M4_LEN);
	assert_int_equal(session_open(&client, FRAME_RECORD, body, body_len,
			     plain, &plain_len),
	    SR_CRYPTO);
	start(NULL);
	client_says("x");
	assert_int_equal(
	    session_open(&bank, FRAME_HELLO, body, body_len, plain, &plain_len),
	    SR_MALFORMED);
}

static void
given_a_truncated_record_then_it_is_malformed(void **state)
{
	(void)state;
	for (size_t len = 0; len < 272; len++) {
		start(NULL);
		client_says("x");
		body_len = len;
		assert_int_equal(bank_opens(), SR_MALFORMED);
	}
	start(NULL);
	session_seal(&client, FRAME_RECORD, plain, 512, body, &body_len);
	body_len -= 256;
	assert_int_equal(bank_opens(), SR_CRYPTO);
}

static void
given_the_largest_plaintext_then_it_fits_and_one_more_does_not(void **state)
{
	static uint8_t large[SESSION_PLAIN_MAX + 1];

	(void)state;
	assert_int_equal(session_seal(&client, FRAME_RECORD, large,
			     sizeof(large), body, &body_len),
	    SR_TOO_LARGE);
	assert_int_equal(
	    session_seal(&client, FRAME_RECORD, large, 0, body, &body_len),
	    SR_TOO_LARGE);
	assert_int_equal(session_seal(&client, FRAME_RECORD, large,
			     SESSION_PLAIN_MAX, body, &body_len),
	    SR_OK);
	assert_int_equal(body_len, FRAME_BODY_MAX);
	assert_int_equal(body_len, session_record_len(SESSION_PLAIN_MAX));
	assert_int_equal(bank_opens(), SR_OK);
}

static void
given_used_up_records_then_the_session_ends(void **state)
{
	(void)state;
	client.sent = SESSION_RECORDS_MAX;
	assert_int_equal(
	    session_seal(&client, FRAME_RECORD, "x", 1, body, &body_len),
	    SR_SESSION_ENDED);
	bank.received = SESSION_RECORDS_MAX;
	body_len = 272;
	assert_int_equal(bank_opens(), SR_SESSION_ENDED);
}

static void
given_a_rekey_then_both_sides_go_on_and_old_records_do_not(void **state)
{
	static const uint8_t e_c[32] = {11}, e_s[32] = {12};
	uint8_t client_public[32], bank_public[32], old[FRAME_BODY_MAX];
	uint8_t ikm[100] = {0}, expected[64];

	(void)state;
	noise_public_key(client_public, e_c);
	noise_public_key(bank_public, e_s);
	client_says("before");
	memcpy(old, body, body_len);
	assert_int_equal(
	    session_rekey(&client, e_c, client_public, bank_public), SR_OK);
	assert_int_equal(
	    session_rekey(&bank, e_s, client_public, bank_public), SR_OK);
	assert_int_equal(client.sent, 0);
	assert_memory_equal(client.chain_key, bank.chain_key, 64);
	/* ck_1 as published */
	assert_int_equal(noise_dh(ikm, e_s, client_public), SR_OK);
	memcpy(ikm + 32, client_public, 32);
	memcpy(ikm + 64, bank_public, 32);
	ikm[96] = 1;
	kdf_extract(expected, chain_key, 64, ikm, sizeof(ikm));
	assert_memory_equal(client.chain_key, expected, 64);
	client_says("after");
	assert_int_equal(bank_opens(), SR_OK);
	assert_string_equal((char *)plain, "after");
	memcpy(body, old, body_len);
	assert_int_equal(bank_opens(), SR_CRYPTO);
}

static void
given_a_rekey_with_a_key_of_small_order_then_the_session_is_dead(void **state)
{
	static const uint8_t e_c[32] = {11}, zero[32];
	uint8_t client_public[32];

	(void)state;
	noise_public_key(client_public, e_c);
	assert_int_equal(
	    session_rekey(&client, e_c, client_public, zero), SR_CRYPTO);
	assert_true(client.dead);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
	const struct CMUnitTest tests[] = {
	    TEST(given_records_both_ways_then_they_open_in_order),
	    TEST(given_the_published_derivation_then_the_record_opens_by_hand),
	    TEST(
		given_any_byte_altered_then_the_record_is_refused_and_the_session_dead),
	    TEST(given_a_replayed_record_then_it_is_refused),
	    TEST(given_records_out_of_order_then_they_are_refused),
	    TEST(given_a_record_reflected_to_its_sender_then_it_is_refused),
	    TEST(given_a_record_of_another_session_then_it_is_refused),
	    TEST(given_a_record_under_another_type_then_it_is_refused),
	    TEST(given_a_truncated_record_then_it_is_malformed),
	    TEST(
		given_the_largest_plaintext_then_it_fits_and_one_more_does_not),
	    TEST(given_used_up_records_then_the_session_ends),
	    TEST(given_a_rekey_then_both_sides_go_on_and_old_records_do_not),
	    TEST(
		given_a_rekey_with_a_key_of_small_order_then_the_session_is_dead),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
