/* SPDX-License-Identifier: ISC */
/*
 * A customer is erased: at every operation the power may fail, and then either
 * all is there or nothing; and nobody is erased who has not signed for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <sodium.h>

#include "common/aead.h"
#include "common/buffer.h"
#include "common/order.h"
#include "keyd/erase.h"
#include "tests/lib/sim_credentials.h"

#define ADA_ID account_customer(people.ada.m4.account)

static struct sim_bank *bank;
static struct sim_people people;
static struct sim_person ada; /* as of the cut that is looked at */

/* An order that moves nothing, with that attachment; its outcome. */
static enum sr_error
submit(struct sim_person *person, enum order_kind kind, const void *attachment,
    size_t len)
{
	struct message_order_answer answer;
	struct sim_order signed_order;
	struct order order;
	enum sr_error error;

	sim_order_begin(bank, person, kind, &order);
	sim_order_sign(person, &order, attachment, len, &signed_order);
	error = sim_order_submit(bank, person, &signed_order, &answer);
	return error != SR_OK ? error : (enum sr_error)answer.outcome;
}

static enum sr_error
close_main(struct sim_person *person)
{
	uint8_t block[ORDER_ACCOUNT_LEN];

	order_account_encode(person->m4.account, block);
	return submit(person, ORDER_CLOSE, block, sizeof(block));
}

static int
set_up(void **state)
{
	struct sim_change recovery = {.slot = SLOT_PASSWORD,
	    .secret = "ada's secret",
	    .target = SLOT_RECOVERY,
	    .new_secret = "ada's code"};
	struct message_order_answer answer;
	struct payload_m5 m5;

	(void)state;
	bank = sim_bank_new(1);
	sim_bank_furnish(bank, &people);
	if (sim_person_change(bank, &people.ada, &recovery, &m5) != SR_OK ||
	    sim_person_log_in(bank, &people.ada) != SR_OK ||
	    sim_transfer(bank, &people.ada, people.bob.m4.account, 10000,
		&answer) != SR_OK)
		return -1;
	return close_main(&people.ada) == SR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	sim_bank_free(bank);
	return 0;
}

static bool
opens(uint8_t slot, const char *secret)
{
	enum sr_error error = sim_person_log_in_by(bank, &ada, slot, secret);

	assert_true(error == SR_OK || error == SR_LOGIN);
	return error == SR_OK;
}

static bool
erase(void)
{
	if (sim_person_log_in(bank, &ada) != SR_OK || bank->sim->dark)
		return false;
	return submit(&ada, ORDER_ERASE, NULL, 0) == SR_OK;
}

/* Nothing of her is with keyd, and nobody bears the name. */
static void
assert_nothing_left(void)
{
	struct sim_person other;
	struct customer customer;
	bool blank = false;

	assert_int_equal(
	    credentials_blank(&bank->keyd->credentials, ADA_ID, &blank), SR_OK);
	assert_true(blank);
	assert_int_equal(
	    credentials_read(&bank->keyd->credentials, ADA_ID, &customer),
	    SR_OK);
	assert_int_equal(customer.name_len, 0);
	assert_true(sodium_is_zero(customer.directory_key, 32));
	assert_true(people_find(&bank->ledgerd->people, "ada", 3) == 0);
	assert_true(book_principal(&bank->ledgerd->book, ADA_ID)->erased);
	/* the name is free, and whoever takes it is somebody else */
	sim_person_init(&other, "ada", "another one's secret");
	assert_int_equal(sim_person_register(bank, &other), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &other), SR_OK);
	assert_true(account_customer(other.m4.account) != ADA_ID);
}

