/* SPDX-License-Identifier: ISC */
/*
 * The commands of the ATM: each logs in where it must, asks or orders, and
 * prints data on stdout and talk on stderr.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/atm/atm.h"
#include "client/atm/print.h"
#include "client/ordering.h"
#include "common/account_number.h"
#include "common/ids.h"
#include "common/name.h"

enum sr_error
atm_amount(const struct atm *atm, const char *text, int64_t *minor)
{
	enum money_fault fault =
	    money_parse(text, strlen(text), &atm->unit, minor);

	if (fault == MONEY_FINE)
		return SR_OK;
	fprintf(stderr, "%s: %s\n", text, money_sentence(fault));
	return SR_USAGE;
}

static void
command_print_balance(
    const struct atm *atm, const struct message_balance *balance)
{
	char account[ACCOUNT_TEXT_MAX], amount[MONEY_TEXT_MAX];
	char number[ACCOUNT_NUMBER_TEXT_MAX];

	print_account(balance->account, account);
	if (atm->options.json) {
		printf("{\"v\":1,\"account\":\"%s\",\"number\":\"%s\","
		       "\"status\":\"%s\",\"unit\":\"%s:%u\","
		       "\"balance_minor\":%" PRId64 ",\"held_minor\":%" PRId64
		       ",\"floor_minor\":%" PRId64,
		    account, account_number_digits(balance->account, number),
		    print_status(balance->status), atm->unit.code,
		    atm->unit.exponent, balance->posted, balance->held,
		    balance->floor);
		print_limits(atm, balance);
		printf("}\n");
		return;
	}
	printf("%s %s\n", money_format(balance->posted, &atm->unit, amount),
	    atm->unit.code);
	if (balance->held != 0)
		printf("of which reserved: %s %s\n",
		    money_format(balance->held, &atm->unit, amount),
		    atm->unit.code);
	if (account_number_print(balance->account, number)[0] != '\0')
		printf("account %s%s%s\n", number,
		    balance->status != 0 ? ", " : "",
		    balance->status != 0 ? print_status(balance->status) : "");
	print_limits(atm, balance);
}

static enum sr_error
command_balance(struct atm *atm, char *const words[])
{
	const char *label = atm->options.account;
	struct message_balance balance;
	uint64_t account;
	enum sr_error error = atm_log_in(atm);

	(void)words;
	if (error != SR_OK)
		return error;
	if (label != NULL && strcmp(label, "all") == 0)
		return atm_list_accounts(atm, false);
	error = atm_own_account(atm, label, &account);
	if (error != SR_OK)
		return error;
	error = bank_balance(&atm->customer, account, &balance);
	if (error == SR_OK)
		command_print_balance(atm, &balance);
	else
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

/* Submits, and says on stderr why it did not come to an outcome. */
enum sr_error
atm_submit(struct atm *atm, struct bank_session *session,
    struct ordering *ordering, struct ordering_result *result)
{
	enum sr_error error =
	    ordering_submit(session, &atm->state, ordering, result);

	if (error == SR_UNKNOWN_OUTCOME && atm->options.id == NULL)
		fprintf(stderr, "the outcome is unknown; your next log-in here "
				"says what became of it\n");
	else if (error != SR_OK && error != SR_DUPLICATE)
		ordering_refused("", error, result);
	return error;
}

/* Reference and memo, as --id and --memo say. */
enum sr_error
atm_particulars(const struct atm *atm, struct ordering *ordering)
{
	const char *memo = atm->options.memo;

	if (ordering_reference(atm->options.id, ordering->reference) != SR_OK) {
		fprintf(stderr, "--id is 1 to 16 of A-Z a-z 0-9 . _ -\n");
		return SR_USAGE;
	}
	if (memo == NULL)
		return SR_OK;
	if (name_text_check(memo, strlen(memo), ORDER_MEMO_MAX) != SR_OK) {
		fprintf(stderr,
		    "a memo is text (UTF-8) of at most %u bytes "
		    "without control characters\n",
		    ORDER_MEMO_MAX);
		return SR_USAGE;
	}
	ordering->attachment = memo;
	ordering->attachment_len = strlen(memo);
	return SR_OK;
}

/* "self" as a payee: between one's own accounts. */
static bool
is_self(const char *payee)
{
	return strcmp(payee, "self") == 0;
}

