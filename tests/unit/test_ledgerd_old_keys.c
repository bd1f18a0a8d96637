/* SPDX-License-Identifier: ISC */
/*
 * Keys of old segments: nobody uses up what keyd gives to all in an hour, by
 * questions for entries that are not even the asker's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keyd/log_keys.h"
#include "tests/lib/sim_bank.h"

enum {
	HOUR_MS = 3600000,
	OLD_SEGMENTS = 4, /* before the last two snapshots */
	ASKED = 3,        /* of them, until the share is used up */
};

static struct sim_bank *bank;
static struct sim_people people;
static struct sim_person eve;
static uint64_t leaf_of[OLD_SEGMENTS]; /* an entry of each */

static int
set_up(void **state)
{
	struct message_order_answer answer;

	(void)state;
	bank = sim_bank_new(3);
	sim_bank_furnish(bank, &people);
	sim_person_init(&eve, "eve", "eve's secret");
	assert_int_equal(sim_person_register(bank, &eve), SR_OK);
	while (bank->ledgerd->snapshots.last.segment <= OLD_SEGMENTS) {
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
		if (bank->ledgerd->segments.number < OLD_SEGMENTS)
			leaf_of[bank->ledgerd->segments.number] = answer.leaf;
	}
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static enum sr_error
ask_receipt(struct sim_person *person, uint64_t leaf)
{
	uint8_t bytes[MESSAGE_RECEIPT_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_receipt_get get = {.request = 9, .leaf = leaf};
	struct message_receipt receipt;
	struct reader body = {0};
	unsigned got = 0;

	assert_int_equal(message_receipt_get_encode(&w, &get), SR_OK);
	sim_person_send(bank, person, &w);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_receive(bank, person, &got, &body), SR_OK);
	assert_int_equal(got, MESSAGE_RECEIPT);
	assert_int_equal(
	    message_receipt_decode(body.at, reader_left(&body), &receipt),
	    SR_OK);
	return error_of_wire(receipt.error);
}

/* Eve asks for some, when she had almost all of her share in this hour. */
static void
use_up(void)
{
	struct archive_asker *asker = &bank->ledgerd->archive.askers[0];

	assert_int_equal(ask_receipt(&eve, leaf_of[0]), SR_NOT_FOUND);
	assert_int_equal(bank->ledgerd->archive.asker_count, 1);
	assert_int_equal(asker->given, 1);
	asker->given = ARCHIVE_SHARE - (ASKED - 1);
	for (unsigned i = 0; i < OLD_SEGMENTS; i++)
		assert_int_equal(ask_receipt(&eve, leaf_of[i]),
		    i < ASKED ? SR_NOT_FOUND : SR_OLD_RECORDS);
}

static void
given_a_stranger_who_asks_for_all_then_a_third_is_used_up_and_no_more(
    void **state)
{
	uint64_t size = bank->ledgerd->tree.size;

	(void)state;
	assert_true(3 * ARCHIVE_SHARE <= LOG_KEYS_OLD_AN_HOUR);
	assert_true((int)ARCHIVE_ASKERS >= LOG_KEYS_OLD_AN_HOUR);
	use_up();
	assert_int_equal(bank->keyd->state.old_keys.ever, ASKED);
	/* who has no more does not fill the log with questions either */
	assert_int_equal(bank->ledgerd->tree.size, size + ASKED);
	/* what is open already costs nobody anything */
	assert_int_equal(ask_receipt(&eve, leaf_of[1]), SR_NOT_FOUND);
	/* and whose records they are has them */
	for (unsigned i = 0; i < OLD_SEGMENTS; i++)
		assert_int_equal(ask_receipt(&people.ada, leaf_of[i]), SR_OK);
	assert_int_equal(bank->keyd->state.old_keys.ever, OLD_SEGMENTS);
}

static void
given_a_share_that_is_used_up_when_the_hour_is_over_then_there_is_more(
    void **state)
{
	(void)state;
	use_up();
	sim_advance(bank->sim, HOUR_MS);
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	assert_int_equal(ask_receipt(&eve, leaf_of[ASKED]), SR_NOT_FOUND);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_stranger_who_asks_for_all_then_a_third_is_used_up_and_no_more),
	    TEST(
		given_a_share_that_is_used_up_when_the_hour_is_over_then_there_is_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
