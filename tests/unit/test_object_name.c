/* SPDX-License-Identifier: ISC */
/*
 * Names of stored objects: harmless on a screen and on a disk, whoever chose
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include <sodium.h>

#include "client/object_name.h"

static char out[OBJECT_NAME_MAX + 1];

/* ---- on a screen --------------------------------------------------------- */

static void
shows(const char *name, size_t len, const char *wanted)
{
	memset(out, 'x', sizeof(out));
	object_name_shown(name, len, out);
	assert_string_equal(out, wanted);
	assert_int_equal(strlen(out), len);
	assert_int_equal(
	    object_name_plain(name, len), memcmp(name, wanted, len) == 0);
}

static void
shows_text(const char *name, const char *wanted)
{
	shows(name, strlen(name), wanted);
}

static void
given_text_then_it_is_shown_as_it_is(void **state)
{
	(void)state;
	shows_text("", "");
	shows_text("report 2026.pdf", "report 2026.pdf");
	shows_text("-rf", "-rf");
	shows_text("\xc3\x9c"
		   "bersicht/\xe2\x82\xac.txt",
	    "\xc3\x9c"
	    "bersicht/\xe2\x82\xac.txt");
	shows_text("\xf0\x9f\x8d\x95", "\xf0\x9f\x8d\x95");
}

static void
given_what_a_terminal_obeys_then_question_marks(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 0x80; c++) {
		const char name[] = {'a', (char)c, 'b'};
		const char wanted[] = {
		    'a', c < 0x20 || c == 0x7f ? '?' : (char)c, 'b', '\0'};

		shows(name, 3, wanted);
	}
	shows_text("\033]0;owned\a", "?]0;owned?");
	shows_text("a\r\nb\n", "a??b?");
	/* U+009B, which some terminals take for ESC [ */
	shows_text("\xc2\x9b"
		   "31m",
	    "??31m");
}

/* U+061C, U+200E/F, U+2028..E, U+2066..9, U+FEFF, and their neighbours. */
static void
given_marks_of_direction_then_question_marks(void **state)
{
	(void)state;
	shows_text("a\xd8\x9c", "a??");
	for (unsigned last = 0x80; last < 0xc0; last++) {
		const char name[] = {
		    '\xe2', '\x80', (char)last, 'f', 'd', 'p', '\0'};
		const char more[] = {'\xe2', '\x81', (char)last, '\0'};
		bool mark = last == 0x8e || last == 0x8f ||
			    (last >= 0xa8 && last <= 0xae);

		shows_text(name, mark ? "???fdp" : name);
		mark = last >= 0xa6 && last <= 0xa9;
		shows_text(more, mark ? "???" : more);
	}
	shows_text("\xef\xbb\xbf"
		   "a",
	    "???a");
}

static void
given_bytes_that_are_no_text_then_question_marks_for_these_alone(void **state)
{
	(void)state;
	shows_text("a\xff"
		   "b",
	    "a?b");
	shows_text("\x80", "?");
	shows_text("\xc3", "?");
	shows_text("\xc3(", "?(");
	/* longer than needed, a surrogate, beyond Unicode, cut short */
	shows_text("\xc0\xaf", "??");
	shows_text("\xed\xa0\x80", "???");
	shows_text("\xf4\x90\x80\x80", "????");
	shows_text("\xe2\x82", "??");
	shows_text("\xe2\x82\xc3\xa4", "??\xc3\xa4");
}

static void
given_the_longest_name_then_all_of_it_is_shown(void **state)
{
	static char name[OBJECT_NAME_MAX], wanted[OBJECT_NAME_MAX + 1];

	(void)state;
	memset(name, '\n', sizeof(name));
	memset(wanted, '?', OBJECT_NAME_MAX);
	shows(name, sizeof(name), wanted);
	memset(name, 'n', sizeof(name));
	memset(wanted, 'n', OBJECT_NAME_MAX);
	shows(name, sizeof(name), wanted);
	for (unsigned round = 0; round < 200; round++) {
		randombytes_buf(name, sizeof(name));
		object_name_shown(name, sizeof(name), out);
		assert_int_equal(strlen(out), sizeof(name));
		assert_true(object_name_plain(out, sizeof(name)));
	}
}

/* ---- to a file ----------------------------------------------------------- */

static void
path_of(const char *name, const char *wanted)
{
	memset(out, 'x', sizeof(out));
	assert_int_equal(
	    object_name_path(name, strlen(name), out), OBJECT_NAME_FINE);
	assert_string_equal(out, wanted);
}

static void
no_path(const char *name, size_t len, enum object_name_fault wanted)
{
	memset(out, 'x', sizeof(out));
	assert_int_equal(object_name_path(name, len, out), wanted);
	assert_string_equal(out, "");
}

static void
no_path_of(const char *name, enum object_name_fault wanted)
{
	no_path(name, strlen(name), wanted);
}

