/* SPDX-License-Identifier: ISC */
/*
 * The power cut at every operation of small scenarios: the acknowledged is
 * there once, nothing is there twice, and both rooms agree.
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

/* A few transfers of 1 from Ada to Bob, until the lights go out. */
static void
pay_bob(int64_t *sent, int64_t *acknowledged)
{
	struct message_order_answer answer;

	if (sim_person_log_in(bank, &people.ada) != SR_OK)
		return;
	for (int i = 0; i < 3 && !bank->sim->dark; i++) {
		++*sent;
		if (sim_transfer(bank, &people.ada, people.bob.m4.account, 1,
			&answer) == SR_OK)
			++*acknowledged;
	}
}

/* One operator revokes the lobby; Ada pays before and after. */
static void
revoke_and_pay(int64_t *sent, int64_t *acknowledged)
{
	struct sim_person *one = &people.operators[0];
	struct order_revoke revoke = {.principal = people.lobby.m4.customer,
	    .terminal = people.lobby.terminal};
	uint8_t parameters[ORDER_REVOKE_LEN];
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct order order;

	if (sim_person_log_in(bank, one) != SR_OK)
		return;
	order_revoke_encode(&revoke, parameters);
	sim_order_begin(bank, one, ORDER_REVOKE, &order);
	sim_order_sign(
	    one, &order, parameters, sizeof(parameters), &signed_order);
	(void)sim_order_submit(bank, one, &signed_order, &answer);
	if (!bank->sim->dark)
		pay_bob(sent, acknowledged);
}

/* Somebody new registers, logs in and is paid. */
static void
register_and_pay(int64_t *sent, int64_t *acknowledged)
{
	struct sim_person carl;

	sim_person_init(&carl, "carl", "carl's secret");
	if (sim_person_register(bank, &carl) == SR_OK &&
	    sim_person_log_in(bank, &carl) == SR_OK)
		pay_bob(sent, acknowledged);
}

/* After the start: both rooms know the same terminals. */
static void
assert_terminals_agree(void)
{
	const struct book_terminal *terminal =
	    book_terminal(&bank->ledgerd->book, people.lobby.terminal);
	enum sr_error open = sim_person_log_in(bank, &people.lobby);

	assert_int_equal(open, terminal->revoked ? SR_CLOSED : SR_OK);
}

/*
 * The power is cut at every operation of a scenario; whatever was
 * acknowledged is there once, and nothing is there twice.
 */
static void
cut_everywhere(void (*scenario)(int64_t *, int64_t *))
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	int64_t before = sim_bank_posted(bank, people.bob.m4.account);
	struct sim_disk *keyd, *ledger;
	bool finished = false;
	unsigned cuts = 0;

	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t cut = 1; !finished; cut++) {
		int64_t acknowledged = 0, sent = 0, booked;

		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		if (sim_bank_start(bank, false) == SR_OK)
			scenario(&sent, &acknowledged);
		finished = !bank->sim->dark;
		cuts += bank->sim->dark;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		booked = sim_bank_posted(bank, people.bob.m4.account) - before;
		assert_true(booked >= acknowledged && booked <= sent);
		if (finished)
			assert_int_equal(booked, 3);
		assert_int_equal(book_sum(&bank->ledgerd->book), 0);
		assert_terminals_agree();
		sim_bank_end(bank);
	}
	assert_true(cuts > 20);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

static void
given_a_cut_at_every_operation_then_the_acknowledged_is_there_once(void **state)
{
	(void)state;
	cut_everywhere(pay_bob);
}

static void
given_a_cut_while_a_terminal_is_revoked_then_both_rooms_agree_after(
    void **state)
{
	(void)state;
	cut_everywhere(revoke_and_pay);
}

static void
given_a_cut_while_somebody_registers_then_nothing_is_lost(void **state)
{
	(void)state;
	cut_everywhere(register_and_pay);
}

static void
given_a_cut_while_a_segment_is_begun_then_nothing_is_lost(void **state)
{
	struct message_order_answer answer;

	(void)state;
	/* The next order but one does not fit into the open segment. */
	while (segments_room(&bank->ledgerd->segments) >
	       JOURNAL_FRAME_MAX + JOURNAL_COMMIT_FRAME_LEN + 1200)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	assert_int_equal(bank->ledgerd->segments.number, 0);
	cut_everywhere(pay_bob);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(bank->ledgerd->segments.number, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_cut_at_every_operation_then_the_acknowledged_is_there_once),
	    TEST(
		given_a_cut_while_a_terminal_is_revoked_then_both_rooms_agree_after),
	    TEST(given_a_cut_while_somebody_registers_then_nothing_is_lost),
	    TEST(given_a_cut_while_a_segment_is_begun_then_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
