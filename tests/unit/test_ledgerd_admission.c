/* SPDX-License-Identifier: ISC */
/*
 * A disk that is nearly full, full or read-only, and a clock that was moved:
 * orders are refused and nothing else, nothing that was acknowledged is lost,
 * and the bank goes on as soon as it may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/sim_bank.h"

enum {
	RESERVE = 100000,
	RETRY_MS = ADMISSION_RETRY_MS,
	TEN_MINUTES_MS = 600000,
	ADA_MINOR = 10000,
};

static struct sim_bank *bank;
static struct sim_people people;
static struct sim_person *ada = &people.ada, *bob = &people.bob;

static void
set_reserve(void)
{
	bank->ledgerd->params.reserve = RESERVE;
	bank->ledgerd->segments.reserve = RESERVE;
}

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	set_reserve();
	return sim_person_log_in(bank, ada) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* From now on the room's files may grow by so many bytes. */
static void
leave_free(struct sim_room *room, uint64_t bytes)
{
	const uint64_t much = UINT64_C(1) << 40;
	struct env_space space;
	env_file file = room == bank->keyd_room ? bank->keyd->credentials.file
						: bank->ledgerd->segments.file;

	room->space = much;
	assert_int_equal(env_space(&room->env, file, &space), SR_OK);
	room->space = much - space.free + bytes;
}

/* One minor unit from ada to bob, by the bank's time as a client has it. */
static enum sr_error
pay(struct message_order_answer *answer)
{
	struct sim_order signed_order;
	struct order order;

	sim_order_begin(bank, ada, ORDER_TRANSFER, &order);
	order.debit = account_id(ada->m4.customer, 0);
	order.credit = account_id(bob->m4.customer, 0);
	order.amount_minor = 1;
	if (order.not_after_ms < bank->ledgerd->last_time_ms)
		order.not_after_ms = bank->ledgerd->last_time_ms + 1000;
	sim_order_sign(ada, &order, NULL, 0, &signed_order);
	return sim_order_submit(bank, ada, &signed_order, answer);
}

static int64_t
posted(const struct sim_person *person)
{
	return book_account(
	    &bank->ledgerd->book, account_id(person->m4.customer, 0))
	    ->posted_minor;
}

static void
pass(uint64_t ms)
{
	sim_advance(bank->sim, ms);
	assert_int_equal(sim_bank_run(bank), SR_OK);
}

static bool
balance_is_answered(void)
{
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {.request = 1};
	struct reader body;
	unsigned type;

	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	return sim_person_receive(bank, ada, &type, &body) == SR_OK &&
	       type == MESSAGE_BALANCE;
}

/* An order is refused for that reason, and is as if it had not been sent. */
static void
expect_closed(enum sr_error why)
{
	uint64_t size = bank->ledgerd->tree.size, seq = ada->next_seq;
	int64_t before = posted(ada);
	struct message_order_answer answer;

	assert_int_equal(pay(&answer), SR_CLOSED_FOR_ORDERS);
	assert_int_equal(answer.outcome, why);
	assert_int_equal(answer.next_seq, seq);
	assert_int_equal(ada->next_seq, seq);
	assert_int_equal(bank->ledgerd->tree.size, size);
	assert_int_equal(posted(ada), before);
	assert_int_equal(bank->ledgerd->admission.closed, why);
	assert_true(balance_is_answered());
}

static void
expect_open(void)
{
	struct message_order_answer answer;
	int64_t before = posted(ada);

	assert_int_equal(pay(&answer), SR_OK);
	assert_int_equal(posted(ada), before - 1);
	assert_int_equal(bank->ledgerd->admission.closed, SR_OK);
}

/* The same balance from nothing but the disk. */
static void
expect_whole_after_power_cut(void)
{
	int64_t before = posted(ada);

	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(posted(ada), before);
	assert_int_equal(book_sum(&bank->ledgerd->book), 0);
}

/* ---- the disk ---------------------------------------------------------------- */

