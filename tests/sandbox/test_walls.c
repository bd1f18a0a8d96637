/* SPDX-License-Identifier: ISC */
/*
 * The walls of the rooms, tried from inside and looked at from outside: this
 * program starts itself as a room with the room's own policy, which shuts
 * itself in and then does what it is told.  As root it runs a second time as
 * an ordinary user.  Without namespaces (probed) those tests are skipped and
 * the others remain.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gen/keyd_policy.h"
#include "gen/ledgerd_policy.h"
#include "gen/netd_policy.h"
#include "gen/unlock_policy.h"
#include "policy/room.h"

#define ORDINARY_UID 65534
#define ROOM_UID 64999
#define FDS_MAX 16

/* ---- Inside ---------------------------------------------------------- */

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

/* What the policies allow. */
static int
act_memory(void)
{
	void *memory = malloc(1 << 20);
	struct timespec now;
	bool ok = memory != NULL && clock_gettime(CLOCK_BOOTTIME, &now) == 0;

	free(memory);
	return ok && getpid() > 0;
}

static int
act_make_file(void)
{
	int fd = openat(FD_LEDGERD_LEDGER, "made",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && fdatasync(fd) == 0 &&
		  close(fd) == 0;

	return ok &&
	       renameat(FD_LEDGERD_LEDGER, "made", FD_LEDGERD_LEDGER, "kept") ==
		   0 &&
	       mkdirat(FD_LEDGERD_AUDIT, "directory", 0700) == 0;
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
    {"abort", act_abort},
    {"memory", act_memory},
    {"make file", act_make_file},
    {"climb", act_climb},
    {"write limits", act_write_limits},
};

/* The room: '+' when it is shut in, then '0' or '1' for each order. */
static int
room_main(int argc, char *argv[])
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
	if (write(FD_CONTROL, "+", 1) != 1)
		return 2;
	while ((len = read(FD_CONTROL, order, sizeof(order) - 1)) > 0) {
		order[len] = '\0';
		for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
			if (strcmp(order, acts[i].name) == 0 &&
			    write(FD_CONTROL, acts[i].act() ? "1" : "0", 1) !=
				1)
				return 2;
	}
	return 0;
}

/* ---- Outside --------------------------------------------------------- */

struct started {
	pid_t pid;
	int control;
	char directory[256];
	bool shut_in;
};

static const char *self_path;

static void
make_place(struct started *room)
{
	const char *parent = getenv("TMPDIR");

	/* The ordinary user of the second run has no right in ours. */
	if (parent == NULL || access(parent, W_OK) != 0)
		parent = "/tmp";
	snprintf(room->directory, sizeof(room->directory), "%s/walls.XXXXXX",
	    parent);
	assert_non_null(mkdtemp(room->directory));
}

static int
make_file(const char *directory, const char *name)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static int
make_directory(const char *directory, const char *name)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(mkdir(path, 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, ROOM_UID, ROOM_UID), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
remove_file(const struct started *room, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", room->directory, name);
	remove(path);
}

static void
finish(struct started *room)
{
	static const char *const names[] = {"ledger/kept", "ledger/made",
	    "ledger", "audit/directory", "audit", "outside", ""};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_file(room, names[i]);
	close(room->control);
}

/* Ends the room and gives its exit status. */
static int
wait_for(struct started *room)
{
	int status = 0;

	shutdown(room->control, SHUT_WR);
	assert_int_equal(waitpid(room->pid, &status, 0), room->pid);
	finish(room);
	return status;
}

/* True when the room answers with that byte; false when it has ended. */
static bool
answers(int control, char expected)
{
	char answer = 0;

	return read(control, &answer, 1) == 1 && answer == expected;
}

static size_t
fill_fds(enum room_name name, struct started *room, int control, int *fds)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t count = 0;

	assert_true(null >= 0);
	fds[count++] = null;
	fds[count++] = null;
	fds[count++] = 2;
	fds[count++] = control;
	close(make_file(room->directory, "outside"));
	switch (name) {
	case ROOM_LEDGERD:
		fds[count++] = null;
		fds[count++] = null;
		fds[count++] = make_directory(room->directory, "ledger");
		fds[count++] = make_directory(room->directory, "audit");
		fds[count++] = null;
		break;
	case ROOM_KEYD:
		while (count <= FD_KEYD_LOCK)
			fds[count++] = null;
		fds[FD_KEYD_LIMITS] = make_file(room->directory, "outside");
		break;
	case ROOM_NETD:
		while (count <= FD_NETD_LISTEN)
			fds[count++] = null;
		break;
	case ROOM_UNLOCK:
		while (count <= FD_UNLOCK_LOCK)
			fds[count++] = null;
		fds[FD_UNLOCK_PASSPHRASE] = control;
		break;
	}
	return count;
}

