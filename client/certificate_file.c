/* SPDX-License-Identifier: ISC */
/* The line of certificate_file.h.  Must never take another line for it. */
#include "client/certificate_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#define MAGIC "strongroom-snapshot-1"

enum { LINE_LEN = sizeof(MAGIC) + 64 + 1 + 2 * ORDER_CERTIFY_LEN + 1 };

enum sr_error
certificate_file_write(const char *path, const uint8_t bank_id[32],
    const struct order_certify *certify)
{
	uint8_t parameters[ORDER_CERTIFY_LEN];
	char bank[65], hex[2 * ORDER_CERTIFY_LEN + 1], line[LINE_LEN + 1];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool good;

	if (fd < 0)
		return errno == EEXIST ? SR_EXISTS : SR_IO;
	order_certify_encode(certify, parameters);
	sodium_bin2hex(bank, sizeof(bank), bank_id, 32);
	sodium_bin2hex(hex, sizeof(hex), parameters, sizeof(parameters));
	snprintf(line, sizeof(line), MAGIC " %s %s\n", bank, hex);
	good = write(fd, line, LINE_LEN) == LINE_LEN && fsync(fd) == 0;
	return close(fd) == 0 && good ? SR_OK : SR_IO;
}

/* Exactly len bytes from their hex digits. */
static bool
from_hex(const char *hex, uint8_t *bytes, size_t len)
{
	size_t done;

	return sodium_hex2bin(bytes, len, hex, 2 * len, NULL, &done, NULL) ==
		   0 &&
	       done == len;
}

enum sr_error
certificate_file_read(
    const char *path, const uint8_t bank_id[32], struct order_certify *certify)
{
	uint8_t bank[32], parameters[ORDER_CERTIFY_LEN];
	char line[LINE_LEN + 1];
	FILE *file = fopen(path, "re");
	size_t len;

	if (file == NULL)
		return SR_IO;
	len = fread(line, 1, sizeof(line), file);
	fclose(file);
	if (len != LINE_LEN || line[LINE_LEN - 1] != '\n' ||
	    memcmp(line, MAGIC " ", sizeof(MAGIC)) != 0 ||
	    !from_hex(line + sizeof(MAGIC), bank, sizeof(bank)) ||
	    line[sizeof(MAGIC) + 64] != ' ' ||
	    !from_hex(
		line + sizeof(MAGIC) + 65, parameters, sizeof(parameters)) ||
	    order_certify_decode(parameters, sizeof(parameters), certify) !=
		SR_OK)
		return SR_MALFORMED;
	return memcmp(bank, bank_id, sizeof(bank)) == 0 ? SR_OK : SR_WRONG_BANK;
}