static void
given_the_reserve_when_a_byte_of_it_is_used_then_closed_and_not_before(
    void **state)
{
	(void)state;
	assert_true(bank->ledgerd->segments.next_ready);
	leave_free(bank->ledgerd_room, RESERVE);
	expect_open();
	leave_free(bank->ledgerd_room, RESERVE - 1);
	expect_closed(SR_NO_SPACE);
	assert_int_equal(sim_person_log_in(bank, bob), SR_OK);
	/* the order is what looks */
	leave_free(bank->ledgerd_room, RESERVE);
	expect_open();
	expect_whole_after_power_cut();
}

static void
given_a_closed_bank_when_an_applied_order_comes_again_then_it_is_answered(
    void **state)
{
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct order order;

	(void)state;
	sim_order_begin(bank, ada, ORDER_TRANSFER, &order);
	order.debit = account_id(ada->m4.customer, 0);
	order.credit = account_id(bob->m4.customer, 0);
	order.amount_minor = 1;
	sim_order_sign(ada, &order, NULL, 0, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, ada, &signed_order, &answer), SR_OK);
	assert_int_equal(answer.error, SR_OK);
	leave_free(bank->ledgerd_room, 0);
	expect_closed(SR_NO_SPACE);
	assert_int_equal(
	    sim_order_submit(bank, ada, &signed_order, &answer), SR_OK);
	assert_int_equal(answer.error, SR_OK);
	assert_int_equal(answer.outcome, SR_OK);
}

static void
given_no_room_for_the_next_segment_when_this_one_is_full_then_nothing_is_lost(
    void **state)
{
	struct message_order_answer answer;
	unsigned booked = 0;

	(void)state;
	bank->ledgerd->params.reserve = 0;
	bank->ledgerd->segments.reserve = 0;
	leave_free(bank->ledgerd_room, 0);
	while (pay(&answer) == SR_OK)
		booked++;
	/* what was ready has been used */
	assert_true(booked > 10);
	assert_int_equal(answer.error, SR_CLOSED_FOR_ORDERS);
	assert_int_equal(answer.outcome, SR_NO_SPACE);
	assert_int_equal(posted(ada), ADA_MINOR - booked);
	assert_true(audit_missing(bank->ledgerd) > 0);
	assert_true(bank->ledgerd->tiles.refused);
	/* one byte is missing, and then none */
	leave_free(bank->ledgerd_room, SIM_BANK_SEGMENT_LEN - 1);
	pass(RETRY_MS);
	expect_closed(SR_NO_SPACE);
	/* nobody asks: open with the next segment, and not a look later */
	leave_free(bank->ledgerd_room, SIM_BANK_SEGMENT_LEN);
	pass(RETRY_MS);
	assert_int_equal(bank->ledgerd->admission.closed, SR_OK);
	expect_open();
	expect_whole_after_power_cut();
}

static void
given_a_full_disk_when_the_bank_starts_then_it_is_closed_and_answers(
    void **state)
{
	(void)state;
	leave_free(bank->ledgerd_room, 0);
	sim_bank_end(bank);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	set_reserve();
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	expect_closed(SR_NO_SPACE);
}

static void
given_a_read_only_disk_then_balances_and_log_ins_go_on_until_it_is_not(
    void **state)
{
	(void)state;
	bank->ledgerd_room->read_only = true;
	bank->keyd_room->read_only = true;
	expect_closed(SR_READ_ONLY);
	assert_int_equal(sim_person_log_in(bank, bob), SR_OK);
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	assert_true(bank->keyd->limits.behind);
	expect_closed(SR_READ_ONLY);
	bank->ledgerd_room->read_only = false;
	bank->keyd_room->read_only = false;
	expect_open();
	assert_int_equal(sim_person_log_in(bank, bob), SR_OK);
	assert_false(bank->keyd->limits.behind);
	expect_whole_after_power_cut();
}

