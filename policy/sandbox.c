/* SPDX-License-Identifier: ISC */
/*
 * A room shuts itself in, in the order that sandbox.h explains.  Nothing here
 * may be skipped on failure: either the room stands behind every wall that
 * this kernel has, or it does not run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/diag.h"
#include "policy/sandbox_steps.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define FDS_MAX 64

bool
sandbox_forbidden(int error)
{
	/* The limits of user.max_*_namespaces give ENOSPC. */
	return error == EPERM || error == EACCES || error == ENOSPC ||
	       error == EUSERS;
}

bool
sandbox_failed(const char *what)
{
	int reason = errno;

	diag_error("sandbox: %s: %s", what, strerror(reason));
	errno = reason;
	return false;
}

/* One name of /proc/self/fd; -1 for . and .. */
static int
fd_of_name(const char *name)
{
	int fd = 0;

	if (name[0] == '.')
		return -1;
	for (; *name >= '0' && *name <= '9' && fd < 100000000; name++)
		fd = fd * 10 + (*name - '0');
	return fd;
}

bool
sandbox_fds_exact(uint64_t mask)
{
	DIR *directory = opendir("/proc/self/fd");
	uint64_t found = 0;
	bool ok = true;

	if (directory == NULL)
		return sandbox_failed("/proc/self/fd");
	for (;;) {
		const struct dirent *entry;
		int fd;

		errno = 0;
		entry = readdir(directory);
		if (entry == NULL)
			break;
		fd = fd_of_name(entry->d_name);
		if (fd < 0 || fd == dirfd(directory))
			continue;
		if (fd >= FDS_MAX || (mask >> fd & 1) == 0) {
			diag_error(
			    "sandbox: fd %d is open and should not be", fd);
			ok = false;
			continue;
		}
		found |= UINT64_C(1) << fd;
	}
	if (errno != 0)
		ok = sandbox_failed("reading /proc/self/fd");
	if (closedir(directory) != 0)
		ok = sandbox_failed("closing /proc/self/fd");
	for (int fd = 0; fd < FDS_MAX; fd++) {
		if (((mask & ~found) >> fd & 1) != 0) {
			diag_error(
			    "sandbox: fd %d should be open and is not", fd);
			ok = false;
		}
	}
	if (!ok)
		errno = EBADF;
	return ok;
}

/*
 * Staying who one is is right for an ordinary user, who is uid 0 only inside
 * a user namespace that maps nobody else.  Root itself must become another.
 */
static bool
user_fits(const struct sandbox_plan *plan)
{
	unsigned inside, outside, count;
	FILE *map;
	int fields;

	errno = EPERM;
	if (plan->uid != SANDBOX_STAY)
		return (plan->uid != 0 && plan->gid != 0 &&
			   plan->gid != (gid_t)-1) ||
		       sandbox_failed("a room must not run as root");
	if (geteuid() != 0)
		return true;
	map = fopen("/proc/self/uid_map", "re");
	if (map == NULL)
		return sandbox_failed("/proc/self/uid_map");
	fields = fscanf(map, "%u %u %u", &inside, &outside, &count);
	fclose(map);
	errno = EPERM;
	if (fields != 3 || count != 1 || outside == 0)
		return sandbox_failed("a room must not run as root");
	return true;
}

