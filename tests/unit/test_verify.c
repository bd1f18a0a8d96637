/* SPDX-License-Identifier: ISC */
/*
 * The auditor's walk over a small ledger that the test writes itself: intact,
 * then cut, changed, forked and rolled back in each way that matters.
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
#include "common/crc32c.h"

enum { SEGMENTS = 3, BATCHES = 3, ENTRIES = 2, SEGMENT_LEN = 8192 };
enum { SIZE = SEGMENTS * BATCHES * ENTRIES };

static char directory[] = "/tmp/test_verify.XXXXXX";
static uint8_t bytes[SEGMENTS][SEGMENT_LEN]; /* the segments as written */
static size_t used[SEGMENTS];
static size_t last_batch; /* where the last segment's last batch begins */
static uint8_t bank_id[32], identity[32], log_key[32];
static uint8_t identity_secret[64], log_secret[64];
static struct merkle_frontier tree;
static struct checkpoint head; /* of the last batch */

static void
write_file(const char *name, const void *content, size_t len)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
write_segment(uint32_t number, const uint8_t *content, size_t len)
{
	char name[64], plain[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(name, sizeof(name), "segment/%s",
	    journal_segment_name(number, plain));
	write_file(name, content, len);
}

static void
remove_segment(uint32_t number)
{
	char path[256], name[JOURNAL_SEGMENT_NAME_MAX];

	snprintf(path, sizeof(path), "%s/segment/%s", directory,
	    journal_segment_name(number, name));
	assert_int_equal(unlink(path), 0);
}

static void
write_checkpoint(const char *name, const struct checkpoint *checkpoint)
{
	uint8_t signature[64];
	char note[NOTE_MAX];
	size_t len;

	assert_int_equal(note_sign(checkpoint, log_secret, signature), SR_OK);
	note_assemble(checkpoint, log_key, signature, note, &len);
	write_file(name, note, len);
}

static struct checkpoint
checkpoint_of(const struct merkle_frontier *frontier)
{
	struct checkpoint checkpoint = {.size = frontier->size};

	note_origin(bank_id, 1, checkpoint.origin);
	merkle_frontier_root(frontier, checkpoint.root);
	return checkpoint;
}

/*
 * One batch of sealed entries and its COMMIT at out.  Another variant is
 * another history; in variant 2 time runs backwards.
 */
static size_t
write_batch(uint8_t *out, uint32_t segment, uint8_t variant)
{
	static const uint8_t segment_key[32] = {1};
	struct journal_commit commit = {.first_leaf = tree.size};
	uint64_t time_ms = 0;
	size_t at = 0;

	if (tree.size > 0) {
		struct checkpoint previous = checkpoint_of(&tree);

		commit.previous_epoch = 1;
		assert_int_equal(
		    note_sign(&previous, log_secret, commit.previous_signature),
		    SR_OK);
	}
	for (int i = 0; i < ENTRIES; i++) {
		struct entry_event event = {.code = SYSTEM_STARTED};
		uint8_t committed[ENTRY_EVENT_LEN], hash[32];
		struct journal_header header = {.seq = tree.size,
		    .time_ms =
			variant == 2 ? 1000 - tree.size : 1000 + tree.size,
		    .segment = segment,
		    .random = {(uint8_t)tree.size, variant}};
		struct journal_plain plain = {
		    .committed = committed, .committed_len = sizeof(committed)};
		struct journal_leaf leaf;
		size_t len;

		entry_event_encode(ENTRY_SYSTEM, &event, committed);
		assert_int_equal(journal_seal(segment_key, &header, &plain,
				     out + at, 2048, &len, &leaf),
		    SR_OK);
		journal_leaf_hash(&leaf, hash);
		assert_int_equal(merkle_frontier_append(&tree, hash), SR_OK);
		time_ms = header.time_ms;
		at += len;
	}
	commit.last_leaf = tree.size - 1;
	commit.size = tree.size;
	merkle_frontier_root(&tree, commit.root);
	journal_commit_encode(&commit, segment, time_ms, out + at);
	return at + JOURNAL_COMMIT_FRAME_LEN;
}

/* The whole ledger; `variant' 0 is the one that the tests begin with. */
static void
write_ledger(uint8_t variant)
{
	static const uint8_t zeros[SEGMENT_LEN];

	merkle_frontier_init(&tree);
	memset(bytes, 0, sizeof(bytes));
	for (uint32_t s = 0; s < SEGMENTS; s++) {
		struct journal_segment header = {
		    .segment = s, .first_seq = tree.size};

		memcpy(header.bank_id, bank_id, 32);
		merkle_frontier_root(&tree, header.root);
		journal_segment_encode(&header, bytes[s]);
		used[s] = JOURNAL_SEGMENT_HEADER_LEN;
		for (int b = 0; b < BATCHES; b++) {
			last_batch = used[s];
			used[s] += write_batch(bytes[s] + used[s], s, variant);
		}
		assert_true(used[s] < SEGMENT_LEN);
		write_segment(s, bytes[s], SEGMENT_LEN);
	}
	write_segment(SEGMENTS, zeros, sizeof(zeros));
	head = checkpoint_of(&tree);
	write_checkpoint("public/checkpoint", &head);
}

static int
setup(void **state)
{
	struct certificate certificate = {.epoch = 1, .not_after_ms = 1};
	uint8_t seed[32] = {7}, file[2 + CERTIFICATE_LEN];
	struct writer w = writer_to(file, 2);
	static bool begun;
	char path[256];

	(void)state;
	if (!begun) {
		if (sodium_init() < 0 || mkdtemp(directory) == NULL)
			return 1;
		snprintf(path, sizeof(path), "%s/segment", directory);
		if (mkdir(path, 0700) != 0)
			return 1;
		snprintf(path, sizeof(path), "%s/public", directory);
		if (mkdir(path, 0700) != 0)
			return 1;
		begun = true;
	}
	crypto_sign_seed_keypair(identity, identity_secret, seed);
	seed[0] = 8;
	crypto_sign_seed_keypair(log_key, log_secret, seed);
	bank_id_of(identity, bank_id);
	memcpy(certificate.bank_id, bank_id, 32);
	memcpy(certificate.log_key, log_key, 32);
	certificate_sign(&certificate, identity_secret, file + 2);
	writer_u16(&w, CERTIFICATE_LEN);
	write_file("public/certificates", file, sizeof(file));
	write_ledger(0);
	return 0;
}

static int
cleanup(void **state)
{
	static const char *const names[] = {"public/checkpoint",
	    "public/certificates", "since", "public", "segment"};
	char path[256];

	(void)state;
	for (uint32_t s = 0; s <= SEGMENTS + 1; s++) {
		char name[JOURNAL_SEGMENT_NAME_MAX];

		snprintf(path, sizeof(path), "%s/segment/%s", directory,
		    journal_segment_name(s, name));
		(void)remove(path);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)remove(path);
	}
	return remove(directory);
}

