/* SPDX-License-Identifier: ISC */
/*
 * The start of ledgerd: the same books after a restart, and a refusal of
 * whatever is damaged, older, or of another history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledgerd/commit.h"
#include "tests/lib/sim_bank.h"

static struct sim_bank *bank;
static struct sim_people people;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static void
given_a_restart_then_the_books_are_the_same_to_the_byte(void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_KEEP_ALL, SIM_LOSE_ALL, SIM_LOSE_SOME};
	struct message_order_answer answer;
	uint8_t before[32], after[32];
	uint64_t size;

	(void)state;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     1250, &answer),
	    SR_OK);
	book_digest(&bank->ledgerd->book, before);
	size = bank->ledgerd->tree.size;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(sim_bank_restart(bank, losses[i]), SR_OK);
		assert_true(bank->ready);
		book_digest(&bank->ledgerd->book, after);
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(bank->ledgerd->tree.size, size);
	}
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(people.ada.m4.next_seq, 2);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 50, &answer),
	    SR_OK);
	assert_int_equal(answer.leaf, size);
}

static void
given_a_journal_older_than_keyds_head_then_the_start_is_refused(void **state)
{
	struct sim_disk *older = sim_copy(bank->ledgerd_room);
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	sim_bank_end(bank);
	sim_restore(bank->ledgerd_room, older);
	sim_copy_free(older);
	assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
	assert_false(bank->ready);
}

static void
given_keyds_state_older_than_the_journal_then_the_start_is_refused(void **state)
{
	struct sim_disk *older = sim_copy(bank->keyd_room);
	struct message_order_answer answer;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	sim_bank_end(bank);
	sim_restore(bank->keyd_room, older);
	sim_copy_free(older);
	assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
	/* And without the checkpoint that told: two batches are unsigned. */
	sim_bank_end(bank);
	assert_int_equal(
	    env_remove(&bank->ledgerd_room->env, "ledger/public/checkpoint"),
	    SR_OK);
	assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
}

static void
given_another_history_of_the_same_length_then_the_start_is_refused(void **state)
{
	struct sim_disk *keyd = sim_copy(bank->keyd_room);
	struct sim_disk *ledger = sim_copy(bank->ledgerd_room);
	struct sim_disk *other;
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	sim_bank_end(bank);
	other = sim_copy(bank->ledgerd_room);
	sim_restore(bank->keyd_room, keyd);
	sim_restore(bank->ledgerd_room, ledger);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 2, &answer),
	    SR_OK);
	sim_bank_end(bank);
	sim_restore(bank->ledgerd_room, other);
	assert_int_equal(sim_bank_start(bank, false), SR_FORKED);
	sim_bank_end(bank);
	assert_int_equal(
	    env_remove(&bank->ledgerd_room->env, "ledger/public/checkpoint"),
	    SR_OK);
	assert_int_equal(sim_bank_start(bank, false), SR_FORKED);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
	sim_copy_free(other);
}

/* One byte of the open segment, turned over. */
static void
flip(size_t offset)
{
	const char *path = "ledger/segment/00000000.log";
	const uint8_t *bytes;
	uint8_t *copy;
	size_t len;

	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(bytes);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, bytes, len);
	copy[offset] ^= 0x40;
	sim_put(bank->ledgerd_room, path, copy, len);
	free(copy);
}

static void
given_a_changed_byte_below_what_was_signed_then_the_start_is_refused(
    void **state)
{
	uint64_t end = bank->ledgerd->segments.at;
	uint64_t signed_size = bank->ledgerd->tree.size;

	(void)state;
	sim_bank_end(bank);
	for (size_t at = 0; at < end; at += 97) {
		enum sr_error error;

		flip(at);
		error = sim_bank_start(bank, false);
		assert_true(error == SR_DAMAGED || error == SR_CRYPTO ||
			    error == SR_VERSION || error == SR_ROLLED_BACK);
		assert_false(bank->ready);
		assert_int_equal(bank->keyd->state.frontier.size, signed_size);
		sim_bank_end(bank);
		/* What the ended rooms had open is closed. */
		sim_crash(bank->keyd_room, SIM_KEEP_ALL);
		sim_crash(bank->ledgerd_room, SIM_KEEP_ALL);
		flip(at);
	}
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
}

