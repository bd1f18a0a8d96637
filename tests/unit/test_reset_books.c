/* SPDX-License-Identifier: ISC */
/*
 * Resets that meet something else: a customer who gets a role before the code
 * is used; keys that keyd has in force and the books have not seen;
 * a restore.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/lib/forged_duties.h"
#include "tests/lib/sim_credentials.h"

#define NEW "bob's new secret"

static struct sim_bank *bank;
static struct sim_people people;
static uint64_t bob; /* a log-in that fails says nothing of who it was */
static uint8_t new_public[32], new_secret[64];

static int
set_up(void **state)
{
	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	sim_keys(1, new_public, new_secret);
	for (unsigned i = 0; i < 2; i++)
		if (sim_person_log_in(bank, &people.operators[i]) != SR_OK)
			return -1;
	bob = people.bob.m4.customer;
	return sim_person_log_in(bank, &people.bob) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

/* Two operators agree on a reset of Bob's; the leaf of the approval. */
static uint64_t
agree(void)
{
	struct order_reset reset = sim_reset_of(bank, &people.bob);
	uint64_t leaf;

	assert_int_equal(sim_reset_agree(bank, &people, &reset, &leaf), SR_OK);
	return leaf;
}

static enum sr_error
reset_by(const uint8_t code[RESET_CODE_LEN])
{
	return sim_person_reset(
	    bank, &people.bob, code, NEW, new_public, new_secret);
}

static enum sr_error
log_in_anew(void)
{
	people.bob.password = NEW;
	return sim_person_log_in(bank, &people.bob);
}

/* Both operators, too. */
static void
give_role(enum role to)
{
	struct order_role role = {.role = (uint8_t)to, .principal = bob};
	uint8_t block[ORDER_ROLE_LEN];
	struct order order;

	order_role_encode(&role, block);
	sim_order_begin(bank, &people.operators[0], ORDER_ROLE, &order);
	(void)forged_four_eyes(bank, &people, &order, block, sizeof(block));
}

static void
given_a_role_since_the_approval_when_asked_then_no_code(void **state)
{
	uint8_t code[RESET_CODE_LEN];
	uint64_t leaf = agree(), size;

	(void)state;
	give_role(ROLE_OPERATOR);
	size = bank->ledgerd->tree.size;
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_RESET_ROLE);
	assert_int_equal(bank->ledgerd->tree.size, size);
}

/* keyd knows no roles: the books have the last word. */
static void
given_a_role_since_the_code_when_it_is_used_then_nobody_is_operator(
    void **state)
{
	uint8_t code[RESET_CODE_LEN];

	(void)state;
	assert_int_equal(sim_reset_code(bank, agree(), code), SR_OK);
	give_role(ROLE_OPERATOR);
	assert_int_equal(reset_by(code), SR_OK);
	assert_int_equal(log_in_anew(), SR_RESET_ROLE);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_int_equal(log_in_anew(), SR_RESET_ROLE);
	assert_int_equal(bank->ledgerd_error, SR_OK);
	/* a customer again, it is what two operators have ordered */
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    sim_person_log_in(bank, &people.operators[i]), SR_OK);
	give_role(ROLE_CUSTOMER);
	assert_int_equal(log_in_anew(), SR_OK);
}

/*
 * Nobody logs in with keys that keyd has put in force: the books hear of them
 * with the next request, which named the former ones.
 */
static void
then_the_second_request_serves(const uint8_t hash[32], bool by_reset)
{
	struct order_reset asked = sim_reset_of(bank, &people.bob);
	uint8_t code[RESET_CODE_LEN];
	struct attestation attestation;
	struct customer customer;
	uint64_t leaf;

	assert_memory_equal(asked.attestation_hash, hash, 32);
	assert_int_equal(
	    sim_reset_agree(bank, &people, &asked, &leaf), SR_ALREADY);
	assert_int_equal(
	    credentials_read(&bank->keyd->credentials, bob, &customer), SR_OK);
	attestation_hash(customer.attestation, asked.attestation_hash);
	assert_memory_equal(
	    book_principal(&bank->ledgerd->book, bob)->attestation_hash,
	    asked.attestation_hash, 32);
	assert_int_equal(
	    attestation_read(customer.attestation, &attestation), SR_OK);
	assert_true((attestation.reset_leaf != 0) == by_reset);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    sim_person_log_in(bank, &people.operators[i]), SR_OK);
	assert_int_equal(sim_reset_code(bank, agree(), code), SR_OK);
	sim_keys(3, new_public, new_secret);
	assert_int_equal(reset_by(code), SR_OK);
	assert_int_equal(log_in_anew(), SR_OK);
	assert_int_equal(bank->keyd_error, SR_OK);
	assert_int_equal(bank->ledgerd_error, SR_OK);
}

