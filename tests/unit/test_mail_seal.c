/* SPDX-License-Identifier: ISC */
/* Heads of messages: what a bank could do to them, and other senders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "client/mail_seal.h"

static const uint8_t ada_private[32] = {0, 1};
static const uint8_t ben_private[32] = {0, 2};
static const uint8_t eve_private[32] = {0, 3};
static const uint8_t fresh[32] = {0, 4};

static uint8_t ada_public[32], ben_public[32], eve_public[32];
static struct mail_place place;
static uint8_t payload[MAIL_SEALED_LARGE], opened[MAIL_SEALED_LARGE];
static uint8_t sealed[MAIL_SEALED_LARGE + 1];

static int
start(void **state)
{
	(void)state;
	noise_public_key(ada_public, ada_private);
	noise_public_key(ben_public, ben_private);
	noise_public_key(eve_public, eve_private);
	place = (struct mail_place){.sender = 11,
	    .recipient = 12,
	    .bank_id = {9},
	    .object_id = {8},
	    .object_version = 1};
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
	return 0;
}

static enum sr_error
seal_by(const uint8_t private_key[32], size_t len)
{
	struct noise_x_sender keys = {private_key, ben_public, fresh};

	return mail_seal(&place, &keys, payload, sealed, len);
}

/* What Ben says of it; of what he refuses no byte is left. */
static enum sr_error
ben_opens(const struct mail_place *at, size_t len)
{
	enum sr_error error;

	memset(opened, 1, sizeof(opened));
	error = mail_open(at, ben_private, ada_public, sealed, len, opened);
	if (error == SR_CRYPTO)
		assert_true(sodium_is_zero(opened, len - MAIL_OVERHEAD));
	return error;
}

static void
given_a_head_of_either_size_then_its_recipient_opens_it(void **state)
{
	static const size_t sizes[] = {MAIL_SEALED_SMALL, MAIL_SEALED_LARGE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(seal_by(ada_private, sizes[i]), SR_OK);
		assert_int_equal(ben_opens(&place, sizes[i]), SR_OK);
		assert_memory_equal(opened, payload, sizes[i] - 96);
	}
}

/* The layout as published: by hand, with Noise X alone. */
static void
given_the_published_prologue_then_the_head_opens_by_hand(void **state)
{
	uint8_t prologue[17 + 32 + 8 + 8 + 16 + 4] = "strongroom/1 mail";
	uint8_t sender[32];

	(void)state;
	prologue[17] = 9;
	prologue[49] = 11;
	prologue[57] = 12;
	prologue[65] = 8;
	prologue[81] = 1;
	assert_int_equal(seal_by(ada_private, MAIL_SEALED_SMALL), SR_OK);
	assert_int_equal(noise_x_read(ben_private, prologue, sizeof(prologue),
			     sealed, MAIL_SEALED_SMALL, sender, opened),
	    SR_OK);
	assert_memory_equal(sender, ada_public, 32);
	assert_memory_equal(opened, payload, MAIL_SEALED_SMALL - 96);
}

static void
given_any_altered_byte_then_the_head_is_refused(void **state)
{
	(void)state;
	assert_int_equal(seal_by(ada_private, MAIL_SEALED_SMALL), SR_OK);
	for (size_t i = 0; i < MAIL_SEALED_SMALL; i++) {
		sealed[i] ^= 1;
		assert_int_equal(
		    ben_opens(&place, MAIL_SEALED_SMALL), SR_CRYPTO);
		sealed[i] ^= 1;
	}
	assert_int_equal(ben_opens(&place, MAIL_SEALED_SMALL), SR_OK);
}

/* Eve is a customer, too, and the bank says that it was Ada. */
static void
given_a_head_of_somebody_else_then_it_is_not_the_senders(void **state)
{
	(void)state;
	assert_int_equal(seal_by(eve_private, MAIL_SEALED_SMALL), SR_OK);
	assert_int_equal(ben_opens(&place, MAIL_SEALED_SMALL), SR_CRYPTO);
	assert_int_equal(mail_open(&place, ben_private, eve_public, sealed,
			     MAIL_SEALED_SMALL, opened),
	    SR_OK);
}

static void
given_another_place_then_the_head_is_refused(void **state)
{
	struct mail_place other[5];

	(void)state;
	assert_int_equal(seal_by(ada_private, MAIL_SEALED_SMALL), SR_OK);
	for (size_t i = 0; i < 5; i++)
		other[i] = place;
	other[0].bank_id[31] ^= 1;
	other[1].sender = 13;
	other[2].recipient = 13;
	other[3].object_id[15] ^= 1;
	other[4].object_version = 2;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
		    ben_opens(&other[i], MAIL_SEALED_SMALL), SR_CRYPTO);
	assert_int_equal(mail_open(&place, ada_private, ada_public, sealed,
			     MAIL_SEALED_SMALL, opened),
	    SR_CRYPTO);
}

static void
given_any_other_size_then_it_is_neither_made_nor_opened(void **state)
{
	(void)state;
	assert_int_equal(seal_by(ada_private, 0), SR_TOO_LARGE);
	assert_int_equal(
	    seal_by(ada_private, MAIL_SEALED_SMALL - 1), SR_TOO_LARGE);
	assert_int_equal(
	    seal_by(ada_private, MAIL_SEALED_LARGE + 1), SR_TOO_LARGE);
	assert_int_equal(seal_by(ada_private, MAIL_SEALED_LARGE), SR_OK);
	assert_int_equal(
	    ben_opens(&place, MAIL_SEALED_LARGE + 1), SR_MALFORMED);
	assert_int_equal(ben_opens(&place, 0), SR_MALFORMED);
	assert_int_equal(ben_opens(&place, MAIL_SEALED_SMALL), SR_CRYPTO);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
	const struct CMUnitTest tests[] = {
	    TEST(given_a_head_of_either_size_then_its_recipient_opens_it),
	    TEST(given_the_published_prologue_then_the_head_opens_by_hand),
	    TEST(given_any_altered_byte_then_the_head_is_refused),
	    TEST(given_a_head_of_somebody_else_then_it_is_not_the_senders),
	    TEST(given_another_place_then_the_head_is_refused),
	    TEST(given_any_other_size_then_it_is_neither_made_nor_opened),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
