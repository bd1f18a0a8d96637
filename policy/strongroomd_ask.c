/* SPDX-License-Identifier: ISC */
/*
 * systemd-ask-password(1), which asks on the terminal or, where there is none,
 * whoever answers systemd's questions: at the console, or by an agent.  Its
 * answer stays in a pipe: it must never be read here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/diag.h"
#include "common/sealed.h"
#include "policy/strongroomd.h"

#define ASK_PROGRAM "/usr/bin/systemd-ask-password"
/* A page, the least that there is: more than any passphrase. */
#define ASK_PIPE_LEN 4096

/* In the child: stdout is the pipe. */
static _Noreturn void
run_ask(const char *bank, int out)
{
	static const char program[] = ASK_PROGRAM;
	char question[CONFIG_NAME_MAX + 64];
	const char *const argv[] = {
	    program, "--timeout=0", "--id=strongroom", question, NULL};
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	snprintf(question, sizeof(question),
	    "Passphrase that opens the keys of %s:", bank);
	sigemptyset(&none);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)sigaction(SIGINT, &usual, NULL);
	(void)sigaction(SIGQUIT, &usual, NULL);
	(void)sigaction(SIGHUP, &usual, NULL);
	if (dup2(out, STDOUT_FILENO) >= 0)
		execv(program, (char *const *)argv);
	_exit(127);
}

/*
 * What it prints stays in the pipe.  What it started may keep the other end,
 * so whoever reads must not wait for that.
 */
static enum sr_error
make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return SR_IO;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(ends[0], F_SETPIPE_SZ, ASK_PIPE_LEN) >= 0)
		return SR_OK;
	close(ends[0]);
	close(ends[1]);
	return SR_IO;
}

static enum sr_error
start_ask(struct monitor *monitor, pid_t *pid, int *fd)
{
	int ends[2];

	if (access(ASK_PROGRAM, X_OK) != 0) {
		diag_error("[unlock] ask: %s: %s; install systemd, or set "
			   "passphrase-file, credential or locked instead",
		    ASK_PROGRAM, strerror(errno));
		return SR_CONFIG;
	}
	if (make_pipe(ends) != SR_OK)
		return SR_IO;
	*pid = fork();
	if (*pid == 0)
		run_ask(monitor->config.name, ends[1]);
	close(ends[1]);
	if (*pid > 0) {
		*fd = ends[0];
		return SR_OK;
	}
	*pid = 0;
	close(ends[0]);
	return SR_IO;
}

static bool
answered(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	diag_error("[unlock] ask: nobody gave a passphrase");
	return false;
}

/* Whether a signal says that the bank is to end, which ends the question. */
static bool
told_to_end(struct monitor *monitor)
{
	struct pollfd asks = {.fd = monitor->signals, .events = POLLIN};
	struct signalfd_siginfo info;

	(void)poll(&asks, 1, -1);
	while (read(monitor->signals, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGHUP)
			monitor_hung_up(monitor);
		else
			monitor->stopping |= info.ssi_signo != SIGCHLD;
	return monitor->stopping;
}

/* Before any room. */
enum sr_error
monitor_ask(struct monitor *monitor, int *fd)
{
	int status = 0;
	pid_t pid;
	enum sr_error error = start_ask(monitor, &pid, fd);

	if (error != SR_OK)
		return error;
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (told_to_end(monitor))
			(void)kill(pid, SIGTERM);
	if (!monitor->stopping && answered(status))
		return SR_OK;
	close(*fd);
	*fd = -1;
	return SR_UNLOCK;
}

void
monitor_ask_begin(struct monitor *monitor)
{
	if (monitor->answered && monitor->asks > 0)
		monitor->asks--;
	else if (monitor->asks == 0 || monitor->asker != 0)
		return;
	monitor->answered = false;
	if (monitor->asks > 0 &&
	    start_ask(monitor, &monitor->asker, &monitor->asked) == SR_OK) {
		diag_info("systemd-ask-password asks for the passphrase; "
			  "strongroomctl unlock opens the bank, too");
		return;
	}
	monitor->asks = 0;
	diag_info("nobody is asked for a passphrase any more: strongroomctl "
		  "unlock opens the bank");
}

void
monitor_ask_end(struct monitor *monitor)
{
	monitor->asks = 0;
	if (monitor->asker != 0)
		(void)kill(monitor->asker, SIGTERM);
}

void
monitor_ask_ended(struct monitor *monitor, int status)
{
	const bool wanted = monitor->asks > 0 && !monitor->stopping;
	int fd = monitor->asked;

	monitor->asker = 0;
	monitor->asked = -1;
	/* Of what nobody needs any more nothing is told. */
	if (wanted && !answered(status)) {
		monitor->asks = 0;
	} else if (wanted && monitor->state == MONITOR_LOCKED) {
		monitor->answered = true;
		monitor_unlock(monitor, fd, SEALED_PASSPHRASE);
		return;
	}
	close(fd);
}
