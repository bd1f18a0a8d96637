/* SPDX-License-Identifier: ISC */
/*
 * Open or closed for orders.  Must never open on a clock that nobody has
 * confirmed, nor ask the disk twice what it has failed: a full or read-only
 * disk refuses, and is asked again; a failing one ends the bank elsewhere.
 */
#include "ledgerd/admission.h"

#include <inttypes.h>
#include <string.h>

#include "common/diag.h"
#include "ledgerd/commit.h"
#include "ledgerd/control.h"
#include "ledgerd/ledgerd.h"

bool
admission_is_refusal(enum sr_error error)
{
	return error == SR_NO_SPACE || error == SR_READ_ONLY;
}

/* What the clock should show by the time that has passed. */
static uint64_t
expected_ms(const struct ledgerd *ledgerd)
{
	const struct admission *admission = &ledgerd->admission;

	return admission->since_ms + env_boot_ms(ledgerd->env) -
	       admission->since_boot_ms;
}

static bool
is_far(uint64_t one_ms, uint64_t other_ms)
{
	uint64_t apart_ms =
	    one_ms > other_ms ? one_ms - other_ms : other_ms - one_ms;

	return apart_ms > ADMISSION_CLOCK_MS;
}

/* Both clocks as they are now belong together. */
static void
set_reference(struct ledgerd *ledgerd, uint64_t clock_ms)
{
	ledgerd->admission.since_ms = clock_ms;
	ledgerd->admission.since_boot_ms = env_boot_ms(ledgerd->env);
}

static void
say(const struct ledgerd *ledgerd)
{
	const struct admission *admission = &ledgerd->admission;
	struct admission_clock clock = admission_clock(ledgerd);

	if (admission->closed == SR_OK)
		diag_warn("the bank takes orders again");
	else if (admission->closed == SR_CLOCK)
		diag_warn("the bank is closed for orders: the clock is %" PRIu64
			  " s %s what was expected; strongroomctl clock "
			  "tells more",
		    (clock.now_ms > clock.expected_ms
			    ? clock.now_ms - clock.expected_ms
			    : clock.expected_ms - clock.now_ms) /
			1000,
		    clock.now_ms > clock.expected_ms ? "ahead of" : "behind");
	else
		diag_warn("the bank is closed for orders: %s; %" PRIu64
			  " KiB are free, and %" PRIu64 " KiB must remain",
		    error_sentence(admission->closed), admission->free / 1024,
		    ledgerd->params.reserve / 1024);
}

static void
decide(struct ledgerd *ledgerd, bool read_only)
{
	struct admission *admission = &ledgerd->admission;
	enum sr_error before = admission->closed;

	if (read_only)
		admission->closed = SR_READ_ONLY;
	else if (admission->refused != SR_OK)
		admission->closed = admission->refused;
	else if (admission->free < ledgerd->params.reserve)
		admission->closed = SR_NO_SPACE;
	else
		admission->closed = admission->clock ? SR_CLOCK : SR_OK;
	if (admission->closed == before)
		return;
	say(ledgerd);
	control_closed(ledgerd, admission->closed);
}

/*
 * Whether the open segment takes writes again.  The next one, where it was
 * that one, is the loop's to prepare.
 */
static enum sr_error
try_again(struct ledgerd *ledgerd)
{
	struct admission *admission = &ledgerd->admission;
	enum sr_error error;

	if (admission->refused == SR_OK || !ledgerd->segments.next_ready ||
	    !admission_retries(ledgerd))
		return SR_OK;
	error = segments_probe(&ledgerd->segments);
	if (error == SR_OK)
		admission->refused = SR_OK;
	if (!admission_is_refusal(error))
		return error;
	admission->refused_ms = admission->looked_ms;
	return SR_OK;
}

