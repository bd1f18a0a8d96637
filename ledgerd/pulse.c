/* SPDX-License-Identifier: ISC */
/* A pulse, to the disk and back (pulse.h). */
#include "ledgerd/pulse.h"

#include "common/diag.h"
#include "ledgerd/ledgerd.h"

#define PULSE_PATH "ledger/pulse"

void
ledgerd_take_keyd_pulse_ledgerd(
    struct ledgerd *ledgerd, const struct message_pulse_ledgerd *m)
{
	const struct message_pulse_seen seen = {.number = m->number};
	uint8_t bytes[MESSAGE_PULSE_SEEN_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));

	ledgerd->pulse.waits = true;
	ledgerd->pulse.number = m->number;
	/* room in there is for answers */
	if (outbox_empty(&ledgerd->control_out) &&
	    message_pulse_seen_encode(&w, &seen) == SR_OK)
		(void)outbox_append(
		    &ledgerd->control_out, bytes, writer_len(&w));
}

static uint64_t
since_ms(const struct ledgerd *ledgerd)
{
	return env_boot_ms(ledgerd->env) - ledgerd->pulse.written_ms;
}

/* Without room for the answer it waits until strongroomd has read. */
static bool
waits(const struct ledgerd *ledgerd)
{
	return ledgerd->pulse.waits &&
	       outbox_free(&ledgerd->control_out) >= MESSAGE_PULSE_DONE_MAX;
}

int
pulse_wait_ms(const struct ledgerd *ledgerd, int timeout_ms)
{
	uint64_t since = since_ms(ledgerd);
	int left_ms = since < PULSE_MS ? PULSE_MS - (int)since : 0;

	if (!waits(ledgerd))
		return timeout_ms;
	return timeout_ms < 0 || left_ms < timeout_ms ? left_ms : timeout_ms;
}

/* A refusal of the sync is none: what is on the disk is not known. */
static enum sr_error
write_and_sync(struct ledgerd *ledgerd)
{
	struct env *env = ledgerd->env;
	uint8_t bytes[sizeof(uint64_t)];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error;
	env_file file;

	writer_u64(&w, ledgerd->pulse.number);
	error = env_open(env, PULSE_PATH, ENV_WRITE_OR_CREATE, &file);
	if (error != SR_OK)
		return error;
	error = env_write(env, file, 0, bytes, sizeof(bytes));
	if (error == SR_OK && env_sync(env, file) != SR_OK)
		error = SR_IO;
	if (env_close(env, file) != SR_OK && error == SR_OK)
		error = SR_IO;
	return error;
}

enum sr_error
pulse_step(struct ledgerd *ledgerd)
{
	const struct message_pulse_done done = {
	    .number = ledgerd->pulse.number};
	uint8_t bytes[MESSAGE_PULSE_DONE_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	enum sr_error error;

	if (!waits(ledgerd) || since_ms(ledgerd) < PULSE_MS)
		return SR_OK;
	ledgerd->pulse.waits = false;
	ledgerd->pulse.written_ms = env_boot_ms(ledgerd->env);
	error = write_and_sync(ledgerd);
	if (error != SR_OK && !admission_is_refusal(error)) {
		diag_error(PULSE_PATH ": %s", error_sentence(error));
		return error;
	}
	error = message_pulse_done_encode(&w, &done);
	return error == SR_OK
		   ? outbox_append(&ledgerd->control_out, bytes, writer_len(&w))
		   : error;
}
