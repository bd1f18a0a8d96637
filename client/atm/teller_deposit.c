/* SPDX-License-Identifier: ISC */
/*
 * Cash in at a till: who gets it, how much, booked once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/atm/print.h"
#include "client/json.h"
#include "client/atm/teller.h"
#include "common/account_number.h"

enum sr_error
teller_deposit_begin(struct atm *atm, const char *payee, const char *amount,
    struct teller_deposit *deposit)
{
	enum sr_error error;

	memset(deposit, 0, sizeof(*deposit));
	deposit->ordering.kind = ORDER_DEPOSIT;
	error = atm_amount(atm, amount, &deposit->ordering.amount_minor);
	if (error == SR_OK)
		error = atm_particulars(atm, &deposit->ordering);
	return error == SR_OK ? atm_payee_check(payee) : error;
}

enum sr_error
teller_deposit_book(
    struct atm *atm, const char *payee, struct teller_deposit *deposit)
{
	struct ordering *ordering = &deposit->ordering;
	char number[ACCOUNT_NUMBER_TEXT_MAX];
	struct bank_person person;
	enum sr_error error =
	    atm_payee(&atm->till, payee, &ordering->credit, &person);

	if (error != SR_OK)
		return error;
	/* by number: whose it is, for the one who hands the cash over */
	account_number_print(ordering->credit, number);
	if (strcmp(person.name, payee) == 0)
		snprintf(deposit->payee, sizeof(deposit->payee), "%s", payee);
	else
		snprintf(deposit->payee, sizeof(deposit->payee), "%s%s%s",
		    number, person.name[0] != '\0' ? " of " : "", person.name);
	ordering->debit = atm->till.login.welcome.till_account;
	return atm_submit(atm, &atm->till, ordering, &deposit->result);
}

enum sr_error
teller_deposit_report(
    const struct atm *atm, const struct teller_deposit *deposit)
{
	const struct ordering_result *result = &deposit->result;
	char amount[MONEY_TEXT_MAX], cash[MONEY_TEXT_MAX];
	int64_t cash_minor;

	if (result->outcome != SR_OK) {
		fprintf(stderr, "%s: %s\n", deposit->payee,
		    error_sentence(result->outcome));
		return result->outcome;
	}
	if (__builtin_sub_overflow(0, result->balance_minor, &cash_minor))
		return SR_MALFORMED;
	if (atm->options.json) {
		printf("{\"v\":1,\"kind\":\"deposit\",\"amount_minor\":%" PRId64
		       ",\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"payee\":",
		    deposit->ordering.amount_minor, result->leaf,
		    result->time_ms);
		json_string(stdout, deposit->payee, strlen(deposit->payee));
		printf(",\"cash_minor\":%" PRId64 "}\n", cash_minor);
		return SR_OK;
	}
	printf("deposit of %s %s to %s booked%s (entry %" PRIu64
	       "); in the till %s %s\n",
	    money_format(deposit->ordering.amount_minor, &atm->unit, amount),
	    atm->unit.code, deposit->payee,
	    result->before ? " before; not again" : "", result->leaf,
	    money_format(cash_minor, &atm->unit, cash), atm->unit.code);
	return SR_OK;
}
