/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_TELLER_H
#define CLIENT_ATM_TELLER_H
/*
 * Work at a till, with the teller's or the terminal's session (atm->till):
 * cash in, counts, cash out to the safe, and the screen for all of it.
 */
#include "client/atm/atm.h"
#include "client/ordering.h"

/* ---- teller.c --------------------------------------------------------------- */

/*
 * As atm_log_in_teller(), but leaves the order of that reference, or NULL,
 * unsettled.
 */
enum sr_error teller_enter(struct atm *atm, const uint8_t *reference);

/* Ends the session; the next teller_enter() makes a new one. */
void teller_leave(struct atm *atm);

/*
 * The till whose use the session has, as the bank has it now.  SR_NOT_FOUND
 * and others after a line on stderr.
 */
enum sr_error teller_look(struct atm *atm, struct bank_account *till);

/* What is in it and what it may take; what is asked for out of it. */
enum sr_error teller_show(struct atm *atm);

/* True when the bank has no safe: that of mutual credit. */
bool teller_no_safe(struct atm *atm);

/* A request for cash to be taken out, to the safe. */
enum sr_error teller_out(struct atm *atm, const char *amount);

/* ---- teller_deposit.c ------------------------------------------------------- */

/* A deposit at the till: who gets it is shown with the name that is known. */
struct teller_deposit {
	struct ordering ordering;
	struct ordering_result result;
	char payee[64];
};

/* What can be seen to be wrong without the bank; draws the reference. */
enum sr_error teller_deposit_begin(struct atm *atm, const char *payee,
    const char *amount, struct teller_deposit *deposit);

/* Finds the payee and books; errors have been said on stderr. */
enum sr_error teller_deposit_book(
    struct atm *atm, const char *payee, struct teller_deposit *deposit);

/* Says what was booked, or why it was declined, which it returns. */
enum sr_error teller_deposit_report(
    const struct atm *atm, const struct teller_deposit *deposit);

/* ---- teller_count.c ----------------------------------------------------------- */

/*
 * Opens, counts or closes the till: ORDER_TILL_OPEN, ORDER_TILL_COUNT,
 * ORDER_TILL_CLOSE.  counted: the text of a count, or NULL for what the
 * options say, or a question.  Shows what the books expect, what was counted
 * and the difference before it is signed.  SR_CLOSED when nothing was counted.
 */
enum sr_error teller_count(
    struct atm *atm, enum order_kind kind, const char *counted);

/* ---- teller_screen.c ------------------------------------------------------------ */

/* The screen in line mode; returns when the teller leaves. */
enum sr_error teller_screen(struct atm *atm);

#endif