static void
start(struct started *room, enum room_name name, bool namespaces, int extra_fd)
{
	char number[] = {(char)('0' + name), '\0'}, uid[16];
	char *argv[14] = {
	    (char *)self_path, number, "--namespaces", namespaces ? "1" : "0"};
	int pair[2], fds[FDS_MAX], n = 4;
	size_t count;

	make_place(room);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	count = fill_fds(name, room, pair[1], fds);
	if (extra_fd >= 0)
		fds[count++] = extra_fd;
	snprintf(uid, sizeof(uid), "%d", ROOM_UID);
	if (geteuid() == 0) {
		argv[n++] = "--uid";
		argv[n++] = uid;
		argv[n++] = "--gid";
		argv[n++] = uid;
	}
	if (name == ROOM_NETD) {
		argv[n++] = "--listeners";
		argv[n++] = "1";
	}
	assert_int_equal(
	    sandbox_spawn(self_path, argv, fds, count, namespaces, &room->pid),
	    SR_OK);
	for (size_t i = 0; i < count; i++)
		if (fds[i] > 2)
			close(fds[i]);
	room->control = pair[0];
	room->shut_in = answers(room->control, '+');
}

/* A room that is shut in, or the test fails. */
static void
start_room(struct started *room, enum room_name name, bool namespaces)
{
	start(room, name, namespaces, -1);
	assert_true(room->shut_in);
}

static bool
order(struct started *room, const char *what, char expected)
{
	assert_int_equal(
	    write(room->control, what, strlen(what)), (ssize_t)strlen(what));
	return answers(room->control, expected);
}

/* The rest of the line that begins with name in /proc/PID/status. */
static const char *
status_line(pid_t pid, const char *name)
{
	static char line[256];
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) != 0 ||
		    line[strlen(name)] != ':')
			continue;
		fclose(file);
		line[strcspn(line, "\n")] = '\0';
		return line + strlen(name) + 2;
	}
	fclose(file);
	fail_msg("/proc/PID/status has no %s", name);
	return "";
}

static bool
namespaces_available(void)
{
	static int known = -1;
	struct started room;

	if (known < 0) {
		char *const argv[] = {"true", NULL};
		const int fds[] = {0, 1, 2};
		int status = 0;

		known = sandbox_spawn("/bin/true", argv, fds, 3, true,
			    &room.pid) == SR_OK &&
			waitpid(room.pid, &status, 0) == room.pid &&
			status == 0;
	}
	return known == 1;
}

static void
need_namespaces(void)
{
	if (!namespaces_available()) {
		print_message("skipped: namespaces are forbidden here\n");
		skip();
	}
}

static const enum room_name all_rooms[] = {ROOM_KEYD, ROOM_NETD, ROOM_LEDGERD};

static void
check_status(bool namespaces)
{
	for (size_t i = 0; i < 3; i++) {
		struct started room;
		char uids[64];

		start_room(&room, all_rooms[i], namespaces);
		assert_string_equal(status_line(room.pid, "Seccomp"), "2");
		assert_string_equal(status_line(room.pid, "NoNewPrivs"), "1");
		assert_string_equal(
		    status_line(room.pid, "CapEff"), "0000000000000000");
		assert_string_equal(
		    status_line(room.pid, "CapPrm"), "0000000000000000");
		if (geteuid() == 0 || namespaces)
			assert_string_equal(status_line(room.pid, "CapBnd"),
			    "0000000000000000");
		snprintf(uids, sizeof(uids), "%u\t%u\t%u\t%u",
		    geteuid() == 0 ? ROOM_UID : geteuid(),
		    geteuid() == 0 ? ROOM_UID : geteuid(),
		    geteuid() == 0 ? ROOM_UID : geteuid(),
		    geteuid() == 0 ? ROOM_UID : geteuid());
		assert_string_equal(status_line(room.pid, "Uid"), uids);
		assert_int_equal(wait_for(&room), 0);
	}
}