/* What strongroom-verify does after it has read its options. */
static const struct verify *
audit(const char *since)
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
	if (!verify_certificates(&verify) || !verify_restores(&verify))
		return &verify;
	if (since != NULL) {
		snprintf(anchor, sizeof(anchor), "%s/%s", directory, since);
		if (!verify_since(&verify, anchor))
			return &verify;
	}
	snprintf(path, sizeof(path), "%s/public/checkpoint", directory);
	if (verify_checkpoint(&verify, path, VERIFY_TAMPERED, &verify.published,
		&verify.published_epoch))
		(void)verify_log(&verify);
	return &verify;
}

/* Puts a right crc on the frame at offset. */
static void
right_crc(uint8_t *segment, size_t offset)
{
	struct reader r = reader_of(segment + offset + 8, 4);
	uint32_t crc = crc32c(0, segment + offset, JOURNAL_AAD_LEN);
	struct writer w = writer_to(segment + offset + JOURNAL_AAD_LEN, 4);

	crc =
	    crc32c(crc, segment + offset + JOURNAL_HEADER_LEN, reader_u32(&r));
	writer_u32(&w, crc);
}

/* The checkpoint before the last batch stands there, as after a crash. */
static void
publish_older(void)
{
	const struct verify *verify;

	/* the audit of a log without that batch knows the older tree */
	memset(bytes[SEGMENTS - 1] + last_batch, 0, SEGMENT_LEN - last_batch);
	write_segment(SEGMENTS - 1, bytes[SEGMENTS - 1], SEGMENT_LEN);
	verify = audit(NULL);
	assert_int_equal(verify->exit, VERIFY_TAMPERED);
	assert_true(verify->committed.size == SIZE - ENTRIES);
	write_ledger(0);
	head = checkpoint_of(&verify->committed);
	write_checkpoint("public/checkpoint", &head);
}

