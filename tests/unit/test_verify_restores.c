/* SPDX-License-Identifier: ISC */
/*
 * strongroom-verify and the notes of public/restores, without keys: a log that
 * was restored or whose log key was rotated, written here, and everything that
 * a bank could want to pass off as one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "client/verify/verify.h"
#include "common/buffer.h"

enum { SEGMENT_LEN = 16384, BEFORE = 4, AFTER = 3, OLD = 1, NEW = 70 };

static char directory[] = "/tmp/verify-restores-XXXXXX";
static bool made;
static uint8_t identity[32], identity_secret[64], bank_id[32];
static uint8_t log_key[2][32], log_secret[2][64]; /* OLD, NEW */

/* What is written; a test changes it first. */
static struct ledger {
	bool note;           /* in the log */
	bool record;         /* in public/restores */
	uint8_t record_salt; /* and what is in it */
	struct restore_note content;
	bool rotation; /* then the note is this one, by OLD and NEW */
	struct rotation_note turn;
	unsigned flipped;     /* byte of the note that is changed; 0: none */
	uint8_t signer[64];   /* of the note */
	uint32_t epoch_after; /* of origins after the note */
	uint32_t published;   /* epoch of public/checkpoint */
	unsigned key_after;   /* which log key signs then */
	unsigned records;     /* how many times it stands there */
	struct checkpoint heads[BEFORE + AFTER + 1]; /* by size */
} ledger;

static void
write_file(const char *name, const void *data, size_t len)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
write_checkpoint(const char *name, const struct checkpoint *head,
    uint32_t epoch, unsigned key)
{
	struct checkpoint checkpoint = *head;
	uint8_t signature[64];
	char note[NOTE_MAX];
	size_t len;

	note_origin(bank_id, epoch, checkpoint.origin);
	assert_int_equal(
	    note_sign(&checkpoint, log_secret[key], signature), SR_OK);
	note_assemble(&checkpoint, log_key[key], signature, note, &len);
	write_file(name, note, len);
}

/* One entry and its COMMIT. */
static size_t
write_batch(uint8_t *out, struct merkle_frontier *tree,
    const uint8_t *committed, size_t committed_len, const uint8_t salt[32])
{
	static const uint8_t segment_key[32] = {1};
	struct journal_commit commit = {
	    .first_leaf = tree->size, .last_leaf = tree->size};
	struct journal_header header = {.seq = tree->size,
	    .time_ms = 1000,
	    .random = {(uint8_t)tree->size}};
	struct journal_plain plain = {
	    .committed = committed, .committed_len = committed_len};
	struct journal_leaf leaf;
	struct checkpoint *head;
	uint8_t hash[32];
	size_t len;

	if (tree->size > 0) {
		struct checkpoint previous = ledger.heads[tree->size];
		bool after = tree->size > BEFORE;

		commit.previous_epoch = after ? ledger.epoch_after : OLD;
		note_origin(bank_id, commit.previous_epoch, previous.origin);
		assert_int_equal(note_sign(&previous,
				     log_secret[after ? ledger.key_after : 0],
				     commit.previous_signature),
		    SR_OK);
	}
	memcpy(plain.salt, salt, 32);
	assert_int_equal(
	    journal_seal(segment_key, &header, &plain, out, 2048, &len, &leaf),
	    SR_OK);
	journal_leaf_hash(&leaf, hash);
	assert_int_equal(merkle_frontier_append(tree, hash), SR_OK);
	commit.size = tree->size;
	merkle_frontier_root(tree, commit.root);
	head = &ledger.heads[tree->size];
	head->size = tree->size;
	memcpy(head->root, commit.root, 32);
	journal_commit_encode(&commit, 0, header.time_ms, out + len);
	return len + JOURNAL_COMMIT_FRAME_LEN;
}

