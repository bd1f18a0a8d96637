/* SPDX-License-Identifier: ISC */
/*
 * The bank goes on from an older state: whichever of its files are old, after
 * a power cut at every operation, and at every start afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/lib/sim_bank.h"
#include "tests/lib/sim_credentials.h"

#define CHECKPOINT_PATH "ledger/public/checkpoint"
#define RESTORES_PATH "ledger/" RESTORE_PATH

static struct sim_bank *bank;
static struct sim_people people;
static int64_t bob_before;
static uint64_t old_size, new_size;
static struct sim_disk *old_keyd, *old_ledger, *new_keyd, *new_ledger;

static void
pay_bob(unsigned times)
{
	struct message_order_answer answer;

	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	for (unsigned i = 0; i < times; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
}

/* An old day and a new one, of both rooms' disks. */
static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	pay_bob(1);
	bob_before = sim_bank_posted(bank, people.bob.m4.account);
	old_size = bank->ledgerd->tree.size;
	sim_bank_end(bank);
	old_keyd = sim_copy(bank->keyd_room);
	old_ledger = sim_copy(bank->ledgerd_room);
	sim_advance(bank->sim, 60000);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	pay_bob(3);
	new_size = bank->ledgerd->tree.size;
	sim_bank_end(bank);
	new_keyd = sim_copy(bank->keyd_room);
	new_ledger = sim_copy(bank->ledgerd_room);
	sim_advance(bank->sim, 60000);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_copy_free(old_keyd);
	sim_copy_free(old_ledger);
	sim_copy_free(new_keyd);
	sim_copy_free(new_ledger);
	sim_bank_free(bank);
	return 0;
}

static void
put(const struct sim_disk *keyd, const struct sim_disk *ledger)
{
	sim_bank_end(bank);
	sim_restore(bank->keyd_room, keyd);
	sim_restore(bank->ledgerd_room, ledger);
}

static enum sr_error
restore(void)
{
	bank->restore = true;
	return sim_bank_start(bank, true);
}

/* The notes in public/restores; how many there are. */
static unsigned
read_notes(struct restore_note *notes, unsigned max)
{
	struct env *env = &bank->ledgerd_room->env;
	uint8_t record[RESTORE_RECORD_LEN];
	unsigned count = 0;
	env_file file;
	uint64_t len;

	if (env_open(env, RESTORES_PATH, ENV_READ, &file) != SR_OK)
		return 0;
	assert_int_equal(env_size(env, file, &len), SR_OK);
	assert_int_equal(len % sizeof(record), 0);
	for (uint64_t at = 0; at < len; at += sizeof(record)) {
		assert_true(count < max);
		assert_int_equal(
		    env_read(env, file, at, record, sizeof(record)), SR_OK);
		assert_int_equal(
		    restore_note_verify(record + RESTORE_SALT_LEN,
			RESTORE_NOTE_LEN, bank->keyd->state.identity,
			&notes[count++]),
		    SR_OK);
	}
	assert_int_equal(env_close(env, file), SR_OK);
	return count;
}

/* A checkpoint under the origin in force, whose number it gives. */
static uint32_t
published_epoch(void)
{
	uint8_t bank_id[32];
	struct note note;
	uint32_t epoch;

	assert_int_equal(note_parse(bank->ledgerd->checkpoint,
			     bank->ledgerd->checkpoint_len, &note),
	    SR_OK);
	assert_int_equal(
	    note_verify(&note, bank->ledgerd->certificate.log_key), SR_OK);
	assert_int_equal(
	    note_origin_parse(note.checkpoint.origin, bank_id, &epoch), SR_OK);
	assert_int_equal(note.checkpoint.size, bank->ledgerd->tree.size);
	return epoch;
}

