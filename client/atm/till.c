/* SPDX-License-Identifier: ISC */
/*
 * Settling what a terminal's journal says of a withdrawal.  Must never void a
 * hold while cash may be out, nor forget a record before the bank has booked
 * what became of it.
 */
#include "client/atm/till.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct search {
	const struct till_record *record;
	uint64_t leaf; /* 0: not found */
};

static void
search_hold(void *context, const struct bank_hold *hold)
{
	struct search *search = context;

	if (hold->account == search->record->account &&
	    hold->amount_minor == search->record->amount_minor &&
	    memcmp(hold->reference, search->record->hold_reference,
		ORDER_REFERENCE_LEN) == 0)
		search->leaf = hold->leaf;
}

/*
 * The cash is out and the bank has no such hold: somebody else has settled it
 * with this terminal's card, or the bank was restored and has lost it.
 */
static enum sr_error
till_cannot_book(
    struct atm *atm, const struct till_record *record, int64_t out_minor)
{
	char text[MONEY_TEXT_MAX], kept[STATE_NAME_MAX];
	enum sr_error error = till_journal_set_aside(
	    &atm->state, atm->terminal.name, record, kept);

	if (error != SR_OK)
		return error;
	fprintf(stderr,
	    "%s %s were paid out to account %" PRIu64 ", and the bank has no "
	    "open hold of entry %" PRIu64 ": NOT BOOKED NOW. The record is "
	    "kept in %s/%s; compare the till with its statement\n",
	    money_format(out_minor, &atm->unit, text), atm->unit.code,
	    record->account, record->leaf, atm->state.directory, kept);
	return SR_OK;
}

enum sr_error
till_settle(struct atm *atm, struct till_record *record, int64_t out_minor,
    struct ordering_result *result)
{
	struct ordering ordering = {
	    .kind = ORDER_VOID, .refers_to = record->leaf};
	enum sr_error error;

	if (out_minor > 0) {
		ordering.kind = ORDER_POST;
		ordering.debit = record->account;
		ordering.credit = atm->till.login.welcome.till_account;
		ordering.amount_minor = out_minor;
	}
	memcpy(ordering.reference, record->settle_reference,
	    sizeof(ordering.reference));
	error = ordering_submit(&atm->till, &atm->state, &ordering, result);
	if (error != SR_OK)
		return error;
	if (result->outcome == SR_HOLD_STATE && out_minor > 0)
		return till_cannot_book(atm, record, out_minor);
	/* Somebody else has settled it, or the bank went back to before it. */
	if (result->outcome == SR_HOLD_STATE)
		fprintf(stderr,
		    "the bank has no open hold of entry %" PRIu64
		    "; compare the till with its statement\n",
		    record->leaf);
	else if (result->outcome != SR_OK)
		return result->outcome;
	record->step = TILL_IDLE;
	return till_journal_save(&atm->state, atm->terminal.name, record);
}

/* So much is out, or may be, by that record. */
static int64_t
till_out(const struct till_record *record)
{
	if (record->step == TILL_DISPENSING)
		return record->amount_minor;
	return record->step == TILL_DISPENSED ? record->dispensed_minor : 0;
}

static enum sr_error
till_resume_record(struct atm *atm, struct till_record *record)
{
	char text[MONEY_TEXT_MAX];
	struct ordering_result result;
	struct search search = {.record = record};
	int64_t out_minor = till_out(record);
	enum sr_error error;

	if (record->step == TILL_ASKED) {
		error = bank_holds(&atm->till, search_hold, &search);
		if (error != SR_OK)
			return error;
		if (search.leaf == 0) {
			record->step = TILL_IDLE;
			return till_journal_save(
			    &atm->state, atm->terminal.name, record);
		}
		record->leaf = search.leaf;
	}
	error = till_settle(atm, record, out_minor, &result);
	if (error != SR_OK || result.outcome != SR_OK)
		return error;
	if (out_minor == 0)
		fprintf(stderr,
		    "an earlier withdrawal of %s %s was not paid out: what "
		    "it reserved is free again\n",
		    money_format(record->amount_minor, &atm->unit, text),
		    atm->unit.code);
	else
		fprintf(stderr, "an earlier withdrawal of %s %s is booked\n",
		    money_format(out_minor, &atm->unit, text), atm->unit.code);
	return SR_OK;
}

enum sr_error
till_resume(struct atm *atm)
{
	struct till_record record;
	enum sr_error error;
	int lock;

	error = till_journal_lock(&atm->state, atm->terminal.name, &lock);
	/* Whoever has it is at it. */
	if (error == SR_BUSY)
		return SR_OK;
	if (error == SR_OK)
		error =
		    till_journal_load(&atm->state, atm->terminal.name, &record);
	if (error == SR_OK && record.step != TILL_IDLE)
		error = till_resume_record(atm, &record);
	till_journal_unlock(lock);
	if (error != SR_OK)
		fprintf(stderr,
		    "an earlier withdrawal at this ATM is not settled yet: "
		    "%s\n",
		    error_sentence(error));
	return error;
}

bool
till_unfinished(struct atm *atm)
{
	struct till_record record;
	bool unfinished;
	int lock;

	if (till_journal_lock(&atm->state, atm->terminal.name, &lock) != SR_OK)
		return false;
	unfinished = till_journal_load(
			 &atm->state, atm->terminal.name, &record) != SR_OK ||
		     record.step != TILL_IDLE;
	till_journal_unlock(lock);
	return unfinished;
}
