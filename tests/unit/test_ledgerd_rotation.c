/* SPDX-License-Identifier: ISC */
/*
 * A rotation of the log key, and of another of the certificate's with it,
 * through both rooms: after a power cut at every operation of it the bank has
 * the old keys or the new ones, never neither and never both, and an auditor
 * follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "ledgerd/certificates.h"
#include "tests/lib/sim_bank.h"
#include "tests/lib/sim_credentials.h"

#define RESTORES_PATH "ledger/" RESTORE_PATH
#define CERTIFICATES_PATH "ledger/public/certificates"

static struct sim_bank *bank;
static struct sim_people people;
static int64_t bob_before;
static uint64_t size_before;
static struct sim_disk *keyd_before, *ledger_before;

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

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	pay_bob(2);
	bob_before = sim_bank_posted(bank, people.bob.m4.account);
	size_before = bank->ledgerd->tree.size;
	sim_bank_end(bank);
	keyd_before = sim_copy(bank->keyd_room);
	ledger_before = sim_copy(bank->ledgerd_room);
	sim_advance(bank->sim, 60000);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_copy_free(keyd_before);
	sim_copy_free(ledger_before);
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
rotate_key(uint8_t key)
{
	sim_bank_end(bank);
	bank->rotate = key;
	return sim_bank_start(bank, true);
}

static enum sr_error
rotate(void)
{
	return rotate_key(BANK_KEY_LOG);
}

/* The rotation notes in public/restores; how many there are. */
static unsigned
read_notes(struct rotation_note *notes, unsigned max)
{
	struct env *env = &bank->ledgerd_room->env;
	uint8_t record[RESTORE_SALT_LEN + ROTATION_NOTE_LEN];
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
		    rotation_note_verify(record + RESTORE_SALT_LEN,
			ROTATION_NOTE_LEN, bank->keyd->state.bank_id,
			&notes[count++]),
		    SR_OK);
	}
	assert_int_equal(env_close(env, file), SR_OK);
	return count;
}

/* A checkpoint under the key in force, whose epoch it gives. */
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
	assert_int_equal(bank->ledgerd->certificate.epoch, epoch);
	assert_int_equal(bank->keyd->state.log_epoch, epoch);
	assert_memory_equal(bank->ledgerd->certificate.attestation_key,
	    bank->keyd->origin->attestation.public, 32);
	assert_memory_equal(bank->ledgerd->certificate.noise_key,
	    bank->keyd->origin->noise.public, 32);
	return epoch;
}

/* It is an ordinary bank, now and after a start. */
static void
assert_goes_on(void)
{
	uint32_t epoch = published_epoch();
	int64_t bob = sim_bank_posted(bank, people.bob.m4.account);

	pay_bob(2);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	pay_bob(1);
	assert_int_equal(published_epoch(), epoch);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), bob + 3);
	assert_int_equal(book_sum(&bank->ledgerd->book), 0);
	/* nothing was lost by it: keys come one after the other, as always */
	assert_false(bank->ledgerd->book.restored);
}

static void
given_a_rotation_start_when_it_ends_then_the_note_is_the_next_leaf(void **state)
{
	struct rotation_note note[2];
	uint8_t key[32];

	(void)state;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	memcpy(key, bank->ledgerd->certificate.log_key, sizeof(key));
	assert_int_equal(rotate(), SR_OK);
	assert_int_equal(read_notes(note, 2), 1);
	assert_int_equal(note[0].size, size_before);
	assert_int_equal(note[0].old_epoch, 1);
	assert_int_equal(note[0].new_epoch, bank->sim->now_ms / 1000);
	assert_memory_equal(note[0].old_key, key, 32);
	assert_memory_equal(
	    note[0].new_key, bank->ledgerd->certificate.log_key, 32);
	assert_int_equal(published_epoch(), note[0].new_epoch);
	assert_int_equal(bank->ledgerd->tree.size, size_before + 1);
	assert_int_equal(
	    sim_bank_posted(bank, people.bob.m4.account), bob_before);
	assert_goes_on();
	/* and once more */
	sim_advance(bank->sim, 5000);
	assert_int_equal(rotate(), SR_OK);
	assert_int_equal(read_notes(note, 2), 2);
	assert_int_equal(note[1].old_epoch, note[0].new_epoch);
	assert_memory_equal(note[1].old_key, note[0].new_key, 32);
	assert_goes_on();
}

