/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_ATM_H
#define CLIENT_ATM_ATM_H
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
struct statement_line;
struct statement_period;

struct atm_options {
	const char *bank_file;
	const char *server; /* NULL: the addresses in the bank file */
	const char *terminal_card;
	const char *teller_card;
	const char *user;
	const char *memo;
	const char *id;
	const char *invitation;
	const char *display_name;
	const char *account;           /* a label or number of one's own */
	const char *from;              /* likewise */
	const char *to;                /* likewise */
	const char *count;             /* lines, or pieces of cash */
	const char *counted;           /* cash, as a sum */
	struct prompt_source password; /* or the recovery code, of recover */
	struct prompt_source new_password;
	const char *dispenser; /* command that gives out cash */
	const char *format;    /* of a statement; NULL: text */
	const char *from_date; /* its first day; NULL: as far back as it goes */
	const char *to_date;   /* its last day; NULL: until now */
	const char *out; /* the file it, or a receipt, goes to; NULL: stdout */
	bool json;
	bool yes; /* no question before a difference is signed */
};

struct atm {
	struct atm_options options;
	struct bankfile bank;
	struct money_unit unit;
	struct state state;
	struct card terminal; /* terminal.terminal is 0 without a card */
	struct card teller;   /* its name is empty without a card */
	struct bank_session customer;
	struct bank_session till;
	bool customer_in;
	bool till_in;
	bool till_is_teller; /* a person's session, not the terminal's own */
	bool menu; /* more than one command: it goes on after a change */
	char user[CARD_NAME_MAX + 1];
};

/* One command of the ATM. */
struct atm_command {
	const char *name;
	int words;     /* arguments it takes at least */
	int words_max; /* and at most; NULL ends them then */
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

/* The same, but leaves the order of that reference, or NULL, unsettled. */
enum sr_error atm_enter_till(struct atm *atm, const uint8_t *reference);

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
enum sr_error atm_reset(struct atm *atm, char *const words[]);
enum sr_error atm_rekey(struct atm *atm, char *const words[]);

/* ---- One's own accounts (atm_accounts.c) ------------------------------------ */

enum sr_error atm_account(struct atm *atm, char *const words[]);

/* Prints the customer's accounts; all: closed ones, too. */
enum sr_error atm_list_accounts(struct atm *atm, bool all);

/*
 * The account of the customer who is logged in with that label or number;
 * NULL and "main" are the main account.  Of accounts with one label the one
 * that is not closed.  SR_NO_ACCOUNT, SR_USAGE and others after a line on
 * stderr.
 */
enum sr_error atm_own_account(
    struct atm *atm, const char *label, uint64_t *account);

/* SR_USAGE after a line on stderr. */
enum sr_error atm_bad_label(const char *label);

/*
 * Whom a name or an account number stands for, believed with keyd's
 * attestation only.  What consists of digits, spaces and hyphens is a number,
 * never a name.  person->name is empty where the bank does not tell it.
 * Errors have been said on stderr; atm_payee_check() asks nobody.
 */
enum sr_error atm_payee_check(const char *text);
enum sr_error atm_payee(struct bank_session *session, const char *text,
    uint64_t *account, struct bank_person *person);

/* ---- Statements (statement_command.c, atm_lines.c) --------------------------- */

enum sr_error atm_statement(struct atm *atm, char *const words[]);

/*
 * SR_USAGE after a line on stderr for options of a statement that are none;
 * asks nobody.
 */
enum sr_error atm_statement_check(const struct atm *atm);

/* Last lines, or a period, of an account that the session may see. */
enum sr_error atm_print_statement(
    struct atm *atm, struct bank_session *session, uint64_t account);

/*
 * statement_period_collect() of an account that the session may see, until
 * now unless the period says less.  With `progress' it shows on stderr how
 * many entries have come.
 */
enum sr_error atm_collect_statement(struct bank_session *session,
    uint64_t account, struct statement_period *period, const char *progress);

/* --count as lines; 20 without; SR_USAGE after a line on stderr. */
enum sr_error atm_lines_wanted(const struct atm *atm, unsigned *count);

/*
 * Calls each() for at most count lines below the leaf `before' (all ones to
 * begin), the newest first, until it returns false.  Names and memos are
 * such that they may be printed; SR_MALFORMED.  *retired: there were more below
 * the last one, which the bank has retired.
 */
enum sr_error atm_lines(struct bank_session *session, uint64_t account,
    uint64_t before, unsigned count,
    bool (*each)(void *context, const struct statement_line *line),
    void *context, bool *retired);

/* The line of that leaf; SR_NOT_FOUND, SR_RETIRED.  Nothing has been said. */
enum sr_error atm_line(struct bank_session *session, uint64_t account,
    uint64_t leaf, struct statement_line *line);

/* ---- Everything that is the customer's (atm_export_data.c) -------------------- */

enum sr_error atm_export_my_data(struct atm *atm, char *const words[]);

/* ---- Receipts (receipt.c) ---------------------------------------------------- */

enum sr_error atm_receipt(struct atm *atm, char *const words[]);

/* ---- Undo (atm_undo.c) -------------------------------------------------------- */

enum sr_error atm_undo(struct atm *atm, char *const words[]);

/*
 * An entry's number as statements print it, "12" or "#12"; SR_USAGE after a
 * line on stderr.
 */
enum sr_error atm_take_leaf(const char *text, uint64_t *leaf);

/* Takes the deposit of that leaf back, at a till that is logged in. */
enum sr_error atm_undo_deposit(struct atm *atm, uint64_t leaf);

/* ---- Tills (teller.c) ----------------------------------------------------------- */

enum sr_error atm_till(struct atm *atm, char *const words[]);

/* True when the options say that a till is meant, not a customer. */
bool atm_means_till(const struct atm *atm);

/*
 * Logs those in who work at a till, as atm->till: the teller of --teller; the
 * terminal of --terminal when no customer is named; else the teller of --user,
 * with a password.  Then settles as atm_log_in() does.  SR_ROLE for one who
 * is no teller; errors have been said on stderr.
 */
enum sr_error atm_log_in_teller(struct atm *atm);

/*
 * Whether the one whom atm_log_in() has logged in is a teller: then the
 * session is atm->till from now on.
 */
bool atm_teller_is_in(struct atm *atm);

/* Takes cash out of an enrolled ATM (withdraw.c). */
enum sr_error atm_withdraw(struct atm *atm, char *const words[]);

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