static void
given_an_intact_ledger_when_audited_then_intact_without_keys(void **state)
{
	const struct verify *verify = audit(NULL);

	(void)state;
	assert_string_equal(verify->why, "");
	assert_int_equal(verify->exit, VERIFY_INTACT);
	assert_true(verify->committed.size == SIZE);
	assert_true(verify->signed_size == SIZE);
	assert_true(verify->batches == SEGMENTS * BATCHES);
	assert_true(verify->published_met && !verify_since_met(verify));
	assert_true(verify->tail_len == 0);
}

static void
given_any_changed_byte_when_audited_then_tampered(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < SEGMENTS; s++) {
		for (size_t i = 0; i < SEGMENT_LEN; i += 5) {
			const struct verify *verify;

			bytes[s][i] ^= 0x20;
			write_segment(s, bytes[s], SEGMENT_LEN);
			bytes[s][i] ^= 0x20;
			verify = audit(NULL);
			/* in the unused rest of the last one: a tail */
			if (s == SEGMENTS - 1 && i >= used[s]) {
				assert_int_equal(verify->exit, VERIFY_INTACT);
				continue;
			}
			assert_int_equal(verify->exit, VERIFY_TAMPERED);
			assert_non_null(strstr(verify->why, "offset"));
		}
		write_segment(s, bytes[s], SEGMENT_LEN);
	}
}

static void
given_a_changed_entry_with_a_right_crc_when_audited_then_tampered(void **state)
{
	const struct verify *verify;
	size_t frame = JOURNAL_SEGMENT_HEADER_LEN;
	/* length, seq, time, segment, class, random, commitment, body */
	static const size_t places[] = {8, 12, 20, 28, 32, 36, 68, 104, 200};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bytes[1][frame + places[i]] ^= 1;
		right_crc(bytes[1], frame);
		write_segment(1, bytes[1], SEGMENT_LEN);
		verify = audit(NULL);
		assert_int_equal(verify->exit, VERIFY_TAMPERED);
		assert_non_null(strstr(verify->why, "segment/00000001.log"));
		/* the first segment's last batch was met under a signature
		 * unless that signature stands behind the change */
		assert_true(verify->signed_size >= SIZE / 3 - ENTRIES);
		bytes[1][frame + places[i]] ^= 1;
		right_crc(bytes[1], frame);
	}
}

