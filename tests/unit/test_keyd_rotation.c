/* SPDX-License-Identifier: ISC */
/*
 * keyd's rotation of the log key against a ledgerd that is somebody else's:
 * one note, where strongroomd asked for it and nowhere else, and never two
 * keys that sign.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/entry.h"
#include "common/note.h"
#include "tests/lib/keyd_world.h"

static struct world *w;
static struct message_tree_head old; /* the last head of the old key */
static uint8_t old_key[32];
static const uint8_t leaf[32] = {1};

static int
setup(void **state)
{
	(void)state;
	w = world_new(7);
	world_found(w);
	world_append(w, 1, leaf, 1);
	assert_int_equal(w->head.error, SR_OK);
	old = w->head;
	memcpy(old_key, w->keyd->origin->log.public, sizeof(old_key));
	w->params.init = false;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(w);
	return 0;
}

static void
start(unsigned rotate)
{
	w->params.rotate = (uint8_t)rotate;
	assert_int_equal(world_restart(w, rotate != 0), SR_OK);
	world_forget(w);
}

static enum sr_error
ask_note(uint64_t size)
{
	struct message_rotate_sign m = {.size = size};
	uint8_t bytes[MESSAGE_ROTATE_SIGN_MAX];
	struct writer writer = writer_to(bytes, sizeof(bytes));

	message_rotate_sign_encode(&writer, &m);
	world_forget(w);
	world_send(w, w->ledgerd, ENV_KEYD, &writer);
	assert_int_equal(w->rotates, 1);
	assert_int_equal(w->rotate.note_len,
	    w->rotate.error == SR_OK ? ROTATION_NOTE_LEN : 0);
	return w->rotate.error;
}

/* The head that came last is of that epoch and by that key, no other. */
static void
assert_signed(uint32_t epoch, const uint8_t key[32])
{
	struct checkpoint checkpoint = {.size = w->head.size};

	assert_int_equal(w->head.epoch, epoch);
	note_origin(w->keyd->state.bank_id, epoch, checkpoint.origin);
	memcpy(checkpoint.root, w->head.root, 32);
	assert_int_equal(
	    note_verify_raw(&checkpoint, key, w->head.signature), SR_OK);
}

static void
given_an_ordinary_start_when_a_note_is_asked_then_there_is_none(void **state)
{
	uint8_t note[ROTATION_NOTE_LEN] = {ENTRY_ROTATION};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(
		    sodium_is_zero((const uint8_t *)&w->keyd->keys->next,
			sizeof(w->keyd->keys->next)));
		world_tree_start(w, 2, old.root, old.signature);
		assert_int_equal(ask_note(2), SR_NOT_ALLOWED);
		assert_int_equal(
		    world_log_note(w, note, sizeof(note), 2), SR_NOT_ALLOWED);
		assert_int_equal(w->head.size, 2);
		assert_signed(1, old_key);
		start(0);
	}
	/* nor with the identity alone */
	assert_int_equal(world_restart(w, true), SR_OK);
	world_tree_start(w, 2, old.root, old.signature);
	assert_int_equal(ask_note(2), SR_NOT_ALLOWED);
	/* and no rotation start without it */
	w->params.rotate = BANK_KEY_LOG;
	assert_int_not_equal(world_restart(w, false), SR_OK);
}

