/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_ATM_DISPENSER_H
#define CLIENT_ATM_DISPENSER_H
/*
 * The machine that gives out cash, behind a command.  It gets the amount, in
 * the unit's smallest part, as its only argument.  Exit status 0: all is out.
 * Any other: its standard output is the amount that is out, a whole number
 * in the same unit.
 */
#include <stdint.h>

/*
 * Runs the command (PATH is searched) and waits.  The amount that is out: the
 * whole where the command did not say, since it may be; 0 when it could not
 * be started.  Says on stderr what was out of order.
 */
int64_t dispenser_run(const char *command, int64_t amount_minor);

#endif
