/* SPDX-License-Identifier: ISC */
/*
 * The rules that accounts begin with, how long a request waits, and how long a
 * till may take a deposit back: shown to any operator, changed by two.  How
 * long an order is valid stays as it is: orders are signed for a minute, and a
 * bank that allowed less would take none, nor one that changes that again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/ctl/ctl.h"
#include "client/ctl/limits.h"
#include "client/ctl/run.h"
#include "common/entry.h"

#define MINUTE_MS UINT64_C(60000)
#define REQUEST_MAX_MIN (UINT64_C(365) * 24 * 60)

static struct order_policy
policy_of(const struct message_policy *m)
{
	return (struct order_policy){.customer = {.floor_minor = m->floor,
					 .soft_floor_minor = m->soft_floor,
					 .ceiling_minor = m->ceiling,
					 .day_limit_minor = m->day_limit},
	    .order_life_ms = m->order_life,
	    .request_life_ms = m->request_life,
	    .undo_ms = m->undo};
}

static void
print_policy(const struct ctl_options *options, const struct ctl_run *run,
    const struct message_policy *m)
{
	const struct money_unit *unit = &run->bank.unit;
	const char *type =
	    m->bank_type == BANK_MUTUAL_CREDIT ? "mutual-credit" : "cash";
	struct order_policy policy = policy_of(m);

	if (options->json) {
		printf("{\"v\":1,\"type\":\"%s\",\"unit\":\"%s:%u\"", type,
		    unit->code, unit->exponent);
		ctl_limits_print_json(&policy.customer);
		printf(",\"order_life_ms\":%" PRIu64
		       ",\"request_life_ms\":%" PRIu64 ",\"undo_ms\":%" PRIu64
		       "}\n",
		    policy.order_life_ms, policy.request_life_ms,
		    policy.undo_ms);
		return;
	}
	printf("type                %s, in %s\n", type, unit->code);
	printf("a new account has   ");
	ctl_limits_print(stdout, unit, &policy.customer);
	printf("\na request waits     %" PRIu64 " min\n"
	       "a till may undo     %" PRIu64 " min\n",
	    policy.request_life_ms / MINUTE_MS, policy.undo_ms / MINUTE_MS);
}

static enum sr_error
take_minutes(const char *option, const char *text, uint64_t least,
    uint64_t most, uint64_t *ms)
{
	unsigned long minutes;
	char *end;

	errno = 0;
	minutes = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    minutes < least || minutes > most) {
		fprintf(stderr,
		    "strongroomctl: %s is %" PRIu64 " to %" PRIu64 "\n", option,
		    least, most);
		return SR_USAGE;
	}
	*ms = minutes * MINUTE_MS;
	return SR_OK;
}

static enum sr_error
set_policy(struct ctl_run *run, const struct ctl_options *options,
    const struct message_policy *m)
{
	uint8_t parameters[ORDER_POLICY_LEN];
	struct order_policy policy = policy_of(m);
	struct ordering ask = {.kind = ORDER_POLICY,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	enum sr_error error =
	    ctl_limits_take(options, &run->bank.unit, &policy.customer);

	if (error == SR_OK && options->undo_minutes != NULL)
		error = take_minutes("--undo-minutes", options->undo_minutes, 0,
		    ORDER_UNDO_MAX_MS / MINUTE_MS, &policy.undo_ms);
	if (error == SR_OK && options->request_minutes != NULL)
		error =
		    take_minutes("--request-minutes", options->request_minutes,
			1, REQUEST_MAX_MIN, &policy.request_life_ms);
	if (error == SR_OK && policy.customer.ceiling_minor == 0) {
		fprintf(stderr, "strongroomctl: --ceiling 0 would let no new "
				"account take anything\n");
		error = SR_USAGE;
	}
	if (error != SR_OK)
		return error;
	order_policy_encode(&policy, parameters);
	return ctl_run_request(run, options, &ask,
	    "the policy is in force; limits for accounts that are opened from "
	    "now on");
}

enum sr_error
ctl_policy(const struct ctl_options *options, char *const words[])
{
	struct message_policy policy;
	struct ctl_run run;
	enum sr_error error = ctl_run_begin(&run, options);

	(void)words;
	if (error == SR_OK) {
		error = bank_policy(&run.requester, &policy);
		if (error != SR_OK)
			(void)ctl_failed("policy", error);
	}
	if (error == SR_OK) {
		if (ctl_limits_given(options) ||
		    options->undo_minutes != NULL ||
		    options->request_minutes != NULL)
			error = set_policy(&run, options, &policy);
		else
			print_policy(options, &run, &policy);
	}
	ctl_run_end(&run);
	return error;
}
