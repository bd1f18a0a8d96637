/* SPDX-License-Identifier: ISC */
/* Segment headers, frames, leaves and the entries' layouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/aead.h"
#include "common/crc32c.h"
#include "common/journal.h"
#include "common/kdf.h"
#include "common/merkle.h"

static const uint8_t segment_key[32] = {0x5e, 0x67};
static uint8_t frame_bytes[JOURNAL_FRAME_MAX];
static size_t frame_len;
static struct journal_leaf sealed_leaf;
static uint8_t committed[ENTRY_EVENT_LEN];

/* One sealed SYSTEM entry in frame_bytes. */
static int
setup(void **state)
{
	struct entry_event event = {
	    .code = SYSTEM_STARTED, .subject = 5, .time_ms = 1000};
	struct journal_header header = {
	    .seq = 4, .time_ms = 1000, .segment = 2, .random = {1, 2, 3}};
	struct journal_plain plain = {.committed = committed,
	    .committed_len = sizeof(committed),
	    .salt = {9, 9},
	    .touched_count = 1,
	    .touched = {{.account = 65536,
		.posted_minor = -5,
		.held_minor = 1,
		.previous = {1, 128}}}};

	(void)state;
	entry_event_encode(ENTRY_SYSTEM, &event, committed);
	return sodium_init() < 0 ||
	       journal_seal(segment_key, &header, &plain, frame_bytes,
		   sizeof(frame_bytes), &frame_len, &sealed_leaf) != SR_OK;
}

static void
given_known_texts_when_summed_then_the_castagnoli_figures(void **state)
{
	/* RFC 3720 appendix B.4 */
	uint8_t bytes[32];

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
	assert_int_equal(
	    crc32c(crc32c(0, bytes, 13), bytes + 13, 19), 0x46dd794e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
}

static void
given_a_sealed_frame_when_opened_then_all_of_it_comes_back(void **state)
{
	uint8_t buffer[JOURNAL_PLAIN_MAX], hash[32], again[32], bytes[86];
	struct journal_frame frame;
	struct journal_plain plain;
	struct journal_leaf leaf;

	(void)state;
	assert_int_equal(frame_len % 8, 0);
	assert_int_equal(frame_len, journal_frame_len(ENTRY_EVENT_LEN, 1));
	assert_int_equal(
	    journal_frame_parse(frame_bytes, frame_len, &frame), SR_OK);
	assert_int_equal(frame.frame_len, frame_len);
	assert_int_equal(frame.header.class, JOURNAL_CLASS_SYSTEM);
	assert_true(frame.header.seq == 4);
	assert_int_equal(
	    journal_open(segment_key, &frame, buffer, &plain), SR_OK);
	assert_int_equal(plain.committed_len, sizeof(committed));
	assert_memory_equal(plain.committed, committed, sizeof(committed));
	assert_int_equal(plain.touched_count, 1);
	assert_true(plain.touched[0].posted_minor == -5);
	assert_int_equal(plain.touched[0].previous.offset, 128);
	journal_frame_leaf(&frame, &leaf);
	assert_memory_equal(&leaf, &sealed_leaf, sizeof(leaf));
	journal_leaf_encode(&leaf, bytes);
	journal_leaf_hash(&leaf, hash);
	merkle_leaf_hash(bytes, sizeof(bytes), again);
	assert_memory_equal(hash, again, 32);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[17], JOURNAL_CLASS_SYSTEM);
	journal_commitment(plain.salt, committed, sizeof(committed), again);
	assert_memory_equal(leaf.commitment, again, 32);
}

static void
given_any_changed_bit_when_parsed_then_it_is_found(void **state)
{
	uint8_t bytes[JOURNAL_FRAME_MAX];
	struct journal_frame frame;

	(void)state;
	for (size_t i = 0; i < frame_len; i++) {
		memcpy(bytes, frame_bytes, frame_len);
		bytes[i] ^= 0x01;
		assert_true(
		    journal_frame_parse(bytes, frame_len, &frame) != SR_OK);
		assert_int_equal(journal_frame_parse(frame_bytes, i, &frame),
		    i == 0 ? SR_NOT_FOUND : SR_DAMAGED);
	}
}

