/* SPDX-License-Identifier: ISC */
/*
 * The rooms on a restored bank's files, for the length of the command: what
 * they say of them, and the anchor shown to keyd.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/bank_process.h"
#include "client/ctl/control.h"
#include "client/ctl/restore.h"

static enum sr_error
ask_keyd(struct restore *restore, int control)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_keyd_status_get get = {0};
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_keyd_status_get_encode(&w, &get);

	if (error == SR_OK)
		error = control_ask(control, CONTROL_KEYD, bytes,
		    writer_len(&w), MESSAGE_KEYD_STATUS, packet, &body, &len);
	return error == SR_OK
		   ? message_keyd_status_decode(body, len, &restore->keyd)
		   : error;
}

static enum sr_error
ask_ledgerd(struct restore *restore, int control)
{
	uint8_t bytes[16], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_ledgerd_status_get get = {0};
	const uint8_t *body;
	size_t len;
	enum sr_error error = message_ledgerd_status_get_encode(&w, &get);

	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_LEDGERD, bytes, writer_len(&w),
			MESSAGE_LEDGERD_STATUS, packet, &body, &len);
	return error == SR_OK
		   ? message_ledgerd_status_decode(body, len, &restore->ledgerd)
		   : error;
}

/* Shows keyd the anchor: it decides itself whether it is the last head. */
static enum sr_error
confirm(const struct restore *restore, int control)
{
	uint8_t bytes[256], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_restore_confirm question = {
	    .size = restore->anchor.size};
	struct message_restore_confirmed answer;
	const uint8_t *body;
	size_t len;
	enum sr_error error;

	memcpy(question.root, restore->anchor.root, sizeof(question.root));
	memcpy(
	    question.signature, restore->signature, sizeof(question.signature));
	error = message_restore_confirm_encode(&w, &question);
	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_KEYD, bytes, writer_len(&w),
			MESSAGE_RESTORE_CONFIRMED, packet, &body, &len);
	if (error == SR_OK)
		error = message_restore_confirmed_decode(body, len, &answer);
	if (error == SR_OK)
		error = error_of_wire(answer.error);
	return error == SR_OK ? SR_OK : ctl_failed("keyd", error);
}

/* What the rooms say of the files, and what is to be done with a copy. */
static enum sr_error
with_rooms(struct restore *restore, int control, bool check)
{
	const struct manifest *manifest = &restore->set.manifest;
	enum sr_error error = ask_keyd(restore, control);

	if (error == SR_OK)
		error = ask_ledgerd(restore, control);
	if (error != SR_OK)
		return ctl_failed("the restored bank", error);
	/* they may have logged at once what a crash had left undone */
	if (restore->keyd.tree_size < manifest->size ||
	    restore->ledgerd.tree_size < manifest->size)
		return ctl_failed("the restored bank", SR_ROLLED_BACK);
	if (check || !restore->keyd.copy)
		return SR_OK;
	return restore->anchored ? confirm(restore, control)
				 : ctl_restore_no_anchor(restore);
}

static enum sr_error
start(const struct restore *restore, const struct config *config,
    const char *option, struct bank_process *process)
{
	enum sr_error error;
	int secret = -1;

	if (restore->secret.kind != 0) {
		error = ctl_unlock_pipe(&restore->secret, &secret);
		if (error != SR_OK)
			return error;
	}
	error = bank_process_start_with(
	    process, config->file, option, restore->secret.kind, secret);
	if (secret >= 0)
		close(secret);
	return error;
}

/*
 * A room that refuses the files ends, and the bank with it (SR_INTERNAL).
 * Whatever ended it before, as a secret that opens nothing, says nothing of
 * them: nobody is to lose entries for it.
 */
static void
tell_not_started(
    const struct restore *restore, const struct bank_process *process)
{
	fprintf(stderr,
	    "strongroomctl: the bank does not start on the backup's files; "
	    "its own lines say why.");
	if (process->status == error_exit(SR_INTERNAL))
		fprintf(stderr,
		    " Only if they say that keyd has signed more than the "
		    "%" PRIu64
		    " entries of the backup, restore --accept-loss goes back "
		    "to it",
		    restore->set.manifest.size);
	fprintf(stderr, "\n");
}

/* Starts the rooms on what was put in place, and ends them. */
enum sr_error
ctl_restore_rooms(struct restore *restore, const struct config *config,
    const char *option, bool check)
{
	struct bank_process process = {0};
	int control = -1;
	enum sr_error error = start(restore, config, option, &process);

	if (error != SR_OK) {
		tell_not_started(restore, &process);
		return error;
	}
	error = ctl_control(config, &control);
	if (error == SR_OK && option != NULL)
		error = with_rooms(restore, control, check);
	if (control >= 0)
		close(control);
	if (bank_process_stop(&process) != SR_OK && error == SR_OK)
		error = ctl_failed("stopping the bank", SR_IO);
	return error;
}
