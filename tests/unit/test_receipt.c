/* SPDX-License-Identifier: ISC */
/* Receipts: one text, and no byte of it that may be another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/journal.h"
#include "common/receipt.h"

enum { LEAVES = 5, LEAF = 3, CUSTOMER = 7 };

static uint8_t identity[32], identity_secret[64];
static uint8_t log_key[32], log_secret[64];
static uint8_t attestation_key[32], attestation_secret[64];
static uint8_t signing_key[32], signing_secret[64];
static uint8_t leaves[LEAVES][32];
static struct certificate certificate;
static struct receipt receipt;
static struct receipt_facts facts;
static char text[RECEIPT_TEXT_MAX];
static size_t text_len;

static enum sr_error
source(void *context, unsigned level, uint64_t index, uint8_t hash[32])
{
	uint8_t right[32];

	if (level == 0) {
		memcpy(hash, leaves[index], 32);
		return SR_OK;
	}
	if (source(context, level - 1, 2 * index, hash) != SR_OK ||
	    source(context, level - 1, 2 * index + 1, right) != SR_OK)
		return SR_IO;
	merkle_node_hash(hash, right, hash);
	return SR_OK;
}

static void
make_order(uint8_t bytes[ORDER_LEN])
{
	struct order order = {.kind = ORDER_TRANSFER,
	    .signer = CUSTOMER,
	    .seq = 1,
	    .debit = CUSTOMER << 16,
	    .credit = 8 << 16,
	    .amount_minor = 1250};

	memcpy(order.bank, certificate.bank_id, sizeof(order.bank));
	order_attachment_hash("rent", 4, order.attachment_hash);
	order_encode(&order, bytes);
}

static void
make_attestation(void)
{
	struct attestation attestation = {.customer = CUSTOMER,
	    .key_epoch = 1,
	    .key_id = certificate_key_id(&certificate)};

	memcpy(attestation.bank_id, certificate.bank_id, 32);
	memcpy(attestation.signing_key, signing_key, 32);
	receipt.name_len = 3;
	memcpy(receipt.name, "ada", 3);
	memset(receipt.name_salt, 5, sizeof(receipt.name_salt));
	attestation_name_hash(
	    receipt.name_salt, "ada", 3, attestation.name_hash);
	attestation_sign(&attestation, attestation_secret, receipt.attestation);
	receipt.attested = true;
}

/* The checkpoint over the leaves, and the path of the one. */
static void
make_proof(void)
{
	struct checkpoint checkpoint = {.size = LEAVES};
	struct merkle_frontier tree;
	uint8_t path[MERKLE_PROOF_MAX * 32], signature[64];

	merkle_frontier_init(&tree);
	for (unsigned i = 0; i < LEAVES; i++)
		assert_int_equal(
		    merkle_frontier_append(&tree, leaves[i]), SR_OK);
	merkle_frontier_root(&tree, checkpoint.root);
	note_origin(certificate.bank_id, certificate.epoch, checkpoint.origin);
	assert_int_equal(note_sign(&checkpoint, log_secret, signature), SR_OK);
	note_assemble(&checkpoint, log_key, signature, receipt.checkpoint,
	    &receipt.checkpoint_len);
	assert_int_equal(merkle_inclusion_prove(source, NULL, LEAF, LEAVES,
			     path, &receipt.path_count),
	    SR_OK);
	memcpy(receipt.path, path, receipt.path_count * 32);
}

static void
make_entry(enum sr_error outcome)
{
	uint8_t order[ORDER_LEN], signature[64];
	struct entry_order entry = {.order = order,
	    .signature = signature,
	    .attachment = (const uint8_t *)"rent",
	    .attachment_len = 4,
	    .outcome = outcome,
	    .time_ms = 1795000000000};
	struct journal_leaf leaf = {.seq = LEAF,
	    .time_ms = entry.time_ms,
	    .class = JOURNAL_CLASS_ORDER,
	    .segment = 2};

	make_order(order);
	assert_int_equal(order_sign(order, signing_secret, signature), SR_OK);
	assert_int_equal(entry_order_encode(&entry, receipt.committed,
			     sizeof(receipt.committed), &receipt.committed_len),
	    SR_OK);
	receipt.index = LEAF;
	receipt.segment = 2;
	memset(receipt.sealed_hash, 3, 32);
	memset(receipt.salt, 4, 32);
	memcpy(leaf.sealed_hash, receipt.sealed_hash, 32);
	journal_commitment(receipt.salt, receipt.committed,
	    receipt.committed_len, leaf.commitment);
	journal_leaf_hash(&leaf, leaves[LEAF]);
}