/* All later walls but the seccomp filter stand for one thread only. */
static bool
single_thread(void)
{
	DIR *directory = opendir("/proc/self/task");
	const struct dirent *entry;
	int threads = 0;

	if (directory == NULL)
		return sandbox_failed("/proc/self/task");
	while ((entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.')
			threads++;
	closedir(directory);
	errno = EBUSY;
	return threads == 1 || sandbox_failed("the room has threads already");
}

bool
sandbox_check_start(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	if (SANDBOX_IS_INSTRUMENTED)
		report->missing |= SANDBOX_INSTRUMENTED;
	if (clearenv() != 0)
		return sandbox_failed("the environment");
	return sandbox_fds_exact(plan->fds) && user_fits(plan) &&
	       single_thread();
}

static bool
limit(__rlimit_resource_t resource, rlim_t most, const char *what)
{
	struct rlimit both = {.rlim_cur = most, .rlim_max = most};

	return setrlimit(resource, &both) == 0 || sandbox_failed(what);
}

bool
sandbox_set_limits(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	rlim_t memory = plan->limit_memory_len != 0 ? plan->limit_memory_len
						    : RLIM_INFINITY;

	(void)report;
	/* The sanitizer reserves terabytes of addresses. */
	return limit(RLIMIT_CORE, 0, "RLIMIT_CORE") &&
	       limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC") &&
	       limit(RLIMIT_NOFILE, plan->limit_files,
		   "RLIMIT_NOFILE (is max-connections above the hard limit?)") &&
	       limit(RLIMIT_FSIZE, plan->limit_file_len, "RLIMIT_FSIZE") &&
	       (SANDBOX_IS_INSTRUMENTED || memory == RLIM_INFINITY ||
		   limit(RLIMIT_AS, memory, "RLIMIT_AS"));
}

bool
sandbox_gain_nothing(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	(void)plan;
	(void)report;
	return (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		   prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) ||
	       sandbox_failed("no_new_privs");
}

bool
sandbox_hide(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	(void)plan;
	(void)report;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ||
	       sandbox_failed("undumpable");
}

bool
sandbox_end_with_parent(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	(void)plan;
	(void)report;
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ||
	       sandbox_failed("parent's death signal");
}

bool
sandbox_fix_code(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	(void)plan;
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
		return true;
	if (errno != EINVAL)
		return sandbox_failed("MDWE");
	report->missing |= SANDBOX_MDWE;
	return true;
}

bool
sandbox_filter_calls(
    const struct sandbox_plan *plan, struct sandbox_report *report)
{
	struct sock_fprog program = {
	    .len = plan->filter_len,
	    .filter = (struct sock_filter *)plan->filter,
	};

	(void)report;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ==
		   0 ||
	       sandbox_failed("seccomp");
}

/* Nothing else keeps ledgerd beneath its directories. */
static bool
stay_beneath(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	const uint32_t both = SANDBOX_NAMESPACES | SANDBOX_LANDLOCK;

	(void)plan;
	if ((report->missing & both) != both)
		return true;
	diag_error("sandbox: without namespaces ([sandbox] namespaces = off) a "
		   "room needs Landlock, which this kernel has not: switch one "
		   "of them on");
	errno = ENOSYS;
	return false;
}

/* What to do where the system forbids what its kernel could. */
static enum sr_error
failed_at(sandbox_step *step)
{
	if (step == sandbox_check_start)
		return SR_INTERNAL;
	if (step == sandbox_isolate && sandbox_forbidden(errno))
		diag_error("sandbox: " SANDBOX_SWITCH_OFF, "strongroom.conf");
	else if (errno != EPERM && errno != EACCES)
		return SR_IO;
	else
		diag_error("sandbox: the kernel has this wall and something "
			   "forbids it, such as a container's own filter of "
			   "system calls, which must allow it");
	return SR_PERMISSION;
}

enum sr_error
sandbox_enter(const struct sandbox_plan *plan, struct sandbox_report *report)
{
	static sandbox_step *const steps[] = {
	    sandbox_check_start,
	    sandbox_isolate,
	    sandbox_set_limits,
	    sandbox_bound_privileges,
	    sandbox_change_user,
	    sandbox_drop_capabilities,
	    sandbox_gain_nothing,
	    sandbox_hide,
	    sandbox_end_with_parent,
	    sandbox_fix_code,
	    sandbox_restrict_files,
	    stay_beneath,
	    sandbox_filter_calls,
	};

	*report = (struct sandbox_report){0};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!steps[i](plan, report))
			return failed_at(steps[i]);
	}
	return SR_OK;
}

static const struct {
	enum sandbox_layer layer;
	const char *name;
	const char *text;
} layers[] = {
    {SANDBOX_NAMESPACES, "namespaces",
	"namespaces ([sandbox] namespaces = off)"},
    {SANDBOX_LANDLOCK, "landlock",
	"Landlock (needs Linux 5.13 that starts with lsm=landlock)"},
    {SANDBOX_LANDLOCK_CUT, "landlock-truncate",
	"Landlock for cutting files (needs Linux 6.2)"},
    {SANDBOX_LANDLOCK_TCP, "landlock-tcp",
	"Landlock for TCP (needs Linux 6.7)"},
    {SANDBOX_LANDLOCK_DEVICE, "landlock-ioctl",
	"Landlock for devices (needs Linux 6.10)"},
    {SANDBOX_LANDLOCK_SCOPE, "landlock-scope",
	"Landlock for signals and abstract sockets (needs Linux 6.12)"},
    {SANDBOX_MDWE, "mdwe", "MDWE (needs Linux 6.3)"},
    {SANDBOX_MEMFD_SECRET, "memfd-secret",
	"memfd_secret (needs Linux 6.5, or secretmem.enable=1)"},
    {SANDBOX_MSEAL, "mseal", "mseal (needs Linux 6.10)"},
    {SANDBOX_INSTRUMENTED, "policy",
	"the narrow filter (built with a sanitizer)"},
};

void
sandbox_describe(uint32_t missing, char out[SANDBOX_TEXT_MAX])
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		int n;

		if ((missing & layers[i].layer) == 0)
			continue;
		n = snprintf(out + used, SANDBOX_TEXT_MAX - used, "%s%s",
		    used > 0 ? ", " : "", layers[i].text);
		if (n < 0 || (size_t)n >= SANDBOX_TEXT_MAX - used)
			return;
		used += (size_t)n;
	}
}

const char *
sandbox_missing_name(uint32_t missing, size_t n)
{
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if ((missing & layers[i].layer) != 0 && n-- == 0)
			return layers[i].name;
	return NULL;
}