static void
given_a_reset_without_a_log_in_when_reset_again_then_the_books_catch_up(
    void **state)
{
	uint8_t code[RESET_CODE_LEN], hash[32];

	(void)state;
	attestation_hash(people.bob.m4.attestation, hash);
	assert_int_equal(sim_reset_code(bank, agree(), code), SR_OK);
	assert_int_equal(reset_by(code), SR_OK);
	then_the_second_request_serves(hash, true);
}

/* Both halves by that password, which stays; old_secret is of keys in force. */
static enum sr_error
rekey_from(uint8_t from, const char *password, const uint8_t old_secret[64])
{
	struct sim_change half = {.slot = SLOT_PASSWORD,
	    .secret = password,
	    .new_secret = NEW,
	    .signing_public = new_public,
	    .signing_secret = new_secret,
	    .old_secret = old_secret};
	struct sim_person by = people.bob;
	struct payload_m5 m5;
	enum sr_error error = SR_OK;

	half.target = from;
	for (; error == SR_OK && half.target < SLOT_COUNT; half.target++)
		error = sim_person_change(bank, &by, &half, &m5);
	return error;
}

static enum sr_error
rekey(const char *password, const uint8_t old_secret[64])
{
	return rekey_from(SLOT_PASSWORD, password, old_secret);
}

/* That alone: the first one still waits. */
static enum sr_error
second_half(const char *password, const uint8_t old_secret[64])
{
	return rekey_from(SLOT_RECOVERY, password, old_secret);
}

static void
given_a_rekey_without_a_log_in_when_reset_then_the_books_catch_up(void **state)
{
	uint8_t hash[32];

	(void)state;
	attestation_hash(people.bob.m4.attestation, hash);
	assert_int_equal(
	    rekey(people.bob.password, people.bob.signing_secret), SR_OK);
	then_the_second_request_serves(hash, false);
}

/* The books have each of keyd's attestations, or the one before. */
static void
assert_the_books_follow(void)
{
	const struct book_principal *principal =
	    book_principal(&bank->ledgerd->book, bob);
	struct attestation attestation;
	struct customer customer;
	uint8_t hash[32];

	assert_int_equal(
	    credentials_read(&bank->keyd->credentials, bob, &customer), SR_OK);
	assert_int_equal(
	    attestation_read(customer.attestation, &attestation), SR_OK);
	attestation_hash(customer.attestation, hash);
	if (memcmp(principal->attestation_hash, hash, sizeof(hash)) != 0)
		assert_memory_equal(principal->attestation_hash,
		    attestation.previous_hash, sizeof(hash));
}

/* Whoever keeps the seed of the new keys needs no log-in to replace them. */
static void
given_keys_replaced_twice_without_a_log_in_then_the_books_have_all(void **state)
{
	uint8_t former[64];

	(void)state;
	assert_int_equal(
	    rekey(people.bob.password, people.bob.signing_secret), SR_OK);
	for (unsigned n = 3; n < 6; n++) {
		memcpy(former, new_secret, sizeof(former));
		sim_keys(n, new_public, new_secret);
		assert_int_equal(rekey(NEW, former), SR_OK);
		assert_the_books_follow();
	}
	assert_int_equal(log_in_anew(), SR_OK);
	assert_int_equal(bank->keyd_error, SR_OK);
	assert_int_equal(bank->ledgerd_error, SR_OK);
}

static void
given_a_reset_and_a_rekey_without_a_log_in_then_the_books_have_both(
    void **state)
{
	uint8_t code[RESET_CODE_LEN], former[64];

	(void)state;
	assert_int_equal(sim_reset_code(bank, agree(), code), SR_OK);
	assert_int_equal(reset_by(code), SR_OK);
	memcpy(former, new_secret, sizeof(former));
	sim_keys(3, new_public, new_secret);
	assert_int_equal(rekey(NEW, former), SR_OK);
	assert_the_books_follow();
	assert_int_equal(log_in_anew(), SR_OK);
}

