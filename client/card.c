/* SPDX-License-Identifier: ISC */
/*
 * Cards.  Must never make a card that others can read, nor use one.
 */
#include "client/card.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ini_file.h"
#include "common/name.h"

_Static_assert((int)CARD_MESSAGE_MAX == (int)INI_FILE_MESSAGE_MAX, "");
_Static_assert(CARD_NAME_MAX == NAME_LEN_MAX, "");

void
card_draw_password(struct card *card)
{
	/* 32 symbols, so that each takes exactly five bits of a byte. */
	static const char symbols[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t bytes[CARD_PASSWORD_LEN];

	randombytes_buf(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		card->password[i] = symbols[bytes[i] & 31];
	card->password[CARD_PASSWORD_LEN] = '\0';
	sodium_memzero(bytes, sizeof(bytes));
}

static bool
set_bank_id(void *context, const char *value)
{
	struct card *card = context;

	return ini_file_unhex(value, card->bank_id);
}

static bool
set_name(void *context, const char *value)
{
	struct card *card = context;

	return name_check(value, strlen(value)) == SR_OK &&
	       ini_file_copy(value, card->name, CARD_NAME_MAX);
}

static bool
set_password(void *context, const char *value)
{
	struct card *card = context;

	for (const char *c = value; *c != '\0'; c++)
		if (!((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= 'a' && *c <= 'z')))
			return false;
	return strlen(value) >= CARD_PASSWORD_MIN &&
	       ini_file_copy(value, card->password, CARD_PASSWORD_MAX);
}

/* A positive number without sign or leading zeros. */
static bool
set_number(const char *value, uint32_t *out)
{
	uint64_t n = 0;

	if (value[0] == '0')
		return false;
	for (const char *c = value; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return false;
		n = n * 10 + (uint64_t)(*c - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)n;
	return n > 0;
}

static bool
set_terminal(void *context, const char *value)
{
	struct card *card = context;

	return set_number(value, &card->terminal);
}

static bool
set_epoch(void *context, const char *value)
{
	struct card *card = context;

	return set_number(value, &card->epoch);
}

static bool
set_psk(void *context, const char *value)
{
	struct card *card = context;

	return ini_file_unhex(value, card->psk);
}

static bool
set_denominations(void *context, const char *value)
{
	struct card *card = context;

	return denominations_parse(value, NULL, &card->denominations) == SR_OK;
}

static const struct ini_file_key keys[] = {
    {"bank-id", set_bank_id, "64 hex digits", true, false},
    {"name", set_name, "3 to 32 of a-z 0-9 . _ -", true, false},
    {"password", set_password, "32 to 128 letters and digits", true, false},
    {"terminal", set_terminal, "a number from 1", false, false},
    {"epoch", set_epoch, "a number from 1", false, false},
    {"psk", set_psk, "64 hex digits", false, false},
    {"denominations", set_denominations, "amounts in the smallest unit", false,
	false},
};

/*
 * The three keys of a terminal come together or not at all, and only it has
 * denominations.
 */
static bool
terminal_complete(const struct card *card)
{
	bool psk = !sodium_is_zero(card->psk, sizeof(card->psk));

	return (card->terminal != 0) == (card->epoch != 0) &&
	       (card->terminal != 0) == psk &&
	       (card->terminal != 0 || card->denominations.count == 0);
}

static enum sr_error
card_say(char *message, const char *path, const char *what, enum sr_error error)
{
	snprintf(message, CARD_MESSAGE_MAX, "%.200s: %s", path, what);
	return error;
}

/* A regular file, and its owner's alone. */
static enum sr_error
card_check_file(int fd, const char *path, char *message)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return card_say(message, path, strerror(errno), SR_IO);
	if (!S_ISREG(status.st_mode))
		return card_say(message, path, "is not a file", SR_IO);
	if ((status.st_mode & 077) != 0)
		return card_say(message, path,
		    "others than its owner may use this card: chmod 600, and "
		    "have it replaced if somebody could have read it",
		    SR_PERMISSION);
	return SR_OK;
}

enum sr_error
card_read(const char *path, struct card *out, char *message)
{
	struct ini_file file = {
	    .path = path,
	    .section = "card",
	    .keys = keys,
	    .key_count = sizeof(keys) / sizeof(keys[0]),
	    .context = out,
	    .message = message,
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char buffer[4096];
	FILE *stream;
	enum sr_error error;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return card_say(message, path, strerror(errno), SR_IO);
	error = card_check_file(fd, path, message);
	stream = error == SR_OK ? fdopen(fd, "r") : NULL;
	if (stream == NULL) {
		close(fd);
		return error != SR_OK
			   ? error
			   : card_say(message, path, strerror(errno), SR_IO);
	}
	/* A buffer of ours, which can be wiped. */
	if (setvbuf(stream, buffer, _IOFBF, sizeof(buffer)) != 0)
		error = card_say(message, path, "cannot be read", SR_IO);
	else
		error = ini_file_read(&file, stream);
	fclose(stream);
	sodium_memzero(buffer, sizeof(buffer));
	if (error == SR_OK && !terminal_complete(out))
		error = card_say(message, path,
		    "terminal, epoch and psk belong together", SR_CONFIG);
	if (error != SR_OK)
		card_wipe(out);
	return error;
}

static int
card_print(const struct card *card, char *out, size_t room)
{
	char bank_id[65], psk[65], pays[DENOMINATIONS_TEXT_MAX];
	int n, m = 0, p = 0;

	sodium_bin2hex(bank_id, sizeof(bank_id), card->bank_id, 32);
	sodium_bin2hex(psk, sizeof(psk), card->psk, 32);
	n = snprintf(out, room,
	    "# Whoever has this file can log in with it.\n"
	    "[card]\nbank-id = %s\nname = %s\npassword = %s\n",
	    bank_id, card->name, card->password);
	if (card->terminal != 0 && n > 0 && (size_t)n < room)
		m = snprintf(out + n, room - (size_t)n,
		    "terminal = %u\nepoch = %u\npsk = %s\n", card->terminal,
		    card->epoch, psk);
	denominations_print(&card->denominations, pays);
	if (pays[0] != '\0' && m > 0 && (size_t)(n + m) < room)
		p = snprintf(out + n + m, room - (size_t)(n + m),
		    "denominations = %s\n", pays);
	sodium_memzero(psk, sizeof(psk));
	return n + m + p;
}

static enum sr_error
card_write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return SR_IO;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? SR_OK : SR_IO;
}

enum sr_error
card_write(const char *path, const struct card *card, char *message)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct card read_back;
	char text[1024];
	int len = card_print(card, text, sizeof(text));
	enum sr_error error;

	if (fd < 0) {
		sodium_memzero(text, sizeof(text));
		return errno == EEXIST
			   ? card_say(
				 message, path, "exists already", SR_EXISTS)
			   : card_say(message, path, strerror(errno), SR_IO);
	}
	error = card_write_all(fd, text, (size_t)len);
	sodium_memzero(text, sizeof(text));
	if (error != SR_OK)
		card_say(message, path, strerror(errno), error);
	if (close(fd) != 0 && error == SR_OK)
		error = card_say(message, path, strerror(errno), SR_IO);
	/* What the reader makes of it is what counts. */
	if (error == SR_OK)
		error = card_read(path, &read_back, message);
	card_wipe(&read_back);
	if (error != SR_OK)
		unlink(path);
	return error;
}

void
card_wipe(struct card *card)
{
	sodium_memzero(card, sizeof(*card));
}
