/* SPDX-License-Identifier: ISC */
/*
 * Those who work at a till: logged in by card or password, and the commands
 * of the till.  Must never let a customer's session sign for a till.
 */
#include "client/atm/teller.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "client/atm/print.h"
#include "client/password.h"
#include "client/atm/till.h"
#include "common/authority.h"
#include "common/entry.h"
#include "common/ids.h"

/* ---- logged in ---------------------------------------------------------------- */

bool
atm_means_till(const struct atm *atm)
{
	return atm->teller.name[0] != '\0' ||
	       (atm->terminal.terminal != 0 && atm->options.user == NULL &&
		   atm->user[0] == '\0');
}

void
teller_leave(struct atm *atm)
{
	if (atm->till_in)
		bank_leave(&atm->till);
	atm->till_in = false;
	atm->till_is_teller = false;
}

/* Somebody is in: is it one who may work at a till? */
static enum sr_error
teller_check(struct atm *atm)
{
	const struct login *login = &atm->till.login;

	if (login->welcome.role == ROLE_TELLER ||
	    login->welcome.role == ROLE_TERMINAL)
		return SR_OK;
	fprintf(stderr,
	    "%s is no teller but %s %s; a till is worked at with --teller CARD "
	    "or --terminal CARD, or by a teller with --user\n",
	    login->name,
	    login->welcome.role == ROLE_OPERATOR ||
		    login->welcome.role == ROLE_AUDITOR
		? "an"
		: "a",
	    role_name(login->welcome.role));
	teller_leave(atm);
	return SR_ROLE;
}

static enum sr_error
teller_by_card(struct atm *atm, const uint8_t *reference)
{
	struct login_options options = atm_login_options(atm);
	struct login_credential credential = {
	    .name = atm->teller.name,
	    .password = atm->teller.password,
	    .password_len = strlen(atm->teller.password),
	    .slot = SLOT_PASSWORD,
	};
	enum sr_error error = bank_enter(&atm->till, &options, &credential);

	if (error != SR_OK)
		return error;
	atm->till_in = true;
	atm->till_is_teller = true;
	error = teller_check(atm);
	return error == SR_OK ? ordering_settle(&atm->till, &atm->state,
				    &atm->unit, reference)
			      : error;
}

static void
teller_takes_session(struct atm *atm)
{
	teller_leave(atm);
	atm->till = atm->customer;
	sodium_memzero(&atm->customer, sizeof(atm->customer));
	atm->customer_in = false;
	atm->till_in = true;
	atm->till_is_teller = true;
}

bool
atm_teller_is_in(struct atm *atm)
{
	if (!atm->customer_in ||
	    atm->customer.login.welcome.role != ROLE_TELLER)
		return false;
	teller_takes_session(atm);
	return true;
}

static enum sr_error
teller_by_name(struct atm *atm)
{
	enum sr_error error = atm_log_in(atm);

	if (error != SR_OK)
		return error;
	teller_takes_session(atm);
	return teller_check(atm);
}

enum sr_error
teller_enter(struct atm *atm, const uint8_t *reference)
{
	bool terminal = atm_means_till(atm) && atm->teller.name[0] == '\0';

	if (atm->till_in && atm->till_is_teller == !terminal)
		return SR_OK;
	if (terminal)
		return atm_enter_till(atm, reference);
	teller_leave(atm);
	if (atm->teller.name[0] != '\0')
		return teller_by_card(atm, reference);
	return teller_by_name(atm);
}

enum sr_error
atm_log_in_teller(struct atm *atm)
{
	uint8_t reference[ORDER_REFERENCE_LEN];
	bool named = atm->options.id != NULL &&
		     ordering_reference(atm->options.id, reference) == SR_OK;

	return teller_enter(atm, named ? reference : NULL);
}

/* ---- looked at ---------------------------------------------------------------- */

struct look {
	uint64_t till;
	struct bank_account *found;
	bool seen;
};

static void
look_at(void *context, const struct bank_account *account)
{
	struct look *look = context;

	if (account->id != look->till)
		return;
	*look->found = *account;
	look->seen = true;
}

