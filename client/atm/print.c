/* SPDX-License-Identifier: ISC */
/*
 * What the ATM's commands print.  Must never print what the bank did not say.
 */
#include "client/atm/print.h"
#include "client/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/account_number.h"
#include "common/ids.h"

const char *
print_account(uint64_t account, char out[ACCOUNT_TEXT_MAX])
{
	snprintf(out, ACCOUNT_TEXT_MAX, "%" PRIu64 "-%u",
	    account_customer(account), account_index(account));
	return out;
}

/* ---- accounts -------------------------------------------------------------- */

const char *
print_label(const struct bank_account *account)
{
	if (account->label[0] != '\0')
		return account->label;
	return account_index(account->id) == ACCOUNT_INDEX_TILL ? "till"
								: "main";
}

const char *
print_status(unsigned status)
{
	static const char *const states[] = {"open", "frozen", "closed"};

	return states[status < 3 ? status : 0];
}

void
print_account_json(FILE *out, const struct money_unit *unit,
    const struct bank_account *account)
{
	char number[ACCOUNT_NUMBER_TEXT_MAX], text[ACCOUNT_TEXT_MAX];

	fprintf(out,
	    "\"account\":\"%s\",\"number\":\"%s\",\"label\":\"%s\","
	    "\"status\":\"%s\",\"unit\":\"%s:%u\",\"balance_minor\":%" PRId64
	    ",\"held_minor\":%" PRId64 ",\"floor_minor\":%" PRId64
	    ",\"soft_floor_minor\":%" PRId64,
	    print_account(account->id, text),
	    account_number_digits(account->id, number), print_label(account),
	    print_status(account->status), unit->code, unit->exponent,
	    account->posted_minor, account->held_minor, account->floor_minor,
	    account->soft_floor_minor);
	if (account->ceiling_minor != INT64_MAX)
		fprintf(
		    out, ",\"ceiling_minor\":%" PRId64, account->ceiling_minor);
	if (account->day_limit_minor != INT64_MAX)
		fprintf(out,
		    ",\"day_limit_minor\":%" PRId64
		    ",\"day_left_minor\":%" PRId64,
		    account->day_limit_minor, account->day_left_minor);
}

/* ---- orders ---------------------------------------------------------------- */

void
print_limits(const struct atm *atm, const struct message_balance *balance)
{
	char mark[MONEY_TEXT_MAX], left[MONEY_TEXT_MAX], limit[MONEY_TEXT_MAX];
	int64_t free;
	bool below =
	    __builtin_sub_overflow(balance->posted, balance->held, &free) ||
	    free < balance->soft_floor;

	if (atm->options.json) {
		if (balance->day_limit != INT64_MAX)
			printf(
			    ",\"day_left_minor\":%" PRId64, balance->day_left);
		printf(",\"below_soft_floor\":%s", below ? "true" : "false");
		return;
	}
	if (below)
		fprintf(stderr,
		    "take care: the account is below %s %s, down to %s it may "
		    "go\n",
		    money_format(balance->soft_floor, &atm->unit, mark),
		    atm->unit.code,
		    money_format(balance->floor, &atm->unit, limit));
	if (balance->day_limit != INT64_MAX)
		fprintf(stderr,
		    "of the %s %s that may leave it in 24 hours %s are left\n",
		    money_format(balance->day_limit, &atm->unit, limit),
		    atm->unit.code,
		    money_format(balance->day_left, &atm->unit, left));
}

enum sr_error
print_outcome(struct atm *atm, const struct ordering *ordering,
    const struct ordering_result *result, const char *payee, uint64_t account)
{
	char amount[MONEY_TEXT_MAX], after[MONEY_TEXT_MAX];
	struct message_balance balance;
	bool known, told;

	if (result->outcome != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(result->outcome));
		/* how much would have done */
		if (result->outcome == SR_LIMIT && !atm->options.json &&
		    bank_balance(&atm->customer, account, &balance) == SR_OK)
			print_limits(atm, &balance);
		return result->outcome;
	}
	told = account != 0 &&
	       bank_balance(&atm->customer, account, &balance) == SR_OK;
	known = told || (account != 0 && result->account == account);
	if (!told)
		balance.posted = result->balance_minor;
	if (atm->options.json) {
		printf("{\"v\":1,\"kind\":\"%s\",\"amount_minor\":%" PRId64
		       ",\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64,
		    order_kind_name(ordering->kind), ordering->amount_minor,
		    result->leaf, result->time_ms);
		if (payee != NULL) {
			printf(",\"payee\":");
			json_string(stdout, payee, strlen(payee));
		}
		if (known) {
			printf(",\"balance_minor\":%" PRId64, balance.posted);
			if (told)
				print_limits(atm, &balance);
		}
		printf("}\n");
		return SR_OK;
	}
	printf("%s of %s %s%s%s booked%s (entry %" PRIu64 ")",
	    order_kind_name(ordering->kind),
	    money_format(ordering->amount_minor, &atm->unit, amount),
	    atm->unit.code, payee != NULL ? " to " : "",
	    payee != NULL ? payee : "",
	    result->before ? " before; not again" : "", result->leaf);
	if (known)
		printf("; balance %s %s",
		    money_format(balance.posted, &atm->unit, after),
		    atm->unit.code);
	printf("\n");
	if (told)
		print_limits(atm, &balance);
	return SR_OK;
}
