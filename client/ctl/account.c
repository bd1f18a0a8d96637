/* SPDX-License-Identifier: ISC */
/*
 * Accounts as operators see them: balances and limits, never what was paid to
 * whom; frozen and narrowed by one, thawed and widened by two.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/limits.h"
#include "client/ctl/names.h"
#include "client/ctl/run.h"
#include "client/json.h"
#include "common/account_number.h"
#include "common/book/book.h"
#include "common/ids.h"

struct listing {
	struct ctl_run *run;
	bool json;
	bool in_full;
	uint64_t only; /* the account wanted; 0: all */
	bool tills;    /* these only */
	unsigned shown;
};

static const char *const states[] = {"open", "frozen", "closed"};

static const char *
type_name(unsigned type)
{
	static const char *const names[] = {
	    "unknown", "customer", "till", "issue", "over-short"};

	return names[type <= ACCOUNT_OVER_SHORT_TYPE ? type : 0];
}

static struct order_limits
limits_of(const struct bank_account *account)
{
	return (struct order_limits){.account = account->id,
	    .floor_minor = account->floor_minor,
	    .soft_floor_minor = account->soft_floor_minor,
	    .ceiling_minor = account->ceiling_minor,
	    .day_limit_minor = account->day_limit_minor};
}

static void
print_json(const struct bank_account *account, const char *text)
{
	char number[ACCOUNT_NUMBER_TEXT_MAX];
	struct order_limits limits = limits_of(account);

	printf("{\"v\":1,\"account\":");
	json_string(stdout, text, strlen(text));
	printf(",\"number\":\"%s\",\"customer\":%" PRIu64 ",\"index\":%u"
	       ",\"type\":\"%s\",\"status\":\"%s\",\"balance_minor\":%" PRId64
	       ",\"held_minor\":%" PRId64,
	    account_number_digits(account->id, number),
	    account_customer(account->id), account_index(account->id),
	    type_name(account->type), states[account->status],
	    account->posted_minor, account->held_minor);
	ctl_limits_print_json(&limits);
	if (account->day_left_minor != INT64_MAX)
		printf(",\"day_left_minor\":%" PRId64, account->day_left_minor);
	if (account->type == ACCOUNT_TILL)
		printf(",\"till_open\":%s",
		    account->till_closed ? "false" : "true");
	printf("}\n");
}

static void
print_line(const struct listing *listing, const struct bank_account *account,
    const char *text)
{
	const struct money_unit *unit = &listing->run->bank.unit;
	char number[ACCOUNT_NUMBER_TEXT_MAX], amount[MONEY_TEXT_MAX];

	printf("%-24s %-14s %14s %s  %s%s\n", text,
	    account_number_print(account->id, number),
	    money_format(account->posted_minor, unit, amount), unit->code,
	    states[account->status],
	    account->type == ACCOUNT_TILL && account->till_closed
		? ", nobody works at it"
		: "");
}

static void
print_in_full(const struct listing *listing, const struct bank_account *account,
    const char *text)
{
	const struct money_unit *unit = &listing->run->bank.unit;
	struct order_limits limits = limits_of(account);
	char amount[CTL_LIMIT_TEXT_MAX];

	print_line(listing, account, text);
	if (account->held_minor != 0)
		printf("    reserved %s\n",
		    money_format(account->held_minor, unit, amount));
	if (account->type == ACCOUNT_TILL) {
		printf("    holds at most %s in cash\n",
		    money_format(-account->floor_minor, unit, amount));
		return;
	}
	if (account->type != ACCOUNT_CUSTOMER)
		return;
	printf("    ");
	ctl_limits_print(stdout, unit, &limits);
	printf("\n");
	if (account->day_limit_minor != INT64_MAX)
		printf("    may still give out %s in these 24 hours\n",
		    ctl_limit_text(account->day_left_minor, unit, amount));
}

static void
print_account(void *context, const struct bank_account *account)
{
	struct listing *listing = context;
	char text[CTL_ACCOUNT_TEXT_MAX];

	if ((listing->only != 0 && account->id != listing->only) ||
	    (listing->tills && account->type != ACCOUNT_TILL))
		return;
	listing->shown++;
	(void)ctl_account_text(
	    &listing->run->requester, account->id, account->label, text);
	if (listing->json)
		print_json(account, text);
	else if (listing->in_full)
		print_in_full(listing, account, text);
	else
		print_line(listing, account, text);
}

