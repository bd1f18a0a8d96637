/* SPDX-License-Identifier: ISC */
#ifndef CLIENT_VERIFY_WORKERS_H
#define CLIENT_VERIFY_WORKERS_H
/*
 * Work that does not hang together, done by several threads at once.  They
 * live as long as the call, so that between two calls there is one thread and
 * nothing is shared.
 */
#include <stddef.h>

enum { WORKERS_MAX = 64 };

/* One piece: writes to its own place and to nothing that is shared. */
typedef void (*workers_piece)(void *context, size_t index);

/*
 * Does piece(context, i) for each i below count, in any order, with at most
 * jobs threads (0 counts as 1), this one among them.  Where the system gives
 * fewer threads, those there are do it all.
 */
void workers_run(
    unsigned jobs, size_t count, workers_piece piece, void *context);

/* How many processors there are for this process, at most WORKERS_MAX. */
unsigned workers_processors(void);

#endif
