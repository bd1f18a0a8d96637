/* SPDX-License-Identifier: ISC */
/*
 * inject PID CALL ERROR FIRST LAST [PART]: from the FIRST to the LAST (0: every
 * later one) of its calls of that name from now on, the process is told that
 * the call failed, and what it would have written is not.  With PART only
 * calls count that are on a file with that in its path.  Says `attached' on
 * stderr, and `failed PATH' for each; SIGTERM lets the process go.  The calls
 * stay those that the room's filter allows, which an injection by strace(1)
 * would not.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__)

int
main(void)
{
	fprintf(stderr, "not permitted: only x86-64 registers are known\n");
	return 1;
}

#else

struct word {
	const char *name;
	long value;
};

static const struct word calls[] = {{"fdatasync", SYS_fdatasync},
    {"fsync", SYS_fsync}, {"pwrite64", SYS_pwrite64}};
static const struct word errors[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}};

static pid_t traced;

static long
value_of(const struct word *words, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i].name, name) == 0)
			return words[i].value;
	fprintf(stderr, "%s is not known here\n", name);
	exit(64);
}

static volatile sig_atomic_t ending;

/* An interrupted process stops once more, and is let go then. */
static void
take_signal(int signal_number)
{
	(void)signal_number;
	ending = 1;
	(void)ptrace(PTRACE_INTERRUPT, traced, 0, 0);
}

static void
say_and_end(const char *what)
{
	fprintf(stderr, "%s: %s\n", what,
	    errno == EPERM ? "not permitted" : strerror(errno));
	exit(1);
}

/* What is to be done to the calls. */
struct plan {
	long call;
	long error;
	unsigned long first;
	unsigned long last;
	unsigned long seen;
	bool inside; /* a call that fails */
	unsigned long long len;
	const char *part; /* of the file's path */
};

/* The path behind a descriptor of the process. */
static void
path_of(unsigned long long fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/fd/%llu", (int)traced, fd);
	len = readlink(link, path, PATH_MAX - 1);
	path[len > 0 ? len : 0] = '\0';
}

/* At the entry nothing remains to be written, at the end it has failed. */
static void
take_call(struct plan *plan)
{
	struct user_regs_struct registers;
	char path[PATH_MAX];

	if (ptrace(PTRACE_GETREGS, traced, 0, &registers) != 0)
		return;
	if ((long)registers.orig_rax != plan->call)
		return;
	if (plan->inside) {
		registers.rax = (unsigned long long)-plan->error;
		registers.rdx = plan->len;
		plan->inside = false;
	} else if ((long long)registers.rax == -ENOSYS) {
		path_of(registers.rdi, path);
		if (strstr(path, plan->part) == NULL)
			return;
		plan->seen++;
		if (plan->seen < plan->first ||
		    (plan->last > 0 && plan->seen > plan->last))
			return;
		fprintf(stderr, "failed %s\n", path);
		plan->inside = true;
		plan->len = registers.rdx;
		if (plan->call == SYS_pwrite64)
			registers.rdx = 0;
	} else {
		return;
	}
	if (ptrace(PTRACE_SETREGS, traced, 0, &registers) != 0)
		say_and_end("registers");
}

int
main(int argc, char *argv[])
{
	struct sigaction action = {.sa_handler = take_signal};
	struct plan plan = {0};
	int status;

	if (argc != 6 && argc != 7)
		return 64;
	plan.part = argc == 7 ? argv[6] : "";
	traced = (pid_t)atoi(argv[1]);
	plan.call = value_of(calls, sizeof(calls) / sizeof(calls[0]), argv[2]);
	plan.error =
	    value_of(errors, sizeof(errors) / sizeof(errors[0]), argv[3]);
	plan.first = strtoul(argv[4], NULL, 10);
	plan.last = strtoul(argv[5], NULL, 10);
	if (sigaction(SIGTERM, &action, NULL) != 0 ||
	    ptrace(PTRACE_SEIZE, traced, 0, PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, traced, 0, 0) != 0)
		say_and_end("attaching");
	for (bool told = false;;) {
		int deliver = 0;

		if (waitpid(traced, &status, 0) < 0) {
			if (errno == EINTR)
				continue;
			return 0;
		}
		if (!WIFSTOPPED(status))
			return 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			take_call(&plan);
		else if (status >> 16 == 0)
			deliver = WSTOPSIG(status);
		if (ending && !plan.inside) {
			(void)ptrace(PTRACE_DETACH, traced, 0, deliver);
			return 0;
		}
		if (ptrace(PTRACE_SYSCALL, traced, 0, deliver) != 0)
			return 0;
		if (!told)
			fprintf(stderr, "attached\n");
		told = true;
	}
}

#endif
