/* SPDX-License-Identifier: ISC */
/*
 * Diagnostics: one line an event whatever the arguments are, and not more
 * than a few about one thing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/diag.h"

static char told[16384];

/* What the function prints on stderr; its exit status as the result. */
static int
capture(void (*print)(void))
{
	int ends[2], status = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		diag_init("room");
		print();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], told + len, sizeof(told) - 1 - len)) > 0)
		len += (size_t)n;
	told[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
print_each(void)
{
	diag_info("one %d", 1);
	diag_warn("two");
	diag_error("three");
	diag_fatal("four");
}

static void
given_each_severity_then_the_line_names_it(void **state)
{
	(void)state;
	assert_int_equal(capture(print_each), 1);
	assert_string_equal(told,
	    "room: one 1\nroom: warning: two\nroom: error: three\n"
	    "room: fatal: four\n");
}

static void
print_hostile(void)
{
	diag_warn("[%s]", "a\nroom: b\r\033[31m\xc3\xa4\\x\x7f");
}

static void
given_hostile_bytes_then_they_are_escaped(void **state)
{
	(void)state;
	assert_int_equal(capture(print_hostile), 0);
	assert_string_equal(told,
	    "room: warning: [a\\x0aroom: b\\x0d\\x1b[31m\\xc3\\xa4\\x5cx\\x7f]"
	    "\n");
}

static void
print_long(void)
{
	static char text[3 * DIAG_LINE_MAX];

	memset(text, '\n', sizeof(text) - 1);
	diag_warn("%s", text);
}

static void
given_a_long_line_then_it_is_cut_and_ends(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(capture(print_long), 0);
	len = strlen(told);
	assert_true(len > 900 && len <= DIAG_LINE_MAX);
	assert_ptr_equal(strchr(told, '\n'), told + len - 1);
	assert_memory_equal(told + len - 5, "\\x0a\n", 5);
}

static void
print_often(void)
{
	for (int i = 0; i < 1000; i++)
		diag_limited(7, "again");
	diag_limited(8, "other");
}

static void
given_a_flood_of_one_kind_then_few_lines_come(void **state)
{
	unsigned lines = 0;

	(void)state;
	assert_int_equal(capture(print_often), 0);
	for (const char *at = told; (at = strstr(at, "again")) != NULL; at++)
		lines++;
	assert_int_equal(lines, 5);
	assert_non_null(strstr(told, "room: warning: other\n"));
}

static void
print_colliding(void)
{
	for (int i = 0; i < 9; i++)
		diag_limited(1, "first");
	/* 256 places: this key has the same one. */
	diag_limited(0x0100, "second");
}

static void
given_lines_left_out_then_their_number_is_told(void **state)
{
	(void)state;
	assert_int_equal(capture(print_colliding), 0);
	assert_non_null(
	    strstr(told, "room: warning: 4 more lines like an earlier one"));
	assert_non_null(strstr(told, "room: warning: second\n"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_each_severity_then_the_line_names_it),
	    cmocka_unit_test(given_hostile_bytes_then_they_are_escaped),
	    cmocka_unit_test(given_a_long_line_then_it_is_cut_and_ends),
	    cmocka_unit_test(given_a_flood_of_one_kind_then_few_lines_come),
	    cmocka_unit_test(given_lines_left_out_then_their_number_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
