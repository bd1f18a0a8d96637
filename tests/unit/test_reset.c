/* SPDX-License-Identifier: ISC */
/*
 * A customer's reset by two operators, keyd and ledgerd together: what it
 * needs, what it changes and what it leaves, and what a ledgerd that lies or
 * a stranger with a code's letters gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "keyd/reset.h"
#include "tests/lib/sim_credentials.h"

#define CODE "ada's code"
#define NEW "ada's new secret"
#define NEW_CODE "ada's new code"

static struct sim_bank *bank;
static struct sim_people people;
static uint8_t old_secret[64];
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
	memcpy(old_secret, people.ada.signing_secret, 64);
	sim_keys(1, new_public, new_secret);
	for (unsigned i = 0; i < 2; i++)
		if (sim_person_log_in(bank, &people.operators[i]) != SR_OK)
			return -1;
	if (sim_person_change(bank, &people.ada, &recovery, &m5) != SR_OK)
		return -1;
	return sim_person_log_in(bank, &people.ada) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* Two operators agree; the leaf of the approval. */
static uint64_t
agree(const struct sim_person *person)
{
	struct order_reset reset = sim_reset_of(bank, person);
	uint64_t leaf;

	assert_int_equal(sim_reset_agree(bank, &people, &reset, &leaf), SR_OK);
	return leaf;
}

static void
code_for(const struct sim_person *person, uint8_t code[RESET_CODE_LEN])
{
	assert_int_equal(sim_reset_code(bank, agree(person), code), SR_OK);
}

/* One half for that person; what M2 or M5 said. */
static enum sr_error
send_half(struct sim_person *person, const uint8_t code[RESET_CODE_LEN],
    uint8_t target)
{
	struct sim_change half = {.target = target,
	    .new_secret = target == SLOT_PASSWORD ? NEW : NEW_CODE,
	    .signing_public = new_public,
	    .signing_secret = new_secret,
	    .reset_code = code};
	struct sim_person by = *person; /* its session is another one */
	struct payload_m5 m5;

	return sim_person_change(bank, &by, &half, &m5);
}

static enum sr_error
reset(struct sim_person *person, const uint8_t code[RESET_CODE_LEN])
{
	enum sr_error error = send_half(person, code, SLOT_RECOVERY);

	return error == SR_OK ? send_half(person, code, SLOT_PASSWORD) : error;
}

static bool
opens(uint8_t slot, const char *secret)
{
	struct sim_person by = people.ada;
	enum sr_error error = sim_person_log_in_by(bank, &by, slot, secret);

	assert_true(error == SR_OK || error == SR_LOGIN);
	return error == SR_OK;
}

/* Exactly the old or exactly the new credentials, never a mixture. */
static void
assert_credentials(bool are_new)
{
	assert_true(opens(SLOT_PASSWORD, NEW) == are_new);
	assert_true(opens(SLOT_RECOVERY, NEW_CODE) == are_new);
	assert_true(opens(SLOT_PASSWORD, "ada's secret") == !are_new);
	assert_true(opens(SLOT_RECOVERY, CODE) == !are_new);
}

static unsigned
sessions_of(const struct sim_person *person)
{
	const struct sessions *sessions = &bank->ledgerd->sessions;
	unsigned count = 0;

	for (uint32_t i = 0; i < sessions->capacity; i++)
		count += sessions->entries[i].connection != 0 &&
			 sessions->entries[i].customer == person->m4.customer;
	return count;
}

static enum sr_error
pay(const uint8_t secret[64])
{
	struct message_order_answer answer;

	memcpy(people.ada.signing_secret, secret, 64);
	return sim_transfer(
	    bank, &people.ada, people.bob.m4.account, 1, &answer);
}

