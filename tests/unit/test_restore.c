/* SPDX-License-Identifier: ISC */
/* The restore note's bytes: what is one, and whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/entry.h"
#include "common/journal.h"
#include "common/restore.h"

static uint8_t identity[32], secret[64];
static struct restore_note good;

static int
setup(void **state)
{
	uint8_t seed[32] = {5};

	(void)state;
	crypto_sign_seed_keypair(identity, secret, seed);
	good = (struct restore_note){.new_epoch = 9,
	    .old_epoch = 7,
	    .restored_epoch = 6,
	    .last_size = 30,
	    .last_root = {3},
	    .restored_size = 40,
	    .restored_root = {4},
	    .time_ms = 1234567};
	crypto_hash_sha256(good.bank_id, identity, sizeof(identity));
	return 0;
}

static void
given_a_note_when_signed_then_it_reads_back_under_the_identity_only(
    void **state)
{
	uint8_t bytes[RESTORE_NOTE_LEN], text[256], other[32], own[64];
	struct restore_note read;
	size_t label = strlen(RESTORE_LABEL);

	(void)state;
	assert_int_equal(restore_note_sign(&good, secret, bytes), SR_OK);
	memset(&read, 0, sizeof(read));
	assert_int_equal(
	    restore_note_verify(bytes, sizeof(bytes), identity, &read), SR_OK);
	assert_int_equal(read.new_epoch, 9);
	assert_int_equal(read.old_epoch, 7);
	assert_int_equal(read.restored_epoch, 6);
	assert_int_equal(read.last_size, 30);
	assert_int_equal(read.restored_size, 40);
	assert_int_equal(read.time_ms, 1234567);
	assert_memory_equal(read.last_root, good.last_root, 32);
	assert_memory_equal(read.restored_root, good.restored_root, 32);
	assert_memory_equal(read.bank_id, good.bank_id, 32);
	/* an entry of class system, by the label of its own */
	assert_int_equal(entry_type_of(bytes, sizeof(bytes)), ENTRY_RESTORE);
	assert_int_equal(
	    journal_class_of(bytes, sizeof(bytes)), JOURNAL_CLASS_SYSTEM);
	memcpy(text, RESTORE_LABEL, label);
	memcpy(text + label, bytes, RESTORE_SIGNED_LEN);
	assert_int_equal(crypto_sign_verify_detached(bytes + RESTORE_SIGNED_LEN,
			     text, label + RESTORE_SIGNED_LEN, identity),
	    0);
	/* of somebody else, and of somebody else's making */
	crypto_sign_keypair(other, own);
	assert_int_equal(
	    restore_note_verify(bytes, sizeof(bytes), other, &read),
	    SR_BANK_KEY);
	assert_int_equal(restore_note_sign(&good, own, bytes), SR_OK);
	assert_int_equal(
	    restore_note_verify(bytes, sizeof(bytes), identity, &read),
	    SR_BANK_KEY);
}

static void
given_any_changed_byte_when_verified_then_refused(void **state)
{
	uint8_t bytes[RESTORE_NOTE_LEN + 1];
	struct restore_note read = {.time_ms = 5};

	(void)state;
	assert_int_equal(restore_note_sign(&good, secret, bytes), SR_OK);
	for (size_t i = 0; i < RESTORE_NOTE_LEN; i++) {
		bytes[i] ^= 0x20;
		assert_int_not_equal(restore_note_verify(bytes,
					 RESTORE_NOTE_LEN, identity, &read),
		    SR_OK);
		bytes[i] ^= 0x20;
	}
	assert_int_equal(read.time_ms, 5);
	for (size_t len = 0; len < sizeof(bytes) + 1; len++)
		if (len != RESTORE_NOTE_LEN)
			assert_int_equal(
			    restore_note_read(bytes, len, &read), SR_MALFORMED);
	assert_int_equal(
	    restore_note_read(bytes, RESTORE_NOTE_LEN, &read), SR_OK);
}

static enum sr_error
sign(const struct restore_note *note)
{
	uint8_t bytes[RESTORE_NOTE_LEN];

	return restore_note_sign(note, secret, bytes);
}

static void
given_epochs_and_sizes_that_cannot_be_when_signed_then_refused(void **state)
{
	struct restore_note note = good;

	(void)state;
	note.new_epoch = 8;
	assert_int_equal(sign(&note), SR_OK);
	note.new_epoch = 7; /* not above the old one */
	assert_int_equal(sign(&note), SR_MALFORMED);
	note = good;
	note.old_epoch = 5; /* below the restored one */
	assert_int_equal(sign(&note), SR_MALFORMED);
	note = good;
	note.restored_epoch = 0;
	assert_int_equal(sign(&note), SR_MALFORMED);
	note = good;
	note.restored_size = 0;
	assert_int_equal(sign(&note), SR_MALFORMED);
	note = good;
	note.last_size = 0; /* not known: then there is no root either */
	assert_int_equal(sign(&note), SR_MALFORMED);
	memset(note.last_root, 0, sizeof(note.last_root));
	assert_int_equal(sign(&note), SR_OK);
	/* under one epoch the last head is above the restored one */
	note = good;
	note.restored_epoch = note.old_epoch;
	assert_int_equal(sign(&note), SR_MALFORMED);
	note.last_size = 40;
	assert_int_equal(sign(&note), SR_MALFORMED);
	note.last_size = 41;
	assert_int_equal(sign(&note), SR_OK);
}

static void
given_heads_when_asked_then_those_above_and_before_are_given_up(void **state)
{
	(void)state;
	assert_true(restore_note_gives_up(&good, 6, 41));
	assert_true(restore_note_gives_up(&good, 8, 41));
	assert_false(restore_note_gives_up(&good, 6, 40));
	assert_false(restore_note_gives_up(&good, 9, 41));
	assert_false(restore_note_gives_up(&good, 10, 100));
}

static void
given_entries_when_asked_then_those_that_keyd_knew_and_gave_up_may_be_lost(
    void **state)
{
	(void)state;
	/* of another origin, whose entries may have had any index */
	assert_true(restore_note_may_lose(&good, 0));
	assert_true(restore_note_may_lose(&good, UINT64_MAX));
	good.restored_epoch = good.old_epoch;
	good.last_size = 50;
	assert_false(restore_note_may_lose(&good, 39));
	assert_true(restore_note_may_lose(&good, 40));
	assert_true(restore_note_may_lose(&good, 49));
	assert_false(restore_note_may_lose(&good, 50));
	/* keyd knew of nothing */
	good.last_size = 0;
	assert_false(restore_note_may_lose(&good, 40));
	good.restored_epoch--;
	assert_false(restore_note_may_lose(&good, 40));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_note_when_signed_then_it_reads_back_under_the_identity_only),
	    TEST(given_any_changed_byte_when_verified_then_refused),
	    TEST(
		given_epochs_and_sizes_that_cannot_be_when_signed_then_refused),
	    TEST(
		given_heads_when_asked_then_those_above_and_before_are_given_up),
	    TEST(
		given_entries_when_asked_then_those_that_keyd_knew_and_gave_up_may_be_lost),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
