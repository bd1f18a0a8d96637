/* SPDX-License-Identifier: ISC */
/*
 * The commands of the ATM: each logs in where it must, asks or orders, and
 * prints data on stdout and talk on stderr.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/atm.h"
#include "client/ordering.h"
#include "common/ids.h"
#include "common/name.h"

/* "12-0": a customer's number and which of the customer's accounts. */
#define ACCOUNT_TEXT_MAX 32

static const char *
account_text(uint64_t account, char out[ACCOUNT_TEXT_MAX])
{
	snprintf(out, ACCOUNT_TEXT_MAX, "%" PRIu64 "-%u",
	    account_customer(account), account_index(account));
	return out;
}

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

	account_text(balance->account, account);
	if (atm->options.json) {
		printf("{\"v\":1,\"account\":\"%s\",\"unit\":\"%s:%u\","
		       "\"balance_minor\":%" PRId64 ",\"held_minor\":%" PRId64
		       "}\n",
		    account, atm->unit.code, atm->unit.exponent,
		    balance->posted, balance->held);
		return;
	}
	printf("%s %s\n", money_format(balance->posted, &atm->unit, amount),
	    atm->unit.code);
	if (balance->held != 0)
		printf("of which reserved: %s %s\n",
		    money_format(balance->held, &atm->unit, amount),
		    atm->unit.code);
}

static enum sr_error
command_balance(struct atm *atm, char *const words[])
{
	struct message_balance balance;
	enum sr_error error = atm_log_in(atm);

	(void)words;
	if (error != SR_OK)
		return error;
	error = bank_balance(&atm->customer, 0, &balance);
	if (error == SR_OK)
		command_print_balance(atm, &balance);
	else
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

/* What became of an order, for people and scripts; payee may be NULL. */
static enum sr_error
command_outcome(const struct atm *atm, const struct ordering *ordering,
    const struct ordering_result *result, const char *payee,
    const int64_t *balance)
{
	char amount[MONEY_TEXT_MAX], after[MONEY_TEXT_MAX];

	if (result->outcome != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(result->outcome));
		return result->outcome;
	}
	if (atm->options.json) {
		printf("{\"v\":1,\"kind\":\"%s\",\"amount_minor\":%" PRId64
		       ",\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64,
		    order_kind_name(ordering->kind), ordering->amount_minor,
		    result->leaf, result->time_ms);
		if (payee != NULL)
			printf(",\"payee\":\"%s\"", payee);
		if (balance != NULL)
			printf(",\"balance_minor\":%" PRId64, *balance);
		printf("}\n");
		return SR_OK;
	}
	printf("%s of %s %s%s%s booked%s (entry %" PRIu64 ")",
	    order_kind_name(ordering->kind),
	    money_format(ordering->amount_minor, &atm->unit, amount),
	    atm->unit.code, payee != NULL ? " to " : "",
	    payee != NULL ? payee : "",
	    result->before ? " before; not again" : "", result->leaf);
	if (balance != NULL)
		printf("; balance %s %s",
		    money_format(*balance, &atm->unit, after), atm->unit.code);
	printf("\n");
	return SR_OK;
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

static enum sr_error
command_transfer(struct atm *atm, char *const words[])
{
	struct ordering ordering = {.kind = ORDER_TRANSFER};
	struct ordering_result result;
	uint64_t payee;
	enum sr_error error = atm_amount(atm, words[1], &ordering.amount_minor);

	if (error == SR_OK)
		error = atm_particulars(atm, &ordering);
	if (error == SR_OK && name_check(words[0], strlen(words[0])) != SR_OK) {
		fprintf(stderr, "%s: %s\n", words[0], error_sentence(SR_NAME));
		error = SR_NAME;
	}
	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error != SR_OK)
		return error;
	error = bank_find(&atm->customer, words[0], &payee);
	if (error != SR_OK) {
		fprintf(stderr, "%s: %s\n", words[0],
		    error == SR_NOT_FOUND ? "nobody here has that name"
					  : error_sentence(error));
		return error;
	}
	ordering.debit = atm->customer.login.welcome.account;
	ordering.credit = account_id(payee, ACCOUNT_INDEX_MAIN);
	error = atm_submit(atm, &atm->customer, &ordering, &result);
	if (error != SR_OK)
		return error;
	return command_outcome(
	    atm, &ordering, &result, words[0], &result.balance_minor);
}

