/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_H
#define CLIENT_ATM_H
/*
 * What the parts of the ATM share: the options of a run and the sessions it
 * holds.  At an enrolled ATM there are two: the customer's, and the
 * terminal's own, which signs deposits.
 */
#include <stdbool.h>

#include "client/bank.h"
#include "client/bankfile.h"
#include "client/card.h"
#include "client/prompt.h"
#include "client/state.h"
#include "common/money.h"

struct ordering;
struct ordering_result;

struct atm_options {
	const char *bank_file;
	const char *server; /* NULL: the addresses in the bank file */
	const char *terminal_card;
	const char *user;
	const char *memo;
	const char *id;
	const char *invitation;
	const char *display_name;
	uint16_t count;                /* lines of a statement */
	struct prompt_source password; /* or the recovery code, of recover */
	struct prompt_source new_password;
	const char *dispenser; /* command that gives out cash */
	const char *format;    /* of a statement; NULL: text */
	const char *from_date; /* its first day; NULL: as far back as it goes */
	const char *to_date;   /* its last day; NULL: until now */
	const char *out;       /* the file it goes to; NULL: stdout */
	bool json;
};

struct atm {
	struct atm_options options;
	struct bankfile bank;
	struct money_unit unit;
	struct state state;
	struct card terminal; /* terminal.terminal is 0 without a card */
	struct bank_session customer;
	struct bank_session till;
	bool customer_in;
	bool till_in;
	bool menu; /* more than one command: it goes on after a change */
	char user[CARD_NAME_MAX + 1];
};

/* One command of the ATM. */
struct atm_command {
	const char *name;
	int words; /* arguments it takes */
	enum sr_error (*run)(struct atm *atm, char *const words[]);
	const char *usage;
	const char *what;
};

/* Ends with a row without a name. */
extern const struct atm_command atm_commands[];

/* The command of that name, or NULL. */
const struct atm_command *atm_command_find(const char *name);

/*
 * Reads bank file and card and finds the state directory; a sentence on
 * stderr for every error.
 */
enum sr_error atm_prepare(struct atm *atm);

/*
 * Logs the customer in, once a run: name and password from the options or a
 * prompt.  Then settles what earlier runs left in doubt, except the order
 * with the reference of --id.  Errors have been said on stderr.
 */
enum sr_error atm_log_in(struct atm *atm);

/*
 * Logs the terminal itself in, with its card, and settles what it left open.
 * SR_TERMINAL without a card.
 */
enum sr_error atm_log_in_till(struct atm *atm);

/*
 * The customer's session by that credential, and what was in doubt settled,
 * as atm_log_in() does.
 */
enum sr_error atm_enter(
    struct atm *atm, const struct login_credential *credential);

/* How this ATM reaches the bank. */
struct login_options atm_login_options(const struct atm *atm);

/* Whose account, from now on; SR_NAME and a line on stderr for no name. */
enum sr_error atm_take_name(struct atm *atm, const char *name);

/* The name from the options or, interactively, from a question. */
enum sr_error atm_ask_name(struct atm *atm);

/*
 * Reads and prepares a password into out (PASSWORD_MAX bytes, password.h);
 * a new one is asked for twice on a terminal.  SR_MALFORMED and a line on
 * stderr for what is none.
 */
enum sr_error atm_password(const struct prompt_source *source, bool new,
    const char *question, char *out, size_t *len);

/*
 * Registers the name and sets its recovery credential, whose code is printed
 * on stdout.
 */
enum sr_error atm_register(struct atm *atm, char *const words[]);

/*
 * Another password; a new password by the recovery code; new keys.  The last
 * two print a new recovery code on stdout.  The bank then ends the customer's
 * sessions; one that was open before (the menu's) is opened anew, or
 * SR_SESSION_ENDED.  SR_UNKNOWN_OUTCOME has been explained on stderr.
 */
enum sr_error atm_passwd(struct atm *atm, char *const words[]);
enum sr_error atm_recover(struct atm *atm, char *const words[]);
enum sr_error atm_rekey(struct atm *atm, char *const words[]);

/* Takes cash out of an enrolled ATM (withdraw.c). */
enum sr_error atm_withdraw(struct atm *atm, char *const words[]);

/* Last lines, or a statement of a period (statement_command.c). */
enum sr_error atm_statement(struct atm *atm, char *const words[]);

/* An amount in the bank's unit; SR_USAGE after a line on stderr. */
enum sr_error atm_amount(
    const struct atm *atm, const char *text, int64_t *minor);

/* Reference and memo, as --id and --memo say; SR_USAGE likewise. */
enum sr_error atm_particulars(const struct atm *atm, struct ordering *ordering);

/* ordering_submit(), and a line on stderr when there is no outcome. */
enum sr_error atm_submit(struct atm *atm, struct bank_session *session,
    struct ordering *ordering, struct ordering_result *result);

/* Ends the sessions in good order and wipes their keys. */
void atm_log_out(struct atm *atm);

/* The menu in line mode; returns when the customer leaves. */
enum sr_error atm_menu(struct atm *atm);

#endif