static void
write_certificates(void)
{
	uint8_t file[2 * (2 + CERTIFICATE_LEN)];
	struct writer w = writer_to(file, sizeof(file));

	for (unsigned i = 0; i < 2; i++) {
		struct certificate certificate = {.epoch = i == 0 ? OLD : NEW};
		uint8_t bytes[CERTIFICATE_LEN];

		memcpy(certificate.bank_id, bank_id, 32);
		memcpy(certificate.log_key, log_key[i], 32);
		certificate_sign(&certificate, identity_secret, bytes);
		writer_u16(&w, CERTIFICATE_LEN);
		writer_bytes(&w, bytes, sizeof(bytes));
	}
	write_file("public/certificates", file, sizeof(file));
}

/* The note's bytes, by whoever signs it, whatever it says; their number. */
static size_t
make_note(uint8_t note[ROTATION_NOTE_LEN])
{
	memcpy(ledger.content.bank_id, bank_id, 32);
	memcpy(ledger.turn.bank_id, bank_id, 32);
	if (ledger.rotation)
		assert_int_equal(rotation_note_sign(&ledger.turn, log_secret[0],
				     log_secret[1], note),
		    SR_OK);
	else
		assert_int_equal(
		    restore_note_sign(&ledger.content, ledger.signer, note),
		    SR_OK);
	if (ledger.flipped != 0)
		note[ledger.flipped] ^= 1;
	return ledger.rotation ? ROTATION_NOTE_LEN : RESTORE_NOTE_LEN;
}

static void
write_ledger(void)
{
	static uint8_t segment[SEGMENT_LEN];
	uint8_t record[2 * (32 + ROTATION_NOTE_LEN)], note[ROTATION_NOTE_LEN];
	size_t len = 0;
	uint8_t event[ENTRY_EVENT_LEN], salt[32] = {9};
	struct entry_event started = {.code = SYSTEM_STARTED, .time_ms = 1000};
	struct journal_segment header = {0};
	size_t at = JOURNAL_SEGMENT_HEADER_LEN;
	struct merkle_frontier tree;
	char path[256];

	entry_event_encode(ENTRY_SYSTEM, &started, event);
	merkle_frontier_init(&tree);
	memset(segment, 0, sizeof(segment));
	memcpy(header.bank_id, bank_id, 32);
	merkle_frontier_root(&tree, header.root);
	journal_segment_encode(&header, segment);
	for (unsigned i = 0; i < BEFORE + AFTER; i++) {
		if (i == BEFORE) {
			if (sodium_is_zero(ledger.content.restored_root, 32))
				merkle_frontier_root(
				    &tree, ledger.content.restored_root);
			if (sodium_is_zero(ledger.turn.root, 32))
				merkle_frontier_root(&tree, ledger.turn.root);
			len = make_note(note);
		}
		if (i == BEFORE && ledger.note)
			at += write_batch(segment + at, &tree, note, len, salt);
		else
			at += write_batch(
			    segment + at, &tree, event, sizeof(event), salt);
	}
	write_file("segment/00000000.log", segment, sizeof(segment));
	write_checkpoint("public/checkpoint", &ledger.heads[BEFORE + AFTER],
	    ledger.published, ledger.key_after);
	write_certificates();
	memcpy(record, salt, 32);
	record[0] = ledger.record_salt;
	memcpy(record + 32, note, len);
	memcpy(record + 32 + len, record, 32 + len);
	snprintf(path, sizeof(path), "%s/" RESTORE_PATH, directory);
	(void)unlink(path);
	if (ledger.record)
		write_file(RESTORE_PATH, record, ledger.records * (32 + len));
}

static int
setup(void **state)
{
	uint8_t seed[32] = {7};
	char path[256];

	(void)state;
	if (!made) {
		made = true;
		if (sodium_init() < 0 || mkdtemp(directory) == NULL)
			return 1;
		snprintf(path, sizeof(path), "%s/segment", directory);
		if (mkdir(path, 0700) != 0)
			return 1;
		snprintf(path, sizeof(path), "%s/public", directory);
		if (mkdir(path, 0700) != 0)
			return 1;
	}
	crypto_sign_seed_keypair(identity, identity_secret, seed);
	bank_id_of(identity, bank_id);
	for (unsigned i = 0; i < 2; i++) {
		seed[0] = (uint8_t)(20 + i);
		crypto_sign_seed_keypair(log_key[i], log_secret[i], seed);
	}
	ledger = (struct ledger){.note = true,
	    .record = true,
	    .record_salt = 9,
	    .content = {.new_epoch = NEW,
		.old_epoch = OLD,
		.restored_epoch = OLD,
		.last_size = 90,
		.last_root = {1},
		.restored_size = BEFORE,
		.time_ms = 5000},
	    .epoch_after = NEW,
	    .published = NEW,
	    .key_after = 1,
	    .records = 1};
	memcpy(ledger.signer, identity_secret, 64);
	return 0;
}

