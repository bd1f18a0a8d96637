/* SPDX-License-Identifier: ISC */
/*
 * The withdrawal: the customer reserves, the dispenser gives out, the
 * terminal posts.  Must never give out cash before the reservation is signed
 * by the bank and the step is in the terminal's journal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "client/atm/atm.h"
#include "client/atm/print.h"
#include "client/atm/dispenser.h"
#include "client/ordering.h"
#include "client/atm/till.h"
#include "common/name.h"
#include "common/statement.h"

/* Whether this ATM can make the amount; says which are nearest. */
static enum sr_error
withdraw_check(const struct atm *atm, int64_t amount_minor)
{
	char asked[MONEY_TEXT_MAX], down[MONEY_TEXT_MAX], up[MONEY_TEXT_MAX];
	const struct denominations *some = &atm->terminal.denominations;
	int64_t below, above;

	if (denominations_make(some, amount_minor, &below, &above))
		return SR_OK;
	money_format(amount_minor, &atm->unit, asked);
	money_format(below, &atm->unit, down);
	money_format(above, &atm->unit, up);
	fprintf(stderr, "this ATM cannot pay out %s %s; nearest: %s%s%s\n",
	    asked, atm->unit.code, below > 0 ? down : "",
	    below > 0 && above > 0 ? " or " : "", above > 0 ? up : "");
	return SR_AMOUNT;
}

/* Lines of the customer's statement that are looked through for a hold. */
enum { LOOK_BACK = 1000 };

struct look_back {
	uint64_t leaf;
	struct statement_line *settled;
};

static bool
look_at_line(void *context, const struct statement_line *line)
{
	struct look_back *look = context;

	if (line->refers_to != look->leaf ||
	    (line->kind != ORDER_POST && line->kind != ORDER_VOID))
		return line->leaf > look->leaf;
	*look->settled = *line;
	return false;
}

/* The line that has settled the hold of that leaf; kind 0: none. */
static enum sr_error
withdraw_look_back(struct atm *atm, uint64_t account, uint64_t leaf,
    struct statement_line *settled)
{
	struct look_back look = {.leaf = leaf, .settled = settled};
	/* what settles a hold that is there is newer than it */
	bool retired;

	settled->kind = 0;
	return atm_lines(&atm->customer, account, UINT64_MAX, LOOK_BACK,
	    look_at_line, &look, &retired);
}

/* An earlier run has reserved under the same --id: what became of it? */
static enum sr_error
withdraw_before(
    struct atm *atm, uint64_t account, const struct ordering_result *hold)
{
	char text[MONEY_TEXT_MAX];
	struct statement_line line;
	enum sr_error error =
	    withdraw_look_back(atm, account, hold->leaf, &line);

	if (error != SR_OK) {
		fprintf(stderr, "%s\n", error_sentence(error));
		return error;
	}
	if (line.kind == ORDER_VOID) {
		fprintf(stderr,
		    "the withdrawal with this --id was not paid out and its "
		    "money is free again; choose another --id\n");
		return SR_DUPLICATE;
	}
	if (line.kind == 0) {
		fprintf(stderr,
		    "the withdrawal with this --id is not settled yet (entry "
		    "%" PRIu64 "): its terminal says what became of it\n",
		    hold->leaf);
		return SR_UNKNOWN_OUTCOME;
	}
	if (atm->options.json)
		printf("{\"v\":1,\"kind\":\"post\",\"amount_minor\":%" PRId64
		       ",\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64 "}\n",
		    -line.amount_minor, line.leaf, line.time_ms);
	else
		printf("withdrawal of %s %s booked before; not again (entry "
		       "%" PRIu64 ")\n",
		    money_format(-line.amount_minor, &atm->unit, text),
		    atm->unit.code, line.leaf);
	return SR_OK;
}

static enum sr_error
withdraw_report(struct atm *atm, uint64_t account, int64_t out_minor,
    const struct ordering_result *post)
{
	char out[MONEY_TEXT_MAX], after[MONEY_TEXT_MAX];
	struct message_balance balance;
	bool known = bank_balance(&atm->customer, account, &balance) == SR_OK;

	if (atm->options.json) {
		printf("{\"v\":1,\"kind\":\"post\",\"amount_minor\":%" PRId64
		       ",\"leaf\":%" PRIu64 ",\"time_ms\":%" PRIu64,
		    out_minor, post->leaf, post->time_ms);
		if (known) {
			printf(",\"balance_minor\":%" PRId64, balance.posted);
			print_limits(atm, &balance);
		}
		printf("}\n");
		return SR_OK;
	}
	printf("withdrawal of %s %s booked (entry %" PRIu64 ")",
	    money_format(out_minor, &atm->unit, out), atm->unit.code,
	    post->leaf);
	if (known)
		printf("; balance %s %s",
		    money_format(balance.posted, &atm->unit, after),
		    atm->unit.code);
	printf("\n");
	if (known)
		print_limits(atm, &balance);
	return SR_OK;
}

/* Gives the cash out; how much of it is out. */
static int64_t
withdraw_dispense(const struct atm *atm, int64_t amount_minor)
{
	char text[MONEY_TEXT_MAX];

	if (atm->options.dispenser != NULL)
		return dispenser_run(atm->options.dispenser, amount_minor);
	fprintf(stderr, "take your cash: %s %s\n",
	    money_format(amount_minor, &atm->unit, text), atm->unit.code);
	return amount_minor;
}

