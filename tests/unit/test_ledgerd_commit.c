/* SPDX-License-Identifier: ISC */
/*
 * The whole commit path in one process: the real keyd and the real ledgerd
 * over a simulated env, from the founding to the crash in the middle of a
 * write.
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

#include "ledgerd/intake.h"
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

static void
given_a_founded_bank_then_a_deposit_and_a_transfer_are_booked(void **state)
{
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     1250, &answer),
	    SR_OK);
	assert_int_equal(answer.balance, 8750);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 1250);
	assert_int_equal(book_sum(&bank->ledgerd->book), 0);
	assert_int_equal(
	    bank->ledgerd->tree.size, bank->keyd->state.frontier.size);
}

/* Both rooms gone as by a power cut or kill -9, and started again. */
static enum sr_error
restart(enum sim_loss loss)
{
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, loss);
	sim_crash(bank->ledgerd_room, loss);
	return sim_bank_start(bank, false);
}

static void
given_a_restart_then_the_books_are_the_same_to_the_byte(void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_KEEP_ALL, SIM_LOSE_ALL, SIM_LOSE_SOME};
	struct message_order_answer answer;
	uint8_t before[32], after[32];
	uint64_t size;

	(void)state;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     1250, &answer),
	    SR_OK);
	book_digest(&bank->ledgerd->book, before);
	size = bank->ledgerd->tree.size;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(restart(losses[i]), SR_OK);
		assert_true(bank->ready);
		book_digest(&bank->ledgerd->book, after);
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(bank->ledgerd->tree.size, size);
	}
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(people.ada.m4.next_seq, 2);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 50, &answer),
	    SR_OK);
	assert_int_equal(answer.leaf, size);
}

static void
given_an_order_sent_again_then_it_is_booked_once_and_the_answer_is_the_same(
    void **state)
{
	struct message_order_answer first, again;
	struct sim_order signed_order;
	struct order order;

	(void)state;
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	order.amount_minor = 700;
	sim_order_sign(&people.ada, &order, "tea", 3, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &first), SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &again), SR_OK);
	assert_int_equal(again.leaf, first.leaf);
	assert_int_equal(again.time, first.time);
	assert_int_equal(again.balance, 9300);
	assert_memory_equal(again.salt, first.salt, 32);
	assert_int_equal(sim_bank_posted(bank, order.credit), 700);

	/* Also in another session, after a restart. */
	assert_int_equal(restart(SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &again), SR_OK);
	assert_int_equal(again.leaf, first.leaf);
	assert_memory_equal(again.salt, first.salt, 32);
	assert_int_equal(sim_bank_posted(bank, order.credit), 700);

	/* Other bytes under a seq that was applied. */
	order.amount_minor = 701;
	sim_order_sign(&people.ada, &order, "tea", 3, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.ada, &signed_order, &again),
	    SR_CONFLICT);
	assert_int_equal(again.next_seq, 2);
	assert_memory_equal(again.last_hash, first.last_hash, 32);
}

static void
given_an_order_that_is_not_the_signers_then_nothing_is_booked(void **state)
{
	struct message_order_answer answer;
	struct sim_order signed_order;
	uint64_t size = bank->ledgerd->tree.size;
	struct order order;

	(void)state;
	/* Bob signs a debit of Ada's, as himself and as her. */
	sim_order_begin(bank, &people.bob, ORDER_TRANSFER, &order);
	order.debit = people.bob.m4.account;
	order.credit = people.ada.m4.account;
	order.amount_minor = 1;
	order.signer = people.ada.m4.customer;
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.bob, &signed_order, &answer),
	    SR_SIGNATURE);
	order.signer = people.bob.m4.customer;
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	signed_order.bytes[48] ^= 1;
	assert_int_equal(
	    sim_order_submit(bank, &people.bob, &signed_order, &answer),
	    SR_SIGNATURE);
	assert_int_equal(bank->ledgerd->tree.size, size);

	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, &people.bob, &signed_order, &answer),
	    SR_NOT_YOURS);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);
}

static void
given_a_declined_order_then_it_is_answered_and_stands_in_the_log(void **state)
{
	struct message_order_answer answer;
	uint64_t size = bank->ledgerd->tree.size;

	(void)state;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     10001, &answer),
	    SR_FUNDS);
	assert_int_equal(answer.error, SR_OK);
	assert_int_equal(answer.leaf, size);
	assert_int_equal(answer.balance, 10000);
	assert_int_equal(answer.next_seq, 2);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
}