static int
setup(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return 1;
	crypto_sign_keypair(identity, identity_secret);
	crypto_sign_keypair(log_key, log_secret);
	crypto_sign_keypair(attestation_key, attestation_secret);
	crypto_sign_keypair(signing_key, signing_secret);
	randombytes_buf(leaves, sizeof(leaves));
	return 0;
}

/* A receipt that is right, as a struct and as a text. */
static int
good_receipt(void **state)
{
	(void)state;
	memset(&receipt, 0, sizeof(receipt));
	memset(&certificate, 0, sizeof(certificate));
	certificate.epoch = 2;
	certificate.not_after_ms = 1;
	bank_id_of(identity, certificate.bank_id);
	memcpy(certificate.log_key, log_key, 32);
	memcpy(certificate.attestation_key, attestation_key, 32);
	certificate_sign(&certificate, identity_secret, receipt.certificate[0]);
	receipt.certificate_count = 1;
	make_attestation();
	make_entry(SR_OK);
	make_proof();
	return receipt_encode(&receipt, text, sizeof(text), &text_len) == SR_OK
		   ? 0
		   : 1;
}

/* What a reader of the text finds, by the pinned identity. */
static enum receipt_fault
found(const char *bytes, size_t len, enum sr_error *error)
{
	static struct receipt read;

	*error = receipt_decode(bytes, len, &read);
	return *error == SR_OK ? receipt_check(&read, identity, &facts)
			       : RECEIPT_FINE;
}

static void
given_a_receipt_when_read_then_it_shows_order_outcome_and_signer(void **state)
{
	enum sr_error error;

	(void)state;
	assert_int_equal(found(text, text_len, &error), RECEIPT_FINE);
	assert_int_equal(error, SR_OK);
	assert_int_equal(facts.order.amount_minor, 1250);
	assert_int_equal(facts.entry.outcome, SR_OK);
	assert_int_equal(facts.attestation.customer, CUSTOMER);
	assert_int_equal(facts.checkpoint.size, LEAVES);
}

static void
given_a_receipt_when_looked_at_then_it_is_a_tlog_proof(void **state)
{
	const char *at;

	(void)state;
	assert_memory_equal(text, "c2sp.org/tlog-proof@v1\nextra ", 29);
	at = memmem(text, text_len, "\nindex 3\n", 9);
	assert_non_null(at);
	/* three hashes of 44 characters, an empty line, the note as it is */
	assert_int_equal(receipt.path_count, 3);
	at += 9 + 3 * 45;
	assert_int_equal(*at, '\n');
	assert_int_equal(
	    (size_t)(text + text_len - at - 1), receipt.checkpoint_len);
	assert_memory_equal(at + 1, receipt.checkpoint, receipt.checkpoint_len);
}

static void
given_any_byte_changed_or_missing_when_read_then_it_is_refused(void **state)
{
	static char other[RECEIPT_TEXT_MAX];
	enum sr_error error;

	(void)state;
	for (size_t i = 0; i < text_len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(other, text, text_len);
			other[i] = (char)(other[i] ^ (1 << bit));
			if (found(other, text_len, &error) == RECEIPT_FINE &&
			    error == SR_OK)
				fail_msg("byte %zu, bit %u", i, bit);
		}
		if (found(text, i, &error) == RECEIPT_FINE && error == SR_OK)
			fail_msg("cut to %zu", i);
	}
	memcpy(other, text, text_len);
	other[text_len] = '\n';
	assert_int_equal(
	    found(other, text_len + 1, &error), RECEIPT_CHECKPOINT);
}

static void
given_another_banks_identity_when_checked_then_it_says_so(void **state)
{
	uint8_t other[32], secret[64];

	(void)state;
	crypto_sign_keypair(other, secret);
	assert_int_equal(
	    receipt_check(&receipt, other, &facts), RECEIPT_OTHER_BANK);
}

/* A bank cannot be blamed with a log key of one's own. */
static void
given_a_certificate_of_ones_own_when_checked_then_it_is_refused(void **state)
{
	uint8_t mine[32], secret[64];

	(void)state;
	crypto_sign_keypair(mine, secret);
	certificate_sign(&certificate, secret, receipt.certificate[0]);
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_CERTIFICATE);
}