static void
given_a_torn_batch_above_what_was_signed_then_it_is_cut_and_told(void **state)
{
	struct message_order_answer answer;
	uint64_t at, size, cut;
	char path[64];
	size_t len;

	(void)state;
	/* The power fails when keyd is asked: the batch lies there whole. */
	at = bank->ledgerd->segments.at;
	size = bank->ledgerd->tree.size;
	bank->keyd_room->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	cut = bank->ledgerd->segments.at - at;
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, SIM_LOSE_ALL);
	sim_crash(bank->ledgerd_room, SIM_LOSE_ALL);
	flip((size_t)at + 40);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);
	assert_true(
	    bank->ledgerd->recovered > 0 && bank->ledgerd->recovered <= cut);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
	snprintf(path, sizeof(path), "ledger/tail-00000000-%llu",
	    (unsigned long long)at);
	assert_non_null(sim_file(bank->ledgerd_room, path, &len));
	assert_int_equal(len, bank->ledgerd->recovered);
	/* Once is enough. */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(bank->ledgerd->recovered, 0);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
}

/*
 * The zeros over the tail are not on the disk, though they can be read; who
 * starts next without a power cut between must not take them for durable.
 */
static void
given_a_cut_whose_sync_failed_when_it_starts_again_then_it_is_cut_again(
    void **state)
{
	static const char path[] = "ledger/segment/00000000.log";
	uint64_t at = bank->ledgerd->segments.at;
	const uint8_t *bytes;
	uint8_t *segment;
	size_t len;

	(void)state;
	sim_bank_end(bank);
	bytes = sim_file(bank->ledgerd_room, path, &len);
	segment = malloc(len);
	assert_non_null(segment);
	memcpy(segment, bytes, len);
	memset(segment + at + 1000, 0x55, 5000);
	sim_put(bank->ledgerd_room, path, segment, len);
	free(segment);
	/* the first one is the copy's */
	bank->ledgerd_room->fault[SIM_FAIL_SYNC] = 2;
	assert_int_equal(sim_bank_start(bank, false), SR_IO);
	assert_int_equal(bank->ledgerd_room->fault[SIM_FAIL_SYNC], 0);
	assert_false(sim_durable(bank->ledgerd_room, path));
	sim_bank_end(bank);
	sim_kill(bank->keyd_room);
	sim_kill(bank->ledgerd_room);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_true(sim_durable(bank->ledgerd_room, path));
	assert_int_equal(bank->ledgerd->recovered, 6000);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(bank->ledgerd->recovered, 0);
}

/* A month is over, and the header of the next segment is in memory only. */
static void
given_a_header_whose_sync_failed_when_it_starts_again_then_it_is_durable(
    void **state)
{
	static const char path[] = "ledger/segment/00000001.log";
	static const struct entry_event event = {.code = SYSTEM_CLOCK};

	(void)state;
	sim_advance(bank->sim, UINT64_C(40) * 86400000);
	bank->ledgerd_room->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(commit_system(bank->ledgerd, &event), SR_IO);
	assert_int_equal(bank->ledgerd->segments.number, 0);
	assert_false(sim_durable(bank->ledgerd_room, path));
	sim_bank_end(bank);
	sim_kill(bank->keyd_room);
	sim_kill(bank->ledgerd_room);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(bank->ledgerd->segments.number, 1);
	assert_true(sim_durable(bank->ledgerd_room, path));
	assert_int_equal(commit_system(bank->ledgerd, &event), SR_OK);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
}

static void
given_a_journal_that_the_rules_contradict_then_the_start_is_refused(
    void **state)
{
	struct message_order_answer answer;

	(void)state;
	/* As if another ledgerd had booked an overdraft. */
	book_account(&bank->ledgerd->book, people.ada.m4.account)->floor_minor =
	    -20000;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     10001, &answer),
	    SR_OK);
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_DAMAGED);
}