static void
given_a_code_when_used_then_all_is_new_but_the_account(void **state)
{
	uint8_t code[RESET_CODE_LEN], before[32];
	struct attestation attestation;
	uint64_t leaf = agree(&people.ada);
	int64_t posted = sim_bank_posted(bank, people.ada.m4.account);
	uint64_t seq = people.ada.m4.next_seq;

	(void)state;
	attestation_hash(people.ada.m4.attestation, before);
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
	/* until then nothing is otherwise */
	assert_true(opens(SLOT_PASSWORD, "ada's secret"));
	assert_true(opens(SLOT_RECOVERY, CODE));
	assert_int_equal(reset(&people.ada, code), SR_OK);
	assert_int_equal(sessions_of(&people.ada), 0);
	assert_true(sessions_of(&people.operators[1]) > 0);
	assert_credentials(true);
	people.ada.password = NEW;
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(
	    attestation_read(people.ada.m4.attestation, &attestation), SR_OK);
	assert_int_equal(attestation.key_epoch, 2);
	assert_int_equal(attestation.reset_leaf, leaf);
	assert_memory_equal(attestation.previous_hash, before, 32);
	assert_int_equal(sim_bank_posted(bank, people.ada.m4.account), posted);
	assert_int_equal(people.ada.m4.next_seq, seq);
	assert_int_equal(pay(old_secret), SR_SIGNATURE);
	assert_int_equal(pay(new_secret), SR_OK);
	/* and so it is after a start */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	assert_int_equal(pay(new_secret), SR_OK);
}

static void
given_a_used_code_then_it_serves_no_more_nor_does_its_order(void **state)
{
	uint8_t code[RESET_CODE_LEN], again[RESET_CODE_LEN];
	uint64_t leaf = agree(&people.ada);

	(void)state;
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
	assert_int_equal(reset(&people.ada, code), SR_OK);
	assert_int_equal(reset(&people.ada, code), SR_RESET_CODE);
	assert_int_equal(sim_reset_code(bank, leaf, again), SR_KEYS_REPLACED);
	assert_true(sodium_is_zero(again, sizeof(again)));
	assert_credentials(true);
	assert_int_equal(bank->keyd_error, SR_OK);
	assert_int_equal(bank->ledgerd_error, SR_OK);
}

static void
given_two_codes_then_only_the_last_one_serves(void **state)
{
	uint8_t first[RESET_CODE_LEN], second[RESET_CODE_LEN];
	uint8_t third[RESET_CODE_LEN];
	uint64_t leaf = agree(&people.ada);

	(void)state;
	assert_int_equal(sim_reset_code(bank, leaf, first), SR_OK);
	assert_int_equal(sim_reset_code(bank, leaf, second), SR_OK);
	assert_int_equal(reset(&people.ada, first), SR_RESET_CODE);
	code_for(&people.ada, third);
	assert_int_equal(reset(&people.ada, second), SR_RESET_CODE);
	/* half by one and half by the next is nothing */
	assert_int_equal(send_half(&people.ada, third, SLOT_RECOVERY), SR_OK);
	assert_int_equal(sim_reset_code(bank, leaf, first), SR_OK);
	assert_int_equal(
	    send_half(&people.ada, third, SLOT_PASSWORD), SR_RESET_CODE);
	assert_int_equal(send_half(&people.ada, first, SLOT_PASSWORD), SR_OK);
	assert_credentials(false);
	assert_int_equal(send_half(&people.ada, first, SLOT_RECOVERY), SR_OK);
	assert_credentials(true);
}

static void
given_a_change_of_the_password_then_the_code_is_void(void **state)
{
	struct sim_change change = {.slot = SLOT_PASSWORD,
	    .secret = "ada's secret",
	    .target = SLOT_PASSWORD,
	    .new_secret = "found again"};
	uint8_t code[RESET_CODE_LEN];
	struct payload_m5 m5;

	(void)state;
	code_for(&people.ada, code);
	assert_int_equal(
	    sim_person_change(bank, &people.ada, &change, &m5), SR_OK);
	assert_int_equal(reset(&people.ada, code), SR_RESET_CODE);
	assert_true(opens(SLOT_PASSWORD, "found again"));
}

