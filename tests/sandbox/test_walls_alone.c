/* SPDX-License-Identifier: ISC */
/*
 * Each wall alone: a thing that can be done without it cannot be done with it
 * and nothing else, so that no wall stands only because of another.  A child
 * does the thing, applies one step of sandbox_enter(), and does it again; the
 * error must be the one that this very wall gives.  The order is sandbox.h's.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gen/keyd_policy.h"
#include "tests/lib/walls.h"
#include "tests/lib/walls_acts.h"
#include "tests/lib/walls_alone.h"
#include "tests/lib/walls_outside.h"

static const struct sandbox_plan nothing = {
    .room = "alone", .uid = SANDBOX_STAY, .gid = SANDBOX_STAY};

static void
need_kernel(bool stopped, const char *what)
{
	if (!stopped) {
		print_message("skipped: this kernel lacks %s\n", what);
		skip();
	}
}

/* ---- 4, 5: how a room starts ---- */

static struct sandbox_plan
start_plan(void)
{
	struct sandbox_plan plan = nothing;

	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			plan.fds |= UINT64_C(1) << fd;
	if (geteuid() == 0)
		plan.uid = plan.gid = ALONE_UID;
	return plan;
}

static void
given_the_start_alone_then_only_what_is_planned_passes(void **state)
{
	struct sandbox_plan plan = start_plan();

	(void)state;
	alone_stops(ALONE_AS_STARTED, sandbox_check_start, &plan,
	    act_environment, ENOENT);
	assert_true(alone_succeeds(NULL, sandbox_check_start, &plan));
	assert_false(alone_succeeds(act_open_null, sandbox_check_start, &plan));
	assert_false(
	    alone_succeeds(act_close_stdin, sandbox_check_start, &plan));
	assert_false(alone_succeeds(act_thread, sandbox_check_start, &plan));
}

static void
given_the_start_alone_when_root_would_stay_then_it_is_refused(void **state)
{
	struct sandbox_plan plan = start_plan();

	(void)state;
	plan.uid = plan.gid = SANDBOX_STAY;
	assert_false(alone_succeeds(NULL, sandbox_check_start, &plan));
	plan.uid = plan.gid = 0;
	assert_false(alone_succeeds(NULL, sandbox_check_start, &plan));
}

/* ---- 6, 7: namespaces and root ---- */

static void
given_namespaces_alone_then_nothing_of_the_outside_is_reached(void **state)
{
	struct outside_seen seen;

	(void)state;
	if (!walls_namespaces()) {
		print_message("skipped: namespaces are forbidden here\n");
		skip();
	}
	outside_look(&seen, false);
	for (size_t i = 0; i < OUTSIDE_ACTS; i++)
		if (seen.before[i] != 0)
			fail_msg("%s before: %s", outside_acts[i].name,
			    strerror(seen.before[i]));
	outside_look(&seen, true);
	assert_true(seen.entered);
	for (size_t i = 0; i < OUTSIDE_ACTS; i++)
		if (seen.after[i] != outside_acts[i].expected)
			fail_msg("%s after: %s", outside_acts[i].name,
			    strerror(seen.after[i]));
	assert_int_equal(seen.write_root, EROFS);
	assert_true(seen.host_is_ours);
}

/* ---- 8: limits ---- */

static void
given_limits_alone_then_no_more_can_be_had(void **state)
{
	static const struct {
		alone_act *act;
		int expected;
	} acts[] = {
		{act_many_files, EMFILE},
		{act_long_file, EFBIG},
		{act_fork, EAGAIN},
		{act_core, EPERM},
#if !SANDBOX_IS_INSTRUMENTED
		{act_much_memory, ENOMEM},
#endif
	};
	struct sandbox_plan plan = nothing;

	(void)state;
	plan.limit_files = 16;
	plan.limit_file_len = 4096;
	plan.limit_memory_len = 512 << 20;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		alone_stops(ALONE_ORDINARY, sandbox_set_limits, &plan,
		    acts[i].act, acts[i].expected);
}

/* ---- 9 to 11: uids and capabilities, as root ---- */

static void
given_bounded_privileges_alone_then_exec_gives_root_nothing(void **state)
{
	(void)state;
	alone_stops(ALONE_AS_STARTED, sandbox_bound_privileges, &nothing,
	    act_exec_chroot, EPERM);
	alone_stops(ALONE_AS_STARTED, sandbox_bound_privileges, &nothing,
	    act_bounding_set, EPERM);
	alone_stops(ALONE_AS_STARTED, sandbox_bound_privileges, &nothing,
	    act_securebits, EPERM);
}

