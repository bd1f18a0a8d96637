/* SPDX-License-Identifier: ISC */
/*
 * One line for somebody who waits: how many entries, how much of the files.
 * Written over by the next one and taken away before anything else is said.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "client/verify/audit.h"

#define PROGRESS_STEP_MS 100u

static uint64_t
now_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
verify_progress(struct verify *verify, size_t offset, size_t len)
{
	struct verify_progress *progress = &verify->progress;
	uint64_t now, entries;
	double done;

	if (!progress->wanted || progress->segments == 0 || len == 0)
		return;
	now = now_ms();
	if (now < progress->next_ms)
		return;
	progress->next_ms = now + PROGRESS_STEP_MS;
	entries =
	    verify->audit != NULL ? verify->audit->opened : verify->tree.size;
	done = (double)progress->segment;
	done += (double)offset / (double)len;
	fprintf(stderr, "\r%3.0f %%, %" PRIu64 " entries\033[K",
	    100 * done / (double)progress->segments, entries);
	progress->shown = true;
}

void
verify_progress_clear(struct verify *verify)
{
	if (!verify->progress.shown)
		return;
	fputs("\r\033[K", stderr);
	verify->progress.shown = false;
}
