/* SPDX-License-Identifier: ISC */
/*
 * Withdrawals that no terminal has settled: the list, and the release of one
 * that is overdue.  Must never ask for the release of a hold that was not
 * shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/ctl.h"
#include "client/ctl_run.h"
#include "client/ordering.h"
#include "common/ids.h"

static const char *const states[] = {"open", "overdue", "released"};

static void
print_hold(const struct ctl_options *options, const struct ctl_run *run,
    const struct bank_hold *hold)
{
	char amount[MONEY_TEXT_MAX], when[40];
	time_t seconds = (time_t)(hold->time_ms / 1000);
	struct tm local;

	if (options->json) {
		printf("{\"v\":1,\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"amount_minor\":%" PRId64 ",\"customer\":%" PRIu64
		       ",\"terminal\":%" PRIu64 ",\"state\":\"%s\"}\n",
		    hold->leaf, hold->time_ms, hold->amount_minor,
		    account_customer(hold->account),
		    account_customer(hold->till), states[hold->state]);
		return;
	}
	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &local) == 0)
		snprintf(when, sizeof(when), "%" PRIu64, hold->time_ms);
	printf("#%-8" PRIu64 " %-25s %14s %s  customer %" PRIu64
	       ", terminal %" PRIu64 ": %s\n",
	    hold->leaf, when,
	    money_format(hold->amount_minor, &run->bank.unit, amount),
	    run->bank.unit.code, account_customer(hold->account),
	    account_customer(hold->till), states[hold->state]);
}

struct listing {
	const struct ctl_options *options;
	const struct ctl_run *run;
	uint64_t wanted; /* leaf of the one to be found; 0: print all */
	bool found;
	struct bank_hold hold;
};

static void
take_hold(void *context, const struct bank_hold *hold)
{
	struct listing *listing = context;

	if (listing->wanted == 0)
		print_hold(listing->options, listing->run, hold);
	if (hold->leaf == listing->wanted) {
		listing->found = true;
		listing->hold = *hold;
	}
}

enum sr_error
ctl_holds(const struct ctl_options *options, char *const words[])
{
	struct ctl_run run;
	struct listing listing = {.options = options, .run = &run};
	enum sr_error error = ctl_run_begin(&run, options);

	(void)words;
	if (error == SR_OK) {
		error = bank_holds(&run.requester, take_hold, &listing);
		if (error != SR_OK)
			(void)ctl_failed("holds", error);
	}
	ctl_run_end(&run);
	return error;
}

/* The hold of that entry, as the bank shows it. */
static enum sr_error
find_hold(struct ctl_run *run, const char *entry, struct listing *listing)
{
	enum sr_error error = bank_holds(&run->requester, take_hold, listing);

	if (error == SR_OK && !listing->found)
		error = SR_HOLD_STATE;
	return error == SR_OK ? SR_OK : ctl_failed(entry, error);
}

enum sr_error
ctl_release(const struct ctl_options *options, char *const words[])
{
	uint8_t parameters[ORDER_RELEASE_LEN];
	struct ordering ask = {.kind = ORDER_RELEASE_REQUEST,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct listing listing = {.options = options};
	struct order_release release;
	struct ctl_run run;
	enum sr_error error;
	char *end;

	listing.run = &run;
	listing.wanted = strtoull(words[0], &end, 10);
	if (words[0][0] < '1' || words[0][0] > '9' || *end != '\0') {
		fprintf(stderr,
		    "strongroomctl: %s: the number of an entry, as `holds' "
		    "shows it\n",
		    words[0]);
		return SR_USAGE;
	}
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = find_hold(&run, words[0], &listing);
	if (error == SR_OK) {
		release.account = listing.hold.account;
		release.amount_minor = listing.hold.amount_minor;
		order_release_encode(&release, parameters);
		ask.refers_to = listing.hold.leaf;
		error = ctl_run_four_eyes(&run, &ask, "releases");
	}
	if (error == SR_OK)
		fprintf(stderr, "the withdrawal of entry %s is released\n",
		    words[0]);
	ctl_run_end(&run);
	return error;
}