/* Asks with an encoded message; the body of the answer. */
static struct reader
ask(struct sim_person *person, const struct writer *w, unsigned type)
{
	struct reader body = {0};
	unsigned got = 0;

	sim_person_send(bank, person, w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_receive(bank, person, &got, &body), SR_OK);
	assert_int_equal(got, type);
	return body;
}

static struct message_balance
ask_balance(struct sim_person *person, uint64_t account)
{
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {.request = 9, .account = account};
	struct message_balance balance;
	struct reader body;

	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_BALANCE);
	assert_int_equal(
	    message_balance_decode(body.at, reader_left(&body), &balance),
	    SR_OK);
	assert_int_equal(balance.request, 9);
	return balance;
}

static void
given_an_account_then_only_its_owner_sees_the_balance(void **state)
{
	struct message_balance balance = ask_balance(&people.ada, 0);

	(void)state;
	assert_int_equal(balance.error, SR_OK);
	assert_int_equal(balance.account, people.ada.m4.account);
	assert_int_equal(balance.posted, 10000);
	assert_int_equal(balance.status, 0);
	balance = ask_balance(&people.bob, people.ada.m4.account);
	assert_int_equal(balance.error, SR_NOT_ALLOWED);
	assert_int_equal(balance.posted, 0);
	/* A stranger's account and none at all look the same. */
	balance = ask_balance(&people.bob, 99u << 16);
	assert_int_equal(balance.error, SR_NOT_ALLOWED);
	balance = ask_balance(&people.lobby, 0);
	assert_int_equal(balance.posted, -10000);
}

static struct message_statement
ask_statement(struct sim_person *person, uint64_t account, uint64_t before,
    uint16_t count)
{
	uint8_t bytes[MESSAGE_STATEMENT_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_statement_get get = {
	    .request = 9, .account = account, .before = before, .count = count};
	struct message_statement statement;
	struct reader body;

	assert_int_equal(message_statement_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_STATEMENT);
	assert_int_equal(
	    message_statement_decode(body.at, reader_left(&body), &statement),
	    SR_OK);
	return statement;
}

static void
given_transfers_then_the_statement_tells_them_newest_first(void **state)
{
	struct message_order_answer answer;
	struct message_statement statement;
	struct statement_line line;
	struct reader r;

	(void)state;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, i * 100, &answer),
		    SR_OK);
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     99999, &answer),
	    SR_FUNDS);
	statement = ask_statement(&people.ada, 0, UINT64_MAX, 2);
	assert_int_equal(statement.error, SR_OK);
	assert_int_equal(statement.more, 1);
	r = reader_of(statement.lines, statement.lines_len);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, -300);
	assert_int_equal(line.balance_minor, 9400);
	assert_int_equal(line.name_len, 3);
	assert_memory_equal(line.name, "bob", 3);
	assert_int_equal(line.memo_len, 5);
	assert_memory_equal(line.memo, "pizza", 5);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, -200);
	assert_true(reader_end(&r));

	statement = ask_statement(&people.ada, 0, line.leaf, 100);
	assert_int_equal(statement.more, 0);
	r = reader_of(statement.lines, statement.lines_len);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, -100);
	assert_int_equal(statement_line_read(&r, &line), SR_OK);
	assert_int_equal(line.amount_minor, 10000);
	assert_memory_equal(line.name, "lobby", 5);
	assert_true(reader_end(&r));

	statement =
	    ask_statement(&people.bob, people.ada.m4.account, UINT64_MAX, 100);
	assert_int_equal(statement.error, SR_NOT_ALLOWED);
	assert_int_equal(statement.lines_len, 0);
}

