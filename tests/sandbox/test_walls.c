/* SPDX-License-Identifier: ISC */
/*
 * The walls of the rooms, tried from inside and looked at from outside: this
 * program starts itself as a room with the room's own policy, which shuts
 * itself in and then does what it is told.  As root it runs a second time as
 * an ordinary user.  Without namespaces (probed) those tests are skipped and
 * the others remain.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/room.h"
#include "policy/sandbox_steps.h"
#include "tests/lib/walls.h"

static void
need_namespaces(void)
{
	if (!walls_namespaces()) {
		print_message("skipped: namespaces are forbidden here\n");
		skip();
	}
}

static const enum room_name all_rooms[] = {ROOM_KEYD, ROOM_NETD, ROOM_LEDGERD};

static void
check_status(bool namespaces)
{
	for (size_t i = 0; i < 3; i++) {
		struct walls_room_process room;
		char uids[64];

		walls_start_room(&room, all_rooms[i], namespaces);
		assert_string_equal(walls_status(room.pid, "Seccomp"), "2");
		assert_string_equal(walls_status(room.pid, "NoNewPrivs"), "1");
		assert_string_equal(
		    walls_status(room.pid, "CapEff"), "0000000000000000");
		assert_string_equal(
		    walls_status(room.pid, "CapPrm"), "0000000000000000");
		if (geteuid() == 0 || namespaces)
			assert_string_equal(walls_status(room.pid, "CapBnd"),
			    "0000000000000000");
		snprintf(uids, sizeof(uids), "%u\t%u\t%u\t%u",
		    geteuid() == 0 ? WALLS_UID : geteuid(),
		    geteuid() == 0 ? WALLS_UID : geteuid(),
		    geteuid() == 0 ? WALLS_UID : geteuid(),
		    geteuid() == 0 ? WALLS_UID : geteuid());
		assert_string_equal(walls_status(room.pid, "Uid"), uids);
		assert_true(
		    walls_limit_is_zero(room.pid, "Max core file size"));
		assert_true(walls_limit_is_zero(room.pid, "Max processes"));
		assert_int_equal(walls_end(&room), 0);
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
given_a_room_then_it_has_no_environment_and_no_mount_of_the_outside(
    void **state)
{
	struct walls_room_process room;

	(void)state;
	need_namespaces();
	walls_start_room(&room, ROOM_KEYD, true);
	assert_int_equal(walls_count(room.pid, "mountinfo", true), 1);
	assert_int_equal(walls_count(room.pid, "environ", false), 0);
	assert_int_equal(walls_end(&room), 0);
	walls_start_room(&room, ROOM_LEDGERD, true);
	assert_int_equal(walls_count(room.pid, "mountinfo", true), 3);
	assert_int_equal(walls_end(&room), 0);
}

static void
given_a_room_then_all_its_namespaces_are_its_own(void **state)
{
	static const char *const names[] = {
	    "mnt", "net", "ipc", "uts", "pid", "cgroup"};
	struct walls_room_process room;

	(void)state;
	need_namespaces();
	walls_start_room(&room, ROOM_KEYD, true);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64], ours[64] = "", theirs[64] = "";

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		assert_true(readlink(path, ours, sizeof(ours) - 1) > 0);
		snprintf(
		    path, sizeof(path), "/proc/%d/ns/%s", room.pid, names[i]);
		assert_true(readlink(path, theirs, sizeof(theirs) - 1) > 0);
		assert_string_not_equal(ours, theirs);
	}
	assert_int_equal(walls_end(&room), 0);
}

static void
check_killed(enum room_name name, const char *what, bool namespaces)
{
	struct walls_room_process room;
	int status;

	walls_start_room(&room, name, namespaces);
	assert_false(walls_order(&room, what, '1'));
	status = walls_end(&room);
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
			    all_rooms[i], forbidden[j], walls_namespaces());
	check_killed(ROOM_KEYD, "socket", false);
	check_killed(ROOM_LEDGERD, "exec", false);
#if !SANDBOX_IS_INSTRUMENTED
	check_killed(ROOM_KEYD, "open", walls_namespaces());
	check_killed(ROOM_NETD, "open", walls_namespaces());
	check_killed(ROOM_KEYD, "read lock", walls_namespaces());
	check_killed(ROOM_KEYD, "memory", walls_namespaces());
	check_killed(ROOM_NETD, "memory", walls_namespaces());
#endif
	check_killed(ROOM_NETD, "send to address", walls_namespaces());
	check_killed(ROOM_LEDGERD, "make directory", walls_namespaces());
}

static void
given_a_room_when_an_assertion_fails_then_it_dies(void **state)
{
	struct walls_room_process room;

	(void)state;
	walls_start_room(&room, ROOM_KEYD, walls_namespaces());
	assert_false(walls_order(&room, "abort", '1'));
	assert_true(WIFSIGNALED(walls_end(&room)));
}

static void
given_a_room_then_the_clock_and_its_own_files_work(void **state)
{
	struct walls_room_process room;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		walls_start_room(&room, all_rooms[i], walls_namespaces());
		assert_true(walls_order(&room, "clock", '1'));
		if (all_rooms[i] == ROOM_LEDGERD) {
			assert_true(walls_order(&room, "memory", '1'));
			assert_true(walls_order(&room, "make file", '1'));
		}
		if (all_rooms[i] == ROOM_KEYD)
			assert_true(walls_order(&room, "write limits", '1'));
		assert_int_equal(walls_end(&room), 0);
	}
}

static void
given_ledgerd_then_it_cannot_climb_out_of_its_directories(void **state)
{
	struct walls_room_process room;

	(void)state;
	walls_start_room(&room, ROOM_LEDGERD, false);
	if (strcmp(walls_status(room.pid, "Seccomp"), "2") != 0)
		fail();
	assert_true(walls_order(&room, "climb", '0'));
	assert_int_equal(walls_end(&room), 0);
	need_namespaces();
	walls_start_room(&room, ROOM_LEDGERD, true);
	assert_true(walls_order(&room, "climb", '0'));
	assert_int_equal(walls_end(&room), 0);
}

/* Without Landlock, which would refuse these, the root itself is looked at. */
static void
given_ledgerd_then_its_root_holds_two_directories_only(void **state)
{
	struct walls_room_process room;
	char path[64], command[128];

	(void)state;
	need_namespaces();
	walls_start_room(&room, ROOM_LEDGERD, true);
	snprintf(path, sizeof(path), "/proc/%d/root", room.pid);
	snprintf(command, sizeof(command),
	    "test \"$(ls -A %s | tr '\\n' ' ')\" = 'audit ledger '", path);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "! touch %s/new 2>/dev/null", path);
	assert_int_equal(system(command), 0);
	/* Its fds are the directories as they are inside. */
	snprintf(
	    path, sizeof(path), "/proc/%d/fd/%d", room.pid, FD_LEDGERD_AUDIT);
	memset(command, 0, sizeof(command));
	assert_true(readlink(path, command, sizeof(command) - 1) > 0);
	assert_string_equal(command, "/audit");
	assert_int_equal(walls_end(&room), 0);
	walls_start_room(&room, ROOM_KEYD, true);
	snprintf(command, sizeof(command), "test -z \"$(ls -A /proc/%d/root)\"",
	    room.pid);
	assert_int_equal(system(command), 0);
	assert_int_equal(walls_end(&room), 0);
}

