/* SPDX-License-Identifier: ISC */
/*
 * One look at the links, one commit, again.  keyd comes first, then
 * strongroomd, then netd, who is read only as far as there is room for its
 * messages and for the answers to them.
 */
#include "ledgerd/ledgerd.h"

#include <string.h>

#include <sodium.h>

#include "common/diag.h"
#include "common/secret.h"
#include "ledgerd/answer.h"
#include "ledgerd/commit.h"
#include "ledgerd/control.h"
#include "ledgerd/intake.h"
#include "ledgerd/keyd_link.h"
#include "ledgerd/pulse.h"
#include "ledgerd/refusals.h"
#include "ledgerd/seals.h"

enum {
	/* How often sessions are looked at when nothing else happens. */
	SWEEP_MS = 1000,
	/* How long the last answers may take to leave. */
	DRAIN_MS = 1000,
};

enum sr_error
ledgerd_init(struct ledgerd *ledgerd, struct env *env,
    const struct ledgerd_params *params)
{
	uint8_t hash_key[16];
	enum sr_error error;

	memset(ledgerd, 0, sizeof(*ledgerd));
	ledgerd->env = env;
	ledgerd->params = *params;
	ledgerd->phase = PHASE_INIT;
	ledgerd->audit.file = ENV_NO_FILE;
	merkle_frontier_init(&ledgerd->tree);
	segments_init(
	    &ledgerd->segments, env, ledgerd->bank_id, params->segment_len, 0);
	archive_init(&ledgerd->archive);
	tiles_init(&ledgerd->tiles);
	retire_init(&ledgerd->retire);
	outbox_init(&ledgerd->netd_out, ledgerd->netd_out_bytes,
	    sizeof(ledgerd->netd_out_bytes));
	outbox_init(&ledgerd->control_out, ledgerd->control_out_bytes,
	    sizeof(ledgerd->control_out_bytes));
	env_random(env, hash_key, sizeof(hash_key));
	error = book_init(&ledgerd->book);
	if (error == SR_OK)
		error = people_init(&ledgerd->people, hash_key);
	if (error == SR_OK)
		error = sessions_init(
		    &ledgerd->sessions, (uint32_t)params->sessions_max);
	return error;
}

void
ledgerd_close(struct ledgerd *ledgerd)
{
	segments_close(&ledgerd->segments);
	audit_close(ledgerd);
	sessions_close(&ledgerd->sessions);
	archive_close(&ledgerd->archive, ledgerd->env);
	leaves_close(&ledgerd->tiles.leaves, ledgerd->env);
	retire_close(&ledgerd->retire, ledgerd->env);
	people_free(&ledgerd->people);
	book_free(&ledgerd->book);
	sodium_memzero(ledgerd, sizeof(*ledgerd));
}

uint64_t
ledgerd_time_ms(const struct ledgerd *ledgerd)
{
	uint64_t now_ms = env_clock_ms(ledgerd->env);

	return now_ms > ledgerd->last_time_ms ? now_ms : ledgerd->last_time_ms;
}

static enum sr_error
send_netd(void *env, const void *packet, size_t len)
{
	return env_send(env, ENV_NETD, packet, len);
}

static enum sr_error
send_control(void *env, const void *packet, size_t len)
{
	return env_send(env, ENV_CONTROL, packet, len);
}

static enum sr_error
flush(struct ledgerd *ledgerd)
{
	enum sr_error error;

	error = outbox_flush(&ledgerd->netd_out, send_netd, ledgerd->env);
	/* Without a netd there is nobody to answer to. */
	if (error == SR_CLOSED) {
		ledgerd->netd_gone = true;
		outbox_clear(&ledgerd->netd_out);
		error = SR_OK;
	}
	if (error != SR_OK && error != SR_AGAIN)
		return error;
	error = outbox_flush(&ledgerd->control_out, send_control, ledgerd->env);
	if (error == SR_CLOSED) {
		ledgerd->stopping = true;
		outbox_clear(&ledgerd->control_out);
		error = SR_OK;
	}
	return error == SR_AGAIN ? SR_OK : error;
}

static bool
answers_wait(const struct ledgerd *ledgerd)
{
	return ledgerd->items_unanswered > 0 ||
	       ledgerd->openings_unanswered > 0;
}