static void
given_a_name_then_the_directory_gives_the_attestation(void **state)
{
	uint8_t bytes[MESSAGE_DIRECTORY_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_directory_get get = {
	    .request = 9, .name = (const uint8_t *)"bob", .name_len = 3};
	struct message_directory found;
	struct attestation attestation;
	struct reader body;

	(void)state;
	/* Names come back from the journal after a restart. */
	assert_int_equal(restart(SIM_KEEP_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(message_directory_get_encode(&w, &get), SR_OK);
	body = ask(&people.ada, &w, MESSAGE_DIRECTORY);
	assert_int_equal(
	    message_directory_decode(body.at, reader_left(&body), &found),
	    SR_OK);
	assert_int_equal(found.error, SR_OK);
	assert_int_equal(found.customer, people.bob.m4.customer);
	assert_int_equal(attestation_verify(found.attestation,
			     bank->keyd->keys->attestation_public,
			     bank->ledgerd->bank_id, &attestation),
	    SR_OK);
	assert_true(attestation_is_of(&attestation, found.salt, "bob", 3));
	w = writer_to(bytes, sizeof(bytes));
	get.name = (const uint8_t *)"eve";
	assert_int_equal(message_directory_get_encode(&w, &get), SR_OK);
	body = ask(&people.ada, &w, MESSAGE_DIRECTORY);
	assert_int_equal(
	    message_directory_decode(body.at, reader_left(&body), &found),
	    SR_OK);
	assert_int_equal(found.error, SR_NOT_FOUND);
}

static void
given_a_sync_that_fails_then_nothing_is_acknowledged_and_the_room_ends(
    void **state)
{
	struct message_order_answer answer;

	(void)state;
	bank->ledgerd_room->fail_sync = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	assert_int_equal(bank->ledgerd_error, SR_IO);
	assert_int_equal(bank->frame_count, 0);
	/* keyd never heard of it, and the order is not there. */
	assert_int_equal(restart(SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);

	/* keyd's own sync fails after ledgerd's: durable, not acknowledged;
	 * the next start signs it. */
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	bank->keyd_room->fail_sync = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	assert_int_equal(restart(SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 9999);
}

static void
given_a_journal_older_than_keyds_head_then_the_start_is_refused(void **state)
{
	struct sim_disk *older = sim_copy(bank->ledgerd_room);
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	sim_bank_end(bank);
	sim_restore(bank->ledgerd_room, older);
	sim_copy_free(older);
	assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
	assert_false(bank->ready);
}

static void
given_keyds_state_older_than_the_journal_then_the_start_is_refused(void **state)
{
	struct sim_disk *older = sim_copy(bank->keyd_room);
	struct message_order_answer answer;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	sim_bank_end(bank);
	sim_restore(bank->keyd_room, older);
	sim_copy_free(older);
	assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
	/* And without the checkpoint that told: two batches are unsigned. */
	sim_bank_end(bank);
	assert_int_equal(
	    env_remove(&bank->ledgerd_room->env, "ledger/public/checkpoint"),
	    SR_OK);
	assert_int_equal(sim_bank_start(bank, false), SR_ROLLED_BACK);
}

static void
given_another_history_of_the_same_length_then_the_start_is_refused(void **state)
{
	struct sim_disk *keyd = sim_copy(bank->keyd_room);
	struct sim_disk *ledger = sim_copy(bank->ledgerd_room);
	struct sim_disk *other;
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	sim_bank_end(bank);
	other = sim_copy(bank->ledgerd_room);
	sim_restore(bank->keyd_room, keyd);
	sim_restore(bank->ledgerd_room, ledger);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 2, &answer),
	    SR_OK);
	sim_bank_end(bank);
	sim_restore(bank->ledgerd_room, other);
	assert_int_equal(sim_bank_start(bank, false), SR_FORKED);
	sim_bank_end(bank);
	assert_int_equal(
	    env_remove(&bank->ledgerd_room->env, "ledger/public/checkpoint"),
	    SR_OK);
	assert_int_equal(sim_bank_start(bank, false), SR_FORKED);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
	sim_copy_free(other);
}

/* One byte of the open segment, turned over. */
static void
flip(size_t offset)
{
	const char *path = "ledger/segment/00000000.log";
	const uint8_t *bytes;
	uint8_t *copy;
	size_t len;

	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(bytes);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, bytes, len);
	copy[offset] ^= 0x40;
	sim_put(bank->ledgerd_room, path, copy, len);
	free(copy);
}

static void
given_a_changed_byte_below_what_was_signed_then_the_start_is_refused(
    void **state)
{
	uint64_t end = bank->ledgerd->segments.at;
	uint64_t signed_size = bank->ledgerd->tree.size;

	(void)state;
	sim_bank_end(bank);
	for (size_t at = 0; at < end; at += 97) {
		enum sr_error error;

		flip(at);
		error = sim_bank_start(bank, false);
		assert_true(error == SR_DAMAGED || error == SR_CRYPTO ||
			    error == SR_VERSION || error == SR_ROLLED_BACK);
		assert_false(bank->ready);
		assert_int_equal(bank->keyd->state.frontier.size, signed_size);
		sim_bank_end(bank);
		/* What the ended rooms had open is closed. */
		sim_crash(bank->keyd_room, SIM_KEEP_ALL);
		sim_crash(bank->ledgerd_room, SIM_KEEP_ALL);
		flip(at);
	}
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
}

static void
given_a_torn_batch_above_what_was_signed_then_it_is_cut_and_told(void **state)
{
	struct message_order_answer answer;
	uint64_t at, size, cut;
	char path[64];
	size_t len;

	(void)state;
	/* The power fails when keyd is asked: the batch lies there whole. */
	at = bank->ledgerd->segments.at;
	size = bank->ledgerd->tree.size;
	bank->keyd_room->fail_sync = 1;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_CLOSED);
	cut = bank->ledgerd->segments.at - at;
	sim_bank_end(bank);
	sim_crash(bank->keyd_room, SIM_LOSE_ALL);
	sim_crash(bank->ledgerd_room, SIM_LOSE_ALL);
	flip((size_t)at + 40);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), 10000);
	assert_true(
	    bank->ledgerd->recovered > 0 && bank->ledgerd->recovered <= cut);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
	snprintf(path, sizeof(path), "ledger/tail-00000000-%llu",
	    (unsigned long long)at);
	assert_non_null(sim_file(bank->ledgerd_room, path, &len));
	assert_int_equal(len, bank->ledgerd->recovered);
	/* Once is enough. */
	assert_int_equal(restart(SIM_LOSE_ALL), SR_OK);
	assert_int_equal(bank->ledgerd->recovered, 0);
	assert_int_equal(bank->ledgerd->tree.size, size + 1);
}

