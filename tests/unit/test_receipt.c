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

#include "tests/lib/toy_receipt.h"

static struct toy_receipt toy;
static struct receipt_facts facts;
static char text[RECEIPT_TEXT_MAX];
static size_t text_len;

/* A receipt that is right, as a struct and as a text. */
static int
good_receipt(void **state)
{
	(void)state;
	toy_receipt_make(&toy);
	return receipt_encode(&toy.receipt, text, sizeof(text), &text_len) ==
		       SR_OK
		   ? 0
		   : 1;
}

/* What a reader of the text finds, by the pinned identity. */
static enum receipt_fault
found(const char *bytes, size_t len, enum sr_error *error)
{
	static struct receipt read;

	*error = receipt_decode(bytes, len, &read);
	return *error == SR_OK ? receipt_check(&read, toy.identity, &facts)
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
	assert_int_equal(facts.attestation.customer, TOY_CUSTOMER);
	assert_int_equal(facts.checkpoint.size, TOY_LEAVES);
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
	assert_int_equal(toy.receipt.path_count, 3);
	at += 9 + 3 * 45;
	assert_int_equal(*at, '\n');
	assert_int_equal(
	    (size_t)(text + text_len - at - 1), toy.receipt.checkpoint_len);
	assert_memory_equal(
	    at + 1, toy.receipt.checkpoint, toy.receipt.checkpoint_len);
}

/* What a changed byte may be found to be, by the line that it stands in. */
static bool
is_told(enum sr_error error, enum receipt_fault fault, size_t i, char byte)
{
	static const char index_line[] = "\nindex 3\n";
	const char *at =
	    memmem(text, text_len, index_line, sizeof(index_line) - 1);
	size_t index, note;

	assert_non_null(at);
	index = (size_t)(at - text) + 1;
	note = text_len - toy.receipt.checkpoint_len;
	if (error != SR_OK)
		return i < note; /* not laid out as a receipt */
	if (fault == RECEIPT_FINE || i < strlen("c2sp.org/tlog-proof@v1\n"))
		return false;
	if (i < index) /* what is disclosed, and whose keys are certified */
		return fault != RECEIPT_CHECKPOINT;
	/* an empty line where a hash begins: the note begins there */
	if (i < note)
		return fault == RECEIPT_INCLUSION ||
		       (byte == '\n' && fault == RECEIPT_CHECKPOINT);
	return fault == RECEIPT_CHECKPOINT || fault == RECEIPT_LOG_KEY ||
	       fault == RECEIPT_OTHER_BANK;
}

static void
given_any_byte_changed_or_missing_when_read_then_its_part_is_named(void **state)
{
	static char other[RECEIPT_TEXT_MAX];
	enum receipt_fault fault;
	enum sr_error error;

	(void)state;
	for (size_t i = 0; i < text_len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(other, text, text_len);
			other[i] = (char)(other[i] ^ (1 << bit));
			fault = found(other, text_len, &error);
			if (!is_told(error, fault, i, other[i]))
				fail_msg("byte %zu, bit %u: error %d, fault %d",
				    i, bit, (int)error, (int)fault);
		}
		if (found(text, i, &error) == RECEIPT_FINE && error == SR_OK)
			fail_msg("cut to %zu", i);
	}
	memcpy(other, text, text_len);
	other[text_len] = '\n';
	assert_int_equal(
	    found(other, text_len + 1, &error), RECEIPT_CHECKPOINT);
}

/* A line left out, doubled, or in the place of the next one. */
static void
given_any_line_deleted_doubled_or_swapped_when_read_then_it_is_refused(
    void **state)
{
	static char other[RECEIPT_TEXT_MAX + RECEIPT_TEXT_MAX];
	enum sr_error error;
	size_t at = 0, lines = 0;

	(void)state;
	while (at < text_len) {
		size_t end = at, next;

		while (text[end++] != '\n')
			continue;
		for (next = end; next < text_len && text[next] != '\n'; next++)
			continue;
		memcpy(other, text, at);
		memcpy(other + at, text + end, text_len - end);
		assert_false(found(other, text_len - (end - at), &error) ==
				 RECEIPT_FINE &&
			     error == SR_OK);
		memcpy(other, text, end);
		memcpy(other + end, text + at, text_len - at);
		assert_false(found(other, text_len + (end - at), &error) ==
				 RECEIPT_FINE &&
			     error == SR_OK);
		if (next++ < text_len) {
			memcpy(other, text, text_len);
			memcpy(other + at, text + end, next - end);
			memcpy(other + at + (next - end), text + at, end - at);
			assert_false(
			    found(other, text_len, &error) == RECEIPT_FINE &&
			    error == SR_OK);
		}
		at = end;
		lines++;
	}
	assert_true(lines >= 10);
}

static void
given_another_banks_identity_when_checked_then_it_says_so(void **state)
{
	uint8_t other[32], secret[64];

	(void)state;
	crypto_sign_keypair(other, secret);
	assert_int_equal(
	    receipt_check(&toy.receipt, other, &facts), RECEIPT_OTHER_BANK);
}

