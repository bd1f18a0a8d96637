/* SPDX-License-Identifier: ISC */
/* The files of auditor_key.h.  Must never write over one that is there. */
#include "client/auditor_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "client/bankfile.h"
#include "common/noise.h"
#include "common/secret.h"

static const char word_public[] = "strongroom-auditor-public ";
static const char word_secret[] = "strongroom-auditor-secret ";

enum { LINE_MAX_LEN = 128 };

static enum sr_error
key_error(
    const char *program, const char *path, const char *why, enum sr_error error)
{
	fprintf(stderr, "%s: %s: %s\n", program, path, why);
	return error;
}

static enum sr_error
key_write(const char *program, const char *path, const char *word,
    const uint8_t key[32], mode_t mode)
{
	char line[LINE_MAX_LEN], hex[65];
	size_t len;
	bool good;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return key_error(program, path, strerror(errno),
		    errno == EEXIST ? SR_EXISTS : SR_IO);
	bankfile_hex(key, hex);
	len = (size_t)snprintf(line, sizeof(line), "%s%s\n", word, hex);
	good = write(fd, line, len) == (ssize_t)len && fsync(fd) == 0;
	sodium_memzero(line, sizeof(line));
	sodium_memzero(hex, sizeof(hex));
	if (close(fd) != 0 || !good)
		return key_error(program, path, "writing failed", SR_IO);
	return SR_OK;
}

enum sr_error
auditor_key_generate(const char *program, const char *path)
{
	uint8_t public_key[32];
	char public_path[4096];
	enum sr_error error;
	SECRET_32(secret);

	if (snprintf(public_path, sizeof(public_path), "%s.pub", path) >=
	    (int)sizeof(public_path))
		return key_error(program, path, "the name is too long", SR_IO);
	randombytes_buf(secret, sizeof(secret));
	noise_public_key(public_key, secret);
	error = key_write(program, path, word_secret, secret, 0600);
	if (error == SR_OK)
		error = key_write(
		    program, public_path, word_public, public_key, 0644);
	return error;
}

/* The one line of the file: word and hex digits. */
static enum sr_error
key_read(const char *program, const char *path, const char *word,
    bool is_secret, uint8_t key[32])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char line[LINE_MAX_LEN + 1];
	size_t word_len = strlen(word), done;
	struct stat status;
	const char *end;
	ssize_t len = -1;

	if (fd < 0)
		return key_error(program, path, strerror(errno), SR_IO);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		len = read(fd, line, LINE_MAX_LEN);
	close(fd);
	if (len < 0)
		return key_error(program, path, "cannot be read", SR_IO);
	line[len] = '\0';
	if (is_secret && (status.st_mode & 077) != 0) {
		sodium_memzero(line, sizeof(line));
		return key_error(program, path, "others may use it: chmod 600",
		    SR_PERMISSION);
	}
	done = 0;
	if ((size_t)len != word_len + 65 ||
	    strncmp(line, word, word_len) != 0 || line[len - 1] != '\n' ||
	    sodium_hex2bin(key, 32, line + word_len, 64, NULL, &done, &end) !=
		0 ||
	    done != 32 || end != line + word_len + 64) {
		sodium_memzero(line, sizeof(line));
		return key_error(program, path,
		    is_secret ? "is not an auditor's secret key, "
				"or one of a newer version"
			      : "is not an auditor's public key, "
				"or one of a newer version",
		    SR_CONFIG);
	}
	sodium_memzero(line, sizeof(line));
	return SR_OK;
}

enum sr_error
auditor_key_public(const char *program, const char *path, uint8_t key[32])
{
	return key_read(program, path, word_public, false, key);
}

enum sr_error
auditor_key_secret(const char *program, const char *path, uint8_t key[32])
{
	return key_read(program, path, word_secret, true, key);
}
