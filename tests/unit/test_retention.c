/* SPDX-License-Identifier: ISC */
/*
 * A snapshot is certified: at every operation the power may fail, and then
 * keyd knows of it if the books do; nothing counts that no auditor of this
 * bank has signed, byte for byte; and the file stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "keyd/retention.h"
#include "tests/lib/audited_bank.h"

static struct audited_bank audited;
static struct sim_bank *bank;
#define people audited.people
#define eve audited.eve

static void
pay_until_snapshot(uint32_t number)
{
	audited_pay_until(&audited, number);
}

static struct order_certify
last_one(void)
{
	return audited_last(&audited);
}

static enum sr_error
certify(struct sim_person *by, const struct order_certify *says)
{
	return audited_certify(&audited, by, says);
}

static bool
file_is_there(uint32_t number)
{
	return audited_has_snapshot(&audited, number);
}

static int
set_up(void **state)
{
	(void)state;
	audited_begin(&audited, 9);
	bank = audited.bank;
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
given_a_certificate_when_more_snapshots_come_then_that_one_stays(void **state)
{
	struct order_certify says = last_one();

	(void)state;
	assert_int_equal(certify(&eve, &says), SR_OK);
	assert_int_equal(bank->keyd->state.certified.number, 1);
	pay_until_snapshot(4);
	assert_true(file_is_there(1) && !file_is_there(2));
	assert_true(file_is_there(3) && file_is_there(4));
	assert_int_equal(certify(&eve, &says), SR_NOT_FOUND);
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	assert_int_equal(bank->ledgerd->snapshots.certified.number, 1);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	pay_until_snapshot(5);
	assert_true(file_is_there(1) && !file_is_there(3));
	/* another takes its place */
	says = last_one();
	assert_int_equal(certify(&eve, &says), SR_OK);
	assert_int_equal(bank->keyd->state.certified.number, 5);
	assert_true(!file_is_there(1) && file_is_there(5));
}

static void
given_others_when_they_certify_then_nothing_comes_of_it(void **state)
{
	struct order_certify right = last_one(), wrong;

	(void)state;
	assert_int_equal(certify(&people.ada, &right), SR_ROLE);
	assert_int_equal(certify(&people.operators[0], &right), SR_ROLE);
	for (unsigned i = 0; i < 5; i++) {
		wrong = right;
		wrong.snapshot += i == 0;
		wrong.segment += i == 1;
		wrong.offset += i == 2;
		wrong.size += i == 3;
		wrong.hash[0] ^= i == 4;
		assert_int_equal(certify(&eve, &wrong), SR_NOT_FOUND);
	}
	assert_int_equal(bank->keyd->state.certified.number, 0);
}

/* What ledgerd would send, with that proof; whether keyd takes it. */
static enum sr_error
ask_keyd(const struct order_certify *told, const struct sim_order *order,
    uint64_t leaf)
{
	struct entry_retention read,
	    retention = {.snapshot = entry_snapshot_certified(told),
		.leaf = leaf,
		.step = RETENTION_CERTIFIED};
	struct entry_event event = entry_retention_event(&retention);
	uint8_t proof[ORDER_LEN + ORDER_SIGNATURE_LEN + ORDER_CERTIFY_LEN];
	enum sr_error error, refused = SR_OK;

	memcpy(proof, order->bytes, ORDER_LEN);
	memcpy(proof + ORDER_LEN, order->signature, ORDER_SIGNATURE_LEN);
	memcpy(proof + ORDER_LEN + ORDER_SIGNATURE_LEN, order->attachment,
	    ORDER_CERTIFY_LEN);
	assert_int_equal(retention_check(bank->keyd, &event, proof,
			     sizeof(proof) - 1, &read, &refused),
	    SR_MALFORMED);
	error = retention_check(
	    bank->keyd, &event, proof, sizeof(proof), &read, &refused);
	return error != SR_OK ? error : refused;
}

static struct sim_order
signed_by(const struct sim_person *hand, uint64_t signer, enum order_kind kind,
    const struct order_certify *says)
{
	uint8_t block[ORDER_CERTIFY_LEN];
	struct sim_order sent;
	struct order order;

	order_certify_encode(says, block);
	sim_order_begin(bank, &eve, kind, &order);
	order.signer = signer;
	sim_order_sign(hand, &order, block, sizeof(block), &sent);
	return sent;
}