static void
given_a_room_then_the_kernel_shows_its_walls(void **state)
{
	(void)state;
	need_namespaces();
	check_status(true);
}

static void
given_no_namespaces_then_the_other_walls_stand(void **state)
{
	(void)state;
	check_status(false);
}

static void
given_a_room_then_all_its_namespaces_are_its_own(void **state)
{
	static const char *const names[] = {
	    "mnt", "net", "ipc", "uts", "pid", "cgroup"};
	struct started room;

	(void)state;
	need_namespaces();
	start_room(&room, ROOM_KEYD, true);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64], ours[64] = "", theirs[64] = "";

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		assert_true(readlink(path, ours, sizeof(ours) - 1) > 0);
		snprintf(
		    path, sizeof(path), "/proc/%d/ns/%s", room.pid, names[i]);
		assert_true(readlink(path, theirs, sizeof(theirs) - 1) > 0);
		assert_string_not_equal(ours, theirs);
	}
	assert_int_equal(wait_for(&room), 0);
}

static void
check_killed(enum room_name name, const char *what, bool namespaces)
{
	struct started room;
	int status;

	start_room(&room, name, namespaces);
	assert_false(order(&room, what, '1'));
	status = wait_for(&room);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("room %d, \"%s\": status %x", (int)name, what,
		    (unsigned)status);
}

static void
given_a_forbidden_call_then_the_room_is_killed(void **state)
{
	static const char *const forbidden[] = {
		"socket",
		"fork",
		"exec",
		"ptrace",
		"kill parent",
		"receive fd",
#if !SANDBOX_IS_INSTRUMENTED
		"executable memory",
		"make executable",
#endif
	};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < sizeof(forbidden) / sizeof(forbidden[0]);
		     j++)
			check_killed(
			    all_rooms[i], forbidden[j], namespaces_available());
	check_killed(ROOM_KEYD, "socket", false);
	check_killed(ROOM_LEDGERD, "exec", false);
#if !SANDBOX_IS_INSTRUMENTED
	check_killed(ROOM_KEYD, "open", namespaces_available());
	check_killed(ROOM_NETD, "open", namespaces_available());
	check_killed(ROOM_KEYD, "read lock", namespaces_available());
#endif
	check_killed(ROOM_NETD, "send to address", namespaces_available());
}

static void
given_a_room_when_an_assertion_fails_then_it_dies(void **state)
{
	struct started room;

	(void)state;
	start_room(&room, ROOM_KEYD, namespaces_available());
	assert_false(order(&room, "abort", '1'));
	assert_true(WIFSIGNALED(wait_for(&room)));
}

static void
given_a_room_then_memory_clock_and_its_own_files_work(void **state)
{
	struct started room;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start_room(&room, all_rooms[i], namespaces_available());
		assert_true(order(&room, "memory", '1'));
		if (all_rooms[i] == ROOM_LEDGERD)
			assert_true(order(&room, "make file", '1'));
		if (all_rooms[i] == ROOM_KEYD)
			assert_true(order(&room, "write limits", '1'));
		assert_int_equal(wait_for(&room), 0);
	}
}

static void
given_ledgerd_then_it_cannot_climb_out_of_its_directories(void **state)
{
	struct started room;

	(void)state;
	start_room(&room, ROOM_LEDGERD, false);
	if (strcmp(status_line(room.pid, "Seccomp"), "2") != 0)
		fail();
	assert_true(order(&room, "climb", '0'));
	assert_int_equal(wait_for(&room), 0);
	need_namespaces();
	start_room(&room, ROOM_LEDGERD, true);
	assert_true(order(&room, "climb", '0'));
	assert_int_equal(wait_for(&room), 0);
}

/* Without Landlock, which would refuse these, the root itself is looked at. */
static void
given_ledgerd_then_its_root_holds_two_directories_only(void **state)
{
	struct started room;
	char path[64], command[128];

	(void)state;
	need_namespaces();
	start_room(&room, ROOM_LEDGERD, true);
	snprintf(path, sizeof(path), "/proc/%d/root", room.pid);
	snprintf(command, sizeof(command),
	    "test \"$(ls -A %s | tr '\\n' ' ')\" = 'audit ledger '", path);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "! touch %s/new 2>/dev/null", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(wait_for(&room), 0);
	start_room(&room, ROOM_KEYD, true);
	snprintf(command, sizeof(command), "test -z \"$(ls -A /proc/%d/root)\"",
	    room.pid);
	assert_int_equal(system(command), 0);
	assert_int_equal(wait_for(&room), 0);
}

