/* SPDX-License-Identifier: ISC */
/*
 * The ATM's menu in line mode: a log-in with as many tries as the bank
 * allows, then one choice after the other until the customer leaves.
 */
#include <stdio.h>
#include <string.h>

#include "client/atm.h"

#define LINE_MAX_LEN 300

static void
menu_show(const struct atm *atm)
{
	fprintf(stderr, "\n%s, %s\n", atm->bank.name, atm->user);
	if (atm->terminal.terminal != 0)
		fprintf(stderr, "  1  deposit\n");
	fprintf(stderr, "  2  transfer\n  3  balance\n  4  statement\n"
			"  5  help\n  0  exit\n");
}

static void
menu_help(void)
{
	fprintf(stderr,
	    "Type a number or a word. Amounts are like 12.50 or 12,50. What "
	    "is booked is\non the bank's disk before you read it here. "
	    "exit ends your session.\n");
}

/* A wrong password or name may be tried again; nothing else. */
static enum sr_error
menu_log_in(struct atm *atm)
{
	enum sr_error error;

	for (;;) {
		error = atm_log_in(atm);
		if (error != SR_LOGIN && error != SR_NAME)
			return error;
		/* Passwords from a file or descriptor would be the same. */
		if (atm->options.password.fd >= 0 ||
		    atm->options.password.file != NULL)
			return error;
		if (atm->options.user == NULL)
			atm->user[0] = '\0';
		fprintf(stderr, "Try again, or Ctrl-D to leave.\n");
	}
}

static enum sr_error
menu_ask(const char *question, char *out, size_t room)
{
	enum sr_error error = prompt_line(question, out, room);

	if (error == SR_TOO_LARGE) {
		fprintf(stderr, "that is too long\n");
		out[0] = '\0';
		return SR_OK;
	}
	return error;
}

static enum sr_error
menu_deposit(struct atm *atm)
{
	char amount[LINE_MAX_LEN];
	char *words[] = {amount};
	enum sr_error error = menu_ask("Amount: ", amount, sizeof(amount));

	if (error != SR_OK || amount[0] == '\0')
		return error;
	return atm_command_find("deposit")->run(atm, words);
}

static enum sr_error
menu_transfer(struct atm *atm)
{
	char payee[LINE_MAX_LEN], amount[LINE_MAX_LEN], memo[LINE_MAX_LEN];
	char *words[] = {payee, amount};
	enum sr_error error = menu_ask("To whom: ", payee, sizeof(payee));

	if (error != SR_OK || payee[0] == '\0')
		return error;
	error = menu_ask("Amount: ", amount, sizeof(amount));
	if (error != SR_OK || amount[0] == '\0')
		return error;
	error = menu_ask("Memo (may be empty): ", memo, sizeof(memo));
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
		error = menu_deposit(atm);
	else if (strcmp(choice, "2") == 0 || strcmp(choice, "transfer") == 0)
		error = menu_transfer(atm);
	else if (strcmp(choice, "3") == 0 || strcmp(choice, "balance") == 0)
		error = atm_command_find("balance")->run(atm, NULL);
	else if (strcmp(choice, "4") == 0 || strcmp(choice, "statement") == 0)
		error = atm_command_find("statement")->run(atm, NULL);
	else if (choice[0] != '\0')
		menu_help();
	return error;
}

enum sr_error
atm_menu(struct atm *atm)
{
	enum sr_error error = menu_log_in(atm);

	if (error == SR_CLOSED)
		return SR_OK;
	while (error == SR_OK) {
		char choice[LINE_MAX_LEN];

		menu_show(atm);
		error = menu_ask("Your choice: ", choice, sizeof(choice));
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
