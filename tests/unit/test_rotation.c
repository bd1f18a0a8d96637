/* SPDX-License-Identifier: ISC */
/* The rotation note's bytes (common/rotation.h): both signatures or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/entry.h"
#include "common/journal.h"
#include "common/rotation.h"

static struct rotation_note good;
static uint8_t secret[2][64];

static int
setup(void **state)
{
	uint8_t seed[32] = {1};

	(void)state;
	good = (struct rotation_note){.bank_id = {3},
	    .old_epoch = 1,
	    .new_epoch = 9,
	    .size = 40,
	    .root = {4},
	    .time_ms = 5000};
	crypto_sign_seed_keypair(good.old_key, secret[0], seed);
	seed[0] = 2;
	crypto_sign_seed_keypair(good.new_key, secret[1], seed);
	return 0;
}

static enum sr_error
sign(const struct rotation_note *note)
{
	uint8_t bytes[ROTATION_NOTE_LEN];

	return rotation_note_sign(note, secret[0], secret[1], bytes);
}

static void
given_a_note_when_read_then_it_says_the_same_and_both_keys_vouch(void **state)
{
	uint8_t bytes[ROTATION_NOTE_LEN], text[256], other[32] = {9};
	size_t label = strlen(ROTATION_LABEL);
	struct rotation_note read;

	(void)state;
	assert_int_equal(
	    rotation_note_sign(&good, secret[0], secret[1], bytes), SR_OK);
	assert_int_equal(
	    rotation_note_verify(bytes, sizeof(bytes), good.bank_id, &read),
	    SR_OK);
	assert_memory_equal(read.root, good.root, 32);
	assert_memory_equal(read.old_key, good.old_key, 32);
	assert_memory_equal(read.new_key, good.new_key, 32);
	assert_int_equal(read.size, 40);
	assert_int_equal(read.old_epoch, 1);
	assert_int_equal(read.new_epoch, 9);
	assert_int_equal(read.time_ms, 5000);
	assert_int_equal(entry_type_of(bytes, sizeof(bytes)), ENTRY_ROTATION);
	assert_int_equal(
	    journal_class_of(bytes, sizeof(bytes)), JOURNAL_CLASS_SYSTEM);
	/* as anybody computes it */
	memcpy(text, ROTATION_LABEL, label);
	memcpy(text + label, bytes, ROTATION_SIGNED_LEN);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(crypto_sign_verify_detached(
				     bytes + ROTATION_SIGNED_LEN + 64 * i, text,
				     label + ROTATION_SIGNED_LEN,
				     i == 0 ? good.old_key : good.new_key),
		    0);
	assert_int_equal(
	    rotation_note_verify(bytes, sizeof(bytes), other, &read),
	    SR_WRONG_BANK);
}

static void
given_each_byte_when_changed_or_cut_then_it_is_no_note(void **state)
{
	uint8_t bytes[ROTATION_NOTE_LEN + 1] = {0};
	struct rotation_note read = {.time_ms = 5};

	(void)state;
	assert_int_equal(
	    rotation_note_sign(&good, secret[0], secret[1], bytes), SR_OK);
	for (size_t i = 0; i < ROTATION_NOTE_LEN; i++) {
		bytes[i] ^= 0x40;
		assert_int_not_equal(
		    rotation_note_verify(
			bytes, ROTATION_NOTE_LEN, good.bank_id, &read),
		    SR_OK);
		bytes[i] ^= 0x40;
	}
	assert_int_equal(read.time_ms, 5);
	for (size_t len = 0; len <= sizeof(bytes); len++)
		if (len != ROTATION_NOTE_LEN)
			assert_int_equal(rotation_note_read(bytes, len, &read),
			    SR_MALFORMED);
}

static void
given_one_key_alone_when_it_signs_twice_then_it_is_no_rotation(void **state)
{
	uint8_t bytes[ROTATION_NOTE_LEN];
	struct rotation_note same = good, read;

	(void)state;
	assert_int_equal(
	    rotation_note_sign(&good, secret[0], secret[0], bytes), SR_CRYPTO);
	assert_int_equal(
	    rotation_note_sign(&good, secret[1], secret[1], bytes), SR_CRYPTO);
	assert_int_equal(
	    rotation_note_sign(&good, secret[1], secret[0], bytes), SR_CRYPTO);
	/* the signatures in the other's place */
	assert_int_equal(
	    rotation_note_sign(&good, secret[0], secret[1], bytes), SR_OK);
	memcpy(
	    bytes + ROTATION_SIGNED_LEN, bytes + ROTATION_SIGNED_LEN + 64, 64);
	assert_int_equal(
	    rotation_note_verify(bytes, sizeof(bytes), good.bank_id, &read),
	    SR_SIGNATURE);
	memcpy(same.new_key, same.old_key, 32);
	assert_int_equal(sign(&same), SR_MALFORMED);
}

static void
given_what_cannot_be_when_signed_then_refused(void **state)
{
	struct rotation_note note = good;

	(void)state;
	note.size = 0;
	assert_int_equal(sign(&note), SR_MALFORMED);
	note = good;
	note.old_epoch = 0;
	assert_int_equal(sign(&note), SR_MALFORMED);
	note = good;
	note.new_epoch = note.old_epoch;
	assert_int_equal(sign(&note), SR_MALFORMED);
	note.old_epoch = note.new_epoch + 1;
	assert_int_equal(sign(&note), SR_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_note_when_read_then_it_says_the_same_and_both_keys_vouch),
	    TEST(given_each_byte_when_changed_or_cut_then_it_is_no_note),
	    TEST(
		given_one_key_alone_when_it_signs_twice_then_it_is_no_rotation),
	    TEST(given_what_cannot_be_when_signed_then_refused),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