static void
given_a_commit_with_another_signature_when_audited_then_tampered(void **state)
{
	size_t commit = used[2] - JOURNAL_COMMIT_FRAME_LEN;

	(void)state;
	bytes[2][commit + JOURNAL_HEADER_LEN + 64] ^= 1;
	right_crc(bytes[2], commit);
	write_segment(2, bytes[2], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
}

static void
given_a_commit_with_another_root_when_audited_then_tampered(void **state)
{
	size_t commit = used[2] - JOURNAL_COMMIT_FRAME_LEN;

	(void)state;
	bytes[2][commit + JOURNAL_HEADER_LEN + 24] ^= 1;
	right_crc(bytes[2], commit);
	write_segment(2, bytes[2], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
}

static void
given_a_segment_header_with_another_root_when_audited_then_tampered(
    void **state)
{
	struct journal_segment header;

	(void)state;
	assert_int_equal(journal_segment_decode(bytes[1], &header), SR_OK);
	header.root[0] ^= 1;
	journal_segment_encode(&header, bytes[1]);
	write_segment(1, bytes[1], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
}

static void
given_time_that_runs_backwards_when_audited_then_tampered(void **state)
{
	(void)state;
	write_ledger(2);
	assert_non_null(strstr(audit(NULL)->why, "time"));
}

static void
given_a_missing_or_cut_segment_when_audited_then_tampered(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < SEGMENTS; s++) {
		remove_segment(s);
		assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
		for (size_t len = 0; len < SEGMENT_LEN; len += 1024) {
			write_segment(s, bytes[s], len);
			if (len % 4096 != 0 || len < used[s])
				assert_int_equal(
				    audit(NULL)->exit, VERIFY_TAMPERED);
		}
		write_segment(s, bytes[s], SEGMENT_LEN);
	}
	assert_int_equal(audit(NULL)->exit, VERIFY_INTACT);
}

static void
given_the_last_batches_cut_clean_away_when_audited_then_truncated(void **state)
{
	static uint8_t cut[SEGMENT_LEN];
	const struct verify *verify;

	(void)state;
	memcpy(cut, bytes[SEGMENTS - 1], JOURNAL_SEGMENT_HEADER_LEN);
	write_segment(SEGMENTS - 1, cut, SEGMENT_LEN);
	verify = audit(NULL);
	assert_int_equal(verify->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verify->why, "truncated"));
	write_segment(SEGMENTS - 1, bytes[SEGMENTS - 1], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_INTACT);
}

static void
given_segments_out_of_place_when_audited_then_tampered(void **state)
{
	(void)state;
	write_segment(0, bytes[1], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	write_segment(0, bytes[0], SEGMENT_LEN);
	write_segment(SEGMENTS, bytes[2], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	/* something behind the one that was not begun */
	write_ledger(0);
	write_segment(SEGMENTS + 1, bytes[2], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	remove_segment(SEGMENTS + 1);
}

static void
given_a_torn_last_batch_that_was_not_signed_when_audited_then_a_tail(
    void **state)
{
	const struct verify *verify;

	(void)state;
	publish_older();
	verify = audit(NULL);
	assert_int_equal(verify->exit, VERIFY_INTACT);
	assert_true(verify->signed_size == SIZE - ENTRIES);
	assert_true(verify->committed.size == SIZE);
	for (size_t i = last_batch; i < used[2]; i += 3) {
		/* cut off there, as by a crash */
		static uint8_t torn[SEGMENT_LEN];

		memset(torn, 0, sizeof(torn));
		memcpy(torn, bytes[2], i);
		write_segment(2, torn, SEGMENT_LEN);
		verify = audit(NULL);
		assert_int_equal(verify->exit, VERIFY_INTACT);
		assert_true(verify->signed_size == SIZE - ENTRIES);
		assert_true((verify->tail_len > 0) == (i > last_batch));
	}
}

static void
given_damage_and_an_older_checkpoint_when_audited_then_still_tampered(
    void **state)
{
	const struct verify *verify;
	struct checkpoint older;

	(void)state;
	publish_older();
	/* the batch before the last is signed in the last one's COMMIT */
	for (size_t i = JOURNAL_SEGMENT_HEADER_LEN; i < last_batch; i += 11) {
		bytes[2][i] ^= 4;
		write_segment(2, bytes[2], SEGMENT_LEN);
		bytes[2][i] ^= 4;
		assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	}
	/* and with a checkpoint as old as the second segment's end */
	write_ledger(0);
	memset(bytes[2] + JOURNAL_SEGMENT_HEADER_LEN, 0,
	    SEGMENT_LEN - JOURNAL_SEGMENT_HEADER_LEN);
	write_segment(2, bytes[2], SEGMENT_LEN);
	verify = audit(NULL);
	assert_true(verify->committed.size == SIZE / 3 * 2);
	older = checkpoint_of(&verify->committed);
	write_ledger(0);
	write_checkpoint("public/checkpoint", &older);
	assert_int_equal(audit(NULL)->exit, VERIFY_INTACT);
	bytes[2][JOURNAL_SEGMENT_HEADER_LEN + 150] ^= 4;
	write_segment(2, bytes[2], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
}

static void
given_damage_before_another_segment_when_audited_then_tampered(void **state)
{
	const struct verify *verify;
	struct checkpoint older;

	(void)state;
	/* damage in the second segment's last COMMIT and a checkpoint of the
	 * batch before: only the third segment shows that it was signed */
	bytes[1][used[1] - 1] ^= 1;
	write_segment(1, bytes[1], SEGMENT_LEN);
	verify = audit(NULL);
	assert_true(verify->committed.size == SIZE / 3 * 2 - ENTRIES);
	older = checkpoint_of(&verify->committed);
	write_checkpoint("public/checkpoint", &older);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	/* even if that one's header is damaged, too */
	bytes[2][60] ^= 1;
	write_segment(2, bytes[2], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
}

static void
given_a_rolled_back_or_forked_log_when_anchored_then_tampered(void **state)
{
	const struct verify *verify;

	(void)state;
	write_checkpoint("since", &head);
	verify = audit("since");
	assert_int_equal(verify->exit, VERIFY_INTACT);
	assert_true(verify_since_met(verify));
	/* back to the state before the last batch, checkpoint and all */
	publish_older();
	memset(bytes[2] + last_batch, 0, SEGMENT_LEN - last_batch);
	write_segment(2, bytes[2], SEGMENT_LEN);
	assert_int_equal(audit(NULL)->exit, VERIFY_INTACT);
	verify = audit("since");
	assert_int_equal(verify->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verify->why, "rolled back"));
	/* another history of the same length, signed by the same key */
	write_ledger(1);
	assert_int_equal(audit(NULL)->exit, VERIFY_INTACT);
	verify = audit("since");
	assert_int_equal(verify->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verify->why, "forked"));
}

static void
given_keys_or_checkpoints_of_others_when_audited_then_not_verified(void **state)
{
	struct certificate certificate = {.epoch = 1};
	uint8_t file[2 + CERTIFICATE_LEN], other[32], other_secret[64];
	struct writer w = writer_to(file, 2);
	struct checkpoint forged = head;

	(void)state;
	crypto_sign_seed_keypair(other, other_secret, (const uint8_t[32]){99});
	/* a certificate that another identity has signed */
	memcpy(certificate.bank_id, bank_id, 32);
	memcpy(certificate.log_key, log_key, 32);
	certificate_sign(&certificate, other_secret, file + 2);
	writer_u16(&w, CERTIFICATE_LEN);
	write_file("public/certificates", file, sizeof(file));
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	setup(state);
	write_file("public/certificates", file, 0);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	setup(state);
	/* a checkpoint by another key, of another size, of no shape at all */
	memcpy(log_secret, other_secret, 64);
	write_checkpoint("public/checkpoint", &head);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	setup(state);
	forged.size++;
	write_checkpoint("public/checkpoint", &forged);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	write_file("public/checkpoint", "hello\n", 6);
	assert_int_equal(audit(NULL)->exit, VERIFY_TAMPERED);
	write_checkpoint("public/checkpoint", &head);
	assert_int_equal(audit("absent")->exit, VERIFY_COULD_NOT);
}

/* The bank's own certificate, then one of that epoch and log key. */
static void
write_second_certificate(
    uint32_t epoch, const uint8_t key[32], uint64_t not_after_ms)
{
	struct certificate certificate = {
	    .epoch = 1, .not_after_ms = not_after_ms};
	uint8_t file[2 * (2 + CERTIFICATE_LEN)];
	struct writer first = writer_to(file, 2);
	struct writer second = writer_to(file + 2 + CERTIFICATE_LEN, 2);

	memcpy(certificate.bank_id, bank_id, 32);
	memcpy(certificate.log_key, log_key, 32);
	certificate_sign(&certificate, identity_secret, file + 2);
	certificate.epoch = epoch;
	memcpy(certificate.log_key, key, 32);
	certificate_sign(
	    &certificate, identity_secret, file + 4 + CERTIFICATE_LEN);
	writer_u16(&first, CERTIFICATE_LEN);
	writer_u16(&second, CERTIFICATE_LEN);
	write_file("public/certificates", file, sizeof(file));
}

static void
given_two_certificates_of_one_epoch_when_audited_then_it_is_said(void **state)
{
	uint8_t other[32], other_secret[64];
	const struct verify *verify;

	(void)state;
	crypto_sign_seed_keypair(other, other_secret, (const uint8_t[32]){99});
	/* renewed, and of another epoch: as a bank has them */
	write_second_certificate(1, log_key, 99);
	assert_int_equal(audit(NULL)->exit, VERIFY_INTACT);
	write_second_certificate(2, other, 99);
	assert_int_equal(audit(NULL)->exit, VERIFY_INTACT);
	/* both by the identity, but of two histories */
	write_second_certificate(1, other, 99);
	verify = audit(NULL);
	assert_int_equal(verify->exit, VERIFY_TAMPERED);
	assert_non_null(strstr(verify->why, "two certificates of epoch 1"));
}

static void
given_random_bytes_when_audited_then_always_a_verdict(void **state)
{
	static const uint8_t seed[randombytes_SEEDBYTES] = {42};
	static uint8_t random[1 << 16], noisy[SEGMENT_LEN];

	(void)state;
	randombytes_buf_deterministic(random, sizeof(random), seed);
	for (size_t i = 0; i + 64 < sizeof(random); i += 64) {
		const uint8_t *r = random + i;
		uint32_t s = r[0] % SEGMENTS;
		size_t at = (size_t)(r[1] | r[2] << 8) % (SEGMENT_LEN - 48);

		memcpy(noisy, bytes[s], SEGMENT_LEN);
		memcpy(noisy + at, r + 16, r[3] % 48 + 1u);
		if (r[4] & 1)
			memmove(noisy + at, noisy + r[5] * 8,
			    (SEGMENT_LEN - at) / 4);
		write_segment(s, noisy, SEGMENT_LEN);
		assert_true(audit(NULL)->exit == VERIFY_TAMPERED ||
			    audit(NULL)->exit == VERIFY_INTACT);
		write_segment(s, bytes[s], SEGMENT_LEN);
	}
}

/* A pipe that nobody writes to, where a file of the bank's should be. */
static void
given_a_fifo_for_a_file_when_audited_then_a_verdict_and_no_waiting(void **state)
{
	static const char *const names[] = {
	    "public/checkpoint", "public/certificates"};
	char path[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0600), 0);
		alarm(10);
		assert_int_not_equal(audit(NULL)->exit, VERIFY_INTACT);
		alarm(0);
		assert_int_equal(unlink(path), 0);
		setup(state);
	}
}

#define STORY(test) cmocka_unit_test_setup(test, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STORY(given_an_intact_ledger_when_audited_then_intact_without_keys),
	    STORY(given_any_changed_byte_when_audited_then_tampered),
	    STORY(
		given_a_changed_entry_with_a_right_crc_when_audited_then_tampered),
	    STORY(
		given_a_commit_with_another_signature_when_audited_then_tampered),
	    STORY(given_a_commit_with_another_root_when_audited_then_tampered),
	    STORY(
		given_a_segment_header_with_another_root_when_audited_then_tampered),
	    STORY(given_time_that_runs_backwards_when_audited_then_tampered),
	    STORY(
		given_damage_before_another_segment_when_audited_then_tampered),
	    STORY(given_a_missing_or_cut_segment_when_audited_then_tampered),
	    STORY(
		given_the_last_batches_cut_clean_away_when_audited_then_truncated),
	    STORY(given_segments_out_of_place_when_audited_then_tampered),
	    STORY(
		given_a_torn_last_batch_that_was_not_signed_when_audited_then_a_tail),
	    STORY(
		given_damage_and_an_older_checkpoint_when_audited_then_still_tampered),
	    STORY(
		given_a_rolled_back_or_forked_log_when_anchored_then_tampered),
	    STORY(
		given_keys_or_checkpoints_of_others_when_audited_then_not_verified),
	    STORY(
		given_two_certificates_of_one_epoch_when_audited_then_it_is_said),
	    STORY(given_random_bytes_when_audited_then_always_a_verdict),
	    STORY(
		given_a_fifo_for_a_file_when_audited_then_a_verdict_and_no_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
