/* SPDX-License-Identifier: ISC */
/*
 * strongroomctl retire: entries that an auditor has certified the books of are
 * given up for ever, by two operators who were told what that is.
 */
#include "client/ctl/retire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/ctl.h"
#include "client/ctl/run.h"
#include "common/order_parameters.h"
#include "common/utc.h"

enum { MONTHS_MAX = 1200 };

static struct entry_snapshot
snapshot_of(const uint8_t bytes[ENTRY_SNAPSHOT_LEN])
{
	struct reader r = reader_of(bytes, ENTRY_SNAPSHOT_LEN);
	struct entry_snapshot snapshot;

	entry_snapshot_read(&r, &snapshot);
	return snapshot;
}

enum sr_error
ctl_retention_get(int control, struct ctl_retention *out)
{
	uint8_t bytes[64], packet[CONTROL_PACKET_MAX];
	struct writer w = writer_to(bytes, sizeof(bytes));
	struct message_retention_get get = {0};
	struct message_retention answer = {0};
	const uint8_t *body;
	size_t body_len;
	enum sr_error error = message_retention_get_encode(&w, &get);

	if (error == SR_OK)
		error =
		    control_ask(control, CONTROL_LEDGERD, bytes, writer_len(&w),
			MESSAGE_RETENTION, packet, &body, &body_len);
	if (error == SR_OK)
		error = message_retention_decode(body, body_len, &answer);
	if (error != SR_OK)
		return error;
	*out = (struct ctl_retention){.newest = snapshot_of(answer.newest),
	    .certified = snapshot_of(answer.certified),
	    .certified_leaf = answer.certified_leaf,
	    .cut = snapshot_of(answer.cut),
	    .busy = answer.busy != 0,
	    .obstacle = error_of_wire(answer.obstacle),
	    .first = answer.first,
	    .entries = answer.entries,
	    .bytes = answer.bytes,
	    .from_ms = answer.from,
	    .until_ms = answer.until};
	return SR_OK;
}

static enum sr_error
declined(const char *why)
{
	fprintf(stderr, "strongroomctl: retire: %s\n", why);
	return SR_NOT_FOUND;
}

/* Whether the bank can retire anything at all. */
static enum sr_error
check_offer(const struct ctl_retention *retention)
{
	switch ((int)retention->obstacle) {
	case SR_OK:
		return SR_OK;
	case SR_NOT_FOUND:
		return declined(
		    "no auditor has certified the bank's books yet: disclose "
		    "--snapshot last, strongroom-verify --certify, auditor "
		    "certify");
	case SR_NOT_ALLOWED:
		return declined("the certified snapshot is the newest, which "
				"the bank needs for its start: wait for the "
				"next one");
	case SR_ALREADY:
		return declined("everything before the certified snapshot is "
				"retired: a newer one must be certified first");
	default:
		return declined(error_sentence(retention->obstacle));
	}
}

/* --before: the snapshot that is certified, and no other. */
static enum sr_error
check_before(const char *text, const struct ctl_retention *retention)
{
	uint64_t number;

	if (text == NULL)
		return SR_OK;
	if (!config_number(text, strlen(text), &number) || number == 0 ||
	    number > UINT32_MAX) {
		fprintf(stderr,
		    "strongroomctl: --before %s: it is the number of a "
		    "snapshot\n",
		    text);
		return SR_USAGE;
	}
	if (number == retention->certified.number)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: retire: snapshot %" PRIu64
	    " is not the one that was certified last, which is %" PRIu32 "\n",
	    number, retention->certified.number);
	return SR_NOT_FOUND;
}

