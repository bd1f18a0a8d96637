/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_TELLER_H
#define TESTS_LIB_TELLER_H
/*
 * What the test programs that speak with a whole bank have in common: options,
 * the log-in, and signing an order whose every field the test chooses.  Not a
 * client for people: it holds its password in plain view and checks nothing
 * that the bank is to check.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/bank.h"
#include "client/card.h"
#include "client/login.h"
#include "common/order.h"
#include "gen/messages.h"

enum {
	TELLER_LINE_MAX = 10000,
};

struct teller {
	struct bankfile bank;
	const char *server;
	struct card card;     /* name and password, from a card or given */
	struct card terminal; /* terminal.terminal 0: an open terminal */
	struct state state;
	bool keeps; /* state is set: device token and orders are kept */
	struct bank_session session;
	bool in;
};

/*
 * Takes --bank FILE, --server ADDRESS, --user NAME (the password is the first
 * line of standard input) or --card CARD, --terminal CARD, --keep; returns
 * the index of the first other argument.  Ends the process with 64 for
 * anything that is wrong.
 */
int teller_options(struct teller *teller, int argc, char *argv[]);

/* Logs in; errors of bank_enter. */
enum sr_error teller_enter(struct teller *teller);
void teller_leave(struct teller *teller);

/* An order and all that travels with it. */
struct teller_order {
	uint8_t order[ORDER_LEN];
	uint8_t signature[ORDER_SIGNATURE_LEN];
	uint8_t attachment[ORDER_ATTACHMENT_MAX];
	size_t attachment_len;
};

/* The fields that an honest client would choose for a transfer of nothing. */
void teller_order_begin(const struct teller *teller, struct order *order);

/* Sends it as it is; the session learns what the answer says of the chain. */
enum sr_error teller_submit(struct teller *teller,
    const struct teller_order *order, struct message_order_answer *answer);

/* One line of standard input without its newline; false at the end. */
bool teller_line(char line[TELLER_LINE_MAX]);

#endif