static void
given_a_cut_while_somebody_is_erased_then_all_or_nothing_is_left(void **state)
{
	static const enum sim_loss losses[] = {
	    SIM_LOSE_ALL, SIM_KEEP_ALL, SIM_LOSE_SOME};
	struct sim_disk *keyd, *ledger;
	unsigned cuts = 0, erased = 0;
	bool finished = false;

	(void)state;
	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	for (uint64_t cut = 1; !finished; cut++) {
		bool acknowledged = false, password;

		ada = people.ada;
		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		bank->sim->operations = 0;
		bank->sim->cut_after = cut;
		if (sim_bank_start(bank, false) == SR_OK)
			acknowledged = erase();
		finished = !bank->sim->dark;
		cuts += bank->sim->dark;
		bank->sim->cut_after = 0;
		sim_bank_end(bank);
		sim_restart(bank->sim, losses[cut % 3]);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		password = opens(SLOT_PASSWORD, "ada's secret");
		assert_true(opens(SLOT_RECOVERY, "ada's code") == password);
		assert_false(acknowledged && password);
		if (!password) {
			erased++;
			assert_nothing_left();
		}
		assert_int_equal(book_sum(&bank->ledgerd->book), 0);
		sim_bank_end(bank);
	}
	assert_true(cuts > 20 && erased > 10 && erased < cuts);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
}

/* What was torn may be her name still, and does not open. */
static void
given_a_torn_version_of_an_erased_one_when_keyd_starts_then_it_is_gone(
    void **state)
{
	uint64_t at = CREDENTIAL_CUSTOMER_LEN * ADA_ID;
	uint8_t before[CREDENTIAL_VERSION_LEN];
	uint64_t generation;
	size_t len;

	(void)state;
	ada = people.ada;
	assert_true(erase());
	generation = credentials_generation(&bank->keyd->credentials, ADA_ID);
	sim_bank_end(bank);
	at += (generation + 1) % 2 * CREDENTIAL_VERSION_LEN;
	assert_true(sim_rot(bank->keyd_room, "credentials", at + 500, 3));
	memcpy(before, sim_file(bank->keyd_room, "credentials", &len) + at,
	    sizeof(before));
	assert_int_equal(sim_bank_start(bank, false), SR_OK);
	assert_memory_not_equal(
	    sim_file(bank->keyd_room, "credentials", &len) + at, before,
	    sizeof(before));
	assert_nothing_left();
}

static void
given_money_or_an_open_account_when_erased_then_declined(void **state)
{
	(void)state;
	assert_int_equal(
	    submit(&people.bob, ORDER_ERASE, NULL, 0), SR_NOT_EMPTY);
	assert_int_equal(close_main(&people.bob), SR_NOT_EMPTY);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
}

/* What ledgerd would send for that customer, with that proof. */
static enum sr_error
ask_keyd(uint64_t customer, const struct sim_order *order)
{
	struct entry_event use = {.code = USE_ERASE, .subject = customer};
	uint8_t proof[ORDER_LEN + ORDER_SIGNATURE_LEN];
	enum sr_error error;

	memcpy(proof, order->bytes, ORDER_LEN);
	memcpy(proof + ORDER_LEN, order->signature, ORDER_SIGNATURE_LEN);
	order_hash(order->bytes, use.detail);
	error = erase_check(bank->keyd, &use, proof, sizeof(proof));
	assert_int_equal(
	    erase_check(bank->keyd, &use, proof, sizeof(proof) - 1),
	    SR_MALFORMED);
	return error;
}

static void
given_a_ledgerd_that_lies_when_it_asks_then_keyd_erases_nobody(void **state)
{
	struct sim_order signed_order;
	struct order order;

	(void)state;
	/* an order of another kind, of hers */
	sim_order_begin(bank, &people.ada, ORDER_CLOSE, &order);
	sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
	assert_int_equal(ask_keyd(ADA_ID, &signed_order), SR_PARAMETERS);
	/* the right kind, of somebody else's */
	sim_order_begin(bank, &people.bob, ORDER_ERASE, &order);
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	assert_int_equal(ask_keyd(ADA_ID, &signed_order), SR_PARAMETERS);
	/* in her name, by somebody else's hand */
	sim_order_begin(bank, &people.ada, ORDER_ERASE, &order);
	sim_order_sign(&people.bob, &order, NULL, 0, &signed_order);
	assert_int_equal(ask_keyd(ADA_ID, &signed_order), SR_SIGNATURE);
	/* for another bank */
	sim_order_begin(bank, &people.ada, ORDER_ERASE, &order);
	order.bank[0] ^= 1;
	sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
	assert_int_equal(ask_keyd(ADA_ID, &signed_order), SR_WRONG_BANK);
	/* somebody who is not there */
	sim_order_begin(bank, &people.ada, ORDER_ERASE, &order);
	order.signer = 1000;
	sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
	assert_int_equal(ask_keyd(1000, &signed_order), SR_NOT_FOUND);
	/* and hers, as she signed it */
	sim_order_begin(bank, &people.ada, ORDER_ERASE, &order);
	sim_order_sign(&people.ada, &order, NULL, 0, &signed_order);
	assert_int_equal(ask_keyd(ADA_ID, &signed_order), SR_OK);
}