static void
given_a_changed_body_with_a_right_crc_when_opened_then_refused(void **state)
{
	uint8_t bytes[JOURNAL_FRAME_MAX], buffer[JOURNAL_PLAIN_MAX];
	static const size_t places[] = {
	    12, 20, 28, 36, 68, JOURNAL_HEADER_LEN, JOURNAL_HEADER_LEN + 90};
	struct journal_frame frame;
	struct journal_plain plain;
	struct journal_leaf leaf;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint32_t crc;

		memcpy(bytes, frame_bytes, frame_len);
		bytes[places[i]] ^= 1;
		crc = crc32c(0, bytes, JOURNAL_AAD_LEN);
		crc = crc32c(crc, bytes + JOURNAL_HEADER_LEN,
		    frame_len - JOURNAL_HEADER_LEN);
		memcpy(bytes + JOURNAL_AAD_LEN, &crc, 4);
		assert_int_equal(
		    journal_frame_parse(bytes, frame_len, &frame), SR_OK);
		assert_int_equal(
		    journal_open(segment_key, &frame, buffer, &plain),
		    SR_CRYPTO);
		/* and without a key, its leaf is another one */
		journal_frame_leaf(&frame, &leaf);
		assert_memory_not_equal(&leaf, &sealed_leaf, sizeof(leaf));
	}
}

/*
 * The AEAD does not commit to its key, so the commitment must be looked at
 * even in a frame that whoever knows the key has sealed.
 */
static void
given_a_sealed_frame_with_another_commitment_when_opened_then_refused(
    void **state)
{
	uint8_t bytes[JOURNAL_FRAME_MAX], buffer[JOURNAL_PLAIN_MAX], key[32];
	size_t body_len = frame_len - JOURNAL_HEADER_LEN;
	uint8_t *body = bytes + JOURNAL_HEADER_LEN;
	struct journal_frame frame;
	struct journal_plain plain;
	uint32_t crc;

	(void)state;
	memcpy(bytes, frame_bytes, frame_len);
	kdf_expand_label(key, sizeof(key), segment_key, sizeof(segment_key),
	    "frame", bytes + 36, 32);
	assert_int_equal(
	    aead_open(buffer, key, 0, bytes, JOURNAL_AAD_LEN, body, body_len),
	    SR_OK);
	bytes[68] ^= 1;
	aead_seal(body, key, 0, bytes, JOURNAL_AAD_LEN, buffer,
	    body_len - JOURNAL_TAG_LEN);
	crc = crc32c(0, bytes, JOURNAL_AAD_LEN);
	crc = crc32c(crc, body, body_len);
	memcpy(bytes + JOURNAL_AAD_LEN, &crc, 4);
	assert_int_equal(journal_frame_parse(bytes, frame_len, &frame), SR_OK);
	assert_int_equal(
	    journal_open(segment_key, &frame, buffer, &plain), SR_CRYPTO);
}

static void
given_zeros_when_parsed_then_the_unused_rest(void **state)
{
	uint8_t bytes[256] = {0};
	struct journal_frame frame;

	(void)state;
	assert_int_equal(
	    journal_frame_parse(bytes, sizeof(bytes), &frame), SR_NOT_FOUND);
	assert_true(journal_all_zero(bytes, sizeof(bytes)));
	bytes[255] = 1;
	assert_false(journal_all_zero(bytes, sizeof(bytes)));
	bytes[255] = 0;
	bytes[0] = 1;
	assert_false(journal_all_zero(bytes, sizeof(bytes)));
	assert_false(journal_all_zero(bytes, 1));
}

