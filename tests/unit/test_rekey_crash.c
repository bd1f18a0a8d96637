/* SPDX-License-Identifier: ISC */
/*
 * The power cut at every operation of passwd, recover, rekey and a reset: never both
 * passwords and never neither, never both keys and never neither, and keyd and
 * ledgerd agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/sim_credentials.h"

#define OLD "ada's secret"
#define NEW "ada's new secret"
#define CODE "ada's code"
#define NEW_CODE "ada's new code"

static struct sim_bank *bank;
static struct sim_people people;
static struct sim_person ada;      /* as of the cut that is looked at */
static bool password_acknowledged; /* the first of two changes */
static uint8_t old_secret[64];
static uint8_t new_public[32], new_secret[64];

static int
set_up(void **state)
{
	struct sim_change recovery = {.slot = SLOT_PASSWORD,
	    .secret = OLD,
	    .target = SLOT_RECOVERY,
	    .new_secret = CODE};
	struct payload_m5 m5;

	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	memcpy(old_secret, people.ada.signing_secret, 64);
	sim_keys(1, new_public, new_secret);
	return sim_person_change(bank, &people.ada, &recovery, &m5) == SR_OK
		   ? 0
		   : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* True if the bank said that it is done. */
static bool
change(uint8_t slot, const char *secret, uint8_t target, const char *next)
{
	struct sim_change change = {.slot = slot,
	    .secret = secret,
	    .target = target,
	    .new_secret = next};
	struct payload_m5 m5;

	return sim_person_change(bank, &ada, &change, &m5) == SR_OK;
}

static bool
opens(uint8_t slot, const char *secret)
{
	enum sr_error error = sim_person_log_in_by(bank, &ada, slot, secret);

	assert_true(error == SR_OK || error == SR_LOGIN);
	return error == SR_OK;
}

/* Exactly one of the two; the new one if the bank said so. */
static bool
assert_one_opens(
    uint8_t slot, const char *before, const char *after, bool acknowledged)
{
	bool new_opens = opens(slot, after);

	assert_true(new_opens || !acknowledged);
	assert_true(opens(slot, before) == !new_opens);
	return new_opens;
}

static bool
pays_with(const uint8_t secret[64])
{
	struct message_order_answer answer;
	enum sr_error error;

	memcpy(ada.signing_secret, secret, 64);
	error = sim_transfer(bank, &ada, people.bob.m4.account, 1, &answer);
	assert_true(error == SR_OK || error == SR_SIGNATURE);
	return error == SR_OK;
}

/*
 * Cuts the power at every operation of a scenario, which says whether the
 * bank acknowledged the change; then looks.
 */
static void
cut_everywhere(bool (*scenario)(void), void (*look)(bool acknowledged))
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	struct sim_disk *keyd, *ledger;
	bool finished = false;
	unsigned cuts = 0;

	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t cut = 1; !finished; cut++) {
		bool acknowledged = false;

		ada = people.ada;
		password_acknowledged = false;
		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		if (sim_bank_start(bank, false) == SR_OK)
			acknowledged = scenario();
		finished = !bank->sim->dark;
		assert_true(acknowledged || !finished);
		cuts += bank->sim->dark;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		look(acknowledged);
		/* and what was seen holds for the next start, too */
		sim_bank_end(bank);
		sim_restart(bank->sim, SIM_LOSE_ALL);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		assert_int_equal(sim_person_log_in(bank, &ada), SR_OK);
		assert_true(pays_with(ada.signing_secret));
		assert_int_equal(book_sum(&bank->ledgerd->book), 0);
		sim_bank_end(bank);
	}
	assert_true(cuts > 20);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

static bool
change_password(void)
{
	return change(SLOT_PASSWORD, OLD, SLOT_PASSWORD, NEW);
}

