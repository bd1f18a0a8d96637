/* SPDX-License-Identifier: ISC */
/*
 * How the bank was opened and what was changed of that, in the journal: what
 * an entry may tell, and that none is lost while the journal takes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/journal.h"
#include "common/seal_event.h"
#include "tests/lib/sim_bank.h"

enum { MINUTE_MS = 60000, MEMBERS = SEAL_REHEARSED + 1 };

static struct sim_bank *bank;
static struct sim_people people;

/* One of each kind, as strongroom-unlock tells it. */
static const struct seal_event example[MEMBERS] = {
    [SEAL_OPENED] = {.time_ms = 5,
	.what = SEAL_OPENED,
	.kind = SEALED_PASSPHRASE,
	.number = 1,
	.label = "made at init",
	.hand_kind = SEALED_PASSPHRASE,
	.hand_number = 1,
	.ways = 1,
	.set = 1},
    [SEAL_ADDED] = {.time_ms = 6,
	.what = SEAL_ADDED,
	.kind = SEALED_SHARES,
	.number = 2,
	.quorum = 2,
	.shares = 16,
	.label = "the board",
	.hand_kind = SEALED_PASSPHRASE,
	.hand_number = 1,
	.ways = 2,
	.set = 2},
    [SEAL_REMOVED] = {.time_ms = 7,
	.what = SEAL_REMOVED,
	.kind = SEALED_CREDENTIAL,
	.number = 3,
	.hand_kind = SEALED_SHARES,
	.hand_number = 2,
	.ways = 7,
	.set = 4},
    [SEAL_REHEARSED] = {.time_ms = 8,
	.what = SEAL_REHEARSED,
	.kind = SEALED_SHARES,
	.number = 2,
	.quorum = 3,
	.shares = 5,
	.hand_kind = SEALED_SHARES,
	.hand_number = 2,
	.ways = 8,
	.set = 5,
	.wrong = UINT32_MAX},
};

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

/* A copy of an example, to be changed. */
static struct seal_event
like(enum seal_what what)
{
	return example[what];
}

static enum sr_error
read_back(const struct seal_event *seal)
{
	const struct entry_event event = seal_event_entry(seal);
	struct seal_event back;
	enum sr_error error = seal_event_of(&event, &back);

	if (error == SR_OK) {
		const struct entry_event again = seal_event_entry(&back);

		assert_int_equal(again.subject, event.subject);
		assert_memory_equal(
		    again.detail, event.detail, sizeof(event.detail));
	}
	return error;
}

#define READ_AS(ERROR, WHAT, CHANGE)                       \
	do {                                               \
		struct seal_event seal = like(WHAT);       \
		CHANGE;                                    \
		assert_int_equal(read_back(&seal), ERROR); \
	} while (0)
#define REFUSED(WHAT, CHANGE) READ_AS(SR_MALFORMED, WHAT, CHANGE)
#define TAKEN(WHAT, CHANGE) READ_AS(SR_OK, WHAT, CHANGE)

static void
given_each_kind_when_read_then_the_same_and_named(void **state)
{
	(void)state;
	for (unsigned what = SEAL_OPENED; what < MEMBERS; what++) {
		const struct seal_event seal = like((enum seal_what)what);
		const struct entry_event event = seal_event_entry(&seal);

		assert_int_equal(read_back(&seal), SR_OK);
		assert_int_equal(event.code, SYSTEM_SEAL);
		assert_non_null(seal_what_name(what));
	}
	assert_null(seal_what_name(0));
	assert_null(seal_what_name(MEMBERS));
}