/* A bank cannot be blamed with a log key of one's own. */
static void
given_a_certificate_of_ones_own_when_checked_then_it_is_refused(void **state)
{
	uint8_t mine[32], secret[64];

	(void)state;
	crypto_sign_keypair(mine, secret);
	certificate_sign(&toy.certificate, secret, toy.receipt.certificate[0]);
	assert_int_equal(receipt_check(&toy.receipt, toy.identity, &facts),
	    RECEIPT_CERTIFICATE);
}

static void
given_a_log_key_of_another_epoch_when_checked_then_it_is_refused(void **state)
{
	(void)state;
	toy.certificate.epoch = 3;
	toy_receipt_certify(&toy);
	assert_int_equal(
	    receipt_check(&toy.receipt, toy.identity, &facts), RECEIPT_LOG_KEY);
}

static void
given_another_outcome_when_checked_then_the_entry_is_not_there(void **state)
{
	(void)state;
	toy_receipt_prove(&toy);
	toy_receipt_enter(&toy, SR_FUNDS);
	assert_int_equal(receipt_check(&toy.receipt, toy.identity, &facts),
	    RECEIPT_INCLUSION);
	/* a log that has it so is another log */
	toy_receipt_prove(&toy);
	assert_int_equal(
	    receipt_check(&toy.receipt, toy.identity, &facts), RECEIPT_FINE);
	assert_int_equal(facts.entry.outcome, SR_FUNDS);
}

/* An order that the bank invented: in its log, but not the customer's. */
static void
given_an_order_of_another_key_when_checked_then_the_signer_is_denied(
    void **state)
{
	uint8_t kept[64];

	(void)state;
	memcpy(kept, toy.signing_secret, sizeof(kept));
	memcpy(toy.signing_secret, toy.log_secret, sizeof(kept));
	toy_receipt_enter(&toy, SR_OK);
	memcpy(toy.signing_secret, kept, sizeof(kept));
	toy_receipt_prove(&toy);
	assert_int_equal(
	    receipt_check(&toy.receipt, toy.identity, &facts), RECEIPT_SIGNER);
}

static void
given_a_key_attested_by_a_stranger_when_checked_then_it_is_refused(void **state)
{
	uint8_t kept[64];

	(void)state;
	memcpy(kept, toy.attestation_secret, sizeof(kept));
	memcpy(toy.attestation_secret, toy.log_secret, sizeof(kept));
	toy_receipt_attest(&toy);
	memcpy(toy.attestation_secret, kept, sizeof(kept));
	assert_int_equal(receipt_check(&toy.receipt, toy.identity, &facts),
	    RECEIPT_ATTESTATION);
}

static void
given_another_name_when_checked_then_it_is_refused(void **state)
{
	(void)state;
	memcpy(toy.receipt.name, "eve", 3);
	assert_int_equal(
	    receipt_check(&toy.receipt, toy.identity, &facts), RECEIPT_NAME);
	/* not told is fine, a name without an attestation is not */
	toy.receipt.name_len = 0;
	assert_int_equal(
	    receipt_check(&toy.receipt, toy.identity, &facts), RECEIPT_FINE);
	toy.receipt.attested = false;
	toy.receipt.name_len = 3;
	assert_int_equal(
	    receipt_check(&toy.receipt, toy.identity, &facts), RECEIPT_NAME);
}

/* An attestation by a key that a newer certificate has replaced. */
static void
given_an_older_attestation_key_when_its_certificate_is_there_then_fine(
    void **state)
{
	uint8_t newer[32], secret[64];

	(void)state;
	memcpy(toy.receipt.certificate[1], toy.receipt.certificate[0],
	    CERTIFICATE_LEN);
	crypto_sign_keypair(newer, secret);
	memcpy(toy.certificate.attestation_key, newer, 32);
	toy_receipt_certify(&toy);
	assert_int_equal(receipt_check(&toy.receipt, toy.identity, &facts),
	    RECEIPT_ATTESTATION);
	toy.receipt.certificate_count = 2;
	assert_int_equal(
	    receipt_check(&toy.receipt, toy.identity, &facts), RECEIPT_FINE);
}

/* A second signature is not looked at: so there is none. */
static void
given_a_second_signature_line_when_checked_then_it_is_refused(void **state)
{
	static const char dash[] = "\xe2\x80\x94 ";
	char *line = memmem(toy.receipt.checkpoint, toy.receipt.checkpoint_len,
	    dash, sizeof(dash) - 1);
	size_t len;

	(void)state;
	assert_non_null(line);
	len = (size_t)(toy.receipt.checkpoint + toy.receipt.checkpoint_len -
		       line);
	assert_true(toy.receipt.checkpoint_len + len <= NOTE_MAX);
	memcpy(toy.receipt.checkpoint + toy.receipt.checkpoint_len, line, len);
	toy.receipt.checkpoint_len += len;
	assert_int_equal(receipt_check(&toy.receipt, toy.identity, &facts),
	    RECEIPT_CHECKPOINT);
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
		given_any_byte_changed_or_missing_when_read_then_its_part_is_named),
	    TEST(
		given_any_line_deleted_doubled_or_swapped_when_read_then_it_is_refused),
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

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
