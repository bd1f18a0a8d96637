/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_H
#define CLIENT_ATM_H
/*
 * What the parts of the ATM share: the options of a run and the sessions it
 * holds.  At an enrolled ATM there are two: the customer's and the
 * terminal's own.
 */
#include <stdbool.h>

#include "client/bankfile.h"
#include "client/card.h"
#include "client/login.h"
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
	const char *count; /* statement: lines wanted */
	struct prompt_source password;
	bool json;
};

struct atm {
	struct atm_options options;
	struct bankfile bank;
	struct state state;
	struct card terminal; /* with options.terminal_card */
	struct login customer;
	struct login till;
	bool customer_in;
	bool till_in;
};

/* One command of the ATM; takes the words after the options. */
struct atm_command {
	const char *name;
	int words; /* arguments it takes */
	bool logs_in;
	enum sr_error (*run)(struct atm *atm, char *const words[]);
	const char *usage;
	const char *what;
};

extern const struct atm_command atm_commands[];

/* The command of that name, or NULL. */
const struct atm_command *atm_command_find(const char *name);

/*
 * Logs the customer in (asking for the password as the options say), once a
 * run.  Says on stderr what went wrong.
 */
enum sr_error atm_log_in(struct atm *atm);

/* Ends the sessions in good order and wipes their keys. */
void atm_log_out(struct atm *atm);

/* The menu in line mode; returns when the customer leaves. */
enum sr_error atm_menu(struct atm *atm);

#endif