/* It is an ordinary bank, now and after a start. */
static void
assert_goes_on(void)
{
	uint32_t epoch = published_epoch();
	int64_t bob = sim_bank_posted(bank, people.bob.m4.account);

	assert_int_equal(bank->ledgerd->certificate.epoch, epoch);
	pay_bob(2);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	pay_bob(1);
	assert_int_equal(published_epoch(), epoch);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), bob + 3);
	assert_int_equal(book_sum(&bank->ledgerd->book), 0);
}

static void
given_an_old_ledger_when_restored_then_keyd_knows_how_much_is_lost(void **state)
{
	struct restore_note note;

	(void)state;
	put(new_keyd, old_ledger);
	assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(&note, 1), 1);
	assert_int_equal(note.restored_size, old_size);
	assert_int_equal(note.last_size, new_size);
	assert_int_equal(note.new_epoch, bank->sim->now_ms / 1000);
	assert_int_equal(published_epoch(), note.new_epoch);
	assert_int_equal(
	    sim_bank_posted(bank, people.bob.m4.account), bob_before);
	assert_goes_on();
}

static void
given_all_files_old_when_restored_then_the_loss_is_not_known(void **state)
{
	struct restore_note note;

	(void)state;
	put(old_keyd, old_ledger);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(&note, 1), 1);
	assert_int_equal(note.restored_size, old_size);
	assert_int_equal(note.last_size, 0);
	assert_goes_on();
}

static void
given_old_files_of_keyd_when_restored_then_the_whole_ledger_stays(void **state)
{
	struct restore_note note;

	(void)state;
	put(old_keyd, new_ledger);
	assert_int_not_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(&note, 1), 1);
	assert_int_equal(note.restored_size, new_size);
	assert_int_equal(note.last_size, 0);
	assert_int_equal(
	    sim_bank_posted(bank, people.bob.m4.account), bob_before + 3);
	assert_goes_on();
}

static void
given_no_checkpoint_when_restored_then_a_commit_says_what_was_signed(
    void **state)
{
	struct restore_note note;

	(void)state;
	put(old_keyd, new_ledger);
	assert_int_equal(
	    env_remove(&bank->ledgerd_room->env, CHECKPOINT_PATH), SR_OK);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(&note, 1), 1);
	/* the last batch's own signature stood nowhere else */
	assert_int_equal(note.restored_size, new_size - 1);
	assert_true(bank->ledgerd->recovered > 0);
	assert_int_equal(
	    sim_bank_posted(bank, people.bob.m4.account), bob_before + 2);
	assert_goes_on();
}

static void
given_two_restores_when_the_second_goes_further_back_then_one_note_is_left(
    void **state)
{
	struct restore_note notes[2];
	uint32_t first;

	(void)state;
	put(old_keyd, new_ledger);
	assert_int_equal(restore(), SR_OK);
	first = published_epoch();
	sim_bank_end(bank);
	/* keyd's state stays: it knows the origin that is given up */
	sim_restore(bank->ledgerd_room, old_ledger);
	sim_advance(bank->sim, 5000);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(notes, 2), 1);
	assert_int_equal(notes[0].restored_size, old_size);
	assert_int_equal(notes[0].restored_epoch, 1);
	assert_int_equal(notes[0].old_epoch, first);
	assert_true(notes[0].new_epoch > first);
	/* and a third one, from where it stands */
	pay_bob(1);
	sim_bank_end(bank);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(notes, 2), 2);
	assert_int_equal(notes[1].restored_epoch, notes[0].new_epoch);
	assert_true(notes[1].new_epoch > notes[0].new_epoch);
	assert_goes_on();
}

/* A file beside the journal that says what is lost, as strongroomctl puts it. */
static void
put_lost(const char *text, size_t len)
{
	struct env *env = &bank->ledgerd_room->env;
	env_file file;

	assert_int_equal(
	    env_open(env, "ledger/lost.checkpoint", ENV_CREATE, &file), SR_OK);
	assert_int_equal(env_write(env, file, 0, text, len), SR_OK);
	assert_int_equal(env_sync(env, file), SR_OK);
	assert_int_equal(env_close(env, file), SR_OK);
}

