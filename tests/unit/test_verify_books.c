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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(
		given_the_books_of_the_entries_when_looked_at_then_they_may_be_signed),
	    TEST(given_other_books_when_all_is_carried_out_then_tampered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
