/* SPDX-License-Identifier: ISC */
/*
 * What ledgerd tells whom about rules, roles, accounts, requests, people and
 * postings: everybody their own, operators what their work needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/sim_bank.h"

static struct sim_bank *bank;
static struct sim_people people;
static struct sim_person *one, *two;

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	one = &people.operators[0];
	two = &people.operators[1];
	assert_int_equal(sim_person_log_in(bank, one), SR_OK);
	assert_int_equal(sim_person_log_in(bank, two), SR_OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* Sends a question and gives the body of the answer, of that type. */
static struct reader
ask(struct sim_person *person, const struct writer *question, unsigned wanted)
{
	struct reader body;
	unsigned type;

	assert_false(question->bad);
	sim_person_send(bank, person, question);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	assert_int_equal(sim_person_receive(bank, person, &type, &body), SR_OK);
	assert_int_equal(type, wanted);
	return body;
}

/* ---- rules and roles ---------------------------------------------------------- */

static void
given_anybody_when_asking_for_the_rules_then_they_are_told(void **state)
{
	uint8_t bytes[MESSAGE_POLICY_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_policy_get get = {.request = 3};
	struct message_policy policy;
	struct reader body;

	(void)state;
	assert_int_equal(message_policy_get_encode(&w, &get), SR_OK);
	body = ask(&people.ada, &w, MESSAGE_POLICY);
	assert_int_equal(
	    message_policy_decode(body.at, reader_left(&body), &policy), SR_OK);
	assert_int_equal(policy.request, 3);
	assert_int_equal(policy.bank_type, BANK_CASH);
	assert_int_equal(policy.floor, 0);
	assert_true(policy.ceiling == INT64_MAX);
	assert_true(policy.day_limit == INT64_MAX);
	assert_int_equal(policy.order_life, ORDER_LIFE_MAX_MS);
	assert_int_equal(policy.undo, BOOK_UNDO_MS);
}

static enum sr_error
ask_principals(
    struct sim_person *person, uint64_t after, size_t *count, uint8_t roles[8])
{
	uint8_t bytes[MESSAGE_PRINCIPALS_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_principals_get get = {.request = 4, .after = after};
	struct message_principals principals;
	struct reader body;

	assert_int_equal(message_principals_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_PRINCIPALS);
	assert_int_equal(
	    message_principals_decode(body.at, reader_left(&body), &principals),
	    SR_OK);
	assert_int_equal(principals.more, 0);
	assert_int_equal(principals.list_len % 24, 0);
	*count = principals.list_len / 24;
	assert_true(*count <= 8);
	for (size_t i = 0; i < *count; i++)
		roles[i] = principals.list[i * 24 + 20];
	return (enum sr_error)principals.error;
}

static void
given_roles_when_an_operator_asks_then_those_and_no_customers(void **state)
{
	uint8_t roles[8];
	size_t count;

	(void)state;
	assert_int_equal(ask_principals(one, 0, &count, roles), SR_OK);
	assert_int_equal(count, 3);
	assert_int_equal(roles[0], ROLE_OPERATOR);
	assert_int_equal(roles[1], ROLE_OPERATOR);
	assert_int_equal(roles[2], ROLE_TERMINAL);
	assert_int_equal(
	    ask_principals(one, two->m4.customer, &count, roles), SR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(
	    ask_principals(&people.ada, 0, &count, roles), SR_NOT_ALLOWED);
	assert_int_equal(count, 0);
	assert_int_equal(
	    ask_principals(&people.lobby, 0, &count, roles), SR_NOT_ALLOWED);
	assert_int_equal(count, 0);
}

/* ---- accounts ----------------------------------------------------------------- */

static enum sr_error
ask_accounts(struct sim_person *person, uint64_t customer, size_t *count)
{
	uint8_t bytes[MESSAGE_ACCOUNTS_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_accounts_get get = {.request = 5, .customer = customer};
	struct message_accounts accounts;
	struct reader body;

	assert_int_equal(message_accounts_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_ACCOUNTS);
	assert_int_equal(
	    message_accounts_decode(body.at, reader_left(&body), &accounts),
	    SR_OK);
	assert_int_equal(accounts.list_len % 88, 0);
	*count = accounts.list_len / 88;
	return (enum sr_error)accounts.error;
}

static void
given_accounts_when_a_customer_asks_then_only_its_own_are_told(void **state)
{
	uint64_t ada = people.ada.m4.customer, bob = people.bob.m4.customer;
	size_t count;

	(void)state;
	assert_int_equal(ask_accounts(&people.ada, 0, &count), SR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(ask_accounts(&people.ada, ada, &count), SR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(
	    ask_accounts(&people.ada, bob, &count), SR_NOT_ALLOWED);
	assert_int_equal(count, 0);
	assert_int_equal(
	    ask_accounts(&people.ada, UINT64_MAX, &count), SR_NOT_ALLOWED);
	assert_int_equal(count, 0);
	assert_int_equal(
	    ask_accounts(&people.lobby, ada, &count), SR_NOT_ALLOWED);
	/* the closed main account and the till */
	assert_int_equal(ask_accounts(&people.lobby, 0, &count), SR_OK);
	assert_int_equal(count, 2);
	assert_int_equal(ask_accounts(one, bob, &count), SR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(ask_accounts(one, UINT64_MAX, &count), SR_OK);
	assert_true(
	    count == book_account_count(&bank->ledgerd->book) && count > 5);
}

/* ---- requests ----------------------------------------------------------------- */

/* An operator asks for money for Ada. */
static void
ask_to_issue(struct sim_order *signed_order, uint64_t *leaf)
{
	struct message_order_answer answer;
	struct order order;

	sim_order_begin(bank, one, ORDER_ISSUE, &order);
	order.debit = ACCOUNT_ISSUE;
	order.credit = people.ada.m4.account;
	order.amount_minor = 700;
	sim_order_sign(one, &order, "memo", 4, signed_order);
	assert_int_equal(
	    sim_order_submit(bank, one, signed_order, &answer), SR_OK);
	*leaf = answer.leaf;
}

/* What is listed for that person; the first one's bytes. */
static size_t
ask_requests(struct sim_person *person, uint64_t after,
    uint8_t first[ORDER_LEN], uint64_t *leaf)
{
	uint8_t bytes[MESSAGE_REQUESTS_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_requests_get get = {.request = 6, .after = after};
	struct message_requests requests;
	struct reader body, r;

	assert_int_equal(message_requests_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_REQUESTS);
	assert_int_equal(
	    message_requests_decode(body.at, reader_left(&body), &requests),
	    SR_OK);
	assert_int_equal(requests.error, SR_OK);
	assert_int_equal(requests.more, 0);
	if (requests.list_len == 0)
		return 0;
	r = reader_of(requests.list, requests.list_len);
	*leaf = reader_u64(&r);
	(void)reader_u64(&r);
	reader_bytes(&r, first, ORDER_LEN);
	return requests.list_len;
}

static void
given_a_request_when_listed_then_operators_see_its_exact_bytes(void **state)
{
	uint8_t first[ORDER_LEN], hash[ORDER_HASH_LEN];
	struct message_order_answer answer;
	struct sim_order asked, approval;
	uint64_t leaf, listed;
	struct order order;

	(void)state;
	ask_to_issue(&asked, &leaf);
	assert_int_equal(
	    ask_requests(two, 0, first, &listed), 16 + ORDER_LEN + 2 + 4);
	assert_int_equal(listed, leaf);
	assert_memory_equal(first, asked.bytes, ORDER_LEN);
	assert_int_equal(ask_requests(two, leaf, first, &listed), 0);
	assert_int_equal(ask_requests(&people.ada, 0, first, &listed), 0);
	assert_int_equal(ask_requests(&people.lobby, 0, first, &listed), 0);
	/* bound to these bytes, and used once */
	order_hash(first, hash);
	sim_order_begin(bank, two, ORDER_APPROVE, &order);
	order.refers_to = leaf;
	sim_order_sign(two, &order, hash, sizeof(hash), &approval);
	assert_int_equal(
	    sim_order_submit(bank, two, &approval, &answer), SR_OK);
	assert_int_equal(ask_requests(two, 0, first, &listed), 0);
}

/* ---- postings ----------------------------------------------------------------- */

static enum sr_error
ask_posting(
    struct sim_person *person, uint64_t leaf, struct message_posting *posting)
{
	uint8_t bytes[MESSAGE_POSTING_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_posting_get get = {.request = 7, .leaf = leaf};
	struct reader body;

	assert_int_equal(message_posting_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_POSTING);
	assert_int_equal(
	    message_posting_decode(body.at, reader_left(&body), posting),
	    SR_OK);
	return (enum sr_error)posting->error;
}

static void
given_a_posting_when_strangers_ask_then_it_is_none(void **state)
{
	struct message_posting posting;
	struct message_order_answer answer;

	(void)state;
	assert_int_equal(sim_transfer(bank, &people.ada, people.bob.m4.account,
			     300, &answer),
	    SR_OK);
	for (unsigned i = 0; i < 3; i++) {
		struct sim_person *who[] = {&people.ada, &people.bob, one};

		assert_int_equal(
		    ask_posting(who[i], answer.leaf, &posting), SR_OK);
		assert_int_equal(posting.kind, ORDER_TRANSFER);
		assert_int_equal(posting.amount, 300);
		assert_true(posting.debit == people.ada.m4.account);
		assert_true(posting.credit == people.bob.m4.account);
		assert_int_equal(posting.undone, 0);
	}
	assert_int_equal(
	    ask_posting(&people.lobby, answer.leaf, &posting), SR_TOO_OLD);
	assert_int_equal(posting.amount, 0);
	assert_int_equal(posting.debit, 0);
	assert_int_equal(
	    ask_posting(one, answer.leaf + 1, &posting), SR_TOO_OLD);
	assert_int_equal(ask_posting(one, 0, &posting), SR_TOO_OLD);
}

/* ---- people ------------------------------------------------------------------- */

static size_t
ask_name(struct sim_person *person, uint64_t customer)
{
	static const uint8_t zeros[32];
	uint8_t bytes[MESSAGE_DIRECTORY_GET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_directory_get get = {.request = 8, .customer = customer};
	struct message_directory found;
	struct reader body;

	assert_int_equal(message_directory_get_encode(&w, &get), SR_OK);
	body = ask(person, &w, MESSAGE_DIRECTORY);
	assert_int_equal(
	    message_directory_decode(body.at, reader_left(&body), &found),
	    SR_OK);
	assert_int_equal(found.error, SR_OK);
	assert_true(found.customer == customer);
	/* without a name no salt, with which one could be guessed */
	assert_true((found.name_len == 0) ==
		    (memcmp(found.salt, zeros, sizeof(zeros)) == 0));
	return found.name_len;
}

static void
given_a_number_when_a_customer_asks_then_the_name_is_not_told(void **state)
{
	uint64_t bob = people.bob.m4.customer;

	(void)state;
	assert_int_equal(ask_name(one, bob), 3);
	assert_int_equal(ask_name(&people.lobby, bob), 3);
	assert_int_equal(ask_name(&people.ada, bob), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_anybody_when_asking_for_the_rules_then_they_are_told),
	    TEST(given_roles_when_an_operator_asks_then_those_and_no_customers),
	    TEST(
		given_accounts_when_a_customer_asks_then_only_its_own_are_told),
	    TEST(
		given_a_request_when_listed_then_operators_see_its_exact_bytes),
	    TEST(given_a_posting_when_strangers_ask_then_it_is_none),
	    TEST(given_a_number_when_a_customer_asks_then_the_name_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