static void
given_what_nothing_leads_to_when_read_then_malformed(void **state)
{
	(void)state;
	REFUSED(SEAL_OPENED, seal.time_ms = 0);
	REFUSED(SEAL_OPENED, seal.what = 0);
	REFUSED(SEAL_OPENED, seal.what = (enum seal_what)MEMBERS);
	REFUSED(SEAL_OPENED, seal.kind = seal.hand_kind = 0);
	REFUSED(SEAL_OPENED, seal.kind = seal.hand_kind = SEALED_SHARES + 1);
	/* by another one than the one that it is about, or the other way */
	REFUSED(SEAL_OPENED, seal.hand_kind = SEALED_CREDENTIAL);
	REFUSED(SEAL_OPENED, seal.hand_number = 0);
	REFUSED(SEAL_REHEARSED, seal.hand_number = 1);
	REFUSED(SEAL_ADDED, seal.hand_kind = SEALED_SHARES;
		seal.hand_number = 2);
	REFUSED(SEAL_REMOVED, seal.hand_kind = seal.kind;
		seal.hand_number = seal.number);
	/* numbers that the set has not come to, or is past */
	REFUSED(SEAL_OPENED, seal.number = seal.hand_number = 2);
	REFUSED(SEAL_ADDED, seal.set = 3);
	REFUSED(SEAL_ADDED, seal.hand_number = 3);
	REFUSED(SEAL_REMOVED, seal.set = 3);
	REFUSED(SEAL_REHEARSED, seal.set = 2);
	REFUSED(SEAL_OPENED, seal.set = UINT16_MAX + 1);
	/* only who opens does so by hand */
	TAKEN(SEAL_OPENED, seal.by_hand = true);
	REFUSED(SEAL_ADDED, seal.by_hand = true);
	/* only shares are shares */
	REFUSED(SEAL_OPENED, seal.shares = 1);
	REFUSED(SEAL_OPENED, seal.quorum = 1);
	REFUSED(SEAL_ADDED, seal.quorum = 1);
	REFUSED(SEAL_ADDED, seal.quorum = 17);
	REFUSED(SEAL_ADDED, seal.shares = 17);
	REFUSED(SEAL_REHEARSED, seal.kind = seal.hand_kind = SEALED_PASSPHRASE;
		seal.quorum = seal.shares = 0);
}

static void
given_ways_and_labels_when_at_their_limits_then_read_and_no_further(
    void **state)
{
	(void)state;
	TAKEN(SEAL_OPENED, seal.ways = SEALED_ENVELOPES_MAX);
	REFUSED(SEAL_OPENED, seal.ways = SEALED_ENVELOPES_MAX + 1);
	REFUSED(SEAL_OPENED, seal.ways = 0);
	/* one more is two at least, one less seven at most */
	TAKEN(SEAL_ADDED, seal.ways = SEALED_ENVELOPES_MAX);
	REFUSED(SEAL_ADDED, seal.ways = 1);
	TAKEN(SEAL_REMOVED, seal.ways = 1);
	REFUSED(SEAL_REMOVED, seal.ways = SEALED_ENVELOPES_MAX);
	/* 31 bytes are a label, 32 are none; none at all is of version 1 */
	TAKEN(SEAL_OPENED, memset(seal.label, 0, sizeof(seal.label)));
	TAKEN(SEAL_OPENED, memset(seal.label, 'x', SEALED_LABEL_MAX));
	REFUSED(SEAL_OPENED, memset(seal.label, 'x', SEALED_LABEL_MAX + 1));
	REFUSED(SEAL_OPENED, seal.label[0] = ' ');
	REFUSED(SEAL_OPENED, seal.label[3] = '\n');
	REFUSED(SEAL_OPENED, seal.label[20] = 'x');
}

static void
given_an_entry_that_says_more_when_read_then_malformed(void **state)
{
	const struct seal_event seal = like(SEAL_OPENED);
	struct entry_event event = seal_event_entry(&seal);
	struct seal_event out;

	(void)state;
	event.code = SYSTEM_REFUSALS;
	assert_int_equal(seal_event_of(&event, &out), SR_MALFORMED);
	event = seal_event_entry(&seal);
	event.detail[ENTRY_DETAIL_LEN - 1] = 1;
	assert_int_equal(seal_event_of(&event, &out), SR_MALFORMED);
	event = seal_event_entry(&seal);
	event.detail[10] = 2;
	assert_int_equal(seal_event_of(&event, &out), SR_MALFORMED);
	event = seal_event_entry(&seal);
	event.detail[11] = 1;
	assert_int_equal(seal_event_of(&event, &out), SR_MALFORMED);
}