static void
look_at_password(bool acknowledged)
{
	bool is_new = assert_one_opens(SLOT_PASSWORD, OLD, NEW, acknowledged);

	assert_true(opens(SLOT_RECOVERY, CODE));
	ada.password = is_new ? NEW : OLD;
}

static void
given_a_cut_while_the_password_changes_then_one_password_opens(void **state)
{
	(void)state;
	cut_everywhere(change_password, look_at_password);
}

/*
 * A sync of keyd's fails and the rooms are started again while the kernel
 * lives on: which password opens then opens after a power cut, too.
 */
static void
given_a_failed_sync_and_a_restart_then_what_was_seen_survives_a_cut(
    void **state)
{
	struct sim_disk *keyd, *ledger;
	bool struck = true;

	(void)state;
	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t n = 1; struck; n++) {
		bool acknowledged, is_new;

		ada = people.ada;
		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		bank->keyd_room->fault[SIM_FAIL_SYNC] = n;
		acknowledged = change_password();
		struck = bank->keyd_room->fault[SIM_FAIL_SYNC] == 0;
		assert_true(acknowledged == !struck);
		bank->keyd_room->fault[SIM_FAIL_SYNC] = 0;
		sim_bank_end(bank);
		sim_kill(bank->keyd_room);
		sim_kill(bank->ledgerd_room);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		is_new =
		    assert_one_opens(SLOT_PASSWORD, OLD, NEW, acknowledged);
		sim_bank_end(bank);
		sim_restart(bank->sim, SIM_LOSE_ALL);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		assert_true(opens(SLOT_PASSWORD, is_new ? NEW : OLD));
		sim_bank_end(bank);
	}
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* By the code, which another one then replaces. */
static bool
recover(void)
{
	password_acknowledged = change(SLOT_RECOVERY, CODE, SLOT_PASSWORD, NEW);
	return password_acknowledged && !bank->sim->dark &&
	       change(SLOT_PASSWORD, NEW, SLOT_RECOVERY, NEW_CODE);
}

static void
look_at_recovery(bool acknowledged)
{
	bool new_password =
	    assert_one_opens(SLOT_PASSWORD, OLD, NEW, password_acknowledged);
	bool new_code =
	    assert_one_opens(SLOT_RECOVERY, CODE, NEW_CODE, acknowledged);

	assert_true(new_password || !new_code);
	ada.password = new_password ? NEW : OLD;
}

static void
given_a_cut_while_somebody_recovers_then_one_password_and_one_code_open(
    void **state)
{
	(void)state;
	cut_everywhere(recover, look_at_recovery);
}

static bool
send_half(uint8_t target)
{
	struct sim_change half = {.slot = SLOT_PASSWORD,
	    .secret = OLD,
	    .target = target,
	    .new_secret = target == SLOT_PASSWORD ? OLD : NEW_CODE,
	    .signing_public = new_public,
	    .signing_secret = new_secret,
	    .old_secret = old_secret};
	struct payload_m5 m5;

	return sim_person_change(bank, &ada, &half, &m5) == SR_OK;
}

/* Both halves, and on to the first order under the new key. */
static bool
rekey_and_pay(void)
{
	bool acknowledged;

	if (!send_half(SLOT_RECOVERY) || bank->sim->dark)
		return false;
	acknowledged = send_half(SLOT_PASSWORD);
	if (!bank->sim->dark && sim_person_log_in(bank, &ada) == SR_OK &&
	    !bank->sim->dark) {
		struct message_order_answer answer;

		memcpy(ada.signing_secret, new_secret, 64);
		(void)sim_transfer(
		    bank, &ada, people.bob.m4.account, 1, &answer);
	}
	return acknowledged;
}

static void
look_at_keys(bool acknowledged)
{
	bool is_new =
	    assert_one_opens(SLOT_RECOVERY, CODE, NEW_CODE, acknowledged);
	struct attestation attestation;

	assert_int_equal(sim_person_log_in(bank, &ada), SR_OK);
	assert_int_equal(
	    attestation_read(ada.m4.attestation, &attestation), SR_OK);
	assert_int_equal(attestation.key_epoch, is_new ? 2 : 1);
	assert_false(pays_with(is_new ? old_secret : new_secret));
	assert_true(pays_with(is_new ? new_secret : old_secret));
}