static void
given_many_orders_then_segments_rotate_and_all_is_read_back(void **state)
{
	struct message_order_answer answer;
	struct message_statement statement;
	uint8_t before[32], after[32];

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	assert_true(bank->ledgerd->segments.number >= 3);
	book_digest(&bank->ledgerd->book, before);
	assert_int_equal(restart(SIM_LOSE_SOME), SR_OK);
	book_digest(&bank->ledgerd->book, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	statement = ask_statement(&people.bob, 0, 100, 1000);
	assert_int_equal(statement.error, SR_OK);
	assert_true(statement.lines_len > 0);
	assert_int_equal(statement.more, 0);
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

static void
given_a_stop_then_what_waits_is_answered_and_everybody_told(void **state)
{
	uint8_t bytes[MESSAGE_STOP_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_stop stop = {0};
	struct sim_order signed_order;
	struct order order;
	struct reader body;
	unsigned type;

	(void)state;
	sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
	order.debit = people.ada.m4.account;
	order.credit = people.bob.m4.account;
	order.amount_minor = 5;
	sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
	sim_order_send(bank, &people.ada, &signed_order);
	assert_int_equal(intake_listen(bank->ledgerd), SR_OK);
	assert_int_equal(message_stop_encode(&w, &stop), SR_OK);
	assert_int_equal(
	    env_send(&bank->monitor->env, ENV_LEDGERD, bytes, writer_len(&w)),
	    SR_OK);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_true(bank->ledgerd->stopped);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_ORDER_ANSWER);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(
	    sim_person_receive(bank, &people.bob, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(restart(SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 5);
}

static const struct env_ops *open_ops;

/* A link to netd that takes nothing. */
static enum sr_error
send_blocked(
    struct env *env, enum env_link link, const void *packet, size_t len)
{
	if (link == ENV_NETD)
		return SR_AGAIN;
	return open_ops->send(env, link, packet, len);
}

static void
given_a_netd_that_does_not_read_then_ledgerd_stops_reading_it(void **state)
{
	uint8_t bytes[MESSAGE_STATEMENT_GET_MAX];
	struct message_statement_get get = {
	    .request = 1, .before = UINT64_MAX, .count = 1000};
	struct env *env = &bank->ledgerd_room->env;
	struct message_order_answer answer;
	struct env_ops blocked = *env->ops;
	unsigned answered = 0, type;
	struct reader body;

	(void)state;
	/* A full statement is as large as an answer can be. */
	for (int i = 0; i < 200; i++)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	open_ops = env->ops;
	blocked.send = send_blocked;
	env->ops = &blocked;
	for (int i = 0; i < 200; i++) {
		struct writer w = writer_to(bytes, sizeof(bytes));

		assert_int_equal(message_statement_get_encode(&w, &get), SR_OK);
		sim_person_send(bank, &people.ada, &w);
		assert_int_equal(ledgerd_step(bank->ledgerd, 0), SR_OK);
	}
	assert_true(bank->ledgerd->items_unanswered > 0);
	assert_true(bank->ledgerd->item_count < SESSION_WAITING_MAX);
	/* A commit waits, too, but the rooms are not stuck. */
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(bank->frame_count, 0);
	env->ops = open_ops;
	for (int round = 0; round < 100 && answered < 200; round++) {
		assert_int_equal(sim_bank_run(bank), SR_OK);
		while (sim_person_receive(bank, &people.ada, &type, &body) ==
		       SR_OK) {
			assert_int_equal(type, MESSAGE_STATEMENT);
			answered++;
		}
	}
	assert_int_equal(answered, 200);
}

static void
given_a_clock_that_goes_back_then_the_time_of_entries_stands_still(void **state)
{
	struct message_order_answer first, second;

	(void)state;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &first),
	    SR_OK);
	bank->sim->now_ms -= 30 * 1000;
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &second),
	    SR_OK);
	assert_int_equal(second.time, first.time);
	assert_int_equal(restart(SIM_KEEP_ALL), SR_OK);
}

static void
given_a_revoked_terminal_then_its_session_ends_at_once(void **state)
{
	struct sim_person *one = &people.operators[0];
	struct order_revoke revoke = {.principal = people.lobby.m4.customer,
	    .terminal = people.lobby.terminal};
	uint8_t parameters[ORDER_REVOKE_LEN];
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct reader body;
	struct order order;
	unsigned type;

	(void)state;
	/* Ada stands at that terminal. */
	people.ada.terminal = people.lobby.terminal;
	people.ada.terminal_epoch = people.lobby.terminal_epoch;
	memcpy(people.ada.psk, people.lobby.psk, 32);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(people.ada.m4.terminal, people.lobby.terminal);

	order_revoke_encode(&revoke, parameters);
	sim_order_begin(bank, one, ORDER_REVOKE, &order);
	sim_order_sign(
	    one, &order, parameters, sizeof(parameters), &signed_order);
	assert_int_equal(
	    sim_order_submit(bank, one, &signed_order, &answer), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.lobby, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_null(
	    sessions_find(&bank->ledgerd->sessions, people.lobby.connection));
	/* Its key is worth nothing now, also after a restart. */
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_CLOSED);
	assert_int_equal(restart(SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.lobby), SR_CLOSED);
}

static void
given_a_new_netd_then_the_sessions_of_the_old_are_forgotten(void **state)
{
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {.request = 1};
	struct reader body;
	unsigned type;

	(void)state;
	assert_true(bank->ledgerd->sessions.count > 0);
	assert_int_equal(sim_bank_generation(bank), SR_OK);
	assert_int_equal(bank->generation_done, 2);
	assert_int_equal(bank->ledgerd->sessions.count, 0);
	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, &people.ada, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_AGAIN);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
}