/* ---- ledgerd --------------------------------------------------------------- */

static uint64_t
tree_size(void)
{
	return bank->ledgerd->tree.size;
}

static void
pass(uint64_t ms)
{
	sim_advance(bank->sim, ms);
	assert_int_equal(sim_bank_run(bank), SR_OK);
}

static void
tell(const struct seal_event *seal)
{
	const struct entry_event event = seal_event_entry(seal);
	struct message_seal_event m = {.time = event.subject};

	memcpy(m.detail, event.detail, sizeof(m.detail));
	ledgerd_take_monitor_seal_event(bank->ledgerd, &m);
}

/* What the entry tells that is `back' before the end of the log. */
static struct seal_event
entry(uint64_t back)
{
	static uint8_t buffer[JOURNAL_PLAIN_MAX];
	char path[64], name[JOURNAL_SEGMENT_NAME_MAX];
	struct journal_frame frame, found = {0};
	struct journal_plain plain;
	struct entry_event event;
	struct seal_event seal;
	const uint8_t *bytes;
	size_t len;

	snprintf(path, sizeof(path), "ledger/segment/%s",
	    journal_segment_name(bank->ledgerd->segments.number, name));
	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(bytes);
	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN;
	     journal_frame_parse(bytes + at, len - at, &frame) == SR_OK;
	     at += frame.frame_len)
		if (frame.header.type == JOURNAL_ENTRY &&
		    frame.header.seq + 1 + back == tree_size())
			found = frame;
	assert_true(found.header.seq > 0);
	assert_int_equal(
	    journal_open(bank->ledgerd->segment_key, &found, buffer, &plain),
	    SR_OK);
	assert_int_equal(entry_event_decode(ENTRY_SYSTEM, plain.committed,
			     plain.committed_len, &event),
	    SR_OK);
	assert_int_equal(seal_event_of(&event, &seal), SR_OK);
	assert_true(seal.time_ms <= event.time_ms);
	return seal;
}

static void
expect_entry(uint64_t back, const struct seal_event *told)
{
	struct seal_event seal = entry(back);

	assert_int_equal(seal.what, told->what);
	assert_int_equal(seal.time_ms, told->time_ms);
	assert_int_equal(seal.set, told->set);
	assert_int_equal(seal.wrong, told->wrong);
	assert_string_equal(seal.label, told->label);
}

static void
given_changes_when_told_then_each_is_one_entry_in_order(void **state)
{
	uint64_t size = tree_size();

	(void)state;
	for (unsigned what = SEAL_OPENED; what < MEMBERS; what++) {
		const struct seal_event seal = like((enum seal_what)what);

		tell(&seal);
	}
	pass(1000);
	assert_true(tree_size() == size + 4);
	for (unsigned what = SEAL_OPENED; what < MEMBERS; what++) {
		const struct seal_event seal = like((enum seal_what)what);

		expect_entry(MEMBERS - 1 - what, &seal);
	}
	/* once, and a start takes them from the log and goes on */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	pass(5 * MINUTE_MS);
	assert_true(tree_size() == size + 4);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
}

/* A bank that was only started is still the one of its backup. */
static void
given_a_usual_start_when_told_then_journaled_with_the_next_order(void **state)
{
	struct seal_event seal = like(SEAL_OPENED);
	struct message_order_answer answer;
	uint64_t size = tree_size();

	(void)state;
	tell(&seal);
	pass(5 * MINUTE_MS);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	pass(MINUTE_MS);
	assert_true(tree_size() == size);
	assert_int_equal(
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 1, &answer),
	    SR_OK);
	assert_int_equal(answer.outcome, SR_OK);
	assert_true(tree_size() == size + 2);
	expect_entry(0, &seal);
	/* by hand, or after a wrong secret, it is worth one of its own */
	seal.by_hand = true;
	tell(&seal);
	pass(1000);
	assert_true(tree_size() == size + 3);
	seal.by_hand = false;
	seal.wrong = 1;
	tell(&seal);
	pass(1000);
	assert_true(tree_size() == size + 4);
}