static void
given_a_lost_checkpoint_when_restored_then_it_must_be_keyds_own(void **state)
{
	struct restore_note note;
	char text[NOTE_MAX];
	size_t len;

	(void)state;
	put(new_keyd, new_ledger);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	len = bank->ledgerd->checkpoint_len;
	memcpy(text, bank->ledgerd->checkpoint, len);
	put(old_keyd, old_ledger);
	put_lost(text, len);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(&note, 1), 1);
	assert_int_equal(note.last_size, new_size);
	put(old_keyd, old_ledger);
	text[len - 20] = text[len - 20] == 'A' ? 'B' : 'A';
	put_lost(text, len);
	assert_int_equal(restore(), SR_CRYPTO);
}

/* Another head than the wanted one is under keyd's signature, too. */
static void
given_a_wanted_head_when_ledgerd_presents_another_then_keyd_refuses(
    void **state)
{
	struct restore_note note;

	(void)state;
	put(new_keyd, old_ledger);
	bank->restore_epoch = 1;
	bank->restore_size = new_size;
	assert_int_equal(restore(), SR_ROLLED_BACK);
	bank->restore_epoch = 2;
	bank->restore_size = old_size;
	assert_int_equal(restore(), SR_ROLLED_BACK);
	bank->restore_epoch = 1;
	bank->restore_size = old_size;
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(read_notes(&note, 1), 1);
	assert_int_equal(note.restored_size, old_size);
	assert_goes_on();
}

/* Ada's keys of that number, in place of those before. */
static void
rekey_ada(unsigned number)
{
	uint8_t public_key[32], secret_key[64];
	struct sim_change half = {.slot = SLOT_PASSWORD,
	    .secret = people.ada.password,
	    .target = SLOT_RECOVERY,
	    .new_secret = "a new recovery code",
	    .signing_public = public_key,
	    .signing_secret = secret_key,
	    .old_secret = people.ada.signing_secret};
	struct payload_m5 m5;

	sim_keys(number, public_key, secret_key);
	assert_int_equal(
	    sim_person_change(bank, &people.ada, &half, &m5), SR_OK);
	half.target = SLOT_PASSWORD;
	half.new_secret = people.ada.password;
	assert_int_equal(
	    sim_person_change(bank, &people.ada, &half, &m5), SR_OK);
	memcpy(people.ada.signing_public, public_key, 32);
	memcpy(people.ada.signing_secret, secret_key, 64);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
}

/* keyd has the last attestation; those in between are lost for good. */
static void
given_keys_replaced_twice_in_the_lost_part_when_restored_then_one_logs_in(
    void **state)
{
	(void)state;
	put(new_keyd, new_ledger);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	rekey_ada(1);
	rekey_ada(2);
	sim_bank_end(bank);
	sim_restore(bank->ledgerd_room, old_ledger);
	assert_int_equal(restore(), SR_OK);
	assert_goes_on();
	rekey_ada(3);
	assert_goes_on();
}

/* What comes after the damage is set aside, not in the way. */
static void
given_damage_with_segments_after_it_when_restored_then_these_are_set_aside(
    void **state)
{
	struct env *env = &bank->ledgerd_room->env;
	uint8_t byte;
	uint32_t last;
	env_file file;

	(void)state;
	put(new_keyd, new_ledger);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	while (bank->ledgerd->segments.number < 3)
		pay_bob(10);
	last = bank->ledgerd->segments.number;
	sim_bank_end(bank);
	assert_int_equal(
	    env_open(env, "ledger/segment/00000000.log", ENV_WRITE, &file),
	    SR_OK);
	assert_int_equal(env_read(env, file, 30000, &byte, 1), SR_OK);
	byte ^= 1;
	assert_int_equal(env_write(env, file, 30000, &byte, 1), SR_OK);
	assert_int_equal(env_sync(env, file), SR_OK);
	assert_int_equal(env_close(env, file), SR_OK);
	assert_int_equal(restore(), SR_OK);
	assert_int_equal(bank->ledgerd->segments.number, 0);
	for (uint32_t i = 1; i <= last; i++) {
		char path[ENV_PATH_MAX];

		snprintf(path, sizeof(path), "ledger/segment/lost-%08u", i);
		assert_int_equal(env_open(env, path, ENV_READ, &file), SR_OK);
		assert_int_equal(env_close(env, file), SR_OK);
	}
	assert_goes_on();
	while (bank->ledgerd->segments.number < 2)
		pay_bob(10);
	assert_goes_on();
}