/* Sealed and signed, so no damage: a newer ledgerd wrote it. */
static void
given_an_event_that_is_not_known_then_the_start_is_refused_as_a_newer_version(
    void **state)
{
	static const struct entry_event event = {.code = 250};
	const char *path = "ledger/segment/00000000.log";
	const uint8_t *bytes;
	uint8_t *before;
	size_t len;

	(void)state;
	assert_int_equal(commit_system(bank->ledgerd, &event), SR_OK);
	bytes = sim_file(bank->ledgerd_room, path, &len);
	before = malloc(len);
	assert_non_null(before);
	memcpy(before, bytes, len);
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_VERSION);
	assert_memory_equal(
	    before, sim_file(bank->ledgerd_room, path, &len), len);
	free(before);
}

/* In which order segment, keyd's state and netd's link were served. */
static struct {
	unsigned segment_syncs;
	unsigned state_syncs;
	bool asked;        /* ledgerd has sent something */
	bool keyd_first;   /* keyd synced before the segment was synced */
	bool answer_first; /* ledgerd wrote to netd before keyd synced */
} seen;

static void
watch(void *context, struct sim_room *room, enum sim_operation operation,
    const char *path)
{
	(void)context;
	if (room == bank->ledgerd_room && operation == SIM_SYNC &&
	    strncmp(path, "ledger/segment/", 15) == 0)
		seen.segment_syncs++;
	if (room == bank->ledgerd_room && operation == SIM_SEND)
		seen.asked = true;
	if (room == bank->keyd_room && operation == SIM_SYNC && seen.asked &&
	    strcmp(path, "state") == 0) {
		seen.keyd_first |= seen.segment_syncs == 0;
		seen.state_syncs++;
	}
}

static void
given_an_unsigned_batch_at_the_start_then_it_is_synced_before_it_is_signed(
    void **state)
{
	struct message_order_answer answer;

	(void)state;
	bank->keyd_room->fault[SIM_FAIL_SYNC] = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, SIM_LOSE_ALL);
	sim_crash(bank->ledgerd_room, SIM_KEEP_ALL);
	memset(&seen, 0, sizeof(seen));
	bank->sim->watch = watch;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	bank->sim->watch = NULL;
	assert_true(seen.state_syncs > 0);
	assert_false(seen.keyd_first);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 1);
}

static void
given_bytes_in_the_unused_rest_then_they_are_cut_and_logged(void **state)
{
	uint64_t at = bank->ledgerd->segments.at;
	uint64_t size = bank->ledgerd->tree.size;

	(void)state;
	sim_bank_end(bank);
	flip((size_t)at + 5000);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(bank->ledgerd->recovered, 5001);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);
}

static void
given_a_new_certificate_then_both_are_kept(void **state)
{
	const char *path = "ledger/public/certificates";
	struct message_order_answer answer;
	const uint8_t *bytes;
	size_t len;

	(void)state;
	assert_non_null(sim_file(bank->ledgerd_room, path, &len));
	assert_int_equal(len, 2 + CERTIFICATE_LEN);
	sim_advance(bank->sim, 86400 * 1000);
	assert_int_equal(sim_bank_start(bank, true), SR_OK);
	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_int_equal(len, 2 * (2 + CERTIFICATE_LEN));
	assert_memory_equal(bytes + len - CERTIFICATE_LEN,
	    bank->keyd->state.certificate, CERTIFICATE_LEN);
	/* Once, not at each start. */
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_non_null(sim_file(bank->ledgerd_room, path, &len));
	assert_int_equal(len, 2 * (2 + CERTIFICATE_LEN));
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
}

static void
given_a_founded_bank_then_it_cannot_be_founded_again(void **state)
{
	uint64_t size = bank->ledgerd->tree.size;

	(void)state;
	assert_int_equal(
	    sim_bank_found(bank, &people.ada, &people.bob), SR_NOT_ALLOWED);
	assert_int_equal(bank->ledgerd->tree.size, size);
}

