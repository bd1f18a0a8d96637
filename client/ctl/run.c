/* SPDX-License-Identifier: ISC */
/* Commands on a running bank: operators' sessions and their orders. */
#include "client/ctl/run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/control.h"
#include "client/ctl/hint.h"

struct login_options
ctl_run_login_options(
    const struct ctl_run *run, const struct ctl_options *options)
{
	return (struct login_options){.bank = &run->bank,
	    .server = options->server,
	    .state = &run->state,
	    .keep_device_token = true};
}

static enum sr_error
run_log_in(const struct ctl_run *run, const struct ctl_options *options,
    const struct card *card, struct bank_session *session)
{
	struct login_options how = ctl_run_login_options(run, options);
	struct login_credential credential = {.name = card->name,
	    .password = card->password,
	    .password_len = strlen(card->password),
	    .slot = SLOT_PASSWORD};

	return bank_enter(session, &how, &credential);
}

/* Logs an operator in with the card at path. */
static enum sr_error
run_operator(const struct ctl_run *run, const struct ctl_options *options,
    const char *path, struct bank_session *session, bool *in)
{
	char message[CARD_MESSAGE_MAX];
	struct card card;
	enum sr_error error = card_read(path, &card, message);

	if (error != SR_OK) {
		fprintf(stderr, "strongroomctl: %s\n", message);
		return error;
	}
	if (memcmp(card.bank_id, run->bank.bank_id, 32) != 0) {
		fprintf(stderr, "strongroomctl: %s is a card of another bank\n",
		    path);
		error = SR_WRONG_BANK;
	} else if (card.terminal != 0) {
		fprintf(stderr,
		    "strongroomctl: %s is a terminal's card; wanted is an "
		    "operator's\n",
		    path);
		error = SR_ROLE;
	} else {
		error = run_log_in(run, options, &card, session);
	}
	card_wipe(&card);
	*in = error == SR_OK;
	return error;
}

enum sr_error
ctl_run_begin(struct ctl_run *run, const struct ctl_options *options)
{
	enum sr_error error;

	memset(run, 0, sizeof(*run));
	run->control = -1;
	if (options->as == NULL) {
		fprintf(stderr, "strongroomctl: who asks? --as CARD names an "
				"operator's card\n");
		return SR_USAGE;
	}
	error = ctl_configuration(options, &run->config);
	if (error == SR_OK)
		error = ctl_bank(&run->config, &run->bank);
	if (error == SR_OK)
		error = state_open(&run->state, run->bank.bank_id);
	if (error == SR_OK)
		error = ctl_control(&run->config, &run->control);
	if (error == SR_OK)
		error = run_operator(run, options, options->as, &run->requester,
		    &run->requester_in);
	if (error == SR_OK && options->approve != NULL)
		error = run_operator(run, options, options->approve,
		    &run->approver, &run->approver_in);
	return error;
}

void
ctl_run_end(struct ctl_run *run)
{
	if (run->requester_in)
		bank_leave(&run->requester);
	if (run->approver_in)
		bank_leave(&run->approver);
	if (run->control >= 0)
		close(run->control);
}

/* What the operator typed for that order, which the wire calls otherwise. */
static const char *
command_of(enum order_kind kind)
{
	static const struct {
		enum order_kind kind;
		const char *command;
	} commands[] = {
	    {ORDER_ENROL_REQUEST, "terminal add"},
	    {ORDER_REVOKE, "terminal revoke"},
	    {ORDER_AUDITOR_REQUEST, "auditor add"},
	    {ORDER_CERTIFY, "auditor certify"},
	    {ORDER_RELEASE_REQUEST, "release"},
	    {ORDER_ROLE, "role set"},
	    {ORDER_ROLE_REVOKE, "role revoke"},
	    {ORDER_RAISE_LIMIT, "account limits"},
	    {ORDER_LOWER_LIMIT, "account limits"},
	    {ORDER_CASH_OUT, "till cash-out"},
	    {ORDER_FREEZE, "account freeze"},
	    {ORDER_UNFREEZE, "account unfreeze"},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].kind == kind)
			return commands[i].command;
	return order_kind_name(kind);
}

/* Submits; a decline is an error here. */
enum sr_error
ctl_run_order(const struct ctl_run *run, struct bank_session *session,
    struct ordering *ordering, struct ordering_result *result)
{
	enum sr_error error = ordering_reference(NULL, ordering->reference);
	char who[64];

	if (error == SR_OK)
		error = ordering_submit(session, &run->state, ordering, result);
	if (error == SR_OK)
		error = result->outcome;
	if (error == SR_OK)
		return SR_OK;
	snprintf(who, sizeof(who),
	    "strongroomctl: %s: ", command_of(ordering->kind));
	ordering_refused(who, error, result);
	return error;
}

/* The other operator approves exactly what was asked for. */
static enum sr_error
run_approve(struct ctl_run *run, const struct ordering_result *asked,
    struct ordering_result *approved)
{
	struct ordering approve = {.kind = ORDER_APPROVE,
	    .refers_to = asked->leaf,
	    .attachment = asked->hash,
	    .attachment_len = sizeof(asked->hash)};

	return ctl_run_order(run, &run->approver, &approve, approved);
}

enum sr_error
ctl_run_four_eyes(struct ctl_run *run, struct ordering *ask)
{
	struct ordering_result asked, approved;
	enum sr_error error = ctl_run_order(run, &run->requester, ask, &asked);

	assert(run->approver_in);
	return error == SR_OK ? run_approve(run, &asked, &approved) : error;
}

enum sr_error
ctl_run_request(struct ctl_run *run, const struct ctl_options *options,
    struct ordering *ask, const char *done)
{
	uint64_t entry;

	return ctl_run_request_entry(run, options, ask, done, &entry);
}

enum sr_error
ctl_run_request_entry(struct ctl_run *run, const struct ctl_options *options,
    struct ordering *ask, const char *done, uint64_t *entry)
{
	struct ordering_result asked, approved = {0};
	enum sr_error error = ctl_run_order(run, &run->requester, ask, &asked);

	if (error == SR_OK && run->approver_in)
		error = run_approve(run, &asked, &approved);
	*entry = error == SR_OK ? approved.leaf : 0;
	if (error != SR_OK && asked.outcome == SR_OK && asked.leaf != 0)
		fprintf(stderr, "it stays asked for: request %" PRIu64 "\n",
		    asked.leaf);
	if (error != SR_OK)
		return error;
	if (options->json && run->approver_in)
		printf("{\"v\":1,\"request\":%" PRIu64 ",\"entry\":%" PRIu64
		       "}\n",
		    asked.leaf, approved.leaf);
	else if (options->json)
		printf("{\"v\":1,\"request\":%" PRIu64 ",\"entry\":null}\n",
		    asked.leaf);
	else
		printf("%" PRIu64 "\n",
		    run->approver_in ? approved.leaf : asked.leaf);
	if (run->approver_in)
		fprintf(
		    stderr, "%s (entry %" PRIu64 ")\n", done, approved.leaf);
	else
		fprintf(stderr,
		    "asked for; nothing is done until another operator runs\n"
		    "  %s --as CARD approve %" PRIu64 "\n",
		    hint_ctl(options), asked.leaf);
	return SR_OK;
}