static void
given_a_clock_set_back_when_told_then_not_later_than_the_entry(void **state)
{
	struct seal_event seal = like(SEAL_REHEARSED);

	(void)state;
	seal.time_ms = UINT64_MAX;
	tell(&seal);
	pass(1000);
	assert_true(entry(0).time_ms <= bank->sim->now_ms);
}

static void
given_a_disk_that_takes_nothing_when_told_then_journaled_later(void **state)
{
	const struct seal_event first = like(SEAL_ADDED);
	const struct seal_event second = like(SEAL_REHEARSED);
	uint64_t size = tree_size();

	(void)state;
	bank->ledgerd_room->read_only = true;
	tell(&first);
	pass(MINUTE_MS);
	tell(&second);
	pass(MINUTE_MS);
	assert_true(tree_size() == size);
	bank->ledgerd_room->read_only = false;
	pass(MINUTE_MS);
	pass(MINUTE_MS);
	assert_true(tree_size() == size + 2);
	expect_entry(1, &first);
	expect_entry(0, &second);
}

/* Sixteen wait; one more is said not to come. */
static void
given_too_many_when_the_disk_takes_nothing_then_the_first_are_kept(void **state)
{
	struct seal_event seal = like(SEAL_OPENED);
	uint64_t size = tree_size();

	(void)state;
	bank->ledgerd_room->read_only = true;
	for (unsigned i = 1; i <= LEDGERD_SEALS_MAX + 1; i++) {
		seal.wrong = i;
		tell(&seal);
		pass(1000);
	}
	assert_int_equal(bank->ledgerd->seal_count, LEDGERD_SEALS_MAX);
	bank->ledgerd_room->read_only = false;
	pass(MINUTE_MS);
	pass(MINUTE_MS);
	assert_true(tree_size() == size + LEDGERD_SEALS_MAX);
	assert_int_equal(entry(0).wrong, LEDGERD_SEALS_MAX);
	assert_int_equal(entry(LEDGERD_SEALS_MAX - 1).wrong, 1);
}

static void
given_what_cannot_be_when_told_then_refused_and_no_entry(void **state)
{
	uint64_t size = tree_size(), refused = bank->ledgerd->refused;
	struct seal_event seal = like(SEAL_OPENED);

	(void)state;
	seal.ways = 0;
	tell(&seal);
	pass(MINUTE_MS);
	assert_true(tree_size() == size);
	assert_int_equal(bank->ledgerd->refused, refused + 1);
	assert_int_equal(bank->ledgerd->fatal, SR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    cmocka_unit_test(given_each_kind_when_read_then_the_same_and_named),
	    cmocka_unit_test(
		given_what_nothing_leads_to_when_read_then_malformed),
	    cmocka_unit_test(
		given_ways_and_labels_when_at_their_limits_then_read_and_no_further),
	    cmocka_unit_test(
		given_an_entry_that_says_more_when_read_then_malformed),
	    TEST(
		given_a_usual_start_when_told_then_journaled_with_the_next_order),
	    TEST(given_changes_when_told_then_each_is_one_entry_in_order),
	    TEST(
		given_a_clock_set_back_when_told_then_not_later_than_the_entry),
	    TEST(
		given_a_disk_that_takes_nothing_when_told_then_journaled_later),
	    TEST(
		given_too_many_when_the_disk_takes_nothing_then_the_first_are_kept),
	    TEST(given_what_cannot_be_when_told_then_refused_and_no_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