static void
given_another_user_alone_then_root_cannot_be_had_back(void **state)
{
	struct sandbox_plan plan = nothing;

	(void)state;
	plan.uid = plan.gid = ALONE_UID;
	alone_stops(ALONE_AS_STARTED, sandbox_change_user, &plan,
	    act_open_private, EACCES);
	alone_stops(ALONE_AS_STARTED, sandbox_change_user, &plan,
	    act_become_root, EPERM);
	alone_stops(ALONE_AS_STARTED, sandbox_change_user, &plan,
	    act_stay_in_group, EPERM);
}

static void
given_no_capabilities_alone_then_root_can_do_nothing_special(void **state)
{
	(void)state;
	alone_stops(ALONE_AS_STARTED, sandbox_drop_capabilities, &nothing,
	    act_chroot, EPERM);
}

/* ---- 12 to 14: attributes ---- */

static char set_uid_program[300];

static int
act_set_uid_program(void)
{
	char *argv[] = {set_uid_program, "root", NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execv(set_uid_program, argv);
		_exit(255);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WEXITSTATUS(status);
}

/* A copy of this program that would be root whoever starts it. */
static void
make_set_uid(const char *directory)
{
	struct stat ours;
	int from, to;

	snprintf(
	    set_uid_program, sizeof(set_uid_program), "%s/set-uid", directory);
	from = open(walls_program, O_RDONLY | O_CLOEXEC);
	to = open(set_uid_program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_true(from >= 0 && to >= 0 && fstat(from, &ours) == 0);
	for (off_t done = 0; done < ours.st_size;)
		assert_true(sendfile(to, from, &done, 1 << 20) > 0);
	assert_int_equal(fchmod(to, 04755), 0);
	close(from);
	close(to);
	assert_int_equal(chmod(directory, 0755), 0);
}

static void
given_no_new_privileges_alone_then_a_set_uid_program_has_none(void **state)
{
	char directory[] = "/tmp/walls.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(directory));
	make_set_uid(directory);
	alone_stops(ALONE_ORDINARY, sandbox_gain_nothing, &nothing,
	    act_set_uid_program, EPERM);
	unlink(set_uid_program);
	rmdir(directory);
}

static pid_t looked_at;

static int
act_look_into(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", looked_at);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && close(fd) == 0 ? 0 : errno;
}

/* The step is another's: a child of the one that looks takes it. */
static bool
hide_child(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	char byte;
	int order[2], done[2];

	if (pipe(order) != 0 || pipe(done) != 0)
		return false;
	looked_at = fork();
	if (looked_at == 0) {
		close(order[1]);
		byte = sandbox_hide(plan, report) ? '+' : '-';
		_exit(write(done[1], &byte, 1) == 1 &&
			      read(order[0], &byte, 1) == 0
			  ? 0
			  : 1);
	}
	return looked_at > 0 && read(done[0], &byte, 1) == 1 && byte == '+';
}

static bool
hide_not(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	(void)plan;
	(void)report;
	return true;
}

static int
look_at_own_child(void)
{
	if (looked_at == 0)
		looked_at = getpid();
	return act_look_into();
}

static void
given_undumpable_alone_then_the_same_user_cannot_look_into_it(void **state)
{
	(void)state;
	looked_at = 0;
	alone_stops(ALONE_ORDINARY, hide_not, &nothing, look_at_own_child, 0);
	alone_stops(
	    ALONE_ORDINARY, hide_child, &nothing, look_at_own_child, EACCES);
}

/* Whether a child with that step outlives its parent. */
static bool
outlives(sandbox_step *step)
{
	int entered[2], order[2], answer[2];
	char byte = 0;
	pid_t parent;
	ssize_t got;

	assert_int_equal(pipe(entered) | pipe(order) | pipe(answer), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		struct sandbox_report report;

		if (fork() == 0) {
			close(order[1]);
			if (!step(&nothing, &report) ||
			    write(entered[1], "+", 1) != 1 ||
			    read(order[0], &byte, 1) != 1 ||
			    write(answer[1], &byte, 1) != 1)
				_exit(1);
			_exit(0);
		}
		_exit(read(entered[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(entered[1]);
	close(order[0]);
	close(answer[1]);
	/* When the parent can be waited for its children know of its end. */
	assert_int_equal(alone_end(parent), 0);
	/* Fails when nobody is left to read it. */
	got = write(order[1], "?", 1);
	if (got == 1)
		got = read(answer[0], &byte, 1);
	close(entered[0]);
	close(order[1]);
	close(answer[0]);
	return got == 1;
}

static void
given_the_parents_death_signal_alone_then_it_does_not_outlive_it(void **state)
{
	(void)state;
	assert_true(outlives(hide_not));
	assert_false(outlives(sandbox_end_with_parent));
}

static void
given_fixed_code_alone_then_no_memory_becomes_executable(void **state)
{
	(void)state;
	need_kernel(alone_stops(ALONE_AS_STARTED, sandbox_fix_code, &nothing,
			act_make_executable, EACCES),
	    "MDWE");
	alone_stops(ALONE_AS_STARTED, sandbox_fix_code, &nothing,
	    act_map_executable, EACCES);
}

/* ---- 15: Landlock ---- */

static void
given_landlock_alone_then_no_file_port_or_process_is_reached(void **state)
{
	static const struct {
		alone_act *act;
		int expected;
	} acts[] = {
	    {outside_open, EACCES},
	    {outside_bind, EACCES},
	    {outside_connect, EACCES},
	    {outside_connect_abstract, EPERM},
	    {outside_signal, EPERM},
	};

	(void)state;
	outside_begin();
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		need_kernel(
		    alone_stops(ALONE_AS_STARTED, sandbox_restrict_files,
			&nothing, acts[i].act, acts[i].expected),
		    "a part of Landlock");
	outside_end();
}

static int kept = -1;

static int
act_make_kept(void)
{
	int fd = openat(kept, "made", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 && close(fd) == 0 && unlinkat(kept, "made", 0) == 0
		   ? 0
		   : errno;
}

static int
act_make_directory(void)
{
	return mkdirat(kept, "directory", 0700) == 0 &&
		       unlinkat(kept, "directory", AT_REMOVEDIR) == 0
		   ? 0
		   : errno;
}

static void
given_landlock_alone_then_files_are_made_in_the_rooms_directory_only(
    void **state)
{
	char directory[] = "/tmp/walls.XXXXXX";
	struct sandbox_plan plan = nothing;

	(void)state;
	assert_non_null(mkdtemp(directory));
	kept = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	plan.directories[0] = (struct sandbox_directory){kept, "kept", false};
	plan.directory_count = 1;
	alone_stops(
	    ALONE_AS_STARTED, sandbox_restrict_files, &plan, act_make_kept, 0);
	(void)alone_stops(ALONE_AS_STARTED, sandbox_restrict_files, &plan,
	    act_make_directory, EACCES);
	close(kept);
	rmdir(directory);
}

/* ---- 16: seccomp ---- */

static void
given_the_filter_alone_then_a_call_without_a_rule_kills(void **state)
{
	struct sandbox_plan plan = nothing;

	(void)state;
	plan.filter = keyd_policy;
	plan.filter_len = KEYD_POLICY_LEN;
	outside_begin();
	alone_stops(ALONE_AS_STARTED, sandbox_filter_calls, &plan, outside_bind,
	    ALONE_KILLED);
	alone_stops(ALONE_AS_STARTED, sandbox_filter_calls, &plan,
	    outside_signal, ALONE_KILLED);
	alone_stops(ALONE_AS_STARTED, sandbox_filter_calls, &plan, act_fork,
	    ALONE_KILLED);
	outside_end();
}

int
main(int argc, char *argv[])
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		given_the_start_alone_then_only_what_is_planned_passes),
	    cmocka_unit_test(
		given_namespaces_alone_then_nothing_of_the_outside_is_reached),
	    cmocka_unit_test(given_limits_alone_then_no_more_can_be_had),
	    cmocka_unit_test(
		given_undumpable_alone_then_the_same_user_cannot_look_into_it),
	    cmocka_unit_test(
		given_the_parents_death_signal_alone_then_it_does_not_outlive_it),
	    cmocka_unit_test(
		given_fixed_code_alone_then_no_memory_becomes_executable),
	    cmocka_unit_test(
		given_landlock_alone_then_no_file_port_or_process_is_reached),
	    cmocka_unit_test(
		given_landlock_alone_then_files_are_made_in_the_rooms_directory_only),
	    cmocka_unit_test(
		given_the_filter_alone_then_a_call_without_a_rule_kills),
	};
	static const struct CMUnitTest root_tests[] = {
	    cmocka_unit_test(
		given_the_start_alone_when_root_would_stay_then_it_is_refused),
	    cmocka_unit_test(
		given_bounded_privileges_alone_then_exec_gives_root_nothing),
	    cmocka_unit_test(
		given_another_user_alone_then_root_cannot_be_had_back),
	    cmocka_unit_test(
		given_no_capabilities_alone_then_root_can_do_nothing_special),
	    cmocka_unit_test(
		given_no_new_privileges_alone_then_a_set_uid_program_has_none),
	};
	static char path[512];
	int failed;

	if (argc > 1 && strcmp(argv[1], "chroot") == 0)
		return act_chroot();
	if (argc > 1 && strcmp(argv[1], "root") == 0)
		return geteuid() == 0 ? 0 : EPERM;
	if (argc > 1)
		return outside_room(argc, argv);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0 ||
	    setenv("WALLS", "1", 1) != 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) != 0)
		return 1;
	walls_program = path;
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Landlock and seccomp need it of whoever is not root. */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (geteuid() == 0) {
		failed += cmocka_run_group_tests(root_tests, NULL, NULL);
		failed += walls_run_as_ordinary_user();
	}
	return failed != 0;
}