static void
given_an_fd_too_many_then_the_room_does_not_start(void **state)
{
	struct walls_room_process room;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int extra = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(extra >= 0);
		walls_start(&room, all_rooms[i], false, extra);
		assert_false(room.shut_in);
		assert_int_equal(WEXITSTATUS(walls_end(&room)), 1);
	}
}

static void
given_namespaces_wanted_when_it_has_none_then_it_does_not_start(void **state)
{
	char *argv[] = {(char *)walls_program, "0", "--namespaces", "1",
	    "--uid", "64999", "--gid", "64999", NULL};
	struct walls_room_process room = {0};
	int fds[WALLS_FDS_MAX], pair[2];
	size_t count;

	(void)state;
	walls_place(&room);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	count = walls_fds(ROOM_KEYD, &room, pair[1], fds);
	/* A spawn without them, an option that wants them. */
	assert_int_equal(
	    sandbox_spawn(walls_program, argv, fds, count, false, &room.pid),
	    SR_OK);
	close(pair[1]);
	room.control = pair[0];
	assert_false(walls_answers(room.control, '+'));
	assert_int_equal(WEXITSTATUS(walls_end(&room)), ROOM_EXIT_WALL);
}

static void
given_root_without_another_user_then_it_does_not_start(void **state)
{
	char *argv[] = {(char *)walls_program, "0", "--namespaces", "0", NULL};
	struct walls_room_process room = {0};
	int fds[WALLS_FDS_MAX], pair[2];
	size_t count;

	(void)state;
	walls_place(&room);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	count = walls_fds(ROOM_KEYD, &room, pair[1], fds);
	assert_int_equal(
	    sandbox_spawn(walls_program, argv, fds, count, false, &room.pid),
	    SR_OK);
	close(pair[1]);
	room.control = pair[0];
	assert_false(walls_answers(room.control, '+'));
	assert_int_equal(WEXITSTATUS(walls_end(&room)), ROOM_EXIT_WALL);
}

static void
given_sigterm_then_the_room_goes_on(void **state)
{
	struct walls_room_process room;

	(void)state;
	/* Process 1 of a namespace would go on anyway. */
	walls_start_room(&room, ROOM_KEYD, false);
	assert_int_equal(kill(room.pid, SIGTERM), 0);
	assert_true(walls_order(&room, "clock", '1'));
	assert_int_equal(walls_end(&room), 0);
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
		given_a_room_then_the_clock_and_its_own_files_work),
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
		given_a_room_then_it_has_no_environment_and_no_mount_of_the_outside),
	    cmocka_unit_test(
		given_ledgerd_then_its_root_holds_two_directories_only),
	    cmocka_unit_test(
		given_root_without_another_user_then_it_does_not_start),
	};
	static char path[512];
	int failed;

	if (argc > 1)
		return walls_room(argc, argv);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		return 1;
	walls_program = path;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (geteuid() == 0) {
		failed += cmocka_run_group_tests(root_tests, NULL, NULL);
		failed += walls_run_as_ordinary_user();
	}
	return failed != 0;
}
