/* SPDX-License-Identifier: ISC */
#ifndef POLICY_SANDBOX_H
#define POLICY_SANDBOX_H
/*
 * The walls of a room.  strongroomd starts a room with sandbox_spawn() (steps
 * 1 to 3), the room reads its options and secrets and then shuts itself in
 * with sandbox_enter() (steps 4 to 17).  From then on it can use what it
 * holds and get nothing new.
 *
 * In strongroomd, for each room:
 *
 *  1. A new pid namespace, and a user namespace when not root, come with the
 *     clone itself: only so is the room process 1 without a stub between it
 *     and strongroomd, and only so do its exit status and SIGSYS reach
 *     strongroomd.  A process 1 ignores SIGTERM unless it has a handler.
 *  2. In the child: PDEATHSIG, so that no room outlives strongroomd even if
 *     it dies in the middle of the following; the single line of the user
 *     namespace's maps.
 *  3. Exactly the fds of fds.h, an empty environment, exec.
 *
 * In the room:
 *
 *  4. Clear the environment: nothing later can be steered by a variable.
 *  5. Exact fd check: first, because /proc is still visible, and because an
 *     unexpected fd (a directory, a socket) would make the walls useless.
 *  6. Namespaces mnt, net, ipc, uts, cgroup: they need CAP_SYS_ADMIN, which
 *     goes away below.
 *  7. pivot_root to an empty read-only tmpfs; ledgerd's holds its directories
 *     as bind mounts and nothing else: needs CAP_SYS_ADMIN, too.
 *  8. rlimits: CORE 0, NPROC 0, NOFILE, FSIZE, AS: before the uid goes, so
 *     that hard limits count against the room as it will be.
 *  9. Bounding set emptied, securebits set and locked: so that no exec and no
 *     setuid could give a capability back.  Needs CAP_SETPCAP.
 * 10. Supplementary groups, gid, uid (as root), each read back: needs
 *     CAP_SETGID and CAP_SETUID, and drops most capabilities.
 * 11. capset to nothing, read back: the rest of them.
 * 12. no_new_privs: a condition of 15 and 16.
 * 13. Undumpable, and PDEATHSIG again: both were reset when uid and
 *     capabilities changed.
 * 14. MDWE (memory is never writable and executable, nor becomes executable):
 *     after the loader has relocated everything.
 * 15. Landlock: needs a few system calls that the filter does not allow.
 * 16. seccomp, KILL_PROCESS: last, because it forbids all of the above.
 *
 * Every failure is fatal, except where the kernel does not know the thing
 * (ENOSYS, EINVAL): then it is written in the report.  Where namespaces are
 * forbidden EPERM is fatal unless the plan says namespaces = false; 4, 5 and
 * 8 to 16 are in force without them, too.  Landlock then is the only wall
 * around ledgerd's directories: a kernel without it is fatal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/filter.h>

#include "common/error.h"

/*
 * What may be missing: bits of sandbox_report.missing, and the two of keyd's
 * memory (common/secret.h), which keyd adds.  Landlock ABI 2 brought what only
 * loosens it: below, no file is ever moved to another directory.
 */
enum sandbox_layer {
	SANDBOX_NAMESPACES = 1 << 0,     /* switched off by the configuration */
	SANDBOX_LANDLOCK = 1 << 1,       /* a kernel without it */
	SANDBOX_LANDLOCK_TCP = 1 << 2,   /* Landlock ABI below 4 */
	SANDBOX_LANDLOCK_SCOPE = 1 << 3, /* Landlock ABI below 6 */
	SANDBOX_MDWE = 1 << 4,           /* Linux below 6.3 */
	SANDBOX_INSTRUMENTED = 1 << 5,   /* a sanitizer's build: wider policy */
	SANDBOX_LANDLOCK_CUT = 1 << 6,   /* Landlock ABI below 3 */
	SANDBOX_LANDLOCK_DEVICE = 1 << 7, /* Landlock ABI below 5 */
	SANDBOX_MEMFD_SECRET = 1 << 8,    /* keyd: locked pages instead */
	SANDBOX_MSEAL = 1 << 9,           /* keyd: keys could be unmapped */
};

enum { SANDBOX_TEXT_MAX = 512 }; /* all of them described, and a NUL */

struct sandbox_report {
	uint32_t missing; /* of enum sandbox_layer */
	int landlock_abi; /* 0: none */
};

/* A directory that the room keeps: its fd and its name below the new root. */
struct sandbox_directory {
	int fd;
	const char *name;
	bool has_directories; /* the room makes and removes some in it */
};

#define SANDBOX_STAY ((uid_t)-1)

struct sandbox_plan {
	const char *room; /* for messages */
	uid_t uid; /* whom to become; SANDBOX_STAY where strongroomd is not
		      root: it stays who it is */
	gid_t gid;
	bool namespaces;
	uint64_t fds; /* bit n: fd n is open; exactly these, all below 64 */
	struct sandbox_directory directories[2];
	size_t directory_count;
	const struct sock_filter *filter; /* from policyc */
	unsigned short filter_len;
	uint64_t limit_files;      /* RLIMIT_NOFILE */
	uint64_t limit_file_len;   /* RLIMIT_FSIZE, bytes */
	uint64_t limit_memory_len; /* RLIMIT_AS, bytes; 0: unlimited */
};

/*
 * Puts the calling process behind the walls.  Everything that opens a file
 * or makes a thread lazily (tzset, OpenSSL, the random number generator) must
 * have been used before.  The fds in plan->directories are replaced by the
 * same directories seen from inside the new root.
 *
 * SR_OK, or the first failure, after a line that names the step and errno:
 * SR_PERMISSION (EPERM, EACCES), SR_INTERNAL (the plan does not fit the
 * process: fds, uid, already several threads), SR_IO (anything else).  The
 * process must end then: some steps may be in force.
 */
enum sr_error sandbox_enter(
    const struct sandbox_plan *plan, struct sandbox_report *report);

/* True if exactly the fds of the mask are open; else prints which are not. */
bool sandbox_fds_exact(uint64_t mask);

/*
 * "namespaces ([sandbox] namespaces = off), MDWE (needs Linux 6.3)": what
 * lacks, and what would bring it; "" when nothing does.
 */
void sandbox_describe(uint32_t missing, char out[SANDBOX_TEXT_MAX]);

/*
 * The same for programs: the name of the n-th that is missing, from 0 on, as
 * "landlock-tcp"; NULL when there are no more.
 */
const char *sandbox_missing_name(uint32_t missing, size_t n);

/*
 * Starts program with argv and with fds[i] as its fd i (-1: closed, not
 * allowed below 3), fd_count of them, and an empty environment; everything
 * else is closed.  With namespaces: process 1 of a new pid namespace, and in
 * a user namespace of its own when the caller is not root.  The child is
 * killed when the calling thread ends.
 *
 * SR_OK and *pid; SR_PERMISSION when namespaces are forbidden; SR_IO.  That
 * exec failed is told by the child's exit status 127 and a line on stderr.
 */
enum sr_error sandbox_spawn(const char *program, char *const argv[],
    const int *fds, size_t fd_count, bool namespaces, pid_t *pid);

#endif
