/* SPDX-License-Identifier: ISC */
/*
 * Who is what: given by two operators, taken by one.  Must never leave it
 * open which of the two an order needs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/card.h"
#include "client/ctl/ctl.h"
#include "client/ctl/card.h"
#include "client/ctl/names.h"
#include "client/ctl/run.h"
#include "client/json.h"
#include "common/authority.h"
#include "common/ids.h"
#include "common/name.h"

struct listing {
	struct ctl_run *run;
	bool json;
};

static void
print_principal(void *context, const struct bank_principal *principal)
{
	struct listing *listing = context;
	struct bank_session *session = &listing->run->requester;
	char name[CTL_ACCOUNT_TEXT_MAX], till[CTL_ACCOUNT_TEXT_MAX] = "";

	(void)ctl_person_text(session, principal->customer, name);
	if (principal->till != 0)
		(void)ctl_account_text(session, principal->till, NULL, till);
	if (!listing->json) {
		printf("%-32s %s%s%s%s\n", name, role_name(principal->role),
		    till[0] != '\0' ? ", " : "", till,
		    principal->revoked ? ", revoked" : "");
		return;
	}
	printf("{\"v\":1,\"name\":");
	json_string(stdout, name, strlen(name));
	printf(",\"customer\":%" PRIu64 ",\"role\":\"%s\",\"till\":",
	    principal->customer, role_name(principal->role));
	if (till[0] != '\0')
		json_string(stdout, till, strlen(till));
	else
		printf("null");
	printf(",\"revoked\":%s}\n", principal->revoked ? "true" : "false");
}

enum sr_error
ctl_role_list(const struct ctl_options *options, char *const words[])
{
	struct ctl_run run;
	struct listing listing = {.run = &run, .json = options->json};
	enum sr_error error = ctl_run_begin(&run, options);

	(void)words;
	if (error == SR_OK) {
		error =
		    bank_principals(&run.requester, print_principal, &listing);
		if (error != SR_OK)
			(void)ctl_failed("role list", error);
	}
	ctl_run_end(&run);
	return error;
}

/* The role that is meant, and whether the options are those it needs. */
static enum sr_error
take_role(const struct ctl_options *options, const char *word,
    struct order_role *role)
{
	static const enum role roles[] = {
	    ROLE_CUSTOMER, ROLE_TELLER, ROLE_OPERATOR, ROLE_AUDITOR};
	bool till = options->till != NULL, max = options->max != NULL;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(word, role_name(roles[i])) == 0)
			role->role = (uint8_t)roles[i];
	if (role->role == 0) {
		fprintf(stderr,
		    "strongroomctl: %s: a role is customer, teller, operator "
		    "or auditor; `terminal add' makes an ATM\n",
		    word);
		return SR_USAGE;
	}
	if (role->role == ROLE_TELLER ? till == max : till || max) {
		fprintf(stderr,
		    "strongroomctl: a teller, and nobody else, has either "
		    "--max AMOUNT, a till of its own for so much cash, or "
		    "--till NAME, the till of that one, shared\n");
		return SR_USAGE;
	}
	if (options->out == NULL)
		return SR_OK;
	if (role->role == ROLE_CUSTOMER) {
		fprintf(stderr, "strongroomctl: --out makes the card of "
				"somebody new, who gets a role\n");
		return SR_USAGE;
	}
	return ctl_card_check_out(options->out);
}

/* Somebody new, who logs in with the card that is written. */
static enum sr_error
new_person(struct ctl_run *run, const struct ctl_options *options,
    const char *name, struct bank_person *person)
{
	char message[CARD_MESSAGE_MAX];
	struct card card = {0};
	enum sr_error error;

	if (name_check(name, strlen(name)) != SR_OK)
		return ctl_failed(name, SR_NAME);
	memcpy(card.bank_id, run->bank.bank_id, sizeof(card.bank_id));
	memcpy(card.name, name, strlen(name) + 1);
	memcpy(person->name, name, strlen(name) + 1);
	card_draw_password(&card);
	error = ctl_card_register(run, options, &card, &person->customer);
	if (error == SR_OK) {
		error = card_write(options->out, &card, message);
		if (error != SR_OK)
			fprintf(stderr, "strongroomctl: %s\n", message);
	}
	card_wipe(&card);
	if (error == SR_OK)
		fprintf(stderr, "%s is registered; whoever has %s is %s\n",
		    name, options->out, name);
	return error;
}

