/* SPDX-License-Identifier: ISC */
/* Runs one step of the sandbox in a child; see walls_alone.h. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/walls_alone.h"

struct seen {
	int before, after;
	bool entered;
	uint32_t missing;
};

void
alone_become_ordinary(void)
{
	if (geteuid() != 0)
		return;
	if (setresgid(ALONE_UID, ALONE_UID, ALONE_UID) != 0 ||
	    setresuid(ALONE_UID, ALONE_UID, ALONE_UID) != 0 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		_exit(125);
}

bool
alone_stops(enum alone_user user, sandbox_step *step,
    const struct sandbox_plan *plan, alone_act *act, int expected)
{
	/* Shared, so that telling needs no call that the step may forbid. */
	struct seen *shared = mmap(NULL, sizeof(*shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct seen seen;
	int status = 0;
	pid_t pid;

	assert_true(shared != MAP_FAILED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct sandbox_report report = {0};

		if (user == ALONE_ORDINARY)
			alone_become_ordinary();
		shared->before = act();
		shared->entered = step(plan, &report);
		shared->missing = report.missing;
		shared->after = ALONE_KILLED;
		shared->after = act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	seen = *shared;
	assert_int_equal(munmap(shared, sizeof(*shared)), 0);
	if (seen.before != 0)
		fail_msg("before: %s", strerror(seen.before));
	assert_true(seen.entered);
	if (seen.missing != 0 && seen.after == 0 && expected != 0)
		return false;
	if (seen.after != expected)
		fail_msg("after: %d (%s) and not %d", seen.after,
		    strerror(seen.after), expected);
	if (expected == ALONE_KILLED &&
	    (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS))
		fail_msg("not killed but status %x", (unsigned)status);
	return true;
}

bool
alone_succeeds(
    alone_act *before, sandbox_step *step, const struct sandbox_plan *plan)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sandbox_report report = {0};

		if (before != NULL && before() != 0)
			_exit(125);
		_exit(step(plan, &report) ? 0 : 1);
	}
	return alone_end(pid) == 0;
}

pid_t
alone_child(int (*function)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(function());
	return pid;
}

int
alone_end(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 125);
	return WEXITSTATUS(status);
}