/* The same log, where the log key was rotated. */
static int
setup_rotation(void **state)
{
	if (setup(state) != 0)
		return 1;
	ledger.rotation = true;
	ledger.turn = (struct rotation_note){.old_epoch = OLD,
	    .new_epoch = NEW,
	    .size = BEFORE,
	    .time_ms = 5000};
	memcpy(ledger.turn.old_key, log_key[0], 32);
	memcpy(ledger.turn.new_key, log_key[1], 32);
	return 0;
}

static int
cleanup(void **state)
{
	static const char *const names[] = {"segment/00000000.log",
	    "public/checkpoint", "public/certificates", RESTORE_PATH, "since",
	    "segment", "public"};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)remove(path);
	}
	return remove(directory);
}

/* What strongroom-verify does after it has read its options. */
static const struct verify *
walk(bool since)
{
	static struct verify verify;
	static char anchor[256];
	char path[256];

	memset(&verify, 0, sizeof(verify));
	verify.directory = directory;
	verify.quiet = true;
	verify.exit = VERIFY_INTACT;
	memcpy(verify.bank.bank_id, bank_id, 32);
	memcpy(verify.bank.identity, identity, 32);
	snprintf(anchor, sizeof(anchor), "%s/since", directory);
	if (!verify_certificates(&verify) || !verify_restores(&verify) ||
	    (since && !verify_since(&verify, anchor)))
		return &verify;
	snprintf(path, sizeof(path), "%s/public/checkpoint", directory);
	if (verify_checkpoint(&verify, path, VERIFY_TAMPERED, &verify.published,
		&verify.published_epoch))
		(void)verify_log(&verify);
	return &verify;
}

static void
assert_tampered(const char *sentence)
{
	const struct verify *verify;

	write_ledger();
	verify = walk(false);
	assert_int_equal(verify->exit, VERIFY_TAMPERED);
	if (strstr(verify->why, sentence) == NULL)
		fail_msg("%s", verify->why);
}

static void
given_a_note_at_its_place_when_verified_then_the_log_goes_on(void **state)
{
	const struct verify *verify;

	(void)state;
	write_ledger();
	verify = walk(false);
	assert_string_equal(verify->why, "");
	assert_int_equal(verify->exit, VERIFY_INTACT);
	assert_int_equal(verify->restore_met, 1);
	assert_int_equal(verify->signed_size, BEFORE + AFTER);
}

static void
given_no_note_when_the_origin_changes_then_tampered(void **state)
{
	(void)state;
	ledger.record = false;
	assert_tampered("without a restore note");
	ledger.note = false;
	assert_tampered("without a restore note");
}

static void
given_a_note_of_somebody_elses_when_verified_then_tampered(void **state)
{
	uint8_t key[32];

	(void)state;
	crypto_sign_keypair(key, ledger.signer);
	assert_tampered("that the identity in bank.id has not signed");
}

static void
given_a_note_that_is_not_in_the_log_when_verified_then_tampered(void **state)
{
	(void)state;
	ledger.note = false;
	assert_tampered("this is not the restore note");
	ledger.note = true;
	ledger.record_salt = 8;
	assert_tampered("this is not the restore note");
	ledger.record_salt = 9;
	ledger.records = 2;
	assert_tampered("does not go on from the one before");
	ledger.records = 1;
	ledger.content.restored_size = BEFORE + AFTER + 1;
	ledger.epoch_after = ledger.published = OLD;
	ledger.key_after = 0;
	assert_tampered("which is not in the log");
}

static void
given_a_note_for_another_log_when_verified_then_tampered(void **state)
{
	(void)state;
	ledger.content.restored_root[3] = 1;
	assert_tampered("goes on from another log");
}