static void
given_a_ledgerd_that_lies_when_it_tells_keyd_then_nothing_is_taken(void **state)
{
	uint64_t id = eve.m4.customer, leaf = bank->ledgerd->tree.size - 1;
	struct order_certify right = last_one(), wrong = right;
	struct sim_order order = signed_by(&eve, id, ORDER_CERTIFY, &right);

	(void)state;
	assert_int_equal(ask_keyd(&right, &order, leaf), SR_OK);
	/* of an entry that is not there yet */
	assert_int_equal(ask_keyd(&right, &order, leaf + 1), SR_MALFORMED);
	/* another snapshot than she has signed */
	wrong.hash[31] ^= 1;
	assert_int_equal(ask_keyd(&wrong, &order, leaf), SR_PARAMETERS);
	/* one that is not in the log, though she has signed it */
	order = signed_by(&eve, id, ORDER_CERTIFY, &wrong);
	assert_int_equal(ask_keyd(&wrong, &order, leaf), SR_NOT_FOUND);
	/* another attachment than she has signed */
	order_certify_encode(&right, order.attachment);
	assert_int_equal(ask_keyd(&right, &order, leaf), SR_PARAMETERS);
	/* in her name, by somebody else's hand; and in nobody's */
	order = signed_by(&people.ada, id, ORDER_CERTIFY, &right);
	assert_int_equal(ask_keyd(&right, &order, leaf), SR_SIGNATURE);
	order = signed_by(&eve, 1000, ORDER_CERTIFY, &right);
	assert_int_equal(ask_keyd(&right, &order, leaf), SR_NOT_FOUND);
	/* for another bank, where she has the same key */
	bank->ledgerd->bank_id[0] ^= 1;
	order = signed_by(&eve, id, ORDER_CERTIFY, &right);
	bank->ledgerd->bank_id[0] ^= 1;
	assert_int_equal(ask_keyd(&right, &order, leaf), SR_WRONG_BANK);
	/* by her hand, but no certificate */
	order = signed_by(&eve, id, ORDER_ERASE, &right);
	assert_int_equal(ask_keyd(&right, &order, leaf), SR_PARAMETERS);
}

/* Whether the books have it, and then keyd has it, too. */
static bool
assert_both_or_none(uint64_t seq_before)
{
	const struct book_principal *principal =
	    book_principal(&bank->ledgerd->book, eve.m4.customer);
	bool booked = principal->next_seq > seq_before;

	assert_int_equal(bank->keyd->state.certified.number, booked ? 1 : 0);
	assert_int_equal(
	    bank->ledgerd->snapshots.certified.number, booked ? 1 : 0);
	assert_true(file_is_there(1));
	return booked;
}

static void
given_a_cut_while_it_is_certified_then_keyd_knows_what_the_books_do(
    void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	struct order_certify says = last_one();
	struct sim_person as_before = eve;
	struct sim_disk *keyd, *ledger;
	unsigned cuts = 0, booked = 0;
	bool finished = false;

	(void)state;
	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t cut = 1; !finished; cut++) {
		bool done = false;

		eve = as_before;
		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		if (sim_bank_start(bank, false) == SR_OK &&
		    sim_person_log_in(bank, &eve) == SR_OK && !bank->sim->dark)
			done = certify(&eve, &says) == SR_OK;
		finished = !bank->sim->dark;
		cuts += bank->sim->dark;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		booked += assert_both_or_none(as_before.next_seq);
		assert_true(!done || bank->keyd->state.certified.number == 1);
		sim_bank_end(bank);
	}
	assert_true(cuts > 10 && booked > 3 && booked < cuts);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* The ledger becomes the one that it was, keyd's state stays. */
static void
restore_ledger(struct sim_disk *ledger)
{
	sim_bank_end(bank);
	sim_restore(bank->ledgerd_room, ledger);
	sim_copy_free(ledger);
	sim_advance(bank->sim, 60000);
	bank->restore = true;
	assert_int_equal(sim_bank_start(bank, true), SR_OK);
	bank->restore = false;
}

static void
given_a_restore_with_loss_when_the_certificate_is_lost_then_keyd_forgets_it(
    void **state)
{
	struct order_certify says = last_one();
	struct sim_disk *ledger;

	(void)state;
	sim_bank_end(bank);
	ledger = sim_copy(bank->ledgerd_room);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	assert_int_equal(certify(&eve, &says), SR_OK);
	assert_int_equal(bank->keyd->state.certified.number, 1);
	restore_ledger(ledger);
	assert_int_equal(bank->keyd->state.certified.number, 0);
	assert_int_equal(bank->keyd->state.snapshot[0].number, 1);
}

static void
given_a_restore_with_loss_when_the_certificate_is_there_then_keyd_keeps_it(
    void **state)
{
	struct order_certify says = last_one();
	struct message_order_answer answer;
	struct sim_disk *ledger;

	(void)state;
	assert_int_equal(certify(&eve, &says), SR_OK);
	sim_bank_end(bank);
	ledger = sim_copy(bank->ledgerd_room);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	restore_ledger(ledger);
	assert_int_equal(bank->keyd->state.certified.number, 1);
	assert_int_equal(bank->ledgerd->snapshots.certified.number, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_certificate_when_more_snapshots_come_then_that_one_stays),
	    TEST(given_others_when_they_certify_then_nothing_comes_of_it),
	    TEST(
		given_a_ledgerd_that_lies_when_it_tells_keyd_then_nothing_is_taken),
	    TEST(
		given_a_cut_while_it_is_certified_then_keyd_knows_what_the_books_do),
	    TEST(
		given_a_restore_with_loss_when_the_certificate_is_lost_then_keyd_forgets_it),
	    TEST(
		given_a_restore_with_loss_when_the_certificate_is_there_then_keyd_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
