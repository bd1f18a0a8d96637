/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_WALLS_ALONE_H
#define TESTS_LIB_WALLS_ALONE_H
/*
 * One wall with all others off: a child does a thing, applies one step of
 * sandbox_enter(), and does the same thing again.  All functions fail the
 * running cmocka test on surprise.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "policy/sandbox_steps.h"

#define ALONE_UID 64998 /* the ordinary user, where root runs the test */
#define ALONE_KILLED (-1)

/* Does a thing: 0 if it could be done, else errno. */
typedef int alone_act(void);

enum alone_user { ALONE_AS_STARTED, ALONE_ORDINARY };

/*
 * Given that the act can be done, when the step alone is in force, then the
 * act ends with that errno, or for ALONE_KILLED the child is killed by
 * SIGSYS.  False when this kernel lacks the step, which the report has told.
 */
bool alone_stops(enum alone_user user, sandbox_step *step,
    const struct sandbox_plan *plan, alone_act *act, int expected);

/* Becomes the ordinary user where root runs the test, visible to others of
 * that user; ends the process on failure.  For children only. */
void alone_become_ordinary(void);

/* The step in a child that does not do anything else: whether it succeeds. */
bool alone_succeeds(
    alone_act *before, sandbox_step *step, const struct sandbox_plan *plan);

/* Starts a child that runs the function and ends with what it returns. */
pid_t alone_child(int (*function)(void));

/* Its exit status; it must not have been killed. */
int alone_end(pid_t pid);

#endif
