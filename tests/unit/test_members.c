/* SPDX-License-Identifier: ISC */
/* A list of members: both sides of each rule, and its checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/members.h"

#define HEADER "name,display name,opening balance\r\n"

static const struct money_unit euro = {"EUR", 2};
static struct members members;
static char said[8192];

static enum sr_error
parse(const char *text)
{
	FILE *say = fmemopen(said, sizeof(said) - 1, "w");
	enum sr_error error;

	assert_non_null(say);
	memset(said, 0, sizeof(said));
	members_free(&members);
	error = members_parse("list", text, strlen(text), &euro, say, &members);
	fclose(say);
	return error;
}

static void
refuses(const char *line, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), HEADER "ada,Ada,1\r\n%s", line);
	assert_int_equal(parse(text), SR_MALFORMED);
	assert_non_null(strstr(said, sentence));
	/* it names the line, and only that one */
	assert_non_null(strstr(said, "list:3: "));
	assert_null(strstr(said, "list:2: "));
}

static void
given_a_good_list_when_read_then_sorted_and_summed(void **state)
{
	(void)state;
	assert_int_equal(parse(HEADER "carol,,3\r\nada,\"Ada, A.\",12.50\r\n"
				      "bob,B\xc3\xb6"
				      "b,\r\ndora,D,0.00\r\n"),
	    SR_OK);
	assert_string_equal(said, "");
	assert_int_equal(members.count, 4);
	assert_string_equal(members.of[0].name, "ada");
	assert_string_equal(members.of[0].display, "Ada, A.");
	assert_int_equal(members.of[0].balance_minor, 1250);
	assert_string_equal(members.of[1].name, "bob");
	assert_int_equal(members.of[1].balance_minor, 0);
	assert_int_equal(members.of[2].balance_minor, 300);
	assert_int_equal(members.of[2].line, 2);
	assert_int_equal(members.of[3].balance_minor, 0);
	assert_int_equal(members.sum_minor, 1550);
	/* nobody is a list, too */
	assert_int_equal(parse(HEADER), SR_OK);
	assert_int_equal(members.count, 0);
}

static void
given_another_first_line_when_read_then_refused(void **state)
{
	(void)state;
	assert_int_equal(parse(""), SR_MALFORMED);
	assert_int_equal(parse("ada,Ada,1\r\n"), SR_MALFORMED);
	assert_int_equal(
	    parse("name,opening balance,display name\r\n"), SR_MALFORMED);
	assert_int_equal(
	    parse("name,display name,opening balance,x\r\n"), SR_MALFORMED);
	assert_int_equal(
	    parse("name,display name,opening balance "), SR_MALFORMED);
	assert_non_null(strstr(said, "list:1: the first line"));
}

static void
given_wrong_lines_when_read_then_each_is_named(void **state)
{
	(void)state;
	refuses("bo,Bob,1", "a name is 3 to 32");
	refuses("Bob,Bob,1", "a name is 3 to 32");
	refuses("bob,Bob", "three fields");
	refuses("bob,Bob,1,2", "three fields");
	refuses("\r\n", "three fields");
	refuses("bob,\"B\nb\",1", "the display name");
	refuses("bob,B\xff,1", "the display name");
	refuses("bob,Bob,-1", "the opening balance");
	refuses("bob,Bob,1.234", "the opening balance");
	refuses("bob,Bob,\"1,000.00\"", "the opening balance");
	refuses("bob,Bob, 1", "the opening balance");
	refuses("bob,B\"b,1", "quotation mark");
	refuses("ada,Ada,1", "stands in the list before");
	/* all of them in one run */
	assert_int_equal(
	    parse(HEADER "x,,1\nbob,,1\nbob,,x\ny,,1\n"), SR_MALFORMED);
	assert_non_null(strstr(said, "list:2: "));
	assert_null(strstr(said, "list:3: "));
	assert_non_null(strstr(said, "list:4: "));
	assert_non_null(strstr(said, "list:5: "));
}

static void
given_balances_when_their_sum_is_too_large_then_refused(void **state)
{
	(void)state;
	assert_int_equal(parse(HEADER "ada,,92233720368547758.06\n"
				      "bob,,0.01\n"),
	    SR_OK);
	assert_true(members.sum_minor == INT64_MAX);
	assert_int_equal(parse(HEADER "ada,,92233720368547758.06\n"
				      "bob,,0.02\n"),
	    SR_TOO_LARGE);
}

/* By coreutils: printf 'ada|12.50\n' | sha256sum */
static void
given_a_member_when_its_checksum_is_made_then_as_sha256sum_does(void **state)
{
	struct member ada = {.name = "ada"};
	char hex[65];

	(void)state;
	members_checksum(&ada, 1250, &euro, hex);
	assert_string_equal(hex,
	    "89b3ff7cec0400aa96c9388374803086e2d177e7cfdba358d0f974cdc1bac1"
	    "9c");
	members_checksum(&ada, 1251, &euro, hex);
	assert_string_not_equal(hex,
	    "89b3ff7cec0400aa96c9388374803086e2d177e7cfdba358d0f974cdc1bac1"
	    "9c");
}

static int
tear_down(void **state)
{
	(void)state;
	members_free(&members);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_good_list_when_read_then_sorted_and_summed),
	    cmocka_unit_test(given_another_first_line_when_read_then_refused),
	    cmocka_unit_test(given_wrong_lines_when_read_then_each_is_named),
	    cmocka_unit_test(
		given_balances_when_their_sum_is_too_large_then_refused),
	    cmocka_unit_test(
		given_a_member_when_its_checksum_is_made_then_as_sha256sum_does),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
