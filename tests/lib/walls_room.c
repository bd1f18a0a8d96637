/* SPDX-License-Identifier: ISC */
/*
 * The room of test_walls.c: shuts itself in with the policy of keyd, netd,
 * ledgerd or strongroom-unlock, and then tries what it is told.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gen/keyd_policy.h"
#include "gen/ledgerd_policy.h"
#include "gen/netd_policy.h"
#include "gen/unlock_policy.h"
#include "tests/lib/walls.h"

static int
act_open(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static int
act_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static int
act_fork(void)
{
	return fork() >= 0;
}

static int
act_exec(void)
{
	char *const argv[] = {"true", NULL};

	return execve("/bin/true", argv, argv + 1) == 0;
}

static int
act_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static int
act_make_executable(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static int
act_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, 0, 0) == 0;
}

static int
act_kill_parent(void)
{
	return kill(getppid(), SIGKILL) == 0;
}

static int
act_receive_fd(void)
{
	struct msghdr message = {0};

	return recvmsg(FD_CONTROL, &message, 0) >= 0;
}

static int
act_read_lock(void)
{
	char byte;

	return read(FD_KEYD_LOCK, &byte, 1) >= 0;
}

static int
act_send_to_address(void)
{
	struct sockaddr address = {.sa_family = AF_UNIX};

	return sendto(FD_NETD_LISTEN, "x", 1, MSG_NOSIGNAL, &address,
		   sizeof(address)) >= 0;
}

static int
act_abort(void)
{
	abort();
}

static int
act_make_directory(void)
{
	return mkdirat(FD_LEDGERD_AUDIT, "directory", 0700) == 0;
}

/* What the policies allow. */
static int
act_memory(void)
{
	void *volatile memory = malloc(1 << 20);

	free(memory);
	return memory != NULL;
}

static int
act_clock(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_BOOTTIME, &now) == 0;
}

static int
act_make_file(void)
{
	int fd = openat(FD_LEDGERD_LEDGER, "made",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && fdatasync(fd) == 0 &&
		  close(fd) == 0;

	return ok && renameat(FD_LEDGERD_LEDGER, "made", FD_LEDGERD_LEDGER,
			 "kept") == 0;
}

/* 1 when the file beside the bank's directories can be opened. */
static int
act_climb(void)
{
	return openat(FD_LEDGERD_LEDGER, "../outside", O_RDONLY) >= 0 ||
	       openat(FD_LEDGERD_AUDIT, "../../../../../../etc/passwd",
		   O_RDONLY) >= 0 ||
	       openat(FD_LEDGERD_LEDGER, "/etc/passwd", O_RDONLY) >= 0;
}

static int
act_write_limits(void)
{
	return pwrite(FD_KEYD_LIMITS, "x", 1, 0) == 1 &&
	       fdatasync(FD_KEYD_LIMITS) == 0;
}

static const struct {
	const char *name;
	int (*act)(void);
} acts[] = {
    {"open", act_open},
    {"socket", act_socket},
    {"fork", act_fork},
    {"exec", act_exec},
    {"executable memory", act_executable_memory},
    {"make executable", act_make_executable},
    {"ptrace", act_ptrace},
    {"kill parent", act_kill_parent},
    {"receive fd", act_receive_fd},
    {"read lock", act_read_lock},
    {"send to address", act_send_to_address},
    {"make directory", act_make_directory},
    {"abort", act_abort},
    {"memory", act_memory},
    {"clock", act_clock},
    {"make file", act_make_file},
    {"climb", act_climb},
    {"write limits", act_write_limits},
};

/* netd has recv and send only, the others read and write. */
static bool
tell(enum room_name name, char byte)
{
	ssize_t n = name == ROOM_NETD ? send(FD_CONTROL, &byte, 1, MSG_NOSIGNAL)
				      : write(FD_CONTROL, &byte, 1);

	return n == 1;
}

static ssize_t
hear(enum room_name name, char *order, size_t len)
{
	return name == ROOM_NETD ? recv(FD_CONTROL, order, len, 0)
				 : read(FD_CONTROL, order, len);
}

int
walls_room(int argc, char *argv[])
{
	static const struct {
		const struct sock_filter *filter;
		size_t len;
	} filters[] = {
	    [ROOM_KEYD] = {keyd_policy, KEYD_POLICY_LEN},
	    [ROOM_NETD] = {netd_policy, NETD_POLICY_LEN},
	    [ROOM_LEDGERD] = {ledgerd_policy, LEDGERD_POLICY_LEN},
	    [ROOM_UNLOCK] = {unlock_policy, UNLOCK_POLICY_LEN},
	};
	enum room_name name = (enum room_name)(argv[1][0] - '0');
	struct room room;
	char order[64];
	ssize_t len;

	room_start(&room, name, argc - 1, argv + 1, NULL, 0);
	if (name == ROOM_KEYD)
		close(FD_KEYD_UNLOCK);
	room_enter(&room, filters[name].filter, filters[name].len);
	if (!tell(name, '+'))
		return 2;
	while ((len = hear(name, order, sizeof(order) - 1)) > 0) {
		order[len] = '\0';
		for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
			if (strcmp(order, acts[i].name) == 0 &&
			    !tell(name, acts[i].act() ? '1' : '0'))
				return 2;
	}
	return 0;
}
