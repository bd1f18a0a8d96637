/* SPDX-License-Identifier: ISC */
/*
 * bank.id.  Must never give out an identity whose hash is not the bank id:
 * the two are what a customer pins.
 */
#include "client/bankfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ini_file.h"
#include "common/certificate.h"
#include "common/name.h"

_Static_assert((int)BANKFILE_MESSAGE_MAX == (int)INI_FILE_MESSAGE_MAX, "");

static bool
set_name(void *context, const char *value)
{
	struct bankfile *bank = context;

	return value[0] != '\0' &&
	       ini_file_copy(value, bank->name, BANKFILE_NAME_MAX) &&
	       name_display_check(value, strlen(value)) == SR_OK;
}

static bool
set_bank_id(void *context, const char *value)
{
	struct bankfile *bank = context;

	return ini_file_unhex(value, bank->bank_id);
}

static bool
set_identity(void *context, const char *value)
{
	struct bankfile *bank = context;

	return ini_file_unhex(value, bank->identity);
}

static bool
set_unit(void *context, const char *value)
{
	struct bankfile *bank = context;

	return money_unit_parse(value, &bank->unit) == SR_OK;
}

static bool
set_address(void *context, const char *value)
{
	struct bankfile *bank = context;

	return value[0] != '\0' && bank->address_count < BANKFILE_ADDRESSES &&
	       ini_file_copy(value, bank->addresses[bank->address_count++],
		   BANKFILE_ADDRESS_MAX);
}

static const struct ini_file_key keys[] = {
    {"name", set_name, "1 to 64 bytes of printable text", true, false},
    {"bank-id", set_bank_id, "64 hex digits", true, false},
    {"identity", set_identity, "64 hex digits", true, false},
    {"unit", set_unit, "a unit as EUR:2", true, false},
    {"address", set_address,
	"host:port, [v6]:port or unix:PATH, at most 16 times", false, true},
};

enum sr_error
bankfile_read(const char *path, struct bankfile *out, char *message)
{
	struct bankfile bank = {0};
	struct ini_file file = {
	    .path = path,
	    .section = "bank",
	    .keys = keys,
	    .key_count = sizeof(keys) / sizeof(keys[0]),
	    .context = &bank,
	    .message = message,
	};
	FILE *stream = fopen(path, "re");
	uint8_t bank_id[32];
	enum sr_error error;

	if (stream == NULL) {
		snprintf(message, BANKFILE_MESSAGE_MAX, "%.200s: %s", path,
		    strerror(errno));
		return SR_IO;
	}
	error = ini_file_read(&file, stream);
	fclose(stream);
	if (error != SR_OK)
		return error;
	bank_id_of(bank.identity, bank_id);
	if (memcmp(bank_id, bank.bank_id, sizeof(bank_id)) != 0) {
		snprintf(message, BANKFILE_MESSAGE_MAX,
		    "%.200s: bank-id is not the hash of identity; get this "
		    "file again from the bank's people",
		    path);
		return SR_CONFIG;
	}
	*out = bank;
	return SR_OK;
}

void
bankfile_put(FILE *out, const struct bankfile *bank)
{
	char bank_id[65], identity[65];

	bankfile_hex(bank->bank_id, bank_id);
	bankfile_hex(bank->identity, identity);
	fprintf(out,
	    "# Who has this file knows the bank by its key. Hand it over in "
	    "person.\n"
	    "[bank]\nname = %s\nbank-id = %s\nidentity = %s\nunit = %s:%u\n",
	    bank->name, bank_id, identity, bank->unit.code,
	    bank->unit.exponent);
	for (size_t i = 0; i < bank->address_count; i++)
		fprintf(out, "address = %s\n", bank->addresses[i]);
}

static enum sr_error
bankfile_print(const char *path, const struct bankfile *bank)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *stream = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool good;

	if (stream == NULL) {
		if (fd >= 0)
			close(fd);
		return SR_IO;
	}
	bankfile_put(stream, bank);
	good = fflush(stream) == 0 && !ferror(stream) && fsync(fd) == 0;
	return fclose(stream) == 0 && good ? SR_OK : SR_IO;
}

enum sr_error
bankfile_write(const char *path, const struct bankfile *bank, char *message)
{
	struct bankfile wanted = *bank;
	struct bankfile read_back;
	char temporary[4096];
	enum sr_error error;
	int n = snprintf(temporary, sizeof(temporary), "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		snprintf(message, BANKFILE_MESSAGE_MAX, "the path is too long");
		return SR_IO;
	}
	bank_id_of(wanted.identity, wanted.bank_id);
	errno = 0;
	error = bankfile_print(temporary, &wanted);
	if (error != SR_OK)
		snprintf(message, BANKFILE_MESSAGE_MAX, "%.200s: %s", temporary,
		    strerror(errno));
	/* What the reader makes of it is what counts. */
	if (error == SR_OK)
		error = bankfile_read(temporary, &read_back, message);
	if (error == SR_OK &&
	    (strcmp(read_back.name, wanted.name) != 0 ||
		read_back.address_count != wanted.address_count)) {
		snprintf(message, BANKFILE_MESSAGE_MAX,
		    "%.200s: the name or an address cannot be written", path);
		error = SR_CONFIG;
	}
	if (error == SR_OK && rename(temporary, path) != 0) {
		snprintf(message, BANKFILE_MESSAGE_MAX, "%.200s: %s", path,
		    strerror(errno));
		error = SR_IO;
	}
	if (error != SR_OK)
		unlink(temporary);
	return error;
}

void
bankfile_hex(const uint8_t bytes[32], char out[65])
{
	sodium_bin2hex(out, 65, bytes, 32);
}