/* From the reservation on: dispense, post, report. */
static enum sr_error
withdraw_pay(struct atm *atm, struct till_record *record)
{
	const char *terminal = atm->terminal.name;
	char out[MONEY_TEXT_MAX], asked[MONEY_TEXT_MAX];
	struct ordering_result post;
	enum sr_error error;

	record->step = TILL_HELD;
	error = till_journal_save(&atm->state, terminal, record);
	if (error == SR_OK) {
		record->step = TILL_DISPENSING;
		error = till_journal_save(&atm->state, terminal, record);
	}
	if (error != SR_OK) {
		fprintf(stderr,
		    "this ATM cannot write its journal (%s); nothing is paid "
		    "out\n",
		    error_sentence(error));
		(void)till_settle(atm, record, 0, &post);
		return error;
	}
	record->dispensed_minor = withdraw_dispense(atm, record->amount_minor);
	record->step = TILL_DISPENSED;
	if (till_journal_save(&atm->state, terminal, record) != SR_OK)
		fprintf(stderr, "this ATM cannot write its journal\n");
	error = till_settle(atm, record, record->dispensed_minor, &post);
	if (error != SR_OK) {
		fprintf(stderr,
		    "the bank has not confirmed the withdrawal (%s); this ATM "
		    "settles it at its next start\n",
		    error_sentence(error));
		return SR_UNKNOWN_OUTCOME;
	}
	/* The settling has said what became of it. */
	if (post.outcome != SR_OK)
		return post.outcome;
	money_format(record->dispensed_minor, &atm->unit, out);
	money_format(record->amount_minor, &atm->unit, asked);
	if (record->dispensed_minor == 0) {
		fprintf(
		    stderr, "nothing was paid out, and nothing is booked\n");
		return SR_TILL_EMPTY;
	}
	if (record->dispensed_minor < record->amount_minor)
		fprintf(stderr, "only %s of %s %s was paid out and is booked\n",
		    out, asked, atm->unit.code);
	return withdraw_report(
	    atm, record->account, record->dispensed_minor, &post);
}

/* Reserves and pays; the journal's lock is held. */
static enum sr_error
withdraw_locked(struct atm *atm, struct ordering *hold)
{
	struct ordering_result result;
	struct till_record record;
	enum sr_error error =
	    till_journal_load(&atm->state, atm->terminal.name, &record);

	if (error == SR_OK && record.step != TILL_IDLE)
		error = SR_BUSY;
	if (error != SR_OK) {
		fprintf(stderr, "an earlier withdrawal at this ATM is not "
				"settled yet\n");
		return error;
	}
	record.step = TILL_ASKED;
	record.account = hold->debit;
	record.amount_minor = hold->amount_minor;
	memcpy(record.hold_reference, hold->reference,
	    sizeof(record.hold_reference));
	randombytes_buf(
	    record.settle_reference, sizeof(record.settle_reference));
	error = till_journal_save(&atm->state, atm->terminal.name, &record);
	if (error != SR_OK) {
		fprintf(stderr, "this ATM cannot write its journal: %s\n",
		    error_sentence(error));
		return error;
	}
	error = atm_submit(atm, &atm->customer, hold, &result);
	/* In doubt: the next start finds out. */
	if (error != SR_OK)
		return error;
	if (result.before || result.outcome != SR_OK) {
		record.step = TILL_IDLE;
		error =
		    till_journal_save(&atm->state, atm->terminal.name, &record);
		if (error == SR_OK && result.outcome == SR_OK)
			return withdraw_before(atm, hold->debit, &result);
		if (error == SR_OK)
			error = result.outcome;
		fprintf(stderr, "%s\n", error_sentence(error));
		return error;
	}
	record.leaf = result.leaf;
	return withdraw_pay(atm, &record);
}

enum sr_error
atm_withdraw(struct atm *atm, char *const words[])
{
	struct ordering hold = {.kind = ORDER_HOLD};
	enum sr_error error = atm_amount(atm, words[0], &hold.amount_minor);
	int lock;

	if (error == SR_OK)
		error = atm_particulars(atm, &hold);
	if (error == SR_OK)
		error = withdraw_check(atm, hold.amount_minor);
	if (error == SR_OK)
		error = atm_log_in_till(atm);
	/* nothing new while something old is open */
	if (error == SR_OK && till_unfinished(atm))
		error = till_resume(atm);
	if (error == SR_OK)
		error = atm_log_in(atm);
	if (error == SR_OK)
		error = atm_own_account(atm, atm->options.from, &hold.debit);
	if (error != SR_OK)
		return error;
	hold.credit = atm->till.login.welcome.till_account;
	error = till_journal_lock(&atm->state, atm->terminal.name, &lock);
	if (error != SR_OK) {
		fprintf(stderr,
		    error == SR_BUSY
			? "another withdrawal is under way at this ATM\n"
			: "this ATM cannot open its journal\n");
		return error;
	}
	error = withdraw_locked(atm, &hold);
	till_journal_unlock(lock);
	return error;
}
