/* SPDX-License-Identifier: ISC */
/*
 * A segment's key for an auditor, keyd and ledgerd together: who must have
 * enrolled whom before, that it is in the log before it leaves, for whom it
 * opens, and each limit from both sides.
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

#include "common/disclosure.h"
#include "common/noise.h"
#include "tests/lib/sim_bank.h"

enum { HOUR_MS = 3600000 };

static struct sim_bank *bank;
static struct sim_people people;
static const uint8_t clara_secret[32] = {0x33, 1};
static const uint8_t dora_secret[32] = {0x44, 2};

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(5);
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

/* ---- two operators ------------------------------------------------------------- */

/* The request's leaf and hash; the outcome. */
static enum sr_error
request(unsigned by, const char *name, const uint8_t secret[32], uint64_t *leaf,
    uint8_t hash[32])
{
	struct order_auditor auditor = {.name_len = (uint8_t)strlen(name)};
	struct sim_person *asker = &people.operators[by];
	uint8_t parameters[ORDER_AUDITOR_LEN];
	struct message_order_answer answer;
	static struct sim_order sent;
	struct order order;
	enum sr_error error;

	memcpy(auditor.name, name, auditor.name_len);
	noise_public_key(auditor.key, secret);
	order_auditor_encode(&auditor, parameters);
	sim_order_begin(bank, asker, ORDER_AUDITOR_REQUEST, &order);
	sim_order_sign(asker, &order, parameters, sizeof(parameters), &sent);
	error = sim_order_submit(bank, asker, &sent, &answer);
	*leaf = answer.leaf;
	order_hash(sent.bytes, hash);
	return error;
}

static enum sr_error
approve(unsigned by, uint64_t leaf, const uint8_t hash[32])
{
	struct sim_person *asker = &people.operators[by];
	struct message_order_answer answer;
	static struct sim_order sent;
	struct order order;

	sim_order_begin(bank, asker, ORDER_APPROVE, &order);
	order.refers_to = leaf;
	sim_order_sign(asker, &order, hash, 32, &sent);
	return sim_order_submit(bank, asker, &sent, &answer);
}

static void
enrol(const char *name, const uint8_t secret[32])
{
	uint8_t hash[32];
	uint64_t leaf;

	assert_int_equal(request(0, name, secret, &leaf, hash), SR_OK);
	assert_int_equal(approve(1, leaf, hash), SR_OK);
}

/* ---- the question and its answer ----------------------------------------------- */

/* What came back; a refusal by ledgerd is an answer of which only that is set. */
static struct message_disclosure
answer_now(void)
{
	struct reader r =
	    reader_of(bank->control_answer, bank->control_answer_len);
	struct message_disclosure answer = {.error = SR_CLOSED};
	struct message_control_refused refused;
	struct ipc_message m;

	if (bank->control_answer_len == 0)
		return answer;
	assert_int_equal(ipc_next(&r, false, &m), SR_OK);
	if (m.type == MESSAGE_CONTROL_REFUSED) {
		assert_int_equal(
		    message_control_refused_decode(m.body, m.len, &refused),
		    SR_OK);
		answer.error = refused.error;
		return answer;
	}
	assert_int_equal(m.type, MESSAGE_DISCLOSURE);
	assert_int_equal(
	    message_disclosure_decode(m.body, m.len, &answer), SR_OK);
	return answer;
}

