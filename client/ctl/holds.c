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

#include "client/ctl/ctl.h"
#include "client/ctl/hint.h"
#include "client/ctl/run.h"
#include "client/ordering.h"
#include "common/ids.h"

static const char *const states[] = {"open", "overdue", "released"};

/* What is printed of a list, and what was found in it. */
struct listing {
	const struct ctl_options *options;
	const struct ctl_run *run;
	uint64_t wanted; /* leaf of the one to be found; 0: print all */
	bool found;
	struct bank_hold hold;
	unsigned releasable;
	unsigned shown;
};

static bool
is_releasable(const struct bank_hold *hold)
{
	return hold->state == BANK_HOLD_OVERDUE ||
	       (hold->state == BANK_HOLD_OPEN && hold->revoked);
}

static const char *
print_time(uint64_t time_ms, char when[40])
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm local;

	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(when, 40, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
		snprintf(when, 40, "%" PRIu64, time_ms);
	return when;
}

static void
print_hold(const struct listing *listing, const struct bank_hold *hold)
{
	const struct money_unit *unit = &listing->run->bank.unit;
	char amount[MONEY_TEXT_MAX], when[40];

	if (listing->options->json) {
		printf("{\"v\":1,\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"amount_minor\":%" PRId64 ",\"customer\":%" PRIu64
		       ",\"terminal\":%" PRIu64
		       ",\"state\":\"%s\",\"revoked\":%s,"
		       "\"releasable\":%s}\n",
		    hold->leaf, hold->time_ms, hold->amount_minor,
		    account_customer(hold->account),
		    account_customer(hold->till), states[hold->state],
		    hold->revoked ? "true" : "false",
		    is_releasable(hold) ? "true" : "false");
		return;
	}
	printf("#%-8" PRIu64 " %-25s %14s %s  customer %" PRIu64
	       ", terminal %" PRIu64 ": %s%s\n",
	    hold->leaf, print_time(hold->time_ms, when),
	    money_format(hold->amount_minor, unit, amount), unit->code,
	    account_customer(hold->account), account_customer(hold->till),
	    states[hold->state],
	    hold->revoked ? ", the terminal is revoked" : "");
}

static void
take_hold(void *context, const struct bank_hold *hold)
{
	struct listing *listing = context;

	if (listing->wanted == 0)
		print_hold(listing, hold);
	listing->shown++;
	listing->releasable += is_releasable(hold);
	if (hold->leaf == listing->wanted) {
		listing->found = true;
		listing->hold = *hold;
	}
}

static void
print_late(void *context, const struct bank_late *late)
{
	struct listing *listing = context;
	const struct money_unit *unit = &listing->run->bank.unit;
	char amount[MONEY_TEXT_MAX], when[40];

	listing->shown++;
	if (listing->options->json) {
		printf("{\"v\":1,\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"hold\":%" PRIu64 ",\"amount_minor\":%" PRId64
		       ",\"customer\":%" PRIu64 ",\"terminal\":%" PRIu64
		       ",\"below_floor\":%s}\n",
		    late->leaf, late->time_ms, late->hold, late->amount_minor,
		    account_customer(late->account),
		    account_customer(late->till),
		    late->below_floor ? "true" : "false");
		return;
	}
	printf("#%-8" PRIu64 " %-25s %14s %s  customer %" PRIu64
	       ", terminal %" PRIu64 ", hold #%" PRIu64 "%s\n",
	    late->leaf, print_time(late->time_ms, when),
	    money_format(late->amount_minor, unit, amount), unit->code,
	    account_customer(late->account), account_customer(late->till),
	    late->hold, late->below_floor ? ": below the floor" : "");
}

/* The list that is asked for, and what to do about it. */
static enum sr_error
list(struct ctl_run *run, struct listing *listing)
{
	uint64_t total = 0;
	enum sr_error error;

	if (listing->options->late) {
		error = bank_late(&run->requester, print_late, listing, &total);
		if (error == SR_OK && total > BANK_LATE_MAX)
			fprintf(stderr,
			    "the last %d of %" PRIu64
			    "; strongroom-verify lists all\n",
			    BANK_LATE_MAX, total);
		if (error == SR_OK && listing->shown == 0)
			fprintf(stderr, "no withdrawal was paid out after its "
					"release\n");
		return error;
	}
	error = bank_holds(&run->requester, take_hold, listing);
	if (error == SR_OK && listing->shown == 0)
		fprintf(stderr, "every withdrawal is settled\n");
	if (error == SR_OK && listing->releasable > 0)
		fprintf(stderr,
		    "%u of them may be released: count the ATM's cash, and "
		    "where none went out let one operator ask, and another "
		    "approve:\n"
		    "  %s --as CARD release ENTRY\n",
		    listing->releasable, hint_ctl(listing->options));
	return error;
}

enum sr_error
ctl_holds(const struct ctl_options *options, char *const words[])
{
	struct ctl_run run;
	struct listing listing = {.options = options, .run = &run};
	enum sr_error error = ctl_run_begin(&run, options);

	(void)words;
	if (error == SR_OK) {
		error = list(&run, &listing);
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
	char done[80];
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
		snprintf(done, sizeof(done),
		    "the withdrawal of entry %s is released", words[0]);
		error = ctl_run_request(&run, options, &ask, done);
	}
	ctl_run_end(&run);
	return error;
}