/* Bob wants something, so that a batch begins. */
static void
assert_lives(void)
{
	uint8_t block[ORDER_ACCOUNT_LEN];

	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	order_account_encode(people.bob.m4.account, block);
	assert_int_equal(submit(&people.bob, ORDER_CLOSE, block, sizeof(block)),
	    SR_NOT_EMPTY);
	assert_int_equal(bank->ledgerd_error, SR_OK);
	assert_int_equal(bank->keyd_error, SR_OK);
}

/* Two orders in one batch: the second comes before the session can end. */
static void
given_an_order_behind_the_erasure_then_it_is_none_any_more(void **state)
{
	uint8_t hash[ORDER_HASH_LEN];
	const struct book_principal *principal;
	struct sim_order erasure, behind;
	uint64_t id = ADA_ID;
	struct order order;

	(void)state;
	assert_int_equal(sim_person_log_in(bank, &people.ada), SR_OK);
	sim_order_begin(bank, &people.ada, ORDER_ERASE, &order);
	sim_order_sign(&people.ada, &order, NULL, 0, &erasure);
	order_hash(erasure.bytes, hash);
	people.ada.next_seq = order.seq + 1;
	memcpy(people.ada.last_hash, hash, sizeof(hash));
	sim_order_begin(bank, &people.ada, ORDER_ERASE, &order);
	assert_int_equal(order.seq, people.ada.next_seq);
	sim_order_sign(&people.ada, &order, NULL, 0, &behind);
	sim_order_send(bank, &people.ada, &erasure);
	sim_order_send(bank, &people.ada, &behind);
	assert_int_equal(sim_bank_run(bank), SR_OK);
	principal = book_principal(&bank->ledgerd->book, id);
	assert_true(principal->erased);
	/* by this an auditor tells whose erasure was ordered */
	assert_memory_equal(principal->last_hash, hash, sizeof(hash));
	assert_lives();
}

static void
half_of(uint8_t target, const uint8_t public_key[32], const uint8_t secret[64])
{
	struct sim_change half = {.slot = SLOT_PASSWORD,
	    .secret = "ada's secret",
	    .target = target,
	    .new_secret = "ada's next secret",
	    .signing_public = public_key,
	    .signing_secret = secret,
	    .old_secret = people.ada.signing_secret};
	struct payload_m5 m5;

	assert_int_equal(
	    sim_person_change(bank, &people.ada, &half, &m5), SR_OK);
}