static void
given_the_old_origin_when_signed_again_then_tampered(void **state)
{
	(void)state;
	ledger.epoch_after = ledger.published = OLD;
	ledger.key_after = 0;
	assert_tampered("under another origin, without a restore note");
	(void)setup(NULL);
	ledger.published = OLD;
	ledger.key_after = 0;
	ledger.epoch_after = NEW; /* each origin has a key of its own */
	assert_tampered("is not signed by keyd");
	(void)setup(NULL);
	write_ledger();
	write_checkpoint(
	    "public/checkpoint", &ledger.heads[BEFORE + AFTER], OLD, 0);
	assert_int_equal(walk(false)->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(walk(false)->why, "rolled back"));
}

static void
given_an_anchor_when_it_is_of_the_lost_part_then_rolled_back(void **state)
{
	struct checkpoint lost = {.size = BEFORE + 1, .root = {6}};
	const struct verify *verify;

	(void)state;
	write_ledger();
	/* up to the restored head the old origin's heads hold */
	for (unsigned size = 1; size <= BEFORE + AFTER; size++) {
		bool old = size <= BEFORE;

		write_checkpoint(
		    "since", &ledger.heads[size], old ? OLD : NEW, old ? 0 : 1);
		verify = walk(true);
		assert_string_equal(verify->why, "");
		assert_true(verify_since_met(verify));
		assert_int_equal(verify_gap_after_anchor(verify), old);
	}
	/* one more was lost; another history, or as it happens the same root */
	for (int same = 0; same < 2; same++) {
		write_checkpoint(
		    "since", same ? &ledger.heads[BEFORE + 1] : &lost, OLD, 0);
		verify = walk(true);
		assert_int_equal(verify->exit, VERIFY_TAMPERED);
		assert_non_null(strstr(verify->why, "rolled back"));
		assert_non_null(strstr(verify->why, "restore note at entry 4"));
		assert_int_equal(verify->signed_size, BEFORE + AFTER);
	}
	/* and a new origin has no head that the old one had */
	write_checkpoint("since", &ledger.heads[BEFORE], NEW, 1);
	assert_int_equal(walk(true)->exit, VERIFY_TAMPERED);
}

static void
given_a_fork_under_the_new_origin_when_it_is_the_anchor_then_forked(
    void **state)
{
	struct checkpoint fork = {.size = BEFORE + 2, .root = {6}};

	(void)state;
	write_ledger();
	write_checkpoint("since", &fork, NEW, 1);
	assert_int_equal(walk(true)->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(walk(true)->why, "forked"));
}

static void
given_a_rotation_when_verified_then_anchors_of_both_keys_hold(void **state)
{
	const struct verify *verify;

	(void)state;
	write_ledger();
	verify = walk(false);
	assert_string_equal(verify->why, "");
	assert_int_equal(verify->exit, VERIFY_INTACT);
	assert_int_equal(verify->restore_met, 1);
	assert_true(verify->restore[0].rotation);
	for (unsigned size = 1; size <= BEFORE + AFTER; size++) {
		bool old = size <= BEFORE;

		write_checkpoint(
		    "since", &ledger.heads[size], old ? OLD : NEW, old ? 0 : 1);
		verify = walk(true);
		assert_string_equal(verify->why, "");
		assert_true(verify_since_met(verify));
		/* nothing was lost */
		assert_false(verify_gap_after_anchor(verify));
	}
}

static void
given_a_rotation_that_one_key_has_not_signed_then_tampered(void **state)
{
	(void)state;
	ledger.flipped = ROTATION_SIGNED_LEN + 5;
	assert_tampered("its two log keys have not signed");
	ledger.flipped = ROTATION_SIGNED_LEN + 64 + 5;
	assert_tampered("its two log keys have not signed");
	for (unsigned i = 4; i < ROTATION_SIGNED_LEN; i += 7) {
		ledger.flipped = i;
		assert_tampered("public/restores, note 1: a rotation note");
	}
}

