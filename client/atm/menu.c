/* SPDX-License-Identifier: ISC */
/*
 * The ATM's menu in line mode: a log-in with as many tries as the bank
 * allows, then one choice after the other until the customer leaves.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "client/atm/atm.h"

#define LINE_MAX_LEN 300

static void
menu_show(const struct atm *atm)
{
	fprintf(stderr, "\n%s, %s\n", atm->bank.name, atm->user);
	if (atm->terminal.terminal != 0)
		fprintf(stderr, "  1  deposit\n  7  withdraw\n");
	fprintf(stderr, "  2  transfer\n  3  balance\n  4  statement\n"
			"  5  help\n  6  password\n  8  accounts\n"
			"  9  undo\n  0  exit\n");
}

static void
menu_help(void)
{
	fprintf(stderr,
	    "Type a number or a word. Amounts are like 12.50 or 12,50. What "
	    "is booked is\non the bank's disk before you read it here. "
	    "exit ends your session.\nTo whom: a name, an account "
	    "number, or self between your own accounts.\nundo gives back "
	    "what somebody paid you.\nrekey makes new keys, when you fear "
	    "that a terminal has spied on you.\n");
}

/* What was typed is wrong, or none: that may be tried again. */
static bool
menu_may_try_again(const struct atm *atm, enum sr_error error)
{
	return !atm->customer_in &&
	       (error == SR_LOGIN || error == SR_NAME ||
		   error == SR_MALFORMED || error == SR_TOO_LARGE ||
		   error == SR_NAME_TAKEN || error == SR_INVITATION ||
		   error == SR_REGISTRATION_CLOSED);
}

/*
 * Somebody becomes a customer and is in at once.  Where an invitation is
 * wanted it is asked for, and then the password again.  *offered: whether the
 * bank takes new customers at all.
 */
static enum sr_error
menu_register(struct atm *atm, bool *offered)
{
	const char *given = atm->options.invitation;
	char invitation[LINE_MAX_LEN];
	enum sr_error error;

	fprintf(stderr, "Choose a name: it is how others pay you.\n");
	error = atm_register(atm, NULL);
	if (error == SR_INVITATION && given == NULL) {
		error =
		    prompt_line("Invitation: ", invitation, sizeof(invitation));
		atm->options.invitation = invitation;
		if (error == SR_OK)
			error = atm_register(atm, NULL);
		atm->options.invitation = NULL;
	}
	*offered = error != SR_REGISTRATION_CLOSED;
	/* in, though without a recovery code: that has been said */
	return atm->customer_in ? SR_OK : error;
}

/* Who is there?  *new: somebody who wants to become a customer. */
static enum sr_error
menu_who(struct atm *atm, bool offered, bool *new)
{
	char line[LINE_MAX_LEN];
	enum sr_error error;

	*new = false;
	if (atm->options.user != NULL || !prompt_interactive())
		return atm_ask_name(atm);
	if (offered)
		fprintf(stderr, "New here? Type + instead of a name.\n");
	error = prompt_line("Name: ", line, sizeof(line));
	if (error == SR_CLOSED)
		return error;
	*new = offered &&error == SR_OK &&strcmp(line, "+") == 0;
	return *new ? SR_OK : atm_take_name(atm, error == SR_OK ? line : "");
}

/* *left: by the customer; then the error is that of the last try. */
static enum sr_error
menu_log_in(struct atm *atm, bool *left)
{
	enum sr_error refused = SR_OK;
	bool offered = true;

	for (;;) {
		bool new;
		enum sr_error error = menu_who(atm, offered, &new);

		if (error == SR_OK)
			error = new ? menu_register(atm, &offered)
				    : atm_log_in(atm);
		*left = error == SR_CLOSED;
		if (*left)
			return refused;
		if (!menu_may_try_again(atm, error))
			return error;
		/* Passwords from a file or descriptor would be the same. */
		if (atm->options.password.fd >= 0 ||
		    atm->options.password.file != NULL)
			return error;
		if (atm->options.user == NULL)
			atm->user[0] = '\0';
		refused = error;
		fprintf(stderr, "Try again, or Ctrl-D to leave.\n");
	}
}

/* While a customer thinks, the sessions' keys do not get too old. */
static enum sr_error
menu_keep(void *context, int *left_ms)
{
	struct atm *atm = context;
	int till_left_ms = INT_MAX;
	enum sr_error error = bank_keep(&atm->customer, left_ms);

	if (error == SR_OK && atm->till_in)
		error = bank_keep(&atm->till, &till_left_ms);
	if (till_left_ms < *left_ms)
		*left_ms = till_left_ms;
	return error;
}

static enum sr_error
menu_ask(struct atm *atm, const char *question, char *out, size_t room)
{
	enum sr_error error =
	    prompt_line_while(question, menu_keep, atm, out, room);

	if (error == SR_TOO_LARGE)
		fprintf(stderr, "that is too long; nothing was done\n");
	return error;
}

static enum sr_error
menu_ask_amount(struct atm *atm, char *out, size_t room)
{
	char question[sizeof("Amount in : ") + MONEY_CODE_MAX];

	snprintf(question, sizeof(question), "Amount in %s: ", atm->unit.code);
	return menu_ask(atm, question, out, room);
}

