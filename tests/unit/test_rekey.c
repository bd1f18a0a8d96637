/* SPDX-License-Identifier: ISC */
/*
 * New keys for a customer, keyd and ledgerd together: what the two halves
 * must be, what they change and what they leave.
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

#include "tests/lib/sim_credentials.h"

#define CODE "ada's code"
#define NEW_CODE "ada's new code"

static struct sim_bank *bank;
static struct sim_people people;
static uint8_t old_public[32], old_secret[64];
static uint8_t new_public[32], new_secret[64];

static int
set_up(void **state)
{
	struct sim_change recovery = {.slot = SLOT_PASSWORD,
	    .secret = "ada's secret",
	    .target = SLOT_RECOVERY,
	    .new_secret = CODE};
	struct payload_m5 m5;

	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	if (sim_person_change(bank, &people.ada, &recovery, &m5) != SR_OK ||
	    sim_person_log_in(bank, &people.ada) != SR_OK)
		return -1;
	memcpy(old_public, people.ada.signing_public, 32);
	memcpy(old_secret, people.ada.signing_secret, 64);
	sim_keys(1, new_public, new_secret);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* The half of an honest client. */
static struct sim_change
half_of(uint8_t target)
{
	return (struct sim_change){.slot = SLOT_PASSWORD,
	    .secret = people.ada.password,
	    .target = target,
	    .new_secret =
		target == SLOT_PASSWORD ? people.ada.password : NEW_CODE,
	    .signing_public = new_public,
	    .signing_secret = new_secret,
	    .old_secret = old_secret};
}

static enum sr_error
send_half(const struct sim_change *half, uint32_t *key_epoch)
{
	struct attestation attestation;
	struct payload_m5 m5 = {0};
	enum sr_error error = sim_person_change(bank, &people.ada, half, &m5);

	*key_epoch = 0;
	if (error == SR_OK) {
		assert_int_equal(attestation_verify(m5.attestation,
				     bank->keyd->origin->attestation.public,
				     bank->ledgerd->bank_id, &attestation),
		    SR_OK);
		*key_epoch = attestation.key_epoch;
	}
	return error;
}

/* Sends both halves; Ada then has the new keys in hand. */
static void
rekey_ada(void)
{
	struct sim_change first = half_of(SLOT_RECOVERY);
	struct sim_change second = half_of(SLOT_PASSWORD);
	uint32_t key_epoch;

	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	assert_int_equal(send_half(&second, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 2);
	memcpy(people.ada.signing_public, new_public, 32);
	memcpy(people.ada.signing_secret, new_secret, 64);
}

static enum sr_error
log_in_by_code(const char *code)
{
	struct sim_person by_code = people.ada;

	return sim_person_log_in_by(bank, &by_code, SLOT_RECOVERY, code);
}

/* Nothing has changed: password, code, keys. */
static void
assert_all_is_old(void)
{
	struct message_order_answer answer;
	struct attestation attestation;

	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    attestation_read(people.ada.m4.attestation, &attestation), SR_OK);
	assert_int_equal(attestation.key_epoch, 1);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(log_in_by_code(CODE), SR_OK);
	assert_int_equal(log_in_by_code(NEW_CODE), SR_LOGIN);
}

static void
given_both_halves_then_the_new_attestation_continues_the_old(void **state)
{
	struct attestation before, after;
	uint8_t hash[32];
	struct message_order_answer answer;

	(void)state;
	attestation_hash(people.ada.m4.attestation, hash);
	assert_int_equal(
	    attestation_read(people.ada.m4.attestation, &before), SR_OK);
	rekey_ada();
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    attestation_read(people.ada.m4.attestation, &after), SR_OK);
	assert_int_equal(after.key_epoch, 2);
	assert_memory_equal(after.previous_hash, hash, sizeof(hash));
	assert_memory_equal(after.signing_key, new_public, 32);
	assert_memory_equal(after.name_hash, before.name_hash, 32);
	assert_true(after.customer == before.customer);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(log_in_by_code(NEW_CODE), SR_OK);
	assert_int_equal(log_in_by_code(CODE), SR_LOGIN);
}

static void
given_new_keys_then_the_old_ones_order_nothing_more(void **state)
{
	struct message_order_answer answer;
	struct sim_person spy;
	int64_t before = sim_bank_posted(bank, people.ada.m4.account);

	(void)state;
	rekey_ada();
	/* her session of before has ended */
	assert_null(
	    sessions_find(&bank->ledgerd->sessions, people.ada.connection));
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	spy = people.ada;
	memcpy(spy.signing_secret, old_secret, 64);
	assert_int_equal(
	    sim_transfer(bank, &spy, people.bob.m4.account, 1, &answer),
	    SR_SIGNATURE);
	assert_true(sim_bank_posted(bank, people.ada.m4.account) == before);
	/* nor does a restart bring them back */
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	spy = people.ada;
	memcpy(spy.signing_secret, old_secret, 64);
	assert_int_equal(
	    sim_transfer(bank, &spy, people.bob.m4.account, 1, &answer),
	    SR_SIGNATURE);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
}