static void
given_a_rotation_start_when_ledgerd_asks_then_one_note_on_the_last_head(
    void **state)
{
	struct rotation_note note;
	uint8_t other[ROTATION_NOTE_LEN];

	(void)state;
	start(BANK_KEY_LOG);
	assert_null(w->keyd->identity_secret);
	assert_true(w->keyd->rotation.wanted);
	/* not before ledgerd's log was compared, nor for another head */
	assert_int_equal(ask_note(2), SR_NOT_ALLOWED);
	world_tree_start(w, 2, old.root, old.signature);
	assert_int_equal(w->head.error, SR_OK);
	assert_memory_equal(w->head.signature, old.signature, 64);
	assert_int_equal(ask_note(1), SR_ROLLED_BACK);
	assert_int_equal(ask_note(3), SR_FORKED);
	memset(other, 0, sizeof(other));
	other[0] = ENTRY_ROTATION;
	assert_int_equal(
	    world_log_note(w, other, sizeof(other), 2), SR_NOT_ALLOWED);
	assert_int_equal(ask_note(2), SR_OK);
	assert_int_equal(rotation_note_verify(w->rotation_note,
			     ROTATION_NOTE_LEN, w->keyd->state.bank_id, &note),
	    SR_OK);
	assert_int_equal(note.size, 2);
	assert_int_equal(note.old_epoch, 1);
	assert_memory_equal(note.root, old.root, 32);
	assert_memory_equal(note.old_key, old_key, 32);
	assert_memory_not_equal(note.new_key, old_key, 32);
	/* once; and its leaf is that note, at that place */
	assert_int_equal(ask_note(2), SR_NOT_ALLOWED);
	memcpy(other, w->keyd->rotation.note, sizeof(other));
	assert_int_equal(
	    world_log_note(w, other, sizeof(other), 1), SR_NOT_ALLOWED);
	assert_int_equal(
	    world_log_note(w, other, sizeof(other), 3), SR_NOT_ALLOWED);
	assert_int_equal(
	    world_log_note(w, other, sizeof(other) - 1, 2), SR_NOT_ALLOWED);
	other[ROTATION_SIGNED_LEN] ^= 1;
	assert_int_equal(
	    world_log_note(w, other, sizeof(other), 2), SR_NOT_ALLOWED);
	other[ROTATION_SIGNED_LEN] ^= 1;
	assert_signed(1, old_key);
	assert_int_equal(w->head.size, 2);
	assert_int_equal(world_log_note(w, other, sizeof(other), 2), SR_OK);
	assert_int_equal(w->head.size, 3);
	assert_signed(note.new_epoch, note.new_key);
	/* no second rotation of this start */
	assert_int_equal(ask_note(3), SR_NOT_ALLOWED);
	assert_int_equal(
	    world_log_note(w, other, sizeof(other), 3), SR_NOT_ALLOWED);
}

/* The old key may sign on, and then the note is worth nothing. */
static void
given_a_note_when_the_tree_grows_first_then_it_is_refused(void **state)
{
	uint8_t note[ROTATION_NOTE_LEN];

	(void)state;
	start(BANK_KEY_LOG);
	world_tree_start(w, 2, old.root, old.signature);
	assert_int_equal(ask_note(2), SR_OK);
	memcpy(note, w->keyd->rotation.note, sizeof(note));
	world_append(w, 2, leaf, 1);
	assert_int_equal(w->head.error, SR_OK);
	assert_signed(1, old_key);
	assert_int_equal(
	    world_log_note(w, note, sizeof(note), 2), SR_NOT_ALLOWED);
	assert_int_equal(
	    world_log_note(w, note, sizeof(note), 3), SR_NOT_ALLOWED);
	assert_int_equal(w->head.size, 3);
	assert_signed(1, old_key);
	/* as an ordinary leaf it rotates nothing */
	start(0);
	world_tree_start(w, 0, NULL, NULL);
	assert_signed(1, old_key);
}

static void
rotate(struct rotation_note *note)
{
	start(BANK_KEY_LOG);
	world_tree_start(w, 2, old.root, old.signature);
	assert_int_equal(ask_note(2), SR_OK);
	assert_int_equal(
	    rotation_note_read(w->keyd->rotation.note, ROTATION_NOTE_LEN, note),
	    SR_OK);
	assert_int_equal(
	    world_log_note(w, w->keyd->rotation.note, ROTATION_NOTE_LEN, 2),
	    SR_OK);
}

