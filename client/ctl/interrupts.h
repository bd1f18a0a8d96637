/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_CTL_INTERRUPTS_H
#define CLIENT_CTL_INTERRUPTS_H
/*
 * Ctrl-C, a hang-up and kill(1) in the middle of something that must be taken
 * back, or cleared from a screen, first.
 */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* From now on they wait; *before is what was.  May stand within another. */
void interrupts_hold(sigset_t *before);

/* One of them has come. */
bool interrupts_came(void);

/*
 * As it was: what has come meanwhile ends the program now, unless `forget',
 * because everything is done, or it is held further out.
 */
void interrupts_release(const sigset_t *before, bool forget);

/* prompt_line() while they are held: SR_CLOSED when one has come. */
enum sr_error interrupts_prompt(const char *question, char *out, size_t room);

#endif
