/* SPDX-License-Identifier: ISC */
/*
 * lock and unlock: asked of strongroomd over the control socket.  A
 * passphrase goes to strongroom-unlock through a pipe of which strongroomd
 * only hands on the end; here it is wiped as soon as it is in the pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/prompt.h"
#include "gen/messages.h"

/* strongroomd kills what has not ended after 5 s. */
#define LOCK_WAIT_MS 60000
/* A start reads all that came after the last snapshot. */
#define UNLOCK_WAIT_MS 600000

static enum sr_error
no_answer(enum sr_error error)
{
	fprintf(stderr,
	    "strongroomctl: no answer from strongroomd: `strongroomctl "
	    "status' tells what became of it\n");
	return error;
}

enum sr_error
ctl_lock(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	struct message_locked locked = {0};
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const uint8_t *body;
	size_t len;
	enum sr_error error = ctl_configuration(options, &config);
	int fd;

	(void)words;
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = message_lock_encode(&w, &(struct message_lock){0});
	if (error == SR_OK)
		error = control_ask_handing(fd, CONTROL_MONITOR, bytes,
		    writer_len(&w), -1, LOCK_WAIT_MS, MESSAGE_LOCKED, packet,
		    &body, &len);
	if (error == SR_OK)
		error = message_locked_decode(body, len, &locked);
	close(fd);
	if (error == SR_UNREACHABLE)
		return no_answer(error);
	if (error != SR_OK)
		return ctl_failed("lock", error);
	fprintf(stderr, "%s\n",
	    locked.already
		? "the bank was locked already"
		: "the bank is locked: no key is in memory, customers are "
		  "turned away until `strongroomctl unlock'");
	return SR_OK;
}

/* The read end of a pipe that holds the passphrase and has no writer. */
static enum sr_error
passphrase_pipe(const char *passphrase, size_t len, int *out)
{
	int ends[2];
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return SR_IO;
	/* A pipe takes a page at least. */
	n = write(ends[1], passphrase, len);
	close(ends[1]);
	if (n != (ssize_t)len) {
		close(ends[0]);
		return SR_IO;
	}
	*out = ends[0];
	return SR_OK;
}

/*
 * Reads a passphrase if one is to be given: from --passphrase-fd, or from the
 * terminal when the configured file is not there.  *out is -1 without one.
 */
static enum sr_error
passphrase_ask(const struct ctl_options *options, const char *file, int *out)
{
	const struct prompt_source source = {.fd = options->passphrase_fd};
	char passphrase[PROMPT_SECRET_MAX + 1];
	size_t len = 0;
	enum sr_error error;

	*out = -1;
	if (options->passphrase_fd < 0) {
		if (access(file, F_OK) == 0 || errno != ENOENT)
			return SR_OK;
		if (!prompt_interactive()) {
			fprintf(stderr,
			    "strongroomctl: %s is not there: give the "
			    "passphrase by --passphrase-fd N\n",
			    file);
			return SR_USAGE;
		}
	}
	error = prompt_secret(&source, "Passphrase: ", passphrase, &len);
	if (error == SR_OK)
		error = passphrase_pipe(passphrase, len, out);
	sodium_memzero(passphrase, sizeof(passphrase));
	return error;
}

static enum sr_error
unlock_failed(enum sr_error error)
{
	(void)ctl_failed("the bank stays locked", error);
	if (error != SR_PASSPHRASE && error != SR_UNLOCK && error != SR_LOCKED)
		fprintf(stderr, "strongroomctl: strongroomd's diagnostics say "
				"more\n");
	return error;
}

enum sr_error
ctl_unlock(const struct ctl_options *options, char *const words[])
{
	static struct config config;
	struct message_unlock unlock = {0};
	struct message_unlocked unlocked = {0};
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	const uint8_t *body;
	size_t len;
	enum sr_error error = ctl_configuration(options, &config);
	int fd, passphrase;

	(void)words;
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = passphrase_ask(options, config.passphrase_file, &passphrase);
	if (error != SR_OK) {
		close(fd);
		return error;
	}
	unlock.passphrase = passphrase >= 0;
	error = message_unlock_encode(&w, &unlock);
	if (error == SR_OK)
		error = control_ask_handing(fd, CONTROL_MONITOR, bytes,
		    writer_len(&w), passphrase, UNLOCK_WAIT_MS,
		    MESSAGE_UNLOCKED, packet, &body, &len);
	if (error == SR_OK)
		error = message_unlocked_decode(body, len, &unlocked);
	if (passphrase >= 0)
		close(passphrase);
	close(fd);
	if (error == SR_UNREACHABLE)
		return no_answer(error);
	if (error != SR_OK)
		return unlock_failed(error);
	fprintf(stderr, "%s\n",
	    unlocked.already
		? "the bank was open already: no passphrase was looked at"
		: "the bank is open: customers are served");
	return SR_OK;
}
