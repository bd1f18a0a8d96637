/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_FORGED_SHARE_H
#define TESTS_LIB_FORGED_SHARE_H
/*
 * Long work on a forged log, shared by as many processes as there are
 * processors (4 at most).  Each has a log and a directory of its own.
 */
#include "tests/lib/forged_log.h"

/*
 * Does what is to be done for share + n * shares of it, with the log written
 * beneath its directory.  False after it has told on standard error why.
 */
typedef bool (*forged_work)(
    struct forged_log *log, unsigned share, unsigned shares);

/* False if any of them failed, or ended otherwise than by returning. */
bool forged_share(const struct forged_log *day, forged_work work);

/*
 * Of so many pieces of work one is done; fewer in a build that is instrumented
 * and slow.
 */
unsigned forged_step(void);

/*
 * Tells on standard error what a verdict was found to be, and of what;
 * always false.
 */
bool forged_tell(const struct forged_verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
