/* SPDX-License-Identifier: ISC */
/* bank.id: what is pinned must be what was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/bankfile.h"
#include "common/certificate.h"

static char directory[] = "/tmp/test_bankfile.XXXXXX";
static char path[sizeof(directory) + 16];
static char message[BANKFILE_MESSAGE_MAX];

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/bank.id", directory);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static int
remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct bankfile
make_bank(void)
{
	struct bankfile bank = {
	    .name = "Demo Bank", .unit = {.code = "EUR", .exponent = 2}};

	memset(bank.identity, 0x1d, 32);
	bank.address_count = 2;
	strcpy(bank.addresses[0], "127.0.0.1:7420");
	strcpy(bank.addresses[1], "[::1]:7420");
	return bank;
}

static void
put(const char *rest, const char *bank_id, const char *identity)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	fprintf(stream,
	    "[bank]\nname = A Bank\nbank-id = %s\nidentity = %s\n"
	    "%s\n",
	    bank_id, identity, rest);
	assert_int_equal(fclose(stream), 0);
}

static void
given_a_bank_that_was_written_then_it_reads_back(void **state)
{
	struct bankfile bank = make_bank(), read;
	struct stat status;
	uint8_t bank_id[32];

	(void)state;
	assert_int_equal(bankfile_write(path, &bank, message), SR_OK);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0444, 0444);
	assert_int_equal(bankfile_read(path, &read, message), SR_OK);
	bank_id_of(bank.identity, bank_id);
	assert_memory_equal(read.bank_id, bank_id, 32);
	assert_memory_equal(read.identity, bank.identity, 32);
	assert_string_equal(read.name, "Demo Bank");
	assert_string_equal(read.unit.code, "EUR");
	assert_int_equal(read.unit.exponent, 2);
	assert_int_equal(read.address_count, 2);
	assert_string_equal(read.addresses[1], "[::1]:7420");
}

static void
given_a_bank_id_of_another_identity_then_it_is_refused(void **state)
{
	uint8_t identity[32] = {1}, bank_id[32];
	char identity_hex[65], bank_id_hex[65];
	struct bankfile read;

	(void)state;
	bank_id_of(identity, bank_id);
	sodium_bin2hex(identity_hex, 65, identity, 32);
	sodium_bin2hex(bank_id_hex, 65, bank_id, 32);
	put("unit = EUR:2", bank_id_hex, identity_hex);
	assert_int_equal(bankfile_read(path, &read, message), SR_OK);
	bank_id_hex[0] = bank_id_hex[0] == '0' ? '1' : '0';
	put("unit = EUR:2", bank_id_hex, identity_hex);
	assert_int_equal(bankfile_read(path, &read, message), SR_CONFIG);
	assert_non_null(strstr(message, "not the hash"));
}

static void
given_files_that_say_something_else_then_line_and_reason_are_named(void **state)
{
	static const struct {
		const char *text;
		const char *in_message;
	} wrong[] = {
	    {"", "missing: unit"},
	    {"unit = eur:2", ":5: unit"},
	    {"unit = EUR", ":5: unit"},
	    {"unit = EUR:2\nunit = EUR:2", ":6: given twice: unit"},
	    {"unit = EUR:2\naddress =", ":6: address"},
	    {"unit = EUR:2\nsecret = 1", ":6: unknown key secret"},
	    {"unit = EUR:2\n[more]\nx = y", ":7: unknown section more"},
	    {"unit = EUR:2\nnonsense", ":6:"},
	};
	uint8_t identity[32] = {1}, bank_id[32];
	char identity_hex[65], bank_id_hex[65];
	struct bankfile read;

	(void)state;
	bank_id_of(identity, bank_id);
	sodium_bin2hex(identity_hex, 65, identity, 32);
	sodium_bin2hex(bank_id_hex, 65, bank_id, 32);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put(wrong[i].text, bank_id_hex, identity_hex);
		assert_int_equal(
		    bankfile_read(path, &read, message), SR_CONFIG);
		if (strstr(message, wrong[i].in_message) == NULL)
			fail_msg("%zu: %s", i, message);
	}
}

static void
given_seventeen_addresses_then_they_are_too_many(void **state)
{
	struct bankfile bank = make_bank(), read;
	FILE *stream;

	(void)state;
	bank.address_count = BANKFILE_ADDRESSES;
	for (size_t i = 0; i < bank.address_count; i++)
		snprintf(bank.addresses[i], sizeof(bank.addresses[i]),
		    "127.0.0.1:%zu", i + 1);
	assert_int_equal(bankfile_write(path, &bank, message), SR_OK);
	assert_int_equal(bankfile_read(path, &read, message), SR_OK);
	assert_int_equal(read.address_count, 16);
	stream = fopen(path, "a");
	fputs("address = 127.0.0.1:17\n", stream);
	fclose(stream);
	assert_int_equal(bankfile_read(path, &read, message), SR_CONFIG);
	assert_non_null(strstr(message, "address"));
}

static void
given_a_name_that_would_not_read_back_then_it_is_not_written(void **state)
{
	static const char *const names[] = {
	    "", "A ; B", " A", "A\nidentity = x", "A\x01"};
	struct bankfile bank = make_bank();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		strcpy(bank.name, names[i]);
		if (bankfile_write(path, &bank, message) != SR_CONFIG)
			fail_msg("%zu", i);
		assert_int_equal(access(path, F_OK), -1);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, remove_file)
	const struct CMUnitTest tests[] = {
	    TEST(given_a_bank_that_was_written_then_it_reads_back),
	    TEST(given_a_bank_id_of_another_identity_then_it_is_refused),
	    TEST(
		given_files_that_say_something_else_then_line_and_reason_are_named),
	    TEST(given_seventeen_addresses_then_they_are_too_many),
	    TEST(given_a_name_that_would_not_read_back_then_it_is_not_written),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(
				       tests, make_directory, remove_directory);
}