static enum sr_error
look(struct ledgerd *ledgerd)
{
	struct admission *admission = &ledgerd->admission;
	struct env_space space = {.free = UINT64_MAX};
	enum sr_error error = SR_OK;

	admission->looked_ms = env_boot_ms(ledgerd->env);
	/* A bank that is not founded has no file yet. */
	if (ledgerd->segments.any)
		error = env_space(ledgerd->env, ledgerd->segments.file, &space);
	if (error != SR_OK) {
		diag_error("the journal's file system does not tell what is "
			   "left: %s",
		    error_sentence(error));
		return SR_IO;
	}
	admission->free = space.free;
	if (!space.read_only)
		error = try_again(ledgerd);
	if (error != SR_OK)
		return error;
	if (is_far(env_clock_ms(ledgerd->env), expected_ms(ledgerd)))
		admission->clock = true;
	decide(ledgerd, space.read_only);
	return SR_OK;
}

enum sr_error
admission_start(struct ledgerd *ledgerd)
{
	uint64_t now_ms = env_clock_ms(ledgerd->env);
	uint64_t last_ms = ledgerd->last_time_ms;

	memset(&ledgerd->admission, 0, sizeof(ledgerd->admission));
	/* What a clock far behind should show at least is the last entry. */
	if (now_ms < last_ms && is_far(now_ms, last_ms))
		now_ms = last_ms;
	set_reference(ledgerd, now_ms);
	return look(ledgerd);
}

enum sr_error
admission_look(struct ledgerd *ledgerd)
{
	return look(ledgerd);
}

void
admission_refused(struct ledgerd *ledgerd, enum sr_error why)
{
	struct admission *admission = &ledgerd->admission;

	admission->refused = why;
	admission->refused_ms = env_boot_ms(ledgerd->env);
	admission->looked_ms = admission->refused_ms;
	decide(ledgerd, false);
}

enum sr_error
admission_taken(struct ledgerd *ledgerd)
{
	if (ledgerd->admission.refused == SR_OK)
		return SR_OK;
	ledgerd->admission.refused = SR_OK;
	return look(ledgerd);
}

bool
admission_retries(const struct ledgerd *ledgerd)
{
	const struct admission *admission = &ledgerd->admission;

	return admission->refused == SR_OK ||
	       env_boot_ms(ledgerd->env) - admission->refused_ms >=
		   ADMISSION_RETRY_MS;
}

static int
interval_ms(const struct ledgerd *ledgerd)
{
	return ledgerd->admission.closed != SR_OK ? ADMISSION_RETRY_MS
						  : ADMISSION_IDLE_MS;
}

enum sr_error
admission_now_and_then(struct ledgerd *ledgerd)
{
	uint64_t since_ms =
	    env_boot_ms(ledgerd->env) - ledgerd->admission.looked_ms;

	return since_ms >= (uint64_t)interval_ms(ledgerd) ? look(ledgerd)
							  : SR_OK;
}

int
admission_wait_ms(const struct ledgerd *ledgerd, int timeout_ms)
{
	int most_ms = interval_ms(ledgerd);

	return timeout_ms < 0 || timeout_ms > most_ms ? most_ms : timeout_ms;
}

struct admission_clock
admission_clock(const struct ledgerd *ledgerd)
{
	return (struct admission_clock){.now_ms = env_clock_ms(ledgerd->env),
	    .expected_ms = expected_ms(ledgerd),
	    .last_entry_ms = ledgerd->last_time_ms};
}

enum sr_error
admission_confirm_clock(struct ledgerd *ledgerd)
{
	struct admission *admission = &ledgerd->admission;
	struct admission_clock clock;
	struct entry_event event = {.code = SYSTEM_CLOCK};
	struct writer w = writer_to(event.detail, sizeof(event.detail));
	enum sr_error error = look(ledgerd);

	if (error != SR_OK) {
		ledgerd->fatal = error;
		return error;
	}
	if (!admission->clock)
		return SR_ALREADY;
	if (admission->closed != SR_CLOCK)
		return admission->closed;
	clock = admission_clock(ledgerd);
	event.subject = clock.now_ms;
	writer_u64(&w, clock.expected_ms);
	error = commit_system(ledgerd, &event);
	if (admission_is_refusal(error))
		return error;
	if (error != SR_OK) {
		ledgerd->fatal = error;
		return error;
	}
	set_reference(ledgerd, clock.now_ms);
	admission->clock = false;
	return look(ledgerd);
}