static void
given_segment_headers_when_read_then_any_change_is_found(void **state)
{
	struct journal_segment segment = {.segment = 7, .first_seq = 99}, read;
	uint8_t bytes[JOURNAL_SEGMENT_HEADER_LEN];
	char name[JOURNAL_SEGMENT_NAME_MAX];

	(void)state;
	memset(segment.salt, 0x33, sizeof(segment.salt));
	journal_segment_encode(&segment, bytes);
	assert_int_equal(journal_segment_decode(bytes, &read), SR_OK);
	assert_memory_equal(&segment, &read, sizeof(read));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x80;
		assert_true(journal_segment_decode(bytes, &read) != SR_OK);
		bytes[i] ^= 0x80;
	}
	assert_string_equal(journal_segment_name(7, name), "00000007.log");
}

static void
given_a_commit_when_written_and_read_then_the_same(void **state)
{
	struct journal_commit commit = {.first_leaf = 3,
				  .last_leaf = 8,
				  .size = 9,
				  .previous_epoch = 2,
				  .previous_signature = {1}},
			      read;
	uint8_t bytes[JOURNAL_COMMIT_FRAME_LEN];
	struct journal_frame frame;

	(void)state;
	journal_commit_encode(&commit, 1, 77, bytes);
	assert_int_equal(
	    journal_frame_parse(bytes, sizeof(bytes), &frame), SR_OK);
	assert_int_equal(journal_commit_decode(&frame, &read), SR_OK);
	assert_memory_equal(&commit, &read, sizeof(read));
	commit.size = 10;
	journal_commit_encode(&commit, 1, 77, bytes);
	assert_int_equal(
	    journal_frame_parse(bytes, sizeof(bytes), &frame), SR_OK);
	assert_int_equal(journal_commit_decode(&frame, &read), SR_DAMAGED);
}

static void
given_the_longest_order_when_sealed_then_it_fits_a_frame(void **state)
{
	static uint8_t entry[ENTRY_MAX], attachment[ORDER_ATTACHMENT_MAX];
	static uint8_t out[JOURNAL_FRAME_MAX];
	uint8_t order_bytes[ORDER_LEN], signature[64] = {3};
	uint8_t buffer[JOURNAL_PLAIN_MAX];
	struct order order = {.kind = ORDER_TRANSFER};
	struct entry_order read, write = {order_bytes, signature, attachment,
				     sizeof(attachment), SR_FUNDS, 123};
	struct journal_header header = {.seq = 1};
	struct journal_plain plain = {
	    .committed = entry, .touched_count = JOURNAL_TOUCHED_MAX};
	struct journal_leaf leaf;
	struct journal_frame frame;
	size_t len;

	(void)state;
	order_encode(&order, order_bytes);
	assert_int_equal(entry_order_encode(&write, entry, sizeof(entry),
			     &plain.committed_len),
	    SR_OK);
	assert_int_equal(plain.committed_len, ENTRY_MAX);
	assert_int_equal(journal_seal(segment_key, &header, &plain, out,
			     sizeof(out), &len, &leaf),
	    SR_OK);
	assert_int_equal(journal_seal(segment_key, &header, &plain, out,
			     len - 1, &len, &leaf),
	    SR_TOO_LARGE);
	assert_int_equal(journal_frame_parse(out, sizeof(out), &frame), SR_OK);
	assert_int_equal(frame.header.class, JOURNAL_CLASS_ORDER);
	assert_int_equal(
	    journal_open(segment_key, &frame, buffer, &plain), SR_OK);
	assert_int_equal(
	    entry_order_decode(plain.committed, plain.committed_len, &read),
	    SR_OK);
	assert_int_equal(read.outcome, SR_FUNDS);
	assert_int_equal(read.attachment_len, sizeof(attachment));
	assert_true(read.time_ms == 123);
	assert_int_equal(
	    entry_order_decode(plain.committed, plain.committed_len - 1, &read),
	    SR_MALFORMED);
}

