/* SPDX-License-Identifier: ISC */
/*
 * How strongroomd starts a room: a clone with a pid namespace (and a user
 * namespace when not root), exactly the given fds, an empty environment.
 * Between clone and exec only system calls are made, and the C library's where
 * one thread is enough.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/sandbox_steps.h"

#define FDS_MAX 64
#define EXEC_FAILED 127

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, len) == (ssize_t)len;
	return close(fd) == 0 && ok;
}

/* The only user in there is the one outside, under the name of root: with it
 * exec keeps the capabilities that building the walls needs. */
static bool
map_user(uid_t uid, gid_t gid)
{
	char uid_line[32], gid_line[32];

	snprintf(uid_line, sizeof(uid_line), "0 %u 1\n", uid);
	snprintf(gid_line, sizeof(gid_line), "0 %u 1\n", gid);
	return write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/gid_map", gid_line) &&
	       write_file("/proc/self/uid_map", uid_line);
}

/*
 * What close_range does, where an older kernel has none (Linux below 5.9) or
 * a container's filter refuses it.  The room looks again for itself.
 */
static bool
close_listed(size_t first)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (directory == NULL)
		return false;
	while ((entry = readdir(directory)) != NULL) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && fd >= (long)first &&
		    fd != dirfd(directory))
			close((int)fd);
	}
	return closedir(directory) == 0;
}

/* Two passes, because a source may have the number of another's place. */
static bool
place_fds(const int *fds, size_t count)
{
	int lifted[FDS_MAX];

	for (size_t i = 0; i < count; i++) {
		lifted[i] =
		    fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, FDS_MAX);
		if (fds[i] >= 0 && lifted[i] < 0)
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (lifted[i] < 0)
			close((int)i);
		else if (dup2(lifted[i], (int)i) < 0)
			return false;
	}
	return syscall(SYS_close_range, (unsigned)count, ~0U, 0) == 0 ||
	       close_listed(count);
}

static _Noreturn void
run_child(const char *program, char *const argv[], const int *fds,
    size_t fd_count, bool new_user, uid_t uid, gid_t gid)
{
	static char *const empty[] = {NULL};
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	sigemptyset(&none);
	for (int n = 1; n < NSIG; n++)
		if (n != SIGKILL && n != SIGSTOP)
			(void)sigaction(n, &standard, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		diag_error("%s: signals: %s", program, strerror(errno));
	else if (new_user && !map_user(uid, gid))
		diag_error(
		    "%s: a user namespace's maps: %s: " SANDBOX_SWITCH_OFF,
		    program, strerror(errno), "strongroom.conf");
	else if (!place_fds(fds, fd_count))
		diag_error("%s: fds: %s", program, strerror(errno));
	else {
		execve(program, argv, empty);
		diag_error("%s: exec: %s", program, strerror(errno));
	}
	_exit(EXEC_FAILED);
}

enum sr_error
sandbox_spawn(const char *program, char *const argv[], const int *fds,
    size_t fd_count, bool namespaces, pid_t *pid)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool new_user = namespaces && uid != 0;
	unsigned long flags = SIGCHLD;
	long child;

	if (fd_count < 3 || fd_count > FDS_MAX)
		return SR_INTERNAL;
	if (namespaces)
		flags |= CLONE_NEWPID;
	if (new_user)
		flags |= CLONE_NEWUSER;
	/* Not fork: it has no flags.  No stack: the child has a copy of ours. */
	child = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (child == 0)
		run_child(program, argv, fds, fd_count, new_user, uid, gid);
	if (child < 0) {
		(void)sandbox_failed("starting a room");
		return sandbox_forbidden(errno) ? SR_PERMISSION : SR_IO;
	}
	*pid = (pid_t)child;
	return SR_OK;
}
