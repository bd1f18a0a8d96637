/* SPDX-License-Identifier: ISC */
/*
 * The customer's own accounts: listed, opened, closed, found by label; and
 * whom a payee's name or number stands for.  Must never take a number that
 * was mistyped for somebody's name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/atm/atm.h"
#include "client/atm/print.h"
#include "common/account_number.h"
#include "common/ids.h"
#include "common/name.h"

/* ---- found ------------------------------------------------------------------ */

/* Made of digits and what may stand between them: no label and no name. */
static bool
is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789 -")] == '\0';
}

static enum sr_error
take_number(const char *text, uint64_t *account)
{
	enum account_number_fault fault =
	    account_number_parse(text, strlen(text), account);

	if (fault == ACCOUNT_NUMBER_FINE)
		return SR_OK;
	fprintf(stderr, "%s: %s\n", text, account_number_sentence(fault));
	return SR_USAGE;
}

/* An account that is looked for, by label or by number. */
struct wanted {
	const char *label; /* NULL: by number */
	uint64_t number;
	uint64_t found; /* one that is not closed before one that is */
	bool closed;
};

static void
look_for(void *context, const struct bank_account *account)
{
	struct wanted *wanted = context;
	bool closed = account->status == BANK_ACCOUNT_CLOSED;

	if (wanted->label == NULL ? account->id != wanted->number
				  : strcmp(account->label, wanted->label) != 0)
		return;
	if (wanted->found != 0 && closed && !wanted->closed)
		return;
	wanted->found = account->id;
	wanted->closed = closed;
}

enum sr_error
atm_own_account(struct atm *atm, const char *label, uint64_t *account)
{
	uint64_t main_account = atm->customer.login.welcome.account;
	struct wanted wanted = {.label = label};
	enum sr_error error;

	if (label == NULL || strcmp(label, "main") == 0) {
		*account = main_account;
		return SR_OK;
	}
	if (is_number(label)) {
		wanted.label = NULL;
		error = take_number(label, &wanted.number);
	} else {
		error = order_label_check(label, strlen(label));
		if (error != SR_OK)
			error = atm_bad_label(label);
	}
	if (error != SR_OK)
		return error;
	error = bank_accounts(&atm->customer, 0, look_for, &wanted);
	if (error == SR_OK && wanted.found == 0) {
		fprintf(stderr,
		    "%s: you have no such account; `atm account list' shows "
		    "those that you have\n",
		    label);
		return SR_NO_ACCOUNT;
	}
	if (error != SR_OK)
		fprintf(stderr, "%s\n", error_sentence(error));
	*account = wanted.found;
	return error;
}

enum sr_error
atm_bad_label(const char *label)
{
	fprintf(stderr,
	    "%s: the name of an account is 1 to 16 of a-z 0-9 . _ - and begins "
	    "with a letter\n",
	    label);
	return SR_USAGE;
}

enum sr_error
atm_payee_check(const char *text)
{
	uint64_t account;

	if (is_number(text))
		return take_number(text, &account);
	if (name_check(text, strlen(text)) == SR_OK)
		return SR_OK;
	fprintf(stderr, "%s: %s\n", text, error_sentence(SR_NAME));
	return SR_NAME;
}

enum sr_error
atm_payee(struct bank_session *session, const char *text, uint64_t *account,
    struct bank_person *person)
{
	bool number = is_number(text);
	enum sr_error error = atm_payee_check(text);

	if (error != SR_OK)
		return error;
	if (number) {
		error = take_number(text, account);
		if (error == SR_OK)
			error = bank_person(
			    session, account_customer(*account), person);
	} else {
		error = bank_person_named(session, text, person);
		*account = account_id(person->customer, ACCOUNT_INDEX_MAIN);
	}
	if (error == SR_NOT_FOUND)
		fprintf(stderr, "%s: nobody here has that %s\n", text,
		    number ? "number" : "name");
	else if (error != SR_OK)
		fprintf(stderr, "%s: %s\n", text, error_sentence(error));
	return error;
}

/* ---- listed ----------------------------------------------------------------- */

struct listing {
	const struct atm *atm;
	bool all; /* closed ones, too */
};

