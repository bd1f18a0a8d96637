/* SPDX-License-Identifier: ISC */
/*
 * Namespaces of its own and an empty root: the room has nothing to open, no
 * network to reach and nobody to signal.  It must never leave a way back: no
 * fd, working directory or mount of the outside stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/sandbox_steps.h"

/* Where the new root is put together; any directory of the outside would do,
 * and what it holds is only hidden from this process. */
#define STAGE "/tmp"
#define MOUNT_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define OUTSIDE_PATH_MAX 4096

static bool
same_directory(int a, int b)
{
	struct stat first, second;

	if (fstat(a, &first) != 0 || fstat(b, &second) != 0)
		return false;
	if (first.st_dev == second.st_dev && first.st_ino == second.st_ino)
		return true;
	errno = ESTALE;
	return false;
}

/*
 * Puts the directory that is open at fd below the stage.  It is found by its
 * path, because a mount of the old namespace (as which it was opened) cannot
 * be bound into the new one; that it is still the same one is checked.
 */
static bool
bind_directory(const struct sandbox_directory *directory, int outside)
{
	char link[32];

	if (!same_directory(outside, directory->fd))
		return sandbox_failed("a directory is not the one given");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", outside);
	if (mkdir(directory->name, 0700) != 0)
		return sandbox_failed("a place for a directory");
	if (mount(link, directory->name, NULL, MS_BIND | MS_REC, NULL) != 0)
		return sandbox_failed("binding a directory into the root");
	if (mount(NULL, directory->name, NULL,
		MS_REMOUNT | MS_BIND | MOUNT_FLAGS, NULL) != 0)
		return sandbox_failed("flags of a directory");
	return true;
}

/* The fd now means the directory as it is seen from inside, so that ".."
 * ends at the empty root. */
static bool
reopen_directory(const struct sandbox_directory *directory)
{
	int inside = open(directory->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (inside < 0)
		return sandbox_failed("opening a directory from inside");
	ok = same_directory(inside, directory->fd) &&
	     dup3(inside, directory->fd, O_CLOEXEC) >= 0;
	if (close(inside) != 0 || !ok)
		return sandbox_failed("a directory as seen from inside");
	return true;
}

/* Puts the new root together at the stage, which becomes ".". */
static bool
build_root(const struct sandbox_plan *plan, const int *outside)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return sandbox_failed("making mounts private");
	if (mount("strongroom", STAGE, "tmpfs", MOUNT_FLAGS,
		"size=64k,nr_inodes=16,mode=0755") != 0)
		return sandbox_failed("mounting an empty root");
	if (chdir(STAGE) != 0)
		return sandbox_failed("going to the new root");
	for (size_t i = 0; i < plan->directory_count; i++)
		if (!bind_directory(&plan->directories[i], outside[i]))
			return false;
	return true;
}

static bool
change_root(const struct sandbox_plan *plan)
{
	/* The old root ends up on top of the new one and is taken off. */
	if (syscall(SYS_pivot_root, ".", ".") != 0)
		return sandbox_failed("pivot_root");
	if (umount2(".", MNT_DETACH) != 0)
		return sandbox_failed("leaving the old root");
	if (chdir("/") != 0)
		return sandbox_failed("going to /");
	for (size_t i = 0; i < plan->directory_count; i++)
		if (!reopen_directory(&plan->directories[i]))
			return false;
	if (mount(NULL, "/", NULL,
		MS_REMOUNT | MS_BIND | MS_RDONLY | MOUNT_FLAGS, NULL) != 0)
		return sandbox_failed("making the root read-only");
	return true;
}

static bool
new_root(const struct sandbox_plan *plan, const char paths[2][OUTSIDE_PATH_MAX])
{
	int outside[2] = {-1, -1};
	bool ok = true;

	for (size_t i = 0; ok && i < plan->directory_count; i++) {
		outside[i] = open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (outside[i] < 0)
			ok = sandbox_failed("opening a directory again");
	}
	ok = ok && build_root(plan, outside) && change_root(plan);
	for (size_t i = 0; i < plan->directory_count; i++)
		if (outside[i] >= 0 && close(outside[i]) != 0)
			ok = sandbox_failed("closing a directory");
	return ok;
}

bool
sandbox_isolate(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	static char paths[2][OUTSIDE_PATH_MAX];

	if (!plan->namespaces) {
		report->missing |= SANDBOX_NAMESPACES;
		return true;
	}
	/* The clone came with the pid namespace; nothing else could. */
	if (getpid() != 1) {
		errno = EPERM;
		return sandbox_failed("not process 1 of a pid namespace");
	}
	for (size_t i = 0; i < plan->directory_count; i++) {
		char link[32];
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%d",
		    plan->directories[i].fd);
		len = readlink(link, paths[i], sizeof(paths[i]) - 1);
		if (len < 0)
			return sandbox_failed("the path of a directory");
		paths[i][len] = '\0';
	}
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
		    CLONE_NEWCGROUP) != 0)
		return sandbox_failed("namespaces");
	return new_root(plan, (const char(*)[OUTSIDE_PATH_MAX])paths);
}
