/* SPDX-License-Identifier: ISC */
/*
 * The teller's screen in line mode: a name and an amount book cash in.  It
 * outlives the session: what breaks is logged in anew, and what was in doubt
 * is resolved before anything else.  Must never book a line twice, nor leave
 * it open whether one is booked without saying so.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "client/atm/teller.h"

#define LINE_MAX_LEN 1000

/* Deposits of this screen that `u' takes back, the newest first. */
enum { UNDO_MAX = 64 };

struct screen {
	struct atm *atm;
	unsigned booked;
	uint64_t leaf[UNDO_MAX];
};

static void
screen_help(void)
{
	fprintf(stderr, "  NAME AMOUNT   cash in, by name or account number\n"
			"  u [ENTRY]     undo the last, or that entry\n"
			"  s             what is in the till\n"
			"  c [COUNT]     count it; COUNT is a sum or "
			"50x3,0.20x7\n"
			"  w AMOUNT      cash out to the safe\n"
			"  o [COUNT]     open the till\n"
			"  q [COUNT]     close the till, or leave it open\n"
			"  ?             this\n");
}

/* Answers after which the session is over. */
static bool
is_lost(enum sr_error error)
{
	return error == SR_UNKNOWN_OUTCOME || error == SR_SESSION_ENDED;
}

static void
say_not_known(void)
{
	fprintf(stderr, "whether this is booked is NOT KNOWN; it is said as "
			"soon as the bank can be asked\n");
}

/*
 * A session that lives: one that ended while nobody typed is made anew before
 * there is anything to be in doubt.
 */
static enum sr_error
screen_enter(struct screen *screen)
{
	struct atm *atm = screen->atm;
	struct message_balance balance;
	enum sr_error error;

	if (atm->till_in && is_lost(bank_balance(&atm->till, 0, &balance)))
		teller_leave(atm);
	error = teller_enter(atm, NULL);
	if (error == SR_OK)
		return SR_OK;
	teller_leave(atm);
	fprintf(stderr, "nothing is booked\n");
	return error;
}

/*
 * Does something with the till's session.  Where that breaks, a new one tells
 * what became of the order that was on its way.  reference: of that order,
 * which is then submitted once more instead, or NULL.
 */
static enum sr_error
screen_do(struct screen *screen, const uint8_t *reference,
    enum sr_error (*act)(struct atm *atm, void *context), void *context)
{
	struct atm *atm = screen->atm;
	enum sr_error error = screen_enter(screen);

	if (error != SR_OK)
		return error;
	error = act(atm, context);
	if (!is_lost(error))
		return error;
	teller_leave(atm);
	if (teller_enter(atm, reference) != SR_OK) {
		teller_leave(atm);
		say_not_known();
		return error;
	}
	if (reference == NULL)
		return error;
	error = act(atm, context);
	if (is_lost(error)) {
		teller_leave(atm);
		say_not_known();
	}
	return error;
}

/* ---- cash in -------------------------------------------------------------------- */

struct booking {
	const char *payee;
	struct teller_deposit deposit;
};

static enum sr_error
book(struct atm *atm, void *context)
{
	struct booking *booking = context;

	return teller_deposit_book(atm, booking->payee, &booking->deposit);
}

static void
screen_book(struct screen *screen, const char *payee, const char *amount)
{
	struct booking booking = {.payee = payee};
	enum sr_error error =
	    teller_deposit_begin(screen->atm, payee, amount, &booking.deposit);

	if (error == SR_OK)
		error = screen_do(
		    screen, booking.deposit.ordering.reference, book, &booking);
	if (error != SR_OK)
		return;
	/* by the try before, of the same line */
	booking.deposit.result.before = false;
	error = teller_deposit_report(screen->atm, &booking.deposit);
	if (error != SR_OK)
		return;
	if (screen->booked == UNDO_MAX)
		memmove(&screen->leaf[0], &screen->leaf[1],
		    --screen->booked * sizeof(screen->leaf[0]));
	screen->leaf[screen->booked++] = booking.deposit.result.leaf;
}

/* ---- the rest --------------------------------------------------------------------- */

static enum sr_error
undo(struct atm *atm, void *context)
{
	const uint64_t *leaf = context;

	return atm_undo_deposit(atm, *leaf);
}

static void
screen_undo(struct screen *screen, const char *entry)
{
	uint64_t leaf = 0;
	enum sr_error error = SR_OK;

	if (entry != NULL)
		error = atm_take_leaf(entry, &leaf);
	else if (screen->booked > 0)
		leaf = screen->leaf[screen->booked - 1];
	else
		fprintf(stderr,
		    "nothing was booked here yet; `u ENTRY' undoes an entry of "
		    "the statement\n");
	if (error != SR_OK || leaf == 0)
		return;
	error = screen_do(screen, NULL, undo, &leaf);
	/* done, or never to be done: `u' goes on with the one before */
	if (entry == NULL && (error == SR_OK || error == SR_UNDONE))
		screen->booked--;
}

static enum sr_error
show(struct atm *atm, void *context)
{
	(void)context;
	return teller_show(atm);
}

