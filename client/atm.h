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

struct atm_options {
	const char *bank_file;
	const char *server; /* NULL: the addresses in the bank file */
	const char *terminal_card;
	const char *user;
	const char *memo;
	const char *id;
	const char *invitation;
	const char *display_name;
	uint16_t count; /* lines of a statement */
	struct prompt_source password;
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

/* Logs the terminal itself in, with its card.  SR_TERMINAL without a card. */
enum sr_error atm_log_in_till(struct atm *atm);

/*
 * Registers the name and sets its recovery credential, whose code is printed
 * on stdout.  The password is asked for twice on a terminal.
 */
enum sr_error atm_register(struct atm *atm, char *const words[]);

/* Ends the sessions in good order and wipes their keys. */
void atm_log_out(struct atm *atm);

/* The menu in line mode; returns when the customer leaves. */
enum sr_error atm_menu(struct atm *atm);

#endif
