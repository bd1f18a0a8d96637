/* SPDX-License-Identifier: ISC */
/*
 * Passphrases and credentials, from wherever they come.
 */
#include "client/ctl/unlock_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "policy/sandbox_steps.h"

void
ctl_unlock_guard(struct ctl_unlock_secret *secret)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
#if !SANDBOX_IS_INSTRUMENTED /* which needs ptrace at the end */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	if (secret != NULL)
		(void)sodium_mlock(secret, sizeof(*secret));
}

static enum sr_error
secret_failed(const char *what, const char *path, const char *why)
{
	fprintf(stderr, "strongroomctl: %s %s: %s\n", what, path, why);
	return SR_CONFIG;
}

static enum sr_error
credential_failed(const char *path, const char *why)
{
	return secret_failed("credential", path, why);
}

static enum sr_error
prompt_passphrase(
    const struct prompt_source *source, struct ctl_unlock_secret *out)
{
	out->kind = SEALED_PASSPHRASE;
	return prompt_secret(source, "Passphrase: ", out->bytes, &out->len);
}

/* A file that nobody else could read or write. */
static enum sr_error
open_secret(const char *what, const char *path, int *fd)
{
	struct stat status;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &status) != 0)
		return secret_failed(what, path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return secret_failed(what, path, "it is not a file");
	if ((status.st_mode & 077) != 0)
		return secret_failed(
		    what, path, "others can read it; chmod 600 it");
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return secret_failed(what, path,
		    "it belongs to another user, who can read it; chown it");
	return SR_OK;
}

enum sr_error
ctl_passphrase_read(const char *path, struct ctl_unlock_secret *out)
{
	const struct prompt_source source = {.fd = -1, .file = path};
	int fd;
	enum sr_error error = open_secret("passphrase file", path, &fd);

	if (fd >= 0)
		close(fd);
	return error == SR_OK ? prompt_passphrase(&source, out) : error;
}

enum sr_error
ctl_credential_read(const char *path, uint8_t out[SEALED_SECRET_LEN])
{
	uint8_t bytes[SEALED_SECRET_LEN + 1];
	int fd;
	enum sr_error error = open_secret("credential", path, &fd);
	ssize_t n;

	if (error == SR_OK) {
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0)
			error = credential_failed(path, strerror(errno));
		else if (n == SEALED_SECRET_LEN)
			memcpy(out, bytes, SEALED_SECRET_LEN);
		else
			error = SR_MALFORMED;
		if (error == SR_MALFORMED)
			(void)credential_failed(
			    path, "it must have 32 bytes, random ones");
		sodium_memzero(bytes, sizeof(bytes));
	}
	if (fd >= 0)
		close(fd);
	return error;
}

enum sr_error
ctl_credential_make(const char *path, uint8_t out[SEALED_SECRET_LEN])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool good;

	if (fd < 0)
		return errno == EEXIST
			   ? ctl_credential_read(path, out)
			   : credential_failed(path, strerror(errno));
	randombytes_buf(out, SEALED_SECRET_LEN);
	good = write(fd, out, SEALED_SECRET_LEN) == SEALED_SECRET_LEN &&
	       fsync(fd) == 0;
	if (close(fd) != 0 || !good)
		return credential_failed(path, strerror(errno));
	fprintf(stderr, "%s: new credential written; keep a copy elsewhere\n",
	    path);
	return SR_OK;
}

bool
ctl_credential_beside(
    const struct config *config, char path[CONFIG_PATH_MAX], bool *there)
{
	const char *slash = strrchr(config->file, '/');
	int n;

	*there = false;
	if (config->unlock != CONFIG_UNLOCK_CREDENTIAL || slash == NULL)
		return false;
	n = snprintf(path, CONFIG_PATH_MAX, "%.*s/%s",
	    (int)(slash - config->file), config->file, config->credential);
	if (n < 0 || n >= CONFIG_PATH_MAX)
		return false;
	/* what we may not look into is there */
	*there = access(path, F_OK) == 0 || errno != ENOENT;
	return true;
}

/* What systemd hands to the service, for a command without it. */
static enum sr_error
unlock_beside(const char *path, struct ctl_unlock_secret *out)
{
	fprintf(stderr, "strongroomctl: %s opens the keys\n", path);
	out->kind = SEALED_CREDENTIAL;
	out->len = SEALED_SECRET_LEN;
	return ctl_credential_read(path, (uint8_t *)out->bytes);
}

enum sr_error
ctl_unlock_secret(const struct ctl_options *options,
    const struct config *config, bool itself, struct ctl_unlock_secret *out)
{
	const struct prompt_source source = {.fd = options->passphrase_fd};
	const char *file = config->passphrase_file;
	char beside[CONFIG_PATH_MAX];
	bool there = false;

	*out = (struct ctl_unlock_secret){0};
	ctl_unlock_guard(out);
	if (options->credential != NULL && options->passphrase_fd >= 0) {
		fprintf(stderr, "strongroomctl: one of --credential and "
				"--passphrase-fd opens the keys\n");
		return SR_USAGE;
	}
	if (options->credential != NULL) {
		out->kind = SEALED_CREDENTIAL;
		out->len = SEALED_SECRET_LEN;
		return ctl_credential_read(
		    options->credential, (uint8_t *)out->bytes);
	}
	if (options->passphrase_fd < 0) {
		if (file[0] != '\0' &&
		    (access(file, F_OK) == 0 || errno != ENOENT))
			return itself ? ctl_passphrase_read(file, out) : SR_OK;
		/* strongroomd may have the credential, nobody else has. */
		if (!itself && config->unlock == CONFIG_UNLOCK_CREDENTIAL)
			return SR_OK;
		if (ctl_credential_beside(config, beside, &there))
			file = beside;
		if (there)
			return unlock_beside(beside, out);
		if (!prompt_interactive()) {
			fprintf(stderr,
			    "strongroomctl: %s%sgive what opens the keys by "
			    "--passphrase-fd N, --credential FILE or --shares\n",
			    file, file[0] != '\0' ? " is not there: " : "");
			return SR_USAGE;
		}
	}
	return prompt_passphrase(&source, out);
}

enum sr_error
ctl_unlock_pipe(const struct ctl_unlock_secret *secret, int *fd)
{
	int ends[2];
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return SR_IO;
	/* A pipe takes a page at least. */
	n = write(ends[1], secret->bytes, secret->len);
	close(ends[1]);
	if (n != (ssize_t)secret->len) {
		close(ends[0]);
		return SR_IO;
	}
	*fd = ends[0];
	return SR_OK;
}

enum sr_error
ctl_unlock_error(enum sr_error error, enum sealed_kind kind)
{
	if (error != SR_UNLOCK)
		return error;
	switch (kind) {
	case SEALED_PASSPHRASE:
		return SR_PASSPHRASE;
	case SEALED_CREDENTIAL:
		return SR_CREDENTIAL;
	case SEALED_SHARES:
		return SR_SHARES;
	}
	return error;
}
