/* SPDX-License-Identifier: ISC */
/*
 * Lines of the plain audit log: one line an entry whatever a name holds, and
 * what is read back is what was written.
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

#include "common/audit_line.h"
#include "common/ids.h"

static const struct money_unit unit = {.code = "EUR", .exponent = 2};
static const struct audit_text nothing = {"", 0};

static struct audit_record
record_at(uint64_t time_ms)
{
	return (struct audit_record){.seq = 3,
	    .time_ms = time_ms,
	    .class = JOURNAL_CLASS_ORDER,
	    .about = AUDIT_CUSTOMER,
	    .subject = 12,
	    .pseudonym = "00112233aabbccdd",
	    .kind = "transfer",
	    .is_order = true,
	    .amount_minor = 1250,
	    .debit = account_id(12, 0),
	    .credit = account_id(13, 2)};
}

static void
given_a_record_then_its_line_has_the_date_and_no_more(void **state)
{
	static const struct {
		uint64_t time_ms;
		const char *time;
	} cases[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {951782399999, "2000-02-28T23:59:59Z"},
	    {951782400000, "2000-02-29T00:00:00Z"},
	    {1709251199000, "2024-02-29T23:59:59Z"},
	    {4107542400000, "2100-03-01T00:00:00Z"},
	};
	char line[AUDIT_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct audit_record record = record_at(cases[i].time_ms);
		size_t len = audit_line_write(
		    &record, AUDIT_PSEUDONYMS, &unit, nothing, nothing, line);

		assert_int_equal(len, strlen(line));
		assert_memory_equal(line, cases[i].time, 20);
		assert_string_equal(
		    line + 20, " 3 order ok 00112233aabbccdd\n");
	}
}

static void
given_full_then_the_line_has_kind_amount_accounts_and_names(void **state)
{
	struct audit_record record = record_at(0);
	struct audit_text name = {"ada", 3}, display = {"A. L\xc3\xb6", 6};
	char line[AUDIT_LINE_MAX];

	(void)state;
	record.refers_to = 2;
	record.outcome = SR_FUNDS;
	audit_line_write(&record, AUDIT_FULL, &unit, name, display, line);
	assert_string_equal(line,
	    "1970-01-01T00:00:00Z 3 order SR_FUNDS 00112233aabbccdd transfer "
	    "12.50 12-0 13-2 2 \"ada\" \"A. L\xc3\xb6\"\n");
	record.outcome = SR_OK;
	record.amount_minor = 0;
	record.debit = record.credit = record.refers_to = 0;
	audit_line_write(&record, AUDIT_FULL, &unit, nothing, nothing, line);
	assert_string_equal(line,
	    "1970-01-01T00:00:00Z 3 order ok 00112233aabbccdd transfer "
	    "- - - - \"\" \"\"\n");
}

/* Any bytes at all as a name: still one line, and the same fields. */
static void
given_any_name_then_the_line_is_one_and_its_fields_are_the_same(void **state)
{
	static const char *const names[] = {"\"", "\\", "a\" ok\"", "\n",
	    "x\r\n1970-01-01T00:00:00Z 4 order ok -", "\x1b[2J", "\x7f",
	    "\xff\xfe", "\xe2\x80\xae", "\xc2\x85", "\\\"\\"};
	struct audit_record record = record_at(0);
	char line[AUDIT_LINE_MAX], bytes[64];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct audit_text name, display;
		struct audit_line read;
		size_t len;

		if (i < sizeof(names) / sizeof(names[0])) {
			name = (struct audit_text){names[i], strlen(names[i])};
			display = name;
		} else {
			randombytes_buf(bytes, sizeof(bytes));
			name = (struct audit_text){bytes, i % 33};
			display = (struct audit_text){bytes, i % 65};
		}
		len = audit_line_write(
		    &record, AUDIT_FULL, &unit, name, display, line);
		assert_ptr_equal(strchr(line, '\n'), line + len - 1);
		for (size_t j = 0; j + 1 < len; j++)
			assert_true(
			    (unsigned char)line[j] >= ' ' && line[j] != 0x7f);
		assert_true(audit_line_read(line, len - 1, &read));
		assert_int_equal(read.type, AUDIT_LINE_ENTRY);
		assert_int_equal(read.fields, AUDIT_FIELD_COUNT);
		assert_int_equal(read.first, 3);
		assert_int_equal(read.field[AUDIT_CREDIT].len, 4);
	}
	/* what looks like text and reads backwards is told by its bytes */
	audit_line_write(&record, AUDIT_FULL, &unit, nothing,
	    (struct audit_text){"\xe2\x80\xae", 3}, line);
	assert_non_null(strstr(line, "\"\\xe2\\x80\\xae\"\n"));
}

static void
given_heads_and_gaps_then_they_are_read_back(void **state)
{
	uint8_t bank[32];
	char text[AUDIT_LINE_MAX];
	struct audit_line line;
	size_t len;

	(void)state;
	randombytes_buf(bank, sizeof(bank));
	len = audit_head_write(bank, 17, text);
	assert_true(audit_line_read(text, len - 1, &line));
	assert_int_equal(line.type, AUDIT_LINE_HEAD);
	assert_int_equal(line.first, 17);
	assert_memory_equal(line.bank, bank, 32);
	len = audit_gap_write(5, 9, text);
	assert_true(audit_line_read(text, len - 1, &line));
	assert_int_equal(line.type, AUDIT_LINE_GAP);
	assert_int_equal(line.first, 5);
	assert_int_equal(line.last, 9);
}