static enum sr_error
menu_cash(struct atm *atm, const char *command)
{
	char amount[LINE_MAX_LEN];
	char *words[] = {amount};
	enum sr_error error = menu_ask_amount(atm, amount, sizeof(amount));

	if (error != SR_OK || amount[0] == '\0')
		return error;
	return atm_command_find(command)->run(atm, words);
}

/* Between own accounts; nothing typed is the main one. */
static enum sr_error
menu_self(struct atm *atm)
{
	char from[LINE_MAX_LEN], to[LINE_MAX_LEN], amount[LINE_MAX_LEN];
	char self[] = "self";
	char *words[] = {self, amount};
	enum sr_error error =
	    menu_ask(atm, "From (main): ", from, sizeof(from));

	if (error == SR_OK)
		error = menu_ask(atm, "To (main): ", to, sizeof(to));
	if (error == SR_OK)
		error = menu_ask_amount(atm, amount, sizeof(amount));
	if (error != SR_OK || amount[0] == '\0')
		return error;
	atm->options.from = from[0] != '\0' ? from : "main";
	atm->options.to = to[0] != '\0' ? to : "main";
	error = atm_command_find("transfer")->run(atm, words);
	atm->options.from = atm->options.to = NULL;
	return error;
}

/* One question, one word. */
static enum sr_error
menu_word(struct atm *atm, const char *question, const char *command)
{
	char word[LINE_MAX_LEN];
	char *words[] = {word, NULL};
	enum sr_error error = menu_ask(atm, question, word, sizeof(word));

	if (error != SR_OK || word[0] == '\0')
		return error;
	return atm_command_find(command)->run(atm, words);
}

static enum sr_error
menu_transfer(struct atm *atm)
{
	char payee[LINE_MAX_LEN], amount[LINE_MAX_LEN], memo[LINE_MAX_LEN];
	char *words[] = {payee, amount};
	enum sr_error error = menu_ask(atm, "To whom: ", payee, sizeof(payee));

	if (error != SR_OK || payee[0] == '\0')
		return error;
	if (strcmp(payee, "self") == 0)
		return menu_self(atm);
	error = atm_payee_check(payee);
	if (error == SR_OK)
		error = menu_ask_amount(atm, amount, sizeof(amount));
	if (error != SR_OK || amount[0] == '\0')
		return error;
	error = menu_ask(atm, "Memo (may be empty): ", memo, sizeof(memo));
	if (error != SR_OK)
		return error;
	atm->options.memo = memo[0] != '\0' ? memo : NULL;
	error = atm_command_find("transfer")->run(atm, words);
	atm->options.memo = NULL;
	return error;
}

/* SR_CLOSED when the customer leaves or the session is over. */
static enum sr_error
menu_choice(struct atm *atm, const char *choice)
{
	enum sr_error error = SR_OK;

	if (strcmp(choice, "0") == 0 || strcmp(choice, "exit") == 0)
		return SR_CLOSED;
	if (strcmp(choice, "1") == 0 || strcmp(choice, "deposit") == 0)
		error = menu_cash(atm, "deposit");
	else if (strcmp(choice, "7") == 0 || strcmp(choice, "withdraw") == 0)
		error = menu_cash(atm, "withdraw");
	else if (strcmp(choice, "2") == 0 || strcmp(choice, "transfer") == 0)
		error = menu_transfer(atm);
	else if (strcmp(choice, "3") == 0 || strcmp(choice, "balance") == 0)
		error = atm_command_find("balance")->run(atm, NULL);
	else if (strcmp(choice, "4") == 0 || strcmp(choice, "statement") == 0)
		error = atm_command_find("statement")->run(atm, NULL);
	else if (strcmp(choice, "6") == 0 || strcmp(choice, "password") == 0 ||
		 strcmp(choice, "passwd") == 0)
		error = atm_passwd(atm, NULL);
	else if (strcmp(choice, "8") == 0 || strcmp(choice, "accounts") == 0 ||
		 strcmp(choice, "account") == 0)
		error = atm_list_accounts(atm, true);
	else if (strcmp(choice, "9") == 0 || strcmp(choice, "undo") == 0)
		error =
		    menu_word(atm, "Which entry of the statement: ", "undo");
	else if (strcmp(choice, "rekey") == 0)
		error = atm_rekey(atm, NULL);
	else if (strcmp(choice, "5") == 0 || strcmp(choice, "help") == 0)
		menu_help();
	else if (choice[0] != '\0')
		fprintf(stderr, "That is not on the menu.\n");
	return error;
}

enum sr_error
atm_menu(struct atm *atm)
{
	enum sr_error error;
	bool left;

	atm->menu = true;
	error = menu_log_in(atm, &left);

	if (left)
		fprintf(stderr, "Good-bye.\n");
	if (left || error != SR_OK)
		return error;
	while (error == SR_OK) {
		char choice[LINE_MAX_LEN];

		menu_show(atm);
		error = menu_ask(atm, "Your choice: ", choice, sizeof(choice));
		if (error == SR_OK)
			error = menu_choice(atm, choice);
		/* A refusal has been said; only a lost session ends it. */
		if (error != SR_CLOSED && error != SR_UNKNOWN_OUTCOME &&
		    error != SR_SESSION_ENDED && error != SR_UNREACHABLE)
			error = SR_OK;
	}
	if (error == SR_CLOSED) {
		fprintf(stderr, "Good-bye.\n");
		return SR_OK;
	}
	fprintf(stderr, "Please start again.\n");
	return error;
}
