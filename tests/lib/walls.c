/* SPDX-License-Identifier: ISC */
/*
 * Starts the room of walls_room.c as strongroomd would start it, and looks at
 * it from outside.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/walls.h"

#define ORDINARY_UID 65534

const char *walls_program;

void
walls_place(struct walls_room_process *room)
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
		assert_int_equal(chown(path, WALLS_UID, WALLS_UID), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
remove_file(const struct walls_room_process *room, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", room->directory, name);
	remove(path);
}

static void
finish(struct walls_room_process *room)
{
	static const char *const names[] = {"ledger/kept", "ledger/made",
	    "ledger", "audit/directory", "audit", "outside", ""};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_file(room, names[i]);
	close(room->control);
}

int
walls_end(struct walls_room_process *room)
{
	int status = 0;

	shutdown(room->control, SHUT_WR);
	assert_int_equal(waitpid(room->pid, &status, 0), room->pid);
	finish(room);
	return status;
}

bool
walls_answers(int control, char expected)
{
	char answer = 0;

	return read(control, &answer, 1) == 1 && answer == expected;
}

size_t
walls_fds(
    enum room_name name, struct walls_room_process *room, int control, int *fds)
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
		while (count < FD_UNLOCK_TOLD)
			fds[count++] = -1;
		fds[count++] = null;
		fds[FD_UNLOCK_SECRET] = control;
		break;
	}
	return count;
}

void
walls_start(struct walls_room_process *room, enum room_name name,
    bool namespaces, int extra_fd)
{
	char number[] = {(char)('0' + name), '\0'}, uid[16];
	char *argv[14] = {(char *)walls_program, number, "--namespaces",
	    namespaces ? "1" : "0"};
	int pair[2], fds[WALLS_FDS_MAX], n = 4;
	size_t count;

	walls_place(room);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	count = walls_fds(name, room, pair[1], fds);
	if (extra_fd >= 0)
		fds[count++] = extra_fd;
	snprintf(uid, sizeof(uid), "%d", WALLS_UID);
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
	assert_int_equal(sandbox_spawn(walls_program, argv, fds, count,
			     namespaces, &room->pid),
	    SR_OK);
	for (size_t i = 0; i < count; i++)
		if (fds[i] > 2)
			close(fds[i]);
	room->control = pair[0];
	room->shut_in = walls_answers(room->control, '+');
}

void
walls_start_room(
    struct walls_room_process *room, enum room_name name, bool namespaces)
{
	walls_start(room, name, namespaces, -1);
	assert_true(room->shut_in);
}

bool
walls_order(struct walls_room_process *room, const char *what, char expected)
{
	assert_int_equal(
	    write(room->control, what, strlen(what)), (ssize_t)strlen(what));
	return walls_answers(room->control, expected);
}

const char *
walls_status(pid_t pid, const char *name)
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

bool
walls_namespaces(void)
{
	static int known = -1;
	struct walls_room_process room;

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

bool
walls_limit_is_zero(pid_t pid, const char *name)
{
	char path[64], line[256];
	bool zero = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned long soft, hard;

		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), "%lu %lu", &soft, &hard) == 2)
			zero = soft == 0 && hard == 0;
	}
	assert_int_equal(fclose(file), 0);
	return zero;
}

size_t
walls_count(pid_t pid, const char *name, bool lines)
{
	char path[64];
	size_t count = 0;
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((c = getc(file)) != EOF)
		count += !lines || c == '\n';
	assert_int_equal(fclose(file), 0);
	return count;
}

int
walls_run_as_ordinary_user(void)
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
		execl("/proc/self/exe", walls_program, (char *)NULL);
		_exit(126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (WEXITSTATUS(status) == 126) {
		printf("skipped: an ordinary user cannot reach %s\n",
		    walls_program);
		return 0;
	}
	return status != 0;
}
