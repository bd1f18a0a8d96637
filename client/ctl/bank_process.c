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

#include <sodium.h>

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

/*
 * An abstract datagram socket for READY=1; its name goes to the child.  Anybody
 * may send there: who did is looked at when it is read.
 */
static enum sr_error
bank_process_notify_socket(int *fd, char name[64])
{
	const int on = 1;
	uint8_t random[16];
	char hex[2 * sizeof(random) + 1];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n;

	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return SR_IO;
	randombytes_buf(random, sizeof(random));
	n = snprintf(name, 64, "@strongroom-ready-%s",
	    sodium_bin2hex(hex, sizeof(hex), random, sizeof(random)));
	memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
	if (setsockopt(*fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
	    bind(*fd, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			    (size_t)n)) != 0) {
		close(*fd);
		return SR_IO;
	}
	return SR_OK;
}

static _Noreturn void
bank_process_exec(const char *program, const char *const argv[], int secret,
    const char *notify)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	/* The bank must not outlive the command that needs it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* The terminal's are for the command, which may have to ask it more. */
	(void)sigaction(SIGINT, &ignore, NULL);
	(void)sigaction(SIGQUIT, &ignore, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	if (secret >= 0 && dup2(secret, STDIN_FILENO) != STDIN_FILENO)
		_exit(127);
	if (setenv("NOTIFY_SOCKET", notify, 1) == 0)
		execv(program, (char *const *)argv);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

/* Whether the child says READY; what others say is dropped. */
static bool
bank_process_says_ready(const struct bank_process *process)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char text[256] = "";
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(process->notify, &m, MSG_DONTWAIT);
	const struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	struct ucred from;

	if (head == NULL || head->cmsg_level != SOL_SOCKET ||
	    head->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&from, CMSG_DATA(head), sizeof(from));
	text[n] = '\0';
	return from.pid == process->pid && strstr(text, "READY=1") != NULL;
}

/* READY from the child, or its end. */
static enum sr_error
bank_process_wait_ready(struct bank_process *process)
{
	struct pollfd wait = {.fd = process->notify, .events = POLLIN};

	for (int waited = 0; waited < READY_WAIT_MS; waited += LOOK_MS) {
		int status;

		if (poll(&wait, 1, LOOK_MS) > 0 &&
		    bank_process_says_ready(process))
			return SR_OK;
		if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
			process->pid = 0;
			if (WIFEXITED(status))
				process->status = WEXITSTATUS(status);
			close(process->notify);
			return SR_UNREACHABLE;
		}
	}
	fprintf(stderr, "strongroomd did not become ready\n");
	(void)bank_process_stop(process);
	return SR_UNREACHABLE;
}

enum sr_error
bank_process_start_with(struct bank_process *process, const char *configuration,
    const char *option, enum sealed_kind kind, int secret)
{
	const char *argv[8] = {
	    "strongroomd", "-c", configuration, "--no-listen"};
	char program[PATH_MAX], notify[64];
	size_t count = 4;
	enum sr_error error;

	if (secret >= 0) {
		argv[count++] = "--unlock-kind";
		argv[count++] = sealed_kind_name(kind);
	}
	argv[count] = option;
	process->pid = 0;
	process->status = -1;
	error = bank_process_program(program);
	if (error == SR_OK)
		error = bank_process_notify_socket(&process->notify, notify);
	if (error != SR_OK)
		return error;
	process->pid = fork();
	if (process->pid == 0)
		bank_process_exec(program, argv, secret, notify);
	if (process->pid < 0) {
		process->pid = 0;
		close(process->notify);
		return SR_IO;
	}
	return bank_process_wait_ready(process);
}

enum sr_error
bank_process_start(
    struct bank_process *process, const char *configuration, const char *option)
{
	return bank_process_start_with(
	    process, configuration, option, SEALED_PASSPHRASE, -1);
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
