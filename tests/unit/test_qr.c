/* SPDX-License-Identifier: ISC */
/* QR codes in characters: what is printed is the code, module by module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pty.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/qr.h"

enum { TEXT_MAX = 1 << 18, SIDE_MAX = 200, QUIET = 4 };

static char text[TEXT_MAX];
static char module[SIDE_MAX][SIDE_MAX]; /* 1: drawn */

static size_t
printed(const void *bytes, size_t len)
{
	FILE *out = fmemopen(text, sizeof(text), "w");
	size_t end;

	assert_non_null(out);
	assert_int_equal(qr_print(out, bytes, len), SR_OK);
	end = (size_t)ftell(out);
	assert_int_equal(fclose(out), 0);
	return end;
}

/* Reads half blocks back into module; the number of lines. */
static int
read_back(const char *at)
{
	int x = 0, y = 0;

	memset(module, 0, sizeof(module));
	while (*at != '\0') {
		int upper = 0, lower = 0;

		if (*at == '\n') {
			y += 2;
			x = 0;
			at++;
			continue;
		}
		if (*at == ' ') {
			at++;
		} else {
			upper = strncmp(at, "\u2580", 3) == 0 ||
				strncmp(at, "\u2588", 3) == 0;
			lower = strncmp(at, "\u2584", 3) == 0 ||
				strncmp(at, "\u2588", 3) == 0;
			assert_true(upper || lower);
			at += 3;
		}
		assert_true(x < SIDE_MAX && y + 1 < SIDE_MAX);
		module[y][x] = (char)upper;
		module[y + 1][x] = (char)lower;
		x++;
	}
	return y / 2;
}

/* What was read back is the code of those bytes, drawn dark or light. */
static void
is_code_of(const void *bytes, size_t len, QRecLevel level, int dark)
{
	QRcode *code = QRcode_encodeData((int)len, bytes, 0, level);

	assert_non_null(code);
	for (int y = 0; y < code->width + 2 * QUIET; y++)
		for (int x = 0; x < code->width + 2 * QUIET; x++) {
			int cx = x - QUIET, cy = y - QUIET;
			int set = cx >= 0 && cy >= 0 && cx < code->width &&
				  cy < code->width &&
				  (code->data[cy * code->width + cx] & 1);

			assert_int_equal(module[y][x], set ? dark : !dark);
		}
	QRcode_free(code);
}

static void
given_bytes_when_printed_to_a_file_then_the_dark_modules_stand_there(
    void **state)
{
	static const char bytes[] = "strongroom\0\xff\n";

	(void)state;
	printed(bytes, sizeof(bytes));
	assert_true(read_back(text) > 10);
	is_code_of(bytes, sizeof(bytes), QR_ECLEVEL_M, 1);
}

static void
given_as_much_as_a_code_holds_when_printed_then_it_is_done(void **state)
{
	static uint8_t bytes[QR_BYTES_MAX + 1];

	(void)state;
	memset(bytes, 0xa5, sizeof(bytes));
	printed(bytes, QR_BYTES_MAX);
	(void)read_back(text);
	is_code_of(bytes, QR_BYTES_MAX, QR_ECLEVEL_L, 1);
	assert_int_equal(qr_print(stdout, bytes, sizeof(bytes)), SR_TOO_LARGE);
	assert_int_equal(qr_print(stdout, bytes, 0), SR_MALFORMED);
}

/* Prints on a terminal of so many columns; what it showed is in text. */
static enum sr_error
on_terminal(unsigned short columns, const char *bytes)
{
	struct winsize size = {.ws_col = columns, .ws_row = 100};
	int master, slave;
	enum sr_error error;
	size_t len = 0;
	FILE *out;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	out = fdopen(slave, "w");
	assert_non_null(out);
	/* less than what the terminal keeps until it is read */
	error = qr_print(out, bytes, strlen(bytes));
	memset(text, 0, sizeof(text));
	fprintf(out, "#\n");
	fflush(out);
	while (strchr(text, '#') == NULL) {
		ssize_t n = read(master, text + len, sizeof(text) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	*strchr(text, '#') = '\0';
	fclose(out);
	close(master);
	return error;
}

static void
drop_returns(void)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++)
		if (*from != '\r')
			*to++ = *from;
	*to = '\0';
}

static void
given_a_terminal_when_printed_then_colours_unless_NO_COLOR(void **state)
{
	(void)state;
	unsetenv("NO_COLOR");
	assert_int_equal(on_terminal(80, "a"), SR_OK);
	assert_non_null(strstr(text, "\x1b[38;5;16;48;5;231m "));
	assert_non_null(strstr(text, "\x1b[0m"));
	setenv("NO_COLOR", "1", 1);
	assert_int_equal(on_terminal(80, "a"), SR_OK);
	assert_null(strchr(text, '\x1b'));
	drop_returns();
	assert_true(read_back(text) > 10);
	is_code_of("a", 1, QR_ECLEVEL_M, 0);
	unsetenv("NO_COLOR");
}

static void
given_a_narrow_terminal_when_printed_then_nothing_is(void **state)
{
	(void)state;
	assert_int_equal(on_terminal(28, "a"), SR_TOO_LARGE);
	assert_string_equal(text, "");
	assert_int_equal(on_terminal(29, "a"), SR_OK);
}

static void
given_a_full_disk_when_printed_then_it_is_said(void **state)
{
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(qr_print(out, "a", 1), SR_IO);
	(void)fclose(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_bytes_when_printed_to_a_file_then_the_dark_modules_stand_there),
	    cmocka_unit_test(
		given_as_much_as_a_code_holds_when_printed_then_it_is_done),
	    cmocka_unit_test(
		given_a_terminal_when_printed_then_colours_unless_NO_COLOR),
	    cmocka_unit_test(
		given_a_narrow_terminal_when_printed_then_nothing_is),
	    cmocka_unit_test(given_a_full_disk_when_printed_then_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