static void
given_a_read_only_disk_when_a_password_is_guessed_then_the_delays_hold(
    void **state)
{
	struct sim_person thief = *bob;

	(void)state;
	thief.password = "another one";
	bank->keyd_room->read_only = true;
	for (unsigned i = 0; i < LIMITS_FREE; i++)
		assert_int_equal(sim_person_log_in(bank, &thief), SR_LOGIN);
	assert_int_equal(sim_person_log_in(bank, &thief), SR_LATER);
	bank->keyd_room->read_only = false;
	/* the next attempt writes the others, too */
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &thief), SR_LATER);
}

static void
given_a_closed_bank_when_somebody_comes_for_the_first_time_then_later(
    void **state)
{
	struct sim_person cyd;

	(void)state;
	sim_person_init(&cyd, "cyd", "the password of cyd");
	leave_free(bank->ledgerd_room, 0);
	assert_int_equal(sim_person_register(bank, &cyd), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &cyd), SR_CLOSED_FOR_ORDERS);
	leave_free(bank->ledgerd_room, RESERVE);
	pass(RETRY_MS);
	assert_int_equal(sim_person_log_in(bank, &cyd), SR_OK);
}

static void
given_keyds_disk_when_it_is_full_then_nobody_registers_and_all_is_well(
    void **state)
{
	struct sim_person cyd;

	(void)state;
	sim_person_init(&cyd, "cyd", "the password of cyd");
	leave_free(bank->keyd_room, 0);
	assert_int_equal(sim_person_register(bank, &cyd), SR_NO_SPACE);
	expect_open();
	assert_int_equal(sim_person_log_in(bank, bob), SR_OK);
	bank->keyd_room->read_only = true;
	assert_int_equal(sim_person_register(bank, &cyd), SR_READ_ONLY);
	bank->keyd_room->read_only = false;
	bank->keyd_room->space = 0;
	assert_int_equal(sim_person_register(bank, &cyd), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &cyd), SR_OK);
}

/*
 * The n-th write from now on finds the disk full.  Refused, or the room stops;
 * then nobody was told anything.
 */
static bool
refuse_nth_write(struct sim_room *room, uint64_t n)
{
	int64_t before = posted(ada);
	struct message_order_answer answer = {.error = SR_CLOSED};
	enum sr_error error;
	bool struck;

	room->fault[SIM_FULL_WRITE] = n;
	error = pay(&answer);
	struck = room->fault[SIM_FULL_WRITE] == 0;
	room->fault[SIM_FULL_WRITE] = 0;
	if (bank->ledgerd_error != SR_OK || bank->keyd_error != SR_OK) {
		assert_int_equal(error, SR_CLOSED);
		assert_int_equal(sim_bank_restart(bank, SIM_LOSE_SOME), SR_OK);
		assert_in_range(before - posted(ada), 0, 1);
		set_reserve();
		assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	} else if (error == SR_OK) {
		assert_int_equal(posted(ada), before - 1);
	} else {
		assert_int_equal(error, SR_CLOSED_FOR_ORDERS);
		assert_int_equal(posted(ada), before);
	}
	assert_int_equal(book_sum(&bank->ledgerd->book), 0);
	pass(RETRY_MS);
	expect_open();
	return struck;
}

static void
given_any_write_when_the_disk_refuses_it_then_all_or_nothing(void **state)
{
	uint64_t n;

	(void)state;
	/* before anything of the batch: a refusal, and the bank goes on */
	assert_true(refuse_nth_write(bank->ledgerd_room, 1));
	for (n = 1; refuse_nth_write(bank->ledgerd_room, n); n++)
		;
	assert_true(n > 3);
	for (n = 1; refuse_nth_write(bank->keyd_room, n); n++)
		;
	assert_true(n > 1);
}

