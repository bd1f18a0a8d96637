/* SPDX-License-Identifier: ISC */
/*
 * A snapshot opened by an auditor: a ledgerd that lies writes other books into
 * it than those to which the entries lead, under the right key and with the
 * right hash in the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/verify/audit.h"
#include "common/book/rules.h"
#include "common/order_parameters.h"
#include "tests/lib/forged_duties.h"
#include "tests/lib/sim_bank.h"

static struct sim_bank *bank;
static struct sim_people people;
static struct verify verify;
static struct audit audit;
static char directory[64];

static const char *const directories[] = {"segment", "public", "snapshot"};

static int
set_up(void **state)
{
	char path[128];

	(void)state;
	bank = sim_bank_new(21);
	sim_bank_furnish(bank, &people);
	snprintf(directory, sizeof(directory), "/tmp/test_verify_books.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	for (size_t i = 0; i < 3; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", directory, directories[i]);
		if (mkdir(path, 0700) != 0)
			return -1;
	}
	return 0;
}

/* Copies a file of ledgerd's into the directory, or takes it away again. */
static void
file(const char *name, bool put)
{
	char from[ENV_PATH_MAX], to[256];
	const uint8_t *bytes;
	size_t len;
	FILE *out;

	snprintf(from, sizeof(from), "ledger/%s", name);
	snprintf(to, sizeof(to), "%s/%s", directory, name);
	bytes = sim_file(bank->ledgerd_room, from, &len);
	if (bytes == NULL || !put) {
		(void)remove(to);
		return;
	}
	out = fopen(to, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static void
files(bool put)
{
	char name[64], number[JOURNAL_SEGMENT_NAME_MAX];

	for (uint32_t i = 0; i <= bank->ledgerd->segments.number + 1; i++) {
		snprintf(name, sizeof(name), "segment/%s",
		    journal_segment_name(i, number));
		file(name, put);
	}
	file("snapshot/00000001", put);
	file("public/certificates", put);
	file("public/checkpoint", put);
}

static int
tear_down(void **state)
{
	char path[128];

	(void)state;
	files(false);
	for (size_t i = 0; i < 3; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", directory, directories[i]);
		(void)rmdir(path);
	}
	(void)rmdir(directory);
	sim_bank_free(bank);
	return 0;
}

static void
pay_until_snapshot(void)
{
	struct message_order_answer answer;

	for (int i = 0; bank->ledgerd->snapshots.last.number < 1; i++) {
		assert_true(i < 2000);
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	}
}

/* The salt in a file of ledgerd's: both kinds have it behind the bank's id. */
static void
salt_of(const char *path, uint8_t salt[32])
{
	const uint8_t *bytes;
	size_t len;

	bytes = sim_file(bank->ledgerd_room, path, &len);
	assert_true(bytes != NULL && len > 128);
	memcpy(salt, bytes + 48, 32);
}

/* What keyd would disclose: segments from that one on, and the snapshot. */
static void
disclose(uint32_t first)
{
	uint32_t count = bank->ledgerd->segments.number + 1 - first;
	char path[ENV_PATH_MAX];

	audit.keys = calloc(count, sizeof(*audit.keys));
	audit.snapshot_keys = calloc(1, sizeof(*audit.snapshot_keys));
	assert_true(audit.keys != NULL && audit.snapshot_keys != NULL);
	for (uint32_t i = 0; i < count; i++) {
		struct audit_key *key = &audit.keys[audit.key_count++];

		key->segment = first + i;
		segments_path(key->segment, path);
		salt_of(path, key->salt);
		keys_segment(
		    bank->keyd->keys, key->segment, key->salt, key->key);
	}
	audit.snapshot_key_count = 1;
	audit.snapshot_keys[0].segment = 1;
	salt_of("ledger/snapshot/00000001", audit.snapshot_keys[0].salt);
	keys_snapshot(bank->keyd->keys, 1, audit.snapshot_keys[0].salt,
	    audit.snapshot_keys[0].key);
}

static void
look(uint32_t first)
{
	char path[128];

	files(true);
	memset(&verify, 0, sizeof(verify));
	verify.directory = directory;
	verify.quiet = true;
	verify.jobs = 1;
	verify.exit = VERIFY_INTACT;
	memcpy(verify.bank.bank_id, bank->ledgerd->bank_id, 32);
	memcpy(verify.bank.identity, bank->ledgerd->identity, 32);
	verify.bank.unit = (struct money_unit){.code = "EUR", .exponent = 2};
	assert_int_equal(audit_begin(&audit), SR_OK);
	disclose(first);
	verify.audit = &audit;
	snprintf(path, sizeof(path), "%s/public/checkpoint", directory);
	if (verify_certificates(&verify) && verify_restores(&verify) &&
	    audit_begin_with_books(&verify) &&
	    verify_checkpoint(&verify, path, VERIFY_TAMPERED, &verify.published,
		&verify.published_epoch) &&
	    verify_log(&verify))
		verify.exit = verify_judge(&verify);
}

static void
given_the_books_of_the_entries_when_looked_at_then_they_may_be_signed(
    void **state)
{
	(void)state;
	pay_until_snapshot();
	look(0);
	if (verify.exit != VERIFY_INTACT)
		fail_msg("%s", verify.why);
	assert_true(audit_is_complete(&verify) && audit.to_certify.checked);
	assert_int_equal(audit.to_certify.is.number, 1);
	audit_end(&audit);
}

static void
given_other_books_when_all_is_carried_out_then_tampered(void **state)
{
	struct book_account *account;

	(void)state;
	/* nothing that anybody orders today shows it */
	account = book_account(&bank->ledgerd->book, people.bob.m4.account);
	account->ceiling_minor--;
	pay_until_snapshot();
	look(0);
	assert_int_equal(verify.exit, VERIFY_TAMPERED);
	if (strstr(verify.why, "not those that the entries lead to") == NULL)
		fail_msg("%s", verify.why);
	assert_false(audit.to_certify.checked);
	audit_end(&audit);
	/* who has only what comes after must rely on an auditor */
	look(bank->ledgerd->snapshots.last.segment);
	assert_int_equal(verify.exit, VERIFY_INTACT);
	assert_int_equal(audit.start.number, 1);
	assert_true(audit.start_named && audit.executed == verify.signed_size);
	assert_false(audit_is_complete(&verify));
	audit_end(&audit);
}

static void
auditor(struct sim_person *eve)
{
	uint8_t block[ORDER_ROLE_LEN];
	struct order_role role = {.role = ROLE_AUDITOR};
	struct order order;

	sim_person_init(eve, "eve", "eve's secret");
	assert_int_equal(sim_person_register(bank, eve), SR_OK);
	assert_int_equal(sim_person_log_in(bank, eve), SR_OK);
	role.principal = eve->m4.customer;
	order_role_encode(&role, block);
	sim_order_begin(bank, &people.operators[0], ORDER_ROLE, &order);
	(void)forged_four_eyes(bank, &people, &order, block, sizeof(block));
}

/*
 * A certificate of the last snapshot, with that root of the tree; the next one
 * goes on from it.
 */
static void
send_certificate(struct sim_person *eve, const uint8_t root[32])
{
	const struct entry_snapshot *last = &bank->ledgerd->snapshots.last;
	struct order_certify says = {.snapshot = last->number,
	    .segment = last->segment,
	    .offset = last->offset,
	    .size = last->size};
	uint8_t block[ORDER_CERTIFY_LEN];
	struct sim_order sent;
	struct order order;

	memcpy(says.hash, last->hash, sizeof(says.hash));
	memcpy(says.root, root, sizeof(says.root));
	order_certify_encode(&says, block);
	sim_order_begin(bank, eve, ORDER_CERTIFY, &order);
	sim_order_sign(eve, &order, block, sizeof(block), &sent);
	sim_order_send(bank, eve, &sent);
	eve->next_seq++;
	order_hash(sent.bytes, eve->last_hash);
}

/* Both are booked at once; what takes effect is the later one. */
static void
given_two_certificates_in_one_batch_when_carried_out_then_the_log_is_right(
    void **state)
{
	const uint8_t root[32] = {0};
	struct sim_person eve;
	uint64_t batches;

	(void)state;
	auditor(&eve);
	pay_until_snapshot();
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	batches = bank->ledgerd->metrics.commits;
	send_certificate(&eve, root);
	send_certificate(&eve, root);
	(void)sim_bank_run(bank);
	assert_int_equal(bank->ledgerd->metrics.commits - batches, 1);
	assert_int_equal(bank->keyd->state.certified.number, 1);
	assert_int_equal(
	    bank->keyd->state.certified_leaf, bank->ledgerd->tree.size - 2);
	look(0);
	if (verify.exit != VERIFY_INTACT)
		fail_msg("%s", verify.why);
	assert_true(audit_is_complete(&verify));
	audit_end(&audit);
}

/* Both operators retire what lies before a snapshot; the files stay. */
static void
retire(const struct entry_snapshot *snapshot)
{
	struct order_retire says = {.snapshot = snapshot->number};
	uint8_t block[ORDER_RETIRE_LEN];
	struct message_order_answer answer;
	struct order order;

	while (bank->ledgerd->snapshots.last.number == snapshot->number)
		assert_int_equal(sim_transfer(bank, &people.ada,
				     people.bob.m4.account, 1, &answer),
		    SR_OK);
	/* an auditor without the keys would find nothing to carry out */
	bank->ledgerd->retire.refused = true;
	bank->ledgerd->retire.refused_us = env_boot_us(bank->ledgerd->env);
	memcpy(says.hash, snapshot->hash, sizeof(says.hash));
	order_retire_encode(&says, block);
	sim_order_begin(bank, &people.operators[0], ORDER_RETIRE, &order);
	(void)forged_four_eyes(bank, &people, &order, block, sizeof(block));
	assert_int_equal(bank->keyd->state.cut.number, snapshot->number);
}

static void
given_a_retirement_when_carried_out_then_only_of_what_is_certified(void **state)
{
	struct entry_snapshot snapshot;
	struct sim_person eve;
	uint8_t root[32];

	(void)state;
	auditor(&eve);
	pay_until_snapshot();
	snapshot = bank->ledgerd->snapshots.last;
	look(0);
	memcpy(root, audit.snapshot[0].root, sizeof(root));
	audit_end(&audit);
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	send_certificate(&eve, root);
	(void)sim_bank_run(bank);
	retire(&snapshot);
	look(0);
	if (verify.exit != VERIFY_INTACT)
		fail_msg("%s", verify.why);
	assert_true(audit_is_complete(&verify));
	assert_true(audit.retirement.snapshot.number == 1);
	audit_end(&audit);
}

/* Rooms that were taken over, both of them, and two operators. */
static void
given_a_retirement_of_what_nobody_certified_when_read_then_tampered(
    void **state)
{
	struct entry_snapshot snapshot;

	(void)state;
	pay_until_snapshot();
	snapshot = bank->ledgerd->snapshots.last;
	bank->keyd->state.certified = snapshot;
	retire(&snapshot);
	look(0);
	assert_int_equal(verify.exit, VERIFY_TAMPERED);
	if (strstr(verify.why, "what no auditor has certified") == NULL)
		fail_msg("%s", verify.why);
	audit_end(&audit);
}

/*
 * A bank that was taken over moves money in its books and calls a customer an
 * auditor, who signs them: these books say of themselves that all is right.
 */
static void
given_books_that_name_their_own_auditor_when_begun_with_then_incomplete(
    void **state)
{
	struct book *book = &bank->ledgerd->book;
	struct sim_person eve;
	uint8_t root[32];
	uint32_t segment;

	(void)state;
	sim_person_init(&eve, "eve", "eve's secret");
	assert_int_equal(sim_person_register(bank, &eve), SR_OK);
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	book_account(book, people.ada.m4.account)->posted_minor -= 5000;
	book_account(book, people.bob.m4.account)->posted_minor += 5000;
	book_principal_row(book, eve.m4.customer)->role = ROLE_AUDITOR;
	pay_until_snapshot();
	segment = bank->ledgerd->snapshots.last.segment;
	look(segment);
	memcpy(root, audit.snapshot[0].root, sizeof(root));
	audit_end(&audit);
	assert_int_equal(sim_person_log_in(bank, &eve), SR_OK);
	send_certificate(&eve, root);
	(void)sim_bank_run(bank);
	look(segment);
	assert_int_equal(verify.exit, VERIFY_INTACT);
	assert_int_equal(audit.start_certificate.auditor, eve.m4.customer);
	assert_true(audit.executed == verify.signed_size);
	assert_false(audit_is_complete(&verify));
	audit_end(&audit);
	look(0);
	assert_int_equal(verify.exit, VERIFY_TAMPERED);
	audit_end(&audit);
}

static void
given_a_word_of_a_certificate_when_none_was_signed_then_it_is_named(
    void **state)
{
	struct entry_retention told = {
	    .leaf = 5, .step = RETENTION_CERTIFIED, .snapshot = {.number = 1}};
	struct entry_event event = entry_retention_event(&told);
	struct audit_entry entry = {.header.seq = 6};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		memset(&verify, 0, sizeof(verify));
		memset(&audit, 0, sizeof(audit));
		verify.exit = VERIFY_INTACT;
		verify.audit = &audit;
		/* none; of another entry; of another snapshot; that one */
		audit.certificate.leaf = i == 0 ? 0 : i == 1 ? 4 : 5;
		audit.certificate.says.snapshot = i == 2 ? 2 : 1;
		assert_int_equal(
		    audit_retention(&verify, &entry, &event), i == 3);
		assert_int_equal(
		    verify.exit, i == 3 ? VERIFY_INTACT : VERIFY_TAMPERED);
	}
}

/* Begun with the books, or before; what the event and the order then say. */
static void
given_a_word_of_a_retirement_when_it_says_more_than_the_order_then_it_is_named(
    void **state)
{
	const struct entry_retention ordered = {.leaf = 5,
	    .step = RETENTION_RETIRED,
	    .snapshot = {.number = 3, .size = 9, .segment = 2, .hash = {7}}};
	struct audit_entry entry = {.header.seq = 6};

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct entry_retention told = ordered;
		struct entry_event event;
		bool known = i < 5, right = false;

		memset(&verify, 0, sizeof(verify));
		memset(&audit, 0, sizeof(audit));
		verify.exit = VERIFY_INTACT;
		verify.audit = &audit;
		verify.retired = ordered.snapshot.segment;
		audit.retirement = (struct audit_retirement){
		    .leaf = 5, .snapshot = ordered.snapshot, .known = known};
		/* where it begins only a certificate says that was read */
		switch (i % 5) {
		case 0:
			right = true;
			break;
		case 1:
			told.leaf++;
			break;
		case 2:
			told.snapshot.number++;
			break;
		case 3:
			told.snapshot.hash[0]++;
			break;
		case 4:
			told.snapshot.segment++;
			right = !known;
			break;
		}
		event = entry_retention_event(&told);
		assert_int_equal(
		    audit_retention(&verify, &entry, &event), right);
		assert_int_equal(
		    verify.exit, right ? VERIFY_INTACT : VERIFY_TAMPERED);
		assert_int_equal(
		    audit_retired_by_order(&verify), right && known);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_the_books_of_the_entries_when_looked_at_then_they_may_be_signed),
	    TEST(given_other_books_when_all_is_carried_out_then_tampered),
	    TEST(
		given_two_certificates_in_one_batch_when_carried_out_then_the_log_is_right),
	    TEST(
		given_a_retirement_when_carried_out_then_only_of_what_is_certified),
	    TEST(
		given_a_retirement_of_what_nobody_certified_when_read_then_tampered),
	    TEST(
		given_books_that_name_their_own_auditor_when_begun_with_then_incomplete),
	    TEST(
		given_a_word_of_a_certificate_when_none_was_signed_then_it_is_named),
	    TEST(
		given_a_word_of_a_retirement_when_it_says_more_than_the_order_then_it_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
