/* SPDX-License-Identifier: ISC */
/*
 * Each run is a child of a process that has furnished a bank, so that it costs
 * a fork and not the set-up, and so that a run that dies is a loss like any
 * other.  Must not depend on which process runs which seed.
 */
#include "tests/sim/drive.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/world.h"

enum {
	RUN_LIMIT_S = 60, /* on a machine that does much else */
	LIST_LEN = 400,
};

/* What a worker and the one who waits for it share. */
struct worker {
	struct result run; /* the last one */
	struct counts sum;
	bool failed;
	uint64_t failed_seed;
};

static void *
shared(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(71);
	}
	return p;
}

static void
silence(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd == -1 || dup2(fd, STDERR_FILENO) == -1)
		_exit(71);
	close(fd);
}

static struct world *
furnish(const struct drive *drive)
{
	struct world *world = world_new();

	world->blind = drive->blind;
	world->export_to = drive->export_to;
	return world;
}

/* One run in a child; what became of it is in *result. */
static void
run_plan(struct world *world, const struct plan *plan, struct result *result,
    bool tells)
{
	int status;
	pid_t pid;

	memset(result, 0, sizeof(*result));
	fflush(stdout);
	pid = fork();
	if (pid == -1) {
		perror("fork");
		exit(71);
	}
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(RUN_LIMIT_S);
		if (tells)
			(void)dup2(STDOUT_FILENO, STDERR_FILENO);
		else
			silence();
		world_run(world, plan, result, tells);
		_exit(70);
	}
	if (waitpid(pid, &status, 0) != pid)
		status = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	result->verdict = RUN_FAILED;
	result->counts.verdict[RUN_FAILED] = 1;
	if (WIFSIGNALED(status))
		snprintf(result->why, sizeof(result->why),
		    "the run died of signal %d (%s)", WTERMSIG(status),
		    WTERMSIG(status) == SIGALRM ? "it did not end"
						: "an assertion, mostly");
	else
		snprintf(result->why, sizeof(result->why),
		    "the run ended with status %x", (unsigned)status);
}

static void
add_counts(struct counts *sum, const struct counts *one)
{
	sum->seeds += one->seeds;
	sum->steps += one->steps;
	sum->starts += one->starts;
	sum->crashes += one->crashes;
	sum->orders += one->orders;
	sum->acknowledged += one->acknowledged;
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		sum->verdict[i] += one->verdict[i];
	for (unsigned i = 0; i < FAULT_KIND_COUNT; i++)
		sum->fault[i] += one->fault[i];
}

/* ---- making a loss small -------------------------------------------------------- */

static bool
fails(struct world *world, const struct plan *plan, struct result *result)
{
	run_plan(world, plan, result, false);
	return result->verdict == RUN_FAILED;
}

/* Leaves out `len' of the plan's parts from `at' on, if it still fails. */
static bool
try_without(struct world *world, struct plan *plan, struct result *result,
    bool steps, unsigned at, unsigned len)
{
	struct plan less = *plan;
	bool any = false;

	for (unsigned i = at; i < at + len; i++) {
		bool *left_out = NULL;

		if (steps && i < plan->step_count)
			left_out = &less.step[i].left_out;
		else if (!steps && i < plan->fault_count)
			left_out = &less.fault[i].left_out;
		if (left_out == NULL || *left_out)
			continue;
		*left_out = any = true;
	}
	if (!any || !fails(world, &less, result))
		return false;
	*plan = less;
	return true;
}

static void
shrink(struct world *world, struct plan *plan, struct result *result)
{
	bool smaller = true;

	/* faults of steps that are not there strike nobody */
	while (smaller) {
		smaller = false;
		for (unsigned len = 16; len > 0; len /= 2) {
			for (unsigned at = 0; at < plan->fault_count; at += len)
				smaller |= try_without(
				    world, plan, result, false, at, len);
			for (unsigned at = 0; at < plan->step_count; at += len)
				smaller |= try_without(
				    world, plan, result, true, at, len);
		}
	}
	/* those of steps that are left out say nothing in the command */
	for (unsigned i = 0; i < plan->fault_count; i++)
		if (plan->fault[i].step < plan->step_count &&
		    plan->step[plan->fault[i].step].left_out)
			plan->fault[i].left_out = true;
}

static void
report(const struct drive *drive, struct world *world, uint64_t seed)
{
	char steps[LIST_LEN], faults[LIST_LEN];
	struct result *result = shared(sizeof(*result));
	struct plan plan;

	plan_make(&plan, seed);
	if (!fails(world, &plan, result)) {
		printf("seed %" PRIu64 " does not fail again\n", seed);
		return;
	}
	printf("seed %" PRIu64 ": %s\n", seed, result->why);
	shrink(world, &plan, result);
	plan_lists(&plan, steps, faults, LIST_LEN);
	printf("made small, it is this story:\n");
	run_plan(world, &plan, result, true);
	printf("lost: %s\n", result->why);
	printf("again: %s --seed %" PRIu64 " --steps %s --faults %s%s --tell\n",
	    drive->program, seed, steps, faults,
	    drive->blind ? " --blind" : "");
}

