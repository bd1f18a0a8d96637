/* SPDX-License-Identifier: ISC */
/* Things of the outside, and who tries them; see walls_outside.h. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/sandbox_steps.h"
#include "tests/lib/walls.h"
#include "tests/lib/walls_outside.h"

#define FD_SEEN 3

static int listening = -1, abstract = -1, memory = -1;
static int port;
static pid_t offering;

const struct outside_act outside_acts[OUTSIDE_ACTS] = {
    {"a file", outside_open, ENOENT},
    {"a port", outside_connect, ENETUNREACH},
    {"an abstract socket", outside_connect_abstract, ECONNREFUSED},
    {"shared memory", outside_shared_memory, ENOENT},
    {"a process", outside_signal, ESRCH},
};

static struct sockaddr_in
local_port(int number)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)number);
	return address;
}

static socklen_t
abstract_name(struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
	    "walls-%d", (int)offering);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   strlen(address->sun_path + 1));
}

static key_t
memory_key(void)
{
	return (key_t)(0x57000000 | offering);
}

static int
reach(int family, const void *address, socklen_t len,
    int (*how)(int, const struct sockaddr *, socklen_t))
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = fd >= 0 && how(fd, address, len) == 0 ? 0 : errno;

	if (fd >= 0)
		close(fd);
	return error;
}

int
outside_open(void)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && close(fd) == 0 ? 0 : errno;
}

int
outside_bind(void)
{
	struct sockaddr_in address = local_port(0);

	return reach(AF_INET, &address, sizeof(address), bind);
}

int
outside_connect(void)
{
	struct sockaddr_in address = local_port(port);

	return reach(AF_INET, &address, sizeof(address), connect);
}

int
outside_connect_abstract(void)
{
	struct sockaddr_un address;
	socklen_t len = abstract_name(&address);

	return reach(AF_UNIX, &address, len, connect);
}

int
outside_shared_memory(void)
{
	return shmget(memory_key(), 0, 0) >= 0 ? 0 : errno;
}

int
outside_signal(void)
{
	return kill(offering, 0) == 0 ? 0 : errno;
}

/* A test that fails in between has left it all. */
static void
take_back(void)
{
	if (memory >= 0 && offering == getpid())
		(void)shmctl(memory, IPC_RMID, NULL);
}

void
outside_begin(void)
{
	static bool registered;
	struct sockaddr_in address = local_port(0);
	struct sockaddr_un name;
	socklen_t len = sizeof(address);

	if (memory >= 0)
		outside_end();
	if (!registered)
		registered = atexit(take_back) == 0;
	offering = getpid();
	listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listening, (void *)&address, len), 0);
	assert_int_equal(listen(listening, 16), 0);
	assert_int_equal(getsockname(listening, (void *)&address, &len), 0);
	port = ntohs(address.sin_port);
	abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	len = abstract_name(&name);
	assert_int_equal(bind(abstract, (void *)&name, len), 0);
	assert_int_equal(listen(abstract, 16), 0);
	memory = shmget(memory_key(), 4096, IPC_CREAT | IPC_EXCL | 0600);
	assert_true(memory >= 0);
}

void
outside_end(void)
{
	assert_int_equal(shmctl(memory, IPC_RMID, NULL), 0);
	memory = -1;
	assert_int_equal(close(listening) | close(abstract), 0);
}

void
outside_look(struct outside_seen *seen, bool namespaces)
{
	char numbers[2][16], before[256] = "", after[256] = "";
	char *argv[] = {(char *)walls_program, "outside", numbers[0],
	    numbers[1], namespaces ? "1" : "0", NULL};
	int answer[2], fds[4] = {0, 1, 2, -1}, status = 0;
	ssize_t got;
	pid_t pid;

	outside_begin();
	snprintf(numbers[0], sizeof(numbers[0]), "%d", port);
	snprintf(numbers[1], sizeof(numbers[1]), "%d", (int)offering);
	assert_int_equal(gethostname(before, sizeof(before) - 1), 0);
	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	fds[FD_SEEN] = answer[1];
	assert_int_equal(
	    sandbox_spawn(walls_program, argv, fds, 4, namespaces, &pid),
	    SR_OK);
	close(answer[1]);
	got = read(answer[0], seen, sizeof(*seen));
	close(answer[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	outside_end();
	assert_int_equal(got, sizeof(*seen));
	assert_int_equal(gethostname(after, sizeof(after) - 1), 0);
	seen->host_is_ours = seen->host_is_ours && strcmp(before, after) == 0;
}

int
outside_room(int argc, char *argv[])
{
	struct sandbox_plan plan = {.room = "outside",
	    .uid = SANDBOX_STAY,
	    .gid = SANDBOX_STAY,
	    .namespaces = true};
	struct sandbox_report report = {0};
	struct outside_seen seen = {0};
	static const char renamed[] = "walls";

	if (argc != 5)
		return 2;
	port = (int)strtol(argv[2], NULL, 10);
	offering = (pid_t)strtol(argv[3], NULL, 10);
	for (size_t i = 0; i < OUTSIDE_ACTS; i++)
		seen.before[i] = outside_acts[i].act();
	if (argv[4][0] == '1') {
		seen.entered = sandbox_isolate(&plan, &report);
		for (size_t i = 0; seen.entered && i < OUTSIDE_ACTS; i++)
			seen.after[i] = outside_acts[i].act();
		seen.write_root = mkdir("/new", 0700) == 0 ? 0 : errno;
		/* Only once it is not the whole machine's. */
		seen.host_is_ours =
		    seen.entered && sethostname(renamed, 5) == 0;
	}
	return write(FD_SEEN, &seen, sizeof(seen)) == sizeof(seen) ? 0 : 2;
}