static bool
reads_netd(const struct ledgerd *ledgerd)
{
	return !ledgerd->netd_gone && !ledgerd->stopping &&
	       !answers_wait(ledgerd) && intake_has_room(ledgerd);
}

/* Whether the next segment should be made ready in this step. */
static bool
prepares(const struct ledgerd *ledgerd)
{
	return ledgerd->segments.any && !ledgerd->segments.next_ready &&
	       !ledgerd->stopping && admission_retries(ledgerd);
}

/* A snapshot that is due waits until the log may name it. */
static bool
makes_snapshot(const struct ledgerd *ledgerd)
{
	return ledgerd->snapshots.due && ledgerd->admission.closed == SR_OK;
}

/* One step towards the next segment; a refusal closes the bank for orders. */
static enum sr_error
prepare(struct ledgerd *ledgerd)
{
	enum sr_error error;
	bool ready;

	error = segments_prepare(&ledgerd->segments, &ready);
	if (admission_is_refusal(error)) {
		admission_refused(ledgerd, error);
		return SR_OK;
	}
	return ready ? admission_taken(ledgerd) : error;
}

static enum sr_error
take_in(struct ledgerd *ledgerd, unsigned readable)
{
	enum sr_error error = SR_OK;

	if ((readable & 1U << ENV_KEYD) != 0)
		error = keyd_listen(ledgerd);
	if (error == SR_OK && (readable & 1U << ENV_CONTROL) != 0) {
		error = control_listen(ledgerd);
		if (error == SR_CLOSED) {
			ledgerd->stopping = true;
			error = SR_OK;
		}
	}
	if (error == SR_OK && (readable & 1U << ENV_NETD) != 0 &&
	    reads_netd(ledgerd)) {
		error = intake_listen(ledgerd);
		if (error == SR_CLOSED) {
			ledgerd->netd_gone = true;
			error = SR_OK;
		}
	}
	return error;
}

/* Waits for something to do, and takes it in; *quiet: there was nothing. */
static enum sr_error
look(struct ledgerd *ledgerd, int timeout_ms, bool *quiet)
{
	unsigned reads = 1U << ENV_KEYD, writes = 0;
	unsigned readable, writable;
	enum sr_error error;

	if (!ledgerd->stopping)
		reads |= 1U << ENV_CONTROL;
	if (reads_netd(ledgerd))
		reads |= 1U << ENV_NETD;
	if (!outbox_empty(&ledgerd->netd_out))
		writes |= 1U << ENV_NETD;
	if (!outbox_empty(&ledgerd->control_out))
		writes |= 1U << ENV_CONTROL;
	/* With answers that netd does not take nothing else goes on. */
	if (!answers_wait(ledgerd) &&
	    (prepares(ledgerd) || commit_has_work(ledgerd) ||
		makes_snapshot(ledgerd) || audit_waits(ledgerd)))
		timeout_ms = 0;
	else if (ledgerd->sessions.count > 0 &&
		 (timeout_ms < 0 || timeout_ms > SWEEP_MS))
		timeout_ms = SWEEP_MS;
	if (ledgerd->phase == PHASE_OPEN)
		timeout_ms = tiles_wait_ms(
		    ledgerd, admission_wait_ms(ledgerd, timeout_ms));
	if (!answers_wait(ledgerd))
		timeout_ms =
		    retire_wait_ms(ledgerd, audit_wait_ms(ledgerd, timeout_ms));
	timeout_ms = pulse_wait_ms(ledgerd, timeout_ms);
	error = env_wait(
	    ledgerd->env, reads, writes, timeout_ms, &readable, &writable);
	*quiet = readable == 0 && !commit_has_work(ledgerd);
	if (error == SR_OK && writable != 0)
		error = flush(ledgerd);
	return error == SR_OK ? take_in(ledgerd, readable) : error;
}