/*
 * The power is cut at every operation of the restore.  Afterwards the bank
 * is the old one or the restored one, or it says that the restore is to be
 * run again, and that succeeds; it is never one that goes on without a note.
 */
static void
cut_everywhere(
    const struct sim_disk *keyd, const struct sim_disk *ledger, bool old_starts)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	unsigned cuts = 0, restored = 0, old = 0;
	struct restore_note notes[2];
	bool finished = false;

	for (uint64_t cut = 1; !finished; cut++) {
		uint64_t from = old_size;
		enum sr_error error;

		put(keyd, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		error = restore();
		finished = !bank->sim->dark;
		assert_true(!finished || error == SR_OK);
		cuts += !finished;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		error = sim_bank_start(bank, false);
		if (error == SR_OK && bank->keyd->state.log_epoch > 1) {
			restored++;
		} else if (error == SR_OK) {
			assert_true(old_starts);
			assert_int_equal(read_notes(notes, 2), 0);
			old++;
			/* it may have logged that half a note was cut */
			from = bank->ledgerd->tree.size;
		} else {
			assert_false(finished);
			/* half of the note is damage to a keyd that
			 * knows of later entries */
			assert_true(error == SR_ROLLED_BACK ||
				    error == SR_FORKED || error == SR_DAMAGED);
		}
		if (error != SR_OK || bank->keyd->state.log_epoch == 1) {
			sim_bank_end(bank);
			assert_int_equal(restore(), SR_OK);
		}
		assert_int_equal(read_notes(notes, 2), 1);
		assert_int_equal(notes[0].new_epoch, published_epoch());
		assert_int_equal(notes[0].restored_size, from);
		assert_int_equal(
		    sim_bank_posted(bank, people.bob.m4.account), bob_before);
		assert_int_equal(book_sum(&bank->ledgerd->book), 0);
	}
	assert_true(cuts > 15 && restored > 3 && (!old_starts || old > 3));
	assert_goes_on();
}

static void
given_a_cut_with_live_keyd_when_started_again_then_old_or_restored(void **state)
{
	(void)state;
	cut_everywhere(new_keyd, old_ledger, false);
}

static void
given_a_cut_with_old_files_when_started_again_then_old_or_restored(void **state)
{
	(void)state;
	cut_everywhere(old_keyd, old_ledger, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_an_old_ledger_when_restored_then_keyd_knows_how_much_is_lost),
	    TEST(given_all_files_old_when_restored_then_the_loss_is_not_known),
	    TEST(
		given_old_files_of_keyd_when_restored_then_the_whole_ledger_stays),
	    TEST(
		given_no_checkpoint_when_restored_then_a_commit_says_what_was_signed),
	    TEST(
		given_two_restores_when_the_second_goes_further_back_then_one_note_is_left),
	    TEST(
		given_a_lost_checkpoint_when_restored_then_it_must_be_keyds_own),
	    TEST(
		given_a_wanted_head_when_ledgerd_presents_another_then_keyd_refuses),
	    TEST(
		given_keys_replaced_twice_in_the_lost_part_when_restored_then_one_logs_in),
	    TEST(
		given_damage_with_segments_after_it_when_restored_then_these_are_set_aside),
	    TEST(
		given_a_cut_with_live_keyd_when_started_again_then_old_or_restored),
	    TEST(
		given_a_cut_with_old_files_when_started_again_then_old_or_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