static void
given_the_public_checkpoint_then_it_is_keyds_head(void **state)
{
	struct note note;
	const uint8_t *text;
	size_t len;

	(void)state;
	text = sim_file(bank->ledgerd_room, "ledger/public/checkpoint", &len);
	assert_non_null(text);
	assert_int_equal(note_parse(text, len, &note), SR_OK);
	assert_int_equal(
	    note_verify(&note, bank->keyd->origin->log.public), SR_OK);
	assert_int_equal(note.checkpoint.size, bank->ledgerd->tree.size);
	assert_int_equal(note.checkpoint.size, bank->keyd->state.frontier.size);
}

/* Lets keyd go on with handshakes before ledgerd's first question. */
static struct {
	struct sim_room *keyd_room;
	sim_step step;
	struct message_session_open opening;
	bool sent;
} early;

static void
step_with_log_in(void *context)
{
	uint8_t bytes[MESSAGE_SESSION_OPEN_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	if (!early.sent) {
		early.sent = true;
		assert_int_equal(
		    message_session_open_encode(&w, &early.opening), SR_OK);
		assert_int_equal(env_send(&early.keyd_room->env, ENV_LEDGERD,
				     bytes, writer_len(&w)),
		    SR_OK);
	}
	early.step(context);
}

static void
given_a_log_in_during_the_replay_then_it_waits_for_the_books(void **state)
{
	const struct person *ada;
	uint64_t customer = people.ada.m4.customer;

	(void)state;
	ada = people_of(&bank->ledgerd->people, customer);
	memset(&early, 0, sizeof(early));
	early.keyd_room = bank->keyd_room;
	early.opening.generation = 1;
	early.opening.connection = 77;
	early.opening.customer = customer;
	memcpy(early.opening.salt, ada->salt, sizeof(ada->salt));
	early.opening.name = (const uint8_t *)"ada";
	early.opening.name_len = 3;
	early.opening.attestation = people.ada.m4.attestation;
	early.opening.attestation_len = ATTESTATION_LEN;
	bank->before_ledgerd = step_with_log_in;
	early.step = bank->keyd_room->step;
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_true(early.sent);
	assert_int_equal(bank->frame_count, 1);
	assert_int_equal(bank->frames[0].connection, 77);
	assert_int_equal(bank->frames[0].type, FRAME_M4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_restart_then_the_books_are_the_same_to_the_byte),
	    TEST(
		given_a_journal_older_than_keyds_head_then_the_start_is_refused),
	    TEST(
		given_keyds_state_older_than_the_journal_then_the_start_is_refused),
	    TEST(
		given_another_history_of_the_same_length_then_the_start_is_refused),
	    TEST(
		given_a_changed_byte_below_what_was_signed_then_the_start_is_refused),
	    TEST(
		given_a_torn_batch_above_what_was_signed_then_it_is_cut_and_told),
	    TEST(
		given_a_cut_whose_sync_failed_when_it_starts_again_then_it_is_cut_again),
	    TEST(
		given_a_header_whose_sync_failed_when_it_starts_again_then_it_is_durable),
	    TEST(
		given_a_journal_that_the_rules_contradict_then_the_start_is_refused),
	    TEST(
		given_an_event_that_is_not_known_then_the_start_is_refused_as_a_newer_version),
	    TEST(
		given_an_unsigned_batch_at_the_start_then_it_is_synced_before_it_is_signed),
	    TEST(given_bytes_in_the_unused_rest_then_they_are_cut_and_logged),
	    TEST(given_a_new_certificate_then_both_are_kept),
	    TEST(given_a_founded_bank_then_it_cannot_be_founded_again),
	    TEST(given_the_public_checkpoint_then_it_is_keyds_head),
	    TEST(given_a_log_in_during_the_replay_then_it_waits_for_the_books),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