enum sr_error
teller_look(struct atm *atm, struct bank_account *till)
{
	struct look look = {
	    .till = atm->till.login.welcome.till_account, .found = till};
	enum sr_error error = bank_accounts(&atm->till, 0, look_at, &look);

	if (error == SR_OK && !look.seen) {
		fprintf(stderr, "%s has the use of no till\n",
		    atm->till.login.name);
		return SR_NOT_FOUND;
	}
	/* both are told and taken with a minus */
	if (error == SR_OK &&
	    (till->posted_minor == INT64_MIN || till->floor_minor == INT64_MIN))
		error = SR_MALFORMED;
	if (error != SR_OK)
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

static void
show_request(void *context, const struct bank_request *request)
{
	const struct atm *atm = context;
	char amount[MONEY_TEXT_MAX];

	if (request->order.kind != ORDER_CASH_OUT ||
	    request->order.credit != atm->till.login.welcome.till_account)
		return;
	printf("%s %s to the safe: request %" PRIu64 " waits for an operator\n",
	    money_format(request->order.amount_minor, &atm->unit, amount),
	    atm->unit.code, request->leaf);
}

enum sr_error
teller_show(struct atm *atm)
{
	static const char *const states[] = {"open", "frozen", "closed"};
	char cash[MONEY_TEXT_MAX], held[MONEY_TEXT_MAX], room[MONEY_TEXT_MAX];
	char number[ACCOUNT_TEXT_MAX];
	struct bank_account till;
	const char *state;
	int64_t room_minor;
	enum sr_error error = teller_look(atm, &till);

	if (error != SR_OK)
		return error;
	if (__builtin_sub_overflow(
		till.posted_minor, till.floor_minor, &room_minor) ||
	    room_minor < 0)
		room_minor = 0;
	state = till.status == BANK_ACCOUNT_OPEN && till.till_closed
		    ? "closed"
		    : states[till.status];
	if (atm->options.json) {
		printf("{\"v\":1,\"terminal\":%" PRIu32
		       ",\"account\":\"%s\",\"state\":\"%s\",\"unit\":\"%s:%u\""
		       ",\"cash_minor\":%" PRId64 ",\"held_minor\":%" PRId64
		       ",\"room_minor\":%" PRId64 "}\n",
		    atm->till.login.welcome.terminal,
		    print_account(till.id, number), state, atm->unit.code,
		    atm->unit.exponent, -till.posted_minor, till.held_minor,
		    room_minor);
		return SR_OK;
	}
	printf("cash %s %s, of which reserved %s; room for %s more%s%s\n",
	    money_format(-till.posted_minor, &atm->unit, cash), atm->unit.code,
	    money_format(till.held_minor, &atm->unit, held),
	    money_format(room_minor, &atm->unit, room),
	    strcmp(state, "open") != 0 ? "; the till is " : "",
	    strcmp(state, "open") != 0 ? state : "");
	error = bank_requests(&atm->till, show_request, atm);
	if (error != SR_OK)
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

/* ---- cash out to the safe -------------------------------------------------------- */

bool
teller_no_safe(struct atm *atm)
{
	struct message_policy policy;

	return bank_policy(&atm->till, &policy) == SR_OK &&
	       policy.bank_type == BANK_MUTUAL_CREDIT;
}

enum sr_error
teller_out(struct atm *atm, const char *amount)
{
	struct ordering ordering = {
	    .kind = ORDER_CASH_OUT, .debit = ACCOUNT_ISSUE};
	struct ordering_result result;
	char text[MONEY_TEXT_MAX];
	enum sr_error error = atm_amount(atm, amount, &ordering.amount_minor);

	if (error == SR_OK)
		error = atm_particulars(atm, &ordering);
	if (error == SR_OK)
		error = atm_log_in_teller(atm);
	if (error != SR_OK)
		return error;
	ordering.credit = atm->till.login.welcome.till_account;
	error = atm_submit(atm, &atm->till, &ordering, &result);
	if (error != SR_OK)
		return error;
	if (result.outcome != SR_OK) {
		fprintf(stderr, "%s\n",
		    result.outcome == SR_NO_ACCOUNT
			? "declined: a bank of mutual credit has no safe"
			: error_sentence(result.outcome));
		return result.outcome;
	}
	if (atm->options.json) {
		printf(
		    "{\"v\":1,\"kind\":\"cash-out\",\"amount_minor\":%" PRId64
		    ",\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64 "}\n",
		    ordering.amount_minor, result.leaf, result.time_ms);
		return SR_OK;
	}
	printf("%s %s to the safe asked for%s (request %" PRIu64 ")\n",
	    money_format(ordering.amount_minor, &atm->unit, text),
	    atm->unit.code, result.before ? " before; not again" : "",
	    result.leaf);
	fprintf(stderr,
	    "hand the cash over to the operator who approves it: "
	    "strongroomctl approve %" PRIu64 "\n",
	    result.leaf);
	return SR_OK;
}

/* ---- commands ------------------------------------------------------------------ */

static enum sr_error
till_show(struct atm *atm, char *const words[])
{
	enum sr_error error = atm_log_in_teller(atm);

	(void)words;
	return error == SR_OK ? teller_show(atm) : error;
}

static enum sr_error
till_statement(struct atm *atm, char *const words[])
{
	enum sr_error error = atm_statement_check(atm);

	(void)words;
	if (error == SR_OK)
		error = atm_log_in_teller(atm);
	return error == SR_OK ? atm_print_statement(atm, &atm->till,
				    atm->till.login.welcome.till_account)
			      : error;
}

static enum sr_error
till_in(struct atm *atm, char *const words[])
{
	struct teller_deposit deposit;
	enum sr_error error =
	    teller_deposit_begin(atm, words[0], words[1], &deposit);

	if (error == SR_OK)
		error = atm_log_in_teller(atm);
	if (error == SR_OK)
		error = teller_deposit_book(atm, words[0], &deposit);
	return error == SR_OK ? teller_deposit_report(atm, &deposit) : error;
}

static enum sr_error
till_out(struct atm *atm, char *const words[])
{
	return teller_out(atm, words[0]);
}

/* Nothing counted is no count. */
static enum sr_error
till_counted(struct atm *atm, enum order_kind kind)
{
	enum sr_error error = teller_count(atm, kind, NULL);

	return error == SR_CLOSED ? SR_USAGE : error;
}

static enum sr_error
till_open(struct atm *atm, char *const words[])
{
	(void)words;
	return till_counted(atm, ORDER_TILL_OPEN);
}

static enum sr_error
till_count(struct atm *atm, char *const words[])
{
	(void)words;
	return till_counted(atm, ORDER_TILL_COUNT);
}

static enum sr_error
till_close(struct atm *atm, char *const words[])
{
	(void)words;
	return till_counted(atm, ORDER_TILL_CLOSE);
}

static enum sr_error
till_undo(struct atm *atm, char *const words[])
{
	enum sr_error error = atm_log_in_teller(atm);

	return error == SR_OK ? atm_undo(atm, words) : error;
}

static const struct {
	const char *name;
	int words;
	enum sr_error (*run)(struct atm *atm, char *const words[]);
} commands[] = {
    {"show", 0, till_show},
    {"open", 0, till_open},
    {"count", 0, till_count},
    {"close", 0, till_close},
    {"in", 2, till_in},
    {"out", 1, till_out},
    {"undo", 1, till_undo},
    {"statement", 0, till_statement},
};

enum sr_error
atm_till(struct atm *atm, char *const words[])
{
	int count = 0;

	while (words[count] != NULL)
		count++;
	if (count == 0)
		return teller_screen(atm);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(words[0], commands[i].name) == 0 &&
		    commands[i].words == count - 1)
			return commands[i].run(atm, words + 1);
	fprintf(stderr,
	    "atm: it is: till [show|open|count|close|in PAYEE AMOUNT|out "
	    "AMOUNT|undo ENTRY|statement]\n");
	return SR_USAGE;
}