/* What an operator does to the bank's keys is no change of the customer's. */
static void
given_a_code_when_records_are_sealed_anew_then_it_serves(void **state)
{
	uint8_t code[RESET_CODE_LEN];
	uint32_t generation;

	(void)state;
	code_for(&people.ada, code);
	generation =
	    bank->keyd->credentials.generations[people.ada.m4.customer];
	assert_int_equal(sim_rotate(bank, BANK_KEY_CREDENTIAL), SR_OK);
	assert_int_equal(sim_reseal(bank), SR_OK);
	assert_true(
	    bank->keyd->credentials.generations[people.ada.m4.customer] >
	    generation);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	/* and half way through */
	sim_advance(bank->sim, KEY_HOUR_S * UINT64_C(1000));
	assert_int_equal(send_half(&people.ada, code, SLOT_RECOVERY), SR_OK);
	assert_int_equal(sim_rotate(bank, BANK_KEY_CREDENTIAL), SR_OK);
	assert_int_equal(sim_reseal(bank), SR_OK);
	assert_credentials(false);
	assert_int_equal(send_half(&people.ada, code, SLOT_PASSWORD), SR_OK);
	assert_credentials(true);
	assert_int_equal(reset(&people.ada, code), SR_RESET_CODE);
}

static void
given_a_code_when_the_key_of_codes_is_new_then_it_serves_to_its_end(
    void **state)
{
	uint8_t code[RESET_CODE_LEN], next[RESET_CODE_LEN];

	(void)state;
	code_for(&people.ada, code);
	assert_int_equal(send_half(&people.ada, code, SLOT_RECOVERY), SR_OK);
	assert_int_equal(sim_rotate(bank, BANK_KEY_RESET), SR_OK);
	assert_int_equal(send_half(&people.ada, code, SLOT_PASSWORD), SR_OK);
	assert_credentials(true);
	assert_int_equal(reset(&people.ada, code), SR_RESET_CODE);
	code_for(&people.bob, next);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(reset(&people.bob, code), SR_RESET_CODE);
	assert_int_equal(reset(&people.bob, next), SR_OK);
}

/* Each try is an entry, and the books are not to be filled with them. */
static void
given_rotations_that_are_refused_when_asked_again_then_few_are_logged(
    void **state)
{
	uint64_t size, began = bank->sim->now_ms;

	(void)state;
	assert_int_equal(sim_rotate(bank, BANK_KEY_RESET), SR_OK);
	for (unsigned i = 1; i < LEDGERD_ROTATES_AN_HOUR; i++)
		assert_int_equal(sim_rotate(bank, BANK_KEY_RESET), SR_LATER);
	size = bank->ledgerd->tree.size;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(sim_rotate(bank, BANK_KEY_RESET), SR_BUDGET);
	assert_int_equal(bank->ledgerd->tree.size, size);
	sim_advance(bank->sim, began + 3600000 - 1 - bank->sim->now_ms);
	assert_int_equal(sim_rotate(bank, BANK_KEY_OPRF), SR_BUDGET);
	sim_advance(bank->sim, 1);
	assert_int_equal(sim_rotate(bank, BANK_KEY_OPRF), SR_OK);
}

/* Each bit of a code is under the MAC, and so is whose it is. */
static void
given_a_code_that_is_altered_or_anothers_then_refused(void **state)
{
	uint8_t code[RESET_CODE_LEN], other[RESET_CODE_LEN];
	struct sim_person nobody;

	(void)state;
	code_for(&people.ada, code);
	for (unsigned bit = 0; bit < 8 * sizeof(code); bit++) {
		memcpy(other, code, sizeof(code));
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(send_half(&people.ada, other, SLOT_RECOVERY),
		    SR_RESET_CODE);
	}
	assert_int_equal(reset(&people.bob, code), SR_RESET_CODE);
	sim_person_init(&nobody, "nobody", "a secret");
	assert_int_equal(reset(&nobody, code), SR_RESET_CODE);
	assert_credentials(false);
}