static void
list_account(void *context, const struct bank_account *account)
{
	const struct listing *listing = context;
	const struct atm *atm = listing->atm;
	char number[ACCOUNT_NUMBER_TEXT_MAX];
	char balance[MONEY_TEXT_MAX], held[MONEY_TEXT_MAX];

	if (account->status == BANK_ACCOUNT_CLOSED && !listing->all)
		return;
	if (atm->options.json) {
		printf("{\"v\":1,");
		print_account_json(stdout, &atm->unit, account);
		printf("}\n");
		return;
	}
	printf("%-16s  %-23s %14s %s", print_label(account),
	    account_number_print(account->id, number),
	    money_format(account->posted_minor, &atm->unit, balance),
	    atm->unit.code);
	if (account->held_minor != 0)
		printf("  (%s reserved)",
		    money_format(account->held_minor, &atm->unit, held));
	if (account->status != BANK_ACCOUNT_OPEN)
		printf("  %s", print_status(account->status));
	printf("\n");
}

enum sr_error
atm_list_accounts(struct atm *atm, bool all)
{
	struct listing listing = {.atm = atm, .all = all};
	enum sr_error error =
	    bank_accounts(&atm->customer, 0, list_account, &listing);

	if (error != SR_OK)
		fprintf(stderr, "%s\n", error_sentence(error));
	return error;
}

/* ---- opened and closed --------------------------------------------------------- */

/* The account with that label, if there is one, and the lowest free number. */
struct opening {
	struct wanted wanted;
	uint64_t next;
};

static void
look_for_next(void *context, const struct bank_account *account)
{
	struct opening *opening = context;

	look_for(&opening->wanted, account);
	if (account_index(account->id) >= ACCOUNT_INDEX_FURTHER &&
	    account->id >= opening->next)
		opening->next = account->id + 1;
}

static enum sr_error
account_opened(const struct atm *atm, const char *label,
    const struct ordering_result *result, uint64_t account)
{
	char number[ACCOUNT_NUMBER_TEXT_MAX], text[ACCOUNT_TEXT_MAX];

	if (atm->options.json)
		printf("{\"v\":1,\"account\":\"%s\",\"number\":\"%s\","
		       "\"label\":\"%s\",\"leaf\":%" PRIu64 "}\n",
		    print_account(account, text),
		    account_number_digits(account, number), label,
		    result->leaf);
	else
		printf("account %s opened%s: number %s (entry %" PRIu64 ")\n",
		    label, result->before ? " before; not again" : "",
		    account_number_print(account, number), result->leaf);
	return SR_OK;
}

static enum sr_error
account_open(struct atm *atm, const char *label)
{
	struct opening opening = {.wanted = {.label = label}};
	struct ordering ordering = {.kind = ORDER_ACCOUNT_OPEN};
	struct ordering_result result;
	enum sr_error error = atm_particulars(atm, &ordering);

	if (error == SR_OK && order_label_check(label, strlen(label)) != SR_OK)
		error = strcmp(label, "main") == 0 ? SR_ALREADY
						   : atm_bad_label(label);
	if (error == SR_ALREADY)
		fprintf(stderr, "main: everybody has that account already\n");
	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error != SR_OK)
		return error;
	opening.next = account_id(
	    atm->customer.login.welcome.customer, ACCOUNT_INDEX_FURTHER);
	error = bank_accounts(&atm->customer, 0, look_for_next, &opening);
	if (error != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(error));
		return error;
	}
	/* where it is there, an earlier run with this --id may have made it */
	ordering.credit = opening.wanted.found != 0 && !opening.wanted.closed
			      ? opening.wanted.found
			      : opening.next;
	ordering.attachment = label;
	ordering.attachment_len = strlen(label);
	error = atm_submit(atm, &atm->customer, &ordering, &result);
	if (error != SR_OK)
		return error;
	if (result.outcome == SR_OK)
		return account_opened(atm, label, &result, ordering.credit);
	/* the number of one that is there is not the next one */
	if (result.outcome == SR_PARAMETERS &&
	    ordering.credit == opening.wanted.found) {
		fprintf(
		    stderr, "%s: you have an account of that name\n", label);
		return SR_ALREADY;
	}
	fprintf(stderr, "%s: %s\n", label, error_sentence(result.outcome));
	return result.outcome;
}