/* Everybody's, or all tills. */
static enum sr_error
list_all(const struct ctl_options *options, bool tills, const char *command)
{
	struct ctl_run run;
	struct listing listing = {.run = &run,
	    .json = options->json,
	    .in_full = tills,
	    .tills = tills};
	enum sr_error error = ctl_run_begin(&run, options);

	if (error == SR_OK) {
		error = bank_accounts(
		    &run.requester, BANK_EVERYBODY, print_account, &listing);
		if (error != SR_OK)
			(void)ctl_failed(command, error);
	}
	ctl_run_end(&run);
	return error;
}

enum sr_error
ctl_account_list(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return list_all(options, false, "account list");
}

enum sr_error
ctl_till_list(const struct ctl_options *options, char *const words[])
{
	(void)words;
	return list_all(options, true, "till list");
}

/* A name alone: all that is theirs; anything else: that account. */
static enum sr_error
show(struct ctl_run *run, const char *text, struct listing *listing)
{
	struct bank_person person;
	uint64_t customer;
	enum sr_error error;

	if (strpbrk(text, "/") == NULL &&
	    text[strspn(text, "0123456789 -")] != '\0') {
		error = ctl_person(run, text, &person);
		customer = person.customer;
	} else {
		error = ctl_account_of(run, text, &listing->only);
		customer = account_customer(listing->only);
		if (customer == CUSTOMER_BANK)
			customer = BANK_EVERYBODY;
	}
	if (error != SR_OK)
		return error;
	error =
	    bank_accounts(&run->requester, customer, print_account, listing);
	if (error == SR_OK && listing->shown == 0)
		error = SR_NO_ACCOUNT;
	return error == SR_OK ? SR_OK : ctl_failed(text, error);
}

enum sr_error
ctl_account_show(const struct ctl_options *options, char *const words[])
{
	struct ctl_run run;
	struct listing listing = {
	    .run = &run, .json = options->json, .in_full = true};
	enum sr_error error = ctl_run_begin(&run, options);

	if (error == SR_OK)
		error = show(&run, words[0], &listing);
	ctl_run_end(&run);
	return error;
}