static void
given_a_session_idle_or_open_too_long_then_it_ends_with_a_goodbye(void **state)
{
	struct reader body;
	unsigned type;

	(void)state;
	sim_advance(bank->sim, 299 * 1000);
	assert_int_equal(ask_balance(&people.ada, 0).error, SR_OK);
	sim_advance(bank->sim, 2 * 1000);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(
	    sim_person_receive(bank, &people.bob, &type, &body), SR_OK);
	assert_int_equal(type, MESSAGE_GOODBYE);
	assert_int_equal(
	    sim_person_receive(bank, &people.ada, &type, &body), SR_AGAIN);
	for (int i = 0; i < 20; i++) {
		sim_advance(bank->sim, 200 * 1000);
		if (sessions_find(&bank->ledgerd->sessions,
			people.ada.connection) == NULL)
			break;
		(void)ask_balance(&people.ada, 0);
		assert_true(i < 18);
	}
}

static void
given_records_of_an_attacker_then_they_are_dropped_and_counted(void **state)
{
	struct sim_person mallory = people.ada;
	uint8_t bytes[MESSAGE_BALANCE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_balance_get get = {.request = 1};
	uint64_t refused = bank->ledgerd->refused;
	uint64_t size = bank->ledgerd->tree.size;

	(void)state;
	assert_int_equal(message_balance_get_encode(&w, &get), SR_OK);
	/* A connection that nobody has. */
	mallory.connection = 77;
	sim_person_send(bank, &mallory, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(bank->ledgerd->refused, refused + 1);
	/* Ada's record in Bob's connection: only Bob's session dies. */
	mallory.connection = people.bob.connection;
	sim_person_send(bank, &mallory, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(
	    sessions_find(&bank->ledgerd->sessions, people.bob.connection));
	assert_int_equal(bank->closed, people.bob.connection);
	assert_int_equal(ask_balance(&people.ada, 0).error, SR_OK);
	/* The same record a second time kills the session it is of. */
	mallory = people.ada;
	sim_person_send(bank, &people.ada, &w);
	sim_person_send(bank, &mallory, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_null(
	    sessions_find(&bank->ledgerd->sessions, people.ada.connection));
	assert_int_equal(bank->ledgerd->tree.size, size);
}

static void
given_many_orders_waiting_then_one_batch_takes_them(void **state)
{
	struct sim_order signed_order;
	uint64_t syncs, size;
	struct order order;

	(void)state;
	syncs = bank->ledgerd_room->count[SIM_SYNC];
	size = bank->ledgerd->tree.size;
	for (int i = 0; i < 16; i++) {
		sim_order_begin(bank, &people.ada, ORDER_TRANSFER, &order);
		order.debit = people.ada.m4.account;
		order.credit = people.bob.m4.account;
		order.amount_minor = 1;
		sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
		sim_order_send(bank, &people.ada, &signed_order);
		people.ada.next_seq++;
		order_hash(signed_order.bytes, people.ada.last_hash);
	}
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_bank_posted(bank, people.bob.m4.account), 16);
	assert_int_equal(bank->frame_count, 16);
	assert_int_equal(bank->ledgerd->tree.size, size + 16);
	assert_int_equal(bank->ledgerd_room->count[SIM_SYNC], syncs + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_founded_bank_then_a_deposit_and_a_transfer_are_booked),
	    TEST(given_a_restart_then_the_books_are_the_same_to_the_byte),
	    TEST(
		given_an_order_sent_again_then_it_is_booked_once_and_the_answer_is_the_same),
	    TEST(given_an_order_that_is_not_the_signers_then_nothing_is_booked),
	    TEST(
		given_a_declined_order_then_it_is_answered_and_stands_in_the_log),
	    TEST(given_an_account_then_only_its_owner_sees_the_balance),
	    TEST(given_transfers_then_the_statement_tells_them_newest_first),
	    TEST(given_a_name_then_the_directory_gives_the_attestation),
	    TEST(
		given_a_sync_that_fails_then_nothing_is_acknowledged_and_the_room_ends),
	    TEST(
		given_a_journal_older_than_keyds_head_then_the_start_is_refused),
	    TEST(
		given_keyds_state_older_than_the_journal_then_the_start_is_refused),
	    TEST(
		given_another_history_of_the_same_length_then_the_start_is_refused),
	    TEST(
		given_a_changed_byte_below_what_was_signed_then_the_start_is_refused),
	    TEST(
		given_a_torn_batch_above_what_was_signed_then_it_is_cut_and_told),
	    TEST(given_many_orders_then_segments_rotate_and_all_is_read_back),
	    TEST(
		given_a_cut_at_every_operation_then_the_acknowledged_is_there_once),
	    TEST(
		given_a_cut_while_a_terminal_is_revoked_then_both_rooms_agree_after),
	    TEST(given_a_cut_while_somebody_registers_then_nothing_is_lost),
	    TEST(given_a_cut_while_a_segment_is_begun_then_nothing_is_lost),
	    TEST(given_a_stop_then_what_waits_is_answered_and_everybody_told),
	    TEST(given_a_netd_that_does_not_read_then_ledgerd_stops_reading_it),
	    TEST(
		given_a_clock_that_goes_back_then_the_time_of_entries_stands_still),
	    TEST(given_a_revoked_terminal_then_its_session_ends_at_once),
	    TEST(given_a_new_netd_then_the_sessions_of_the_old_are_forgotten),
	    TEST(
		given_a_session_idle_or_open_too_long_then_it_ends_with_a_goodbye),
	    TEST(
		given_records_of_an_attacker_then_they_are_dropped_and_counted),
	    TEST(given_many_orders_waiting_then_one_batch_takes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