static void
given_a_code_whose_time_is_over_then_refused_with_a_sentence(void **state)
{
	uint8_t code[RESET_CODE_LEN];
	struct order_reset late = sim_reset_of(bank, &people.ada);
	uint64_t leaf;

	(void)state;
	/* a code has its end in seconds */
	late.until_ms = (bank->sim->now_ms / 1000 + 60) * 1000;
	assert_int_equal(sim_reset_agree(bank, &people, &late, &leaf), SR_OK);
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
	bank->sim->now_ms = late.until_ms;
	assert_int_equal(send_half(&people.ada, code, SLOT_RECOVERY), SR_OK);
	bank->sim->now_ms = late.until_ms + 1;
	assert_int_equal(
	    send_half(&people.ada, code, SLOT_PASSWORD), SR_RESET_EXPIRED);
	/* and there is no other one for that request */
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_RESET_EXPIRED);
	assert_credentials(false);
}

/* Who may be reset, and until when, is the books'. */
static void
given_a_reset_that_makes_no_sense_then_declined(void **state)
{
	struct order_reset asked = sim_reset_of(bank, &people.ada);
	uint64_t leaf, now_ms = bank->ledgerd->last_time_ms;

	(void)state;
	asked.attestation_hash[3] ^= 1;
	assert_int_equal(
	    sim_reset_agree(bank, &people, &asked, &leaf), SR_ALREADY);
	asked = sim_reset_of(bank, &people.ada);
	asked.until_ms = now_ms;
	assert_int_equal(
	    sim_reset_agree(bank, &people, &asked, &leaf), SR_REQUEST_EXPIRED);
	asked.until_ms = now_ms + ORDER_RESET_LIFE_MAX_MS + 60000;
	assert_int_equal(
	    sim_reset_agree(bank, &people, &asked, &leaf), SR_PARAMETERS);
	asked = sim_reset_of(bank, &people.lobby);
	assert_int_equal(
	    sim_reset_agree(bank, &people, &asked, &leaf), SR_PARAMETERS);
	asked = sim_reset_of(bank, &people.operators[0]);
	assert_int_equal(
	    sim_reset_agree(bank, &people, &asked, &leaf), SR_PARAMETERS);
	asked.customer = 1000;
	assert_int_equal(
	    sim_reset_agree(bank, &people, &asked, &leaf), SR_NO_ACCOUNT);
}

/* What approves no reset gets no code. */
static void
given_an_entry_that_approves_no_reset_when_asked_then_no_code(void **state)
{
	uint8_t code[RESET_CODE_LEN];
	uint64_t leaf = agree(&people.ada), size = bank->ledgerd->tree.size;

	(void)state;
	for (uint64_t other = 0; other <= size; other++)
		if (other != leaf)
			assert_int_equal(
			    sim_reset_code(bank, other, code), SR_NOT_FOUND);
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
}

static void
given_the_hours_codes_when_given_out_then_no_more_until_it_ends(void **state)
{
	uint8_t code[RESET_CODE_LEN], last[RESET_CODE_LEN];
	uint64_t leaf = agree(&people.ada), began = bank->sim->now_ms;

	(void)state;
	for (unsigned i = 0; i < BUDGET_RESETS; i++)
		assert_int_equal(sim_reset_code(bank, leaf, last), SR_OK);
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_BUDGET);
	assert_true(sodium_is_zero(code, sizeof(code)));
	assert_int_equal(bank->keyd->refusals[REFUSAL_RESETS], 1);
	/* nor after a power cut, nor a moment too early */
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_BUDGET);
	sim_advance(bank->sim, began + 3600000 - 1 - bank->sim->now_ms);
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_BUDGET);
	/* what was refused has not made the former one void */
	assert_int_equal(send_half(&people.ada, last, SLOT_RECOVERY), SR_OK);
	sim_advance(bank->sim, 1);
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
}

/* ---- a ledgerd that lies --------------------------------------------------- */