static void
given_names_then_their_paths(void **state)
{
	(void)state;
	path_of("a", "a");
	path_of("docs/2026/tax.pdf", "docs/2026/tax.pdf");
	path_of("...", "...");
	path_of("..a", "..a");
	path_of("a..", "a..");
	path_of(".a", ".a");
	path_of("a./.b", "a./.b");
	path_of(" ", " ");
	path_of("~root", "~root");
	path_of("a\nb", "a\nb");
}

static void
given_a_hyphen_in_front_then_no_option(void **state)
{
	(void)state;
	path_of("-rf", "./-rf");
	path_of("-", "./-");
	path_of("-/-", "./-/-");
	path_of("a-", "a-");
	path_of("a/-b", "a/-b");
}

static void
given_names_that_lead_out_then_refused(void **state)
{
	(void)state;
	no_path_of("..", OBJECT_NAME_PARENT);
	no_path_of("../x", OBJECT_NAME_PARENT);
	no_path_of("../../etc/passwd", OBJECT_NAME_PARENT);
	no_path_of("a/../b", OBJECT_NAME_PARENT);
	no_path_of("a/..", OBJECT_NAME_PARENT);
	no_path_of("-/..", OBJECT_NAME_PARENT);
	no_path_of("/etc/passwd", OBJECT_NAME_ABSOLUTE);
	no_path_of("/", OBJECT_NAME_ABSOLUTE);
	no_path_of("//a", OBJECT_NAME_ABSOLUTE);
}

static void
given_names_that_no_file_has_then_refused(void **state)
{
	(void)state;
	no_path_of("", OBJECT_NAME_EMPTY);
	no_path_of(".", OBJECT_NAME_DOT);
	no_path_of("./a", OBJECT_NAME_DOT);
	no_path_of("a/./b", OBJECT_NAME_DOT);
	no_path_of("a/.", OBJECT_NAME_DOT);
	no_path_of("a//b", OBJECT_NAME_SLASH);
	no_path_of("a/", OBJECT_NAME_SLASH);
	no_path("a\0b", 3, OBJECT_NAME_NUL);
	no_path("a\0", 2, OBJECT_NAME_NUL);
	no_path("\0", 1, OBJECT_NAME_NUL);
	no_path("/\0", 2, OBJECT_NAME_NUL);
}

static void
given_parts_at_their_limit_then_taken_and_not_beyond(void **state)
{
	char name[600];

	(void)state;
	assert_int_equal(OBJECT_PART_MAX, NAME_MAX);
	assert_int_equal(OBJECT_PATH_MAX, PATH_MAX);
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	path_of(name, name);
	name[255] = 'n';
	name[256] = '\0';
	no_path_of(name, OBJECT_NAME_PART);
	name[1] = '/';
	path_of(name, name);
	name[256] = 'n';
	name[257] = '\0';
	path_of(name, name);
	name[257] = 'n';
	name[258] = '\0';
	no_path_of(name, OBJECT_NAME_PART);
	name[257] = '/';
	name[258] = 'n';
	name[259] = '\0';
	path_of(name, name);
}

static void
given_names_at_the_limit_of_a_path_then_taken_and_not_beyond(void **state)
{
	static char name[OBJECT_NAME_MAX + 1], wanted[OBJECT_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < OBJECT_NAME_MAX; i++)
		name[i] = i % 2 != 0 ? '/' : 'n';
	name[OBJECT_NAME_MAX - 1] = 'n';
	no_path(name, OBJECT_NAME_MAX, OBJECT_NAME_LONG);
	memcpy(wanted, name, OBJECT_NAME_MAX - 1);
	name[OBJECT_NAME_MAX - 1] = '\0';
	path_of(name, wanted);
	/* "./" counts */
	name[0] = '-';
	no_path(name, OBJECT_NAME_MAX - 1, OBJECT_NAME_LONG);
	no_path(name, OBJECT_NAME_MAX - 2, OBJECT_NAME_SLASH);
	name[OBJECT_NAME_MAX - 3] = '\0';
	name[OBJECT_NAME_MAX - 4] = 'n';
	memcpy(wanted, "./", 2);
	memcpy(wanted + 2, name, OBJECT_NAME_MAX - 2);
	path_of(name, wanted);
}

/* ---- from a file --------------------------------------------------------- */

static void
name_of(const char *path, const char *wanted)
{
	size_t len = 9999;

	memset(out, 'x', sizeof(out));
	assert_int_equal(
	    object_name_of_path(path, out, &len), OBJECT_NAME_FINE);
	assert_string_equal(out, wanted);
	assert_int_equal(len, strlen(wanted));
}

static void
no_name_of(const char *path, enum object_name_fault wanted)
{
	size_t len = 9999;

	memset(out, 'x', sizeof(out));
	assert_int_equal(object_name_of_path(path, out, &len), wanted);
	assert_string_equal(out, "");
	assert_int_equal(len, 0);
}

static void
given_paths_then_their_names(void **state)
{
	(void)state;
	name_of("a", "a");
	name_of("./a", "a");
	name_of("././/./a", "a");
	name_of("a/b", "a/b");
	name_of("a//b/./c/", "a/b/c");
	name_of("./-rf", "-rf");
	name_of(".a/...", ".a/...");
	name_of("/etc/passwd", "passwd");
	name_of("//srv/./data//", "data");
	name_of("a\nb\xff", "a\nb\xff");
}

