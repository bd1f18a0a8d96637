/* SPDX-License-Identifier: ISC */
/*
 * QR codes in half blocks, by libqrencode.  Must never print half a code: a
 * camera says no more than that it sees none.
 */
#include "client/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { QUIET_ZONE = 4 };

/* Black on white, of the colours that no palette changes. */
#define COLOURS "\x1b[38;5;16;48;5;231m"
#define COLOURS_END "\x1b[0m"

/* Whether the module at that place, perhaps of the quiet zone, is dark. */
static bool
is_dark(const QRcode *code, int x, int y)
{
	x -= QUIET_ZONE;
	y -= QUIET_ZONE;
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1) != 0;
}

static void
print_line(FILE *out, const QRcode *code, int y, bool light)
{
	static const char *const blocks[2][2] = {
	    {" ", "\u2584"}, {"\u2580", "\u2588"}};

	for (int x = 0; x < code->width + 2 * QUIET_ZONE; x++)
		fputs(blocks[is_dark(code, x, y) != light]
			    [is_dark(code, x, y + 1) != light],
		    out);
}

static bool
is_wider(int fd, int columns)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
	       size.ws_col < columns;
}

static enum sr_error
print_code(FILE *out, const QRcode *code)
{
	int fd = fileno(out), columns = code->width + 2 * QUIET_ZONE;
	const char *no_color = getenv("NO_COLOR");
	bool terminal = fd >= 0 && isatty(fd) != 0;
	bool colours = terminal && (no_color == NULL || *no_color == '\0');

	if (terminal && is_wider(fd, columns))
		return SR_TOO_LARGE;
	for (int y = 0; y < columns; y += 2) {
		if (colours)
			fputs(COLOURS, out);
		print_line(out, code, y, terminal && !colours);
		fputs(colours ? COLOURS_END "\n" : "\n", out);
	}
	return fflush(out) == 0 && ferror(out) == 0 ? SR_OK : SR_IO;
}

enum sr_error
qr_print(FILE *out, const void *bytes, size_t len)
{
	QRcode *code;
	enum sr_error error;

	if (len == 0)
		return SR_MALFORMED;
	if (len > QR_BYTES_MAX)
		return SR_TOO_LARGE;
	code = QRcode_encodeData((int)len, bytes, 0, QR_ECLEVEL_M);
	if (code == NULL && errno == ERANGE)
		code = QRcode_encodeData((int)len, bytes, 0, QR_ECLEVEL_L);
	if (code == NULL)
		return errno == ERANGE ? SR_TOO_LARGE : SR_MEMORY;
	error = print_code(out, code);
	QRcode_free(code);
	return error;
}