/* The orders as operators might have signed them, and the entry. */
struct lie {
	struct order request, approval;
	struct order_reset reset;
	const struct sim_person *requester, *approver;
	uint64_t leaf, subject;
	bool other_hash, other_attachment;
};

static struct lie
honest(void)
{
	struct lie lie = {.reset = sim_reset_of(bank, &people.ada),
	    .requester = &people.operators[0],
	    .approver = &people.operators[1],
	    .leaf = bank->ledgerd->tree.size - 1,
	    .subject = people.ada.m4.customer};

	sim_order_begin(bank, &people.operators[0], ORDER_RESET, &lie.request);
	sim_order_begin(
	    bank, &people.operators[1], ORDER_APPROVE, &lie.approval);
	lie.approval.refers_to = lie.leaf - 1;
	return lie;
}

/* What keyd makes of it: not to be logged, or logged and no code. */
static enum sr_error
tell(const struct lie *lie, enum sr_error *refused)
{
	static struct sim_order request, approval;
	struct entry_event use = {.code = USE_RESET, .subject = lie->subject};
	struct writer detail = writer_to(use.detail, sizeof(use.detail));
	uint8_t block[ORDER_RESET_LEN], hash[ORDER_HASH_LEN], proof[700];
	struct writer w = writer_to(proof, sizeof(proof));
	struct reset_grant grant;
	struct order one = lie->request, two = lie->approval;
	enum sr_error error;

	order_reset_encode(&lie->reset, block);
	sim_order_sign(lie->requester, &one, block, sizeof(block), &request);
	order_hash(request.bytes, hash);
	hash[0] ^= lie->other_attachment;
	sim_order_sign(lie->approver, &two, hash, sizeof(hash), &approval);
	writer_bytes(&w, request.bytes, ORDER_LEN);
	writer_bytes(&w, request.signature, ORDER_SIGNATURE_LEN);
	writer_bytes(&w, block, sizeof(block));
	writer_bytes(&w, approval.bytes, ORDER_LEN);
	writer_bytes(&w, approval.signature, ORDER_SIGNATURE_LEN);
	writer_bytes(&w, hash, sizeof(hash));
	order_hash(approval.bytes, hash);
	hash[5] ^= lie->other_hash;
	writer_bytes(&detail, hash, sizeof(hash));
	writer_u64(&detail, lie->leaf);
	*refused = SR_OK;
	error = reset_check(
	    bank->keyd, &use, proof, writer_len(&w), &grant, refused);
	for (size_t len = 0; len < writer_len(&w); len += 31)
		assert_int_not_equal(reset_check(bank->keyd, &use, proof, len,
					 &grant, &(enum sr_error){SR_OK}),
		    SR_OK);
	return error;
}

static void
assert_refused(const struct lie *lie, enum sr_error logged, enum sr_error given)
{
	enum sr_error refused;

	assert_int_equal(tell(lie, &refused), logged);
	assert_int_equal(refused, given);
}