static void
given_a_rotation_between_keys_of_other_epochs_then_tampered(void **state)
{
	(void)state;
	ledger.turn.new_epoch = NEW + 1;
	assert_tampered("has not certified");
	ledger.turn.new_epoch = NEW;
	ledger.turn.old_epoch = OLD + 1;
	assert_tampered("has not certified");
	(void)setup_rotation(NULL);
	/* a key that nobody has certified, with its own signature */
	crypto_sign_keypair(log_key[1], log_secret[1]);
	memcpy(ledger.turn.new_key, log_key[1], 32);
	write_ledger();
	crypto_sign_keypair(log_key[1], log_secret[1]);
	write_certificates();
	assert_int_equal(walk(false)->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(walk(false)->why, "has not certified"));
}

static void
given_a_rotation_that_is_not_in_the_log_so_then_tampered(void **state)
{
	(void)state;
	ledger.record = false;
	assert_tampered("without a restore note");
	ledger.record = true;
	ledger.note = false;
	assert_tampered("this is not the rotation note");
	ledger.note = true;
	ledger.record_salt = 8;
	assert_tampered("this is not the rotation note");
	ledger.record_salt = 9;
	ledger.records = 2;
	assert_tampered("does not go on from the one before");
	ledger.records = 1;
	ledger.turn.root[3] ^= 1;
	assert_tampered("goes on from another log");
	(void)setup_rotation(NULL);
	ledger.turn.size = BEFORE - 1;
	assert_tampered("goes on from another log");
	ledger.turn.size = BEFORE + 1;
	assert_tampered("goes on from another log");
	ledger.turn.size = BEFORE + AFTER + 1;
	ledger.epoch_after = ledger.published = OLD;
	ledger.key_after = 0;
	assert_tampered("which is not in the log");
}

static void
given_the_old_key_when_it_signs_after_the_rotation_then_tampered(void **state)
{
	(void)state;
	ledger.epoch_after = ledger.published = OLD;
	ledger.key_after = 0;
	assert_tampered("under a log key that had been put out of use");
	(void)setup_rotation(NULL);
	ledger.published = OLD;
	ledger.key_after = 0;
	assert_tampered("is not signed by keyd");
	/* a checkpoint alone, of this history or of another one */
	(void)setup_rotation(NULL);
	write_ledger();
	for (unsigned size = BEFORE + 1; size <= BEFORE + AFTER; size++) {
		write_checkpoint("since", &ledger.heads[size], OLD, 0);
		assert_int_equal(walk(true)->exit, VERIFY_TAMPERED);
		assert_non_null(strstr(
		    walk(true)->why, "a log key that had been put out of use"));
	}
	write_checkpoint(
	    "public/checkpoint", &ledger.heads[BEFORE + AFTER], OLD, 0);
	assert_int_equal(walk(false)->exit, VERIFY_TAMPERED);
	/* and the new key signs nothing that the old one has signed */
	(void)setup_rotation(NULL);
	write_ledger();
	write_checkpoint("since", &ledger.heads[BEFORE], NEW, 1);
	assert_int_equal(walk(true)->exit, VERIFY_TAMPERED);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)
#define ROTATION(name) cmocka_unit_test_setup(name, setup_rotation)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_note_at_its_place_when_verified_then_the_log_goes_on),
	    TEST(given_no_note_when_the_origin_changes_then_tampered),
	    TEST(given_a_note_of_somebody_elses_when_verified_then_tampered),
	    TEST(
		given_a_note_that_is_not_in_the_log_when_verified_then_tampered),
	    TEST(given_a_note_for_another_log_when_verified_then_tampered),
	    TEST(given_the_old_origin_when_signed_again_then_tampered),
	    TEST(given_an_anchor_when_it_is_of_the_lost_part_then_rolled_back),
	    TEST(
		given_a_fork_under_the_new_origin_when_it_is_the_anchor_then_forked),
	    ROTATION(
		given_a_rotation_when_verified_then_anchors_of_both_keys_hold),
	    ROTATION(
		given_a_rotation_that_one_key_has_not_signed_then_tampered),
	    ROTATION(
		given_a_rotation_between_keys_of_other_epochs_then_tampered),
	    ROTATION(given_a_rotation_that_is_not_in_the_log_so_then_tampered),
	    ROTATION(
		given_the_old_key_when_it_signs_after_the_rotation_then_tampered),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