static enum sr_error
command_deposit(struct atm *atm, char *const words[])
{
	struct ordering ordering = {.kind = ORDER_DEPOSIT};
	struct ordering_result result;
	struct message_balance balance;
	enum sr_error error = atm_amount(atm, words[0], &ordering.amount_minor);

	if (error == SR_OK)
		error = atm_particulars(atm, &ordering);
	if (error == SR_OK)
		error = atm_log_in_till(atm);
	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error != SR_OK)
		return error;
	ordering.debit = atm->till.login.welcome.till_account;
	ordering.credit = atm->customer.login.welcome.account;
	error = atm_submit(atm, &atm->till, &ordering, &result);
	if (error != SR_OK)
		return error;
	/* The answer's balance is the till's; the customer wants the own. */
	if (result.outcome == SR_OK &&
	    bank_balance(&atm->customer, 0, &balance) == SR_OK)
		return command_outcome(
		    atm, &ordering, &result, NULL, &balance.posted);
	return command_outcome(atm, &ordering, &result, NULL, NULL);
}

/* The terminal's own: a till is minus the cash in it. */
static enum sr_error
command_till(struct atm *atm, char *const words[])
{
	char cash[MONEY_TEXT_MAX], held[MONEY_TEXT_MAX], room[MONEY_TEXT_MAX];
	struct message_balance balance;
	enum sr_error error = atm_log_in_till(atm);
	int64_t cash_minor, room_minor;

	(void)words;
	if (error != SR_OK)
		return error;
	error = bank_balance(&atm->till, 0, &balance);
	if (error == SR_OK &&
	    (__builtin_sub_overflow(0, balance.posted, &cash_minor) ||
		__builtin_sub_overflow(
		    balance.posted, balance.floor, &room_minor)))
		error = SR_MALFORMED;
	if (error != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(error));
		return error;
	}
	if (atm->options.json) {
		printf("{\"v\":1,\"terminal\":%" PRIu32
		       ",\"unit\":\"%s:%u\",\"cash_minor\":%" PRId64
		       ",\"held_minor\":%" PRId64 ",\"room_minor\":%" PRId64
		       "}\n",
		    atm->terminal.terminal, atm->unit.code, atm->unit.exponent,
		    cash_minor, balance.held, room_minor);
		return SR_OK;
	}
	printf("cash %s %s, of which reserved %s; room for %s more\n",
	    money_format(cash_minor, &atm->unit, cash), atm->unit.code,
	    money_format(balance.held, &atm->unit, held),
	    money_format(room_minor, &atm->unit, room));
	return SR_OK;
}

const struct atm_command atm_commands[] = {
    {"register", 0, atm_register, "register",
	"become a customer; prints the recovery code"},
    {"deposit", 1, command_deposit, "deposit AMOUNT",
	"pay cash in, at an enrolled ATM (--terminal)"},
    {"withdraw", 1, atm_withdraw, "withdraw AMOUNT",
	"take cash out, at an enrolled ATM (--terminal)"},
    {"transfer", 2, command_transfer, "transfer NAME AMOUNT",
	"pay another customer"},
    {"balance", 0, command_balance, "balance", "what the account holds"},
    {"statement", 0, atm_statement, "statement",
	"the account's last lines, or a period in many formats"},
    {"till", 0, command_till, "till",
	"the cash that the books say is in this ATM (--terminal)"},
    {"passwd", 0, atm_passwd, "passwd", "change the password"},
    {"recover", 0, atm_recover, "recover",
	"set a new password with the recovery code"},
    {"rekey", 0, atm_rekey, "rekey",
	"new keys, when a terminal may have been spied on"},
    {NULL, 0, NULL, NULL, NULL},
};

const struct atm_command *
atm_command_find(const char *name)
{
	for (const struct atm_command *c = atm_commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