static void
given_paths_without_a_name_then_refused(void **state)
{
	(void)state;
	no_name_of("", OBJECT_NAME_EMPTY);
	no_name_of(".", OBJECT_NAME_EMPTY);
	no_name_of("././", OBJECT_NAME_EMPTY);
	no_name_of("/", OBJECT_NAME_EMPTY);
	no_name_of("/.", OBJECT_NAME_EMPTY);
	no_name_of("..", OBJECT_NAME_PARENT);
	no_name_of("../a", OBJECT_NAME_PARENT);
	no_name_of("a/../b", OBJECT_NAME_PARENT);
	no_name_of("/a/..", OBJECT_NAME_PARENT);
	no_name_of("/../a", OBJECT_NAME_PARENT);
}

static void
given_long_paths_then_names_to_the_limit(void **state)
{
	static char path[OBJECT_NAME_MAX + 100];

	(void)state;
	memset(path, 'n', OBJECT_NAME_MAX);
	path[1] = '/';
	name_of(path, path);
	path[OBJECT_NAME_MAX] = 'n';
	no_name_of(path, OBJECT_NAME_LONG);
	path[OBJECT_NAME_MAX - 1] = '/';
	no_name_of(path, OBJECT_NAME_LONG);
	/* what is taken out does not count */
	memset(path, '/', OBJECT_NAME_MAX + 50);
	memcpy(path + OBJECT_NAME_MAX, "name", 5);
	name_of(path, "name");
	memset(path, 'n', OBJECT_NAME_MAX + 1);
	path[0] = '/';
	path[OBJECT_NAME_MAX + 1] = '\0';
	name_of(path, path + 1);
	path[OBJECT_NAME_MAX + 1] = 'n';
	path[OBJECT_NAME_MAX + 2] = '\0';
	no_name_of(path, OBJECT_NAME_LONG);
}

/* Every name that comes from a path may go back to one. */
static void
given_a_name_of_a_path_then_it_has_a_path(void **state)
{
	static const char letters[] = "./-a";

	(void)state;
	for (unsigned number = 0; number < 1 << 14; number++) {
		char path[8], name[OBJECT_NAME_MAX + 1];
		size_t len;

		for (unsigned i = 0; i < 7; i++)
			path[i] = letters[number >> 2 * i & 3];
		path[7] = '\0';
		if (object_name_of_path(path, name, &len) == OBJECT_NAME_FINE)
			assert_int_equal(
			    object_name_path(name, len, out), OBJECT_NAME_FINE);
		else
			assert_true(strstr(path, "..") != NULL ||
				    strpbrk(path, "-a") == NULL);
		if (object_name_path(path, 7, out) == OBJECT_NAME_FINE) {
			assert_true(out[0] != '/' && out[0] != '-');
			assert_null(strstr(out, "/../"));
			assert_int_not_equal(strncmp(out, "../", 3), 0);
		}
	}
}

static void
given_each_fault_then_a_sentence_says_what_to_do(void **state)
{
	(void)state;
	for (int i = OBJECT_NAME_EMPTY; i <= OBJECT_NAME_PART + 1; i++) {
		enum object_name_fault fault = (enum object_name_fault)i;

		assert_non_null(
		    strstr(object_name_path_sentence(fault), "-o FILE"));
		assert_non_null(
		    strstr(object_name_of_path_sentence(fault), ": "));
	}
	assert_non_null(object_name_path_sentence(OBJECT_NAME_FINE));
	assert_non_null(object_name_of_path_sentence(OBJECT_NAME_FINE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_text_then_it_is_shown_as_it_is),
	    cmocka_unit_test(given_what_a_terminal_obeys_then_question_marks),
	    cmocka_unit_test(given_marks_of_direction_then_question_marks),
	    cmocka_unit_test(
		given_bytes_that_are_no_text_then_question_marks_for_these_alone),
	    cmocka_unit_test(given_the_longest_name_then_all_of_it_is_shown),
	    cmocka_unit_test(given_names_then_their_paths),
	    cmocka_unit_test(given_a_hyphen_in_front_then_no_option),
	    cmocka_unit_test(given_names_that_lead_out_then_refused),
	    cmocka_unit_test(given_names_that_no_file_has_then_refused),
	    cmocka_unit_test(
		given_parts_at_their_limit_then_taken_and_not_beyond),
	    cmocka_unit_test(
		given_names_at_the_limit_of_a_path_then_taken_and_not_beyond),
	    cmocka_unit_test(given_paths_then_their_names),
	    cmocka_unit_test(given_paths_without_a_name_then_refused),
	    cmocka_unit_test(given_long_paths_then_names_to_the_limit),
	    cmocka_unit_test(given_a_name_of_a_path_then_it_has_a_path),
	    cmocka_unit_test(given_each_fault_then_a_sentence_says_what_to_do),
	};

	return sodium_init() < 0 ? 1
				 : cmocka_run_group_tests(tests, NULL, NULL);
}