static void
given_anything_else_then_it_is_no_line(void **state)
{
	static const char *const lines[] = {"", " ", "#", "# gap 9 to 5",
	    "# gap 1 to 18446744073709551615", "# gap 1 to 2 ", "# note",
	    "# strongroom-audit 1 00 from 1", "1970-01-01T00:00:00Z 3 order",
	    "1970-01-01T00:00:00Z 3 order ok ",
	    "1970-01-01T00:00:00Z  3 order ok -",
	    "1970-01-01T00:00:00Z 03 order ok -",
	    "1970-01-01T00:00:00Z -3 order ok -",
	    "1970-01-01T00:00:00Z 18446744073709551616 order ok -",
	    "1970-01-01T00:00:00 3 order ok -",
	    "1970-01-01T00:00:00Z 3 order ok 00112233AABBCCDD",
	    "1970-01-01T00:00:00Z 3 order ok 0011223",
	    "1970-01-01T00:00:00Z 3 order ok - transfer",
	    "1970-01-01T00:00:00Z 3 order ok - t 1 1-0 - - \"a\"",
	    "1970-01-01T00:00:00Z 3 order ok - t 1 1-0 - - \"a\" \"b",
	    "1970-01-01T00:00:00Z 3 order ok - t 1 1-0 - - \"a\" \"b\\\"",
	    "1970-01-01T00:00:00Z 3 order ok - t 1 1-0 - - \"a\" \"b\" ",
	    "1970-01-01T00:00:00Z 3 order\tok -"};
	struct audit_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(
		    audit_line_read(lines[i], strlen(lines[i]), &line));
	assert_true(
	    audit_line_read("1970-01-01T00:00:00Z 3 order ok", 31, &line));
	assert_int_equal(line.fields, 4);
	assert_false(
	    audit_line_read("1970-01-01T00:00:00Z 3 order ok\0", 32, &line));
}

/* One customer has one pseudonym in a segment, and another one elsewhere. */
static void
given_two_segments_then_a_pseudonym_tells_nothing_of_the_other(void **state)
{
	uint8_t committed[ENTRY_EVENT_LEN], key[2][32], secret[32];
	struct entry_event event = {.code = USE_ERASE, .subject = 7};
	struct journal_leaf leaf = {.seq = 9};
	struct audit_record one, two;

	(void)state;
	memset(secret, 1, sizeof(secret));
	audit_pseudonym_key(secret, key[0]);
	secret[0] = 2;
	audit_pseudonym_key(secret, key[1]);
	entry_event_encode(ENTRY_USE, &event, committed);
	assert_int_equal(
	    audit_record_of(&leaf, committed, sizeof(committed), key[0], &one),
	    SR_OK);
	assert_int_equal(
	    audit_record_of(&leaf, committed, sizeof(committed), key[0], &two),
	    SR_OK);
	assert_string_equal(one.pseudonym, two.pseudonym);
	assert_int_equal(
	    audit_record_of(&leaf, committed, sizeof(committed), key[1], &two),
	    SR_OK);
	assert_string_not_equal(one.pseudonym, two.pseudonym);
	/* terminal 7 is not customer 7 */
	event.code = USE_TERMINAL_KEY;
	entry_event_encode(ENTRY_USE, &event, committed);
	assert_int_equal(
	    audit_record_of(&leaf, committed, sizeof(committed), key[0], &two),
	    SR_OK);
	assert_string_not_equal(one.pseudonym, two.pseudonym);
	/* and a segment's key was disclosed by nobody in particular */
	event.code = USE_SEGMENT_KEY;
	entry_event_encode(ENTRY_USE, &event, committed);
	assert_int_equal(
	    audit_record_of(&leaf, committed, sizeof(committed), key[0], &two),
	    SR_OK);
	assert_string_equal(two.pseudonym, "-");
	assert_string_equal(two.kind, "segment-key");
	/* nor was anything refused to somebody */
	event.code = SYSTEM_REFUSALS;
	entry_event_encode(ENTRY_SYSTEM, &event, committed);
	assert_int_equal(
	    audit_record_of(&leaf, committed, sizeof(committed), key[0], &two),
	    SR_OK);
	assert_string_equal(two.pseudonym, "-");
	assert_string_equal(two.kind, "refusals");
	event.code = SYSTEM_SEAL;
	entry_event_encode(ENTRY_SYSTEM, &event, committed);
	assert_int_equal(
	    audit_record_of(&leaf, committed, sizeof(committed), key[0], &two),
	    SR_OK);
	assert_string_equal(two.pseudonym, "-");
	assert_string_equal(two.kind, "seal");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_a_record_then_its_line_has_the_date_and_no_more),
	    cmocka_unit_test(
		given_full_then_the_line_has_kind_amount_accounts_and_names),
	    cmocka_unit_test(
		given_any_name_then_the_line_is_one_and_its_fields_are_the_same),
	    cmocka_unit_test(given_heads_and_gaps_then_they_are_read_back),
	    cmocka_unit_test(given_anything_else_then_it_is_no_line),
	    cmocka_unit_test(
		given_two_segments_then_a_pseudonym_tells_nothing_of_the_other),
	};

	if (sodium_init() < 0)
		abort();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