struct counted {
	enum order_kind kind;
	const char *text;
};

static enum sr_error
count(struct atm *atm, void *context)
{
	const struct counted *counted = context;

	return teller_count(atm, counted->kind, counted->text);
}

static enum sr_error
keep(void *context, int *left_ms)
{
	struct screen *screen = context;

	*left_ms = INT_MAX;
	if (!screen->atm->till_in ||
	    bank_keep(&screen->atm->till, left_ms) == SR_OK)
		return SR_OK;
	/* the next line makes a new one */
	teller_leave(screen->atm);
	*left_ms = INT_MAX;
	return SR_OK;
}

static enum sr_error
screen_ask(struct screen *screen, const char *question, char *line, size_t room)
{
	enum sr_error error =
	    prompt_line_while(question, keep, screen, line, room);

	if (error == SR_TOO_LARGE)
		fprintf(stderr, "that is too long; nothing was done\n");
	return error;
}

/* SR_OK when the till was counted in that way. */
static enum sr_error
screen_count(struct screen *screen, enum order_kind kind, const char *text)
{
	struct counted counted = {.kind = kind, .text = text};
	char line[LINE_MAX_LEN];
	enum sr_error error;

	if (text == NULL) {
		error = screen_ask(screen,
		    kind == ORDER_TILL_CLOSE
			? "Counted (nothing: leave it open): "
			: "Counted (a sum, or 50x3,0.20x7): ",
		    line, sizeof(line));
		if (error != SR_OK || line[0] == '\0')
			return SR_CLOSED;
		counted.text = line;
	}
	return screen_do(screen, NULL, count, &counted);
}

static enum sr_error
out(struct atm *atm, void *context)
{
	return teller_out(atm, context);
}

/* One letter with at most one argument; false: it is none. */
static bool
screen_letter(struct screen *screen, char letter, char *argument, bool *leave)
{
	enum sr_error error;

	switch (letter) {
	case 'u':
		screen_undo(screen, argument);
		return true;
	case 's':
		(void)screen_do(screen, NULL, show, NULL);
		return true;
	case 'c':
		(void)screen_count(screen, ORDER_TILL_COUNT, argument);
		return true;
	case 'o':
		(void)screen_count(screen, ORDER_TILL_OPEN, argument);
		return true;
	case 'q':
		error = screen_count(screen, ORDER_TILL_CLOSE, argument);
		*leave = error == SR_OK || error == SR_CLOSED ||
			 error == SR_TILL_CLOSED;
		if (error == SR_CLOSED)
			fprintf(stderr, "the till stays open\n");
		return true;
	case 'w':
		if (argument == NULL)
			fprintf(stderr, "how much? w AMOUNT\n");
		else
			(void)screen_do(screen, NULL, out, argument);
		return true;
	case '?':
	case 'h':
		screen_help();
		return true;
	default:
		return false;
	}
}

/* Cuts blanks off both ends. */
static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " ");
	len = strlen(text);
	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
	return text;
}

/* True when the teller leaves. */
static bool
screen_line(struct screen *screen, char *text)
{
	char *line, *last, *argument = NULL;
	bool leave = false;

	for (char *c = text; *c != '\0'; c++)
		if (*c == '\t')
			*c = ' ';
	line = trim(text);
	last = strrchr(line, ' ');

	if (line[0] == '\0')
		return false;
	if (line[1] == '\0' || line[1] == ' ') {
		if (line[1] == ' ')
			argument = trim(line + 2);
		if (screen_letter(screen, line[0], argument, &leave))
			return leave;
	}
	if (last == NULL) {
		fprintf(stderr, "NAME AMOUNT books cash in; ? tells the rest; "
				"nothing was done\n");
		return false;
	}
	*last = '\0';
	screen_book(screen, trim(line), last + 1);
	return false;
}

enum sr_error
teller_screen(struct atm *atm)
{
	struct screen screen = {.atm = atm};
	char line[LINE_MAX_LEN];
	enum sr_error error;
	bool leave = false;

	/* one reference, of an order that the command line does not give */
	if (atm->options.id != NULL || atm->options.memo != NULL) {
		fprintf(stderr,
		    "--id and --memo are for one order: `till in' books one\n");
		return SR_USAGE;
	}
	error = atm_log_in_teller(atm);
	if (error == SR_OK) {
		fprintf(stderr, "%s, till of %s\n", atm->bank.name,
		    atm->till.login.name);
		error = teller_show(atm);
	}
	if (error != SR_OK)
		return error;
	fprintf(stderr,
	    "NAME AMOUNT books cash in; u undo, c count, q close, ? help\n");
	while (!leave) {
		error = screen_ask(&screen, "> ", line, sizeof(line));
		if (error == SR_OK)
			leave = screen_line(&screen, line);
		else if (error != SR_TOO_LARGE)
			break;
		fflush(stdout);
	}
	if (error == SR_CLOSED)
		fprintf(stderr, "\nthe till is left as it is\n");
	return error == SR_CLOSED ? SR_OK : error;
}