static void
given_new_keys_in_a_snapshot_then_a_start_from_it_knows_them(void **state)
{
	struct message_order_answer answer;
	struct sim_person spy;

	(void)state;
	rekey_ada();
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	while (bank->ledgerd->snapshots.last.number == 0)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	spy = people.ada;
	memcpy(spy.signing_secret, old_secret, 64);
	assert_int_equal(
	    sim_transfer(bank, &spy, people.bob.m4.account, 1, &answer),
	    SR_SIGNATURE);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
}

static void
given_an_order_of_before_when_asked_after_new_keys_then_it_is_answered(
    void **state)
{
	struct message_order_answer first, again;
	struct sim_order sent, never;
	struct order order;

	(void)state;
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	order.amount_minor = 7;
	sim_order_sign(&people.ada, &order, NULL, 0, &sent);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &sent, &first), SR_OK);
	/* and one that is signed, but was never sent */
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	order.amount_minor = 9;
	sim_order_sign(&people.ada, &order, NULL, 0, &never);
	rekey_ada();
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &sent, &again), SR_OK);
	assert_true(again.leaf == first.leaf);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &never, &again), SR_SIGNATURE);
	/* of the applied one not a bit may differ */
	sent.bytes[56] ^= 1;
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &sent, &again), SR_SIGNATURE);
}