static void
given_a_ledgerd_that_lies_when_it_asks_then_keyd_gives_no_code(void **state)
{
	struct lie lie = honest();

	(void)state;
	assert_refused(&lie, SR_OK, SR_OK);
	/* one operator who approves its own request */
	lie.approver = lie.requester;
	lie.approval.signer = lie.request.signer;
	assert_refused(&lie, SR_PARAMETERS, SR_OK);
	/* the other one's approval by the first one's hand */
	lie = honest();
	lie.approver = lie.requester;
	assert_refused(&lie, SR_OK, SR_SIGNATURE);
	lie = honest();
	lie.requester = lie.approver;
	assert_refused(&lie, SR_OK, SR_SIGNATURE);
	/* the customer has no part in it */
	lie = honest();
	lie.requester = &people.ada;
	lie.request.signer = people.ada.m4.customer;
	assert_refused(&lie, SR_PARAMETERS, SR_OK);
	/* of another bank, of another kind, by nobody */
	lie = honest();
	lie.request.bank[0] ^= 1;
	assert_refused(&lie, SR_WRONG_BANK, SR_OK);
	lie = honest();
	lie.request.kind = ORDER_UNFREEZE;
	assert_refused(&lie, SR_PARAMETERS, SR_OK);
	lie = honest();
	lie.approval.signer = 1000;
	assert_refused(&lie, SR_NOT_FOUND, SR_OK);
	/* an approval of something else, or entries that say something else */
	lie = honest();
	lie.other_attachment = true;
	assert_refused(&lie, SR_PARAMETERS, SR_OK);
	lie = honest();
	lie.other_hash = true;
	assert_refused(&lie, SR_PARAMETERS, SR_OK);
	lie = honest();
	lie.subject = people.bob.m4.customer;
	assert_refused(&lie, SR_PARAMETERS, SR_OK);
	lie = honest();
	lie.leaf = lie.approval.refers_to;
	assert_refused(&lie, SR_PARAMETERS, SR_OK);
	lie = honest();
	lie.leaf = bank->ledgerd->tree.size;
	assert_refused(&lie, SR_NOT_FOUND, SR_OK);
	/* and what the operators themselves may not have */
	lie = honest();
	lie.reset.attestation_hash[0] ^= 1;
	assert_refused(&lie, SR_OK, SR_KEYS_REPLACED);
	lie = honest();
	lie.reset.until_ms = bank->sim->now_ms;
	assert_refused(&lie, SR_OK, SR_RESET_EXPIRED);
	lie = honest();
	lie.reset.until_ms += ORDER_RESET_LIFE_MAX_MS;
	assert_refused(&lie, SR_OK, SR_RESET_EXPIRED);
	lie = honest();
	lie.reset.customer = lie.subject = 1000;
	assert_refused(&lie, SR_NOT_FOUND, SR_OK);
}

/* keyd's own word is not enough for the books. */
static void
given_new_keys_by_an_order_that_is_not_there_then_the_books_refuse(void **state)
{
	uint8_t code[RESET_CODE_LEN], bytes[ATTESTATION_LEN];
	struct attestation attestation;
	struct customer customer;

	(void)state;
	code_for(&people.ada, code);
	assert_int_equal(reset(&people.ada, code), SR_OK);
	assert_int_equal(credentials_read(&bank->keyd->credentials,
			     people.ada.m4.customer, &customer),
	    SR_OK);
	attestation_read(customer.attestation, &attestation);
	attestation.reset_leaf--;
	attestation_sign(
	    &attestation, bank->keyd->origin->attestation.secret, bytes);
	memcpy(customer.attestation, bytes, sizeof(bytes));
	customer.generation++;
	assert_int_equal(keyd_save_customer(bank->keyd, &customer), SR_OK);
	people.ada.password = NEW;
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_NOT_ALLOWED);
	assert_int_equal(bank->ledgerd_error, SR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_code_when_used_then_all_is_new_but_the_account),
	    TEST(given_a_used_code_then_it_serves_no_more_nor_does_its_order),
	    TEST(given_two_codes_then_only_the_last_one_serves),
	    TEST(given_a_change_of_the_password_then_the_code_is_void),
	    TEST(given_a_code_when_records_are_sealed_anew_then_it_serves),
	    TEST(
		given_a_code_when_the_key_of_codes_is_new_then_it_serves_to_its_end),
	    TEST(
		given_rotations_that_are_refused_when_asked_again_then_few_are_logged),
	    TEST(given_a_code_that_is_altered_or_anothers_then_refused),
	    TEST(given_a_code_whose_time_is_over_then_refused_with_a_sentence),
	    TEST(given_a_reset_that_makes_no_sense_then_declined),
	    TEST(given_an_entry_that_approves_no_reset_when_asked_then_no_code),
	    TEST(
		given_the_hours_codes_when_given_out_then_no_more_until_it_ends),
	    TEST(
		given_a_ledgerd_that_lies_when_it_asks_then_keyd_gives_no_code),
	    TEST(
		given_new_keys_by_an_order_that_is_not_there_then_the_books_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
