/* SPDX-License-Identifier: ISC */
/* What the walls must stop, one thing a function; see walls_acts.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/walls.h"
#include "tests/lib/walls_acts.h"

int
act_environment(void)
{
	return getenv("WALLS") != NULL ? 0 : ENOENT;
}

int
act_open_null(void)
{
	return open("/dev/null", O_RDONLY) >= 0 ? 0 : errno;
}

int
act_close_stdin(void)
{
	return close(0) == 0 ? 0 : errno;
}

static void *
wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int
act_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, wait_for_ever, NULL);
}

int
act_many_files(void)
{
	int fds[32], error = 0, count = 0;

	while (error == 0 && count < 32) {
		fds[count] = open("/dev/null", O_RDONLY);
		error = fds[count] < 0 ? errno : 0;
		count += error == 0;
	}
	while (count > 0)
		close(fds[--count]);
	return error;
}

int
act_long_file(void)
{
	int fd = memfd_create("long", MFD_CLOEXEC);
	int error = pwrite(fd, "x", 1, 1 << 20) == 1 ? 0 : errno;

	close(fd);
	return error;
}

int
act_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : errno;
}

int
act_core(void)
{
	struct rlimit one = {1, 1};

	return setrlimit(RLIMIT_CORE, &one) == 0 ? 0 : errno;
}

int
act_much_memory(void)
{
	void *memory = mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory != MAP_FAILED && munmap(memory, 1 << 30) == 0 ? 0 : errno;
}

int
act_chroot(void)
{
	return chroot("/") == 0 ? 0 : errno;
}

/* The same by a program that root starts. */
int
act_exec_chroot(void)
{
	char *argv[] = {(char *)walls_program, "chroot", NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execv(walls_program, argv);
		_exit(255);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WEXITSTATUS(status);
}

int
act_bounding_set(void)
{
	return prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1 ? 0 : EPERM;
}

int
act_securebits(void)
{
	return prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) == 0 ? 0 : errno;
}

int
act_open_private(void)
{
	int fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && close(fd) == 0 ? 0 : errno;
}

int
act_become_root(void)
{
	return setresuid(0, 0, 0) == 0 ? 0 : errno;
}

int
act_stay_in_group(void)
{
	gid_t group = 64997;

	(void)setgroups(1, &group);
	return getgroups(0, NULL) > 0 ? 0 : EPERM;
}

int
act_make_executable(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

int
act_map_executable(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
		   ? 0
		   : errno;
}