static enum sr_error
account_close(struct atm *atm, const char *label)
{
	uint8_t parameters[ORDER_ACCOUNT_LEN];
	struct ordering ordering = {.kind = ORDER_CLOSE};
	struct ordering_result result;
	uint64_t account;
	enum sr_error error = atm_particulars(atm, &ordering);

	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error == SR_OK)
		error = atm_own_account(atm, label, &account);
	if (error != SR_OK)
		return error;
	order_account_encode(account, parameters);
	ordering.attachment = parameters;
	ordering.attachment_len = sizeof(parameters);
	error = atm_submit(atm, &atm->customer, &ordering, &result);
	if (error != SR_OK)
		return error;
	if (result.outcome != SR_OK) {
		fprintf(
		    stderr, "%s: %s\n", label, error_sentence(result.outcome));
		return result.outcome;
	}
	if (atm->options.json)
		printf("{\"v\":1,\"label\":\"%s\",\"leaf\":%" PRIu64 "}\n",
		    label, result.leaf);
	else
		printf("account %s closed%s (entry %" PRIu64 ")\n", label,
		    result.before ? " before; not again" : "", result.leaf);
	return SR_OK;
}

/* There is no way back: at a terminal it is asked, in a script --yes says so. */
static enum sr_error
erase_confirm(const struct atm *atm)
{
	char line[64];

	if (atm->options.yes)
		return SR_OK;
	if (!prompt_interactive()) {
		fprintf(stderr, "there is no way back; --yes means it\n");
		return SR_USAGE;
	}
	fprintf(stderr,
	    "Name, password, recovery code and keys of %s are deleted at the "
	    "bank.\nThere is no way back.\n",
	    atm->user);
	if (prompt_line("Your name, if you mean it: ", line, sizeof(line)) ==
		SR_OK &&
	    strcmp(line, atm->user) == 0)
		return SR_OK;
	fprintf(stderr, "nothing was done\n");
	return SR_NOT_ALLOWED;
}

static enum sr_error
account_erase(struct atm *atm)
{
	struct ordering ordering = {.kind = ORDER_ERASE};
	struct ordering_result result;
	enum sr_error error = atm_particulars(atm, &ordering);

	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error == SR_OK)
		error = erase_confirm(atm);
	if (error == SR_OK)
		error = atm_submit(atm, &atm->customer, &ordering, &result);
	if (error != SR_OK)
		return error;
	if (result.outcome == SR_NOT_EMPTY)
		fprintf(stderr, "close your accounts first, main as the last: "
				"`account close LABEL'\n");
	else if (result.outcome != SR_OK)
		fprintf(stderr, "%s\n", error_sentence(result.outcome));
	if (result.outcome != SR_OK)
		return result.outcome;
	if (atm->options.json)
		printf("{\"v\":1,\"kind\":\"erase\",\"leaf\":%" PRIu64 "}\n",
		    result.leaf);
	else
		printf("%s is erased (entry %" PRIu64 ")\n", atm->user,
		    result.leaf);
	return SR_OK;
}

enum sr_error
atm_account(struct atm *atm, char *const words[])
{
	bool list = strcmp(words[0], "list") == 0;
	bool open = strcmp(words[0], "open") == 0;
	bool close = strcmp(words[0], "close") == 0;
	bool erase = strcmp(words[0], "erase") == 0;
	enum sr_error error;

	if (((list || erase) && words[1] == NULL) ||
	    ((open || close) && words[1] != NULL)) {
		if (!list && atm->options.memo != NULL) {
			fprintf(stderr, "--memo is for a payment\n");
			return SR_USAGE;
		}
		if (open)
			return account_open(atm, words[1]);
		if (close)
			return account_close(atm, words[1]);
		if (erase)
			return account_erase(atm);
		error = atm_log_in(atm);
		return error == SR_OK ? atm_list_accounts(atm, true) : error;
	}
	fprintf(stderr, "atm: it is: account list, account open LABEL, account "
			"close LABEL, account erase\n");
	return SR_USAGE;
}