static void
given_a_copy_of_the_note_lost_when_started_then_it_is_made_again(void **state)
{
	struct rotation_note note;

	(void)state;
	assert_int_equal(rotate(), SR_OK);
	sim_bank_end(bank);
	assert_int_equal(
	    env_remove(&bank->ledgerd_room->env, RESTORES_PATH), SR_OK);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(read_notes(&note, 1), 1);
	assert_goes_on();
}

static void
given_keyds_older_files_with_the_newer_log_then_the_old_key_does_not_sign(
    void **state)
{
	struct sim_disk *ledger;

	(void)state;
	assert_int_equal(rotate(), SR_OK);
	for (unsigned i = 0; i < 3; i++) {
		sim_bank_end(bank);
		ledger = sim_copy(bank->ledgerd_room);
		put(keyd_before, ledger);
		assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
		/* what ledgerd has stays as it is */
		put(keyd_before, ledger);
		assert_int_equal(rotate(), SR_ROLLED_BACK);
		put(keyd_before, ledger_before);
		sim_copy_free(ledger);
		sim_advance(bank->sim, 5000);
		assert_int_equal(rotate(), SR_OK);
		if (i > 0)
			pay_bob(i);
	}
}

/* Of the first nothing may be left when the second begins. */
static void
given_a_clock_that_is_behind_when_rotated_twice_from_there_then_two_origins(
    void **state)
{
	struct sim_disk *keyd, *ledger;
	uint32_t first, epoch[2];

	(void)state;
	assert_int_equal(rotate(), SR_OK);
	first = published_epoch();
	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	bank->sim->now_ms -= 60000;
	for (unsigned i = 0; i < 2; i++) {
		put(keyd, ledger);
		assert_int_equal(rotate(), SR_OK);
		epoch[i] = published_epoch();
		assert_in_range(
		    epoch[i], first + 1, first + KEYD_ORIGINS_APART_S);
	}
	assert_int_not_equal(epoch[0], epoch[1]);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* Every operation of the start; the bank must start whatever was cut. */
static void
given_a_cut_at_every_operation_when_started_then_the_old_key_or_the_new(
    void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	static const uint8_t keys[] = {BANK_KEY_ATTESTATION, BANK_KEY_NOISE,
	    BANK_KEY_OPAQUE, BANK_KEY_LOG};
	unsigned cuts = 0, rotated = 0, old = 0;
	struct rotation_note note[2];
	bool finished = false;

	(void)state;
	for (uint64_t cut = 1; !finished; cut++) {
		uint8_t key = keys[cut / 3 % sizeof(keys)];
		enum sr_error error;

		put(keyd_before, ledger_before);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		error = rotate_key(key);
		finished = !bank->sim->dark;
		assert_true(!finished || error == SR_OK);
		cuts += !finished;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		if (published_epoch() == 1) {
			assert_false(finished);
			assert_int_equal(read_notes(note, 2), 0);
			old++;
			pay_bob(1);
			assert_int_equal(published_epoch(), 1);
			assert_int_equal(bank->keyd->state.key[key].epoch, 1);
			/* and then it succeeds */
			assert_int_equal(rotate_key(key), SR_OK);
		} else {
			rotated++;
		}
		assert_int_equal(read_notes(note, 2), 1);
		assert_int_equal(note[0].new_epoch, published_epoch());
		if (key != BANK_KEY_LOG)
			assert_int_equal(bank->keyd->state.key[key].epoch,
			    note[0].new_epoch);
		assert_true(
		    sim_bank_posted(bank, people.bob.m4.account) - bob_before <=
		    1);
		assert_int_equal(book_sum(&bank->ledgerd->book), 0);
	}
	assert_true(cuts > 15 && rotated > 3 && old > 10);
	assert_goes_on();
}

/* ---- the attestation key --------------------------------------------------- */

/* The certificate with that key id, as the bank gives it to Ada. */
static enum sr_error
ask_certificate(uint32_t key_id, struct certificate *out)
{
	uint8_t bytes[MESSAGE_CERTIFICATE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_certificate_get get = {.request = 7, .key_id = key_id};
	struct message_certificate answer;
	struct reader body = {0};
	unsigned type = 0;

	assert_int_equal(message_certificate_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, &people.ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_CERTIFICATE);
	assert_int_equal(
	    message_certificate_decode(body.at, reader_left(&body), &answer),
	    SR_OK);
	assert_int_equal(answer.request, 7);
	assert_int_equal(answer.certificate_len,
	    answer.error == SR_OK ? CERTIFICATE_LEN : 0);
	if (answer.error == SR_OK)
		assert_int_equal(certificate_verify(answer.certificate,
				     bank->ledgerd->identity, out),
		    SR_OK);
	return answer.error;
}

static void
given_attestations_of_the_former_key_when_it_is_rotated_then_they_serve(
    void **state)
{
	struct certificate first, second, got;
	struct attestation attestation;

	(void)state;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	first = bank->ledgerd->certificate;
	assert_int_equal(rotate_key(BANK_KEY_ATTESTATION), SR_OK);
	second = bank->ledgerd->certificate;
	assert_memory_not_equal(
	    first.attestation_key, second.attestation_key, 32);
	assert_memory_equal(first.noise_key, second.noise_key, 32);
	assert_true(second.epoch > first.epoch);
	for (unsigned i = 0; i < 3; i++) {
		assert_goes_on();
		assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
		assert_int_equal(attestation_verify(people.ada.m4.attestation,
				     first.attestation_key,
				     bank->ledgerd->bank_id, &attestation),
		    SR_OK);
		assert_int_equal(attestation.key_id, first.key_id);
		assert_int_equal(
		    ask_certificate(attestation.key_id, &got), SR_OK);
		assert_memory_equal(&got, &first, sizeof(got));
		/* whoever asks does not end a bank whose disk fails */
		bank->ledgerd_room->fault[SIM_FAIL_READ] = 1;
		assert_int_equal(
		    ask_certificate(attestation.key_id, &got), SR_IO);
		assert_int_equal(
		    ask_certificate(attestation.key_id, &got), SR_OK);
		/* and over another rotation, of whichever key */
		sim_advance(bank->sim, 5000);
		assert_int_equal(
		    rotate_key(i == 0 ? BANK_KEY_LOG : BANK_KEY_ATTESTATION),
		    SR_OK);
	}
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(ask_certificate(second.key_id, &got), SR_OK);
	assert_memory_equal(&got, &second, sizeof(got));
	assert_int_equal(
	    ask_certificate(second.key_id ^ 1, &got), SR_NOT_FOUND);
}

static void
given_a_rotated_attestation_key_when_keyd_attests_then_by_the_new_one(
    void **state)
{
	struct certificate first;
	struct sim_person max;
	struct attestation attestation;

	(void)state;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	first = bank->ledgerd->certificate;
	assert_int_equal(rotate_key(BANK_KEY_ATTESTATION), SR_OK);
	for (unsigned i = 0; i < 2; i++) {
		sim_person_init(&max, i == 0 ? "max" : "moritz", "secret");
		assert_int_equal(sim_person_register(bank, &max), SR_OK);
		assert_int_equal(sim_person_log_in(bank, &max), SR_OK);
		assert_int_equal(attestation_verify(max.m4.attestation,
				     bank->ledgerd->certificate.attestation_key,
				     bank->ledgerd->bank_id, &attestation),
		    SR_OK);
		assert_int_equal(
		    attestation.key_id, bank->ledgerd->certificate.key_id);
		assert_int_equal(attestation_verify(max.m4.attestation,
				     first.attestation_key,
				     bank->ledgerd->bank_id, &attestation),
		    SR_SIGNATURE);
		/* of a start more */
		assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	}
}

/* What a key has signed is believed by the certificate that it names alone. */
static void
given_an_attestation_by_no_key_of_the_bank_when_looked_at_then_refused(
    void **state)
{
	uint8_t bytes[ATTESTATION_LEN], public[32], secret[64];
	struct attestation attestation;

	(void)state;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	memcpy(bytes, people.ada.m4.attestation, sizeof(bytes));
	assert_int_equal(rotate_key(BANK_KEY_ATTESTATION), SR_OK);
	assert_int_equal(
	    certificates_attested(bank->ledgerd, bytes, &attestation), SR_OK);
	crypto_sign_keypair(public, secret);
	attestation_sign(&attestation, secret, bytes);
	assert_int_equal(
	    certificates_attested(bank->ledgerd, bytes, &attestation),
	    SR_SIGNATURE);
	/* by a name that no certificate has */
	attestation.key_id ^= 1;
	attestation_sign(&attestation, secret, bytes);
	assert_int_equal(
	    certificates_attested(bank->ledgerd, bytes, &attestation),
	    SR_SIGNATURE);
}

/* The first certificate is lost: the next one is no stand-in for it. */
static void
given_no_certificate_of_an_attestation_when_looked_at_then_refused(void **state)
{
	enum { ENTRY_LEN = 2 + CERTIFICATE_LEN };
	uint8_t whole[4 * ENTRY_LEN], bytes[ATTESTATION_LEN];
	struct attestation attestation;
	const uint8_t *now;
	size_t len;

	(void)state;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	memcpy(bytes, people.ada.m4.attestation, sizeof(bytes));
	assert_int_equal(rotate_key(BANK_KEY_ATTESTATION), SR_OK);
	memset(
	    &bank->ledgerd->former_certificate, 0, sizeof(struct certificate));
	now = sim_file(bank->ledgerd_room, CERTIFICATES_PATH, &len);
	assert_in_range(len, 2 * ENTRY_LEN, sizeof(whole));
	memcpy(whole, now, len);
	sim_put(bank->ledgerd_room, CERTIFICATES_PATH, whole + len - ENTRY_LEN,
	    ENTRY_LEN);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    certificates_attested(bank->ledgerd, bytes, &attestation),
		    SR_SIGNATURE);
	sim_put(bank->ledgerd_room, CERTIFICATES_PATH, whole, len);
	assert_int_equal(
	    certificates_attested(bank->ledgerd, bytes, &attestation), SR_OK);
}

/* ---- the channel key ------------------------------------------------------- */

static void
given_the_channel_key_rotated_when_the_former_one_is_used_then_no_answer(
    void **state)
{
	uint8_t first[32];

	(void)state;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	memcpy(first, bank->ledgerd->certificate.noise_key, sizeof(first));
	assert_int_equal(rotate_key(BANK_KEY_NOISE), SR_OK);
	assert_memory_not_equal(
	    bank->ledgerd->certificate.noise_key, first, sizeof(first));
	assert_int_equal(bank->keyd->state.key[BANK_KEY_NOISE].former, 0);
	assert_int_equal(bank->keyd->state.key[BANK_KEY_ATTESTATION].epoch, 1);
	assert_goes_on();
	/* and what goes with it is the certificate of the same set */
	assert_memory_equal(bank->hello + HELLO_FIXED_LEN,
	    bank->keyd->state.certificate, CERTIFICATE_LEN);
	assert_memory_equal(bank->keyd->origin->noise.public,
	    bank->ledgerd->certificate.noise_key, 32);
}

/* ---- the password key ------------------------------------------------------ */

/* Set by the password, or set again. */
static enum sr_error
set_credential(
    struct sim_person *person, uint8_t target, const char *secret, bool renews)
{
	struct sim_change change = {.target = target,
	    .secret = person->password,
	    .new_secret = secret,
	    .renews = renews};
	struct payload_m5 m5;
	enum sr_error error = sim_person_change(bank, person, &change, &m5);

	return error == SR_OK ? sim_bank_run(bank) : error;
}

/* The epoch of the pair that the customer's credential is bound to. */
static uint32_t
pair_of(const struct sim_person *person, uint8_t slot)
{
	struct customer found;

	assert_int_equal(credentials_read(&bank->keyd->credentials,
			     person->m4.customer, &found),
	    SR_OK);
	return found.credential[slot].pair_epoch;
}

/* By which credential, and whether the bank asks for a new record. */
static void
assert_logs_in(
    struct sim_person *person, uint8_t slot, const char *secret, bool renew)
{
	assert_int_equal(
	    sim_person_log_in_by(bank, person, slot, secret), SR_OK);
	assert_int_equal(person->m4.renew, renew);
}

/* Of keyd as it runs now: each start has one of its own. */
static uint64_t
former_pair(void)
{
	return credentials_former_pair(&bank->keyd->credentials);
}

static void
given_the_password_key_rotated_when_a_customer_logs_in_then_moved_once(
    void **state)
{
	struct sim_person *ada = &people.ada, *bob = &people.bob;
	uint32_t epoch;
	uint64_t all;

	(void)state;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_logs_in(ada, SLOT_PASSWORD, ada->password, false);
	assert_int_equal(
	    set_credential(ada, SLOT_RECOVERY, "code", false), SR_OK);
	assert_int_equal(rotate_key(BANK_KEY_OPAQUE), SR_OK);
	epoch = bank->keyd->state.log_epoch;
	assert_int_equal(bank->keyd->state.key[BANK_KEY_OPAQUE].epoch, epoch);
	assert_memory_equal(bank->keyd->origin->opaque.public_key,
	    bank->ledgerd->certificate.opaque_key, 32);
	/* each has a password, and ada a code */
	all = former_pair();
	assert_int_equal(all, bank->keyd->credentials.customers + 1);
	assert_int_equal(credentials_former(&bank->keyd->credentials), 0);
	assert_logs_in(ada, SLOT_RECOVERY, "code", false);
	assert_logs_in(ada, SLOT_PASSWORD, ada->password, true);
	assert_int_equal(pair_of(ada, SLOT_PASSWORD), KEYS_EPOCH);
	assert_int_equal(
	    set_credential(ada, SLOT_PASSWORD, ada->password, true), SR_OK);
	assert_int_equal(pair_of(ada, SLOT_PASSWORD), epoch);
	assert_int_equal(pair_of(ada, SLOT_RECOVERY), KEYS_EPOCH);
	assert_int_equal(
	    set_credential(ada, SLOT_PASSWORD, ada->password, true),
	    SR_NOT_ALLOWED);
	assert_logs_in(ada, SLOT_PASSWORD, ada->password, false);
	assert_int_equal(former_pair(), all - 1);
	/* two epochs back, and through an ordinary start */
	sim_advance(bank->sim, 5000);
	assert_int_equal(rotate_key(BANK_KEY_OPAQUE), SR_OK);
	assert_int_equal(former_pair(), all);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(former_pair(), all);
	assert_logs_in(bob, SLOT_PASSWORD, bob->password, true);
	assert_logs_in(ada, SLOT_PASSWORD, ada->password, true);
	assert_int_equal(
	    sim_person_log_in_by(bank, bob, SLOT_PASSWORD, "wrong"), SR_LOGIN);
	/* the code moves when it is replaced */
	assert_int_equal(
	    set_credential(ada, SLOT_RECOVERY, "code", false), SR_OK);
	assert_int_equal(
	    pair_of(ada, SLOT_RECOVERY), bank->keyd->state.log_epoch);
	assert_logs_in(ada, SLOT_RECOVERY, "code", false);
	assert_goes_on();
}

static void
given_a_key_that_does_not_rotate_so_when_asked_then_no_start(void **state)
{
	static const uint8_t keys[] = {
	    BANK_KEY_OPRF, BANK_KEY_CREDENTIAL, BANK_KEY_STATE, 23};

	(void)state;
	for (unsigned i = 0; i < sizeof(keys); i++)
		assert_int_equal(rotate_key(keys[i]), SR_PARAMETERS);
	sim_bank_end(bank);
	bank->rotate = 0;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(published_epoch(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_rotation_start_when_it_ends_then_the_note_is_the_next_leaf),
	    TEST(
		given_a_copy_of_the_note_lost_when_started_then_it_is_made_again),
	    TEST(
		given_keyds_older_files_with_the_newer_log_then_the_old_key_does_not_sign),
	    TEST(
		given_a_clock_that_is_behind_when_rotated_twice_from_there_then_two_origins),
	    TEST(
		given_a_cut_at_every_operation_when_started_then_the_old_key_or_the_new),
	    TEST(
		given_attestations_of_the_former_key_when_it_is_rotated_then_they_serve),
	    TEST(
		given_a_rotated_attestation_key_when_keyd_attests_then_by_the_new_one),
	    TEST(
		given_an_attestation_by_no_key_of_the_bank_when_looked_at_then_refused),
	    TEST(
		given_no_certificate_of_an_attestation_when_looked_at_then_refused),
	    TEST(
		given_the_channel_key_rotated_when_the_former_one_is_used_then_no_answer),
	    TEST(
		given_the_password_key_rotated_when_a_customer_logs_in_then_moved_once),
	    TEST(given_a_key_that_does_not_rotate_so_when_asked_then_no_start),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
