/* SPDX-License-Identifier: ISC */
/*
 * Signals are blocked and looked for, so that nothing runs in a handler and
 * whoever started the program sees by what it ended.
 */
#include "client/ctl/interrupts.h"

#include <time.h>

#include "client/prompt.h"

#define LOOK_MS 100

static const int interruptions[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

#define INTERRUPTIONS (sizeof(interruptions) / sizeof(interruptions[0]))

static void
all(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < INTERRUPTIONS; i++)
		sigaddset(set, interruptions[i]);
}

void
interrupts_hold(sigset_t *before)
{
	sigset_t set;

	all(&set);
	(void)sigprocmask(SIG_BLOCK, &set, before);
}

/* One that is ignored, as of nohup(1), waits here, too, and is none. */
static bool
ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN;
}

bool
interrupts_came(void)
{
	sigset_t pending;

	if (sigpending(&pending) != 0)
		return false;
	for (size_t i = 0; i < INTERRUPTIONS; i++)
		if (sigismember(&pending, interruptions[i]) == 1 &&
		    !ignored(interruptions[i]))
			return true;
	return false;
}

void
interrupts_release(const sigset_t *before, bool forget)
{
	const struct timespec at_once = {0};
	sigset_t set;

	all(&set);
	while (forget && sigtimedwait(&set, NULL, &at_once) > 0)
		;
	(void)sigprocmask(SIG_SETMASK, before, NULL);
}

static enum sr_error
look(void *context, int *left_ms)
{
	(void)context;
	*left_ms = LOOK_MS;
	return interrupts_came() ? SR_CLOSED : SR_OK;
}

enum sr_error
interrupts_prompt(const char *question, char *out, size_t room)
{
	enum sr_error error =
	    prompt_line_while(question, look, NULL, out, room);

	return error == SR_OK && interrupts_came() ? SR_CLOSED : error;
}