static void
given_a_log_key_of_another_epoch_when_checked_then_it_is_refused(void **state)
{
	(void)state;
	certificate.epoch = 3;
	certificate_sign(&certificate, identity_secret, receipt.certificate[0]);
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_LOG_KEY);
}

static void
given_another_outcome_when_checked_then_the_entry_is_not_there(void **state)
{
	(void)state;
	make_proof();
	make_entry(SR_FUNDS);
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_INCLUSION);
	/* a log that has it so is another log */
	make_proof();
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_FINE);
	assert_int_equal(facts.entry.outcome, SR_FUNDS);
}

/* An order that the bank invented: in its log, but not the customer's. */
static void
given_an_order_of_another_key_when_checked_then_the_signer_is_denied(
    void **state)
{
	uint8_t kept[64];

	(void)state;
	memcpy(kept, signing_secret, sizeof(kept));
	memcpy(signing_secret, log_secret, sizeof(kept));
	make_entry(SR_OK);
	memcpy(signing_secret, kept, sizeof(kept));
	make_proof();
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_SIGNER);
}

static void
given_a_key_attested_by_a_stranger_when_checked_then_it_is_refused(void **state)
{
	uint8_t kept[64];

	(void)state;
	memcpy(kept, attestation_secret, sizeof(kept));
	memcpy(attestation_secret, log_secret, sizeof(kept));
	make_attestation();
	memcpy(attestation_secret, kept, sizeof(kept));
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_ATTESTATION);
}

static void
given_another_name_when_checked_then_it_is_refused(void **state)
{
	(void)state;
	memcpy(receipt.name, "eve", 3);
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_NAME);
	/* not told is fine, a name without an attestation is not */
	receipt.name_len = 0;
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_FINE);
	receipt.attested = false;
	receipt.name_len = 3;
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_NAME);
}

/* An attestation by a key that a newer certificate has replaced. */
static void
given_an_older_attestation_key_when_its_certificate_is_there_then_fine(
    void **state)
{
	uint8_t newer[32], secret[64];

	(void)state;
	memcpy(receipt.certificate[1], receipt.certificate[0], CERTIFICATE_LEN);
	crypto_sign_keypair(newer, secret);
	memcpy(certificate.attestation_key, newer, 32);
	certificate_sign(&certificate, identity_secret, receipt.certificate[0]);
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_ATTESTATION);
	receipt.certificate_count = 2;
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_FINE);
}

/* A second signature is not looked at: so there is none. */
static void
given_a_second_signature_line_when_checked_then_it_is_refused(void **state)
{
	static const char dash[] = "\xe2\x80\x94 ";
	char *line = memmem(
	    receipt.checkpoint, receipt.checkpoint_len, dash, sizeof(dash) - 1);
	size_t len;

	(void)state;
	assert_non_null(line);
	len = (size_t)(receipt.checkpoint + receipt.checkpoint_len - line);
	assert_true(receipt.checkpoint_len + len <= NOTE_MAX);
	memcpy(receipt.checkpoint + receipt.checkpoint_len, line, len);
	receipt.checkpoint_len += len;
	assert_int_equal(
	    receipt_check(&receipt, identity, &facts), RECEIPT_CHECKPOINT);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, good_receipt)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_receipt_when_read_then_it_shows_order_outcome_and_signer),
	    TEST(given_a_receipt_when_looked_at_then_it_is_a_tlog_proof),
	    TEST(
		given_any_byte_changed_or_missing_when_read_then_it_is_refused),
	    TEST(given_another_banks_identity_when_checked_then_it_says_so),
	    TEST(
		given_a_certificate_of_ones_own_when_checked_then_it_is_refused),
	    TEST(
		given_a_log_key_of_another_epoch_when_checked_then_it_is_refused),
	    TEST(
		given_another_outcome_when_checked_then_the_entry_is_not_there),
	    TEST(
		given_an_order_of_another_key_when_checked_then_the_signer_is_denied),
	    TEST(
		given_a_key_attested_by_a_stranger_when_checked_then_it_is_refused),
	    TEST(given_another_name_when_checked_then_it_is_refused),
	    TEST(
		given_an_older_attestation_key_when_its_certificate_is_there_then_fine),
	    TEST(given_a_second_signature_line_when_checked_then_it_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
