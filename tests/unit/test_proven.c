/* SPDX-License-Identifier: ISC */
/*
 * The client and a bank that lies about an order: ledgerd's word counts for
 * nothing without keyd's signature over a tree that the entry is in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "client/proven.h"
#include "tests/lib/toy_receipt.h"

static char home[] = "/tmp/test-proven-XXXXXX";
static struct toy_receipt toy;
static struct bank_session session;
static struct state state;
static struct kept kept;
static struct proven_head seen;
static struct message_order_answer answer;

/* The answer that ledgerd gives to the order in the toy's log. */
static void
make_answer(enum sr_error outcome)
{
	const struct receipt *receipt = &toy.receipt;

	memset(&answer, 0, sizeof(answer));
	answer.outcome = (uint16_t)outcome;
	answer.leaf = TOY_LEAF;
	answer.time = 1795000000000;
	memcpy(answer.salt, receipt->salt, sizeof(answer.salt));
	answer.segment = receipt->segment;
	memcpy(answer.sealed_hash, receipt->sealed_hash,
	    sizeof(answer.sealed_hash));
	answer.path = receipt->path;
	answer.path_len = receipt->path_count * MERKLE_HASH_LEN;
	answer.checkpoint = (const uint8_t *)receipt->checkpoint;
	answer.checkpoint_len = receipt->checkpoint_len;
}

static int
good_answer(void **unused)
{
	(void)unused;
	toy_receipt_make(&toy);
	memset(&session, 0, sizeof(session));
	session.login.certificate = toy.certificate;
	session.login.attestation.key_epoch = 1;
	snprintf(session.login.name, sizeof(session.login.name), "ada");
	memset(&kept, 0, sizeof(kept));
	memcpy(kept.order, toy.order, sizeof(kept.order));
	memcpy(kept.signature, toy.signature, sizeof(kept.signature));
	memcpy(kept.attachment, "rent", 4);
	kept.attachment_len = 4;
	make_answer(SR_OK);
	return state_open(&state, toy.certificate.bank_id) == SR_OK &&
		       proven_head_load(&state, &seen) == SR_OK &&
		       seen.size == 0
		   ? 0
		   : 1;
}

/* Nothing is left behind. */
static int
tidy(void **unused)
{
	char path[STATE_PATH_MAX];

	(void)unused;
	(void)state_remove(&state, "head");
	(void)state_remove(&state, "attested-ada-1");
	snprintf(path, sizeof(path), "%s/strongroom", home);
	return rmdir(state.directory) == 0 && rmdir(path) == 0 ? 0 : 1;
}

static enum sr_error
proven(void)
{
	return proven_answer(&session, &state, &seen, &kept, &answer);
}

static void
given_an_answer_with_its_proof_when_checked_then_it_counts(void **unused)
{
	(void)unused;
	assert_int_equal(proven(), SR_OK);
	assert_int_equal(proven_head_load(&state, &seen), SR_OK);
	assert_int_equal(seen.size, TOY_LEAVES);
	assert_int_equal(seen.epoch, toy.certificate.epoch);
	/* and again: the same head is not older */
	assert_int_equal(proven(), SR_OK);
}

static void
given_no_proof_at_present_when_checked_then_it_is_not_known(void **unused)
{
	(void)unused;
	answer.path_len = 0;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	assert_int_equal(proven_head_load(&state, &seen), SR_OK);
	assert_int_equal(seen.size, 0);
}

/* Said to be booked, and in the log as declined; and the other way round. */
static void
given_another_outcome_in_the_log_when_checked_then_it_is_not_known(
    void **unused)
{
	(void)unused;
	toy_receipt_enter(&toy, SR_FUNDS);
	toy_receipt_prove(&toy);
	make_answer(SR_OK);
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	make_answer(SR_FUNDS);
	assert_int_equal(proven(), SR_OK);
	make_answer(SR_LIMIT);
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
}

