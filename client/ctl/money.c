/* SPDX-License-Identifier: ISC */
/*
 * Money by two operators: issued, moved between accounts, a posting taken
 * back.  Must never ask for anything without saying why.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/ctl.h"
#include "client/ctl/names.h"
#include "client/ctl/run.h"
#include "common/entry.h"
#include "common/ids.h"

static struct ordering
ordering_with_memo(const struct ctl_options *options, enum order_kind kind)
{
	return (struct ordering){.kind = kind,
	    .attachment = options->memo,
	    .attachment_len = strlen(options->memo)};
}

/* The members of a mutual-credit circle alone make its money. */
static enum sr_error
issues_money(struct ctl_run *run, const struct ordering *ask)
{
	struct message_policy policy;
	enum sr_error error = bank_policy(&run->requester, &policy);

	(void)ask;
	if (error != SR_OK)
		return ctl_failed("issue", error);
	if (policy.bank_type != BANK_MUTUAL_CREDIT)
		return SR_OK;
	fprintf(stderr,
	    "strongroomctl: issue: this is a bank of mutual credit: its "
	    "members' limits make its money, and nobody issues any\n");
	return SR_NO_ACCOUNT;
}

static enum sr_error
is_till(struct ctl_run *run, const struct ordering *ask)
{
	char text[CTL_ACCOUNT_TEXT_MAX];

	if (account_index(ask->credit) == ACCOUNT_INDEX_TILL)
		return SR_OK;
	fprintf(stderr, "strongroomctl: %s: that is no till\n",
	    ctl_account_text(&run->requester, ask->credit, NULL, text));
	return SR_NO_ACCOUNT;
}

/* What was done, in a sentence for people. */
struct done {
	char text[3 * CTL_ACCOUNT_TEXT_MAX + MONEY_TEXT_MAX];
};

static struct done
moved(struct ctl_run *run, const char *verb, const struct ordering *ask)
{
	char from[CTL_ACCOUNT_TEXT_MAX], to[CTL_ACCOUNT_TEXT_MAX];
	char amount[MONEY_TEXT_MAX];
	struct done done;

	snprintf(done.text, sizeof(done.text), "%s: %s %s from %s to %s", verb,
	    money_format(ask->amount_minor, &run->bank.unit, amount),
	    run->bank.unit.code,
	    ctl_account_text(&run->requester, ask->debit, NULL, from),
	    ctl_account_text(&run->requester, ask->credit, NULL, to));
	return done;
}

/* A movement that is asked for: its accounts as words, NULL for the issue
 * account. */
struct wish {
	enum order_kind kind;
	const char *from, *to, *amount;
	const char *verb;
	/* what else must hold; may be NULL */
	enum sr_error (*check)(struct ctl_run *run, const struct ordering *ask);
};

static enum sr_error
wished_account(struct ctl_run *run, const char *word, uint64_t *account)
{
	if (word == NULL) {
		*account = ACCOUNT_ISSUE;
		return SR_OK;
	}
	return ctl_account_of(run, word, account);
}

static enum sr_error
move_money(const struct ctl_options *options, const struct wish *wish)
{
	struct ordering ask;
	struct ctl_run run;
	enum sr_error error = ctl_memo(options);

	if (error != SR_OK)
		return error;
	ask = ordering_with_memo(options, wish->kind);
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = ctl_amount(
		    &run.bank.unit, "", wish->amount, &ask.amount_minor);
	if (error == SR_OK)
		error = wished_account(&run, wish->from, &ask.debit);
	if (error == SR_OK)
		error = wished_account(&run, wish->to, &ask.credit);
	if (error == SR_OK && wish->check != NULL)
		error = wish->check(&run, &ask);
	if (error == SR_OK)
		error = ctl_run_request(
		    &run, options, &ask, moved(&run, wish->verb, &ask).text);
	ctl_run_end(&run);
	return error;
}

enum sr_error
ctl_issue(const struct ctl_options *options, char *const words[])
{
	return move_money(options, &(struct wish){.kind = ORDER_ISSUE,
				       .to = words[0],
				       .amount = words[1],
				       .verb = "issued",
				       .check = issues_money});
}

enum sr_error
ctl_adjust(const struct ctl_options *options, char *const words[])
{
	return move_money(options, &(struct wish){.kind = ORDER_ADJUST,
				       .from = words[0],
				       .to = words[1],
				       .amount = words[2],
				       .verb = "adjusted"});
}

enum sr_error
ctl_till_cash_out(const struct ctl_options *options, char *const words[])
{
	return move_money(options, &(struct wish){.kind = ORDER_CASH_OUT,
				       .to = words[0],
				       .amount = words[1],
				       .verb = "booked out of the till",
				       .check = is_till});
}

/* The posting that is to be taken back, with its accounts swapped. */
static enum sr_error
swap_posting(struct ctl_run *run, uint64_t leaf, struct ordering *ask)
{
	struct message_posting posting;
	enum sr_error error = bank_posting(&run->requester, leaf, &posting);

	if (error == SR_TOO_OLD) {
		fprintf(stderr,
		    "strongroomctl: entry %" PRIu64
		    ": no transfer, deposit, issue or adjustment of that "
		    "number is among the last postings; `adjust' moves money "
		    "whatever its history\n",
		    leaf);
		return error;
	}
	if (error == SR_OK && posting.undone == 1)
		error = SR_UNDONE;
	if (error != SR_OK)
		return ctl_failed("reverse", error);
	ask->refers_to = leaf;
	ask->debit = posting.credit;
	ask->credit = posting.debit;
	ask->amount_minor = posting.amount;
	return SR_OK;
}

enum sr_error
ctl_reverse(const struct ctl_options *options, char *const words[])
{
	struct ordering ask;
	struct ctl_run run;
	uint64_t leaf;
	enum sr_error error = ctl_entry(words[0], &leaf);

	if (error == SR_OK)
		error = ctl_memo(options);
	if (error != SR_OK)
		return error;
	ask = ordering_with_memo(options, ORDER_REVERSE);
	error = ctl_run_begin(&run, options);
	if (error == SR_OK)
		error = swap_posting(&run, leaf, &ask);
	if (error == SR_OK)
		error = ctl_run_request(
		    &run, options, &ask, moved(&run, "reversed", &ask).text);
	ctl_run_end(&run);
	return error;
}
