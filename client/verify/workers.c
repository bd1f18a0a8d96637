/* SPDX-License-Identifier: ISC */
/* Threads that take the next few pieces until there are none: workers.h. */
#include "client/verify/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* Pieces taken at once: few, since some cost a hundred times the others. */
#define WORKERS_TAKE 8u

struct work {
	workers_piece piece;
	void *context;
	size_t count;
	atomic_size_t next;
};

static void *
work_through(void *context)
{
	struct work *work = context;
	size_t first;

	while (
	    (first = atomic_fetch_add(&work->next, WORKERS_TAKE)) < work->count)
		for (size_t i = first;
		     i < first + WORKERS_TAKE && i < work->count; i++)
			work->piece(work->context, i);
	return NULL;
}

void
workers_run(unsigned jobs, size_t count, workers_piece piece, void *context)
{
	struct work work = {.piece = piece, .context = context, .count = count};
	pthread_t thread[WORKERS_MAX];
	unsigned started = 0;

	if (jobs > WORKERS_MAX)
		jobs = WORKERS_MAX;
	/* no more than have something to take; this thread is one of them */
	while (started + 1 < jobs && (started + 1) * WORKERS_TAKE < count &&
	       pthread_create(&thread[started], NULL, work_through, &work) == 0)
		started++;
	(void)work_through(&work);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(thread[i], NULL);
}

unsigned
workers_processors(void)
{
	cpu_set_t set;
	int count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	if (count < 1)
		return 1;
	return count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}