/* The till that is to be shared: NAME stands for NAME/till. */
static enum sr_error
shared_till(struct ctl_run *run, const char *text, uint64_t *till)
{
	enum sr_error error = ctl_account_of(run, text, till);

	if (error == SR_OK && account_index(*till) != ACCOUNT_INDEX_TILL) {
		fprintf(stderr, "strongroomctl: --till %s: that is no till\n",
		    text);
		error = SR_NO_ACCOUNT;
	}
	return error;
}

/* A sentence for what stands in the way, where the bank's says too little. */
static void
explain(enum sr_error error, const char *name)
{
	if (error == SR_NOT_EMPTY)
		fprintf(stderr,
		    "strongroomctl: a role takes the place of the accounts: "
		    "those of %s must be empty, and the further ones closed; "
		    "a till must be counted to zero\n",
		    name);
}

enum sr_error
ctl_role_set(const struct ctl_options *options, char *const words[])
{
	uint8_t parameters[ORDER_ROLE_LEN];
	struct order_role role = {0};
	struct ordering ask = {.kind = ORDER_ROLE,
	    .attachment = parameters,
	    .attachment_len = sizeof(parameters)};
	struct bank_person person = {0};
	struct ctl_run run;
	char done[128];
	enum sr_error error = take_role(options, words[1], &role);

	if (error != SR_OK)
		return error;
	error = ctl_run_begin(&run, options);
	if (error == SR_OK && options->max != NULL)
		error = ctl_amount(&run.bank.unit, "--max", options->max,
		    &role.till_maximum_minor);
	if (error == SR_OK && options->till != NULL)
		error = shared_till(&run, options->till, &role.till);
	if (error == SR_OK)
		error = options->out != NULL
			    ? new_person(&run, options, words[0], &person)
			    : ctl_person(&run, words[0], &person);
	if (error == SR_OK) {
		role.principal = person.customer;
		order_role_encode(&role, parameters);
		snprintf(done, sizeof(done), "%s is now: %s", person.name,
		    role_name(role.role));
		error = ctl_run_request(&run, options, &ask, done);
		explain(error, person.name);
	}
	ctl_run_end(&run);
	return error;
}

/* Which order takes that role away. */
static enum sr_error
take_away(struct ctl_run *run, const struct bank_person *person)
{
	uint8_t account[ORDER_ACCOUNT_LEN], revoked[ORDER_REVOKE_LEN];
	struct order_revoke revoke = {.principal = person->customer};
	struct ordering ordering = {.kind = ORDER_ROLE_REVOKE,
	    .attachment = account,
	    .attachment_len = sizeof(account)};
	struct ordering_result result;

	if (person->role == ROLE_CUSTOMER) {
		fprintf(stderr,
		    "strongroomctl: %s is a customer and has no role; "
		    "`account freeze %s' stops what goes out\n",
		    person->name, person->name);
		return SR_PARAMETERS;
	}
	if (person->role == ROLE_TERMINAL) {
		fprintf(stderr,
		    "strongroomctl: %s is a terminal: `terminal revoke %s'\n",
		    person->name, person->name);
		return SR_PARAMETERS;
	}
	order_account_encode(person->customer, account);
	order_revoke_encode(&revoke, revoked);
	if (person->role == ROLE_TELLER)
		ordering = (struct ordering){.kind = ORDER_REVOKE,
		    .attachment = revoked,
		    .attachment_len = sizeof(revoked)};
	return ctl_run_order(run, &run->requester, &ordering, &result);
}

enum sr_error
ctl_role_revoke(const struct ctl_options *options, char *const words[])
{
	struct bank_person person;
	struct ctl_run run;
	enum sr_error error = ctl_run_begin(&run, options);

	if (error == SR_OK)
		error = ctl_person(&run, words[0], &person);
	if (error == SR_OK)
		error = take_away(&run, &person);
	if (error == SR_OK)
		fprintf(stderr,
		    "%s is revoked as %s for ever; the sessions have ended, "
		    "and what %s has asked for is void\n",
		    person.name, role_name(person.role), person.name);
	ctl_run_end(&run);
	return error;
}
