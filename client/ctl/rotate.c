/* SPDX-License-Identifier: ISC */
/*
 * Rotating a key of a bank that is stopped: its rooms run for the length of
 * the command, behind a socket that only their owner can open.  What was done
 * is read back from what the bank shows to everybody, and checked as an
 * auditor would.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/ctl/bank_process.h"
#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/hint.h"
#include "client/ctl/log_key.h"
#include "client/ctl/shares.h"

#define BASE64_ROOT_LEN \
	sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)

/* A rotation, and both keys as other people's tools take them. */
struct rotated {
	struct rotation_note note;
	bool attestation, channel, password; /* these keys, too */
	char old_vkey[NOTE_VKEY_MAX];
	char new_vkey[NOTE_VKEY_MAX];
};

/* The last note of the log; SR_NOT_FOUND when it is no rotation's. */
static enum sr_error
read_rotated(const struct config *config, struct rotated *out)
{
	struct verify_restore last;
	char message[VERIFY_WHY_MAX], origin[NOTE_ORIGIN_MAX];
	enum sr_error error = log_key_note(config, &last, message);

	if (error == SR_NOT_FOUND)
		return error;
	if (error != SR_OK) {
		fprintf(stderr, "strongroomctl: %s\n", message);
		return error;
	}
	if (!last.rotation ||
	    rotation_note_read(last.bytes, last.len, &out->note) != SR_OK)
		return SR_NOT_FOUND;
	out->attestation = last.attestation;
	out->channel = last.channel;
	out->password = last.password;
	note_origin(out->note.bank_id, out->note.old_epoch, origin);
	note_vkey(origin, out->note.old_key, out->old_vkey);
	note_origin(out->note.bank_id, out->note.new_epoch, origin);
	note_vkey(origin, out->note.new_key, out->new_vkey);
	return SR_OK;
}

static void
report(const struct ctl_options *options, const struct rotated *rotated)
{
	const struct rotation_note *note = &rotated->note;
	char root[BASE64_ROOT_LEN];

	sodium_bin2base64(root, sizeof(root), note->root, sizeof(note->root),
	    sodium_base64_VARIANT_ORIGINAL);
	if (options->json) {
		printf("{\"v\":1,\"old_epoch\":%" PRIu32
		       ",\"new_epoch\":%" PRIu32 ",\"entry\":%" PRIu64
		       ",\"root\":\"%s\",\"time_ms\":%" PRIu64
		       ",\"old_vkey\":\"%s\",\"new_vkey\":\"%s\""
		       ",\"keys\":[\"log-key\"%s%s%s]}\n",
		    note->old_epoch, note->new_epoch, note->size, root,
		    note->time_ms, rotated->old_vkey, rotated->new_vkey,
		    rotated->attestation ? ",\"attestation-key\"" : "",
		    rotated->channel ? ",\"channel-key\"" : "",
		    rotated->password ? ",\"password-key\"" : "");
		return;
	}
	printf("log key   epoch %" PRIu32 " until now, epoch %" PRIu32
	       " from now on\n",
	    note->old_epoch, note->new_epoch);
	printf("last      the old key has signed %" PRIu64
	       " entries, root %s\n",
	    note->size, root);
	printf(
	    "note      entry %" PRIu64 ", signed by both keys\n", note->size);
	printf("old vkey  %s\n", rotated->old_vkey);
	printf("new vkey  %s\n", rotated->new_vkey);
	if (rotated->attestation)
		printf("with it   attestation-key, epoch %" PRIu32
		       " from now on\n",
		    note->new_epoch);
	if (rotated->channel)
		printf("with it   channel-key, epoch %" PRIu32 " from now on\n",
		    note->new_epoch);
	if (rotated->password)
		printf("with it   password-key, epoch %" PRIu32
		       " from now on; each customer's\n"
		       "          password moves to it at the next log-in, "
		       "unnoticed\n",
		    note->new_epoch);
}

/* It would be told by strongroomd, too, but as one failure of many. */
static bool
runs(const struct config *config)
{
	char path[CONFIG_PATH_MAX];
	int control;

	if (config_path(config, "run/control", path) != SR_OK ||
	    control_try(path, &control) != SR_OK)
		return false;
	close(control);
	fprintf(stderr,
	    "strongroomctl: the bank runs: stop it first, this key is rotated "
	    "while it is stopped; nothing has changed\n");
	return true;
}

/* With strongroomd's option for that key. */
static enum sr_error
rotate(const struct ctl_options *options, const char *option)
{
	static struct config config;
	static struct rotated before, after;
	struct bank_process process = {0};
	enum sr_error error = ctl_configuration(options, &config), found;

	if (error != SR_OK)
		return error;
	if (runs(&config))
		return SR_IN_USE;
	found = read_rotated(&config, &before);
	if (found != SR_OK && found != SR_NOT_FOUND)
		return found;
	error = ctl_bank_start(options, &config, option, &process);
	if (error != SR_OK) {
		fprintf(stderr,
		    "strongroomctl: no key was rotated, if the lines above "
		    "say nothing else;\nthe next start of the bank goes on "
		    "with one log key, and status names its origin\n");
		return error;
	}
	if (bank_process_stop(&process) != SR_OK)
		error = ctl_failed("stopping the bank", SR_IO);
	if (read_rotated(&config, &after) != SR_OK ||
	    (found == SR_OK && after.note.size == before.note.size))
		return ctl_failed("the rotation note", SR_NOT_FOUND);
	report(options, &after);
	fprintf(stderr,
	    "The new log key signs from here on, the old one never again. "
	    "Customers need\nnothing: they hold the bank's identity. Receipts, "
	    "checkpoints and anchors of\nbefore remain good, and "
	    "strongroom-verify follows the note. Give the new vkey to\n"
	    "auditors and witnesses whose tools hold a vkey.\n");
	hint_tell_start(&config, options->credential);
	return error;
}

enum sr_error
ctl_rotate_log_key(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, "--rotate-log-key");
}

enum sr_error
ctl_rotate_attestation_key(
    const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, "--rotate-attestation-key");
}

enum sr_error
ctl_rotate_channel_key(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, "--rotate-channel-key");
}

enum sr_error
ctl_rotate_password_key(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return rotate(options, "--rotate-password-key");
}