/* Answers what may be answered; commits when nothing is left of before. */
static enum sr_error
work(struct ledgerd *ledgerd)
{
	const struct segments *segments = &ledgerd->segments;
	enum sr_error error = SR_OK;

	if (answers_wait(ledgerd) && !answer_all(ledgerd))
		return ledgerd->fatal;
	if (ledgerd->fatal == SR_OK)
		error = refusals_write(ledgerd);
	if (error == SR_OK && ledgerd->fatal == SR_OK)
		error = seals_write(ledgerd, false);
	if (error != SR_OK)
		return error;
	if (ledgerd->fatal == SR_OK && makes_snapshot(ledgerd)) {
		error = audit_settle(ledgerd);
		if (error == SR_OK)
			error = snapshot_make(ledgerd);
		if (error != SR_OK)
			return error;
	}
	if (ledgerd->fatal == SR_OK && commit_has_work(ledgerd)) {
		const uint64_t size = ledgerd->tree.size;

		error = commit_waiting(ledgerd);
		/* before it is answered, so that a client sees both or none */
		if (error == SR_OK && ledgerd->tree.size > size)
			error = seals_write(ledgerd, true);
		if (error != SR_OK)
			return error;
		(void)answer_all(ledgerd);
		/* Under constant load the next segment must not come last. */
		if (segments_room(segments) > segments->len / 2)
			return ledgerd->fatal;
	}
	if (prepares(ledgerd))
		error = prepare(ledgerd);
	if (error == SR_OK)
		error = audit_catch_up(ledgerd);
	return error == SR_OK ? ledgerd->fatal : error;
}

/* Waits until netd takes more; a while at most. */
static enum sr_error
wait_for_netd(struct ledgerd *ledgerd)
{
	unsigned readable, writable;
	enum sr_error error;

	if (outbox_empty(&ledgerd->netd_out))
		return SR_OK;
	error = env_wait(ledgerd->env, 0, 1U << ENV_NETD, DRAIN_MS / 10,
	    &readable, &writable);
	return error == SR_OK ? flush(ledgerd) : error;
}

/* The end in good order: everything begun is finished and everybody told. */
static enum sr_error
drain(struct ledgerd *ledgerd)
{
	uint64_t begin = env_boot_ms(ledgerd->env);
	enum sr_error error;

	do {
		error = work(ledgerd);
		if (error == SR_OK)
			error = wait_for_netd(ledgerd);
	} while (error == SR_OK && !ledgerd->netd_gone &&
		 (commit_has_work(ledgerd) || answers_wait(ledgerd)) &&
		 env_boot_ms(ledgerd->env) - begin < DRAIN_MS);
	if (error == SR_OK)
		error = tiles_finish(ledgerd);
	if (error != SR_OK)
		return error;
	intake_end_all(ledgerd);
	while (error == SR_OK && !outbox_empty(&ledgerd->netd_out) &&
	       env_boot_ms(ledgerd->env) - begin < DRAIN_MS)
		error = wait_for_netd(ledgerd);
	ledgerd->stopped = error == SR_OK;
	return error;
}

/*
 * keyd is gone: at the end of the bank that is no failure, but nothing that
 * waits can be acknowledged any more.
 */
static enum sr_error
without_keyd(struct ledgerd *ledgerd)
{
	enum sr_error error = SR_OK;

	if (!ledgerd->stopping)
		error = control_listen(ledgerd);
	if (!ledgerd->stopping && error != SR_CLOSED) {
		diag_error("keyd is gone");
		return SR_CLOSED;
	}
	ledgerd->stopped = true;
	return SR_OK;
}

static enum sr_error
step(struct ledgerd *ledgerd, int timeout_ms)
{
	bool quiet = false;
	enum sr_error error;

	error = flush(ledgerd);
	if (error == SR_OK)
		error = look(ledgerd, timeout_ms, &quiet);
	if (error == SR_OK && ledgerd->stopping)
		return drain(ledgerd);
	if (error == SR_OK && ledgerd->phase == PHASE_OPEN)
		error = admission_now_and_then(ledgerd);
	if (error == SR_OK)
		error = work(ledgerd);
	if (error == SR_OK)
		intake_sweep(ledgerd);
	/* the answers first: nobody waits for what is derived */
	if (error == SR_OK)
		error = flush(ledgerd);
	if (error == SR_OK)
		error = pulse_step(ledgerd);
	if (error == SR_OK && ledgerd->phase == PHASE_OPEN)
		error = tiles_step(ledgerd, quiet);
	if (error == SR_OK)
		error = retire_step(ledgerd);
	return error;
}

enum sr_error
ledgerd_step(struct ledgerd *ledgerd, int timeout_ms)
{
	enum sr_error error = step(ledgerd, timeout_ms);

	secret_wipe_stack();
	if (error == SR_CLOSED)
		return without_keyd(ledgerd);
	if (error != SR_OK)
		diag_error("ledgerd ends: %s", error_sentence(error));
	return error;
}