static struct message_disclosure
ask(const char *name, uint32_t segment)
{
	uint8_t bytes[MESSAGE_DISCLOSURE_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_disclosure_get get = {.segment = segment,
	    .name = (const uint8_t *)name,
	    .name_len = strlen(name)};

	assert_int_equal(message_disclosure_get_encode(&w, &get), SR_OK);
	assert_int_equal(sim_bank_control(bank, bytes, writer_len(&w)), SR_OK);
	return answer_now();
}

static uint64_t
tree_size(void)
{
	assert_true(
	    bank->ledgerd->tree.size == bank->keyd->state.frontier.size);
	return bank->ledgerd->tree.size;
}

/* Refused with that, and not in the log. */
static void
expect_refused(const char *name, uint32_t segment, enum sr_error error)
{
	uint64_t size = tree_size();
	struct message_disclosure answer = ask(name, segment);

	assert_int_equal(answer.error, error);
	assert_true(sodium_is_zero(answer.sealed, sizeof(answer.sealed)));
	assert_true(tree_size() == size);
}

/* The last entry of the log, opened with the key that was disclosed. */
static void
expect_logged(
    uint32_t segment, const uint8_t key[32], const uint8_t auditor[32])
{
	char path[64], name[JOURNAL_SEGMENT_NAME_MAX];
	static uint8_t buffer[JOURNAL_PLAIN_MAX];
	struct journal_frame frame, last = {0};
	struct journal_plain plain;
	struct entry_event use;
	const uint8_t *bytes;
	size_t len;

	snprintf(path, sizeof(path), "ledger/segment/%s",
	    journal_segment_name(segment, name));
	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_non_null(bytes);
	for (size_t at = JOURNAL_SEGMENT_HEADER_LEN;
	     journal_frame_parse(bytes + at, len - at, &frame) == SR_OK;
	     at += frame.frame_len)
		if (frame.header.type == JOURNAL_ENTRY)
			last = frame;
	assert_true(last.header.seq + 1 == tree_size());
	assert_int_equal(journal_open(key, &last, buffer, &plain), SR_OK);
	assert_int_equal(entry_event_decode(ENTRY_USE, plain.committed,
			     plain.committed_len, &use),
	    SR_OK);
	assert_int_equal(use.code, USE_DISCLOSE);
	assert_true(use.subject == segment);
	assert_memory_equal(use.detail, auditor, 32);
}

/* The key, if it opens for that secret. */
static enum sr_error
open_with(const struct message_disclosure *answer, uint32_t segment,
    const uint8_t secret[32], uint8_t key[32])
{
	struct disclosure_item item = {.segment = segment};

	memcpy(item.salt, answer->salt, sizeof(item.salt));
	memcpy(item.sealed, answer->sealed, sizeof(item.sealed));
	return disclosure_open(bank->ledgerd->bank_id, secret, &item, key);
}

/* ---- whom ---------------------------------------------------------------------- */

static void
given_nobody_or_only_a_request_then_no_key_and_nothing_logged(void **state)
{
	uint64_t leaf, other;
	uint8_t hash[32], other_hash[32];

	(void)state;
	expect_refused("clara", 0, SR_NOT_FOUND);
	assert_int_equal(request(0, "clara", clara_secret, &leaf, hash), SR_OK);
	expect_refused("clara", 0, SR_NOT_FOUND);
	/* not by the one who asked, nor with what the other has not read */
	assert_int_equal(approve(0, leaf, hash), SR_OWN_REQUEST);
	assert_int_equal(
	    request(0, "dora", dora_secret, &other, other_hash), SR_OK);
	assert_int_equal(approve(1, leaf, other_hash), SR_NO_REQUEST);
	assert_int_equal(approve(1, leaf + 1, hash), SR_NO_REQUEST);
	expect_refused("clara", 0, SR_NOT_FOUND);
	expect_refused("dora", 0, SR_NOT_FOUND);
	assert_int_equal(approve(1, leaf, hash), SR_OK);
	assert_int_equal(ask("clara", 0).error, SR_OK);
	expect_refused("dora", 0, SR_NOT_FOUND);
}

static void
given_an_enrolled_auditor_then_the_key_is_logged_and_opens_for_that_one_only(
    void **state)
{
	uint8_t key[32], public_key[32];
	struct message_disclosure answer, again;
	uint64_t size;

	(void)state;
	enrol("clara", clara_secret);
	enrol("dora", dora_secret);
	size = tree_size();
	answer = ask("clara", 0);
	assert_int_equal(answer.error, SR_OK);
	assert_int_equal(answer.segment, 0);
	assert_true(tree_size() == size + 1);
	noise_public_key(public_key, clara_secret);
	assert_memory_equal(answer.auditor, public_key, 32);
	assert_int_equal(open_with(&answer, 0, clara_secret, key), SR_OK);
	expect_logged(0, key, public_key);
	/* not for the other one, nor as another segment's */
	assert_int_equal(open_with(&answer, 0, dora_secret, key), SR_CRYPTO);
	assert_int_equal(open_with(&answer, 1, clara_secret, key), SR_CRYPTO);
	/* asked again it is another use, with another seal */
	again = ask("clara", 0);
	assert_int_equal(again.error, SR_OK);
	assert_true(tree_size() == size + 2);
	assert_memory_not_equal(again.sealed, answer.sealed, 80);
	/* the answer is keyd's: ledgerd does not see the key on its way */
	noise_public_key(public_key, dora_secret);
	assert_memory_equal(ask("dora", 0).auditor, public_key, 32);
}

static void
given_names_that_are_not_quite_the_auditors_then_no_key(void **state)
{
	static const char longest[] = "abcdefghijklmnopqrstuvwxyz-01234";

	(void)state;
	assert_int_equal(strlen(longest), ORDER_AUDITOR_NAME_MAX);
	enrol(longest, clara_secret);
	assert_int_equal(ask(longest, 0).error, SR_OK);
	expect_refused("abcdefghijklmnopqrstuvwxyz-0123", 0, SR_NOT_FOUND);
	expect_refused("", 0, SR_NOT_FOUND);
	expect_refused("Abcdefghijklmnopqrstuvwxyz-01234", 0, SR_NOT_FOUND);
	expect_refused("ada", 0, SR_NOT_FOUND);
	expect_refused("op-one", 0, SR_NOT_FOUND);
}

/* Another key under the name, or the key under another name: not even asked. */
static void
given_an_enrolled_auditor_then_neither_name_nor_key_is_enrolled_again(
    void **state)
{
	uint8_t hash[32], public_key[32];
	uint64_t leaf;

	(void)state;
	enrol("clara", clara_secret);
	assert_int_equal(
	    request(0, "clara", dora_secret, &leaf, hash), SR_ALREADY);
	assert_int_equal(
	    request(0, "dora", clara_secret, &leaf, hash), SR_ALREADY);
	assert_int_equal(approve(1, leaf, hash), SR_NO_REQUEST);
	noise_public_key(public_key, clara_secret);
	assert_memory_equal(ask("clara", 0).auditor, public_key, 32);
	expect_refused("dora", 0, SR_NOT_FOUND);
}

/* ---- limits -------------------------------------------------------------------- */

static void
given_a_request_when_its_life_is_over_then_it_enrols_nobody(void **state)
{
	uint64_t life = bank->ledgerd->book.policy.request_life_ms, leaf;
	uint8_t hash[32];

	(void)state;
	for (int late = 0; late <= 1; late++) {
		const char *name = late ? "dora" : "clara";

		assert_int_equal(
		    request(0, name, late ? dora_secret : clara_secret, &leaf,
			hash),
		    SR_OK);
		sim_advance(bank->sim, life + (uint64_t)late);
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(
			    sim_person_log_in(bank, &people.operators[i]),
			    SR_OK);
		assert_int_equal(
		    approve(1, leaf, hash), late ? SR_REQUEST_EXPIRED : SR_OK);
		assert_int_equal(
		    ask(name, 0).error, late ? SR_NOT_FOUND : SR_OK);
	}
}

static void
given_segments_then_keys_of_those_in_use_and_of_no_other(void **state)
{
	struct message_order_answer answer;
	uint32_t last;

	(void)state;
	enrol("clara", clara_secret);
	/* the first, which is written to, and the next, made ready */
	assert_int_equal(bank->ledgerd->segments.number, 0);
	assert_int_equal(ask("clara", 0).error, SR_OK);
	expect_refused("clara", 1, SR_NOT_FOUND);
	while (bank->ledgerd->segments.number < 2)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	last = bank->ledgerd->segments.number;
	for (uint32_t s = 0; s <= last; s++) {
		uint8_t key[32];
		struct message_disclosure told = ask("clara", s);

		assert_int_equal(told.error, SR_OK);
		assert_int_equal(open_with(&told, s, clara_secret, key), SR_OK);
	}
	assert_int_equal(bank->ledgerd->segments.number, last);
	expect_refused("clara", last + 1, SR_NOT_FOUND);
	expect_refused("clara", last + 2, SR_NOT_FOUND);
	expect_refused("clara", UINT32_MAX, SR_NOT_FOUND);
}

/* A damaged header has no salt to be trusted; the log is not added to. */
static void
given_an_old_segment_when_its_header_is_damaged_then_no_key_and_the_bank_goes_on(
    void **state)
{
	static const char path[] = "ledger/segment/00000000.log";
	static uint8_t copy[SIM_BANK_SEGMENT_LEN];
	struct message_order_answer answer;
	const uint8_t *bytes;
	size_t len;

	(void)state;
	enrol("clara", clara_secret);
	while (bank->ledgerd->segments.number < 1)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_true(bytes != NULL && len <= sizeof(copy));
	memcpy(copy, bytes, len);
	copy[60] ^= 1; /* in the salt */
	sim_put(bank->ledgerd_room, path, copy, len);
	expect_refused("clara", 0, SR_DAMAGED);
	assert_int_equal(ask("clara", 1).error, SR_OK);
	copy[60] ^= 1;
	sim_put(bank->ledgerd_room, path, copy, len);
	assert_int_equal(ask("clara", 0).error, SR_OK);
}

static void
given_as_many_as_an_hour_gives_then_the_next_one_is_later(void **state)
{
	uint64_t began, size;

	(void)state;
	enrol("clara", clara_secret);
	began = bank->sim->now_ms;
	for (unsigned i = 0; i < BUDGET_DISCLOSURES; i++) {
		/* what was given before a start counts */
		if (i % 100 == 99)
			assert_int_equal(
			    sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
		assert_int_equal(ask("clara", 0).error, SR_OK);
	}
	/* it was asked for: that is in the log, but no key went out */
	size = tree_size();
	assert_int_equal(ask("clara", 0).error, SR_BUDGET);
	assert_true(sodium_is_zero(answer_now().sealed, 80));
	assert_true(tree_size() == size + 1);
	/* nor after a start, nor a moment too early, nor to another one */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(ask("clara", 0).error, SR_BUDGET);
	sim_advance(bank->sim, began + HOUR_MS - 1 - bank->sim->now_ms);
	assert_int_equal(ask("clara", 0).error, SR_BUDGET);
	sim_advance(bank->sim, 1);
	assert_int_equal(ask("clara", 0).error, SR_OK);
}

/* ---- bytes --------------------------------------------------------------------- */

static void
given_a_question_cut_or_too_long_then_it_is_refused_and_not_logged(void **state)
{
	uint8_t bytes[MESSAGE_DISCLOSURE_GET_MAX + 16] = {0};
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_disclosure_get get = {
	    .name = (const uint8_t *)"clara", .name_len = 5};
	uint64_t size;
	size_t len;

	(void)state;
	enrol("clara", clara_secret);
	assert_int_equal(message_disclosure_get_encode(&w, &get), SR_OK);
	len = writer_len(&w);
	size = tree_size();
	for (size_t cut = 1; cut <= len + 8; cut++) {
		uint8_t packet[sizeof(bytes)];

		if (cut == len)
			continue;
		memcpy(packet, bytes, sizeof(packet));
		/* its length as it is, and as it says */
		for (int says = 0; says <= 1; says++) {
			if (says && cut >= 4)
				packet[0] = (uint8_t)(cut - 4);
			assert_int_equal(
			    sim_bank_control(bank, packet, cut), SR_OK);
			if (cut < len || says)
				assert_int_not_equal(answer_now().error, SR_OK);
			assert_true(cut > len || tree_size() == size);
			size = tree_size();
		}
	}
	/* a name that is longer than its field may be */
	memset(bytes + 10, 'a', sizeof(bytes) - 10);
	bytes[0] = 4 + 2 + ORDER_AUDITOR_NAME_MAX + 1;
	bytes[8] = ORDER_AUDITOR_NAME_MAX + 1;
	assert_int_equal(sim_bank_control(bank, bytes,
			     4 + 4 + 2 + ORDER_AUDITOR_NAME_MAX + 1),
	    SR_OK);
	assert_int_not_equal(answer_now().error, SR_OK);
	assert_true(tree_size() == size);
	assert_int_equal(ask("clara", 0).error, SR_OK);
}

/* Not for those who log in, be they operators. */
static void
given_a_customers_or_operators_session_when_it_asks_then_refused(void **state)
{
	struct sim_person *askers[] = {&people.ada, &people.operators[0]};
	uint64_t size;

	(void)state;
	enrol("clara", clara_secret);
	size = tree_size();
	for (size_t i = 0; i < 2; i++) {
		uint8_t bytes[MESSAGE_DISCLOSURE_GET_MAX];
		struct writer w = writer_to(bytes, sizeof(bytes));
		struct message_disclosure_get get = {
		    .name = (const uint8_t *)"clara", .name_len = 5};
		uint64_t refused = bank->ledgerd->refused;
		struct reader body = {0};
		unsigned type = 0;

		assert_int_equal(sim_person_log_in(bank, askers[i]), SR_OK);
		size = tree_size();
		assert_int_equal(
		    message_disclosure_get_encode(&w, &get), SR_OK);
		bank->control_answer_len = 0;
		sim_person_send(bank, askers[i], &w);
		assert_int_equal(sim_bank_run(bank), SR_OK);
		assert_true(bank->ledgerd->refused > refused);
		assert_int_equal(bank->control_answer_len, 0);
		if (sim_person_receive(bank, askers[i], &type, &body) == SR_OK)
			assert_int_not_equal(type, MESSAGE_DISCLOSURE);
		assert_true(tree_size() == size);
	}
}

static void
given_a_bank_that_is_not_founded_then_no_key(void **state)
{
	(void)state;
	sim_bank_free(bank);
	bank = sim_bank_new(6);
	assert_int_equal(sim_bank_start(bank, true), SR_OK);
	assert_int_not_equal(ask("clara", 0).error, SR_OK);
	assert_true(tree_size() == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_nobody_or_only_a_request_then_no_key_and_nothing_logged),
	    TEST(
		given_an_enrolled_auditor_then_the_key_is_logged_and_opens_for_that_one_only),
	    TEST(given_names_that_are_not_quite_the_auditors_then_no_key),
	    TEST(
		given_an_enrolled_auditor_then_neither_name_nor_key_is_enrolled_again),
	    TEST(given_a_request_when_its_life_is_over_then_it_enrols_nobody),
	    TEST(given_segments_then_keys_of_those_in_use_and_of_no_other),
	    TEST(
		given_an_old_segment_when_its_header_is_damaged_then_no_key_and_the_bank_goes_on),
	    TEST(given_as_many_as_an_hour_gives_then_the_next_one_is_later),
	    TEST(
		given_a_question_cut_or_too_long_then_it_is_refused_and_not_logged),
	    TEST(
		given_a_customers_or_operators_session_when_it_asks_then_refused),
	    TEST(given_a_bank_that_is_not_founded_then_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
