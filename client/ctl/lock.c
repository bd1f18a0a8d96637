/* SPDX-License-Identifier: ISC */
/*
 * lock and unlock: asked of strongroomd over the control socket.  A secret
 * goes to strongroom-unlock through a pipe of which strongroomd
 * only hands on the end; here it is wiped as soon as it is in the pipe.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/seal.h"
#include "client/ctl/shares.h"
#include "client/ctl/unlock_secret.h"
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

static enum sr_error
unlock_failed(enum sr_error error)
{
	(void)ctl_failed("the bank stays locked", error);
	if (error_exit(error) != error_exit(SR_PASSPHRASE) &&
	    error != SR_UNLOCK && error != SR_LOCKED)
		fprintf(stderr, "strongroomctl: strongroomd's diagnostics say "
				"more\n");
	return error;
}

/* Shares where they are asked for or nothing else opens the bank: which, the
 * sealed root tells. */
static enum sr_error
unlock_secret(const struct ctl_options *options, const struct config *config,
    int fd, struct ctl_unlock_secret *secret)
{
	static struct sealed sealed;
	enum sr_error error;

	*secret = (struct ctl_unlock_secret){0};
	error = ctl_sealed_get(fd, &sealed);
	if (error == SR_OK)
		return ctl_present_secret(
		    options, config, &sealed, false, secret);
	if (options->shares || options->share_file_count > 0)
		return ctl_failed("root.sealed", error);
	/* what is wrong with it, strongroom-unlock says best */
	return ctl_unlock_secret(options, config, false, secret);
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
	struct ctl_unlock_secret secret;
	int fd, pipe = -1;

	(void)words;
	if (error == SR_OK)
		error = ctl_control(&config, &fd);
	if (error != SR_OK)
		return error;
	error = unlock_secret(options, &config, fd, &secret);
	if (error == SR_OK && secret.kind != 0)
		error = ctl_unlock_pipe(&secret, &pipe);
	unlock.kind = (uint8_t)secret.kind;
	sodium_memzero(&secret, sizeof(secret));
	if (error != SR_OK) {
		close(fd);
		return error;
	}
	error = message_unlock_encode(&w, &unlock);
	if (error == SR_OK)
		error = control_ask_handing(fd, CONTROL_MONITOR, bytes,
		    writer_len(&w), pipe, UNLOCK_WAIT_MS, MESSAGE_UNLOCKED,
		    packet, &body, &len);
	if (error == SR_OK)
		error = message_unlocked_decode(body, len, &unlocked);
	if (pipe >= 0)
		close(pipe);
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