static void
given_the_first_write_when_it_is_refused_then_the_bank_lives(void **state)
{
	struct message_order_answer answer;
	struct ledgerd *same = bank->ledgerd;

	(void)state;
	bank->ledgerd_room->fault[SIM_FULL_WRITE] = 1;
	assert_int_equal(pay(&answer), SR_CLOSED_FOR_ORDERS);
	assert_int_equal(answer.outcome, SR_NO_SPACE);
	/* not before it has been tried again */
	expect_closed(SR_NO_SPACE);
	pass(RETRY_MS);
	expect_open();
	assert_ptr_equal(bank->ledgerd, same);
}

/*
 * A terminal is revoked, and the n-th write from there on finds the disk full:
 * the books have it at once, keyd when the disk takes writes again, at the
 * latest after a start.
 */
static bool
revoke_and_refuse(uint64_t n)
{
	struct order_revoke revoke = {.principal = people.lobby.m4.customer,
	    .terminal = people.lobby.terminal};
	struct sim_person *one = &people.operators[0];
	uint8_t parameters[ORDER_REVOKE_LEN];
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct order order;
	bool struck, stopped;

	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	order_revoke_encode(&revoke, parameters);
	sim_order_begin(bank, one, ORDER_REVOKE, &order);
	sim_order_sign(
	    one, &order, parameters, sizeof(parameters), &signed_order);
	bank->ledgerd_room->fault[SIM_FULL_WRITE] = n;
	(void)sim_order_submit(bank, one, &signed_order, &answer);
	struck = bank->ledgerd_room->fault[SIM_FULL_WRITE] == 0;
	bank->ledgerd_room->fault[SIM_FULL_WRITE] = 0;
	stopped = bank->ledgerd_error != SR_OK || bank->keyd_error != SR_OK;
	if (stopped) {
		assert_int_equal(sim_bank_restart(bank, SIM_LOSE_SOME), SR_OK);
		set_reserve();
		assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	}
	pass(RETRY_MS);
	expect_open();
	/* what one room says of the terminal, the other one says, too */
	assert_int_equal(
	    terminals_check(&bank->keyd->terminals, people.lobby.terminal,
		people.lobby.terminal_epoch),
	    book_terminal(&bank->ledgerd->book, people.lobby.terminal)->revoked
		? SR_TERMINAL
		: SR_OK);
	return struck;
}

static void
given_a_revocation_when_the_disk_refuses_any_write_then_both_rooms_agree(
    void **state)
{
	bool struck = true;

	for (uint64_t n = 1; struck; n++) {
		struck = revoke_and_refuse(n);
		(void)tear_down(state);
		assert_int_equal(set_up(state), 0);
	}
}

/* ---- the clock ----------------------------------------------------------------- */

