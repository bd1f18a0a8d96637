/* SPDX-License-Identifier: ISC */
/*
 * Starts and stops strongroomd for one command.  Readiness is learnt by the
 * notify protocol (sd_notify(3)), never by waiting a while.
 */
#include "client/ctl/bank_process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_WAIT_MS 30000
#define LOOK_MS 50

/* Where strongroomd lies: the sibling directory of ours. */
static enum sr_error
bank_process_program(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return SR_IO;
	self[n] = '\0';
	for (int i = 0; i < 2; i++) {
		slash = strrchr(self, '/');
		if (slash == NULL)
			return SR_IO;
		*slash = '\0';
	}
	n = snprintf(path, PATH_MAX, "%s/sbin/strongroomd", self);
	return n > 0 && n < PATH_MAX ? SR_OK : SR_IO;
}

/* An abstract datagram socket for READY=1; its name goes to the child. */
static enum sr_error
bank_process_notify_socket(int *fd, char name[64])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n;

	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return SR_IO;
	n = snprintf(name, 64, "@strongroom-ready-%ld", (long)getpid());
	memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
	if (bind(*fd, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			    (size_t)n)) != 0) {
		close(*fd);
		return SR_IO;
	}
	return SR_OK;
}

static _Noreturn void
bank_process_exec(const char *program, const char *configuration,
    const char *option, const char *notify)
{
	const char *const argv[] = {
	    "strongroomd", "-c", configuration, "--no-listen", option, NULL};
	sigset_t none;

	/* The bank must not outlive the command that needs it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	if (setenv("NOTIFY_SOCKET", notify, 1) == 0)
		execv(program, (char *const *)argv);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

/* READY from the child, or its end. */
static enum sr_error
bank_process_wait_ready(struct bank_process *process)
{
	struct pollfd wait = {.fd = process->notify, .events = POLLIN};

	for (int waited = 0; waited < READY_WAIT_MS; waited += LOOK_MS) {
		char text[256];
		ssize_t n;
		int status;

		if (poll(&wait, 1, LOOK_MS) > 0) {
			n = recv(process->notify, text, sizeof(text) - 1, 0);
			if (n > 0) {
				text[n] = '\0';
				if (strstr(text, "READY=1") != NULL)
					return SR_OK;
			}
		}
		if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
			process->pid = 0;
			close(process->notify);
			return SR_UNREACHABLE;
		}
	}
	fprintf(stderr, "strongroomd did not become ready\n");
	(void)bank_process_stop(process);
	return SR_UNREACHABLE;
}

enum sr_error
bank_process_start(
    struct bank_process *process, const char *configuration, const char *option)
{
	char program[PATH_MAX], notify[64];
	enum sr_error error;

	process->pid = 0;
	error = bank_process_program(program);
	if (error == SR_OK)
		error = bank_process_notify_socket(&process->notify, notify);
	if (error != SR_OK)
		return error;
	process->pid = fork();
	if (process->pid == 0)
		bank_process_exec(program, configuration, option, notify);
	if (process->pid < 0) {
		process->pid = 0;
		close(process->notify);
		return SR_IO;
	}
	return bank_process_wait_ready(process);
}

enum sr_error
bank_process_stop(struct bank_process *process)
{
	int status = 0;
	pid_t pid = process->pid;

	if (pid == 0)
		return SR_OK;
	process->pid = 0;
	if (kill(pid, SIGTERM) != 0)
		return SR_IO;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	close(process->notify);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? SR_OK : SR_IO;
}