static void
given_a_cut_while_keys_are_replaced_then_one_set_of_keys_holds(void **state)
{
	(void)state;
	cut_everywhere(rekey_and_pay, look_at_keys);
}

/* ---- by a reset code ------------------------------------------------------- */

static uint8_t reset_code[RESET_CODE_LEN];
static uint64_t reset_leaf;

static bool
reset_half(uint8_t target)
{
	struct sim_change half = {.target = target,
	    .new_secret = target == SLOT_PASSWORD ? NEW : NEW_CODE,
	    .signing_public = new_public,
	    .signing_secret = new_secret,
	    .reset_code = reset_code};
	struct payload_m5 m5;

	return sim_person_change(bank, &ada, &half, &m5) == SR_OK;
}

/* The code from keyd, both halves, and on to the first order. */
static bool
reset_and_pay(void)
{
	bool acknowledged;

	if (sim_reset_code(bank, reset_leaf, reset_code) != SR_OK ||
	    bank->sim->dark || !reset_half(SLOT_RECOVERY) || bank->sim->dark)
		return false;
	acknowledged = reset_half(SLOT_PASSWORD);
	if (!bank->sim->dark &&
	    sim_person_log_in_by(bank, &ada, SLOT_PASSWORD, NEW) == SR_OK &&
	    !bank->sim->dark) {
		struct message_order_answer answer;

		memcpy(ada.signing_secret, new_secret, 64);
		(void)sim_transfer(
		    bank, &ada, people.bob.m4.account, 1, &answer);
	}
	return acknowledged;
}

/* Password, code and keys are all new or all old; then a code serves. */
static void
look_at_reset(bool acknowledged)
{
	bool is_new = assert_one_opens(SLOT_PASSWORD, OLD, NEW, acknowledged);
	struct attestation attestation;

	assert_true(opens(SLOT_RECOVERY, is_new ? NEW_CODE : CODE));
	assert_false(opens(SLOT_RECOVERY, is_new ? CODE : NEW_CODE));
	ada.password = is_new ? NEW : OLD;
	assert_int_equal(sim_person_log_in(bank, &ada), SR_OK);
	assert_int_equal(
	    attestation_read(ada.m4.attestation, &attestation), SR_OK);
	assert_int_equal(attestation.key_epoch, is_new ? 2 : 1);
	assert_int_equal(attestation.reset_leaf, is_new ? reset_leaf : 0);
	assert_false(pays_with(is_new ? old_secret : new_secret));
	assert_true(pays_with(is_new ? new_secret : old_secret));
	assert_int_equal(sim_reset_code(bank, reset_leaf, reset_code),
	    is_new ? SR_KEYS_REPLACED : SR_OK);
}

static void
given_a_cut_while_somebody_is_reset_then_all_is_old_or_all_is_new(void **state)
{
	struct order_reset reset;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    sim_person_log_in(bank, &people.operators[i]), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	reset = sim_reset_of(bank, &people.ada);
	assert_int_equal(
	    sim_reset_agree(bank, &people, &reset, &reset_leaf), SR_OK);
	cut_everywhere(reset_and_pay, look_at_reset);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_cut_while_the_password_changes_then_one_password_opens),
	    TEST(
		given_a_failed_sync_and_a_restart_then_what_was_seen_survives_a_cut),
	    TEST(
		given_a_cut_while_somebody_recovers_then_one_password_and_one_code_open),
	    TEST(
		given_a_cut_while_keys_are_replaced_then_one_set_of_keys_holds),
	    TEST(
		given_a_cut_while_somebody_is_reset_then_all_is_old_or_all_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