/* --keep-months: nothing of that many months before this one goes. */
static enum sr_error
check_months(const char *text, const struct ctl_retention *retention)
{
	uint64_t now_ms = (uint64_t)time(NULL) * 1000, months;
	char until[UTC_TEXT_MAX];

	if (text == NULL)
		return SR_OK;
	if (!config_number(text, strlen(text), &months) ||
	    months > MONTHS_MAX) {
		fprintf(stderr,
		    "strongroomctl: --keep-months %s: it is 0 to %d\n", text,
		    MONTHS_MAX);
		return SR_USAGE;
	}
	if (months == 0 ||
	    utc_month_of(retention->until_ms) + months <= utc_month_of(now_ms))
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: retire: what lies before certified snapshot %" PRIu32
	    " reaches to %s, and %" PRIu64 " month%s to be kept\n",
	    retention->certified.number,
	    utc_day_format(retention->until_ms, until), months,
	    months == 1 ? " is" : "s are");
	return SR_NOT_FOUND;
}

/* What would go, for those who are about to sign it. */
static void
tell(const struct ctl_options *options, const struct ctl_retention *retention)
{
	char from[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
	uint32_t last = retention->certified.segment - 1;

	(void)utc_day_format(retention->from_ms, from);
	(void)utc_day_format(retention->until_ms, until);
	fprintf(stderr,
	    "month-end can close no month any more that began before %s: close "
	    "it first\n",
	    until);
	if (options->json && options->dry_run)
		printf("{\"v\":1,\"snapshot\":%" PRIu32
		       ",\"certificate\":%" PRIu64 ",\"first_segment\":%" PRIu32
		       ",\"last_segment\":%" PRIu32 ",\"entries\":%" PRIu64
		       ",\"bytes\":%" PRIu64 ",\"from_ms\":%" PRIu64
		       ",\"until_ms\":%" PRIu64 "}\n",
		    retention->certified.number, retention->certified_leaf,
		    retention->first, last, retention->entries,
		    retention->bytes, retention->from_ms, retention->until_ms);
	else
		fprintf(options->dry_run ? stdout : stderr,
		    "segments %" PRIu32 " to %" PRIu32 ", %" PRIu64
		    " entries from %s to %s, %" PRIu64
		    " bytes: before snapshot %" PRIu32
		    ", which an auditor has certified in entry %" PRIu64 "\n",
		    retention->first, last, retention->entries, from, until,
		    retention->bytes, retention->certified.number,
		    retention->certified_leaf);
}

static enum sr_error
look(int control, const struct ctl_options *options,
    struct ctl_retention *retention)
{
	enum sr_error error = ctl_retention_get(control, retention);

	if (error != SR_OK)
		return ctl_failed("what can be retired", error);
	error = check_offer(retention);
	if (error == SR_OK)
		error = check_before(options->before, retention);
	if (error == SR_OK)
		error = check_months(options->keep_months, retention);
	if (error == SR_OK)
		tell(options, retention);
	return error;
}

static enum sr_error
try_only(const struct ctl_options *options)
{
	static struct config config;
	struct ctl_retention retention;
	int control = -1;
	enum sr_error error = ctl_configuration(options, &config);

	if (error == SR_OK)
		error = ctl_control(&config, &control);
	if (error == SR_OK)
		error = look(control, options, &retention);
	if (control >= 0)
		close(control);
	return error;
}

enum sr_error
ctl_retire(const struct ctl_options *options, char *const words[])
{
	uint8_t parameters[ORDER_RETIRE_LEN];
	struct ordering ask = {.kind = ORDER_RETIRE,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct ctl_retention retention;
	struct order_retire retire;
	struct ctl_run run;
	char done[128];
	enum sr_error error;

	(void)words;
	if (options->before != NULL && options->keep_months != NULL) {
		fprintf(stderr, "strongroomctl: retire: either --keep-months "
				"or --before\n");
		return SR_USAGE;
	}
	if (options->dry_run)
		return try_only(options);
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = look(run.control, options, &retention);
	if (error == SR_OK) {
		retire.snapshot = retention.certified.number;
		memcpy(
		    retire.hash, retention.certified.hash, sizeof(retire.hash));
		order_retire_encode(&retire, parameters);
		snprintf(done, sizeof(done),
		    "everything before segment %" PRIu32
		    " is retired: its keys are gone, its files follow",
		    retention.certified.segment);
		error = ctl_run_request(&run, options, &ask, done);
	}
	ctl_run_end(&run);
	return error;
}