static void
given_leaf_0_when_signed_then_only_that_identity_and_text_verify(void **state)
{
	uint8_t public_key[32], secret[64], other[32], seed[32] = {8};
	uint8_t bytes[ENTRY_GENESIS_LEN], again[ENTRY_GENESIS_LEN];
	struct entry_genesis read, genesis = {.name_len = 9,
				       .name = "Demo Bank",
				       .unit = {"EUR", 2},
				       .rules = entry_rules_default(BANK_CASH),
				       .operator_key = {{1}, {2}},
				       .time_ms = 5};

	(void)state;
	crypto_sign_seed_keypair(other, secret, (const uint8_t[32]){9});
	crypto_sign_seed_keypair(public_key, secret, seed);
	memcpy(genesis.identity_key, public_key, 32);
	crypto_hash_sha256(genesis.bank_id, public_key, 32);
	entry_genesis_encode(&genesis, bytes);
	assert_int_equal(
	    entry_genesis_sign(bytes, secret, genesis.signature), SR_OK);
	entry_genesis_encode(&genesis, bytes);
	assert_int_equal(
	    entry_genesis_decode(bytes, sizeof(bytes), &read), SR_OK);
	entry_genesis_encode(&read, again);
	assert_memory_equal(again, bytes, sizeof(again));
	assert_int_equal(
	    entry_genesis_decode(bytes, ENTRY_GENESIS_SIGNED_LEN, &read),
	    SR_OK);
	assert_int_equal(entry_genesis_verify(bytes, public_key), SR_OK);
	assert_int_equal(entry_genesis_verify(bytes, other), SR_BANK_KEY);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		assert_int_equal(
		    entry_genesis_verify(bytes, public_key), SR_BANK_KEY);
		bytes[i] ^= 1;
	}
}

static void
given_an_account_entry_when_bounds_are_exceeded_then_refused(void **state)
{
	uint8_t out[ENTRY_ACCOUNT_MAX + 8], blob[ENTRY_ATTESTATION_MAX + 1];
	struct entry_account read,
	    account = {1, blob, ENTRY_ATTESTATION_MAX, blob, 10};
	size_t len;

	(void)state;
	memset(blob, 7, sizeof(blob));
	assert_int_equal(
	    entry_account_encode(&account, out, sizeof(out), &len), SR_OK);
	assert_int_equal(entry_account_decode(out, len, &read), SR_OK);
	assert_int_equal(read.attestation_len, ENTRY_ATTESTATION_MAX);
	assert_int_equal(read.directory_len, 10);
	assert_int_equal(
	    entry_account_decode(out, len - 1, &read), SR_MALFORMED);
	assert_int_equal(
	    entry_account_decode(out, len + 1, &read), SR_MALFORMED);
	account.attestation_len++;
	assert_int_equal(entry_account_encode(&account, out, sizeof(out), &len),
	    SR_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_known_texts_when_summed_then_the_castagnoli_figures),
	    cmocka_unit_test(
		given_a_sealed_frame_when_opened_then_all_of_it_comes_back),
	    cmocka_unit_test(
		given_any_changed_bit_when_parsed_then_it_is_found),
	    cmocka_unit_test(
		given_a_changed_body_with_a_right_crc_when_opened_then_refused),
	    cmocka_unit_test(
		given_a_sealed_frame_with_another_commitment_when_opened_then_refused),
	    cmocka_unit_test(given_zeros_when_parsed_then_the_unused_rest),
	    cmocka_unit_test(
		given_segment_headers_when_read_then_any_change_is_found),
	    cmocka_unit_test(
		given_a_commit_when_written_and_read_then_the_same),
	    cmocka_unit_test(
		given_the_longest_order_when_sealed_then_it_fits_a_frame),
	    cmocka_unit_test(
		given_leaf_0_when_signed_then_only_that_identity_and_text_verify),
	    cmocka_unit_test(
		given_an_account_entry_when_bounds_are_exceeded_then_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