static void
given_one_half_alone_then_nothing_has_changed(void **state)
{
	struct sim_change half = half_of(SLOT_RECOVERY);
	uint32_t key_epoch, sessions = bank->ledgerd->sessions.count;

	(void)state;
	assert_int_equal(send_half(&half, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	/* no session has ended, either */
	assert_true(bank->ledgerd->sessions.count == sessions);
	assert_all_is_old();
	/* the same half again does not make two */
	assert_int_equal(send_half(&half, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	assert_all_is_old();
}

static void
given_halves_of_different_keys_then_nothing_has_changed(void **state)
{
	struct sim_change first = half_of(SLOT_RECOVERY);
	struct sim_change second = half_of(SLOT_PASSWORD);
	uint8_t other_public[32], other_secret[64];
	uint32_t key_epoch;

	(void)state;
	sim_keys(2, other_public, other_secret);
	second.signing_public = other_public;
	second.signing_secret = other_secret;
	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	assert_int_equal(send_half(&second, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	assert_all_is_old();
}

static void
given_another_change_in_between_then_the_half_is_void(void **state)
{
	struct sim_change first = half_of(SLOT_RECOVERY);
	struct sim_change second = half_of(SLOT_PASSWORD);
	struct sim_change passwd = {.slot = SLOT_PASSWORD,
	    .secret = "ada's secret",
	    .target = SLOT_PASSWORD,
	    .new_secret = "ada's secret"};
	uint32_t key_epoch;

	(void)state;
	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	assert_int_equal(send_half(&passwd, &key_epoch), SR_OK);
	assert_int_equal(send_half(&second, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	assert_all_is_old();
}

static void
given_a_half_that_waits_then_it_serves_for_two_minutes_and_no_longer(
    void **state)
{
	struct sim_change first = half_of(SLOT_RECOVERY);
	struct sim_change second = half_of(SLOT_PASSWORD);
	uint32_t key_epoch;

	(void)state;
	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	sim_advance(bank->sim, REKEY_HALF_LIFE_MS);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(send_half(&second, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	/* that was a first one; the other completes it just in time */
	sim_advance(bank->sim, REKEY_HALF_LIFE_MS - 1);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 2);
}

static void
given_a_start_of_keyd_in_between_then_the_half_is_forgotten(void **state)
{
	struct sim_change first = half_of(SLOT_RECOVERY);
	struct sim_change second = half_of(SLOT_PASSWORD);
	uint32_t key_epoch;

	(void)state;
	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	assert_int_equal(send_half(&second, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	assert_all_is_old();
}

static void
given_many_halves_then_the_oldest_makes_place(void **state)
{
	static struct sim_person crowd[REKEY_HALVES_MAX];
	static char names[REKEY_HALVES_MAX][8];
	struct sim_change first = half_of(SLOT_RECOVERY);
	struct sim_change second = half_of(SLOT_PASSWORD);
	uint32_t key_epoch;

	(void)state;
	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	for (unsigned i = 0; i < REKEY_HALVES_MAX; i++) {
		struct sim_person *one = &crowd[i];
		struct sim_change half = first;
		struct payload_m5 m5;

		snprintf(names[i], sizeof(names[i]), "crowd%u", i);
		sim_person_init(one, names[i], "the same");
		assert_int_equal(sim_person_register(bank, one), SR_OK);
		sim_advance(bank->sim, 1);
		half.secret = one->password;
		half.old_secret = one->signing_secret;
		assert_int_equal(
		    sim_person_change(bank, one, &half, &m5), SR_OK);
	}
	assert_int_equal(send_half(&second, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 1);
	assert_all_is_old();
}

static void
given_a_half_that_is_not_signed_as_it_must_be_then_it_is_refused(void **state)
{
	struct sim_change half = half_of(SLOT_PASSWORD);
	uint32_t key_epoch;

	(void)state;
	half.old_secret = NULL;
	assert_int_equal(send_half(&half, &key_epoch), SR_NOT_ALLOWED);
	half.old_secret = people.bob.signing_secret;
	assert_int_equal(send_half(&half, &key_epoch), SR_SIGNATURE);
	half.old_secret = new_secret;
	assert_int_equal(send_half(&half, &key_epoch), SR_SIGNATURE);
	half = half_of(SLOT_PASSWORD);
	half.no_proof = true;
	assert_int_equal(send_half(&half, &key_epoch), SR_SIGNATURE);
	/* nor do keys that are not new get a new attestation */
	half = half_of(SLOT_PASSWORD);
	half.signing_public = old_public;
	half.signing_secret = old_secret;
	assert_int_equal(send_half(&half, &key_epoch), SR_NOT_ALLOWED);
	assert_all_is_old();
}

static void
given_the_recovery_code_alone_then_it_makes_no_new_keys(void **state)
{
	struct sim_change half = half_of(SLOT_PASSWORD);
	uint32_t key_epoch;

	(void)state;
	half.slot = SLOT_RECOVERY;
	half.secret = CODE;
	assert_int_equal(send_half(&half, &key_epoch), SR_NOT_ALLOWED);
	assert_all_is_old();
}

static void
given_new_keys_twice_then_the_chain_goes_on(void **state)
{
	struct sim_change first, second;
	struct message_order_answer answer;
	uint32_t key_epoch;

	(void)state;
	rekey_ada();
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	memcpy(old_secret, new_secret, 64);
	sim_keys(2, new_public, new_secret);
	first = half_of(SLOT_PASSWORD);
	second = half_of(SLOT_RECOVERY);
	assert_int_equal(send_half(&first, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 2);
	assert_int_equal(send_half(&second, &key_epoch), SR_OK);
	assert_int_equal(key_epoch, 3);
	memcpy(people.ada.signing_secret, new_secret, 64);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
}

static void
given_an_operator_with_new_keys_then_the_role_stays(void **state)
{
	struct sim_person *one = &people.operators[0];
	struct sim_change half = half_of(SLOT_RECOVERY);
	struct payload_m5 m5;

	(void)state;
	half.secret = one->password;
	half.old_secret = one->signing_secret;
	assert_int_equal(sim_person_change(bank, one, &half, &m5), SR_OK);
	half.target = SLOT_PASSWORD;
	half.new_secret = one->password;
	assert_int_equal(sim_person_change(bank, one, &half, &m5), SR_OK);
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(one->m4.role, ROLE_OPERATOR);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(one->m4.role, ROLE_OPERATOR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_both_halves_then_the_new_attestation_continues_the_old),
	    TEST(given_new_keys_then_the_old_ones_order_nothing_more),
	    TEST(given_new_keys_in_a_snapshot_then_a_start_from_it_knows_them),
	    TEST(
		given_an_order_of_before_when_asked_after_new_keys_then_it_is_answered),
	    TEST(given_one_half_alone_then_nothing_has_changed),
	    TEST(given_halves_of_different_keys_then_nothing_has_changed),
	    TEST(given_another_change_in_between_then_the_half_is_void),
	    TEST(
		given_a_half_that_waits_then_it_serves_for_two_minutes_and_no_longer),
	    TEST(given_a_start_of_keyd_in_between_then_the_half_is_forgotten),
	    TEST(given_many_halves_then_the_oldest_makes_place),
	    TEST(
		given_a_half_that_is_not_signed_as_it_must_be_then_it_is_refused),
	    TEST(given_the_recovery_code_alone_then_it_makes_no_new_keys),
	    TEST(given_new_keys_twice_then_the_chain_goes_on),
	    TEST(given_an_operator_with_new_keys_then_the_role_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