/* What can be known to be wrong before anybody is asked for a password. */
static enum sr_error
transfer_check(const struct atm *atm, const char *payee)
{
	if (!is_self(payee)) {
		if (atm->options.to == NULL)
			return atm_payee_check(payee);
		fprintf(stderr,
		    "--to is for a payment between your own accounts, `transfer "
		    "self'; another's further account is paid by its number\n");
		return SR_USAGE;
	}
	if (atm->options.from != NULL || atm->options.to != NULL)
		return SR_OK;
	fprintf(stderr, "between which of your accounts? --from LABEL, --to "
			"LABEL; one that is not named is main\n");
	return SR_USAGE;
}

static enum sr_error
command_transfer(struct atm *atm, char *const words[])
{
	struct ordering ordering = {.kind = ORDER_TRANSFER};
	struct ordering_result result;
	struct bank_person person;
	char shown[64];
	enum sr_error error = atm_amount(atm, words[1], &ordering.amount_minor);

	if (error == SR_OK)
		error = atm_particulars(atm, &ordering);
	if (error == SR_OK)
		error = transfer_check(atm, words[0]);
	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error == SR_OK)
		error =
		    atm_own_account(atm, atm->options.from, &ordering.debit);
	if (error == SR_OK)
		error = is_self(words[0])
			    ? atm_own_account(
				  atm, atm->options.to, &ordering.credit)
			    : atm_payee(&atm->customer, words[0],
				  &ordering.credit, &person);
	if (error != SR_OK)
		return error;
	error = atm_submit(atm, &atm->customer, &ordering, &result);
	if (error != SR_OK)
		return error;
	snprintf(shown, sizeof(shown), "%.40s", words[0]);
	if (is_self(words[0]))
		snprintf(shown, sizeof(shown), "your account %.24s",
		    atm->options.to != NULL ? atm->options.to : "main");
	return print_outcome(atm, &ordering, &result, shown, ordering.debit);
}

static enum sr_error
command_deposit(struct atm *atm, char *const words[])
{
	struct ordering ordering = {.kind = ORDER_DEPOSIT};
	struct ordering_result result;
	enum sr_error error = atm_amount(atm, words[0], &ordering.amount_minor);

	if (error == SR_OK)
		error = atm_particulars(atm, &ordering);
	if (error == SR_OK)
		error = atm_log_in_till(atm);
	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error == SR_OK)
		error = atm_own_account(atm, atm->options.to, &ordering.credit);
	if (error != SR_OK)
		return error;
	ordering.debit = atm->till.login.welcome.till_account;
	error = atm_submit(atm, &atm->till, &ordering, &result);
	if (error != SR_OK)
		return error;
	/* The answer's balance is the till's; the customer wants the own. */
	return print_outcome(atm, &ordering, &result, NULL, ordering.credit);
}

const struct atm_command atm_commands[] = {
    {"register", 0, 0, atm_register, "register",
	"become a customer; prints the recovery code"},
    {"deposit", 1, 1, command_deposit, "deposit AMOUNT",
	"pay cash in, at an enrolled ATM (--terminal)"},
    {"withdraw", 1, 1, atm_withdraw, "withdraw AMOUNT",
	"take cash out, at an enrolled ATM (--terminal)"},
    {"transfer", 2, 2, command_transfer, "transfer PAYEE AMOUNT",
	"pay a name or an account number; self: between"},
    {"undo", 1, 1, atm_undo, "undo ENTRY",
	"give back what you were paid; at a till, a deposit"},
    {"balance", 0, 0, command_balance, "balance", "what the account holds"},
    {"statement", 0, 0, atm_statement, "statement",
	"the account's last lines, or a period in many formats"},
    {"receipt", 0, 1, atm_receipt, "receipt [ENTRY|ID]",
	"the proof of an order, for others to check; the last one's"},
    {"export-my-data", 1, 1, atm_export_my_data, "export-my-data DIRECTORY",
	"all that the bank has about you"},
    {"account", 1, 2, atm_account, "account COMMAND [LABEL]",
	"your accounts: list, open, close, erase"},
    {"till", 0, 3, atm_till, "till [show|open|...]",
	"work at a till (--teller, --terminal)"},
    {"passwd", 0, 0, atm_passwd, "passwd", "change the password"},
    {"recover", 0, 0, atm_recover, "recover",
	"set a new password with the recovery code"},
    {"reset", 0, 0, atm_reset, "reset",
	"a new password with a reset code of the operators"},
    {"rekey", 0, 0, atm_rekey, "rekey",
	"new keys, when a terminal may have been spied on"},
    {NULL, 0, 0, NULL, NULL, NULL},
};

const struct atm_command *
atm_command_find(const char *name)
{
	for (const struct atm_command *c = atm_commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