static void
given_an_fd_too_many_then_the_room_does_not_start(void **state)
{
	struct started room;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int extra = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(extra >= 0);
		start(&room, all_rooms[i], false, extra);
		assert_false(room.shut_in);
		assert_int_equal(WEXITSTATUS(wait_for(&room)), 1);
	}
}

static void
given_namespaces_wanted_when_it_has_none_then_it_does_not_start(void **state)
{
	char *argv[] = {(char *)self_path, "0", "--namespaces", "1", "--uid",
	    "64999", "--gid", "64999", NULL};
	struct started room = {0};
	int fds[FDS_MAX], pair[2];
	size_t count;

	(void)state;
	make_place(&room);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	count = fill_fds(ROOM_KEYD, &room, pair[1], fds);
	/* A spawn without them, an option that wants them. */
	assert_int_equal(
	    sandbox_spawn(self_path, argv, fds, count, false, &room.pid),
	    SR_OK);
	close(pair[1]);
	room.control = pair[0];
	assert_false(answers(room.control, '+'));
	assert_int_equal(WEXITSTATUS(wait_for(&room)), 1);
}

static void
given_root_without_another_user_then_it_does_not_start(void **state)
{
	char *argv[] = {(char *)self_path, "0", "--namespaces", "0", NULL};
	struct started room = {0};
	int fds[FDS_MAX], pair[2];
	size_t count;

	(void)state;
	make_place(&room);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	count = fill_fds(ROOM_KEYD, &room, pair[1], fds);
	assert_int_equal(
	    sandbox_spawn(self_path, argv, fds, count, false, &room.pid),
	    SR_OK);
	close(pair[1]);
	room.control = pair[0];
	assert_false(answers(room.control, '+'));
	assert_int_equal(WEXITSTATUS(wait_for(&room)), 1);
}

static void
given_sigterm_then_the_room_goes_on(void **state)
{
	struct started room;

	(void)state;
	start_room(&room, ROOM_KEYD, namespaces_available());
	assert_int_equal(kill(room.pid, SIGTERM), 0);
	assert_true(order(&room, "memory", '1'));
	assert_int_equal(wait_for(&room), 0);
}

/* As root: the same once more for an ordinary user. */
static int
run_as_ordinary_user(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* Later names are told apart by this line. */
		printf("as an ordinary user\n");
		fflush(stdout);
		if (setgid(ORDINARY_UID) != 0 || setuid(ORDINARY_UID) != 0)
			_exit(1);
		execl("/proc/self/exe", self_path, (char *)NULL);
		_exit(126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (WEXITSTATUS(status) == 126) {
		printf(
		    "skipped: an ordinary user cannot reach %s\n", self_path);
		return 0;
	}
	return status != 0;
}

int
main(int argc, char *argv[])
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(given_a_room_then_the_kernel_shows_its_walls),
	    cmocka_unit_test(given_no_namespaces_then_the_other_walls_stand),
	    cmocka_unit_test(given_a_forbidden_call_then_the_room_is_killed),
	    cmocka_unit_test(given_a_room_when_an_assertion_fails_then_it_dies),
	    cmocka_unit_test(
		given_a_room_then_memory_clock_and_its_own_files_work),
	    cmocka_unit_test(
		given_ledgerd_then_it_cannot_climb_out_of_its_directories),
	    cmocka_unit_test(given_an_fd_too_many_then_the_room_does_not_start),
	    cmocka_unit_test(
		given_namespaces_wanted_when_it_has_none_then_it_does_not_start),
	    cmocka_unit_test(given_sigterm_then_the_room_goes_on),
	};
	/* Nobody else may look into an undumpable process. */
	static const struct CMUnitTest root_tests[] = {
	    cmocka_unit_test(given_a_room_then_all_its_namespaces_are_its_own),
	    cmocka_unit_test(
		given_ledgerd_then_its_root_holds_two_directories_only),
	    cmocka_unit_test(
		given_root_without_another_user_then_it_does_not_start),
	};
	static char path[512];
	int failed;

	if (argc > 1)
		return room_main(argc, argv);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		return 1;
	self_path = path;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (geteuid() == 0) {
		failed += cmocka_run_group_tests(root_tests, NULL, NULL);
		failed += run_as_ordinary_user();
	}
	return failed != 0;
}