/* Another's entry is shown in place of this one. */
static void
given_another_order_in_the_log_when_checked_then_it_is_not_known(void **unused)
{
	(void)unused;
	kept.order[48] ^= 1;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	kept.order[48] ^= 1;
	kept.signature[0] ^= 1;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	kept.signature[0] ^= 1;
	kept.attachment[0] ^= 1;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	kept.attachment[0] ^= 1;
	assert_int_equal(proven(), SR_OK);
}

static void
given_any_field_of_the_answer_changed_when_checked_then_it_is_not_known(
    void **unused)
{
	const struct message_order_answer good = answer;

	(void)unused;
	answer.leaf++;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	answer.time++;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	answer.salt[31] ^= 1;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	answer.segment++;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	answer.sealed_hash[0] ^= 1;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	answer.path_len -= MERKLE_HASH_LEN;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	answer.path_len--;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	answer.checkpoint_len--;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	answer = good;
	assert_int_equal(proven(), SR_OK);
}

/* ledgerd has everything but keyd's key. */
static void
given_a_checkpoint_by_another_key_when_checked_then_it_is_not_known(
    void **unused)
{
	(void)unused;
	crypto_sign_keypair(toy.log_key, toy.log_secret);
	toy_receipt_prove(&toy);
	make_answer(SR_OK);
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
}

static void
given_another_banks_log_when_checked_then_it_is_not_known(void **unused)
{
	struct certificate mine = toy.certificate;

	(void)unused;
	toy.certificate.bank_id[0] ^= 1;
	toy_receipt_enter(&toy, SR_OK);
	toy_receipt_prove(&toy);
	make_answer(SR_OK);
	memcpy(kept.order, toy.order, sizeof(kept.order));
	memcpy(kept.signature, toy.signature, sizeof(kept.signature));
	session.login.certificate = mine;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
}

static void
given_an_older_head_than_was_seen_when_checked_then_it_is_not_known(
    void **unused)
{
	(void)unused;
	seen.epoch = toy.certificate.epoch;
	seen.size = TOY_LEAVES + 1;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	seen.epoch = toy.certificate.epoch + 1;
	seen.size = 1;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
	/* a restore that the identity has certified may be shorter */
	seen.epoch = toy.certificate.epoch - 1;
	seen.size = TOY_LEAVES + 1;
	assert_int_equal(proven(), SR_OK);
}

static void
given_another_head_of_the_size_seen_when_checked_then_it_is_not_known(
    void **unused)
{
	(void)unused;
	seen.epoch = toy.certificate.epoch;
	seen.size = TOY_LEAVES;
	assert_int_equal(proven(), SR_UNKNOWN_OUTCOME);
}

static void
given_a_damaged_head_file_when_read_then_it_is_said(void **unused)
{
	(void)unused;
	assert_int_equal(state_write(&state, "head", "SRHEAD01", 8), SR_OK);
	assert_int_equal(proven_head_load(&state, &seen), SR_DAMAGED);
	assert_int_equal(state_write(&state, "head", "SRHEAD02", 8), SR_OK);
	assert_int_equal(proven_head_load(&state, &seen), SR_VERSION);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, good_answer, tidy)
	const struct CMUnitTest tests[] = {
	    TEST(given_an_answer_with_its_proof_when_checked_then_it_counts),
	    TEST(given_no_proof_at_present_when_checked_then_it_is_not_known),
	    TEST(
		given_another_outcome_in_the_log_when_checked_then_it_is_not_known),
	    TEST(
		given_another_order_in_the_log_when_checked_then_it_is_not_known),
	    TEST(
		given_any_field_of_the_answer_changed_when_checked_then_it_is_not_known),
	    TEST(
		given_a_checkpoint_by_another_key_when_checked_then_it_is_not_known),
	    TEST(given_another_banks_log_when_checked_then_it_is_not_known),
	    TEST(
		given_an_older_head_than_was_seen_when_checked_then_it_is_not_known),
	    TEST(
		given_another_head_of_the_size_seen_when_checked_then_it_is_not_known),
	    TEST(given_a_damaged_head_file_when_read_then_it_is_said),
	};

	if (sodium_init() < 0 || mkdtemp(home) == NULL ||
	    setenv("XDG_STATE_HOME", home, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL) != 0 ||
	       rmdir(home) != 0;
}
