/* SPDX-License-Identifier: ISC */
/*
 * Requests that wait for an approval, and the approval.  Must never approve
 * anything but the bytes that were shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/describe.h"
#include "client/ctl/hint.h"
#include "client/ctl/names.h"
#include "client/ctl/run.h"
#include "client/json.h"
#include "client/prompt.h"

/* What is printed of a list, and what was found in it. */
struct listing {
	struct ctl_run *run;
	bool json;
	uint64_t life_ms;
	unsigned shown;
	uint64_t wanted; /* leaf of the one to be found; 0: print all */
	bool found;
	struct bank_request request;
};

static void
print_json(struct listing *listing, const struct bank_request *request,
    const char *requester, const char *says)
{
	const struct order *order = &request->order;

	printf("{\"v\":1,\"request\":%" PRIu64 ",\"time_ms\":%" PRIu64
	       ",\"expires_ms\":%" PRIu64 ",\"requester\":",
	    request->leaf, request->time_ms,
	    request->time_ms + listing->life_ms);
	json_string(stdout, requester, strlen(requester));
	printf(",\"kind\":\"%s\",\"debit\":%" PRIu64 ",\"credit\":%" PRIu64
	       ",\"amount_minor\":%" PRId64 ",\"refers_to\":%" PRIu64
	       ",\"says\":",
	    order_kind_name(order->kind), order->debit, order->credit,
	    order->amount_minor, order->refers_to);
	json_string(stdout, says, strlen(says));
	printf(",\"hash\":\"");
	for (size_t i = 0; i < sizeof(request->hash); i++)
		printf("%02x", request->hash[i]);
	printf("\"}\n");
}

static void
print_request(struct listing *listing, const struct bank_request *request)
{
	struct bank_session *session = &listing->run->requester;
	char requester[CTL_ACCOUNT_TEXT_MAX], until[CTL_TIME_TEXT_MAX];
	char says[CTL_DESCRIPTION_MAX];

	(void)ctl_person_text(session, request->order.signer, requester);
	(void)ctl_describe(session, &listing->run->bank.unit, &request->order,
	    request->attachment, request->attachment_len, says);
	if (listing->json)
		print_json(listing, request, requester, says);
	else
		printf("#%-6" PRIu64 " %s asks to %s; until %s\n",
		    request->leaf, requester, says,
		    ctl_time_text(request->time_ms + listing->life_ms, until));
}

static void
take_request(void *context, const struct bank_request *request)
{
	struct listing *listing = context;

	if (listing->wanted == 0) {
		print_request(listing, request);
		listing->shown++;
	} else if (listing->wanted == request->leaf) {
		listing->found = true;
		listing->request = *request;
	}
}

/* All of them, or the one that is wanted. */
static enum sr_error
read_requests(struct listing *listing)
{
	struct bank_session *session = &listing->run->requester;
	struct message_policy policy;
	enum sr_error error = bank_policy(session, &policy);

	if (error != SR_OK)
		return error;
	listing->life_ms = policy.request_life;
	return bank_requests(session, take_request, listing);
}

enum sr_error
ctl_requests(const struct ctl_options *options, char *const words[])
{
	struct ctl_run run;
	struct listing listing = {.run = &run, .json = options->json};
	enum sr_error error = ctl_run_begin(&run, options);

	(void)words;
	if (error == SR_OK) {
		error = read_requests(&listing);
		if (error != SR_OK)
			(void)ctl_failed("requests", error);
	}
	if (error == SR_OK && listing.shown == 0)
		fprintf(stderr, "nothing waits for an approval\n");
	else if (error == SR_OK && !options->json)
		fprintf(stderr,
		    "another operator than the one who asks approves with\n"
		    "  %s --as CARD approve NUMBER\n",
		    hint_ctl(options));
	ctl_run_end(&run);
	return error;
}

/* The person at the terminal has the last word; a script has had it. */
static enum sr_error
confirm(void)
{
	char line[16];
	enum sr_error error;

	if (!prompt_interactive())
		return SR_OK;
	error = prompt_line("approve it? [y/N] ", line, sizeof(line));
	if (error == SR_OK &&
	    (strcmp(line, "y") == 0 || strcmp(line, "yes") == 0))
		return SR_OK;
	fprintf(stderr, "nothing was approved\n");
	return SR_NOT_ALLOWED;
}

/* How the code of an approved reset is had. */
static void
say_code(const struct ctl_options *options, struct bank_session *session,
    const struct bank_request *request, uint64_t leaf)
{
	char name[CTL_ACCOUNT_TEXT_MAX];
	struct order_reset reset;

	if (order_reset_decode(
		request->attachment, request->attachment_len, &reset) != SR_OK)
		return;
	fprintf(stderr,
	    "the reset code is given out with\n"
	    "  %s reset-code %s %" PRIu64 " --out CODE\n",
	    hint_ctl(options), ctl_person_text(session, reset.customer, name),
	    leaf);
}

/* Shows the request and signs the hash of the very bytes that were shown. */
static enum sr_error
approve(const struct ctl_options *options, struct listing *listing)
{
	const struct bank_request *request = &listing->request;
	struct bank_session *session = &listing->run->requester;
	char requester[CTL_ACCOUNT_TEXT_MAX], says[CTL_DESCRIPTION_MAX];
	struct ordering ordering = {.kind = ORDER_APPROVE,
	    .refers_to = request->leaf,
	    .attachment = request->hash,
	    .attachment_len = sizeof(request->hash)};
	struct ordering_result result;
	enum sr_error error;

	fprintf(stderr, "%s asks to %s\n",
	    ctl_person_text(session, request->order.signer, requester),
	    ctl_describe(session, &listing->run->bank.unit, &request->order,
		request->attachment, request->attachment_len, says));
	error = confirm();
	if (error == SR_OK)
		error =
		    ctl_run_order(listing->run, session, &ordering, &result);
	if (error != SR_OK)
		return error;
	if (listing->json)
		printf("{\"v\":1,\"request\":%" PRIu64 ",\"entry\":%" PRIu64
		       "}\n",
		    request->leaf, result.leaf);
	else
		printf("%" PRIu64 "\n", result.leaf);
	fprintf(stderr, "approved and done: entry %" PRIu64 "\n", result.leaf);
	if (request->order.kind == ORDER_RESET)
		say_code(options, session, request, result.leaf);
	return SR_OK;
}

enum sr_error
ctl_approve(const struct ctl_options *options, char *const words[])
{
	struct ctl_run run;
	struct listing listing = {.run = &run, .json = options->json};
	enum sr_error error = ctl_entry(words[0], &listing.wanted);

	if (error != SR_OK)
		return error;
	if (options->approve != NULL) {
		fprintf(stderr, "strongroomctl: who approves? That card is "
				"named with --as, not with --approve\n");
		return SR_USAGE;
	}
	error = ctl_run_begin(&run, options);
	if (error == SR_OK) {
		error = read_requests(&listing);
		if (error != SR_OK)
			(void)ctl_failed("requests", error);
	}
	if (error == SR_OK && !listing.found) {
		fprintf(stderr,
		    "strongroomctl: entry %" PRIu64
		    ": no request of that number can be approved; `requests' "
		    "lists those that can\n",
		    listing.wanted);
		error = SR_NO_REQUEST;
	}
	if (error == SR_OK)
		error = approve(options, &listing);
	ctl_run_end(&run);
	return error;
}