static enum sr_error
confirm(struct message_clock *clock)
{
	uint8_t bytes[MESSAGE_CLOCK_CONFIRM_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_clock_confirm question = {0};
	struct ipc_message m;
	struct reader r;

	assert_int_equal(message_clock_confirm_encode(&w, &question), SR_OK);
	assert_int_equal(sim_bank_control(bank, bytes, writer_len(&w)), SR_OK);
	r = reader_of(bank->control_answer, bank->control_answer_len);
	assert_int_equal(ipc_next(&r, false, &m), SR_OK);
	assert_int_equal(m.type, MESSAGE_CLOCK);
	assert_int_equal(message_clock_decode(m.body, m.len, clock), SR_OK);
	return error_of_wire(clock->error);
}

static void
step_clock(int64_t ms)
{
	bank->sim->now_ms += (uint64_t)ms;
	pass(RETRY_MS);
}

static void
expect_step(int64_t sign)
{
	struct message_clock clock;
	uint64_t size;

	step_clock(sign * TEN_MINUTES_MS);
	expect_open();
	assert_int_equal(confirm(&clock), SR_ALREADY);
	step_clock(sign);
	expect_closed(SR_CLOCK);
	/* time alone, and the clock set back, open nothing */
	pass(TEN_MINUTES_MS / 10);
	expect_closed(SR_CLOCK);
	step_clock(-sign);
	expect_closed(SR_CLOCK);
	size = bank->ledgerd->tree.size;
	assert_int_equal(confirm(&clock), SR_OK);
	assert_int_equal(clock.closed, SR_OK);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
	expect_open();
	/* the way is measured anew from here */
	step_clock(sign * TEN_MINUTES_MS);
	expect_open();
	expect_whole_after_power_cut();
}

static void
given_the_clock_when_it_goes_forward_by_more_than_ten_minutes_then_closed(
    void **state)
{
	(void)state;
	expect_step(1);
}

static void
given_the_clock_when_it_goes_back_by_more_than_ten_minutes_then_closed(
    void **state)
{
	uint64_t last = bank->ledgerd->last_time_ms;

	(void)state;
	step_clock(-TEN_MINUTES_MS);
	expect_open();
	/* and the time of entries stands still meanwhile */
	assert_int_equal(bank->ledgerd->last_time_ms, last);
	step_clock(TEN_MINUTES_MS);
	expect_step(-1);
}

static void
restart_behind(uint64_t ms)
{
	struct message_clock clock;

	bank->sim->now_ms = bank->ledgerd->last_time_ms - ms;
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	set_reserve();
	assert_int_equal(sim_person_log_in(bank, ada), SR_OK);
	if (ms <= TEN_MINUTES_MS) {
		expect_open();
		return;
	}
	expect_closed(SR_CLOCK);
	assert_int_equal(confirm(&clock), SR_OK);
	expect_open();
}

static void
given_a_start_when_the_clock_is_behind_the_books_then_by_ten_minutes_at_most(
    void **state)
{
	(void)state;
	restart_behind(TEN_MINUTES_MS);
	restart_behind(TEN_MINUTES_MS + 1);
}

static void
given_a_moved_clock_when_the_disk_is_full_then_both_must_be_well(void **state)
{
	struct message_clock clock;

	(void)state;
	leave_free(bank->ledgerd_room, RESERVE - 1);
	step_clock(TEN_MINUTES_MS + 1);
	expect_closed(SR_NO_SPACE);
	assert_int_equal(confirm(&clock), SR_NO_SPACE);
	/* room for the entry's line in the audit log and its tiles, too */
	leave_free(bank->ledgerd_room, RESERVE + 20000);
	pass(RETRY_MS);
	expect_closed(SR_CLOCK);
	assert_int_equal(confirm(&clock), SR_OK);
	expect_open();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    TEST(
		given_the_reserve_when_a_byte_of_it_is_used_then_closed_and_not_before),
	    TEST(
		given_a_closed_bank_when_an_applied_order_comes_again_then_it_is_answered),
	    TEST(
		given_no_room_for_the_next_segment_when_this_one_is_full_then_nothing_is_lost),
	    TEST(
		given_a_full_disk_when_the_bank_starts_then_it_is_closed_and_answers),
	    TEST(
		given_a_read_only_disk_then_balances_and_log_ins_go_on_until_it_is_not),
	    TEST(
		given_a_read_only_disk_when_a_password_is_guessed_then_the_delays_hold),
	    TEST(
		given_a_closed_bank_when_somebody_comes_for_the_first_time_then_later),
	    TEST(
		given_keyds_disk_when_it_is_full_then_nobody_registers_and_all_is_well),
	    TEST(given_any_write_when_the_disk_refuses_it_then_all_or_nothing),
	    TEST(
		given_a_revocation_when_the_disk_refuses_any_write_then_both_rooms_agree),
	    TEST(given_the_first_write_when_it_is_refused_then_the_bank_lives),
	    TEST(
		given_the_clock_when_it_goes_forward_by_more_than_ten_minutes_then_closed),
	    TEST(
		given_the_clock_when_it_goes_back_by_more_than_ten_minutes_then_closed),
	    TEST(
		given_a_start_when_the_clock_is_behind_the_books_then_by_ten_minutes_at_most),
	    TEST(
		given_a_moved_clock_when_the_disk_is_full_then_both_must_be_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