/* keyd learns of new keys before it has done what the old ones signed. */
static void
given_new_keys_before_keyd_has_erased_then_the_bank_goes_on(void **state)
{
	uint8_t public_key[32], secret_key[64];
	struct sim_disk *keyd, *ledger;
	uint64_t id = ADA_ID;
	bool blank;

	(void)state;
	sim_keys(7, public_key, secret_key);
	sim_bank_end(bank);
	keyd = sim_copy(bank->keyd_room);
	ledger = sim_copy(bank->ledgerd_room);
	/* the disk takes the order and not the entry of keyd's */
	for (uint64_t n = 1;
	     bank->ledgerd == NULL || bank->ledgerd_error != SR_OK ||
	     bank->ledgerd->operation_count == 0;
	     n++) {
		assert_true(n < 20);
		sim_bank_end(bank);
		sim_restore(bank->keyd_room, keyd);
		sim_restore(bank->ledgerd_room, ledger);
		assert_int_equal(sim_bank_start(bank, false), SR_OK);
		ada = people.ada;
		assert_int_equal(sim_person_log_in(bank, &ada), SR_OK);
		bank->ledgerd_room->fault[SIM_FULL_WRITE] = n;
		(void)submit(&ada, ORDER_ERASE, NULL, 0);
		bank->ledgerd_room->fault[SIM_FULL_WRITE] = 0;
	}
	assert_true(book_principal(&bank->ledgerd->book, id)->erased);
	sim_copy_free(keyd);
	sim_copy_free(ledger);
	half_of(SLOT_RECOVERY, public_key, secret_key);
	half_of(SLOT_PASSWORD, public_key, secret_key);
	sim_advance(bank->sim, UINT64_C(3600000));
	assert_lives();
	assert_int_equal(
	    credentials_blank(&bank->keyd->credentials, id, &blank), SR_OK);
	/* whom her old keys do not stand for any more, they do not erase */
	assert_false(blank);
	/* nor do her new ones bring her back into the books */
	memcpy(ada.signing_secret, secret_key, sizeof(ada.signing_secret));
	assert_true(sim_person_log_in_by(bank, &ada, SLOT_PASSWORD,
			"ada's next secret") != SR_OK);
	assert_true(people_find(&bank->ledgerd->people, "ada", 3) == 0);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_lives();
	assert_true(people_find(&bank->ledgerd->people, "ada", 3) == 0);
}

/* ---- what is left in the files -------------------------------------------------- */

enum { VERSION_LEN = 1024, VERSION_PLAIN_LEN = 976 };

/* How many versions of credentials hold these bytes, opened as
 * keyd/credentials.h has it; *opened: how many there are. */
static unsigned
versions_with(const void *bytes, size_t len, unsigned *opened)
{
	static const char label[] = "strongroom/1 credential";
	uint8_t ad[sizeof(label) - 1 + 16], plain[VERSION_PLAIN_LEN];
	unsigned found = 0;
	size_t file_len;
	const uint8_t *file =
	    sim_file(bank->keyd_room, "credentials", &file_len);

	assert_non_null(file);
	*opened = 0;
	for (size_t i = 0; (i + 1) * VERSION_LEN <= file_len; i++) {
		const uint8_t *version = file + i * VERSION_LEN;
		struct writer w = writer_to(ad, sizeof(ad));

		writer_bytes(&w, label, sizeof(label) - 1);
		writer_u64(&w, i / 2);
		writer_bytes(&w, version, 8);
		if (aead_unwrap(plain, bank->keyd->keys->storage, ad,
			sizeof(ad), version + 8, VERSION_LEN - 8) != SR_OK)
			continue;
		++*opened;
		found += memmem(plain, sizeof(plain), bytes, len) != NULL;
	}
	return found;
}

/* How many of keyd's files hold these bytes as they are. */
static unsigned
files_with(const void *bytes, size_t len)
{
	static const char *const names[] = {
	    "credentials", "limits", "state", "terminals"};
	unsigned found = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t file_len;
		const uint8_t *file =
		    sim_file(bank->keyd_room, names[i], &file_len);

		assert_non_null(file);
		found += memmem(file, file_len, bytes, len) != NULL;
	}
	return found;
}

/*
 * What keyd has of a customer, piece by piece: all there, or nothing.  Sealed
 * seeds are the same for everybody here.
 */
static void
assert_pieces(const struct customer *customer, bool there)
{
	const struct credential *credential = customer->credential;
	const struct {
		const void *bytes;
		size_t len;
	} pieces[] = {
	    {customer->name, customer->name_len},
	    {customer->salt, sizeof(customer->salt)},
	    {customer->directory_key, sizeof(customer->directory_key)},
	    {customer->attestation, sizeof(customer->attestation)},
	    {credential[0].random, sizeof(credential[0].random)},
	    {&credential[0].record, sizeof(credential[0].record)},
	    {&credential[1].record, sizeof(credential[1].record)},
	};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		unsigned opened, found;

		found = versions_with(pieces[i].bytes, pieces[i].len, &opened);
		/* the others' are still there to be searched */
		assert_true(opened > 8);
		if (there)
			assert_true(found > 0);
		else
			assert_int_equal(found, 0);
		/* sealed, before and after */
		assert_int_equal(files_with(pieces[i].bytes, pieces[i].len), 0);
	}
}