enum sr_error
ctl_account_freeze(const struct ctl_options *options, char *const words[])
{
	uint8_t parameters[ORDER_ACCOUNT_LEN];
	struct ordering ordering = {.kind = ORDER_FREEZE,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct ordering_result result;
	char text[CTL_ACCOUNT_TEXT_MAX];
	struct ctl_run run;
	uint64_t account;
	enum sr_error error = ctl_run_begin(&run, options);

	if (error == SR_OK)
		error = ctl_account_of(&run, words[0], &account);
	if (error == SR_OK) {
		order_account_encode(account, parameters);
		error = ctl_run_order(&run, &run.requester, &ordering, &result);
	}
	if (error == SR_OK)
		fprintf(stderr,
		    "%s is frozen: nothing goes out until two operators thaw "
		    "it with `account unfreeze %s'\n",
		    ctl_account_text(&run.requester, account, NULL, text),
		    words[0]);
	ctl_run_end(&run);
	return error;
}

enum sr_error
ctl_account_unfreeze(const struct ctl_options *options, char *const words[])
{
	uint8_t parameters[ORDER_ACCOUNT_LEN];
	struct ordering ask = {.kind = ORDER_UNFREEZE,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	char text[CTL_ACCOUNT_TEXT_MAX], done[CTL_ACCOUNT_TEXT_MAX + 32];
	struct ctl_run run;
	uint64_t account;
	enum sr_error error = ctl_run_begin(&run, options);

	if (error == SR_OK)
		error = ctl_account_of(&run, words[0], &account);
	if (error == SR_OK) {
		order_account_encode(account, parameters);
		snprintf(done, sizeof(done), "%s is no longer frozen",
		    ctl_account_text(&run.requester, account, NULL, text));
		error = ctl_run_request(&run, options, &ask, done);
	}
	ctl_run_end(&run);
	return error;
}

/* ---- limits ----------------------------------------------------------------- */

/* What is wanted in the place of what there is. */
static enum sr_error
take_limits(const struct ctl_options *options, const struct money_unit *unit,
    unsigned type, struct order_limits *limits)
{
	int64_t maximum_minor;
	enum sr_error error;

	if (type != ACCOUNT_TILL && options->max == NULL)
		return ctl_limits_take(options, unit, limits);
	if (type != ACCOUNT_TILL || ctl_limits_given(options)) {
		fprintf(stderr, "strongroomctl: --max is for a till, and is "
				"all that can be set of one\n");
		return SR_USAGE;
	}
	error = ctl_amount(unit, "--max", options->max, &maximum_minor);
	if (error != SR_OK)
		return error;
	limits->floor_minor = -maximum_minor;
	limits->soft_floor_minor = -maximum_minor;
	return SR_OK;
}

static bool
is_wider(const struct order_limits *wanted, const struct order_limits *before)
{
	return wanted->floor_minor < before->floor_minor ||
	       wanted->ceiling_minor > before->ceiling_minor ||
	       wanted->day_limit_minor > before->day_limit_minor;
}

static bool
is_same(const struct order_limits *wanted, const struct order_limits *before)
{
	return !is_wider(wanted, before) && !is_wider(before, wanted) &&
	       wanted->soft_floor_minor == before->soft_floor_minor;
}

static void
say_limits(FILE *out, struct ctl_run *run, const struct order_limits *limits)
{
	const struct money_unit *unit = &run->bank.unit;
	char text[CTL_ACCOUNT_TEXT_MAX], cash[MONEY_TEXT_MAX];

	fprintf(out, "%s: ",
	    ctl_account_text(&run->requester, limits->account, NULL, text));
	if (account_index(limits->account) == ACCOUNT_INDEX_TILL)
		fprintf(out, "at most %s in cash",
		    money_format(-limits->floor_minor, unit, cash));
	else
		ctl_limits_print(out, unit, limits);
	fprintf(out, "\n");
}

/* One operator narrows, two widen. */
static enum sr_error
set_limits(struct ctl_run *run, const struct ctl_options *options,
    const struct order_limits *wanted, bool wider)
{
	uint8_t parameters[ORDER_LIMITS_LEN];
	struct ordering ordering = {
	    .kind = wider ? ORDER_RAISE_LIMIT : ORDER_LOWER_LIMIT,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct ordering_result result;
	enum sr_error error;

	order_limits_encode(wanted, parameters);
	say_limits(stderr, run, wanted);
	if (wider)
		return ctl_run_request(
		    run, options, &ordering, "the limits are in force");
	error = ctl_run_order(run, &run->requester, &ordering, &result);
	if (error != SR_OK)
		return error;
	if (options->json)
		printf("{\"v\":1,\"request\":null,\"entry\":%" PRIu64 "}\n",
		    result.leaf);
	else
		printf("%" PRIu64 "\n", result.leaf);
	fprintf(stderr,
	    "nothing gets wider: the limits are in force (entry %" PRIu64 ")\n",
	    result.leaf);
	return SR_OK;
}

enum sr_error
ctl_account_limits(const struct ctl_options *options, char *const words[])
{
	struct order_limits before, wanted;
	struct message_balance balance;
	struct ctl_run run;
	uint64_t account = 0;
	enum sr_error error;

	if (!ctl_limits_given(options) && options->max == NULL) {
		fprintf(stderr,
		    "strongroomctl: which limit? --floor, --soft-floor, "
		    "--ceiling, --day-limit; --max of a till; `account show "
		    "%s' tells those in force\n",
		    words[0]);
		return SR_USAGE;
	}
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = ctl_account_of(&run, words[0], &account);
	if (error == SR_OK) {
		error = bank_balance(&run.requester, account, &balance);
		if (error != SR_OK)
			(void)ctl_failed(words[0], error);
	}
	if (error == SR_OK) {
		before = (struct order_limits){.account = account,
		    .floor_minor = balance.floor,
		    .soft_floor_minor = balance.soft_floor,
		    .ceiling_minor = balance.ceiling,
		    .day_limit_minor = balance.day_limit};
		wanted = before;
		error =
		    take_limits(options, &run.bank.unit, balance.type, &wanted);
	}
	if (error == SR_OK && is_same(&wanted, &before)) {
		say_limits(stderr, &run, &before);
		fprintf(stderr, "strongroomctl: these are in force already\n");
		error = SR_ALREADY;
	}
	if (error == SR_OK)
		error = set_limits(
		    &run, options, &wanted, is_wider(&wanted, &before));
	ctl_run_end(&run);
	return error;
}