static void
given_the_new_key_when_the_old_one_is_shown_then_it_never_signs_again(
    void **state)
{
	struct certificate certificate;
	struct rotation_note note;

	(void)state;
	rotate(&note);
	world_append(w, 3, leaf, 1);
	assert_signed(note.new_epoch, note.new_key);
	for (int i = 0; i < 3; i++) {
		start(0);
		assert_int_equal(certificate_verify(w->keyd->state.certificate,
				     w->keyd->state.identity, &certificate),
		    SR_OK);
		assert_int_equal(certificate.epoch, note.new_epoch);
		assert_memory_equal(certificate.log_key, note.new_key, 32);
		world_tree_start(w, 2, old.root, old.signature);
		assert_int_equal(w->head.error, SR_CRYPTO);
		assert_signed(note.new_epoch, note.new_key);
		world_append(w, w->head.size, leaf, 1);
		assert_int_equal(w->head.error, SR_NOT_ALLOWED);
		world_tree_start(w, 0, NULL, NULL);
		world_append(w, w->head.size, leaf, 1);
		assert_int_equal(w->head.error, SR_OK);
		assert_signed(note.new_epoch, note.new_key);
	}
	/* a certificate renewed is of the new key */
	assert_int_equal(world_restart(w, true), SR_OK);
	assert_int_equal(certificate_verify(w->keyd->state.certificate,
			     w->keyd->state.identity, &certificate),
	    SR_OK);
	assert_memory_equal(certificate.log_key, note.new_key, 32);
}

/* Either slot of the state alone: neither signs under the old origin. */
static void
given_a_slot_of_the_state_lost_when_it_starts_then_the_key_stays_new(
    void **state)
{
	static const uint8_t zeros[64];
	struct rotation_note note;
	struct sim_disk *disk;

	(void)state;
	rotate(&note);
	disk = sim_copy(w->keyd_room);
	for (unsigned slot = 0; slot < 2; slot++) {
		struct env *env = &w->keyd_room->env;
		env_file file;

		sim_restore(w->keyd_room, disk);
		assert_int_equal(
		    env_open(env, "state", ENV_WRITE, &file), SR_OK);
		assert_int_equal(env_write(env, file, slot * STATE_SLOT_LEN,
				     zeros, sizeof(zeros)),
		    SR_OK);
		assert_int_equal(env_close(env, file), SR_OK);
		start(0);
		assert_int_equal(w->keyd->state.log_epoch, note.new_epoch);
		assert_int_equal(w->keyd->state.frontier.size, 3);
	}
	sim_copy_free(disk);
}

/* A clock that stands still gives a later epoch all the same. */
static void
given_two_rotations_at_one_time_when_made_then_two_epochs(void **state)
{
	struct rotation_note first, second;

	(void)state;
	rotate(&first);
	old = w->head;
	start(BANK_KEY_LOG);
	world_tree_start(w, 3, old.root, old.signature);
	assert_int_equal(ask_note(3), SR_OK);
	assert_int_equal(rotation_note_read(w->keyd->rotation.note,
			     ROTATION_NOTE_LEN, &second),
	    SR_OK);
	assert_true(second.new_epoch > first.new_epoch);
	assert_int_equal(second.old_epoch, first.new_epoch);
	assert_memory_equal(second.old_key, first.new_key, 32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_an_ordinary_start_when_a_note_is_asked_then_there_is_none),
	    TEST(
		given_a_rotation_start_when_ledgerd_asks_then_one_note_on_the_last_head),
	    TEST(given_a_note_when_the_tree_grows_first_then_it_is_refused),
	    TEST(
		given_the_new_key_when_the_old_one_is_shown_then_it_never_signs_again),
	    TEST(
		given_a_slot_of_the_state_lost_when_it_starts_then_the_key_stays_new),
	    TEST(given_two_rotations_at_one_time_when_made_then_two_epochs),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
