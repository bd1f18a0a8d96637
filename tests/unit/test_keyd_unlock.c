/* SPDX-License-Identifier: ISC */
/*
 * The sealed root and identity: what opens them, and what each damage is
 * called.  The form belongs to a program of its own, so it is taken in here
 * as source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "keyd/unlock_seal.c"

static const uint8_t secret[UNLOCK_SECRET_LEN] = {1, 2, 3};
static uint8_t sealed[UNLOCK_SEALED_LEN];
static uint8_t opened[UNLOCK_SECRET_LEN];
static struct unlock_header header;

static int
setup(void **state)
{
	uint8_t random[40];
	struct unlock_header made = {.purpose = UNLOCK_ROOT,
	    .epoch = 1,
	    .cost = {.passes = 1, .memory_len = 1u << 20}};

	(void)state;
	randombytes_buf(random, sizeof(random));
	memset(made.bank_id, 0xbb, sizeof(made.bank_id));
	return unlock_seal(&made, random, "pass", 4, secret, sealed) == SR_OK
		   ? 0
		   : 1;
}

static enum sr_error
unseal(const void *bytes, size_t len, const char *passphrase)
{
	return unlock_open(UNLOCK_ROOT, bytes, len, passphrase,
	    strlen(passphrase), &header, opened);
}

static void
given_the_right_passphrase_when_opened_then_secret_and_header(void **state)
{
	(void)state;
	assert_int_equal(unseal(sealed, sizeof(sealed), "pass"), SR_OK);
	assert_memory_equal(opened, secret, sizeof(secret));
	assert_int_equal(header.epoch, 1);
	assert_int_equal(header.bank_id[31], 0xbb);
	/* the secret does not stand in the file */
	for (size_t i = 0; i + 3 <= sizeof(sealed); i++)
		assert_memory_not_equal(sealed + i, secret, 3);
}

static void
given_a_wrong_passphrase_when_opened_then_said_so_and_nothing_given(
    void **state)
{
	static const uint8_t zeros[UNLOCK_SECRET_LEN];

	(void)state;
	assert_int_equal(unseal(sealed, sizeof(sealed), "Pass"), SR_UNLOCK);
	assert_memory_equal(opened, zeros, sizeof(zeros));
	assert_int_equal(unseal(sealed, sizeof(sealed), ""), SR_UNLOCK);
	assert_int_equal(unseal(sealed, sizeof(sealed), "pass\n"), SR_UNLOCK);
}

static void
given_any_changed_byte_when_opened_then_it_does_not_open(void **state)
{
	uint8_t bad[UNLOCK_SEALED_LEN];
	enum sr_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad); i++) {
		/* memory and passes: only their low bytes, to stay cheap */
		if (i >= 16 && i < 32 && i != 16)
			continue;
		memcpy(bad, sealed, sizeof(bad));
		bad[i] ^= 0x81;
		error = unseal(bad, sizeof(bad), "pass");
		if (i < 8)
			assert_int_equal(error, SR_DAMAGED);
		else if (i < 10)
			assert_int_equal(error, SR_VERSION);
		else
			assert_true(error == SR_DAMAGED || error == SR_UNLOCK);
	}
}

static void
given_another_length_when_opened_then_damaged(void **state)
{
	uint8_t longer[UNLOCK_SEALED_LEN + 1] = {0};

	(void)state;
	memcpy(longer, sealed, sizeof(sealed));
	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_int_equal(unseal(sealed, len, "pass"), SR_DAMAGED);
	assert_int_equal(unseal(longer, sizeof(longer), "pass"), SR_DAMAGED);
}

static void
given_the_root_when_taken_for_the_identity_then_damaged(void **state)
{
	(void)state;
	assert_int_equal(unlock_open(UNLOCK_IDENTITY, sealed, sizeof(sealed),
			     "pass", 4, &header, opened),
	    SR_DAMAGED);
}

static void
given_absurd_costs_when_opened_then_refused_before_memory_is_spent(void **state)
{
	uint8_t bad[UNLOCK_SEALED_LEN];

	(void)state;
	memcpy(bad, sealed, sizeof(bad));
	bad[30] = 0xff; /* memory */
	assert_int_equal(unseal(bad, sizeof(bad), "pass"), SR_DAMAGED);
	memcpy(bad, sealed, sizeof(bad));
	bad[22] = 0xff; /* passes */
	assert_int_equal(unseal(bad, sizeof(bad), "pass"), SR_DAMAGED);
}

static void
given_a_passphrase_file_when_it_ends_in_line_feeds_then_one_is_no_part(
    void **state)
{
	(void)state;
	assert_int_equal(unlock_passphrase_len("pass", 4), 4);
	assert_int_equal(unlock_passphrase_len("pass\n", 5), 4);
	assert_int_equal(unlock_passphrase_len("pass\n\n", 6), 5);
	assert_int_equal(unlock_passphrase_len("pass\r", 5), 5);
	assert_int_equal(unlock_passphrase_len("\n", 1), 0);
	assert_int_equal(unlock_passphrase_len("", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_right_passphrase_when_opened_then_secret_and_header),
	    cmocka_unit_test(
		given_a_wrong_passphrase_when_opened_then_said_so_and_nothing_given),
	    cmocka_unit_test(
		given_any_changed_byte_when_opened_then_it_does_not_open),
	    cmocka_unit_test(given_another_length_when_opened_then_damaged),
	    cmocka_unit_test(
		given_the_root_when_taken_for_the_identity_then_damaged),
	    cmocka_unit_test(
		given_absurd_costs_when_opened_then_refused_before_memory_is_spent),
	    cmocka_unit_test(
		given_a_passphrase_file_when_it_ends_in_line_feeds_then_one_is_no_part),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