/* A room that dies between the two halves leaves nothing in force. */
static void
given_the_power_cut_anywhere_between_two_rekeys_then_a_log_in_opens(
    void **state)
{
	struct sim_disk *keyd, *ledger;
	uint8_t first_public[32], first[64];
	bool finished = false;

	(void)state;
	memcpy(first_public, new_public, sizeof(first_public));
	memcpy(first, new_secret, sizeof(first));
	assert_int_equal(
	    rekey(people.bob.password, people.bob.signing_secret), SR_OK);
	people.bob.password = NEW;
	sim_keys(3, new_public, new_secret);
	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t cut = 1; !finished; cut++) {
		enum sr_error error = SR_CLOSED;

		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		if (sim_bank_start(bank, false) == SR_OK)
			error = rekey(NEW, first);
		finished = !bank->sim->dark;
		assert_true(error == SR_OK || !finished);
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(
		    bank->sim, cut % 2 == 0 ? SIM_LOSE_ALL : SIM_LOSE_SOME);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		assert_the_books_follow();
		assert_int_equal(log_in_anew(), SR_OK);
		sim_bank_end(bank);
	}
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* Another customer's, nobody's, other keys, and those to come. */
static void
then_a_lie_is_no_word_of_the_books(unsigned lie)
{
	uint8_t bytes[MESSAGE_ATTESTED_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_attested m = {.customer = bob};
	struct customer customer;

	assert_int_equal(
	    credentials_read(&bank->keyd->credentials, bob, &customer), SR_OK);
	attestation_hash(customer.attestation, m.hash);
	if (lie == 0)
		m.customer = people.ada.m4.customer;
	else if (lie == 1)
		m.customer = 0;
	else if (lie == 2)
		m.hash[31] ^= 1;
	else
		memcpy(m.hash, new_public, sizeof(m.hash));
	assert_int_equal(message_attested_encode(&w, &m), SR_OK);
	assert_int_equal(keyd_dispatch_ledgerd(
			     bank->keyd, PHASE_OPEN, bytes, writer_len(&w)),
	    1);
}

/* The books are closed: what they cannot take is not followed by more. */
static void
given_closed_books_when_rekeyed_twice_then_the_second_waits(void **state)
{
	uint8_t former[64];

	(void)state;
	bank->ledgerd_room->space = UINT64_C(1) << 40;
	bank->ledgerd->params.reserve = UINT64_C(1) << 41;
	assert_int_equal(
	    rekey(people.bob.password, people.bob.signing_secret), SR_OK);
	memcpy(former, new_secret, sizeof(former));
	sim_keys(3, new_public, new_secret);
	assert_int_equal(rekey(NEW, former), SR_BUSY);
	assert_the_books_follow();
	for (unsigned lie = 0; lie < 4; lie++) {
		then_a_lie_is_no_word_of_the_books(lie);
		assert_int_equal(second_half(NEW, former), SR_BUSY);
	}
	bank->ledgerd->params.reserve = 0;
	assert_int_equal(log_in_anew(), SR_OK);
}

/* What only operators may ask for asks keyd nothing. */
static void
given_one_who_is_no_operator_when_asking_then_the_books_stay(void **state)
{
	struct order_reset reset = sim_reset_of(bank, &people.bob);
	uint8_t code[RESET_CODE_LEN], block[ORDER_RESET_LEN];
	struct message_order_answer answer;
	struct order order;

	(void)state;
	assert_int_equal(sim_reset_code(bank, agree(), code), SR_OK);
	assert_int_equal(reset_by(code), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	order_reset_encode(&reset, block);
	sim_order_begin(bank, &people.ada, ORDER_RESET, &order);
	assert_int_equal(forged_submit(bank, &people.ada, &order, block,
			     sizeof(block), NULL, &answer),
	    SR_ROLE);
	assert_memory_equal(
	    book_principal(&bank->ledgerd->book, bob)->attestation_hash,
	    reset.attestation_hash, 32);
}

/*
 * A backup from the day of the code: the former generation and the orders are
 * there again, but a code that may have been used is not.
 */
static void
given_a_backup_restored_when_an_old_code_is_used_then_refused(void **state)
{
	uint8_t code[RESET_CODE_LEN];
	struct sim_disk *old_keyd, *old_ledger;
	uint64_t leaf = agree();

	(void)state;
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
	sim_bank_end(bank);
	old_keyd = sim_copy(bank->keyd_room);
	old_ledger = sim_copy(bank->ledgerd_room);
	sim_advance(bank->sim, 60000);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_int_equal(reset_by(code), SR_OK);
	assert_int_equal(log_in_anew(), SR_OK);
	sim_bank_end(bank);
	sim_advance(bank->sim, 60000);
	sim_restore(bank->keyd_room, old_keyd);
	sim_restore(bank->ledgerd_room, old_ledger);
	bank->restore = true;
	assert_int_equal(sim_bank_start(bank, true), SR_OK);
	sim_keys(5, new_public, new_secret);
	assert_int_equal(reset_by(code), SR_RESET_CODE);
	/* and another one by the same orders does */
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
	assert_int_equal(reset_by(code), SR_OK);
	assert_int_equal(log_in_anew(), SR_OK);
	sim_copy_free(old_keyd);
	sim_copy_free(old_ledger);
}

/* keyd's, by the order of another entry. */
static void
claim(uint64_t leaf)
{
	uint8_t bytes[ATTESTATION_LEN];
	struct attestation attestation;
	struct customer customer;

	assert_int_equal(
	    credentials_read(&bank->keyd->credentials, bob, &customer), SR_OK);
	attestation_read(customer.attestation, &attestation);
	attestation.reset_leaf = leaf;
	attestation_sign(
	    &attestation, bank->keyd->origin->attestation.secret, bytes);
	memcpy(customer.attestation, bytes, sizeof(bytes));
	customer.generation++;
	assert_int_equal(keyd_save_customer(bank->keyd, &customer), SR_OK);
}

/* keyd has the new keys, the orders are lost: what may be lost is known. */
static void
given_a_restore_with_loss_when_keys_come_then_only_by_an_order_that_is_lost(
    void **state)
{
	uint8_t code[RESET_CODE_LEN];
	struct sim_disk *old_ledger;
	uint64_t leaf, size, lost;

	(void)state;
	size = bank->ledgerd->tree.size;
	sim_bank_end(bank);
	old_ledger = sim_copy(bank->ledgerd_room);
	sim_advance(bank->sim, 60000);
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    sim_person_log_in(bank, &people.operators[i]), SR_OK);
	leaf = agree();
	assert_int_equal(sim_reset_code(bank, leaf, code), SR_OK);
	assert_int_equal(reset_by(code), SR_OK);
	lost = bank->ledgerd->tree.size;
	sim_bank_end(bank);
	sim_advance(bank->sim, 60000);
	sim_restore(bank->ledgerd_room, old_ledger);
	bank->restore = true;
	assert_int_equal(sim_bank_start(bank, true), SR_OK);
	claim(size - 1);
	assert_int_equal(log_in_anew(), SR_NOT_ALLOWED);
	claim(lost);
	assert_int_equal(log_in_anew(), SR_NOT_ALLOWED);
	claim(leaf);
	assert_int_equal(log_in_anew(), SR_OK);
	assert_int_equal(bank->ledgerd_error, SR_OK);
	sim_copy_free(old_ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(given_a_role_since_the_approval_when_asked_then_no_code),
	    TEST(
		given_a_role_since_the_code_when_it_is_used_then_nobody_is_operator),
	    TEST(
		given_a_reset_without_a_log_in_when_reset_again_then_the_books_catch_up),
	    TEST(
		given_a_rekey_without_a_log_in_when_reset_then_the_books_catch_up),
	    TEST(
		given_keys_replaced_twice_without_a_log_in_then_the_books_have_all),
	    TEST(
		given_a_reset_and_a_rekey_without_a_log_in_then_the_books_have_both),
	    TEST(
		given_the_power_cut_anywhere_between_two_rekeys_then_a_log_in_opens),
	    TEST(given_closed_books_when_rekeyed_twice_then_the_second_waits),
	    TEST(given_a_backup_restored_when_an_old_code_is_used_then_refused),
	    TEST(
		given_a_restore_with_loss_when_keys_come_then_only_by_an_order_that_is_lost),
	    TEST(given_one_who_is_no_operator_when_asking_then_the_books_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