static void
given_somebody_erased_when_keyds_files_are_opened_then_nothing_is_left(
    void **state)
{
	struct sim_change recovery = {.slot = SLOT_PASSWORD,
	    .secret = "bread and salt",
	    .target = SLOT_RECOVERY,
	    .new_secret = "a baker's code"};
	struct sim_person baker;
	struct customer customer;
	struct payload_m5 m5;
	uint64_t id;

	(void)state;
	sim_person_init(&baker, "zebulon-the-baker", "bread and salt");
	assert_int_equal(sim_person_register(bank, &baker), SR_OK);
	assert_int_equal(
	    sim_person_change(bank, &baker, &recovery, &m5), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &baker), SR_OK);
	id = account_customer(baker.m4.account);
	assert_int_equal(
	    credentials_read(&bank->keyd->credentials, id, &customer), SR_OK);
	assert_int_equal(close_main(&baker), SR_OK);
	assert_pieces(&customer, true);
	assert_int_equal(submit(&baker, ORDER_ERASE, NULL, 0), SR_OK);
	assert_pieces(&customer, false);
	assert_int_equal(people_of(&bank->ledgerd->people, id)->name_len, 0);
	assert_int_equal(sim_bank_restart(bank, SIM_KEEP_ALL), SR_OK);
	assert_pieces(&customer, false);
	/* nor do the books learn it again from the log */
	assert_int_equal(people_of(&bank->ledgerd->people, id)->name_len, 0);
	assert_int_equal(
	    people_find(&bank->ledgerd->people, baker.name, 17), 0);
}

/* The places by which keyd finds somebody. */
static size_t
places_taken(void)
{
	const struct credentials *c = &bank->keyd->credentials;
	size_t count = 0;

	for (size_t i = 0; i < c->place_count; i++)
		count += c->places[i].customer != 0 &&
			 c->places[i].customer != CREDENTIALS_LEFT;
	return count;
}

/* However often, a name or none at all is found as fast as before. */
static void
given_many_of_one_name_when_erased_then_none_of_them_is_in_the_way(void **state)
{
	size_t before = places_taken();
	uint64_t customers = bank->keyd->credentials.customers;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		sim_person_init(&ada, "eve", "eve's secret");
		assert_int_equal(sim_person_register(bank, &ada), SR_OK);
		assert_int_equal(sim_person_log_in(bank, &ada), SR_OK);
		assert_true(places_taken() == before + 1);
		assert_int_equal(close_main(&ada), SR_OK);
		assert_int_equal(submit(&ada, ORDER_ERASE, NULL, 0), SR_OK);
		assert_true(places_taken() == before);
	}
	assert_true(bank->keyd->credentials.customers == customers + 3);
	assert_int_equal(sim_bank_restart(bank, SIM_LOSE_ALL), SR_OK);
	assert_true(places_taken() == before);
	assert_int_equal(sim_person_log_in(bank, &people.bob), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &ada), SR_LOGIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_cut_while_somebody_is_erased_then_all_or_nothing_is_left),
	    TEST(
		given_a_torn_version_of_an_erased_one_when_keyd_starts_then_it_is_gone),
	    TEST(given_money_or_an_open_account_when_erased_then_declined),
	    TEST(given_new_keys_before_keyd_has_erased_then_the_bank_goes_on),
	    TEST(
		given_many_of_one_name_when_erased_then_none_of_them_is_in_the_way),
	    TEST(given_an_order_behind_the_erasure_then_it_is_none_any_more),
	    TEST(
		given_a_ledgerd_that_lies_when_it_asks_then_keyd_erases_nobody),
	    TEST(
		given_somebody_erased_when_keyds_files_are_opened_then_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
