/* SPDX-License-Identifier: ISC */
/* Cards: who may read them, and what they may say. */
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

#include "client/card.h"

#define HEX_1 "0101010101010101010101010101010101010101010101010101010101010101"
#define PASSWORD "password = abcdefgh12345678abcdefgh12345678\n"
#define HEAD "[card]\nbank-id = " HEX_1 "\nname = lobby\n" PASSWORD

static char directory[] = "/tmp/test_card.XXXXXX";
static char path[sizeof(directory) + 16];
static char message[CARD_MESSAGE_MAX];

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/a.card", directory);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static int
remove_card(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void
put(const char *text, mode_t mode)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_int_equal(fputs(text, stream) >= 0, 1);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static struct card
make_card(void)
{
	struct card card = {.name = "lobby", .terminal = 3, .epoch = 2};

	memset(card.bank_id, 0xb1, 32);
	memset(card.psk, 0xc1, 32);
	card_draw_password(&card);
	return card;
}

static void
given_a_card_that_was_written_then_it_reads_back_and_is_private(void **state)
{
	struct card card = make_card(), read;
	struct stat status;

	(void)state;
	assert_int_equal(strlen(card.password), CARD_PASSWORD_LEN);
	umask(0);
	assert_int_equal(card_write(path, &card, message), SR_OK);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(card_read(path, &read, message), SR_OK);
	assert_memory_equal(read.bank_id, card.bank_id, 32);
	assert_memory_equal(read.psk, card.psk, 32);
	assert_string_equal(read.name, card.name);
	assert_string_equal(read.password, card.password);
	assert_int_equal(read.terminal, 3);
	assert_int_equal(read.epoch, 2);
	assert_int_equal(read.denominations.count, 0);
}

static void
given_denominations_on_a_card_then_they_read_back_on_terminals_only(
    void **state)
{
	struct card card = make_card(), read;

	(void)state;
	assert_int_equal(
	    denominations_parse("1000,500", NULL, &card.denominations), SR_OK);
	assert_int_equal(card_write(path, &card, message), SR_OK);
	assert_int_equal(card_read(path, &read, message), SR_OK);
	assert_memory_equal(&read.denominations, &card.denominations,
	    sizeof(read.denominations));
	put(HEAD "denominations = 500\n", 0600);
	assert_int_equal(card_read(path, &read, message), SR_CONFIG);
	put(HEAD "terminal = 1\nepoch = 1\npsk = " HEX_1
		 "\ndenominations = 500,x\n",
	    0600);
	assert_int_equal(card_read(path, &read, message), SR_CONFIG);
	put(HEAD "terminal = 1\nepoch = 1\npsk = " HEX_1
		 "\ndenominations = 500\n",
	    0600);
	assert_int_equal(card_read(path, &read, message), SR_OK);
}

static void
given_two_cards_then_their_passwords_differ(void **state)
{
	struct card one = make_card(), two = make_card();

	(void)state;
	assert_string_not_equal(one.password, two.password);
}

static void
given_a_card_that_exists_then_it_is_not_written_over(void **state)
{
	struct card card = make_card(), read;

	(void)state;
	put(HEAD, 0600);
	assert_int_equal(card_write(path, &card, message), SR_EXISTS);
	assert_int_equal(card_read(path, &read, message), SR_OK);
	assert_int_equal(read.terminal, 0);
}

static void
given_a_card_that_others_may_use_then_it_is_refused(void **state)
{
	struct card read;

	(void)state;
	put(HEAD, 0600);
	for (mode_t bit = 01; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(path, 0600 | bit), 0);
		assert_int_equal(
		    card_read(path, &read, message), SR_PERMISSION);
		assert_non_null(strstr(message, "chmod 600"));
		assert_true(sodium_is_zero((uint8_t *)&read, sizeof(read)));
	}
}

static void
given_cards_that_say_something_else_then_they_are_refused(void **state)
{
	static const struct {
		const char *text;
		const char *in_message;
	} wrong[] = {
	    {"", "missing: bank-id"},
	    {HEAD "terminal = 3\n", "belong together"},
	    {HEAD "terminal = 3\nepoch = 1\n", "belong together"},
	    {HEAD "epoch = 1\n", "belong together"},
	    {HEAD "psk = " HEX_1 "\n", "belong together"},
	    {HEAD "terminal = 0\n", ":5: terminal"},
	    {HEAD "terminal = 03\n", ":5: terminal"},
	    {HEAD "terminal = 4294967296\n", ":5: terminal"},
	    {HEAD "terminal = -1\n", ":5: terminal"},
	    {HEAD "psk = 00\n", ":5: psk"},
	    {HEAD "name = other\n", ":5: given twice: name"},
	    {HEAD "colour = red\n", ":5: unknown key colour"},
	    {HEAD "[bank]\nname = x\n", ":6: unknown section bank"},
	    {"[card]\nbank-id = " HEX_1 "\nname = Lobby\n" PASSWORD,
		":3: name"},
	    {"[card]\nbank-id = " HEX_1 "\nname = lobby\npassword = short\n",
		":4: password"},
	    {"[card]\nbank-id = " HEX_1 "0\nname = lobby\n" PASSWORD,
		":2: bank-id"},
	};
	struct card read;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put(wrong[i].text, 0600);
		assert_int_equal(card_read(path, &read, message), SR_CONFIG);
		if (strstr(message, wrong[i].in_message) == NULL)
			fail_msg("%zu: %s", i, message);
		assert_null(strstr(message, "abcdefgh"));
		assert_true(sodium_is_zero((uint8_t *)&read, sizeof(read)));
	}
}

static void
given_a_line_that_is_too_long_then_it_is_refused_not_cut(void **state)
{
	char text[1024];
	struct card read;

	(void)state;
	snprintf(text, sizeof(text), "%s# %0400d\n", HEAD, 0);
	put(text, 0600);
	assert_int_equal(card_read(path, &read, message), SR_CONFIG);
	assert_non_null(strstr(message, ":5:"));
}

static void
given_no_card_then_the_message_names_the_file(void **state)
{
	struct card read;

	(void)state;
	assert_int_equal(card_read(path, &read, message), SR_IO);
	assert_non_null(strstr(message, path));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, remove_card)
	const struct CMUnitTest tests[] = {
	    TEST(
		given_a_card_that_was_written_then_it_reads_back_and_is_private),
	    TEST(
		given_denominations_on_a_card_then_they_read_back_on_terminals_only),
	    TEST(given_two_cards_then_their_passwords_differ),
	    TEST(given_a_card_that_exists_then_it_is_not_written_over),
	    TEST(given_a_card_that_others_may_use_then_it_is_refused),
	    TEST(given_cards_that_say_something_else_then_they_are_refused),
	    TEST(given_a_line_that_is_too_long_then_it_is_refused_not_cut),
	    TEST(given_no_card_then_the_message_names_the_file),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(
				       tests, make_directory, remove_directory);
}