/* ---- many ---------------------------------------------------------------------- */

static bool
over(const struct drive *drive, time_t begin)
{
	return drive->seconds > 0 &&
	       (uint64_t)(time(NULL) - begin) >= drive->seconds;
}

static _Noreturn void
work(const struct drive *drive, unsigned which, struct worker *worker)
{
	struct world *world = furnish(drive);
	time_t begin = time(NULL);
	struct plan plan;

	for (uint64_t i = which; i < drive->seeds && !over(drive, begin);
	     i += drive->jobs) {
		plan_make(&plan, drive->from + i);
		run_plan(world, &plan, &worker->run, false);
		add_counts(&worker->sum, &worker->run.counts);
		if (worker->run.verdict == RUN_FAILED) {
			worker->failed_seed = drive->from + i;
			worker->failed = true;
			_exit(1);
		}
	}
	_exit(0);
}

static void
print_counts(const struct counts *sum)
{
	printf("%" PRIu64 " seeds: %" PRIu64 " steps, %" PRIu64
	       " orders signed, %" PRIu64 " acknowledged; %" PRIu64
	       " starts, %" PRIu64 " crashes\nfaults that struck:",
	    sum->seeds, sum->steps, sum->orders, sum->acknowledged, sum->starts,
	    sum->crashes);
	for (unsigned i = 0; i < FAULT_KIND_COUNT; i++)
		printf("%s %s %" PRIu64, i > 0 ? "," : "", fault_name(i),
		    sum->fault[i]);
	printf("\n%" PRIu64 " refused to start from spoilt files, %" PRIu64
	       " told from outside that all files were put back\n"
	       "%" PRIu64 " seeds, %" PRIu64 " lost\n",
	    sum->verdict[RUN_REFUSED], sum->verdict[RUN_FORGOT], sum->seeds,
	    sum->verdict[RUN_FAILED]);
}

static struct counts
sum_of(const struct worker *workers, unsigned jobs)
{
	struct counts sum = {0};

	for (unsigned i = 0; i < jobs; i++)
		add_counts(&sum, &workers[i].sum);
	return sum;
}

/* Waits for the workers; one that has found a loss ends the others. */
static void
wait_for(const struct drive *drive, const struct worker *workers, pid_t *pids)
{
	const struct timespec moment = {.tv_nsec = 100000000};
	unsigned left = drive->jobs;
	bool shows = isatty(STDERR_FILENO) == 1;
	time_t begin = time(NULL);

	while (left > 0) {
		int status;
		pid_t pid = waitpid(-1, &status, shows ? WNOHANG : 0);

		if (pid > 0) {
			left--;
			for (unsigned i = 0; i < drive->jobs; i++) {
				if (pids[i] == pid)
					pids[i] = 0;
				else if (status != 0 && pids[i] != 0)
					kill(pids[i], SIGTERM);
			}
		} else {
			struct counts sum = sum_of(workers, drive->jobs);

			fprintf(stderr,
			    "\r%" PRIu64 " seeds, %" PRIu64
			    " orders acknowledged, %" PRIu64
			    " crashes, %lld s ",
			    sum.seeds, sum.acknowledged, sum.crashes,
			    (long long)(time(NULL) - begin));
			nanosleep(&moment, NULL);
		}
	}
	if (shows)
		fputs("\r\033[K", stderr);
}

int
drive_many(const struct drive *drive)
{
	struct worker *workers = shared(drive->jobs * sizeof(*workers));
	pid_t pids[DRIVE_JOBS_MAX];
	struct counts sum;

	fflush(stdout);
	for (unsigned i = 0; i < drive->jobs; i++) {
		pids[i] = fork();
		if (pids[i] == -1) {
			perror("fork");
			exit(71);
		}
		if (pids[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
			work(drive, i, &workers[i]);
		}
	}
	wait_for(drive, workers, pids);
	sum = sum_of(workers, drive->jobs);
	for (unsigned i = 0; i < drive->jobs; i++)
		if (workers[i].failed) {
			report(drive, furnish(drive), workers[i].failed_seed);
			break;
		}
	print_counts(&sum);
	return sum.verdict[RUN_FAILED] > 0 || sum.seeds == 0 ? 1 : 0;
}

/* ---- one ------------------------------------------------------------------------ */

int
drive_one(const struct drive *drive, const char *steps, const char *faults)
{
	struct result *result = shared(sizeof(*result));
	struct world *world = furnish(drive);
	char hex[2 * sizeof(result->digest) + 1];
	struct plan plan;

	plan_make(&plan, drive->from);
	if ((steps != NULL && !plan_keep_steps(&plan, steps)) ||
	    (faults != NULL && !plan_keep_faults(&plan, faults))) {
		fputs("a list is like 0-3,7 or -\n", stderr);
		return 64;
	}
	run_plan(world, &plan, result, drive->tells);
	if (result->verdict == RUN_FAILED)
		printf("lost: %s\n", result->why);
	sodium_bin2hex(
	    hex, sizeof(hex), result->digest, sizeof(result->digest));
	printf("%s\n", hex);
	return result->verdict == RUN_FAILED ? 1 : 0;
}
