/* SPDX-License-Identifier: ISC */
/*
 * Undo: the payee gives a transfer back, a till takes a deposit back.  What
 * is undone is what the statement says was booked, to the smallest part.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/atm/atm.h"
#include "client/atm/print.h"
#include "client/json.h"
#include "common/ids.h"
#include "common/statement.h"

enum sr_error
atm_take_leaf(const char *text, uint64_t *leaf)
{
	const char *digits = text[0] == '#' ? text + 1 : text;

	*leaf = 0;
	if (digits[0] != '\0' && strlen(digits) <= 18 &&
	    digits[strspn(digits, "0123456789")] == '\0')
		*leaf = strtoull(digits, NULL, 10);
	if (*leaf != 0)
		return SR_OK;
	fprintf(stderr, "%s: which entry? its number stands in the statement\n",
	    text);
	return SR_USAGE;
}

/* The customer's account that the entry is a line of. */
struct search {
	struct atm *atm;
	uint64_t leaf;
	uint64_t account; /* 0: none yet */
	uint64_t accounts[100];
	unsigned count;
};

static void
note_account(void *context, const struct bank_account *account)
{
	struct search *search = context;

	if (search->count <
	    sizeof(search->accounts) / sizeof(search->accounts[0]))
		search->accounts[search->count++] = account->id;
}

/* A transfer has one account of the payee's, whichever that is. */
static enum sr_error
find_line(struct search *search, struct statement_line *line)
{
	struct bank_session *session = &search->atm->customer;
	enum sr_error error = bank_accounts(session, 0, note_account, search);

	for (unsigned i = 0; error == SR_OK && i < search->count; i++) {
		search->account = search->accounts[i];
		error = atm_line(session, search->account, search->leaf, line);
		/* paid between own accounts: the one that took */
		if (error == SR_OK && line->amount_minor > 0)
			return SR_OK;
		if (error == SR_OK && i + 1 == search->count)
			return SR_OK;
		if (error == SR_NOT_FOUND)
			error = SR_OK;
	}
	return error == SR_OK ? SR_NOT_FOUND : error;
}

static enum sr_error
undo_submit(struct atm *atm, struct bank_session *session,
    const struct statement_line *line, struct ordering *ordering,
    struct ordering_result *result)
{
	enum sr_error error = atm_particulars(atm, ordering);

	ordering->refers_to = line->leaf;
	if (error == SR_OK)
		error = atm_submit(atm, session, ordering, result);
	return error;
}

static enum sr_error
undo_transfer(struct atm *atm, uint64_t leaf)
{
	struct search search = {.atm = atm, .leaf = leaf};
	struct ordering ordering = {.kind = ORDER_UNDO};
	struct ordering_result result;
	struct statement_line line;
	char payer[STATEMENT_NAME_MAX + 1];
	enum sr_error error = find_line(&search, &line);

	if (error == SR_NOT_FOUND) {
		fprintf(stderr,
		    "no entry %" PRIu64 " stands in your statement\n", leaf);
		return SR_NOT_FOUND;
	}
	if (error != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(error));
		return error;
	}
	if (line.kind != ORDER_TRANSFER || line.amount_minor <= 0) {
		fprintf(stderr, "entry %" PRIu64 " is %s%s: %s\n", leaf,
		    line.kind == ORDER_TRANSFER ? "" : "of the kind ",
		    line.kind == ORDER_TRANSFER ? "a payment of yours"
						: order_kind_name(line.kind),
		    line.kind == ORDER_TRANSFER
			? "only its payee gives it back"
			: "only a payment that you got can be given back");
		return SR_NOT_YOURS;
	}
	ordering.debit = search.account;
	ordering.credit = line.other;
	ordering.amount_minor = line.amount_minor;
	error = undo_submit(atm, &atm->customer, &line, &ordering, &result);
	if (error != SR_OK)
		return error;
	snprintf(payer, sizeof(payer), "%.*s", line.name_len, line.name);
	return print_outcome(atm, &ordering, &result,
	    payer[0] != '\0' ? payer : NULL, search.account);
}

static void
undo_report(const struct atm *atm, const struct statement_line *line,
    const struct ordering *ordering, const struct ordering_result *result)
{
	char amount[MONEY_TEXT_MAX], cash[MONEY_TEXT_MAX];
	int64_t cash_minor;

	if (__builtin_sub_overflow(0, result->balance_minor, &cash_minor))
		cash_minor = INT64_MAX;
	if (atm->options.json) {
		printf("{\"v\":1,\"kind\":\"undo\",\"amount_minor\":%" PRId64
		       ",\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64
		       ",\"payee\":",
		    ordering->amount_minor, result->leaf, result->time_ms);
		json_string(stdout, line->name, line->name_len);
		printf(",\"cash_minor\":%" PRId64 "}\n", cash_minor);
		return;
	}
	printf("deposit of %s %s to %.*s undone%s (entry %" PRIu64
	       "); in the till %s %s\n",
	    money_format(ordering->amount_minor, &atm->unit, amount),
	    atm->unit.code, line->name_len, line->name,
	    result->before ? " before; not again" : "", result->leaf,
	    money_format(cash_minor, &atm->unit, cash), atm->unit.code);
	fprintf(stderr, "hand the cash back\n");
}

enum sr_error
atm_undo_deposit(struct atm *atm, uint64_t leaf)
{
	uint64_t till = atm->till.login.welcome.till_account;
	struct ordering ordering = {.kind = ORDER_UNDO};
	struct ordering_result result;
	struct statement_line line;
	enum sr_error error = atm_line(&atm->till, till, leaf, &line);

	if (error == SR_NOT_FOUND)
		fprintf(stderr,
		    "no entry %" PRIu64 " stands in this till's statement\n",
		    leaf);
	else if (error != SR_OK)
		fprintf(stderr, "%s\n", error_sentence(error));
	if (error != SR_OK)
		return error;
	if (line.kind != ORDER_DEPOSIT || line.amount_minor >= 0 ||
	    line.amount_minor == INT64_MIN) {
		fprintf(stderr,
		    "entry %" PRIu64
		    " is %s: a till takes back deposits only\n",
		    leaf, order_kind_name(line.kind));
		return SR_NOT_YOURS;
	}
	ordering.debit = line.other;
	ordering.credit = till;
	/* the till's line: what came in made it more negative */
	ordering.amount_minor = -line.amount_minor;
	error = undo_submit(atm, &atm->till, &line, &ordering, &result);
	if (error != SR_OK)
		return error;
	if (result.outcome != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(result.outcome));
		return result.outcome;
	}
	undo_report(atm, &line, &ordering, &result);
	return SR_OK;
}

enum sr_error
atm_undo(struct atm *atm, char *const words[])
{
	bool till = atm_means_till(atm);
	uint64_t leaf;
	enum sr_error error = atm_take_leaf(words[0], &leaf);

	if (error == SR_OK)
		error = till ? atm_log_in_teller(atm) : atm_log_in(atm);
	if (error != SR_OK)
		return error;
	if (till || atm_teller_is_in(atm))
		return atm_undo_deposit(atm, leaf);
	return undo_transfer(atm, leaf);
}
